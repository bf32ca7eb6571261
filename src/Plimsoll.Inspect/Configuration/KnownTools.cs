using System.Text;

namespace Plimsoll.Inspect.Configuration;

/// <summary>Programs that a running service seldom needs: servers for logging in, and tools. Known by name, in folders of programs.</summary>
internal static class KnownTools
{
    private static readonly string[][] ByRule =
    [
        ["ssh-server", "sshd", "dropbear", "dropbearmulti", "tinysshd"],
        ["telnet-server", "telnetd", "in.telnetd", "utelnetd"],
        ["rsh-server", "rshd", "in.rshd", "rlogind", "in.rlogind", "rexecd", "in.rexecd", "in.rshd-redone"],
        ["ftp-server", "vsftpd", "proftpd", "pure-ftpd", "ftpd", "in.ftpd", "bftpd", "tftpd", "in.tftpd", "atftpd"],
        ["remote-desktop", "x11vnc", "Xvnc", "Xtigervnc", "Xtightvnc", "tigervncserver", "tightvncserver", "vncserver", "xrdp"],
        ["package-manager", "apt-get", "apk", "dnf", "dnf5", "microdnf", "yum", "zypper", "pacman", "emerge", "opkg"],
        ["compilers", "gcc", "cc", "g++", "clang", "tcc", "make", "rustc", "javac", "go", "ghc"],
        ["debug-tools", "gdb", "gdbserver", "lldb", "strace", "ltrace", "tcpdump", "tshark", "bpftrace", "perf", "nmap", "masscan", "hydra"],
        ["network-tools", "curl", "wget", "nc", "ncat", "netcat", "nc.traditional", "nc.openbsd", "socat", "telnet", "ftp", "tftp"],
    ];

    private static readonly (byte[] Name, string Rule)[][] ByLength = Make();

    /// <summary>Packages of the same servers, under every distribution's name.</summary>
    private static readonly string[][] Packages =
    [
        ["ssh-server", "openssh-server", "dropbear", "dropbear-bin", "tinysshd", "tinyssh"],
        ["telnet-server", "telnetd", "telnetd-ssl", "inetutils-telnetd", "telnet-server"],
        ["rsh-server", "rsh-server", "rsh-redone-server"],
        ["ftp-server", "vsftpd", "proftpd", "proftpd-core", "proftpd-basic", "pure-ftpd", "ftpd", "inetutils-ftpd", "bftpd", "tftpd", "tftpd-hpa", "atftpd", "tftp-server", "tftp-hpa"],
        ["remote-desktop", "x11vnc", "tigervnc-standalone-server", "tigervnc-server", "tightvncserver", "xrdp"],
    ];

    /// <summary>Allocates nothing.</summary>
    public static bool IsKnown(ReadOnlySpan<byte> path) => RuleOf(path) is not null;

    /// <summary>The rule that speaks of a program of this path, or null.</summary>
    public static string? RuleOf(ReadOnlySpan<byte> path)
    {
        int slash = path.LastIndexOf((byte)'/');
        if (slash < 3)
            return null;
        ReadOnlySpan<byte> folder = path[..slash], name = path[(slash + 1)..];
        if (name.Length >= ByLength.Length || !folder.EndsWith("bin"u8) && !folder.EndsWith("libexec"u8) || folder.EndsWith("/.bin"u8))
            return null;
        foreach ((byte[] known, string rule) in ByLength[name.Length])
            if (name.SequenceEqual(known))
                return rule;
        return null;
    }

    public static string? RuleOf(string path) => RuleOf(Encoding.UTF8.GetBytes(path));

    /// <summary>The rule that speaks of a package of this name, or null.</summary>
    public static string? RuleOfPackage(string name)
    {
        foreach (string[] group in Packages)
            for (int i = 1; i < group.Length; i++)
                if (group[i] == name)
                    return group[0];
        return null;
    }

    private static (byte[] Name, string Rule)[][] Make()
    {
        List<(byte[] Name, string Rule)>[] lists = [.. Enumerable.Range(0, 1 + ByRule.Max(g => g[1..].Max(n => n.Length))).Select(_ => new List<(byte[], string)>())];
        foreach (string[] group in ByRule)
            foreach (string name in group[1..])
                lists[name.Length].Add((Encoding.ASCII.GetBytes(name), group[0]));
        return [.. lists.Select(l => l.ToArray())];
    }
}
