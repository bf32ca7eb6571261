using Plimsoll.ContentTrust;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Registry;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Cli.Commands;

/// <summary>What <c>trust import</c> is to sign, with what, and where.</summary>
internal sealed record TrustImport
{
    public required IReadOnlyList<string> Keys { get; init; }
    public required PassphraseSource Passphrases { get; init; }

    /// <summary>Where images are and signatures go; null: the registry that the collection is named after.</summary>
    public string? Store { get; init; }

    /// <summary>A bundle file for the signatures in place of the store.</summary>
    public string? Output { get; init; }

    /// <summary>Patterns of roles, in the order of their weight.</summary>
    public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>Empty: every tag.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];
    public bool DryRun { get; init; }
}

/// <content>Signing anew.</content>
internal sealed partial class TrustRun
{
    /// <summary>One tag with the image that it names, as the store has it.</summary>
    private sealed record Imported(TrustedTarget Target, SignSubject Subject);

    public int Import(TrustImport import, CancellationToken cancellationToken)
    {
        if (import.Store is not null && import.Store.Contains('@', StringComparison.Ordinal))
            throw CommandException.Usage("--store names a repository, a layout or an archive, not one image");
        if (import.Output is not null)
            new OutputTarget("bundle", import.Output).Check();
        (TrustedCollection collection, _) = Read(cancellationToken);
        List<TrustedTarget> targets = Choose(collection, import);
        string store = import.Store ?? $"registry:{collection.Gun}";
        try
        {
            using OpenedSource source = ArtifactStores.OpenSource(store, Images, cancellationToken);
            List<Imported> found = [];
            foreach (TrustedTarget target in targets)
                if (Find(source.Store, target, collection.Gun, cancellationToken) is { } image)
                    found.Add(image);
            if (import.DryRun)
                foreach (Imported one in found)
                    Say(Catalogue.TrustWouldImport, one);
            else if (found.Count > 0)
                Sign(collection, found, import, store, targets.Count, cancellationToken);
            return found.Count == targets.Count ? ExitCode.Done : ExitCode.Undecided;
        }
        catch (ImageException e)
        {
            throw new CommandException(ExitCode.Undecided, ImageFailure.Named(store, Escape.ForTerminal(e.Message)), ImageFailure.HintOf(store, e), e);
        }
    }

    /// <summary>For each tag what the first role says that names it, as Docker takes it.</summary>
    private static List<TrustedTarget> Choose(TrustedCollection collection, TrustImport import)
    {
        SortedDictionary<string, TrustedTarget> chosen = new(StringComparer.Ordinal);
        foreach (string pattern in import.Roles)
        {
            if (collection.Remarks.FirstOrDefault(r => r.Code != "outside-paths" && Glob.Matches(pattern, r.Role)) is { } unread)
                throw new CommandException(ExitCode.Refused, Escape.ForTerminal(unread.Text), "what it says would come first, and is not known; --role names the roles that are to count");
            foreach (TrustedTarget target in collection.Targets.Where(t => Glob.Matches(pattern, t.Role)))
                if (import.Tags.Count == 0 || import.Tags.Contains(target.Name, StringComparer.Ordinal))
                    chosen.TryAdd(target.Name, target);
        }
        if (import.Tags.FirstOrDefault(t => !chosen.ContainsKey(t)) is { } missing)
            throw new CommandException(ExitCode.Refused, $"no role that counts names {Escape.Quote(missing)}", $"roles: {string.Join(", ", import.Roles)}");
        return [.. chosen.Values];
    }

