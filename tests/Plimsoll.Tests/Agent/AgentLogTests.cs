using System.Text;
using Plimsoll.Agent;
using Plimsoll.Agent.Gate;
using Plimsoll.Agent.Plugin;
using Plimsoll.EvidenceLog;
using Plimsoll.TestKit;
using Plimsoll.Texts;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Agent;

public sealed class AgentLogTests : IDisposable
{
    /// <summary>Time that stands still, and whose timers go off when a test says so.</summary>
    private sealed class StillTime : TimeProvider
    {
        private readonly List<Timer> _timers = [];

        private sealed class Timer(TimerCallback callback, object? state) : ITimer
        {
            public bool IsArmed { get; set; }

            public bool Change(TimeSpan dueTime, TimeSpan period) => IsArmed = dueTime != Timeout.InfiniteTimeSpan;

            public void Fire()
            {
                bool was = IsArmed;
                IsArmed = false;
                if (was)
                    callback(state);
            }

            public void Dispose() => IsArmed = false;

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }

        public DateTimeOffset Now { get; set; } = new(2026, 11, 21, 8, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Timer timer = new(callback, state) { IsArmed = dueTime != Timeout.InfiniteTimeSpan };
            _timers.Add(timer);
            return timer;
        }

        public void MinuteEnds()
        {
            Now += TimeSpan.FromMinutes(1);
            foreach (Timer timer in _timers.ToArray())
                timer.Fire();
        }
    }

    private readonly TempFolder _folder = new();
    private readonly StillTime _time = new();
    private readonly Metrics _metrics = new();

    public void Dispose() => _folder.Dispose();

    private AgentPaths Paths => new(_folder.Path, _folder["run"], _folder["docker"], _folder["docker.sock"]);

    private AgentLog Open() => new(Paths, new LogSettings(), null, _time, _metrics, TextWriter.Null, Language.English);

    private LogLine[] Lines(string kind) => [.. EvidenceLogReader.Read(Paths.Log, CancellationToken.None).Where(l => l.Kind == kind)];

    private PluginRecord Request(string code, string uri = "/v1.41/build", bool allowed = false) => new()
    {
        Time = _time.Now,
        Method = "POST",
        Uri = uri,
        Client = StartClient.Unknown,
        Allowed = allowed,
        Code = code,
        Text = "",
        Subject = uri,
        Took = TimeSpan.Zero,
    };

    [Fact]
    public void Decided_RefusalsOfOneCode_AreLinesUpToABoundAndCountedBeyondIt()
    {
        using (AgentLog log = Open())
        {
            for (int i = 0; i < 60; i++)
                log.Decided(Request("not-allowed"));
            _time.Now += TimeSpan.FromSeconds(10);
            for (int i = 0; i < 140; i++)
            {
                log.Decided(Request("not-allowed"));
                log.Decided(Request("allowed", allowed: true));
                log.Decided(new GateRecord(new GateRequest("create", "runc", $"c{i}", "/b", 1), Answer.Deny("not-intact", "x"), null, [], null, "", TimeSpan.Zero));
            }
            log.Decided(Request("no-such-image"));
            Assert.Equal((61, 140, 140), (Lines("request-refused").Length, Lines("request-allowed").Length, Lines("start-refused").Length));
            Assert.Empty(Lines("refusals-counted"));

            _time.MinuteEnds();
            LogLine counted = Assert.Single(Lines("refusals-counted"));
            Assert.Equal(("not-allowed", 140L, "2026-11-21T08:00:10.000000Z"), (counted.Text("code"), counted.Number("count")!.Value, counted.Text("since")));

            for (int i = 0; i < 65; i++)
                log.Decided(Request("not-allowed"));
            Assert.Equal(121, Lines("request-refused").Length);
        }
        // The agent ended before the minute did.
        Assert.Equal([140L, 5L], Lines("refusals-counted").Select(l => l.Number("count")!.Value));
        Assert.Contains("plimsoll_decisions_total{gate=\"plugin\",answer=\"deny\",code=\"not-allowed\"} 265\n", _metrics.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void TryCount_WhatCannotBeTold_IsToldWithTheNext()
    {
        List<(string, long, DateTimeOffset)> told = [];
        bool full = true;
        DateTimeOffset began = _time.Now;
        CountedRefusals refusals = new(_time, (code, count, since) =>
        {
            if (!full)
                told.Add((code, count, since));
            return !full;
        });
        for (int i = 0; i < 70; i++)
            Assert.Equal(i >= 60, refusals.TryCount("a"));
        _time.MinuteEnds();
        Assert.Empty(told);
        full = false;
        for (int i = 0; i < 61; i++)
            refusals.TryCount("a");
        _time.MinuteEnds();
        Assert.Equal([("a", 11, began)], told);
        refusals.Dispose();
        Assert.Single(told);
    }

    [Fact]
    public void Decided_LongRefusedRequest_KeepsItsBeginningAndItsEndAndNoSecret()
    {
        const string image = "fromImage=evil.example/x&tag=1";
        string junk = new('a', 1500), secret = string.Concat(Enumerable.Repeat("hunter2", 200));
        using (AgentLog log = Open())
        {
            log.Decided(Request("not-allowed", $"/v1.41/images/create?junk={junk}&{image}"));
            log.Decided(Request("not-allowed", PluginRecord.Shortened($"/v1.41/images/create?junk={junk}{junk}&{image}")));
            log.Decided(Request("not-allowed", PluginRecord.Shortened($"/v1.41/build?x={junk}&token={secret}&{image}")));
            log.Decided(Request("not-allowed", PluginRecord.Shortened($"/v1.41/build?x={junk}&token={secret}")));
            log.Decided(Request("allowed", $"/v1.41/containers/{junk}/wait", allowed: true));
        }

        string[] uris = [.. Lines("request-refused").Select(l => l.Text("uri")!)];
        Assert.All(uris, u => Assert.InRange(u.Length, 100, 256));
        Assert.All(uris, u => Assert.StartsWith("/v1.41/", u, StringComparison.Ordinal));
        Assert.All(uris[..3], u => Assert.EndsWith("&" + image, u, StringComparison.Ordinal));
        Assert.All(Lines("request-refused"), l => Assert.InRange(l.Text("subject")!.Length, 100, 256));
        Assert.DoesNotContain("hunter", File.ReadAllText(Path.Combine(Paths.Log, LogFiles.Name(1)), Encoding.UTF8), StringComparison.Ordinal);
        Assert.Contains(junk, Assert.Single(Lines("request-allowed")).Text("uri"), StringComparison.Ordinal);
    }
}
