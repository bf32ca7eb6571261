using System.Diagnostics.CodeAnalysis;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Registry;
using Plimsoll.Sign;
using Plimsoll.Verify;

namespace Plimsoll.Sources;

/// <summary>Bounds on what one image's evidence may bring along. Each has a test one step past it.</summary>
public sealed record FetchLimits
{
    public static FetchLimits Default { get; } = new();

    public EvidenceLimits Evidence { get; init; } = new() { MaxTotalBytes = 16 << 20 };

    /// <summary>Manifests of an index that are looked at for the one of the image.</summary>
    public int MaxManifests { get; init; } = 16;

    /// <summary>Bytes of one content that a statement names. A list of files has some 250 for each.</summary>
    public int MaxContentBytes { get; init; } = 16 << 20;

    /// <summary>Contents of one image.</summary>
    public int MaxContents { get; init; } = 2;
}

/// <summary>What a repository holds for an image of this host, with the contents that its statements name.</summary>
/// <param name="Contents">Each has the digest that it was asked for by.</param>
/// <param name="Bytes">Of all answers that came in.</param>
public sealed record EvidenceFetch(FetchedEvidence Found, IReadOnlyList<SideContent> Contents, long Bytes)
{
    /// <summary>Fetches what hangs on the manifest that the image came by, and on the index around it. Nothing is judged.</summary>
    /// <param name="source">To be made by a thread with its own rights.</param>
    /// <param name="root">What the name that the image was pulled by led to: its manifest, or an index that lists it.</param>
    /// <param name="config">The image's config as the host has it; its digest is the image's id.</param>
    /// <param name="has">Contents that are here and need not be fetched again.</param>
    /// <exception cref="ImageException">The repository was not to be asked, or what it has under that digest is not this image.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    public static EvidenceFetch Run(OpenedSource source, Digest root, ReadOnlyMemory<byte> config, Func<Digest, bool> has, FetchLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(has);
        ArgumentNullException.ThrowIfNull(limits);
        return Unprivileged.Run(() =>
        {
            IArtifactSource store = source.Store;
            Fetcher fetcher = new(store, config, limits, cancellationToken);
            IReadOnlyList<StoredManifest> manifests = fetcher.FindImage(root);
            Evidence evidence = EvidenceReader.Join(manifests.Select(m => fetcher.Read(m.Digest)));
            // What could not be had now may be had later; what is there and makes no sense is told of as it is.
            if (evidence.Gaps.FirstOrDefault(g => g.Code == "store-unreachable") is { } gone)
                throw new ImageException(ImageError.PeerFailed, gone.Message);
            FetchedEvidence found = new() { Source = store.Name, Root = root, Config = Digest.Of(config.Span), Manifests = [.. manifests.Select(m => m.Bytes)], Evidence = evidence };
            IReadOnlyList<SideContent> contents = fetcher.Contents(evidence, has);
            return new EvidenceFetch(found, contents, store is RegistryStore registry ? registry.BytesFetched : 0);
        });
    }

    private sealed class Fetcher(IArtifactSource store, ReadOnlyMemory<byte> config, FetchLimits limits, CancellationToken cancellationToken)
    {
        private readonly Digest _config = Digest.Of(config.Span);
        private int _manifests;

        /// <summary>The image's manifest, then what lists it, up to the root.</summary>
        public IReadOnlyList<StoredManifest> FindImage(Digest root)
        {
            StoredManifest stored = store.FindManifest(root.ToString(), cancellationToken)
                ?? throw new ImageException(ImageError.NotFound, $"{store.Name} does not have {root} any more, by which the image came");
            return TryFind(stored, 0, out List<StoredManifest>? found) ? found
                : throw new ImageException(ImageError.NotFound, $"{store.Name}: {root} is no manifest of this image, and lists none of its first {limits.MaxManifests}");
        }

        private bool TryFind(StoredManifest stored, int depth, [NotNullWhen(true)] out List<StoredManifest>? found)
        {
            found = null;
            ManifestLinks links = ManifestLinks.Read(stored.Bytes.Span, stored.MediaType, $"{store.Name}: {stored.Digest}");
            if (!links.IsIndex)
            {
                if (links.Blobs is [var first, ..] && first.Digest == _config.ToString())
                    found = [stored];
                return found is not null;
            }
            if (depth > OciLimits.Default.MaxIndexDepth)
                return false;
            // The image's own platform first; others may have the same config under another.
            foreach (Descriptor listed in links.Manifests.Where(m => m.Platform is not { Os: "unknown" }).OrderBy(m => IsOwn(m) ? 0 : 1))
            {
                if (_manifests++ >= limits.MaxManifests)
                    return false;
                if (store.FindManifest(listed.Digest!, cancellationToken) is { } child && TryFind(child, depth + 1, out found))
                {
                    found.Add(stored);
                    return true;
                }
            }
            return false;
        }

        private ImageConfig Own => field ??= ImageConfigs.Parse(config.Span, _config.ToString(), ManifestJson.Config);

        private bool IsOwn(Descriptor listed) => MediaTypes.IsIndex(listed.MediaType) || listed.Platform is { } platform && platform.Os == Own.Os && platform.Architecture == Own.Architecture;

        public Evidence Read(Digest manifest) => EvidenceReader.Read(store, new ImageDigests(null, manifest, null), limits.Evidence, cancellationToken);

        /// <summary>Lists of files, by which a refusal names what changed. They decide nothing, and one that cannot be had is left out.</summary>
        public IReadOnlyList<SideContent> Contents(Evidence evidence, Func<Digest, bool> has)
        {
            List<SideContent> contents = [];
            foreach (MeasuredContent named in evidence.Attestations.Select(FilesOf).OfType<MeasuredContent>().DistinctBy(c => c.Digest).Where(c => c.Size <= limits.MaxContentBytes && !has(c.Digest)).Take(limits.MaxContents))
                try
                {
                    using Stream blob = store.OpenBlob(named.Digest, named.Size, cancellationToken);
                    byte[] bytes = new byte[named.Size];
                    blob.ReadExactly(bytes);
                    if (blob.ReadByte() < 0 && Digest.Of(bytes) == named.Digest)
                        contents.Add(new SideContent(named.MediaType, bytes));
                }
                catch (Exception e) when (e is ImageException or EndOfStreamException)
                {
                    // The refusal names the layer then.
                }
            return contents;
        }

        private MeasuredContent? FilesOf(Attestation attestation)
        {
            try
            {
                Statement statement = Statement.ParseForeign(attestation.Envelope.Payload, attestation.Where);
                return statement.PredicateType == MeasurementPredicate.Type && statement.Subjects.Any(s => s.Digest == _config)
                    ? MeasurementPredicate.From(statement, attestation.Where).Files : null;
            }
            catch (Exception e) when (e is FormatException or DocumentException)
            {
                return null;
            }
        }
    }
}
