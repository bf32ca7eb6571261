namespace Plimsoll.EvidenceLog;

/// <summary>Why the evidence log cannot do what it was asked.</summary>
public enum EvidenceLogFault
{
    /// <summary>Default, so that a forgotten assignment says the least: the operating system refused a write.</summary>
    WriteFailed = 0,
    /// <summary>No room on the disk, or in the quota.</summary>
    DiskFull,
    /// <summary>Another process has the log open.</summary>
    InUse,
    /// <summary>What lies in the folder is not what was written there.</summary>
    Damaged,
    /// <summary>There is a log, and not the key that goes on with it.</summary>
    KeyMissing,
    /// <summary>The folder is not one that only this user can write.</summary>
    Folder,
    /// <summary>It cannot be read.</summary>
    Unreadable,
    /// <summary>It was closed, or an earlier failure left it in a state that only opening it anew can tell.</summary>
    Closed,
}

/// <summary>The log cannot be opened, read or written. Whoever must not act without evidence does not act.</summary>
public sealed class EvidenceLogException(EvidenceLogFault fault, string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>ENOSPC and EDQUOT of Linux; the base library hands the number on.</summary>
    private const int NoSpace = 28, OverQuota = 122;

    public EvidenceLogFault Fault { get; } = fault;

    public string? Hint { get; } = hint;

    /// <summary>The fault's name, kebab-case: <c>log-disk-full</c>.</summary>
    public string Code => Fault switch
    {
        EvidenceLogFault.DiskFull => "log-disk-full",
        EvidenceLogFault.InUse => "log-in-use",
        EvidenceLogFault.Damaged => "log-damaged",
        EvidenceLogFault.KeyMissing => "log-key-missing",
        EvidenceLogFault.Folder => "log-folder",
        EvidenceLogFault.Unreadable => "log-unreadable",
        EvidenceLogFault.Closed => "log-closed",
        _ => "log-write-failed",
    };

    internal static EvidenceLogException OfWrite(string path, Exception cause) => cause is IOException { HResult: NoSpace or OverQuota }
        ? new(EvidenceLogFault.DiskFull, $"{path}: no room on the disk for another line", "make room; the next line is tried anew", cause)
        : new(EvidenceLogFault.WriteFailed, $"{path}: cannot be written: {Texts.Escape.ForTerminal(cause.Message)}", inner: cause);
}
