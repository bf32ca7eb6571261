using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports.Html;

/// <summary>Makes text of any origin fit to stand in an HTML page, as text and as a quoted attribute.</summary>
internal static class HtmlText
{
    /// <summary>Characters of a name, title or path that are shown; longer ones end in an ellipsis.</summary>
    public const int Short = 300;

    /// <summary>Characters of an excerpt, a history line or a reason that are shown.</summary>
    public const int Long = 2000;

    /// <summary>
    /// Cut, then with control, format and direction-changing characters made visible (<see cref="Plimsoll.Texts.Escape.ForTerminal"/>): a page shows them
    /// as little as a terminal does, and some of them turn the text after them around.
    /// </summary>
    public static string Shown(string text, int most = Short)
    {
        if (text.Length > most)
            text = string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[most - 1]) ? most - 1 : most), "…");
        return Escape.ForTerminal(text);
    }

    /// <summary>As <see cref="Shown"/>, but line breaks stay.</summary>
    public static string Lines(string text, int most = Long)
    {
        string cut = text.Length > most ? string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[most - 1]) ? most - 1 : most), "…") : text;
        return string.Join('\n', cut.ReplaceLineEndings("\n").Split('\n').Select(Escape.ForTerminal));
    }

    /// <summary>
    /// Writes text with the characters of markup as references, the backtick of old parsers too. What did not pass
    /// <see cref="Shown"/> and is no character of HTML (controls, half pairs, non-characters) becomes U+FFFD.
    /// </summary>
    public static void Write(TextWriter output, string text)
    {
        const string NoCharacter = "&#xfffd;";
        int from = 0;
        for (int at = 0; at < text.Length; at++)
        {
            int length = 1;
            string? reference = text[at] switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                '`' => "&#96;",
                '\n' or '\t' => null,
                < ' ' or (>= '\u007f' and <= '\u009f') or (>= '\ufdd0' and <= '\ufdef') or '\ufffe' or '\uffff' => NoCharacter,
                _ => null,
            };
            if (char.IsSurrogate(text[at]))
            {
                bool whole = Rune.TryGetRuneAt(text, at, out Rune rune);
                length = whole ? 2 : 1;
                // The last two of each plane are no characters.
                reference = !whole || (rune.Value & 0xFFFE) == 0xFFFE ? NoCharacter : null;
            }
            if (reference is not null)
            {
                output.Write(text.AsSpan(from, at - from));
                output.Write(reference);
                from = at + length;
            }
            at += length - 1;
        }
        output.Write(text.AsSpan(from));
    }
}
