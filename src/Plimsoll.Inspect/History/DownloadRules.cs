using Plimsoll.Inspect.Dockerfiles.Shell;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.History;

/// <summary>What comes over the network and is run or unpacked, and whether anybody looked at its digest.</summary>
internal sealed class DownloadRules
{
    /// <summary>Files that earlier steps brought and nobody checked, by name without folder.</summary>
    private readonly HashSet<string> _unchecked = new(StringComparer.Ordinal);

    /// <summary>An ADD of an address.</summary>
    public void Remember(string file) => _unchecked.Add(NameOf(file));

    public void Judge(IReadOnlyList<RealCommand> commands, List<HistoryFinding> found)
    {
        bool isChecked = commands.Any(IsCheck);
        HashSet<string> fresh = new(StringComparer.Ordinal);
        bool piped = false;
        foreach (IGrouping<(int, int), RealCommand> pipeline in commands.GroupBy(c => (c.Nested, c.Command.Pipeline)))
        {
            List<RealCommand> members = [.. pipeline.OrderBy(c => c.Command.InPipeline)];
            piped |= JudgePipeline(members, isChecked, found);
        }
        foreach (RealCommand c in commands)
        {
            if (Runs(c) is { } inline && !piped)
                found.Add(new HistoryFinding("pipe-to-shell", Severity.High, c.Offset, inline));
            if (FileOf(c) is { } file)
            {
                if (isChecked)
                    _unchecked.Remove(NameOf(file));
                else
                    fresh.Add(NameOf(file));
            }
            if (!isChecked && TakesPlainHttp(c))
                found.Add(new HistoryFinding("plain-http", Severity.Medium, c.Offset, c.Command.ToString(), c.Name));
            if (!isChecked)
                JudgeUse(c, fresh, found);
        }
        _unchecked.UnionWith(fresh);
    }

    /// <summary>A command that compares a digest or checks a signature.</summary>
    private static bool IsCheck(RealCommand c) => c.Name switch
    {
        "sha256sum" or "sha512sum" or "sha384sum" or "sha224sum" or "sha1sum" or "b2sum" or "md5sum" or "shasum" => true,
        "gpg" or "gpg2" => c.Command.HasFlag("verify", "d", "decrypt"),
        "gpgv" or "cosign" or "minisign" or "signify" or "slsa-verifier" => true,
        "openssl" => c.Command.Words.Any(w => w.Text is "-verify" or "-sha256" or "sha256"),
        _ => false,
    };

    private static bool IsFetcher(RealCommand c) => c.Name is "curl" or "wget" or "fetch" or "aria2c" or "axel";

    private static bool JudgePipeline(List<RealCommand> members, bool isChecked, List<HistoryFinding> found)
    {
        int fetcher = members.FindIndex(c => IsFetcher(c) || c.Command.Words.Any(w => w.Text is "curl" or "wget" && members.Count > 1 && c.Name == "*"));
        bool decodes = members.Exists(c => c.Name is "base64" or "base32" or "xxd" && c.Command.HasFlag("d", "decode", "D", "r"));
        for (int i = 1; i < members.Count; i++)
        {
            RealCommand c = members[i];
            if (ReadsScript(c) && (fetcher >= 0 && i > fetcher || decodes))
            {
                found.Add(new HistoryFinding(fetcher >= 0 && i > fetcher ? "pipe-to-shell" : "encoded-command", Severity.High, members[0].Offset, Evidence(members)));
                return true;
            }
            if (!isChecked && fetcher >= 0 && i > fetcher && c.Name is "tar" or "bsdtar" or "unzip" or "cpio" && Fetches(members[Math.Max(fetcher, 0)]))
                found.Add(new HistoryFinding("unchecked-binary", Severity.Low, members[0].Offset, Evidence(members)));
        }
        return false;
    }

    /// <summary>Something other than this host's own service is asked.</summary>
    private static bool Fetches(RealCommand c) => IsFetcher(c) && !c.Command.Words.Any(w => w.Text.Contains("://localhost", StringComparison.Ordinal) || w.Text.Contains("://127.", StringComparison.Ordinal));

    private static string Evidence(List<RealCommand> members) => string.Join(" | ", members.Take(8).Select(m => m.Command.ToString()));

    /// <summary>An interpreter that takes its script from standard input.</summary>
    private static bool ReadsScript(RealCommand c)
    {
        if (!Commands.IsInterpreter(c.Name))
            return false;
        foreach (ShellWord word in c.Command.Words)
        {
            string text = word.Text;
            if (text is "-" or "-s" or "--" or "/dev/stdin")
                return true;
            // With a script or a program of its own, what comes in is data.
            if (text.Length > 0 && text[0] != '-' || text is "-c" or "-e" or "-m" or "-n" or "-ne" or "-pe" or "-r" || text.Length > 2 && text[0] == '-' && text[1] != '-' && Commands.IsShell(c.Name) && text[^1] == 'c')
                return Commands.IsShell(c.Name) && text is "-e" or "-n";
        }
        return true;
    }

