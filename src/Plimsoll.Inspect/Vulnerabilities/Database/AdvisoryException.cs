namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Why the advisory database could not be read, made or moved. The names are part of the JSON output.</summary>
public enum AdvisoryError
{
    /// <summary>Default: bytes from outside do not have the form that their place asks for.</summary>
    Malformed = 0,
    /// <summary>No such file, folder, ecosystem or address.</summary>
    NotFound,
    /// <summary>The bytes end before they should.</summary>
    Truncated,
    /// <summary>A named limit (<see cref="OsvLimits"/>) was passed.</summary>
    LimitExceeded,
    /// <summary>The database file is not what was written: a checksum, a size or a structure is wrong.</summary>
    Corrupt,
    /// <summary>The database was made by a newer Plimsoll.</summary>
    NewerSchema,
    /// <summary>The source is older than the database in use.</summary>
    Older,
    /// <summary>The source has no records for what was asked.</summary>
    Empty,
    /// <summary>Another update runs.</summary>
    Busy,
    /// <summary>The server did not answer as it should.</summary>
    PeerFailed,
    /// <summary>No signature of the given key covers the bytes.</summary>
    BadSignature,
    /// <summary>An import's counter is lower than that of the database in use.</summary>
    LowerCounter,
    /// <summary>The very database that is in use.</summary>
    AlreadyInUse,
    /// <summary>libsqlite3.so.0 is not installed.</summary>
    LibraryMissing,
    /// <summary>The operating system refused.</summary>
    AccessDenied,
    /// <summary>Wrong arguments.</summary>
    Usage,
}

/// <summary>Something about the advisory database failed; <see cref="Error"/> says why by name, the message where and with which values.</summary>
public sealed class AdvisoryException : Exception
{
    public AdvisoryException(AdvisoryError error, string message, string? hint = null, Exception? inner = null)
        : base(message, inner) => (Error, Hint) = (error, hint);

    public AdvisoryError Error { get; }

    /// <summary>How to go on, or null.</summary>
    public string? Hint { get; }

    internal static AdvisoryException Corrupt(string path, string what, Exception? inner = null) => new(
        AdvisoryError.Corrupt, $"the advisory database {path} is corrupt: {what}",
        "run 'plimsoll db update' or 'plimsoll db import' to replace it", inner);
}
