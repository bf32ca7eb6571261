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

    /// <summary>The first title: rules put the place elsewhere.</summary>
    public string Title(Language language) => Problems[0].Title.In(language);

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
