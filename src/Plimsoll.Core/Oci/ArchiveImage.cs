using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>An image of an uncompressed <c>docker save</c> archive, old or OCI-shaped, read in place.</summary>
internal sealed class ArchiveImage : RandomAccessImage
{
    private readonly ContentStore _store;

    /// <param name="store">Disposed with the image.</param>
    /// <param name="tag">One of the archive's RepoTags or a config digest, or null when it holds one image.</param>
    public ArchiveImage(ContentStore store, string? tag, Platform? platform, Verification verification, OciLimits limits)
    {
        _store = store;
        Verification = verification;
        Limits = limits;
        byte[] json = store.ReadJson("manifest.json", null, -1, limits, verification);
        ArchiveManifest manifest = Choose(ImageConfigs.Parse(json, $"{store.Path}: manifest.json", ManifestJson.Archive), tag, store.Path);
        Tags = [.. manifest.RepoTags?.OfType<string>() ?? []];
        string configName = EntryName(manifest.Config, store.Path);
        Digest? stated = StatedDigest(configName);
        ConfigBytes = store.ReadJson(configName, stated, -1, limits, verification);
        ConfigDigest = stated ?? Digest.Of(ConfigBytes.Span);
        Config = ImageConfigs.Parse(ConfigBytes.Span, $"{store.Path}: {configName}", ManifestJson.Config);
        CheckPlatform(Config, platform, store.Path);
        Layers = LayersOf(manifest, Config, store.Path, limits, name =>
        {
            using ContentFile file = store.Find(name) ?? throw new ImageException(ImageError.BlobMissing, $"{store.Path}: layer {Escape.Quote(name)} is not there");
            return file.Length;
        });
    }

    /// <exception cref="ImageException">NotFound, or Ambiguous when the archive holds several images and none is named.</exception>
    public static ArchiveManifest Choose(IReadOnlyList<ArchiveManifest> manifests, string? tag, string where)
    {
        List<ArchiveManifest> found = [.. manifests.Where(m => m is not null && (tag is null || m.RepoTags?.Contains(tag) == true
            || m.Config is { } config && tag.StartsWith("sha256:", StringComparison.Ordinal) && StatedDigest(config)?.ToString() == tag))];
        string names = string.Join(", ", manifests.Take(10).Select(m => Escape.Quote(m?.RepoTags is [string first, ..] ? first : m?.Config)));
        return found.Count switch
        {
            1 => found[0],
            0 => throw new ImageException(ImageError.NotFound, tag is null
                ? $"{where}: manifest.json lists no image" : $"{where}: nothing is called {Escape.Quote(tag)}; there are: {names}"),
            _ => throw new ImageException(ImageError.Ambiguous, $"{where}: manifest.json lists {manifests.Count} images: {names}",
                $"name one: docker-archive:{where}:NAME:TAG"),
        };
    }

    public static IReadOnlyList<ImageLayer> LayersOf(ArchiveManifest manifest, ImageConfig config, string where, OciLimits limits, Func<string, long> lengthOf)
    {
        IReadOnlyList<Digest> diffIds = ImageConfigs.DiffIds(config, where, limits);
        IReadOnlyList<string> names = manifest.Layers ?? [];
        if (names.Count != diffIds.Count)
            throw new ImageException(ImageError.Malformed, $"{where}: manifest.json lists {names.Count} layers, the config {diffIds.Count} diffIDs");
        return ImageConfigs.CheckRepeated([.. names.Zip(diffIds, (name, diffId) =>
        {
            string entry = EntryName(name, where);
            return new ImageLayer(entry, diffId, BlobDigest(entry), lengthOf(entry));
        })], where);
    }

    public static void CheckPlatform(ImageConfig config, Platform? wanted, string where)
    {
        if (wanted is not null && config is { Os: { } os, Architecture: { } architecture } && !new Platform(os, architecture, config.Variant).Satisfies(wanted))
            throw new ImageException(ImageError.NoSuchPlatform, $"{where}: the image is for {os}/{architecture}, wanted {wanted}");
    }

    /// <summary>What an entry's name states of its content: <c>HEX.json</c> and <c>blobs/sha256/HEX</c>; null for other names.</summary>
    public static Digest? StatedDigest(string name)
    {
        string last = name[(name.LastIndexOf('/') + 1)..];
        if (last.EndsWith(".json", StringComparison.Ordinal))
            last = last[..^5];
        return Digest.TryParse(last.Contains(':', StringComparison.Ordinal) ? last : $"sha256:{last}", out Digest? digest) ? digest : null;
    }

    /// <summary>The normal form of a name in manifest.json.</summary>
    public static string EntryName(string? name, string where)
    {
        byte[] raw = System.Text.Encoding.UTF8.GetBytes(name ?? "");
        int length = EntryPath.Normalise(raw, raw);
        return length > 0
            ? EntryPath.Decode(raw.AsSpan(0, length))
            : throw new ImageException(ImageError.Malformed, $"{where}: manifest.json names {Escape.Quote(name)}");
    }

    /// <summary>What the name of a layer states of its stored bytes.</summary>
    public static Digest? BlobDigest(string name) => name.StartsWith("blobs/", StringComparison.Ordinal) ? StatedDigest(name) : null;

    protected override Stream OpenLayer(ImageLayer layer) => _store.Find(layer.Key)!.OpenAndOwn();

    protected override string? IdentityOf(ImageLayer layer)
    {
        using ContentFile? file = _store.Find(layer.Key);
        return file?.Identity;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _store.Dispose();
        base.Dispose(disposing);
    }
}
