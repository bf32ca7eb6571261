using System.Text;

namespace Plimsoll.Inspect.Dockerfiles;

/// <summary>The words of an instruction as a builder splits them; quotes group, the escape character escapes.</summary>
internal static class DockerWords
{
    /// <summary>A word as it is written, quotes included, and where it begins.</summary>
    internal readonly record struct Word(string Text, int Offset);

    /// <summary>Splits at white space outside of quotes.</summary>
    public static List<Word> Split(string text, char escape)
    {
        List<Word> words = [];
        int at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
                at++;
            if (at >= text.Length)
                return words;
            int start = at;
            char quote = '\0';
            int braces = 0;
            for (; at < text.Length; at++)
            {
                char c = text[at];
                if (quote != '\0')
                {
                    if (c == escape && quote == '"' && at + 1 < text.Length)
                        at++;
                    else if (c == quote)
                        quote = '\0';
                }
                else if (c is '"' or '\'')
                    quote = c;
                else if (c == escape && at + 1 < text.Length)
                    at++;
                else if (c == '{' && at > 0 && text[at - 1] == '$')
                    braces++;
                else if (c == '}' && braces > 0)
                    braces--;
                else if (char.IsWhiteSpace(c) && braces == 0)
                    break;
            }
            words.Add(new Word(text[start..at], start));
        }
    }

    /// <summary>Takes quotes and escapes away.</summary>
    public static string Unquote(string word, char escape)
    {
        if (!word.AsSpan().ContainsAny('"', '\'') && !word.Contains(escape, StringComparison.Ordinal))
            return word;
        StringBuilder plain = new(word.Length);
        char quote = '\0';
        for (int i = 0; i < word.Length; i++)
        {
            char c = word[i];
            if (quote == '\0' && c is '"' or '\'' && quote == '\0')
                quote = c;
            else if (c == quote)
                quote = '\0';
            else if (c == escape && quote != '\'' && i + 1 < word.Length)
            {
                // Inside of double quotes the escape character escapes only what would mean something there.
                if (quote == '"' && word[i + 1] is not ('"' or '$') && word[i + 1] != escape)
                    plain.Append(c);
                plain.Append(word[++i]);
            }
            else
                plain.Append(c);
        }
        return plain.ToString();
    }

    /// <summary>The pairs of ENV, LABEL and ARG, unquoted, with variables as they are written.</summary>
    /// <returns>Null with an error's words when the form is none.</returns>
    public static List<Pair>? Pairs(string text, char escape, bool allowBare, out string error)
    {
        error = "";
        List<Word> words = Split(text, escape);
        List<Pair> pairs = [];
        if (words.Count == 0)
        {
            error = "wanted a name and a value";
            return null;
        }
        if (!allowBare && !words[0].Text.Contains('=', StringComparison.Ordinal))
        {
            // The old form: one name, and all that follows is its value.
            string value = text[(words[0].Offset + words[0].Text.Length)..].Trim();
            if (value.Length == 0)
            {
                error = $"{Texts.Escape.Quote(words[0].Text)} has no value; wanted name=value";
                return null;
            }
            pairs.Add(new Pair(Unquote(words[0].Text, escape), value, value, words[0].Offset));
            return pairs;
        }
        foreach (Word word in words)
        {
            int equals = word.Text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 && !allowBare)
            {
                error = $"{Texts.Escape.Quote(word.Text)} has no =; wanted name=value";
                return null;
            }
            if (equals == 0)
            {
                error = $"{Texts.Escape.Quote(word.Text)} has no name; wanted name=value";
                return null;
            }
            string? raw = equals < 0 ? null : word.Text[(equals + 1)..];
            pairs.Add(new Pair(Unquote(equals < 0 ? word.Text : word.Text[..equals], escape), raw is null ? null : Unquote(raw, escape), raw, word.Offset));
        }
        return pairs;
    }
}

/// <param name="Value">Unquoted; null for an ARG without a default.</param>
/// <param name="Raw">As written.</param>
/// <param name="Offset">Of the name in the instruction's text.</param>
internal sealed record Pair(string Name, string? Value, string? Raw, int Offset);
