using System.Diagnostics;
using System.Formats.Tar;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A gated host whose agent and daemon are stopped, and brought back.</summary>
public sealed class StoppedGate : IDisposable
{
    public GatedHost Host { get; } = new();

    public void Dispose() => Host.Dispose();
}

/// <summary>What happens to the agent itself and to its policy. One host of its own, since others cannot start meanwhile; each test leaves it as it was.</summary>
[Trait("needs", "host")]
public sealed class GateAgentTests(StoppedGate shared) : IClassFixture<StoppedGate>
{
    private GatedHost Host => shared.Host;

    private void Refused(SavedImage image, params string[] parts) => Host.Start(image).ExpectRefused(parts);

    private void Runs(SavedImage image) => Assert.Equal("it runs\n", Host.Start(image).Expect(0).Out);

    /// <summary>Without the agent, which is frozen or ended by this signal.</summary>
    private void Without(string signal, Action meanwhile)
    {
        if (signal == "STOP")
            Host.SignalAgent(signal);
        else
            Host.StopAgent(signal);
        try
        {
            meanwhile();
        }
        finally
        {
            if (signal == "STOP")
                Host.SignalAgent("CONT");
            else
                Host.StartAgent();
            Host.AwaitAnswer();
        }
    }

    /// <summary>With an agent of other options, which knows no measurement.</summary>
    private void With(string option, string value, Action meanwhile)
    {
        Host.StopAgent();
        Host.StartAgentAgain(option, value);
        try
        {
            meanwhile();
        }
        finally
        {
            Host.StopAgent();
            Host.StartAgentAgain();
        }
    }

