using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Agent.Install;

/// <summary>What the daemon is started with besides its file: a setting that stands in both places keeps dockerd from starting.</summary>
internal static class DockerUnit
{
    private const int MaxUnitBytes = 256 * 1024;

    private static readonly string[] Flags = ["--default-runtime", "--add-runtime", "--authorization-plugin"];

    private static readonly string[] Folders = ["/lib/systemd/system", "/usr/lib/systemd/system", "/run/systemd/system", "/etc/systemd/system"];

    /// <summary>Where systemd finds units of the system and what changes them.</summary>
    /// <remarks>Source: systemd.unit(5), "Unit File Load Path".</remarks>
    private static readonly string[] WatchedFolders =
    [
        "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient", "/run/systemd/generator.early", "/etc/systemd/system", "/etc/systemd/system.attached",
        "/run/systemd/system", "/run/systemd/system.attached", "/run/systemd/generator", "/usr/local/lib/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system", "/run/systemd/generator.late",
    ];

    private static readonly string[] WatchedUnits = ["docker.service", "docker.socket", "containerd.service", UnitFiles.Agent, UnitFiles.Front];

    private const string EnvironmentFile = "EnvironmentFile";

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
    /// <remarks>
    /// Drop-ins are those of a unit, of its aliases, of each beginning of its name that ends in a dash (<c>plimsoll-.service.d</c>), and of its type (<c>service.d</c>).
    /// Source: systemd.unit(5), "Description"; systemd.exec(5), "EnvironmentFile=".
    /// </remarks>
    public static IReadOnlyList<string> Watched(InstallOptions options)
    {
        // One folder under two names, as /lib and /usr/lib are, is looked at once.
        string[] folders = [.. WatchedFolders.Append(options.Units).Distinct(StringComparer.Ordinal)
            .Where(f => Directory.Exists(options.At(f)) && !(f == "/lib/systemd/system" && new DirectoryInfo(options.At("/lib")).LinkTarget is not null))];
        IReadOnlySet<string> units = WithAliases(folders, options);
        string[] dropIns = [.. units.SelectMany(DropInsOf).Distinct(StringComparer.Ordinal)];
        SortedSet<string> found = new(StringComparer.Ordinal);
        foreach (string folder in folders)
        {
            foreach (string unit in units)
                if (Path.Join(folder, unit) is var path && File.Exists(options.At(path)))
                    found.Add(path);
            foreach (string dropIn in dropIns)
                if (Path.Join(folder, dropIn) is var path && Directory.Exists(options.At(path)))
                    foreach (string file in Directory.EnumerateFiles(options.At(path), "*.conf"))
                        found.Add(Path.Join(path, Path.GetFileName(file)));
        }
        foreach (string path in (string[])["/etc/default/docker", .. found.SelectMany(f => EnvironmentFilesOf(f, options)).ToArray()])
            if (File.Exists(options.At(path)))
                found.Add(path);
        return [.. found];
    }

    /// <summary>The units that are watched, by all names that links in these folders give them.</summary>
    private static HashSet<string> WithAliases(IEnumerable<string> folders, InstallOptions options)
    {
        List<(string Link, string Target)> links = [];
        foreach (string folder in folders)
            foreach (string type in (string[])["*.service", "*.socket"])
                foreach (FileInfo file in new DirectoryInfo(options.At(folder)).EnumerateFiles(type))
                    if (file.LinkTarget is { } target && Path.GetFileName(target) is var name && name != file.Name && Path.GetExtension(name) == file.Extension)
                        links.Add((file.Name, name));
        HashSet<string> units = new(WatchedUnits, StringComparer.Ordinal);
        for (int before = 0; before != units.Count;)
        {
            before = units.Count;
            foreach ((string link, string target) in links)
                if (units.Contains(link) || units.Contains(target))
                    units.UnionWith([link, target]);
        }
        return units;
    }

    private static IEnumerable<string> DropInsOf(string unit)
    {
        string type = Path.GetExtension(unit);
        yield return unit + ".d";
        yield return type[1..] + ".d";
        for (int dash = unit.IndexOf('-', StringComparison.Ordinal); dash >= 0; dash = unit.IndexOf('-', dash + 1))
            yield return $"{unit[..(dash + 1)]}{type}.d";
    }

    /// <summary>Files that a unit or drop-in names for its environment, as paths of the host. Patterns are followed in the last part, specifiers nowhere.</summary>
    private static IEnumerable<string> EnvironmentFilesOf(string unit, InstallOptions options)
    {
        if (SmallFile.ReadRegular(options.At(unit), MaxUnitBytes) is not { } text)
            yield break;
        foreach (string line in System.Text.Encoding.UTF8.GetString(text).Replace("\\\n", " ", StringComparison.Ordinal).Split('\n').Select(l => l.Trim()))
        {
            if (line.Split('=', 2) is not [var member, var value] || member.TrimEnd() != EnvironmentFile || value.Trim().Trim('"').TrimStart('-') is not ['/', ..] path)
                continue;
            string folder = Path.GetDirectoryName(path) ?? "/", name = Path.GetFileName(path) is var last && last.Contains('[', StringComparison.Ordinal) ? "*" : last;
            if (name.AsSpan().IndexOfAny('*', '?') < 0)
                yield return path;
            else if (Directory.Exists(options.At(folder)))
                foreach (string file in Directory.EnumerateFiles(options.At(folder)).Select(f => Path.GetFileName(f)!).Where(f => Glob.Matches(name, f)))
                    yield return Path.Join(folder, file);
        }
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
