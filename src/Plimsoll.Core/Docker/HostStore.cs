using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Docker;

/// <summary>The image store of the daemon on this host, for who asks it at every start: read in place, without the daemon.</summary>
/// <remarks>
/// Nothing in it is trusted: an image is what its config's digest says, and a layer is where layerdb says only when its bytes
/// prove it. What is remembered here leads to a candidate sooner and decides nothing.
/// </remarks>
public sealed class HostStore
{
    private const string InitSuffix = "-init";

    /// <summary>Configs that are kept, and bytes of one: most have a few thousand.</summary>
    private const int MaxKeptConfigs = 256, MaxKeptBytes = 64 * 1024;

    private readonly OciLimits _limits;
    private readonly KeptFile _repositories;
    private readonly ConcurrentDictionary<Digest, KeptConfig> _configs = new();
    private readonly ConcurrentDictionary<Digest, (Overlay2Image Image, FileState[] Notes)> _opened = new();
    private KeptNames? _names;

    /// <summary>The chainID of each image's top layer. A config cannot change without its id changing.</summary>
    private readonly ConcurrentDictionary<Digest, Digest?> _tops = new();

    private sealed record KeptConfig(FileState File, byte[] Bytes);

    private sealed record KeptNames(byte[] Bytes, IReadOnlyList<(string Name, Digest Id)> Names);

    public HostStore(string root, OciLimits limits)
    {
        (Root, _limits) = (root, limits);
        _repositories = new KeptFile($"{root}/{Overlay2Store.Metadata}/{Overlay2Store.Repositories}", ReadRepositories);
    }

    /// <summary>Docker's data root.</summary>
    public string Root { get; }

    /// <summary>Names with tag or digest as Docker keeps them, and the ids that they stand for.</summary>
    /// <exception cref="ImageException">The store cannot be read.</exception>
    public IReadOnlyList<(string Name, Digest Id)> ReadNames()
    {
        if (_repositories.Read() is not { } bytes)
            return [];
        KeptNames? names = Volatile.Read(ref _names);
        if (names?.Bytes != bytes)
            Volatile.Write(ref _names, names = new KeptNames(bytes, Overlay2Store.ParseNames(Root, bytes)));
        return names.Names;
    }

    private byte[]? ReadRepositories(out Stat stat)
    {
        using Overlay2Store store = Open();
        return store.ReadRepositories(_limits.MaxJsonBytes, out stat);
    }

    /// <summary>Ids of the images whose configs are stored.</summary>
    public IReadOnlyList<Digest> ListImages()
    {
        using Overlay2Store store = Open();
        return store.ListImages();
    }

    /// <summary>The config with that digest; null when the store has none, or one with another digest.</summary>
    public byte[]? FindConfig(Digest image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (_configs.TryGetValue(image, out KeptConfig? kept) && FileState.Of($"{Root}/{Overlay2Store.Metadata}/{Overlay2Store.ConfigOf(image)}") == kept.File)
            return kept.Bytes;
        using Overlay2Store store = Open();
        if (store.FindConfig(image, _limits.MaxJsonBytes, out Stat stat) is not { } bytes || Digest.Of(bytes) != image)
            return null;
        if (_configs.Count >= MaxKeptConfigs)
            _configs.Clear();
        if (bytes.Length <= MaxKeptBytes)
            _configs[image] = new KeptConfig(new FileState(stat), bytes);
        return bytes;
    }

    /// <summary>The containers that Docker keeps, running or not, and the folder below <c>overlay2/</c> of each.</summary>
    /// <exception cref="ImageException">The store cannot be read.</exception>
    public IReadOnlyList<(string Container, string Own)> ListContainers()
    {
        using Overlay2Store store = Open();
        return store.ListContainers();
    }

    /// <summary>Which folders a container's root is made of.</summary>
    /// <exception cref="ImageException">It is made of something else than Docker's own folders, or not of what Docker stacks.</exception>
    public StackedRoot Read(MountedRoot mounted)
    {
        ArgumentNullException.ThrowIfNull(mounted);
        using Overlay2Store store = Open();
        string own = store.FolderOfMounted(mounted.Upper);
        string[] lower = [.. mounted.Lower.Select(store.FolderOfMounted)];
        if (lower[0] != own + InitSuffix)
            throw new ImageException(ImageError.Malformed, $"{Root}: the container's own folder is {own}, and below it lies {lower[0]}; Docker puts {own}{InitSuffix} there");
        if (Array.Exists(lower[1..], f => f.EndsWith(InitSuffix, StringComparison.Ordinal) || f == own))
            throw new ImageException(ImageError.Malformed, $"{Root}: the container's root has another container's folder among its layers");
        return new StackedRoot(own, lower[0], lower[1..]);
    }

