using Plimsoll.Inspect.Packages;

namespace Plimsoll.Tests.Packages;

public sealed class PurlTests
{
    private static readonly Distribution Debian = new() { Id = "debian", Version = "11", Source = "etc/os-release" };

    [Fact]
    public void Of_DebianPackage_EncodesAsTheSpecificationSays() => Assert.Equal(
        "pkg:deb/debian/libstdc%2B%2B6@1:10.2.1-6%2Bb1~x?arch=amd64&distro=debian-11&upstream=gcc-10%401:10.2.1-6",
        Purl.Of(Deb("libstdc++6", "1:10.2.1-6+b1~x", "gcc-10", "1:10.2.1-6"), Debian));

    [Fact]
    public void Of_SourceOfTheSameName_HasNoUpstream() =>
        Assert.Equal("pkg:deb/debian/bash@5.1-2?arch=amd64&distro=debian-11", Purl.Of(Deb("bash", "5.1-2", "bash", "5.1-2"), Debian));

    [Fact]
    public void Of_AlpinePackage_NamesItsOrigin() => Assert.Equal(
        "pkg:apk/alpine/libssl1.1@1.1.1k-r0?arch=x86_64&distro=alpine-3.13.5&upstream=openssl",
        Purl.Of(
            Deb("libssl1.1", "1.1.1k-r0", "openssl", "1.1.1k-r0") with { Type = "apk", Architecture = "x86_64" },
            new Distribution { Id = "alpine", Version = "3.13.5", Source = "etc/os-release" }));

    [Fact]
    public void Of_HostileNames_StayOneSegment() => Assert.Equal(
        "pkg:deb/a%2Fb/x%2F..%3F%26%23%40y@1%2F2%C3%A9?distro=a%2Fb",
        Purl.Of(Deb("x/..?&#@y", "1/2é", "x/..?&#@y", "1/2é") with { Architecture = "" }, new Distribution { Id = "a/b", Source = "x" }));

    [Fact]
    public void Of_NoDistribution_HasNoNamespace() => Assert.Equal("pkg:deb/a@1?arch=amd64", Purl.Of(Deb("a", "1", "a", "1"), null));

    private static Package Deb(string name, string version, string source, string sourceVersion) => new()
    {
        Type = "deb",
        Name = name,
        Version = version,
        Architecture = "amd64",
        SourceName = source,
        SourceVersion = sourceVersion,
    };
}
