using System.Globalization;
using System.Text;
using Plimsoll.EvidenceLog;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.TestKit;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.EndToEnd;

/// <summary>An installed host whose agent, and nobody else, sees a clock that these tests set (libfaketime).</summary>
public sealed class ClockedHost : IDisposable
{
    private readonly TempFolder _folder = new();

    public ClockedHost()
    {
        Set(TimeSpan.Zero);
        foreach ((string name, string value) in (ReadOnlySpan<(string, string)>)
        [
            ("LD_PRELOAD", Directory.GetDirectories("/usr/lib", "*-linux-gnu").Select(f => $"{f}/faketime/libfaketimeMT.so.1").First(File.Exists)),
            ("FAKETIME_TIMESTAMP_FILE", _folder["now"]), ("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("NO_FAKE_STAT", "1"),
        ])
            Host.AgentEnvironment[name] = value;
        Host.StopAgent();
        Host.StartAgentAgain();
    }

    public GatedHost Host { get; } = GatedHost.Installed();

    /// <summary>How far the agent's clock is ahead of everybody else's.</summary>
    public void Set(TimeSpan ahead)
    {
        // In one piece: the agent reads it whenever it asks for the time.
        File.WriteAllText(_folder["next"], ((long)ahead.TotalSeconds).ToString("+0;-0;+0", CultureInfo.InvariantCulture) + "\n");
        File.Move(_folder["next"], _folder["now"], overwrite: true);
    }

    public string Noted => Path.Combine(Host.State, "clock");

    public void Restart()
    {
        Host.StopAgent();
        Host.StartAgentAgain();
    }

    /// <summary>The clock as everybody else's, and no memory of another.</summary>
    public void Forget()
    {
        Host.StopAgent();
        Set(TimeSpan.Zero);
        File.Delete(Noted);
        Host.StartAgentAgain();
        // The log may have lines of a later time, which is the latest one then.
        GatedHost.Await(() => File.Exists(Noted), () => Host.AgentSaid);
        new Call(null, ["clock", "--accept", "--state", Host.State]) { Program = Path.Combine(AppContext.BaseDirectory, "plimsoll-agent") }.Run().Expect(0);
    }

    public void Dispose()
    {
        Host.Dispose();
        _folder.Dispose();
    }
}

/// <summary>What had an end and came to it does not come back to life when the host's clock is set back.</summary>
[Trait("needs", "host")]
public sealed class GateClockTests : IClassFixture<ClockedHost>, IDisposable
{
    private static readonly TimeSpan Later = TimeSpan.FromDays(3);

    private readonly ClockedHost _clocked;
    private readonly ISigner _alice = KeyFile.Generate(KeyAlgorithm.EcdsaP256);

    public GateClockTests(ClockedHost clocked)
    {
        _clocked = clocked;
        _clocked.Forget();
        File.WriteAllText(Path.Combine(Host.State, "alice.pub"), _alice.PublicKey.ToPem());
        Host.Policy($$"""
            policy: 1
            name: host
            trust:
              keys: {release: {file: policy.pub}, alice: {file: alice.pub} }
              images:
              - names: ["registry.example/prod/statement"]
                signatures: {keys: [release], match: any}
                attestations: [{type: openvex, keys: [release], max-age: 2d}]
                inspection: none
                measurement: required
                revocations: {keys: [alice], max-age: none}
              - names: ["registry.example/prod/revocations"]
                signatures: {keys: [release], match: any}
                inspection: none
                measurement: required
                revocations: {keys: [alice], max-age: 2d}
              - names: ["registry.example/prod/**"]
                signatures: {keys: [release], match: any}
                inspection: none
                measurement: required
                revocations: {keys: [alice], max-age: none}
            start:
              learning: {until: {{Day(1)}} }
              running: {trouble: pause}
              break-glass: {keys: [alice], threshold: 1}
              rules:
              - {names: ["registry.example/prod/rule"], not-after: {{Day(1)}} }
              - {names: ["registry.example/prod/month"], not-after: {{Day(30)}} }
              - {names: ["registry.example/prod/statement", "registry.example/prod/revocations", "registry.example/prod/learning", "registry.example/prod/glass", "registry.example/prod/plain"]}
            """);
        GatedHost.Put(Path.Combine(Host.State, "revocations.json"), new RevocationList(DateTimeOffset.UtcNow.ToUnixTimeSeconds(), DateTimeOffset.UtcNow, [], []).Sign(_alice));
    }

