using System.Text.Json;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Reports;

/// <summary>The findings as an OpenVEX 0.2.0 document, so that other scanners take over what was judged here.</summary>
/// <remarks>
/// Source: OpenVEX 0.2.0 specification. A finding that somebody only accepted is "under investigation": an accepted risk does not
/// make an image unaffected, and this document must not say so.
/// </remarks>
public sealed class OpenVexReport
{
    private readonly Utf8JsonWriter _json;
    private readonly Report _report;

    private OpenVexReport(Utf8JsonWriter json, Report report) => (_json, _report) = (json, report);

    /// <summary>Writes one document, UTF-8. Its id is made from the content without the time.</summary>
    public static void Write(Stream output, Report report)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(report);
        using MemoryStream draft = new();
        Write(draft, report with { Time = default }, Guid.Empty);
        Write(output, report, ReportIds.UuidOf(draft.GetBuffer().AsSpan(0, (int)draft.Length)));
        output.WriteByte((byte)'\n');
    }

    private static void Write(Stream output, Report report, Guid id)
    {
        using Utf8JsonWriter json = new(output, ReportJson.Options);
        new OpenVexReport(json, report).WriteDocument(id);
    }

    private void WriteDocument(Guid id)
    {
        _json.WriteStartObject();
        _json.WriteString("@context", "https://openvex.dev/ns/v0.2.0");
        _json.WriteString("@id", $"urn:uuid:{id:D}");
        _json.WriteString("author", "plimsoll");
        _json.WriteString("role", "Document Creator");
        _json.WriteString("timestamp", ReportIds.Time(_report.Time));
        _json.WriteNumber("version", 1);
        _json.WriteString("tooling", $"plimsoll/{_report.ToolVersion}");
        _json.WriteStartArray("statements");
        foreach (var group in _report.Findings.GroupBy(f => (f.Id, f.Suppressed, f.FixedVersion, f.Package.Package.SourceName)))
            WriteStatement([.. group]);
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    private void WriteStatement(List<Finding> findings)
    {
        Finding first = findings[0];
        Suppression? judged = first.Suppressed;
        string status = judged switch { null => VexWords.Affected, { Status: { } said } => said, _ => VexWords.UnderInvestigation };
        _json.WriteStartObject();
        _json.WriteStartObject("vulnerability");
        _json.WriteString("name", first.Id);
        if (first.Aliases.Count > 0)
            _json.WriteList("aliases", first.Aliases);
        _json.WriteEndObject();
        WriteProduct(findings);
        _json.WriteString("status", status);
        string by = judged is null ? "" : $"{judged.Reason} ({(judged.Owner is { } owner ? $"{owner}; " : "")}{judged.Source})";
        if (status == VexWords.NotAffected)
        {
            _json.WriteOptional("justification", judged!.Justification);
            _json.WriteString("impact_statement", by);
        }
        else if (judged is not null)
            _json.WriteString("status_notes", by);
        else
            _json.WriteString("action_statement", first.FixedVersion is { } fix ? $"upgrade {first.Package.Package.SourceName} to {fix}" : "no fix is known");
        _json.WriteEndObject();
    }

    private void WriteProduct(List<Finding> findings)
    {
        _json.WriteStartArray("products");
        _json.WriteStartObject();
        string? purl = ReportIds.ImagePurl(_report);
        (string Algorithm, string Hex)? digest = ReportIds.DigestOf(_report);
        _json.WriteString("@id", purl ?? (digest is { } d ? $"{d.Algorithm.ToLowerInvariant()}:{d.Hex}" : _report.Image));
        if (purl is not null)
        {
            _json.WriteStartObject("identifiers");
            _json.WriteString("purl", purl);
            _json.WriteEndObject();
        }
        if (digest is { } hash)
        {
            _json.WriteStartObject("hashes");
            _json.WriteString(hash.Algorithm switch { "SHA256" => "sha-256", "SHA384" => "sha-384", _ => "sha-512" }, hash.Hex);
            _json.WriteEndObject();
        }
        _json.WriteStartArray("subcomponents");
        foreach (string component in findings.Select(f => f.Package.Purl.Length > 0 ? f.Package.Purl : f.Package.Package.Name).Distinct(StringComparer.Ordinal))
        {
            _json.WriteStartObject();
            _json.WriteString("@id", component);
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.WriteEndArray();
    }
}
