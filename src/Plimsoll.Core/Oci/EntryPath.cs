using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Plimsoll.Oci;

/// <summary>Paths inside an image are bytes; this makes them text and keeps different ones different.</summary>
public static class EntryPath
{
    /// <summary>UTF-8 as it is; each byte that is none becomes U+0000 and two hex digits (a path cannot hold U+0000).</summary>
    public static string Decode(ReadOnlySpan<byte> path)
    {
        if (Utf8.IsValid(path))
            return Encoding.UTF8.GetString(path);
        StringBuilder text = new(path.Length + 8);
        while (path.Length > 0)
        {
            if (Rune.DecodeFromUtf8(path, out Rune rune, out int used) == System.Buffers.OperationStatus.Done)
                text.Append(rune.ToString());
            else
                foreach (byte b in path[..used])
                    text.Append('\0').Append(Convert.ToHexStringLower([b]));
            path = path[used..];
        }
        return text.ToString();
    }

    /// <summary>The bytes of a path that <see cref="Decode"/> made text, with a zero byte at its end.</summary>
    internal static byte[] Encode(string path)
    {
        List<byte> bytes = [];
        for (int at = 0; at < path.Length;)
        {
            int special = path.IndexOf('\0', at);
            bytes.AddRange(Encoding.UTF8.GetBytes(path[at..(special < 0 ? path.Length : special)]));
            if (special < 0)
                break;
            if (special + 3 > path.Length || !byte.TryParse(path.AsSpan(special + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte raw))
                return [0];
            bytes.Add(raw);
            at = special + 3;
        }
        bytes.Add(0);
        return [.. bytes];
    }

    /// <summary>Drops empty and <c>.</c> parts and slashes at both ends.</summary>
    /// <param name="raw">A path as stored.</param>
    /// <param name="buffer">At least as long as <paramref name="raw"/>; receives the normal form.</param>
    /// <returns>The length of the normal form, or -1 when a part is <c>..</c> or a byte is 0.</returns>
    public static int Normalise(ReadOnlySpan<byte> raw, Span<byte> buffer)
    {
        int length = 0;
        while (raw.Length > 0)
        {
            int slash = raw.IndexOf((byte)'/');
            ReadOnlySpan<byte> part = slash < 0 ? raw : raw[..slash];
            raw = slash < 0 ? default : raw[(slash + 1)..];
            if (part.IsEmpty || part is [(byte)'.'])
                continue;
            if (part is [(byte)'.', (byte)'.'] || part.Contains((byte)0))
                return -1;
            if (length > 0)
                buffer[length++] = (byte)'/';
            part.CopyTo(buffer[length..]);
            length += part.Length;
        }
        return length;
    }
}
