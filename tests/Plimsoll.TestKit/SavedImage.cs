using System.Formats.Tar;
using System.Text;
using Plimsoll.Oci;

namespace Plimsoll.TestKit;

/// <summary>Makes small images in the form that <c>docker save</c> writes and <c>docker load</c> reads.</summary>
public sealed class SavedImage
{
    private readonly List<byte[]> _layers = [];

    public string Tag { get; set; } = "plimsoll/test:1";

    /// <summary>The config's <c>config</c>, JSON.</summary>
    public string Run { get; init; } = """{"Cmd":["/bin/true"]}""";

    /// <summary>The exact config bytes of the last <see cref="Build"/>.</summary>
    public byte[] Config { get; private set; } = [];

    public Digest Id => Digest.Of(Config);

    public IReadOnlyList<Digest> DiffIds => [.. _layers.Select(l => Digest.Of(l))];

    /// <summary>The uncompressed tar of each layer, base first.</summary>
    public IReadOnlyList<byte[]> Layers => _layers;

    /// <summary>Adds a layer of regular files; their folders come with them.</summary>
    public SavedImage WithLayer(params (string Path, string Content)[] files) => WithLayer(tar =>
    {
        HashSet<string> folders = [];
        foreach ((string path, string content) in files)
        {
            for (int slash = path.IndexOf('/'); slash > 0; slash = path.IndexOf('/', slash + 1))
                if (folders.Add(path[..slash]))
                    tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, path[..slash] + "/") { Mode = (UnixFileMode)0b111_101_101 });
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) });
        }
    });

    public SavedImage WithLayer(Action<TarWriter> write)
    {
        using MemoryStream tar = new();
        using (TarWriter writer = new(tar, TarEntryFormat.Pax, leaveOpen: true))
            write(writer);
        _layers.Add(tar.ToArray());
        return this;
    }

    /// <summary>The archive, uncompressed.</summary>
    public byte[] Build()
    {
        string diffIds = string.Join(",", DiffIds.Select(d => $"\"{d}\""));
        string history = string.Join(",", _layers.Select((_, i) => $$"""{"created":"2026-01-01T00:00:00Z","created_by":"layer {{i}}"}"""));
        Config = Encoding.UTF8.GetBytes($$"""{"architecture":"amd64","os":"linux","created":"2026-01-01T00:00:00Z","config":{{Run}},"rootfs":{"type":"layers","diff_ids":[{{diffIds}}]},"history":[{{history}}]}""");
        string layers = string.Join(",", _layers.Select((_, i) => $"\"{i}/layer.tar\""));
        using MemoryStream archive = new();
        using (TarWriter writer = new(archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            Add(writer, $"{Id.Hex}.json", Config);
            for (int i = 0; i < _layers.Count; i++)
                Add(writer, $"{i}/layer.tar", _layers[i]);
            Add(writer, "manifest.json", Encoding.UTF8.GetBytes($$"""[{"Config":"{{Id.Hex}}.json","RepoTags":["{{Tag}}"],"Layers":[{{layers}}]}]"""));
        }
        return archive.ToArray();
    }

    private static void Add(TarWriter writer, string name, byte[] content) =>
        writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
}
