using System.Globalization;
using System.Text;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Verify.Start;

/// <summary>
/// A host's clock that never goes back: the later of what the clock says and the latest time that is known to have come. That time goes on by the monotonic clock while
/// somebody asks, and lies in a small file, so that it outlives agents and boots. May be asked by several threads; the file is for one process.
/// </summary>
/// <param name="path">Seconds since 1970, one line. Where it goes while somebody asks, whatever the clock says is believed again.</param>
/// <param name="told">Told of each change once: a kind of line for the evidence log, and what was seen.</param>
/// <param name="least">A time that is known to have come beside that, as of the last line of the evidence log; null: none is.</param>
public sealed class HostClock(string path, TimeProvider time, Action<string, string> told, DateTimeOffset? least = null) : TimeProvider
{
    /// <summary>By so much a clock may be put back: what NTP steps where it found a clock to be fast.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    /// <summary>The reason's code, and the kind of the log's line.</summary>
    public const string SetBack = "clock-set-back";

    private const int MaxBytes = 64;

    /// <summary>The time is written down this often at most.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(60);

    /// <summary>Of 500 s that the monotonic clock counts 499 are believed, so that a clock that is a little fast and put right each day does not fall behind more and more.</summary>
    private const double Believed = 499.0 / 500;

    /// <summary>No later time is one that came: beyond it nothing could be added.</summary>
    private static readonly DateTimeOffset End = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly DateTimeOffset? _least = least < End ? least : null;
    private readonly Lock _gate = new();
    private readonly KeptFile _file = new(path, MaxBytes);

    /// <summary>Null before anybody asked.</summary>
    private DateTimeOffset? _latest;
    private long _at;
    private bool _wasBehind;

    /// <summary>The later of the two; never less than it was.</summary>
    public override DateTimeOffset GetUtcNow() => Look().Latest;

    public override long GetTimestamp() => time.GetTimestamp();

    public override long TimestampFrequency => time.TimestampFrequency;

    /// <summary>What is wrong with the clock, so that nothing may be decided that depends on the time; null: nothing.</summary>
    public string? Trouble => Look().Trouble;

    /// <summary>What is wrong with a clock, for who only looks.</summary>
    /// <returns>Null: nothing, as far as <paramref name="path"/> tells.</returns>
    public static Text? TroubleOf(string path, DateTimeOffset now) => Read(new KeptFile(path, MaxBytes)) is { } latest && latest - now > Tolerance ? Describe(path, latest, now) : null;

    /// <summary>Notes a first time for a host that knows of none, so that one which is missing later was taken away.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static void Begin(string path, DateTimeOffset now)
    {
        if (!Path.Exists(path))
            DurableFile.Write(path, Written(now), DurableFile.OwnerOnly);
    }

    /// <summary>Believes the clock from now on, although it is behind: somebody who knows says that the latest time was the wrong one.</summary>
    /// <param name="tell">Writes down what is believed and what was known; false: that cannot be, and nothing changes.</param>
    /// <returns>Whether the clock is not behind any more.</returns>
    public bool TryAccept(Func<string, bool> tell)
    {
        ArgumentNullException.ThrowIfNull(tell);
        if (Look() is not { Trouble: not null, Latest: var latest })
            return true;
        lock (_gate)
        {
            DateTimeOffset now = time.GetUtcNow();
            if (!tell($"the clock, which says {Shown(now)}, is believed; the latest time was {(Read(_file) == DateTimeOffset.MaxValue ? "not to be read" : Shown(latest))}") || !Write(now))
                return false;
            (_latest, _at) = (now, time.GetTimestamp());
        }
        return Look().Trouble is null;
    }

    private (DateTimeOffset Latest, string? Trouble) Look()
    {
        lock (_gate)
        {
            DateTimeOffset now = time.GetUtcNow();
            DateTimeOffset? written = Read(_file), known = _latest is { } last ? last + time.GetElapsedTime(_at) * Believed
                : written is null || written == DateTimeOffset.MaxValue || written < _least ? _least : written;
            if (written is null && known is { } lost)
            {
                told("clock-forgotten", _latest is null ? $"{path} is gone: the latest time that is known is that of the log's last line, {Shown(lost)}; the clock says {Shown(now)}"
                    : $"{path} is gone: the clock, which says {Shown(now)}, is believed; the latest time was {Shown(lost)}");
                known = _latest is null ? lost : null;
            }
            // A time that cannot be read is no time to judge by.
            DateTimeOffset latest = known is { } before && before != DateTimeOffset.MaxValue && before > now ? before : now;
            (_latest, _at) = (latest, time.GetTimestamp());
            if (written is null || latest - written >= Step)
                Write(latest);
            DateTimeOffset end = written == DateTimeOffset.MaxValue ? DateTimeOffset.MaxValue : latest;
            string? trouble = end - now > Tolerance ? Describe(path, end, now).In(Language.English) : null;
            if (trouble is null == _wasBehind)
                told(trouble is null ? "clock-restored" : SetBack, trouble ?? $"the clock says {Shown(now)}");
            _wasBehind = trouble is not null;
            return (latest, trouble);
        }
    }

    private static Text Describe(string path, DateTimeOffset latest, DateTimeOffset now)
    {
        Text text = latest == DateTimeOffset.MaxValue ? Catalogue.ClockUnreadable : Catalogue.ClockBehind;
        return new Text(In(Language.English), In(Language.Chinese));

        string In(Language language) => latest == DateTimeOffset.MaxValue ? text.In(language, path) : text.In(language, Shown(now), Shown(latest));
    }

    private static byte[] Written(DateTimeOffset time) => Encoding.ASCII.GetBytes(time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) + "\n");

    private static string Shown(DateTimeOffset time) => BreakGlassToken.Written(time);

    /// <returns>Null when there is no such file; the end of all times for what cannot be read.</returns>
    private static DateTimeOffset? Read(KeptFile file)
    {
        try
        {
            return !Path.Exists(file.Path) ? null
                : file.Read() is { } bytes && long.TryParse(Encoding.ASCII.GetString(bytes).TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
                    && seconds < End.ToUnixTimeSeconds() ? DateTimeOffset.FromUnixTimeSeconds(seconds) : DateTimeOffset.MaxValue;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return DateTimeOffset.MaxValue;
        }
    }

    private bool Write(DateTimeOffset latest)
    {
        try
        {
            DurableFile.Write(path, Written(latest), DurableFile.OwnerOnly);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What this process has seen it knows; the log, which lies beside, takes no line either then, and nothing starts.
            return false;
        }
    }
}
