using Plimsoll.Agent.Plugin;

namespace Plimsoll.Agent.Gate;

/// <summary>
/// What the running daemon says of itself: asked when it comes up, when it says that it was reloaded (SIGHUP swaps runtimes and plugins while it runs), and once a minute.
/// Nothing waits for it: while it restores containers it answers nobody.
/// </summary>
/// <remarks>
/// The rule for what is not known: it refuses nothing, because the files that the daemon starts with are looked at as well. What was seen to be wrong counts
/// until the daemon says otherwise, or until another process has taken its place.
/// </remarks>
internal sealed class DaemonView : IDisposable
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(3);

    private sealed record Seen(DaemonInfo Info, string Process, long At);

    private readonly DaemonClient _daemon;
    private readonly string _socket;
    private readonly TimeProvider _time;
    private readonly Action _looked;
    private readonly DaemonEvents _events;
    private volatile Seen? _seen;

    /// <param name="looked">Called after each answer.</param>
    public DaemonView(DaemonClient daemon, string socket, TimeProvider time, Action looked)
    {
        (_daemon, _socket, _time, _looked) = (daemon, socket, time, looked);
        _events = new DaemonEvents(daemon, """{"type":["daemon"]}""", AskAsync);
    }

    /// <summary>The last answer; null when nothing is known.</summary>
    public DaemonInfo? Info => _seen?.Info;

    /// <summary>Whether the daemon answered of late.</summary>
    public bool IsFresh => _seen is { } seen && _time.GetElapsedTime(seen.At) < Fresh;

    /// <summary>Forgets what a process said that is gone. Looks through all processes: for who found something wrong.</summary>
    public void ForgetGone()
    {
        if (_seen is { } seen && OtherDaemons.IdentityOf(_socket) != seen.Process)
            Interlocked.CompareExchange(ref _seen, null, seen);
    }

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        string process = OtherDaemons.IdentityOf(_socket);
        long before = _daemon.Recognised;
        DaemonAnswer answer = await _daemon.GetAsync("/info", cancellationToken);
        // A daemon that asks the plugin asked it about this very question before it answered.
        if (answer.Status == 200 && DaemonInfo.TryRead(answer.Body, out DaemonInfo? info) && OtherDaemons.IdentityOf(_socket) == process)
            _seen = new Seen(info with { AsksUs = _daemon.Recognised > before }, process, _time.GetTimestamp());
        _looked();
    }

    public void Dispose() => _events.Dispose();
}
