using System.Globalization;

namespace Plimsoll.Agent.Gate;

/// <summary>A process of this host.</summary>
/// <param name="Started">Clock ticks after boot; with the pid it names one process for good.</param>
/// <param name="Program">Base name of its executable, as the kernel says; one that was replaced since counts by its old name.</param>
internal sealed record HostProcess(int Pid, int Parent, long Started, string Program);

/// <summary>Reads <c>/proc</c>. Processes come and go meanwhile: what cannot be read is not there.</summary>
internal static class HostProcesses
{
    /// <summary>Bytes of <c>/proc/net/unix</c>; some 100 for each socket.</summary>
    private const int MaxSocketBytes = 32 * 1024 * 1024;

    private const string Deleted = " (deleted)";

    /// <summary>Of the times that the kernel tells of processes, on every architecture.</summary>
    public const long TicksPerSecond = 100;

    /// <summary>Clock ticks since boot.</summary>
    /// <remarks>Source: proc_uptime(5).</remarks>
    public static long Now()
    {
        string uptime = File.ReadAllText("/proc/uptime");
        return (long)(decimal.Parse(uptime.AsSpan(0, uptime.IndexOf(' ', StringComparison.Ordinal)), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) * TicksPerSecond);
    }

    /// <summary>When a process began, in clock ticks after boot; null for one that is gone.</summary>
    public static long? StartOf(int pid) => StatOf(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}"))?.Started;

    /// <summary>Processes whose executables have one of these names.</summary>
    public static IEnumerable<HostProcess> Of(IReadOnlySet<string> programs, string proc = "/proc")
    {
        foreach (string folder in Directory.EnumerateDirectories(proc))
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && ProgramOf(folder) is { } program && programs.Contains(program) && StatOf(folder) is var (parent, started))
                yield return new HostProcess(pid, parent, started, program);
    }

    /// <summary>Inodes of sockets that listen on a path, and the paths.</summary>
    /// <remarks>Source: proc(5), <c>/proc/net/unix</c>; flag 0x10000 is SO_ACCEPTCON.</remarks>
    public static IReadOnlyList<(string Path, string Inode)> Listening(string proc = "/proc")
    {
        const int flagsAt = 3, inodeAt = 6, pathAt = 7;
        List<(string, string)> found = [];
        try
        {
            if (Posix.SmallFile.Read($"{proc}/net/unix", MaxSocketBytes) is not { } bytes)
                return found;
            foreach (string line in System.Text.Encoding.UTF8.GetString(bytes).Split('\n'))
            {
                string[] parts = line.Split(' ', pathAt + 1, StringSplitOptions.RemoveEmptyEntries);
                if (parts.Length > pathAt && parts[flagsAt] == "00010000")
                    found.Add((parts[pathAt], parts[inodeAt]));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing is known of sockets then.
        }
        return found;
    }

    /// <summary>Whether a process has a socket open, by its inode.</summary>
    public static bool Holds(HostProcess process, IReadOnlySet<string> inodes, string proc = "/proc")
    {
        try
        {
            foreach (string file in Directory.EnumerateFileSystemEntries(string.Create(CultureInfo.InvariantCulture, $"{proc}/{process.Pid}/fd")))
                if (LinkOf(file) is { } target && target.StartsWith("socket:[", StringComparison.Ordinal) && inodes.Contains(target[8..^1]))
                    return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended.
        }
        return false;
    }

    /// <summary>A process's arguments, joined by spaces; empty when it is gone. Untrusted text.</summary>
    public static string CommandOf(HostProcess process, string proc = "/proc")
    {
        try
        {
            return System.Text.Encoding.UTF8.GetString(Posix.SmallFile.Read(string.Create(CultureInfo.InvariantCulture, $"{proc}/{process.Pid}/cmdline"), 64 * 1024) ?? []).TrimEnd('\0').Replace('\0', ' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string? ProgramOf(string folder)
    {
        if (LinkOf($"{folder}/exe") is not { } path)
            return null;
        string name = Path.GetFileName(path);
        return name.EndsWith(Deleted, StringComparison.Ordinal) ? name[..^Deleted.Length] : name;
    }

    private static string? LinkOf(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <remarks>Source: proc_pid_stat(5); the second field, in brackets, may hold anything.</remarks>
    private static (int Parent, long Started)? StatOf(string folder)
    {
        const int parentAt = 1, startedAt = 19;
        try
        {
            string stat = File.ReadAllText($"{folder}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return fields.Length > startedAt && int.TryParse(fields[parentAt], NumberStyles.None, CultureInfo.InvariantCulture, out int parent) && long.TryParse(fields[startedAt], NumberStyles.None, CultureInfo.InvariantCulture, out long started)
                ? (parent, started) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
