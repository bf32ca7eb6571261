using System.Buffers.Binary;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Posix;

/// <summary>What the kernel tells of writes to one file system: which files and folders were changed, by whomever and through whichever path.</summary>
/// <remarks>
/// A folder is told of when something in it is made, removed or renamed; a file when its content, mode, owner, attributes or number of
/// names change, and when whoever had it open for writing closes it. A write through mapped memory is told of only at that close.
/// Not for several threads. Source: fanotify(7).
/// </remarks>
public sealed class WriteEvents : IDisposable
{
    private const ulong Modify = 0x2, Attributes = 0x4, CloseWrite = 0x8, MovedFrom = 0x40, MovedTo = 0x80, Create = 0x100, Delete = 0x200, OnFolder = 0x4000_0000, Overflow = 0x4000;
    private const int HeadBytes = 24, InfoHeadBytes = 4, FileSystemBytes = 8;
    private const byte MetadataVersion = 3, FileInfo = 1;

    private readonly SafeFileHandle _group, _folder;
    private readonly byte[] _buffer = new byte[64 * 1024];

    private readonly string _path;

    private WriteEvents(SafeFileHandle group, SafeFileHandle folder, string path, ulong device) => (_group, _folder, _path, Device) = (group, folder, path, device);

    /// <summary>The watched file system, as stat names it. It cannot be unmounted, and written to while nobody looks, as long as this is open.</summary>
    public ulong Device { get; }

    /// <param name="folder">On the file system that is to be watched.</param>
    /// <exception cref="IOException">The kernel cannot, or may not; the message names its error.</exception>
    public static WriteEvents Open(string folder)
    {
        int opened = Native.Open(Native.AtFdCwd, [.. System.Text.Encoding.UTF8.GetBytes(folder), 0], Native.ReadOnly | Native.DirectoryOnly, 0);
        if (opened < 0)
            throw new IOException($"{folder}: {Errno.Describe(-opened)}");
        SafeFileHandle held = Native.Own(opened);
        int group = Native.CreateWatch();
        if (group < 0)
        {
            held.Dispose();
            throw new IOException($"fanotify_init: {Errno.Describe(-group)}; it wants Linux 5.1 or newer and CAP_SYS_ADMIN");
        }
        SafeFileHandle owned = Native.Own(group);
        int error = Native.WatchFileSystem(group, opened, Modify | Attributes | CloseWrite | MovedFrom | MovedTo | Create | Delete | OnFolder);
        if (error == 0 && (error = Native.GetStat(opened, out Stat stat)) == 0)
            return new WriteEvents(owned, held, folder, stat.Device);
        owned.Dispose();
        held.Dispose();
        throw new IOException($"fanotify_mark: {folder}: {Errno.Describe(-error)}; the file system must have an id and file handles, as ext4, xfs and btrfs do");
    }

    /// <summary>Shows that a change is told of, and that the file is called in it what it is called when somebody asks: gives the folder the mode that it has.</summary>
    /// <exception cref="IOException">It is not.</exception>
    public void Prove()
    {
        byte[] handle = new byte[Native.HandleHeadBytes + Native.MaxHandleBytes];
        int error = Native.GetHandle((int)_folder.DangerousGetHandle(), ".\0"u8, handle);
        if (error < 0)
            throw new IOException($"{_path}: name_to_handle_at: {Errno.Describe(-error)}");
        ulong wanted = KeyOf(handle);
        File.SetUnixFileMode(_path, File.GetUnixFileMode(_path));
        bool told = false;
        for (int left = Queued; left > 0 && !told;)
        {
            int read = Read(key => told |= key == wanted, out bool lost);
            if (read == 0 || lost)
                break;
            left -= read;
        }
        if (!told)
            throw new IOException($"{_path}: the kernel does not tell of changes there, or names files in another way than it does elsewhere");
    }

    /// <summary>How many events wait at least to be read, so that whoever reads as many has read all that came before.</summary>
    public int Queued => Native.QueuedBytes((int)_group.DangerousGetHandle()) is >= 0 and var bytes ? bytes / HeadBytes : int.MaxValue - 1;

