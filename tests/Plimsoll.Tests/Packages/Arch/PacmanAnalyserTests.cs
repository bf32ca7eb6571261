using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Arch;

namespace Plimsoll.Tests.Packages.Arch;

public sealed class PacmanAnalyserTests
{
    private const string Place = "var/lib/pacman/local/openssl-1:3.3.1-1/desc";

    [Fact]
    public void Analyse_Desc_IsAPackage()
    {
        const string text = "%NAME%\nlibxml2-utils\n\n%VERSION%\n1:3.3.1-1\n\n%BASE%\nlibxml2\n\n%ARCH%\nx86_64\n\n%LICENSE%\nMIT\nApache-2.0\n\n%PACKAGER%\nA <a@example.org>\n\n%DESC%\n%NAME%\n";

        FileFacts facts = new PacmanAnalyser().Analyse(Place, Encoding.UTF8.GetBytes(text))!;

        Package package = Assert.Single(facts.Packages);
        Assert.Empty(facts.Gaps);
        Assert.Equal(("alpm", "libxml2-utils", "1:3.3.1-1", "libxml2", "x86_64", "A <a@example.org>"),
            (package.Type, package.Name, package.Version, package.SourceName, package.Architecture, package.Maintainer));
        Assert.Equal(["MIT", "Apache-2.0"], package.Licences);
    }

    [Theory]
    [InlineData("")]
    [InlineData("%NAME%\nx\n")]
    [InlineData("%NAME%\n\n%VERSION%\n1\n")]
    public void Analyse_WithoutNameOrVersion_IsAGap(string text) =>
        Assert.Equal("package-database-corrupt", Assert.Single(new PacmanAnalyser().Analyse(Place, Encoding.UTF8.GetBytes(text))!.Gaps).Code);

    [Theory]
    [InlineData(Place, true)]
    [InlineData("var/lib/pacman/local/desc", false)]
    [InlineData("var/lib/pacman/local/a/b/desc", false)]
    [InlineData("var/lib/pacman/local/a/files", false)]
    public void Wants_Path_IsADesc(string path, bool wanted) => Assert.Equal(wanted, new PacmanAnalyser().Wants(Encoding.UTF8.GetBytes(path)));
}
