namespace Plimsoll.Agent;

/// <summary>
/// Refused requests that are no lines of the log: of one code so many a minute are lines, and what comes beyond is counted, with one line that tells how many. Otherwise
/// whoever may ask the daemon for anything could push all that the log holds out of it.
/// </summary>
internal sealed class CountedRefusals : IDisposable
{
    /// <summary>Of one code.</summary>
    public const int LinesPerMinute = 60;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private sealed class Tally
    {
        public int Lines { get; set; }
        public long Counted { get; set; }

        /// <summary>When the first was counted.</summary>
        public DateTimeOffset Since { get; set; }
    }

    private readonly TimeProvider _time;
    private readonly Func<string, long, DateTimeOffset, bool> _tell;
    private readonly ITimer _timer;
    private readonly Lock _gate = new(), _telling = new();
    private readonly Dictionary<string, Tally> _tallies = new(StringComparer.Ordinal);
    private bool _running;

    /// <param name="tell">Writes how many of a code were counted since when; false: it could not, and is asked again.</param>
    public CountedRefusals(TimeProvider time, Func<string, long, DateTimeOffset, bool> tell)
    {
        (_time, _tell) = (time, tell);
        _timer = time.CreateTimer(static counted => ((CountedRefusals)counted!).Tell(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <returns>False: it is to be a line of its own.</returns>
    public bool TryCount(string code)
    {
        lock (_gate)
        {
            Tally tally = Of(code);
            if (tally.Lines < LinesPerMinute)
            {
                tally.Lines++;
                return false;
            }
            if (tally.Counted++ == 0)
                tally.Since = _time.GetUtcNow();
            return true;
        }
    }

    /// <summary>Of the minute that runs; one begins where none does.</summary>
    private Tally Of(string code)
    {
        if (!_running)
            _timer.Change(Minute, Timeout.InfiniteTimeSpan);
        _running = true;
        if (!_tallies.TryGetValue(code, out Tally? tally))
            _tallies[code] = tally = new Tally();
        return tally;
    }

    /// <summary>Ends the minute.</summary>
    private void Tell()
    {
        lock (_telling)
        {
            List<KeyValuePair<string, Tally>> ended;
            lock (_gate)
            {
                ended = [.. _tallies.Where(t => t.Value.Counted > 0)];
                _tallies.Clear();
                _running = false;
            }
            foreach ((string code, Tally was) in ended)
                if (!_tell(code, was.Counted, was.Since))
                    lock (_gate)
                    {
                        Tally now = Of(code);
                        (now.Counted, now.Since) = (now.Counted + was.Counted, was.Since);
                    }
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        Tell();
    }
}
