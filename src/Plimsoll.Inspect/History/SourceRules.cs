using Plimsoll.Inspect.Dockerfiles.Rules;
using Plimsoll.Inspect.Dockerfiles.Shell;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.History;

/// <summary>Checks that were switched off, and sources that may give something else tomorrow.</summary>
internal static class SourceRules
{
    private static readonly Dictionary<string, string> TlsVariables = new(StringComparer.Ordinal)
    {
        ["NODE_TLS_REJECT_UNAUTHORIZED"] = "0",
        ["PYTHONHTTPSVERIFY"] = "0",
        ["GIT_SSL_NO_VERIFY"] = "1",
        ["PERL_LWP_SSL_VERIFY_HOSTNAME"] = "0",
        ["NPM_CONFIG_STRICT_SSL"] = "false",
        ["npm_config_strict_ssl"] = "false",
        ["CURL_INSECURE"] = "1",
    };

    public static void Judge(IReadOnlyList<RealCommand> commands, List<HistoryFinding> found)
    {
        bool checksOut = commands.Any(c => c.Name == "git" && (c.Command.HasArgument("checkout") || c.Command.HasArgument("reset") || c.Command.HasArgument("verify-tag")));
        foreach (RealCommand c in commands)
        {
            foreach (KeyValuePair<string, string> variable in c.Command.Assignments)
                Variable(variable.Key, variable.Value, c.Offset, found);
            if (c.Name == "export")
                foreach (ShellWord word in c.Command.Words)
                    if (word.Text.Split('=', 2) is [var name, var value])
                        Variable(name, value, c.Offset, found);
            if (TurnsTlsOff(c))
                found.Add(new HistoryFinding("tls-off", Severity.Medium, c.Offset, c.Command.ToString(), Subject(c)));
            if (TurnsSignaturesOff(c))
                found.Add(new HistoryFinding("signature-off", Severity.Medium, c.Offset, c.Command.ToString(), Subject(c)));
            if (PackageRules.NewestOf(c.Command) is { } package)
                found.Add(new HistoryFinding("unpinned", Severity.Low, c.Offset, c.Command.ToString(), c.Name, package));
            if (!checksOut && c.Name == "git" && c.Command.HasArgument("clone") && c.Command.Value("b", "branch", "revision") is null)
                found.Add(new HistoryFinding("unpinned", Severity.Low, c.Offset, c.Command.ToString(), "git clone", c.Command.Plain("depth", "c", "C", "o", "origin", "j", "jobs").Find(p => p.Contains("://", StringComparison.Ordinal) || p.Contains('@', StringComparison.Ordinal)) ?? ""));
        }
    }

    /// <summary>A variable of ENV, ARG or a command that switches a check off.</summary>
    public static void Variable(string name, string value, int offset, List<HistoryFinding> found)
    {
        value = value.Trim('"', '\'');
        bool off = TlsVariables.TryGetValue(name, out string? bad) && (value == bad || bad == "1" && value.Equals("true", StringComparison.OrdinalIgnoreCase)) || name == "PIP_TRUSTED_HOST" && value.Length > 0;
        if (off)
            found.Add(new HistoryFinding("tls-off", Severity.Medium, offset, $"{name}={value}", name));
    }

    private static string Subject(RealCommand c) => c.Name is "echo" or "printf" or "cat" or "tee" or "sed" ? "a configuration file" : c.Name;

    private static bool TurnsTlsOff(RealCommand c)
    {
        ShellCommand x = c.Command;
        bool settings = c.Name switch
        {
            "curl" => x.HasFlag("k", "insecure"),
            "wget" => x.HasFlag("no-check-certificate"),
            "git" => x.Words.Any(w => w.Text.Equals("http.sslVerify=false", StringComparison.OrdinalIgnoreCase)) || Pair(x, "http.sslVerify", "false", "0"),
            "npm" or "pnpm" => Pair(x, "strict-ssl", "false") || x.HasFlag("no-strict-ssl") || x.HasArgument("strict-ssl=false") || x.HasArgument("--strict-ssl=false"),
            "yarn" => Pair(x, "strict-ssl", "false") || Pair(x, "enableStrictSsl", "false"),
            "conda" or "mamba" => Pair(x, "ssl_verify", "false", "no"),
            "composer" => Pair(x, "disable-tls", "true") || x.HasFlag("disable-tls"),
            "yum" or "dnf" or "microdnf" or "tdnf" => x.Words.Any(w => w.Text.Replace(" ", "", StringComparison.Ordinal).EndsWith("sslverify=false", StringComparison.OrdinalIgnoreCase) || w.Text.EndsWith("sslverify=0", StringComparison.OrdinalIgnoreCase)),
            _ => IsPip(c.Name, x) && (x.Words.Any(w => w.Text.StartsWith("--trusted-host", StringComparison.Ordinal)) || x.Words.Any(w => w.Text is "global.trusted-host" or "install.trusted-host")),
        };
        return settings || TextsOf(c).Any(IsInsecureText);
    }

