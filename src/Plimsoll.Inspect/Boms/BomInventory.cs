using System.Globalization;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Boms;

/// <summary>Makes packages of the components of a bill of materials.</summary>
internal sealed class BomInventory(BomContent bom)
{
    // What other tools call a distribution, and what it calls itself in os-release.
    private static readonly Dictionary<string, string> Ids = new(StringComparer.OrdinalIgnoreCase)
    {
        ["redhat"] = "rhel",
        ["amazon"] = "amzn",
        ["amazonlinux"] = "amzn",
        ["oracle"] = "ol",
        ["oraclelinux"] = "ol",
        ["alma"] = "almalinux",
        ["rockylinux"] = "rocky",
        ["opensuse.leap"] = "opensuse-leap",
        ["opensuse.tumbleweed"] = "opensuse-tumbleweed",
        ["suse linux enterprise server"] = "sles",
        ["suse"] = "sles",
        ["cbl-mariner"] = "mariner",
    };

    // Kinds that are no package by nature: without an address they need none.
    private static readonly string[] NoPackages =
        ["operating-system", "container", "file", "data", "machine-learning-model", "cryptographic-asset"];

    private const string Place = "sbom";
    private const int MaxGapsShown = 16;

    // By id and version. A value tuple as key, or sorted by LINQ, would be compiled by the runtime at each start.
    private readonly Dictionary<string, Claim> _claims = new(StringComparer.Ordinal);
    private readonly List<Gap> _gaps = [];
    private long _more;

    public Bom Build()
    {
        List<InstalledPackage> packages = new(bom.Components.Count);
        BomComponent? system = bom.Components.Find(IsSystem) ?? (bom.Subject is { } subject && IsSystem(subject) ? subject : null);
        foreach (BomComponent component in bom.Components)
            if (PackageOf(component) is { } package)
                packages.Add(package);
        List<Claim> claims = InOrder(_claims);
        Distribution? distribution = system is not null ? Named(system) : MostClaimed(claims);
        foreach (Claim claim in claims)
            if (distribution is not null && (claim.Id != distribution.Id || !SameRelease(claim.Version, distribution.Version)))
                Gap("distribution-ambiguous", $"{claim.Id} {claim.Version}".TrimEnd(), $"{claim.Count} packages are said to be of it, and the whole of {distribution.Id} {distribution.Version}; they are matched as the latter");
        packages.Sort((a, b) =>
        {
            int order = string.CompareOrdinal(a.Package.Name, b.Package.Name);
            order = order != 0 ? order : string.CompareOrdinal(a.Package.Version, b.Package.Version);
            order = order != 0 ? order : string.CompareOrdinal(a.Package.Architecture, b.Package.Architecture);
            order = order != 0 ? order : string.CompareOrdinal(a.Path, b.Path);
            return order != 0 ? order : string.CompareOrdinal(a.Purl, b.Purl);
        });
        if (_more > 0)
            _gaps.Add(new Gap("more-of-the-same", Place, $"{_more} more components"));
        return new Bom(bom.Tool is { Length: > 0 } tool ? $"{bom.Format} by {tool}" : bom.Format, bom.Subject?.Name is { Length: > 0 } name ? name : null, DigestOf(bom.Subject),
            new Inventory { Distribution = distribution, Packages = packages, Gaps = [.. bom.Gaps, .. _gaps] }, bom.Vex);
    }

    private static string? DigestOf(BomComponent? subject)
    {
        if (subject is null)
            return null;
        if (Digest.TryParse(subject.Version, out Digest? version))
            return version.ToString();
        return Purl.TryParse(subject.Purl, out PurlParts? purl) && Digest.TryParse(purl.Version, out Digest? digest) ? digest.ToString() : null;
    }

    private static Distribution Named(BomComponent component) => new()
    {
        Id = Id(component.Properties.GetValueOrDefault("syft:distro:id") ?? component.Name),
        Version = component.Properties.GetValueOrDefault("syft:distro:versionID") ?? component.Version ?? "",
        PrettyName = component.Properties.GetValueOrDefault("syft:distro:prettyName"),
        Like = [.. (component.Properties.GetValueOrDefault("syft:distro:idLike:0") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)],
        Source = Place,
    };

    /// <summary>By id, then by version.</summary>
    private static List<Claim> InOrder(Dictionary<string, Claim> claims)
    {
        List<Claim> sorted = new(claims.Count);
        foreach (KeyValuePair<string, Claim> claim in claims)
            sorted.Add(claim.Value);
        sorted.Sort((a, b) => string.CompareOrdinal(a.Id, b.Id) is var byId and not 0 ? byId : string.CompareOrdinal(a.Version, b.Version));
        return sorted;
    }

