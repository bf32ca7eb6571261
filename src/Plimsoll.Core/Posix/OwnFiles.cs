using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Plimsoll.Posix;

/// <summary>Tells whether what lies in a folder can only be ours.</summary>
public static partial class OwnFiles
{
    private const int GroupOrOthersWrite = 0b000_010_010;

    /// <summary>
    /// True when the folder is a real one (no link) of this user or root that nobody else may write in. What another user can
    /// write is no memory of ours: below a shared PLIMSOLL_HOME it would let them say what a layer holds.
    /// </summary>
    public static bool IsPrivateFolder(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Native.GetStat(Native.AtFdCwd, Encoding.UTF8.GetBytes(path.TrimEnd('/') + '\0'), Native.AtSymlinkNoFollow, out Stat stat) == 0
            && stat.IsFolder && (stat.Uid == 0 || stat.Uid == EffectiveUser()) && (stat.Permissions & GroupOrOthersWrite) == 0;
    }

    /// <summary>Whether it is a regular file of this user or root that nobody else may read or write. Links are not followed.</summary>
    public static bool IsSecretFile(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        const int others = 0b000_111_111;
        return Native.GetStat(Native.AtFdCwd, Encoding.UTF8.GetBytes(path + '\0'), Native.AtSymlinkNoFollow, out Stat stat) == 0
            && stat.IsFile && (stat.Uid == 0 || stat.Uid == EffectiveUser()) && (stat.Permissions & others) == 0;
    }

    /// <summary>
    /// The first part of a path that someone else than root and this user can change; null when nobody can. A folder in which all may write but
    /// only remove their own, as /tmp is, changes nothing of what lies below it under our name.
    /// </summary>
    /// <param name="path">As <see cref="RealPath"/> answers it: absolute, without links.</param>
    public static string? FindForeign(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        const int sticky = 0b001_000_000_000;
        for (int end = 0; end >= 0;)
        {
            end = path.IndexOf('/', end + 1);
            string part = end < 0 ? path : path[..end];
            if (!IsOurs(part))
                return part;
        }
        return IsOurs("/") ? null : "/";

        static bool IsOurs(string part) =>
            Native.GetStat(Native.AtFdCwd, Encoding.UTF8.GetBytes(part + '\0'), Native.AtSymlinkNoFollow, out Stat stat) == 0
            && (stat.IsFolder || stat.IsFile) && (stat.Uid == 0 || stat.Uid == EffectiveUser())
            && ((stat.Permissions & GroupOrOthersWrite) == 0 || stat.IsFolder && (stat.Permissions & sticky) != 0);
    }

    /// <summary>Device, inode, size, owner, rights, mtime and ctime of a file in one line, which changes when it does; null when there is none.</summary>
    /// <param name="follow">Where the path is a link, of what it leads to; of the link itself otherwise.</param>
    public static string? StateOf(string path, bool follow = true)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Native.GetStat(Native.AtFdCwd, Encoding.UTF8.GetBytes(path + '\0'), follow ? 0 : Native.AtSymlinkNoFollow, out Stat stat) == 0 ? Line(stat) : null;
    }

    /// <summary>As <see cref="StateOf"/>, of a regular file; null for a device, a FIFO, or anything else that must not be opened.</summary>
    public static string? StateOfRegular(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Native.GetStat(Native.AtFdCwd, Encoding.UTF8.GetBytes(path + '\0'), 0, out Stat stat) == 0 && stat.IsFile ? Line(stat) : null;
    }

    private static string Line(in Stat stat) => string.Create(CultureInfo.InvariantCulture,
        $"{stat.Device} {stat.Inode} {stat.Size} {stat.Uid} {stat.Permissions:x} {stat.ModifySeconds}.{stat.ModifyNanoseconds} {stat.ChangeSeconds}.{stat.ChangeNanoseconds}");

    /// <summary>The path with every link followed; null when there is no such file.</summary>
    public static unsafe string? RealPath(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        const int maxPath = 4096;
        byte* buffer = stackalloc byte[maxPath];
        fixed (byte* text = (byte[])[.. Encoding.UTF8.GetBytes(path), 0])
            return path.Contains('\0', StringComparison.Ordinal) || Resolve(text, buffer) is null ? null : Marshal.PtrToStringUTF8((nint)buffer);
    }

    [LibraryImport("libc", EntryPoint = "realpath")]
    private static unsafe partial byte* Resolve(byte* path, byte* resolved);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();
}
