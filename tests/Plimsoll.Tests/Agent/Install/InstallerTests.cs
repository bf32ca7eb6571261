using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Plimsoll.Agent;
using Plimsoll.Agent.Gate;
using Plimsoll.Agent.Install;
using Plimsoll.EvidenceLog;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Agent.Install;

public sealed class InstallerTests : IDisposable
{
    private readonly TempFolder _temp = new();
    private readonly List<string> _said = [];
    private InstallOptions _options;

    public InstallerTests()
    {
        foreach (string name in (string[])["plimsoll-agent", "plimsoll-launcher", "plimsoll-front"])
            _temp.Write($"from/{name}", Encoding.UTF8.GetBytes($"program {name}"));
        _options = new InstallOptions { InstallRoot = _temp["root"], From = _temp["from"] };
        Put("/usr/sbin/runc", "runc");
    }

    public void Dispose() => _temp.Dispose();

    private string At(string path) => _temp["root"] + path;

    private void Put(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllText(At(path), content);
    }

    private void Install() => new Installer(_options, "0.1.0", _said.Add).Install();

    private void Uninstall() => new Installer(_options, "0.1.0", _said.Add).Uninstall();

    /// <summary>Every file and folder below the root but the agent's state, with content and mode.</summary>
    private Dictionary<string, string> Tree() => Directory.EnumerateFileSystemEntries(At("/"), "*", SearchOption.AllDirectories)
        .Where(p => !p.StartsWith(At("/var"), StringComparison.Ordinal))
        .ToDictionary(p => p, p => $"{Convert.ToString((int)File.GetUnixFileMode(p), 8)} {(File.Exists(p) ? File.ReadAllText(p) : "")}", StringComparer.Ordinal);

