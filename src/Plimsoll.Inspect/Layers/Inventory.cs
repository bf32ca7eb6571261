using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Layers;

/// <summary>Where in an image something came from or went.</summary>
/// <param name="Layer">0 is the base layer.</param>
/// <param name="DiffId">Text form; null for a folder.</param>
/// <param name="CreatedBy">The history line that made the layer; null when the image has none.</param>
public sealed record Origin(int Layer, string? DiffId, string? CreatedBy);

/// <summary>A package of an image, and the layer that first brought it.</summary>
public sealed record InstalledPackage
{
    public required Package Package { get; init; }

    /// <summary>The file that lists it.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// Where it is the only one of its name: the folder that holds wheels, gems or conda's records, whose paths name the version, else
    /// as <see cref="Path"/>; empty for a distribution's. Stays the same when the package is upgraded there.
    /// </summary>
    public string Place { get; init; } = "";

    /// <summary><see cref="IAnalyser.Id"/> of who read it.</summary>
    public required string Analyser { get; init; }

    /// <summary>The lowest layer since which this version has been there without a break.</summary>
    public required Origin Origin { get; init; }

    /// <summary>The layer that removed or replaced it; null while it is installed.</summary>
    public Origin? RemovedBy { get; init; }

    /// <summary>The version that took its place in that layer, or null.</summary>
    public string? ReplacedBy { get; init; }
    public required string Purl { get; init; }

    /// <summary>
    /// The distribution's package whose own checksum list holds this file, <c>deb/python3-yaml</c>: its distribution, not the
    /// language's advisories, says what is fixed. Null for all else.
    /// </summary>
    public string? OwnedBy { get; init; }
}

/// <summary>A layer as the report shows it.</summary>
public sealed record LayerSummary(int Index, string? DiffId, string? BlobDigest, string? CreatedBy, long TarBytes, long Entries, bool FromCache);

/// <summary>What an image holds once all its layers are laid over each other. Lists are in ordinal order of name, version, path.</summary>
public sealed record Inventory
{
    public Distribution? Distribution { get; init; }
    public IReadOnlyList<InstalledPackage> Packages { get; init; } = [];

    /// <summary>Packages that a lower layer had and the image no longer has.</summary>
    public IReadOnlyList<InstalledPackage> Removed { get; init; } = [];

    /// <summary>What the checks' analysers found, in sight and removed; by path, line and rule.</summary>
    public IReadOnlyList<FileHit> Hits { get; init; } = [];
    public IReadOnlyList<LayerSummary> Layers { get; init; } = [];
    public IReadOnlyList<Gap> Gaps { get; init; } = [];
}
