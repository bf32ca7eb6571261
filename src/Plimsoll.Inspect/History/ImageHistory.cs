using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Dockerfiles;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.History;

/// <summary>An image's history as a linter sees it: no layer is read.</summary>
public static class ImageHistory
{
    /// <summary>The rebuilt Dockerfile and the remarks on it; null when the image has no config, as a folder has none.</summary>
    public static (IReadOnlyList<DockerfileLine> Lines, LintResult Result)? Lint(Image image, LintOptions options, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(options);
        if (image.Config is not { } config)
            return null;
        string?[] made = [.. (config.History ?? []).Where(h => h is { EmptyLayer: false }).Select(h => h.CreatedBy)];
        bool fits = made.Length == image.Layers.Count;
        using HistoryCheck check = new();
        CheckInput input = new()
        {
            Image = image.Name,
            Tags = image.Tags,
            Config = config,
            Inventory = new Inventory { Layers = [.. image.Layers.Select((l, i) => new LayerSummary(i, l.DiffId?.ToString(), l.BlobDigest?.ToString(), fits ? made[i] : null, 0, 0, false))] },
            Now = now,
        };
        CheckResult result = check.Judge(input, cancellationToken);
        Redaction redaction = new(Secrets.SecretCheck.SecretsOf(input));
        List<LintFinding> findings = [];
        foreach (Problem problem in result.Problems)
        {
            LintLevel level = options.Levels.TryGetValue(problem.Rule, out LintLevel other) ? other : LevelOf(problem.Severity);
            if (!options.Ignored.Contains(problem.Rule))
                findings.Add(new LintFinding { Rule = problem.Rule, Level = level, Line = Math.Max(problem.Line, 1), Column = 1, Message = redaction.Of(problem.Title), Advice = problem.Advice });
        }
        return (redaction.Of(result.Dockerfile), new LintResult { Findings = [.. findings.OrderBy(f => f.Line).ThenBy(f => f.Rule, StringComparer.Ordinal)] });
    }

    private static LintLevel LevelOf(Severity severity) => severity switch
    {
        Severity.Critical or Severity.High => LintLevel.Error,
        Severity.Low => LintLevel.Info,
        Severity.Negligible => LintLevel.Style,
        _ => LintLevel.Warning,
    };
}