    private JsonElement Json()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(At("/etc/docker/daemon.json")));
        return document.RootElement.Clone();
    }

    public static TheoryData<string?> Shapes =>
    [
        (string?)null, "", "{}", "{}\n", " {\n\t\"debug\" :true }  \n", "{\"log-opts\":{\"max-size\":\"10m\",\"é\\u00e9\":\"<&>\"},\"mtu\":1.50e3}",
        "{\"runtimes\":{\"nvidia\":{\"path\":\"/usr/bin/nvidia-container-runtime\",\"runtimeArgs\":[\"-a\"]}},\"default-runtime\":\"runc\"}",
        "{\"runtimes\":{},\"authorization-plugins\":[],\"default-runtime\":\"io.containerd.runc.v2\"}", "{\r\n  \"authorization-plugins\": [ \"other\" ]\r\n}",
    ];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Uninstall_AfterInstall_RestoresEveryByte(string? daemonJson)
    {
        if (daemonJson is not null)
            Put("/etc/docker/daemon.json", daemonJson);
        Dictionary<string, string> before = Tree();

        Install();
        JsonElement json = Json();
        Assert.Equal("plimsoll", json.GetProperty("default-runtime").GetString());
        Assert.Equal("/usr/lib/plimsoll/plimsoll", json.GetProperty("runtimes").GetProperty("plimsoll").GetProperty("path").GetString());
        Assert.Equal("plimsoll", json.GetProperty("authorization-plugins").EnumerateArray().Last().GetString());
        Uninstall();

        Assert.Equal(before, Tree());
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Uninstall_DaemonJsonEditedSince_TakesOutOursAndKeepsTheRest(string? daemonJson)
    {
        if (daemonJson is not null)
            Put("/etc/docker/daemon.json", daemonJson);
        Install();
        string now = File.ReadAllText(At("/etc/docker/daemon.json"));
        File.WriteAllText(At("/etc/docker/daemon.json"), "{\"added\":1," + now.TrimStart()[1..]);
        Uninstall();

        JsonElement json = Json();
        Assert.Equal(1, json.GetProperty("added").GetInt32());
        Assert.DoesNotContain("plimsoll", json.ToString(), StringComparison.Ordinal);
        using JsonDocument former = JsonDocument.Parse(string.IsNullOrWhiteSpace(daemonJson) ? "{}" : daemonJson);
        Assert.Equal(former.RootElement.EnumerateObject().Select(m => m.Name).Order(StringComparer.Ordinal), json.EnumerateObject().Select(m => m.Name).Where(n => n != "added").Order(StringComparer.Ordinal));
        foreach (JsonProperty member in former.RootElement.EnumerateObject())
            Assert.True(JsonElement.DeepEquals(member.Value, json.GetProperty(member.Name)), member.Name);
        Assert.Contains(_said, s => s.Contains("was edited since", StringComparison.Ordinal));
    }

    [Fact]
    public void Install_OtherMembers_KeepTheirMeaning()
    {
        const string Before = "{\"mtu\":1.50e3,\"labels\":[\"a=b\"],\"runtimes\":{\"x\":{\"path\":\"/x\"}},\"authorization-plugins\":[\"other\"]}";
        Put("/etc/docker/daemon.json", Before);
        Install();

        JsonElement json = Json();
        Assert.Equal("1.50e3", json.GetProperty("mtu").GetRawText());
        Assert.Equal("/x", json.GetProperty("runtimes").GetProperty("x").GetProperty("path").GetString());
        Assert.Equal(["other", "plimsoll"], json.GetProperty("authorization-plugins").EnumerateArray().Select(p => p.GetString()));
        Assert.Equal(["mtu", "labels", "runtimes", "authorization-plugins", "default-runtime"], json.EnumerateObject().Select(m => m.Name));
    }

    [Theory]
    [InlineData("not json", "daemon-json")]
    [InlineData("[]", "daemon-json")]
    [InlineData("{\"debug\":true,\"debug\":false}", "daemon-json")]
    [InlineData("{\"debug\":true,}", "daemon-json")]
    [InlineData("{\"runtimes\":[]}", "daemon-json")]
    [InlineData("{\"Default-Runtime\":\"x\"}", "daemon-json")]
    [InlineData("{\"authorization-plugins\":\"x\"}", "daemon-json")]
    [InlineData("{\"default-runtime\":\"nvidia\"}", "default-runtime")]
    [InlineData("{\"runtimes\":{\"plimsoll\":{\"path\":\"/elsewhere\"}}}", "runtime-taken")]
    [InlineData("{\"runtimes\":{\"plimsoll\":{\"path\":\"/usr/lib/plimsoll/plimsoll\",\"runtimeArgs\":[\"--debug\"]}}}", "runtime-taken")]
    public void Install_DaemonJsonThatIsInTheWay_ChangesNothingAndSaysWhy(string daemonJson, string code)
    {
        Put("/etc/docker/daemon.json", daemonJson);
        Dictionary<string, string> before = Tree();

        InstallException e = Assert.Throws<InstallException>(Install);

        Assert.Equal((code, true), (e.Code, e.Hint is not null));
        Assert.Equal(before, Tree());
    }

    [Fact]
    public void Install_AnotherDefaultRuntime_IsReplacedWhenAskedAndComesBack()
    {
        Put("/etc/docker/daemon.json", "{\"default-runtime\":\"nvidia\"}");
        _options = _options with { ReplaceDefault = true };
        Install();
        Assert.Contains(_said, s => s.StartsWith("note: default-runtime was \"nvidia\"", StringComparison.Ordinal));
        Assert.Equal("plimsoll", Json().GetProperty("default-runtime").GetString());
        Uninstall();
        Assert.Equal("{\"default-runtime\":\"nvidia\"}", File.ReadAllText(At("/etc/docker/daemon.json")));
    }

    [Theory]
    [InlineData("/lib/systemd/system/docker.service", "[Service]\nExecStart=/usr/bin/dockerd -H fd:// --default-runtime=runc\n", true)]
    [InlineData("/etc/systemd/system/docker.service.d/x.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd --authorization-plugin other\n", true)]
    [InlineData("/etc/default/docker", "DOCKER_OPTS=\"--add-runtime x=/y\"\n", true)]
    [InlineData("/etc/default/docker", "# DOCKER_OPTS=\"--add-runtime x=/y\"\n", false)]
    [InlineData("/lib/systemd/system/docker.service", "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n", false)]
    public void Install_SettingOnTheCommandLine_IsAConflict(string path, string content, bool conflict)
    {
        Put(path, content);
        if (conflict)
            Assert.Equal("docker-command-line", Assert.Throws<InstallException>(Install).Code);
        else
            Install();
        Assert.Equal(!conflict, File.Exists(At("/etc/docker/daemon.json")));
    }

    [Fact]
    public void Install_HostsInTheFileAndOnTheCommandLine_AreTold()
    {
        Put("/etc/docker/daemon.json", "{\"hosts\":[\"fd://\"]}");
        Put("/lib/systemd/system/docker.service", "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n");
        Install();
        Assert.Contains(_said, s => s.Contains("dockerd does not start so", StringComparison.Ordinal));
    }

    [Fact]
    public void Install_Files_HaveTightModesAndTheFormsThatAreRead()
    {
        Put("/usr/bin/runsc", "runsc");
        Install();

        Assert.Equal("runtime /usr/sbin/runc\nsocket /run/plimsoll/gate.sock\n", File.ReadAllText(At("/usr/lib/plimsoll/plimsoll.conf")));
        Assert.Equal("runtime /usr/bin/runsc\nsocket /run/plimsoll/gate.sock\nargument --platform=ptrace\nargument --ignore-cgroups\n", File.ReadAllText(At("/usr/lib/plimsoll/plimsoll-runsc.conf")));
        Assert.Equal("program plimsoll-launcher", File.ReadAllText(At("/usr/lib/plimsoll/plimsoll-runsc")));
        Assert.Equal("755", Mode("/usr/lib/plimsoll/plimsoll"));
        Assert.Equal("644", Mode("/usr/lib/plimsoll/plimsoll.conf"));
        Assert.Equal("700", Mode("/var/lib/plimsoll"));
        Assert.Equal("600", Mode("/var/lib/plimsoll/install/install.json"));
        string front = File.ReadAllText(At("/etc/systemd/system/plimsoll-front.service")), agent = File.ReadAllText(At("/etc/systemd/system/plimsoll-agent.service"));
        Assert.Contains("--listen /run/docker/plugins/plimsoll.sock --agent /run/plimsoll/plugin.sock\n", front, StringComparison.Ordinal);
        Assert.Contains("Before=docker.service", front, StringComparison.Ordinal);
        Assert.Contains("ExecStart=/usr/lib/plimsoll/plimsoll-agent run --state /var/lib/plimsoll --run /run/plimsoll ", agent, StringComparison.Ordinal);
        Assert.Contains("RuntimeDirectory=plimsoll\n", agent, StringComparison.Ordinal);
        Assert.All((front + agent).Split('\n'), l => Assert.Matches("^($|#.*|\\[[A-Z][a-z]+\\]|[A-Z][A-Za-z]+=.*)$", l));
        Assert.Equal("/usr/lib/plimsoll/plimsoll-runsc", Json().GetProperty("runtimes").GetProperty("plimsoll-runsc").GetProperty("path").GetString());
        Assert.StartsWith("-----BEGIN PUBLIC KEY-----", File.ReadAllText(At("/var/lib/plimsoll/log.pub")), StringComparison.Ordinal);
        Assert.Contains(EvidenceLogReader.Read(At("/var/lib/plimsoll/log"), CancellationToken.None), l => l.Kind == "installed");

        string Mode(string path) => Convert.ToString((int)File.GetUnixFileMode(At(path)), 8);
    }

    [Fact]
    public void Install_ArgumentsForRunscAndTheAgent_StandInTheirFiles()
    {
        Put("/usr/bin/runsc", "runsc");
        InstallOptions more = InstallOptions.Parse(["--dry-run", "--", "--tpm", "device:/dev/tpmrm0", "--measure-every", "0"]);
        Assert.Contains(" --docker /run/docker.sock --tpm device:/dev/tpmrm0 --measure-every 0\n", UnitFiles.AgentUnit(more), StringComparison.Ordinal);
        InstallOptions asked = InstallOptions.Parse(["--runsc-argument", "--network=none", "--runsc-argument", "-debug", "--trust-until-write"]);
        _options = asked with { InstallRoot = _options.InstallRoot, From = _options.From };
        Install();

        Assert.EndsWith("argument --platform=ptrace\nargument --ignore-cgroups\nargument --network=none\nargument -debug\n", File.ReadAllText(At("/usr/lib/plimsoll/plimsoll-runsc.conf")), StringComparison.Ordinal);
        Assert.Contains("--docker /run/docker.sock --trust-until-write\n", File.ReadAllText(At("/etc/systemd/system/plimsoll-agent.service")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("network=none")]
    [InlineData("--network=none --host-uds=all")]
    [InlineData("--network=\nsocket /tmp/x")]
    [InlineData("-")]
    public void Parse_ArgumentForRunscThatIsNoOption_IsRefused(string argument) =>
        Assert.Throws<OptionException>(() => InstallOptions.Parse(["--runsc-argument", argument]));

    [Fact]
    public void Install_Record_HoldsTheRuntimeAndWhatDockerIsStartedWith()
    {
        Put("/lib/systemd/system/docker.service", "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n");
        Put("/etc/systemd/system/docker.service.d/10-proxy.conf", "[Service]\n");
        _options = _options with { Metrics = "127.0.0.1:9464", Plugin = "gate" };
        Install();

        InstallRecord record = InstallRecord.Read(_options)!;
        Assert.Equal(("/etc/docker/daemon.json", "/etc/systemd/system", "gate"), (record.DaemonJson, record.Units, record.Plugin));
        Assert.Equal([("/usr/sbin/runc", InstallRecord.DigestOf("runc"u8))], record.Engines);
        Assert.Equal(["/etc/systemd/system/docker.service.d/10-proxy.conf", "/lib/systemd/system/docker.service"], record.DockerUnits!.Select(u => u.Path));
        Assert.Equal("gate", Assert.Single(Json().GetProperty("authorization-plugins").EnumerateArray()).GetString());
        Assert.Contains(" --metrics 127.0.0.1:9464\n", File.ReadAllText(At("/etc/systemd/system/plimsoll-agent.service")), StringComparison.Ordinal);
        Assert.Contains("--listen /run/docker/plugins/gate.sock ", File.ReadAllText(At("/etc/systemd/system/plimsoll-front.service")), StringComparison.Ordinal);
        Install();
        Assert.Equal(record.DockerUnits, InstallRecord.Read(_options)!.DockerUnits);
        Uninstall();
    }

    [Theory]
    [InlineData("--nope", "1")]
    [InlineData("--measure-every", "often")]
    [InlineData("--measure-every")]
    [InlineData("--state", "/elsewhere")]
    [InlineData("--runtime", "runc")]
    [InlineData("--trust-until-write")]
    [InlineData("--tpm", "device:/dev/tpm rm0")]
    [InlineData("--tpm", "device:%h")]
    [InlineData("--tpm", "a\nExecStartPre=/evil")]
    public void Parse_RunOptionsThatTheUnitCannotHave_AreRefused(params string[] options) => Assert.ThrowsAny<FormatException>(() => InstallOptions.Parse(["--", .. options]));

    private HostCheck Check(List<string> recorded) => new(_options, _ => { }) { Recorded = (_, now) => recorded.Add(now) };

    [Fact]
    public void Install_Record_IsNotedUntilUninstallWhichIsALine()
    {
        List<string> recorded = [];
        Install();
        HostCheck running = Check(recorded);
        Assert.Null(running.Find());
        Assert.Empty(recorded);
        // Another installation is a line and nothing more.
        _options = _options with { Time = new LaterTime(1) };
        Install();
        Assert.Null(running.Find());
        Assert.Single(recorded);

        Uninstall();
        Assert.Contains("install.json", running.Find(), StringComparison.Ordinal);
        Assert.Null(Check(recorded).Find());
        Assert.Equal("uninstalled", EvidenceLogReader.Read(At("/var/lib/plimsoll/log"), CancellationToken.None).Last(l => l.Kind != "checkpoint").Kind);
        _options = _options with { Time = new LaterTime(2) };
        Install();
        Assert.Null(running.Find());
        Assert.Equal(2, recorded.Count);
    }

    private sealed class LaterTime(int minutes) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddMinutes(minutes);
    }

    [Fact]
    public void Uninstall_RecordLost_ForgetsThatSomethingWasInstalled()
    {
        Install();
        File.Delete(At("/var/lib/plimsoll/install/install.json"));
        Assert.NotNull(Check([]).Find());
        Assert.Equal(1, new InstallStatus(_options, _said.Add).Run(TestContext.Current.CancellationToken));
        Uninstall();
        Assert.Contains("nothing is installed", _said);
        Assert.Equal(3, new InstallStatus(_options, _said.Add).Run(TestContext.Current.CancellationToken));
        Assert.Null(Check([]).Find());
    }

    [Fact]
    public void Install_Again_ChangesNothingThatIsThereAndKeepsTheFirstBackup()
    {
        Put("/etc/docker/daemon.json", "{ \"debug\":true }");
        Dictionary<string, string> before = Tree();
        Install();
        Dictionary<string, string> once = Tree();
        Install();
        Assert.Equal(once, Tree());
        Uninstall();
        Assert.Equal(before, Tree());
        Uninstall();
        Assert.Contains("nothing is installed", _said);
    }

    [Fact]
    public void Install_DryRun_SaysWhatItWouldDoAndDoesNothing()
    {
        Put("/etc/docker/daemon.json", "{}");
        Dictionary<string, string> before = Tree();
        _options = _options with { DryRun = true };
        Install();
        Assert.Equal(before, Tree());
        Assert.False(Directory.Exists(At("/var")));
        Assert.Contains("would write /usr/lib/plimsoll/plimsoll (mode 0755)", _said);
        Assert.Contains(_said, s => s.Contains("\"default-runtime\": \"plimsoll\"", StringComparison.Ordinal));
    }

    [Fact]
    public void Install_RuntimeOrProgramThatIsNotThere_ChangesNothing()
    {
        File.Delete(At("/usr/sbin/runc"));
        Assert.Equal("no-runtime", Assert.Throws<InstallException>(Install).Code);
        Put("/usr/sbin/runc", "runc");
        File.Delete(_temp["from/plimsoll-front"]);
        Assert.Equal("no-program", Assert.Throws<InstallException>(Install).Code);
        Assert.False(Directory.Exists(At("/usr/lib")));
    }

    private sealed class DiedException : Exception;

    /// <summary>The process dies before each change: the next run finds what was there and puts it back. A disk that refuses does so at once.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Install_EndsInTheMiddle_LeavesTheFormerState(bool refused)
    {
        Put("/etc/docker/daemon.json", " {\"debug\":true}");
        Dictionary<string, string> before = Tree();
        int steps = Steps(Install);
        Assert.NotEqual(before, Tree());
        Uninstall();
        Assert.True(steps > 8);
        for (int at = 0; at < steps; at++)
        {
            _options = _options with { Step = DieAt(at) };
            if (refused)
                Assert.Equal("not-written", Assert.Throws<InstallException>(Install).Code);
            else
            {
                Assert.Throws<DiedException>(Install);
                Assert.True(at == 0 || Tree().Count > before.Count);
                _options = _options with { Step = null };
                // Whatever comes next takes it back first: here one that then finds nothing installed.
                Uninstall();
                Assert.Contains("an interrupted run was taken back", _said);
            }
            Assert.Equal(before, Tree());
        }

        Action<int> DieAt(int at) => i =>
        {
            if (i == at)
                throw refused ? new IOException("No space left on device") : new DiedException();
        };
    }

    [Fact]
    public void Uninstall_EndsInTheMiddle_LeavesTheGateInPlace()
    {
        Put("/etc/docker/daemon.json", "{}");
        Install();
        Dictionary<string, string> installed = Tree();
        int steps = 0;
        _options = _options with { Step = i => steps = i + 1 };
        Uninstall();
        for (int at = 0; at < steps; at++)
        {
            _options = _options with { Step = null };
            Install();
            _options = _options with { Step = i => { if (i == at) throw new DiedException(); } };
            Assert.Throws<DiedException>(Uninstall);
            _options = _options with { Step = null };
            Install();
            Assert.Equal(installed, Tree());
            Uninstall();
        }
        Assert.Equal("{}", File.ReadAllText(At("/etc/docker/daemon.json")));
    }

    [Fact]
    public void Uninstall_DaemonJsonBrokenSince_IsRefusedAndNothingGoes()
    {
        Install();
        File.WriteAllText(At("/etc/docker/daemon.json"), "{broken");
        Dictionary<string, string> before = Tree();
        Assert.Equal("daemon-json", Assert.Throws<InstallException>(Uninstall).Code);
        Assert.Equal(before, Tree());
    }

    [Fact]
    public void Install_DaemonJsonThatIsALink_StaysOne()
    {
        Put("/etc/real.json", "{}");
        Directory.CreateDirectory(At("/etc/docker"));
        File.CreateSymbolicLink(At("/etc/docker/daemon.json"), At("/etc/real.json"));
        Install();
        Assert.Equal(At("/etc/real.json"), new FileInfo(At("/etc/docker/daemon.json")).LinkTarget);
        Assert.Contains("plimsoll", File.ReadAllText(At("/etc/real.json")), StringComparison.Ordinal);
        Uninstall();
        Assert.Equal("{}", File.ReadAllText(At("/etc/real.json")));
    }

    private int Steps(Action run)
    {
        int steps = 0;
        _options = _options with { Step = i => steps = i + 1 };
        run();
        _options = _options with { Step = null };
        return steps;
    }

    [Fact]
    public void Status_NothingInstalled_Exits3() => Assert.Equal(3, new InstallStatus(_options, _said.Add).Run(TestContext.Current.CancellationToken));

    [Fact]
    public void Status_NothingRuns_NamesEachPart()
    {
        Install();
        _said.Clear();
        File.WriteAllText(At("/usr/lib/plimsoll/plimsoll.conf"), "changed");
        File.Delete(At("/usr/lib/plimsoll/plimsoll-front"));

        Assert.Equal(1, new InstallStatus(_options, _said.Add).Run(TestContext.Current.CancellationToken));

        string all = string.Join('\n', _said);
        foreach (string wanted in (string[])["installed   version 0.1.0", "/usr/lib/plimsoll/plimsoll.conf is not what was installed", "/usr/lib/plimsoll/plimsoll-front is gone", "daemon.json names the plugin", "dockerd     ✗", "front       ✗", "agent       ✗",
            "policy      ✗ /var/lib/plimsoll/policy.json is not there", "log         line "])
            Assert.Contains(wanted, all, StringComparison.Ordinal);
    }

    [Fact]
    public void Status_InChinese_StandsInColumns()
    {
        Install();
        File.Delete(At("/usr/lib/plimsoll/plimsoll-front"));
        _said.Clear();

        Assert.Equal(1, new InstallStatus(_options with { Language = Language.Chinese }, _said.Add).Run(TestContext.Current.CancellationToken));

        Assert.All(_said, l => Assert.Equal(12, DisplayWidth.Of(l.AsSpan(0, l.Length - l[l.IndexOf(' ', StringComparison.Ordinal)..].TrimStart(' ').Length))));
        string all = string.Join('\n', _said);
        foreach (string wanted in (string[])["安装        版本 0.1.0，", "文件        ✗ /usr/lib/plimsoll/plimsoll-front 已不存在", "daemon.json 已指定插件、启动器和默认运行时", "dockerd     ✗ /run/docker.sock 不存在", "策略        ✗ /var/lib/plimsoll/policy.json 不存在：不允许任何启动", "日志        第 "])
            Assert.Contains(wanted, all, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_InChinese_SaysWhatIsDoneAndWhatIsInTheWay()
    {
        StringWriter output = new(), error = new();
        Assert.Equal(1, Run("install", "--root", At(""), "--from", _temp["nowhere"]));
        Assert.Equal($"plimsoll-agent: error: no-program: {_temp["nowhere"]} 中没有 plimsoll-launcher\nplimsoll-agent: hint: 用 --from 指定存放 plimsoll-agent、plimsoll-launcher 和 plimsoll-front 的文件夹\n", error.ToString());
        error.GetStringBuilder().Clear();
        Assert.Equal(2, Run("install", "--surprise"));
        Assert.Equal("plimsoll-agent: error: 未知选项 \"--surprise\"\nplimsoll-agent: hint: 用 plimsoll-agent --help 查看用法\n", error.ToString());
        Put("/etc/docker/daemon.json", "[]");
        Assert.Equal(1, Run("install", "--root", At(""), "--from", _temp["from"]));
        Assert.Contains("daemon-json: /etc/docker/daemon.json 不是 JSON 对象", error.ToString(), StringComparison.Ordinal);
        Put("/etc/docker/daemon.json", "{\"authorization-plugins\":[\"other\"]}");
        Assert.Equal(0, Run("install", "--root", At(""), "--from", _temp["from"]));
        Assert.Equal(0, Run("uninstall", "--root", At("")));
        Assert.Equal(3, Run("status", "--root", At("")));
        // Everything that is told in Chinese has a character of it: nothing was forgotten.
        Assert.All(output.ToString().TrimEnd('\n').Split('\n'), l => Assert.True(l.Any(c => c is >= '\u4e00' and <= '\u9fff'), l));
        Assert.Contains("注意：authorization-plugins：plimsoll 位于最后", output.ToString(), StringComparison.Ordinal);

        int Run(string verb, params string[] arguments) => InstallCommand.Run(verb, arguments, "0.1.0", Language.Chinese, output, error, TestContext.Current.CancellationToken);
    }

    /// <summary>A daemon and a front of a few lines, which answer as the real ones do.</summary>
    [Theory]
    [InlineData("plimsoll", "[\"plimsoll\"]", "/usr/lib/plimsoll/plimsoll", "dockerd     runs with")]
    [InlineData("runc", "[\"plimsoll\"]", "/usr/lib/plimsoll/plimsoll", "its default runtime is \"runc\"")]
    [InlineData("plimsoll", "null", "/usr/lib/plimsoll/plimsoll", "it asks no authorization plugin")]
    [InlineData("plimsoll", "[\"plimsoll\"]", "/tmp/evil", "does not know the launchers")]
    public async Task Status_DaemonThatAnswers_IsComparedWithWhatWasInstalled(string runtime, string plugins, string path, string wanted)
    {
        Install();
        _said.Clear();
        string info = $$$"""{"DefaultRuntime":"{{{runtime}}}","Runtimes":{"plimsoll":{"path":"{{{path}}}"}},"Plugins":{"Authorization":{{{plugins}}} }}""";
        using Socket docker = Serve("/run/docker.sock", $"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{info}"), front = Serve("/run/docker/plugins/plimsoll.sock", "HTTP/1.1 200 OK\r\n\r\n{\"Implements\":[\"authz\"]}");

        await Task.Run(() => new InstallStatus(_options, _said.Add).Run(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);

        Assert.Contains(wanted, string.Join('\n', _said), StringComparison.Ordinal);
        Assert.Contains("front       answers", _said);
    }

    private Socket Serve(string path, string answer)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(At(path)));
        listener.Listen();
        _ = Task.Run(async () =>
        {
            using Socket one = await listener.AcceptAsync();
            await one.ReceiveAsync(new byte[4096]);
            await one.SendAsync(Encoding.UTF8.GetBytes(answer));
        });
        return listener;
    }

    [Theory]
    [InlineData("--root")]
    [InlineData("--root", "relative")]
    [InlineData("--lib", "/a b")]
    [InlineData("--lib", "/a\nExecStart=/evil")]
    [InlineData("--units", "/%h")]
    [InlineData("--surprise")]
    public void Parse_WhatIsNoOption_IsRefused(params string[] arguments) => Assert.Throws<OptionException>(() => InstallOptions.Parse(arguments));

    [Fact]
    public void Run_EachOutcome_HasItsExitCode()
    {
        StringWriter output = new(), error = new();
        Assert.Equal(3, Run("status", "--root", At("")));
        Assert.Equal(2, Run("install", "--surprise"));
        foreach (string verb in (string[])["status", "doctor", "uninstall"])
        {
            Assert.Equal(2, Run(verb, "--root", At(""), "--", "--measure-every", "5"));
            Assert.Contains($"{verb} takes no options of run behind --", error.ToString(), StringComparison.Ordinal);
        }
        Assert.Equal(1, Run("install", "--root", At(""), "--from", _temp["nowhere"]));
        Assert.Contains("plimsoll-agent: error: no-program: ", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, Run("install", "--root", At(""), "--from", _temp["from"]));
        Assert.Equal(1, Run("status", "--root", At("")));
        Assert.Equal(0, Run("uninstall", "--root", At("")));
        Assert.Equal(3, Run("status", "--root", At("")));

        int Run(string verb, params string[] arguments) => InstallCommand.Run(verb, arguments, "0.1.0", Language.English, output, error, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Parse_Options_AreTaken()
    {
        InstallOptions options = InstallOptions.Parse(["--root", "/r", "--lib", "/opt/p/", "--dry-run", "--replace-default", "--runc", "/x/runc"]);
        Assert.Equal(("/r", "/opt/p", true, true, "/x/runc"), (options.InstallRoot, options.Library, options.DryRun, options.ReplaceDefault, options.Runc));
    }
}
