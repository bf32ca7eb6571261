using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace Plimsoll.Inspect.Packages.Programs;

/// <summary>How one program says its version.</summary>
/// <param name="Name">As advisories and other inventories name it.</param>
/// <param name="Anchor">A text that every build of it holds, searched first because that is fast.</param>
/// <param name="Pattern">Matched against the text around the anchor; its group <c>v</c> is the version.</param>
/// <param name="Before">Bytes before the anchor that the pattern needs.</param>
sealed record KnownProgram(string Name, string Anchor, Regex Pattern, int Before = 0)
{
    /// <summary>The anchor's bytes; <c>{0}</c> in it stands for the version that the file's name holds.</summary>
    public byte[] AnchorOf(string fileName) => Encoding.Latin1.GetBytes(Anchor.Replace("{0}", KnownPrograms.VersionInName(fileName), StringComparison.Ordinal));

    /// <returns>The version, or null when something else in the file speaks against it.</returns>
    public string? Confirm(Match match, string fileName, ReadOnlySpan<byte> file)
    {
        string version = match.Groups["v"].Value;
        return Name switch
        {
            "python" => version.StartsWith(KnownPrograms.VersionInName(fileName) + ".", StringComparison.Ordinal) ? version : null,
            "redis" => KnownPrograms.RedisVersion(version, file),
            _ => version,
        };
    }
}

/// <summary>Which programs are known, by the names of their files.</summary>
static partial class KnownPrograms
{
    private const RegexOptions Options = RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant;
    private const int MatchMilliseconds = 1000;

    private static readonly SearchValues<char> InVersions = SearchValues.Create("0123456789."), InPhpNames = SearchValues.Create("0123456789.-fpmcgi");

    private static readonly KnownProgram Node = new("node", "node.js/v", NodePattern());
    private static readonly KnownProgram Python = new("python", "\0{0}.", PythonPattern());
    private static readonly KnownProgram Redis = new("redis", "000000000\0", RedisPattern(), 96);
    private static readonly KnownProgram Nginx = new("nginx", "nginx version: nginx/", NginxPattern());
    private static readonly KnownProgram OpenResty = new("openresty", "nginx version: openresty/", OpenRestyPattern());
    private static readonly KnownProgram OpenSsl = new("openssl", "OpenSSL ", OpenSslPattern());
    private static readonly KnownProgram BusyBox = new("busybox", "BusyBox v", BusyBoxPattern());
    private static readonly KnownProgram PostgreSql = new("postgresql", "PostgreSQL ", PostgreSqlPattern(), 1);
    private static readonly KnownProgram Php = new("php", "X-Powered-By: PHP/", PhpPattern());
    private static readonly KnownProgram Perl = new("perl", "/5.", PerlPattern());
    private static readonly KnownProgram Ruby = new("ruby", "ruby ", RubyPattern());
    private static readonly KnownProgram HaProxy = new("haproxy", ", released 20", HaProxyPattern(), 80);
    private static readonly KnownProgram Httpd = new("httpd", "Apache/2.", HttpdPattern());
    private static readonly KnownProgram MariaDb = new("mariadb", "-MariaDB", MariaDbPattern(), 16);
    private static readonly KnownProgram MySql = new("mysql", "/mysql-", MySqlPattern());
    private static readonly KnownProgram Bash = new("bash", "@(#)Bash version ", BashPattern());
    private static readonly KnownProgram Curl = new("curl", "curl/", CurlPattern());

    /// <summary>Whether any program is known by that name; no allocation.</summary>
    public static bool MayBe(ReadOnlySpan<byte> name)
    {
        if (name.Length is < 3 or > 64)
            return false;
        Span<char> text = stackalloc char[64];
        return Encoding.Latin1.TryGetChars(name, text, out int length) && Which(text[..length]) != 0;
    }

