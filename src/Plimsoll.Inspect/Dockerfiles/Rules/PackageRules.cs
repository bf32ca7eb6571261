using System.Buffers;
using Plimsoll.Inspect.Dockerfiles.Shell;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Dockerfiles.Rules;

/// <summary>Rules on the commands that install packages.</summary>
internal static class PackageRules
{
    /// <summary>Of <c>pip3.12</c>.</summary>
    private static readonly SearchValues<char> VersionChars = SearchValues.Create("0123456789.");

    private static readonly string[] Truthy = ["1", "true", "True", "TRUE", "on", "On", "ON", "yes", "Yes", "YES"];
    private static readonly string[] Dnf = ["dnf", "microdnf"];
    private static readonly string[] VersionSigns = ["==", ">=", "<=", ">", "<", "!=", "~="];

    public static IReadOnlyList<LintRule> All { get; } =
    [
        new("DL3008", LintLevel.Warning, c => Unpinned(c, AptPackages, p => p.Contains('=', StringComparison.Ordinal) || p.Contains('/', StringComparison.Ordinal) || p.EndsWith(".deb", StringComparison.Ordinal))),
        new("DL3009", LintLevel.Info, AptLists),
        new("DL3013", LintLevel.Warning, c => Unpinned(c, PipPackages, IsPipPinned)),
        new("DL3014", LintLevel.Warning, c => CommandRules.First(c, x => IsAptInstall(x) && !x.HasFlag("y", "yes", "assume-yes", "q"))),
        new("DL3015", LintLevel.Info, c => CommandRules.First(c, x => IsAptInstall(x) && !x.HasFlag("no-install-recommends") && !x.Words.Any(w => w.Text.EndsWith("APT::Install-Recommends=false", StringComparison.OrdinalIgnoreCase) || w.Text.EndsWith("APT::Install-Recommends=0", StringComparison.OrdinalIgnoreCase)))),
        new("DL3016", LintLevel.Warning, c => Unpinned(c, NpmPackages, IsNpmPinned)),
        new("DL3018", LintLevel.Warning, c => Unpinned(c, x => x.Is("apk", "add") ? Without(x.Plain("t", "virtual", "repository", "X", "keys-dir", "p", "root"), "add") : [], p => p.AsSpan().ContainsAny("=~<>") || p.EndsWith(".apk", StringComparison.Ordinal))),
        new("DL3019", LintLevel.Info, c => WithoutMount(c, "/var/cache/apk", x => x.Is("apk", "add") && !x.HasFlag("no-cache"))),
        new("DL3028", LintLevel.Warning, c => Unpinned(c, Gems, p => p.Contains(':', StringComparison.Ordinal) || p.EndsWith(".gem", StringComparison.Ordinal))),
        new("DL3030", LintLevel.Warning, c => CommandRules.First(c, x => x.Is("yum", "install", "groupinstall", "localinstall") && !x.HasFlag("y", "assumeyes"))),
        new("DL3032", LintLevel.Warning, c => NotCleaned(c, "/var/cache/yum", x => x.Is("yum", "install"), x => x.Name == "yum" && x.HasArgument("clean") || Removes(x, "/var/cache/yum"))),
        new("DL3033", LintLevel.Warning, c => Unpinned(c, x => x.Is("yum", "install") ? Without(x.Plain(), "install", "module") : [], p => p.Contains('-', StringComparison.Ordinal) || p.EndsWith(".rpm", StringComparison.Ordinal) || p.Contains(':', StringComparison.Ordinal))),
        new("DL3034", LintLevel.Warning, c => CommandRules.First(c, x => x.Is("zypper", "install", "in", "remove", "rm", "source-install", "si", "patch") && !x.HasFlag("n", "non-interactive", "no-confirm", "y"))),
        new("DL3035", LintLevel.Warning, c => CommandRules.First(c, x => x.Is("zypper", "dist-upgrade", "dup"))),
        new("DL3036", LintLevel.Warning, c => NotCleaned(c, "/var/cache/zypp", x => x.Is("zypper", "install", "in"), x => x.Is("zypper", "clean", "cc") || Removes(x, "/var/cache/zypp"))),
        new("DL3037", LintLevel.Warning, c => Unpinned(c, x => x.Is("zypper", "install", "in") ? Without(x.Plain("r", "repo", "from"), "install", "in") : [], p => p.AsSpan().ContainsAny('=', '<', '>') || p.EndsWith(".rpm", StringComparison.Ordinal))),
        new("DL3038", LintLevel.Warning, c => CommandRules.First(c, x => IsDnf(x) && (x.HasArgument("install") || x.HasArgument("groupinstall") || x.HasArgument("localinstall")) && !x.HasFlag("y", "assumeyes"))),
        new("DL3040", LintLevel.Warning, c => NotCleaned(c, "/var/cache/", x => IsDnf(x) && x.HasArgument("install"), x => IsDnf(x) && x.HasArgument("clean") || Removes(x, "/var/cache/"))),
        new("DL3041", LintLevel.Warning, c => Unpinned(c, x => IsDnf(x) && x.HasArgument("install") ? Without(x.Plain(), "install", "module") : [], IsDnfPinned)),
        new("DL3042", LintLevel.Warning, PipCache),
        new("DL3060", LintLevel.Info, c => NotCleaned(c, "yarn", x => x.Is("yarn", "install"), x => x.Name == "yarn" && x.HasArgument("cache") && x.HasArgument("clean") || Removes(x, "/usr/local/share/.cache"))),
        new("DL3062", LintLevel.Warning, c => Unpinned(c, GoPackages, p => p.LastIndexOf('@') is > 0 and var at && p[(at + 1)..] is not ("" or "latest"))),
    ];

