using System.Buffers;
using Plimsoll.Inspect.Dockerfiles.Shell;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Dockerfiles.Rules;

/// <summary>A rule: its id and level are hadolint's, its texts are in the catalogue.</summary>
internal sealed record LintRule(string Id, LintLevel Level, Action<LintContext> Check);

/// <summary>A RUN, or one that ONBUILD wraps, with its commands.</summary>
/// <param name="Holder">The ONBUILD around it, or the same.</param>
internal sealed record RunStep(Instruction Instruction, Instruction Holder, ShellScript Script);

/// <summary>What rules see, and where they say what they found.</summary>
internal sealed class LintContext
{
    /// <summary>What a shell would take for more than a letter.</summary>
    private static readonly SearchValues<char> Special = SearchValues.Create(" \t\n\"'\\$`;&|<>()");

    private readonly List<LintFinding> _findings = [];
    private LintRule? _rule;

    public LintContext(Dockerfile file, LintOptions options, Pragmas pragmas)
    {
        (File, Options, Pragmas) = (file, options, pragmas);
        Flat = [.. file.Instructions.Select(i => i.Inner ?? i)];
        Runs = [.. RunsOf(file)];
    }

    public Dockerfile File { get; }
    public LintOptions Options { get; }
    public Pragmas Pragmas { get; }

    /// <summary>Instructions in their order; what ONBUILD wraps stands in its place.</summary>
    public IReadOnlyList<Instruction> Flat { get; }
    public IReadOnlyList<RunStep> Runs { get; }
    public IReadOnlyList<LintFinding> Findings => _findings;

    public void Run(LintRule rule)
    {
        _rule = rule;
        rule.Check(this);
    }

    public void Report(Instruction at, params ReadOnlySpan<object?> arguments) => Report(at.Line, at.Column, arguments);

    /// <summary>At a command of a RUN.</summary>
    public void Report(RunStep step, ShellCommand command, params ReadOnlySpan<object?> arguments)
    {
        (int line, int column) = PlaceOf(step, command.Offset);
        Report(line, column, arguments);
    }

    public void Report(int line, int column, params ReadOnlySpan<object?> arguments)
    {
        LintRule rule = _rule ?? throw new InvalidOperationException("no rule runs");
        RuleText text = Catalogue.DockerfileRule(rule.Id);
        Text title = arguments.IsEmpty ? text.Title : new Text(text.Title.In(Language.English, arguments), text.Title.In(Language.Chinese, arguments));
        Add(rule.Id, rule.Level, line, column, title, text.Advice);
    }

    public void Add(string rule, LintLevel level, int line, int column, Text message, Text? advice)
    {
        if (_findings.Count < Linter.MaxFindings)
            _findings.Add(new LintFinding { Rule = rule, Level = level, Line = Math.Max(line, 1), Column = Math.Max(column, 1), Message = message, Advice = advice });
    }

    /// <summary>Where a character of a RUN's shell text stands in the file.</summary>
    public static (int Line, int Column) PlaceOf(RunStep step, int offset)
    {
        Instruction run = step.Instruction;
        if (run.Json is not null)
            return (run.Line, run.Column);
        if (offset < run.Text.Length && !IsBareHeredoc(run))
            return run.Map.At(offset) is { Line: > 0 } place ? place : (run.Line, run.Column);
        // Behind the text stand the heredocs, each with its own lines.
        int line = run.Heredocs.Count > 0 ? run.Heredocs[0].Line : run.Line, column = 1;
        string text = step.Script.Text;
        int start = IsBareHeredoc(run) ? 0 : Math.Min(run.Text.Length + 1, text.Length);
        for (int i = start; i < offset && i < text.Length; i++)
            (line, column) = text[i] == '\n' ? (line + 1, 1) : (line, column + 1);
        return (line, column);
    }

    /// <summary><c>RUN &lt;&lt;EOF</c>: the lines themselves are the script.</summary>
    public static bool IsBareHeredoc(Instruction run) =>
        run.Heredocs.Count == 1 && DockerfileParser.IsHeredoc(run.Text.Trim(), out _, out _, out _);

    /// <summary>What the shell gets of a RUN; null when no shell that we know reads it.</summary>
    public static string? ShellTextOf(Instruction run)
    {
        if (run.Json is { } words)
            return string.Join(' ', words.Select(Quoted));
        if (IsBareHeredoc(run))
            return run.Heredocs[0].Content;
        if (run.Heredocs.Count == 0)
            return run.Text;
        return run.Text + "\n" + string.Concat(run.Heredocs.Select(h => h.Content + h.Name + "\n"));
    }

    private static string Quoted(string word) =>
        word.Length > 0 && word.AsSpan().IndexOfAny(Special) < 0 ? word : "'" + word.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    private IEnumerable<RunStep> RunsOf(Dockerfile file)
    {
        string shell = "";
        int pragma = 0;
        foreach (Instruction holder in file.Instructions)
        {
            if (holder.Keyword == "FROM")
                shell = "";
            for (; pragma < Pragmas.Shells.Count && Pragmas.Shells[pragma].Line < holder.Line; pragma++)
                shell = Pragmas.Shells[pragma].Shell;
            if (holder is { Keyword: "SHELL", Json: [var first, ..] })
                shell = first;
            Instruction run = holder.Inner ?? holder;
            // PowerShell's and cmd's lines are no list of a POSIX shell's commands.
            if (run.Keyword != "RUN" || IsForeign(shell) || ShellTextOf(run) is not { } text)
                continue;
            bool foreign = IsBareHeredoc(run) && text.StartsWith("#!", StringComparison.Ordinal) && !IsShell(text[2..Math.Max(2, text.IndexOf('\n', StringComparison.Ordinal))]);
            if (!foreign)
                yield return new RunStep(run, holder, ShellParser.Parse(text));
        }
    }

    public static bool IsForeign(string shell)
    {
        string name = shell[(shell.LastIndexOfAny(['/', '\\']) + 1)..].ToLowerInvariant();
        return name.StartsWith("pwsh", StringComparison.Ordinal) || name.StartsWith("powershell", StringComparison.Ordinal) || name is "cmd" or "cmd.exe";
    }

    private static bool IsShell(string interpreter) =>
        interpreter.Split(['/', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Any(w => w is "sh" or "bash" or "dash" or "ash" or "ksh" or "zsh");
}
