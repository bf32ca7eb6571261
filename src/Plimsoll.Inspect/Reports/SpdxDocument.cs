using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Reports;

/// <summary>A report as an SPDX 2.3 document, before it is written as JSON or as tags. Source: SPDX specification 2.3.</summary>
internal sealed record SpdxDocument
{
    public const string Nothing = "NOASSERTION";
    public const string DocumentId = "SPDXRef-DOCUMENT";
    public const string ImageId = "SPDXRef-Image";

    public required string Name { get; init; }
    public required string Namespace { get; init; }
    public required string Created { get; init; }
    public required string Creator { get; init; }
    public required string? Comment { get; init; }
    public required IReadOnlyList<SpdxPackage> Packages { get; init; }

    /// <summary>Licences that are not on SPDX's list: reference to name.</summary>
    public required IReadOnlyDictionary<string, string> Licences { get; init; }

    public static SpdxDocument Of(Report report)
    {
        SortedDictionary<string, string> licences = new(StringComparer.Ordinal);
        List<SpdxPackage> packages = [ImageOf(report)];
        if (report.Distribution is { } distribution)
            packages.Add(new SpdxPackage
            {
                Id = "SPDXRef-OperatingSystem",
                Name = NotEmpty(distribution.Id),
                Version = distribution.Version,
                Purpose = "OPERATING_SYSTEM",
                Properties = [$"claimedBy: {distribution.Source}"],
            });
        HashSet<string> ids = new(StringComparer.Ordinal);
        foreach (InstalledPackage package in report.Packages)
            packages.Add(PackageOf(package, ids, licences));
        string name = NotEmpty(ReportIds.NameOf(report));
        SpdxDocument draft = new()
        {
            Name = name,
            Namespace = "",
            Created = "",
            Creator = $"Tool: plimsoll-{report.ToolVersion}",
            Comment = CommentOf(report),
            Packages = packages,
            Licences = licences,
        };
        using MemoryStream content = new();
        SpdxJsonReport.Write(content, draft);
        return draft with
        {
            // A name that nobody else can take, equal for equal content; SPDX asks for a URI without a fragment.
            Namespace = $"https://spdx.org/spdxdocs/plimsoll/{Uri.EscapeDataString(name)}-{ReportIds.UuidOf(content.GetBuffer().AsSpan(0, (int)content.Length)):D}",
            Created = ReportIds.Time(report.Time),
        };
    }

    private static string? CommentOf(Report report)
    {
        List<string> lines = [];
        if (!report.Verified)
            lines.Add(report.Bom is { } bom ? $"made from {bom}" : "no digest of the image was checked");
        lines.AddRange(report.Gaps.Select(g => $"not wholly looked at: {ReportTexts.Of(g, Texts.Language.English)}"));
        return lines.Count == 0 ? null : string.Join('\n', lines);
    }

    private static SpdxPackage ImageOf(Report report) => new()
    {
        Id = ImageId,
        Name = NotEmpty(ReportIds.NameOf(report)),
        Version = report.ManifestDigest ?? report.ConfigDigest ?? "",
        Purpose = "CONTAINER",
        Purl = ReportIds.ImagePurl(report),
        Checksum = ReportIds.DigestOf(report) is { } digest ? digest : null,
        Properties =
        [
            .. Property("platform", report.Platform), .. Property("indexDigest", report.IndexDigest), .. Property("configDigest", report.ConfigDigest),
            .. report.Layers.Select(l => $"layer: {l.Index} {l.DiffId}".TrimEnd()),
        ],
    };

    private static SpdxPackage PackageOf(InstalledPackage installed, HashSet<string> ids, SortedDictionary<string, string> licences)
    {
        Package package = installed.Package;
        string key = string.Join('\n', installed.Purl, Words.PlaceOf(installed), package.Name, package.Version, package.Architecture);
        string stem = $"SPDXRef-Package-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 8))}", id = stem;
        for (int n = 2; !ids.Add(id); n++)
            id = $"{stem}-{n}";
        bool source = package.SourceName != package.Name || package.SourceVersion != package.Version;
        return new SpdxPackage
        {
            Id = id,
            Name = NotEmpty(package.Name),
            Version = package.Version,
            Purpose = "LIBRARY",
            Purl = installed.Purl.Length > 0 ? installed.Purl : null,
            Supplier = string.IsNullOrWhiteSpace(package.Maintainer) ? null : $"Organization: {package.Maintainer}",
            Licence = LicenceOf(package.Licences, licences),
            SourceInfo = source ? $"built package from: {package.SourceName} {package.SourceVersion}" : null,
            Development = package.Development,
            Properties =
            [
                .. Property("type", package.Type), .. Property("path", installed.Path), .. Property("inner", package.Inner),
                .. Property("arch", package.Architecture), .. Property("evidence", package.Evidence.Word()), .. Property("module", package.Module),
                .. Property("ownedBy", installed.OwnedBy), $"layer: {installed.Origin.Layer.ToString(CultureInfo.InvariantCulture)} {installed.Origin.DiffId}".TrimEnd(),
            ],
        };
    }

    private static IEnumerable<string> Property(string name, string? value) => string.IsNullOrEmpty(value) ? [] : [$"{name}: {value.ReplaceLineEndings(" ")}"];

    /// <summary>One expression of ids on SPDX's list and references to others, joined by AND.</summary>
    private static string LicenceOf(IReadOnlyList<string> names, SortedDictionary<string, string> licences)
    {
        if (names.Count == 0)
            return Nothing;
        List<string> parts = [];
        foreach (string name in names)
        {
            string part = SpdxLicences.FindId(name) ?? (SpdxLicences.IsExpression(name) ? names.Count == 1 ? name : $"({name})" : "");
            if (part.Length == 0)
            {
                part = $"LicenseRef-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 8))}";
                licences.TryAdd(part, name);
            }
            if (!parts.Contains(part, StringComparer.Ordinal))
                parts.Add(part);
        }
        return string.Join(" AND ", parts);
    }

    private static string NotEmpty(string text) => text.Length > 0 ? text : "unknown";
}

/// <summary>One package of an SPDX document.</summary>
internal sealed record SpdxPackage
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public string Version { get; init; } = "";

    /// <summary>As the JSON schema writes it: <c>OPERATING_SYSTEM</c>; the tags have a hyphen there.</summary>
    public required string Purpose { get; init; }
    public string? Purl { get; init; }
    public string? Supplier { get; init; }
    public string Licence { get; init; } = SpdxDocument.Nothing;
    public string? SourceInfo { get; init; }
    public (string Algorithm, string Hex)? Checksum { get; init; }
    public bool Development { get; init; }

    /// <summary>What SPDX has no field for, as <c>name: value</c>; written as attribution texts, as other tools do.</summary>
    public IReadOnlyList<string> Properties { get; init; } = [];
}
