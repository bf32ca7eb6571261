using System.Buffers;
using System.Text;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Values given to names such as <c>db_password</c> and <c>clientSecret</c>, in settings, scripts and source.</summary>
internal static class Assignments
{
    private const int MaxNameBytes = 80, MaxValueBytes = 200, MinPasswordChars = 6, MinTokenChars = 12, MinBareTokenChars = 20;

    private static readonly SearchValues<byte> NameBytes = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."u8);
    private static readonly SearchValues<byte> BareEnds = SearchValues.Create(" \t\r\n\"'`,;&|<>(){}[]\\"u8);

    /// <summary>What may stand behind the keyword in a name that still names the secret itself.</summary>
    private static readonly HashSet<string> Tails = new(
        ["", "key", "keys", "value", "val", "str", "string", "text", "plain", "data", "id_secret", "token", "base", "prod", "dev", "production", "default", "env", "root", "admin", "master"], StringComparer.OrdinalIgnoreCase);

    /// <summary>Words in front of it that make it something else.</summary>
    private static readonly string[] Strangers =
    [
        "no_", "public", "csrf", "xsrf", "next", "page", "continuation", "cache", "reset", "forgot", "max", "min", "num", "use", "has", "is_", "show", "hash", "sync", "cancel", "stop", "start", "end_", "special", "sequence", "push", "lookup", "shift", "delim", "eos", "bos", "pad", "unk", "sort", "primary", "foreign", "partition",
    ];

    /// <param name="at">Of the keyword.</param>
    public static SecretMatch? At(ReadOnlySpan<byte> text, int at, int length, FileClass of, SecretRule rule)
    {
        int start = at, end = at + length;
        while (start > 0 && end - start < MaxNameBytes && NameBytes.Contains(text[start - 1]))
            start--;
        while (end < text.Length && end - start < MaxNameBytes && NameBytes.Contains(text[end]))
            end++;
        ReadOnlySpan<byte> name = text[start..end];
        string before = Encoding.ASCII.GetString(text[start..at]), behind = Encoding.ASCII.GetString(text[(at + length)..end]).TrimStart('_', '-', '.').TrimEnd("0123456789".ToCharArray()).TrimEnd('_');
        if (name.Length >= MaxNameBytes || !Tails.Contains(behind) || Array.Exists(Strangers, s => before.Contains(s, StringComparison.OrdinalIgnoreCase)))
            return null;
        bool isPassword = Encoding.ASCII.GetString(text.Slice(at, length)).StartsWith("pass", StringComparison.OrdinalIgnoreCase) || text.Slice(at, length).SequenceEqual("pwd"u8) || text.Slice(at, length).SequenceEqual("PWD"u8);
        if (!TryValue(text, start, end, of, out int from, out int to, out bool quoted))
            return null;
        ReadOnlySpan<byte> bytes = text[from..to];
        if (bytes.Length is 0 or > MaxValueBytes || bytes.ContainsAnyExceptInRange((byte)' ', (byte)'~'))
            return null;
        string value = Encoding.ASCII.GetString(bytes);
        // A name that ends in "token" alone says less: lexers and grammars are full of them.
        if (text.Slice(at, length).SequenceEqual("token"u8) || text.Slice(at, length).SequenceEqual("Token"u8) || text.Slice(at, length).SequenceEqual("TOKEN"u8))
            if (value.Length < MinBareTokenChars || Placeholders.Entropy(value) < 3.5)
                return null;
        if (!IsSecret(value, isPassword, quoted, of))
            return null;
        return new SecretMatch(rule.Id, isPassword ? rule.Severity : Severity.High, from, bytes.Length, []) { Rank = 0 };
    }

