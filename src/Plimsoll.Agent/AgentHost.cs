using Plimsoll.Agent.Gate;
using Plimsoll.Agent.Install;
using Plimsoll.Agent.Plugin;
using Plimsoll.Docker;
using Plimsoll.EvidenceLog;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent;

/// <summary>The running agent: its parts, made in the order in which they need each other.</summary>
internal sealed class AgentHost : IDisposable
{
    private static readonly TimeSpan VerdictsCount = TimeSpan.FromSeconds(60);

    private readonly AgentLog _log;
    private readonly GateServer _gate;
    private readonly DaemonClient _daemon;
    private readonly PluginServer _plugin;
    private readonly NewImages _new;
    private readonly RegistryEvidence _registries;
    private readonly RunningWatch _running;
    private readonly WriteWatch? _writes;
    private readonly CheckpointCounter? _counter;
    private readonly HostWatch _host;
    private readonly MetricsServer _metrics;

    /// <exception cref="IOException">A folder or socket cannot be made.</exception>
    /// <exception cref="EvidenceLogException">The evidence log cannot be opened.</exception>
    /// <param name="notes">Gets lines for the journal of the host.</param>
    public AgentHost(AgentOptions options, TimeProvider time, TextWriter notes, Language language)
    {
        AgentPaths paths = options.Paths;
        foreach (string folder in (string[])[paths.State, paths.Run, paths.Log, paths.Evidence, paths.Fetched, paths.BreakGlass, paths.BreakGlassUses])
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Metrics metrics = new();
        _counter = options.Tpm is { Counter: { } index } counted ? new CheckpointCounter(paths, counted, index, time) : null;
        // What was accepted is accepted of a running agent, and one that does not count has nothing to say of it.
        Acceptance.Remove(paths, Acceptance.Counter);
        if (_counter is null)
            File.Delete(paths.CounterTrouble);
        _log = new AgentLog(paths, options.Log, _counter, time, metrics, notes, language);
        _counter?.Start(_log, _log.Counter);
        if (_counter is not null)
            metrics.AddGauge("plimsoll_log_counter_right", "0 while the evidence log is not level with its counter in the TPM, or the TPM refuses to count.", () => _counter.IsWrong ? 0 : 1);
        HostClock clock = new(paths.Clock, time, (kind, what) => _log.Note(kind, LogField.Text("reason", what)), _log.LastTime);
        metrics.AddGauge("plimsoll_clock_right", "0 while the clock is behind the latest time that this host has seen.", () => clock.Trouble is null ? 1 : 0);
        Counters policies = new(Path.Combine(paths.State, "counters"), _log.Say);
        HeldPolicy policy = new(paths, policies, new KnownPolicyKeys(paths.PolicyKeysKnown, _log.PolicyKeys), _log.Policy);
        HostStore store = new(paths.DataRoot, OciLimits.Default);
        _writes = options.TrustUntilWrite ? Watch(paths.DataRoot) : null;
        MeasuredLayers layers = new(store, options.MeasureEvery, time, _writes);
        metrics.AddGauge("plimsoll_layers_read", "Layers that were read and found right since the agent started.", () => layers.Read);
        metrics.AddGauge("plimsoll_layers_watched", "Layers that need not be read again until somebody writes to them.", () => _writes?.Count ?? 0);
        StartedContainers started = new(Path.Combine(paths.State, "started"));
        HostCheck check = HostCheck.Of(paths, _log.Host, _log.Record);
        Counters revocations = new(Path.Combine(paths.State, "revocations"), _log.Say);
        BreakGlass glass = new(paths, BreakGlass.HostIdOf(_log.FirstKeyPem), policy, new HeldRevocations(paths, revocations), time, clock, _log.Glass);
        ImageJudge? fetching = null;
        _registries = new RegistryEvidence(paths, store, policy, new FetchedFolder(paths.Fetched), options.AskEvery, time, Fetched);
        ImageJudge judge = new(paths, store, policy, revocations, layers, started, check, VerdictsCount, clock) { Glass = glass, Registries = _registries };
        fetching = judge;
        layers.FindFiles = judge.FindFiles;
        StartedMeasurements? measurements = options.Tpm is { } tpm ? new(paths.Measured, tpm, _log.Extended, _log.NotExtended) : null;
        AskedStarts asked = new(time);
        RuntimeGate gate = new(store, policy, judge, layers, started, new StartHost(StartPaths.Resolve, paths.DataRoot) { DeviceAt = StartPaths.DeviceAt }, check, measurements, clock, _log.Decided) { Glass = glass, Counter = _counter, Asked = asked };
        _log.Note("agent-started", LogField.Text("data-root", paths.DataRoot), LogField.Text("record", InstallRecord.FindDigest(new InstallOptions { Paths = paths })));
        policy.Now();
        _gate = new GateServer(paths.GateSocket, gate.Decide, _log.Say);
        PluginOptions plugin = new() { Runtimes = new HashSet<string>(options.Runtimes.Append(""), StringComparer.Ordinal), Started = asked.Note };
        _daemon = new DaemonClient(paths.DockerSocket, plugin.CallDeadline);
        _plugin = PluginServer.Start(paths, judge, _daemon, clock, _log.Decided, plugin);
        _new = new NewImages(store, judge);
        _running = new RunningWatch(new RunningContainers(store, policy, judge, layers, started, clock), started, store, policy, _daemon, _log, paths, options.LookEvery, clock);
        _host = new HostWatch(paths, check, _daemon, options.Runtimes, EachSecond, _log, metrics, time);
        metrics.AddGauge("process_resident_memory_bytes", "Memory of the agent that is resident.", () => Environment.WorkingSet);
        metrics.AddGauge("plimsoll_policy_counter", "Counter of the policy that holds; 0 while none may be used.", () => policy.Now().Signed?.Counter ?? 0);
        _metrics = MetricsServer.StartAsync(paths.MetricsSocket, options.Metrics, metrics, CancellationToken.None).GetAwaiter().GetResult();

        void Fetched(FetchRecord record)
        {
            _log.Fetched(record);
            // What came is judged at once, so that a newer inspection is remembered although nothing starts.
            if (record.Changed)
                fetching?.Arrived(record.Image);
        }

        void EachSecond()
        {
            LookAt(clock, paths);
            policies.Settle();
            revocations.Settle();
        }
    }

    /// <summary>Lets the kept time go on; and takes the clock for right once an administrator said so.</summary>
    private void LookAt(HostClock clock, AgentPaths paths)
    {
        clock.GetUtcNow();
        if (Acceptance.Find(paths, Acceptance.Clock) is { } by && clock.TryAccept(what => _log.Note("clock-accepted", LogField.Text("by", by.By), LogField.Text("reason", what))))
            Acceptance.Remove(paths, Acceptance.Clock);
    }

    private WriteWatch Watch(string dataRoot)
    {
        try
        {
            return new WriteWatch(dataRoot, (kind, what) => _log.Note(kind, LogField.Text(kind.StartsWith("layer-", StringComparison.Ordinal) ? "layer" : "reason", what)));
        }
        catch (IOException e)
        {
            throw new IOException($"--trust-until-write: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        // First, while the daemon can still ask the plugin about what this asks of the daemon.
        _running.Dispose();
        _metrics.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _host.Dispose();
        _gate.Dispose();
        _plugin.Dispose();
        _daemon.Dispose();
        _new.Dispose();
        _registries.Dispose();
        _writes?.Dispose();
        _log.Dispose();
        _counter?.Dispose();
    }
}
