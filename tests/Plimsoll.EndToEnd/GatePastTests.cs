using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Containers that a daemon starts without asking anybody: one reload took both gates away. One host of its own, since its daemon is set up otherwise meanwhile.</summary>
[Trait("needs", "host")]
public sealed class GatePastTests(InstalledGate shared) : IClassFixture<InstalledGate>
{
    private GatedHost Host => shared.Host;

    [Fact]
    public void Container_StartedPastBothGates_IsSaidAtOnceAndStoppedAsPolicySaysAndDoesNotStartAgain()
    {
        Host.Policy(GatedHost.Open);
        // What is mounted is the same, and right; only the gate was not asked.
        SavedImage image = Host.Signed("past", GatedHost.Serves);
        string twin = Host.Serve(image), path = Host.InstallOptions.DaemonJson, installed = File.ReadAllText(path), past;
        JsonObject open = JsonNode.Parse(installed)!.AsObject();
        (open["default-runtime"], open["authorization-plugins"]) = ("runc", new JsonArray());
        try
        {
            File.WriteAllText(path, open.ToJsonString());
            Host.Reload();
            // The plugins are taken away before the runtime is another.
            GatedHost.Await(() => Host.Docker("info", "--format", "{{.DefaultRuntime}}").Out.Trim() == "runc", () => $"the daemon did not reload: {Host.Docker("info", "--format", "{{.DefaultRuntime}} {{.Plugins}}")}");
            past = Host.Serve(image);

            JsonNode line = Host.AwaitLine("the trouble", l => (string)l["kind"]! == "running-trouble" && GatedHost.Field(l, "container") == past);
            Assert.Equal("past-gate", GatedHost.Field(line, "code"));
            Assert.Equal("running", Host.Inspect(past, "{{.State.Status}}"));
            Host.Policy(GatedHost.Open.Replace("start: default", "start: {running: {trouble: stop}}", StringComparison.Ordinal));
            Host.AwaitLine("the stop", l => (string)l["kind"]! == "container-stopped" && GatedHost.Field(l, "container") == past);
            Assert.Equal(("exited", "running"), (Host.Inspect(past, "{{.State.Status}}"), Host.Inspect(twin, "{{.State.Status}}")));
            Assert.DoesNotContain(Host.Log("running-trouble", "container-stopped"), l => GatedHost.Field(l, "container") == twin);
        }
        finally
        {
            File.WriteAllText(path, installed);
            Host.Reload();
        }
        Host.AwaitLine("the gate", l => (string)l["kind"]! == "host-restored");
        Assert.Contains("plimsoll: foreign-runtime: ", Host.Docker("start", past).Error, StringComparison.Ordinal);
        Host.Docker("restart", twin).Expect(0);
        Host.Docker("rm", "-f", past, twin).Expect(0);
    }
}
