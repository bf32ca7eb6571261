using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Distributions;

namespace Plimsoll.Tests.Packages.Distributions;

public sealed class OsReleaseAnalyserTests
{
    [Fact]
    public void Analyse_OsRelease_FollowsShellQuoting()
    {
        Distribution found = Read("etc/os-release", """
            # ID=wrong
            PRETTY_NAME="Debian \"GNU\"/Linux \$11 a\b"
            VERSION_ID='11'
            ID=De\bian # said twice; the last one counts
            ID="debian"
            ID_LIKE="a b"
            """)!;
        Assert.Equal(("debian", "11", "Debian \"GNU\"/Linux $11 a\\b"), (found.Id, found.Version, found.PrettyName));
        Assert.Equal(["a", "b"], found.Like);
    }

    [Theory]
    [InlineData("etc/debian_version", "11.7\n", "debian", "11.7")]
    [InlineData("etc/debian_version", "bookworm/sid\n", "debian", "")]
    [InlineData("etc/alpine-release", "3.18.4\n", "alpine", "3.18.4")]
    [InlineData("etc/alpine-release", "3.19_alpha20230901\n", "alpine", "3.19_alpha20230901")]
    [InlineData("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n", "ubuntu", "22.04")]
    [InlineData("etc/redhat-release", "Rocky Linux release 9.3 (Blue Onyx)\n", "rocky", "9.3")]
    [InlineData("etc/centos-release", "CentOS Linux release 7.9.2009 (Core)\n", "centos", "7.9.2009")]
    [InlineData("usr/lib/os-release", "\uFEFFID=alpine\r\nVERSION_ID=3.11.6\r\n", "alpine", "3.11.6")]
    public void Analyse_Relatives_SayTheSame(string path, string text, string id, string version)
    {
        Distribution found = Read(path, text)!;
        Assert.Equal((id, version, path), (found.Id, found.Version, found.Source));
        Assert.True(new OsReleaseAnalyser().Wants(Encoding.UTF8.GetBytes(path)));
    }

    [Theory]
    [InlineData("etc/os-release", "\0\0\0")]
    [InlineData("etc/redhat-release", "something else")]
    public void Analyse_NothingUsable_IsAGap(string path, string text) =>
        Assert.Equal("distribution-unreadable", Assert.Single(new OsReleaseAnalyser().Analyse(path, Encoding.UTF8.GetBytes(text))!.Gaps).Code);

    [Fact]
    public void Choose_SeveralClaims_TakesTheBestFile()
    {
        FileFacts version = Facts("etc/debian_version", "11.7\n"), release = Facts("usr/lib/os-release", "ID=debian\nVERSION_ID=\"11\"\n");
        FileFacts other = Facts("etc/os-release", "ID=ubuntu\nVERSION_ID=22.04\n");
        Assert.Equal("ubuntu", DistributionChoice.Choose([version, release, other])!.Id);
        Assert.Equal("11", DistributionChoice.Choose([version, release])!.Version);
        Assert.Equal("11.7", DistributionChoice.Choose([version])!.Version);
        Assert.Null(DistributionChoice.Choose([]));
    }

    [Fact]
    public void Choose_OsReleaseWithoutVersion_TakesTheNumberOfDebianVersion()
    {
        FileFacts release = Facts("etc/os-release", "ID=debian\n");
        Assert.Equal("12.5", DistributionChoice.Choose([Facts("etc/debian_version", "12.5\n"), release])!.Version);
        Assert.Equal("", DistributionChoice.Choose([Facts("etc/debian_version", "trixie/sid\n"), release])!.Version);
    }

    private static Distribution? Read(string path, string text) => Facts(path, text).Distribution;

    private static FileFacts Facts(string path, string text) => new OsReleaseAnalyser().Analyse(path, Encoding.UTF8.GetBytes(text))!;

    [Theory]
    [InlineData("etc/SuSE-release", "SUSE Linux Enterprise Server 12 (x86_64)\nVERSION = 12\nPATCHLEVEL = 5\n# x\n", "sles", "12.5")]
    [InlineData("etc/SuSE-release", "openSUSE 13.1 (x86_64)\nVERSION = 13.1\n", "opensuse", "13.1")]
    [InlineData("etc/openEuler-release", "openEuler release 22.03 (LTS-SP3)\n", "openeuler", "22.03")]
    [InlineData("etc/anolis-release", "Anolis OS release 8.8\n", "anolis", "8.8")]
    [InlineData("etc/kylin-release", "Kylin Linux Advanced Server release V10 (Sword)\n", "kylin", "10")]
    [InlineData("etc/photon-release", "VMware Photon OS 4.0\nPHOTON_BUILD_NUMBER=1\n", "photon", "4.0")]
    [InlineData("etc/mariner-release", "CBL-Mariner 2.0.20240101\n", "mariner", "2.0.20240101")]
    [InlineData("etc/azurelinux-release", "Microsoft Azure Linux 3.0.20240101\n", "azurelinux", "3.0.20240101")]
    [InlineData("etc/redhat-release", "Red Hat Enterprise Linux release 8.9 (Ootpa)\n", "rhel", "8.9")]
    [InlineData("etc/system-release", "Amazon Linux release 2 (Karoo)\n", "amzn", "2")]
    [InlineData("etc/gentoo-release", "Gentoo Base System release 2.14\n", "gentoo", "2.14")]
    public void Analyse_ReleaseFileOfAnRpmDistribution_NamesIt(string path, string text, string id, string version)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        Assert.True(new OsReleaseAnalyser().Wants(System.Text.Encoding.UTF8.GetBytes(path)));
        Plimsoll.Inspect.Packages.Distribution distribution = new OsReleaseAnalyser().Analyse(path, bytes)!.Distribution!;
        Assert.Equal((id, version), (distribution.Id, distribution.Version));
    }
}
