using System.Text;
using Plimsoll.EvidenceLog;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Install;

/// <summary><c>plimsoll-agent install</c> and <c>uninstall</c>. Page: docs/install-agent.md.</summary>
/// <param name="say">Gets a line for people at a time.</param>
internal sealed class Installer(InstallOptions options, string version, Action<string> say)
{
    private const UnixFileMode PrivateFolder = (UnixFileMode)0b111_000_000;

    private readonly FileTransaction _files = new(options.At(Path.Combine(options.Records, "journal")), options.Step);

    /// <summary>Puts the gate in, or brings one that is there up to date: files, units, daemon.json last. All of it or nothing.</summary>
    /// <exception cref="InstallException">Something is in the way or cannot be written, and nothing was changed; or <c>not-started</c>: all was written, and systemd could not start it.</exception>
    public void Install() => Named(() =>
    {
        Recover();
        InstallRecord? former = InstallRecord.Read(options);
        List<FilledText> notes = [];
        List<FileChange> changes = Programs(out List<(string Name, string Path)> runtimes, out List<string> engines);
        DaemonJson gate = new(runtimes, options.Plugin);
        string daemonJson = RealFile(options.At(options.DaemonJson));
        byte[]? now = ReadIfThere(daemonJson);
        byte[]? before = Before(former, now, gate);
        byte[] after = gate.Merge(now, options.ReplaceDefault, options.DaemonJson, notes);
        DockerUnit.Check(options, after, notes);
        // What it was is left as it is, also its spaces, when it says all of this already.
        if (now is not null && gate.IsIn(now, options.DaemonJson))
            after = now;
        InstallRecord record = new(options.Time.GetUtcNow(), version, before is not null, InstallRecord.DigestOf(after),
            [.. changes.Select(c => (HostPath(c.Path), c.Source is null ? InstallRecord.DigestOf(c.Content) : InstallRecord.DigestOfFile(c.Source)))],
            former?.Folders ?? [.. NewFolders(changes)], runtimes)
        {
            DaemonJson = options.DaemonJson,
            Units = options.Units,
            Plugin = options.Plugin,
            Engines = [.. engines.Select(e => (e, InstallRecord.DigestOfFile(options.At(e))))],
            DockerUnits = [.. DockerUnit.Watched(options).Where(u => !changes.Any(c => HostPath(c.Path) == u)).Select(u => (u, InstallRecord.DigestOfFile(options.At(u))))],
        };
        foreach ((string path, _) in former?.Files ?? [])
            if (!record.Files.Any(f => f.Path == path))
                changes.Add(FileChange.Remove(options.At(path)));
        changes.Add(before is null ? FileChange.Remove(options.At(Path.Combine(options.Records, InstallRecord.BackupName))) : new FileChange(options.At(Path.Combine(options.Records, InstallRecord.BackupName)), before, FileChange.Private));
        byte[] json = record.ToJson();
        changes.Add(new FileChange(options.At(Path.Combine(options.Records, InstallRecord.FileName)), json, FileChange.Private));
        changes.Add(new FileChange(options.At(options.Paths.Installed), InstallRecord.NoteOf(InstallRecord.DigestOf(json)), FileChange.Private));
        changes.Add(new FileChange(daemonJson, after, now is null ? FileChange.Plain : File.GetUnixFileMode(daemonJson)));
        Say(changes, notes);
        if (options.DryRun)
        {
            Say(Catalogue.AgentWouldBe.With(options.DaemonJson));
            say(Encoding.UTF8.GetString(after).TrimEnd('\n'));
            return;
        }
        foreach (string folder in (string[])[options.Paths.State, options.Paths.Evidence, options.Records])
            Directory.CreateDirectory(options.At(folder), PrivateFolder);
        if (!OwnFiles.IsPrivateFolder(options.At(options.Paths.State)))
            throw new InstallException("state-folder", Catalogue.AgentStateFolder.With(options.Paths.State), FilledText.Verbatim($"chmod 700 {options.Paths.State}"));
        _files.Run(changes);
        BeginLog();
        Systemctl("daemon-reload");
        Systemctl("enable", UnitFiles.Agent, UnitFiles.Front);
        // Also where they run: as what was installed before.
        if (!Systemctl("restart", UnitFiles.Agent, UnitFiles.Front))
            throw new InstallException("not-started", Catalogue.AgentNotStarted.With(UnitFiles.Agent, UnitFiles.Front), Catalogue.AgentNotStartedHint.With(UnitFiles.Agent, UnitFiles.Front));
        Say(Catalogue.AgentInstallNext.With(options.Paths.State));
        Say(Catalogue.AgentInstallRunning);
    });

