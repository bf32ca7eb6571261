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
    private const string Events = "/events?filters=%7B%22type%22%3A%5B%22daemon%22%5D%7D";

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1), Retry = TimeSpan.FromSeconds(1), WithoutEvents = TimeSpan.FromSeconds(5);

    private sealed record Seen(DaemonInfo Info, string Process, long At);

    private readonly DaemonClient _daemon;
    private readonly string _socket;
    private readonly TimeProvider _time;
    private readonly Action _looked;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _following;
    private volatile Seen? _seen;

    /// <param name="looked">Called after each answer.</param>
    public DaemonView(DaemonClient daemon, string socket, TimeProvider time, Action looked)
    {
        (_daemon, _socket, _time, _looked) = (daemon, socket, time, looked);
        _following = Task.Run(FollowAsync);
    }

    /// <summary>The last answer; null when nothing is known.</summary>
    public DaemonInfo? Info => _seen?.Info;

    /// <summary>Whether the daemon answered of late.</summary>
    public bool IsFresh => _seen is { } seen && _time.GetElapsedTime(seen.At) < 3 * Period;

    /// <summary>Forgets what a process said that is gone. Looks through all processes: for who found something wrong.</summary>
    public void ForgetGone()
    {
        if (_seen is { } seen && OtherDaemons.IdentityOf(_socket) != seen.Process)
            Interlocked.CompareExchange(ref _seen, null, seen);
    }

    private async Task FollowAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            TimeSpan pause = Retry;
            try
            {
                await using Stream? events = await OpenEventsAsync();
                await AskAsync();
                if (events is null)
                    pause = WithoutEvents;
                else
                    await FollowAsync(events);
            }
            catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
            {
                // The daemon went, or is not there yet; it is asked again when it is back.
            }
            await Task.Delay(pause, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Null where the daemon does not begin to tell in time.</summary>
    private async Task<Stream?> OpenEventsAsync()
    {
        try
        {
            return await _daemon.FollowAsync(Events, _stop.Token);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Until the daemon closes. Any event is reason enough to ask; what it says is not read.</summary>
    private async Task FollowAsync(Stream events)
    {
        byte[] buffer = new byte[16 * 1024];
        Task<int> read = events.ReadAsync(buffer, _stop.Token).AsTask();
        while (true)
        {
            using CancellationTokenSource period = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            Task first = await Task.WhenAny(read, Task.Delay(Period, period.Token));
            await period.CancelAsync();
            _stop.Token.ThrowIfCancellationRequested();
            if (first == read)
            {
                if (await read == 0)
                    return;
                read = events.ReadAsync(buffer, _stop.Token).AsTask();
            }
            await AskAsync();
        }
    }

    private async Task AskAsync()
    {
        string process = OtherDaemons.IdentityOf(_socket);
        long before = _daemon.Recognised;
        DaemonAnswer answer = await _daemon.GetAsync("/info", _stop.Token);
        // A daemon that asks the plugin asked it about this very question before it answered.
        if (answer.Status == 200 && DaemonInfo.TryRead(answer.Body, out DaemonInfo? info) && OtherDaemons.IdentityOf(_socket) == process)
            _seen = new Seen(info with { AsksUs = _daemon.Recognised > before }, process, _time.GetTimestamp());
        _looked();
    }

    public void Dispose()
    {
        _stop.Cancel();
        try
        {
            _following.Wait(TimeSpan.FromSeconds(5));
        }
        catch (AggregateException)
        {
            // It was told to stop.
        }
        _stop.Dispose();
    }
}
