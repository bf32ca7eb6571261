using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Plimsoll.EvidenceLog;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.EndToEnd;

/// <summary>One installed host for a class of tests; started when first asked for.</summary>
public sealed class InstalledGate : IDisposable
{
    private readonly Lazy<GatedHost> _host = new(GatedHost.Installed);

    public GatedHost Host => _host.Value;

    public void Dispose()
    {
        if (_host.IsValueCreated)
            _host.Value.Dispose();
    }
}

/// <summary>An installed host: what the agent sees of it, what it serves, and what doctor proves. One host of its own, since its daemon is set up otherwise meanwhile.</summary>
[Trait("needs", "host")]
public sealed class GateHostTests(InstalledGate shared, SharedDocker docker) : IClassFixture<InstalledGate>
{
    private const string DoctorsImage = """{"Cmd":["sh","-c","echo it runs"],"Env":["PATH=/bin:/usr/bin"]}""";

    private GatedHost Host => shared.Host;

    private static void Runs(Outcome outcome) => Assert.Equal("it runs\n", outcome.Expect(0).Out);

    private void Refused(SavedImage image, params string[] parts) => Host.Start(image).ExpectRefused(parts);

    private LogLine[] Lines(string kind) => [.. EvidenceLogReader.Read(Path.Combine(Host.State, "log"), TestContext.Current.CancellationToken).Where(l => l.Kind == kind)];

    private void AwaitLine(string kind, int more, string part) => GatedHost.Await(
        () => Lines(kind).Skip(more).Any(l => l.Fields.Any(f => f.AsText?.Contains(part, StringComparison.Ordinal) == true)),
        () => $"{kind} with {part}; the agent said {Host.AgentSaid}");

    [Fact]
    public void Daemon_ReloadedWithAnotherRuntime_IsNoticedAtOnceAndRefusesUntilItIsRight()
    {
        SavedImage image = Host.Signed("reload");
        Runs(Host.Start(image));
        int before = Lines("host-changed").Length;
        Reloaded(AnotherRuntime, installed =>
        {
            IsRunc();
            // The file is right again before anybody looks; the daemon that runs is not.
            installed();
            AwaitLine("host-changed", before, "default runtime is");
            Refused(image, "plimsoll: host-changed: ", "default runtime is \"runc\"");
        });
        Runs(Host.Start(image));
    }

    [Fact]
    public void Daemon_ReloadedWithoutThePlugin_IsNoticedAndTheRuntimeGateRefuses()
    {
        SavedImage image = Host.Signed("no-plugin");
        Runs(Host.Start(image));
        int before = Lines("host-changed").Length;
        Reloaded(WithoutPlugin, installed =>
        {
            AwaitLine("host-changed", before, "asks no authorization plugin");
            installed();
            Refused(image, "plimsoll: host-changed: ", "authorization plugin");
        });
        Runs(Host.Start(image));
    }

    private static string AnotherRuntime(string daemonJson) => daemonJson.Replace("\"default-runtime\": \"plimsoll\"", "\"default-runtime\": \"runc\"", StringComparison.Ordinal);

    private static string WithoutPlugin(string daemonJson)
    {
        JsonObject json = JsonNode.Parse(daemonJson)!.AsObject();
        json["authorization-plugins"] = new JsonArray();
        return json.ToJsonString();
    }

    private void IsRunc() => GatedHost.Await(() => Host.Docker("info", "--format", "{{.DefaultRuntime}}").Out.Trim() == "runc", () => "the daemon did not reload");

    /// <summary>Makes the daemon run with another file, and then as it was installed, which the agent must notice.</summary>
    /// <param name="meanwhile">Gets what puts the file back and leaves the daemon as it is.</param>
    private void Reloaded(Func<string, string> change, Action<Action> meanwhile)
    {
        string path = Host.InstallOptions.DaemonJson, installed = File.ReadAllText(path);
        int restored = Lines("host-restored").Length;
        try
        {
            File.WriteAllText(path, change(installed));
            Host.Reload();
            meanwhile(() => File.WriteAllText(path, installed));
        }
        finally
        {
            File.WriteAllText(path, installed);
            Host.Reload();
        }
        GatedHost.Await(() => Lines("host-restored").Length > restored, () => Host.AgentSaid);
    }

