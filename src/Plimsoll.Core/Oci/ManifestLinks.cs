using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>What a manifest or index names: what has to be there for it to be whole, and what it is about.</summary>
/// <remarks>Source: OCI image specification 1.1, manifest.md and image-index.md.</remarks>
public sealed record ManifestLinks
{
    /// <summary>As the bytes say, else as the store said, else as the members tell.</summary>
    public required string MediaType { get; init; }

    public bool IsIndex { get; init; }

    /// <summary>Its own member, else the media type of its config; null for an index that names none.</summary>
    public string? ArtifactType { get; init; }

    /// <summary>Manifests that an index lists, in its order, each with a digest that can be read and a size.</summary>
    public IReadOnlyList<Descriptor> Manifests { get; init; } = [];

    /// <summary>Config and layers, each with a digest that can be read and a size.</summary>
    public IReadOnlyList<Descriptor> Blobs { get; init; } = [];

    /// <summary>What this refers to, its digest readable; null for an image.</summary>
    public Descriptor? Subject { get; init; }

    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>Reads a manifest or index of any kind, artifacts included.</summary>
    /// <param name="stated">The media type that the store states, or null.</param>
    /// <param name="where">Store and digest, for messages.</param>
    /// <exception cref="ImageException">Malformed, Unsupported or LimitExceeded.</exception>
    public static ManifestLinks Read(ReadOnlySpan<byte> bytes, string? stated, string where)
    {
        ImageIndex index = ImageConfigs.Parse(bytes, where, ManifestJson.Index);
        ImageManifest manifest = ImageConfigs.Parse(bytes, where, ManifestJson.Manifest);
        // One digest with two readings (CVE-2021-41190): which one a client takes depends on whom it asks for the media type.
        if (index.MediaType is not null && stated is not null && index.MediaType != stated)
            throw new ImageException(ImageError.Malformed, $"{where}: calls itself {Escape.Quote(index.MediaType)}, the store calls it {Escape.Quote(stated)}");
        if (index.Manifests is not null && (manifest.Layers is not null || manifest.Config is not null))
            throw new ImageException(ImageError.Malformed, $"{where}: has the members of an index and of a manifest");
        string mediaType = index.MediaType ?? stated ?? (index.Manifests is not null ? MediaTypes.OciIndex : MediaTypes.OciManifest);
        bool isIndex = MediaTypes.IsIndex(mediaType);
        if (!isIndex && !MediaTypes.IsManifest(mediaType))
            throw new ImageException(ImageError.Unsupported, $"{where}: has media type {Escape.Quote(mediaType)}, which is neither a manifest nor an index");
        if (isIndex ? manifest.Layers is not null || manifest.Config is not null : index.Manifests is not null)
            throw new ImageException(ImageError.Malformed, $"{where}: calls itself {Escape.Quote(mediaType)} and has not its members");
        if (!isIndex && manifest.Config is null)
            throw new ImageException(ImageError.Malformed, $"{where}: the manifest names no config");
        IReadOnlyList<Descriptor> manifests = ImageConfigs.Manifests(index, where);
        IReadOnlyList<Descriptor> layers = ImageConfigs.NoNulls(manifest.Layers, where, "layers");
        if (layers.Count > OciLimits.Default.MaxLayers)
            throw new ImageException(ImageError.LimitExceeded, $"{where}: {layers.Count} layers, at most {OciLimits.Default.MaxLayers} (MaxLayers) are read");
        List<Descriptor> blobs = manifest.Config is { } config && !isIndex ? [config, .. layers] : [];
        foreach (Descriptor part in (IEnumerable<Descriptor>)[.. manifests, .. blobs])
            Check(part, where);
        Descriptor? subject = index.Subject;
        if (subject is not null)
            Check(subject, $"{where}: its subject");
        return new ManifestLinks
        {
            MediaType = mediaType,
            IsIndex = isIndex,
            ArtifactType = index.ArtifactType ?? manifest.Config?.MediaType,
            Manifests = manifests,
            Blobs = blobs,
            Subject = subject,
            Annotations = index.Annotations,
        };
    }

    /// <summary>How a list of referrers names this manifest.</summary>
    /// <remarks>Source: OCI distribution specification 1.1, "Listing Referrers": artifactType and annotations are the manifest's.</remarks>
    public Descriptor AsReferrer(Digest digest, long size) => new()
    {
        MediaType = MediaType,
        Digest = digest.ToString(),
        Size = size,
        ArtifactType = ArtifactType,
        Annotations = Annotations,
    };

    /// <summary>The digest of a descriptor that <see cref="Read"/> let through.</summary>
    public static Digest DigestOf(Descriptor descriptor) => Digest.Parse(descriptor.Digest!);

    private static void Check(Descriptor descriptor, string where)
    {
        if (!Digest.TryParse(descriptor.Digest, out Digest? digest))
            throw new ImageException(ImageError.Malformed, $"{where}: names the digest {Escape.Quote(descriptor.Digest)}");
        if (descriptor.Size < 0)
            throw new ImageException(ImageError.Malformed, $"{where}: {digest} is {(descriptor.Size == -1 ? "without a size" : $"of {descriptor.Size} bytes")}");
    }
}
