using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Why a finding matched: one OSV record that affects the package.</summary>
public sealed record Match
{
    public required string AdvisoryId { get; init; }
    public required string Ecosystem { get; init; }

    /// <summary>The name the record and the package agree in.</summary>
    public required string Package { get; init; }

    /// <summary>The version that was compared (the source package's for Debian and Alpine).</summary>
    public required string Version { get; init; }

    /// <summary>The range in words of the record: <c>introduced 0, fixed 1.1.1n-0+deb11u4</c>, or <c>listed</c>.</summary>
    public required string Range { get; init; }
    public string? FixedVersion { get; init; }
}

/// <summary>A known vulnerability of one installed package.</summary>
public sealed record Finding
{
    /// <summary>The CVE where there is one, else the record's id. Records that name the same flaw are one finding.</summary>
    public required string Id { get; init; }

    /// <summary>Every other id of the flaw, ordinal order.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];
    public required InstalledPackage Package { get; init; }

    /// <summary>The version that fixes every matching record, or null when one of them knows none.</summary>
    public string? FixedVersion { get; init; }

    /// <summary><c>fixed</c> (upgrade), <c>affected</c> (no fix known), <c>will-not-fix</c>, <c>end-of-life</c>.</summary>
    public required string Status { get; init; }
    public Severity Severity { get; init; }

    /// <summary>Where the severity came from: <c>Debian urgency</c>, <c>CVSS 3.1 of GHSA-…</c>; null when unknown.</summary>
    public string? SeverityFrom { get; init; }

    /// <summary>CVSS base score, where a vector was found.</summary>
    public double? Score { get; init; }
    public string Title { get; init; } = "";
    public string Published { get; init; } = "";
    public IReadOnlyList<string> References { get; init; } = [];

    /// <summary>Date it entered CISA's catalogue of known exploited vulnerabilities, or null.</summary>
    public string? KnownExploited { get; init; }

    /// <summary>Chance of being exploited within 30 days and its rank among all (FIRST's EPSS), each 0 to 1; null when not known.</summary>
    public Epss? Epss { get; init; }

    /// <summary>True for a record on a package that is malicious itself (OSV's <c>MAL-</c>).</summary>
    public bool Malicious { get; init; }

    /// <summary>True when only the built-in starter set knew it.</summary>
    public bool FromStarterSet { get; init; }
    public required IReadOnlyList<Match> Matches { get; init; }

    /// <summary>
    /// 32 hex digits; equal for the same flaw in the same package (type, name, and path of its database) whatever the
    /// version, layer or severity, so that it can be tracked over rebuilds.
    /// </summary>
    public required string Fingerprint { get; init; }
    public Suppression? Suppressed { get; init; }
}

/// <summary>A row of FIRST's EPSS table.</summary>
public readonly record struct Epss(double Probability, double Percentile);

/// <summary>Why a finding does not count.</summary>
public sealed record Suppression
{
    /// <summary>CVE or advisory id or its alias; of a problem its rule or fingerprint.</summary>
    public required string Id { get; init; }

    /// <summary>Package name, or null for every package.</summary>
    public string? Package { get; init; }

    /// <summary>The file that a problem is in, where <c>*</c> stands for anything within a folder and <c>**</c> for anything; null for any. For a vulnerability it is the file that lists the package.</summary>
    public string? Path { get; init; }
    public required string Reason { get; init; }
    public string? Owner { get; init; }

    /// <summary>Last day (UTC) on which it holds; null for ever.</summary>
    public DateOnly? Expires { get; init; }

    /// <summary>File and line it stands in.</summary>
    public required string Source { get; init; }

    /// <summary>
    /// What is said of the product in VEX's words: <c>not_affected</c> or <c>fixed</c>. Null for a suppression that says only
    /// that somebody looked at the finding and accepts it.
    /// </summary>
    public string? Status { get; init; }

    /// <summary>Why it is not affected, one of OpenVEX's five words such as <c>component_not_present</c>; or null.</summary>
    public string? Justification { get; init; }
}
