using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Docker;

/// <summary>The files in which Docker keeps images and their unpacked layers, read without asking the daemon.</summary>
/// <remarks>
/// Nothing here is trusted: the config must have the image id as its digest, each layer's rebuilt tar its diffID.
/// Layout: <c>image/overlay2/imagedb/content/sha256/ID</c>, <c>image/overlay2/layerdb/sha256/CHAINID/{diff,cache-id,size,tar-split.json.gz}</c>,
/// <c>overlay2/CACHE-ID/diff</c>. Source: moby/moby, image/fs.go, layer/filestore.go, daemon/graphdriver/overlay2.
/// </remarks>
internal sealed class Overlay2Store : IDisposable
{
    /// <summary>Bytes of the small files beside tar-split.json.gz; a digest has 71.</summary>
    private const int MaxSmallFileBytes = 256;

    private const int CacheIdChars = 64;

    /// <summary>What Docker notes of images and layers, relative to its data root.</summary>
    public const string Metadata = "image/overlay2";

    /// <summary>Relative to <see cref="Metadata"/>.</summary>
    public const string Repositories = "repositories.json";

    /// <summary>Bytes of a layer's <c>lower</c>: 29 for each layer below it, and overlayfs takes 500 at most.</summary>
    private const int MaxNoteBytes = 16 * 1024;

    private readonly SafeFileHandle _metadata;
    private readonly SafeFileHandle _unpacked;

    private Overlay2Store(string root, SafeFileHandle metadata, SafeFileHandle unpacked) =>
        (Root, _metadata, _unpacked) = (root, metadata, unpacked);

    /// <summary>Docker's data root.</summary>
    public string Root { get; }

    /// <summary>Opens the store below a data root when this process may read it.</summary>
    /// <param name="reason">Why not, for a note.</param>
    public static bool TryOpen(string root, [NotNullWhen(true)] out Overlay2Store? store, out string? reason)
    {
        store = null;
        // The administrator may have put links at these two places; below them none is followed.
        int metadata = Native.Open(Native.AtFdCwd, Encoding.UTF8.GetBytes($"{root}/image/overlay2\0"), Native.PathOnly | Native.DirectoryOnly, 0);
        int unpacked = metadata < 0 ? metadata : Native.Open(Native.AtFdCwd, Encoding.UTF8.GetBytes($"{root}/overlay2\0"), Native.PathOnly | Native.DirectoryOnly, 0);
        if (unpacked < 0)
        {
            if (metadata >= 0)
                Native.CloseFile(metadata);
            reason = $"{root} cannot be read: {Errno.Describe(-unpacked)}";
            return false;
        }
        reason = null;
        store = new Overlay2Store(root, Native.Own(metadata), Native.Own(unpacked));
        return true;
    }

    /// <summary>The config's bytes as stored, unchecked; null when the store lacks them or may not be read.</summary>
    public byte[]? FindConfig(Digest imageId, int maxBytes) => ReadFile(ConfigOf(imageId), maxBytes);

    /// <param name="stat">Of the file.</param>
    public byte[]? FindConfig(Digest imageId, int maxBytes, out Stat stat) => ReadFile(_metadata, Metadata, ConfigOf(imageId), maxBytes, out stat);

    /// <summary>Of a config, relative to <see cref="Metadata"/>.</summary>
    public static string ConfigOf(Digest imageId) => $"imagedb/content/sha256/{imageId.Hex}";

    /// <summary>Says which config a name or id stands for whose bytes are not the ones of its id; null when there is none.</summary>
    public string? FindEdited(string name, int maxBytes)
    {
        if (ReadFile(Repositories, maxBytes) is not { } bytes)
            return null;
        StoreRepositories? names;
        try
        {
            names = JsonSerializer.Deserialize(bytes, DockerJson.Default.StoreRepositories);
        }
        catch (JsonException)
        {
            return null;
        }
        const int shortestIdChars = 12;
        foreach ((string tag, string id) in names?.Repositories?.Values.OfType<IReadOnlyDictionary<string, string>>().SelectMany(r => r) ?? [])
            if ((tag == name || tag == $"{name}:latest" || id == name || name.Length >= shortestIdChars && id.StartsWith($"sha256:{name}", StringComparison.Ordinal))
                && Digest.TryParse(id, out Digest? config) && FindConfig(config, maxBytes) is { } stored && Digest.Of(stored) is var digest && digest != config)
                return $"{Root}/image/overlay2/imagedb/content/sha256/{config.Hex}: the config's digest is {digest}, the image id is {config}";
        return null;
    }

