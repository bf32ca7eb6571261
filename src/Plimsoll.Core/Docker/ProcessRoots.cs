using System.Globalization;
using System.Text;
using Plimsoll.Posix;

namespace Plimsoll.Docker;

/// <summary>The roots of running processes, as <see cref="MountedRoot.FindRoot"/> finds them. Most of a host's processes share theirs, and the list of mounts is read once for each root.</summary>
/// <param name="dataRoot">Docker's.</param>
/// <remarks>For one look at all processes: later a file system may have gone, and another one its number.</remarks>
public sealed class ProcessRoots(string dataRoot)
{
    /// <summary>AT_STATX_DONT_SYNC: a container may have put its root on a file system that never answers.</summary>
    private const int WithoutAsking = 0x4000;

    private readonly Dictionary<(ulong Device, ulong Inode), MountedRoot?> _known = [];

    /// <returns>Null for a root that is no overlay, and for a process that ended.</returns>
    public MountedRoot? Find(int pid)
    {
        if (Native.GetStat(Native.AtFdCwd, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/root\0")), WithoutAsking, out Stat stat) < 0)
            return MountedRoot.FindRoot(pid, dataRoot);
        if (!_known.TryGetValue((stat.Device, stat.Inode), out MountedRoot? root))
            _known.Add((stat.Device, stat.Inode), root = MountedRoot.FindRoot(pid, dataRoot));
        return root;
    }
}
