using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;

namespace Plimsoll.Inspect;

/// <summary>How an image is scanned.</summary>
public sealed record ScanOptions
{
    public Platform? Platform { get; init; }
    public Verification Verification { get; init; }
    public IReadOnlyList<Suppression> Suppressions { get; init; } = [];

    /// <summary>Folder of the layer cache; null uses none.</summary>
    public string? CacheFolder { get; init; }
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public IProgress<ScanProgress>? Progress { get; init; }
    public string ToolVersion { get; init; } = "";

    /// <summary>Layers read at once.</summary>
    public int Parallelism { get; init; } = Environment.ProcessorCount;
}

/// <param name="Phase"><c>open</c>, <c>layers</c> or <c>match</c>.</param>
/// <param name="BytesTotal">0 where it is not known.</param>
public sealed record ScanProgress(string Phase, int LayersDone, int LayersTotal, long BytesDone, long BytesTotal);

public static class Scanner
{
    /// <exception cref="ImageException">The image could not be read.</exception>
    public static Report Scan(string image, IAdvisoryStore store, ScanOptions options, CancellationToken cancellationToken) =>
        throw new NotSupportedException("scanning is not wired yet");
}
