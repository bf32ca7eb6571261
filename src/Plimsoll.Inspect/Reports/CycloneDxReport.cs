using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <summary>The report as a CycloneDX 1.6 bill of materials with vulnerabilities. Source: CycloneDX 1.6 JSON schema.</summary>
public sealed class CycloneDxReport
{
    private readonly Utf8JsonWriter _json;
    private readonly Report _report;
    private readonly ReportFilter _filter;
    private readonly Dictionary<(string Purl, string Path, string Name, string Version), string> _references = [];

    private CycloneDxReport(Utf8JsonWriter json, Report report, ReportFilter filter)
    {
        _json = json;
        _report = report;
        _filter = filter;
        HashSet<string> taken = [RootReference, DistributionReference];
        foreach (InstalledPackage package in report.Packages.Concat(report.Findings.Select(f => f.Package)))
        {
            if (_references.ContainsKey(Key(package)))
                continue;
            // The same package may be listed by two files of an image; references must differ all the same.
            string reference = package.Purl.Length > 0 ? package.Purl : $"{package.Package.Type}:{package.Package.Name}@{package.Package.Version}";
            if (!taken.Add(reference))
            {
                string stem = $"{reference}#{Key(package).Item2}";
                reference = stem;
                for (int n = 2; !taken.Add(reference); n++)
                    reference = $"{stem}#{n}";
            }
            _references.Add(Key(package), reference);
        }
    }

    private const string RootReference = "image";
    private const string DistributionReference = "distribution";

    private static (string, string, string, string) Key(InstalledPackage package) =>
        (package.Purl, package.Package.Inner is { } inner ? $"{package.Path}!/{inner}" : package.Path, package.Package.Name, package.Package.Version);

