using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Text;
using System.Text.RegularExpressions;
using Plimsoll.Agent.Gate;
using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A gated host whose agent reads a layer again only when somebody wrote to it.</summary>
public sealed class TrustingHost : IDisposable
{
    // Without trust every start would read every layer.
    public GatedHost Host { get; } = new("--trust-until-write", "--measure-every", "0");

    public void Dispose() => Host.Dispose();
}

/// <summary>Trust until a write is seen. Each container starts before something writes to a layer, and that is all that differs when it does not start afterwards.</summary>
[Trait("needs", "host")]
public sealed class TrustUntilWriteTests(TrustingHost trusting) : IClassFixture<TrustingHost>
{
    private const UnixFileMode Program = (UnixFileMode)0b111_101_101;

    private GatedHost Host => trusting.Host;

    private void Runs(SavedImage image) => Assert.Equal("it runs\n", Host.Start(image).Expect(0).Out);

    private void Refused(SavedImage image, string reason) => Host.Start(image).ExpectRefused(reason);

    /// <summary>How often a layer was read: each time it is watched anew.</summary>
    private int Reads(SavedImage image, int layer) => Regex.Count(Host.AgentSaid, $"layer-watched layer={Host.CacheId(image, layer)}", RegexOptions.None, TimeSpan.FromSeconds(5));

    private bool WasWritten(SavedImage image, int layer) => Writings(image, layer) > 0;

    /// <summary>How often a write ended the trust in a layer.</summary>
    private int Writings(SavedImage image, int layer) => Host.AgentSaid.Split($"layer-written layer={Host.CacheId(image, layer)}").Length - 1;

    [Fact]
    public void Run_NobodyWrote_LayersAreReadOnce()
    {
        // What a container writes, it writes into its own layer, also where it changes a file of a layer below.
        SavedImage image = Host.Signed("quiet", """{"Cmd":["/bin/sh","-c","echo x >> /etc/passwd; chmod 700 /srv/page; rm /bin/tool; mkdir /srv/new; cat /srv/ping > /srv/new/ping; echo it runs"],"Env":["PATH=/bin"]}""");
        Runs(image);
        int[] before = [.. Enumerable.Range(0, 3).Select(l => Reads(image, l))];

        for (int i = 0; i < 3; i++)
            Runs(image);
        foreach (string file in Directory.EnumerateFiles(Host.Unpacked(image, 1), "*", SearchOption.AllDirectories))
            File.ReadAllBytes(file);
        File.WriteAllText(Path.Combine(Host.Daemon.DataRoot, "beside"), "a write to the same file system");
        Runs(image);

        Assert.Equal([1, 1, 1], before);
        Assert.Equal(before, Enumerable.Range(0, 3).Select(l => Reads(image, l)));
        Assert.False(WasWritten(image, 1));
    }

    public static TheoryData<string, int, string> Writes { get; } = new()
    {
        { "write", 1, "layer 2: /etc/passwd (changed)" },
        { "open-before", 1, "layer 2: /etc/passwd (changed)" },
        { "mapped-before", 1, "layer 2: /etc/passwd (changed)" },
        { "hard-link", 1, "layer 2: /etc/passwd (changed)" },
        { "other-mount", 1, "layer 2: /etc/passwd (changed)" },
        { "renamed-into-place", 1, "layer 2: /etc/passwd (changed)" },
        { "truncated", 1, "layer 2: /etc/passwd (changed)" },
        { "chmod", 2, "layer 3: /srv/ping (mode)" },
        { "chown", 2, "layer 3: /srv/ping (owner)" },
        { "xattr", 2, "layer 3: /srv/ping (xattr)" },
        { "created", 1, "layer 2: /bin/backdoor (planted)" },
        { "removed", 1, "layer 2: /srv/link (missing)" },
        { "folder-moved-away", 2, "layer 3: /srv (missing)" },
    };

