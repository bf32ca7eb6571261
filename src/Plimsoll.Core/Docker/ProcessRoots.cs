using System.Globalization;
using System.Text;
using Plimsoll.Posix;

namespace Plimsoll.Docker;

/// <summary>The roots of running processes, as <see cref="MountedRoot.FindRoot"/> finds them. Most of a host's processes share theirs, and the list of mounts is read once for each root.</summary>
/// <param name="dataRoot">Docker's.</param>
/// <remarks>For one look at all processes: later a file system may have gone, and another one its number.</remarks>
public sealed class ProcessRoots(string dataRoot)
{
    private readonly Dictionary<(ulong Device, ulong Inode), MountedRoot?> _known = [];
    private readonly (ulong, ulong)? _own = Look("self");

    /// <returns>Null for a root that is no overlay, and for a process that ended.</returns>
    public MountedRoot? Find(int pid)
    {
        if (Look(pid.ToString(CultureInfo.InvariantCulture)) is not { } place)
            return MountedRoot.FindRoot(pid, dataRoot);
        if (_known.TryGetValue(place, out MountedRoot? root))
            return root;
        root = MountedRoot.FindRoot(pid, dataRoot);
        // What one process does not show, since it ended or hides it, another one of the same root may; that of the host is what it is.
        if (root is not null || place == _own)
            _known.Add(place, root);
        return root;
    }

    /// <remarks>Nobody is asked: a container may have put its root on a file system that never answers.</remarks>
    private static (ulong Device, ulong Inode)? Look(string process) =>
        Native.GetStat(Native.AtFdCwd, Encoding.ASCII.GetBytes($"/proc/{process}/root\0"), Native.AtStatxDontSync, out Stat stat) == 0 ? (stat.Device, stat.Inode) : null;
}
