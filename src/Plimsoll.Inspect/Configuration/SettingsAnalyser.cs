using System.Globalization;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Configuration;

/// <summary>Reads the settings of a system that decide who may do what: accounts, sshd, sudo, cron, the loader, package sources.</summary>
/// <remarks>Lines that say nothing to these rules, or nothing at all, are passed over: nothing is decided by their absence.</remarks>
internal sealed class SettingsAnalyser : IAnalyser
{
    public const string Name = "configuration-settings";

    /// <summary>A line of the accounts; <see cref="Hit.Detail"/> is the user's number.</summary>
    public const string Account = "account";

    /// <summary>Accounts, lines or keys taken of one file; a real one has some tens.</summary>
    private const int MaxHits = 2000;

    /// <summary>Characters shown of a line.</summary>
    private const int MaxShown = 160;

    public string Id => Name;

    public int Version => 1;

    /// <summary>4 MiB; the largest of these have some ten thousands of bytes.</summary>
    public long MaxFileBytes => 4L << 20;

    public bool Wants(ReadOnlySpan<byte> path) => IsWanted(path);

    public static bool IsWanted(ReadOnlySpan<byte> path)
    {
        if (path is [(byte)'e', ..] && path.StartsWith("etc/"u8))
        {
            path = path[4..];
            return path.SequenceEqual("passwd"u8) || path.SequenceEqual("ld.so.preload"u8) || path.StartsWith("cron"u8) || path.StartsWith("sudoers"u8)
                || path.SequenceEqual("ssh/sshd_config"u8) || path.StartsWith("ssh/sshd_config.d/"u8) || path.StartsWith("apt/"u8) && IsAptSetting(path)
                || path.StartsWith("yum.repos.d/"u8) || path.SequenceEqual("yum.conf"u8) || path.SequenceEqual("dnf/dnf.conf"u8);
        }
        return path.EndsWith("/authorized_keys"u8) || path.EndsWith("/authorized_keys2"u8) || path.StartsWith("var/spool/cron/"u8);
    }