    [Theory]
    [InlineData("docker")]
    [InlineData("plimsoll-agent")]
    public void Unit_DropInAdded_IsNoticedWithoutAnyStartAndRefusesUntilItIsGone(string unit)
    {
        SavedImage image = Host.Signed($"drop-in-{unit}");
        Runs(Host.Start(image));
        string dropIn = Path.Combine(Directory.CreateDirectory(Path.Combine(Host.InstallOptions.Units, $"{unit}.service.d")).FullName, "99-other.conf");
        int before = Lines("host-changed").Length, restored = Lines("host-restored").Length;
        File.WriteAllText(dropIn, "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --config-file /tmp/other.json\n");
        AwaitLine("host-changed", before, "99-other.conf was added");
        Refused(image, "host-changed", "99-other.conf");
        File.Delete(dropIn);
        GatedHost.Await(() => Lines("host-restored").Length > restored, () => Host.AgentSaid);
        Runs(Host.Start(image));
    }

    [Fact]
    public void Record_TakenAwayOrEdited_IsNoticedAndRefusesUntilItIsAsItWas()
    {
        SavedImage image = Host.Signed("record");
        Runs(Host.Start(image));
        string record = Path.Combine(Host.State, "install/install.json"), was = record + ".was";
        int before = Lines("host-changed").Length, restored = Lines("host-restored").Length, recorded = Lines("install-record").Length;
        File.Move(record, was);
        try
        {
            AwaitLine("host-changed", before, "install.json, which says what was installed, is gone");
            Refused(image, "plimsoll: host-changed: ", "install.json");
            Assert.Contains("✗", AgentCall("status").Run().Expect(1).Out, StringComparison.Ordinal);

            File.WriteAllText(record, File.ReadAllText(was) + "\n");
            AwaitLine("install-record", recorded, Plimsoll.Agent.Install.InstallRecord.DigestOfFile(record));
            AwaitLine("host-changed", before, "is not the record that plimsoll-agent install wrote");
            Refused(image, "plimsoll: host-changed: ", "install.json");
        }
        finally
        {
            File.Move(was, record, overwrite: true);
        }
        GatedHost.Await(() => Lines("host-restored").Length > restored, () => Host.AgentSaid);
        Runs(Host.Start(image));
    }

    [Theory]
    [InlineData("plimsoll.conf")]
    [InlineData("plimsoll")]
    [InlineData("plimsoll-front")]
    [InlineData("plimsoll-agent")]
    [InlineData("runc")]
    public void Program_WithAByteAppended_IsNoticedAndRefusesUntilItIsAsItWas(string name)
    {
        SavedImage image = Host.Signed($"replaced-{name}");
        Runs(Host.Start(image));
        string path = name == "runc" ? Host.InstallOptions.Runc! : Path.Combine(Host.Library, name), was = path + ".was";
        int before = Lines("host-changed").Length, restored = Lines("host-restored").Length;
        File.Copy(path, was);
        File.Copy(path, path + ".new");
        File.AppendAllText(path + ".new", "#");
        File.Move(path + ".new", path, overwrite: true);
        try
        {
            AwaitLine("host-changed", before, path + (name == "runc" ? ", the runtime behind the gate, is not" : " is not"));
            Refused(image, "plimsoll: host-changed: ", path);
        }
        finally
        {
            File.Move(was, path, overwrite: true);
        }
        GatedHost.Await(() => Lines("host-restored").Length > restored, () => Host.AgentSaid);
        Runs(Host.Start(image));
    }

    [Fact]
    public void OtherDaemon_ThatRunsBeside_IsWrittenDownAndTheGatedOneIsNot()
    {
        string other = Written(docker.Docker), gated = Written(Host.Daemon);
        // It looks when it starts, and each minute; at its very first start the gated one did not listen yet.
        Host.StopAgent();
        long before = (long)Host.Log()[^1]["sequence"]!;
        Host.StartAgentAgain();
        string[] daemons = [.. Host.AwaitLine("the other daemon", l => (long)l["sequence"]! > before && (string)l["kind"]! == "other-daemons" && NamesOf(l).Contains(other, StringComparer.Ordinal))["fields"]!["daemons"]!.AsArray().Select(d => (string)d!)];
        Assert.DoesNotContain(gated, daemons);

        static string Written(TestDocker daemon) => $"dockerd (process {File.ReadAllText(Path.Combine(daemon.Folder, "pid")).Trim()})";
        static IEnumerable<string> NamesOf(JsonNode line) => line["fields"]!["daemons"]!.AsArray().Select(d => (string)d!);
    }

