using System.Text.Json;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <summary>Reads what a JSON report says of the checks. Titles come back in English only.</summary>
internal static class ProblemReader
{
    public static IReadOnlyList<ProblemKind> Checks(JsonElement report) => [.. ReportReader.Texts(report, "checks").Select(KindOf)];

    public static IReadOnlyList<Problem> Problems(JsonElement report) =>
        report.TryGetProperty("problems", out JsonElement problems) ? [.. problems.EnumerateArray().Select(ProblemOf)] : [];

    public static IReadOnlyList<Engine> Engines(JsonElement report) => report.TryGetProperty("engines", out JsonElement engines)
        ? [.. engines.EnumerateArray().Select(e => new Engine(e.GetProperty("name").GetString() ?? "", ReportReader.Text(e, "version"), ReportReader.Text(e, "failure")))] : [];

    private static Problem ProblemOf(JsonElement problem)
    {
        _ = SeverityWords.TryParse(ReportReader.Text(problem, "severity") ?? "", out Severity severity);
        SortedDictionary<string, string> details = new(StringComparer.Ordinal);
        if (problem.TryGetProperty("details", out JsonElement all))
            foreach (JsonProperty detail in all.EnumerateObject())
                details[detail.Name] = detail.Value.GetString() ?? "";
        string title = ReportReader.Text(problem, "title") ?? "";
        return new Problem
        {
            Kind = KindOf(problem.GetProperty("kind").GetString()),
            Rule = problem.GetProperty("rule").GetString() ?? throw new FormatException("a problem's rule is null"),
            Fingerprint = problem.GetProperty("fingerprint").GetString() ?? throw new FormatException("a problem's fingerprint is null"),
            Severity = severity,
            Title = new Text(title, title),
            Advice = ReportReader.Text(problem, "advice") is { } advice ? new Text(advice, advice) : null,
            Path = ReportReader.Text(problem, "path"),
            Line = problem.TryGetProperty("line", out JsonElement line) ? line.GetInt32() : 0,
            Place = ReportReader.Text(problem, "place"),
            Evidence = ReportReader.Text(problem, "evidence") ?? "",
            Package = ReportReader.Text(problem, "package"),
            OwnedBy = ReportReader.Text(problem, "ownedBy"),
            Origin = OriginOf(problem, "origin"),
            RemovedBy = OriginOf(problem, "removedBy"),
            Details = details,
            References = ReportReader.Texts(problem, "references"),
            Suppressed = ReportReader.SuppressionOf(problem),
        };
    }

    private static Origin? OriginOf(JsonElement problem, string name) => problem.TryGetProperty(name, out JsonElement origin)
        ? new Origin(origin.GetProperty("layer").GetInt32(), ReportReader.Text(origin, "diffId"), ReportReader.Text(origin, "createdBy")) : null;

    private static ProblemKind KindOf(string? word)
    {
        foreach (ProblemKind kind in ProblemKinds.All)
            if (kind.Word() == word)
                return kind;
        throw new FormatException($"unknown kind of problem {Escape.Quote(word)}");
    }
}
