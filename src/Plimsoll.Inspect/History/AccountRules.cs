using Plimsoll.Inspect.Dockerfiles.Shell;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.History;

/// <summary>Rights, accounts and the files that decide on them.</summary>
internal static class AccountRules
{
    private static readonly HashSet<string> RootGroups = new(StringComparer.Ordinal) { "root", "0", "sudo", "wheel", "docker", "disk", "shadow", "lxd", "admin" };
    private static readonly HashSet<string> AccountFiles = new(StringComparer.Ordinal) { "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow" };

    public static void Judge(IReadOnlyList<RealCommand> commands, List<HistoryFinding> found)
    {
        foreach (RealCommand c in commands)
        {
            Modes(c, found);
            Users(c, found);
            Passwords(c, commands, found);
            foreach (string file in Written(c))
                File(c, file, found);
            Texts(c, found);
        }
    }

    private static void Modes(RealCommand c, List<HistoryFinding> found)
    {
        string? mode = c.Name switch
        {
            "chmod" => c.Command.Words.Select(w => w.Text).FirstOrDefault(t => !t.StartsWith('-') && t.Length > 0),
            "install" or "mkdir" => c.Command.Value("m", "mode"),
            _ => null,
        };
        if (mode is null || c.Name == "chmod" && c.Command.HasFlag("reference"))
            return;
        Bits bits = BitsOf(mode);
        // With the sticky bit, as on /tmp, nobody removes another's files.
        if (bits.HasFlag(Bits.OtherWrite) && !bits.HasFlag(Bits.Sticky))
            found.Add(new HistoryFinding("world-writable", Severity.Medium, c.Offset, c.Command.ToString(), mode));
        if (bits.HasFlag(Bits.SetUid) && c.Name != "mkdir")
            found.Add(new HistoryFinding("setuid", Severity.High, c.Offset, c.Command.ToString(), mode));
        else if (bits.HasFlag(Bits.SetGid) && !bits.HasFlag(Bits.Sticky) && c.Name != "mkdir" && !c.Command.HasFlag("d", "directory"))
            // On a folder it only hands the group on, which is ordinary; a mode does not tell which it is.
            found.Add(new HistoryFinding("setuid", Severity.Low, c.Offset, c.Command.ToString(), mode));
    }

    [Flags]
    internal enum Bits
    {
        None = 0,
        OtherWrite = 1,
        Sticky = 2,
        SetUid = 4,
        SetGid = 8,
    }

    internal static Bits BitsOf(string mode)
    {
        Bits bits = Bits.None;
        if (mode.All(c => c is >= '0' and <= '7') && mode.Length is >= 3 and <= 5)
        {
            int special = mode.Length > 3 ? mode[^4] - '0' : 0;
            return ((mode[^1] - '0' & 2) != 0 ? Bits.OtherWrite : Bits.None) | ((special & 1) != 0 ? Bits.Sticky : Bits.None) | ((special & 4) != 0 ? Bits.SetUid : Bits.None) | ((special & 2) != 0 ? Bits.SetGid : Bits.None);
        }
        foreach (string clause in mode.Split(','))
        {
            int sign = clause.AsSpan().IndexOfAny('+', '=');
            if (sign < 0)
                continue;
            ReadOnlySpan<char> who = clause.AsSpan(0, sign), what = clause.AsSpan(sign + 1);
            // Without a letter the umask takes the write bit of others away.
            if ((who.Contains('o') || who.Contains('a')) && what.Contains('w'))
                bits |= Bits.OtherWrite;
            if (what.Contains('t'))
                bits |= Bits.Sticky;
            if (what.Contains('s'))
                bits |= (who.IsEmpty || who.Contains('a') || who.Contains('u') ? Bits.SetUid : Bits.None) | (who.IsEmpty || who.Contains('a') || who.Contains('g') ? Bits.SetGid : Bits.None);
        }
        return bits;
    }