    /// <summary>Ids of the images whose configs are stored; nothing of them was checked.</summary>
    public IReadOnlyList<Digest> ListImages()
    {
        List<Digest> images = [];
        foreach (string name in NamesIn("imagedb/content/sha256"))
            if (Digest.TryParse($"sha256:{name}", out Digest? id))
                images.Add(id);
        return images;
    }

    /// <summary>Containers by id, and the folder below <c>overlay2/</c> that takes what each writes. Source: moby/moby, layer/filestore.go (SetMountID).</summary>
    public IReadOnlyList<(string Container, string Own)> ListContainers()
    {
        List<(string, string)> containers = [];
        foreach (string name in NamesIn("layerdb/mounts"))
            if (name.Length == CacheIdChars && name.All(char.IsAsciiHexDigitLower) && ReadText($"layerdb/mounts/{name}/mount-id") is { } own && IsFolderName(own))
                containers.Add((name, own));
        return containers;
    }

    /// <summary>Names in a folder of the metadata; none where it is not there.</summary>
    private List<string> NamesIn(string path)
    {
        int folder = OpenBelow(_metadata, path, Native.ReadOnly | Native.DirectoryOnly);
        if (folder == -Errno.ENOENT)
            return [];
        if (folder < 0)
            throw FileError.Of(-folder, $"{Root}/image/overlay2/{path}");
        using SafeFileHandle owned = Native.Own(folder);
        List<string> names = [];
        byte[] listing = ArrayPool<byte>.Shared.Rent(32 * 1024);
        int length;
        while ((length = Native.ReadFolder(folder, listing)) > 0)
            // One that is no UTF-8 has U+FFFD in it.
            for (FolderRecords records = new(listing.AsSpan(0, length)); records.MoveNext();)
                names.Add(Encoding.UTF8.GetString(records.Name));
        ArrayPool<byte>.Shared.Return(listing);
        return length == 0 ? names : throw FileError.Of(-length, $"{Root}/image/overlay2/{path}");
    }

    /// <summary>The file that has the names of images; null when there is none.</summary>
    /// <exception cref="ImageException">It is too long, or no file.</exception>
    public byte[]? ReadRepositories(int maxBytes, out Stat stat) => ReadFile(_metadata, Metadata, Repositories, maxBytes, out stat);

    /// <summary>Names with tag or digest as Docker keeps them, and the ids that they stand for.</summary>
    /// <param name="bytes">Of <see cref="ReadRepositories"/>.</param>
    /// <exception cref="ImageException">Malformed.</exception>
    public static IReadOnlyList<(string Name, Digest Id)> ParseNames(string root, byte[] bytes)
    {
        try
        {
            List<(string, Digest)> names = [];
            foreach ((_, IReadOnlyDictionary<string, string>? tags) in JsonSerializer.Deserialize(bytes, DockerJson.Default.StoreRepositories)?.Repositories ?? new Dictionary<string, IReadOnlyDictionary<string, string>?>())
                foreach ((string name, string id) in tags ?? new Dictionary<string, string>())
                    if (Digest.TryParse(id, out Digest? digest))
                        names.Add((name, digest));
            return names;
        }
        catch (JsonException e)
        {
            throw new ImageException(ImageError.Malformed, $"{root}/{Metadata}/{Repositories} is no JSON of the expected form", EditedStore, e);
        }
    }

    private const string EditedStore = "somebody edited Docker's store; restart the daemon, or remove the images and pull or load them again";

    /// <summary>The folder of a layer below <c>overlay2/</c>; null when the store lacks it.</summary>
    public string? CacheIdOf(Digest chainId) => ReadText($"layerdb/sha256/{chainId.Hex}/cache-id");

