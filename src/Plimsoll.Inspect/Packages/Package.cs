namespace Plimsoll.Inspect.Packages;

/// <summary>A package as one package database of an image lists it.</summary>
public sealed record Package
{
    /// <summary>
    /// purl type, which also names the version order: <c>deb</c>, <c>apk</c>, <c>rpm</c>, <c>npm</c>, <c>pypi</c>,
    /// <c>maven</c>, <c>golang</c>, <c>cargo</c>, <c>nuget</c>, <c>gem</c>, <c>composer</c>, <c>pub</c>, <c>hex</c>,
    /// <c>swift</c>, <c>cocoapods</c>, <c>conda</c>, <c>alpm</c>, <c>ebuild</c>; <c>generic</c> for a program known by its version string alone.
    /// </summary>
    public required string Type { get; init; }

    /// <summary>As the ecosystem's advisories write it: <c>@scope/name</c>, <c>group:artifact</c>, a Go module's path.</summary>
    public required string Name { get; init; }

    /// <summary>As the database writes it, epoch and revision included; <c>epoch:version-release</c> for rpm.</summary>
    public required string Version { get; init; }
    public string Architecture { get; init; } = "";

    /// <summary>Source package; equals <see cref="Name"/> where the database names none. Debian's and Alpine's advisories speak of these.</summary>
    public required string SourceName { get; init; }
    public required string SourceVersion { get; init; }
    public string? Maintainer { get; init; }

    /// <summary>As declared by the package: SPDX expression or the distribution's short name; empty when it does not say.</summary>
    public IReadOnlyList<string> Licences { get; init; } = [];

    /// <summary>How strongly the image shows that the package is there.</summary>
    public PackageEvidence Evidence { get; init; }

    /// <summary>Path within the archive that holds it, the parts of nested ones joined by <c>!/</c>; null for a package that is no part of an archive.</summary>
    public string? Inner { get; init; }

    /// <summary>
    /// Wanted only while the program is made: a lock file says so, and nothing shows it installed. Stays in the inventory;
    /// matching is to give no finding on it unless asked.
    /// </summary>
    public bool Development { get; init; }

    /// <summary>rpm's module with its stream, <c>nodejs:18</c>; null outside modules.</summary>
    public string? Module { get; init; }

    /// <summary>Whether a distribution's own package manager installed it, so that the release's advisories speak of it.</summary>
    public bool IsOfDistribution => Type is "deb" or "apk" or "rpm" or "alpm" or "ebuild";
}

/// <summary>What shows that a package is in an image.</summary>
public enum PackageEvidence : byte
{
    /// <summary>A package manager's record, or the package's own files.</summary>
    Installed = 0,
    /// <summary>A lock file names it; whether it was installed is not known.</summary>
    LockFile,
    /// <summary>What a compiler wrote into a program: Go's build information, Rust's audit section, .NET's deps.json.</summary>
    Program,
    /// <summary>A version string in a well-known program that no package brought.</summary>
    VersionString,
}

/// <summary>A file that a distribution's package says it brought, with the checksum its own list gives.</summary>
/// <param name="Path">Relative to the image's root.</param>
/// <param name="Checksum">Hex, lower case: MD5 (dpkg), SHA-1 (apk) or SHA-256 and others (rpm), told apart by length.</param>
/// <param name="Package">Name of the package.</param>
public sealed record OwnedFile(string Path, string Checksum, string Package);

/// <summary>What an image says it is (os-release and its relatives): claimed, not proved.</summary>
public sealed record Distribution
{
    /// <summary>os-release's ID in lower case: <c>debian</c>, <c>alpine</c>, <c>ubuntu</c> …</summary>
    public required string Id { get; init; }

    /// <summary>VERSION_ID as claimed: <c>11</c>, <c>3.18.4</c>; empty for rolling releases and debian sid.</summary>
    public string Version { get; init; } = "";
    public string? PrettyName { get; init; }
    public IReadOnlyList<string> Like { get; init; } = [];

    /// <summary>The file that said so, relative to the image's root.</summary>
    public required string Source { get; init; }
}
