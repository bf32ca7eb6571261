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

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();
}
