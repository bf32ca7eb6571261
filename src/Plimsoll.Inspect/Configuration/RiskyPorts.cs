using System.Globalization;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Configuration;

/// <summary>Ports whose usual service lets people in without a key, without encryption, or to the host.</summary>
internal static class RiskyPorts
{
    /// <summary>The longest range that is looked through; more than all ports there are not.</summary>
    private const int MaxPort = 65535;

    /// <summary>What listens there and why that is a risk, in a word that the report shows; null for a port that says nothing.</summary>
    /// <param name="text">As the config has it: <c>22/tcp</c>, <c>22</c>, <c>5900-5910/tcp</c>.</param>
    public static (Severity Severity, string Service)? Find(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        bool udp = slash >= 0 && text.AsSpan(slash + 1).Equals("udp", StringComparison.OrdinalIgnoreCase);
        string[] ends = (slash < 0 ? text : text[..slash]).Split('-');
        if (ends.Length > 2 || !TryPort(ends[0], out int first) || !TryPort(ends[^1], out int last))
            return null;
        (Severity Severity, string Service)? worst = null;
        for (int port = first; port <= last; port++)
            if (Of(port, udp) is { } found && (worst is null || found.Severity > worst.Value.Severity))
                worst = found;
        return worst;
    }

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= MaxPort;

    /// <remarks>Source of the numbers: IANA, Service Name and Transport Protocol Port Number Registry; Docker and Kubernetes documentation.</remarks>
    private static (Severity Severity, string Service)? Of(int port, bool udp) => (port, udp) switch
    {
        (69, true) => (Severity.Medium, "TFTP"),
        (161, true) => (Severity.Low, "SNMP"),
        (_, true) => null,
        (20 or 21, _) => (Severity.Medium, "FTP"),
        (22, _) => (Severity.Medium, "SSH"),
        (23, _) => (Severity.High, "telnet"),
        (111, _) => (Severity.Medium, "rpcbind"),
        (139 or 445, _) => (Severity.Medium, "SMB"),
        (512 or 513 or 514, _) => (Severity.High, "rexec/rlogin/rsh"),
        (873, _) => (Severity.Low, "rsync"),
        (2049, _) => (Severity.Medium, "NFS"),
        (2375 or 4243, _) => (Severity.High, "Docker API"),
        (2376 or 2377, _) => (Severity.Medium, "Docker API"),
        (2379 or 2380, _) => (Severity.Medium, "etcd"),
        (3389, _) => (Severity.Medium, "RDP"),
        (5005, _) => (Severity.Medium, "Java debugger (JDWP)"),
        ( >= 5900 and <= 5910, _) => (Severity.Medium, "VNC"),
        ( >= 6000 and <= 6010, _) => (Severity.Medium, "X11"),
        (6379, _) => (Severity.Low, "Redis"),
        (9200 or 9300, _) => (Severity.Low, "Elasticsearch"),
        (9229, _) => (Severity.Medium, "Node.js inspector"),
        (10250, _) => (Severity.Medium, "kubelet"),
        (11211, _) => (Severity.Low, "memcached"),
        (27017, _) => (Severity.Low, "MongoDB"),
        _ => null,
    };
}
