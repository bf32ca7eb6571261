namespace Plimsoll.Verify.Start;

/// <summary>What of the host and of volumes comes into the container, and where it comes to lie.</summary>
internal static class StartMounts
{
    /// <summary>Programs that run what their arguments name, without the version at the end of a name.</summary>
    private static readonly string[] Shells = ["ash", "bash", "dash", "ksh", "sh", "zsh"], Interpreters = [.. Shells, "java", "lua", "node", "perl", "php", "python", "ruby", "tclsh"];

    /// <summary>Programs that run another, whose name stands among their arguments.</summary>
    private static readonly string[] Wrappers = ["busybox", "env"];

    public static void Judge(StartRun run)
    {
        HashSet<string> targets = new(StringComparer.Ordinal);
        foreach (StartMount mount in run.Request.Mounts)
        {
            MountKind kind = OwnKind(mount, run.Host, run.Request.Source);
            if (kind == MountKind.Engine)
                continue;
            if (mount.Propagation is not ("" or "private" or "rprivate"))
                run.Flag(StartCheck.Propagation, "propagation", mount.Propagation);
            if (kind == MountKind.Bind)
                Bind(run, mount.Source, mount.ReadOnly);
            else if (kind == MountKind.Volume)
            {
                Volume(run, mount);
                Mounted(run, mount);
            }
            else if (kind == MountKind.Other)
                run.Flag(StartCheck.MountType, "mount-type", mount.Type.Length > 0 ? mount.Type : "none");
            if (run.Request.Source == StartSource.Volume)
                continue;
            Target(run, mount.Target);
            // A new tmpfs is empty: nothing can be started from it.
            if (kind != MountKind.Tmpfs && StartPaths.Fold(mount.Target) is { } target)
                targets.Add(target);
            if (mount.Place is not { } place)
                continue;
            // What is there before is hidden, whatever the target is called.
            if (place.Length == 0 || StartDefaults.SystemTargets.Any(s => StartPaths.Overlaps(place, s)))
                run.Flag(StartCheck.SystemTarget, "system-target", $"{mount.Target} -> {(place.Length == 0 ? "?" : place)}");
            if (kind != MountKind.Tmpfs && place.Length > 0)
                targets.Add(place);
        }
        foreach (string volume in run.Config.Volumes)
        {
            Target(run, volume);
            if (StartPaths.Fold(volume) is { } target)
                targets.Add(target);
        }
        foreach (string container in run.Request.VolumesFrom)
            run.Flag(StartCheck.VolumesFrom, "volumes-from", container);
        if (targets.Count > 0 && run.Config.IsKnown)
            Executable(run, targets);
        foreach (string path in run.Request.OwnExecutables)
            if (!run.Allows(StartList.OwnExecutables, path))
                run.Refuse(StartList.OwnExecutables, "own-executable", path);
    }

    /// <summary>A spec shows volumes and the engine's own files as binds of the engine's folder.</summary>
    private static MountKind OwnKind(StartMount mount, StartHost host, StartSource source)
    {
        string dataRoot = host.DataRoot;
        if (source != StartSource.Spec || mount.Kind != MountKind.Bind || StartPaths.Fold(mount.Source) is not { } path || StartPaths.Fold(mount.Target) is not { } target)
            return mount.Kind;
        if (target == "/sbin/docker-init" && path is "/usr/bin/docker-init" or "/usr/libexec/docker/docker-init" or "/usr/local/bin/docker-init" or "/usr/sbin/docker-init")
            return MountKind.Engine;
        if (!StartPaths.IsBelow(path, dataRoot) || path == dataRoot)
            return mount.Kind;
        string[] parts = path[(dataRoot == "/" ? 1 : dataRoot.Length + 1)..].Split('/');
        // With mapped users the engine's folder has one folder per mapping: 100000.100000.
        if (parts.Length > 1 && parts[0].Contains('.', StringComparison.Ordinal) && parts[0].All(c => char.IsAsciiDigit(c) || c == '.'))
            parts = parts[1..];
        MountKind kind = parts switch
        {
            ["volumes", _, "_data"] => MountKind.Volume,
            ["containers", var id, var file] when IsId(id) && target == $"/etc/{file}" && file is "hosts" or "hostname" or "resolv.conf" => MountKind.Engine,
            ["containers", var id, "mounts", "shm"] when IsId(id) && target == "/dev/shm" => MountKind.Engine,
            _ => mount.Kind,
        };
        // The folder of all volumes may lie elsewhere; a link below it brings in whatever it leads to.
        return kind == mount.Kind || host.Resolve is not { } resolve || resolve(path) == path || IsLedBy(path, parts, resolve) ? kind : mount.Kind;
    }

