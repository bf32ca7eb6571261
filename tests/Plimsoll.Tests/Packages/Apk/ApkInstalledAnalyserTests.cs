using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Apk;

namespace Plimsoll.Tests.Packages.Apk;

public sealed class ApkInstalledAnalyserTests
{
    private const string Ssl = """
        C:Q1abc=
        P:libssl1.1
        V:1.1.1k-r0
        A:x86_64
        S:213024
        L:OpenSSL
        o:openssl
        m:Timo Teras <timo@example.org>
        F:lib
        R:libssl.so.1.1
        a:0:0:755
        Z:Q1def=


        """;

    [Fact]
    public void Analyse_Record_GivesEveryField()
    {
        FileFacts facts = Analyse(Ssl);
        Package package = Assert.Single(facts.Packages);
        Assert.Equal(("apk", "libssl1.1", "1.1.1k-r0", "x86_64", "openssl", "1.1.1k-r0"),
            (package.Type, package.Name, package.Version, package.Architecture, package.SourceName, package.SourceVersion));
        Assert.Equal(["OpenSSL"], package.Licences);
        Assert.Empty(facts.Gaps);
    }

    [Theory]
    [InlineData("P:a\n\n", "no usable V", 0)]
    [InlineData("V:1\n\n", "no usable P", 0)]
    [InlineData("P:a\nV:1\nV:2\n\n", "stands twice", 1)]
    [InlineData("P:a\nV:1\n\u0001\u0002\n\n", "is no field", 1)]
    [InlineData("P:a\nV:1", "ends within a line", 1)]
    public void Analyse_CorruptDatabase_IsAGapAndKeepsTheRest(string text, string detail, int packages)
    {
        FileFacts facts = Analyse(Ssl + text);
        Assert.Equal(packages + 1, facts.Packages.Count);
        Assert.Contains(facts.Gaps, g => g.Code == "package-database-corrupt" && g.Detail.Contains(detail));
    }

    [Fact]
    public void Wants_BothPlaces()
    {
        Assert.True(new ApkInstalledAnalyser().Wants("lib/apk/db/installed"u8));
        Assert.True(new ApkInstalledAnalyser().Wants("usr/lib/apk/db/installed"u8));
        Assert.False(new ApkInstalledAnalyser().Wants("lib/apk/db/installed2"u8));
    }

    private static FileFacts Analyse(string text) => new ApkInstalledAnalyser().Analyse("lib/apk/db/installed", Encoding.UTF8.GetBytes(text))!;
}
