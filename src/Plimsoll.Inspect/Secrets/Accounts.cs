using System.Buffers;
using System.Text;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Password fields of <c>etc/shadow</c>, <c>etc/passwd</c> and htpasswd files: none, well-known, or a hash that can be guessed at.</summary>
/// <remarks>Source: shadow(5), passwd(5), crypt(5). What costs time is bounded: the same few words are tried for a handful of accounts only.</remarks>
internal static class Accounts
{
    private const int MaxFields = 4096, MaxNameChars = 64;

    /// <summary>In units of about a millisecond.</summary>
    private const int MaxTrialCost = 600;

    private static readonly SearchValues<char> HashChars = SearchValues.Create("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly string[] Words = ["root", "toor", "password", "admin", "changeme", "123456", "docker", "vagrant", "ubuntu", "debian", "default", "test", "user", "guest", "pass", "raspberry", "alpine", "12345678", "1234"];

    /// <param name="isWeb">htpasswd: every line has a hash, and there are no accounts of the system.</param>
    public static IEnumerable<SecretMatch> Of(ReadOnlyMemory<byte> content, bool isWeb)
    {
        int at = 0, budget = MaxTrialCost;
        while (at < content.Length)
        {
            int length = content.Span[at..].IndexOf((byte)'\n');
            if (length < 0)
                length = content.Length - at;
            ReadOnlySpan<byte> line = content.Span.Slice(at, Math.Min(length, MaxFields)).TrimEnd((byte)'\r');
            int start = at;
            at += length + 1;
            int colon = line.IndexOf((byte)':');
            if (colon is <= 0 or > MaxNameChars || line[0] is (byte)'#' or (byte)' ')
                continue;
            ReadOnlySpan<byte> rest = line[(colon + 1)..];
            int end = rest.IndexOf((byte)':');
            if (end < 0 && !isWeb)
                continue;
            ReadOnlySpan<byte> field = end < 0 ? rest : rest[..end];
            string name = Encoding.Latin1.GetString(line[..colon]);
            if (Judge(name, Encoding.Latin1.GetString(field), isWeb, start + colon + 1, ref budget) is { } found)
                yield return found;
        }
    }

    private static SecretMatch? Judge(string name, string field, bool isWeb, int at, ref int budget)
    {
        if (field.Length == 0)
            return isWeb ? null : new SecretMatch("account-without-password", Severity.High, at, 0, [new("account", name)]) { Shown = name };
        if (!IsHash(field, isWeb))
            return null;
        string method = MethodOf(field);
        int cost = CostOf(field);
        foreach (string word in Words.Prepend(name).Distinct(StringComparer.Ordinal))
        {
            if (budget < cost)
                break;
            budget -= cost;
            if (Crypt.Matches(word, field))
                return new SecretMatch("default-password", Severity.Critical, at, field.Length, [new("account", name), new("method", method)]) { Shown = name };
        }
        return new SecretMatch(isWeb ? "htpasswd-hash" : "password-hash", isWeb ? Severity.Low : Severity.Medium, at, field.Length, [new("account", name), new("method", method)]) { Shown = $"{name}:{method}:****" };
    }

    /// <summary>Anything else means that nobody can log in with a password.</summary>
    private static bool IsHash(string field, bool isWeb)
    {
        if (field[0] == '$')
            return field.Count(c => c == '$') >= 3 && field.Length >= 20;
        if (field[0] == '_')
            return field.Length == 20;
        if (isWeb && field.StartsWith("{SHA}", StringComparison.Ordinal))
            return field.Length == 33;
        return field.Length == 13 && !field.AsSpan().ContainsAnyExcept(HashChars);
    }

    private static string MethodOf(string field) => field switch
    {
        ['$', '1', '$', ..] => "md5",
        _ when field.StartsWith("$apr1$", StringComparison.Ordinal) => "apr1",
        ['$', '2', ..] => "bcrypt",
        ['$', '5', '$', ..] => "sha256",
        ['$', '6', '$', ..] => "sha512",
        ['$', 'y', '$', ..] => "yescrypt",
        _ when field.StartsWith("$gy$", StringComparison.Ordinal) => "gost-yescrypt",
        ['$', '7', '$', ..] => "scrypt",
        ['{', ..] => "sha1",
        ['$', ..] => "other",
        ['_', ..] => "bsdi",
        _ => "des",
    };

    /// <summary>What one trial costs; more than there is for forms that were made to be slower than usual.</summary>
    private static int CostOf(string field) => MethodOf(field) switch
    {
        "des" or "md5" => 1,
        "sha256" or "sha512" => field.Contains("$rounds=", StringComparison.Ordinal) ? int.MaxValue : 4,
        "bcrypt" => field.Length > 6 && int.TryParse(field.AsSpan(4, 2), out int rounds) && rounds <= 10 ? 1 << Math.Max(0, rounds - 4) : int.MaxValue,
        "yescrypt" => field.StartsWith("$y$j9T$", StringComparison.Ordinal) ? 30 : int.MaxValue,
        _ => int.MaxValue,
    };
}
