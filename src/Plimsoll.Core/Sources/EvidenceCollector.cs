using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Sources;

/// <summary>Finds what speaks for an image: in bundles first, then beside it. Whatever cannot be read is a gap of the evidence.</summary>
public sealed class EvidenceCollector(ImageOptions options, IReadOnlyList<string> bundles)
{
    /// <summary>Platforms of one index that are looked at.</summary>
    public const int MaxPlatforms = 128;

    /// <summary>Manifests that an image without one may be asked for under.</summary>
    private const int MaxLinked = 8;

    private readonly List<EvidenceGap> _gaps = [];
    private readonly List<Evidence> _found = [];

    /// <summary>The index, or the manifest where there is no index, as the store beside the image has it; null when it has none, or nobody asked.</summary>
    public ReadOnlyMemory<byte>? RootManifest { get; private set; }

    /// <summary>Whether <see cref="RootManifest"/> is read.</summary>
    public bool WantsRootManifest { get; init; }

    /// <summary>Everything that is found, and the images that the index lists.</summary>
    /// <param name="reference">Where the image is; null for one that was read as a stream and is nowhere.</param>
    public (Evidence Evidence, IReadOnlyList<JudgedPlatform> Platforms) Collect(ImageReference? reference, JudgedImage image, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        List<OpenedSource> sources = [];
        try
        {
            foreach (string bundle in bundles)
                if (IsJson(bundle))
                    ReadBundle(bundle, image);
                else
                    Open($"{(Directory.Exists(bundle) ? "oci" : "oci-archive")}:{bundle}", sources, cancellationToken);
            int besideAt = sources.Count;
            if (BesideOf(reference, image) is { } beside)
                Open(beside, sources, cancellationToken);
            if (WantsRootManifest && sources.Count > besideAt && (image.Index ?? image.Manifest) is { } root)
                ReadRootManifest(sources[besideAt].Store, root, cancellationToken);
            IReadOnlyList<JudgedPlatform> platforms = image.Index is null ? []
                : sources.Count > besideAt ? PlatformsOf(sources[besideAt].Store, image.Index, cancellationToken) : Unread(image.Index);
            foreach (OpenedSource source in sources)
            {
                Read(source.Store, new ImageDigests(image.Index, image.Manifest, image.Config), cancellationToken);
                foreach (JudgedPlatform platform in platforms.Where(p => p.Manifest != image.Manifest))
                    Read(source.Store, new ImageDigests(null, platform.Manifest, null), cancellationToken);
                // An archive and a Docker host know the config only; its signatures hang on a manifest that statements name.
                if (image.Manifest is null)
                    foreach (Digest manifest in LinkedTo(image.Config))
                        Read(source.Store, new ImageDigests(null, manifest, null), cancellationToken);
            }
            return (EvidenceReader.Join([.. _found, new Evidence { Gaps = _gaps }]), platforms);
        }
        finally
        {
            foreach (OpenedSource source in sources)
                source.Dispose();
        }
    }

    private void ReadRootManifest(IArtifactSource store, Digest root, CancellationToken cancellationToken)
    {
        try
        {
            RootManifest = store.FindManifest(root.ToString(), cancellationToken)?.Bytes;
        }
        catch (ImageException e)
        {
            _gaps.Add(new EvidenceGap("unreadable-manifest", Escape.ForTerminal(e.Message)));
        }
    }

    private void Read(IArtifactSource source, ImageDigests digests, CancellationToken cancellationToken) =>
        _found.Add(EvidenceReader.Read(source, digests, EvidenceLimits.Default, cancellationToken));

    private void Open(string text, List<OpenedSource> sources, CancellationToken cancellationToken)
    {
        try
        {
            sources.Add(ArtifactStores.OpenSource(text, options, cancellationToken));
        }
        catch (ImageException e) when (e.Error != ImageError.NotFound)
        {
            _gaps.Add(new EvidenceGap("unreadable-bundle", Escape.ForTerminal(e.Message)));
        }
    }

    /// <summary>The store that the image itself came from; null where nothing can be kept beside it.</summary>
    private static string? BesideOf(ImageReference? reference, JudgedImage image) => reference?.Scheme switch
    {
        ImageScheme.Registry => reference.Text,
        // The daemon knows no manifest: with one the image came from the registry that its name says.
        ImageScheme.Docker when image.Manifest is not null => $"registry:{reference.Location}",
        ImageScheme.Oci => $"oci:{reference.Location}",
        ImageScheme.OciArchive or ImageScheme.Archive when image.Manifest is not null && reference.Location != "-" => $"oci-archive:{reference.Location}",
        _ => null,
    };

