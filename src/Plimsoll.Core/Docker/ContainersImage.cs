using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Docker;

/// <summary>An image of podman, buildah or CRI-O, read in place from containers-storage.</summary>
internal sealed class ContainersImage : TarSplitImage
{
    private readonly ContainersStore _store;
    private readonly Dictionary<string, ContainersLayer> _stored = new(StringComparer.Ordinal);

    private ContainersImage(ContainersStore store) => _store = store;

    /// <param name="location"><c>NAME</c> or <c>[DRIVER@GRAPHROOT]NAME</c>, as skopeo writes it.</param>
    /// <exception cref="ImageException">NotFound, Ambiguous, AccessDenied, Malformed, Unsupported; DigestMismatch: an edited config.</exception>
    public static ContainersImage Open(string location, string shownName, ImageOptions options)
    {
        (string root, string? driver, string name) = Split(location, options.Environment);
        return Unprivileged.Run(() => Open(ContainersStore.Open(root, driver), name, shownName, options));
    }

    private static ContainersImage Open(ContainersStore store, string name, string shownName, ImageOptions options)
    {
        ContainersRecord record = store.Find(name);
        Digest id = Digest.Parse($"sha256:{record.Id}");
        byte[] bytes = store.ReadConfig(id, options.Limits.MaxJsonBytes);
        string where = $"{store.Root}: config of {id}";
        if (options.Verification == Verification.Full && Digest.Of(bytes) is var digest && digest != id)
            throw new ImageException(ImageError.DigestMismatch, $"{where}: the config's digest is {digest}, the image id is {id}");
        ImageConfig config = ImageConfigs.Parse(bytes, where, ManifestJson.Config);
        ArchiveImage.CheckPlatform(config, options.Platform, shownName);
        IReadOnlyList<Digest> diffIds = ImageConfigs.DiffIds(config, where, options.Limits);
        IReadOnlyList<ContainersLayer> chain = store.ChainOf(record.Layer, options.Limits.MaxLayers);
        if (chain.Count != diffIds.Count)
            throw new ImageException(ImageError.Malformed, $"{where}: it states {diffIds.Count} layers, the store has {chain.Count}", ContainersStore.HowElse);
        List<ImageLayer> layers = [];
        Dictionary<string, ContainersLayer> stored = new(StringComparer.Ordinal);
        for (int i = 0; i < chain.Count; i++)
        {
            string folder = store.FolderOf(chain[i]);
            stored[folder] = chain[i];
            layers.Add(new ImageLayer(folder, diffIds[i], null, -1));
        }
        ContainersImage image = new(store)
        {
            Name = shownName,
            Verification = options.Verification,
            Limits = options.Limits,
            ConfigDigest = id,
            ConfigBytes = bytes,
            Config = config,
            Tags = [.. record.Names?.OfType<string>() ?? []],
            Layers = ImageConfigs.CheckRepeated(layers, where),
        };
        foreach ((string folder, ContainersLayer layer) in stored)
            image._stored.Add(folder, layer);
        return image;
    }

    /// <summary>podman's own places, when none is named: the user's, or the system's for root.</summary>
    internal static (string Root, string? Driver, string Name) Split(string location, Func<string, string?> environment)
    {
        if (location.StartsWith('[') && location.IndexOf(']', StringComparison.Ordinal) is > 0 and var end)
        {
            string place = location[1..end];
            int at = place.IndexOf('@', StringComparison.Ordinal);
            // What follows a plus sign is the folder of running containers, and options; neither matters here.
            string root = place[(at + 1)..].Split('+')[0];
            if (root.StartsWith('/') && location.Length > end + 1)
                return (root, at > 0 ? place[..at] : null, location[(end + 1)..]);
            throw new ImageException(ImageError.Malformed, $"{Texts.Escape.Quote(location)} is no image in containers-storage", "wanted containers-storage:NAME or containers-storage:[overlay@/PATH]NAME");
        }
        if (Environment.IsPrivilegedProcess)
            return ("/var/lib/containers/storage", null, location);
        string data = environment("XDG_DATA_HOME") is { Length: > 0 } xdg ? xdg : Path.Combine(environment("HOME") is { Length: > 0 } home ? home : "/", ".local/share");
        return (Path.Combine(data, "containers/storage"), null, location);
    }

    protected override string Root => _store.Root;

    protected override string Remedy => "somebody edited the store; remove the image and pull or load it again";

    protected override (Stream Split, SafeFileHandle Unpacked) OpenStored(ImageLayer layer) => _store.Open(_stored[layer.Key]);

    protected override long WeightOf(ImageLayer layer) => _stored[layer.Key].DiffSize;
}
