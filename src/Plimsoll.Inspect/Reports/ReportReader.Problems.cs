using System.Globalization;
using System.Text.Json;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <content>What the checks and the policy said.</content>
public static partial class ReportReader
{
    private static Problem ProblemOf(JsonElement problem)
    {
        _ = SeverityWords.TryParse(Text(problem, "severity") ?? "", out Severity severity);
        string title = Text(problem, "title") ?? "";
        SortedDictionary<string, string> details = new(StringComparer.Ordinal);
        if (problem.TryGetProperty("details", out JsonElement facts))
            foreach (JsonProperty fact in facts.EnumerateObject())
                details[fact.Name] = fact.Value.GetString() ?? "";
        return new Problem
        {
            Kind = KindOf(Text(problem, "kind")),
            Rule = Needed(problem, "rule"),
            Fingerprint = Needed(problem, "fingerprint"),
            Severity = severity,
            // The JSON report is in English.
            Title = new Text(title, title),
            Advice = Text(problem, "advice") is { } advice ? new Text(advice, advice) : null,
            Path = Text(problem, "path"),
            Line = problem.TryGetProperty("line", out JsonElement line) ? line.GetInt32() : 0,
            Place = Text(problem, "place"),
            Evidence = Text(problem, "evidence") ?? "",
            Package = Text(problem, "package"),
            OwnedBy = Text(problem, "ownedBy"),
            Origin = problem.TryGetProperty("origin", out JsonElement origin) ? OriginOf(origin) : null,
            RemovedBy = problem.TryGetProperty("removedBy", out JsonElement removedBy) ? OriginOf(removedBy) : null,
            Details = details,
            References = Texts(problem, "references"),
            Suppressed = SuppressionOf(problem),
        };
    }

    private static string Needed(JsonElement element, string name) => element.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null");

    /// <exception cref="FormatException">A kind that this program does not know: what it means cannot be compared.</exception>
    private static ProblemKind KindOf(string? word)
    {
        foreach (ProblemKind kind in ProblemKinds.All)
            if (kind.Word() == word)
                return kind;
        throw new FormatException($"no kind of problem: {word}");
    }

    private static Origin OriginOf(JsonElement origin) => new(origin.GetProperty("layer").GetInt32(), Text(origin, "diffId"), Text(origin, "createdBy"));

    private static Verdict VerdictOf(JsonElement verdict) => new()
    {
        Outcome = Words.OutcomeOf(Text(verdict, "outcome")),
        Policy = Text(verdict, "policy") ?? "",
        PolicyDigest = Text(verdict, "policyDigest") ?? "",
        Reasons = [.. verdict.GetProperty("reasons").EnumerateArray().Select(r => new Reason
        {
            Code = Needed(r, "code"),
            Outcome = Words.OutcomeOf(Text(r, "outcome")),
            Rule = Text(r, "rule"),
            Count = r.TryGetProperty("count", out JsonElement count) ? count.GetInt32() : 0,
            Examples = Texts(r, "examples"),
            Message = Text(r, "message") ?? "",
        })],
    };
}
