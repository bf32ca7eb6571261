using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>An AlmaLinux image whose findings rpm and the raw records decide, in a script that shares no code with src.</summary>
[Trait("needs", "host"), Trait("needs", "shared")]
public sealed class AlmaLinuxTests(AlmaLinuxTests.Images images) : IClassFixture<AlmaLinuxTests.Images>
{
    private const string Release = "NAME=\"AlmaLinux\"\nVERSION=\"8.9 (Midnight Oncilla)\"\nID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"8.9\"\nPRETTY_NAME=\"AlmaLinux 8.9 (Midnight Oncilla)\"\n";

    /// <summary>Old packages, one that is new enough, streams of one module, and a plain package whose name modules have too.</summary>
    public sealed class Images : IDisposable
    {
        public RpmRoot Rpm { get; } = new(
            new("openssl", "1:1.1.1g-11.el8", Sub: "openssl-libs", Architecture: "x86_64"), new("bash", "4.4.19-10.el8"), new("glibc", "2.28-101.el8"),
            new("python3", "3.6.8-23.el8", Sub: "python3-libs"), new("sqlite", "3.26.0-3.el8", Sub: "sqlite-libs"), new("zlib", "1.2.11-99.el8"),
            new("kernel-core", "4.18.0-80.el8"), new("ruby", "2.5.0-1.el8"), new("nothing-known", "1-1.el8"),
            new("nodejs", "1:16.13.1-3.module_el8.5.0+2605+45d748af", "nodejs:16:8050020211213115342:c5368500", Sub: "npm"),
            new("postgresql", "12.1-2.module_el8.1.0+127+4d6e1bd4", "postgresql:12:8010020191126133427:73750252", Sub: "postgresql-server"),
            new("perl-IO-Socket-SSL", "2.066-3.module_el8.1.0+1+2", null));

        public TempFolder Home { get; } = new();

        public Images()
        {
            Directory.CreateDirectory(Path.Combine(Rpm.Root, "etc"));
            File.WriteAllText(Path.Combine(Rpm.Root, "etc/os-release"), Release);
            new Call(Home.Path, "db", "update", "--source", SharedData.At("osv"), "--ecosystem", "AlmaLinux").Run().Expect(0);
        }

        public void Dispose()
        {
            Home.Dispose();
            Rpm.Dispose();
        }
    }

    [Theory]
    [InlineData("rpmdb.sqlite")]
    [InlineData("Packages")]
    public void Scan_AlmaLinuxImage_FindsExactlyWhatTheOracleExpects(string database)
    {
        string file = database == "Packages" ? Path.Combine(images.Rpm.ToBerkeley(bigEndian: false), database) : images.Rpm.Database;
        string[] expected = Tool.Run("python3", [Repository.At("tests", "oracle", "almalinux-expected"), images.Rpm.Root, SharedData.At("osv", "AlmaLinux", "all.zip")])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string image = images.Home.Write($"{database}.tar", ImageBuilder.Tar(new ImageBuilder()
            .Layer(tar => tar.Folder("etc").File("etc/os-release", Release))
            .Layer(tar => tar.File($"var/lib/rpm/{database}", File.ReadAllBytes(file))).ArchiveFiles()));

        JsonNode report = new Call(images.Home.Path, "scan", "--json", image).Run().Expect(0).Report;

        Assert.Equal(expected, report.Flaws());
        Assert.True(expected.Length > 100, $"{expected.Length} expected");
        Assert.True((bool)report["complete"]!);
        Assert.Empty(report["gaps"]!.AsArray());
        // Modules do have advisories on ruby and zlib is new enough: neither may be found; a stream of its own must be.
        Assert.DoesNotContain(expected, l => l.StartsWith("ruby\t", StringComparison.Ordinal) || l.StartsWith("zlib\t", StringComparison.Ordinal));
        Assert.Contains(expected, l => l.StartsWith("nodejs\t", StringComparison.Ordinal));
        Assert.Contains(expected, l => l.StartsWith("openssl-libs\t1:1.1.1g-11.el8\tCVE-", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("var/lib/rpm", "../../usr/lib/sysimage/rpm", "usr/lib/sysimage/rpm")]
    [InlineData("usr/lib/sysimage/rpm", "../../../var/lib/rpm", "var/lib/rpm")]
    public void Scan_FolderOfTheDatabaseBehindALink_IsReadWhereItLies(string link, string target, string folder)
    {
        string image = images.Home.Write("linked.tar", ImageBuilder.Tar(new ImageBuilder().Layer(tar => tar
            .File("etc/os-release", Release).Symlink(link, target).File($"{folder}/rpmdb.sqlite", File.ReadAllBytes(images.Rpm.Database))).ArchiveFiles()));

        JsonNode report = new Call(images.Home.Path, "scan", "--json", image).Run().Expect(0).Report;

        Assert.Empty(report["gaps"]!.AsArray());
        Assert.NotEmpty(report.Flaws());
    }

    [Theory]
    [InlineData("centos", "8", "no-advisories-for-release")]
    [InlineData("fedora", "40", "no-advisories-for-release")]
    [InlineData("almalinux", "11.0", "no-advisories-for-release")]
    [InlineData("someones-own", "1", "no-advisories-for-release")]
    public void Scan_RpmImageOfAReleaseWithoutData_IsUndecided(string id, string version, string note)
    {
        string image = images.Home.Write($"{id}.tar", ImageBuilder.Tar(new ImageBuilder().Layer(tar => tar
            .File("etc/os-release", $"ID={id}\nVERSION_ID=\"{version}\"\n").File("usr/lib/sysimage/rpm/rpmdb.sqlite", File.ReadAllBytes(images.Rpm.Database))).ArchiveFiles()));

        JsonNode report = new Call(images.Home.Path, "scan", "--json", image).Run().Expect(3).Report;

        Assert.False((bool)report["complete"]!);
        Assert.Contains(note, report.Notes());
        Assert.Empty(report["findings"]!.AsArray());
        Assert.Contains("bash 4.4.19-10.el8 noarch bash 4.4.19-10.el8", report.Packages());
    }
}
