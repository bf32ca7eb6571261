using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Layers;

/// <summary>What one analyser found in one file of one layer. Immutable; cached by the layer's diffID.</summary>
public sealed record FileFacts
{
    /// <summary>The name the file was found under (a hard link's own name), relative to the image's root.</summary>
    public required string Path { get; init; }

    /// <summary><see cref="IAnalyser.Id"/> of who made these facts.</summary>
    public required string Analyser { get; init; }
    public IReadOnlyList<Package> Packages { get; init; } = [];
    public Distribution? Distribution { get; init; }

    /// <summary>Licences of a package that another file lists, e.g. from Debian's copyright files: package name to licences.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? LicencesOf { get; init; }

    /// <summary>Files that a distribution's package claims, as far as an analyser of languages or programs may want them.</summary>
    public IReadOnlyList<OwnedFile> Owned { get; init; } = [];

    /// <summary>Hex checksums of the file (MD5, SHA-1, SHA-256 in this order), to be held against <see cref="Owned"/>; empty where nobody asks.</summary>
    public IReadOnlyList<string> Checksums { get; init; } = [];

    /// <summary>What rules found in it, for the check that its analyser belongs to.</summary>
    public IReadOnlyList<Hit> Hits { get; init; } = [];

    /// <summary>What could not be read in this file; each makes the report partial.</summary>
    public IReadOnlyList<Gap> Gaps { get; init; } = [];
}

/// <summary>Something that was not or not wholly looked at, so that the report is partial.</summary>
/// <param name="Code">Stable name, kebab-case: <c>package-database-corrupt</c>, <c>file-too-large</c>, <c>path-leaves-root</c> …</param>
/// <param name="Where">Path or entry; untrusted text.</param>
/// <param name="Detail">English: what was seen and what was wanted; untrusted text inside is quoted.</param>
public sealed record Gap(string Code, string Where, string Detail);

/// <summary>Everything that composing an image needs of one layer. Immutable; a function of the layer's bytes and the analysers' versions.</summary>
public sealed record LayerFacts
{
    public IReadOnlyList<FileFacts> Files { get; init; } = [];

    /// <summary>Paths that this layer deletes from those below it (from <c>.wh.NAME</c>).</summary>
    public IReadOnlyList<string> Whiteouts { get; init; } = [];

    /// <summary>Folders whose lower content this layer hides (from <c>.wh..wh..opq</c>).</summary>
    public IReadOnlyList<string> OpaqueFolders { get; init; } = [];

    /// <summary>
    /// First 16 bytes of the SHA-256 of each path that is no folder, sorted: such an entry hides a lower layer's folder
    /// of that name with all it holds.
    /// </summary>
    public ReadOnlyMemory<PathHash> NonFolders { get; init; }

    /// <summary>
    /// In the same form each path that is a folder: what a lower layer said of the path itself no longer holds, neither of a file there
    /// nor of a folder's mode and owner; what lies below it stays.
    /// </summary>
    public ReadOnlyMemory<PathHash> Folders { get; init; }

    /// <summary>Paths an analyser would want that are folders, links or devices here: they hide a lower layer's file.</summary>
    public IReadOnlyList<string> Displaced { get; init; } = [];

    /// <summary>What this layer has at and above <see cref="IAnalyser.Anchors"/>: a symbolic link's target, or null for a folder.</summary>
    public IReadOnlyDictionary<string, string?> Anchors { get; init; } = new SortedDictionary<string, string?>();
    public IReadOnlyList<Gap> Gaps { get; init; } = [];

    /// <summary>Length of the uncompressed layer tar in bytes; -1 for a folder.</summary>
    public long TarBytes { get; init; } = -1;

    /// <summary>Entries in the layer.</summary>
    public long Entries { get; init; }
}
