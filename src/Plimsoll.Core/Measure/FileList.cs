using System.Globalization;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Sign;

namespace Plimsoll.Measure;

/// <summary>The files of one layer.</summary>
/// <param name="Entries">In canonical order: by path (UTF-16 code units), an opaque folder after the folder's own entry.</param>
public sealed record LayerFiles(Digest DiffId, IReadOnlyList<FileEntry> Entries);

/// <summary>Every file of an image with its SHA-384, layer by layer, and which of them the composed root shows.</summary>
/// <remarks>Its bytes have one form only, so that a digest names them. Source: docs/formats/file-list.md.</remarks>
public sealed class FileList
{
    public const string MediaType = "application/vnd.plimsoll.files.v1+jsonl";

    /// <summary>Bytes of a list that is read; a file takes some 250, an image of 2 million files some 500 MB.</summary>
    public const int MaxBytes = 768 * 1024 * 1024;

    /// <summary>Bytes of one line: a path and a link of 8 KiB each, and extended attributes of 64 KiB, all escaped.</summary>
    private const int MaxLineBytes = 1024 * 1024;

    private FileList(Digest config, IReadOnlyList<LayerFiles> layers) => (Config, Layers) = (config, layers);

    /// <summary>Digest of the image's config.</summary>
    public Digest Config { get; }

    /// <summary>Base layer first.</summary>
    public IReadOnlyList<LayerFiles> Layers { get; }

    /// <summary>What the composed root shows, layer by layer.</summary>
    public IEnumerable<FileEntry> Root => Layers.SelectMany(l => l.Entries).Where(e => e.Visible);

    /// <summary>Reads an image's layers and hashes every file.</summary>
    /// <exception cref="ImageException">As <see cref="Measurer.Measure"/>.</exception>
    public static FileList Of(Image image, int parallelism, CancellationToken cancellationToken) =>
        Measurer.Measure(image, new MeasureOptions { Parallelism = parallelism, Files = true, CompareUnpacked = false }, cancellationToken).Files
        ?? throw new ImageException(ImageError.DiffIdMismatch, $"{image.Name}: its layers are not the ones that its config states");

    internal static FileList Of(Digest config, IReadOnlyList<(Digest DiffId, LayerContents Contents)> layers)
    {
        LayerFiles[] files = [.. layers.Select(l => new LayerFiles(l.DiffId, l.Contents.Sorted()))];
        Composition.MarkVisible([.. layers.Select(l => l.Contents)]);
        return new FileList(config, files);
    }

    /// <summary>The list as its canonical lines.</summary>
    public byte[] ToBytes()
    {
        using MemoryStream all = new();
        Write(new Bounded(all));
        return all.ToArray();
    }

    /// <summary>Writes the canonical lines: a head, then each layer's head and its entries.</summary>
    public void Write(Stream to)
    {
        ArgumentNullException.ThrowIfNull(to);
        Line(to, new CanonicalJson().BeginObject().Text("type", MediaType).Text("config", Config.ToString()).Number("layers", Layers.Count).EndObject());
        for (int i = 0; i < Layers.Count; i++)
        {
            Line(to, new CanonicalJson().BeginObject().Number("layer", i + 1).Text("diffId", Layers[i].DiffId.ToString()).Number("entries", Layers[i].Entries.Count).EndObject());
            foreach (FileEntry entry in Layers[i].Entries)
                Line(to, Json(entry));
        }
    }

