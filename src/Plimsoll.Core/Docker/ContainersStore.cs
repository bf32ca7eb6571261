using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Docker;

/// <summary>The files in which podman, buildah and CRI-O keep images and their unpacked layers.</summary>
/// <remarks>
/// Nothing here is trusted: the config must have the image id as its digest, each layer's rebuilt tar its diffID. What a name
/// means is the store's word. Layout: <c>DRIVER-images/{images.json,ID/BLOB}</c>, <c>DRIVER-layers/{layers.json,ID.tar-split.gz}</c>,
/// <c>overlay/ID/diff</c> or <c>vfs/dir/ID</c>. Source: containers/storage, images.go, layers.go, drivers/overlay and drivers/vfs.
/// </remarks>
internal sealed class ContainersStore
{
    /// <summary>Bytes of images.json and layers.json: some hundred bytes for each layer of the host.</summary>
    private const int MaxListBytes = 64 * 1024 * 1024;

    private static readonly string[] Drivers = ["overlay", "vfs"];

    private readonly string _driver;
    private Dictionary<string, ContainersLayer>? _layers;

    private ContainersStore(string root, string driver) => (Root, _driver) = (root, driver);

    /// <summary>The graph root.</summary>
    public string Root { get; }

    /// <param name="driver"><c>overlay</c> or <c>vfs</c>; null: whichever the folder has.</param>
    /// <exception cref="ImageException">NotFound, or Unsupported: another driver.</exception>
    public static ContainersStore Open(string root, string? driver)
    {
        if (!Directory.Exists(root))
            throw new ImageException(ImageError.NotFound, $"there is no containers-storage {Escape.Quote(root)}",
                "another place is containers-storage:[overlay@/PATH]NAME; podman info shows it as graphRoot");
        if (driver is not null && !Drivers.Contains(driver))
            throw new ImageException(ImageError.Unsupported, $"containers-storage with the driver {Escape.Quote(driver)} is not read; overlay and vfs are", HowElse);
        string? found = driver ?? Drivers.FirstOrDefault(d => File.Exists(Path.Combine(root, $"{d}-images", "images.json")));
        return found is not null ? new ContainersStore(root, found)
            : throw new ImageException(ImageError.NotFound, $"{Escape.Quote(root)} holds no images in the form of overlay or vfs", HowElse);
    }

    public const string HowElse = "podman save -o FILE NAME makes an archive that can be scanned";

    /// <summary>The image that a user's words mean: a name with tag or digest, as podman completes it, or an id, whole or shortened.</summary>
    /// <exception cref="ImageException">NotFound or Ambiguous.</exception>
    public ContainersRecord Find(string name)
    {
        IReadOnlyList<ContainersRecord> images = [.. Read($"{_driver}-images/images.json", ContainersJson.Default.IReadOnlyListContainersRecord).OfType<ContainersRecord>().Where(i => IsId(i.Id))];
        bool tagged = name.LastIndexOf(':') > name.LastIndexOf('/');
        string full = tagged || name.Contains('@', StringComparison.Ordinal) ? name : name + ":latest";
        foreach (string candidate in (string[])[full, $"localhost/{full}", $"docker.io/library/{full}", $"docker.io/{full}"])
            if (images.FirstOrDefault(i => i.Names?.Contains(candidate, StringComparer.Ordinal) == true) is { } named)
                return named;
        string id = name.StartsWith("sha256:", StringComparison.Ordinal) ? name[7..] : name;
        List<ContainersRecord> begun = id.Length >= 3 && id.All(char.IsAsciiHexDigitLower) ? [.. images.Where(i => i.Id!.StartsWith(id, StringComparison.Ordinal))] : [];
        return begun.Count switch
        {
            1 => begun[0],
            0 => throw new ImageException(ImageError.NotFound, $"{Root} ({_driver}) has no image {Escape.Quote(name)}", "podman images lists those that there are"),
            _ => throw new ImageException(ImageError.Ambiguous, $"{Root}: {begun.Count} images have ids that begin with {id}"),
        };
    }

    /// <summary>The config's bytes, unchecked.</summary>
    public byte[] ReadConfig(Digest id, int maxBytes)
    {
        // Names of blobs that are not letters and digits only are stored as base64.
        string file = $"{_driver}-images/{id.Hex}/={Convert.ToBase64String(Encoding.UTF8.GetBytes(id.ToString()))}";
        return ReadFile(file, maxBytes);
    }

