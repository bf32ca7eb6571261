using System.Globalization;
using System.Text.Json;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <summary>The report as SARIF 2.1.0: one run for each image. Source: OASIS SARIF 2.1.0; GitHub's "SARIF support for code scanning".</summary>
public sealed partial class SarifReport
{
    private readonly Utf8JsonWriter _json;

    private SarifReport(Utf8JsonWriter json) => _json = json;

    /// <summary>Writes one document for all images of a call, UTF-8, with a line feed at the end.</summary>
    public static void Write(Stream output, IReadOnlyList<ScanResult> results, string toolVersion)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(results);
        using (Utf8JsonWriter json = new(output, ReportJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json");
            json.WriteString("version", "2.1.0");
            json.WriteStartArray("runs");
            foreach (ScanResult result in results)
                new SarifReport(json).WriteRun(result, toolVersion);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }

    private void WriteRun(ScanResult result, string toolVersion)
    {
        IReadOnlyList<Finding> findings = result.Report?.Findings ?? [];
        List<IGrouping<string, Finding>> rules = [.. findings.GroupBy(f => f.Id, StringComparer.Ordinal).OrderBy(g => g.Key, IdOrder.Instance)];
        Dictionary<string, int> indexes = new(StringComparer.Ordinal);
        _json.WriteStartObject();
        _json.WriteStartObject("tool");
        _json.WriteStartObject("driver");
        _json.WriteString("name", "plimsoll");
        _json.WriteString("version", toolVersion);
        _json.WriteStartArray("rules");
        foreach (IGrouping<string, Finding> rule in rules)
        {
            indexes.Add(rule.Key, indexes.Count);
            WriteRule([.. rule]);
        }
        IReadOnlyList<Problem> problems = result.Report?.Problems ?? [];
        foreach (IGrouping<string, Problem> rule in problems.GroupBy(RuleIdOf, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            indexes.Add(rule.Key, indexes.Count);
            WriteRule(rule.Key, [.. rule]);
        }
        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.WriteEndObject();
        WriteInvocation(result);
        _json.WriteStartArray("results");
        foreach (Finding finding in findings)
            WriteResult(result.Report!, finding, indexes[finding.Id]);
        foreach (Problem problem in problems)
            WriteResult(result.Report!, problem, indexes[RuleIdOf(problem)]);
        _json.WriteEndArray();
        // Without it consumers may count columns in bytes or code points.
        _json.WriteString("columnKind", "utf16CodeUnits");
        _json.WriteStartObject("properties");
        _json.WriteString("image", result.Image);
        _json.WriteOptional("manifestDigest", result.Report?.ManifestDigest);
        _json.WriteOptional("configDigest", result.Report?.ConfigDigest);
        _json.WriteBoolean("complete", result.Report is { Complete: true });
        WriteVerdict(result.Report?.Verdict);
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private void WriteInvocation(ScanResult result)
    {
        _json.WriteStartArray("invocations");
        _json.WriteStartObject();
        if (result.Report is { } report)
            _json.WriteString("endTimeUtc", ReportIds.Time(report.Time));
        _json.WriteBoolean("executionSuccessful", result.Report is { Complete: true });
        _json.WriteStartArray("toolExecutionNotifications");
        if (result.Failure is { } failure)
            Notification("error", failure.Code, failure.Message);
        foreach (Note note in result.Report?.Notes ?? [])
            Notification(note.Undecided ? "error" : "note", note.Code, ReportTexts.Of(note, Language.English));
        foreach (Gap gap in result.Report?.Gaps ?? [])
            Notification("error", gap.Code, ReportTexts.Of(gap, Language.English));
        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.WriteEndArray();
    }

    private void Notification(string level, string code, string text)
    {
        _json.WriteStartObject();
        _json.WriteStartObject("descriptor");
        _json.WriteString("id", code);
        _json.WriteEndObject();
        _json.WriteString("level", level);
        Message("message", text);
        _json.WriteEndObject();
    }

    private void WriteRule(List<Finding> findings)
    {
        Finding worst = findings.MaxBy(f => (f.Severity, f.Score ?? 0))!;
        _json.WriteStartObject();
        _json.WriteString("id", worst.Id);
        Message("shortDescription", worst.Title.Length > 0 ? worst.Title : $"{worst.Id} in {worst.Package.Package.SourceName}");
        _json.WriteString("helpUri", ReportIds.UrlOf(worst.Id));
        Message("help", Help(worst, findings));
        _json.WriteStartObject("defaultConfiguration");
        _json.WriteString("level", Level(worst.Severity));
        _json.WriteEndObject();
        _json.WriteStartObject("properties");
        _json.WriteList("tags", ["security", "vulnerability", worst.Severity.Word()]);
        // GitHub takes its word for the severity from this number.
        if (ScoreOf(worst) is { } score)
            _json.WriteString("security-severity", score.ToString("0.0", CultureInfo.InvariantCulture));
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private static string Help(Finding worst, List<Finding> findings)
    {
        IEnumerable<string> lines = findings.Select(f => f.FixedVersion is { } fix ? $"Upgrade {f.Package.Package.Name} to {fix}." : $"No fix is known for {f.Package.Package.Name}.").Distinct(StringComparer.Ordinal);
        string known = worst.KnownExploited is { } day ? $"\nKnown to be exploited since {day} (CISA)." : "";
        return string.Join('\n', lines) + known;
    }

    private void WriteResult(Report report, Finding finding, int rule)
    {
        _json.WriteStartObject();
        _json.WriteString("ruleId", finding.Id);
        _json.WriteNumber("ruleIndex", rule);
        _json.WriteString("level", Level(finding.Severity));
        string fix = finding.FixedVersion is { } version ? $"fixed in {version}" : "no fix is known";
        Message("message", $"{finding.Id} ({finding.Severity.Word()}) in {ReportIds.Describe(finding.Package)}: {(finding.Title.Length > 0 ? finding.Title + "; " : "")}{fix}");
        WriteLocation(report, finding.Package);
        _json.WriteStartObject("partialFingerprints");
        _json.WriteString("plimsoll/v1", finding.Fingerprint);
        _json.WriteEndObject();
        WriteSuppression(finding.Suppressed);
        WriteProperties(finding);
        _json.WriteEndObject();
    }

    private void WriteSuppression(Suppression? suppressed)
    {
        if (suppressed is null)
            return;
        _json.WriteStartArray("suppressions");
        _json.WriteStartObject();
        _json.WriteString("kind", "external");
        _json.WriteString("status", "accepted");
        _json.WriteString("justification", $"{suppressed.Reason} ({suppressed.Source})");
        _json.WriteEndObject();
        _json.WriteEndArray();
    }

    private void WriteProperties(Finding finding)
    {
        _json.WriteStartObject("properties");
        _json.WriteString("package", finding.Package.Package.Name);
        _json.WriteString("version", finding.Package.Package.Version);
        _json.WriteOptional("purl", finding.Package.Purl);
        _json.WriteOptional("fixedVersion", finding.FixedVersion);
        _json.WriteString("status", finding.Status);
        _json.WriteString("severity", finding.Severity.Word());
        _json.WriteOptional("severityFrom", finding.SeverityFrom);
        _json.WriteOptional("knownExploited", finding.KnownExploited);
        if (finding.Epss is { } epss && double.IsFinite(epss.Probability))
            _json.WriteNumber("epss", epss.Probability);
        if (finding.Malicious)
            _json.WriteBoolean("malicious", true);
        _json.WriteNumber("layer", finding.Package.Origin.Layer);
        _json.WriteOptional("layerDiffId", finding.Package.Origin.DiffId);
        _json.WriteOptional("layerCreatedBy", finding.Package.Origin.CreatedBy);
        _json.WriteEndObject();
    }

    /// <summary>The file that lists the package. Code scanning wants a file and a line; a package database has no line of its own.</summary>
    private void WriteLocation(Report report, InstalledPackage package)
    {
        string path = package.Path.Length > 0 ? package.Path : "image";
        _json.WriteStartArray("locations");
        _json.WriteStartObject();
        _json.WriteStartObject("physicalLocation");
        _json.WriteStartObject("artifactLocation");
        _json.WriteString("uri", string.Join('/', path.Split('/').Select(Uri.EscapeDataString)));
        _json.WriteEndObject();
        _json.WriteStartObject("region");
        _json.WriteNumber("startLine", 1);
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteStartArray("logicalLocations");
        _json.WriteStartObject();
        _json.WriteString("fullyQualifiedName", $"{ReportIds.NameOf(report)}!/{Words.PlaceOf(package)}");
        _json.WriteString("kind", "package");
        _json.WriteEndObject();
        _json.WriteEndArray();
        Message("message", $"{ReportIds.NameOf(report)}: {ReportIds.Describe(package)}");
        _json.WriteEndObject();
        _json.WriteEndArray();
    }

    private void Message(string name, string text)
    {
        _json.WriteStartObject(name);
        _json.WriteString("text", text.Length > 0 ? text : "-");
        _json.WriteEndObject();
    }

    private static string Level(Severity severity) => severity switch
    {
        Severity.Critical or Severity.High => "error",
        Severity.Low or Severity.Negligible => "note",
        // What is unknown may be bad.
        _ => "warning",
    };

    /// <summary>The CVSS score where it agrees with the severity, else the middle of the severity's range; null when unknown.</summary>
    private static double? ScoreOf(Finding finding) => finding.Score is { } score && double.IsFinite(score) && Cvss.LevelOf(score) == finding.Severity ? score
        : ScoreOf(finding.Severity);

    private static double? ScoreOf(Severity severity) =>
        severity switch { Severity.Critical => 9.5, Severity.High => 8, Severity.Medium => 5.5, Severity.Low => 2, Severity.Negligible => 0.1, _ => null };
}
