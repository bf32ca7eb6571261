using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Dpkg;

namespace Plimsoll.Tests.Packages.Dpkg;

public sealed class DpkgCopyrightAnalyserTests
{
    [Theory]
    [InlineData("usr/share/doc/bash/copyright", true)]
    [InlineData("usr/share/doc/copyright", false)]
    [InlineData("usr/share/doc//copyright", false)]
    [InlineData("usr/share/doc/a/b/copyright", false)]
    public void Wants_Path_OneFolderDeep(string path, bool wanted) =>
        Assert.Equal(wanted, new DpkgCopyrightAnalyser().Wants(Encoding.UTF8.GetBytes(path)));

    [Fact]
    public void Analyse_MachineReadable_MapsWhatIsCertain() => Assert.Equal(
        ["BSD-3-Clause", "GPL-2", "GPL-2.0-or-later OR Apache-2.0", "GPL-3+ with exception", "MIT"],
        Licences("""
            Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
            Files: *
            License: GPL-2+ or Apache-2.0
            Files: a
            License: Expat
            License: BSD-3-clause
             text of it
             License: not-this
            Files: b
            License: GPL-2
            Files: c
            License: GPL-3+ with exception
            """));

    [Fact]
    public void Analyse_FreeText_TakesReferencesToCommonLicences() => Assert.Equal(
        ["Apache-2.0", "GPL-2"],
        Licences("See /usr/share/common-licenses/GPL-2.\nAnd `/usr/share/common-licenses/Apache-2.0'."));

    [Fact]
    public void Analyse_NothingUsable_GivesNothing() => Assert.Null(new DpkgCopyrightAnalyser().Analyse("usr/share/doc/x/copyright", new byte[2_000_000]));

    private static IReadOnlyList<string> Licences(string text)
    {
        FileFacts facts = new DpkgCopyrightAnalyser().Analyse("usr/share/doc/some-package/copyright", Encoding.UTF8.GetBytes(text))!;
        return facts.LicencesOf!["some-package"];
    }
}