    /// <summary>Writes one document, UTF-8. The serial number is made from the content, so that equal inspections have equal ones.</summary>
    public static void Write(Stream output, Report report, ReportFilter filter)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(filter);
        using MemoryStream draft = new();
        Write(draft, report with { Time = default }, filter, Guid.Empty);
        byte[] hash = SHA256.HashData(draft.GetBuffer().AsSpan(0, (int)draft.Length));
        // RFC 9562, version 8: 122 bits of our own choice.
        hash[6] = (byte)(hash[6] & 0x0F | 0x80);
        hash[8] = (byte)(hash[8] & 0x3F | 0x80);
        Write(output, report, filter, new Guid(hash.AsSpan(0, 16), bigEndian: true));
        output.WriteByte((byte)'\n');
    }

    private static void Write(Stream output, Report report, ReportFilter filter, Guid serial)
    {
        using Utf8JsonWriter json = new(output, ReportJson.Options);
        new CycloneDxReport(json, report, filter).WriteDocument(serial);
    }

    private void WriteDocument(Guid serial)
    {
        _json.WriteStartObject();
        _json.WriteString("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
        _json.WriteString("bomFormat", "CycloneDX");
        _json.WriteString("specVersion", "1.6");
        _json.WriteString("serialNumber", $"urn:uuid:{serial:D}");
        _json.WriteNumber("version", 1);
        WriteMetadata();
        WriteComponents();
        WriteDependencies();
        // An empty list would say that there are none, which nobody has asked.
        if (_report.Matched)
        {
            _json.WriteStartArray("vulnerabilities");
            foreach (IGrouping<object, Finding> group in _report.Findings.GroupBy(SameFlaw))
                WriteVulnerability([.. group]);
            _json.WriteEndArray();
        }
        _json.WriteEndObject();
    }

    private void WriteMetadata()
    {
        _json.WriteStartObject("metadata");
        _json.WriteString("timestamp", _report.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
        _json.WriteStartObject("tools");
        _json.WriteStartArray("components");
        _json.WriteStartObject();
        _json.WriteString("type", "application");
        _json.WriteString("name", "plimsoll");
        _json.WriteString("version", _report.ToolVersion);
        _json.WriteEndObject();
        _json.WriteEndArray();
        _json.WriteEndObject();
        WriteImage();
        _json.WriteStartArray("properties");
        Property("plimsoll:complete", _report.Complete ? "true" : "false");
        Property("plimsoll:verified", _report.Verified ? "true" : "false");
        Property("plimsoll:database:counter", _report.Database.IsDatabase ? _report.Database.Counter.ToString(CultureInfo.InvariantCulture) : "none");
        Property("plimsoll:database:digest", _report.Database.Digest);
        Property("plimsoll:filter", _filter.ToString());
        Property("plimsoll:bom", _report.Bom);
        Property("plimsoll:verdict", _report.Verdict?.Outcome.Word());
        Property("plimsoll:policy", _report.Verdict?.Policy);
        if (_report.Base is { } known)
        {
            Property("plimsoll:base:claimedName", known.ClaimedName);
            Property("plimsoll:base:claimedDigest", known.ClaimedDigest);
            Property("plimsoll:base:evidence", known.Evidence.Word());
            Property("plimsoll:base:layers", known.Layers.ToString(CultureInfo.InvariantCulture));
            Property("plimsoll:base:provedBy", known.ProvedBy);
        }
        foreach (Note note in _report.Notes)
            Property($"plimsoll:note:{note.Code}", ReportTexts.Of(note, Texts.Language.English));
        foreach (Gap gap in _report.Gaps)
            Property($"plimsoll:gap:{gap.Code}", ReportTexts.Of(gap, Texts.Language.English));
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    private void WriteImage()
    {
        _json.WriteStartObject("component");
        _json.WriteString("type", "container");
        _json.WriteString("bom-ref", RootReference);
        _json.WriteString("name", _report.Tags.Count > 0 ? _report.Tags[0] : _report.Image);
        _json.WriteOptional("version", _report.ManifestDigest ?? _report.ConfigDigest);
        if (Digest.TryParse(_report.ManifestDigest ?? _report.ConfigDigest, out Digest? digest))
        {
            _json.WriteStartArray("hashes");
            _json.WriteStartObject();
            _json.WriteString("alg", digest.Algorithm switch { "sha256" => "SHA-256", "sha384" => "SHA-384", _ => "SHA-512" });
            _json.WriteString("content", digest.Hex);
            _json.WriteEndObject();
            _json.WriteEndArray();
        }
        _json.WriteOptional("purl", ImagePurl());
        _json.WriteStartArray("properties");
        Property("plimsoll:image", _report.Image);
        Property("plimsoll:platform", _report.Platform);
        Property("plimsoll:indexDigest", _report.IndexDigest);
        Property("plimsoll:configDigest", _report.ConfigDigest);
        foreach (string tag in _report.Tags)
            Property("plimsoll:tag", tag);
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    /// <summary>Only where the image has a manifest digest and a name: purl's oci type needs both.</summary>
    private string? ImagePurl()
    {
        if (_report.ManifestDigest is not { } digest || _report.Tags.Count == 0)
            return null;
        string repository = _report.Tags[0];
        int colon = repository.LastIndexOf(':');
        string tag = "";
        if (colon > repository.LastIndexOf('/'))
            (repository, tag) = (repository[..colon], repository[(colon + 1)..]);
        string name = repository[(repository.LastIndexOf('/') + 1)..].ToLowerInvariant();
        string purl = $"pkg:oci/{Uri.EscapeDataString(name)}@{Uri.EscapeDataString(digest)}?repository_url={Uri.EscapeDataString(repository.ToLowerInvariant())}";
        return tag.Length == 0 ? purl : $"{purl}&tag={Uri.EscapeDataString(tag)}";
    }

    private void WriteComponents()
    {
        _json.WriteStartArray("components");
        if (_report.Distribution is { } distribution)
        {
            _json.WriteStartObject();
            _json.WriteString("type", "operating-system");
            _json.WriteString("bom-ref", DistributionReference);
            _json.WriteString("name", distribution.Id);
            _json.WriteOptional("version", distribution.Version);
            _json.WriteOptional("description", distribution.PrettyName);
            _json.WriteStartArray("properties");
            Property("plimsoll:claimedBy", distribution.Source);
            _json.WriteEndArray();
            _json.WriteEndObject();
        }
        HashSet<string> written = [];
        foreach (InstalledPackage package in _report.Packages.Concat(_report.Findings.Select(f => f.Package)))
            if (written.Add(_references[Key(package)]))
                WriteComponent(package);
        _json.WriteEndArray();
    }

    private void WriteComponent(InstalledPackage installed)
    {
        _json.WriteStartObject();
        _json.WriteString("type", "library");
        _json.WriteString("bom-ref", _references[Key(installed)]);
        if (installed.Package.Maintainer is { Length: > 0 } maintainer)
        {
            _json.WriteStartObject("supplier");
            _json.WriteString("name", maintainer);
            _json.WriteEndObject();
        }
        _json.WriteString("name", installed.Package.Name);
        _json.WriteString("version", installed.Package.Version);
        WriteLicences(installed.Package.Licences);
        _json.WriteOptional("purl", installed.Purl);
        _json.WriteStartArray("properties");
        Property("plimsoll:layer:index", installed.Origin.Layer.ToString(CultureInfo.InvariantCulture));
        Property("plimsoll:layer:diffId", installed.Origin.DiffId);
        Property("plimsoll:srcName", installed.Package.SourceName);
        Property("plimsoll:srcVersion", installed.Package.SourceVersion);
        Property("plimsoll:path", installed.Path);
        Property("plimsoll:inner", installed.Package.Inner);
        Property("plimsoll:arch", installed.Package.Architecture);
        Property("plimsoll:evidence", installed.Package.Evidence.Word());
        if (installed.Package.Development)
            Property("plimsoll:development", "true");
        Property("plimsoll:module", installed.Package.Module);
        Property("plimsoll:ownedBy", installed.OwnedBy);
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    /// <summary>The schema takes either one expression alone or a list of ids and names.</summary>
    private void WriteLicences(IReadOnlyList<string> licences)
    {
        if (licences.Count == 0)
            return;
        _json.WriteStartArray("licenses");
        if (licences.Count == 1 && SpdxLicences.IsExpression(licences[0]))
        {
            _json.WriteStartObject();
            _json.WriteString("expression", licences[0]);
            _json.WriteEndObject();
        }
        else
            foreach (string licence in licences)
            {
                _json.WriteStartObject();
                _json.WriteStartObject("license");
                if (SpdxLicences.FindId(licence) is { } id)
                    _json.WriteString("id", id);
                else
                    _json.WriteString("name", licence);
                _json.WriteEndObject();
                _json.WriteEndObject();
            }
        _json.WriteEndArray();
    }

    private void WriteDependencies()
    {
        _json.WriteStartArray("dependencies");
        _json.WriteStartObject();
        _json.WriteString("ref", RootReference);
        _json.WriteList("dependsOn", (_report.Distribution is null ? [] : (string[])[DistributionReference])
            .Concat(_report.Packages.Select(p => _references[Key(p)])).Distinct(StringComparer.Ordinal));
        _json.WriteEndObject();
        _json.WriteEndArray();
    }

    // One flaw may be rated or suppressed for one package and not for another; those are entries of their own.
    private static object SameFlaw(Finding finding) =>
        (finding.Id, finding.Severity, finding.Score, finding.SeverityFrom, finding.Suppressed, finding.KnownExploited, finding.Title, finding.Epss, finding.Malicious);

    private void WriteVulnerability(List<Finding> findings)
    {
        Finding first = findings[0];
        _json.WriteStartObject();
        _json.WriteString("id", first.Id);
        WriteSource(first.Matches.Count > 0 ? first.Matches[0].AdvisoryId : first.Id, first.FromStarterSet);
        WriteAliases(first);
        WriteRating(first);
        _json.WriteOptional("description", first.Title);
        List<string> advice = [.. findings.Where(f => f.FixedVersion is not null)
            .Select(f => $"upgrade {f.Package.Package.Name} to {f.FixedVersion}").Distinct(StringComparer.Ordinal)];
        if (advice.Count > 0)
            _json.WriteString("recommendation", string.Join("; ", advice));
        WriteAdvisories(first);
        if (DateTimeOffset.TryParse(first.Published, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset published))
            _json.WriteString("published", published.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
        WriteAnalysis(first.Suppressed);
        WriteAffects(findings);
        _json.WriteStartArray("properties");
        foreach (Finding finding in findings)
            Property("plimsoll:fingerprint", finding.Fingerprint);
        Property("plimsoll:knownExploited", first.KnownExploited);
        Property("plimsoll:severityFrom", first.SeverityFrom);
        if (first.Epss is { } epss)
        {
            Property("plimsoll:epss:probability", epss.Probability.ToString("R", CultureInfo.InvariantCulture));
            Property("plimsoll:epss:percentile", epss.Percentile.ToString("R", CultureInfo.InvariantCulture));
        }
        if (first.Malicious)
            Property("plimsoll:malicious", "true");
        if (first.FromStarterSet)
            Property("plimsoll:fromStarterSet", "true");
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    private void WriteSource(string advisory, bool starterSet)
    {
        _json.WriteStartObject("source");
        _json.WriteString("name", starterSet ? "plimsoll starter set" : "OSV");
        if (!starterSet)
            _json.WriteString("url", $"https://osv.dev/vulnerability/{Uri.EscapeDataString(advisory)}");
        _json.WriteEndObject();
    }

    private void WriteAliases(Finding finding)
    {
        if (finding.Aliases.Count == 0)
            return;
        _json.WriteStartArray("references");
        foreach (string alias in finding.Aliases)
        {
            _json.WriteStartObject();
            _json.WriteString("id", alias);
            WriteSource(alias, finding.FromStarterSet);
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
    }

    private void WriteRating(Finding finding)
    {
        _json.WriteStartArray("ratings");
        _json.WriteStartObject();
        if (finding.SeverityFrom is { } from)
        {
            _json.WriteStartObject("source");
            _json.WriteString("name", from);
            _json.WriteEndObject();
        }
        if (finding.Score is { } score && double.IsFinite(score))
            _json.WriteNumber("score", score);
        // CycloneDX has no "negligible"; "info" is its level below low.
        _json.WriteString("severity", finding.Severity == Severity.Negligible ? "info" : finding.Severity.Word());
        if (finding.Score is not null)
            _json.WriteString("method", finding.SeverityFrom switch
            {
                { } f when f.StartsWith("CVSS 4", StringComparison.Ordinal) => "CVSSv4",
                { } f when f.StartsWith("CVSS 3.1", StringComparison.Ordinal) => "CVSSv31",
                { } f when f.StartsWith("CVSS 3", StringComparison.Ordinal) => "CVSSv3",
                { } f when f.StartsWith("CVSS 2", StringComparison.Ordinal) => "CVSSv2",
                _ => "other",
            });
        _json.WriteEndObject();
        _json.WriteEndArray();
    }

    private void WriteAdvisories(Finding finding)
    {
        // The schema asks for IRI references; other text is in the JSON report.
        List<string> urls = [.. finding.References.Where(r => Uri.TryCreate(r, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https")
            .Select(r => new Uri(r).AbsoluteUri).Distinct(StringComparer.Ordinal)];
        if (urls.Count == 0)
            return;
        _json.WriteStartArray("advisories");
        foreach (string url in urls)
        {
            _json.WriteStartObject();
            _json.WriteString("url", url);
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
    }

    /// <summary>
    /// A suppression without a status says that somebody judged the finding, not how: "not affected" would be a claim nobody
    /// made, so the state is "in triage" and the detail gives reason, owner and end. What VEX says is passed on.
    /// </summary>
    private void WriteAnalysis(Suppression? suppression)
    {
        if (suppression is null)
            return;
        string owner = suppression.Owner is { } name ? $"; owner: {name}" : "";
        string end = suppression.Expires is { } day ? $"; until {day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}" : "";
        _json.WriteStartObject("analysis");
        _json.WriteString("state", suppression.Status switch { "not_affected" => "not_affected", "fixed" => "resolved", _ => "in_triage" });
        // CycloneDX has words of its own; only those that mean the same are taken.
        if (suppression is { Status: "not_affected", Justification: { } justification })
            _json.WriteOptional("justification", justification switch
            {
                "component_not_present" or "vulnerable_code_not_present" => "code_not_present",
                "vulnerable_code_not_in_execute_path" => "code_not_reachable",
                "inline_mitigations_already_exist" => "protected_by_mitigating_control",
                _ => null,
            });
        _json.WriteString("detail", $"suppressed: {suppression.Reason}{owner}{end}; {suppression.Source}");
        _json.WriteEndObject();
    }

    private void WriteAffects(List<Finding> findings)
    {
        _json.WriteStartArray("affects");
        HashSet<string> written = [];
        foreach (Finding finding in findings)
        {
            string reference = _references[Key(finding.Package)];
            if (!written.Add(reference))
                continue;
            _json.WriteStartObject();
            _json.WriteString("ref", reference);
            _json.WriteStartArray("versions");
            Version(finding.Package.Package.Version, "affected");
            if (finding.FixedVersion is { } fix)
                Version(fix, "unaffected");
            _json.WriteEndArray();
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
    }

    private void Version(string version, string status)
    {
        _json.WriteStartObject();
        _json.WriteString("version", version);
        _json.WriteString("status", status);
        _json.WriteEndObject();
    }

    private void Property(string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return;
        _json.WriteStartObject();
        _json.WriteString("name", name);
        _json.WriteString("value", value);
        _json.WriteEndObject();
    }
}