    /// <summary>Null with a remark when the image is not there, or is not what the collection says.</summary>
    private Imported? Find(IArtifactSource store, TrustedTarget target, string gun, CancellationToken cancellationToken)
    {
        if (!RegistryName.IsTag(target.Name) || target.Meta.Sha256.IsEmpty)
            return LeftOut(target, target.Meta.Sha256.IsEmpty ? "it has no sha256" : "it is no tag of an image");
        string digest = DigestOf(target);
        try
        {
            if (store.FindManifest(digest, cancellationToken) is not { } manifest)
                return LeftOut(target, $"{store.Name} has no {digest}");
            if (target.Meta.Difference(manifest.Bytes.Span) is { } different)
                return LeftOut(target, different);
            return new Imported(target, SignSubject.Of($"{gun}:{target.Name}", new OpenedSource(store, digest), d => $"{gun}@{d}", gun, null, cancellationToken));
        }
        catch (ImageException e)
        {
            return LeftOut(target, e.Message);
        }
    }

    private Imported? LeftOut(TrustedTarget target, string why)
    {
        context.Error.WriteLine($"plimsoll: {Catalogue.TrustLeftOut.In(context.Language, Escape.Quote(target.Name), Escape.ForTerminal(why))}");
        return null;
    }

    private void Sign(TrustedCollection collection, List<Imported> images, TrustImport import, string store, int wanted, CancellationToken cancellationToken)
    {
        List<ISigner> signers = [];
        try
        {
            foreach (string key in import.Keys)
                signers.Add(new KeyStore(context).OpenSigner(key, import.Passphrases, cancellationToken));
            if (signers.DistinctBy(s => s.PublicKey.Id).Count() != signers.Count)
                throw CommandException.Usage("two of the keys are the same key");
            using OpenedTarget target = ArtifactStores.OpenTarget(import.Output is not null ? $"oci-archive:{import.Output}" : store, Images, cancellationToken);
            Action<CancellationToken> complete = target.Batch();
            List<(Text Text, Imported Image)> lines = [];
            foreach (Imported image in images)
                lines.Add((Write(collection, image, target.Store, signers, cancellationToken) > 0 ? Catalogue.TrustImported : Catalogue.TrustPresent, image));
            complete(cancellationToken);
            foreach ((Text text, Imported image) in lines)
                Say(text, image);
            context.Out.WriteLine(Catalogue.TrustImportDone.In(context.Language, images.Count, wanted, Escape.ForTerminal(target.Store.Name), string.Join(", ", signers.Select(s => s.PublicKey.Id[..16] + "…"))));
        }
        catch (KeyException e)
        {
            throw new CommandException(ExitCode.Undecided, e.Message, e.Hint, e);
        }
        finally
        {
            foreach (ISigner signer in signers)
                signer.Dispose();
        }
    }

    /// <summary>Signs what the tag names, and the images of each platform, which an index names by digest. The signature states the tag, so that <c>match: exact</c> holds it.</summary>
    /// <returns>How many signatures and bundles were written.</returns>
    private int Write(TrustedCollection collection, Imported image, IArtifactTarget target, List<ISigner> signers, CancellationToken cancellationToken)
    {
        ImageSigner signer = new(target, signers, $"{collection.Gun}:{image.Target.Name}", null, context.Time);
        byte[] predicate = ContentTrustPredicate.ToJson(collection, image.Target);
        int written = 0;
        if (image.Subject.Index is { } index)
            SignOne(index, "index");
        foreach (SignImage one in image.Subject.Images)
            SignOne(one.Subject!, "manifest");
        return written;

        void SignOne(SubjectDescriptor subject, string name)
        {
            IReadOnlyList<Plimsoll.Sign.Subject> subjects = [new Plimsoll.Sign.Subject(name, subject.Digest)];
            Evidence present = EvidenceReader.Read(target, new ImageDigests(null, subject.Digest, null), EvidenceLimits.Default, cancellationToken);
            written += signer.Attest(subject, new Statement(subjects, ContentTrustPredicate.Type, predicate), present, cancellationToken);
            written += signer.Sign(subject, subjects, present, cancellationToken);
        }
    }

    private void Say(Text text, Imported image) => context.Out.WriteLine(text.In(context.Language, Escape.ForTerminal(image.Target.Name), DigestOf(image.Target), image.Target.Role));
}
