namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Severity levels, low to high; unknown is a level of its own, not "low".</summary>
public enum Severity
{
    Unknown = 0,
    Negligible,
    Low,
    Medium,
    High,
    Critical,
}

/// <summary>One OSV record, as far as it is kept. Source: OSV schema 1.7.</summary>
public sealed record Advisory
{
    /// <summary>The record's own id: <c>DSA-5678-1</c>, <c>ALPINE-CVE-2020-7471</c>, <c>GHSA-…</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Ids of the same flaw (OSV's aliases).</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Flaws this record carries downstream (OSV's upstream): Debian lists its CVEs here.</summary>
    public IReadOnlyList<string> Upstream { get; init; } = [];
    public string Summary { get; init; } = "";

    /// <summary>RFC 3339, as in the record; empty when absent.</summary>
    public string Published { get; init; } = "";
    public string Modified { get; init; } = "";

    /// <summary>CVSS vectors as in the record: type (<c>CVSS_V3</c>) and vector.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Cvss { get; init; } = [];

    /// <summary>A word for the severity given by the record's source (database_specific.severity), or null.</summary>
    public string? SeverityWord { get; init; }
    public IReadOnlyList<string> References { get; init; } = [];

    /// <summary>The database the record came in: <c>Debian</c>, <c>Alpine</c>, or <c>starter</c>.</summary>
    public required string Source { get; init; }
}

/// <summary>One element of an OSV record's <c>affected</c>, for one package of one ecosystem.</summary>
public sealed record Affected
{
    /// <summary>The record that this is an element of.</summary>
    public Advisory Advisory
    {
        get => field ??= LoadAdvisory();
        init;
    }

    /// <summary>Fetches the record when it is first asked for: of most records nobody asks more than the range.</summary>
    internal Func<Advisory> LoadAdvisory { private get; init; } = () => throw new InvalidOperationException("an Affected without its Advisory");

    /// <summary>With release: <c>Debian:11</c>, <c>Alpine:v3.18</c>.</summary>
    public required string Ecosystem { get; init; }

    /// <summary>For Debian and Alpine the source package.</summary>
    public required string Package { get; init; }
    public IReadOnlyList<AffectedRange> Ranges { get; init; } = [];

    /// <summary>Versions listed one by one.</summary>
    public IReadOnlyList<string> Versions { get; init; } = [];

    /// <summary>ecosystem_specific or database_specific urgency or severity word, e.g. Debian's <c>unimportant</c>; or null.</summary>
    public string? Urgency { get; init; }
}

/// <summary>A range of OSV type ECOSYSTEM or SEMVER: its events in the record's order.</summary>
public sealed record AffectedRange(string Type, IReadOnlyList<RangeEvent> Events);

/// <param name="Kind"><c>introduced</c>, <c>fixed</c>, <c>last_affected</c> or <c>limit</c>.</param>
public readonly record struct RangeEvent(string Kind, string Version);

/// <summary>State and age of an advisory database; part of every report.</summary>
public sealed record DatabaseInfo
{
    /// <summary>False for the built-in starter set, which never counts as a database.</summary>
    public required bool IsDatabase { get; init; }

    /// <summary>Raised by one at each update; an import with a lower one is refused.</summary>
    public long Counter { get; init; }

    /// <summary>When it was made, UTC; the newest <c>modified</c> for the starter set.</summary>
    public DateTimeOffset Created { get; init; }
    public int Records { get; init; }

    /// <summary>SHA-256 over the records' content in order, so that two databases can be told apart or found equal.</summary>
    public string Digest { get; init; } = "";
    public IReadOnlyList<string> Ecosystems { get; init; } = [];

    /// <summary>Catalogue version of CISA's known exploited vulnerabilities, or null when there is none.</summary>
    public string? KevVersion { get; init; }

    /// <summary>Date of FIRST's EPSS table as it states it, or null when there is none.</summary>
    public string? EpssDate { get; init; }
}

/// <summary>Advisories that can be asked by package. Thread safe.</summary>
public interface IAdvisoryStore : IDisposable
{
    DatabaseInfo Info { get; }

    /// <summary>Whether any record speaks of this ecosystem with release (<c>Debian:11</c>).</summary>
    bool Covers(string ecosystem);

    /// <summary>All records on a package, in ordinal order of advisory id; withdrawn ones are not kept.</summary>
    IReadOnlyList<Affected> Find(string ecosystem, string package);

    /// <summary>Records of any ecosystem whose id, alias or upstream is this id (for severities and joins).</summary>
    IReadOnlyList<Advisory> FindById(string id);

    /// <summary>Every element of a record that this store gave, in ordinal order of ecosystem and package.</summary>
    IReadOnlyList<Affected> FindAffected(Advisory advisory) => [];

    /// <summary>Date added to CISA's catalogue of known exploited vulnerabilities (<c>2021-12-10</c>), or null.</summary>
    string? FindKnownExploited(string cve);

    /// <summary>The CVE's row of FIRST's EPSS table, or null.</summary>
    Epss? FindEpss(string cve) => null;
}