    [Fact]
    public void Metrics_CurlOverTheSocketAndOverLoopback_IsWhatPrometheusReads()
    {
        Runs(Host.Start(Host.Signed("metrics")));
        string socket = Path.Combine(Host.Run, "metrics.sock");

        Outcome unix = new Call(null, "--silent", "--fail", "--unix-socket", socket, "http://agent/metrics") { Program = "curl" }.Run().Expect(0);
        IReadOnlyDictionary<string, double> samples = PrometheusText.Read(unix.Out);
        Assert.Equal(1, samples["plimsoll_host_right"]);
        Assert.True(samples["""plimsoll_decisions_total{gate="runtime",answer="allow",code=""}"""] >= 1);
        Assert.True(samples["""plimsoll_decision_seconds_count{gate="plugin"}"""] >= 1);
        Assert.InRange(samples["process_resident_memory_bytes"], 10e6, 500e6);
        Assert.Equal(22, new Call(null, "--silent", "--fail", "--unix-socket", socket, "http://agent/Plugin.Activate") { Program = "curl" }.Run().Code);

        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        string address = free.LocalEndpoint.ToString()!;
        Assert.NotEqual(0, new Call(null, "--silent", "--max-time", "2", $"http://{address}/metrics") { Program = "curl" }.Run().Code);
        free.Stop();
        Host.StopAgent();
        Host.StartAgentAgain("--metrics", address);
        Outcome tcp = new Call(null, "--silent", "--fail", "--retry", "30", "--retry-delay", "1", "--retry-connrefused", $"http://{address}/metrics") { Program = "curl" }.Run().Expect(0);
        Assert.Equal(samples.Keys.Where(k => !k.Contains('{')), PrometheusText.Read(tcp.Out).Keys.Where(k => !k.Contains('{')));
    }

    /// <summary>systemd goes on without what it does not understand, so a mistyped word is seen here and not in <see cref="GateBootTests"/>.</summary>
    [Fact]
    public void Units_OfAnInstalledHost_AreWhatSystemdUnderstands()
    {
        string units = Host.InstallOptions.Units, agent = Path.Combine(units, "plimsoll-agent.service"), front = Path.Combine(units, "plimsoll-front.service");
        Assert.Equal("", Verify(agent, front).Error);

        using TempFolder folder = new();
        string broken = folder.Write("plimsoll-front.service", System.Text.Encoding.UTF8.GetBytes(File.ReadAllText(front).Replace("ProtectHome=yes", "ProtectHomes=yes", StringComparison.Ordinal)));
        Assert.Contains("ProtectHomes", Verify(broken).Error, StringComparison.Ordinal);

        // What it says of other units of this machine is not ours.
        static (int Code, string Error) Verify(params string[] files)
        {
            Outcome outcome = new Call(null, ["verify", "--man=no", .. files]) { Program = "systemd-analyze" }.Run();
            return (outcome.Code, string.Join('\n', outcome.Error.Split('\n').Where(l => files.Any(f => l.Contains(Path.GetFileName(f), StringComparison.Ordinal) || l.Contains(f, StringComparison.Ordinal)))));
        }
    }

    private Outcome Doctor(params string[] more) => DoctorCall(more).Run();

    private Call DoctorCall(params string[] more) => AgentCall("doctor", more);

    /// <summary>The program, as somebody calls it for this host.</summary>
    private Call AgentCall(string verb, params string[] more)
    {
        Plimsoll.Agent.Install.InstallOptions options = Host.InstallOptions;
        return new Call(null, [verb, "--state", Host.State, "--run", Host.Run, "--docker", Host.Daemon.Socket, "--data-root", Host.Daemon.DataRoot, "--daemon-json", options.DaemonJson, "--units", options.Units, "--lib", options.Library, .. more])
        { Program = Path.Combine(AppContext.BaseDirectory, "plimsoll-agent") };
    }

