using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <content>What the checks and the policy say.</content>
public sealed partial class SarifReport
{
    /// <summary>With its kind: rules of two checks may have one name.</summary>
    private static string RuleIdOf(Problem problem) => $"{problem.Kind.Word()}/{problem.Rule}";

    private void WriteRule(string id, List<Problem> problems)
    {
        Problem worst = problems.MaxBy(p => p.Severity)!;
        _json.WriteStartObject();
        _json.WriteString("id", id);
        Message("shortDescription", worst.Title.English);
        List<string> references = [.. ReportIds.WebAddresses(problems.SelectMany(p => p.References)).Take(5)];
        if (references.Count > 0)
            _json.WriteString("helpUri", references[0]);
        Message("help", string.Join('\n', references.Prepend(worst.Advice?.English ?? worst.Title.English)));
        _json.WriteStartObject("defaultConfiguration");
        _json.WriteString("level", Level(worst.Severity));
        _json.WriteEndObject();
        _json.WriteStartObject("properties");
        _json.WriteList("tags", ["security", worst.Kind.Word(), worst.Severity.Word()]);
        if (ScoreOf(worst.Severity) is { } score)
            _json.WriteString("security-severity", score.ToString("0.0", CultureInfo.InvariantCulture));
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private void WriteResult(Report report, Problem problem, int rule)
    {
        string place = ProblemGroup.PlaceOf(problem);
        string recoverable = problem is { RemovedBy: { } by, Origin: { } still } ? $"; deleted by layer {by.Layer}, still readable in layer {still.Layer}" : "";
        _json.WriteStartObject();
        _json.WriteString("ruleId", RuleIdOf(problem));
        _json.WriteNumber("ruleIndex", rule);
        _json.WriteString("level", Level(problem.Severity));
        Message("message", $"{problem.Title.English}{(place.Length > 0 ? $" ({place})" : "")}{(problem.Evidence.Length > 0 ? ": " + problem.Evidence : "")}{recoverable}");
        WriteLocation(report, problem, place);
        _json.WriteStartObject("partialFingerprints");
        _json.WriteString("plimsoll/v1", problem.Fingerprint);
        _json.WriteEndObject();
        WriteSuppression(problem.Suppressed);
        _json.WriteStartObject("properties");
        _json.WriteString("kind", problem.Kind.Word());
        _json.WriteString("severity", problem.Severity.Word());
        _json.WriteOptional("place", problem.Place);
        _json.WriteOptional("purl", problem.Package);
        _json.WriteOptional("ownedBy", problem.OwnedBy);
        _json.WriteOptional("evidence", problem.Evidence);
        _json.WriteOptional("advice", problem.Advice?.English);
        if (problem.Origin is { } origin)
        {
            _json.WriteNumber("layer", origin.Layer);
            _json.WriteOptional("layerDiffId", origin.DiffId);
            _json.WriteOptional("layerCreatedBy", origin.CreatedBy);
        }
        if (problem.RemovedBy is { } removedBy)
            _json.WriteNumber("removedByLayer", removedBy.Layer);
        foreach ((string name, string value) in problem.Details)
            _json.WriteString("detail:" + name, value);
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    /// <summary>File and line; what only the config says has the image as its place.</summary>
    private void WriteLocation(Report report, Problem problem, string place)
    {
        string path = problem.Path is { Length: > 0 } file ? file : "image";
        _json.WriteStartArray("locations");
        _json.WriteStartObject();
        _json.WriteStartObject("physicalLocation");
        _json.WriteStartObject("artifactLocation");
        _json.WriteString("uri", string.Join('/', path.Split('/').Select(Uri.EscapeDataString)));
        _json.WriteEndObject();
        _json.WriteStartObject("region");
        _json.WriteNumber("startLine", Math.Max(1, problem.Line));
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteStartArray("logicalLocations");
        _json.WriteStartObject();
        _json.WriteString("fullyQualifiedName", $"{ReportIds.NameOf(report)}!/{place}");
        _json.WriteString("kind", problem.Path is null ? "member" : "resource");
        _json.WriteEndObject();
        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.WriteEndArray();
    }

    private void WriteVerdict(Verdict? verdict)
    {
        if (verdict is null)
            return;
        _json.WriteString("verdict", verdict.Outcome.Word());
        _json.WriteString("policy", verdict.Policy);
        _json.WriteString("policyDigest", verdict.PolicyDigest);
        _json.WriteList("reasons", verdict.Reasons.Select(r => $"{r.Outcome.Word()}: {r.Message}"));
    }
}