    /// <summary>Whether no link but those to the engine's folder, or to the one of all its volumes or containers, is on the way.</summary>
    private static bool IsLedBy(string path, string[] parts, Func<string, string?> resolve)
    {
        string below = "/" + string.Join('/', parts[1..]);
        return resolve(path[..^below.Length]) is { } at && resolve(path) == at + below;
    }

    private static bool IsId(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    private static void Bind(StartRun run, string source, bool readOnly)
    {
        if (StartPaths.Fold(source) is not { } folded || (run.Host.Resolve is { } resolve ? resolve(folded) : folded) is not { } led || StartPaths.Fold(led) is not { } path)
        {
            run.Flag(StartCheck.SensitivePath, "path-unresolved", source);
            return;
        }
        string shown = path == source ? source : $"{source} -> {path}";
        if (IsSocket(folded) || IsSocket(path))
            run.Flag(StartCheck.EngineSocket, "engine-socket", shown);
        if (IsSensitive(run, folded) || IsSensitive(run, path))
            run.Flag(StartCheck.SensitivePath, "sensitive-path", shown);
        if (!run.Rule[StartList.Binds].Any(b => StartPaths.IsBelow(path, b)) && !(readOnly && run.Rule[StartList.ReadOnlyBinds].Any(b => StartPaths.IsBelow(path, b))))
            run.Flag(StartCheck.Bind, "bind-not-allowed", shown);
    }

    private static bool IsSocket(string path) =>
        StartDefaults.EngineSockets.Any(s => StartPaths.Overlaps(path, s)) || StartDefaults.SocketNames.Contains(path[(path.LastIndexOf('/') + 1)..], StringComparer.Ordinal);

    private static bool IsSensitive(StartRun run, string path) =>
        (StartDefaults.SensitivePaths.Any(s => StartPaths.Overlaps(path, s)) || StartPaths.Overlaps(path, run.Host.DataRoot))
        && !run.Rule[StartList.SensitivePaths].Any(s => StartPaths.IsBelow(path, s));

    private static void Volume(StartRun run, StartMount mount)
    {
        string driver = mount.Driver.Length > 0 ? mount.Driver : "local";
        if (!run.Allows(StartList.VolumeDrivers, driver))
            run.Flag(StartCheck.VolumeDriver, "volume-driver", driver);
        if (mount.DriverOptions.Count == 0)
            return;
        string Option(string name) => mount.DriverOptions.FirstOrDefault(o => o.Key == name).Value ?? "";
        string[] options = Option("o").Split(',');
        if (driver == "local" && options.Any(o => o is "bind" or "rbind"))
        {
            if (mount.DriverOptions.Any(o => o.Key is not ("type" or "o" or "device")) || Option("type") is not ("" or "none" or "bind"))
                run.Flag(StartCheck.VolumeOptions, "volume-options", string.Join(' ', mount.DriverOptions.Select(o => $"{o.Key}={o.Value}")));
            Bind(run, Option("device"), options.Contains("ro", StringComparer.Ordinal));
        }
        else if (!(driver == "local" && Option("type") == "tmpfs" && mount.DriverOptions.All(o => o.Key is "type" or "o" or "device")))
            run.Flag(StartCheck.VolumeOptions, "volume-options", string.Join(' ', mount.DriverOptions.Select(o => $"{o.Key}={o.Value}")));
    }

    /// <summary>A volume's options are no part of a spec; what they bring in is mounted at its folder by then.</summary>
    private static void Mounted(StartRun run, StartMount mount)
    {
        foreach (StartOrigin origin in mount.Origins)
            if (origin.Path is { } path)
                Bind(run, path, mount.ReadOnly || origin.IsReadOnly);
            else
                run.Flag(StartCheck.VolumeOptions, "volume-options", $"{origin.Point}: {origin.What}");
    }

    /// <summary>Folders from which programs and libraries come belong to the image alone.</summary>
    private static void Target(StartRun run, string target)
    {
        if (StartPaths.Fold(target) is not { } path || StartDefaults.SystemTargets.Any(s => StartPaths.Overlaps(path, s)))
            run.Flag(StartCheck.SystemTarget, "system-target", target);
    }

    /// <summary>Whether the first word of the command, or a script that an interpreter is given, comes out of a mount. Links inside the image are not followed here.</summary>
    private static void Executable(StartRun run, HashSet<string> targets)
    {
        IReadOnlyList<string> words = Words(run);
        if (words.Count == 0 || words[0].Length == 0)
            return;
        string folder = StartPaths.Fold(run.Request.Process.WorkingDirectory ?? run.Config.WorkingDirectory) ?? "/", first = words[0];
        IEnumerable<string> places = first.Contains('/', StringComparison.Ordinal) ? [first.StartsWith('/') ? first : $"{folder}/{first}"]
            // Any folder of the search path may come first to have it.
            : PathOf(run).Split(':').Select(f => f.StartsWith('/') ? f : $"{folder}/{f}");
        string name = ProgramOf(first);
        if (Interpreters.Contains(name, StringComparer.Ordinal) || Wrappers.Contains(name, StringComparer.Ordinal))
            places = places.Concat(words.Skip(1).Where(w => w.StartsWith('/'))).Concat(ScriptsOf(words).Select(w => $"{folder}/{w}"));
        foreach (string place in places)
            if (StartPaths.Fold(place) is { } path && LiesIn(path, targets))
            {
                run.Flag(StartCheck.Executable, "executable-from-volume", path);
                return;
            }
    }

    /// <summary>The last name of a path without a version: <c>python</c> of <c>/usr/bin/python3.11</c>.</summary>
    private static string ProgramOf(string word) => word[(word.LastIndexOf('/') + 1)..].TrimEnd([.. "0123456789."]);

    /// <summary>Words that may stand for a script in the working directory: of those behind an interpreter's options the first, and before it arguments of options.</summary>
    private static IEnumerable<string> ScriptsOf(IReadOnlyList<string> words)
    {
        int at = 0;
        while (at < words.Count && (words[at].Contains('=', StringComparison.Ordinal) || !Interpreters.Contains(ProgramOf(words[at]), StringComparer.Ordinal)))
            at++;
        if (at == words.Count)
        {
            // What a wrapper runs need be no interpreter.
            if (words.Skip(1).FirstOrDefault(w => !w.StartsWith('-') && !w.Contains('=', StringComparison.Ordinal)) is { } run && run.Contains('/', StringComparison.Ordinal) && run[0] != '/')
                yield return run;
            yield break;
        }
        string program = ProgramOf(words[at]), option = "";
        bool shell = Shells.Contains(program, StringComparer.Ordinal);
        foreach (string word in words.Skip(at + 1))
        {
            string before = option;
            option = word.StartsWith('-') ? word : "";
            // Behind it stands no name of a file.
            if (shell && word.Length > 1 && option.Length > 0 && word[1] != '-' && word.EndsWith('c'))
                yield break;
            // A class is no file of that name; set -o pipefail.
            if (option.Length > 0 || (program == "java" && !word.EndsWith(".jar", StringComparison.Ordinal)) || (shell && before.EndsWith('o')))
                continue;
            if (!word.StartsWith('/') && word.Length > 0)
                yield return word;
            if (shell || before.Length == 0)
                yield break;
        }
    }

    /// <summary>Whether it is one of the folders or lies below one. A path longer than the kernel takes leads nowhere.</summary>
    private static bool LiesIn(string path, HashSet<string> folders)
    {
        if (path.Length > StartPaths.MaxCharacters)
            return false;
        for (int end = path.Length; end > 0; end = path.LastIndexOf('/', end - 1))
            if (folders.Contains(path[..end]))
                return true;
        return folders.Contains("/");
    }

    private static IReadOnlyList<string> Words(StartRun run)
    {
        StartProcess process = run.Request.Process;
        if (process.Arguments is { } arguments)
            return arguments is [_, "--", ..] && arguments[0].EndsWith("-init", StringComparison.Ordinal) ? [.. arguments.Skip(2)] : arguments;
        IReadOnlyList<string> entrypoint = process.Entrypoint is [""] ? [] : process.Entrypoint ?? (run.Request.Source == StartSource.Inspect ? [] : run.Config.Entrypoint);
        return entrypoint.Count > 0 ? [.. entrypoint, .. process.Command ?? run.Config.Command] : process.Command is { Count: > 0 } command ? command : run.Config.Command;
    }

    private static string PathOf(StartRun run)
    {
        foreach (string entry in run.Request.Process.Environment)
            if (entry.StartsWith("PATH=", StringComparison.Ordinal))
                return entry["PATH=".Length..];
        return run.Config.Environment.GetValueOrDefault("PATH", StartDefaults.Path);
    }
}