    private static bool IsAptSetting(ReadOnlySpan<byte> path) =>
        path.StartsWith("apt/sources.list"u8) || path.StartsWith("apt/apt.conf"u8);

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        List<Hit> hits = [];
        bool ofDistribution = false;
        if (path == "etc/passwd")
            ReadAccounts(content.Span, hits);
        else if (path == "etc/ld.so.preload")
            ReadLines(content.Span, hits, "preloaded-library", line => !line.StartsWith("#"u8));
        else if (path.StartsWith("etc/ssh/", StringComparison.Ordinal))
            ReadSshd(content.Span, hits);
        else if (path.StartsWith("etc/sudoers", StringComparison.Ordinal))
        {
            ReadLines(content.Span, hits, "sudo-without-password", IsWithoutPassword);
            ofDistribution = true;
        }
        else if (path.StartsWith("etc/cron", StringComparison.Ordinal) || path.StartsWith("var/spool/cron/", StringComparison.Ordinal))
        {
            ReadCron(path, content.Span, hits);
            ofDistribution = true;
        }
        else if (path.StartsWith("etc/", StringComparison.Ordinal))
            ReadLines(content.Span, hits, "CIS-4.11", IsUnverifiedSource);
        else
            ReadLines(content.Span, hits, "authorized-keys", line => !line.StartsWith("#"u8));
        return hits.Count == 0 ? null : new FileFacts { Path = path, Analyser = Id, Hits = hits, Checksums = ofDistribution ? FileChecksums.OfContent(content) : [] };
    }

    private delegate bool Matches(ReadOnlySpan<byte> line);

    private static void ReadLines(ReadOnlySpan<byte> rest, List<Hit> hits, string rule, Matches matches)
    {
        for (int number = 1; rest.Length > 0 && hits.Count < MaxHits; number++)
        {
            ReadOnlySpan<byte> line = Fields.Trim(Fields.NextLine(ref rest));
            if (!line.IsEmpty && matches(line))
                hits.Add(new Hit(rule, number, rule == "authorized-keys" ? KeyShown(line) : Shown(line)));
        }
    }

    /// <remarks>Source: passwd(5); a name alone with a plus or minus before it asks NIS and is no account of the image.</remarks>
    private static void ReadAccounts(ReadOnlySpan<byte> rest, List<Hit> hits)
    {
        for (int number = 1; rest.Length > 0 && hits.Count < MaxHits; number++)
        {
            string[] fields = Shown(Fields.NextLine(ref rest)).Split(':');
            if (fields.Length >= 4 && fields[0].Length > 0 && fields[0][0] is not ('+' or '-' or '#') && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint uid))
                hits.Add(new Hit(Account, number, fields[0], uid.ToString(CultureInfo.InvariantCulture)));
        }
    }

    /// <remarks>Source: sshd_config(5): of a keyword the first value counts, names in any casing; what stands below Match holds for some only.</remarks>
    private static void ReadSshd(ReadOnlySpan<byte> rest, List<Hit> hits)
    {
        HashSet<string> seen = [];
        string match = "";
        for (int number = 1; rest.Length > 0 && hits.Count < MaxHits; number++)
        {
            ReadOnlySpan<byte> line = Fields.Trim(Fields.NextLine(ref rest));
            if (line.IsEmpty || line[0] == (byte)'#')
                continue;
            int end = line.IndexOfAny((byte)' ', (byte)'\t', (byte)'=');
            if (end <= 0)
                continue;
            string keyword = Encoding.UTF8.GetString(line[..end]).ToLowerInvariant();
            string value = Encoding.UTF8.GetString(line[end..].Trim(" \t=\""u8)).ToLowerInvariant();
            if (keyword == "match")
            {
                match = Shown(line);
                seen.Clear();
                continue;
            }
            string? rule = keyword switch
            {
                "permitrootlogin" => "sshd-root-login",
                "passwordauthentication" => "sshd-passwords",
                "permitemptypasswords" => "sshd-empty-passwords",
                _ => null,
            };
            if (rule is not null && seen.Add(keyword) && value == "yes")
                hits.Add(new Hit(rule, number, match.Length == 0 ? Shown(line) : $"{Shown(line)} ({match})"));
        }
    }

    /// <summary>A line that lets a person do something as another without being asked for a password.</summary>
    /// <remarks>Source: sudoers(5), "Tag_Spec".</remarks>
    private static bool IsWithoutPassword(ReadOnlySpan<byte> line) => line[0] != (byte)'#' && line.IndexOf("NOPASSWD:"u8) > 0
        || line.StartsWith("Defaults"u8) && line.IndexOf("!authenticate"u8) > 0;

    /// <summary>Scripts of the folders by period are one task each; of tables each line is one.</summary>
    private static void ReadCron(string path, ReadOnlySpan<byte> content, List<Hit> hits)
    {
        string[] parts = path.Split('/');
        bool isScript = parts is ["etc", "cron.hourly" or "cron.daily" or "cron.weekly" or "cron.monthly", _];
        bool isTable = parts is ["etc", "crontab"] or ["etc", "cron.d" or "crontabs", _] || path.StartsWith("var/spool/cron/", StringComparison.Ordinal);
        if (parts[^1].StartsWith('.') || content.IsEmpty)
            return;
        if (isScript)
            hits.Add(new Hit("scheduled-task", 0, parts[1]["cron.".Length..], Downloads(content) ? "downloads" : ""));
        else if (isTable)
            for (int number = 1; content.Length > 0 && hits.Count < MaxHits; number++)
            {
                ReadOnlySpan<byte> line = Fields.Trim(Fields.NextLine(ref content));
                // A line with a schedule begins with a number, a star or @daily; all else is a comment or a variable.
                if (line.Length > 8 && line[0] is (>= (byte)'0' and <= (byte)'9') or (byte)'*' or (byte)'@')
                    hits.Add(new Hit("scheduled-task", number, Shown(line), Downloads(line) ? "downloads" : ""));
            }
    }

    private static bool Downloads(ReadOnlySpan<byte> text) => text.IndexOf("curl "u8) >= 0 || text.IndexOf("wget "u8) >= 0 || text.IndexOf("/dev/tcp/"u8) >= 0 || text.IndexOf("base64 -d"u8) >= 0;

    /// <remarks>Source: sources.list(5), apt.conf(5), yum.conf(5).</remarks>
    private static bool IsUnverifiedSource(ReadOnlySpan<byte> line)
    {
        if (line[0] == (byte)'#' || line.StartsWith("//"u8) || line.Length > 4096)
            return false;
        string text = Encoding.UTF8.GetString(line).ToLowerInvariant().Replace(" ", "", StringComparison.Ordinal).Replace("\t", "", StringComparison.Ordinal);
        if (text.StartsWith("gpgcheck=0", StringComparison.Ordinal) || text is "gpgcheck=no" or "gpgcheck=false" || text.StartsWith("trusted:yes", StringComparison.Ordinal))
            return true;
        return text.StartsWith("deb", StringComparison.Ordinal) && text.IndexOf("trusted=yes", StringComparison.Ordinal) is > 0 and var at && at < text.IndexOf(']', StringComparison.Ordinal)
            || text.Contains("allowunauthenticated\"true\"", StringComparison.Ordinal) || text.Contains("allowunauthenticatedtrue", StringComparison.Ordinal) || text.Contains("allowunauthenticated\"1\"", StringComparison.Ordinal)
            || text.Contains("allowinsecurerepositories\"true\"", StringComparison.Ordinal) || text.Contains("allowinsecurerepositoriestrue", StringComparison.Ordinal) || text.Contains("allowinsecurerepositories\"1\"", StringComparison.Ordinal);
    }

    private static string Shown(ReadOnlySpan<byte> line) => Encoding.UTF8.GetString(line[..Math.Min(line.Length, MaxShown)]);

    /// <summary>Kind and comment of a key that may log in; the key's own letters say nothing to people.</summary>
    private static string KeyShown(ReadOnlySpan<byte> line)
    {
        string text = Encoding.UTF8.GetString(line[..Math.Min(line.Length, 16 * 1024)]);
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int kind = Array.FindIndex(words, w => w.StartsWith("ssh-", StringComparison.Ordinal) || w.StartsWith("ecdsa-", StringComparison.Ordinal) || w.StartsWith("sk-", StringComparison.Ordinal));
        string shown = kind < 0 ? words[0] : string.Join(' ', words[kind..].Where((_, i) => i != 1));
        return shown.Length > MaxShown ? shown[..MaxShown] : shown;
    }
}
