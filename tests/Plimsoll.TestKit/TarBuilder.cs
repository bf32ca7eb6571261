using System.Text;

namespace Plimsoll.TestKit;

/// <summary>Writes tars byte by byte, right ones and wrong ones.</summary>
public sealed class TarBuilder
{
    private readonly List<byte> _tar = [];

    public TarBuilder File(string path, string content, int mode = 0b110_100_100) => File(path, Encoding.UTF8.GetBytes(content), mode);

    public TarBuilder File(string path, byte[] content, int mode = 0b110_100_100) => Entry(path, '0', content, mode: mode);

    public TarBuilder Folder(string path) => Entry(path + "/", '5', []);

    public TarBuilder Symlink(string path, string target) => Entry(path, '2', [], target);

    public TarBuilder HardLink(string path, string target) => Entry(path, '1', [], target);

    public TarBuilder Whiteout(string path)
    {
        int slash = path.LastIndexOf('/');
        return Entry($"{path[..(slash + 1)]}.wh.{path[(slash + 1)..]}", '0', []);
    }

    public TarBuilder Opaque(string folder) => Entry($"{folder}/.wh..wh..opq", '0', []);

    public TarBuilder Pax(params ReadOnlySpan<(string Key, string Value)> records)
    {
        using MemoryStream data = new();
        foreach ((string key, string value) in records)
        {
            int bare = Encoding.UTF8.GetByteCount($" {key}={value}\n");
            int length = bare + bare.ToString().Length;
            if (bare + length.ToString().Length != length)
                length = bare + length.ToString().Length;
            data.Write(Encoding.UTF8.GetBytes($"{length} {key}={value}\n"));
        }
        return Entry("PaxHeaders/x", 'x', data.ToArray());
    }

    public TarBuilder GnuLongName(string name) => Entry("././@LongLink", 'L', [.. Encoding.UTF8.GetBytes(name), 0], magic: "ustar  \0");

    /// <summary>One header and its content, padded.</summary>
    /// <param name="statedSize">What the header states instead of the content's length.</param>
    public TarBuilder Entry(string path, char flag, byte[] content, string link = "", string magic = "ustar\00000", long? statedSize = null, int mode = 420, Action<byte[]>? edit = null)
    {
        byte[] header = new byte[512];
        byte[] name = Encoding.UTF8.GetBytes(path);
        name.AsSpan(0, Math.Min(100, name.Length)).CopyTo(header);
        Ascii(header, 100, Convert.ToString(mode, 8).PadLeft(7, '0'));
        Ascii(header, 108, "0000000");
        Ascii(header, 116, "0000000");
        Ascii(header, 124, Convert.ToString(statedSize ?? content.Length, 8).PadLeft(11, '0'));
        Ascii(header, 136, "00000000000");
        header[156] = (byte)flag;
        Ascii(header, 157, link);
        Ascii(header, 257, magic);
        edit?.Invoke(header);
        Sum(header);
        _tar.AddRange(header);
        _tar.AddRange(content);
        _tar.AddRange(new byte[-content.Length & 511]);
        return this;
    }

    /// <summary>Bytes as they are.</summary>
    public TarBuilder Raw(byte[] bytes)
    {
        _tar.AddRange(bytes);
        return this;
    }

    public static void Sum(byte[] header)
    {
        header.AsSpan(148, 8).Fill((byte)' ');
        int sum = header.Sum(b => b);
        Ascii(header, 148, Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ");
    }

    public static void Ascii(byte[] header, int at, string text) => Encoding.UTF8.GetBytes(text).AsSpan().CopyTo(header.AsSpan(at));

    /// <summary>The tar with its two blocks of zeros.</summary>
    public byte[] Build() => [.. _tar, .. new byte[1024]];

    /// <summary>The tar without an end.</summary>
    public byte[] BuildOpen() => [.. _tar];
}
