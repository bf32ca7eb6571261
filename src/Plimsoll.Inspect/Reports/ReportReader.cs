using System.Globalization;
using System.Text.Json;
using Plimsoll.Inspect.Boms;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <summary>Reads what <see cref="JsonReport"/> wrote.</summary>
public static partial class ReportReader
{
    /// <summary>Bytes of a report; a tree of JSON takes several times as much memory.</summary>
    public const int MaxBytes = 128 << 20;

    /// <summary>Whether a file is a JSON report, by its first members.</summary>
    public static bool IsReport(ReadOnlyMemory<byte> content)
    {
        try
        {
            return BomReader.KindOf(BomReader.Start(content.Span)) == "report";
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The one report of the document.</summary>
    /// <param name="name">What the file is called in errors.</param>
    /// <exception cref="ImageException">It is no report of this schema version, holds several or one that failed, or lacks what a report must have.</exception>
    public static Report Read(ReadOnlyMemory<byte> content, string name)
    {
        string where = Escape.Quote(name);
        if (content.Length > MaxBytes)
            throw new ImageException(ImageError.LimitExceeded, $"{where}: longer than {MaxBytes} bytes (MaxBytes)");
        return JsonTokens.Guard(where, () =>
        {
            using JsonDocument document = JsonDocument.Parse(content, new JsonDocumentOptions { MaxDepth = BomLimits.MaxDepth });
            try
            {
                return ReadDocument(document.RootElement, where);
            }
            catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
            {
                throw new ImageException(ImageError.Malformed, $"{where}: no report of plimsoll: {Escape.ForTerminal(e.Message)}", inner: e);
            }
        });
    }

    private static Report ReadDocument(JsonElement root, string where)
    {
        int version = root.GetProperty("schemaVersion").GetInt32();
        if (version != JsonReport.SchemaVersion)
            throw new ImageException(ImageError.Unsupported, $"{where}: schema version {version}; {JsonReport.SchemaVersion} is read");
        JsonElement reports = root.GetProperty("reports");
        if (reports.GetArrayLength() != 1)
            throw new ImageException(ImageError.Ambiguous, $"{where}: holds {reports.GetArrayLength()} reports; one is wanted", "scan each image on its own");
        JsonElement report = reports[0];
        if (report.TryGetProperty("error", out JsonElement error))
            throw new ImageException(ImageError.Malformed, $"{where}: the image was not scanned: {Escape.ForTerminal(Text(error, "message") ?? "")}");
        return new Report
        {
            Image = Text(report, "image")!,
            IndexDigest = Text(report, "indexDigest"),
            ManifestDigest = Text(report, "manifestDigest"),
            ConfigDigest = Text(report, "configDigest"),
            Tags = Texts(report, "tags"),
            Platform = Text(report, "platform"),
            Verified = report.GetProperty("verified").GetBoolean(),
            Created = report.TryGetProperty("created", out _) ? Time(report, "created") : null,
            Time = Time(report, "time"),
            ToolVersion = root.GetProperty("tool").GetProperty("version").GetString()!,
            Matched = !report.TryGetProperty("matched", out JsonElement matched) || matched.GetBoolean(),
            Bom = Text(report, "bom"),
            Database = DatabaseOf(report.GetProperty("database")),
            Distribution = report.TryGetProperty("distribution", out JsonElement d) ? new Distribution
            {
                Id = d.GetProperty("id").GetString()!,
                Version = Text(d, "version") ?? "",
                PrettyName = Text(d, "prettyName"),
                Source = Text(d, "claimedBy") ?? "",
            } : null,
            Layers = [.. report.GetProperty("layers").EnumerateArray().Select(l => new LayerSummary(l.GetProperty("index").GetInt32(), Text(l, "diffId"), Text(l, "blobDigest"), Text(l, "createdBy"),
                l.TryGetProperty("tarBytes", out JsonElement bytes) ? bytes.GetInt64() : -1, l.GetProperty("entries").GetInt64(), false))],
            Packages = [.. report.GetProperty("packages").EnumerateArray().Select(PackageOf)],
            Findings = [.. report.GetProperty("findings").EnumerateArray().Select(FindingOf)],
            Problems = report.TryGetProperty("problems", out JsonElement problems) ? [.. problems.EnumerateArray().Select(ProblemOf)] : [],
            Checks = [.. Texts(report, "checks").Select(KindOf)],
            Engines = report.TryGetProperty("engines", out JsonElement engines)
                ? [.. engines.EnumerateArray().Select(e => new Engine(Needed(e, "name"), Text(e, "version"), Text(e, "failure")))] : [],
            Verdict = report.TryGetProperty("verdict", out JsonElement verdict) ? VerdictOf(verdict) : null,
            Notes = [.. report.GetProperty("notes").EnumerateArray().Select(n => new Note(n.GetProperty("code").GetString()!, n.GetProperty("undecided").GetBoolean(), Texts(n, "arguments"))), .. LeftOut(report)],
            Gaps = [.. report.GetProperty("gaps").EnumerateArray().Select(g => new Gap(g.GetProperty("code").GetString()!, Text(g, "where") ?? "", Text(g, "detail") ?? ""))],
        };
    }

    /// <summary>What a filter took out of a report is not known to be absent.</summary>
    private static IEnumerable<Note> LeftOut(JsonElement report) =>
        report.TryGetProperty("summary", out JsonElement summary) && summary.TryGetProperty("hidden", out JsonElement hidden) && hidden.GetInt32() is > 0 and var count
            ? [new Note("report-filtered", true, [$"{count}"])] : [];

    private static DatabaseInfo DatabaseOf(JsonElement database) => new()
    {
        IsDatabase = database.GetProperty("isDatabase").GetBoolean(),
        Counter = database.GetProperty("counter").GetInt64(),
        Created = Time(database, "created"),
        Records = database.GetProperty("advisories").GetInt32(),
        Digest = Text(database, "digest") ?? "",
        Ecosystems = Texts(database, "ecosystems"),
        KevVersion = Text(database, "knownExploitedCatalogue"),
        EpssDate = Text(database, "epssDate"),
    };

    private static InstalledPackage PackageOf(JsonElement package)
    {
        string name = package.GetProperty("name").GetString()!, version = package.GetProperty("version").GetString()!;
        JsonElement origin = package.GetProperty("origin");
        return new InstalledPackage
        {
            Package = new Package
            {
                Type = package.GetProperty("type").GetString()!,
                Name = name,
                Version = version,
                Architecture = Text(package, "architecture") ?? "",
                SourceName = Text(package, "sourceName") ?? name,
                SourceVersion = Text(package, "sourceVersion") ?? version,
                Maintainer = Text(package, "maintainer"),
                Licences = Texts(package, "licences"),
                Evidence = Words.EvidenceOf(Text(package, "evidence")),
                Inner = Text(package, "inner"),
                Development = package.TryGetProperty("development", out JsonElement development) && development.GetBoolean(),
                Module = Text(package, "module"),
            },
            Path = Text(package, "path") ?? "",
            Analyser = "report",
            Origin = OriginOf(origin),
            Purl = Text(package, "purl") ?? "",
            OwnedBy = Text(package, "ownedBy"),
        };
    }

    private static Finding FindingOf(JsonElement finding)
    {
        _ = SeverityWords.TryParse(Text(finding, "severity") ?? "", out Severity severity);
        return new Finding
        {
            Id = finding.GetProperty("id").GetString()!,
            Aliases = Texts(finding, "aliases"),
            Fingerprint = finding.GetProperty("fingerprint").GetString()!,
            Severity = severity,
            SeverityFrom = Text(finding, "severityFrom"),
            Score = finding.TryGetProperty("score", out JsonElement score) ? score.GetDouble() : null,
            Status = Text(finding, "status") ?? "affected",
            FixedVersion = Text(finding, "fixedVersion"),
            KnownExploited = Text(finding, "knownExploited"),
            Epss = finding.TryGetProperty("epss", out JsonElement epss) ? new Epss(epss.GetProperty("probability").GetDouble(), epss.GetProperty("percentile").GetDouble()) : null,
            Malicious = finding.TryGetProperty("malicious", out JsonElement malicious) && malicious.GetBoolean(),
            FromStarterSet = finding.TryGetProperty("fromStarterSet", out JsonElement starter) && starter.GetBoolean(),
            Title = Text(finding, "title") ?? "",
            Published = Text(finding, "published") ?? "",
            References = Texts(finding, "references"),
            Package = PackageOf(finding.GetProperty("package")),
            Matches = [.. finding.GetProperty("matches").EnumerateArray().Select(m => new Match
            {
                AdvisoryId = m.GetProperty("advisory").GetString()!,
                Ecosystem = Text(m, "ecosystem") ?? "",
                Package = Text(m, "package") ?? "",
                Version = Text(m, "version") ?? "",
                Range = Text(m, "range") ?? "",
                FixedVersion = Text(m, "fixedVersion"),
            })],
            Suppressed = SuppressionOf(finding),
        };
    }

    private static Suppression? SuppressionOf(JsonElement finding) => finding.TryGetProperty("suppressed", out JsonElement suppressed) ? new Suppression
    {
        Id = suppressed.GetProperty("id").GetString()!,
        Package = Text(suppressed, "package"),
        Path = Text(suppressed, "path"),
        Reason = Text(suppressed, "reason") ?? "",
        Owner = Text(suppressed, "owner"),
        Expires = DateOnly.TryParseExact(Text(suppressed, "expires"), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) ? day : null,
        Source = Text(suppressed, "source") ?? "",
        Status = Text(suppressed, "status"),
        Justification = Text(suppressed, "justification"),
    } : null;

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static List<string> Texts(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement list) ? [.. list.EnumerateArray().Select(t => t.GetString() ?? throw new FormatException($"{name} holds a null"))] : [];

    private static DateTimeOffset Time(JsonElement element, string name) =>
        DateTimeOffset.Parse(Text(element, name) ?? "", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