    private List<JudgedPlatform> Unread(Digest index)
    {
        _gaps.Add(new EvidenceGap("unreadable-index", $"{index} could not be read for the platforms that it lists"));
        return [];
    }

    /// <summary>Every image that an index lists, also those in indexes of its own. What builders list for no platform is none.</summary>
    private List<JudgedPlatform> PlatformsOf(IArtifactSource store, Digest index, CancellationToken cancellationToken)
    {
        List<JudgedPlatform> platforms = [];
        try
        {
            Add(index, 0);
            return platforms;
        }
        catch (ImageException e)
        {
            _gaps.Add(new EvidenceGap("unreadable-index", Escape.ForTerminal(e.Message)));
            return platforms;
        }

        void Add(Digest at, int depth)
        {
            string where = $"{store.Name}: {at}";
            if (depth > OciLimits.Default.MaxIndexDepth)
                throw new ImageException(ImageError.LimitExceeded, $"{where}: indexes nest more than {OciLimits.Default.MaxIndexDepth} deep (MaxIndexDepth)");
            StoredManifest stored = store.FindManifest(at.ToString(), cancellationToken) ?? throw new ImageException(ImageError.BlobMissing, $"{where} is not there");
            foreach (Descriptor listed in ManifestLinks.Read(stored.Bytes.Span, stored.MediaType, where).Manifests)
            {
                Digest digest = ManifestLinks.DigestOf(listed);
                if (MediaTypes.IsIndex(listed.MediaType))
                    Add(digest, depth + 1);
                else if (listed.Platform is { Os: "unknown", Architecture: "unknown" } || platforms.Exists(p => p.Manifest == digest))
                    continue;
                else if (platforms.Count == MaxPlatforms)
                    throw new ImageException(ImageError.LimitExceeded, $"{where}: more than {MaxPlatforms} platforms (MaxPlatforms)");
                else
                    platforms.Add(new JudgedPlatform(digest, listed.Platform is { Os: { } os, Architecture: { } architecture } ? new Platform(os, architecture, listed.Platform.Variant).ToString() : "?"));
            }
        }
    }

    /// <summary>Manifests that some statement names together with this config. Whether it may be believed is judged later.</summary>
    private IReadOnlyList<Digest> LinkedTo(Digest config)
    {
        HashSet<Digest> linked = [];
        foreach (Attestation attestation in _found.SelectMany(e => e.Attestations))
            try
            {
                IReadOnlyList<Plimsoll.Sign.Subject> subjects = Statement.ParseForeign(attestation.Envelope.Payload, attestation.Where).Subjects;
                if (subjects.Any(s => s.Digest == config))
                    linked.UnionWith(subjects.Where(s => s.Name is "manifest" or "index").Select(s => s.Digest));
            }
            catch (FormatException)
            {
                // The judge names it.
            }
        if (linked.Count > MaxLinked)
            _gaps.Add(new EvidenceGap("too-many-manifests", $"{linked.Count} manifests are said to be of {config}, at most {MaxLinked} are looked at"));
        return [.. linked.Take(MaxLinked)];
    }

    private static bool IsJson(string path)
    {
        try
        {
            if (Directory.Exists(path))
                return false;
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            return file.ReadByte() == '{';
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whoever opens it next says why it cannot be read.
            return false;
        }
    }

    /// <summary>A sigstore bundle or a bare envelope in a file, as <c>cosign attest-blob --bundle</c> writes one.</summary>
    private void ReadBundle(string path, JudgedImage image)
    {
        string shown = Escape.ForTerminal(path);
        try
        {
            byte[]? content = SmallFile.Read(path, SigstoreBundle.MaxBytes);
            DsseEnvelope? envelope = null;
            if (content is null)
                _gaps.Add(new EvidenceGap("unreadable-bundle", $"{shown}: longer than {SigstoreBundle.MaxBytes} bytes (MaxBytes)"));
            else if (!DsseEnvelope.TryParse(content, out envelope))
                envelope = SigstoreBundle.Parse(content, shown) is { ByCertificate: false, Envelope: { } bundled } ? bundled : null;
            if (envelope is not null)
                _found.Add(new Evidence { Attestations = [new Attestation(envelope, image.Manifest ?? image.Config, shown)] });
            else if (content is not null)
                _gaps.Add(new EvidenceGap("unsupported-signature", $"{shown} is signed with a certificate or holds no statement"));
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            _gaps.Add(new EvidenceGap("unreadable-bundle", Escape.ForTerminal(e.Message)));
        }
    }
}
