namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>What <see cref="DatabaseUpdate"/> shall do.</summary>
public sealed record UpdateOptions
{
    /// <summary>The public OSV bucket.</summary>
    public const string PublicSource = "https://osv-vulnerabilities.storage.googleapis.com";

    /// <summary>Where CISA publishes its catalogue.</summary>
    public const string PublicKev = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";

    /// <summary>Ecosystems that the scanner can match, as the public bucket names them: taken when none is named, as far as the source has them.</summary>
    /// <remarks>All that <see cref="Release"/> and <see cref="OsvEcosystems"/> name; a test holds the lists together.</remarks>
    public static IReadOnlyList<string> DefaultEcosystems { get; } =
    [
        "AlmaLinux", "Alpaquita", "Alpine", "Azure Linux", "CRAN", "Chainguard", "Debian", "Echo", "Go", "Hackage", "Hex", "Mageia", "Maven", "MinimOS",
        "NuGet", "Packagist", "Photon OS", "Pub", "PyPI", "Red Hat", "Rocky Linux", "RubyGems", "SUSE", "SwiftURL", "Ubuntu", "Wolfi", "crates.io", "npm",
        "openEuler", "openSUSE",
    ];

    /// <summary>Taken of a source that does not list what it has: each of them must be there.</summary>
    public static IReadOnlyList<string> UnlistedEcosystems { get; } = ["Alpine", "Debian"];

    /// <summary>The file to replace.</summary>
    public required string DatabasePath { get; init; }

    /// <summary>An address, a folder or a zip.</summary>
    public string Source { get; init; } = PublicSource;

    /// <summary>Without release; empty for <see cref="DefaultEcosystems"/>, as far as the source has them.</summary>
    public IReadOnlyList<string> Ecosystems { get; init; } = [];
    public bool AllEcosystems { get; init; }

    /// <summary>Address or file of the catalogue of known exploited vulnerabilities; null for the source's own.</summary>
    public string? Kev { get; init; }
    /// <summary>Address or file of FIRST's EPSS table, CSV or its gzip; null keeps what is in use.</summary>
    public string? Epss { get; init; }
    public bool AllowOlder { get; init; }
    public OsvLimits Limits { get; init; } = OsvLimits.Default;
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How long a server may send nothing.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>How far an update is.</summary>
/// <param name="Step"><c>download</c> (bytes), <c>read</c> (records), <c>keep</c> or <c>write</c>.</param>
/// <param name="Total">0 when unknown.</param>
public readonly record struct UpdateProgress(string Step, string What, long Done, long Total);

/// <summary>One ecosystem that an update replaced.</summary>
public sealed record EcosystemUpdate(string Name, int Records, int Withdrawn, int Malformed);

/// <summary>What an update did.</summary>
public sealed record UpdateResult
{
    public required DatabaseInfo Info { get; init; }
    public required IReadOnlyList<EcosystemInfo> Replaced { get; init; }

    /// <summary>Ecosystems taken over from the database that was in use.</summary>
    public required IReadOnlyList<string> Kept { get; init; }
    public int Read { get; init; }
    public int Withdrawn { get; init; }
    public int Malformed { get; init; }

    /// <summary>The first few, with what is wrong.</summary>
    public IReadOnlyList<string> MalformedNames { get; init; } = [];
    public IReadOnlyList<UpdateNote> Notes { get; init; } = [];
}

/// <summary>Something that did not stop an update and should be known.</summary>
/// <param name="Code"><c>kev-failed</c>, <c>kev-older</c>, <c>epss-older</c>, <c>ecosystem-absent</c> or <c>database-was-unusable</c>.</param>
public sealed record UpdateNote(string Code, string Detail);