    private static bool IsSystem(BomComponent component) => component.Kind == "operating-system" && component.Name.Length > 0;

    private static string Id(string name) => Ids.TryGetValue(name, out string? id) ? id : name.ToLowerInvariant();

    /// <summary>What most packages say they are of.</summary>
    private static Distribution? MostClaimed(List<Claim> claims)
    {
        Claim? most = null;
        foreach (Claim claim in claims)
            if (most is null || claim.Count > most.Count)
                most = claim;
        return most is null ? null : new Distribution { Id = most.Id, Version = most.Version, Source = Place };
    }

    // Tools differ in how much of a version they write: 13 and 13.7, 3.18 and 3.18.4.
    private static bool SameRelease(string claimed, string whole) =>
        claimed.Length == 0 || claimed == whole || whole.StartsWith(claimed + ".", StringComparison.Ordinal) || claimed.StartsWith(whole + ".", StringComparison.Ordinal);

    private InstalledPackage? PackageOf(BomComponent component)
    {
        string name = component.Group is { Length: > 0 } group ? $"{group}/{component.Name}" : component.Name;
        if (component.Purl is not { Length: > 0 } text)
        {
            if (!NoPackages.Contains(component.Kind, StringComparer.Ordinal) && !IsLockFile(component))
                Gap("component-without-purl", name, "no package URL says what it is, so no advisory can be asked");
            return null;
        }
        if (!Purl.TryParse(text, out PurlParts? purl))
        {
            Gap("component-unreadable", name, $"{Escape.Quote(text)} is no package URL");
            return null;
        }
        if (purl.Type is "oci" or "docker")
            return null;
        string version = VersionOf(purl, component);
        if (version.Length == 0)
        {
            Gap("component-without-version", purl.PackageName, $"{Escape.Quote(text)} names no version, so no range can be compared");
            return null;
        }
        bool ofDistribution = purl.Type is "deb" or "apk" or "rpm" or "alpm" or "ebuild";
        if (ofDistribution)
            CountClaim(purl);
        (string sourceName, string sourceVersion) = SourceOf(purl, component, version);
        Dictionary<string, string> said = component.Properties;
        return new InstalledPackage
        {
            Package = new Package
            {
                Type = purl.Type,
                Name = purl.PackageName,
                Version = version,
                Architecture = said.GetValueOrDefault("plimsoll:arch") ?? said.GetValueOrDefault("arch") ?? purl.Qualifiers.GetValueOrDefault("arch") ?? "",
                SourceName = sourceName,
                SourceVersion = sourceVersion,
                Maintainer = component.Supplier,
                Licences = component.Licences,
                Evidence = Words.EvidenceOf(said.GetValueOrDefault("plimsoll:evidence") ?? said.GetValueOrDefault("evidence")),
                Inner = said.GetValueOrDefault("plimsoll:inner") ?? said.GetValueOrDefault("inner"),
                Development = said.GetValueOrDefault("plimsoll:development") == "true",
                Module = said.GetValueOrDefault("plimsoll:module") ?? said.GetValueOrDefault("module") ?? said.GetValueOrDefault("aquasecurity:trivy:Modularitylabel") ?? purl.Qualifiers.GetValueOrDefault("rpmmod"),
            },
            Path = PathOf(component, purl.Type),
            Analyser = Place,
            Origin = OriginOf(component),
            Purl = text,
            OwnedBy = said.GetValueOrDefault("plimsoll:ownedBy") ?? said.GetValueOrDefault("ownedBy"),
        };
    }

    /// <summary>Trivy lists each lock file as a component of its own.</summary>
    private static bool IsLockFile(BomComponent component) =>
        component.Kind == "application" && (component.Properties.GetValueOrDefault("aquasecurity:trivy:Class") ?? component.Properties.GetValueOrDefault("Class")) == "lang-pkgs";

    /// <summary>Trivy puts the epoch of Debian's versions too into a qualifier.</summary>
    private static string VersionOf(PurlParts purl, BomComponent component)
    {
        string version = purl.PackageVersion.Length > 0 ? purl.PackageVersion : component.Version ?? "";
        return purl.Type == "deb" && purl.Qualifiers.TryGetValue("epoch", out string? epoch) && epoch != "0" && !version.Contains(':', StringComparison.Ordinal)
            ? $"{epoch}:{version}" : version;
    }

