using System.Buffers;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <summary>What lies at one path of an unpacked layer. Valid until the walk goes on.</summary>
internal readonly ref struct UnpackedFile
{
    /// <summary>As <see cref="EntryReader.Path"/>.</summary>
    public required ReadOnlySpan<char> Path { get; init; }

    public required Stat Stat { get; init; }

    /// <summary>Something is mounted there: containers see what lies below it, and the walk would see the mount.</summary>
    public required bool IsMount { get; init; }

    /// <summary>Names of extended attributes, each with a zero byte at its end.</summary>
    public required ReadOnlySpan<byte> AttributeNames { get; init; }

    /// <summary>The open folder that it lies in, and its name with a zero byte at the end; the root's own is <c>.</c></summary>
    public required int Parent { get; init; }

    public required ReadOnlySpan<byte> Name { get; init; }

    /// <summary>Its path below /proc, with a zero byte at its end: for calls that take no folder.</summary>
    public required ReadOnlySpan<byte> ProcPath { get; init; }
}

/// <summary>Walks an unpacked layer from open folder to name, never through a link, opening nothing but folders.</summary>
/// <remarks>
/// Attributes are read as <c>/proc/self/fd/FOLDER/NAME</c>, since lgetxattr has no form that takes a folder before Linux 6.13; the kernel
/// shows <c>trusted.*</c> to root alone, so the walk runs with root's rights where the process has them.
/// </remarks>
internal sealed class UnpackedTree(SafeFileHandle folder, string where, UnpackedTree.Visit visit)
{
    /// <summary>Folders inside folders; each holds a descriptor while it is walked.</summary>
    public const int MaxDepth = 512;

    /// <summary>Bytes of the names of one file's attributes; the kernel allows 64 KiB.</summary>
    private const int MaxAttributeBytes = 64 * 1024;

    /// <summary>Tried first: the kernel takes as much memory for each call as it is offered room.</summary>
    private const int UsualAttributeBytes = 1024;

    private const int ListingBytes = 32 * 1024;

    private readonly byte[] _attributes = new byte[MaxAttributeBytes];
    private readonly byte[] _proc = new byte[512];
    private byte[] _path = new byte[1024];
    private char[] _text = new char[1024];
    private long _files;
    private ulong _mount;
    private bool _viaProc;

    /// <summary>Gets every file, folders before what is in them.</summary>
    public delegate void Visit(in UnpackedFile file);

    /// <exception cref="ImageException">LimitExceeded, AccessDenied, or the folder changed while it was walked.</exception>
    public void Walk(CancellationToken cancellationToken)
    {
        int root = Native.Open((int)folder.DangerousGetHandle(), ".\0"u8, Native.ReadOnly | Native.DirectoryOnly | Native.NoFollow, Native.ResolveBeneath);
        if (root < 0)
            throw FileError.Of(-root, where);
        using SafeFileHandle owned = Native.Own(root);
        _ = Look(root, ".\0"u8, 0, out _);
        Enter(root, 0, 0, cancellationToken);
    }

