using System.Globalization;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Gate;

/// <summary>Something else on this host that starts containers.</summary>
/// <param name="Pid">0 where only its socket is there.</param>
internal sealed record OtherDaemon(string Program, int Pid, string Socket)
{
    public FilledText Told => Pid > 0 ? Catalogue.AgentOtherProcess.With(Program, Pid) : Catalogue.AgentOtherSocket.With(Program, Socket);

    /// <summary>In English: <c>dockerd (process 12)</c>.</summary>
    public override string ToString() => Told.ToString();
}

/// <summary>
/// What else on this host starts containers, past the gate: another dockerd, a containerd that is not Docker's, podman's service, CRI-O and others. They are told of
/// and refuse nothing: the gate stands in front of one daemon.
/// </summary>
internal static class OtherDaemons
{
    private static readonly HashSet<string> Programs = new(StringComparer.Ordinal)
    {
        "dockerd", "containerd", "podman", "crio", "buildkitd", "lxd", "incusd", "k3s", "kubelet",
    };

    /// <summary>Sockets by which such daemons are called, also while systemd holds them and the daemon sleeps.</summary>
    private static readonly (string Path, string Name)[] Sockets =
    [
        ("/run/podman/podman.sock", "podman"), ("/run/crio/crio.sock", "crio"), ("/run/buildkit/buildkitd.sock", "buildkitd"), ("/run/k3s/containerd/containerd.sock", "k3s"),
        ("/var/snap/lxd/common/lxd/unix.socket", "lxd"), ("/var/lib/lxd/unix.socket", "lxd"), ("/var/lib/incus/unix.socket", "incusd"),
    ];

    /// <summary>In ordinal order of their English texts.</summary>
    /// <param name="dockerSocket">Of the daemon that is gated.</param>
    public static IReadOnlyList<OtherDaemon> Find(string dockerSocket, string proc = "/proc")
    {
        IReadOnlyList<(string Path, string Inode)> listening = HostProcesses.Listening(proc);
        HashSet<string> ours = InodesOf(listening, dockerSocket);
        HostProcess[] all = [.. HostProcesses.Of(Programs, proc)];
        HostProcess? gated = Array.Find(all, p => p.Program == "dockerd" && HostProcesses.Holds(p, ours, proc));
        // A dockerd that was not given one starts its own as a child; else it uses the host's.
        bool hasChild = gated is not null && Array.Exists(all, p => p.Program == "containerd" && p.Parent == gated.Pid);
        HashSet<string> hosts = InodesOf(listening, "/run/containerd/containerd.sock");
        HashSet<OtherDaemon> found = [];
        foreach (HostProcess process in all)
        {
            bool isOther = process.Program switch
            {
                "dockerd" => process != gated,
                "containerd" => gated is null || (process.Parent != gated.Pid && (hasChild || !HostProcesses.Holds(process, hosts, proc))) && !Array.Exists(all, d => d.Program == "dockerd" && d.Pid == process.Parent),
                "podman" => HostProcesses.CommandOf(process, proc).Contains(" system service", StringComparison.Ordinal),
                _ => true,
            };
            if (isOther)
                found.Add(new OtherDaemon(process.Program, process.Pid, ""));
        }
        foreach ((string path, string name) in Sockets)
            if (InodesOf(listening, path).Count > 0 && !Array.Exists(all, p => p.Program == name))
                found.Add(new OtherDaemon(name, 0, path));
        return [.. found.OrderBy(o => o.ToString(), StringComparer.Ordinal)];
    }

    /// <summary>The process behind the gated daemon's socket, <c>PID STARTED</c>; empty when there is none.</summary>
    public static string IdentityOf(string dockerSocket, string proc = "/proc")
    {
        HashSet<string> ours = InodesOf(HostProcesses.Listening(proc), dockerSocket);
        return ours.Count > 0 && HostProcesses.Of(new HashSet<string>(StringComparer.Ordinal) { "dockerd" }, proc).FirstOrDefault(p => HostProcesses.Holds(p, ours, proc)) is { } daemon
            ? string.Create(CultureInfo.InvariantCulture, $"{daemon.Pid} {daemon.Started}") : "";
    }

    /// <summary>A path may be known by a link, as /var/run is one to /run.</summary>
    private static HashSet<string> InodesOf(IReadOnlyList<(string Path, string Inode)> listening, string path)
    {
        string bare = path.StartsWith("/var/run/", StringComparison.Ordinal) ? path["/var".Length..] : path;
        return new HashSet<string>(listening.Where(l => l.Path == bare || l.Path == "/var" + bare).Select(l => l.Inode), StringComparer.Ordinal);
    }
}
