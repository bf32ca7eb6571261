using System.Globalization;
using System.Text.Json;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <summary>The report as GitLab's container-scanning JSON.</summary>
/// <remarks>Source: GitLab security report schemas 15, container-scanning-report-format. GitLab takes one image for each report.</remarks>
public sealed class GitLabReport
{
    /// <summary>The version that the document says it follows.</summary>
    public const string SchemaVersion = "15.2.5";

    private const int MaxNameCharacters = 255;
    private const int MaxSolutionCharacters = 7000;

    private readonly Utf8JsonWriter _json;
    private readonly Report _report;

    private GitLabReport(Utf8JsonWriter json, Report report) => (_json, _report) = (json, report);

    /// <summary>Writes one document, UTF-8. Suppressed findings are left out: GitLab has no place for them, and would show them as open.</summary>
    public static void Write(Stream output, Report report)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(report);
        using (Utf8JsonWriter json = new(output, ReportJson.Options))
            new GitLabReport(json, report).WriteDocument();
        output.WriteByte((byte)'\n');
    }

    private void WriteDocument()
    {
        _json.WriteStartObject();
        _json.WriteString("version", SchemaVersion);
        WriteScan();
        _json.WriteStartArray("vulnerabilities");
        foreach (Finding finding in _report.Findings.Where(f => f.Suppressed is null))
            WriteVulnerability(finding);
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    private void WriteScan()
    {
        string time = _report.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
        _json.WriteStartObject("scan");
        WriteTool("analyzer");
        WriteTool("scanner");
        _json.WriteString("type", "container_scanning");
        _json.WriteString("start_time", time);
        _json.WriteString("end_time", time);
        _json.WriteString("status", _report.Complete ? "success" : "failure");
        _json.WriteStartArray("messages");
        foreach (Note note in _report.Notes)
            Message(note.Undecided ? "warn" : "info", ReportTexts.Of(note, Language.English));
        foreach (Gap gap in _report.Gaps)
            Message("warn", ReportTexts.Of(gap, Language.English));
        WriteOthers();
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    /// <summary>What this form has no place for is said, or the report would look as if it were all.</summary>
    private void WriteOthers()
    {
        foreach (IGrouping<ProblemKind, Problem> kind in _report.Problems.Where(p => p.Suppressed is null).GroupBy(p => p.Kind).OrderBy(g => g.Key))
            Message("warn", $"{Catalogue.CountOf(kind.Key.Word(), kind.Count()).In(Language.English, kind.Count())} not in this file, which holds vulnerabilities of packages alone");
        if (_report.Verdict is { } verdict)
            Message(verdict.Outcome == Outcome.Passed ? "info" : "warn", $"policy {verdict.Policy}: {verdict.Outcome.Word()}");
    }

    private void WriteTool(string name)
    {
        _json.WriteStartObject(name);
        _json.WriteString("id", "plimsoll");
        _json.WriteString("name", "Plimsoll");
        _json.WriteString("version", _report.ToolVersion.Length > 0 ? _report.ToolVersion : "unknown");
        _json.WriteStartObject("vendor");
        _json.WriteString("name", "Plimsoll");
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private void Message(string level, string text)
    {
        _json.WriteStartObject();
        _json.WriteString("level", level);
        _json.WriteString("value", NotEmpty(text));
        _json.WriteEndObject();
    }

    private void WriteVulnerability(Finding finding)
    {
        _json.WriteStartObject();
        // A fingerprint is equal for two versions of a package; the schema wants each id once.
        _json.WriteString("id", ReportIds.UuidOf(System.Text.Encoding.UTF8.GetBytes(
            $"{finding.Fingerprint}\n{finding.Package.Package.Version}\n{finding.Package.Package.Architecture}\n{Words.PlaceOf(finding.Package)}")).ToString("D"));
        _json.WriteString("name", Cut(NotEmpty(finding.Title.Length > 0 ? finding.Title : finding.Id), MaxNameCharacters));
        _json.WriteString("description", $"{finding.Id} in {ReportIds.Describe(finding.Package)}{(finding.Title.Length > 0 ? ": " + finding.Title : "")}");
        _json.WriteString("severity", finding.Severity switch
        {
            Severity.Critical => "Critical",
            Severity.High => "High",
            Severity.Medium => "Medium",
            Severity.Low => "Low",
            Severity.Negligible => "Info",
            _ => "Unknown",
        });
        _json.WriteString("solution", Cut(finding.FixedVersion is { } fix ? $"Upgrade {finding.Package.Package.Name} to {fix}" : "No solution provided", MaxSolutionCharacters));
        WriteIdentifiers(finding);
        WriteLinks(finding);
        WriteLocation(finding.Package);
        _json.WriteEndObject();
    }

    private void WriteIdentifiers(Finding finding)
    {
        _json.WriteStartArray("identifiers");
        foreach (string id in finding.Aliases.Prepend(finding.Id).Where(id => id.Length > 0).Distinct(StringComparer.Ordinal))
        {
            _json.WriteStartObject();
            _json.WriteString("type", id.StartsWith("CVE-", StringComparison.Ordinal) ? "cve" : id.StartsWith("GHSA-", StringComparison.Ordinal) ? "ghsa" : "osv");
            _json.WriteString("name", id);
            _json.WriteString("value", id);
            _json.WriteString("url", ReportIds.UrlOf(id));
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
    }

    private void WriteLinks(Finding finding)
    {
        _json.WriteStartArray("links");
        foreach (string url in ReportIds.WebAddresses(finding.References))
        {
            _json.WriteStartObject();
            _json.WriteString("url", url);
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
    }

    private void WriteLocation(InstalledPackage package)
    {
        _json.WriteStartObject("location");
        _json.WriteStartObject("dependency");
        _json.WriteStartObject("package");
        _json.WriteString("name", NotEmpty(package.Package.Name));
        _json.WriteEndObject();
        _json.WriteString("version", NotEmpty(package.Package.Version));
        _json.WriteEndObject();
        _json.WriteString("operating_system", NotEmpty(_report.Distribution is { } d ? $"{d.Id} {d.Version}".Trim() : ""));
        _json.WriteString("image", NotEmpty(ReportIds.NameOf(_report)));
        _json.WriteEndObject();
    }

    private static string NotEmpty(string text) => text.Length > 0 ? text : "unknown";

    private static string Cut(string text, int characters) => text.Length <= characters ? text
        : text[..(char.IsHighSurrogate(text[characters - 1]) ? characters - 1 : characters)];
}