    private static void Users(RealCommand c, List<HistoryFinding> found)
    {
        ShellCommand x = c.Command;
        IEnumerable<string> groups = c.Name switch
        {
            "useradd" or "usermod" => Split(x.Value("G", "groups") ?? Bundled(x, 'G')).Concat(Split(x.Value("g", "gid"))),
            // "adduser USER GROUP" and BusyBox' "addgroup USER GROUP" add to a group; with one name they make one.
            "adduser" or "addgroup" => x.Plain("h", "g", "s", "G", "u", "D", "H", "k", "home", "shell", "uid", "gid", "gecos", "ingroup", "conf") is [_, var group] ? [group] : Split(c.Name == "adduser" ? x.Value("G", "ingroup") : null),
            "gpasswd" => x.HasFlag("a", "add") ? x.Plain("a", "add").TakeLast(1) : [],
            _ => [],
        };
        foreach (string group in groups.Where(RootGroups.Contains).Distinct(StringComparer.Ordinal))
            // Group 0 without more is how images are made to run under any UID.
            found.Add(new HistoryFinding("root-group", group is "root" or "0" ? Severity.Low : Severity.Medium, c.Offset, x.ToString(), group));
        if (c.Name is "useradd" or "usermod" or "adduser" && x.Value("u", "uid") is "0")
            found.Add(new HistoryFinding("root-user", Severity.High, c.Offset, x.ToString()));
        if (c.Name == "setcap" && !x.HasFlag("r") && x.Words.Count > 1)
            found.Add(new HistoryFinding("file-capability", Severity.Low, c.Offset, x.ToString()));
    }

    private static string[] Split(string? groups) => groups?.Split(',') ?? [];

    /// <summary><c>-aG sudo</c>.</summary>
    private static string? Bundled(ShellCommand x, char flag)
    {
        for (int i = 0; i + 1 < x.Words.Count; i++)
            if (x.Words[i].Text is ['-', not '-', _, ..] bundle && bundle[^1] == flag)
                return x.Words[i + 1].Text;
        return null;
    }

    private static void Passwords(RealCommand c, IReadOnlyList<RealCommand> commands, List<HistoryFinding> found)
    {
        ShellCommand x = c.Command;
        if (c.Name == "chpasswd")
        {
            bool root = commands.Any(o => o.Nested == c.Nested && o.Command.Pipeline == x.Pipeline && o.Command.Words.Any(w => w.Text.StartsWith("root:", StringComparison.Ordinal)))
                || x.Redirections.Any(r => r.Target.StartsWith("root:", StringComparison.Ordinal));
            found.Add(new HistoryFinding("password-set", root ? Severity.High : Severity.Medium, c.Offset, "chpasswd"));
        }
        else if (c.Name == "passwd" && (x.HasFlag("stdin") || x.HasFlag("d", "delete")))
            found.Add(new HistoryFinding("password-set", x.Plain() is [] or ["root"] ? Severity.High : Severity.Medium, c.Offset, x.HasFlag("stdin") ? "passwd --stdin" : x.ToString()));
        else if (c.Name is "useradd" or "usermod" && x.Value("p", "password") is { } hash && hash is not ("" or "*" or "!" or "!!"))
            found.Add(new HistoryFinding("password-set", Severity.Medium, c.Offset, $"{c.Name} -p ***"));
    }

    /// <summary>Files that a command writes: redirections, and the targets of programs that write files.</summary>
    private static IEnumerable<string> Written(RealCommand c)
    {
        foreach (ShellRedirection r in c.Command.Redirections)
            if (r.Operator.EndsWith('>') || r.Operator is ">|" or "&>>")
                yield return r.Target;
        List<string> plain = c.Command.Plain("m", "o", "g", "t", "S");
        switch (c.Name)
        {
            case "tee":
                foreach (string file in plain)
                    yield return file;
                break;
            case "cp" or "mv" or "install" or "ln" when plain.Count > 1:
                yield return plain[^1];
                break;
            case "sed" when c.Command.HasFlag("i", "in-place") || c.Command.Words.Any(w => w.Text.StartsWith("-i", StringComparison.Ordinal)):
                foreach (string file in plain.Where(p => p.StartsWith('/')))
                    yield return file;
                break;
            case "chmod" when plain.Count > 1 && (plain[0].Contains("g+w", StringComparison.Ordinal) || plain[0].Contains("g=u", StringComparison.Ordinal) || plain[0].Contains("g+rw", StringComparison.Ordinal) || BitsOf(plain[0]).HasFlag(Bits.OtherWrite)):
                foreach (string file in plain.Skip(1).Where(AccountFiles.Contains))
                    yield return file;
                break;
            case "curl" or "wget":
                if (c.Command.Value(c.Name == "curl" ? "o" : "O", c.Name == "curl" ? "output" : "output-document") is { } target)
                    yield return target;
                break;
            default:
                break;
        }
    }

