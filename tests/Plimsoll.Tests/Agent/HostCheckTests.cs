using Plimsoll.Agent;
using Plimsoll.Agent.Gate;
using Plimsoll.Agent.Install;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Agent;

public sealed class HostCheckTests : IDisposable
{
    private const string Launcher = "/usr/lib/plimsoll/plimsoll", Gated = """{"default-runtime":"plimsoll","runtimes":{"plimsoll":{"path":"/usr/lib/plimsoll/plimsoll"}},"authorization-plugins":["plimsoll"]}""";

    private readonly TempFolder _folder = new();
    private readonly List<string?> _told = [];

    public void Dispose() => _folder.Dispose();

    private InstallOptions Options => new() { Paths = AgentPaths.Default with { State = "/state" }, InstallRoot = _folder.Path };

    private HostCheck Installed()
    {
        Write(Launcher, "launcher");
        Write(Options.DaemonJson, Gated);
        InstallRecord record = new(DateTimeOffset.UnixEpoch, "0.1.0", false, "", [(Launcher, InstallRecord.DigestOf("launcher"u8))], [], [("plimsoll", Launcher)]);
        _folder.Write("state/install/install.json", record.ToJson());
        return new HostCheck(Options, _told.Add);
    }

    private const string Runc = "/usr/sbin/runc", Unit = "/lib/systemd/system/docker.service", DropIn = "/etc/systemd/system/docker.service.d/10-other.conf";

    /// <summary>With the runtime behind the gate and the daemon's units written down.</summary>
    private HostCheck InstalledWhole()
    {
        Write(Launcher, "launcher");
        Write(Options.DaemonJson, Gated);
        Write(Runc, "runc");
        Write(Unit, "[Service]\n");
        InstallRecord record = new(DateTimeOffset.UnixEpoch, "0.1.0", false, "", [(Launcher, InstallRecord.DigestOf("launcher"u8))], [], [("plimsoll", Launcher)])
        {
            DaemonJson = Options.DaemonJson,
            Units = Options.Units,
            Engines = [(Runc, InstallRecord.DigestOf("runc"u8))],
            DockerUnits = [(Unit, InstallRecord.DigestOf("[Service]\n"u8))],
        };
        _folder.Write("state/install/install.json", record.ToJson());
        return new HostCheck(Options, _told.Add);
    }

    private static DaemonInfo Info(string runtime) => new(runtime, new Dictionary<string, string> { ["plimsoll"] = Launcher }, ["plimsoll"]) { AsksUs = true };

