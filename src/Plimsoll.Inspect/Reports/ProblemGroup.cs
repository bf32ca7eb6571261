using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <summary>Problems of one rule, and for licences of one licence: what is said of one is said of all.</summary>
public sealed class ProblemGroup
{
    private ProblemGroup(IReadOnlyList<Problem> problems) => Problems = problems;

    /// <summary>Never empty; in the report's order.</summary>
    public IReadOnlyList<Problem> Problems { get; }
    public ProblemKind Kind => Problems[0].Kind;
    public string Rule => Problems[0].Rule;
    public Severity Worst => Problems.Max(p => p.Severity);

    /// <summary>The first title: rules put the place elsewhere. Where each counts files or packages of its own layer, their sum.</summary>
    public string Title(Language language)
    {
        string title = Problems[0].Title.In(language);
        if (Problems.Count == 1 || CountOf(Problems[0]) is not { } first || title.LastIndexOf(first, StringComparison.Ordinal) is not (>= 0 and var at))
            return title;
        int sum = 0;
        foreach (Problem problem in Problems)
        {
            if (!int.TryParse(CountOf(problem), NumberStyles.None, CultureInfo.InvariantCulture, out int count))
                return title;
            sum = (int)Math.Min(int.MaxValue, (long)sum + count);
        }
        return string.Create(CultureInfo.InvariantCulture, $"{title.AsSpan(0, at)}{sum}{title.AsSpan(at + first.Length)}");
    }

    /// <summary>Whether its problems are counts, one for each layer, rather than places.</summary>
    public bool IsCounts => Problems.Count > 1 && Problems.All(p => CountOf(p) is not null) && Problems.Select(p => p.Origin?.Layer).Distinct().Count() == Problems.Count;

    private static string? CountOf(Problem problem) => problem.Details.GetValueOrDefault("packages") ?? problem.Details.GetValueOrDefault("files");

    /// <summary>In the order of the first of each, which is worst first.</summary>
    public static IEnumerable<ProblemGroup> Of(IEnumerable<Problem> problems) =>
        problems.GroupBy(p => $"{p.Kind.Word()}\n{p.Rule}\n{(p.Kind == ProblemKind.Licence ? p.Details.GetValueOrDefault("licence") : "")}", StringComparer.Ordinal)
            .Select(g => new ProblemGroup([.. g]));

    /// <summary>Where a person looks: <c>srv/app/.env:12</c>, else the place in the config, else the package; empty for the image as such.</summary>
    public static string PlaceOf(Problem problem) => problem.Path is { } path
        ? problem.Line > 0 ? $"{path}:{problem.Line}" : path
        : problem.Place is { } place ? problem.Line > 0 && problem.Kind == ProblemKind.History ? $"{place}, line {problem.Line}" : place
        : problem.Package ?? "";
}
