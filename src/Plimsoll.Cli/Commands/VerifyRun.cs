using Plimsoll.Inspect.Reports;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Registry;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Cli.Commands;

/// <summary>One call of <c>verify</c>: each image is opened, what speaks for it is looked for, and both are judged.</summary>
internal sealed class VerifyRun(CliContext context, ScanServices services)
{
    public required Policy Policy { get; init; }

    /// <summary>Bundle files, layouts, and sigstore bundles in JSON; asked before what is beside the image.</summary>
    public IReadOnlyList<string> Bundles { get; init; } = [];
    public string? Revocations { get; init; }

    /// <summary>The name to judge by, in place of the image's own.</summary>
    public string? As { get; init; }

    /// <summary>A folder of Docker Content Trust metadata, or a notary server in place of the policy's; null: the policy's.</summary>
    public string? ContentTrust { get; init; }
    public bool Json { get; init; }
    public bool Quiet { get; init; }
    public ImageOptions Images { get; init; } = new();

    public int Run(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        foreach (string bundle in Bundles)
            CheckReadable(bundle);
        byte[]? revocations = Revocations is { } path ? ReadRevocations(path) : null;
        List<VerifyResult> results = [.. names.Select(name => One(name, revocations, cancellationToken))];
        if (Json)
        {
            using MemoryStream buffer = new();
            VerifyReport.WriteJson(buffer, results, Policy, AppVersion.Full);
            Subject.Write(context, buffer.ToArray(), OutputTarget.Parse("json", "--json"));
        }
        else if (!Quiet)
            VerifyReport.WriteTable(context.Out, results, Subject.TableFor(context, services));
        foreach (VerifyResult result in results)
            if (result.Failure is { } failure)
                context.WriteError(ImageFailure.Named(result.Image, Escape.ForTerminal(failure.Message)), ImageFailure.HintOf(result.Image, failure));
        return results.Exists(r => r.Verdict?.Outcome == Outcome.Refused) ? ExitCode.Refused
            : results.Exists(r => r.Verdict is not { Outcome: not Outcome.Undecided }) ? ExitCode.Undecided : ExitCode.Done;
    }

    private VerifyResult One(string name, byte[]? revocations, CancellationToken cancellationToken)
    {
        try
        {
            ImageReference reference = ImageReference.Parse(name);
            using Image image = ImageSource.Open(name, Images, cancellationToken);
            // A stream tells its config last, so that it is measured in any case.
            bool stream = image.ConfigDigest is null;
            MeasuredBytes measured = stream ? Measure(image, IsOnHost(reference, image), cancellationToken) : new MeasuredBytes(null, [], 0, false);
            if (image.ConfigDigest is not { } config)
                throw new ImageException(ImageError.Unsupported, $"{Escape.Quote(name)} is a folder of files, which nobody can have signed", "verify an image");
            IReadOnlyList<ImageName> names = NamesOf(reference, image);
            TrustNeeds needs = TrustJudge.NeedsOf(Policy, names);
            if (!stream && needs.Measurement)
                measured = Measure(image, IsOnHost(reference, image), cancellationToken);
            EvidenceCollector collector = new(Images, Bundles) { WantsRootManifest = needs.ContentTrust };
            JudgedImage judged = new()
            {
                Names = names,
                Index = image.IndexDigest,
                Manifest = image.ManifestDigest,
                Config = config,
                Created = CreatedOf(image),
            };
            (Evidence evidence, IReadOnlyList<JudgedPlatform> platforms) = collector.Collect(stream ? null : reference, judged, cancellationToken);
            judged = judged with { Platforms = platforms, RootManifest = collector.RootManifest };
            Counters counters = RevocationSource.CountersOf(context);
            TrustCase trustCase = new()
            {
                Image = judged,
                Evidence = evidence,
                Measured = measured.Value,
                Differences = measured.Differences,
                DifferencesBeyond = measured.Beyond,
                OnlyExported = measured.OnlyExported,
                ContentTrust = (gun, server) => ContentTrustSource.Open(ContentTrust, gun, server, Images),
                ContentTrustMemory = needs.ContentTrust ? new ContentTrustSource.Memory(context) : null,
                Revocations = revocations?.AsMemory(),
                SeenRevocations = counters.HighestRevocations,
                AcceptedRevocations = (list, family) => Remember(counters, list, family),
            };
            return new VerifyResult(name, judged, TrustJudge.Of(Policy, trustCase, context.Time.GetUtcNow(), cancellationToken), null);
        }
        catch (ImageException e)
        {
            return new VerifyResult(name, null, null, e);
        }
    }

