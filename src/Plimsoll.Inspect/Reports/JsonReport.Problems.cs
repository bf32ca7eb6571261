using System.Text.Json;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <content>What the checks and the policy say.</content>
public static partial class JsonReport
{
    private static void WriteProblems(Utf8JsonWriter json, Report report)
    {
        if (report.Checks.Count == 0)
            return;
        json.WriteList("checks", report.Checks.Select(c => c.Word()));
        json.WriteStartArray("problems");
        foreach (Problem problem in report.Problems)
            WriteProblem(json, problem);
        json.WriteEndArray();
        json.WriteStartArray("engines");
        foreach (Engine engine in report.Engines)
        {
            json.WriteStartObject();
            json.WriteString("name", engine.Name);
            json.WriteOptional("version", engine.Version);
            json.WriteOptional("failure", engine.Failure);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteProblem(Utf8JsonWriter json, Problem problem)
    {
        json.WriteStartObject();
        json.WriteString("kind", problem.Kind.Word());
        json.WriteString("rule", problem.Rule);
        json.WriteString("fingerprint", problem.Fingerprint);
        json.WriteString("severity", problem.Severity.Word());
        json.WriteString("title", problem.Title.English);
        json.WriteOptional("advice", problem.Advice?.English);
        json.WriteOptional("path", problem.Path);
        if (problem.Line > 0)
            json.WriteNumber("line", problem.Line);
        json.WriteOptional("place", problem.Place);
        if (problem.Evidence.Length > 0)
            json.WriteString("evidence", problem.Evidence);
        json.WriteOptional("package", problem.Package);
        json.WriteOptional("ownedBy", problem.OwnedBy);
        if (problem.Origin is { } origin)
            WriteOrigin(json, "origin", origin);
        if (problem.RemovedBy is { } removedBy)
            WriteOrigin(json, "removedBy", removedBy);
        if (problem.Details.Count > 0)
        {
            json.WriteStartObject("details");
            foreach ((string name, string value) in problem.Details)
                json.WriteString(name, value);
            json.WriteEndObject();
        }
        if (problem.References.Count > 0)
            json.WriteList("references", problem.References);
        WriteSuppression(json, problem.Suppressed);
        json.WriteEndObject();
    }

    /// <summary>Open ones of each kind that was looked for, by severity; a kind that is not there was not looked for.</summary>
    private static void WriteProblemCounts(Utf8JsonWriter json, Report report)
    {
        List<Problem> open = [.. report.Problems.Where(p => p.Suppressed is null)];
        json.WriteNumber("problems", open.Count);
        json.WriteNumber("suppressedProblems", report.Problems.Count - open.Count);
        json.WriteStartObject("problemsByKind");
        foreach (ProblemKind kind in report.Checks)
        {
            json.WriteStartObject(kind.Word());
            foreach (Severity severity in SeverityWords.WorstFirst)
                json.WriteNumber(severity.Word(), open.Count(p => p.Kind == kind && p.Severity == severity));
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteVerdict(Utf8JsonWriter json, Verdict? verdict)
    {
        if (verdict is null)
            return;
        json.WriteStartObject("verdict");
        json.WriteString("outcome", verdict.Outcome.Word());
        json.WriteString("policy", verdict.Policy);
        json.WriteString("policyDigest", verdict.PolicyDigest);
        json.WriteStartArray("reasons");
        foreach (Reason reason in verdict.Reasons)
        {
            json.WriteStartObject();
            json.WriteString("code", reason.Code);
            json.WriteString("outcome", reason.Outcome.Word());
            json.WriteOptional("rule", reason.Rule);
            json.WriteNumber("count", reason.Count);
            json.WriteList("examples", reason.Examples);
            json.WriteString("message", reason.Message);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
