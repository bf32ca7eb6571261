using System.Diagnostics;
using System.Formats.Tar;
using System.Globalization;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A gated host with bridges, and with a policy that lets files be copied into containers.</summary>
public sealed class NetworkedHost : IDisposable
{
    private const string Policy = """
        policy: 1
        name: host
        trust:
          keys: {release: {file: policy.pub}}
          images:
          - names: ["**"]
            signatures: {keys: [release], match: any}
            inspection: none
            measurement: required
        start:
          engine: {allow: [attach, copy-in, copy-out, exec, load, manage, network, pull, push, read, remove, tag, update, volume]}
          rules:
          - names: ["registry.example/prod/sandboxed*"]
            runtime: {names: [plimsoll-runsc]}
          - names: ["**"]
        """;

    public NetworkedHost() => Host.Policy(Policy);

    public GatedHost Host { get; } = new(["--measure-every", "60"], ownNetwork: true);

    public void Dispose() => Host.Dispose();
}

/// <summary>What people do with Docker every day, through the gate.</summary>
[Trait("needs", "host")]
public sealed class GateKeepsWorkingTests(NetworkedHost networked) : IClassFixture<NetworkedHost>
{
    /// <summary>Without the network, which these tests are about.</summary>
    private static string[] Limits { get; } = GatedHost.Limits[2..];

    /// <summary>busybox's wget cannot look up names where it is linked statically; its nc can.</summary>
    private const string Ask = "printf 'GET /page HTTP/1.0\\r\\n\\r\\n' | /bin/busybox nc web 80";

    private const string Serve = """{"Cmd":["/bin/busybox","httpd","-f","-p","80","-h","/srv"],"Env":["PATH=/bin"],"StopSignal":"SIGKILL"}""";

    private static string Runs(string command) => $$"""{"Cmd":["/bin/sh","-c",{{System.Text.Json.JsonSerializer.Serialize(command)}}],"Env":["PATH=/bin"],"StopSignal":"SIGKILL"}""";

    private GatedHost Host => networked.Host;

