using System.Globalization;
using System.Text;
using Plimsoll.Posix;

namespace Plimsoll.Verify.Start;

/// <summary>Paths as text and as the host has them.</summary>
public static class StartPaths
{
    /// <summary>Characters; the kernel takes no longer path, and no more links on the way.</summary>
    internal const int MaxCharacters = 4096;
    private const int MaxLinks = 40, CharacterDevice = 2, BlockDevice = 6;

    /// <summary>Absolute, without <c>.</c>, <c>..</c> and empty parts; <c>..</c> above the root is the root. Null for a relative path and one with a zero character.</summary>
    public static string? Fold(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length == 0 || path[0] != '/' || path.Contains('\0', StringComparison.Ordinal))
            return null;
        List<string> parts = [];
        foreach (string part in path.Split('/'))
            if (part == "..")
                parts.RemoveRange(Math.Max(0, parts.Count - 1), Math.Min(1, parts.Count));
            else if (part is not ("" or "."))
                parts.Add(part);
        return "/" + string.Join('/', parts);
    }

    /// <summary>Whether a folded path is a folder or lies below it.</summary>
    public static bool IsBelow(string path, string folder)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(folder);
        return path == folder || folder == "/" || (path.StartsWith(folder, StringComparison.Ordinal) && path[folder.Length] == '/');
    }

    /// <summary>Whether one lies in the other, either way.</summary>
    internal static bool Overlaps(string path, string folder) => IsBelow(path, folder) || IsBelow(folder, path);

    /// <summary>The device that stands at a path of this host, <c>c 10:229</c>; links are followed. Null for none.</summary>
    public static string? DeviceAt(string path) =>
        Native.GetStat(Native.AtFdCwd, Encoding.UTF8.GetBytes(path + '\0'), 0, out Stat stat) == 0 && stat.Kind is CharacterDevice or BlockDevice
            ? string.Create(CultureInfo.InvariantCulture, $"{(stat.Kind == CharacterDevice ? 'c' : 'b')} {stat.NodeMajor}:{stat.NodeMinor}") : null;

    /// <summary>Where a path of this host leads, each link followed. What does not exist yet is kept as it stands behind what does.</summary>
    /// <returns>Null when it cannot be told: relative, too many links, or a folder on the way that may not be read.</returns>
    /// <remarks>Between this and the mount somebody may change a link: the answer is as good as the hold on the folders on the way.</remarks>
    public static string? Resolve(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length is 0 or > MaxCharacters || path[0] != '/' || path.Contains('\0', StringComparison.Ordinal))
            return null;
        // Most paths have no link on their way, which the kernel says at once.
        if (!path.Contains("..", StringComparison.Ordinal) && Native.Open(Native.AtFdCwd, Encoding.UTF8.GetBytes(path + '\0'), Native.PathOnly, Native.ResolveNoSymlinks) is >= 0 and var opened)
        {
            Native.CloseFile(opened);
            return Fold(path);
        }
        LinkedList<string> rest = new(path.Split('/'));
        List<string> done = [];
        int links = 0;
        bool missing = false;
        while (rest.First is { } first)
        {
            rest.RemoveFirst();
            string part = first.Value;
            if (part is "" or ".")
                continue;
            if (part == "..")
            {
                // Behind what does not exist yet nobody knows what "one up" will be.
                if (missing)
                    return null;
                done.RemoveRange(Math.Max(0, done.Count - 1), Math.Min(1, done.Count));
                continue;
            }
            string here = "/" + string.Join('/', done.Append(part));
            if (!missing)
                try
                {
                    FileAttributes attributes = File.GetAttributes(here);
                    if (attributes.HasFlag(FileAttributes.ReparsePoint) && new FileInfo(here).LinkTarget is { } target)
                    {
                        if (++links > MaxLinks)
                            return null;
                        if (target.StartsWith('/'))
                            done.Clear();
                        foreach (string step in target.Split('/').Reverse())
                            rest.AddFirst(step);
                        continue;
                    }
                }
                catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
                {
                    missing = true;
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    return null;
                }
            done.Add(part);
        }
        return "/" + string.Join('/', done);
    }
}

/// <summary>The host on which a container is to start, as far as paths are concerned.</summary>
/// <param name="Resolve">
/// Where a path leads when every link is followed (<see cref="StartPaths.Resolve"/> on the host itself); null for one that cannot be told, which is refused.
/// Null where there is no host to ask: paths are then judged as they are written.
/// </param>
/// <param name="DataRoot">The engine's folder.</param>
public sealed record StartHost(Func<string, string?>? Resolve, string DataRoot = "/var/lib/docker")
{
    /// <summary>The device that stands at a path of this host, <c>c 10:229</c>; null for none. Null itself where there is no host to ask.</summary>
    public Func<string, string?>? DeviceAt { get; init; }

    public static StartHost None { get; } = new((Func<string, string?>?)null);
}
