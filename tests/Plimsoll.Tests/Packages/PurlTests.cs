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

    /// <remarks>Forms from purl-spec's type definitions; a package of a language has nothing of the distribution it lies in.</remarks>
    [Theory]
    [InlineData("npm", "@angular/animation", "12.3.1", "", "pkg:npm/%40angular/animation@12.3.1")]
    [InlineData("npm", "foobar", "12.3.1", "", "pkg:npm/foobar@12.3.1")]
    [InlineData("pypi", "Django_package", "1.11.1.dev1", "", "pkg:pypi/django-package@1.11.1.dev1")]
    [InlineData("maven", "org.apache.commons:io", "1.3.4", "", "pkg:maven/org.apache.commons/io@1.3.4")]
    [InlineData("maven", "HTTPClient:HTTPClient", "0.3-3", "", "pkg:maven/HTTPClient/HTTPClient@0.3-3")]
    [InlineData("golang", "github.com/Azure/go-ansiterm", "v0.0.0-2017", "", "pkg:golang/github.com/azure/go-ansiterm@v0.0.0-2017")]
    [InlineData("golang", "stdlib", "1.22.1", "", "pkg:golang/stdlib@1.22.1")]
    [InlineData("composer", "Laravel/laravel", "5.5.0", "", "pkg:composer/laravel/laravel@5.5.0")]
    [InlineData("nuget", "EnterpriseLibrary.Common", "6.0.1304", "", "pkg:nuget/EnterpriseLibrary.Common@6.0.1304")]
    [InlineData("gem", "jruby-launcher", "1.1.2", "java", "pkg:gem/jruby-launcher@1.1.2?platform=java")]
    [InlineData("cargo", "rand", "0.7.2", "", "pkg:cargo/rand@0.7.2")]
    [InlineData("pub", "characters", "1.2.0", "", "pkg:pub/characters@1.2.0")]
    [InlineData("hex", "acme/foo", "2.3.0", "", "pkg:hex/acme/foo@2.3.0")]
    [InlineData("swift", "github.com/Alamofire/Alamofire", "5.4.3", "", "pkg:swift/github.com/Alamofire/Alamofire@5.4.3")]
    [InlineData("conda", "absl-py", "0.4.1", "linux-64", "pkg:conda/absl-py@0.4.1?subdir=linux-64")]
    [InlineData("cocoapods", "AFNetworking", "4.0.1", "", "pkg:cocoapods/AFNetworking@4.0.1")]
    [InlineData("generic", "openssl", "1.1.10g", "", "pkg:generic/openssl@1.1.10g")]
    public void Of_LanguagePackage_FollowsItsType(string type, string name, string version, string architecture, string purl)
    {
        Package package = Deb(name, version, name, version) with { Type = type, Architecture = architecture };

        Assert.Equal(purl, Purl.Of(package, Debian));
        Assert.True(Purl.TryParse(purl, out PurlParts? parts));
        Assert.Equal(type, parts.Type);
        Assert.Equal(version, parts.Version);
        Assert.Equal(purl, Purl.Of(package with { Name = parts.PackageName, Version = parts.PackageVersion }, null));
    }

    [Fact]
    public void Of_RpmWithEpoch_HasItAsQualifier()
    {
        Package package = Deb("PackageKit", "1:1.2-3.el9", "PackageKit", "1:1.2-3.el9") with { Type = "rpm", Architecture = "x86_64", Module = "nodejs:18" };

        string purl = Purl.Of(package, new Distribution { Id = "rhel", Version = "9", Source = "x" });

        Assert.Equal("pkg:rpm/rhel/PackageKit@1.2-3.el9?arch=x86_64&distro=rhel-9&epoch=1&rpmmod=nodejs:18", purl);
        Assert.True(Purl.TryParse(purl, out PurlParts? parts));
        Assert.Equal(("PackageKit", "1:1.2-3.el9"), (parts.PackageName, parts.PackageVersion));
    }

    [Fact]
    public void Of_ArchAndGentoo_HaveDistributionAndCategory()
    {
        Assert.Equal("pkg:alpm/arch/containers-common@1:0.47.4-4?arch=x86_64&distro=arch",
            Purl.Of(Deb("containers-common", "1:0.47.4-4", "containers-common", "1:0.47.4-4") with { Type = "alpm", Architecture = "x86_64" }, new Distribution { Id = "arch", Source = "x" }));
        Assert.Equal("pkg:ebuild/dev-libs/openssl@3.0.1?distro=gentoo",
            Purl.Of(Deb("dev-libs/openssl", "3.0.1", "dev-libs/openssl", "3.0.1") with { Type = "ebuild", Architecture = "" }, new Distribution { Id = "gentoo", Source = "x" }));
    }

    /// <remarks>Cases of purl-spec's test-suite-data.json.</remarks>
    [Theory]
    [InlineData("pkg:GOLANG/google.golang.org/genproto@abcdedf#/googleapis/api/annotations/", "golang|google.golang.org|genproto|abcdedf||googleapis/api/annotations")]
    [InlineData("pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie", "deb|debian|curl|7.50.3-1|arch=i386,distro=jessie|")]
    [InlineData("pkg:docker/customer/dockerimage@sha256:244fd47e07d1004f0aed9c?repository_url=gcr.io", "docker|customer|dockerimage|sha256:244fd47e07d1004f0aed9c|repository_url=gcr.io|")]
    [InlineData("pkg:gem/jruby-launcher@1.1.2?Platform=java", "gem||jruby-launcher|1.1.2|platform=java|")]
    [InlineData("pkg:npm/%40angular/animation@12.3.1", "npm|@angular|animation|12.3.1||")]
    [InlineData("pkg:npm/@angular/animation@12.3.1", "npm|@angular|animation|12.3.1||")]
    [InlineData("pkg:npm/@angular/animation", "npm|@angular|animation|||")]
    [InlineData("pkg:///maven/org.apache.commons/io", "maven|org.apache.commons|io|||")]
    [InlineData("pkg:maven/mygroup/myartifact@1.0.0%20Final?mykey=my%20value", "maven|mygroup|myartifact|1.0.0 Final|mykey=my value|")]
    [InlineData("pkg:npm/packageurl-js@0.0.7?vcs_url=git%2Bhttps%3A%2F%2Fgithub.com%2Fa.git", "npm||packageurl-js|0.0.7|vcs_url=git+https://github.com/a.git|")]
    public void TryParse_SpecificationsCases_GivesTheParts(string purl, string expected)
    {
        Assert.True(Purl.TryParse(purl, out PurlParts? p));
        Assert.Equal(expected, $"{p.Type}|{p.Namespace}|{p.Name}|{p.Version}|{string.Join(',', p.Qualifiers.Select(q => $"{q.Key}={q.Value}"))}|{p.Subpath}");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("EnterpriseLibrary.Common@6.0.1304")]
    [InlineData("pkg:EnterpriseLibrary.Common@6.0.1304")]
    [InlineData("pkg:maven/@1.3.4")]
    [InlineData("pkg:hackage")]
    [InlineData("pkg:1npm/a@1")]
    [InlineData("pkg:npm/")]
    [InlineData("pkg:npm/myartifact@1.0.0?in%20production=true")]
    public void TryParse_NotAPurl_IsFalse(string? text) => Assert.False(Purl.TryParse(text, out _));

    [Fact]
    public void TryParse_OneCharacterTooLong_IsFalse()
    {
        string longest = "pkg:npm/" + new string('a', Purl.MaxLength - 8);

        Assert.True(Purl.TryParse(longest, out _));
        Assert.False(Purl.TryParse(longest + "a", out _));
    }

    [Theory]
    [InlineData("https://github.com/apple/swift-nio.git", "github.com/apple/swift-nio")]
    [InlineData("git@github.com:apple/swift-nio.git", "github.com/apple/swift-nio")]
    [InlineData("ssh://git@example.org:2222/a/b/", "example.org/a/b")]
    public void Repository_Location_IsHostAndPath(string location, string name) => Assert.Equal(name, PackageNames.Repository(location));

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