    public static IReadOnlyList<KnownProgram> Of(string name) => Which(name) switch
    {
        1 => [Node],
        2 => [Python],
        3 => [Redis],
        4 => [Nginx, OpenResty],
        5 => [OpenSsl],
        6 => [BusyBox],
        7 => [PostgreSql],
        8 => [Php],
        9 => [Perl],
        10 => [Ruby],
        11 => [HaProxy],
        12 => [Httpd],
        13 => [MariaDb, MySql],
        14 => [Bash],
        15 => [Curl],
        _ => [],
    };

    private static int Which(ReadOnlySpan<char> name)
    {
        // A library's name ends in .so, and perhaps a version. Only distributions make libnode of Node, which is not worth 36 MB of checksums in each image.
        bool isLibrary = name.StartsWith("lib") && name.Contains(".so", StringComparison.Ordinal);
        if (isLibrary)
            return name.StartsWith("libpython") && VersionLength(name[9..]) > 0 ? 2
                : name.StartsWith("libcrypto.so") || name.StartsWith("libssl.so") || name.StartsWith("libcrypto-") ? 5 : name.StartsWith("libphp") ? 8 : name.StartsWith("libperl.so") ? 9
                : name.StartsWith("libruby") ? 10 : name.StartsWith("libcurl") ? 15 : 0;
        return name switch
        {
            "node" or "nodejs" => 1,
            "redis-server" or "redis-check-rdb" or "redis-sentinel" => 3,
            "nginx" or "nginx-debug" or "openresty" => 4,
            "openssl" => 5,
            "busybox" => 6,
            "postgres" => 7,
            "haproxy" => 11,
            "httpd" or "apache2" => 12,
            "mysqld" or "mysql" or "mariadbd" or "mariadb" => 13,
            "bash" => 14,
            "curl" => 15,
            _ when name.StartsWith("python") && VersionLength(name[6..]) is > 0 and int length => name.Length == 6 + length || name[(6 + length)..] is "m" or "t" or "d" ? 2 : 0,
            _ when name.StartsWith("php") && !name[3..].ContainsAnyExcept(InPhpNames) => 8,
            _ when name.StartsWith("perl") && !name[4..].ContainsAnyExcept(InVersions) => 9,
            _ when name.StartsWith("ruby") && !name[4..].ContainsAnyExcept(InVersions) => 10,
            _ => 0,
        };
    }

    /// <summary><c>3.11</c> of <c>python3.11</c> and of <c>libpython3.11.so.1.0</c>; empty when there is none.</summary>
    public static string VersionInName(string name)
    {
        int at = name.StartsWith("libpython", StringComparison.Ordinal) ? 9 : name.StartsWith("python", StringComparison.Ordinal) ? 6 : name.Length;
        return name.Substring(at, VersionLength(name.AsSpan(at)));
    }

    /// <summary>Length of a number, a point and a number at the start; 0 when there are none.</summary>
    private static int VersionLength(ReadOnlySpan<char> text)
    {
        int point = text.IndexOfAnyExceptInRange('0', '9');
        if (point <= 0 || text[point] != '.')
            return 0;
        int end = text[(point + 1)..].IndexOfAnyExceptInRange('0', '9');
        end = end < 0 ? text.Length : point + 1 + end;
        return end > point + 1 ? end : 0;
    }

    /// <summary>
    /// Redis writes version, build host and build time behind each other, so that nobody can say where the version ends; the version alone stands in
    /// another text. The two together leave no doubt.
    /// </summary>
    internal static string? RedisVersion(string joined, ReadOnlySpan<byte> file)
    {
        int second = joined.IndexOf('.', joined.IndexOf('.', StringComparison.Ordinal) + 1);
        for (int end = joined.Length; end > second + 1; end--)
            if (file.IndexOf(Encoding.Latin1.GetBytes($"\0{joined[..end]}\0")) >= 0)
                return joined[..end];
        return null;
    }

    [GeneratedRegex(@"\Anode\.js/v(?<v>[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9])", Options, MatchMilliseconds)]
    private static partial Regex NodePattern();

