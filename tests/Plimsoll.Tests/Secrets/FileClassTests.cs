using System.Text;
using Plimsoll.Inspect.Secrets;

namespace Plimsoll.Tests.Secrets;

public sealed class FileClassTests
{
    [Theory]
    [InlineData("usr/share/doc/openssl/README.md", true)]
    [InlineData("srv/app/node_modules/x/dist/x.js.map", true)]
    [InlineData("srv/app/node_modules/x/index.js", false)]
    [InlineData("srv/app/docs/keys.md", false)]
    [InlineData("srv/app/test/fixtures/key.pem", false)]
    [InlineData("var/lib/apt/lists/deb.debian.org_Packages", true)]
    [InlineData("root/.env", false)]
    [InlineData("srv/app/node_modules/x/notes.txt", true)]
    [InlineData("usr/lib/x/keys.txt", true)]
    [InlineData("srv/app/keys.txt", false)]
    public void IsBeyondRules_Path_IsTrueOnlyOfWhatIsPublicAndNoCode(string path, bool expected) => Assert.Equal(expected, FileClasses.Of(path).IsBeyondRules());

    [Theory]
    [InlineData("USR/Share/Doc/x")]
    [InlineData("etc/Caf\u00e9/.ENV.example")]
    [InlineData("srv/NODE_MODULES/\u4e2d\u6587/Test_x.PY")]
    [InlineData("Makefile")]
    [InlineData("")]
    public void Of_BytesOfAPath_SaysTheSameAsOfItsText(string path) => Assert.Equal(FileClasses.Of(path), FileClasses.Of(Encoding.UTF8.GetBytes(path)));

    [Fact]
    public void Of_VeryLongPath_IsRead() =>
        Assert.True(FileClasses.Of("usr/lib/" + new string('a', 5000) + "/x.map").IsBeyondRules());

    /// <summary>Debian's perl is one file under both names: were one of them a manual page, every such layer would have to be read twice.</summary>
    [Fact]
    public void Of_ProgramWhoseVersionLooksLikeASection_IsNoManualPage()
    {
        Assert.Equal(FileClasses.Of("usr/bin/perl"), FileClasses.Of("usr/bin/perl5.32.1"));
        Assert.False(FileClasses.Of("usr/bin/perl5.32.1").IsBeyondRules());
        Assert.True(FileClasses.Of("usr/share/man/man1/perl.1").IsBeyondRules());
    }
}