    /// <summary>The value that follows a name.</summary>
    private static bool TryValue(ReadOnlySpan<byte> text, int nameStart, int nameEnd, FileClass of, out int from, out int to, out bool quoted)
    {
        (from, to, quoted) = (0, 0, false);
        int at = nameEnd;
        bool isQuotedName = nameStart > 0 && text[nameStart - 1] is (byte)'"' or (byte)'\'';
        while (at < text.Length && at - nameEnd < 3 && text[at] is (byte)'"' or (byte)'\'' or (byte)']' or (byte)'\\')
            at++;
        int blanks = Blanks(text, at);
        at += blanks;
        if (at >= text.Length)
            return false;
        // <add key="Password" value="…"/>, { "name": "PASSWORD", "value": "…" }, define('PASSWORD', '…')
        ReadOnlySpan<byte> rest = text[at..Math.Min(text.Length, at + 24)];
        bool assigned = false;
        if (isQuotedName && rest.StartsWith("value="u8))
        {
            at += 6;
            assigned = true;
        }
        else if (isQuotedName && rest[0] == (byte)',')
        {
            at++;
            at += Blanks(text, at, lines: true);
            rest = text[at..Math.Min(text.Length, at + 24)];
            if (rest.StartsWith("\"value\""u8))
            {
                at += 7;
                at += Blanks(text, at);
                if (at >= text.Length || text[at++] != (byte)':')
                    return false;
            }
            // In a call or an array the next text is the value only where source code defines something.
            else if ((of & FileClass.Source) == FileClass.None || !IsDefinition(text, nameStart))
                return false;
            assigned = true;
        }
        else if (rest[0] == (byte)'>' && nameStart > 0 && text[nameStart - 1] == (byte)'<')
        {
            at++;
            int close = text[at..Math.Min(text.Length, at + MaxValueBytes)].IndexOf((byte)'<');
            if (close <= 0 || text[at + close + 1] != (byte)'/')
                return false;
            (from, to, quoted) = (at, at + close, true);
            return true;
        }
        else
            while (at < text.Length && text[at] is (byte)'=' or (byte)':' or (byte)'>' or (byte)'?' && at - nameEnd < 8)
            {
                // == and != compare; :: names.
                if (text[at] == (byte)'=' && at + 1 < text.Length && text[at + 1] == (byte)'=')
                    return false;
                assigned |= text[at] is (byte)'=' or (byte)':';
                at++;
            }
        if (!assigned || at < 2 || text[at - 1] == (byte)':' && text[at - 2] == (byte)':')
            return false;
        at += Blanks(text, at);
        if (at < text.Length && text[at] == (byte)'\\')
            at++;
        // Prefixes of texts: b"", r'', @"".
        if (at + 1 < text.Length && text[at] is (byte)'b' or (byte)'r' or (byte)'u' or (byte)'@' && text[at + 1] is (byte)'"' or (byte)'\'')
            at++;
        if (at >= text.Length)
            return false;
        byte quote = text[at];
        if (quote is (byte)'"' or (byte)'\'' or (byte)'`')
        {
            from = at + 1;
            ReadOnlySpan<byte> inner = text[from..Math.Min(text.Length, from + MaxValueBytes + 1)];
            int close = inner.IndexOfAny(quote, (byte)'\n');
            if (close < 0 || inner[close] == (byte)'\n')
                return false;
            if (close > 0 && inner[close - 1] == (byte)'\\')
                close--;
            (to, quoted) = (from + close, true);
            return true;
        }
        if ((of & (FileClass.Settings | FileClass.Shell | FileClass.Image)) == FileClass.None)
            return false;
        ReadOnlySpan<byte> bare = text[at..Math.Min(text.Length, at + MaxValueBytes + 1)];
        int length = bare.IndexOfAny(BareEnds);
        if (length < 0)
            length = bare.Length;
        // name = some words: a sentence, unless it is the line's only word.
        if (length < bare.Length && bare[length] is (byte)'(' or (byte)'{' or (byte)'[')
            return false;
        if ((of & FileClass.Settings) != FileClass.None && length < bare.Length && bare[length] == (byte)' ' && bare[length..].TrimStart((byte)' ') is [not ((byte)'#' or (byte)'\n' or (byte)'\r' or (byte)';' or (byte)'-'), ..] && !IsOneOfSeveral(bare[length..]))
            return false;
        (from, to) = (at, at + length);
        return true;
    }

    /// <summary>Whether another assignment follows on the line, as in connection strings.</summary>
    private static bool IsOneOfSeveral(ReadOnlySpan<byte> rest)
    {
        int end = rest.IndexOf((byte)'\n');
        return (end < 0 ? rest : rest[..end]).IndexOf((byte)'=') >= 0;
    }

    private static bool IsDefinition(ReadOnlySpan<byte> text, int nameStart)
    {
        ReadOnlySpan<byte> before = text[Math.Max(0, nameStart - 12)..Math.Max(0, nameStart - 1)];
        return before.TrimEnd((byte)' ').EndsWith("define("u8) || before.TrimEnd((byte)' ').EndsWith("putenv("u8) || before.TrimEnd((byte)' ').EndsWith("setenv("u8);
    }

    private static int Blanks(ReadOnlySpan<byte> text, int at, bool lines = false)
    {
        int start = at;
        while (at < text.Length && at - start < 40 && (text[at] is (byte)' ' or (byte)'\t' || lines && text[at] is (byte)'\n' or (byte)'\r'))
            at++;
        return at - start;
    }

    private static bool IsSecret(string value, bool isPassword, bool quoted, FileClass of)
    {
        if (value.Length < (isPassword ? MinPasswordChars : MinTokenChars) || Placeholders.Holds(value) || value.Contains(' ', StringComparison.Ordinal))
            return false;
        bool digits = value.Any(char.IsAsciiDigit), lower = value.Any(char.IsAsciiLetterLower), upper = value.Any(char.IsAsciiLetterUpper), others = value.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'));
        if (!digits && !others || !lower && !upper)
            return false;
        // Paths, addresses, expressions and names of things are no secrets.
        if (value[0] is '/' or '.' or '~' or '*' or '#' or ',' || value[0] is '\'' or '"' && value.Length > 1 && value[1] is '$' or '+' or '.' || value.Contains("://", StringComparison.Ordinal) || value.StartsWith("file:", StringComparison.Ordinal) || value.EndsWith(')') || value.Contains("()", StringComparison.Ordinal) || value.StartsWith("sha", StringComparison.Ordinal) && value.Contains('-', StringComparison.Ordinal)
            || value.StartsWith("ENC[", StringComparison.Ordinal) || value.StartsWith("AQICAH", StringComparison.Ordinal) || value.StartsWith("vault:", StringComparison.Ordinal) || value.StartsWith("arn:", StringComparison.Ordinal) || value.StartsWith("projects/", StringComparison.Ordinal) || value.StartsWith("$2", StringComparison.Ordinal) || value.StartsWith("$6$", StringComparison.Ordinal) || value.StartsWith("$argon", StringComparison.Ordinal))
            return false;
        double entropy = Placeholders.Entropy(value);
        if (isPassword)
            return entropy >= 2.3 && (digits || quoted || (of & (FileClass.Settings | FileClass.Image)) != FileClass.None && lower && upper) && !LooksLikeWords(value, digits);
        return digits && (lower || upper) && entropy >= 3.0 && !LooksLikeWords(value, digits);
    }

    /// <summary>auth_token_v2, my.secret.name.1: parts of letters with few digits.</summary>
    private static bool LooksLikeWords(string value, bool digits)
    {
        int separators = value.Count(c => c is '_' or '-' or '.' or '/' or ':'), numbers = value.Count(char.IsAsciiDigit);
        return separators >= 1 && (!digits || numbers <= 2) && !value.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.' or '/' or ':'));
    }
}