    [GeneratedRegex(@"\A\x00(?<v>[0-9]\.[0-9]{1,2}\.[0-9]{1,3}((a|b|rc)[0-9]{1,2})?)\+?\x00", Options, MatchMilliseconds)]
    private static partial Regex PythonPattern();

    [GeneratedRegex(@"(?<v>[0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,5})[0-9A-Za-z_.-]{0,64}[0-9]{10}000000000\x00", Options, MatchMilliseconds)]
    private static partial Regex RedisPattern();

    [GeneratedRegex(@"\Anginx version: nginx/(?<v>[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})", Options, MatchMilliseconds)]
    private static partial Regex NginxPattern();

    [GeneratedRegex(@"\Anginx version: openresty/(?<v>[0-9]{1,3}(\.[0-9]{1,3}){2,3})", Options, MatchMilliseconds)]
    private static partial Regex OpenRestyPattern();

    [GeneratedRegex(@"\AOpenSSL (?<v>[0-9]\.[0-9]{1,2}\.[0-9]{1,3}[a-z]{0,2}(-[a-z0-9]{1,10})?)  ?[0-9]{1,2} [A-Z][a-z]{2} (19|20)[0-9]{2}", Options, MatchMilliseconds)]
    private static partial Regex OpenSslPattern();

    [GeneratedRegex(@"\ABusyBox v(?<v>[0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3})", Options, MatchMilliseconds)]
    private static partial Regex BusyBoxPattern();

    [GeneratedRegex(@"\A\x00PostgreSQL (?<v>[0-9]{1,2}(\.[0-9]{1,3}){0,2}((alpha|beta|rc)[0-9]{1,2})?)( \(| on |\x00)", Options, MatchMilliseconds)]
    private static partial Regex PostgreSqlPattern();

    [GeneratedRegex(@"\AX-Powered-By: PHP/(?<v>[0-9]\.[0-9]{1,2}\.[0-9]{1,3}((alpha|beta|RC)[0-9]{1,2})?)", Options, MatchMilliseconds)]
    private static partial Regex PhpPattern();

    [GeneratedRegex(@"\A/(?<v>5\.[0-9]{1,2}\.[0-9]{1,2})[/\x00]", Options, MatchMilliseconds)]
    private static partial Regex PerlPattern();

    [GeneratedRegex(@"\Aruby (?<v>[0-9]\.[0-9]{1,2}\.[0-9]{1,2})(p|rc|preview|dev|-| |\.)[^(\x00]{0,12}\((19|20)[0-9]{2}-", Options, MatchMilliseconds)]
    private static partial Regex RubyPattern();

    [GeneratedRegex(@" version (?<v>[0-9]\.[0-9]{1,2}(\.|-dev|-rc)[0-9]{1,3})[^,\x00]{0,40}, released 20", Options, MatchMilliseconds)]
    private static partial Regex HaProxyPattern();

    [GeneratedRegex(@"\AApache/(?<v>2\.[0-9]{1,2}\.[0-9]{1,3})", Options, MatchMilliseconds)]
    private static partial Regex HttpdPattern();

    [GeneratedRegex(@"(?<![0-9.])(?<v>[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3})-MariaDB", Options, MatchMilliseconds)]
    private static partial Regex MariaDbPattern();

    [GeneratedRegex(@"\A/mysql-(?<v>[0-9]\.[0-9]{1,2}\.[0-9]{1,3})/", Options, MatchMilliseconds)]
    private static partial Regex MySqlPattern();

    [GeneratedRegex(@"\A@\(#\)Bash version (?<v>[0-9]\.[0-9]{1,2}\.[0-9]{1,3})", Options, MatchMilliseconds)]
    private static partial Regex BashPattern();

    [GeneratedRegex(@"\Acurl/(?<v>[0-9]\.[0-9]{1,3}\.[0-9]{1,2})", Options, MatchMilliseconds)]
    private static partial Regex CurlPattern();
}
