using Plimsoll.TestKit;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Verify.Start;

public sealed class HostClockTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly TempFolder _folder = new();
    private readonly Clock _clock = new();
    private readonly List<string> _told = [];

    public void Dispose() => _folder.Dispose();

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = Noon;

        /// <summary>Seconds of the monotonic clock, which nobody sets.</summary>
        public long Ticks { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
        public override long GetTimestamp() => Ticks;
        public override long TimestampFrequency => 1;
    }

    private HostClock Open(DateTimeOffset? least = null) => new(_folder["clock"], _clock, (kind, _) => _told.Add(kind), least);

    [Fact]
    public void Trouble_ClockSetBackBeyondTheTolerance_LastsUntilItIsRightAgain()
    {
        HostClock clock = Open();
        Assert.Equal((Noon, null), (clock.GetUtcNow(), clock.Trouble));
        _clock.Now = Noon.AddDays(3);
        Assert.Null(clock.Trouble);

        _clock.Now = Noon.AddDays(3).AddMinutes(-5);
        Assert.Null(clock.Trouble);
        Assert.Equal(Noon.AddDays(3), clock.GetUtcNow());
        Assert.Empty(_told);

        _clock.Now = Noon.AddDays(3).AddMinutes(-5).AddSeconds(-1);
        Assert.Contains("2026-11-25T12:00:00Z", clock.Trouble, StringComparison.Ordinal);
        Assert.Equal(Noon.AddDays(3), clock.GetUtcNow());
        _clock.Now = Noon;
        Assert.NotNull(clock.Trouble);
        Assert.Equal(["clock-set-back"], _told);

        _clock.Now = Noon.AddDays(3).AddSeconds(1);
        Assert.Null(clock.Trouble);
        Assert.Equal(["clock-set-back", "clock-restored"], _told);
    }

    [Fact]
    public void Trouble_AfterARestart_IsFoundInTheFile()
    {
        _clock.Now = Noon.AddDays(3);
        Open().GetUtcNow();
        _clock.Now = Noon;
        HostClock after = Open();
        Assert.NotNull(after.Trouble);
        Assert.Equal(Noon.AddDays(3), after.GetUtcNow());
        Assert.NotNull(HostClock.TroubleOf(_folder["clock"], Noon));
        Assert.Null(HostClock.TroubleOf(_folder["clock"], Noon.AddDays(3).AddMinutes(-5)));
        Assert.Null(HostClock.TroubleOf(_folder["nothing"], Noon));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["clock"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TryAccept_ClockBehind_IsBelievedOnceThatIsWrittenDown(bool unreadable)
    {
        _clock.Now = Noon.AddDays(3);
        HostClock clock = Open();
        clock.GetUtcNow();
        _clock.Now = Noon;
        if (unreadable)
            File.WriteAllText(_folder["clock"], "no time");
        Assert.Contains("plimsoll-agent clock --accept", clock.Trouble, StringComparison.Ordinal);
        Assert.Contains("plimsoll-agent clock --accept", HostClock.TroubleOf(_folder["clock"], Noon)!.Value.Chinese, StringComparison.Ordinal);

        string said = "";
        Assert.False(clock.TryAccept(_ => false));
        Assert.NotNull(clock.Trouble);
        Assert.True(clock.TryAccept(what => (said = what).Length > 0));
        Assert.Contains("2026-11-22T12:00:00Z", said, StringComparison.Ordinal);
        Assert.Contains(unreadable ? "not to be read" : "2026-11-25T12:00:00Z", said, StringComparison.Ordinal);
        Assert.Equal((Noon, null), (clock.GetUtcNow(), clock.Trouble));
        Assert.Equal((Noon, null), (Open().GetUtcNow(), Open().Trouble));
        Assert.Equal(["clock-set-back", "clock-restored"], _told);

        // Nothing to accept is nothing to write down.
        Assert.True(clock.TryAccept(_ => throw new InvalidOperationException("told")));
    }

    /// <summary>Set back by less than the tolerance, again and again, so that it never comes to the last day.</summary>
    [Fact]
    public void Trouble_ClockHeldInPlace_IsSeenByTheMonotonicClock()
    {
        HostClock clock = Open();
        Assert.Null(clock.Trouble);
        for (int minutes = 4; minutes <= 60; minutes += 4)
        {
            _clock.Ticks += 240;
            clock.GetUtcNow();
        }
        Assert.NotNull(clock.Trouble);
        Assert.InRange(clock.GetUtcNow(), Noon.AddMinutes(59), Noon.AddMinutes(60));
        // And it is on the disk.
        Assert.InRange(Open().GetUtcNow(), Noon.AddMinutes(58), Noon.AddMinutes(60));
    }

    /// <summary>A clock that gains a minute a day and is put right each night.</summary>
    [Fact]
    public void Trouble_ClockPutRightEachDay_NeverComes()
    {
        HostClock clock = Open();
        for (int day = 1; day <= 400; day++)
        {
            _clock.Ticks += 86_460;
            _clock.Now = Noon.AddDays(day).AddMinutes(1);
            Assert.Null(clock.Trouble);
            _clock.Now = Noon.AddDays(day);
            Assert.Null(clock.Trouble);
        }
        Assert.Empty(_told);
    }

    [Fact]
    public void Trouble_FileDamaged_LastsUntilItIsGoneAndJudgesByTheClock()
    {
        HostClock clock = Open();
        clock.GetUtcNow();
        File.WriteAllText(_folder["clock"], "damaged");
        Assert.Contains("cannot be read", clock.Trouble, StringComparison.Ordinal);
        Assert.Equal(Noon, clock.GetUtcNow());
        Assert.Equal(Noon, Open().GetUtcNow());
        Assert.NotNull(HostClock.TroubleOf(_folder["clock"], Noon));
        File.Delete(_folder["clock"]);
        Assert.Null(clock.Trouble);
    }

    [Fact]
    public void GetUtcNow_FileRemoved_BelievesTheClockAgainAndSaysSo()
    {
        _clock.Now = Noon.AddYears(8);
        HostClock clock = Open();
        clock.GetUtcNow();
        _clock.Now = Noon;
        Assert.NotNull(clock.Trouble);
        File.Delete(_folder["clock"]);
        Assert.Equal((Noon, null), (clock.GetUtcNow(), clock.Trouble));
        Assert.Equal(["clock-set-back", "clock-forgotten", "clock-restored"], _told);
        Assert.Null(Open().Trouble);
    }

    [Fact]
    public void GetUtcNow_FileRemovedBeforeAStart_GoesOnFromTheLastLineOfTheLogAndSaysSo()
    {
        HostClock clock = Open(Noon.AddDays(3));
        Assert.Equal(Noon.AddDays(3), clock.GetUtcNow());
        Assert.NotNull(clock.Trouble);
        Assert.Equal(["clock-forgotten", "clock-set-back"], _told);
        Assert.NotNull(HostClock.TroubleOf(_folder["clock"], Noon));
        Assert.True(clock.TryAccept(_ => true));
        Assert.Equal((Noon, null), (clock.GetUtcNow(), clock.Trouble));

        // A clock that is right is no reason to be silent.
        _told.Clear();
        File.Delete(_folder["clock"]);
        Assert.Null(Open(Noon.AddSeconds(-1)).Trouble);
        Assert.Equal(["clock-forgotten"], _told);
    }

    [Fact]
    public void GetUtcNow_FileOfAnEarlierTimeThanTheLastLine_GoesOnFromThatLine()
    {
        HostClock.Begin(_folder["clock"], Noon);
        HostClock.Begin(_folder["clock"], Noon.AddYears(1));
        Assert.Equal(Noon, Open().GetUtcNow());
        Assert.Equal(Noon.AddDays(3), Open(Noon.AddDays(3)).GetUtcNow());
        Assert.Equal(["clock-set-back"], _told);
    }

    [Theory]
    [InlineData("253402300799")]
    [InlineData("253402300800")]
    [InlineData("9223372036854775807")]
    public void Trouble_TimeToWhichNothingCanBeAdded_IsAFileThatCannotBeRead(string seconds)
    {
        File.WriteAllText(_folder["clock"], seconds + "\n");
        HostClock clock = Open(DateTimeOffset.MaxValue);
        Assert.Contains("cannot be read", clock.Trouble, StringComparison.Ordinal);
        _clock.Ticks += 600;
        Assert.NotNull(clock.Trouble);
        Assert.InRange(clock.GetUtcNow(), Noon, Noon.AddMinutes(10));
        Assert.True(clock.TryAccept(_ => true));
        Assert.Null(clock.Trouble);
    }
}
