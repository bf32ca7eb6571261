using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>An image of an OCI image layout: a folder, or an uncompressed tar of one.</summary>
/// <remarks>Source: OCI image specification 1.1, image-layout.md.</remarks>
internal sealed class LayoutImage : RandomAccessImage
{
    private readonly ContentStore _store;
    private readonly Platform? _platform;

    /// <param name="store">Disposed with the image.</param>
    /// <param name="reference">A tag (<c>org.opencontainers.image.ref.name</c>) or digest to choose by, or null.</param>
    public LayoutImage(ContentStore store, string? reference, Platform? platform, Verification verification, OciLimits limits)
    {
        _store = store;
        _platform = platform;
        Verification = verification;
        Limits = limits;
        ImageIndex index = Parse(store.ReadJson("index.json", null, -1, limits, verification), "index.json", ManifestJson.Index);
        Descriptor root = ChooseRoot(ImageConfigs.Manifests(index, $"{store.Path}: index.json"), reference);
        Resolve(root, 0);
    }

    protected override Stream OpenLayer(ImageLayer layer) =>
        (_store.Find(layer.Key) ?? throw new ImageException(ImageError.BlobMissing, $"{_store.Path}: {Escape.Quote(layer.Key)} is not there")).OpenAndOwn();

    protected override string? IdentityOf(ImageLayer layer)
    {
        using ContentFile? file = _store.Find(layer.Key);
        return file?.Identity;
    }

    private Descriptor ChooseRoot(IReadOnlyList<Descriptor> manifests, string? reference)
    {
        List<Descriptor> candidates = [.. manifests.Where(m => reference is null || NameOf(m) == reference || m.Digest == reference)];
        if (candidates.Count == 0)
            throw new ImageException(ImageError.NotFound, reference is null
                ? $"{_store.Path}: index.json lists no manifest"
                : $"{_store.Path}: nothing is called {Escape.Quote(reference)}; there are: {Names(manifests)}");
        if (candidates.Count == 1)
            return candidates[0];
        // Several entries of one name are one image for several platforms when all of them say so.
        if (candidates.Select(NameOf).Distinct().Count() == 1 && candidates.TrueForAll(m => m.Platform is not null))
            return ChoosePlatform(candidates);
        throw new ImageException(ImageError.Ambiguous, $"{_store.Path}: index.json lists {candidates.Count} images: {Names(candidates)}",
            $"name one: oci:{_store.Path}:TAG");
    }

    private static string? NameOf(Descriptor manifest) => manifest.Annotations?.GetValueOrDefault("org.opencontainers.image.ref.name");

    private static string Names(IEnumerable<Descriptor> manifests) =>
        string.Join(", ", manifests.Take(10).Select(m => Escape.Quote(NameOf(m) ?? m.Digest)));

    private void Resolve(Descriptor descriptor, int depth)
    {
        if (depth > Limits.MaxIndexDepth)
            throw new ImageException(ImageError.LimitExceeded, $"{_store.Path}: indexes nest more than {Limits.MaxIndexDepth} deep (MaxIndexDepth)");
        Digest digest = DigestOf(descriptor, "a manifest");
        byte[] bytes = _store.ReadJson(BlobName(digest), digest, descriptor.Size, Limits, Verification);
        ImageIndex both = Parse(bytes, BlobName(digest), ManifestJson.Index);
        string? mediaType = both.MediaType ?? descriptor.MediaType;
        // One digest with two readings (CVE-2021-41190): which one a client takes depends on whom it asks for the media type.
        if (both.MediaType is not null && descriptor.MediaType is not null && both.MediaType != descriptor.MediaType)
            throw new ImageException(ImageError.Malformed, $"{_store.Path}: {digest} calls itself {Escape.Quote(both.MediaType)}, its descriptor {Escape.Quote(descriptor.MediaType)}");
        ImageManifest manifest = Parse(bytes, BlobName(digest), ManifestJson.Manifest);
        if (both.Manifests is not null && (manifest.Layers is not null || manifest.Config is not null))
            throw new ImageException(ImageError.Malformed, $"{_store.Path}: {digest} has the members of an index and of a manifest");
        if (MediaTypes.IsIndex(mediaType) || mediaType is null && both.Manifests is not null)
        {
            IndexDigest ??= digest;
            Resolve(ChoosePlatform(ImageConfigs.Manifests(both, $"{_store.Path}: {BlobName(digest)}")), depth + 1);
            return;
        }
        if (!MediaTypes.IsManifest(mediaType) && mediaType is not null)
            throw new ImageException(ImageError.Unsupported, $"{_store.Path}: {digest} has media type {Escape.Quote(mediaType)}, which is neither an image manifest nor an index");
        ManifestDigest = digest;
        ReadManifest(manifest);
        if (NameOf(descriptor) is { } name)
            Tags = [name];
    }

