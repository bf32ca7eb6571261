using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Dpkg;

namespace Plimsoll.Tests.Packages.Dpkg;

public sealed class DpkgStatusAnalyserTests
{
    private const string Main = "var/lib/dpkg/status";

    private const string LibSsl = """
        Package: libssl1.1
        Status: install ok installed
        Priority: optional
        Maintainer: Debian OpenSSL Team <pkg@lists.debian.org>
        Architecture: amd64
        Source: openssl (1:1.1.1n-0+deb11u4)
        Version: 1:1.1.1n-0+deb11u4+b1
        Description: Secure Sockets Layer toolkit
         Package: not-a-package
         .
         more


        """;

    [Theory]
    [InlineData("var/lib/dpkg/status", true)]
    [InlineData("var/lib/dpkg/status.d/base", true)]
    [InlineData("var/lib/dpkg/status.d/base.md5sums", false)]
    [InlineData("var/lib/dpkg/status.d/", false)]
    [InlineData("var/lib/dpkg/status.d/a/b", false)]
    [InlineData("var/lib/dpkg/status-old", false)]
    [InlineData("x/var/lib/dpkg/status", false)]
    public void Wants_Path_OnlyThePackageDatabase(string path, bool wanted) =>
        Assert.Equal(wanted, new DpkgStatusAnalyser().Wants(Encoding.UTF8.GetBytes(path)));

    [Fact]
    public void Analyse_Stanza_GivesEveryField()
    {
        FileFacts facts = Analyse(LibSsl)!;
        Assert.Empty(facts.Gaps);
        Assert.Equal(
            new Package
            {
                Type = "deb",
                Name = "libssl1.1",
                Version = "1:1.1.1n-0+deb11u4+b1",
                Architecture = "amd64",
                SourceName = "openssl",
                SourceVersion = "1:1.1.1n-0+deb11u4",
                Maintainer = "Debian OpenSSL Team <pkg@lists.debian.org>",
            },
            Assert.Single(facts.Packages) with { Licences = [] });
    }

    [Fact]
    public void Analyse_WindowsLineEnds_ReadsTheSame() =>
        Assert.Equal(Analyse(LibSsl)!.Packages.Single().SourceVersion, Analyse(LibSsl.Replace("\n", "\r\n"))!.Packages.Single().SourceVersion);

    [Theory]
    [InlineData("install ok installed", 1)]
    [InlineData("install ok unpacked", 1)]
    [InlineData("install ok half-configured", 1)]
    [InlineData("install reinstreq half-installed", 1)]
    [InlineData("install ok triggers-awaited", 1)]
    [InlineData("install ok triggers-pending", 1)]
    [InlineData("hold ok installed", 1)]
    [InlineData("deinstall ok config-files", 0)]
    [InlineData("purge ok not-installed", 0)]
    public void Analyse_Status_CountsWhatIsOnTheDisk(string status, int count)
    {
        FileFacts? facts = Analyse(LibSsl.Replace("install ok installed", status));
        Assert.Equal(count, facts?.Packages.Count ?? 0);
        Assert.Empty(facts?.Gaps ?? []);
    }

    [Fact]
    public void Analyse_NotInstalledWithoutVersion_IsNoGap() =>
        Assert.Null(Analyse("Package: gone\nStatus: unknown ok not-installed\nPriority: extra\n\n"));

    [Fact]
    public void Analyse_DistrolessFileWithoutStatusAndLastLineEnd_Counts()
    {
        FileFacts facts = new DpkgStatusAnalyser().Analyse("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a-0+deb12u1"u8.ToArray())!;
        Assert.Equal("tzdata", Assert.Single(facts.Packages).SourceName);
        Assert.Empty(facts.Gaps);
    }

    [Theory]
    [InlineData("Package: a\nStatus: install ok installed\n\n", "no usable Version", 0)]
    [InlineData("Version: 1\nStatus: install ok installed\n\n", "no usable Package", 0)]
    [InlineData("Package: a\nVersion: 1\n\n", "no known Status", 1)]
    [InlineData("Package: a\nVersion: 1\nStatus: install ok frobbed\n\n", "no known Status", 1)]
    [InlineData("Package: a\nVersion: 1\nVersion: 99\nStatus: install ok installed\n\n", "stands twice", 1)]
    [InlineData("Package: a b\nVersion: 1\nStatus: install ok installed\n\n", "no usable Package", 0)]
    [InlineData("\u0000\u0001\u0002junk\n", "is no field", 0)]
    [InlineData(" continued\n\n", "continues a field", 0)]
    [InlineData("Package: a\nStatus: install ok installed\nVersion: 1", "ends within a line", 1)]
    [InlineData("Package: a\nStatus: install ok installed\nVersion: 1\nSource: b (\n\n", "not a source package", 1)]
    public void Analyse_CorruptDatabase_IsAGapAndKeepsTheRest(string text, string detail, int packages)
    {
        FileFacts facts = Analyse(LibSsl + text)!;
        Assert.Equal(packages + 1, facts.Packages.Count);
        Assert.Contains(facts.Gaps, g => g.Code == "package-database-corrupt" && g.Where == Main && g.Detail.Contains(detail));
    }

    [Fact]
    public void Analyse_VeryLongLines_AreReadAndShortened()
    {
        string text = LibSsl.Replace("Description: ", $"Description: {new string('x', 3_000_000)}").Replace("Debian OpenSSL", new string('m', 1_000_000));
        FileFacts facts = Analyse(text)!;
        Assert.Equal(512, Assert.Single(facts.Packages).Maintainer!.Length);
        Assert.Empty(facts.Gaps);
    }

    [Fact]
    public void Analyse_NameOneCharacterTooLong_IsAGap()
    {
        Assert.Single(Analyse($"Package: {new string('a', 1024)}\nVersion: 1\nStatus: install ok installed\n\n")!.Packages);
        FileFacts facts = Analyse($"Package: {new string('a', 1025)}\nVersion: 1\nStatus: install ok installed\n\n")!;
        Assert.Empty(facts.Packages);
        Assert.Single(facts.Gaps);
    }

    [Fact]
    public void Analyse_NothingButFaults_ToldInBoundedNumber()
    {
        FileFacts facts = Analyse(string.Concat(Enumerable.Repeat("junk\n", 100_000)))!;
        Assert.Equal(17, facts.Gaps.Count);
        Assert.Contains("more faults", facts.Gaps[^1].Detail);
    }

    private static FileFacts? Analyse(string text) => new DpkgStatusAnalyser().Analyse(Main, Encoding.UTF8.GetBytes(text));
}
