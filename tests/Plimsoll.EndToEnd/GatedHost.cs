using System.Diagnostics;
using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Agent;
using Plimsoll.Agent.Install;
using Plimsoll.Inspect.Policies;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.TestKit;
using Plimsoll.Verify;

[assembly: AssemblyFixture(typeof(Plimsoll.EndToEnd.SharedGate))]

namespace Plimsoll.EndToEnd;

/// <summary>One gated host for all tests here; started when first asked for.</summary>
public sealed class SharedGate : IDisposable
{
    private readonly Lazy<GatedHost> _host = new(() => new GatedHost());

    public GatedHost Host => _host.Value;

    public void Dispose()
    {
        if (_host.IsValueCreated)
            _host.Value.Dispose();
    }
}

/// <summary>A dockerd of the tests' own behind launcher, front and agent, with a policy that this test signed.</summary>
public sealed class GatedHost : IDisposable
{
    private const string Plugins = "/run/docker/plugins";
    private const UnixFileMode Program = (UnixFileMode)0b111_101_101;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TempFolder _folder = new();
    private readonly StringBuilder _agentSaid = new();
    private static int _hosts;
    private readonly string _plugin = $"plimsoll-test-{Environment.ProcessId}-{Interlocked.Increment(ref _hosts)}";
    private readonly string _docker = TestDocker.NewFolder();
    private Process _front;
    private long _counter;

    /// <param name="agent">More options of the agent; the last of each counts.</param>
    public GatedHost(params string[] agent)
        : this(agent, ownNetwork: false)
    {
    }

    /// <param name="ownNetwork">With bridges, in a network namespace of the daemon's own.</param>
    public GatedHost(string[] agent, bool ownNetwork)
        : this(agent, ownNetwork, installed: false)
    {
    }

    /// <param name="installed">By <c>plimsoll-agent install</c>, so that the host is checked against what was installed; else by hand.</param>
    /// <param name="daemon">More options of dockerd.</param>
    private GatedHost(string[] agent, bool ownNetwork, bool installed, params string[] daemon)
    {
        AgentOptions = agent;
        Tool.Run(Repository.At("scripts", "build-native"), []);
        string native = Repository.At("artifacts", "native"), lib = Directory.CreateDirectory(_folder["lib"]).FullName;
        if (installed)
        {
            string from = Directory.CreateDirectory(_folder["from"]).FullName;
            foreach (string name in (string[])["plimsoll-launcher", "plimsoll-front"])
                File.Copy(Path.Combine(native, name), Path.Combine(from, name));
            File.Copy(Path.Combine(AppContext.BaseDirectory, "plimsoll-agent"), Path.Combine(from, "plimsoll-agent"));
            // Its own, so that a test may change it.
            Directory.CreateDirectory(_folder["engine"]);
            File.Copy(Runc, InstallOptions.Runc!);
            _folder.Write("etc/daemon.json", Encoding.UTF8.GetBytes(DaemonJson));
            new Installer(InstallOptions, "0.1.0", _ => { }).Install();
        }
        else
        {
            File.Copy(Path.Combine(native, "plimsoll-launcher"), Path.Combine(lib, "plimsoll"));
            File.WriteAllText(Path.Combine(lib, "plimsoll.conf"), $"runtime {Runc}\nsocket {Run}/gate.sock\ndeadline 60\n");
            File.Copy(Path.Combine(native, "plimsoll-launcher"), Path.Combine(lib, "plimsoll-runsc"));
            File.WriteAllText(Path.Combine(lib, "plimsoll-runsc.conf"), $"runtime /usr/bin/runsc\nargument --platform=ptrace\nargument --ignore-cgroups\nargument --network=none\nsocket {Run}/gate.sock\ndeadline 60\n");
        }
        Directory.CreateDirectory(Run);
        Key = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        Directory.CreateDirectory(Path.Combine(State, "evidence"));
        File.WriteAllText(Path.Combine(State, "policy.pub"), Key.PublicKey.ToPem());
        Policy(Open);
        StartAgent();
        Directory.CreateDirectory(Plugins);
        // What a killed run left: dockerd tries each for many seconds when it looks for a volume that is not there.
        foreach (string socket in Directory.GetFiles(Plugins, "plimsoll-test-*.sock"))
            if (!Directory.Exists($"/proc/{Path.GetFileName(socket).Split('-')[2]}"))
                File.Delete(socket);
        _front = StartFront();
        string[] gate = installed ? ["--config-file", InstallOptions.DaemonJson]
            : ["--add-runtime", $"plimsoll={lib}/plimsoll", "--add-runtime", $"plimsoll-runsc={lib}/plimsoll-runsc", "--default-runtime", "plimsoll", "--authorization-plugin", _plugin];
        gate = [.. gate, .. daemon];
        Daemon = ownNetwork ? TestDocker.InOwnNetwork(_docker, gate) : TestDocker.In(_docker, gate);
    }