    private static bool IsPip(string name, ShellCommand x) =>
        name.StartsWith("pip", StringComparison.Ordinal) || name is "uv" || name.StartsWith("python", StringComparison.Ordinal) && x.HasArgument("pip");

    /// <summary>A setting and its value, as two words or one.</summary>
    private static bool Pair(ShellCommand x, string key, params ReadOnlySpan<string> values)
    {
        for (int i = 0; i < x.Words.Count; i++)
            foreach (string value in values)
                if (x.Words[i].Text.Equals(key, StringComparison.OrdinalIgnoreCase) && i + 1 < x.Words.Count && x.Words[i + 1].Text.Equals(value, StringComparison.OrdinalIgnoreCase)
                    || x.Words[i].Text.Equals($"{key}={value}", StringComparison.OrdinalIgnoreCase))
                    return true;
        return false;
    }

    /// <summary>What a command writes into files, and options that take settings as a text.</summary>
    private static IEnumerable<string> TextsOf(RealCommand c) => c.Name is "echo" or "printf" or "cat" or "tee" or "sed" or "apt" or "apt-get" or "apt-cache"
        ? c.Command.Words.Select(w => w.Text).Concat(c.Command.Redirections.Select(r => r.Target)) : [];

    private static bool IsInsecureText(string text) =>
        Says(text, "Verify-Peer", "false", "\"false\"", "0") || Says(text, "Verify-Host", "false", "\"false\"", "0") || Says(text, "sslVerify", "false", "0") || Says(text, "strict-ssl", "false")
        || Says(text, "trusted-host", "=") || Says(text, "check_certificate", "off");

    private static bool Says(string text, string key, params ReadOnlySpan<string> values)
    {
        int at = text.IndexOf(key, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
            return false;
        ReadOnlySpan<char> rest = text.AsSpan(at + key.Length);
        foreach (string value in values)
            if ((value == "=" ? rest.TrimStart() : rest.TrimStart(" \t=")).StartsWith(value, StringComparison.OrdinalIgnoreCase))
                return true;
        return false;
    }

    private static bool TurnsSignaturesOff(RealCommand c)
    {
        ShellCommand x = c.Command;
        bool flags = c.Name switch
        {
            "apt-get" or "apt" or "aptitude" => x.HasFlag("allow-unauthenticated", "force-yes", "allow-insecure-repositories", "allow-downgrade-to-insecure-repositories"),
            "apk" => x.HasFlag("allow-untrusted"),
            "rpm" or "rpmbuild" => x.HasFlag("nosignature", "nodigest", "nogpg") || x.HasArgument("--nosignature"),
            "yum" or "dnf" or "microdnf" or "tdnf" => x.HasFlag("nogpgcheck") || x.Words.Any(w => w.Text.EndsWith("gpgcheck=0", StringComparison.OrdinalIgnoreCase)),
            "zypper" => x.HasFlag("no-gpg-checks", "no-gpg-check", "gpg-auto-import-keys") && x.HasFlag("no-gpg-checks", "no-gpg-check"),
            "dpkg" => x.HasFlag("force-bad-verify"),
            _ => false,
        };
        return flags || TextsOf(c).Any(IsUnsignedText);
    }

    private static bool IsUnsignedText(string text)
    {
        // A list of packages that were built in the same step lies in a local folder.
        bool trusted = Says(text, "trusted", "yes") && text.Contains("deb", StringComparison.Ordinal) && !text.Contains("file:", StringComparison.Ordinal) && !text.Contains("copy:", StringComparison.Ordinal);
        return trusted || Says(text, "gpgcheck", "0") && !text.Contains("repo_gpgcheck", StringComparison.OrdinalIgnoreCase) || Says(text, "AllowUnauthenticated", "true", "\"true\"", "1", "\"1\"")
            || Says(text, "AllowInsecureRepositories", "true", "\"true\"", "1", "\"1\"") || Says(text, "SigLevel", "Never");
    }
}
