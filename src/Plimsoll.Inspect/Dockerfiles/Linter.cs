using Plimsoll.Inspect.Dockerfiles.Rules;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Dockerfiles;

/// <summary>Runs the rules over a Dockerfile.</summary>
public static class Linter
{
    /// <summary>What a builder would refuse; hadolint's id for it.</summary>
    public const string ParseRule = "DL1000";

    /// <summary>Findings of a file that are kept.</summary>
    public const int MaxFindings = 10_000;

    public static LintResult Lint(Dockerfile file, LintOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        return Lint(file, options, LintRules.All, cancellationToken);
    }

    /// <summary>As above, with some rules only.</summary>
    internal static LintResult Lint(Dockerfile file, LintOptions options, IReadOnlyList<LintRule> rules, CancellationToken cancellationToken)
    {
        Pragmas pragmas = Pragmas.Of(file);
        LintContext context = new(file, options, pragmas);
        foreach (LintRule rule in rules)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (LevelOf(rule.Id, rule.Level, options) != LintLevel.Ignore)
                context.Run(rule);
        }
        Checks.Engine? engine = options.ShellCheck is { } shellCheck ? shellCheck.Check(context, cancellationToken) : null;
        foreach (ParseError error in file.Errors)
            context.Add(ParseRule, LintLevel.Error, error.Line, error.Column, new Text(error.Message, error.Message), null);
        List<LintFinding> kept = [];
        foreach (LintFinding finding in context.Findings)
            if (LevelOf(finding.Rule, finding.Level, options) is var level and not LintLevel.Ignore
                && (options.DisableIgnorePragma || !pragmas.Ignores(finding.Rule, finding.Line)))
                kept.Add(level == finding.Level ? finding : finding with { Level = level });
        return new LintResult
        {
            Findings = [.. kept.OrderBy(f => f.Line).ThenBy(f => f.Column).ThenBy(f => f.Rule, StringComparer.Ordinal)],
            ShellCheck = engine,
            Complete = file.Errors.Count == 0 && engine?.Failure is null && context.Findings.Count < MaxFindings,
        };
    }

    private static LintLevel LevelOf(string rule, LintLevel own, LintOptions options) =>
        options.Ignored.Contains(rule) ? LintLevel.Ignore : options.Levels.TryGetValue(rule, out LintLevel other) ? other : own;
}
