using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Docker;

/// <summary>What is mounted at a folder or below it.</summary>
/// <param name="Point">Where.</param>
/// <param name="Path">The folder of the host that is seen there, where another mount shows it too; null: nobody can say.</param>
/// <param name="IsReadOnly">This mount takes no writes.</param>
/// <param name="What">Type and source, as the kernel has them.</param>
public sealed record MountOrigin(string Point, string? Path, bool IsReadOnly, string What);

/// <summary>A process's list of mounts, asked where a folder's content really is.</summary>
/// <remarks>Source: proc_pid_mountinfo(5).</remarks>
public static class MountTable
{
    /// <summary>The mounts that make another content of a folder, its own first. A tmpfs that is nowhere else is left out: it is empty when it is made.</summary>
    /// <param name="folder">Absolute, without links.</param>
    /// <param name="hidden">Mounts below this folder say nothing of where another one comes from: the engine makes them.</param>
    /// <exception cref="ImageException">The list cannot be read.</exception>
    public static IReadOnlyList<MountOrigin> OriginsOf(int pid, string folder, string hidden) => Parse(MountedRoot.ReadList(pid), folder, hidden);

    internal static IReadOnlyList<MountOrigin> Parse(string mountInfo, string folder, string hidden)
    {
        List<Line> all = [.. mountInfo.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Line.Of)];
        List<MountOrigin> origins = [];
        foreach (Line line in all.Where(l => IsBelow(l.Point, folder)).OrderBy(l => l.Point.Length))
        {
            // The place that shows most of its file system, as administrators know it.
            Line? from = all.Where(l => l.Device == line.Device && !IsBelow(l.Point, folder) && IsBelow(line.Root, l.Root) && (l.Point == hidden || !IsBelow(l.Point, hidden))).MinBy(l => (l.Root.Length, l.Point.Length));
            if (from is not null)
                origins.Add(new MountOrigin(line.Point, Join(from.Point, line.Root[(from.Root == "/" ? 0 : from.Root.Length)..]), line.IsReadOnly, $"{line.Type} {line.Source}"));
            else if (line.Type != "tmpfs" || line.Root != "/")
                origins.Add(new MountOrigin(line.Point, null, line.IsReadOnly, $"{line.Type} {line.Source}"));
        }
        return origins;
    }

    private static string Join(string folder, string rest) => rest.Length <= 1 ? folder : folder == "/" ? rest : folder + rest;

    private static bool IsBelow(string path, string folder) => folder == "/" || path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);

    private sealed record Line(string Device, string Root, string Point, bool IsReadOnly, string Type, string Source)
    {
        public static Line Of(string line)
        {
            string[] parts = line.Split(' ');
            int dash = Array.IndexOf(parts, "-", Math.Min(6, parts.Length));
            return parts.Length >= 10 && dash >= 0 && dash + 2 < parts.Length
                ? new Line(parts[2], MountedRoot.Unescape(parts[3]), MountedRoot.Unescape(parts[4]), parts[5].Split(',').Contains("ro"), parts[dash + 1], MountedRoot.Unescape(parts[dash + 2]))
                : throw new ImageException(ImageError.Malformed, $"the list of mounts has a line of {parts.Length} words: {Escape.Quote(line)}");
        }
    }
}