    /// <summary>Nobody could read a longer list again.</summary>
    private sealed class Bounded(Stream to) : Stream
    {
        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (to.Length + buffer.Length > MaxBytes)
                throw new ImageException(ImageError.LimitExceeded, $"the list of the image's files is longer than {MaxBytes} bytes (MaxBytes)");
            to.Write(buffer);
        }

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => to.Length;
        public override long Position { get => to.Position; set => throw new NotSupportedException(); }
        public override void Flush() => to.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }

    private static CanonicalJson Json(FileEntry entry)
    {
        CanonicalJson json = new CanonicalJson().BeginObject().Text("path", entry.Path).Text("type", NameOf(entry.Type));
        if (entry.Type is not (FileType.Whiteout or FileType.Opaque))
        {
            json.Text("mode", Octal(entry.Mode)).Number("uid", entry.Uid).Number("gid", entry.Gid);
            if (entry.Type == FileType.File)
                json.Number("size", entry.Size).Text("sha384", Convert.ToHexStringLower(entry.Content ?? []));
            if (entry.Type is FileType.CharDevice or FileType.BlockDevice)
                json.Text("device", string.Create(CultureInfo.InvariantCulture, $"{entry.Device.Major}:{entry.Device.Minor}"));
            if (entry.Type is FileType.Symlink or FileType.HardLink)
                json.Text("link", entry.Link);
            if (entry.Attributes.Count > 0)
            {
                json.BeginArray("xattrs");
                foreach ((string name, byte[] value) in entry.Attributes)
                    json.BeginObject().Text("name", name).Text("value", Convert.ToBase64String(value)).EndObject();
                json.EndArray();
            }
            if (entry.Visible)
                json.Flag("visible", true);
        }
        return json.EndObject();
    }

    private static void Line(Stream to, CanonicalJson json)
    {
        to.Write(json.ToBytes());
        to.WriteByte((byte)'\n');
    }

    /// <summary>Reads what <see cref="Write"/> writes.</summary>
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="FormatException">It is none, or goes beyond a limit; the message says where.</exception>
    public static FileList Parse(ReadOnlyMemory<byte> bytes, string name) => Parse(bytes, name, null);

    /// <summary>The files of one layer; what the list says of the others is passed over unread, so that a small host can look into a long list.</summary>
    /// <returns>Null when the list has no such layer.</returns>
    /// <exception cref="FormatException">As <see cref="Parse(ReadOnlyMemory{byte}, string)"/>, as far as it was read; also for a list of another image.</exception>
    public static LayerFiles? FindLayer(ReadOnlyMemory<byte> bytes, Digest config, Digest diffId, string name)
    {
        FileList list = Parse(bytes, name, diffId);
        return list.Config == config ? list.Layers.FirstOrDefault(l => l.DiffId == diffId)
            : throw new FormatException($"{name}: it is of image {list.Config}, wanted {config}");
    }

    /// <param name="only">The layer whose entries are read; null for all.</param>
    private static FileList Parse(ReadOnlyMemory<byte> bytes, string name, Digest? only)
    {
        if (bytes.Length > MaxBytes)
            throw new FormatException($"{name}: longer than {MaxBytes} bytes (MaxBytes)");
        int at = 0, line = 0;
        try
        {
            JsonElement head = Next();
            if (Text(head, "type") != MediaType)
                throw new FormatException($"{name}: it is no file list; its type is {Texts.Escape.Quote(Text(head, "type"))}, wanted {MediaType}");
            Digest config = Digest.Parse(Text(head, "config"));
            int count = head.GetProperty("layers").GetInt32();
            if (count < 0 || count > OciLimits.Default.MaxLayers)
                throw new FormatException($"{name}: {count} layers; at most {OciLimits.Default.MaxLayers} are read (MaxLayers)");
            List<LayerFiles> layers = [];
            for (int i = 1; i <= count; i++)
            {
                JsonElement layer = Next();
                if (layer.GetProperty("layer").GetInt32() != i)
                    throw new FormatException($"{name}: line {line}: wanted the head of layer {i}");
                Digest diffId = Digest.Parse(Text(layer, "diffId"));
                int entries = layer.GetProperty("entries").GetInt32();
                if (entries is < 0 or > LayerContents.MaxFiles)
                    throw new FormatException($"{name}: line {line}: {entries} entries; at most {LayerContents.MaxFiles} are read (MaxFiles)");
                List<FileEntry> files = [];
                for (int n = 0; n < entries; n++)
                    if (only is null || only == diffId)
                        files.Add(Entry(Next()));
                    else
                        NextLine();
                layers.Add(new LayerFiles(diffId, files));
            }
            if (at != bytes.Length)
                throw new FormatException($"{name}: line {line + 1}: something follows the last layer");
            return new FileList(config, layers);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException or OverflowException or FormatException && !e.Message.StartsWith(name, StringComparison.Ordinal))
        {
            throw new FormatException($"{name}: line {line}: {Texts.Escape.ForTerminal(e.Message)}", e);
        }

        JsonElement Next()
        {
            Utf8JsonReader json = new(NextLine().Span, new JsonReaderOptions { MaxDepth = 4 });
            JsonElement element = JsonElement.ParseValue(ref json);
            if (json.Read())
                throw new FormatException($"{name}: line {line}: something follows the object");
            return element;
        }

        ReadOnlyMemory<byte> NextLine()
        {
            line++;
            ReadOnlyMemory<byte> rest = bytes[at..];
            int end = rest.Span.IndexOf((byte)'\n');
            if (end is < 0 or > MaxLineBytes)
                throw new FormatException($"{name}: line {line}: it has no end, or is longer than {MaxLineBytes} bytes (MaxLineBytes)");
            at += end + 1;
            return rest[..end];
        }
    }

    private static FileEntry Entry(JsonElement json)
    {
        FileType type = TypeOf(Text(json, "type"));
        List<KeyValuePair<string, byte[]>> attributes = [];
        if (json.TryGetProperty("xattrs", out JsonElement list))
            foreach (JsonElement attribute in list.EnumerateArray())
                attributes.Add(new(Text(attribute, "name"), attribute.GetProperty("value").GetBytesFromBase64()));
        string[] device = json.TryGetProperty("device", out JsonElement numbers) ? (numbers.GetString() ?? "").Split(':') : ["0", "0"];
        if (device.Length != 2 || !Number(device[0], out long major) || !Number(device[1], out long minor))
            throw new FormatException("the device is no pair of numbers");
        bool marker = type is FileType.Whiteout or FileType.Opaque;
        byte[]? content = type == FileType.File ? Convert.FromHexString(Text(json, "sha384")) : null;
        if (content is not null && content.Length != 48)
            throw new FormatException("the SHA-384 has not 96 hex digits");
        return new FileEntry
        {
            Path = Text(json, "path"),
            Type = type,
            Mode = marker ? 0 : Convert.ToInt32(Text(json, "mode"), 8) & 0xfff,
            Uid = marker ? 0 : json.GetProperty("uid").GetInt64(),
            Gid = marker ? 0 : json.GetProperty("gid").GetInt64(),
            Size = type == FileType.File ? json.GetProperty("size").GetInt64() : 0,
            Content = content,
            Device = (major, minor),
            Link = type is FileType.Symlink or FileType.HardLink ? Text(json, "link") : "",
            Attributes = attributes,
            Visible = json.TryGetProperty("visible", out JsonElement visible) && visible.GetBoolean(),
        };
    }

    private static bool Number(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null");

    internal static string Octal(int mode) => Convert.ToString(mode, 8).PadLeft(4, '0');

    internal static string NameOf(FileType type) => type switch
    {
        FileType.File => "file",
        FileType.Directory => "directory",
        FileType.Symlink => "symlink",
        FileType.HardLink => "hardlink",
        FileType.CharDevice => "char-device",
        FileType.BlockDevice => "block-device",
        FileType.Fifo => "fifo",
        FileType.Whiteout => "whiteout",
        _ => "opaque",
    };

    private static FileType TypeOf(string name) => name switch
    {
        "file" => FileType.File,
        "directory" => FileType.Directory,
        "symlink" => FileType.Symlink,
        "hardlink" => FileType.HardLink,
        "char-device" => FileType.CharDevice,
        "block-device" => FileType.BlockDevice,
        "fifo" => FileType.Fifo,
        "whiteout" => FileType.Whiteout,
        "opaque" => FileType.Opaque,
        _ => throw new FormatException($"unknown type {Texts.Escape.Quote(name)}"),
    };
}