    private void ReadManifest(ImageManifest manifest)
    {
        if (manifest.Config is not { } config)
            throw new ImageException(ImageError.Malformed, $"{_store.Path}: manifest {ManifestDigest} names no config");
        if (config.MediaType is not (null or MediaTypes.OciConfig or MediaTypes.DockerConfig))
            throw new ImageException(ImageError.Unsupported, $"{_store.Path}: {ManifestDigest} is an artifact ({Escape.Quote(config.MediaType)}), not an image");
        ConfigDigest = DigestOf(config, "the config");
        ConfigBytes = _store.ReadJson(BlobName(ConfigDigest), ConfigDigest, config.Size, Limits, Verification);
        Config = Parse(ConfigBytes.Span, BlobName(ConfigDigest), ManifestJson.Config);
        if (_platform is not null && Config is { Os: { } os, Architecture: { } architecture }
            && !new Platform(os, architecture, Config.Variant).Satisfies(_platform))
            throw new ImageException(ImageError.NoSuchPlatform, $"{_store.Path}: the image is for {os}/{architecture}, wanted {_platform}");
        IReadOnlyList<Digest> diffIds = ImageConfigs.DiffIds(Config, _store.Path, Limits);
        IReadOnlyList<Descriptor> layers = ImageConfigs.NoNulls(manifest.Layers, $"{_store.Path}: manifest {ManifestDigest}", "layers");
        if (layers.Count != diffIds.Count)
            throw new ImageException(ImageError.Malformed, $"{_store.Path}: the manifest lists {layers.Count} layers, the config {diffIds.Count} diffIDs");
        Layers = ImageConfigs.CheckRepeated([.. layers.Zip(diffIds, (layer, diffId) =>
        {
            if (layer.MediaType?.EndsWith("+encrypted", StringComparison.Ordinal) == true)
                throw new ImageException(ImageError.Unsupported, $"{_store.Path}: layer {layer.Digest} is encrypted ({Escape.Quote(layer.MediaType)})", "decrypt the image first");
            Digest digest = DigestOf(layer, "a layer");
            return new ImageLayer(BlobName(digest), diffId, digest, layer.Size);
        })], _store.Path);
    }

    private Descriptor ChoosePlatform(IReadOnlyList<Descriptor> manifests) => ImageConfigs.ChoosePlatform(manifests, _platform, _store.Path);

    private Digest DigestOf(Descriptor descriptor, string what)
    {
        if (!Digest.TryParse(descriptor.Digest, out Digest? digest))
            throw new ImageException(ImageError.Malformed, $"{_store.Path}: the digest of {what} is {Escape.Quote(descriptor.Digest)}");
        return digest.Algorithm == "sha256"
            ? digest
            : throw new ImageException(ImageError.Unsupported, $"{_store.Path}: {what} is named by {digest.Algorithm}; only sha256 is read");
    }

    private static string BlobName(Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    private T Parse<T>(ReadOnlySpan<byte> json, string name, ReadJson<T?> read) where T : class => ImageConfigs.Parse(json, $"{_store.Path}: {name}", read);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _store.Dispose();
        base.Dispose(disposing);
    }
}
