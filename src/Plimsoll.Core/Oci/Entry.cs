namespace Plimsoll.Oci;

/// <summary>What an entry of a layer tar or a folder is.</summary>
public enum EntryType : byte
{
    File,
    Directory,
    Symlink,
    /// <summary>Another name of an earlier file of the same layer; <see cref="EntryReader.LinkTarget"/> says which.</summary>
    HardLink,
    CharDevice,
    BlockDevice,
    Fifo,
    /// <summary>A type this reader does not know; it has a name and no content.</summary>
    Other,
}

/// <summary>An entry or folder that was not read.</summary>
/// <param name="Code">Stable, kebab-case: <c>path-leaves-root</c>, <c>path-too-long</c>, <c>folder-unreadable</c> …</param>
/// <param name="Where">Path or offset; untrusted text.</param>
public readonly record struct Oddity(string Code, string Where);

/// <summary>Reads the entries of one layer in order, each with its content: a layer tar or a folder on disk.</summary>
/// <remarks>
/// The properties speak of the current entry and are valid until the next call of <see cref="MoveNext"/>. Not thread safe.
/// Paths are relative to the image's root, without leading or trailing slash, with no empty, <c>.</c> or <c>..</c> part; the root itself is "".
/// </remarks>
public abstract class EntryReader : IDisposable
{
    /// <summary>The path's bytes as stored; not always UTF-8.</summary>
    public abstract ReadOnlySpan<byte> PathBytes { get; }

    /// <summary>The path as text; bytes that are no UTF-8 come as U+0000 and two hex digits, so that different paths stay different.</summary>
    public string Path => EntryPath.Decode(PathBytes);

    public abstract EntryType Type { get; }

    /// <summary>Content length in bytes; for a sparse file the length it claims to have when expanded.</summary>
    public abstract long Size { get; }

    /// <summary>Permission bits including setuid, setgid and sticky.</summary>
    public abstract int Mode { get; }

    public abstract long Uid { get; }

    public abstract long Gid { get; }

    /// <summary>Major and minor number of a device node; zeros for all else.</summary>
    public abstract (long Major, long Minor) Device { get; }

    /// <summary>The value of the extended attribute <c>security.capability</c>, for <see cref="FileCapabilities"/>; empty where there is none.</summary>
    public abstract ReadOnlySpan<byte> Capability { get; }

    /// <summary>Extended attributes by name in ordinal order, as PAX records <c>SCHILY.xattr.NAME</c> state them; only of layer tars.</summary>
    public virtual IReadOnlyList<KeyValuePair<string, byte[]>> Attributes => [];

    /// <summary>Symlink: as stored. Hard link: normalised like a path. Otherwise empty.</summary>
    public abstract ReadOnlySpan<byte> LinkTarget { get; }

    /// <summary>Goes to the next entry.</summary>
    /// <exception cref="ImageException">The bytes are malformed or truncated, or a limit was passed.</exception>
    public abstract bool MoveNext(CancellationToken cancellationToken);

    /// <summary>The content of the current regular file, whole; call at most once an entry.</summary>
    /// <param name="maxBytes">A longer file is not read; the answer is then false.</param>
    /// <param name="content">Exactly the file's bytes.</param>
    public abstract bool TryReadContent(long maxBytes, out byte[] content);

    /// <summary>As <see cref="TryReadContent(long, out byte[])"/>, into room that serves again; valid until that is released or used anew.</summary>
    /// <returns>False also when there was no room, which <see cref="ContentBuffer.Failure"/> explains.</returns>
    public virtual bool TryReadContent(long maxBytes, ContentBuffer buffer, out ReadOnlyMemory<byte> content)
    {
        bool whole = TryReadContent(maxBytes, out byte[] bytes);
        content = bytes;
        return whole;
    }

    /// <summary>Hashes the content of the current regular file, holes of sparse files as zeros; call at most once an entry. Only of layer tars.</summary>
    /// <exception cref="ImageException">LimitExceeded: a sparse file with more holes than are hashed; and others.</exception>
    public virtual void HashContent(System.Security.Cryptography.IncrementalHash hash, CancellationToken cancellationToken) =>
        throw new NotSupportedException("contents of folders are not hashed");

    /// <summary>Bytes of a content that <see cref="Peek"/> shows at most: one tar block.</summary>
    public const int MaxPeekBytes = 512;

    /// <summary>
    /// The first bytes of the current regular file, which stay to be read: <see cref="MaxPeekBytes"/> or all that it has. Empty for
    /// everything else, for a file that begins with a hole, and for one that cannot be opened, which is an oddity only when it
    /// may be executed. Only before its content is read; valid until then.
    /// </summary>
    public abstract ReadOnlySpan<byte> Peek();

    /// <summary>What was passed over and why, so that the report is partial; at most <see cref="MaxOddities"/> are kept.</summary>
    public virtual IReadOnlyList<Oddity> Oddities => _oddities;

    /// <summary>More would let a hostile layer fill the report; the last one kept says that there are more.</summary>
    public const int MaxOddities = 20;

    private readonly List<Oddity> _oddities = [];

    protected void AddOddity(string code, string where)
    {
        if (_oddities.Count < MaxOddities - 1)
            _oddities.Add(new Oddity(code, where));
        else if (_oddities.Count == MaxOddities - 1)
            _oddities.Add(new Oddity("more-of-the-same", "further entries were passed over"));
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
