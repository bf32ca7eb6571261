using System.Text;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Tests.Layers;

public sealed class HarmlessNamesTests
{
    [Theory]
    [InlineData("usr/share/doc/a.txt", true)]
    [InlineData("a.PNG", true)]
    [InlineData("usr/share/man/man1/ls.1.gz", true)]
    [InlineData("usr/lib/x.md5sums", true)]
    [InlineData("usr/bin/ls", false)]
    [InlineData("usr/lib/libc.so.6", false)]
    [InlineData("usr/lib/libcrypto.so.3", false)]
    [InlineData("usr/lib/libc.so", false)]
    [InlineData("opt.txt/program", false)]
    [InlineData("opt/program.", false)]
    [InlineData("opt/x.verylongending", false)]
    [InlineData("opt/a.jar", false)]
    [InlineData("", false)]
    public void Holds_ByTheEnding(string path, bool harmless) => Assert.Equal(harmless, HarmlessNames.Holds(Encoding.UTF8.GetBytes(path)));
}
