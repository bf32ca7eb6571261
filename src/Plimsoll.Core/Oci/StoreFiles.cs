using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>Opens files for reading without blocking on a FIFO and without leaving a folder.</summary>
internal static partial class StoreFiles
{
    private const int OCloexec = 0x80000, ONonblock = 0x800, OPath = 0x200000;
    private const ulong ResolveInRoot = 0x10, ResolveNoMagicLinks = 0x02;
    private const int Openat2 = 437, AtFdcwd = -100;

    /// <summary>A regular file anywhere, links followed: the user named it.</summary>
    /// <exception cref="ImageException">NotFound, AccessDenied, or Malformed when it is no regular file.</exception>
    public static SafeFileHandle Open(string path) =>
        OpenAt(AtFdcwd, path, 0, path) ?? throw new ImageException(ImageError.NotFound, $"{Escape.Quote(path)} does not exist");

    /// <summary>A regular file below a folder, or null when there is none; links lead no further up than the folder.</summary>
    public static SafeFileHandle? OpenBelow(string folder, string name)
    {
        using SafeFileHandle root = OpenHandle(AtFdcwd, folder, OPath, 0)
            ?? throw new ImageException(ImageError.NotFound, $"{Escape.Quote(folder)} does not exist");
        return OpenAt((int)root.DangerousGetHandle(), name, ResolveInRoot | ResolveNoMagicLinks, $"{folder}/{name}");
    }

    private static SafeFileHandle? OpenAt(int folder, string name, ulong resolve, string shown)
    {
        SafeFileHandle? handle = OpenHandle(folder, name, ONonblock, resolve, shown);
        if (handle is null)
            return null;
        string kind = FileIdentity.KindOf(handle);
        if (kind == FileIdentity.RegularFile)
            return handle;
        handle.Dispose();
        throw new ImageException(ImageError.Malformed, $"{Escape.Quote(shown)} is no regular file but a {kind}");
    }

    private static unsafe SafeFileHandle? OpenHandle(int folder, string name, int flags, ulong resolve, string? shown = null)
    {
        OpenHow how = new() { Flags = (ulong)(flags | OCloexec), Resolve = resolve };
        long fd = Syscall(Openat2, folder, name, &how, (nuint)sizeof(OpenHow));
        if (fd >= 0)
            return new SafeFileHandle(checked((IntPtr)fd), ownsHandle: true);
        const int enoent = 2, eacces = 13, eperm = 1, enotdir = 20, eloop = 40, exdev = 18;
        int errno = Marshal.GetLastPInvokeError();
        return errno switch
        {
            enoent or enotdir => null,
            eacces or eperm => throw new ImageException(ImageError.AccessDenied, $"{Escape.Quote(shown ?? name)}: permission denied"),
            eloop or exdev => throw new ImageException(ImageError.Malformed, $"{Escape.Quote(shown ?? name)}: its links go in a circle or lead out"),
            _ => throw new ImageException(ImageError.Malformed, $"{Escape.Quote(shown ?? name)}: {Marshal.GetPInvokeErrorMessage(errno)}"),
        };
    }

    private struct OpenHow
    {
        public ulong Flags, Mode, Resolve;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial long Syscall(long number, int folder, string name, OpenHow* how, nuint size);
}