    /// <summary>The first package that a language's own manager installs in the newest version there is; null for none.</summary>
    public static string? NewestOf(ShellCommand x) =>
        PipPackages(x).Find(p => !IsPipPinned(p)) ?? NpmPackages(x).Find(p => !IsNpmPinned(p)) ?? Gems(x).Find(p => !p.Contains(':', StringComparison.Ordinal) && !p.EndsWith(".gem", StringComparison.Ordinal))
        ?? GoPackages(x).Find(p => p.LastIndexOf('@') is var at && (at <= 0 || p[(at + 1)..] is "" or "latest"));

    private static List<string> Without(List<string> words, params ReadOnlySpan<string> verbs)
    {
        foreach (string verb in verbs)
            words.Remove(verb);
        return words;
    }

    private static void Unpinned(LintContext c, Func<ShellCommand, List<string>> packages, Func<string, bool> pinned)
    {
        foreach (RunStep run in c.Runs)
            foreach (ShellCommand command in run.Script.Commands)
                if (packages(command).Find(p => !pinned(p)) is { } package)
                {
                    c.Report(run, command, Escape.Quote(package));
                    break;
                }
    }

    private static void NotCleaned(LintContext c, string cache, Func<ShellCommand, bool> installs, Func<ShellCommand, bool> cleans)
    {
        foreach (RunStep run in c.Runs)
            if (!HasMount(run.Instruction, cache) && run.Script.Commands.FirstOrDefault(installs) is { } first
                && !run.Script.Commands.Any(x => x.Offset > first.Offset && cleans(x)))
                c.Report(run, first);
    }

    private static void WithoutMount(LintContext c, string cache, Func<ShellCommand, bool> wrong)
    {
        foreach (RunStep run in c.Runs)
            if (!HasMount(run.Instruction, cache) && run.Script.Commands.FirstOrDefault(wrong) is { } command)
                c.Report(run, command);
    }

    /// <summary>A cache or tmpfs mount whose target holds the text: what is written there never reaches the layer.</summary>
    private static bool HasMount(Instruction run, string target)
    {
        foreach (InstructionFlag flag in run.Flags)
        {
            if (flag.Name != "mount" || flag.Value is not { } value)
                continue;
            string[] parts = value.Split(',');
            if (parts.Any(p => p is "type=cache" or "type=tmpfs") && parts.Any(p => p.Split('=', 2) is ["target" or "dst" or "destination", var path] && path.Contains(target.TrimEnd('/'), StringComparison.Ordinal)))
                return true;
        }
        return false;
    }

