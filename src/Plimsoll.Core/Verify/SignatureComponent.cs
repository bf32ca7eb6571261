using System.Globalization;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>Signatures over the image's manifest: enough different keys, for this digest, under a name that is allowed.</summary>
internal static class SignatureComponent
{
    public static void Judge(TrustRun run)
    {
        if (run.Rule.Signatures is not { } quorum)
            return;
        SignerSearch search = new(run, quorum);
        // An image of an archive or a Docker host has no manifest; statements say which one its config belongs to, or the manifest's own bytes do.
        Digest? named = run.Image.Index ?? run.Image.Manifest;
        IReadOnlyList<Digest> roots = named is not null ? [named] : [.. ManifestLink.Find(run, quorum), .. ManifestLink.Proved(run), .. run.Rule.Match == SignedName.Any ? [run.Image.Config] : Array.Empty<Digest>()];
        (Digest? best, HashSet<string> signers) = (null, []);
        foreach (Digest root in roots)
            if (search.SignersOf(root) is var found && (best is null || found.Count > signers.Count))
                (best, signers) = (root, found);
        if (named is not null)
            search.RejectOthers();
        bool enough = signers.Count >= quorum.Threshold;
        search.Rejected.Tell(run.Reasons, TrustComponents.Signature, enough ? Outcome.Passed : Outcome.Refused, run.At("signatures"));
        string wanted = quorum.Threshold.ToString(CultureInfo.InvariantCulture), names = string.Join(", ", search.NamesOf(signers));
        if (enough)
            run.Reasons.Say(TrustComponents.Signature, "signed", Outcome.Passed, run.At("signatures"), $"{signers.Count}", wanted, names);
        else if (roots.Count == 0)
            run.Reasons.Say(TrustComponents.Signature, "no-manifest", Outcome.Refused, run.At("signatures"), run.Image.Config.ToString());
        else if (signers.Count == 0)
        {
            search.TellStrangers();
            run.Reasons.Say(TrustComponents.Signature, "unsigned", Outcome.Refused, run.At("signatures"), (best ?? roots[0]).ToString());
        }
        else
            run.Reasons.Say(TrustComponents.Signature, "signature-threshold", Outcome.Refused, run.At("signatures"), $"{signers.Count}", wanted, names);
        if (run.Image.Index is not null && run.Rule.Platforms == SignedPlatforms.Each)
            JudgePlatforms(run, quorum, search);
    }

    private static void JudgePlatforms(TrustRun run, KeyQuorum quorum, SignerSearch search)
    {
        IEnumerable<JudgedPlatform> all = run.Image.Platforms;
        // What runs here is always among them, whatever the index says of itself.
        if (run.Image.Manifest is { } chosen && run.Image.Platforms.All(p => p.Manifest != chosen))
            all = all.Append(new JudgedPlatform(chosen, "chosen"));
        List<JudgedPlatform> platforms = [.. all];
        List<string> missing = [.. platforms.Where(p => search.SignersOf(p.Manifest).Count < quorum.Threshold).Select(p => $"{p.Platform} {p.Manifest}")];
        if (missing.Count == 0)
            run.Reasons.Say(TrustComponents.Platforms, "platforms-signed", Outcome.Passed, run.At("platforms"), $"{platforms.Count}");
        else
            run.Reasons.Add(TrustComponents.Platforms, "platform-unsigned", Outcome.Refused, run.At("platforms"), missing.Count, missing, [$"{missing.Count}", $"{platforms.Count}"]);
    }
}

/// <summary>Which keys of a quorum signed a manifest, and what does not count and why.</summary>
internal sealed class SignerSearch(TrustRun run, KeyQuorum quorum)
{
    private readonly IReadOnlyList<ProvingKey> _keys = run.Proofs.KeysOf(quorum.Keys);
    private readonly Dictionary<Digest, HashSet<string>> _found = [];
    private readonly Dictionary<Digest, List<ImageSignature>> _byManifest = ByManifest(run.Case.Evidence.Signatures);