    [Fact]
    public void Uninstall_WithADeadAgent_BringsTheHostBackAndInstallTheGate()
    {
        SavedImage unsigned = Host.Image("uninstalled");
        Host.Daemon.Load(unsigned.Build());
        Plimsoll.Agent.Install.InstallOptions options = Host.InstallOptions;
        Assert.DoesNotContain("✗", AgentCall("status").Run().Expect(0).Out, StringComparison.Ordinal);
        Refused(unsigned, "plimsoll: signature/unsigned: ");
        string made = Host.Docker(["create", .. GatedHost.Limits, Host.Signed("installed").Tag]).Expect(0).Out.Trim();

        Host.StopAgent("KILL");
        try
        {
            Assert.Contains("systemctl restart docker", AgentCall("uninstall").Run().Expect(0).Out, StringComparison.Ordinal);
            Assert.Equal(GatedHost.DaemonJson, File.ReadAllText(options.DaemonJson));
            Assert.Empty(Directory.GetFiles(options.Library));
            Assert.Equal(3, AgentCall("status").Run().Code);
            Restart();
            Runs(Host.Start(unsigned));
            Assert.Contains("plimsoll", Host.Docker("start", made).Error, StringComparison.Ordinal);
        }
        finally
        {
            AgentCall("install", "--from", options.From, "--runc", options.Runc!, "--plugin", options.Plugin).Run().Expect(0);
            Host.StartAgent();
            Restart();
        }
        Host.AwaitAnswer();
        Refused(unsigned, "plimsoll: signature/unsigned: ");
        Runs(Host.Docker("start", "-a", made));
        Host.Docker("rm", made).Expect(0);
        Assert.DoesNotContain("✗", AgentCall("status").Run().Expect(0).Out, StringComparison.Ordinal);

        void Restart()
        {
            Host.Daemon.Stop();
            Host.Daemon.Start();
        }
    }

    [Fact]
    public void Doctor_ContainerForARuntimePastTheGate_FailsAndNamesIt()
    {
        SavedImage image = Host.Signed("doctor-foreign", DoctorsImage);
        int before = Lines("host-changed").Length;
        Reloaded(WithoutPlugin, _ =>
        {
            AwaitLine("host-changed", before, "asks no authorization plugin");
            Host.Docker(["create", "--runtime", "runc", "--name", "past-the-gate", .. GatedHost.Limits, image.Tag]).Expect(0);
        });
        Outcome doctor = Doctor("--json");
        Assert.Equal(1, doctor.Code);
        Assert.Equal("failed", Results(doctor)["container"]);
        Assert.Contains("past-the-gate", doctor.Out, StringComparison.Ordinal);
        Host.Docker("rm", "past-the-gate").Expect(0);
        Assert.Equal(0, Doctor("--image", image.Id.ToString()).Code);
    }

    [Fact]
    public void Doctor_InterruptedWithAContainerMade_RemovesIt()
    {
        SavedImage image = Host.Signed("doctor-interrupted", DoctorsImage);
        string containers = Path.Combine(Host.Daemon.DataRoot, "containers");
        int before = Directory.GetDirectories(containers).Length;
        using Running doctor = DoctorCall("--image", image.Id.ToString()).Start();
        SpinWait.SpinUntil(() => Directory.GetDirectories(containers).Length > before || !doctor.Alive, TimeSpan.FromSeconds(30));
        doctor.Interrupt();
        Outcome outcome = doctor.End();
        // It may have come to its end just then.
        Assert.True(outcome.Code is 130 or 0, outcome.Out + outcome.Error);
        NothingIsLeft();
    }

    private static Dictionary<string, string> Results(Outcome doctor)
    {
        using JsonDocument json = JsonDocument.Parse(doctor.Out);
        Assert.Equal(doctor.Code == 0, json.RootElement.GetProperty("healthy").GetBoolean());
        return json.RootElement.GetProperty("checks").EnumerateArray().GroupBy(c => c.GetProperty("name").GetString()!, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Select(c => c.GetProperty("result").GetString()!).Min(StringComparer.Ordinal)!, StringComparer.Ordinal);
    }

    private void NothingIsLeft() => Assert.Equal("", Host.Docker("ps", "-aq", "--filter", "name=plimsoll-doctor").Expect(0).Out);

