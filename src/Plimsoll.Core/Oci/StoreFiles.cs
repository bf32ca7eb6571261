using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>Opens files for reading without blocking on a FIFO and without leaving a folder.</summary>
internal static class StoreFiles
{
    /// <summary>A regular file anywhere, links followed: the user named it.</summary>
    /// <exception cref="ImageException">NotFound, AccessDenied, or Malformed when it is no regular file.</exception>
    public static SafeFileHandle Open(string path) =>
        OpenAt(Native.AtFdCwd, path, 0, path) ?? throw new ImageException(ImageError.NotFound, $"{Escape.Quote(path)} does not exist");

    /// <summary>A regular file below a folder, or null when there is none; links lead no further up than the folder.</summary>
    public static SafeFileHandle? OpenBelow(string folder, string name)
    {
        using SafeFileHandle root = OpenHandle(Native.AtFdCwd, folder, Native.PathOnly, 0)
            ?? throw new ImageException(ImageError.NotFound, $"{Escape.Quote(folder)} does not exist");
        return OpenAt((int)root.DangerousGetHandle(), name, Native.ResolveInRoot | Native.ResolveNoMagicLinks, $"{folder}/{name}");
    }

    private static SafeFileHandle? OpenAt(int folder, string name, ulong resolve, string shown)
    {
        SafeFileHandle? handle = OpenHandle(folder, name, Native.NonBlock, resolve, shown);
        if (handle is null)
            return null;
        string kind = FileIdentity.KindOf(handle);
        if (kind == FileIdentity.RegularFile)
            return handle;
        handle.Dispose();
        throw new ImageException(ImageError.Malformed, $"{Escape.Quote(shown)} is no regular file but a {kind}");
    }

    private static SafeFileHandle? OpenHandle(int folder, string name, ulong flags, ulong resolve, string? shown = null)
    {
        int file = Native.Open(folder, [.. Encoding.UTF8.GetBytes(name), 0], flags, resolve);
        return -file switch
        {
            <= 0 => Native.Own(file),
            Errno.ENOENT or Errno.ENOTDIR => null,
            Errno.EACCES or Errno.EPERM => throw new ImageException(ImageError.AccessDenied, $"{Escape.Quote(shown ?? name)}: permission denied"),
            Errno.ELOOP or Errno.EXDEV => throw new ImageException(ImageError.Malformed, $"{Escape.Quote(shown ?? name)}: its links go in a circle or lead out"),
            int errno => throw new ImageException(ImageError.Malformed, $"{Escape.Quote(shown ?? name)}: {Marshal.GetPInvokeErrorMessage(errno)}"),
        };
    }
}
