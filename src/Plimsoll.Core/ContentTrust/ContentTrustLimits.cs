namespace Plimsoll.ContentTrust;

/// <summary>Bounds on what a server or folder of metadata may hold. Each has a test one step past it.</summary>
public sealed record ContentTrustLimits
{
    public static ContentTrustLimits Default { get; } = new();

    /// <summary>Bytes of a timestamp; real ones have some 500. notary takes 1 MiB.</summary>
    public int MaxTimestampBytes { get; init; } = 256 * 1024;

    /// <summary>Bytes of a root, certificates included; real ones have 2 to 10 thousand.</summary>
    public int MaxRootBytes { get; init; } = 1024 * 1024;

    /// <summary>Bytes of a snapshot; some 300 for each role.</summary>
    public int MaxSnapshotBytes { get; init; } = 1024 * 1024;

    /// <summary>Bytes of one list of targets; some 150 for each tag, so that this holds a hundred thousand.</summary>
    public int MaxTargetsBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Bytes of all that is read of one collection.</summary>
    public long MaxTotalBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Roots that are read between the pinned one and the newest, or back from the newest.</summary>
    public int MaxRoots { get; init; } = 256;

    /// <summary>Delegations that are read.</summary>
    public int MaxDelegations { get; init; } = 256;

    /// <summary>Names between slashes in the name of a delegation.</summary>
    public int MaxDelegationDepth { get; init; } = 8;

    /// <summary>Signatures of one file; each costs a check of some 0.1 ms.</summary>
    public int MaxSignatures { get; init; } = 64;

    /// <summary>Keys of one file.</summary>
    public int MaxKeys { get; init; } = 256;

    /// <summary>Targets of all lists together.</summary>
    public int MaxTargets { get; init; } = 200_000;
}