    public static GatedHost Installed() => new([], ownNetwork: false, installed: true);

    /// <param name="daemon">More options of dockerd.</param>
    public static GatedHost Listening(params string[] daemon) => new([], ownNetwork: false, installed: false, daemon);

    /// <summary>What the installed host was installed with.</summary>
    internal InstallOptions InstallOptions => new()
    {
        Paths = new AgentPaths(State, Run, TestDocker.DataRootIn(_docker), TestDocker.SocketIn(_docker)),
        Library = _folder["lib"],
        DaemonJson = _folder["etc/daemon.json"],
        Units = _folder["units"],
        From = _folder["from"],
        Runc = _folder["engine/runc"],
        Plugin = _plugin,
    };

    /// <summary>What an installed host's daemon.json was before, spaces and all.</summary>
    public const string DaemonJson = "{ \"shutdown-timeout\" : 10 }\n";

    /// <summary>Holds the launchers and their configurations.</summary>
    public string Library => _folder["lib"];

    private Process StartFront()
    {
        File.Delete($"{Plugins}/{_plugin}.sock");
        Process front = Process.Start(new ProcessStartInfo(Path.Combine(Repository.At("artifacts", "native"), "plimsoll-front"), ["--listen", $"{Plugins}/{_plugin}.sock", "--agent", $"{Run}/plugin.sock"]) { UseShellExecute = false })!;
        Await(() => File.Exists($"{Plugins}/{_plugin}.sock"), "the front");
        return front;
    }

    public void StopFront()
    {
        _front.Kill();
        _front.WaitForExit();
        _front.Dispose();
    }

    public void RestartFront() => _front = StartFront();

    /// <summary>Makes the daemon read its file again, while it runs.</summary>
    public void Reload() => Tool.Run("kill", ["-HUP", File.ReadAllText(Path.Combine(_docker, "pid")).Trim()]);

    /// <summary>Waits for a state that comes by itself.</summary>
    public static void Await(Func<bool> condition, Func<string> otherwise)
    {
        using ManualResetEventSlim pause = new();
        for (Stopwatch waited = Stopwatch.StartNew(); !condition(); pause.Wait(50))
            if (waited.Elapsed > Patience)
                throw new TimeoutException($"not within {Patience}: {otherwise()}");
    }

    /// <summary>Whoever signed with <see cref="Key"/> may start whatever the host lets start.</summary>
    public const string Open = """
        policy: 1
        name: host
        trust:
          keys: {release: {file: policy.pub}}
          images:
          - names: ["registry.example/prod/**"]
            signatures: {keys: [release], match: any}
            inspection: none
            measurement: required
        start: default
        """;

    public ISigner Key { get; }

    public TestDocker Daemon { get; }

    public string State => _folder["state"];

    public string Run => _folder["run"];

    private static string Runc { get; } = ((string[])["/usr/sbin/runc", "/usr/bin/runc"]).First(File.Exists);

    private Process? Agent { get; set; }

    /// <summary>Of the running agent.</summary>
    public int AgentId => Agent!.Id;

    /// <summary>Variables of the agent's own, from its next start on.</summary>
    public Dictionary<string, string> AgentEnvironment { get; } = new(StringComparer.Ordinal);

    /// <summary>Given when the agent is started.</summary>
    public IReadOnlyList<string> AgentOptions { get; set; }

