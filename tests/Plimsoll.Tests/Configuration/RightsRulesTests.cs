using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Configuration;
using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;
using Plimsoll.TestKit;
using static Plimsoll.Tests.Configuration.Configured;

namespace Plimsoll.Tests.Configuration;

public sealed class RightsRulesTests : IDisposable
{
    private readonly Configured _image = new();

    public void Dispose() => _image.Dispose();

    private string[] Of(params Action<TarBuilder>[] layers) => Show(_image.OfLayers(layers));

    /// <summary>A dpkg database whose package brought these files with this content.</summary>
    private static TarBuilder Package(TarBuilder tar, string name, params (string Path, string Content)[] files) => tar
        .File("var/lib/dpkg/status", $"Package: {name}\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n")
        .File($"var/lib/dpkg/info/{name}.md5sums", string.Concat(files.Select(f => $"{FileChecksums.OfContent(Encoding.UTF8.GetBytes(f.Content))[0]}  {f.Path}\n")));

    [Fact]
    public void Setuid_OfThePackages_IsOneLine()
    {
        IReadOnlyList<Problem> problems = _image.OfLayers(t => Put(Put(Package(t, "base", ("usr/bin/su", "x"), ("usr/bin/chage", "x")), "usr/bin/su", "4755"), "usr/bin/chage", "2755", gid: 42));

        Assert.Equal(["CIS-4.8 Negligible usr/bin usr/bin/chage (2755 0:42), usr/bin/su (4755 0:0)"], Show(problems));
        Assert.Equal(("4.8", "2"), (problems[0].Details["cis"], problems[0].Details["files"]));
    }

    [Fact]
    public void Setuid_WithoutAnyListsOfPackages_IsUsualByItsName() => Assert.Equal(["CIS-4.8 Negligible bin bin/su (4755 0:0)"], Of(t => Put(t, "bin/su", "4755")));

    [Fact]
    public void Setuid_OfAKnownNameThatIsNotThePackages_IsHigh() =>
        Assert.Equal(["CIS-4.8 Negligible usr/bin usr/bin/mount (4755 0:0)", "setuid-not-the-packages High usr/bin/su 4755 0:0"],
            Of(t => Put(Put(Package(t, "base", ("usr/bin/su", "x"), ("usr/bin/mount", "x")), "usr/bin/su", "4755", content: "a backdoor"), "usr/bin/mount", "4755")));

    [Fact]
    public void Setuid_OfAPackageThatIsNoUsualOne_IsMedium()
    {
        IReadOnlyList<Problem> problems = _image.OfLayers(t => Put(Package(t, "odd", ("usr/bin/odd", "x")), "usr/bin/odd", "4755"));

        Assert.Equal(["setuid-uncommon Medium usr/bin/odd 4755 0:0"], Show(problems));
        Assert.Equal("deb/odd", problems[0].OwnedBy);
    }

    [Theory]
    [InlineData("opt/tool", "4755", 0, 0, "High")]
    [InlineData("usr/local/bin/su", "4755", 0, 0, "High")]
    [InlineData("home/app/su", "4755", 1000, 0, "High")]
    [InlineData("tmp/x", "2755", 0, 50, "High")]
    [InlineData("opt/tool", "4755", 1000, 1000, "Medium")]
    [InlineData("opt/tool", "2755", 0, 50, "Medium")]
    [InlineData("opt/tool", "2755", 0, 0, "High")]
    public void Setuid_OfNobodys_IsJudgedByWhatItGives(string path, string mode, int uid, int gid, string severity) =>
        Assert.Equal([$"setuid-unusual {severity} {path} {mode} {uid}:{gid}"], Of(t => Put(t, path, mode, uid, gid)));

    [Fact]
    public void Setuid_ThatNobodyCanExecuteOrOfAScriptOrRemoved_IsNothingOrLow()
    {
        Assert.Empty(Of(t => Put(t, "opt/tool", "4644")));
        Assert.Equal(["setuid-script Low opt/run 4755 0:0"], Of(t => Put(t, "opt/run", "4755", content: "#!/bin/sh\n")));
        Assert.Empty(Of(t => Put(t, "opt/tool", "4755"), t => Put(t, "opt/tool", "755")));
        Assert.Empty(Of(t => Put(t, "opt/tool", "4755"), t => t.Whiteout("opt")));
    }

    [Fact]
    public void Setuid_UnderASecondName_IsFoundByItsLink() =>
        Assert.Contains("setuid-unusual High opt/again 4755 0:0", Of(t => Put(t, "bin/su", "4755").Entry("opt/again", '1', [], "bin/su", mode: Octal("4755"))));

    [Theory]
    [InlineData("0100000200200000000000000000000000000000", "usr/bin/ping", "capabilities-everyday Negligible usr/bin/ping cap_net_raw=ep")]
    [InlineData("0100000200200000000000000000000000000000", "opt/x", "capabilities-everyday Negligible opt/x cap_net_raw=ep")]
    [InlineData("0100000280000000000000000000000000000000", "opt/x", "capabilities High opt/x cap_setuid=ep")]
    [InlineData("0100000280000000000000000000000000000000", "usr/bin/newuidmap", "capabilities-everyday Negligible usr/bin/newuidmap cap_setuid=ep")]
    [InlineData("0000000200000000800000000000000000000000", "opt/x", "capabilities Medium opt/x cap_setuid=i")]
    [InlineData("0100000200100000000000000000000000000000", "opt/x", "capabilities Medium opt/x cap_net_admin=ep")]
    [InlineData("0100000900100000000000000000000000000000", "opt/x", "capabilities-unreadable Low opt/x 0100000900100000000000000000000000000000")]
    [InlineData("0100000200000000000000000000000000000000", "opt/x", null)]
    public void Capabilities_AreNamedAndJudged(string hex, string path, string? expected) => Assert.Equal(expected is null ? [] : [expected], Of(t => Capable(t, path, hex)));

