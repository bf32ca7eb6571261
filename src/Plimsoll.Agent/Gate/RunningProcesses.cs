using System.Globalization;
using System.Text;
using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Agent.Gate;

/// <summary>A container that has processes.</summary>
/// <param name="Own">Its folder below <c>overlay2/</c>.</param>
/// <param name="Id">Docker's; null for one that Docker does not know.</param>
/// <param name="Root">Null when none of its processes shows it.</param>
internal sealed record RunningContainer(string Own, string? Id, IReadOnlyList<int> Pids, MountedRoot? Root);

/// <summary>Finds containers by their processes, so that the daemon need not answer and need not be believed.</summary>
internal static class RunningProcesses
{
    private const int IdChars = 64, MaxCgroupBytes = 64 * 1024;

    /// <summary>A process belongs to the container whose overlay is its root; one that changed its root since, to the one whose cgroup it is in.</summary>
    public static IReadOnlyList<RunningContainer> Find(HostStore store, CancellationToken cancellationToken)
    {
        Dictionary<string, string> ownById = new(StringComparer.Ordinal), idByOwn = new(StringComparer.Ordinal);
        foreach ((string id, string own) in Containers(store))
            (ownById[id], idByOwn[own]) = (own, id);
        ProcessRoots roots = new(store.Root);
        Dictionary<string, (List<int> Pids, MountedRoot? Root)> found = new(StringComparer.Ordinal);
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
                continue;
            MountedRoot? root = roots.Find(pid);
            string? own = OwnOf(store, root);
            if (own is null)
                (root, own) = (null, IdInCgroup(pid) is { } id ? ownById.GetValueOrDefault(id) : null);
            if (own is null)
                continue;
            if (found.TryGetValue(own, out (List<int> Pids, MountedRoot? Root) known))
                known.Pids.Add(pid);
            else
                known.Pids = [pid];
            found[own] = (known.Pids, known.Root ?? root);
        }
        return [.. found.Select(f => new RunningContainer(f.Key, idByOwn.GetValueOrDefault(f.Key), f.Value.Pids, f.Value.Root ?? MountedByDocker(store, f.Key)))];
    }

    /// <summary>The folder that takes what a container with this root writes; null for another root.</summary>
    public static string? OwnOf(HostStore store, MountedRoot? root)
    {
        string prefix = $"{store.Root}/overlay2/";
        return root is not null && root.Upper.StartsWith(prefix, StringComparison.Ordinal) && root.Upper.EndsWith("/diff", StringComparison.Ordinal) ? root.Upper[prefix.Length..^"/diff".Length] : null;
    }

    /// <summary>The containers that Docker keeps, running or not; none where its store cannot be read.</summary>
    public static IReadOnlyList<(string Container, string Own)> Containers(HostStore store)
    {
        try
        {
            return store.ListContainers();
        }
        catch (ImageException)
        {
            // No store, no containers of it. Where there is one that cannot be read, each container says so by itself.
            return [];
        }
    }

    /// <summary>The mount that Docker keeps of every running container's root.</summary>
    private static MountedRoot? MountedByDocker(HostStore store, string own) => MountedRoot.Find(Environment.ProcessId, $"{store.Root}/overlay2/{own}/merged", store.Root);

    /// <summary>The last 64 hex digits of a process's cgroups: <c>/docker/ID</c>, or <c>/system.slice/docker-ID.scope</c>.</summary>
    private static string? IdInCgroup(int pid)
    {
        try
        {
            return SmallFile.Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cgroup"), MaxCgroupBytes) is { } bytes ? LastId(Encoding.UTF8.GetString(bytes)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    internal static string? LastId(string text)
    {
        for (int end = text.Length; end >= IdChars;)
        {
            int start = end;
            while (start > 0 && char.IsAsciiHexDigitLower(text[start - 1]))
                start--;
            if (end - start == IdChars)
                return text[start..end];
            end = start == end ? end - 1 : start;
        }
        return null;
    }
}
