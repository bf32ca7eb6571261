using System.Text.Json;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <summary>
/// The report for programs; docs/formats/report.md describes every member. Equal inspections give equal bytes, apart from
/// <c>time</c>: what differs between a cold and a warm cache is not in it.
/// </summary>
public static partial class JsonReport
{
    /// <summary>Raised when a member changes its meaning or goes; a new member does not raise it.</summary>
    public const int SchemaVersion = 1;

    /// <summary>Writes one document for all images of a call, UTF-8, with a line feed at the end.</summary>
    public static void Write(Stream output, IReadOnlyList<ScanResult> results, ReportFilter filter, string toolVersion)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(filter);
        using (Utf8JsonWriter json = new(output, ReportJson.Options))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", SchemaVersion);
            json.WriteStartObject("tool");
            json.WriteString("name", "plimsoll");
            json.WriteString("version", toolVersion);
            json.WriteEndObject();
            WriteFilter(json, filter);
            json.WriteStartArray("reports");
            foreach (ScanResult result in results)
                WriteResult(json, result);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }

    private static void WriteFilter(Utf8JsonWriter json, ReportFilter filter)
    {
        json.WriteStartObject("filter");
        json.WriteBoolean("onlyFixed", filter.OnlyFixed);
        if (filter.Severities is { } severities)
            json.WriteList("severities", severities.OrderDescending().Select(s => s.Word()));
        else
            json.WriteNull("severities");
        json.WriteEndObject();
    }

    private static void WriteResult(Utf8JsonWriter json, ScanResult result)
    {
        json.WriteStartObject();
        json.WriteString("image", result.Image);
        if (result.Report is { } report)
            WriteReport(json, report, result.Hidden);
        else
        {
            json.WriteBoolean("complete", false);
            json.WriteStartObject("error");
            json.WriteString("code", result.Failure?.Code ?? "internal");
            json.WriteString("message", result.Failure?.Message ?? "");
            json.WriteOptional("hint", result.Failure?.Hint);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteReport(Utf8JsonWriter json, Report report, int hidden)
    {
        json.WriteBoolean("complete", report.Complete);
        json.WriteString("time", report.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ"));
        json.WriteOptional("indexDigest", report.IndexDigest);
        json.WriteOptional("manifestDigest", report.ManifestDigest);
        json.WriteOptional("configDigest", report.ConfigDigest);
        json.WriteList("tags", report.Tags);
        json.WriteOptional("platform", report.Platform);
        json.WriteOptional("created", report.Created?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ"));
        json.WriteOptional("bom", report.Bom);
        if (!report.Matched)
            json.WriteBoolean("matched", false);
        json.WriteBoolean("verified", report.Verified);
        WriteDatabase(json, report.Database);
        WriteDistribution(json, report.Distribution);
        WriteSummary(json, report, hidden);
        json.WriteStartArray("findings");
        foreach (Finding finding in report.Findings)
            WriteFinding(json, finding);
        json.WriteEndArray();
        WriteProblems(json, report);
        WriteVerdict(json, report.Verdict);
        WriteNotes(json, report);
        WriteBase(json, report.Base);
        json.WriteStartArray("layers");
        foreach (LayerSummary layer in report.Layers)
            WriteLayer(json, layer);
        json.WriteEndArray();
        WritePackages(json, "packages", report.Packages);
        WritePackages(json, "removedPackages", report.Removed);
    }

    private static void WriteDatabase(Utf8JsonWriter json, DatabaseInfo database)
    {
        json.WriteStartObject("database");
        json.WriteBoolean("isDatabase", database.IsDatabase);
        json.WriteNumber("counter", database.Counter);
        json.WriteString("created", database.Created.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ"));
        json.WriteNumber("advisories", database.Records);
        json.WriteOptional("digest", database.Digest);
        json.WriteList("ecosystems", database.Ecosystems);
        json.WriteOptional("knownExploitedCatalogue", database.KevVersion);
        json.WriteOptional("epssDate", database.EpssDate);
        json.WriteEndObject();
    }

    private static void WriteDistribution(Utf8JsonWriter json, Distribution? distribution)
    {
        if (distribution is null)
            return;
        json.WriteStartObject("distribution");
        json.WriteString("id", distribution.Id);
        json.WriteString("version", distribution.Version);
        json.WriteOptional("prettyName", distribution.PrettyName);
        json.WriteString("claimedBy", distribution.Source);
        json.WriteEndObject();
    }

    private static void WriteSummary(Utf8JsonWriter json, Report report, int hidden)
    {
        List<Finding> open = [.. report.Findings.Where(f => f.Suppressed is null)];
        json.WriteStartObject("summary");
        json.WriteNumber("findings", open.Count);
        json.WriteNumber("vulnerabilities", FindingGroup.Of(open).Sum(g => g.Rows.Count));
        json.WriteStartObject("findingsBySeverity");
        foreach (Severity severity in SeverityWords.WorstFirst)
            json.WriteNumber(severity.Word(), open.Count(f => f.Severity == severity));
        json.WriteEndObject();
        json.WriteNumber("fixable", open.Count(f => f.FixedVersion is not null));
        json.WriteNumber("knownExploited", open.Count(f => f.KnownExploited is not null));
        json.WriteNumber("suppressed", report.Findings.Count - open.Count);
        json.WriteNumber("leftToDistribution", report.Findings.Count(f => f.Suppressed?.Source == Matcher.ByDistribution));
        json.WriteNumber("forDevelopment", report.Findings.Count(f => f.Suppressed?.Source == Matcher.ByLockFile));
        json.WriteNumber("hidden", hidden);
        json.WriteNumber("packages", report.Packages.Count);
        if (report.Checks.Count > 0)
            WriteProblemCounts(json, report);
        json.WriteEndObject();
    }

    private static void WriteFinding(Utf8JsonWriter json, Finding finding)
    {
        json.WriteStartObject();
        json.WriteString("id", finding.Id);
        json.WriteList("aliases", finding.Aliases);
        json.WriteString("fingerprint", finding.Fingerprint);
        json.WriteString("severity", finding.Severity.Word());
        json.WriteOptional("severityFrom", finding.SeverityFrom);
        if (finding.Score is { } score && double.IsFinite(score))
            json.WriteNumber("score", score);
        json.WriteString("status", finding.Status);
        json.WriteOptional("fixedVersion", finding.FixedVersion);
        json.WriteOptional("knownExploited", finding.KnownExploited);
        if (finding.Epss is { } epss && double.IsFinite(epss.Probability) && double.IsFinite(epss.Percentile))
        {
            json.WriteStartObject("epss");
            json.WriteNumber("probability", epss.Probability);
            json.WriteNumber("percentile", epss.Percentile);
            json.WriteEndObject();
        }
        if (finding.Malicious)
            json.WriteBoolean("malicious", true);
        json.WriteBoolean("fromStarterSet", finding.FromStarterSet);
        json.WriteString("title", finding.Title);
        json.WriteOptional("published", finding.Published);
        json.WriteList("references", finding.References);
        json.WriteStartObject("package");
        WritePackageBody(json, finding.Package);
        json.WriteEndObject();
        json.WriteStartArray("matches");
        foreach (Match match in finding.Matches)
        {
            json.WriteStartObject();
            json.WriteString("advisory", match.AdvisoryId);
            json.WriteString("ecosystem", match.Ecosystem);
            json.WriteString("package", match.Package);
            json.WriteString("version", match.Version);
            json.WriteString("range", match.Range);
            json.WriteOptional("fixedVersion", match.FixedVersion);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteSuppression(json, finding.Suppressed);
        json.WriteEndObject();
    }

    private static void WriteSuppression(Utf8JsonWriter json, Suppression? suppressed)
    {
        if (suppressed is null)
            return;
        json.WriteStartObject("suppressed");
        json.WriteString("id", suppressed.Id);
        json.WriteOptional("package", suppressed.Package);
        json.WriteOptional("path", suppressed.Path);
        json.WriteString("reason", suppressed.Reason);
        json.WriteOptional("owner", suppressed.Owner);
        json.WriteOptional("expires", suppressed.Expires?.ToString("yyyy-MM-dd"));
        json.WriteString("source", suppressed.Source);
        json.WriteOptional("status", suppressed.Status);
        json.WriteOptional("justification", suppressed.Justification);
        json.WriteEndObject();
    }

    private static void WriteNotes(Utf8JsonWriter json, Report report)
    {
        json.WriteStartArray("notes");
        foreach (Note note in report.Notes)
        {
            json.WriteStartObject();
            json.WriteString("code", note.Code);
            json.WriteBoolean("undecided", note.Undecided);
            json.WriteList("arguments", note.Arguments);
            json.WriteString("text", ReportTexts.Of(note, Language.English));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("gaps");
        foreach (Gap gap in report.Gaps)
        {
            json.WriteStartObject();
            json.WriteString("code", gap.Code);
            json.WriteString("where", gap.Where);
            json.WriteString("detail", gap.Detail);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteLayer(Utf8JsonWriter json, LayerSummary layer)
    {
        json.WriteStartObject();
        json.WriteNumber("index", layer.Index);
        json.WriteOptional("diffId", layer.DiffId);
        json.WriteOptional("blobDigest", layer.BlobDigest);
        json.WriteOptional("createdBy", layer.CreatedBy);
        if (layer.TarBytes >= 0)
            json.WriteNumber("tarBytes", layer.TarBytes);
        json.WriteNumber("entries", layer.Entries);
        json.WriteEndObject();
    }

    private static void WritePackages(Utf8JsonWriter json, string name, IReadOnlyList<InstalledPackage> packages)
    {
        json.WriteStartArray(name);
        foreach (InstalledPackage package in packages)
        {
            json.WriteStartObject();
            WritePackageBody(json, package);
            json.WriteList("licences", package.Package.Licences);
            json.WriteOptional("maintainer", package.Package.Maintainer);
            if (package.RemovedBy is { } removed)
                WriteOrigin(json, "removedBy", removed);
            json.WriteOptional("replacedBy", package.ReplacedBy);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WritePackageBody(Utf8JsonWriter json, InstalledPackage installed)
    {
        json.WriteString("type", installed.Package.Type);
        json.WriteString("name", installed.Package.Name);
        json.WriteString("version", installed.Package.Version);
        json.WriteOptional("architecture", installed.Package.Architecture);
        json.WriteString("sourceName", installed.Package.SourceName);
        json.WriteString("sourceVersion", installed.Package.SourceVersion);
        json.WriteString("purl", installed.Purl);
        json.WriteString("path", installed.Path);
        json.WriteOptional("inner", installed.Package.Inner);
        json.WriteString("evidence", installed.Package.Evidence.Word());
        if (installed.Package.Development)
            json.WriteBoolean("development", true);
        json.WriteOptional("module", installed.Package.Module);
        json.WriteOptional("ownedBy", installed.OwnedBy);
        WriteOrigin(json, "origin", installed.Origin);
    }

    private static void WriteBase(Utf8JsonWriter json, BaseImage? known)
    {
        if (known is null)
            return;
        json.WriteStartObject("base");
        json.WriteOptional("claimedName", known.ClaimedName);
        json.WriteOptional("claimedDigest", known.ClaimedDigest);
        json.WriteString("evidence", known.Evidence.Word());
        json.WriteNumber("baseLayers", known.Layers);
        json.WriteOptional("provedBy", known.ProvedBy);
        json.WriteStartArray("newer");
        foreach (NewerBase newer in known.Newer)
        {
            json.WriteStartObject();
            json.WriteString("image", newer.Image);
            json.WriteBoolean("complete", newer.Complete);
            json.WriteList("removes", newer.Removes);
            json.WriteList("brings", newer.Brings);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteOrigin(Utf8JsonWriter json, string name, Origin origin)
    {
        json.WriteStartObject(name);
        json.WriteNumber("layer", origin.Layer);
        json.WriteOptional("diffId", origin.DiffId);
        json.WriteOptional("createdBy", origin.CreatedBy);
        json.WriteEndObject();
    }
}
