using System.Runtime.InteropServices;

namespace Plimsoll.Posix;

/// <summary>Being told of writes to a whole file system, and how files are named there.</summary>
/// <remarks>Numbers are the same on x64 and arm64. Source: fanotify_init(2), fanotify_mark(2), fanotify(7), open_by_handle_at(2).</remarks>
internal static unsafe partial class Native
{
    /// <summary>MAX_HANDLE_SZ: bytes of a file handle.</summary>
    public const int MaxHandleBytes = 128;

    /// <summary>struct file_handle without its bytes: their number, and their kind.</summary>
    public const int HandleHeadBytes = 8;

    private const uint WatchCloseOnExec = 1, WatchNonBlock = 2, WatchReportFid = 0x200, MarkAdd = 1, MarkFileSystem = 0x100, BytesQueued = 0x541b;
    private const short PollIn = 1;

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFile
    {
        public int File;
        public short Wanted;
        public short Got;
    }

    [LibraryImport("libc", EntryPoint = "fanotify_init", SetLastError = true)]
    private static partial int FanotifyInit(uint flags, uint fileFlags);

    [LibraryImport("libc", EntryPoint = "fanotify_mark", SetLastError = true)]
    private static partial int FanotifyMark(int group, uint flags, ulong mask, int folder, byte* path);

    [LibraryImport("libc", EntryPoint = "name_to_handle_at", SetLastError = true)]
    private static partial int NameToHandleAt(int folder, byte* path, byte* handle, int* mount, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollFile* files, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int IoControl(int file, nuint request, int* value);

    /// <summary>A queue of events that name files by their handles; reading it does not wait.</summary>
    /// <returns>The descriptor, or minus the error number.</returns>
    public static int CreateWatch()
    {
        int group = FanotifyInit(WatchCloseOnExec | WatchNonBlock | WatchReportFid, 0);
        return group >= 0 ? group : -Marshal.GetLastPInvokeError();
    }

    /// <summary>Asks for events of everything on the file system of an open file, whichever mount it is reached by.</summary>
    /// <returns>0, or minus the error number.</returns>
    public static int WatchFileSystem(int group, int file, ulong mask)
    {
        fixed (byte* here = ".\0"u8)
            return FanotifyMark(group, MarkAdd | MarkFileSystem, mask, file, here) == 0 ? 0 : -Marshal.GetLastPInvokeError();
    }

    /// <summary>Waits until there is something to read.</summary>
    public static bool WaitToRead(int file, int milliseconds)
    {
        PollFile one = new() { File = file, Wanted = PollIn };
        return Poll(&one, 1, milliseconds) > 0;
    }

    /// <summary>What FIONREAD says of a descriptor; minus the error number where it says nothing.</summary>
    public static int QueuedBytes(int file)
    {
        int bytes = 0;
        return IoControl(file, BytesQueued, &bytes) == 0 ? bytes : -Marshal.GetLastPInvokeError();
    }

    /// <summary>The handle of what lies in an open folder; of a link its own.</summary>
    /// <param name="name">Ends with a zero byte.</param>
    /// <param name="handle">At least <see cref="HandleHeadBytes"/> and <see cref="MaxHandleBytes"/>: takes the number of bytes, the kind, and the bytes.</param>
    /// <returns>0, or minus the error number.</returns>
    public static int GetHandle(int folder, ReadOnlySpan<byte> name, Span<byte> handle)
    {
        MemoryMarshal.Write(handle, MaxHandleBytes);
        int mount;
        fixed (byte* text = name, to = handle)
            return NameToHandleAt(folder, text, to, &mount, 0) == 0 ? 0 : -Marshal.GetLastPInvokeError();
    }
}
