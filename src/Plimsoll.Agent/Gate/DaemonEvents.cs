using Plimsoll.Agent.Plugin;

namespace Plimsoll.Agent.Gate;

/// <summary>Follows what a daemon tells of itself, through its restarts: when it comes up, at each event, and once a minute. What an event says is not read.</summary>
internal sealed class DaemonEvents : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1), Retry = TimeSpan.FromSeconds(1), WithoutEvents = TimeSpan.FromSeconds(5);

    private readonly DaemonClient _daemon;
    private readonly string _path;
    private readonly Func<CancellationToken, Task> _told;
    private readonly Action? _cameUp;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _following;

    /// <param name="filters">As the daemon wants them, JSON.</param>
    /// <param name="cameUp">Called before <paramref name="told"/> when the daemon comes up.</param>
    public DaemonEvents(DaemonClient daemon, string filters, Func<CancellationToken, Task> told, Action? cameUp = null)
    {
        (_daemon, _path, _told, _cameUp) = (daemon, $"/events?filters={Uri.EscapeDataString(filters)}", told, cameUp);
        _following = Task.Run(FollowAsync);
    }

    private async Task FollowAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            TimeSpan pause = Retry;
            try
            {
                await using Stream? events = await OpenAsync();
                _cameUp?.Invoke();
                await _told(_stop.Token);
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
    private async Task<Stream?> OpenAsync()
    {
        try
        {
            return await _daemon.FollowAsync(_path, _stop.Token);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Until the daemon closes.</summary>
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
            await _told(_stop.Token);
        }
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