    /// <summary>The images that are made of exactly these folders: the configs say which layers, layerdb says which folders.</summary>
    /// <returns>Opened; the caller disposes them. More than one where images differ in their configs alone.</returns>
    public IReadOnlyList<UnpackedImage> OpenImagesOn(StackedRoot stack, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stack);
        List<UnpackedImage> images = [];
        try
        {
            using Overlay2Store store = Open();
            Dictionary<Digest, bool> isTop = [];
            foreach (Digest id in store.ListImages())
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (TopOf(store, id) is not { } top)
                    continue;
                if (!isTop.TryGetValue(top, out bool on))
                    isTop.Add(top, on = stack.Layers.Count > 0 && store.CacheIdOf(top) == stack.Layers[0]);
                if (on && OpenImage(id) is { } image)
                    if (image.Folders.Reverse().SequenceEqual(stack.Layers, StringComparer.Ordinal))
                        images.Add(image);
                    else
                        image.Dispose();
            }
            return images;
        }
        catch
        {
            images.ForEach(i => i.Dispose());
            throw;
        }
    }

    /// <summary>
    /// Why no image is made of exactly these folders: notes of the store by which images that share folders with them are stacked otherwise than their layers say, and
    /// configs that are not what their id says. For people; reads every image of the store.
    /// </summary>
    public IReadOnlyList<RestackedNote> FindRestacked(StackedRoot stack, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stack);
        List<(int Shared, IReadOnlyList<RestackedNote> Notes)> found = [];
        using Overlay2Store store = Open();
        foreach (Digest id in store.ListImages())
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (store.FindConfig(id, _limits.MaxJsonBytes) is { } config && Digest.Of(config) != id)
                    found.Add((0, [new RestackedNote(id, 0, $"image/overlay2/imagedb/content/sha256/{id.Hex}")]));
                else if (OpenImage(id) is { } image)
                    using (image)
                        if (image.Folders.Count(f => stack.Layers.Contains(f, StringComparer.Ordinal)) is > 0 and var shared)
                            found.Add((shared, [.. image.FindRestacked(stack)]));
            }
            catch (ImageException e) when (e.Error is ImageError.DiffIdMismatch)
            {
                // Two of its layers are one folder, or layerdb names another layer.
                found.Add((0, [new RestackedNote(id, 0, e.Message)]));
            }
            catch (ImageException)
            {
                // One that cannot be read tells nothing.
            }
        }
        return found.Where(f => f.Notes.Count > 0).OrderByDescending(f => f.Shared).Select(f => f.Notes).FirstOrDefault() ?? [];
    }

    /// <summary>An image as it lies unpacked; null when the store lacks it or a part of it.</summary>
    public UnpackedImage? OpenImage(Digest id)
    {
        Overlay2Store store = Open();
        try
        {
            if (Reopen(store, id) is { } known)
                return new UnpackedImage(known);
            if (Overlay2Image.TryOpen(store, id, id.ToString(), [], null, IdShift.None, new ImageOptions { Limits = _limits }, out _) is { } image)
            {
                Keep(store, id, image);
                return new UnpackedImage(image);
            }
        }
        catch
        {
            store.Dispose();
            throw;
        }
        store.Dispose();
        return null;
    }

    /// <summary>An image that was opened before, if its config is there and all notes that say where its layers lie are the files that they were.</summary>
    private Overlay2Image? Reopen(Overlay2Store store, Digest id) =>
        _opened.TryGetValue(id, out (Overlay2Image Image, FileState[] Notes) kept) && FindConfig(id) is not null && store.StatesOf(kept.Image.Stored) is { } now && now.AsSpan().SequenceEqual(kept.Notes)
            ? kept.Image.Again(store) : null;

    private void Keep(Overlay2Store store, Digest id, Overlay2Image image)
    {
        // One that was changed since it was read is not settled.
        if (image.ConfigBytes.Length > MaxKeptBytes || store.StatesOf(image.Stored) is not { } notes || !Array.TrueForAll(notes, n => n.IsSettled))
            return;
        if (_opened.Count >= MaxKeptConfigs)
            _opened.Clear();
        _opened[id] = (image, notes);
    }

    /// <summary>Opens the folder of a container or its <c>-init</c> folder.</summary>
    /// <param name="folder">As <see cref="StackedRoot"/> names it.</param>
    public SafeFileHandle OpenFolder(string folder)
    {
        using Overlay2Store store = Open();
        return store.OpenFolder(folder);
    }

    /// <summary>Whether a layer of the image has something at a path, through no link.</summary>
    /// <param name="path">Within the container's root.</param>
    public bool IsInLayers(StackedRoot stack, string path)
    {
        ArgumentNullException.ThrowIfNull(stack);
        using Overlay2Store store = Open();
        return stack.Layers.Any(l => store.Has(l, path));
    }

    /// <summary>The first folder in a container's own layer that has not the rights, owner and attributes of the one that it lies over.</summary>
    /// <param name="folders">Within the container's root.</param>
    /// <returns>Null when all have them, or lie over none.</returns>
    public string? FindExposed(StackedRoot stack, IReadOnlyList<string> folders)
    {
        ArgumentNullException.ThrowIfNull(stack);
        using Overlay2Store store = Open();
        return folders.FirstOrDefault(path => stack.Layers.Prepend(stack.Init).FirstOrDefault(l => store.Has(l, path)) is { } below
            && store.RightsOf(below, path) is { } wanted && store.RightsOf(stack.Own, path) != wanted);
    }

    private Digest? TopOf(Overlay2Store store, Digest id)
    {
        if (_tops.TryGetValue(id, out Digest? known))
            return known;
        Digest? top = null;
        try
        {
            if (store.FindConfig(id, _limits.MaxJsonBytes) is not { } bytes || Digest.Of(bytes) != id)
                return null;
            IReadOnlyList<Digest> diffIds = ImageConfigs.DiffIds(ImageConfigs.Parse(bytes, id.ToString(), ManifestJson.Config), id.ToString(), _limits);
            top = diffIds.Count > 0 ? ChainId.Of(diffIds)[^1] : null;
        }
        catch (ImageException)
        {
            // A config that cannot be read is no candidate.
        }
        _tops[id] = top;
        return top;
    }

    private Overlay2Store Open() => Overlay2Store.TryOpen(Root, out Overlay2Store? store, out string? reason) ? store
        : throw new ImageException(ImageError.AccessDenied, reason!, "the agent runs as root, beside a daemon with the storage driver overlay2");
}