    /// <summary>Which folder below <c>overlay2/</c> a name of a mount leads to now: <c>ID/diff</c>, or through <c>l/NAME</c>.</summary>
    /// <returns><c>ID</c> or <c>ID-init</c>.</returns>
    /// <exception cref="ImageException">It leads out of the store, or to nothing of Docker's own form.</exception>
    public string FolderOfMounted(string path)
    {
        string prefix = $"{Root}/overlay2/";
        if (path.StartsWith(prefix, StringComparison.Ordinal))
        {
            string[] parts = path[prefix.Length..].Split('/');
            if (parts is ["l", var link])
            {
                int opened = OpenBelow(_unpacked, "l", Native.PathOnly | Native.DirectoryOnly, Native.ResolveNoXdev);
                using SafeFileHandle? links = opened >= 0 ? Native.Own(opened) : null;
                string target = TargetOf(links, link);
                parts = target.StartsWith("../", StringComparison.Ordinal) ? target[3..].Split('/') : [target];
            }
            if (parts is [var folder, "diff"] && IsFolderName(folder))
                return folder;
        }
        throw new ImageException(ImageError.Malformed, $"{Escape.Quote(path)} is mounted into the container's root; wanted a layer's folder below {prefix}", EditedStore);
    }

    private static bool IsFolderName(string name)
    {
        const string init = "-init";
        string id = name.EndsWith(init, StringComparison.Ordinal) ? name[..^init.Length] : name;
        return id.Length == CacheIdChars && id.All(char.IsAsciiHexDigitLower);
    }

    /// <summary>Opens what a layer, an <c>-init</c> layer or a container's own layer holds.</summary>
    /// <param name="folder">As <see cref="FolderOfMounted"/> says it.</param>
    public SafeFileHandle OpenFolder(string folder)
    {
        int opened = OpenBelow(_unpacked, $"{folder}/diff", Native.PathOnly | Native.DirectoryOnly, Native.ResolveNoXdev);
        return opened >= 0 ? Native.Own(opened) : throw FileError.Of(-opened, $"{Root}/overlay2/{folder}/diff");
    }

    /// <summary>The notes from which <see cref="FindLayer"/> knows where layers lie, as files; null where one is gone.</summary>
    public FileState[]? StatesOf(IReadOnlyCollection<StoredLayer> layers)
    {
        List<FileState> states = new(3 * layers.Count);
        foreach (StoredLayer layer in layers)
            foreach (string note in (ReadOnlySpan<string>)["diff", "cache-id", "tar-split.json.gz"])
                if (FileState.Of((int)_metadata.DangerousGetHandle(), $"layerdb/sha256/{layer.ChainId.Hex}/{note}") is { } state)
                    states.Add(state);
                else
                    return null;
        return [.. states];
    }

    /// <summary>Whether something stands at a path in a layer's folder, through no link.</summary>
    public bool Has(string folder, string path)
    {
        using SafeFileHandle? found = OpenIn(folder, path, 0);
        return found is not null;
    }

    /// <summary>Who may do what with a folder, in one line; null where no folder stands at the path.</summary>
    public string? RightsOf(string folder, string path)
    {
        using SafeFileHandle? found = OpenIn(folder, path, Native.DirectoryOnly);
        return found is null ? null
            : FolderRights.Of((int)found.DangerousGetHandle()) ?? throw new ImageException(ImageError.AccessDenied, $"{Root}/overlay2/{folder}/diff/{Escape.ForTerminal(path)} cannot be looked at");
    }

    /// <param name="path">As <see cref="EntryPath.Decode"/> made it text; empty for the folder itself.</param>
    /// <returns>Null where nothing stands there.</returns>
    private SafeFileHandle? OpenIn(string folder, string path, ulong flags)
    {
        using SafeFileHandle opened = OpenFolder(folder);
        int found = Native.Open((int)opened.DangerousGetHandle(), path.Length == 0 ? ".\0"u8 : EntryPath.Encode(path), Native.PathOnly | Native.NoFollow | flags, Native.ResolveBeneath | Native.ResolveNoSymlinks);
        return found >= 0 ? Native.Own(found)
            : found is -Errno.ENOENT or -Errno.ENOTDIR or -Errno.ELOOP ? null
            : throw FileError.Of(-found, $"{Root}/overlay2/{folder}/diff/{Escape.ForTerminal(path)}");
    }

