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
        while (first < text.Length && !Unsafe(text[first]))
            first++;
        if (first == text.Length)
            return text;
        StringBuilder shown = new(text.Length + 16);
        shown.Append(text, 0, first);
        foreach (char c in text.AsSpan(first))
            if (!Unsafe(c))
                shown.Append(c);
            else if (c < 256)
                shown.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        return shown.ToString();
    }

    /// <summary>For a message: escaped, shortened and in quotation marks.</summary>
    public static string Quote(string? text) =>
        text is null ? "(none)"
        : text.Length <= MaxShown ? $"\"{ForTerminal(text)}\""
        : $"\"{ForTerminal(text[..MaxShown])}…\" ({text.Length} characters)";

    private static bool Unsafe(char c) => char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse;
}
