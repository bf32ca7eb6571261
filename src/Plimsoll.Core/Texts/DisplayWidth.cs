using System.Globalization;
using System.Text;

namespace Plimsoll.Texts;

/// <summary>Columns that text takes on a terminal: East Asian wide characters take two, combining ones none.</summary>
/// <remarks>
/// The wide ranges are those of Unicode's EastAsianWidth.txt with class W or F, joined where only unassigned code points lie
/// between them. Text is expected to have gone through <see cref="Escape.ForTerminal"/>: control characters count as one.
/// </remarks>
public static class DisplayWidth
{
    // Pairs of first and last code point, ascending.
    private static readonly int[] Wide =
    [
        0x1100, 0x115F, 0x231A, 0x231B, 0x2329, 0x232A, 0x23E9, 0x23EC, 0x23F0, 0x23F0, 0x23F3, 0x23F3, 0x25FD, 0x25FE,
        0x2614, 0x2615, 0x2648, 0x2653, 0x267F, 0x267F, 0x2693, 0x2693, 0x26A1, 0x26A1, 0x26AA, 0x26AB, 0x26BD, 0x26BE,
        0x26C4, 0x26C5, 0x26CE, 0x26CE, 0x26D4, 0x26D4, 0x26EA, 0x26EA, 0x26F2, 0x26F3, 0x26F5, 0x26F5, 0x26FA, 0x26FA,
        0x26FD, 0x26FD, 0x2705, 0x2705, 0x270A, 0x270B, 0x2728, 0x2728, 0x274C, 0x274C, 0x274E, 0x274E, 0x2753, 0x2755,
        0x2757, 0x2757, 0x2795, 0x2797, 0x27B0, 0x27B0, 0x27BF, 0x27BF, 0x2B1B, 0x2B1C, 0x2B50, 0x2B50, 0x2B55, 0x2B55,
        0x2E80, 0x303E, 0x3041, 0x33FF, 0x3400, 0x4DBF, 0x4E00, 0xA4CF, 0xA960, 0xA97F, 0xAC00, 0xD7A3, 0xF900, 0xFAFF,
        0xFE10, 0xFE19, 0xFE30, 0xFE6F, 0xFF01, 0xFF60, 0xFFE0, 0xFFE6, 0x16FE0, 0x18DFF, 0x1AFF0, 0x1B2FF, 0x1F004, 0x1F004,
        0x1F0CF, 0x1F0CF, 0x1F18E, 0x1F18E, 0x1F191, 0x1F19A, 0x1F200, 0x1F320, 0x1F32D, 0x1F335, 0x1F337, 0x1F37C,
        0x1F37E, 0x1F393, 0x1F3A0, 0x1F3CA, 0x1F3CF, 0x1F3D3, 0x1F3E0, 0x1F3F0, 0x1F3F4, 0x1F3F4, 0x1F3F8, 0x1F43E,
        0x1F440, 0x1F440, 0x1F442, 0x1F4FC, 0x1F4FF, 0x1F53D, 0x1F54B, 0x1F54E, 0x1F550, 0x1F567, 0x1F57A, 0x1F57A,
        0x1F595, 0x1F596, 0x1F5A4, 0x1F5A4, 0x1F5FB, 0x1F64F, 0x1F680, 0x1F6C5, 0x1F6CC, 0x1F6CC, 0x1F6D0, 0x1F6D2,
        0x1F6D5, 0x1F6D7, 0x1F6DC, 0x1F6DF, 0x1F6EB, 0x1F6EC, 0x1F6F4, 0x1F6FC, 0x1F7E0, 0x1F7EB, 0x1F7F0, 0x1F7F0,
        0x1F90C, 0x1F93A, 0x1F93C, 0x1F945, 0x1F947, 0x1F9FF, 0x1FA70, 0x1FAFF, 0x20000, 0x2FFFD, 0x30000, 0x3FFFD,
    ];

    /// <summary>Columns of the whole text.</summary>
    public static int Of(ReadOnlySpan<char> text)
    {
        int width = 0;
        foreach (Rune rune in text.EnumerateRunes())
            width += Of(rune);
        return width;
    }

