using System.Globalization;
using Plimsoll.Docker;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A look that meets a container between the runtime's create and start, where the runtime itself still waits inside.</summary>
[Trait("needs", "host")]
public sealed class GateRuntimeInitTests(LookingHost looking) : IClassFixture<LookingHost>
{
    private const int Tries = 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), Begun = TimeSpan.FromSeconds(5);

    private GatedHost Host => looking.Host;

    [Fact]
    public async Task Look_RuntimeThatWaitsInAContainer_IsNoForeignCode()
    {
        Host.Policy(GatedHost.Open);
        SavedImage image = Host.Signed("init-waits"), other = Host.Signed("init-beside", GatedHost.Serves);
        string beside = Host.Serve(other), dockerd = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Host.Daemon.DataRoot)!, "pid")).Trim();
        for (int i = 0; i < Tries; i++)
        {
            string container = Host.Docker(["create", .. GatedHost.Limits, image.Tag]).Expect(0).Out.Trim();
            Task<Outcome> start = Task.Run(() => Host.Docker("start", "-a", container));
            Assert.True(SpinWait.SpinUntil(() => Host.Log("start-allowed").Any(l => GatedHost.Field(l, "container") == container), Patience), Host.AgentSaid);
            // Who would say "start" next says nothing.
            Tool.Run("kill", ["-STOP", dockerd]);
            bool waits;
            try
            {
                waits = SpinWait.SpinUntil(() => Waits(container), Begun);
                if (waits)
                {
                    // The second is told of by a look that began while it waited.
                    foreach (string file in (string[])["srv/page", "etc/passwd"])
                    {
                        File.AppendAllText(Host.Unpacked(other, 1, file), "x");
                        Host.AwaitLine($"trouble of /{file}", l => (string)l["kind"]! == "running-trouble" && GatedHost.Field(l, "reason").Contains($"/{file} (changed)", StringComparison.Ordinal));
                    }
                    Assert.True(Waits(container));
                }
            }
            finally
            {
                Tool.Run("kill", ["-CONT", dockerd]);
            }
            Assert.Equal("it runs\n", (await start).Expect(0).Out);
            Assert.Equal([], Host.Log("running-trouble").Where(l => GatedHost.Field(l, "container") != beside).Select(l => l.ToJsonString()));
            Host.Docker("rm", container).Expect(0);
            if (!waits)
                continue;
            Host.Docker("rm", "-f", beside).Expect(0);
            return;
        }
        Assert.Fail($"{Tries} containers began before their daemon was stopped");
    }

    /// <summary>Whether the runtime is inside the container's root, and not yet the container's process.</summary>
    private bool Waits(string container)
    {
        string own = File.ReadAllText(Path.Combine(Host.Daemon.DataRoot, "image/overlay2/layerdb/mounts", container, "mount-id"));
        foreach (string process in Directory.GetDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(process), CultureInfo.InvariantCulture, out int pid) && MountedRoot.FindRoot(pid, Host.Daemon.DataRoot) is { } root && root.Upper.Contains(own, StringComparison.Ordinal))
                try
                {
                    if (File.ReadAllText($"{process}/cmdline").EndsWith("\0init\0", StringComparison.Ordinal))
                        return true;
                }
                catch (IOException)
                {
                    // It ended.
                }
        return false;
    }
}
