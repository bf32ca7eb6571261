using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Install;

/// <summary>What the daemon is started with besides its file: a setting that stands in both places keeps dockerd from starting.</summary>
internal static class DockerUnit
{
    private const int MaxUnitBytes = 256 * 1024;

    private static readonly string[] Flags = ["--default-runtime", "--add-runtime", "--authorization-plugin"];

    private static readonly string[] Folders = ["/lib/systemd/system", "/usr/lib/systemd/system", "/run/systemd/system", "/etc/systemd/system"];

    /// <summary>Where systemd finds units of the system and what changes them; drop-ins of <c>service.d</c> hold for every service.</summary>
    /// <remarks>Source: systemd.unit(5), "Unit File Load Path".</remarks>
    private static readonly string[] WatchedFolders =
    [
        "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient", "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system",
    ];

    private static readonly string[] WatchedUnits = ["docker.service", "docker.socket", "containerd.service", UnitFiles.Agent, UnitFiles.Front, "service"];

    /// <summary>Looks through the unit, its drop-ins and Debian's defaults.</summary>
    /// <exception cref="InstallException">One of our settings is given on the command line.</exception>
    public static void Check(InstallOptions options, ReadOnlySpan<byte> daemonJson, List<FilledText> notes)
    {
        bool file = daemonJson.IndexOf("\"hosts\""u8) >= 0;
        foreach (string path in Files(options))
            foreach (string line in Lines(path))
            {
                if (Array.Find(Flags, f => Has(line, f)) is { } flag)
                    throw new InstallException("docker-command-line", Catalogue.AgentCommandLine.With(path, flag, options.DaemonJson), Catalogue.AgentCommandLineHint);
                if (file && (Has(line, "-H") || Has(line, "--host")))
                    notes.Add(Catalogue.AgentHostsTwice.With(path, options.DaemonJson));
            }
    }

    /// <summary>Everything that dockerd, containerd and the gate's own two are started with, as paths of the host in ordinal order. What is added there, changed or taken away is told of.</summary>
    public static IReadOnlyList<string> Watched(InstallOptions options)
    {
        SortedSet<string> found = new(StringComparer.Ordinal);
        foreach (string folder in WatchedFolders.Append(options.Units))
        {
            // One folder under two names, as /lib and /usr/lib are, is looked at once.
            if (!Directory.Exists(options.At(folder)) || folder == "/lib/systemd/system" && new DirectoryInfo(options.At("/lib")).LinkTarget is not null)
                continue;
            foreach (string unit in WatchedUnits)
            {
                string path = Path.Join(folder, unit);
                if (File.Exists(options.At(path)))
                    found.Add(path);
                if (Directory.Exists(options.At(path + ".d")))
                    foreach (string dropIn in Directory.EnumerateFiles(options.At(path + ".d"), "*.conf"))
                        found.Add(Path.Join(path + ".d", Path.GetFileName(dropIn)));
            }
        }
        if (File.Exists(options.At("/etc/default/docker")))
            found.Add("/etc/default/docker");
        return [.. found];
    }

    private static IEnumerable<string> Files(InstallOptions options)
    {
        foreach (string folder in Folders.Append(options.Units).Distinct(StringComparer.Ordinal))
        {
            string unit = options.At(Path.Join(folder, "docker.service"));
            if (File.Exists(unit))
                yield return unit;
            if (Directory.Exists(unit + ".d"))
                foreach (string dropIn in Directory.EnumerateFiles(unit + ".d", "*.conf").Order(StringComparer.Ordinal))
                    yield return dropIn;
        }
        if (File.Exists(options.At("/etc/default/docker")))
            yield return options.At("/etc/default/docker");
    }

    private static IEnumerable<string> Lines(string path) =>
        System.Text.Encoding.UTF8.GetString(SmallFile.ReadRegular(path, MaxUnitBytes) ?? throw new InstallException("docker-unit", Catalogue.AgentTooLong.With(Escape.Quote(path), MaxUnitBytes)))
            .Split('\n').Select(l => l.Trim()).Where(l => !l.StartsWith('#') && !l.StartsWith(';'));

    private static bool Has(string line, string flag)
    {
        for (int at = line.IndexOf(flag, StringComparison.Ordinal); at >= 0; at = line.IndexOf(flag, at + 1, StringComparison.Ordinal))
            if ((at == 0 || line[at - 1] is ' ' or '"' or '\'' or '=') && (at + flag.Length == line.Length || line[at + flag.Length] is ' ' or '=' or '"' or '\'' || flag == "-H"))
                return true;
        return false;
    }
}
