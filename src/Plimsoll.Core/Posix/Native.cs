using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Posix;

/// <summary>The system calls that .NET has no safe form of, as the C library or the kernel names them.</summary>
/// <remarks>Layouts and numbers are those of Linux on x64 and arm64; where the two differ it is said.</remarks>
internal static unsafe partial class Native
{
    public const int AtFdCwd = -100;

    /// <summary>What the kernel knows is told, without asking the file system.</summary>
    public const int AtStatxDontSync = 0x4000;
    public const int AtSymlinkNoFollow = 0x100;
    public const int AtNoAutomount = 0x800;
    public const int AtEmptyPath = 0x1000;

    public const ulong ReadOnly = 0;
    public const ulong NoCtty = 0x100;
    public const ulong NonBlock = 0x800;
    public const ulong NoAtime = 0x40000;
    public const ulong CloExec = 0x80000;
    public const ulong PathOnly = 0x200000;

    /// <summary>O_DIRECTORY and O_NOFOLLOW are two of the few flags that arm64 numbers differently.</summary>
    public static readonly ulong DirectoryOnly = IsArm ? 0x4000UL : 0x10000UL;
    public static readonly ulong NoFollow = IsArm ? 0x8000UL : 0x20000UL;

    /// <summary>Do not leave the file system of the starting folder.</summary>
    public const ulong ResolveNoXdev = 0x01;

    /// <summary>Do not follow links such as /proc/PID/fd/N.</summary>
    public const ulong ResolveNoMagicLinks = 0x02;
    public const ulong ResolveNoSymlinks = 0x04;

    /// <summary>Fail when the path would leave the starting folder.</summary>
    public const ulong ResolveBeneath = 0x08;

    /// <summary>Treat the starting folder as <c>/</c>: absolute links and <c>..</c> stay below it.</summary>
    public const ulong ResolveInRoot = 0x10;