    [Theory]
    [InlineData("srv/data", "666", "world-writable-file Low srv/data 0666")]
    [InlineData("srv/run", "777", "world-writable-file Medium srv/run 0777")]
    [InlineData("etc/app.conf", "666", "world-writable-file High etc/app.conf 0666")]
    [InlineData("usr/lib/x.so", "666", "world-writable-file High usr/lib/x.so 0666")]
    [InlineData("srv/data", "664", null)]
    public void WorldWritableFile_IsJudgedByItsPlace(string path, string mode, string? expected) => Assert.Equal(expected is null ? [] : [expected], Of(t => Put(t, path, mode)));

    [Fact]
    public void WorldWritableFolder_WithoutStickyBit_IsMedium()
    {
        Assert.Equal(["world-writable-folder Medium srv 0777"], Of(t => Dir(Dir(t, "srv", "777"), "tmp", "1777")));
        Assert.Equal(["world-writable-folder High etc 0777"], Of(t => Dir(t, "etc", "777")));
        Assert.Empty(Of(t => Dir(t, "srv", "777"), t => Dir(t, "srv", "755")));
        Assert.Empty(Of(t => t.Symlink("srv/link", "x").Entry("dev/null", '3', [], mode: Octal("666"))));
    }

    [Fact]
    public void ManyFiles_OfOneLayer_AreOneProblemOfTheirFolder()
    {
        IReadOnlyList<Problem> problems = _image.OfLayers(t =>
        {
            for (int i = 0; i < 30; i++)
                Put(t, $"srv/app/{(i < 15 ? "a" : "b")}/f{i:00}", "666");
            Put(t, "srv/app/tool", "777");
        });

        Assert.Equal(2, problems.Count);
        Problem many = problems.Single(p => p.Details.ContainsKey("files"));
        Assert.Equal(("srv/app", "30"), (many.Path, many.Details["files"]));
        Assert.Equal("Files that everybody may write to in srv/app: 30", many.Title.English);
    }

    [Fact]
    public void DeviceNodes_OutsideDev_AreNamed()
    {
        static void Number(byte[] header, int major, int minor)
        {
            TarBuilder.Ascii(header, 329, Convert.ToString(major, 8).PadLeft(7, '0'));
            TarBuilder.Ascii(header, 337, Convert.ToString(minor, 8).PadLeft(7, '0'));
        }

        Assert.Equal(["device-node High opt/disk b 8:0 0644", "device-node High opt/mem c 1:1 0644", "device-node Medium opt/kvm c 10:232 0644", "device-node Negligible dev/sda b 8:0 0644"],
            Of(t => t.Entry("opt/disk", '4', [], edit: h => Number(h, 8, 0)).Entry("opt/mem", '3', [], edit: h => Number(h, 1, 1)).Entry("opt/kvm", '3', [], edit: h => Number(h, 10, 232))
                .Entry("dev/sda", '4', [], edit: h => Number(h, 8, 0)).Entry("chroot/dev/null", '3', [], edit: h => Number(h, 1, 3)).Entry("dev/tty", '3', [], edit: h => Number(h, 5, 0))));
    }

    [Fact]
    public void DockerSocket_InTheImage_IsNamed()
    {
        Assert.Equal(["docker-socket Medium var/run/docker.sock 0777"], Of(t => t.Entry("var/run/docker.sock", '2', [], "/host/docker.sock", mode: Octal("777"))));
        Assert.Empty(Of(t => t.File("srv/run/docker.sock.txt", "")));
    }

    [Fact]
    public void Owners_ThatAreNoAccounts_AreOneProblemEach()
    {
        const string passwd = "root:x:0:0::/:/bin/sh\napp:x:1001:1::/:/bin/sh\n";

        Assert.Equal(["owner-unknown Low srv/a srv/a, srv/a/b", "owner-unknown Low srv/c srv/c"],
            Of(t => Dir(Dir(Dir(Dir(Dir(t, "srv/a", uid: 500), "srv/a/b", uid: 500), "srv/c", uid: 600), "srv/known", uid: 1001), "srv/chosen", uid: 1000).File("etc/passwd", passwd)));
        Assert.Empty(Of(t => Dir(t, "srv/a", uid: 500)));
    }

    [Fact]
    public void EntryFact_WrittenAndRead_IsTheSame()
    {
        EntryFact fact = new(EntryType.BlockDevice, Octal("4755"), 5_000_000_000, 7, "01ff", 8, 1, true);

        Assert.Equal(fact, EntryFact.Parse(fact.ToString()));
        Assert.Throws<FormatException>(() => EntryFact.Parse("1 2"));
    }

    [Fact]
    public void Look_AnOrdinaryEntry_AllocatesNothing()
    {
        EntryAnalyser analyser = new();
        byte[] tar = new TarBuilder().Folder("usr/bin").File("usr/bin/ordinary", "x", Octal("755")).File("etc/motd", "x").Build();
        using TarReader reader = new(new ChunkFeed(new MemoryStream(tar), null, ahead: false), OciLimits.Default);
        while (reader.MoveNext(TestContext.Current.CancellationToken))
        {
            Assert.Null(analyser.Look(reader));
            long least = Allocation.Least(() =>
            {
                for (int i = 0; i < 100; i++)
                    analyser.Look(reader);
            });
            Assert.Equal(0, least);
        }
    }
}
