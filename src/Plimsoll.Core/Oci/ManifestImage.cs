using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>An image that a manifest describes: the way from a descriptor over indexes, manifest and config to the layers.</summary>
/// <remarks>Source: OCI image specification 1.1, image-index.md and manifest.md; Docker image manifest V2, schema 2.</remarks>
internal abstract class ManifestImage : RandomAccessImage
{
    /// <summary>Null: this host's, or the only one there is.</summary>
    protected Platform? Platform { get; init; }

    /// <summary>Where the image is kept, for messages.</summary>
    protected abstract string Where { get; }

    /// <summary>What a blob is called there; also the <see cref="ImageLayer.Key"/> of a layer.</summary>
    protected abstract string BlobName(Digest digest);

    /// <summary>A manifest, index or config whole, with size and digest checked unless nothing is to be.</summary>
    protected abstract byte[] ReadBlob(Digest digest, Descriptor descriptor, bool isManifest);

    /// <summary>Reads what the descriptor names, down to the layers.</summary>
    protected void Resolve(Descriptor descriptor, int depth)
    {
        if (depth > Limits.MaxIndexDepth)
            throw new ImageException(ImageError.LimitExceeded, $"{Where}: indexes nest more than {Limits.MaxIndexDepth} deep (MaxIndexDepth)");
        Digest digest = DigestOf(descriptor, "a manifest");
        ResolveContent(digest, ReadBlob(digest, descriptor, isManifest: true), descriptor.MediaType, depth);
    }

    /// <summary>As <see cref="Resolve"/>, when the bytes are there already.</summary>
    /// <param name="stated">The media type that the descriptor or the registry states, or null.</param>
    protected void ResolveContent(Digest digest, byte[] bytes, string? stated, int depth)
    {
        ImageIndex both = Parse(bytes, BlobName(digest), ManifestJson.Index);
        string? mediaType = both.MediaType ?? stated;
        // One digest with two readings (CVE-2021-41190): which one a client takes depends on whom it asks for the media type.
        if (both.MediaType is not null && stated is not null && both.MediaType != stated)
            throw new ImageException(ImageError.Malformed, $"{Where}: {digest} calls itself {Escape.Quote(both.MediaType)}, its descriptor {Escape.Quote(stated)}");
        ImageManifest manifest = Parse(bytes, BlobName(digest), ManifestJson.Manifest);
        if (both.Manifests is not null && (manifest.Layers is not null || manifest.Config is not null))
            throw new ImageException(ImageError.Malformed, $"{Where}: {digest} has the members of an index and of a manifest");
        if (MediaTypes.IsIndex(mediaType) || mediaType is null && both.Manifests is not null)
        {
            IndexDigest ??= digest;
            Resolve(ChoosePlatform(ImageConfigs.Manifests(both, $"{Where}: {BlobName(digest)}")), depth + 1);
            return;
        }
        if (!MediaTypes.IsManifest(mediaType) && mediaType is not null)
            throw new ImageException(ImageError.Unsupported, $"{Where}: {digest} has media type {Escape.Quote(mediaType)}, which is neither an image manifest nor an index");
        ManifestDigest = digest;
        ReadManifest(manifest);
    }

    private void ReadManifest(ImageManifest manifest)
    {
        if (manifest.Config is not { } config)
            throw new ImageException(ImageError.Malformed, $"{Where}: manifest {ManifestDigest} names no config");
        if (config.MediaType is not (null or MediaTypes.OciConfig or MediaTypes.DockerConfig))
            throw new ImageException(ImageError.Unsupported, $"{Where}: {ManifestDigest} is an artifact ({Escape.Quote(config.MediaType)}), not an image");
        ConfigDigest = DigestOf(config, "the config");
        ConfigBytes = ReadBlob(ConfigDigest, config, isManifest: false);
        Config = Parse(ConfigBytes.Span, BlobName(ConfigDigest), ManifestJson.Config);
        if (Platform is not null && Config is { Os: { } os, Architecture: { } architecture }
            && !new Platform(os, architecture, Config.Variant).Satisfies(Platform))
            throw new ImageException(ImageError.NoSuchPlatform, $"{Where}: the image is for {os}/{architecture}, wanted {Platform}");
        IReadOnlyList<Digest> diffIds = ImageConfigs.DiffIds(Config, Where, Limits);
        IReadOnlyList<Descriptor> layers = ImageConfigs.NoNulls(manifest.Layers, $"{Where}: manifest {ManifestDigest}", "layers");
        if (layers.Count != diffIds.Count)
            throw new ImageException(ImageError.Malformed, $"{Where}: the manifest lists {layers.Count} layers, the config {diffIds.Count} diffIDs");
        Layers = ImageConfigs.CheckRepeated([.. layers.Zip(diffIds, (layer, diffId) =>
        {
            if (layer.MediaType?.EndsWith("+encrypted", StringComparison.Ordinal) == true)
                throw new ImageException(ImageError.Unsupported, $"{Where}: layer {layer.Digest} is encrypted ({Escape.Quote(layer.MediaType)})", "decrypt the image first");
            Digest digest = DigestOf(layer, "a layer");
            return new ImageLayer(BlobName(digest), diffId, digest, layer.Size);
        })], Where);
    }

    protected Descriptor ChoosePlatform(IReadOnlyList<Descriptor> manifests) => ImageConfigs.ChoosePlatform(manifests, Platform, Where);

    private Digest DigestOf(Descriptor descriptor, string what)
    {
        if (!Digest.TryParse(descriptor.Digest, out Digest? digest))
            throw new ImageException(ImageError.Malformed, $"{Where}: the digest of {what} is {Escape.Quote(descriptor.Digest)}");
        if (descriptor.Size < 0)
            throw new ImageException(ImageError.Malformed, $"{Where}: {what} {digest} is {(descriptor.Size == -1 ? "without a size" : $"of {descriptor.Size} bytes")}");
        return digest.Algorithm == "sha256"
            ? digest
            : throw new ImageException(ImageError.Unsupported, $"{Where}: {what} is named by {digest.Algorithm}; only sha256 is read");
    }

    private T Parse<T>(ReadOnlySpan<byte> json, string name, ReadJson<T?> read) where T : class => ImageConfigs.Parse(json, $"{Where}: {name}", read);
}
