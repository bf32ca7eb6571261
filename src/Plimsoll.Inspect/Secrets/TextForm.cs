using System.Buffers;
using System.Text;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Whether a file is a text and in which form, judged by its first bytes. No allocation.</summary>
/// <remarks>
/// A zero byte alone does not make a program of a text: logs that a crash cut short begin with a row of them, and some editors end records with
/// one. So control characters are counted; what is known by its first bytes to be no text, or holds more of them than texts do, is left out.
/// </remarks>
internal static class TextForm
{
    /// <summary>One control character in so many: of compressed and encrypted bytes one in nine is one, of machine code more.</summary>
    private const int BytesPerControl = 20;

    /// <summary>So many are let pass in any file; a short one costs nothing to look through.</summary>
    private const int LeastControls = 16;

    /// <summary>Of a text in UTF-16 at least half the characters are of ASCII; one without a byte order mark is told by that.</summary>
    private const int LeastUnits = 8;

    /// <summary>What no text has among its first bytes: control characters but tab, line ends, form feed and escape.</summary>
    private static readonly SearchValues<byte> Controls = SearchValues.Create([.. Enumerable.Range(0, 32).Where(i => i is not (9 or 10 or 12 or 13 or 27)).Select(i => (byte)i), 0x7F]);

    private static readonly SearchValues<byte> Shown = SearchValues.Create([9, 10, 13, .. Enumerable.Range(32, 95).Select(i => (byte)i)]);

    /// <summary>A text whose characters have more than one byte.</summary>
    /// <param name="Mark">Bytes of the byte order mark.</param>
    /// <param name="Unit">Bytes of the shortest character, 2 or 4.</param>
    /// <param name="Low">Which of them is that of ASCII.</param>
    internal readonly record struct Wide(Encoding Encoding, int Mark, int Unit, int Low);

    public static bool MayBeText(ReadOnlySpan<byte> start)
    {
        int first = start.IndexOfAny(Controls);
        if (first < 0 || start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || start.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
            return true;
        return !IsKnownBinary(start) && (HasFewControls(start[first..], Math.Max(LeastControls, start.Length / BytesPerControl)) || WideOf(start) is not null);
    }

    /// <summary>How a text of UTF-16 or UTF-32 is to be read; null for all else.</summary>
    public static Wide? WideOf(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE, 0, 0]))
            return IsOf(start[4..], 4, 0) ? new Wide(Encoding.UTF32, 4, 4, 0) : null;
        if (start.StartsWith((ReadOnlySpan<byte>)[0, 0, 0xFE, 0xFF]))
            return IsOf(start[4..], 4, 3) ? new Wide(new UTF32Encoding(bigEndian: true, byteOrderMark: true), 4, 4, 3) : null;
        if (start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) && start.Length >= 4)
            return new Wide(Encoding.Unicode, 2, 2, 0);
        if (start.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]) && start.Length >= 4)
            return new Wide(Encoding.BigEndianUnicode, 2, 2, 1);
        // Next to no file has that many zeros, and the others are told apart at once.
        if (start.Count((byte)0) < start.Length / 4 || start.Length < 2 * LeastUnits)
            return null;
        return IsOf(start, 2, 0) ? new Wide(Encoding.Unicode, 0, 2, 0) : IsOf(start, 2, 1) ? new Wide(Encoding.BigEndianUnicode, 0, 2, 1) : null;
    }

    /// <summary>Whether at least half of the characters are of ASCII in this form, and next to none is a zero.</summary>
    private static bool IsOf(ReadOnlySpan<byte> start, int unit, int low)
    {
        int units = start.Length / unit, ascii = 0, zeros = 0;
        for (int i = 0; i < units; i++)
        {
            ReadOnlySpan<byte> one = start.Slice(i * unit, unit);
            bool others = one[..low].ContainsAnyExcept((byte)0) || one[(low + 1)..].ContainsAnyExcept((byte)0);
            ascii += !others && Shown.Contains(one[low]) ? 1 : 0;
            zeros += !others && one[low] == 0 ? 1 : 0;
        }
        return units >= LeastUnits && ascii >= units / 2 && zeros <= Math.Max(1, units / BytesPerControl);
    }

    private static bool HasFewControls(ReadOnlySpan<byte> rest, int most)
    {
        int count = 0;
        foreach (byte b in rest)
            if (Controls.Contains(b) && ++count > most)
                return false;
        return true;
    }

    /// <summary>Programs, archives, pictures, fonts, sound and the like. What begins so and goes on as text is not looked into, as programs are not.</summary>
    private static bool IsKnownBinary(ReadOnlySpan<byte> start)
    {
        if (start.Length < 4)
            return false;
        // Python's compiled code has its version in the first two bytes, then a line end.
        if (start[2] == (byte)'\r' && start[3] == (byte)'\n' && start[1] is 0x0C or 0x0D)
            return true;
        return start[0] switch
        {
            0x7F => start[1..].StartsWith("ELF"u8),
            (byte)'M' => start.StartsWith("MZ"u8) || start.StartsWith("MM\0*"u8),
            (byte)'P' => start.StartsWith("PK\x03\x04"u8) || start.StartsWith("PK\x05\x06"u8),
            0x1F => start[1] is 0x8B or 0x9D or 0xA0,
            (byte)'B' => start.StartsWith("BZh"u8),
            0xFD => start.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X']),
            0x28 => start.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]),
            (byte)'7' => start.StartsWith((ReadOnlySpan<byte>)[(byte)'7', (byte)'z', 0xBC, 0xAF]),
            (byte)'R' => start.StartsWith("Rar!"u8) || start.StartsWith("RIFF"u8),
            0x89 => start.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']),
            0xFF => start[1] == 0xD8,
            (byte)'G' => start.StartsWith("GIF8"u8),
            (byte)'I' => start.StartsWith("II*\0"u8) || start.StartsWith("ID3"u8),
            (byte)'O' => start.StartsWith("OTTO"u8) || start.StartsWith("OggS"u8),
            (byte)'T' => start.StartsWith("TZif"u8),
            (byte)'t' => start.StartsWith("ttcf"u8) || start.StartsWith("true\0"u8),
            (byte)'w' => start.StartsWith("wOFF"u8) || start.StartsWith("wOF2"u8),
            (byte)'S' => start.StartsWith("SQLite format 3\0"u8),
            (byte)'!' => start.StartsWith("!<arch>\n"u8),
            (byte)'f' => start.StartsWith("fLaC"u8),
            0 => start.StartsWith("\0asm"u8) || start.StartsWith((ReadOnlySpan<byte>)[0, 1, 0, 0]) || start.StartsWith((ReadOnlySpan<byte>)[0, 0, 1, 0]),
            0xCA or 0xFE or 0xCE or 0xCF => start.StartsWith((ReadOnlySpan<byte>)[0xCA, 0xFE, 0xBA, 0xBE]) || start[1..].StartsWith((ReadOnlySpan<byte>)[0xED, 0xFA]) || start[1..].StartsWith((ReadOnlySpan<byte>)[0xFA, 0xED]),
            0xDE => start.StartsWith((ReadOnlySpan<byte>)[0xDE, 0x12, 0x04, 0x95]),
            0x95 => start.StartsWith((ReadOnlySpan<byte>)[0x95, 0x04, 0x12, 0xDE]),
            _ => false,
        };
    }
}