    /// <summary>A list that proved to be newer than those seen before is remembered; one of the same counter with other content is refused.</summary>
    private bool Remember(Counters counters, RevocationList list, IReadOnlyList<string> family)
    {
        try
        {
            RevocationSource.Remember(counters, list, family, Revocations!);
            return true;
        }
        catch (CommandException)
        {
            return false;
        }
    }

    /// <param name="Value">Null where something differs, or nothing was to be measured.</param>
    /// <param name="Differences">What in the image is not as its config says, each with its layer.</param>
    /// <param name="Beyond">How many more there are.</param>
    /// <param name="OnlyExported">A daemon handed out the layers, and the files that containers run from were not looked at.</param>
    private sealed record MeasuredBytes(Measurement? Value, IReadOnlyList<string> Differences, int Beyond, bool OnlyExported);

    private static MeasuredBytes Measure(Image image, bool onHost, CancellationToken cancellationToken)
    {
        try
        {
            MeasureResult result = Measurer.Measure(image, new MeasureOptions(), cancellationToken);
            return result.Intact ? new MeasuredBytes(result.Measurement, [], 0, onHost && !result.ComparedUnpacked)
                : new MeasuredBytes(null, [.. result.Differences.Select(TextOf).DefaultIfEmpty("a layer")], result.LeftOut, false);
        }
        catch (ImageException e) when (image.ConfigDigest is not null && e.Error is ImageError.DiffIdMismatch or ImageError.DigestMismatch or ImageError.SizeMismatch)
        {
            return new MeasuredBytes(null, [e.Message], 0, false);
        }
    }

    /// <summary>Whether containers run from files that lie unpacked beside what was read. One with a manifest that Docker's name found is a registry's.</summary>
    private static bool IsOnHost(ImageReference reference, Image image) =>
        reference.Scheme is ImageScheme.Podman or ImageScheme.ContainersStorage || (reference.Scheme == ImageScheme.Docker && image.ManifestDigest is null);

    private static string TextOf(Difference difference) => (difference.Layer > 0 ? $"layer {difference.Layer}: " : "") + (difference.Path.Length > 0 ? $"{difference.Path} ({difference.KindName})" : difference.KindName);

    /// <summary>
    /// What the image goes by: the name that was asked for, else those that its archive claims, which are those that loading it would give it.
    /// </summary>
    private IReadOnlyList<ImageName> NamesOf(ImageReference reference, Image image)
    {
        if (As is not null)
            return [Named(As)];
        // Part of an id is no name: a rule for names of that form would decide over an image that has another.
        bool byId = reference.Location.StartsWith("sha256:", StringComparison.Ordinal)
            || (image.ConfigDigest?.Hex.StartsWith(reference.Location, StringComparison.Ordinal) == true && !image.Tags.Any(t => Named(t) == Named(reference.Location)));
        return reference.Scheme switch
        {
            ImageScheme.Registry => [Named(reference.Location)],
            ImageScheme.Docker or ImageScheme.Podman or ImageScheme.ContainersStorage when !byId => [Named(reference.Location)],
            // A layout's names are often tags alone.
            ImageScheme.Oci or ImageScheme.OciArchive => [.. image.Tags.Where(RegistryName.HasHost).Select(Named)],
            _ => [.. image.Tags.Select(Named)],
        };
    }

    private static ImageName Named(string text)
    {
        ImageName name = ImageName.Parse(text);
        return name.Tag is null && !text.Contains('@', StringComparison.Ordinal) ? name with { Tag = "latest" } : name;
    }

    private static DateTimeOffset? CreatedOf(Image image) =>
        Rfc3339.TryParse(image.Config?.Created, out DateTimeOffset created) ? created : null;

    /// <summary>What a user named and is not there is an error of the call; what is in it and cannot be used is a gap of the evidence.</summary>
    private static void CheckReadable(string bundle)
    {
        try
        {
            if (!Directory.Exists(bundle))
                using (new FileStream(bundle, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1))
                {
                }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.Usage($"--bundle: there is no file {Escape.Quote(bundle)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"--bundle: cannot read {Escape.Quote(bundle)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }

    private static byte[] ReadRevocations(string path)
    {
        try
        {
            return SmallFile.Read(path, RevocationList.MaxBytes) ?? throw CommandException.Usage($"the revocation list {Escape.Quote(path)} is longer than {RevocationList.MaxBytes} bytes (MaxBytes)");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read the revocation list {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", "plimsoll key revoke --list FILE --key KEY makes one");
        }
    }
}