    /// <summary><c>bash -c "$(curl …)"</c>, <c>sh &lt;(wget …)</c>, <c>eval `curl …`</c>; the text, or null.</summary>
    private static string? Runs(RealCommand c)
    {
        bool runs = Commands.IsInterpreter(c.Name) || c.Name is "eval" or "source" or ".";
        if (!runs)
            return null;
        foreach (ShellWord word in c.Command.Words)
        {
            string text = word.Text.TrimStart();
            // The fetched text must be what is run, not a word of it.
            foreach (string open in (string[])["$(", "<(", "`"])
                if (text.StartsWith(open, StringComparison.Ordinal) && text[open.Length..].TrimStart() is var inner
                    && (inner.StartsWith("curl ", StringComparison.Ordinal) || inner.StartsWith("wget ", StringComparison.Ordinal)))
                    return c.Command.ToString();
        }
        return null;
    }

    /// <summary>The file that a download writes; null when it writes none.</summary>
    private static string? FileOf(RealCommand c)
    {
        if (!Fetches(c))
            return null;
        string? redirected = c.Command.Redirections.FirstOrDefault(r => r.Operator is ">" or ">>" && r.Target is not "/dev/null").Target;
        string? url = c.Command.Words.Select(w => w.Text).FirstOrDefault(w => w.Contains("://", StringComparison.Ordinal) || w.StartsWith('$'));
        string? named = c.Name == "wget" ? c.Command.Value("O", "output-document") : c.Command.Value("o", "output");
        if (named is null)
            foreach (ShellWord word in c.Command.Words)
                // Bundles such as -fsSLo FILE and -qO FILE.
                if (word.Text is ['-', not '-', _, ..] bundle && bundle[^1] == (c.Name == "wget" ? 'O' : 'o'))
                    named = c.Command.Words.SkipWhile(w => w.Offset != word.Offset).Skip(1).FirstOrDefault().Text;
        if (named is "-" or "/dev/null" or "/dev/stdout")
            return redirected;
        if (named is not null)
            return named;
        if (redirected is not null)
            return redirected;
        bool keepsName = c.Name == "wget" ? !c.Command.Words.Any(w => w.Text is ['-', not '-', ..] flags && flags.EndsWith("O-", StringComparison.Ordinal)) : c.Command.HasFlag("O", "remote-name");
        return keepsName && url is not null ? url.Split('?')[0] : null;
    }

    private void JudgeUse(RealCommand c, HashSet<string> fresh, List<HistoryFinding> found)
    {
        bool Known(string path) => NameOf(path) is { Length: > 0 } name and not ("." or ".." or "-") && (fresh.Contains(name) || _unchecked.Contains(name));
        string[] plain = [.. c.Command.Words.Select(w => w.Text).Where(t => !t.StartsWith('-'))];
        if (c.Command.Name.Contains('/', StringComparison.Ordinal) && Known(c.Command.Name))
            found.Add(new HistoryFinding("download-and-run", Severity.High, c.Offset, c.Command.ToString()));
        else if ((Commands.IsInterpreter(c.Name) || c.Name is "source" or ".") && plain.Length > 0 && Known(plain[0]) && !c.Command.HasArgument("-c") && !c.Command.HasArgument("-m"))
            found.Add(new HistoryFinding("download-and-run", Severity.High, c.Offset, c.Command.ToString()));
        else if (c.Name == "java" && c.Command.Value("jar") is null && c.Command.HasArgument("-jar") && plain.Any(Known))
            found.Add(new HistoryFinding("download-and-run", Severity.High, c.Offset, c.Command.ToString()));
        else if (c.Name == "chmod" && plain.Length > 1 && plain.Skip(1).Any(Known) && MakesExecutable(plain[0]))
            found.Add(new HistoryFinding("unchecked-binary", Severity.Medium, c.Offset, c.Command.ToString()));
        else if (c.Name == "dpkg" && c.Command.HasFlag("i", "install") && plain.Any(Known))
            found.Add(new HistoryFinding("unchecked-binary", Severity.Medium, c.Offset, c.Command.ToString()));
    }

    private static bool MakesExecutable(string mode) =>
        mode.Contains('+', StringComparison.Ordinal) && mode.Contains('x', StringComparison.Ordinal) || mode.All(char.IsAsciiDigit) && mode.Any(d => (d - '0') % 2 == 1);

    private static bool TakesPlainHttp(RealCommand c) =>
        (Fetches(c) || c.Name is "pip" or "pip3" or "npm" or "yarn" or "gem" or "git" or "go")
        && c.Command.Words.Any(w => w.Text.IndexOf("http://", StringComparison.Ordinal) is >= 0 and var at && IsOutside(w.Text[(at + 7)..]) && !w.Text.Contains("proxy", StringComparison.OrdinalIgnoreCase));

    private static bool IsOutside(string host) =>
        !(host.StartsWith("localhost", StringComparison.Ordinal) || host.StartsWith("127.", StringComparison.Ordinal) || host.StartsWith("[::1]", StringComparison.Ordinal) || host.StartsWith("0.0.0.0", StringComparison.Ordinal) || host.StartsWith("169.254.", StringComparison.Ordinal));

    private static string NameOf(string path)
    {
        string name = path.TrimEnd('/');
        return name[(name.LastIndexOf('/') + 1)..];
    }
}