    /// <summary>Takes the gate out. Asks nobody: not the agent, not dockerd. Policy, statements and the evidence log stay.</summary>
    /// <exception cref="InstallException">Something cannot be read or written; nothing was changed.</exception>
    public void Uninstall() => Named(() =>
    {
        Recover();
        InstallRecord? record = InstallRecord.Read(options);
        if (record is null)
        {
            Say(Catalogue.AgentNothingInstalled);
            if (!options.DryRun && File.Exists(options.At(options.Paths.Installed)))
            {
                File.Delete(options.At(options.Paths.Installed));
                NoteUninstalled();
            }
            return;
        }
        string daemonJson = RealFile(options.At(options.DaemonJson));
        byte[]? now = ReadIfThere(daemonJson), backup = record.Existed ? ReadIfThere(options.At(Path.Combine(options.Records, InstallRecord.BackupName)))
            ?? throw new InstallException("record", Catalogue.AgentBackupGone.With($"{options.Records}/{InstallRecord.BackupName}"), Catalogue.AgentBackupGoneHint.With(options.DaemonJson)) : null;
        List<FilledText> notes = [];
        List<FileChange> changes = [];
        if (now is not null && InstallRecord.DigestOf(now) == record.After)
            changes.Add(Restored(daemonJson, backup));
        else if (now is not null && !(backup is not null && now.AsSpan().SequenceEqual(backup)))
        {
            notes.Add(Catalogue.AgentJsonEdited.With(options.DaemonJson));
            changes.Add(Restored(daemonJson, new DaemonJson(record.Runtimes, record.Plugin).Without(now, backup, options.DaemonJson)));
        }
        foreach ((string path, string digest) in record.Files)
            if (File.Exists(options.At(path)))
            {
                if (InstallRecord.DigestOfFile(options.At(path)) != digest)
                    notes.Add(Catalogue.AgentFileEdited.With(path));
                changes.Add(FileChange.Remove(options.At(path)));
            }
        changes.Add(FileChange.Remove(options.At(Path.Combine(options.Records, InstallRecord.BackupName))));
        // The record before the note of it: an agent that looks in between misses the record.
        changes.Add(FileChange.Remove(options.At(Path.Combine(options.Records, InstallRecord.FileName))));
        changes.Add(FileChange.Remove(options.At(options.Paths.Installed)));
        Say(changes, notes);
        if (options.DryRun)
            return;
        Systemctl("disable", UnitFiles.Agent, UnitFiles.Front);
        _files.Run(changes);
        foreach (string folder in record.Folders.Reverse())
            if (Directory.Exists(options.At(folder)) && !Directory.EnumerateFileSystemEntries(options.At(folder)).Any())
                Directory.Delete(options.At(folder));
        Systemctl("daemon-reload");
        NoteUninstalled();
        Say(Catalogue.AgentUninstallKeeps.With(options.Paths.State));
        Say(Catalogue.AgentUninstallNext.With(UnitFiles.Front, UnitFiles.Agent));

        FileChange Restored(string path, byte[]? content) => content is null ? FileChange.Remove(path) : new FileChange(path, content, File.GetUnixFileMode(path));
    });

