using System.Globalization;
using System.Text;

namespace Plimsoll.Texts;

/// <summary>Makes text that came from outside fit to be shown.</summary>
public static class Escape
{
    /// <summary>Longest untrusted text shown in a message, in characters.</summary>
    public const int MaxShown = 200;

    /// <summary>For a terminal: control, format and direction-changing characters become visible <c>\x1b</c> or <c>\u202e</c>.</summary>
    public static string ForTerminal(string text)
    {
        int first = 0;
        while (first < text.Length && !char.IsSurrogate(text[first]) && !Unsafe((Rune)text[first]))
            first++;
        if (first == text.Length)
            return text;
        StringBuilder shown = new(text.Length + 16);
        shown.Append(text, 0, first);
        // Tags (U+E0000 and on) are invisible format characters too; half a pair becomes U+FFFD.
        foreach (Rune c in text.AsSpan(first).EnumerateRunes())
            if (!Unsafe(c))
                shown.Append(c.ToString());
            else if (c.Value < 256)
                shown.Append(CultureInfo.InvariantCulture, $"\\x{c.Value:x2}");
            else
                shown.Append(CultureInfo.InvariantCulture, $"{(c.IsBmp ? "\\u" : "\\U")}{c.Value:x4}");
        return shown.ToString();
    }

    /// <summary>For a message: escaped, shortened and in quotation marks.</summary>
    public static string Quote(string? text) =>
        text is null ? "(none)"
        : text.Length <= MaxShown ? $"\"{ForTerminal(text)}\""
        : $"\"{ForTerminal(text[..MaxShown])}…\" ({text.Length} characters)";

    private static bool Unsafe(Rune c) => Rune.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse;
}