    [Fact]
    public void Find_RuntimeBehindTheGateReplaced_IsSaid()
    {
        HostCheck check = InstalledWhole();
        Assert.Null(check.Find());
        Write(Runc, "another");
        Assert.Contains(Runc, check.Find(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DropIn, "[Service]\nExecStart=\n", "was added")]
    [InlineData("/etc/systemd/system/containerd.service", "[Service]\n", "was added")]
    [InlineData("/etc/systemd/system/service.d/all.conf", "[Service]\n", "was added")]
    [InlineData("/run/systemd/system/docker.socket.d/x.conf", "[Socket]\n", "was added")]
    [InlineData("/etc/systemd/system/plimsoll-.service.d/x.conf", "[Service]\n", "was added")]
    [InlineData("/usr/local/lib/systemd/system/socket.d/x.conf", "[Socket]\n", "was added")]
    [InlineData("/run/systemd/generator/docker.service", "[Service]\n", "was added")]
    [InlineData("/run/systemd/generator.early/docker.service.d/x.conf", "[Service]\n", "was added")]
    [InlineData("/run/systemd/generator.late/containerd.service", "[Service]\n", "was added")]
    [InlineData("/etc/systemd/system.attached/docker.socket", "[Socket]\n", "was added")]
    [InlineData("/etc/default/docker", "DOCKER_OPTS=\n", "was added")]
    [InlineData(Unit, "[Service]\nExecStart=/evil\n", "is not what docker or the gate was started with")]
    [InlineData(Unit, null, "is gone")]
    public void LookAround_UnitAddedChangedOrTakenAway_IsSaidUntilItIsRightAgain(string path, string? content, string wanted)
    {
        HostCheck check = InstalledWhole();
        check.LookAround(null);
        Assert.Null(check.Find());

        string host = _folder[path[1..]];
        byte[]? before = File.Exists(host) ? File.ReadAllBytes(host) : null;
        if (content is null)
            File.Delete(host);
        else
            Write(path, content);
        check.LookAround(null);
        Assert.Contains(path, check.Find(), StringComparison.Ordinal);
        Assert.Contains(wanted, check.Find(), StringComparison.Ordinal);

        if (before is null)
            File.Delete(host);
        else
            File.WriteAllBytes(host, before);
        check.LookAround(null);
        Assert.Null(check.Find());
    }

    private void Link(string path, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[path[1..]])!);
        File.CreateSymbolicLink(_folder[path[1..]], target);
    }

    /// <summary>What a unit is called by links beside it has drop-ins as its own name has.</summary>
    [Fact]
    public void Watched_Aliases_CountWithTheirDropIns()
    {
        InstalledWhole();
        Link("/etc/systemd/system/moby.service", "../../../lib/systemd/system/docker.service");
        Link("/run/systemd/system/the-moby.service", "../../../etc/systemd/system/moby.service");
        Write("/etc/systemd/system/moby.service.d/x.conf", "[Service]\n");
        Write("/etc/systemd/system/the-.service.d/x.conf", "[Service]\n");
        // The watched name may be the link, and lead nowhere.
        Link("/etc/systemd/system/containerd.service", "../../../opt/ctrd.service");
        Write("/opt/ctrd.service", "[Service]\n");
        Write("/etc/systemd/system/ctrd.service.d/x.conf", "[Service]\n");
        Link("/etc/systemd/system/docker.socket", "/dev/null");
        // What is none of the gate's.
        Link("/etc/systemd/system/multi-user.target.wants/docker.service", "../docker.service");
        Link("/etc/systemd/system/web.service", "../../../lib/systemd/system/nginx.service");
        Write("/etc/systemd/system/web.service.d/x.conf", "[Service]\n");
        Write("/etc/systemd/system/plimsoll.service.d/x.conf", "[Service]\n");

        Assert.Equal(
        [
            "/etc/systemd/system/containerd.service", "/etc/systemd/system/ctrd.service.d/x.conf", "/etc/systemd/system/docker.socket", "/etc/systemd/system/moby.service",
            "/etc/systemd/system/moby.service.d/x.conf", "/etc/systemd/system/the-.service.d/x.conf", Unit, "/run/systemd/system/the-moby.service",
        ], DockerUnit.Watched(Options));
    }

    [Fact]
    public void Watched_FilesOfTheEnvironment_AreThoseThatUnitsAndDropInsName()
    {
        Write(Unit, "[Service]\nEnvironmentFile=-/etc/docker/env\nEnvironmentFile = \\\n  \"/etc/docker/more\"\n#EnvironmentFile=/etc/docker/not\nEnvironmentFile=/etc/docker/gone\nEnvironment=EnvironmentFile=/etc/docker/not\n");
        Write(DropIn, "[Service]\nEnvironmentFile=/etc/docker/env.d/*.env\nEnvironmentFile=/etc/docker/set.d/[0-9]\n");
        string[] wanted = ["/etc/docker/env", "/etc/docker/env.d/a.env", "/etc/docker/more", "/etc/docker/set.d/7"];
        foreach (string path in (string[])[.. wanted, "/etc/docker/not", "/etc/docker/env.d/a.txt"])
            Write(path, "A=b\n");
        Assert.Equal([.. wanted, DropIn, Unit], DockerUnit.Watched(Options));
    }

    [Fact]
    public void LookAround_UnitOfAnotherService_IsNoBusinessOfTheGate()
    {
        HostCheck check = InstalledWhole();
        Write("/etc/systemd/system/nginx.service", "[Service]\n");
        check.LookAround(null);
        Assert.Null(check.Find());
    }

    [Fact]
    public void LookAround_DaemonThatSaysOtherwise_IsSaidUntilItIsRightOrNotKnown()
    {
        HostCheck check = InstalledWhole();
        Assert.False(check.LookAround(Info("plimsoll")));
        Assert.Null(check.Find());
        Assert.True(check.LookAround(Info("runc")));
        Assert.Contains("default runtime is \"runc\"", check.Find(), StringComparison.Ordinal);
        Assert.False(check.LookAround(Info("plimsoll")));
        Assert.Null(check.Find());
        Assert.True(check.LookAround(Info("plimsoll") with { AsksUs = false }));
        Assert.Contains("authorization plugin", check.Find(), StringComparison.Ordinal);
        Assert.False(check.LookAround(null));
        Assert.Null(check.Find());
        Assert.Equal([false, true, false, true], _told.Select(t => t is null));
    }

    private void Write(string path, string content) => _folder.Write(path[1..], System.Text.Encoding.UTF8.GetBytes(content));

    [Fact]
    public void Find_NothingInstalled_IsNotChecked() => Assert.Null(new HostCheck(Options, _told.Add).Find());

    [Fact]
    public void Find_LauncherReplacedAndBack_IsToldOnceEach()
    {
        HostCheck check = Installed();
        Assert.Null(check.Find());

        Write(Launcher, "launched");
        Assert.Contains(Launcher, check.Find(), StringComparison.Ordinal);
        Assert.Contains(Launcher, check.Find(), StringComparison.Ordinal);
        Write(Launcher, "launcher");
        Assert.Null(check.Find());

        Assert.Equal(2, _told.Count);
        Assert.Null(_told[1]);
    }

    [Fact]
    public void Find_LauncherRemoved_IsSaid()
    {
        HostCheck check = Installed();
        Assert.Null(check.Find());
        File.Delete(_folder[Launcher[1..]]);
        Assert.Contains(Launcher, check.Find(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"plimsoll\":{", "\"plimsol\":{")]
    [InlineData("\"default-runtime\":\"plimsoll\"", "\"default-runtime\":\"runc\"")]
    [InlineData("[\"plimsoll\"]", "[]")]
    [InlineData("/usr/lib/plimsoll/plimsoll", "/usr/sbin/runc")]
    public void Find_DaemonJsonWithoutAPartOfTheGate_IsSaid(string part, string instead)
    {
        HostCheck check = Installed();
        Assert.Null(check.Find());
        Write(Options.DaemonJson, Gated.Replace(part, instead, StringComparison.Ordinal));
        Assert.Contains(Options.DaemonJson, check.Find(), StringComparison.Ordinal);
    }

    [Fact]
    public void Find_DaemonJsonWithMoreBesideTheGate_IsRight()
    {
        HostCheck check = Installed();
        Write(Options.DaemonJson, Gated.Insert(1, "\"debug\":true,"));
        Assert.Null(check.Find());
    }

    private const string Record = "state/install/install.json", Noted = "state/installed";

    /// <summary>As after a start of the agent.</summary>
    private HostCheck Started(List<string> recorded) => new(Options, _told.Add) { Recorded = (before, now) => recorded.Add($"{before?[..4]} {now[..4]}") };

    [Fact]
    public void Find_RecordTakenAway_IsSaidAlsoAfterARestart()
    {
        List<string> recorded = [];
        Installed();
        HostCheck check = Started(recorded);
        Assert.Null(check.Find());
        byte[] record = File.ReadAllBytes(_folder[Record]);
        string digest = InstallRecord.DigestOf(record);

        Write(Launcher, "launched");
        Assert.Contains(Launcher, check.Find(), StringComparison.Ordinal);
        File.Delete(_folder[Record]);
        Assert.Contains("install.json, which says what was installed, is gone", check.Find(), StringComparison.Ordinal);
        Assert.Contains("install.json", Started(recorded).Find(), StringComparison.Ordinal);
        // Also without what was noted of it, as long as the agent runs that saw it.
        File.Delete(_folder[Noted]);
        Assert.Contains("install.json", check.Find(), StringComparison.Ordinal);

        Write(Launcher, "launcher");
        _folder.Write(Record, record);
        InstallRecord.Note(Options, digest);
        Assert.Null(check.Find());
        // An installation of 0.1 noted nothing: the first agent that finds it does, and says so.
        Assert.Equal([$" {digest[..4]}"], recorded);
        Assert.Null(_told[^1]);
    }

    [Fact]
    public void Find_RecordEditedTogetherWithAFile_IsSaidAndALineUntilInstallWritesOne()
    {
        List<string> recorded = [];
        Installed();
        string first = InstallRecord.DigestOfFile(_folder[Record]);
        HostCheck check = Started(recorded);
        Assert.Null(check.Find());

        Write(Launcher, "launched");
        byte[] edited = new InstallRecord(DateTimeOffset.UnixEpoch, "0.1.0", false, "", [(Launcher, InstallRecord.DigestOf("launched"u8))], [], [("plimsoll", Launcher)]).ToJson();
        _folder.Write(Record, edited);
        string second = InstallRecord.DigestOf(edited);
        Assert.Contains("is not the record that plimsoll-agent install wrote", check.Find(), StringComparison.Ordinal);
        Assert.Contains("is not the record that plimsoll-agent install wrote", Started(recorded).Find(), StringComparison.Ordinal);

        InstallRecord.Note(Options, second);
        Assert.Null(check.Find());
        Assert.Null(Started(recorded).Find());
        Assert.Equal([$" {first[..4]}", $"{first[..4]} {second[..4]}", $"{first[..4]} {second[..4]}"], recorded);
    }

    [Fact]
    public void Find_WhoOnlyLooks_NotesNothing()
    {
        Assert.Null(Installed().Find());
        Assert.False(File.Exists(_folder[Noted]));
    }

    [Fact]
    public void Find_RecordDamaged_IsSaid()
    {
        HostCheck check = Installed();
        _folder.Write("state/install/install.json", "{}"u8.ToArray());
        Assert.NotNull(check.Find());
    }
}
