using System.Buffers;

namespace Plimsoll.Agent.Plugin;

/// <summary>Values of Content-Type, as Go's mime package reads them.</summary>
internal static class MediaType
{
    // RFC 9110, section 5.6.2.
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary><c>application/json</c> in any casing, with parameters that are well-formed.</summary>
    public static bool IsJson(string value)
    {
        ReadOnlySpan<char> rest = value;
        int end = rest.IndexOf(';');
        if (!(end < 0 ? rest : rest[..end]).Trim(" \t").Equals("application/json", StringComparison.OrdinalIgnoreCase))
            return false;
        rest = end < 0 ? [] : rest[end..];
        while (!rest.IsEmpty)
        {
            rest = rest[1..].TrimStart(" \t");
            // A semicolon at the end is passed over.
            if (rest.IsEmpty)
                return true;
            if (!TakeToken(ref rest) || rest is not ['=', ..])
                return false;
            rest = rest[1..];
            if (rest is ['"', ..] ? !TakeQuoted(ref rest) : !TakeToken(ref rest))
                return false;
            rest = rest.TrimStart(" \t");
            if (rest is not [] and not [';', ..])
                return false;
        }
        return true;
    }

    /// <summary>What Go's ParseForm takes parameters from, however the rest of the value looks.</summary>
    public static bool IsForm(string value)
    {
        int end = value.IndexOf(';', StringComparison.Ordinal);
        ReadOnlySpan<char> type = (end < 0 ? value : value.AsSpan(0, end)).Trim(" \t");
        return type.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) || type.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase);
    }

    private static bool TakeToken(ref ReadOnlySpan<char> rest)
    {
        int length = rest.IndexOfAnyExcept(TokenCharacters);
        length = length < 0 ? rest.Length : length;
        rest = rest[length..];
        return length > 0;
    }

    private static bool TakeQuoted(ref ReadOnlySpan<char> rest)
    {
        int end = rest[1..].IndexOf('"');
        // Nobody needs a backslash in a charset.
        if (end < 0 || rest.Slice(1, end).Contains('\\'))
            return false;
        rest = rest[(end + 2)..];
        return true;
    }
}
