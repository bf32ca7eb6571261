using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>The gate as it is installed: on a host that systemd booted, with Debian's own units of docker and containerd, through reboots.</summary>
[Trait("needs", "host")]
[Collection(nameof(AloneCollection))]
public sealed class GateBootTests : IDisposable
{
    private readonly BootedHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public void Install_ThenReload_BringsTheGateIntoForceAndUninstallTakesItOut()
    {
        SavedImage signed = _host.Load("boot-signed"), unsigned = _host.Load("boot-unsigned");
        _host.Start(unsigned).Expect(0);
        byte[] before = File.ReadAllBytes(_host.At("/etc/docker/daemon.json"));

        Gated(signed);

        Assert.Equal("active\nactive", _host.Systemctl("is-active", "plimsoll-agent", "plimsoll-front").Expect(0).Out.Trim());
        Assert.DoesNotContain("✗", _host.Agent("status").Expect(0).Out, StringComparison.Ordinal);
        Assert.Contains("it runs", _host.Start(signed).Expect(0).Out, StringComparison.Ordinal);
        _host.Start(unsigned).ExpectRefused("plimsoll: signature/unsigned: ");
        string proved = _host.Agent("doctor").Expect(0).Out;
        Assert.Contains("plugin-gate   ✓", proved, StringComparison.Ordinal);
        Assert.Contains("runtime-gate  ✓", proved, StringComparison.Ordinal);
        foreach (string unit in (string[])["plimsoll-agent", "plimsoll-front"])
        {
            string status = File.ReadAllText(_host.At($"/proc/{_host.Show(unit, "MainPID")}/status"));
            Assert.Contains("NoNewPrivs:\t1\n", status, StringComparison.Ordinal);
            Assert.Contains("Seccomp:\t2\n", status, StringComparison.Ordinal);
        }

        // What runs afterwards is what was installed last.
        string agent = _host.Show("plimsoll-agent", "MainPID"), front = _host.Show("plimsoll-front", "MainPID");
        _host.Install("--", "--measure-every", "5").Expect(0);
        Assert.NotEqual(agent, _host.Show("plimsoll-agent", "MainPID"));
        Assert.Contains("\0--measure-every\05\0", File.ReadAllText(_host.At($"/proc/{_host.Show("plimsoll-agent", "MainPID")}/cmdline")), StringComparison.Ordinal);
        Assert.NotEqual(front, _host.Show("plimsoll-front", "MainPID"));
        BootedHost.Await(() => _host.Start(signed).Code == 0, () => _host.Agent("status").Out);

        _host.Agent("uninstall").Expect(0);
        _host.Systemctl("restart", "docker").Expect(0);
        _host.Systemctl("stop", "plimsoll-front", "plimsoll-agent").Expect(0);
        Assert.Equal(before, File.ReadAllBytes(_host.At("/etc/docker/daemon.json")));
        _host.Start(unsigned).Expect(0);
        Assert.Equal("not-found", _host.Show("plimsoll-agent", "LoadState"));
    }

    [Fact]
    public void Reboot_ContainersThatDockerStartsByItself_AreJudgedFirst()
    {
        SavedImage sound = _host.Load("boot-sound", GatedHost.Serves), changed = _host.Load("boot-changed", GatedHost.Serves);
        Gated(sound);
        _host.Sign(changed, "boot-changed");
        foreach ((SavedImage image, string name) in new[] { (sound, "sound"), (changed, "changed") })
            _host.Docker(["run", "-d", "--restart", "always", "--name", name, .. GatedHost.Limits, image.Tag]).Expect(0);
        string cache = File.ReadAllText(_host.InDocker($"image/overlay2/layerdb/sha256/{Oci.ChainId.Of(changed.DiffIds)[1].Hex}/cache-id")).Trim();
        File.AppendAllText(_host.InDocker($"overlay2/{cache}/diff/etc/passwd"), "toor::0:0::/:/bin/sh\n");

        _host.Reboot();

        BootedHost.Await(() => _host.Docker("inspect", "--format", "{{.State.Running}}", "sound").Expect(0).Out.Trim() == "true", () => _host.Docker("ps", "--all").Out);
        Assert.Equal("false", _host.Docker("inspect", "--format", "{{.State.Running}}", "changed").Expect(0).Out.Trim());
        Assert.Contains("not-intact: layer 2: /etc/passwd", _host.Docker("inspect", "--format", "{{.State.Error}}", "changed").Expect(0).Out, StringComparison.Ordinal);
        Assert.DoesNotContain("✗", _host.Agent("status").Expect(0).Out, StringComparison.Ordinal);
        // Not by luck: docker is not begun before the agent says that it answers.
        Assert.True(long.Parse(_host.Show("plimsoll-agent", "ActiveEnterTimestampMonotonic")) <= long.Parse(_host.Show("docker", "ExecMainStartTimestampMonotonic")));
    }

    [Fact]
    public void Agent_StoppedOrKilled_NothingStartsUntilItIsBack()
    {
        SavedImage signed = _host.Load("boot-kept");
        Gated(signed);
        _host.Start(signed).Expect(0);

        _host.Systemctl("stop", "plimsoll-agent").Expect(0);
        _host.Start(signed).ExpectRefused("plimsoll: agent-not-ready: ");
        _host.Systemctl("start", "plimsoll-agent").Expect(0);
        BootedHost.Await(() => _host.Start(signed).Code == 0, () => _host.Agent("status").Out);

        // More often than systemd lets a unit fail that does not say otherwise.
        for (int i = 0; i < 6; i++)
        {
            string was = _host.Show("plimsoll-agent", "MainPID");
            _host.Systemctl("kill", "--signal", "KILL", "plimsoll-agent").Expect(0);
            BootedHost.Await(() => _host.Show("plimsoll-agent", "MainPID") is var now && now != was && now != "0", () => _host.Systemctl("status", "plimsoll-agent").Out);
        }
        BootedHost.Await(() => _host.Start(signed).Code == 0, () => _host.Agent("status").Out);
    }

    [Fact]
    public void Install_AgentThatCannotStart_SaysSoAndLeavesDockerAlone()
    {
        SavedImage unsigned = _host.Load("boot-broken");
        Directory.CreateDirectory(_host.At("/var/lib/plimsoll"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(_host.At("/var/lib/plimsoll/log.key"), "no key\n");

        Outcome installed = _host.Install().Expect(1);

        Assert.Contains("plimsoll-agent: error: not-started: plimsoll-agent.service and plimsoll-front.service were installed, and one of them does not start", installed.Error, StringComparison.Ordinal);
        Assert.Contains("journalctl -u plimsoll-agent.service", installed.Error, StringComparison.Ordinal);
        _host.Start(unsigned).Expect(0);
    }

    private void Gated(SavedImage signed)
    {
        _host.Install().Expect(0);
        _host.Policy();
        _host.Sign(signed, signed.Tag.Split('/')[^1].Split(':')[0]);
        _host.Systemctl("reload", "docker").Expect(0);
        // Until dockerd has read its file, and told the agent.
        BootedHost.Await(() => _host.Agent("status").Code == 0 && _host.Docker("ps").Code == 0, () => _host.Agent("status").Out);
    }
}

/// <summary>Tests that take the whole machine for a while.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
