using Plimsoll.Oci;

namespace Plimsoll.Measure;

/// <summary>What an entry of a layer is once it was unpacked.</summary>
public enum FileType : byte
{
    File = 0,
    Directory,
    Symlink,
    /// <summary>Another name of a file of the same layer.</summary>
    HardLink,
    CharDevice,
    BlockDevice,
    Fifo,
    /// <summary>Hides what layers below have at this path.</summary>
    Whiteout,
    /// <summary>Hides what layers below have in this folder.</summary>
    Opaque,
}

/// <summary>One entry of a layer.</summary>
public sealed class FileEntry
{
    /// <summary>As <see cref="EntryReader.Path"/>; of a whiteout the path that it hides, of an opaque folder the folder.</summary>
    public required string Path { get; init; }

    public required FileType Type { get; init; }

    /// <summary>Permission bits with setuid, setgid and sticky; 0 for whiteouts.</summary>
    public int Mode { get; internal set; }

    public long Uid { get; internal set; }

    public long Gid { get; internal set; }

    /// <summary>Bytes of a regular file's content, holes included; otherwise 0.</summary>
    public long Size { get; init; }

    /// <summary>Major and minor number of a device node.</summary>
    public (long Major, long Minor) Device { get; init; }

    /// <summary>Of a symbolic link as stored; of a hard link the path of the file it names; otherwise empty.</summary>
    public string Link { get; init; } = "";

    /// <summary>Extended attributes by name, ordinal.</summary>
    public IReadOnlyList<KeyValuePair<string, byte[]>> Attributes { get; internal set; } = [];

    /// <summary>SHA-384 of a regular file's content, 48 bytes; null where contents were not hashed or there is none.</summary>
    public byte[]? Content { get; init; }

    /// <summary>Whether it is what the composed root shows at its path. Never true for whiteouts.</summary>
    public bool Visible { get; internal set; }

    /// <summary>The file that a hard link names, or null.</summary>
    internal FileEntry? Target { get; set; }

    /// <summary>A hard link names this file.</summary>
    internal bool IsLinked { get; set; }

    /// <summary>Place in the tar.</summary>
    internal int Order { get; init; }

    /// <summary>The comparison with an unpacked layer met it.</summary>
    internal bool Met { get; set; }
}