    /// <summary>Whole lines of the agent's evidence log of these kinds, oldest first; all where none is named.</summary>
    public IReadOnlyList<JsonNode> Log(params string[] kinds) =>
    [
        .. Directory.GetFiles(Path.Combine(State, "log"), "evidence-*.jsonl").Order(StringComparer.Ordinal).SelectMany(ReadShared)
            .Select(l => JsonNode.Parse(l)!).Where(l => kinds.Length == 0 || kinds.Contains((string)l["kind"]!, StringComparer.Ordinal)),
    ];

    /// <summary>A field of a line.</summary>
    public static string Field(JsonNode line, string name) => (string?)line["fields"]![name] ?? "";

    private static string[] ReadShared(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using StreamReader reader = new(file);
        return reader.ReadToEnd().Split('\n')[..^1];
    }

    /// <summary>What the agent wrote.</summary>
    public string AgentSaid
    {
        get
        {
            lock (_agentSaid)
                return _agentSaid.ToString();
        }
    }

    /// <param name="more">Further options of <c>run</c>.</param>
    public void StartAgent(params string[] more)
    {
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "plimsoll-agent"),
            ["run", "--state", State, "--run", Run, "--data-root", TestDocker.DataRootIn(_docker), "--docker", TestDocker.SocketIn(_docker), "--measure-every", "0", .. AgentOptions, .. more])
        { UseShellExecute = false, RedirectStandardError = true };
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));
        foreach ((string name, string value) in AgentEnvironment)
            start.Environment[name] = value;
        File.Delete($"{Run}/gate.sock");
        File.Delete($"{Run}/metrics.sock");
        Agent = Process.Start(start)!;
        Agent.ErrorDataReceived += (_, e) =>
        {
            lock (_agentSaid)
                _agentSaid.AppendLine(e.Data);
        };
        Agent.BeginErrorReadLine();
        // The last of its sockets.
        Await(() => File.Exists($"{Run}/metrics.sock"), "the agent");
    }

    /// <summary>Starts the agent and waits until dockerd gets answers again: after a silence the front asks a little at a time.</summary>
    public void StartAgentAgain(params string[] more)
    {
        StartAgent(more);
        Await(() => Docker("ps").Code == 0, () => $"the daemon does not come back; the agent said {AgentSaid}");
    }

    /// <summary>After a silence the front asks a little at a time, until an answer comes.</summary>
    public void AwaitAnswer() => Await(() => Docker("ps").Code == 0, "the agent's answer");

    public void SignalAgent(string signal) => Tool.Run("kill", [$"-{signal}", Agent!.Id.ToString()]);

    public void StopAgent(string signal = "TERM")
    {
        SignalAgent(signal);
        Agent!.WaitForExit();
        Agent.Dispose();
        Agent = null;
    }

    /// <summary>Puts a policy into force, with the next counter unless one is given.</summary>
    public byte[] Policy(string yaml, ISigner? by = null, long? counter = null)
    {
        byte[] signed = SignedPolicy.Sign(PolicyFile.Parse(Encoding.UTF8.GetBytes(yaml), "p.yaml", State), counter ?? ++_counter, DateTimeOffset.UtcNow, by ?? Key);
        File.WriteAllBytes(Path.Combine(State, "policy.json"), signed);
        return signed;
    }

    /// <summary>An image of two layers with a shell, which no other test's image shares.</summary>
    public SavedImage Image(string name, string? run = null) => ImageOf(name, run);

    /// <summary>As <see cref="Image"/>, for another host.</summary>
    public static SavedImage ImageOf(string name, string? run = null)
    {
        SavedImage image = new SavedImage { Tag = $"registry.example/prod/{name}:1", Run = run ?? """{"Cmd":["/bin/sh","-c","echo it runs"],"Env":["PATH=/bin"]}""" }
            .WithLayer(tar =>
            {
                Folder(tar, "bin/");
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "bin/busybox") { Mode = Program, DataStream = File.OpenRead("/bin/busybox") });
                foreach (string applet in (string[])["sh", "ls", "cat", "cp", "echo", "sleep", "true", "id", "touch", "chmod", "mkdir", "rm"])
                    tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, $"bin/{applet}") { LinkName = "busybox" });
            })
            .WithLayer(tar =>
            {
                Folder(tar, "etc/");
                Text(tar, "etc/passwd", $"root:x:0:0:{name}:/root:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n");
                Text(tar, "etc/removed", name);
                Folder(tar, "srv/");
                Text(tar, "srv/page", $"page of {name}");
                Text(tar, "bin/tool", $"#!/bin/sh\n# {name}\necho tool\n", Program);
                tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "srv/link") { LinkName = "page" });
                tar.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "srv/hard") { LinkName = "srv/page" });
            })
            .WithLayer(tar =>
            {
                Text(tar, "etc/.wh.removed", "");
                Folder(tar, "srv/");
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "srv/ping", new Dictionary<string, string> { ["SCHILY.xattr.user.note"] = name })
                { Mode = Program, DataStream = new MemoryStream(Encoding.UTF8.GetBytes("ping " + name)) });
            });
        image.Build();
        return image;
    }

    /// <summary>Loads an image and drops a signed measurement of it.</summary>
    public SavedImage Signed(string name, string? run = null)
    {
        SavedImage image = Image(name, run);
        Daemon.Load(image.Build());
        Sign(image, name);
        return image;
    }

    /// <summary>Drops a statement about an image into the agent's folder.</summary>
    public void Sign(SavedImage image, string name, ISigner? by = null) => Drop(name, Measured(image, _folder.Write($"{name}.tar", image.Build())), by);

    /// <summary>Puts a signed statement into the agent's folder as a pipeline should: in one piece.</summary>
    public void Drop(string name, Statement statement, ISigner? by = null)
    {
        string path = Path.Combine(State, "evidence", $"{name}.json");
        File.WriteAllBytes(_folder["statement"], DsseSigning.Sign(Statement.PayloadType, statement.ToJson(), by ?? Key).ToJson());
        File.Move(_folder["statement"], path, overwrite: true);
    }

    /// <summary>What a pipeline states of an image.</summary>
    /// <param name="archive">Where the image lies.</param>
    internal static Statement Measured(SavedImage image, string archive)
    {
        using Image opened = ImageSource.Open($"docker-archive:{archive}", new ImageOptions(), CancellationToken.None);
        Measurement measured = Measurer.Measure(opened, new MeasureOptions(), CancellationToken.None).Measurement!;
        return new MeasurementPredicate(measured, DateTimeOffset.UtcNow, "0.1.0", null, null).ToStatement(new ImageDigests(null, null, image.Id));
    }

    /// <summary>As <c>plimsoll sign -o</c> does: a bundle with the statement and, as an artifact of its own, the list of the image's files.</summary>
    /// <param name="form"><c>oci-archive</c> for a file, <c>oci</c> for a folder.</param>
    public SavedImage SignedWithFiles(string name, string form)
    {
        SavedImage image = Image(name);
        Daemon.Load(image.Build());
        string archive = _folder.Write($"{name}.tar", image.Build());
        using Image opened = ImageSource.Open($"docker-archive:{archive}", new ImageOptions(), CancellationToken.None);
        MeasureResult measured = Measurer.Measure(opened, new MeasureOptions { Files = true }, CancellationToken.None);
        SideContent list = new(FileList.MediaType, measured.Files!.ToBytes());
        Statement statement = new MeasurementPredicate(measured.Measurement!, DateTimeOffset.UtcNow, "0.1.0", new MeasuredContent(list.MediaType, list.Digest, list.Bytes.Length), null)
            .ToStatement(new ImageDigests(null, null, image.Id));
        SubjectDescriptor subject = new(MediaTypes.DockerConfig, image.Id, image.Config.Length);
        using OpenedTarget target = ArtifactStores.OpenTarget($"{form}:{Path.Combine(State, "evidence", name)}", new ImageOptions(), CancellationToken.None);
        ImageSigner signer = new(target.Store, [Key], "", null, TimeProvider.System);
        signer.AddContents(subject, [list], CancellationToken.None);
        signer.Attest(subject, statement, new Evidence(), CancellationToken.None);
        return image;
    }

    /// <summary>Starts a container that runs until it is told to end, and answers its id.</summary>
    public string Serve(SavedImage image, params string[] more) => Docker(["run", "-d", .. Limits, .. more, image.Tag]).Expect(0).Out.Trim();

    /// <summary>The config of an image that serves: it ends at once when it is told to.</summary>
    public const string Serves = """{"Cmd":["/bin/sh","-c","trap 'exit 0' TERM; sleep 1000 & wait"],"Env":["PATH=/bin"]}""";

    public string Inspect(string container, string format) => Docker("inspect", "--format", format, container).Expect(0).Out.Trim();

    /// <summary>What <c>docker</c> answers.</summary>
    internal Outcome Docker(params string[] arguments)
    {
        Call call = new(null, ["-H", $"unix://{Daemon.Socket}", .. arguments]) { Program = "docker" };
        return call.Run();
    }

    /// <summary>The limits that the default policy asks for.</summary>
    public static string[] Limits { get; } = ["--network", "none", "--memory", "64m", "--cpus", "0.5", "--pids-limit", "64"];

    internal Outcome Start(SavedImage image, params string[] more) => Docker(["run", "--rm", .. Limits, .. more, image.Tag]);

    private string LayerDb(SavedImage image, int layer, string file) =>
        Path.Combine(Daemon.DataRoot, "image/overlay2/layerdb/sha256", ChainId.Of(image.DiffIds)[layer].Hex, file);

    /// <summary>A note of layerdb: <c>cache-id</c>, <c>tar-split.json.gz</c>.</summary>
    public string Note(SavedImage image, int layer, string file) => LayerDb(image, layer, file);

    public string CacheId(SavedImage image, int layer) => File.ReadAllText(LayerDb(image, layer, "cache-id")).Trim();

    public string Unpacked(SavedImage image, int layer, string path = "") => Path.Combine(Daemon.DataRoot, "overlay2", CacheId(image, layer), "diff", path).TrimEnd('/');

    /// <summary>A container's own folder, or with the suffix <c>-init</c> Docker's.</summary>
    public string Own(string container, string path, string suffix = "")
    {
        string id = Docker("inspect", "--format", "{{.Id}}", container).Expect(0).Out.Trim();
        return Path.Combine(Daemon.DataRoot, "overlay2", File.ReadAllText(Path.Combine(Daemon.DataRoot, "image/overlay2/layerdb/mounts", id, "mount-id")).Trim() + suffix, "diff", path);
    }

    private static void Folder(TarWriter tar, string path) => tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, path) { Mode = Program });

    private static void Text(TarWriter tar, string path, string content, UnixFileMode mode = (UnixFileMode)0b110_100_100) =>
        tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { Mode = mode, DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) });

    internal static void Await(Func<bool> condition, string what)
    {
        using ManualResetEventSlim pause = new();
        for (Stopwatch waited = Stopwatch.StartNew(); !condition(); pause.Wait(20))
            if (waited.Elapsed > Patience)
                throw new TimeoutException($"{what} did not come up in {Patience}");
    }

    /// <summary>Puts a file in one step, as the agent may read it at any moment.</summary>
    public static void Put(string path, byte[] content)
    {
        File.WriteAllBytes(path + ".new", content);
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>A number of the agent's, without labels.</summary>
    internal double Metric(string name) =>
        PrometheusText.Read(new Call(null, "--silent", "--fail", "--unix-socket", Path.Combine(Run, "metrics.sock"), "http://agent/metrics") { Program = "curl" }.Run().Expect(0).Out)[name];

    internal double LayersRead => Metric("plimsoll_layers_read");

    /// <summary>Waits for a line of the log.</summary>
    public JsonNode AwaitLine(string what, Func<JsonNode, bool> wanted)
    {
        JsonNode? found = null;
        using ManualResetEventSlim pause = new();
        for (Stopwatch waited = Stopwatch.StartNew(); (found = Log().FirstOrDefault(wanted)) is null; pause.Wait(100))
            if (waited.Elapsed > Patience)
                throw new TimeoutException($"{what} is not in the log after {Patience}:\n{string.Join('\n', Log().TakeLast(20).Select(l => l.ToJsonString()))}\n{AgentSaid}");
        return found;
    }

    public void Dispose()
    {
        Daemon.Dispose();
        if (Agent is not null)
        {
            SignalAgent("CONT");
            StopAgent();
        }
        StopFront();
        Key.Dispose();
        File.Delete($"{Plugins}/{_plugin}.sock");
        _folder.Dispose();
    }
}
