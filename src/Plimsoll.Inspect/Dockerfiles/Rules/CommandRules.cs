using Plimsoll.Inspect.Dockerfiles.Shell;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Dockerfiles.Rules;

/// <summary>Rules on commands of RUN other than those that install packages.</summary>
internal static class CommandRules
{
    private static readonly HashSet<string> Senseless = new(StringComparer.Ordinal) { "free", "ifconfig", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim" };

    public static IReadOnlyList<LintRule> All { get; } =
    [
        new("DL3001", LintLevel.Info, c => First(c, x => Senseless.Contains(x.Name))),
        new("DL3003", LintLevel.Warning, c => First(c, x => x.Name == "cd")),
        new("DL3004", LintLevel.Error, c => First(c, x => x.Name == "sudo")),
        new("DL3027", LintLevel.Warning, c => First(c, x => x.Name == "apt")),
        new("DL3046", LintLevel.Warning, c => First(c, x => x.Name == "useradd" && !x.HasFlag("l", "no-log-init") && x.Value("u", "uid") is { Length: > 5 } uid && uid.All(char.IsAsciiDigit))),
        new("DL3047", LintLevel.Info, c => First(c, x => x.Name == "wget" && !x.HasFlag("progress", "q", "quiet", "o", "output-file", "a", "append-output", "no-verbose") && !x.HasArgument("-nv"))),
        new("DL3059", LintLevel.Info, Consecutive),
        new("DL4001", LintLevel.Warning, BothFetchers),
        new("DL4005", LintLevel.Warning, c => First(c, x => x.Is("ln", "/bin/sh"))),
        new("DL4006", LintLevel.Warning, Pipes),
    ];

    /// <summary>One finding for each RUN, at its first command of the kind.</summary>
    internal static void First(LintContext c, Func<ShellCommand, bool> wrong)
    {
        foreach (RunStep run in c.Runs)
            if (run.Script.Commands.FirstOrDefault(wrong) is { } command)
                c.Report(run, command, Escape.Quote(command.Name));
    }

    private static void Consecutive(LintContext c)
    {
        Dictionary<Instruction, RunStep> scripts = new(ReferenceEqualityComparer.Instance);
        foreach (RunStep run in c.Runs)
            scripts[run.Instruction] = run;
        (string Flags, int Commands)? before = null;
        foreach (Instruction i in c.File.Instructions)
        {
            if (i.Keyword != "RUN" || !scripts.TryGetValue(i, out RunStep? step))
            {
                before = null;
                continue;
            }
            string flags = string.Join('\n', i.Flags.Select(f => $"{f.Name}={f.Value}").Order(StringComparer.Ordinal));
            int commands = step.Script.Commands.Count(x => x.Name.Length > 0);
            // Chains of several commands are apart on purpose, most likely.
            if (before is { } last && last.Flags == flags && commands <= 2 && last.Commands <= 2)
                c.Report(i);
            else
                before = (flags, commands);
        }
    }

    private static void BothFetchers(LintContext c)
    {
        int stage = -2;
        bool curl = false, wget = false;
        foreach (RunStep run in c.Runs)
        {
            if (run.Instruction.Stage != stage)
                (stage, curl, wget) = (run.Instruction.Stage, false, false);
            ShellCommand? command = run.Script.Commands.FirstOrDefault(x => x.Name is "curl" or "wget");
            curl |= run.Script.Commands.Any(x => x.Name == "curl");
            wget |= run.Script.Commands.Any(x => x.Name == "wget");
            if (command is not null && curl && wget)
                c.Report(run, command);
        }
    }

    private static void Pipes(LintContext c)
    {
        Dictionary<Instruction, RunStep> scripts = new(ReferenceEqualityComparer.Instance);
        foreach (RunStep run in c.Runs)
            scripts[run.Instruction] = run;
        bool safe = false;
        foreach (Instruction i in c.Flat)
        {
            if (i.Keyword == "FROM")
                safe = false;
            else if (i.Keyword == "SHELL")
                safe = i.Json is { Count: > 0 } words && (LintContext.IsForeign(words[0]) || HasPipefail(words));
            else if (!safe && scripts.TryGetValue(i, out RunStep? run) && run.Script.HasPipe)
            {
                if (run.Script.Commands.FirstOrDefault(x => x.InPipeline > 0) is { } second)
                    c.Report(run, second);
                else
                    c.Report(i);
            }
        }
    }

    private static bool HasPipefail(IReadOnlyList<string> words)
    {
        if (Files.NameOf(words[0]) is not ("bash" or "zsh" or "ash" or "busybox" or "ksh"))
            return false;
        for (int i = 1; i < words.Count; i++)
            if (words[i] == "pipefail" && words[i - 1] is ['-', .., 'o'])
                return true;
        return false;
    }
}