/// <summary>A note of the store that is not what an image's layers say.</summary>
/// <param name="Layer">1 for the base layer; 0 for the image as a whole.</param>
/// <param name="Place">Relative to the data root.</param>
public sealed record RestackedNote(Digest Image, int Layer, string Place)
{
    public override string ToString() => $"{(Layer > 0 ? $"layer {Layer} of " : "")}{Image}: {Place}";
}

/// <summary>The folders below <c>overlay2/</c> that a container's root is made of.</summary>
/// <param name="Own">Takes what the container writes.</param>
/// <param name="Init">Docker's own names, for mounts.</param>
/// <param name="Layers">The image's, top layer first.</param>
public sealed record StackedRoot(string Own, string Init, IReadOnlyList<string> Layers);

/// <summary>An image of the store.</summary>
public sealed class UnpackedImage : IDisposable
{
    private readonly Overlay2Image _image;

    internal UnpackedImage(Overlay2Image image) => _image = image;

    public Image Image => _image;

    public Digest Id => _image.ConfigDigest!;

    /// <summary>Folders below <c>overlay2/</c>, base layer first.</summary>
    public IReadOnlyList<string> Folders => _image.Folders;

    /// <summary>Device and inode of a layer's folder: another folder under the same name has others.</summary>
    /// <param name="layer">0 for the base layer.</param>
    public string IdentityOf(int layer) => _image.IdentityOf(layer);

    /// <summary>Opens a layer's folder.</summary>
    /// <exception cref="ImageException">It cannot be opened, or is not the one that it was before.</exception>
    public SafeFileHandle OpenFolder(int layer) => _image.OpenFolder(layer);

    /// <summary>The notes that are wrong of those by which it is stacked.</summary>
    internal IEnumerable<RestackedNote> FindRestacked(StackedRoot stack) => _image.FindRestacked([.. stack.Layers.Reverse()]).Select(n => new RestackedNote(Id, n.Layer, n.Place));

    public void Dispose() => _image.Dispose();
}
