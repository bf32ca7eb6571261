using Plimsoll.Texts;

namespace Plimsoll.Agent.Gate;

/// <summary>Looks at the host all the time, so that a change is an evidence line when it happens and not when somebody next starts a container.</summary>
internal sealed class HostWatch : IDisposable
{
    /// <summary>A look at files costs some dozen calls of stat.</summary>
    private static readonly TimeSpan FilesEvery = TimeSpan.FromSeconds(1), OthersEvery = TimeSpan.FromMinutes(1);

    private readonly HostCheck _check;
    private readonly DaemonView _view;
    private readonly AgentLog _log;
    private readonly AgentPaths _paths;
    private readonly IReadOnlyList<string> _launchers;
    private readonly Action _eachSecond;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly AutoResetEvent _now = new(false);
    private readonly Thread _thread;
    private IReadOnlyList<OtherDaemon> _others = [];
    private IReadOnlyList<ForeignContainer> _foreign = [];

    /// <param name="launchers">Names under which Docker knows our launchers.</param>
    /// <param name="eachSecond">Called about each second.</param>
    public HostWatch(AgentPaths paths, HostCheck check, Plugin.DaemonClient daemon, IReadOnlyList<string> launchers, Action eachSecond, AgentLog log, Metrics metrics, TimeProvider time)
    {
        (_paths, _check, _log, _launchers, _eachSecond, _time) = (paths, check, log, launchers, eachSecond, time);
        _view = new DaemonView(daemon, paths.DockerSocket, time, () => _now.Set());
        metrics.AddGauge("plimsoll_host_right", "1 while the gate is the one that was installed.", () => _check.Find() is null ? 1 : 0);
        metrics.AddGauge("plimsoll_daemon_known", "1 while the running dockerd has said of late how it is set up.", () => _view.IsFresh ? 1 : 0);
        metrics.AddGauge("plimsoll_other_daemons", "Other daemons on this host that start containers.", () => Volatile.Read(ref _others).Count);
        metrics.AddGauge("plimsoll_foreign_containers", "Containers that were made for a runtime past the gate, or run without having asked it.", () => Volatile.Read(ref _foreign).Count);
        _thread = new Thread(Watch) { IsBackground = true, Name = "host watch" };
        _thread.Start();
    }

    private void Watch()
    {
        long others = 0;
        for (bool first = true; !_stop.IsCancellationRequested; first = false)
        {
            if (_check.LookAround(_view.Info))
            {
                _view.ForgetGone();
                _check.LookAround(_view.Info);
            }
            _check.Find();
            _eachSecond();
            if (first || _time.GetElapsedTime(others) >= OthersEvery)
            {
                others = _time.GetTimestamp();
                LookForOthers();
            }
            WaitHandle.WaitAny([_stop.Token.WaitHandle, _now], FilesEvery);
        }
    }

    private void LookForOthers()
    {
        try
        {
            IReadOnlyList<OtherDaemon> others = OtherDaemons.Find(_paths.DockerSocket);
            if (!others.SequenceEqual(_others))
                _log.Others(others);
            Volatile.Write(ref _others, others);
            IReadOnlyList<ForeignContainer> foreign = ForeignContainers.Find(_paths.DataRoot, _launchers, _paths.State);
            if (!foreign.SequenceEqual(_foreign))
                _log.Foreign(foreign);
            Volatile.Write(ref _foreign, foreign);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.Say(Catalogue.AgentOthersUnseen.With(e.Message));
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _view.Dispose();
        _now.Dispose();
        _stop.Dispose();
    }
}
