using System.Buffers;
using System.Globalization;
using System.Text;

namespace Plimsoll.Texts;

/// <summary>Makes text that came from outside fit to be shown.</summary>
public static class Escape
{
    /// <summary>Longest untrusted text shown in a message, in characters.</summary>
    public const int MaxShown = 200;

    /// <summary>
    /// For a terminal: control, format, direction-changing and private characters become visible <c>\x1b</c>, <c>\u202e</c> or
    /// <c>\U000e0041</c>, and so does half a surrogate pair.
    /// </summary>
    public static string ForTerminal(string text)
    {
        int first = SafeLength(text);
        if (first == text.Length)
            return text;
        StringBuilder shown = new(text.Length + 16);
        shown.Append(text, 0, first);
        ReadOnlySpan<char> rest = text.AsSpan(first);
        while (!rest.IsEmpty)
        {
            // Whole characters: what lies outside the basic plane has its category only as a pair.
            bool whole = Rune.DecodeFromUtf16(rest, out Rune rune, out int used) == OperationStatus.Done;
            int value = whole ? rune.Value : rest[0];
            if (whole && !Unsafe(rune))
                shown.Append(rest[..used]);
            else if (value < 256)
                shown.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
            else if (value < 0x10000)
                shown.Append(CultureInfo.InvariantCulture, $"\\u{value:x4}");
            else
                shown.Append(CultureInfo.InvariantCulture, $"\\U{value:x8}");
            rest = rest[used..];
        }
        return shown.ToString();
    }

    /// <summary>For a message: escaped, shortened and in quotation marks.</summary>
    public static string Quote(string? text)
    {
        if (text is null)
            return "(none)";
        if (text.Length <= MaxShown)
            return $"\"{ForTerminal(text)}\"";
        int end = char.IsHighSurrogate(text[MaxShown - 1]) ? MaxShown - 1 : MaxShown;
        return $"\"{ForTerminal(text[..end])}…\" ({text.Length} characters)";
    }

    private static int SafeLength(string text)
    {
        int at = 0;
        while (at < text.Length && Rune.TryGetRuneAt(text, at, out Rune rune) && !Unsafe(rune))
            at += rune.Utf16SequenceLength;
        return at;
    }

    private static bool Unsafe(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse;
}
