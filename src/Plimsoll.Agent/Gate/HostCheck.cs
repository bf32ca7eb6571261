using Plimsoll.Agent.Install;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Gate;

/// <summary>
/// Whether the gate is still the one that was installed: launcher, front, agent, units and the runtimes behind the launchers byte for byte, in daemon.json the members that put the
/// gate into force, the units and drop-ins that dockerd and containerd are started with, and what the running daemon says of itself. A host on which nothing was
/// installed is not checked: somebody set it up by hand. One that lost the record of what was installed is not as it was.
/// </summary>
/// <param name="changed">Told of each change once, and of what it was when all is well again (null).</param>
internal sealed class HostCheck(InstallOptions options, Action<string?> changed)
{
    private readonly Lock _gate = new();

    /// <summary>What <see cref="LookAround"/> found, which takes longer than a start should wait.</summary>
    private volatile string? _around;

    /// <summary>The state in which each file was last found to be right.</summary>
    private readonly Dictionary<string, string> _right = new(StringComparer.Ordinal);
    private InstallRecord? _record;

    /// <summary>Of the record that was seen last, also when it is gone since.</summary>
    private string? _digest;
    private (string? Record, string? Noted) _recordState;
    private string? _recordWrong, _said;

    /// <summary>Told of each record that is another than was known, by the digests of both; null for who only looks and notes nothing.</summary>
    public Action<string?, string>? Recorded { get; init; }

    public static HostCheck Of(AgentPaths paths, Action<string?> changed, Action<string?, string>? recorded = null) => new(new InstallOptions { Paths = paths }, changed) { Recorded = recorded };

    /// <summary>What is not as it was installed; null when all is. Files are read when their state changed, so that a start pays for a dozen stat calls.</summary>
    public string? Find()
    {
        lock (_gate)
        {
            string? files = Look(), around = _around, found = files is not null && around is not null ? $"{files}; {around}" : files ?? around;
            if (found != _said)
                changed(_said = found);
            return found;
        }
    }

    /// <summary>
    /// Looks at what is not looked at before each start: units and drop-ins, and the daemon's own view. Starts are refused by what this found
    /// until it finds otherwise.
    /// </summary>
    /// <param name="info">Null when nothing is known, which refuses nothing.</param>
    /// <returns>Whether the daemon says something else than was installed.</returns>
    public bool LookAround(DaemonInfo? info)
    {
        lock (_gate)
        {
            _ = Look();
            string? daemon = null, units = null;
            if (_record is { } record)
            {
                daemon = info?.Differences(record.Runtimes, record.Plugin).FirstOrDefault()?.ToString();
                units = Units(record);
            }
            _around = daemon is not null ? $"the running dockerd is not as it was installed: {daemon}" : units;
            return daemon is not null;
        }
    }

    private string? Units(InstallRecord record)
    {
        if (record.DockerUnits is not { } known)
            return null;
        try
        {
            HashSet<string> there = new(DockerUnit.Watched(options with { Units = record.Units ?? options.Units }).Where(u => !record.Files.Any(f => f.Path == u)), StringComparer.Ordinal);
            foreach ((string path, string digest) in known)
                if (!there.Remove(path))
                    return $"{path} is gone, which docker or the gate was started with when it was installed";
                else if (!IsRightFile(path, digest))
                    return $"{path} is not what docker or the gate was started with when it was installed";
            return there.Count > 0 ? $"{Escape.ForTerminal(there.Order(StringComparer.Ordinal).First())} was added to what docker and the gate are started with" : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Escape.ForTerminal(e.Message);
        }
    }

    private bool IsRightFile(string path, string digest) => IsRight(path, () => InstallRecord.DigestOfFile(options.At(path)) == digest);

    private string? Look()
    {
        try
        {
            LookAtRecord();
            if (_record is null || _recordWrong is not null)
                return _recordWrong;
            foreach ((string path, string digest) in _record.Files)
                if (!IsRightFile(path, digest))
                    return $"{path} is not what was installed";
            foreach ((string path, string digest) in _record.Engines)
                if (!IsRightFile(path, digest))
                    return $"{path}, the runtime behind the gate, is not what it was when the gate was installed; after an upgrade run plimsoll-agent install again";
            string json = _record.DaemonJson ?? options.DaemonJson;
            return IsRight(json, () => new DaemonJson(_record.Runtimes, _record.Plugin).IsIn(File.ReadAllBytes(options.At(json)), json)) ? null : $"{json} does not put the gate into force any more";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InstallException)
        {
            return Escape.ForTerminal(e.Message);
        }
    }

    /// <summary>Reads the record when it, or the note that install makes of it, is another file than before.</summary>
    private void LookAtRecord()
    {
        string path = Path.Combine(options.Records, InstallRecord.FileName);
        (string? Record, string? Noted) state = (OwnFiles.StateOf(options.At(path)), OwnFiles.StateOf(options.At(options.Paths.Installed)));
        if (state == _recordState)
            return;
        string? digest = InstallRecord.FindDigest(options), noted = InstallRecord.FindNote(options), before = _digest ?? noted;
        if (digest is not null && digest != before)
            Recorded?.Invoke(before, digest);
        _digest = digest ?? before;
        _record = InstallRecord.Read(options);
        if (digest is not null && before is null)
        {
            // As installations of 0.1 left it.
            if (Recorded is not null)
                InstallRecord.Note(options, digest);
            state.Noted = OwnFiles.StateOf(options.At(options.Paths.Installed));
            noted = digest;
        }
        _recordWrong = _digest is null ? null : digest is null ? $"{path}, which says what was installed, is gone"
            : digest != noted ? $"{path} is not the record that plimsoll-agent install wrote" : null;
        _recordState = state;
        _right.Clear();
    }

    private bool IsRight(string path, Func<bool> look)
    {
        if (OwnFiles.StateOf(options.At(path)) is not { } state)
            return false;
        if (_right.TryGetValue(path, out string? known) && known == state)
            return true;
        if (!look())
            return false;
        _right[path] = state;
        return true;
    }
}
