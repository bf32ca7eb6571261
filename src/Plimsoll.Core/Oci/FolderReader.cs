using System.Buffers;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Posix;

namespace Plimsoll.Oci;

/// <summary>Which mounts below the root belong to it.</summary>
public enum FolderScope
{
    /// <summary>A folder the user named: every mount but pseudo file systems.</summary>
    Folder = 0,
    /// <summary>This machine: what lies on local disks, wherever they are mounted.</summary>
    /// <remarks>Memory, containers' overlays and mounted images are passed over; network and unknown file systems become oddities.</remarks>
    Host,
}

/// <summary>Walks a folder on disk as if it were one layer: folders before what they hold, names in ordinal order.</summary>
/// <remarks>
/// Every step goes from an open folder to a name in it and follows no link, so nothing in the tree can lead out of it.
/// Only regular files are opened, only when their content is asked for, and only after the kernel said what they are. A file's hard links are
/// each a file here. The root itself is no entry. A file that appears or vanishes meanwhile is or is not there.
/// </remarks>
public sealed class FolderReader : EntryReader
{
    /// <summary>Folders inside folders; each level holds an open descriptor.</summary>
    public const int MaxDepth = 256;

    /// <summary>NAME_MAX of Linux is 255 bytes; some network file systems allow a little more.</summary>
    private const int MaxNameBytes = 1024;

    private const int PieceBytes = 256 * 1024, AnyExecute = 0b001_001_001;

    private readonly FolderScope _scope;
    private readonly OciLimits _limits;
    private readonly Stack<Folder> _folders = new();
    private byte[] _path = new byte[4096];
    private int _pathLength;
    private int _nameStart;
    private EntryType _type;
    private bool _descend;
    private bool _hasStat;
    private Stat _stat;
    private byte[]? _link;
    private int _linkLength;
    private long _entries;
    private int _open = -1;
    private Stat _openStat;
    private readonly byte[] _start = new byte[MaxPeekBytes];

    /// <summary>The longest form has 24 bytes.</summary>
    private readonly byte[] _capability = new byte[64];

    /// <param name="root">Stays the caller's.</param>
    public FolderReader(SafeFileHandle root, FolderScope scope, OciLimits limits)
    {
        (_scope, _limits) = (scope, limits);
        int again = Native.Open((int)root.DangerousGetHandle(), ".\0"u8, Native.ReadOnly | Native.DirectoryOnly, Native.ResolveNoSymlinks);
        if (again < 0)
            throw FileError.Of(-again, "the folder");
        _ = Native.GetStat(again, out Stat stat);
        Push(again, stat, 0);
    }

    public override ReadOnlySpan<byte> PathBytes => _path.AsSpan(0, _pathLength);
    public override EntryType Type => _type;
    public override long Size => _type == EntryType.File ? CurrentStat.Size : 0;
    public override int Mode => CurrentStat.Permissions;
    public override long Uid => CurrentStat.Uid;
    public override long Gid => CurrentStat.Gid;
    public override (long Major, long Minor) Device =>
        _type is EntryType.CharDevice or EntryType.BlockDevice ? (CurrentStat.NodeMajor, CurrentStat.NodeMinor) : default;

    /// <remarks>Of what may be executed only: elsewhere the attribute gives nobody anything.</remarks>
    public override ReadOnlySpan<byte> Capability
    {
        get
        {
            if (_type != EntryType.File || (Mode & AnyExecute) == 0)
                return default;
            // The open folder by its number and then the name, so that no link on the way is followed and nothing need be opened.
            ReadOnlySpan<byte> head = "/proc/self/fd/"u8, name = NameWithZero;
            Span<byte> path = stackalloc byte[head.Length + 11 + 1 + MaxNameBytes + 1];
            head.CopyTo(path);
            _ = System.Buffers.Text.Utf8Formatter.TryFormat(Parent.Handle, path[head.Length..], out int digits);
            int at = head.Length + digits;
            path[at++] = (byte)'/';
            name.CopyTo(path[at..]);
            int length = Native.GetAttribute(path[..(at + name.Length)], CapabilityName, _capability);
            // Without /proc the file itself is asked.
            if (length == -Errno.ENOENT && TryOpen(quiet: true))
                length = Native.GetAttribute(_open, CapabilityName, _capability);
            return length > 0 ? _capability.AsSpan(0, length) : default;
        }
    }

    private static ReadOnlySpan<byte> CapabilityName => "security.capability\0"u8;

