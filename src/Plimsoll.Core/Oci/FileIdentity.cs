using Microsoft.Win32.SafeHandles;
using Plimsoll.Posix;

namespace Plimsoll.Oci;

/// <summary>What tells a file apart from every other and from its own earlier states.</summary>
/// <remarks>
/// A ctime cannot be set by a program, so a changed file shows. A file changed within the clock's granularity of being
/// read would not: an identity is therefore only given once the file has been left alone for <see cref="Settled"/>. A medium
/// that is edited in another machine can keep all of it; who plugs such media in scans with --no-cache.
/// </remarks>
internal static class FileIdentity
{
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    /// <returns>Path, device, inode, size, mtime and ctime in one line; null when the file changed too recently.</returns>
    public static string? Of(SafeFileHandle file, string path, TimeProvider time)
    {
        int descriptor = (int)file.DangerousGetHandle();
        if (Native.GetStat(descriptor, out Stat stat) != 0 || !KeepsChangeTimes(Native.FileSystemOf(descriptor)))
            return null;
        if (time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(Math.Max(stat.ChangeSeconds, stat.ModifySeconds)) < Settled)
            return null;
        return $"{path}\0{stat.Device}\0{stat.Inode}\0{stat.Size}"
            + $"\0{stat.ModifySeconds}.{stat.ModifyNanoseconds}\0{stat.ChangeSeconds}.{stat.ChangeNanoseconds}";
    }

    /// <summary>FAT has no ctime that Linux keeps, and a server or a FUSE process answers what it likes.</summary>
    internal static bool KeepsChangeTimes(uint fileSystem)
    {
        const uint fat = 0x4d44, exFat = 0x2011bab0;
        return fileSystem is not (fat or exFat) && FileSystems.KindOf(fileSystem) is not (FileSystemKind.Other or FileSystemKind.Pseudo);
    }

    public const string RegularFile = "regular file";

    /// <summary>What an open file is, in words.</summary>
    public static string KindOf(SafeFileHandle file) =>
        Native.GetStat((int)file.DangerousGetHandle(), out Stat stat) != 0 ? "file that cannot be looked at" : stat.Kind switch
        {
            8 => RegularFile,
            4 => "folder",
            2 or 6 => "device",
            1 => "FIFO",
            12 => "socket",
            _ => "file of unknown kind",
        };
}