    public Rejections Rejected { get; } = new();

    /// <summary>The different signers whose signature over this manifest counts, however often they signed.</summary>
    public HashSet<string> SignersOf(Digest manifest)
    {
        if (_found.TryGetValue(manifest, out HashSet<string>? known))
            return known;
        HashSet<string> signers = new(StringComparer.Ordinal);
        foreach (ImageSignature signature in _byManifest.TryGetValue(manifest, out List<ImageSignature>? attached) ? attached : [])
            if (run.Proofs.FindSigner(_keys, signature.Payload.Span, signature.All) is var proved && proved.Signers is not [ProvingKey key])
                Rejected.Add(proved.Problem, signature.Where);
            else if (ProblemOf(signature, key) is { } problem)
                Rejected.Add(problem, signature.Where);
            else
                signers.Add(key.Signer);
        if (run.Rule.Match == SignedName.Any)
            AddStatements(manifest, signers);
        return _found[manifest] = signers;
    }

    /// <summary>Statements state no name. Where none is asked for, those count that say no more than that these bytes are meant.</summary>
    private void AddStatements(Digest target, HashSet<string> signers)
    {
        foreach (ProvedStatement proved in run.Statements)
        {
            if (proved.Statement is not { } statement || !(statement.PredicateType == ImageSigner.SignedPredicate ? statement.Subjects.Any(s => s.Digest == target)
                : statement.PredicateType == MeasurementPredicate.Type && target != run.Image.Index && proved.IsAbout(run.Image) && statement.Subjects.Any(s => s.Digest == target)))
                continue;
            foreach (ProvingKey key in proved.Signers.Where(s => _keys.Any(k => k.Id == s.Id)))
                if ((run.IsRevoked(key) ? "key-revoked"
                    : run.RefusesOverride(PredicateOverride.Of(statement), TrustComponents.Signature, proved.Where) ? "overridden"
                    : run.IsBeforeMinimum(proved.Time) ? "before-minimum"
                    : run.Rule.Minimum.Counter > 0 ? "counter-below" : null) is { } problem)
                    Rejected.Add(problem, proved.Where);
                else
                    signers.Add(key.Signer);
        }
    }

    /// <summary>Says whose statements there are where none counts: those that name this image, by keys that the rule does not have.</summary>
    /// <remarks>
    /// What no key of the rule signed is not parsed: that the image's digest stands in it is seen in its bytes, of which none is hashed or checked again. The key's id is what the envelope says.
    /// </remarks>
    public void TellStrangers()
    {
        if (run.Rule.Match != SignedName.Any)
            return;
        HashSet<string> own = [.. _keys.SelectMany(k => (IEnumerable<string>)[k.Id, .. k.Parts])], strangers = new(StringComparer.Ordinal);
        byte[][] digests = [.. ((Digest?[])[run.Image.Config, run.Image.Manifest]).OfType<Digest>().Select(d => Encoding.ASCII.GetBytes(d.Hex))];
        List<string> examples = [];
        int count = 0;
        foreach (ProvedStatement proved in run.Statements)
        {
            DsseEnvelope envelope = proved.Attestation.Envelope;
            // One that says to be of a known key was changed since, or is no signature at all.
            if (proved.Problem != ProvedBy.Nobody.Problem || envelope.Signatures.Any(s => own.Contains(s.KeyId)) || !digests.Any(d => envelope.Payload.Span.IndexOf(d) >= 0))
                continue;
            count++;
            if (examples.Count < TrustReasons.MaxExamples)
                examples.Add(proved.Where);
            foreach (DsseSignature signature in envelope.Signatures.Take(MaxShownKeys))
                if (strangers.Count <= MaxShownKeys)
                    strangers.Add(Short(signature.KeyId));
        }
        if (count > 0)
            run.Reasons.Add(TrustComponents.Signature, UnknownKey, Outcome.Refused, run.At("signatures"), count, examples, [$"{count}", List(strangers), List(_keys.Select(k => $"{k.Name} {Short(k.Id)}"))]);

        static string Short(string id) => id.Length == 0 ? "-" : id.Length > ShownDigits ? id[..ShownDigits] : id;

        static string List(IEnumerable<string> keys) => string.Join(", ", keys.Take(MaxShownKeys)) + (keys.Skip(MaxShownKeys).Any() ? "…" : "");
    }