    private void Enter(int handle, int pathLength, int depth, CancellationToken cancellationToken)
    {
        if (depth > MaxDepth)
            throw new ImageException(ImageError.LimitExceeded, $"{where}: {Shown(pathLength)}: more than {MaxDepth} folders deep (MaxDepth)");
        byte[] listing = ArrayPool<byte>.Shared.Rent(ListingBytes);
        try
        {
            int length;
            while ((length = Native.ReadFolder(handle, listing)) > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (FolderRecords records = new(listing.AsSpan(0, length)); records.MoveNext();)
                {
                    ReadOnlySpan<byte> name = records.NameWithZero;
                    if (++_files > LayerContents.MaxFiles)
                        throw new ImageException(ImageError.LimitExceeded, $"{where}: more than {LayerContents.MaxFiles} files (MaxFiles)");
                    int start = pathLength == 0 ? 0 : pathLength + 1, end = start + name.Length - 1;
                    if (_path.Length < end)
                        Array.Resize(ref _path, Math.Max(_path.Length * 2, end));
                    if (start > 0)
                        _path[pathLength] = (byte)'/';
                    name[..^1].CopyTo(_path.AsSpan(start));
                    if (Look(handle, name, end, out Stat stat))
                        EnterBelow(handle, name, end, stat, depth, cancellationToken);
                }
            }
            if (length < 0)
                throw FileError.Of(-length, $"{where}: {Shown(pathLength)}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(listing);
        }
    }

    private void EnterBelow(int parent, ReadOnlySpan<byte> name, int pathLength, in Stat stat, int depth, CancellationToken cancellationToken)
    {
        int handle = Native.Open(parent, name, Native.ReadOnly | Native.DirectoryOnly | Native.NoFollow, Native.ResolveBeneath | Native.ResolveNoSymlinks);
        if (handle < 0)
            throw Changed(-handle, pathLength);
        using SafeFileHandle owned = Native.Own(handle);
        if (Native.GetStat(handle, out Stat now) < 0 || now.Inode != stat.Inode || now.Device != stat.Device)
            throw new ImageException(ImageError.Malformed, $"{where}: {Shown(pathLength)} changed while it was looked at");
        Enter(handle, pathLength, depth + 1, cancellationToken);
    }

    /// <returns>Whether it is a folder to be entered.</returns>
    private bool Look(int parent, ReadOnlySpan<byte> name, int pathLength, out Stat stat)
    {
        int error = Native.GetStat(parent, name, Native.AtSymlinkNoFollow, out stat);
        if (error < 0)
            throw Changed(-error, pathLength);
        "/proc/self/fd/"u8.CopyTo(_proc);
        int proc = 14;
        parent.TryFormat(_proc.AsSpan(proc), out int digits);
        _proc[proc + digits] = (byte)'/';
        proc += digits + 1;
        name.CopyTo(_proc.AsSpan(proc));
        proc += name.Length;
        int names = List(parent, name, _attributes.AsSpan(0, UsualAttributeBytes));
        if (names == -Errno.ERANGE)
            names = List(parent, name, _attributes);
        if (names < 0 && names != -Errno.EOPNOTSUPP)
            throw names == -Errno.ENOENT && !Directory.Exists("/proc/self/fd")
                ? new ImageException(ImageError.Unsupported, $"{where}: extended attributes are read through /proc, which is not mounted")
                : Changed(-names, pathLength);
        if (pathLength == 0)
            _mount = stat.Mount;
        ReadOnlySpan<char> text = Text(pathLength);
        visit(new UnpackedFile
        {
            Path = text,
            Stat = stat,
            IsMount = stat.Mount != _mount,
            AttributeNames = _attributes.AsSpan(0, Math.Max(names, 0)),
            Parent = parent,
            Name = name,
            ProcPath = _proc.AsSpan(0, proc),
        });
        return stat.IsFolder && stat.Mount == _mount;
    }

    private int List(int parent, ReadOnlySpan<byte> name, Span<byte> into)
    {
        int length = _viaProc ? -Errno.ENOSYS : Native.ListAttributesAt(parent, name, into);
        // Older kernels do not know the call, and some sandboxes refuse what they do not know.
        if (length is -Errno.ENOSYS or -Errno.EPERM)
        {
            _viaProc = true;
            length = Native.ListAttributes(_proc, into);
        }
        return length;
    }

    private ReadOnlySpan<char> Text(int length)
    {
        ReadOnlySpan<byte> path = _path.AsSpan(0, length);
        if (_text.Length < length)
            _text = new char[length * 2];
        return Encoding.UTF8.TryGetChars(path, _text, out int written) && !_text.AsSpan(0, written).Contains('\uFFFD') ? _text.AsSpan(0, written) : EntryPath.Decode(path);
    }

    private string Shown(int length) => Escape.Quote(EntryPath.Decode(_path.AsSpan(0, length)));

    private ImageException Changed(int errno, int pathLength) => errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP
        ? new ImageException(ImageError.Malformed, $"{where}: {Shown(pathLength)} changed while it was looked at: {Errno.Describe(errno)}", "measure it again")
        : FileError.Of(errno, $"{where}: {Shown(pathLength)}");
}