    /// <summary>Where a layer lies; null when the store lacks a part of it or may not be read.</summary>
    /// <exception cref="ImageException">Malformed: what the store says of it makes no sense.</exception>
    public StoredLayer? FindLayer(Digest chainId, Digest diffId)
    {
        string folder = $"layerdb/sha256/{chainId.Hex}";
        if (ReadText($"{folder}/diff") is not { } diff || ReadText($"{folder}/cache-id") is not { } cacheId)
            return null;
        if (diff != diffId.ToString())
            throw new ImageException(ImageError.DiffIdMismatch, $"{Root}/image/overlay2/{folder}/diff states {Escape.Quote(diff)}, the image config {diffId}");
        if (cacheId.Length != CacheIdChars || !cacheId.All(char.IsAsciiHexDigitLower))
            throw new ImageException(ImageError.Malformed, $"{Root}/image/overlay2/{folder}/cache-id holds {Escape.Quote(cacheId)}; {CacheIdChars} hex digits are wanted");
        StoredLayer layer = new(chainId, cacheId, long.TryParse(ReadText($"{folder}/size"), NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size : 0);
        int split = OpenTarSplit(layer), unpacked = split < 0 ? split : OpenUnpacked(layer);
        if (split >= 0)
            Native.CloseFile(split);
        if (unpacked >= 0)
            Native.CloseFile(unpacked);
        return unpacked < 0 ? null : layer;
    }

    /// <summary>tar-split's record of a layer and its unpacked files; the caller disposes both.</summary>
    /// <exception cref="ImageException">Either is gone, or is not what it should be.</exception>
    public (Stream TarSplit, SafeFileHandle Unpacked) Open(StoredLayer layer)
    {
        int split = OpenTarSplit(layer);
        if (split < 0)
            throw FileError.Of(-split, $"{Root}/image/overlay2/layerdb/sha256/{layer.ChainId.Hex}/tar-split.json.gz");
        SafeFileHandle splitFile = Native.Own(split);
        if (Native.GetStat(split, out Stat stat) < 0 || !stat.IsFile)
        {
            splitFile.Dispose();
            throw new ImageException(ImageError.Malformed, $"{Root}/image/overlay2/layerdb/sha256/{layer.ChainId.Hex}/tar-split.json.gz is no regular file");
        }
        int unpacked = OpenUnpacked(layer);
        if (unpacked < 0)
        {
            splitFile.Dispose();
            throw FileError.Of(-unpacked, $"{Root}/{layer.Folder}");
        }
        return (new FileStream(splitFile, FileAccess.Read, bufferSize: 1, isAsync: false), Native.Own(unpacked));
    }

    /// <summary>
    /// Compares the notes by which Docker mounts a container's root: each layer's short name (<c>link</c>), where that leads
    /// (<c>l/NAME</c>), what lies below the layer (<c>lower</c>), and the layer that layerdb calls its parent.
    /// </summary>
    /// <param name="layers">Base layer first.</param>
    /// <param name="mounted">The folder that the running daemon says is the top layer's; null when it does not say.</param>
    /// <remarks>Source: moby/moby, daemon/graphdriver/overlay2/overlay.go (create, getLower, Get) and layer/filestore.go.</remarks>
    public IReadOnlyList<ChangedNote> FindRestacked(IReadOnlyList<StoredLayer> layers, string? mounted)
    {
        List<ChangedNote> changed = [];
        int opened = OpenBelow(_unpacked, "l", Native.PathOnly | Native.DirectoryOnly, Native.ResolveNoXdev);
        using SafeFileHandle? links = opened >= 0 ? Native.Own(opened) : null;
        string lower = "", parent = "";
        for (int i = 0; i < layers.Count; i++)
        {
            string notes = layers[i].CacheId, name = ReadNote($"{notes}/link") ?? "";
            Compare(i, $"overlay2/{notes}/lower", ReadNote($"{notes}/lower") ?? "", lower);
            if (name.Length == 0 || !name.All(char.IsAsciiLetterOrDigit))
                changed.Add(new ChangedNote(i + 1, $"overlay2/{notes}/link", name, "the name of a link below overlay2/l"));
            else
                Compare(i, $"overlay2/l/{name}", TargetOf(links, name), $"../{notes}/diff");
            string folder = $"layerdb/sha256/{layers[i].ChainId.Hex}";
            Compare(i, $"image/overlay2/{folder}/parent", ReadText($"{folder}/parent") ?? "", parent);
            (lower, parent) = (lower.Length == 0 ? $"l/{name}" : $"l/{name}:{lower}", layers[i].ChainId.ToString());
        }
        // Docker reads cache-id when it starts, so that what stands there now may not be what it uses.
        if (layers.Count > 0 && mounted is not null && !mounted.EndsWith($"/{layers[^1].Folder}", StringComparison.Ordinal))
            Compare(layers.Count - 1, $"image/overlay2/layerdb/sha256/{layers[^1].ChainId.Hex}/cache-id", mounted, $"{Root}/{layers[^1].Folder}");
        return changed;

        void Compare(int layer, string place, string seen, string wanted)
        {
            if (seen != wanted)
                changed.Add(new ChangedNote(layer + 1, place, seen, wanted));
        }
    }

    /// <summary>Empty when it is no link.</summary>
    private static string TargetOf(SafeFileHandle? links, string name)
    {
        Span<byte> target = stackalloc byte[MaxSmallFileBytes];
        int length = links is null ? -1 : Native.ReadLink((int)links.DangerousGetHandle(), Encoding.UTF8.GetBytes(name + '\0'), target);
        return length < 0 ? "" : EntryPath.Decode(target[..length]);
    }

    private string? ReadNote(string path) => ReadFile(_unpacked, "overlay2", path, MaxNoteBytes, out _) is { } bytes ? EntryPath.Decode(bytes) : null;

    private int OpenTarSplit(StoredLayer layer) => OpenBelow(_metadata, $"layerdb/sha256/{layer.ChainId.Hex}/tar-split.json.gz", Native.ReadOnly | Native.NonBlock);

    private int OpenUnpacked(StoredLayer layer) => OpenBelow(_unpacked, $"{layer.CacheId}/diff", Native.PathOnly | Native.DirectoryOnly, Native.ResolveNoXdev);

    /// <param name="resolve">In addition; a layer's folder must not be a mount, which containers would see beneath.</param>
    private static int OpenBelow(SafeFileHandle folder, string path, ulong flags, ulong resolve = 0) =>
        Native.Open((int)folder.DangerousGetHandle(), Encoding.UTF8.GetBytes(path + '\0'), flags, Native.ResolveBeneath | Native.ResolveNoSymlinks | resolve);

    private string? ReadText(string path) => ReadFile(path, MaxSmallFileBytes) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private byte[]? ReadFile(string path, int maxBytes) => ReadFile(_metadata, Metadata, path, maxBytes, out _);

    /// <param name="below">What the folder is called in errors.</param>
    private byte[]? ReadFile(SafeFileHandle folder, string below, string path, int maxBytes, out Stat stat)
    {
        stat = default;
        int file = OpenBelow(folder, path, Native.ReadOnly | Native.NonBlock);
        if (file is -Errno.ENOENT or -Errno.ENOTDIR or -Errno.EACCES or -Errno.EPERM)
            return null;
        if (file < 0)
            throw FileError.Of(-file, $"{Root}/{below}/{path}");
        using SafeFileHandle owned = Native.Own(file);
        if (Native.GetStat(file, out stat) < 0 || !stat.IsFile)
            throw new ImageException(ImageError.Malformed, $"{Root}/{below}/{path} is no regular file");
        if (stat.Size > maxBytes)
            throw new ImageException(ImageError.LimitExceeded, $"{Root}/{below}/{path} has {stat.Size} bytes, at most {maxBytes} are read");
        byte[] bytes = new byte[stat.Size];
        int filled = 0;
        for (int got; filled < bytes.Length && (got = Native.ReadFile(file, bytes.AsSpan(filled))) > 0;)
            filled += got;
        return filled == bytes.Length ? bytes : bytes[..filled];
    }

    public void Dispose()
    {
        _metadata.Dispose();
        _unpacked.Dispose();
    }
}

/// <summary>A layer of the store.</summary>
/// <param name="CacheId">The folder's name below <c>overlay2/</c>.</param>
/// <param name="UnpackedBytes">What Docker says its files add up to; a hint for order, nothing more.</param>
internal sealed record StoredLayer(Digest ChainId, string CacheId, long UnpackedBytes)
{
    /// <summary>Relative to the data root.</summary>
    public string Folder => $"overlay2/{CacheId}/diff";
}
