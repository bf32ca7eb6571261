using System.Text;

namespace Plimsoll.Posix;

/// <summary>By what a file counts as the one that was read before: device, inode, size and the times of its last change.</summary>
internal readonly record struct FileState(ulong Device, ulong Inode, long Size, long Modified, uint ModifiedNanoseconds, long Changed, uint ChangedNanoseconds)
{
    /// <summary>The second in which it was changed may have just begun or be over.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(3);

    public FileState(in Stat stat) : this(stat.Device, stat.Inode, stat.Size, stat.ModifySeconds, stat.ModifyNanoseconds, stat.ChangeSeconds, stat.ChangeNanoseconds)
    {
    }

    /// <summary>Whether its last change is so old that another one would show, by the clock that the kernel writes down.</summary>
    public bool IsSettled => TimeProvider.System.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(Changed) > Settled;

    /// <summary>Of what stands at a path now, with links followed; null where nothing does.</summary>
    public static FileState? Of(string path) => Of(Native.AtFdCwd, path);

    /// <param name="folder">An open one that the path is relative to.</param>
    public static FileState? Of(int folder, string path) => Native.GetStat(folder, Encoding.UTF8.GetBytes(path + '\0'), 0, out Stat stat) == 0 ? new FileState(stat) : null;
}
