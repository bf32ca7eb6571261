namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Bounds on what is read from a source of advisories. Each has a test one step past it.</summary>
public sealed record OsvLimits
{
    public static OsvLimits Default { get; } = new();

    /// <summary>Bytes of one OSV record. The largest public ones (kernels, long version lists) have a few MB.</summary>
    public int MaxRecordBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Entries of one zip, or files of one folder. The largest public one has some 250 000.</summary>
    public int MaxEntries { get; init; } = 2_000_000;

    /// <summary>Bytes of one zip on disk or over the network.</summary>
    public long MaxZipBytes { get; init; } = 4L << 30;

    /// <summary>Uncompressed bytes of all entries of one zip.</summary>
    public long MaxUncompressedBytes { get; init; } = 32L << 30;

    /// <summary>Uncompressed bytes per compressed byte of one entry above <see cref="FreeInflatedBytes"/>, and of a whole zip.</summary>
    public int MaxCompressionRatio { get; init; } = 200;

    /// <summary>Uncompressed bytes of one entry that may come out at any ratio.</summary>
    public int FreeInflatedBytes { get; init; } = 1024 * 1024;

    /// <summary>Bytes of a catalogue of known exploited vulnerabilities; it has 1.5 MB.</summary>
    public int MaxKevBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Bytes of an EPSS table as it comes, packed or not; it has 2 or 12 MB.</summary>
    public int MaxEpssBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Malformed records, in thousandths of all records read, above which an update fails.</summary>
    public int MaxMalformedPerMille { get; init; } = 10;

    /// <summary>Bytes of an unpacked database in an import.</summary>
    public long MaxDatabaseBytes { get; init; } = 16L << 30;
}