    /// <summary>Waits for an event.</summary>
    public bool Wait(TimeSpan most) => Native.WaitToRead((int)_group.DangerousGetHandle(), (int)most.TotalMilliseconds);

    /// <summary>Reads some events, and does not wait for any.</summary>
    /// <param name="seen">Gets the key of each file or folder, as <see cref="KeyOf(int, ReadOnlySpan{byte})"/> makes it.</param>
    /// <param name="lost">There were more than the kernel keeps, or one that is not understood: something was written to, and nobody knows what.</param>
    /// <returns>How many were read; 0 when none waits.</returns>
    public int Read(Action<ulong> seen, out bool lost)
    {
        int length = Native.ReadFile((int)_group.DangerousGetHandle(), _buffer);
        if (length < 0)
        {
            lost = length != -Errno.EAGAIN;
            return 0;
        }
        return Parse(_buffer.AsSpan(0, length), seen, out lost);
    }

    /// <summary>Goes through records as the kernel writes them: <c>fanotify_event_metadata</c> with one <c>fanotify_event_info_fid</c>.</summary>
    internal static int Parse(ReadOnlySpan<byte> records, Action<ulong> seen, out bool lost)
    {
        lost = false;
        int count = 0;
        while (records.Length > 0)
        {
            count++;
            int length = records.Length < HeadBytes ? 0 : BinaryPrimitives.ReadInt32LittleEndian(records), head = length < HeadBytes ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(records[6..]);
            if (length > records.Length || head < HeadBytes || head > length || records[4] != MetadataVersion)
            {
                lost = true;
                return count;
            }
            if ((BinaryPrimitives.ReadUInt64LittleEndian(records[8..]) & Overflow) != 0 || !TryKey(records[head..length], out ulong key))
                lost = true;
            else
                seen(key);
            records = records[length..];
        }
        return count;
    }

    private static bool TryKey(ReadOnlySpan<byte> info, out ulong key)
    {
        key = 0;
        const int handleAt = InfoHeadBytes + FileSystemBytes;
        if (info.Length < handleAt + Native.HandleHeadBytes || info[0] != FileInfo)
            return false;
        int bytes = BinaryPrimitives.ReadInt32LittleEndian(info[handleAt..]), kind = BinaryPrimitives.ReadInt32LittleEndian(info[(handleAt + 4)..]);
        info = info[(handleAt + Native.HandleHeadBytes)..];
        // The kernel could not name the file: for want of memory, most likely.
        if (bytes <= 0 || bytes > info.Length)
            return false;
        key = KeyOf(kind, info[..bytes]);
        return true;
    }

    /// <summary>As <see cref="KeyOf(int, ReadOnlySpan{byte})"/>, of a handle as <see cref="Native.GetHandle"/> fills it.</summary>
    internal static ulong KeyOf(ReadOnlySpan<byte> handle) =>
        KeyOf(BinaryPrimitives.ReadInt32LittleEndian(handle[4..]), handle.Slice(Native.HandleHeadBytes, BinaryPrimitives.ReadInt32LittleEndian(handle)));

    /// <summary>A file handle in 64 bits. One file has one key; that two have the same is unlikely, and costs a look too many.</summary>
    internal static ulong KeyOf(int kind, ReadOnlySpan<byte> handle)
    {
        const ulong odd = 0x9E37_79B9_7F4A_7C15;
        ulong key = (uint)kind * odd;
        Span<byte> part = stackalloc byte[sizeof(ulong)];
        for (; handle.Length > 0; handle = handle[Math.Min(handle.Length, part.Length)..])
        {
            part.Clear();
            handle[..Math.Min(handle.Length, part.Length)].CopyTo(part);
            key = (BitOperations.RotateLeft(key, 29) ^ BinaryPrimitives.ReadUInt64LittleEndian(part)) * odd;
            key ^= key >> 32;
        }
        return key * odd;
    }

    public void Dispose()
    {
        _group.Dispose();
        _folder.Dispose();
    }
}