    private GatedHost Host => _clocked.Host;

    public void Dispose() => _alice.Dispose();

    private static string Day(int from) => DateTimeOffset.UtcNow.AddDays(from).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static void Refused(Outcome outcome, params string[] parts)
    {
        Assert.True(outcome.Code != 0, $"it started: {outcome.Out}");
        foreach (string part in parts)
            Assert.True(outcome.Error.Contains(part, StringComparison.Ordinal), $"wanted {part} in: {outcome.Error}");
    }

    private static void Runs(Outcome outcome) => Assert.Equal("it runs\n", outcome.Expect(0).Out);

    private string[] Kinds() => [.. EvidenceLogReader.Read(Path.Combine(Host.State, "log"), TestContext.Current.CancellationToken).Select(l => l.Kind).Where(k => k.StartsWith("clock-", StringComparison.Ordinal))];

    private void AwaitKind(string kind, int before) => GatedHost.Await(() => Kinds().Skip(before).Contains(kind), () => $"no {kind}; the agent said {Host.AgentSaid}");

    private void Token(Digest image)
    {
        string key = File.ReadAllText(Path.Combine(Host.State, "log.pub"));
        DateTimeOffset now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        byte[] token = new BreakGlassToken(Plimsoll.Agent.Gate.BreakGlass.HostIdOf(key), BreakGlassToken.NewNonce(), now, now.AddHours(20), 99, "tested", new([image], [], [])).ToFile();
        File.WriteAllBytes(Path.Combine(Host.State, "break-glass", "token"), BreakGlassToken.AddSignature(BreakGlassToken.Read(token, "token").Envelope, _alice));
    }

    /// <summary>An image that may start until an end, and why not afterwards. All have their ends on one day, so that one journey in time is enough.</summary>
    private static readonly (string What, string Reason)[] Ends =
        [("rule", "rule/no-start-rule"), ("learning", "process/capability-added"), ("statement", "statement-old"), ("revocations", "revocations-old"), ("glass", "signature/unsigned")];

    [Fact]
    public void Clock_SetBackAfterTheEnd_GivesNothingBack()
    {
        SavedImage plain = Host.Signed("plain");
        SavedImage[] images = [.. Ends.Select(e => Host.Image(e.What))];
        for (int i = 0; i < images.Length; i++)
        {
            Host.Daemon.Load(images[i].Build());
            if (Ends[i].What == "glass")
                Token(images[i].Id);
            else
                Host.Sign(images[i], Ends[i].What);
            if (Ends[i].What == "statement")
                Host.Drop("statement-vex", new Statement(MeasurementPredicate.SubjectsOf(new ImageDigests(null, null, images[i].Id)), "https://openvex.dev/ns/v0.2.0",
                    Encoding.UTF8.GetBytes($$"""{"timestamp":"{{BreakGlassToken.Written(DateTimeOffset.UtcNow)}}"}""")));
        }
        AllRun();

        _clocked.Set(Later);
        AllRefused();

        _clocked.Set(TimeSpan.Zero);
        AllRefused();
        _clocked.Restart();
        AllRefused();

        // The twin: the same moment on a host that has seen no other.
        _clocked.Forget();
        AllRun();

        Outcome Start(int i) => Host.Start(images[i], Ends[i].What == "learning" ? ["--cap-add", "SYS_ADMIN"] : []);

        void AllRun()
        {
            for (int i = 0; i < images.Length; i++)
                Runs(Start(i));
        }

        void AllRefused()
        {
            for (int i = 0; i < images.Length; i++)
            {
                Outcome outcome = Start(i);
                Assert.True(outcome.Code != 0, $"{Ends[i].What} started");
                Refused(outcome, Ends[i].Reason);
            }
            // What has no end is as it was.
            Runs(Host.Start(plain));
        }
    }

