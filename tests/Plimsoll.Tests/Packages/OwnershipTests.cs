using System.Text;
using Plimsoll.Inspect.Packages;

namespace Plimsoll.Tests.Packages;

public sealed class OwnershipTests
{
    [Theory]
    [InlineData("usr/lib/python3.9/site-packages/a-1.dist-info/METADATA", true)]
    [InlineData("usr/lib64/python3.9/site-packages/a-1.egg-info/PKG-INFO", true)]
    [InlineData("usr/share/java/a.jar", true)]
    [InlineData("usr/share/gems/specifications/a-1.gemspec", true)]
    [InlineData("usr/lib/node_modules/npm/package.json", true)]
    [InlineData("usr/bin/node", true)]
    [InlineData("sbin/init", true)]
    [InlineData("usr/libexec/git-core/git", true)]
    [InlineData("opt/app/a.jar", false)]
    [InlineData("usr/share/doc/a/README", false)]
    [InlineData("etc/a.conf", false)]
    [InlineData("usr", false)]
    [InlineData("", false)]
    public void MayMatter_Path_IsWanted(string path, bool wanted) => Assert.Equal(wanted, Ownership.MayMatter(Encoding.UTF8.GetBytes(path)));
}