    private const int MaxOpenAttempts = 32;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary><c>openat2</c> is 437 on every processor that Linux runs on except alpha.</summary>
    private const nint SysOpenAt2 = 437;

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint OpenAt2(nint number, int folder, byte* path, OpenHow* how, nuint size);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int StatX(int folder, byte* path, int flags, uint mask, Stat* stat);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    private static partial nint ReadLinkAt(int folder, byte* path, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    private static partial nint GetDents64(int folder, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    private static partial int FStatFs(int file, long* buffer);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int file, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static partial nint PRead(int file, byte* buffer, nuint size, long offset);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true)]
    private static partial int MemFdCreate(byte* name, uint flags);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MMap(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int MUnmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int MAdvise(nint address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkPath(string target, string path);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    private static partial nint LGetXattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport("libc", EntryPoint = "fgetxattr", SetLastError = true)]
    private static partial nint FGetXattr(int file, byte* name, byte* value, nuint size);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    private static partial nint LListXattr(byte* path, byte* list, nuint size);

    /// <summary><c>listxattrat</c> (Linux 6.13), the same number on x64 and arm64.</summary>
    private const nint SysListXattrAt = 465;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint ListXattrAt(nint number, int folder, byte* path, uint flags, byte* list, nuint size);

    /// <summary>Names of the extended attributes of what lies in an open folder, each with a zero byte at its end; of a link its own.</summary>
    /// <param name="name">Ends with a zero byte.</param>
    /// <returns>Bytes of names, or minus the error number; -ENOSYS before Linux 6.13.</returns>
    public static int ListAttributesAt(int folder, ReadOnlySpan<byte> name, Span<byte> names)
    {
        fixed (byte* text = name, to = names)
        {
            nint length = ListXattrAt(SysListXattrAt, folder, text, AtSymlinkNoFollow, to, (nuint)names.Length);
            return length >= 0 ? (int)length : -Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>Names of extended attributes, each with a zero byte at its end; of a link its own.</summary>
    /// <param name="path">Ends with a zero byte.</param>
    /// <returns>Bytes of names, or minus the error number (ERANGE: the buffer is too short).</returns>
    public static int ListAttributes(ReadOnlySpan<byte> path, Span<byte> names)
    {
        fixed (byte* text = path, to = names)
        {
            nint length = LListXattr(text, to, (nuint)names.Length);
            return length >= 0 ? (int)length : -Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>An extended attribute; of a link its own.</summary>
    /// <param name="path">Ends with a zero byte, as does the name.</param>
    /// <returns>The value's length, or minus the error number.</returns>
    public static int GetAttribute(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Span<byte> value)
    {
        fixed (byte* text = path, key = name, to = value)
        {
            nint length = LGetXattr(text, key, to, (nuint)value.Length);
            return length >= 0 ? (int)length : -Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>As <see cref="GetAttribute(ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/>, of an open file.</summary>
    public static int GetAttribute(int file, ReadOnlySpan<byte> name, Span<byte> value)
    {
        fixed (byte* key = name, to = value)
        {
            nint length = FGetXattr(file, key, to, (nuint)value.Length);
            return length >= 0 ? (int)length : -Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>Opens a path below a folder.</summary>
    /// <param name="path">Ends with a zero byte.</param>
    /// <returns>The descriptor, or minus the error number.</returns>
    public static int Open(int folder, ReadOnlySpan<byte> path, ulong flags, ulong resolve)
    {
        OpenHow how = new() { Flags = flags | CloExec, Resolve = resolve };
        fixed (byte* text = path)
            for (int attempt = 1; ; attempt++)
            {
                nint file = OpenAt2(SysOpenAt2, folder, text, &how, (nuint)sizeof(OpenHow));
                if (file >= 0)
                    return (int)file;
                int errno = Marshal.GetLastPInvokeError();
                // EAGAIN: somebody renamed a folder on the way, so that the kernel cannot say whether the path stayed inside.
                if (errno is not (Errno.EINTR or Errno.EAGAIN) || attempt == MaxOpenAttempts)
                    return -errno;
            }
    }

    /// <returns>0, or minus the error number.</returns>
    public static int GetStat(int folder, ReadOnlySpan<byte> path, int flags, out Stat stat)
    {
        fixed (byte* text = path)
        fixed (Stat* to = &stat)
            return StatX(folder, text, flags | AtNoAutomount, Stat.Mask, to) == 0 ? 0 : -Marshal.GetLastPInvokeError();
    }

    /// <summary>What an open descriptor is.</summary>
    public static int GetStat(int file, out Stat stat) => GetStat(file, "\0"u8, AtEmptyPath, out stat);

    /// <summary>Makes a second name for a file.</summary>
    /// <returns>0, or minus the error number.</returns>
    public static int Link(string target, string path) => LinkPath(target, path) == 0 ? 0 : -Marshal.GetLastPInvokeError();

    /// <returns>The length of the target, or minus the error number.</returns>
    public static int ReadLink(int folder, ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        fixed (byte* text = path)
        fixed (byte* to = buffer)
        {
            nint length = ReadLinkAt(folder, text, to, (nuint)buffer.Length);
            return length >= 0 ? (int)length : -Marshal.GetLastPInvokeError();
        }
    }

    /// <returns>Bytes of <c>linux_dirent64</c> records, 0 at the end, or minus the error number.</returns>
    public static int ReadFolder(int folder, Span<byte> buffer)
    {
        fixed (byte* to = buffer)
        {
            nint length = GetDents64(folder, to, (nuint)buffer.Length);
            return length >= 0 ? (int)length : -Marshal.GetLastPInvokeError();
        }
    }

    /// <returns>Bytes read, 0 at the end, or minus the error number.</returns>
    public static int ReadFile(int file, Span<byte> buffer)
    {
        fixed (byte* to = buffer)
            while (true)
            {
                nint length = Read(file, to, (nuint)buffer.Length);
                if (length >= 0)
                    return (int)length;
                int errno = Marshal.GetLastPInvokeError();
                if (errno != Errno.EINTR)
                    return -errno;
            }
    }

    /// <summary>As <see cref="ReadFile"/>, from an offset and without moving the file's own.</summary>
    public static int ReadFileAt(int file, Span<byte> buffer, long offset)
    {
        fixed (byte* to = buffer)
            while (true)
            {
                nint length = PRead(file, to, (nuint)buffer.Length, offset);
                if (length >= 0)
                    return (int)length;
                int errno = Marshal.GetLastPInvokeError();
                if (errno != Errno.EINTR)
                    return -errno;
            }
    }

    /// <summary>A file without a name, gone with its last descriptor: in the folder, or in memory where that cannot be.</summary>
    /// <returns>The descriptor, or minus the error number.</returns>
    public static int CreateUnnamed(ReadOnlySpan<byte> folder)
    {
        const ulong readWrite = 2, temporary = 0x400000;
        OpenHow how = new() { Flags = readWrite | temporary | DirectoryOnly | CloExec, Mode = 0x180 };
        fixed (byte* text = folder, name = "plimsoll\0"u8)
        {
            nint file = OpenAt2(SysOpenAt2, AtFdCwd, text, &how, (nuint)sizeof(OpenHow));
            if (file < 0)
                file = MemFdCreate(name, 1);
            return file < 0 ? -Marshal.GetLastPInvokeError() : (int)file;
        }
    }

    /// <summary>Shows a file's bytes as memory, to be read only.</summary>
    /// <returns>0 when it cannot be done.</returns>
    public static nint Map(int file, long length)
    {
        const int protRead = 1, mapShared = 1;
        nint address = MMap(0, (nuint)length, protRead, mapShared, file, 0);
        return address == -1 ? 0 : address;
    }

    public static void Unmap(nint address, long length) => _ = MUnmap(address, (nuint)length);

    /// <summary>Gives the pages of a mapped file back; they come again when they are looked at.</summary>
    public static void Forget(nint address, long length)
    {
        const int dontNeed = 4;
        _ = MAdvise(address, (nuint)length, dontNeed);
    }

    /// <summary>The kind of file system that holds an open file (<c>f_type</c> of statfs); 0 when it cannot be told.</summary>
    public static uint FileSystemOf(int file)
    {
        // struct statfs is 120 bytes on both processors and begins with f_type.
        long* buffer = stackalloc long[32];
        return FStatFs(file, buffer) == 0 ? (uint)buffer[0] : 0;
    }

    public static void CloseFile(int file) => _ = Close(file);

    public static SafeFileHandle Own(int file) => new(file, ownsHandle: true);
}