    public override ReadOnlySpan<byte> LinkTarget
    {
        get
        {
            if (_type != EntryType.Symlink)
                return default;
            if (_link is null || _linkLength < 0)
            {
                _link ??= new byte[_limits.MaxPathBytes];
                _linkLength = Math.Max(0, Native.ReadLink(Parent.Handle, NameWithZero, _link));
            }
            return _link.AsSpan(0, _linkLength);
        }
    }

    public override bool MoveNext(CancellationToken cancellationToken)
    {
        CloseCurrent();
        if (_descend)
            Descend();
        _descend = false;
        while (_folders.TryPeek(out Folder? folder))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!folder.TryNext(out ReadOnlySpan<byte> name, out int kind))
            {
                _folders.Pop().Dispose();
                continue;
            }
            if (++_entries > _limits.MaxEntries)
                throw new ImageException(ImageError.LimitExceeded, $"the folder has more than {_limits.MaxEntries} entries (MaxEntries)");
            if (!SetName(folder, name))
                continue;
            (_hasStat, _linkLength) = (false, -1);
            // Some file systems do not tell an entry's kind in the listing (DT_UNKNOWN is 0).
            if (kind == 0)
                kind = CurrentStat.Kind;
            _type = TypeOf(kind);
            _descend = _type == EntryType.Directory;
            return true;
        }
        return false;
    }

    /// <summary>The content of the current file; false also when it cannot be read, which is then an oddity.</summary>
    public override bool TryReadContent(long maxBytes, out byte[] content)
    {
        content = [];
        maxBytes = Math.Min(maxBytes, Array.MaxLength - 1);
        return TryOpen(quiet: false) && _openStat.Size <= maxBytes && ReadAll(_open, _openStat.Size, maxBytes, out content);
    }

    public override bool TryReadContent(long maxBytes, ContentBuffer buffer, out ReadOnlyMemory<byte> content)
    {
        content = default;
        maxBytes = Math.Min(maxBytes, Array.MaxLength - 1);
        if (!TryOpen(quiet: false) || _openStat.Size > maxBytes)
            return false;
        buffer.Begin(_openStat.Size);
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            long at = 0;
            while (true)
            {
                int got = Native.ReadFileAt(_open, piece, at);
                if (got < 0)
                    return Fail("file-unreadable", -got);
                if (got == 0)
                    return buffer.TryEnd(out content);
                at += got;
                if (at > maxBytes)
                    return false;
                buffer.Append(piece.AsSpan(0, got));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    public override ReadOnlySpan<byte> Peek()
    {
        // On a running machine much is closed to an ordinary user; what cannot be executed and nobody asked for by name is no loss.
        if (!TryOpen(quiet: (Mode & AnyExecute) == 0))
            return default;
        int got = Native.ReadFileAt(_open, _start, 0);
        return got <= 0 ? default : _start.AsSpan(0, got);
    }

    /// <summary>Opens the current file unless it is open; it stays so until the next entry.</summary>
    private bool TryOpen(bool quiet)
    {
        if (_open >= 0)
            return true;
        if (_type != EntryType.File)
            return false;
        // O_PATH opens nothing: it holds on to what the name means now, so that it can be looked at before it is opened.
        int held = Native.Open(Parent.Handle, NameWithZero, Native.PathOnly | Native.NoFollow, Native.ResolveBeneath | Native.ResolveNoSymlinks);
        if (held < 0)
            return !quiet && Fail("file-unreadable", -held);
        try
        {
            int error = Native.GetStat(held, out Stat stat);
            if (error < 0)
                return !quiet && Fail("file-unreadable", -error);
            if (!stat.IsFile || stat.Mount != Parent.Mount && FileSystems.KindOf(Native.FileSystemOf(held)) == FileSystemKind.Pseudo)
            {
                if (!quiet)
                    AddOddity("changed-while-read", Path);
                return false;
            }
            int file = Reopen(held, stat);
            if (file < 0)
                return !quiet && Fail("file-unreadable", -file);
            (_open, _openStat) = (file, stat);
            return true;
        }
        finally
        {
            Native.CloseFile(held);
        }
    }

    private void CloseCurrent()
    {
        if (_open >= 0)
            Native.CloseFile(_open);
        _open = -1;
    }

    private int Reopen(int held, in Stat seen)
    {
        const ulong flags = Native.ReadOnly | Native.NonBlock | Native.NoCtty;
        int file = Native.Open(Native.AtFdCwd, Encoding.ASCII.GetBytes($"/proc/self/fd/{held}\0"), flags, 0);
        if (file != -Errno.ENOENT)
            return file;
        // Without /proc the name is opened again, and must still be the same file.
        file = Native.Open(Parent.Handle, NameWithZero, flags | Native.NoFollow, Native.ResolveBeneath | Native.ResolveNoSymlinks);
        if (file >= 0 && (Native.GetStat(file, out Stat now) < 0 || now.Inode != seen.Inode || now.Device != seen.Device))
        {
            Native.CloseFile(file);
            return -Errno.ENOENT;
        }
        return file;
    }

    private bool ReadAll(int file, long size, long maxBytes, out byte[] content)
    {
        // One byte more than it has shows whether it grew meanwhile.
        byte[] buffer = new byte[size + 1];
        content = [];
        int filled = 0;
        while (true)
        {
            int got = Native.ReadFileAt(file, buffer.AsSpan(filled), filled);
            if (got < 0)
                return Fail("file-unreadable", -got);
            filled += got;
            if (got == 0)
                break;
            if (filled > maxBytes)
                return false;
            if (filled == buffer.Length)
                Array.Resize(ref buffer, (int)Math.Min(Array.MaxLength, Math.Min(buffer.Length * 2L, maxBytes + 1)));
        }
        content = buffer[..filled];
        return true;
    }

    private bool Fail(string code, int errno)
    {
        AddOddity(code, $"{Path}: {Errno.Describe(errno)}");
        return false;
    }

    private void Descend()
    {
        int error = Native.GetStat(Parent.Handle, NameWithZero, Native.AtSymlinkNoFollow, out Stat stat);
        if (error < 0 || !stat.IsFolder)
        {
            Missed(error < 0 ? -error : Errno.ENOTDIR);
            return;
        }
        if (stat.Mount != Parent.Mount && !Enters(stat))
            return;
        if (_folders.Count >= MaxDepth)
        {
            AddOddity("folder-too-deep", Path);
            return;
        }
        const ulong flags = Native.ReadOnly | Native.NonBlock;
        const ulong resolve = Native.ResolveBeneath | Native.ResolveNoSymlinks;
        ulong folderFlags = flags | Native.DirectoryOnly | Native.NoFollow;
        int folder = Native.Open(Parent.Handle, NameWithZero, folderFlags | Native.NoAtime, resolve);
        if (folder == -Errno.EPERM)
            folder = Native.Open(Parent.Handle, NameWithZero, folderFlags, resolve);
        if (folder < 0)
            Missed(-folder);
        // Another folder than the one that was judged may have come into its place.
        else if (Native.GetStat(folder, out Stat now) < 0 || now.Mount != stat.Mount)
        {
            Native.CloseFile(folder);
            AddOddity("changed-while-read", Path);
        }
        else
            Push(folder, now, _pathLength);
    }

    private void Missed(int errno)
    {
        // What is gone needs no report; on a running machine that happens all the time.
        if (errno == Errno.ENOENT)
            return;
        if (errno is Errno.EMFILE or Errno.ENFILE)
            throw FileError.Of(errno, Texts.Escape.Quote(Path));
        AddOddity(errno is Errno.ENOTDIR or Errno.ELOOP ? "changed-while-read" : "folder-unreadable", $"{Path}: {Errno.Describe(errno)}");
    }

    /// <summary>Whether a mount below the root belongs to it. Looks at it by O_PATH, which starts no automounter.</summary>
    private bool Enters(in Stat stat)
    {
        int held = Native.Open(Parent.Handle, NameWithZero, Native.PathOnly | Native.NoFollow, Native.ResolveBeneath | Native.ResolveNoSymlinks);
        if (held < 0)
        {
            Missed(-held);
            return false;
        }
        FileSystemKind kind = FileSystems.KindOf(Native.FileSystemOf(held));
        Native.CloseFile(held);
        if (kind == FileSystemKind.Pseudo)
            return false;
        if (_scope == FolderScope.Folder)
            return true;
        if (kind == FileSystemKind.Other)
            AddOddity("mount-not-entered", Path);
        // A disk's folder is read under each of its names: the one that matters (/var) may be the second. Mounts form a tree, so
        // that ends; only a folder mounted somewhere below itself would be read twice for nothing.
        if (kind == FileSystemKind.Disk)
            foreach (Folder above in _folders)
                if (above.IsSame(stat))
                    return false;
        return kind == FileSystemKind.Disk;
    }

    private void Push(int handle, in Stat stat, int pathLength)
    {
        Folder folder = new(handle, stat, pathLength);
        int error = folder.List(_limits.MaxEntries - _entries);
        if (error == 0)
        {
            _folders.Push(folder);
            return;
        }
        folder.Dispose();
        if (error > 0)
            throw new ImageException(ImageError.LimitExceeded, $"the folder has more than {_limits.MaxEntries} entries (MaxEntries)");
        Missed(-error);
    }

    private bool SetName(Folder folder, ReadOnlySpan<byte> name)
    {
        int start = folder.PathLength == 0 ? 0 : folder.PathLength + 1;
        int length = start + name.Length;
        if (_path.Length < length + 1)
            Array.Resize(ref _path, Math.Max(_path.Length * 2, length + 1));
        if (start > 0)
            _path[start - 1] = (byte)'/';
        name.CopyTo(_path.AsSpan(start));
        _path[length] = 0;
        (_nameStart, _pathLength) = (start, length);
        if (length <= _limits.MaxPathBytes && name.Length <= MaxNameBytes)
            return true;
        AddOddity("path-too-long", $"{EntryPath.Decode(_path.AsSpan(0, Math.Min(length, Texts.Escape.MaxShown)))}… ({length} bytes)");
        return false;
    }

    private Folder Parent => _folders.Peek();

    private ReadOnlySpan<byte> NameWithZero => _path.AsSpan(_nameStart, _pathLength - _nameStart + 1);

    /// <summary>All zero when the entry vanished.</summary>
    private Stat CurrentStat
    {
        get
        {
            if (!_hasStat && Native.GetStat(Parent.Handle, NameWithZero, Native.AtSymlinkNoFollow, out _stat) < 0)
                _stat = default;
            _hasStat = true;
            return _stat;
        }
    }

    private static EntryType TypeOf(int kind) => kind switch
    {
        1 => EntryType.Fifo,
        2 => EntryType.CharDevice,
        4 => EntryType.Directory,
        6 => EntryType.BlockDevice,
        8 => EntryType.File,
        10 => EntryType.Symlink,
        _ => EntryType.Other,
    };

    protected override void Dispose(bool disposing)
    {
        CloseCurrent();
        if (disposing)
            while (_folders.TryPop(out Folder? folder))
                folder.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>One open folder and what was in it when it was opened.</summary>
    private sealed class Folder(int handle, Stat stat, int pathLength) : IDisposable
    {
        private const int ListingBytes = 64 * 1024;

        private byte[] _names = [];
        private Item[] _items = [];
        private int _next;

        /// <param name="Start">Where the name begins.</param>
        private readonly record struct Item(int Start, int Length, byte Kind);

        public int Handle => handle;
        public ulong Mount => stat.Mount;

        public bool IsSame(in Stat other) => stat.Device == other.Device && stat.Inode == other.Inode;

        /// <summary>Length of this folder's own path.</summary>
        public int PathLength => pathLength;

        /// <summary>Reads all names and sorts them.</summary>
        /// <returns>0; minus an error number; or 1 when there are more than allowed.</returns>
        public int List(long maxEntries)
        {
            byte[] listing = ArrayPool<byte>.Shared.Rent(ListingBytes);
            ArrayBufferWriter<byte> names = new(256);
            List<Item> items = [];
            try
            {
                int length;
                while ((length = Native.ReadFolder(handle, listing)) > 0)
                {
                    for (FolderRecords records = new(listing.AsSpan(0, length)); records.MoveNext();)
                    {
                        items.Add(new Item(names.WrittenCount, records.Name.Length, records.Kind));
                        names.Write(records.Name);
                    }
                    if (items.Count > maxEntries)
                        return 1;
                }
                if (length < 0)
                    return length;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(listing);
            }
            _names = names.WrittenSpan.ToArray();
            _items = [.. items];
            Array.Sort(_items, (a, b) => Name(a).SequenceCompareTo(Name(b)));
            return 0;
        }

        public bool TryNext(out ReadOnlySpan<byte> name, out int kind)
        {
            if (_next == _items.Length)
            {
                name = default;
                kind = 0;
                return false;
            }
            Item item = _items[_next++];
            name = Name(item);
            kind = item.Kind;
            return true;
        }

        private ReadOnlySpan<byte> Name(Item item) => _names.AsSpan(item.Start, item.Length);

        public void Dispose() => Native.CloseFile(handle);
    }
}