    private void CountClaim(PurlParts purl)
    {
        string distro = purl.Qualifiers.GetValueOrDefault("distro") ?? "";
        string id = purl.Namespace, version = "";
        // "debian-13.7" of Debian, "opensuse-leap-15.4", and the version alone as Trivy writes it for Alpine.
        int digit = -1;
        for (int i = 0; i < distro.Length && digit < 0; i++)
            if (char.IsAsciiDigit(distro[i]) && (i == 0 || distro[i - 1] == '-'))
                digit = i;
        if (digit == 0)
            version = distro;
        else if (digit > 0)
            (id, version) = (distro[..(digit - 1)], distro[digit..]);
        else if (distro.Length > 0)
            id = distro;
        if (id.Length == 0)
            return;
        id = Id(id);
        string key = $"{id}\n{version}";
        if (!_claims.TryGetValue(key, out Claim? claim))
            _claims[key] = claim = new Claim(id, version);
        claim.Count++;
    }

    private static (string Name, string Version) SourceOf(PurlParts purl, BomComponent component, string version)
    {
        Dictionary<string, string> said = component.Properties;
        if (said.GetValueOrDefault("plimsoll:srcName") is { } own)
            return (own, said.GetValueOrDefault("plimsoll:srcVersion") ?? version);
        if (said.GetValueOrDefault("aquasecurity:trivy:SrcName") is { } source)
        {
            string upstream = said.GetValueOrDefault("aquasecurity:trivy:SrcVersion") ?? version;
            if (said.GetValueOrDefault("aquasecurity:trivy:SrcRelease") is { Length: > 0 } release)
                upstream += "-" + release;
            if (said.GetValueOrDefault("aquasecurity:trivy:SrcEpoch") is { Length: > 0 } and not "0" and var epoch)
                upstream = $"{epoch}:{upstream}";
            return (source, upstream);
        }
        if (purl.Qualifiers.TryGetValue("upstream", out string? qualifier))
        {
            int at = qualifier.LastIndexOf('@');
            if (at > 0)
                return (qualifier[..at], qualifier[(at + 1)..]);
            // Syft names the file of an rpm's source: bash-5.1.8-6.el9.src.rpm.
            if (qualifier.EndsWith(".src.rpm", StringComparison.Ordinal) && qualifier[..^8].Split('-') is { Length: >= 3 } parts)
                return (string.Join('-', parts[..^2]), $"{parts[^2]}-{parts[^1]}");
            return (qualifier, version);
        }
        if (component.SourceInfo is { } info && info.StartsWith("built package from: ", StringComparison.Ordinal)
            && info[20..].Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var name, ..] words)
            return (name, words.Length > 1 ? words[1] : version);
        return (purl.PackageName, version);
    }

    /// <summary>A distribution's database has one place, so that findings have the fingerprints of a scan of the image itself.</summary>
    private static string PathOf(BomComponent component, string type)
    {
        Dictionary<string, string> said = component.Properties;
        string path = said.GetValueOrDefault("plimsoll:path") ?? said.GetValueOrDefault("path") ?? type switch
        {
            "deb" => "var/lib/dpkg/status",
            "apk" => "lib/apk/db/installed",
            "rpm" => "var/lib/rpm",
            _ => said.GetValueOrDefault("aquasecurity:trivy:FilePath") ?? said.GetValueOrDefault("syft:location:0:path") ?? "",
        };
        return path.TrimStart('/');
    }

    private static Origin OriginOf(BomComponent component)
    {
        Dictionary<string, string> said = component.Properties;
        string[] ours = (said.GetValueOrDefault("layer") ?? "").Split(' ');
        string? diffId = said.GetValueOrDefault("plimsoll:layer:diffId") ?? (ours.Length > 1 ? ours[1] : null)
            ?? said.GetValueOrDefault("aquasecurity:trivy:LayerDiffID") ?? said.GetValueOrDefault("LayerDiffID") ?? said.GetValueOrDefault("syft:location:0:layerID");
        _ = int.TryParse(said.GetValueOrDefault("plimsoll:layer:index") ?? ours[0], NumberStyles.None, CultureInfo.InvariantCulture, out int layer);
        return new Origin(layer, Digest.TryParse(diffId, out Digest? digest) ? digest.ToString() : null, null);
    }

    private void Gap(string code, string where, string detail)
    {
        if (_gaps.Count < MaxGapsShown)
            _gaps.Add(new Gap(code, where.Length > Escape.MaxShown ? where[..Escape.MaxShown] : where, detail));
        else
            _more++;
    }

    /// <summary>What packages say that they are of, and how many do.</summary>
    private sealed class Claim(string id, string version)
    {
        public string Id => id;
        public string Version => version;
        public int Count { get; set; }
    }
}
