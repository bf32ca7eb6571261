using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Gentoo;

namespace Plimsoll.Tests.Packages.Gentoo;

public sealed class PortageAnalyserTests
{
    [Theory]
    [InlineData("sys-libs", "glibc-2.38-r10", "sys-libs/glibc", "2.38-r10")]
    [InlineData("app-text", "docbook-xml-dtd-4.1.2-r7", "app-text/docbook-xml-dtd", "4.1.2-r7")]
    [InlineData("media-libs", "x264-0.0.20231114", "media-libs/x264", "0.0.20231114")]
    [InlineData("dev-lang", "python-3.12.1_p1", "dev-lang/python", "3.12.1_p1")]
    public void Analyse_Folder_IsNameAndVersion(string category, string folder, string name, string version)
    {
        FileFacts facts = new PortageAnalyser().Analyse($"var/db/pkg/{category}/{folder}/PF", Encoding.UTF8.GetBytes(folder + "\n"))!;

        Package package = Assert.Single(facts.Packages);
        Assert.Empty(facts.Gaps);
        Assert.Equal(("ebuild", name, version), (package.Type, package.Name, package.Version));
    }

    [Theory]
    [InlineData("var/db/pkg/a/b/PF", "b")]
    [InlineData("var/db/pkg/a/b-1/PF", "b-2")]
    public void Analyse_FolderThatIsNoPackageOrAnotherOne_IsAGap(string path, string content) =>
        Assert.Equal("package-database-corrupt", Assert.Single(new PortageAnalyser().Analyse(path, Encoding.UTF8.GetBytes(content))!.Gaps).Code);

    [Fact]
    public void Analyse_Licence_GoesToThePackage() =>
        Assert.Equal(["GPL-2 LGPL-2.1"], new PortageAnalyser().Analyse("var/db/pkg/a/b-1/LICENSE", "GPL-2 LGPL-2.1\n"u8.ToArray())!.LicencesOf!["a/b"]);

    [Theory]
    [InlineData("var/db/pkg/a/b-1/PF", true)]
    [InlineData("var/db/pkg/a/b-1/LICENSE", true)]
    [InlineData("var/db/pkg/a/b-1/CONTENTS", false)]
    [InlineData("var/db/pkg/a/PF", false)]
    [InlineData("var/db/pkg/a/b/c/PF", false)]
    public void Wants_Path_NamesAPackage(string path, bool wanted) => Assert.Equal(wanted, new PortageAnalyser().Wants(Encoding.UTF8.GetBytes(path)));
}
