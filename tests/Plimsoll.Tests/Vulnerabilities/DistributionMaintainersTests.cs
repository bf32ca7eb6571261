using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Tests.Vulnerabilities;

public sealed class DistributionMaintainersTests
{
    [Theory]
    [InlineData("deb", "Debian Go Packaging Team <team+pkg-go@tracker.debian.org>", true)]
    [InlineData("deb", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", true)]
    [InlineData("deb", "GNU Libc Maintainers <debian-glibc@lists.debian.org>", true)]
    [InlineData("deb", "Elasticsearch Team <info@elastic.co>", false)]
    [InlineData("deb", "Mallory <m@debian.org.example.com>", false)]
    [InlineData("deb", "Mallory <m@notdebian.org>", false)]
    [InlineData("deb", "debian.org", false)]
    [InlineData("deb", null, false)]
    [InlineData("apk", "Natanael Copa <ncopa@alpinelinux.org>", true)]
    [InlineData("rpm", "AlmaLinux", true)]
    [InlineData("rpm", "Elastic", false)]
    public void Include_Maintainer_TellsTheDistributionsPackagesFromVendors(string type, string? maintainer, bool included) =>
        Assert.Equal(included, DistributionMaintainers.Include(
            new Package { Type = type, Name = "a", Version = "1", SourceName = "a", SourceVersion = "1", Maintainer = maintainer }));
}
