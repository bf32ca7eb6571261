using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Docker;

/// <summary>An image of the local daemon, read in place from its overlay2 store.</summary>
internal sealed class Overlay2Image : TarSplitImage, IUnpackedImage
{
    private const string EditedStore = "somebody edited Docker's store; remove the image and pull or load it again";

    private readonly Overlay2Store _store;
    private readonly Dictionary<string, StoredLayer> _stored;
    private readonly string? _mounted;
    private readonly ConcurrentDictionary<string, string> _identities = new(StringComparer.Ordinal);
    private string[]? _folders;

    private Overlay2Image(Overlay2Store store, Dictionary<string, StoredLayer> stored, string? mounted, IdShift ids) => (_store, _stored, _mounted, Ids) = (store, stored, mounted, ids);

    /// <param name="store">Disposed with the image; left open when the answer is null.</param>
    /// <param name="imageId">Digest of the config.</param>
    /// <param name="mounted">The folder that the daemon calls the top layer's; null when it does not say.</param>
    /// <param name="ids">How the daemon shifts owners.</param>
    /// <returns>Null when the store lacks a part of the image or may not be read; the daemon can still export the image.</returns>
    /// <param name="lacks">What to say where the store has the image and lacks a part of it.</param>
    /// <exception cref="ImageException">DigestMismatch: the stored config is not the one that the id names; DiffIdMismatch: two layers have one folder; and others.</exception>
    public static Overlay2Image? TryOpen(Overlay2Store store, Digest imageId, string name, IReadOnlyList<string> tags, string? mounted, IdShift ids, ImageOptions options, out ImageException? lacks)
    {
        lacks = null;
        if (store.FindConfig(imageId, options.Limits.MaxJsonBytes) is not { } bytes)
            return null;
        string where = $"{store.Root}/image/overlay2/imagedb/content/sha256/{imageId.Hex}";
        if (options.Verification == Verification.Full && Digest.Of(bytes) is var digest && digest != imageId)
            throw new ImageException(ImageError.DigestMismatch, $"{where}: the config's digest is {digest}, the image id is {imageId}");
        ImageConfig config = ImageConfigs.Parse(bytes, where, ManifestJson.Config);
        ArchiveImage.CheckPlatform(config, options.Platform, name);
        IReadOnlyList<Digest> diffIds = ImageConfigs.DiffIds(config, where, options.Limits);
        IReadOnlyList<Digest> chainIds = ChainId.Of(diffIds);
        Dictionary<string, StoredLayer> stored = new(StringComparer.Ordinal);
        List<ImageLayer> layers = [];
        for (int i = 0; i < diffIds.Count; i++)
        {
            if (store.FindLayer(chainIds[i], diffIds[i]) is not { } layer)
            {
                lacks = new ImageException(ImageError.BlobMissing, $"{store.Root}: the store has image {imageId} and lacks what belongs to its layer {i + 1} of {diffIds.Count} (layerdb/sha256/{chainIds[i].Hex}), so that its files cannot be looked at", EditedStore);
                return null;
            }
            // Layers that are one to a reader would be looked at once, and all but the first would pass for whole.
            if (!stored.TryAdd(layer.Folder, layer))
                throw new ImageException(ImageError.DiffIdMismatch, $"{store.Root}: layer {i + 1} of {diffIds.Count} and one below it have the same folder, {layer.Folder}; Docker gives each its own", EditedStore);
            layers.Add(new ImageLayer(layer.Folder, diffIds[i], null, -1));
        }
        return new Overlay2Image(store, stored, mounted, ids)
        {
            Name = name,
            Verification = options.Verification,
            Limits = options.Limits,
            ConfigDigest = imageId,
            ConfigBytes = bytes,
            Config = config,
            Tags = tags,
            Layers = layers,
        };
    }

    /// <summary>The same image, for who knows that its layers lie where they did.</summary>
    /// <param name="store">As <see cref="TryOpen"/> takes it.</param>
    public Overlay2Image Again(Overlay2Store store) => new(store, _stored, _mounted, Ids)
    {
        Name = Name,
        Verification = Verification,
        Limits = Limits,
        ConfigDigest = ConfigDigest,
        ConfigBytes = ConfigBytes,
        Config = Config,
        Tags = Tags,
        Layers = Layers,
        _folders = _folders,
    };

    /// <summary>Where its layers lie.</summary>
    public IReadOnlyCollection<StoredLayer> Stored => _stored.Values;

    protected override IdShift Ids { get; }

    protected override string Root => _store.Root;

    protected override string Remedy => EditedStore;

    /// <summary>The folders below <c>overlay2/</c>, base layer first.</summary>
    public IReadOnlyList<string> Folders => _folders ??= [.. Layers.Select(l => _stored[l.Key].CacheId)];

    /// <summary>Device and inode of a layer's folder: another folder under the same name has others.</summary>
    public string IdentityOf(int layer)
    {
        using SafeFileHandle opened = OpenFolder(layer);
        return _identities[Folders[layer]];
    }

    /// <summary>Opens a layer's folder, which must be the one that it was before.</summary>
    public SafeFileHandle OpenFolder(int layer)
    {
        SafeFileHandle opened = _store.OpenFolder(Folders[layer]);
        try
        {
            Identify(opened, Folders[layer]);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>However often a layer's folder is opened, it must be the one that it was at first: what is remembered of the one must not have been read in another.</summary>
    private void Identify(SafeFileHandle opened, string folder)
    {
        string identity = Native.GetStat((int)opened.DangerousGetHandle(), out Stat stat) == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{stat.Device:x}:{stat.Inode}")
            : throw new ImageException(ImageError.AccessDenied, $"{Root}/overlay2/{folder}/diff cannot be looked at");
        if (_identities.GetOrAdd(folder, identity) != identity)
            throw new ImageException(ImageError.Malformed, $"{Root}/overlay2/{folder}/diff became another folder while it was read");
    }

    public IReadOnlyList<ChangedNote> FindRestacked() => _store.FindRestacked([.. Layers.Select(l => _stored[l.Key])], _mounted);

    /// <summary>The same beside what is mounted: where all notes but layerdb's <c>cache-id</c>s fit it, those were changed.</summary>
    /// <param name="mounted">Folders below <c>overlay2/</c>, base layer first.</param>
    public IReadOnlyList<ChangedNote> FindRestacked(IReadOnlyList<string> mounted)
    {
        StoredLayer[] own = [.. Layers.Select(l => _stored[l.Key])];
        if (mounted.Count != own.Length || _store.FindRestacked([.. own.Select((l, i) => l with { CacheId = mounted[i] })], null).Count > 0)
            return FindRestacked();
        return [.. Enumerable.Range(0, own.Length).Where(i => own[i].CacheId != mounted[i])
            .Select(i => new ChangedNote(i + 1, $"image/overlay2/layerdb/sha256/{own[i].ChainId.Hex}/cache-id", own[i].CacheId, mounted[i]))];
    }

    protected override (Stream Split, SafeFileHandle Unpacked) OpenStored(ImageLayer layer)
    {
        StoredLayer stored = _stored[layer.Key];
        (Stream split, SafeFileHandle unpacked) = _store.Open(stored);
        try
        {
            Identify(unpacked, stored.CacheId);
            return (split, unpacked);
        }
        catch
        {
            split.Dispose();
            unpacked.Dispose();
            throw;
        }
    }

    protected override long WeightOf(ImageLayer layer) => _stored[layer.Key].UnpackedBytes;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _store.Dispose();
        base.Dispose(disposing);
    }
}