    /// <summary>Programs, their configurations and units.</summary>
    private List<FileChange> Programs(out List<(string Name, string Path)> runtimes, out List<string> engines)
    {
        string runc = Found(options.Runc, "runc") ?? throw new InstallException("no-runtime", Catalogue.AgentNoRunc.With(string.Join(", ", InstallOptions.RuntimeFolders)), Catalogue.AgentNoRuncHint);
        string? runsc = Found(options.Runsc, "runsc");
        string launcher = Source("plimsoll-launcher");
        engines = runsc is null ? [runc] : [runc, runsc];
        runtimes = [(InstallOptions.Launcher, $"{options.Library}/{InstallOptions.Launcher}")];
        List<FileChange> changes =
        [
            Program(Source("plimsoll-agent"), "plimsoll-agent"), Program(Source("plimsoll-front"), "plimsoll-front"), Program(launcher, InstallOptions.Launcher),
            Text($"{options.Library}/{InstallOptions.Launcher}.conf", UnitFiles.LauncherConfiguration(options, runc)),
        ];
        if (runsc is not null)
        {
            runtimes.Add((InstallOptions.SecureLauncher, $"{options.Library}/{InstallOptions.SecureLauncher}"));
            changes.Add(Program(launcher, InstallOptions.SecureLauncher));
            changes.Add(Text($"{options.Library}/{InstallOptions.SecureLauncher}.conf", UnitFiles.LauncherConfiguration(options, runsc, ["--platform=ptrace", "--ignore-cgroups", .. options.RunscArguments])));
        }
        changes.Add(Text(Path.Join(options.Units, UnitFiles.Agent), UnitFiles.AgentUnit(options)));
        changes.Add(Text(Path.Join(options.Units, UnitFiles.Front), UnitFiles.FrontUnit(options)));
        changes.Add(Text(Path.Join(options.Units, UnitFiles.DropIn), UnitFiles.DockerDropIn));
        return changes;

        FileChange Program(string source, string name) => new(options.At($"{options.Library}/{name}"), null, FileChange.Program, source);
        FileChange Text(string path, string text) => new(options.At(path), Encoding.UTF8.GetBytes(text), FileChange.Plain);
    }

    private string Source(string name)
    {
        string path = Path.Combine(options.From, name);
        return File.Exists(path) ? path : throw new InstallException("no-program", Catalogue.AgentNoProgram.With(name, options.From), Catalogue.AgentNoProgramHint);
    }

    private string? Found(string? named, string name) =>
        named is null ? InstallOptions.RuntimeFolders.Select(f => $"{f}/{name}").FirstOrDefault(p => File.Exists(options.At(p)))
        : File.Exists(options.At(named)) ? named : throw new InstallException("no-runtime", Catalogue.AgentNoRuntime.With(named));

    /// <summary>What daemon.json was before the gate came in; null for none.</summary>
    private byte[]? Before(InstallRecord? former, byte[]? now, DaemonJson gate)
    {
        if (former is null || now is null)
            return now;
        byte[]? backup = former.Existed ? ReadIfThere(options.At(Path.Combine(options.Records, InstallRecord.BackupName))) : null;
        return InstallRecord.DigestOf(now) == former.After ? backup : gate.IsIn(now, options.DaemonJson) ? gate.Without(now, backup, options.DaemonJson) : now;
    }

    private List<string> NewFolders(List<FileChange> changes)
    {
        List<string> made = [];
        foreach (string path in changes.Select(c => HostPath(c.Path)).Append(options.DaemonJson))
        {
            Stack<string> missing = new();
            for (string? folder = Path.GetDirectoryName(path); folder is not null && !Directory.Exists(options.At(folder)); folder = Path.GetDirectoryName(folder))
                missing.Push(folder);
            made.AddRange(missing.Where(f => !made.Contains(f)));
        }
        return made;
    }

    private string HostPath(string path) => options.InstallRoot == "/" ? path : "/" + Path.GetRelativePath(options.InstallRoot, path);

    private void Recover()
    {
        if (options.DryRun ? Directory.Exists(options.At(Path.Combine(options.Records, "journal"))) : _files.Recover())
            Say(options.DryRun ? Catalogue.AgentWouldTakeBack : Catalogue.AgentTakenBack);
    }

