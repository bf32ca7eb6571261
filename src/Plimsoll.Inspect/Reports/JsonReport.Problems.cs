using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <content>What the checks and the policy say.</content>
public static partial class JsonReport
{
    private static void WriteProblems(JsonText json, Report report)
    {
        if (report.Checks.Count == 0)
            return;
        string[] checks = new string[report.Checks.Count];
        for (int i = 0; i < checks.Length; i++)
            checks[i] = report.Checks[i].Word();
        json.WriteList("checks"u8, checks);
        json.WriteStartArray("problems"u8);
        foreach (Problem problem in report.Problems)
            WriteProblem(json, problem);
        json.WriteEndArray();
        json.WriteStartArray("engines"u8);
        foreach (Engine engine in report.Engines)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, engine.Name);
            json.WriteOptional("version"u8, engine.Version);
            json.WriteOptional("failure"u8, engine.Failure);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteProblem(JsonText json, Problem problem)
    {
        json.WriteStartObject();
        json.WriteString("kind"u8, problem.Kind.Word());
        json.WriteString("rule"u8, problem.Rule);
        json.WriteString("fingerprint"u8, problem.Fingerprint);
        json.WriteString("severity"u8, problem.Severity.Word());
        json.WriteString("title"u8, problem.Title.English);
        json.WriteOptional("advice"u8, problem.Advice?.English);
        json.WriteOptional("path"u8, problem.Path);
        if (problem.Line > 0)
            json.WriteNumber("line"u8, problem.Line);
        json.WriteOptional("place"u8, problem.Place);
        if (problem.Evidence.Length > 0)
            json.WriteString("evidence"u8, problem.Evidence);
        json.WriteOptional("package"u8, problem.Package);
        json.WriteOptional("ownedBy"u8, problem.OwnedBy);
        if (problem.Origin is { } origin)
            WriteOrigin(json, "origin"u8, origin);
        if (problem.RemovedBy is { } removedBy)
            WriteOrigin(json, "removedBy"u8, removedBy);
        if (problem.Details.Count > 0)
        {
            json.WriteStartObject("details"u8);
            foreach ((string name, string value) in problem.Details)
                json.WriteString(name, value);
            json.WriteEndObject();
        }
        if (problem.References.Count > 0)
            json.WriteList("references"u8, problem.References);
        WriteSuppression(json, problem.Suppressed);
        json.WriteEndObject();
    }

    /// <summary>Open ones of each kind that was looked for, by severity; a kind that is not there was not looked for.</summary>
    private static void WriteProblemCounts(JsonText json, Report report)
    {
        List<Problem> open = [.. report.Problems.Where(p => p.Suppressed is null)];
        json.WriteNumber("problems"u8, open.Count);
        json.WriteNumber("suppressedProblems"u8, report.Problems.Count - open.Count);
        json.WriteStartObject("problemsByKind"u8);
        foreach (ProblemKind kind in report.Checks)
        {
            json.WriteStartObject(kind.Word());
            foreach (Severity severity in SeverityWords.WorstFirst)
                json.WriteNumber(severity.Word(), open.Count(p => p.Kind == kind && p.Severity == severity));
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteVerdict(JsonText json, Verdict? verdict)
    {
        if (verdict is null)
            return;
        json.WriteStartObject("verdict"u8);
        json.WriteString("outcome"u8, verdict.Outcome.Word());
        json.WriteString("policy"u8, verdict.Policy);
        json.WriteString("policyDigest"u8, verdict.PolicyDigest);
        json.WriteStartArray("reasons"u8);
        foreach (Reason reason in verdict.Reasons)
        {
            json.WriteStartObject();
            json.WriteString("code"u8, reason.Code);
            json.WriteString("outcome"u8, reason.Outcome.Word());
            json.WriteOptional("rule"u8, reason.Rule);
            json.WriteNumber("count"u8, reason.Count);
            json.WriteList("examples"u8, reason.Examples);
            json.WriteString("message"u8, reason.Message);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