    [Fact]
    public void Clock_SetBack_WhatRestsOnTheTimeIsRefusedUntilItIsRightAgain()
    {
        SavedImage plain = Host.Signed("plain"), month = Host.Signed("month");
        int before = Kinds().Length;
        _clocked.Set(Later);
        Runs(Host.Start(month));
        // As far as NTP steps.
        _clocked.Set(Later - TimeSpan.FromMinutes(4));
        Runs(Host.Start(month));
        Assert.Equal(before, Kinds().Length);

        _clocked.Set(TimeSpan.Zero);
        AwaitKind("clock-set-back", before);
        Refused(Host.Start(month), "clock-set-back", "this host has seen");
        Runs(Host.Start(plain));
        Assert.Contains("clock       ✗ the clock says", Status(), StringComparison.Ordinal);
        Assert.Equal(0, Metric());
        _clocked.Restart();
        Refused(Host.Start(month), "clock-set-back");

        _clocked.Set(Later + TimeSpan.FromMinutes(1));
        AwaitKind("clock-restored", before);
        Runs(Host.Start(month));
        Assert.Equal(1, Metric());

        // As the documents say how to go on, where it was the later time that was wrong.
        _clocked.Set(TimeSpan.Zero);
        Refused(Host.Start(month), "clock-set-back");
        File.Delete(_clocked.Noted);
        AwaitKind("clock-forgotten", before);
        Runs(Host.Start(month));
        Assert.DoesNotContain("✗ the clock says", Status(), StringComparison.Ordinal);
    }

    [Fact]
    public void Clock_ForgottenWhileTheAgentDidNotRun_IsThatOfTheLastLine()
    {
        SavedImage month = Host.Signed("month");
        int before = Kinds().Length;
        _clocked.Set(Later);
        Runs(Host.Start(month));

        Host.StopAgent();
        _clocked.Set(TimeSpan.Zero);
        File.Delete(_clocked.Noted);
        Host.StartAgentAgain();
        AwaitKind("clock-forgotten", before);
        AwaitKind("clock-set-back", before);
        Refused(Host.Start(month), "clock-set-back");
    }

    /// <summary>The clock was far ahead once, and nobody need know where the agent keeps the time.</summary>
    [Fact]
    public void Clock_AcceptedByTheAdministrator_IsBelievedAndWrittenDown()
    {
        SavedImage month = Host.Signed("month");
        int before = Kinds().Length;
        _clocked.Set(Later);
        Runs(Host.Start(month));
        _clocked.Set(TimeSpan.Zero);
        AwaitKind("clock-set-back", before);
        Refused(Host.Start(month), "clock-set-back", "plimsoll-agent clock --accept");
        Assert.Contains("plimsoll-agent clock --accept", Clock().Expect(1).Out, StringComparison.Ordinal);
        Assert.Contains("时钟显示", Clock("--lang", "zh").Expect(1).Out, StringComparison.Ordinal);
        using (Nobody nobody = new())
            Assert.Contains("only root may say so", nobody.Agent("clock", "--accept", "--state", Host.State).Run().Expect(1).Error, StringComparison.Ordinal);
        Refused(Host.Start(month), "clock-set-back");

        Assert.Equal("accepted, and a line of the evidence log\n", Clock("--accept").Expect(0).Out);
        AwaitKind("clock-restored", before);
        Runs(Host.Start(month));
        Assert.Equal("root", GatedHost.Field(Host.Log("clock-accepted")[^1], "by"));
        Assert.Equal("nothing is wrong\n", Clock("--accept").Expect(0).Out);
        _clocked.Restart();
        Runs(Host.Start(month));

        Outcome Clock(params string[] more) => new Call(null, ["clock", "--state", Host.State, .. more]) { Program = Path.Combine(AppContext.BaseDirectory, "plimsoll-agent") }.Run();
    }

