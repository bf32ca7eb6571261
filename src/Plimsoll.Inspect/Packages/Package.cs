namespace Plimsoll.Inspect.Packages;

/// <summary>A package as one package database of an image lists it.</summary>
public sealed record Package
{
    /// <summary>purl type, which also names the version order: <c>deb</c>, <c>apk</c>.</summary>
    public required string Type { get; init; }
    public required string Name { get; init; }

    /// <summary>As the database writes it, epoch and revision included.</summary>
    public required string Version { get; init; }
    public string Architecture { get; init; } = "";

    /// <summary>Source package; equals <see cref="Name"/> where the database names none. Debian's and Alpine's advisories speak of these.</summary>
    public required string SourceName { get; init; }
    public required string SourceVersion { get; init; }
    public string? Maintainer { get; init; }

    /// <summary>As declared by the package: SPDX expression or the distribution's short name; empty when it does not say.</summary>
    public IReadOnlyList<string> Licences { get; init; } = [];
}

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