    private static void Until(Func<bool> state, string what)
    {
        using ManualResetEventSlim pause = new();
        for (Stopwatch waited = Stopwatch.StartNew(); !state(); pause.Wait(100))
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), $"{what} did not come");
    }

    /// <summary>What somebody on the host fetches.</summary>
    private Outcome Fetch(string address)
    {
        const string program = "import sys,urllib.request as u\ntry: sys.stdout.write(u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=5).read().decode())\nexcept OSError as e: sys.exit(str(e))";
        Call call = new(null, [.. Host.Daemon.Beside[1..], "python3", "-c", program, address]) { Program = Host.Daemon.Beside[0] };
        return call.Run();
    }

    [Fact]
    public void Bridge_PublishedPortAndNamesOnANetwork_Answer()
    {
        SavedImage web = Host.Signed("net-web", Serve), client = Host.Signed("net-client", Runs(Ask));
        Host.Docker("network", "create", "shop").Expect(0);
        Host.Docker(["run", "-d", "--name", "web", "--network", "shop", "-p", "8080:80", .. Limits, web.Tag]).Expect(0);

        Until(() => Fetch("http://127.0.0.1:8080/page").Code == 0, "the published port");
        Assert.Equal("page of net-web", Fetch("http://127.0.0.1:8080/page").Expect(0).Out);
        // By the bridge's own address it goes through Docker's firewall rules and not through its proxy.
        string gateway = Host.Docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "shop").Expect(0).Out.Trim();
        Assert.Equal("page of net-web", Fetch($"http://{gateway}:8080/page").Expect(0).Out);
        Assert.Contains("page of net-web", Host.Docker(["run", "--rm", "--network", "shop", .. Limits, client.Tag]).Expect(0).Out, StringComparison.Ordinal);
        Assert.Equal("ping net-web", Host.Docker("exec", "web", "/bin/cat", "/srv/ping").Expect(0).Out);

        Host.Docker("rm", "-f", "web").Expect(0);
        Host.Docker("network", "rm", "shop").Expect(0);
    }

    [Fact]
    public void Compose_TwoServices_ComeUpTalkAndGoDown()
    {
        SavedImage web = Host.Signed("compose-web", Serve), job = Host.Signed("compose-job", Runs($"until {Ask} | /bin/busybox grep page; do sleep 1; done; sleep 1000"));
        SavedImage unsigned = Host.Image("compose-unsigned");
        Host.Daemon.Load(unsigned.Build());
        using TempFolder folder = new();
        string file = folder.Write("docker-compose.yml", System.Text.Encoding.UTF8.GetBytes($$"""
            version: "2.4"
            services:
              web: {image: "{{web.Tag}}", mem_limit: 64m, cpus: 0.5, pids_limit: 64, ports: ["8090:80"]}
              job: {image: "{{job.Tag}}", mem_limit: 64m, cpus: 0.5, pids_limit: 64, depends_on: [web]}
            """));

        Compose("up", "-d").Expect(0);
        Until(() => Compose("logs", "--no-color", "job").Out.Contains("page of compose-web", StringComparison.Ordinal), "the answer of one service to the other");
        string listed = Compose("ps").Expect(0).Out;
        Assert.Equal(2, listed.Split('\n').Count(l => l.Contains(" Up ", StringComparison.Ordinal)));
        Assert.Equal("page of compose-web", Fetch("http://127.0.0.1:8090/page").Expect(0).Out);
        Compose("down").Expect(0);
        Assert.Equal("", Host.Docker("ps", "-aq", "--filter", "label=com.docker.compose.project").Expect(0).Out);

        // The twin: the same with an image that nobody signed.
        File.WriteAllText(file, File.ReadAllText(file).Replace(job.Tag, unsigned.Tag, StringComparison.Ordinal));
        Outcome refused = Compose("up", "-d");
        Assert.NotEqual(0, refused.Code);
        Assert.Contains("unsigned", refused.Error, StringComparison.Ordinal);
        Compose("down");

        Outcome Compose(params string[] arguments) => new Call(null, ["-f", file, "-p", "shop", .. arguments]) { Program = "docker-compose" }
            .With("DOCKER_HOST", $"unix://{Host.Daemon.Socket}").With("HOME", folder[""]).Run();
    }

    [Fact]
    public void Pull_FromARegistry_ComesThroughAndStarts()
    {
        SavedImage image = Host.Signed("pulled");
        using TempFolder storage = new();
        using TestRegistry registry = new(storage[""], "", "", Host.Daemon.Beside);
        string name = $"{registry.Host}/prod/pulled:1";
        Host.Docker("tag", image.Tag, name).Expect(0);
        Host.Docker("push", name).Expect(0);
        Host.Docker("rmi", name, image.Tag).Expect(0);

        Host.Docker("pull", name).Expect(0);

        Assert.Equal("it runs\n", Host.Docker(["run", "--rm", .. Limits, name]).Expect(0).Out);
        Assert.Equal("it runs\n", Host.Docker(["run", "--rm", .. Limits, Host.Docker("inspect", "--format", "{{index .RepoDigests 0}}", name).Expect(0).Out.Trim()]).Expect(0).Out);
    }

    [Fact]
    public void LogsAndCopies_BothWays_Work()
    {
        SavedImage image = Host.Signed("copies", """{"Cmd":["/bin/sh","-c","echo to the log; cat /srv/data; sleep 1000"],"Env":["PATH=/bin"],"StopSignal":"SIGKILL"}""");
        using TempFolder folder = new();
        string data = folder.Write("data", "copied in\n"u8.ToArray()), evil = folder.Write("evil", "#!/bin/sh\n"u8.ToArray());
        File.SetUnixFileMode(evil, (UnixFileMode)0b111_101_101);
        Host.Docker(["create", "--name", "copies", .. Limits, image.Tag]).Expect(0);
        Host.Docker("cp", data, "copies:/srv/data").Expect(0);

        Host.Docker("start", "copies").Expect(0);
        Until(() => Host.Docker("logs", "copies").Expect(0).Out == "to the log\ncopied in\n", "the log");
        Host.Docker("cp", "copies:/srv/page", folder["page"]).Expect(0);
        Assert.Equal("page of copies", File.ReadAllText(folder["page"]));
        Host.Docker("rm", "-f", "copies").Expect(0);

        // The twin: a program that was copied in.
        Host.Docker(["create", "--name", "copies", .. Limits, image.Tag]).Expect(0);
        Host.Docker("cp", evil, "copies:/srv/data").Expect(0);
        Outcome refused = Host.Docker("start", "copies");
        Assert.NotEqual(0, refused.Code);
        Assert.Contains("own-executable: /srv/data", refused.Error, StringComparison.Ordinal);
        Host.Docker("rm", "-f", "copies").Expect(0);
    }

    [Fact]
    public void Restart_OfAgentAndDaemon_ContainersGoOn()
    {
        SavedImage image = Host.Signed("restarted", """{"Cmd":["/bin/sh","-c","echo again >> /srv/starts; exec /bin/busybox httpd -f -p 80 -h /srv"],"Env":["PATH=/bin"],"StopSignal":"SIGKILL"}""");
        Host.Docker(["run", "-d", "--name", "restarted", "--restart", "always", "-p", "8081:80", .. Limits, image.Tag]).Expect(0);
        Until(() => Fetch("http://127.0.0.1:8081/starts").Out == "again\n", "the container");

        Host.StopAgent("KILL");
        Assert.Equal("again\n", Fetch("http://127.0.0.1:8081/starts").Expect(0).Out);
        Host.StartAgent();
        // What the container wrote before is known to be its own: the agent remembers what it started.
        Until(() => Host.Docker("restart", "-t", "0", "restarted").Code == 0, "the agent's answer");
        Until(() => Fetch("http://127.0.0.1:8081/starts").Out == "again\nagain\n", "the container, restarted");

        Host.Daemon.Stop();
        Host.Daemon.Start();
        Until(() => Fetch("http://127.0.0.1:8081/starts").Out == "again\nagain\nagain\n", "the container, after the daemon was restarted");
        Host.Docker("rm", "-f", "restarted").Expect(0);
    }

    private void RestartAgent()
    {
        Host.StopAgent();
        Host.StartAgent();
        Until(() => Host.Docker("ps").Code == 0, "the agent's answer");
    }

    [Fact]
    public void Run_ImageOf100000Files_StartsAndIsMeasured()
    {
        const int files = 100_000, perFolder = 500;
        SavedImage image = new SavedImage { Tag = "registry.example/prod/files:1", Run = """{"Cmd":["/bin/busybox","cat","/many/199/99999"],"Env":["PATH=/bin"]}""" }
            .WithLayer(tar =>
            {
                tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, "bin/") { Mode = (UnixFileMode)0b111_101_101 });
                using FileStream busybox = File.OpenRead("/bin/busybox");
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "bin/busybox") { Mode = (UnixFileMode)0b111_101_101, DataStream = busybox });
            })
            .WithLayer(tar =>
            {
                for (int i = 0; i < files; i++)
                {
                    if (i % perFolder == 0)
                        tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, $"many/{i / perFolder}/") { Mode = (UnixFileMode)0b111_101_101 });
                    // Each tenth has content; headers alone keep the archive small.
                    UstarTarEntry file = new(TarEntryType.RegularFile, $"many/{i / perFolder}/{i}");
                    if (i % 10 == 9)
                        file.DataStream = new MemoryStream(System.Text.Encoding.ASCII.GetBytes($"file {i}\n"));
                    tar.WriteEntry(file);
                }
            });
        byte[] archive = image.Build();
        Host.Daemon.Load(archive);
        Host.Sign(image, "files");

        Assert.Equal("file 99999\n", Host.Start(image).Expect(0).Out);
        // An agent that just started knows no measurement.
        RestartAgent();
        Stopwatch first = Stopwatch.StartNew();
        Assert.Equal("file 99999\n", Host.Start(image).Expect(0).Out);
        first.Stop();
        Stopwatch second = Stopwatch.StartNew();
        Assert.Equal("file 99999\n", Host.Start(image).Expect(0).Out);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"100 000 files: measured and started in {first.Elapsed.TotalSeconds:F2} s, started again in {second.Elapsed.TotalSeconds:F2} s"));

        File.AppendAllText(Host.Unpacked(image, 1, "many/7/3999"), "x");
        RestartAgent();
        Assert.Contains("not-intact: layer 2: /many/7/3999 (changed)", Host.Start(image).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Runsc_ImageForTheSandboxAlone_RunsThereAndNowhereElse()
    {
        SavedImage image = Host.Signed("sandboxed", """{"Cmd":["/bin/sh","-c","/bin/busybox dmesg"],"Env":["PATH=/bin"]}""");

        Outcome outside = Host.Start(image);
        Assert.NotEqual(0, outside.Code);
        Assert.Contains("runtime/runtime-not-allowed", outside.Error, StringComparison.Ordinal);
        Assert.Contains("Starting gVisor", Host.Start(image, "--runtime", "plimsoll-runsc").Expect(0).Out, StringComparison.Ordinal);

        File.AppendAllText(Host.Unpacked(image, 1, "etc/passwd"), "evil::0:0:::\n");
        RestartAgent();
        Assert.Contains("not-intact: layer 2: /etc/passwd (changed)", Host.Start(image, "--runtime", "plimsoll-runsc").Error, StringComparison.Ordinal);
    }
}
