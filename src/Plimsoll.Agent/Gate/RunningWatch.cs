using System.Text.Json;
using Plimsoll.Agent.Plugin;
using Plimsoll.Docker;
using Plimsoll.EvidenceLog;
using Plimsoll.Oci;
using Plimsoll.Texts;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Gate;

/// <summary>
/// Looks at running containers every so often, and at once when the policy, the revocation list or the drop folder changes; when the daemon tells of a start, and each minute, whether
/// the gate started them. Writes down what is new, and does with a container in trouble what policy says.
/// </summary>
internal sealed class RunningWatch : IDisposable
{
    /// <summary>How long a change is waited for to be complete: a file is written, then renamed.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(300);

    /// <summary>Also where the daemon tells nothing.</summary>
    private static readonly TimeSpan StartsEvery = TimeSpan.FromMinutes(1);

    /// <summary>How long the daemon may start containers by itself once it answers.</summary>
    private static readonly TimeSpan ComingUp = TimeSpan.FromSeconds(20);

    /// <summary>Time that a container has to end before it is killed. Enough to write a journal, and short for what may be an intruder.</summary>
    private const int GraceSeconds = 5;

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(GraceSeconds + 25);

    /// <summary>Bytes; half of what the agent's unit lets come together (DOTNET_GCgen0size) before a collection holds up whoever asks.</summary>
    private const long MaxLitter = 2 * 1024 * 1024;

    /// <summary>Containers that are paused or stopped beside each other.</summary>
    private const int AtOnce = 8;

    private readonly RunningContainers _running;
    private readonly StartedContainers _started;
    private readonly HostStore _store;
    private readonly HeldPolicy _policy;
    private readonly DaemonClient _daemon;
    private readonly AgentLog _log;
    private readonly TimeProvider _time;
    private readonly TimeSpan _every;
    private readonly CancellationTokenSource _stop = new();
    private readonly AutoResetEvent _changed = new(false), _begun = new(false);
    private readonly DaemonEvents _starts;
    private readonly List<FileSystemWatcher> _watchers = [];
    private readonly Thread _thread;
    private long _collected, _looked, _looksUntil = long.MaxValue;

    /// <summary>What was written down of each container and is still so.</summary>
    private readonly Dictionary<(string Own, bool Past), RunningTrouble> _told = [];

    public RunningWatch(RunningContainers running, StartedContainers started, HostStore store, HeldPolicy policy, DaemonClient daemon, AgentLog log, AgentPaths paths, TimeSpan every, TimeProvider time)
    {
        (_running, _started, _store, _policy, _daemon, _log, _every, _time) = (running, started, store, policy, daemon, log, every, time);
        string[] files = [.. ((string[])[paths.Policy, paths.PolicyKey, paths.PolicyKeysKnown, paths.Revocations]).Select(p => Path.GetFileName(p)!)];
        Follow(paths.State, false, name => name is null || files.Contains(name, StringComparer.Ordinal));
        // A layout changes by its index, which lies below.
        Follow(paths.Evidence, true, _ => true);
        Follow(paths.Fetched, false, _ => true);
        _thread = new Thread(Watch) { IsBackground = true, Name = "running containers" };
        _thread.Start();
        _starts = new DaemonEvents(daemon, """{"type":["container"],"event":["start"]}""", _ =>
        {
            _begun.Set();
            return Task.CompletedTask;
        }, () => Volatile.Write(ref _looksUntil, _time.GetTimestamp() + (long)(ComingUp.TotalSeconds * _time.TimestampFrequency)));
    }

    private void Follow(string folder, bool below, Func<string?, bool> counts)
    {
        try
        {
            FileSystemWatcher watcher = new(folder) { IncludeSubdirectories = below, NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite };
            watcher.Created += (_, e) => See(e.Name);
            watcher.Changed += (_, e) => See(e.Name);
            watcher.Deleted += (_, e) => See(e.Name);
            watcher.Renamed += (_, e) => See(e.Name);
            // More changed than the kernel could tell.
            watcher.Error += (_, _) => See(null);
            watcher.EnableRaisingEvents = true;
            _watchers.Add(watcher);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.Say(Catalogue.AgentFolderUnfollowed.With(folder, e.Message));
        }

        void See(string? name)
        {
            try
            {
                if (counts(name))
                    _changed.Set();
            }
            catch (ObjectDisposedException)
            {
                // The kernel told of it while the agent ended.
            }
        }
    }

    private void Watch()
    {
        long last = 0;
        try
        {
            for (LookDepth depth = LookDepth.Whole; ;)
            {
                if (depth == LookDepth.Whole)
                    last = _time.GetTimestamp();
                Round(depth);
                TimeSpan rest = _every - _time.GetElapsedTime(last);
                int woken = rest > TimeSpan.Zero ? WaitHandle.WaitAny([_stop.Token.WaitHandle, _changed, _begun], rest < StartsEvery ? rest : StartsEvery) : WaitHandle.WaitTimeout;
                if (woken != WaitHandle.WaitTimeout)
                {
                    _stop.Token.WaitHandle.WaitOne(Settle);
                    CollectAtRest();
                }
                _stop.Token.ThrowIfCancellationRequested();
                depth = _time.GetElapsedTime(last) >= _every ? LookDepth.Whole : woken == 1 ? LookDepth.Images : LookDepth.Start;
                if (depth > LookDepth.Start)
                    _changed.Reset();
            }
        }
        catch (OperationCanceledException)
        {
            // The agent ends.
        }
    }