    private static bool Removes(ShellCommand x, string path) =>
        x.Name == "rm" && x.HasFlag("r", "R", "recursive") && x.Words.Any(w => w.Text.StartsWith(path, StringComparison.Ordinal) || w.Text.Length > 1 && path.StartsWith(w.Text.TrimEnd('*', '/') + "/", StringComparison.Ordinal));

    private static bool IsAptInstall(ShellCommand x) => x.Is("apt-get", "install");

    private static List<string> AptPackages(ShellCommand x) =>
        IsAptInstall(x) ? Without(x.Plain("t", "target-release", "default-release", "c", "o", "config-file", "option"), "install") : [];

    private static void AptLists(LintContext c)
    {
        // Only what ends up in an image counts: the last stage, and stages that others build on.
        HashSet<string> bases = new(c.File.Stages.Select(s => s.Base.Image), StringComparer.OrdinalIgnoreCase);
        int last = c.File.Stages.Count - 1;
        foreach (RunStep run in c.Runs)
        {
            int stage = run.Instruction.Stage;
            bool ships = stage == last || stage >= 0 && c.File.Stages[stage].Name is { } name && bases.Contains(name);
            if (ships && !HasMount(run.Instruction, "/var/lib/apt") && run.Script.Commands.FirstOrDefault(x => x.Is("apt-get", "update")) is { } update
                && !run.Script.Commands.Any(x => Removes(x, "/var/lib/apt/lists") || x.Is("apt-get", "dist-clean", "distclean")))
                c.Report(run, update);
        }
    }

    private static bool IsDnf(ShellCommand x) => Array.IndexOf(Dnf, x.Name) >= 0;

    private static bool IsDnfPinned(string package)
    {
        if (package.EndsWith(".rpm", StringComparison.Ordinal) || package.Contains(':', StringComparison.Ordinal))
            return true;
        int dash = package.IndexOf('-', StringComparison.Ordinal);
        // name-1.2-3: behind a dash some part begins with a digit.
        return dash > 0 && package[(dash + 1)..].Split('-').Any(part => part.Length > 0 && char.IsAsciiDigit(part[0]));
    }

    private static bool IsPip(ShellCommand x) =>
        x.Name.StartsWith("pip", StringComparison.Ordinal) && x.Name.AsSpan(3).IndexOfAnyExcept(VersionChars) < 0 && x.HasArgument("install")
        || x.Name.StartsWith("python", StringComparison.Ordinal) && x.HasArgument("-m") && x.HasArgument("pip") && x.HasArgument("install");

    private static List<string> PipPackages(ShellCommand x)
    {
        if (!IsPip(x) || x.HasFlag("r", "requirement", "c", "constraint", "build-constraint") || x.HasArgument("."))
            return [];
        List<string> words = x.Plain("abi", "b", "build", "e", "editable", "extra-index-url", "f", "find-links", "i", "index-url", "implementation", "no-binary", "only-binary", "platform",
            "prefix", "progress-bar", "proxy", "python-version", "root", "src", "t", "target", "trusted-host", "upgrade-strategy", "cache-dir", "timeout", "retries", "cert", "log");
        int install = words.IndexOf("install");
        return install < 0 ? [] : words[(install + 1)..];
    }

    private static bool IsPipPinned(string package)
    {
        if (package.StartsWith("git+", StringComparison.Ordinal) || package.StartsWith("hg+", StringComparison.Ordinal) || package.StartsWith("svn+", StringComparison.Ordinal)
            || package.StartsWith("bzr+", StringComparison.Ordinal) || package.StartsWith("git:", StringComparison.Ordinal))
            // https://user@host/x is no version: what counts is the sign behind the host.
            return package.LastIndexOf('@') > package.IndexOf("//", StringComparison.Ordinal) + 2 && package.LastIndexOf('@') > package.LastIndexOf('/');
        return Array.Exists(VersionSigns, s => package.Contains(s, StringComparison.Ordinal)) || package.EndsWith(".whl", StringComparison.Ordinal)
            || package.EndsWith(".tar.gz", StringComparison.Ordinal) || package.Contains('/', StringComparison.Ordinal);
    }