    /// <summary>The layers below and with this one, base first.</summary>
    /// <exception cref="ImageException">Malformed: the chain is longer than that, or a layer is not there.</exception>
    public IReadOnlyList<ContainersLayer> ChainOf(string? top, int maxLayers)
    {
        if (_layers is null)
        {
            _layers = new Dictionary<string, ContainersLayer>(StringComparer.Ordinal);
            foreach (ContainersLayer? layer in Read($"{_driver}-layers/layers.json", ContainersJson.Default.IReadOnlyListContainersLayer))
                if (layer is not null && IsId(layer.Id))
                    _layers.TryAdd(layer.Id!, layer);
        }
        List<ContainersLayer> chain = [];
        for (string? id = top; !string.IsNullOrEmpty(id); id = chain[^1].Parent)
        {
            if (chain.Count == maxLayers)
                throw new ImageException(ImageError.LimitExceeded, $"{Root}: more than {maxLayers} layers (MaxLayers) below {Escape.Quote(top)}");
            chain.Add(_layers.GetValueOrDefault(id) ?? throw new ImageException(ImageError.BlobMissing, $"{Root}/{_driver}-layers/layers.json has no layer {Escape.Quote(id)}"));
        }
        chain.Reverse();
        return chain;
    }

    /// <summary>Relative to the root.</summary>
    public string FolderOf(ContainersLayer layer) => _driver == "vfs" ? $"vfs/dir/{layer.Id}" : $"overlay/{layer.Id}/diff";

    /// <summary>tar-split's record of a layer and its unpacked files; the caller disposes both.</summary>
    public (Stream TarSplit, SafeFileHandle Unpacked) Open(ContainersLayer layer)
    {
        string split = $"{_driver}-layers/{layer.Id}.tar-split.gz";
        SafeFileHandle record = StoreFiles.OpenBelow(Root, split)
            ?? throw new ImageException(ImageError.Unsupported, $"{Root}/{split} is not there: the layer was stored in a form from which its tar cannot be made again", HowElse);
        string folder = $"{Root}/{FolderOf(layer)}";
        int unpacked = Native.Open(Native.AtFdCwd, Encoding.UTF8.GetBytes(folder + '\0'), Native.PathOnly | Native.DirectoryOnly, Native.ResolveNoMagicLinks);
        if (unpacked < 0)
        {
            record.Dispose();
            throw FileError.Of(-unpacked, Escape.ForTerminal(folder));
        }
        return (new FileStream(record, FileAccess.Read, bufferSize: 1, isAsync: false), Native.Own(unpacked));
    }

    /// <summary>Ids become parts of paths.</summary>
    private static bool IsId(string? id) => id is { Length: 64 } && id.All(char.IsAsciiHexDigitLower);

    private T Read<T>(string name, JsonTypeInfo<T> type)
    {
        byte[] bytes = ReadFile(name, MaxListBytes);
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new ImageException(ImageError.Malformed, $"{Root}/{name}: no valid JSON of the expected form at line {e.LineNumber + 1}", inner: e);
        }
    }

    private byte[] ReadFile(string name, int maxBytes)
    {
        using SafeFileHandle file = StoreFiles.OpenBelow(Root, name) ?? throw new ImageException(ImageError.BlobMissing, $"{Root}/{Escape.ForTerminal(name)} is not there");
        long length = RandomAccess.GetLength(file);
        if (length > maxBytes)
            throw new ImageException(ImageError.LimitExceeded, $"{Root}/{Escape.ForTerminal(name)} has {length} bytes, at most {maxBytes} are read");
        byte[] bytes = new byte[length];
        using FileRegion region = new(file, 0, length);
        int got = region.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return bytes[..got];
    }
}

/// <summary>One image of images.json.</summary>
/// <param name="Id">For images in today's forms the digest of the config, without <c>sha256:</c>.</param>
/// <param name="Layer">Id of the top layer; absent for an image without layers.</param>
internal sealed record ContainersRecord(
    [property: JsonPropertyName("id")] string? Id, [property: JsonPropertyName("names")] IReadOnlyList<string>? Names, [property: JsonPropertyName("layer")] string? Layer);

/// <summary>One layer of layers.json.</summary>
internal sealed record ContainersLayer(
    [property: JsonPropertyName("id")] string? Id, [property: JsonPropertyName("parent")] string? Parent,
    [property: JsonPropertyName("diff-digest")] string? DiffDigest, [property: JsonPropertyName("diff-size")] long DiffSize);

[JsonSourceGenerationOptions(MaxDepth = 32)]
[JsonSerializable(typeof(IReadOnlyList<ContainersRecord>))]
[JsonSerializable(typeof(IReadOnlyList<ContainersLayer>))]
internal sealed partial class ContainersJson : JsonSerializerContext;