    public const string UnknownKey = "unknown-key";

    /// <summary>Of keys that a reason names, and of their ids.</summary>
    private const int MaxShownKeys = 3, ShownDigits = 16;

    /// <summary>Signatures that are attached to something else than the image do not count, and are told of.</summary>
    public void RejectOthers()
    {
        HashSet<Digest> own = [.. run.Image.Digests];
        foreach (JudgedPlatform platform in run.Image.Platforms)
            own.Add(platform.Manifest);
        // In the order in which their manifests came.
        foreach (KeyValuePair<Digest, List<ImageSignature>> other in _byManifest)
            if (!own.Contains(other.Key))
                foreach (ImageSignature signature in other.Value)
                    Rejected.Add("signature-digest", signature.Where);
    }

    public List<string> NamesOf(HashSet<string> signers)
    {
        HashSet<string> named = new(StringComparer.Ordinal);
        List<string> names = [];
        foreach (ProvingKey key in _keys)
            if (signers.Contains(key.Signer) && named.Add(key.Signer))
                names.Add(key.Name);
        return names;
    }

    private static Dictionary<Digest, List<ImageSignature>> ByManifest(IReadOnlyList<ImageSignature> signatures)
    {
        Dictionary<Digest, List<ImageSignature>> byManifest = [];
        foreach (ImageSignature signature in signatures)
        {
            if (!byManifest.TryGetValue(signature.Attached, out List<ImageSignature>? attached))
                byManifest.Add(signature.Attached, attached = []);
            attached.Add(signature);
        }
        return byManifest;
    }

    /// <summary>What is wrong with a signature that a key of the rule made; null when it counts.</summary>
    private string? ProblemOf(ImageSignature signature, ProvingKey key)
    {
        SimpleSigning payload;
        try
        {
            payload = SimpleSigning.Parse(signature.Payload, signature.Where);
        }
        catch (FormatException)
        {
            return "payload-malformed";
        }
        return run.IsRevoked(key) ? "key-revoked"
            : payload.Manifest != signature.Attached ? "signature-digest"
            : NameProblem(ImageName.Parse(payload.Reference))
            ?? (run.RefusesOverride(payload.Override is not null, TrustComponents.Signature, signature.Where) ? "overridden"
            : run.IsBeforeMinimum(payload.Timestamp) ? "before-minimum"
            : CounterOf(payload) < run.Rule.Minimum.Counter ? "counter-below"
            : null);
    }

    private string? NameProblem(ImageName signed)
    {
        if (run.Rule.Match == SignedName.Any)
            return null;
        bool allowed = signed.Repository.Length > 0 && (run.Rule.Repositories.Count > 0 ? run.Rule.Repositories.Any(r => Glob.Matches(r, signed.Repository)) : signed.Repository == run.Name.Repository);
        return !allowed ? "signature-repository" : run.Rule.Match == SignedName.Exact && (signed.Tag is null || signed.Tag != run.Name.Tag) ? "signature-tag" : null;
    }

    /// <summary>The signed annotation <c>counter</c>; 0 when there is none.</summary>
    private static long CounterOf(SimpleSigning payload) =>
        long.TryParse(payload.Optional.GetValueOrDefault("counter"), NumberStyles.None, CultureInfo.InvariantCulture, out long counter) ? counter : 0;
}
