using System.Text;

namespace Plimsoll.EvidenceLog;

/// <summary>
/// Takes secrets out of texts that go into the log: the name stays, and the value becomes <c>***</c>. docs/formats/evidence-log.md
/// states the rule.
/// </summary>
/// <remarks>It looks at each character a bounded number of times, whatever the text is.</remarks>
public static class SecretMask
{
    public const string Masked = "***";

    private const int MaxNameCharacters = 64, MinTokenCharacters = 12;

    /// <summary>A name that holds one of these, in any casing and with or without <c>-</c> and <c>_</c>, is the name of a secret.</summary>
    private static readonly string[] Words =
    [
        "password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "accesskey", "privatekey", "signingkey", "credential", "authorization", "sessionid", "cookie",
    ];

    /// <summary>How tokens of well-known makers begin.</summary>
    private static readonly string[] Prefixes =
    [
        "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "xoxs-", "AKIA", "ASIA", "sk_live_", "rk_live_", "sk-", "npm_",
        "pypi-", "dckr_pat_", "hvs.", "SG.", "AGE-SECRET-KEY-1", "eyJ",
    ];

    /// <summary>
    /// Values behind names of secrets (<c>password=…</c>, <c>Authorization: Bearer …</c>), what stands before the <c>@</c> of a URL, tokens of
    /// well-known makers, and private keys in PEM.
    /// </summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Tokens(Values(Urls(PrivateKeys(text))));
    }

    /// <summary><c>NAME=value</c> as <c>NAME=***</c>: nobody can tell from a name alone that a value is none. Without a value it stays.</summary>
    public static string OfVariable(string assignment)
    {
        ArgumentNullException.ThrowIfNull(assignment);
        int equals = assignment.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 || equals == assignment.Length - 1 ? Of(assignment) : $"{assignment[..equals]}={Masked}";
    }

    /// <summary>As <see cref="Of"/> for each, and the argument behind <c>--password</c> and its like.</summary>
    public static IEnumerable<string> OfCommand(IEnumerable<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        bool follows = false;
        foreach (string argument in arguments)
        {
            bool option = argument.StartsWith('-');
            yield return follows && !option && argument.Length > 0 ? Masked : Of(argument);
            follows = option && !argument.Contains('=', StringComparison.Ordinal) && IsSecretName(argument);
        }
    }

    private static bool IsSecretName(ReadOnlySpan<char> name)
    {
        Span<char> plain = stackalloc char[MaxNameCharacters];
        int length = 0;
        // The end of a long name decides: it is where the kind of a thing stands.
        foreach (char c in name.Length > MaxNameCharacters ? name[^MaxNameCharacters..] : name)
            if (c is not ('-' or '_' or '.'))
                plain[length++] = char.ToLowerInvariant(c);
        foreach (string word in Words)
            if (plain[..length].Contains(word, StringComparison.Ordinal))
                return true;
        return false;
    }

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';

    private static string PrivateKeys(string text)
    {
        const string begin = "-----BEGIN ", kind = "PRIVATE KEY-----", end = "-----END ";
        int at = text.IndexOf(begin, StringComparison.Ordinal);
        if (at < 0)
            return text;
        StringBuilder made = new();
        int from = 0;
        for (; at >= 0; at = text.IndexOf(begin, from, StringComparison.Ordinal))
        {
            int line = text.IndexOf(kind, at, Math.Min(text.Length - at, 80), StringComparison.Ordinal);
            if (line < 0)
            {
                made.Append(text, from, at + begin.Length - from);
                from = at + begin.Length;
                continue;
            }
            int head = line + kind.Length, tail = text.IndexOf(end, head, StringComparison.Ordinal);
            made.Append(text, from, head - from).Append(Masked);
            from = tail < 0 ? text.Length : tail;
        }
        return made.Append(text, from, text.Length - from).ToString();
    }

    private static string Urls(string text)
    {
        const string mark = "://";
        int at = text.IndexOf(mark, StringComparison.Ordinal);
        if (at < 0)
            return text;
        StringBuilder made = new();
        int from = 0;
        for (; at >= 0; at = text.IndexOf(mark, from, StringComparison.Ordinal))
        {
            int start = at + mark.Length, end = start;
            while (end < text.Length && text[end] is not ('/' or '?' or '#' or '"' or '\'' or ' ' or '\t' or '\n' or '\r'))
                end++;
            int sign = text.LastIndexOf('@', end - 1, end - start), colon = sign < 0 ? -1 : text.IndexOf(':', start, sign - start);
            made.Append(text, from, start - from);
            if (sign >= 0)
                made.Append(text, start, colon < 0 ? 0 : colon + 1 - start).Append(Masked);
            from = sign < 0 ? start : sign;
        }
        return made.Append(text, from, text.Length - from).ToString();
    }

    private static string Values(string text)
    {
        StringBuilder? made = null;
        int from = 0, name = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is not ('=' or ':'))
            {
                if (!IsNameCharacter(c) && c is not ('"' or '\'' or ' '))
                    name = i + 1;
                else if (c is not ('"' or '\'' or ' ') && i > 0 && text[i - 1] is '"' or '\'' or ' ')
                    name = i;
                continue;
            }
            // Names of images hold colons as well: without a space or a quotation mark behind it a colon separates no value.
            if (c == ':' && !(i + 1 < text.Length && text[i + 1] is ' ' or '"' or '\''))
            {
                name = i + 1;
                continue;
            }
            ReadOnlySpan<char> called = text.AsSpan(name, i - name).TrimEnd(" \"'");
            // The name first: a value is looked for only where it is taken out, so that no character is passed over twice.
            (int start, int end) = IsSecretName(called) ? ValueAt(text, i + 1) : (0, 0);
            if (end > start)
            {
                (made ??= new StringBuilder()).Append(text, from, start - from).Append(Masked);
                from = end;
                i = end - 1;
            }
            name = i + 1;
        }
        return made is null ? text : made.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>The value that begins there: in quotation marks, or up to what ends a word. The name of an HTTP scheme before it stays.</summary>
    private static (int Start, int End) ValueAt(string text, int at)
    {
        while (at < text.Length && text[at] == ' ')
            at++;
        char quote = at < text.Length && text[at] is '"' or '\'' ? text[at++] : '\0';
        foreach (string scheme in (string[])["Bearer ", "Basic ", "Digest ", "token "])
            if (string.Compare(text, at, scheme, 0, scheme.Length, StringComparison.OrdinalIgnoreCase) == 0)
            {
                at += scheme.Length;
                break;
            }
        int end = at;
        while (end < text.Length && (quote != '\0' ? text[end] != quote : text[end] is not (' ' or '\t' or '\n' or '\r' or '"' or '\'' or ',' or ';' or '&')))
            end++;
        return (at, end);
    }

    private static string Tokens(string text)
    {
        StringBuilder? made = null;
        int from = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (i > 0 && IsNameCharacter(text[i - 1]) || !char.IsAsciiLetter(text[i]))
                continue;
            foreach (string prefix in Prefixes)
            {
                if (string.CompareOrdinal(text, i, prefix, 0, prefix.Length) != 0)
                    continue;
                int end = i + prefix.Length;
                while (end < text.Length && (IsNameCharacter(text[end]) || text[end] is '+' or '/' or '='))
                    end++;
                if (end - i - prefix.Length < MinTokenCharacters)
                    continue;
                (made ??= new StringBuilder()).Append(text, from, i + prefix.Length - from).Append(Masked);
                from = end;
                i = end - 1;
                break;
            }
        }
        return made is null ? text : made.Append(text, from, text.Length - from).ToString();
    }
}
