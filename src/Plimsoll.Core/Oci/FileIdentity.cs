using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Posix;

namespace Plimsoll.Oci;

/// <summary>What tells a file apart from every other and from its own earlier states.</summary>
/// <remarks>
/// A ctime cannot be set by a program, so a changed file shows. A file changed within the clock's granularity of being
/// read would not: an identity is therefore only given once the file has been left alone for <see cref="Settled"/>. A medium
/// that is edited in another machine can keep all of it; who plugs such media in scans with --no-cache.
/// </remarks>
internal static partial class FileIdentity
{
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    /// <returns>Path, device, inode, size, mtime and ctime in one line; null when the file changed too recently.</returns>
    public static unsafe string? Of(SafeFileHandle file, string path, TimeProvider time)
    {
        byte* stat = stackalloc byte[256];
        if (Statx(file, "", AtEmptyPath, BasicStats, stat) != 0 || !KeepsChangeTimes(Native.FileSystemOf((int)file.DangerousGetHandle())))
            return null;
        long ctime = *(long*)(stat + 96), mtime = *(long*)(stat + 112);
        if (time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(Math.Max(ctime, mtime)) < Settled)
            return null;
        return $"{path}\0{*(uint*)(stat + 136)}:{*(uint*)(stat + 140)}\0{*(ulong*)(stat + 32)}\0{*(ulong*)(stat + 40)}"
            + $"\0{mtime}.{*(uint*)(stat + 120)}\0{ctime}.{*(uint*)(stat + 104)}";
    }

    /// <summary>FAT has no ctime that Linux keeps, and a server or a FUSE process answers what it likes.</summary>
    internal static bool KeepsChangeTimes(uint fileSystem)
    {
        const uint fat = 0x4d44, exFat = 0x2011bab0;
        return fileSystem is not (fat or exFat) && FileSystems.KindOf(fileSystem) is not (FileSystemKind.Other or FileSystemKind.Pseudo);
    }

    public const string RegularFile = "regular file";

    /// <summary>What an open file is, in words.</summary>
    public static unsafe string KindOf(SafeFileHandle file)
    {
        byte* stat = stackalloc byte[256];
        if (Statx(file, "", AtEmptyPath, BasicStats, stat) != 0)
            return "file that cannot be looked at";
        return (*(ushort*)(stat + 28) & 0xf000) switch
        {
            0x8000 => RegularFile,
            0x4000 => "folder",
            0x2000 or 0x6000 => "device",
            0x1000 => "FIFO",
            0xc000 => "socket",
            _ => "file of unknown kind",
        };
    }

    private const int AtEmptyPath = 0x1000;
    private const uint BasicStats = 0x7ff;

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(SafeFileHandle directory, string path, int flags, uint mask, byte* stat);
}