    [Theory]
    [InlineData("STOP")]
    [InlineData("TERM")]
    [InlineData("KILL")]
    public void Agent_FrozenStoppedOrKilled_RefusesMeanwhileAndHangsNobody(string signal)
    {
        SavedImage image = Host.Signed($"agent-{signal.ToLowerInvariant()}");
        Runs(image);
        Without(signal, () =>
        {
            Stopwatch waited = Stopwatch.StartNew();
            Refused(image, "plimsoll: agent-not-ready: ");
            Assert.InRange(waited.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        });
        Runs(image);
    }

    /// <summary>What dockerd starts by itself no plugin is asked about.</summary>
    [Theory]
    [InlineData("STOP", "agent-silent")]
    [InlineData("KILL", "agent-unreachable")]
    public void Restart_ByTheDaemonWithoutTheAgent_IsRefusedByTheLauncher(string signal, string code)
    {
        SavedImage image = Host.Signed($"alone-{signal.ToLowerInvariant()}", GatedHost.Serves);
        string container = Host.Serve(image, "--restart", "always"), pid = Host.Inspect(container, "{{.State.Pid}}");
        // The daemon's own note: it answers nobody while the agent is away.
        string note = Path.Combine(Host.Daemon.DataRoot, "containers", container, "config.v2.json");
        Without(signal, () =>
        {
            Tool.Run("kill", ["-KILL", pid]);
            GatedHost.Await(() => File.ReadAllText(note).Contains($"plimsoll: {code}: ", StringComparison.Ordinal), () => File.ReadAllText(note));
        });
        Host.Docker("start", container).Expect(0);
        Assert.Equal("true", Host.Inspect(container, "{{.State.Running}}"));
        Host.Docker("rm", "-f", container).Expect(0);
    }

    /// <summary>What dockerd starts by itself ran before. Of what never did the plugin is asked first, or else it is not what the plugin saw.</summary>
    [Fact]
    public void Start_WithoutThePlugin_IsForContainersAloneThatRanUnderTheGate()
    {
        SavedImage image = Host.Signed("never-ran", GatedHost.Serves);
        string container = Host.Serve(image, "--restart", "always"), twin = Host.Serve(image, "--restart", "always");
        string first = Host.Inspect(container, "{{.State.Pid}}"), second = Host.Inspect(twin, "{{.State.Pid}}");
        // The agent that let them start is gone, and of one the note that it ran.
        Host.StopAgent();
        File.Delete(Assert.Single(Directory.GetFiles(Path.Combine(Host.State, "started"), $"{container}.*")));
        Host.StartAgentAgain();

        Tool.Run("kill", ["-KILL", first, second]);
        GatedHost.Await(() => Host.Inspect(container, "{{.State.Error}}").Contains("plimsoll: not-asked: ", StringComparison.Ordinal), () => Host.Inspect(container, "{{json .State}}"));
        GatedHost.Await(() => Host.Inspect(twin, "{{.State.Running}} {{.State.Pid}}") is var now && now.StartsWith("true ", StringComparison.Ordinal) && now != $"true {second}", () => Host.Inspect(twin, "{{json .State}}"));
        Host.Docker("start", container).Expect(0);
        Assert.Equal("true", Host.Inspect(container, "{{.State.Running}}"));
        Host.Docker("rm", "-f", container, twin).Expect(0);
    }

    [Fact]
    public async Task Agent_SlowerThanTheDeadline_IsARefusalByName()
    {
        SavedImage image = Large("slow");
        string configuration = Path.Combine(Host.Library, "plimsoll.conf"), before = File.ReadAllText(configuration);
        Runs(image);
        File.WriteAllText(configuration, before.Replace("deadline 60\n", "deadline 1\n", StringComparison.Ordinal));
        using ManualResetEventSlim enough = new();
        // It works for a hundredth of the time.
        Task brake = Task.Run(() =>
        {
            while (!enough.IsSet)
            {
                Host.SignalAgent("STOP");
                enough.Wait(990);
                Host.SignalAgent("CONT");
                enough.Wait(10);
            }
        }, TestContext.Current.CancellationToken);
        try
        {
            // A tenth of a second without a brake is enough for it, and on a busy machine the brake may let go for as long.
            Outcome? refused = null;
            GatedHost.Await(() => (refused = Host.Start(image)).Code != 0, "a refusal");
            Assert.Contains((string[])["agent-deadline", "agent-not-ready", "decision-timeout"], c => refused!.Error.Contains($"plimsoll: {c}: ", StringComparison.Ordinal));
        }
        finally
        {
            enough.Set();
            await brake;
            File.WriteAllText(configuration, before);
            Host.AwaitAnswer();
        }
        Runs(image);
    }

    private SavedImage Large(string name)
    {
        const UnixFileMode program = (UnixFileMode)0b111_101_101;
        SavedImage image = new SavedImage { Tag = $"registry.example/prod/{name}:1", Run = """{"Cmd":["/bin/sh","-c","echo it runs"],"Env":["PATH=/bin"]}""" }
            .WithLayer(tar =>
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "bin/") { Mode = program });
                using FileStream busybox = File.OpenRead("/bin/busybox");
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "bin/busybox") { Mode = program, DataStream = busybox });
                tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/sh") { LinkName = "busybox" });
                using MemoryStream zeros = new(new byte[128 << 20]);
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "zeros") { DataStream = zeros });
            });
        Host.Daemon.Load(image.Build());
        Host.Sign(image, name);
        return image;
    }

    [Fact]
    public void Policy_AbsentBrokenForeignOrRolledBack_Refuses()
    {
        SavedImage image = Host.Signed("policy");
        string path = Path.Combine(Host.State, "policy.json");
        byte[] first = File.ReadAllBytes(path);
        Runs(image);

        File.Delete(path);
        Refused(image, "no-policy");
        File.WriteAllBytes(path, first);
        Runs(image);

        // Another letter of the signed part.
        byte[] broken = [.. first];
        int letter = Encoding.ASCII.GetString(first).IndexOf("\"payload\":", StringComparison.Ordinal) + 60;
        broken[letter] = broken[letter] == 'A' ? (byte)'B' : (byte)'A';
        File.WriteAllBytes(path, broken);
        Refused(image, "policy-unsigned");

        File.WriteAllBytes(path, first[..^5]);
        Refused(image, "policy-malformed");

        using (ISigner stranger = KeyFile.Generate(KeyAlgorithm.EcdsaP256))
            Host.Policy(GatedHost.Open, stranger);
        Refused(image, "policy-unsigned");

        byte[] second = Host.Policy(GatedHost.Open);
        Runs(image);
        File.WriteAllBytes(path, first);
        Refused(image, "policy-rolled-back");
        File.WriteAllBytes(path, second);
        Runs(image);
    }

    [Fact]
    public void Restart_OfWhatANewPolicyRefuses_IsRefusedAndItGoesOn()
    {
        SavedImage image = Host.Signed("again", GatedHost.Serves), same = Host.Signed("again-twin", GatedHost.Serves);
        string container = Host.Serve(image), twin = Host.Serve(same);
        Host.Policy(GatedHost.Open.Replace("registry.example/prod/**", "registry.example/prod/again-twin", StringComparison.Ordinal));
        try
        {
            Host.Docker("restart", container).ExpectRefused("plimsoll: rule/no-rule: ");
            Host.Docker("restart", twin).Expect(0);
        }
        finally
        {
            Host.Policy(GatedHost.Open);
        }
        Assert.Equal("true", Host.Inspect(container, "{{.State.Running}}"));
        Host.Docker("restart", container).Expect(0);
        Host.Docker("rm", "-f", container, twin).Expect(0);
    }

    /// <summary>Layers, and what the daemon wrote down of its containers, change while it is away; it asks no plugin when it is back.</summary>
    [Fact]
    public void Daemon_Restarted_StartsAgainOnlyWhatIsAsItWas()
    {
        SavedImage good = Host.Signed("boot-good", GatedHost.Serves), bad = Host.Signed("boot-bad", GatedHost.Serves), said = Host.Signed("boot-unsigned", GatedHost.Serves);
        Stopwatch sinceTheAnswer = Stopwatch.StartNew();
        string runtime = Host.Serve(good, "--restart", "always"), twin = Host.Serve(good, "--restart", "always"), layer = Host.Serve(bad, "--restart", "always"), privileged = Host.Serve(good, "--restart", "always"), arguments = Host.Serve(good, "--restart", "always"), unsigned = Host.Serve(said, "--restart", "always"),
            filter = Host.Serve(good, "--restart", "always"), volume = Host.Serve(good, "--restart", "always", "-v", "boot-evil:/data"), twinVolume = Host.Serve(good, "--restart", "always", "-v", "boot-twin:/data"),
            memory = Host.Serve(good, "--restart", "always", "-v", "boot-shared:/dev/shm");

        Host.Daemon.Stop();
        File.AppendAllText(Host.Unpacked(bad, 1, "etc/passwd"), "x");
        Edit(privileged, "hostconfig.json", "\"Privileged\":false", "\"Privileged\":true");
        Edit(arguments, "config.v2.json", "sleep 1000", "sleep 999");
        Edit(filter, "config.v2.json", "\"SeccompProfile\":\"\"", """
            "SeccompProfile":"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}"
            """);
        // What Docker writes down of a volume with options: it mounts them at the volume's folder, and no spec tells.
        foreach (string evil in (string[])["boot-evil", "boot-shared"])
            File.WriteAllText(Path.Combine(Host.Daemon.DataRoot, "volumes", evil, "opts.json"), """{"MountType":"none","MountOpts":"bind","MountDevice":"/etc"}""");
        File.WriteAllText(Path.Combine(Host.Daemon.DataRoot, "volumes", "boot-twin", "opts.json"), """{"MountType":"tmpfs","MountOpts":"","MountDevice":"tmpfs"}""");
        Edit(runtime, "hostconfig.json", "\"Runtime\":\"plimsoll\"", "\"Runtime\":\"runc\"");
        File.Delete(Path.Combine(Host.State, "evidence", "boot-unsigned.json"));
        // Until that is no start of this answer's any more.
        GatedHost.Await(() => sinceTheAnswer.Elapsed > TimeSpan.FromSeconds(13), "the time that an answer is good for");
        Host.Daemon.Start();

        Names(layer, "plimsoll: not-intact: layer 2: /etc/passwd (changed)");
        Names(privileged, "plimsoll: process/");
        Names(unsigned, "plimsoll: signature/unsigned: ");
        Names(arguments, "plimsoll: process/command-changed: ");
        Names(filter, "plimsoll: process/seccomp-profile: ");
        Names(volume, "plimsoll: mounts/sensitive-path: ");
        Names(memory, "plimsoll: mounts/sensitive-path: ");
        foreach (string started in (string[])[twin, twinVolume, runtime])
            GatedHost.Await(() => Host.Inspect(started, "{{.State.Running}}") == "true", () => Host.Inspect(started, "{{.State.Error}}"));
        // The gate let it start once, and was not asked now.
        Assert.Equal("past-gate", GatedHost.Field(Host.AwaitLine("the trouble", l => (string)l["kind"]! == "running-trouble" && GatedHost.Field(l, "container") == runtime), "code"));
        Assert.DoesNotContain(Host.Log("running-trouble"), l => GatedHost.Field(l, "container") == twin);
        Host.Docker("rm", "-f", twin, layer, privileged, arguments, unsigned, filter, volume, twinVolume, memory, runtime).Expect(0);

        void Edit(string container, string file, string from, string to)
        {
            string path = Path.Combine(Host.Daemon.DataRoot, "containers", container, file), text = File.ReadAllText(path);
            Assert.Contains(from, text, StringComparison.Ordinal);
            File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
        }

        // Docker starts containers again beside answering.
        void Names(string container, string reason)
        {
            GatedHost.Await(() => Host.Inspect(container, "{{.State.Error}}").Contains(reason, StringComparison.Ordinal), () => $"{reason}: {Host.Inspect(container, "{{json .State}}")}");
            Assert.Equal("false", Host.Inspect(container, "{{.State.Running}}"));
        }
    }

    [Fact]
    public void Run_ManyAtOnce_AllStart()
    {
        SavedImage image = Host.Signed("many");
        AllRun(image, 50);
        Assert.InRange(Host.Metric("process_resident_memory_bytes"), 10e6, 120e6);
    }

    private void AllRun(SavedImage image, int count)
    {
        Outcome[] outcomes = new Outcome[count];
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = count }, i => outcomes[i] = Host.Start(image));
        Assert.All(outcomes, o => Assert.Equal("it runs\n", o.Expect(0).Out));
    }

    [Fact]
    public void Run_ManyFirstStartsAtOnce_ReadEachLayerOnce()
    {
        SavedImage image = Host.Signed("flight");
        With("--measure-every", "3600", () =>
        {
            Assert.Equal(0, Host.LayersRead);
            AllRun(image, 20);
            Assert.Equal(image.DiffIds.Count, Host.LayersRead);
        });
    }

    [Fact]
    public void Load_Image_IsMeasuredBeforeAnybodyStartsIt() =>
        With("--measure-every", "3600", () =>
        {
            Assert.Equal(0, Host.LayersRead);
            SavedImage image = Host.Image("ahead");
            Host.Daemon.Load(image.Build());
            GatedHost.Await(() => Host.LayersRead == image.DiffIds.Count, () => $"{Host.LayersRead} layers were read");
        });

    [Fact]
    public void Pull_Image_IsMeasuredBeforeAnybodyStartsIt()
    {
        using TempFolder folder = new();
        using TestRegistry registry = new(Directory.CreateDirectory(folder["storage"]).FullName);
        SavedImage image = Host.Image("pulled-ahead");
        image.Tag = $"{registry.Host}/prod/pulled-ahead:1";
        Tool.Run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", $"docker-archive:{folder.Write("image.tar", image.Build())}", $"docker://{image.Tag}"]);
        With("--measure-every", "3600", () =>
        {
            Assert.Equal(0, Host.LayersRead);
            Host.Docker("pull", "-q", image.Tag).Expect(0);
            GatedHost.Await(() => Host.LayersRead == image.DiffIds.Count, () => $"{Host.LayersRead} layers were read");
        });
    }

    [Fact]
    public void Measurement_OfALayer_CountsForItsTimeAndForItsFolderAlone()
    {
        SavedImage image = Host.Signed("age");
        string folder = Host.Unpacked(image, 1), passwd = Path.Combine(folder, "etc/passwd"), signed = File.ReadAllText(passwd);
        const string changed = "not-intact: layer 2: /etc/passwd (changed)";
        With("--measure-every", "3600", () =>
        {
            Runs(image);
            File.WriteAllText(passwd, signed.Replace("root", "toor", StringComparison.Ordinal));
            Runs(image);

            // The same in a folder that was never measured.
            Tool.Run("cp", ["-a", folder, folder + ".copy"]);
            Directory.Move(folder, folder + ".was");
            Directory.Move(folder + ".copy", folder);
            Refused(image, changed);

            Directory.Delete(folder, recursive: true);
            Directory.Move(folder + ".was", folder);
            File.WriteAllText(passwd, signed);
            Runs(image);
        });
        With("--measure-every", "3", () =>
        {
            Runs(image);
            File.WriteAllText(passwd, signed.Replace("root", "toor", StringComparison.Ordinal));
            Outcome? last = null;
            GatedHost.Await(() => (last = Host.Start(image)).Code != 0, () => "it starts for ever");
            last!.ExpectRefused(changed);
        });
    }
}
