using Plimsoll.Keys;

namespace Plimsoll.EvidenceLog;

/// <summary>When a line counts as written.</summary>
public enum LogDurability
{
    /// <summary>
    /// When it is on the disk. Lines that come while a sync is under way share the next one, so that many writers at once pay for few;
    /// one alone pays for one and waits for nobody.
    /// </summary>
    Grouped = 0,

    /// <summary>When it is on the disk, each line with a sync of its own.</summary>
    EachLine,

    /// <summary>When the kernel has it: a crash of the process loses nothing, a crash of the host what was not yet written back. Checkpoints are synced.</summary>
    Never,
}

/// <summary>Where and how the log is written.</summary>
public sealed record EvidenceLogOptions
{
    /// <summary>Of the log's files, made when it is not there; nobody else may write in it.</summary>
    public required string Folder { get; init; }

    /// <summary>The private keys of the epoch that runs, beside the folder and not in it, so that a copy of the folder holds none.</summary>
    public required string KeyFile { get; init; }

    /// <summary>Which log this is, at most 255 characters; the host's name by default. It lasts from the first line on.</summary>
    public string Origin { get; init; } = System.Environment.MachineName;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public LogDurability Durability { get; init; }

    /// <summary>How long a sync is put off, so that more lines share it. Zero by default: with nobody beside it a line need not wait.</summary>
    public TimeSpan GroupDelay { get; init; }

    /// <summary>A checkpoint comes after so many lines, or so long after a line that none covers yet. Each begins a new epoch with a new key.</summary>
    public int CheckpointLines { get; init; } = 1000;
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A line that would make a file longer goes to the next one; the checkpoint that closes the file comes on top.</summary>
    public long MaxFileBytes { get; init; } = 32L << 20;

    /// <summary>Older files are removed, and a line says so. At least 2.</summary>
    public int MaxFiles { get; init; } = 32;

    /// <summary>A number that cannot be set back, which checkpoints state; null: they repeat what was stated last, if anything was.</summary>
    public ILogCounter? Counter { get; init; }

    /// <summary>Of every key of the log.</summary>
    public KeyAlgorithm Algorithm { get; init; } = KeyAlgorithm.Ed25519;

    /// <summary>How long another process that has the log open is waited for.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Opens a file of the log, whose length is given, to be written on; null for the one of the operating system.</summary>
    internal Func<string, ILogFile>? OpenFile { get; init; }
}