    [Fact]
    public void Doctor_HostAsInstalled_ProvesBothGatesAndLeavesNothing()
    {
        SavedImage image = Host.Signed("doctor", DoctorsImage);
        Outcome doctor = Doctor("--json");
        Dictionary<string, string> results = Results(doctor);
        Assert.True(doctor.Code == 0, doctor.Out + doctor.Error);
        Assert.Equal(("good", "good", "good"), (results["plugin-gate"], results["plugin-body"], results["runtime-gate"]));
        NothingIsLeft();
        // The very image whose container was refused starts as before.
        Runs(Host.Start(image));
        Outcome text = Doctor("--image", image.Id.ToString()).Expect(0);
        Assert.Contains("runtime-gate  ✓ refuses a container of " + image.Id, text.Out, StringComparison.Ordinal);
        NothingIsLeft();
    }

    [Fact]
    public void Doctor_InChinese_StandsInColumnsAndItsJsonStaysEnglish()
    {
        SavedImage image = Host.Signed("doctor-zh", DoctorsImage);
        Outcome text = DoctorCall("--image", image.Id.ToString()).With("LANG", "zh_CN.UTF-8").Run().Expect(0);
        Assert.Contains($"运行时门控    ✓ 拒绝植入了文件的 {image.Id} 容器（own-", text.Out, StringComparison.Ordinal);
        Assert.Contains("插件门控      ✓ 拒绝使用非本产品运行时的容器\n请求正文      ✓ ", text.Out, StringComparison.Ordinal);
        Assert.All(text.Out.TrimEnd('\n').Split('\n'), l => Assert.Equal(14, DisplayWidth.Of(l.AsSpan(0, l.IndexOf('✓', StringComparison.Ordinal)))));

        Outcome json = DoctorCall("--json", "--lang", "zh", "--image", image.Id.ToString()).Run().Expect(0);
        Assert.Equal("good", Results(json)["runtime-gate"]);
        Assert.DoesNotContain(json.Out, c => c >= '\u2e80');
    }

    [Fact]
    public void Agent_InChinese_WritesItsNotesSoAndRefusesInEnglish()
    {
        SavedImage image = Host.Image("agent-zh");
        Host.Daemon.Load(image.Build());
        Host.StopAgent();
        Host.StartAgentAgain("--lang", "zh");
        try
        {
            GatedHost.Await(() => Host.AgentSaid.Contains("plimsoll-agent: 就绪", StringComparison.Ordinal), () => Host.AgentSaid);
            Outcome refused = Host.Start(image);
            Assert.Contains("plimsoll: ", refused.Error, StringComparison.Ordinal);
            Assert.DoesNotContain(refused.Error, c => c >= '\u2e80');
            Assert.All(Host.Log(), l => Assert.DoesNotContain(GatedHost.Field(l, "reason"), c => c >= '\u2e80'));
        }
        finally
        {
            Host.StopAgent();
            Host.StartAgentAgain();
        }
    }

    [Fact]
    public void Doctor_EachGateBroken_FailsWithAHintAndStartsNothing()
    {
        SavedImage image = Host.Signed("doctor-broken", DoctorsImage);
        Runs(Host.Start(image));

        Host.StopAgent("KILL");
        Outcome dead = Doctor("--json");
        Host.StartAgentAgain();
        Assert.Equal(1, dead.Code);
        Dictionary<string, string> results = Results(dead);
        Assert.Equal(("failed", "failed", "undecided"), (results["agent"], results["plugin-gate"], results["runtime-gate"]));
        Assert.Contains("systemctl restart plimsoll-agent", dead.Out, StringComparison.Ordinal);

        Host.StopFront();
        Outcome front = Doctor("--json");
        Host.RestartFront();
        GatedHost.Await(() => Host.Docker("ps").Code == 0, () => "the daemon does not come back");
        Assert.Equal(1, front.Code);
        Assert.Equal(("failed", "failed"), (Results(front)["front"], Results(front)["plugin-gate"]));

        Reloaded(AnotherRuntime, _ =>
        {
            IsRunc();
            Outcome runc = Doctor("--json");
            Assert.Equal(1, runc.Code);
            results = Results(runc);
            Assert.Equal(("failed", "failed", "failed"), (results["daemon.json"], results["dockerd"], results["runtime-gate"]));
            Assert.Contains("systemctl reload docker", runc.Out, StringComparison.Ordinal);
        });
        NothingIsLeft();
        Assert.Equal(0, Doctor().Code);
    }
}