    private void Say(FilledText text) => say(text.In(options.Language));

    private void Note(FilledText text) => Say(Catalogue.AgentNote.With(text));

    private void Say(List<FileChange> changes, List<FilledText> notes)
    {
        notes.ForEach(Note);
        foreach (FileChange change in changes)
            if (!change.Removes)
                Say((options.DryRun ? Catalogue.AgentWouldWrite : Catalogue.AgentWrites).With(HostPath(change.Path), Convert.ToString((int)change.Mode, 8).PadLeft(4, '0')));
            else if (File.Exists(change.Path))
                Say((options.DryRun ? Catalogue.AgentWouldRemove : Catalogue.AgentRemoves).With(HostPath(change.Path)));
    }

    /// <summary>Begins the evidence log here, so that its first key can be taken to another machine before anything is decided.</summary>
    private void BeginLog()
    {
        string folder = options.At(options.Paths.Log), key = options.At(Path.Combine(options.Paths.State, "log.key")), exported = options.At(options.Paths.LogPublicKey);
        try
        {
            using EvidenceLogWriter log = EvidenceLogWriter.Open(new EvidenceLogOptions { Folder = folder, KeyFile = key, Time = options.Time, Patience = TimeSpan.Zero });
            if (log.TimeFound is null)
                HostClock.Begin(options.At(options.Paths.Clock), options.Time.GetUtcNow());
            log.Append("installed", LogField.Text("version", version), LogField.Text("library", options.Library));
            File.WriteAllText(exported, log.FirstKeyPem);
            Say(Catalogue.AgentInstallKey.With(HostPath(exported)));
        }
        catch (EvidenceLogException e) when (e.Fault == EvidenceLogFault.InUse)
        {
            Note(Catalogue.AgentInstallLogBusy);
        }
        catch (EvidenceLogException e)
        {
            Note(Catalogue.AgentInstallLogBroken.With(e.Code, e.Message));
        }
    }

    /// <summary>A line, where there is a log. A running agent has it, and writes a line of its own; one that is broken is no reason to keep the gate.</summary>
    private void NoteUninstalled()
    {
        string key = options.At(options.Paths.LogKey);
        if (!File.Exists(key))
            return;
        try
        {
            using EvidenceLogWriter log = EvidenceLogWriter.Open(new EvidenceLogOptions { Folder = options.At(options.Paths.Log), KeyFile = key, Time = options.Time, Patience = TimeSpan.Zero });
            log.Append("uninstalled", LogField.Text("version", version));
        }
        catch (EvidenceLogException e) when (e.Fault == EvidenceLogFault.InUse)
        {
        }
        catch (Exception e) when (e is EvidenceLogException or IOException or UnauthorizedAccessException)
        {
            Note(Catalogue.AgentLogTakesNoLine.With(e.Message));
        }
    }

    private bool Systemctl(params IReadOnlyList<string> arguments)
    {
        if (options.Systemctl is not { } run || options.InstallRoot != "/")
            return true;
        if (run(arguments) is not 0 and var code)
        {
            Note(Catalogue.AgentSystemctlEnded.With(string.Join(' ', arguments), code));
            return false;
        }
        return true;
    }

    /// <summary>Where a link leads; the link stays.</summary>
    private static string RealFile(string path) => new FileInfo(path).LinkTarget is not null && File.ResolveLinkTarget(path, returnFinalTarget: true) is { } target ? target.FullName : path;

    private static byte[]? ReadIfThere(string path) =>
        !File.Exists(path) ? null : SmallFile.ReadRegular(path, DaemonJson.MaxBytes) ?? throw new InstallException("daemon-json", Catalogue.AgentTooLong.With(path, DaemonJson.MaxBytes));

    private static void Named(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InstallException("not-written", FilledText.Verbatim(Escape.ForTerminal(e.Message)), inner: e);
        }
    }
}
