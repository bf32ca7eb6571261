using System.Text;
using Plimsoll.Agent.Gate;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Agent.Gate;

/// <summary>A <c>/proc</c> of files.</summary>
public sealed class OtherDaemonsTests : IDisposable
{
    private const string Docker = "/run/docker.sock";

    private readonly TempFolder _proc = new();
    private readonly StringBuilder _sockets = new("Num       RefCount Protocol Flags    Type St Inode Path\n");

    public OtherDaemonsTests()
    {
        Process(100, 1, "/usr/sbin/dockerd", "dockerd -H fd://", 5000);
        Socket(Docker, 5000);
        Process(7, 1, "/usr/bin/bash", "bash");
    }

    public void Dispose() => _proc.Dispose();

    private void Process(int pid, int parent, string program, string command, params int[] sockets)
    {
        _proc.Write($"{pid}/stat", Encoding.UTF8.GetBytes($"{pid} (a ) b) S {parent} 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {pid * 10} 0 0"));
        _proc.Write($"{pid}/cmdline", Encoding.UTF8.GetBytes(command.Replace(' ', '\0') + "\0"));
        File.CreateSymbolicLink(_proc[$"{pid}/exe"], program);
        Directory.CreateDirectory(_proc[$"{pid}/fd"]);
        for (int i = 0; i < sockets.Length; i++)
            File.CreateSymbolicLink(_proc[$"{pid}/fd/{i}"], $"socket:[{sockets[i]}]");
    }

    private void Socket(string path, int inode)
    {
        _sockets.Append($"0000000000000000: 00000002 00000000 00010000 0001 01 {inode} {path}\n");
        _proc.Write("net/unix", Encoding.UTF8.GetBytes(_sockets.ToString()));
    }

    private IReadOnlyList<string> Find() => [.. OtherDaemons.Find(Docker, _proc.Path).Select(o => o.ToString())];

    [Fact]
    public void Find_OneDaemonWithAContainerdOfItsOwn_IsAllThereShouldBe()
    {
        Process(101, 100, "/usr/bin/containerd", "containerd --config /var/run/docker/containerd/containerd.toml");
        Assert.Empty(Find());
        Assert.Equal("100 1000", OtherDaemons.IdentityOf(Docker, _proc.Path));
        Assert.Equal("", OtherDaemons.IdentityOf("/run/other.sock", _proc.Path));
    }

    [Fact]
    public void Find_ContainerdThatDockerUses_IsNoOther()
    {
        Process(101, 1, "/usr/bin/containerd", "containerd", 6000);
        Socket("/run/containerd/containerd.sock", 6000);
        Assert.Empty(Find());
    }

    [Fact]
    public void Find_ContainerdBesideTheOneOfDocker_IsNamed()
    {
        Process(101, 100, "/usr/bin/containerd", "containerd");
        Process(102, 1, "/usr/bin/containerd", "containerd", 6000);
        Socket("/run/containerd/containerd.sock", 6000);
        Assert.Equal(["containerd (process 102)"], Find());
    }

    [Fact]
    public void Find_SecondDockerdAlsoWhenItsProgramWasReplaced_IsNamed()
    {
        Process(200, 1, "/opt/dockerd (deleted)", "dockerd -H unix:///run/evil.sock", 7000);
        Socket("/run/evil.sock", 7000);
        Process(201, 200, "/usr/bin/containerd", "containerd");
        Assert.Equal(["dockerd (process 200)"], Find());
    }

    [Fact]
    public void Find_PodmanAsAServiceAndByASocketThatSystemdHolds_AreNamed()
    {
        Process(300, 1, "/usr/bin/podman", "podman run --rm image");
        Assert.Empty(Find());
        Process(301, 1, "/usr/bin/podman", "podman system service");
        Assert.Equal(["podman (process 301)"], Find());
        Socket("/run/crio/crio.sock", 8000);
        Assert.Equal(["crio (socket /run/crio/crio.sock)", "podman (process 301)"], Find());
    }

    [Fact]
    public void Find_DaemonNotThere_NamesEveryOther()
    {
        Directory.Delete(_proc["100"], recursive: true);
        Process(101, 1, "/usr/bin/containerd", "containerd");
        Assert.Equal(["containerd (process 101)"], Find());
    }
}
