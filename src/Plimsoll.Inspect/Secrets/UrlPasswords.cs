using System.Buffers;
using System.Text;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Passwords in addresses: <c>postgres://user:password@host</c>.</summary>
internal static class UrlPasswords
{
    private const int MaxUserBytes = 64, MaxPasswordBytes = 128, MaxSchemeBytes = 24;

    private static readonly SearchValues<byte> Ends = SearchValues.Create("/ \t\r\n\"'<>`\\|,;(){}[]?#@"u8);

    private static readonly SearchValues<byte> HardEnds = SearchValues.Create(" \t\r\n\"'<>`\\"u8), NoUser = SearchValues.Create(" (){}<>*"u8), HostEnds = SearchValues.Create("/:?# \"'"u8);

    /// <param name="at">Of <c>://</c>.</param>
    public static SecretMatch? At(ReadOnlySpan<byte> text, int at, SecretRule rule)
    {
        ReadOnlySpan<byte> rest = text[(at + 3)..];
        rest = rest[..Math.Min(rest.Length, MaxUserBytes + MaxPasswordBytes + 2)];
        int end = rest.IndexOfAny(Ends);
        // Passwords hold characters that end an address elsewhere; only up to a blank or quotation mark can they be meant.
        if (end < 0)
            return null;
        if (rest[end] != (byte)'@')
        {
            int hard = rest.IndexOfAny(HardEnds);
            int sign = (hard < 0 ? rest : rest[..hard]).IndexOf((byte)'@');
            int slash = rest.IndexOf((byte)'/');
            if (sign < 0 || slash >= 0 && slash < sign)
                return null;
            end = sign;
        }
        int colon = rest[..end].IndexOf((byte)':');
        if (colon < 0 || colon > MaxUserBytes || end - colon - 1 is < 3 or > MaxPasswordBytes)
            return null;
        ReadOnlySpan<byte> user = rest[..colon], password = rest[(colon + 1)..end];
        ReadOnlySpan<byte> host = rest[(end + 1)..];
        if (host.IsEmpty || !char.IsAsciiLetterOrDigit((char)host[0]) && host[0] is not ((byte)'[' or (byte)'$' or (byte)'{') || user.ContainsAny(NoUser))
            return null;
        int scheme = at;
        while (scheme > 0 && at - scheme < MaxSchemeBytes && (char.IsAsciiLetterOrDigit((char)text[scheme - 1]) || text[scheme - 1] is (byte)'+' or (byte)'.' or (byte)'-'))
            scheme--;
        if (scheme == at)
            return null;
        string shown = Encoding.Latin1.GetString(password);
        if (Placeholders.Holds(shown) || password.SequenceEqual(user) || shown.Length < 6 && shown.All(char.IsAsciiLetterLower) || IsExampleHost(host))
            return null;
        // A port in place of a password: http://host:8080@…
        if (shown.All(char.IsAsciiDigit) && shown.Length < 6)
            return null;
        return new SecretMatch(rule.Id, rule.Severity, at + 3 + colon + 1, password.Length, [new("scheme", Encoding.ASCII.GetString(text[scheme..at]))])
        {
            Shown = $"{Encoding.ASCII.GetString(text[scheme..at])}://…:****@…",
            Rank = 0,
        };
    }

    private static bool IsExampleHost(ReadOnlySpan<byte> host)
    {
        int end = host.IndexOfAny(HostEnds);
        ReadOnlySpan<byte> name = end < 0 ? host : host[..end];
        return name.IndexOf("example."u8) >= 0 || name.SequenceEqual("host"u8) || name.SequenceEqual("hostname"u8) || name.StartsWith("your"u8) || name.EndsWith(".test"u8) || name.EndsWith(".invalid"u8);
    }
}
