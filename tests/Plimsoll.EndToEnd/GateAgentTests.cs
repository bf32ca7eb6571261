using System.Diagnostics;
using Plimsoll.Keys;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>What happens to the agent itself and to its policy. One host of its own, since others cannot start meanwhile.</summary>
[Trait("needs", "host")]
public sealed class GateAgentTests : IDisposable
{
    private readonly GatedHost _host = new();

    public void Dispose() => _host.Dispose();

    private void Refused(SavedImage image, params string[] parts) => _host.Start(image).ExpectRefused(parts);

    private void Runs(SavedImage image) => Assert.Equal("it runs\n", _host.Start(image).Expect(0).Out);

    [Fact]
    public void Agent_StoppedFrozenAndBack_RefusesMeanwhileAndHangsNobody()
    {
        SavedImage image = _host.Signed("agent");
        Runs(image);

        _host.SignalAgent("STOP");
        Stopwatch waited = Stopwatch.StartNew();
        Refused(image, "plimsoll: ");
        Assert.InRange(waited.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        _host.SignalAgent("CONT");
        RunsSoon(image);

        _host.StopAgent("KILL");
        Refused(image, "plimsoll: ");
        _host.StartAgent();
        RunsSoon(image);
    }

    /// <summary>After a silence the front asks a little at a time, until an answer comes.</summary>
    private void RunsSoon(SavedImage image)
    {
        using ManualResetEventSlim pause = new();
        for (int attempt = 0; attempt < 10 && _host.Docker("ps").Code != 0; attempt++)
            pause.Wait(500);
        Runs(image);
    }

    [Fact]
    public void Policy_AbsentBrokenForeignOrRolledBack_Refuses()
    {
        SavedImage image = _host.Signed("policy");
        string path = Path.Combine(_host.State, "policy.json");
        byte[] first = File.ReadAllBytes(path);
        Runs(image);

        File.Delete(path);
        Refused(image, "no-policy");
        File.WriteAllBytes(path, first);
        Runs(image);

        byte[] broken = [.. first];
        broken[first.Length / 2] ^= 1;
        File.WriteAllBytes(path, broken);
        Refused(image, "policy-");

        using (ISigner stranger = KeyFile.Generate(KeyAlgorithm.EcdsaP256))
            _host.Policy(GatedHost.Open, stranger);
        Refused(image, "policy-unsigned");

        byte[] second = _host.Policy(GatedHost.Open);
        Runs(image);
        File.WriteAllBytes(path, first);
        Refused(image, "policy-rolled-back");
        File.WriteAllBytes(path, second);
        Runs(image);
    }

    [Fact]
    public void Daemon_Restarted_StartsAgainOnlyWhatIsAsItWasSigned()
    {
        const string serve = """{"Cmd":["/bin/sleep","1000"],"Env":["PATH=/bin"]}""";
        SavedImage good = _host.Signed("boot-good", serve), bad = _host.Signed("boot-bad", serve);
        foreach ((SavedImage image, string name) in (ReadOnlySpan<(SavedImage, string)>)[(good, "good"), (bad, "bad")])
            _host.Docker(["run", "-d", "--restart", "always", "--name", name, .. GatedHost.Limits, image.Tag]).Expect(0);
        Assert.Equal(["bad", "good"], Running());

        _host.Daemon.Stop();
        File.AppendAllText(_host.Unpacked(bad, 1, "srv/page"), "x");
        _host.Daemon.Start();

        Assert.Equal(["good"], Running());
        Assert.Contains("not-intact", _host.Docker("inspect", "--format", "{{.State.Error}}", "bad").Expect(0).Out, StringComparison.Ordinal);
    }

    private string[] Running()
    {
        using ManualResetEventSlim pause = new();
        // Docker starts containers again beside answering.
        pause.Wait(TimeSpan.FromSeconds(3));
        return [.. _host.Docker("ps", "--format", "{{.Names}}").Expect(0).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void Run_ManyAtOnce_AllStart()
    {
        SavedImage image = _host.Signed("many");
        Outcome[] outcomes = new Outcome[50];
        Parallel.For(0, outcomes.Length, new ParallelOptions { MaxDegreeOfParallelism = outcomes.Length }, i => outcomes[i] = _host.Start(image));
        Assert.All(outcomes, o => Assert.Equal("it runs\n", o.Expect(0).Out));
    }
}