    private static void File(RealCommand c, string file, List<HistoryFinding> found)
    {
        string evidence = c.Command.ToString() + string.Concat(c.Command.Redirections.Where(r => r.Target == file).Select(r => $" {r.Operator} {r.Target}"));
        if (AccountFiles.Contains(file))
            found.Add(new HistoryFinding("account-file", Severity.Medium, c.Offset, $"{c.Name} … {file}", file));
        else if (file is "/etc/ld.so.preload")
            found.Add(new HistoryFinding("preload", Severity.High, c.Offset, evidence, file));
        else if (file.StartsWith("/etc/cron", StringComparison.Ordinal) || file.StartsWith("/var/spool/cron", StringComparison.Ordinal))
            found.Add(new HistoryFinding("cron", FetchesAndRuns(c) ? Severity.High : Severity.Low, c.Offset, evidence, file));
        else if (file.EndsWith("/.ssh/authorized_keys", StringComparison.Ordinal))
            found.Add(new HistoryFinding("authorized-keys", Severity.Medium, c.Offset, $"{c.Name} … {file}", file));
    }

    /// <summary>The text that is written downloads something and hands it to a shell, or opens a connection.</summary>
    private static bool FetchesAndRuns(RealCommand c) =>
        c.Command.Words.Select(w => w.Text).Concat(c.Command.Redirections.Select(r => r.Target)).Any(t =>
            t.Contains("/dev/tcp/", StringComparison.Ordinal)
            || (t.Contains("curl ", StringComparison.Ordinal) || t.Contains("wget ", StringComparison.Ordinal)) && t.IndexOf('|', StringComparison.Ordinal) is >= 0 and var pipe && t[(pipe + 1)..].TrimStart() is var rest
            && (rest.StartsWith("sh", StringComparison.Ordinal) || rest.StartsWith("bash", StringComparison.Ordinal)));

    /// <summary>Settings that are dangerous whatever file they are written to.</summary>
    private static void Texts(RealCommand c, List<HistoryFinding> found)
    {
        if (c.Name == "crontab" && !c.Command.HasFlag("l", "r"))
            found.Add(new HistoryFinding("cron", Severity.Low, c.Offset, c.Command.ToString(), "crontab"));
        bool writes = c.Name is "echo" or "printf" or "sed" or "cat" or "tee" or "perl" or "awk" or "ex";
        if (!writes)
            return;
        bool sudo = false, login = false;
        foreach (string text in c.Command.Words.Select(w => w.Text).Concat(c.Command.Redirections.Select(r => r.Target)))
        {
            sudo |= text.Contains("NOPASSWD", StringComparison.Ordinal);
            login |= Says(text, "PermitRootLogin") || Says(text, "PermitEmptyPasswords");
        }
        if (sudo)
            found.Add(new HistoryFinding("sudo-nopasswd", Severity.Medium, c.Offset, c.Command.ToString()));
        if (login)
            found.Add(new HistoryFinding("ssh-root-login", Severity.Medium, c.Offset, c.Command.ToString()));
    }

    /// <summary>The setting with <c>yes</c> behind it; a sed script may have its old form in front.</summary>
    private static bool Says(string text, string setting)
    {
        for (int at = text.IndexOf(setting, StringComparison.OrdinalIgnoreCase); at >= 0; at = text.IndexOf(setting, at + 1, StringComparison.OrdinalIgnoreCase))
            if (text.AsSpan(at + setting.Length).TrimStart(" \t=").StartsWith("yes", StringComparison.OrdinalIgnoreCase))
                return true;
        return false;
    }
}