    private static void PipCache(LintContext c)
    {
        Dictionary<string, bool> byName = new(StringComparer.OrdinalIgnoreCase);
        bool off = false;
        string current = "";
        int run = 0;
        foreach (Instruction i in c.Flat)
        {
            if (i is { Keyword: "FROM", Stage: >= 0 })
            {
                Stage stage = c.File.Stages[i.Stage];
                off = byName.GetValueOrDefault(stage.Base.Image);
                byName[current = stage.Name ?? stage.Base.Image] = off;
            }
            else if (i.Keyword is "ENV" or "ARG" && DockerWords.Pairs(i.Text, c.File.Escape, allowBare: i.Keyword == "ARG", out _) is { } pairs
                && pairs.Exists(p => p.Name == "PIP_NO_CACHE_DIR" && Array.IndexOf(Truthy, p.Value) >= 0))
                byName[current] = off = true;
            while (run < c.Runs.Count && c.Runs[run].Instruction.Line < i.Line)
                run++;
            if (i.Keyword != "RUN" || off || run >= c.Runs.Count || c.Runs[run].Instruction != i || HasMount(i, "/.cache") || HasMount(i, "pip"))
                continue;
            IReadOnlyList<ShellCommand> commands = c.Runs[run].Script.Commands;
            bool inline = commands.Any(x => x.Assignments.Any(a => a.Key == "PIP_NO_CACHE_DIR" && Array.IndexOf(Truthy, a.Value) >= 0)
                || x.Name == "export" && x.Words.Any(w => w.Text.StartsWith("PIP_NO_CACHE_DIR=", StringComparison.Ordinal) && Array.IndexOf(Truthy, w.Text["PIP_NO_CACHE_DIR=".Length..]) >= 0));
            if (!inline && commands.FirstOrDefault(x => IsPip(x) && !x.HasFlag("no-cache-dir")) is { } pip)
                c.Report(c.Runs[run], pip);
        }
    }

    private static List<string> NpmPackages(ShellCommand x)
    {
        if (!x.Is("npm", "install"))
            return [];
        List<string> words = x.Plain("prefix", "registry", "C", "tag", "cache", "userconfig", "loglevel", "w", "workspace");
        return words is ["install", .. var packages] ? packages : [];
    }

    private static bool IsNpmPinned(string package)
    {
        if (package.StartsWith("git://", StringComparison.Ordinal) || package.StartsWith("git+", StringComparison.Ordinal))
            return package.Contains('#', StringComparison.Ordinal);
        if (package.EndsWith(".tar", StringComparison.Ordinal) || package.EndsWith(".tar.gz", StringComparison.Ordinal) || package.EndsWith(".tgz", StringComparison.Ordinal))
            return true;
        // A folder; a scope's @ stands first and is no version's.
        return package[0] is '/' or '.' or '~' || package.IndexOf('@', package[0] == '@' ? 1 : 0) > 0;
    }

    private static List<string> Gems(ShellCommand x) =>
        x.Is("gem", "install", "i") && x.Value("v", "version") is null ? Without(x.Plain("P", "i", "n", "bindir", "install-dir", "s", "source", "document", "platform"), "install", "i", "--") : [];

    private static List<string> GoPackages(ShellCommand x)
    {
        List<string> words = x.Name == "go" ? x.Plain("ldflags", "tags", "gcflags", "o", "mod", "C") : [];
        if (words is not ["install" or "get" or "run", .. var packages])
            return [];
        // Only the first word of "go run" is a package. Paths of the module at hand have no host in front.
        if (words[0] == "run")
            packages = [.. packages.Take(1)];
        return [.. packages.Where(p => p.Length > 0 && p[0] is not ('.' or '/' or '$') && !p.EndsWith(".go", StringComparison.Ordinal) && p.Split('/', 2) is [var host, _] && host.Contains('.', StringComparison.Ordinal))];
    }
}
