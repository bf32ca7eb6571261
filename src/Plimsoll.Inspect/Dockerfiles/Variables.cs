using System.Text;

namespace Plimsoll.Inspect.Dockerfiles;

/// <summary>
/// Expands <c>$x</c>, <c>${x}</c>, <c>${x:-y}</c>, <c>${x-y}</c>, <c>${x:+y}</c> and <c>${x+y}</c> as builders do. A variable that nobody
/// set stays as it is written, so that a rule can tell "not known" from "empty".
/// </summary>
internal static class Variables
{
    /// <summary>Defaults inside of defaults.</summary>
    private const int MaxDepth = 16;

    /// <summary>A value that holds itself many times over would grow without end.</summary>
    private const int MaxChars = 64 * 1024;

    /// <param name="values">Null for a variable that is declared without a value.</param>
    public static string Expand(string text, IReadOnlyDictionary<string, string?> values, char escape = '\\') =>
        text.Contains('$', StringComparison.Ordinal) ? Expand(text, values, escape, 0) : text;

    /// <summary>Whether a variable stands in the text.</summary>
    public static bool HasAny(string text)
    {
        for (int i = 0; i + 1 < text.Length; i++)
            if (text[i] == '$' && (text[i + 1] == '{' || IsNameStart(text[i + 1])))
                return true;
        return false;
    }

    private static string Expand(string text, IReadOnlyDictionary<string, string?> values, char escape, int depth)
    {
        StringBuilder plain = new(text.Length);
        for (int i = 0; i < text.Length && plain.Length < MaxChars; i++)
        {
            if (text[i] == escape && i + 1 < text.Length && text[i + 1] == '$')
            {
                plain.Append(text[++i]);
                continue;
            }
            if (text[i] != '$' || i + 1 >= text.Length)
            {
                plain.Append(text[i]);
                continue;
            }
            int start = i;
            if (text[i + 1] == '{')
            {
                int end = Close(text, i + 2);
                if (end < 0 || depth >= MaxDepth)
                {
                    plain.Append(text, i, text.Length - i);
                    break;
                }
                plain.Append(Braced(text[(i + 2)..end], values, escape, depth) ?? text[start..(end + 1)]);
                i = end;
                continue;
            }
            int at = i + 1;
            while (at < text.Length && IsName(text[at]) && (at > i + 1 || IsNameStart(text[at])))
                at++;
            string name = text[(i + 1)..at];
            plain.Append(name.Length > 0 && values.GetValueOrDefault(name) is { } value ? value : text[start..at]);
            i = at - 1;
        }
        return plain.ToString();
    }

    private static string? Braced(string inside, IReadOnlyDictionary<string, string?> values, char escape, int depth)
    {
        int at = 0;
        while (at < inside.Length && IsName(inside[at]))
            at++;
        string name = inside[..at];
        string? value = values.GetValueOrDefault(name);
        if (at == inside.Length)
            return value;
        bool orEmpty = inside[at] == ':';
        int sign = orEmpty ? at + 1 : at;
        if (name.Length == 0 || sign >= inside.Length)
            return null;
        bool isSet = value is not null && !(orEmpty && value.Length == 0);
        string word = inside[(sign + 1)..];
        return inside[sign] switch
        {
            '-' => isSet ? value : Expand(word, values, escape, depth + 1),
            '+' => isSet ? Expand(word, values, escape, depth + 1) : "",
            '?' => value,
            // ${x#pattern}, ${x%pattern} and ${x/a/b} are not worked out: what comes out is not known.
            _ => null,
        };
    }

    private static int Close(string text, int at)
    {
        int depth = 1;
        for (; at < text.Length; at++)
            if (text[at] == '{' && text[at - 1] == '$')
                depth++;
            else if (text[at] == '}' && --depth == 0)
                return at;
        return -1;
    }

    private static bool IsNameStart(char c) => char.IsAsciiLetter(c) || c == '_';

    private static bool IsName(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';
}
