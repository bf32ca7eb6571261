using Plimsoll.Inspect;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Cli;

/// <summary>What <c>scan</c> and <c>--version</c> ask of the other stages; a test puts its own in.</summary>
public sealed record ScanServices
{
    /// <summary>Scans one image. Throws <see cref="Oci.ImageException"/>.</summary>
    public required Func<string, IAdvisoryStore, ScanOptions, CancellationToken, Report> Scan { get; init; }

    /// <summary>Lists what is in one image, without advisories. Throws <see cref="Oci.ImageException"/>.</summary>
    public Func<string, ScanOptions, CancellationToken, Report> List { get; init; } = Scanner.List;

    /// <summary>Opens the database file of this path. Called only when the file exists. Throws <see cref="CommandException"/>.</summary>
    public required Func<string, IAdvisoryStore> OpenDatabase { get; init; }

    /// <summary>What the second processor may do with the open database until the packages are known, with the format of the first output; null for nothing.</summary>
    public Action<IAdvisoryStore, string>? Rehearse { get; init; }
    public required Func<IAdvisoryStore> OpenStarterSet { get; init; }

    /// <summary>Makes or renews the database of this path from the public bucket; returns an exit code, having said what went wrong.</summary>
    public required Func<string, CancellationToken, Task<int>> UpdateDatabase { get; init; }

    /// <summary>Reads a suppression file. Throws <see cref="CommandException"/> with file and line.</summary>
    public required Func<string, IReadOnlyList<Suppression>> ReadSuppressions { get; init; }

    /// <summary>For "what to upgrade"; null names each fixed version alone.</summary>
    public VersionOrder? VersionOrder { get; init; }
}
