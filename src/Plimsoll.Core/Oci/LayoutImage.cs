using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>An image of an OCI image layout: a folder, or an uncompressed tar of one.</summary>
/// <remarks>Source: OCI image specification 1.1, image-layout.md.</remarks>
internal sealed class LayoutImage : ManifestImage
{
    private readonly ContentStore _store;

    /// <param name="store">Disposed with the image.</param>
    /// <param name="reference">A tag (<c>org.opencontainers.image.ref.name</c>) or digest to choose by, or null.</param>
    public LayoutImage(ContentStore store, string? reference, Platform? platform, Verification verification, OciLimits limits)
    {
        _store = store;
        Platform = platform;
        Verification = verification;
        Limits = limits;
        ImageIndex index = ImageConfigs.Parse(store.ReadJson("index.json", null, -1, limits, verification), $"{store.Path}: index.json", ManifestJson.Index);
        Descriptor root = ChooseRoot(ImageConfigs.Manifests(index, $"{store.Path}: index.json"), reference);
        Resolve(root, 0);
        if (NameOf(root) is { } name)
            Tags = [name];
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
        // A digest names content, whether index.json lists it or an index that it lists does.
        if (candidates.Count == 0 && Digest.TryParse(reference, out Digest? named) && _store.Find(BlobName(named)) is { } blob)
            using (blob)
                return new Descriptor { Digest = reference, Size = blob.Length };
        if (candidates.Count == 0)
            throw new ImageException(ImageError.NotFound, reference is null
                ? $"{_store.Path}: index.json lists no manifest"
                : $"{_store.Path}: nothing is called {Escape.Quote(reference)}; there are: {Names(manifests)}");
        if (candidates.Count == 1)
            return candidates[0];
        // What is attached to an image, such as its signatures, stands beside it in the list.
        if (reference is null && LayoutNames.Images(candidates, LinksOf) is { Count: > 0 } images)
            candidates = [.. images];
        if (candidates.Select(m => m.Digest).Distinct(StringComparer.Ordinal).Count() == 1)
            return candidates[0];
        // Several entries of one name are one image for several platforms when all of them say so.
        if (candidates.Select(NameOf).Distinct().Count() == 1 && candidates.TrueForAll(m => m.Platform is not null))
            return ChoosePlatform(candidates);
        throw new ImageException(ImageError.Ambiguous, $"{_store.Path}: index.json lists {candidates.Count} images: {Names(candidates)}",
            $"name one: oci:{_store.Path}:TAG");
    }

    private static string? NameOf(Descriptor manifest) => LayoutNames.NameOf(manifest);

    /// <summary>Null for what cannot be read: it stays among the candidates.</summary>
    private ManifestLinks? LinksOf(Descriptor entry)
    {
        try
        {
            return Digest.TryParse(entry.Digest, out Digest? digest) && entry.Size >= 0
                ? ManifestLinks.Read(_store.ReadJson(BlobName(digest), digest, entry.Size, Limits, Verification), entry.MediaType, Where) : null;
        }
        catch (ImageException)
        {
            return null;
        }
    }

    private static string Names(IEnumerable<Descriptor> manifests) =>
        string.Join(", ", manifests.Take(10).Select(m => Escape.Quote(NameOf(m) ?? m.Digest)));

    protected override string Where => _store.Path;

    protected override string BlobName(Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    protected override byte[] ReadBlob(Digest digest, Descriptor descriptor, bool isManifest) =>
        _store.ReadJson(BlobName(digest), digest, descriptor.Size, Limits, Verification);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _store.Dispose();
        base.Dispose(disposing);
    }
}