    [Theory]
    [MemberData(nameof(Writes))]
    public void Run_LayerWrittenToByAProcessOfTheHost_IsReadAgainAndRefusedByName(string write, int layer, string reason)
    {
        SavedImage image = Host.Signed($"written-{write}");
        string passwd = Host.Unpacked(image, 1, "etc/passwd"), ping = Host.Unpacked(image, 2, "srv/ping"), link = Path.Combine(Host.Daemon.DataRoot, $"link-{write}");
        int length = (int)new FileInfo(passwd).Length;
        byte[] other = Encoding.ASCII.GetBytes(new string('x', length));
        using FileStream? before = write == "open-before" ? new FileStream(passwd, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1) : null;
        using MemoryMappedFile? mapped = write == "mapped-before" ? MemoryMappedFile.CreateFromFile(passwd, FileMode.Open) : null;
        if (write == "hard-link")
            Tool.Run("ln", [passwd, link]);
        Runs(image);
        // A link is a write to a layer that was measured when it arrived.
        int written = Writings(image, layer);
        Assert.InRange(written, 0, write == "hard-link" ? 1 : 0);

        switch (write)
        {
            case "write":
                File.WriteAllBytes(passwd, other);
                break;
            case "open-before":
                before!.Write(other);
                before.Flush();
                break;
            case "mapped-before":
                using (MemoryMappedViewAccessor view = mapped!.CreateViewAccessor(0, length))
                    view.Write(0, (byte)'x');
                // The kernel tells of it when the last who could write lets go of the file.
                mapped.Dispose();
                break;
            case "hard-link":
                File.WriteAllBytes(link, other);
                break;
            case "other-mount":
                string at = Directory.CreateDirectory(Path.Combine(Host.Daemon.DataRoot, "mounted")).FullName;
                Tool.Run("unshare", ["-m", "sh", "-c", "mount --bind \"$1\" \"$2\" && printf xxxx | dd of=\"$2/passwd\" conv=notrunc", "sh", Path.GetDirectoryName(passwd)!, at]);
                break;
            case "renamed-into-place":
                File.WriteAllBytes(link, other);
                Tool.Run("mv", [link, passwd]);
                break;
            case "truncated":
                Tool.Run("truncate", ["-s", "3", passwd]);
                break;
            case "chmod":
                File.SetUnixFileMode(ping, Program | UnixFileMode.SetUser);
                break;
            case "chown":
                Tool.Run("chown", ["1000:0", ping]);
                break;
            case "xattr":
                Tool.Run("python3", ["-c", "import os,sys;os.setxattr(sys.argv[1],'user.note',b'other')", ping]);
                break;
            case "created":
                File.WriteAllText(Host.Unpacked(image, 1, "bin/backdoor"), "#!/bin/sh\n");
                break;
            case "removed":
                File.Delete(Host.Unpacked(image, 1, "srv/link"));
                break;
            case "folder-moved-away":
                Tool.Run("mv", [Path.GetDirectoryName(ping)!, link]);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(write), write, null);
        }

        Refused(image, reason);
        Assert.InRange(Writings(image, layer), written + 1, int.MaxValue);
    }

    [Fact]
    public void Run_MoreWritesThanTheKernelKeeps_EveryLayerIsReadAgain()
    {
        SavedImage good = Host.Signed("burst-good"), bad = Host.Signed("burst-bad");
        Runs(good);
        Runs(bad);
        int reads = Reads(good, 1);
        int most = int.Parse(File.ReadAllText("/proc/sys/fs/fanotify/max_queued_events"));
        string burst = Directory.CreateDirectory(Path.Combine(Host.Daemon.DataRoot, "burst")).FullName;

        Host.SignalAgent("STOP");
        for (int i = 0; i < most + 100; i++)
            File.WriteAllBytes(Path.Combine(burst, i.ToString()), [1]);
        // The queue is full: of this nobody is told.
        File.AppendAllText(Host.Unpacked(bad, 1, "etc/passwd"), "evil::0:0:::\n");
        Host.SignalAgent("CONT");

        Refused(bad, "layer 2: /etc/passwd (changed)");
        Assert.False(WasWritten(bad, 1));
        Assert.Contains("writes-lost", Host.AgentSaid, StringComparison.Ordinal);
        Runs(good);
        Assert.Equal(reads + 1, Reads(good, 1));
        Directory.Delete(burst, recursive: true);
    }

    /// <summary>The reading that follows may have passed the file already, or not: nobody can tell.</summary>
    [Fact]
    public void Begin_WriteWhileTheFilesOfALayerAreCollected_IsKnown()
    {
        const int files = 20_000;
        using TempFolder folder = new();
        string name = new('a', 64), layer = Directory.CreateDirectory(folder[$"overlay2/{name}/diff"]).FullName;
        Directory.CreateDirectory(folder["image/overlay2"]);
        for (int i = 0; i < files; i++)
            File.WriteAllBytes(Path.Combine(layer, $"{i}"), []);
        HostStore store = new(folder.Path, OciLimits.Default);
        using WriteWatch watch = new(folder.Path, (_, _) => { });

        // The twin: nobody writes.
        WatchedLayer quiet = watch.Begin(() => store.OpenFolder(name), name, TestContext.Current.CancellationToken)!;
        watch.CatchUp();
        Assert.False(quiet.Written);
        watch.End(quiet);

        Thread writer = new(() =>
        {
            if (SpinWait.SpinUntil(() => watch.Count > 0, TimeSpan.FromSeconds(30)))
                File.WriteAllText(Path.Combine(layer, "7"), "evil");
        });
        writer.Start();
        WatchedLayer written = watch.Begin(() => store.OpenFolder(name), name, TestContext.Current.CancellationToken)!;
        writer.Join();
        watch.CatchUp();
        Assert.Equal("evil", File.ReadAllText(Path.Combine(layer, "7")));
        Assert.True(written.Written);
    }

    [Fact]
    public void Run_WriteRestored_RunsAgainAndIsTrustedAnew()
    {
        SavedImage image = Host.Signed("restored");
        string passwd = Host.Unpacked(image, 1, "etc/passwd");
        byte[] content = File.ReadAllBytes(passwd);
        Runs(image);
        File.WriteAllText(passwd, "evil");
        Refused(image, "/etc/passwd (changed)");

        File.WriteAllBytes(passwd, content);
        Runs(image);
        int reads = Reads(image, 1);
        Runs(image);
        Assert.Equal(reads, Reads(image, 1));
    }
}
