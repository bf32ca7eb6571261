using System.Globalization;
using Plimsoll.Agent.Gate;

namespace Plimsoll.Tests.Agent.Gate;

public sealed class AskedStartsTests
{
    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }

    private readonly Clock _clock = new();

    [Fact]
    public void Contains_WhatWasLetStart_ForAWhile()
    {
        AskedStarts asked = new(_clock);
        asked.Note("a");

        Assert.True(asked.Contains("a"));
        Assert.False(asked.Contains("b"));
        _clock.Now = AskedStarts.Counts;
        Assert.True(asked.Contains("a"));
        _clock.Now += TimeSpan.FromTicks(1);
        Assert.False(asked.Contains("a"));
        asked.Note("a");
        Assert.True(asked.Contains("a"));
    }

    [Fact]
    public void Note_MoreThanAreKept_TheOldestIsForgotten()
    {
        AskedStarts asked = new(_clock);
        for (int i = 0; i <= AskedStarts.Most; i++)
        {
            _clock.Now += TimeSpan.FromTicks(1);
            asked.Note(i.ToString(CultureInfo.InvariantCulture));
        }

        Assert.False(asked.Contains("0"));
        Assert.True(asked.Contains("1"));
        Assert.True(asked.Contains(AskedStarts.Most.ToString(CultureInfo.InvariantCulture)));
    }
}
