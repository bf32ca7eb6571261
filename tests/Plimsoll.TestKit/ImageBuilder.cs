using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Plimsoll.TestKit;

/// <summary>Makes small images in the forms that Plimsoll reads.</summary>
public sealed class ImageBuilder
{
    private readonly List<(byte[] Tar, string? CreatedBy)> _layers = [];
    private string _architecture = "amd64";
    private Func<byte[], byte[]>? _stored;

    public static string Hex(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public IReadOnlyList<byte[]> Tars => [.. _layers.Select(l => l.Tar)];

    public ImageBuilder Layer(byte[] tar, string createdBy = "RUN something")
    {
        _layers.Add((tar, createdBy));
        return this;
    }

    public ImageBuilder Layer(Action<TarBuilder> write, string createdBy = "RUN something")
    {
        TarBuilder tar = new();
        write(tar);
        return Layer(tar.Build(), createdBy);
    }

    public ImageBuilder For(string architecture)
    {
        _architecture = architecture;
        return this;
    }

    /// <summary>How layers are stored in a layout; default gzip.</summary>
    public ImageBuilder Stored(Func<byte[], byte[]> stored)
    {
        _stored = stored;
        return this;
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(bytes);
        return packed.ToArray();
    }

    public byte[] Config() => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["architecture"] = _architecture,
        ["os"] = "linux",
        ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. _layers.Select(l => (JsonNode)$"sha256:{Hex(l.Tar)}")]) },
        ["history"] = new JsonArray([.. _layers.Select(l => (JsonNode)new JsonObject { ["created_by"] = l.CreatedBy }), new JsonObject { ["created_by"] = "CMD [\"sh\"]", ["empty_layer"] = true }]),
    }.ToJsonString());

    /// <summary>The files of a <c>docker save</c> archive of the old form.</summary>
    public Dictionary<string, byte[]> ArchiveFiles(string tag = "test/image:1")
    {
        byte[] config = Config();
        Dictionary<string, byte[]> files = new() { [$"{Hex(config)}.json"] = config };
        JsonArray names = [];
        for (int i = 0; i < _layers.Count; i++)
        {
            string name = $"{Hex(Encoding.UTF8.GetBytes($"id {i} {Hex(_layers[i].Tar)}"))}/layer.tar";
            files[name] = _layers[i].Tar;
            names.Add(name);
        }
        files["manifest.json"] = Encoding.UTF8.GetBytes(new JsonArray(new JsonObject
        {
            ["Config"] = $"{Hex(config)}.json",
            ["RepoTags"] = new JsonArray(tag),
            ["Layers"] = names,
        }).ToJsonString());
        return files;
    }

    /// <summary>The files of an OCI image layout, gzip layers unless <see cref="Stored"/> says otherwise.</summary>
    public Dictionary<string, byte[]> LayoutFiles(string tag = "latest", Action<JsonObject>? editManifest = null)
    {
        Dictionary<string, byte[]> files = new() { ["oci-layout"] = "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray() };
        byte[] config = Config();
        JsonObject configDescriptor = Add(files, "application/vnd.oci.image.config.v1+json", config);
        JsonArray layers = [];
        foreach ((byte[] tar, _) in _layers)
            layers.Add(Add(files, "application/vnd.oci.image.layer.v1.tar+gzip", (_stored ?? Gzip)(tar)));
        JsonObject manifest = new()
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = configDescriptor,
            ["layers"] = layers,
        };
        editManifest?.Invoke(manifest);
        JsonObject descriptor = Add(files, "application/vnd.oci.image.manifest.v1+json", Encoding.UTF8.GetBytes(manifest.ToJsonString()));
        descriptor["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = tag };
        files["index.json"] = Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(descriptor) }.ToJsonString());
        return files;
    }

    public static JsonObject Add(Dictionary<string, byte[]> files, string mediaType, byte[] blob)
    {
        files[$"blobs/sha256/{Hex(blob)}"] = blob;
        return new JsonObject { ["mediaType"] = mediaType, ["digest"] = $"sha256:{Hex(blob)}", ["size"] = blob.Length };
    }

    public static byte[] Tar(Dictionary<string, byte[]> files)
    {
        TarBuilder tar = new();
        foreach ((string name, byte[] content) in files)
            tar.File(name, content);
        return tar.Build();
    }

    public static void Write(Dictionary<string, byte[]> files, string folder)
    {
        foreach ((string name, byte[] content) in files)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, content);
        }
    }
}
