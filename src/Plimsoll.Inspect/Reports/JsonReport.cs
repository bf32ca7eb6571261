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
        using (JsonText json = new(output))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion"u8, SchemaVersion);
            json.WriteStartObject("tool"u8);
            json.WriteString("name"u8, "plimsoll");
            json.WriteString("version"u8, toolVersion);
            json.WriteEndObject();
            WriteFilter(json, filter);
            json.WriteStartArray("reports"u8);
            foreach (ScanResult result in results)
                WriteResult(json, result);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }

    private static void WriteFilter(JsonText json, ReportFilter filter)
    {
        json.WriteStartObject("filter"u8);
        json.WriteBoolean("onlyFixed"u8, filter.OnlyFixed);
        if (filter.Severities is { } severities)
            json.WriteList("severities"u8, [.. severities.OrderDescending().Select(s => s.Word())]);
        else
            json.WriteNull("severities"u8);
        json.WriteEndObject();
    }

    private static void WriteResult(JsonText json, ScanResult result)
    {
        json.WriteStartObject();
        json.WriteString("image"u8, result.Image);
        if (result.Report is { } report)
            WriteReport(json, report, result.Hidden);
        else
        {
            json.WriteBoolean("complete"u8, false);
            json.WriteStartObject("error"u8);
            json.WriteString("code"u8, result.Failure?.Code ?? "internal");
            json.WriteString("message"u8, result.Failure?.Message ?? "");
            json.WriteOptional("hint"u8, result.Failure?.Hint);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteReport(JsonText json, Report report, int hidden)
    {
        json.WriteBoolean("complete"u8, report.Complete);
        json.WriteString("time"u8, Rfc3339.ToSeconds(report.Time));
        json.WriteOptional("indexDigest"u8, report.IndexDigest);
        json.WriteOptional("manifestDigest"u8, report.ManifestDigest);
        json.WriteOptional("configDigest"u8, report.ConfigDigest);
        json.WriteList("tags"u8, report.Tags);
        json.WriteOptional("platform"u8, report.Platform);
        json.WriteOptional("created"u8, report.Created is { } created ? Rfc3339.ToSeconds(created) : null);
        json.WriteOptional("bom"u8, report.Bom);
        if (!report.Matched)
            json.WriteBoolean("matched"u8, false);
        json.WriteBoolean("verified"u8, report.Verified);
        WriteDatabase(json, report.Database);
        WriteDistribution(json, report.Distribution);
        WriteSummary(json, report, hidden);
        json.WriteStartArray("findings"u8);
        foreach (Finding finding in report.Findings)
            WriteFinding(json, finding);
        json.WriteEndArray();
        WriteProblems(json, report);
        WriteVerdict(json, report.Verdict);
        WriteNotes(json, report);
        WriteBase(json, report.Base);
        json.WriteStartArray("layers"u8);
        foreach (LayerSummary layer in report.Layers)
            WriteLayer(json, layer);
        json.WriteEndArray();
        WritePackages(json, "packages"u8, report.Packages);
        WritePackages(json, "removedPackages"u8, report.Removed);
    }

    private static void WriteDatabase(JsonText json, DatabaseInfo database)
    {
        json.WriteStartObject("database"u8);
        json.WriteBoolean("isDatabase"u8, database.IsDatabase);
        json.WriteNumber("counter"u8, database.Counter);
        json.WriteString("created"u8, Rfc3339.ToSeconds(database.Created));
        json.WriteNumber("advisories"u8, database.Records);
        json.WriteOptional("digest"u8, database.Digest);
        json.WriteList("ecosystems"u8, database.Ecosystems);
        json.WriteOptional("knownExploitedCatalogue"u8, database.KevVersion);
        json.WriteOptional("epssDate"u8, database.EpssDate);
        json.WriteEndObject();
    }

    private static void WriteDistribution(JsonText json, Distribution? distribution)
    {
        if (distribution is null)
            return;
        json.WriteStartObject("distribution"u8);
        json.WriteString("id"u8, distribution.Id);
        json.WriteString("version"u8, distribution.Version);
        json.WriteOptional("prettyName"u8, distribution.PrettyName);
        json.WriteString("claimedBy"u8, distribution.Source);
        json.WriteEndObject();
    }

    private static void WriteSummary(JsonText json, Report report, int hidden)
    {
        List<Finding> open = [.. report.Findings.Where(f => f.Suppressed is null)];
        json.WriteStartObject("summary"u8);
        json.WriteNumber("findings"u8, open.Count);
        json.WriteNumber("vulnerabilities"u8, FindingGroup.RowsOf(open));
        json.WriteStartObject("findingsBySeverity"u8);
        foreach (Severity severity in SeverityWords.WorstFirst)
            json.WriteNumber(severity.Word(), open.Count(f => f.Severity == severity));
        json.WriteEndObject();
        json.WriteNumber("fixable"u8, open.Count(f => f.FixedVersion is not null));
        json.WriteNumber("knownExploited"u8, open.Count(f => f.KnownExploited is not null));
        json.WriteNumber("suppressed"u8, report.Findings.Count - open.Count);
        json.WriteNumber("leftToDistribution"u8, report.Findings.Count(f => f.Suppressed?.Source == Matcher.ByDistribution));
        json.WriteNumber("forDevelopment"u8, report.Findings.Count(f => f.Suppressed?.Source == Matcher.ByLockFile));
        json.WriteNumber("hidden"u8, hidden);
        json.WriteNumber("packages"u8, report.Packages.Count);
        if (report.Checks.Count > 0)
            WriteProblemCounts(json, report);
        json.WriteEndObject();
    }

    private static void WriteFinding(JsonText json, Finding finding)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, finding.Id);
        json.WriteList("aliases"u8, finding.Aliases);
        json.WriteString("fingerprint"u8, finding.Fingerprint);
        json.WriteString("severity"u8, finding.Severity.Word());
        json.WriteOptional("severityFrom"u8, finding.SeverityFrom);
        if (finding.Score is { } score && double.IsFinite(score))
            json.WriteNumber("score"u8, score);
        json.WriteString("status"u8, finding.Status);
        json.WriteOptional("fixedVersion"u8, finding.FixedVersion);
        json.WriteOptional("knownExploited"u8, finding.KnownExploited);
        if (finding.Epss is { } epss && double.IsFinite(epss.Probability) && double.IsFinite(epss.Percentile))
        {
            json.WriteStartObject("epss"u8);
            json.WriteNumber("probability"u8, epss.Probability);
            json.WriteNumber("percentile"u8, epss.Percentile);
            json.WriteEndObject();
        }
        if (finding.Malicious)
            json.WriteBoolean("malicious"u8, true);
        json.WriteBoolean("fromStarterSet"u8, finding.FromStarterSet);
        json.WriteString("title"u8, finding.Title);
        json.WriteOptional("published"u8, finding.Published);
        json.WriteList("references"u8, finding.References);
        json.WriteStartObject("package"u8);
        WritePackageBody(json, finding.Package);
        json.WriteEndObject();
        json.WriteStartArray("matches"u8);
        foreach (Match match in finding.Matches)
        {
            json.WriteStartObject();
            json.WriteString("advisory"u8, match.AdvisoryId);
            json.WriteString("ecosystem"u8, match.Ecosystem);
            json.WriteString("package"u8, match.Package);
            json.WriteString("version"u8, match.Version);
            json.WriteString("range"u8, match.Range);
            json.WriteOptional("fixedVersion"u8, match.FixedVersion);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteSuppression(json, finding.Suppressed);
        json.WriteEndObject();
    }

    private static void WriteSuppression(JsonText json, Suppression? suppressed)
    {
        if (suppressed is null)
            return;
        json.WriteStartObject("suppressed"u8);
        json.WriteString("id"u8, suppressed.Id);
        json.WriteOptional("package"u8, suppressed.Package);
        json.WriteOptional("path"u8, suppressed.Path);
        json.WriteString("reason"u8, suppressed.Reason);
        json.WriteOptional("owner"u8, suppressed.Owner);
        json.WriteOptional("expires"u8, suppressed.Expires?.ToString("yyyy-MM-dd"));
        json.WriteString("source"u8, suppressed.Source);
        json.WriteOptional("status"u8, suppressed.Status);
        json.WriteOptional("justification"u8, suppressed.Justification);
        json.WriteEndObject();
    }

    private static void WriteNotes(JsonText json, Report report)
    {
        json.WriteStartArray("notes"u8);
        foreach (Note note in report.Notes)
        {
            json.WriteStartObject();
            json.WriteString("code"u8, note.Code);
            json.WriteBoolean("undecided"u8, note.Undecided);
            json.WriteList("arguments"u8, note.Arguments);
            json.WriteString("text"u8, ReportTexts.Of(note, Language.English));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("gaps"u8);
        foreach (Gap gap in report.Gaps)
        {
            json.WriteStartObject();
            json.WriteString("code"u8, gap.Code);
            json.WriteString("where"u8, gap.Where);
            json.WriteString("detail"u8, gap.Detail);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteLayer(JsonText json, LayerSummary layer)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, layer.Index);
        json.WriteOptional("diffId"u8, layer.DiffId);
        json.WriteOptional("blobDigest"u8, layer.BlobDigest);
        json.WriteOptional("createdBy"u8, layer.CreatedBy);
        if (layer.TarBytes >= 0)
            json.WriteNumber("tarBytes"u8, layer.TarBytes);
        json.WriteNumber("entries"u8, layer.Entries);
        json.WriteEndObject();
    }

    private static void WritePackages(JsonText json, ReadOnlySpan<byte> name, IReadOnlyList<InstalledPackage> packages)
    {
        json.WriteStartArray(name);
        foreach (InstalledPackage package in packages)
        {
            json.WriteStartObject();
            WritePackageBody(json, package);
            json.WriteList("licences"u8, package.Package.Licences);
            json.WriteOptional("maintainer"u8, package.Package.Maintainer);
            if (package.RemovedBy is { } removed)
                WriteOrigin(json, "removedBy"u8, removed);
            json.WriteOptional("replacedBy"u8, package.ReplacedBy);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WritePackageBody(JsonText json, InstalledPackage installed)
    {
        json.WriteString("type"u8, installed.Package.Type);
        json.WriteString("name"u8, installed.Package.Name);
        json.WriteString("version"u8, installed.Package.Version);
        json.WriteOptional("architecture"u8, installed.Package.Architecture);
        json.WriteString("sourceName"u8, installed.Package.SourceName);
        json.WriteString("sourceVersion"u8, installed.Package.SourceVersion);
        json.WriteString("purl"u8, installed.Purl);
        json.WriteString("path"u8, installed.Path);
        json.WriteOptional("inner"u8, installed.Package.Inner);
        json.WriteString("evidence"u8, installed.Package.Evidence.Word());
        if (installed.Package.Development)
            json.WriteBoolean("development"u8, true);
        json.WriteOptional("module"u8, installed.Package.Module);
        json.WriteOptional("ownedBy"u8, installed.OwnedBy);
        WriteOrigin(json, "origin"u8, installed.Origin);
    }

    private static void WriteBase(JsonText json, BaseImage? known)
    {
        if (known is null)
            return;
        json.WriteStartObject("base"u8);
        json.WriteOptional("claimedName"u8, known.ClaimedName);
        json.WriteOptional("claimedDigest"u8, known.ClaimedDigest);
        json.WriteString("evidence"u8, known.Evidence.Word());
        json.WriteNumber("baseLayers"u8, known.Layers);
        json.WriteOptional("provedBy"u8, known.ProvedBy);
        json.WriteStartArray("newer"u8);
        foreach (NewerBase newer in known.Newer)
        {
            json.WriteStartObject();
            json.WriteString("image"u8, newer.Image);
            json.WriteBoolean("complete"u8, newer.Complete);
            json.WriteList("removes"u8, newer.Removes);
            json.WriteList("brings"u8, newer.Brings);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteOrigin(JsonText json, ReadOnlySpan<byte> name, Origin origin)
    {
        json.WriteStartObject(name);
        json.WriteNumber("layer"u8, origin.Layer);
        json.WriteOptional("diffId"u8, origin.DiffId);
        json.WriteOptional("createdBy"u8, origin.CreatedBy);
        json.WriteEndObject();
    }
}