    /// <summary>0, 1 or 2.</summary>
    public static int Of(Rune rune)
    {
        int value = rune.Value;
        if (value < 0x300)
            return 1;
        if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format)
            return 0;
        if (value < Wide[0])
            return 1;
        int found = Array.BinarySearch(Wide, value);
        if (found >= 0)
            return 2;
        // The place where it would stand is odd exactly when it lies after a first and before a last code point.
        return (~found & 1) == 1 ? 2 : 1;
    }

    /// <summary>At most so many columns; what is cut off ends in <c>…</c>.</summary>
    public static string Cut(string text, int columns)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Of(text) <= columns)
            return text;
        if (columns <= 0)
            return "";
        int width = 0, length = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            width += Of(rune);
            if (width > columns - 1)
                break;
            length += rune.Utf16SequenceLength;
        }
        return string.Concat(text.AsSpan(0, Math.Min(length, text.Length)), "…");
    }

    /// <summary>At most so many columns, from the end of the text; what is cut off at its beginning is <c>…</c>.</summary>
    public static string CutStart(string text, int columns)
    {
        ArgumentNullException.ThrowIfNull(text);
        int over = Of(text) - columns;
        if (over <= 0)
            return text;
        if (columns <= 0)
            return "";
        int width = 0, length = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            // One column more, for the mark.
            if (width > over)
                break;
            width += Of(rune);
            length += rune.Utf16SequenceLength;
        }
        return string.Concat("…", text.AsSpan(length));
    }

    /// <summary>Exactly so many columns: cut, or filled with spaces at the right.</summary>
    public static string Fit(string text, int columns)
    {
        string cut = Cut(text, columns);
        return cut + new string(' ', Math.Max(0, columns - Of(cut)));
    }

    /// <summary>Lines of at most so many columns, broken at spaces, and between wide characters, which need none.</summary>
    /// <remarks>A command such as <c>plimsoll db update</c> stays on one line where it fits on one, so that it can be copied.</remarks>
    public static IEnumerable<string> Wrap(string text, int columns)
    {
        ArgumentNullException.ThrowIfNull(text);
        int limit = Math.Max(columns, 2);
        int start = 0, width = 0, lastBreak = -1, at = 0, held = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            int own = Of(rune);
            if (at >= held && CommandEnd(text, at) is var end && end > at && Of(text.AsSpan(at, end - at)) <= limit)
            {
                held = end;
                if (at > start)
                    lastBreak = at;
            }
            // A line does not begin with closing punctuation.
            if (own == 2 && at > start && !"，。、；：）！？".Contains((char)rune.Value, StringComparison.Ordinal))
                lastBreak = at;
            if (rune.Value == ' ' && at >= held)
                lastBreak = at;
            else if (width + own > limit)
            {
                int stop = lastBreak > start ? lastBreak : at;
                yield return text[start..stop].TrimEnd(' ');
                start = stop;
                while (start < at && text[start] == ' ')
                    start++;
                width = Of(text.AsSpan(start, at - start));
                lastBreak = -1;
            }
            width += own;
            at += rune.Utf16SequenceLength;
        }
        if (start < text.Length || text.Length == 0)
            yield return text[start..].TrimEnd(' ');
    }

    /// <summary>Where the words end that make a command with the program's name at <paramref name="at"/>; that place itself when there is none.</summary>
    private static int CommandEnd(string text, int at)
    {
        const string Program = "plimsoll";
        // More words than any command has that a sentence names.
        const int MostWords = 6;
        if (text[at] != Program[0] || !text.AsSpan(at).StartsWith(Program, StringComparison.Ordinal) || (at > 0 && char.IsAsciiLetterOrDigit(text[at - 1])))
            return at;
        int end = at + Program.Length;
        for (int word = 0; word < MostWords && end + 1 < text.Length && text[end] == ' '; word++)
        {
            int next = end + 1;
            while (next < text.Length && char.IsAscii(text[next]) && text[next] != ' ')
                next++;
            if (next == end + 1)
                break;
            end = next;
            if (text[end - 1] is ',' or '.' or ';' or ':' or ')')
                break;
        }
        return end;
    }
}