    /// <summary>What docker starts again by itself asks the runtime gate alone.</summary>
    [Fact]
    public void Restart_ByDockerItselfWithTheClockSetBack_IsRefusedWhereItRestsOnTheTime()
    {
        SavedImage month = Host.Signed("month", GatedHost.Serves), plain = Host.Signed("plain", GatedHost.Serves);
        string dated = Host.Serve(month, "--restart", "always"), other = Host.Serve(plain, "--restart", "always");
        try
        {
            _clocked.Set(Later);
            Again(dated, "start-allowed");
            Again(other, "start-allowed");

            _clocked.Set(TimeSpan.Zero);
            Assert.Contains("clock-set-back", GatedHost.Field(Again(dated, "start-refused"), "reason"), StringComparison.Ordinal);
            Again(other, "start-allowed");
        }
        finally
        {
            Host.Docker("rm", "-f", dated, other);
        }
    }

    /// <summary>It is told of, and nothing is done: the time by which it would be judged is a wrong one.</summary>
    [Fact]
    public void Running_WithTheClockSetBack_IsUndecidedWhereItRestsOnTheTime()
    {
        SavedImage rests = Host.Signed("revocations", GatedHost.Serves), plain = Host.Signed("plain", GatedHost.Serves), month = Host.Signed("month");
        string container = Host.Serve(rests), twin = Host.Serve(plain);
        try
        {
            int before = Kinds().Length;
            _clocked.Set(TimeSpan.FromHours(1));
            Runs(Host.Start(month));
            _clocked.Set(TimeSpan.Zero);
            AwaitKind("clock-set-back", before);
            // What comes into the drop folder is followed by a look.
            Host.Sign(month, "month");
            Host.AwaitLine("the trouble", l => Is(l, "running-trouble") && GatedHost.Field(l, "code") == "undecided" && GatedHost.Field(l, "reason").StartsWith("clock-set-back: ", StringComparison.Ordinal));
            Assert.Equal(("running", "running"), (Host.Inspect(container, "{{.State.Status}}"), Host.Inspect(twin, "{{.State.Status}}")));

            _clocked.Set(TimeSpan.FromHours(1));
            AwaitKind("clock-restored", before);
            Host.Sign(month, "month");
            Host.AwaitLine("the end of it", l => Is(l, "running-restored"));
            Assert.DoesNotContain(Host.Log("running-trouble", "container-paused", "reaction-failed"), l => GatedHost.Field(l, "container") == twin || Is(l, "container-paused") || Is(l, "reaction-failed"));
        }
        finally
        {
            Host.Docker("rm", "-f", container, twin);
        }

        bool Is(System.Text.Json.Nodes.JsonNode line, string kind) => (string?)line["kind"] == kind && GatedHost.Field(line, "container") == container;
    }

    /// <summary>Kills a container's process on the host and waits until the gate was asked once more.</summary>
    private System.Text.Json.Nodes.JsonNode Again(string container, string kind)
    {
        bool Is(System.Text.Json.Nodes.JsonNode line) => GatedHost.Field(line, "container") == container;
        int before = Host.Log("start-allowed", "start-refused").Count(Is);
        Tool.Run("kill", ["-KILL", Host.Inspect(container, "{{.State.Pid}}")]);
        GatedHost.Await(() => Host.Log("start-allowed", "start-refused").Count(Is) > before, () => $"{container} was not started again; the agent said {Host.AgentSaid}");
        System.Text.Json.Nodes.JsonNode line = Host.Log("start-allowed", "start-refused").Where(Is).ElementAt(before);
        Assert.Equal(kind, (string?)line["kind"]);
        return line;
    }

    private double Metric()
    {
        Outcome asked = new Call(null, "--silent", "--fail", "--unix-socket", Path.Combine(Host.Run, "metrics.sock"), "http://agent/metrics") { Program = "curl" }.Run().Expect(0);
        return PrometheusText.Read(asked.Out)["plimsoll_clock_right"];
    }

    private string Status()
    {
        Plimsoll.Agent.Install.InstallOptions options = Host.InstallOptions;
        return new Call(null, ["status", "--state", Host.State, "--run", Host.Run, "--docker", Host.Daemon.Socket, "--data-root", Host.Daemon.DataRoot, "--daemon-json", options.DaemonJson, "--units", options.Units, "--lib", options.Library])
        { Program = Path.Combine(AppContext.BaseDirectory, "plimsoll-agent") }.Run().Out;
    }
}