    /// <summary>Cleans the heap of what the last starts left, so that the next ones are not held up by it.</summary>
    private void CollectAtRest()
    {
        if (GC.GetTotalAllocatedBytes() - _collected < MaxLitter)
            return;
        GC.Collect(0);
        _collected = GC.GetTotalAllocatedBytes();
    }

    private void Round(LookDepth depth)
    {
        try
        {
            // Looking at every process takes its time, and each start asks for it. One that the daemon starts by another runtime as it comes up shows by its processes alone.
            long now = _time.GetTimestamp();
            if (depth == LookDepth.Start && _told.Count == 0 && now >= Volatile.Read(ref _looksUntil) && _time.GetElapsedTime(_looked, now) < StartsEvery && !_running.MayBePastGate())
                return;
            _looked = now;
            RunningLook look = _running.Look(depth, _stop.Token);
            Tell(look);
            React(look);
            if (depth == LookDepth.Whole)
                _started.Sweep(_store);
        }
        // What runs goes on running; the next round may fare better, and this one is told of.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ImageException)
        {
            if (Directory.Exists(Path.Combine(_store.Root, "image/overlay2")))
                _log.Note("running-unseen", LogField.Text("reason", e.Message));
        }
    }

    /// <summary>Each trouble is one line when it comes, and one when it goes while its container runs on.</summary>
    private void Tell(RunningLook look)
    {
        HashSet<(string, bool)> now = [];
        foreach (RunningTrouble trouble in look.Troubles)
        {
            (string, bool) key = (trouble.Own, trouble.Code == RunningTrouble.PastGate);
            now.Add(key);
            bool isNew = !_told.TryGetValue(key, out RunningTrouble? told) || (told.Code, told.Text) != (trouble.Code, trouble.Text);
            _log.Running(trouble, isNew);
            _told[key] = trouble;
        }
        foreach (((string Own, bool Past) key, RunningTrouble told) in _told.ToList())
            if (!look.Own.Contains(key.Own))
                _told.Remove(key);
            // Only who looked for it can say that it is gone.
            else if (!now.Contains(key) && told.Depth <= look.Depth)
            {
                _told.Remove(key);
                _log.Restored(told);
            }
    }

    private void React(RunningLook look)
    {
        RunningAction action = _policy.Now().Signed?.Policy.Start?.RunningOn(_time.GetUtcNow()) ?? RunningAction.Report;
        if (action == RunningAction.Report)
            return;
        Parallel.ForEach(look.Troubles.Where(t => t.Certain).DistinctBy(t => t.Own), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = _stop.Token }, trouble =>
        {
            try
            {
                React(trouble, action);
            }
            catch (OperationCanceledException)
            {
                // The agent ends.
            }
        });
    }

    private void React(RunningTrouble trouble, RunningAction action)
    {
        if (trouble.Container is not { } id)
        {
            _log.Acted(trouble, action, "Docker knows no container of this folder");
            return;
        }
        DaemonAnswer seen = _daemon.GetAsync($"/containers/{id}/json", _stop.Token).GetAwaiter().GetResult();
        if (seen.Problem is not null || seen.Status != 200 || !ContainerState.TryRead(seen.Body, out ContainerState? state))
        {
            _log.Acted(trouble, action, seen.Problem?.Text ?? $"dockerd answers {seen.Status} for it");
            return;
        }
        if (!state.Running || (action == RunningAction.Pause && state.Paused))
            return;
        DaemonAnswer done = action == RunningAction.Pause
            ? _daemon.PostAsync($"/containers/{id}/pause", StopPatience, _stop.Token).GetAwaiter().GetResult()
            : _daemon.PostAsync($"/containers/{id}/stop?t={GraceSeconds}", StopPatience, _stop.Token).GetAwaiter().GetResult();
        // 304: it ended by itself.
        _log.Acted(trouble, action, done.Problem is { } problem ? problem.Text : done.Status is 204 or 304 ? null : $"dockerd answers {done.Status}: {Escape.ForTerminal(MessageOf(done.Body))}");
    }

    private static string MessageOf(ReadOnlyMemory<byte> body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return DaemonFacts.Text(document.RootElement, "message") ?? "";
        }
        catch (JsonException)
        {
            return "";
        }
    }

    public void Dispose()
    {
        foreach (FileSystemWatcher watcher in _watchers)
            watcher.Dispose();
        _starts.Dispose();
        _stop.Cancel();
        _thread.Join();
        _changed.Dispose();
        _begun.Dispose();
        _stop.Dispose();
    }
}
