using System.Globalization;
using System.Security.Cryptography;
using Plimsoll.Inspect.Layers;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Reports;

/// <summary>Names, times and addresses that several formats write alike.</summary>
public static class ReportIds
{
    /// <summary>RFC 3339 with seconds, UTC.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    /// <summary>A UUID made from content: RFC 9562, version 8, 122 bits of SHA-256.</summary>
    public static Guid UuidOf(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        hash[6] = (byte)(hash[6] & 0x0F | 0x80);
        hash[8] = (byte)(hash[8] & 0x3F | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }

    /// <summary>The first tag, else what the user wrote.</summary>
    public static string NameOf(Report report) => report.Tags.Count > 0 ? report.Tags[0] : report.Image;

    /// <summary><c>pkg:oci/NAME@DIGEST?repository_url=…</c>; null where the image has no manifest digest or no name: purl's oci type needs both.</summary>
    public static string? ImagePurl(Report report)
    {
        if (report.ManifestDigest is not { } digest || report.Tags.Count == 0)
            return null;
        (string repository, string tag) = SplitTag(report.Tags[0]);
        string name = repository[(repository.LastIndexOf('/') + 1)..].ToLowerInvariant();
        string purl = $"pkg:oci/{Uri.EscapeDataString(name)}@{Uri.EscapeDataString(digest)}?repository_url={Uri.EscapeDataString(repository.ToLowerInvariant())}";
        return tag.Length == 0 ? purl : $"{purl}&tag={Uri.EscapeDataString(tag)}";
    }

    /// <summary><c>host:5000/team/app:1.4</c> to repository and tag.</summary>
    public static (string Repository, string Tag) SplitTag(string name)
    {
        int colon = name.LastIndexOf(':');
        return colon > name.LastIndexOf('/') ? (name[..colon], name[(colon + 1)..]) : (name, "");
    }

    /// <summary>Where people read about a flaw.</summary>
    public static string UrlOf(string id) => $"https://osv.dev/vulnerability/{Uri.EscapeDataString(id)}";

    /// <summary>References that are addresses of the web, in normal form, each once.</summary>
    public static IEnumerable<string> WebAddresses(IEnumerable<string> references) =>
        references.Where(r => Uri.TryCreate(r, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https")
            .Select(r => new Uri(r).AbsoluteUri).Distinct(StringComparer.Ordinal);

    /// <summary><c>bash 5.1-2</c>, and for a package of an archive or a language the file it lies in.</summary>
    public static string Describe(InstalledPackage package) => package.Package.IsOfDistribution || package.Path.Length == 0
        ? $"{package.Package.Name} {package.Package.Version}"
        : $"{package.Package.Name} {package.Package.Version} in {Words.PlaceOf(package)}";

    /// <summary>The digest in hex with its algorithm as SPDX and CycloneDX spell it without a hyphen: <c>SHA256</c>.</summary>
    public static (string Algorithm, string Hex)? DigestOf(Report report) =>
        Digest.TryParse(report.ManifestDigest ?? report.ConfigDigest, out Digest? digest) ? (digest.Algorithm.ToUpperInvariant(), digest.Hex) : null;
}
