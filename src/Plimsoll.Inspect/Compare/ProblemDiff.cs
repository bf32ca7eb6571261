using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;

namespace Plimsoll.Inspect.Compare;

/// <summary>Problems that came and went, each once by its fingerprint, worst first.</summary>
public sealed record ProblemDiff
{
    /// <summary>Kinds that both sides looked for; of others nothing is said.</summary>
    public IReadOnlyList<ProblemKind> Compared { get; init; } = [];

    /// <summary>Kinds that one side alone looked for.</summary>
    public IReadOnlyList<ProblemKind> OneSided { get; init; } = [];

    /// <summary>Open after, and not open before.</summary>
    public IReadOnlyList<Problem> New { get; init; } = [];

    /// <summary>Open before, and not there after.</summary>
    public IReadOnlyList<Problem> Fixed { get; init; } = [];

    /// <summary>Open before, and there after but suppressed.</summary>
    public IReadOnlyList<Problem> Suppressed { get; init; } = [];

    /// <summary>Open before and after.</summary>
    public IReadOnlyList<Problem> Unchanged { get; init; } = [];

    public static ProblemDiff Of(Report before, Report after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        List<ProblemKind> compared = [.. before.Checks.Where(after.Checks.Contains)];
        Dictionary<string, Problem> was = Open(before, compared), isOpen = Open(after, compared);
        HashSet<string> there = [.. after.Problems.Select(p => p.Fingerprint)];
        return new ProblemDiff
        {
            Compared = compared,
            OneSided = [.. before.Checks.Concat(after.Checks).Where(k => !compared.Contains(k)).Distinct().Order()],
            New = Sorted(isOpen.Values.Where(p => !was.ContainsKey(p.Fingerprint))),
            Fixed = Sorted(was.Values.Where(p => !there.Contains(p.Fingerprint))),
            Suppressed = Sorted(was.Values.Where(p => there.Contains(p.Fingerprint) && !isOpen.ContainsKey(p.Fingerprint))),
            Unchanged = Sorted(isOpen.Values.Where(p => was.ContainsKey(p.Fingerprint))),
        };
    }

    private static Dictionary<string, Problem> Open(Report report, List<ProblemKind> kinds)
    {
        Dictionary<string, Problem> open = new(StringComparer.Ordinal);
        foreach (Problem problem in report.Problems.Where(p => p.Suppressed is null && kinds.Contains(p.Kind)))
            open.TryAdd(problem.Fingerprint, problem);
        return open;
    }

    private static List<Problem> Sorted(IEnumerable<Problem> problems) =>
        [.. problems.OrderByDescending(p => p.Severity).ThenBy(p => p.Kind).ThenBy(p => p.Rule, StringComparer.Ordinal)
            .ThenBy(p => p.Path, StringComparer.Ordinal).ThenBy(p => p.Line).ThenBy(p => p.Fingerprint, StringComparer.Ordinal)];
}
