using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Tests.Vulnerabilities;

public sealed class ReleaseTests
{
    private static Release Of(string id, string version, string? pretty = null, params string[] like) =>
        Release.Of(new Distribution { Id = id, Version = version, PrettyName = pretty, Like = like, Source = "etc/os-release" });

    [Theory]
    [InlineData("debian", "12", "deb", "Debian:12", false)]
    [InlineData("debian", "12.5", "deb", "Debian:12", false)]
    [InlineData("debian", "", "deb", null, false)]
    [InlineData("ubuntu", "22.04", "deb", "Ubuntu:22.04:LTS", false)]
    [InlineData("ubuntu", "22.10", "deb", "Ubuntu:22.10", false)]
    [InlineData("ubuntu", "23.04", "deb", "Ubuntu:23.04", false)]
    [InlineData("ubuntu", "26.04", "deb", "Ubuntu:26.04:LTS", false)]
    [InlineData("alpine", "3.18.4", "apk", "Alpine:v3.18", false)]
    [InlineData("alpine", "3.19_alpha20230901", "apk", null, false)]
    [InlineData("wolfi", "20230201", "apk", "Wolfi", false)]
    [InlineData("chainguard", "20230201", "apk", "Chainguard", false)]
    [InlineData("almalinux", "8.9", "rpm", "AlmaLinux:8", true)]
    [InlineData("almalinux", "10.0", "rpm", "AlmaLinux:10", true)]
    [InlineData("rocky", "9.3", "rpm", "Rocky Linux:9", false)]
    [InlineData("rhel", "9.3", "rpm", "Red Hat:enterprise_linux:9::baseos", true)]
    [InlineData("rhel", "", "rpm", null, true)]
    [InlineData("mageia", "9", "rpm", "Mageia:9", false)]
    [InlineData("azurelinux", "3.0", "rpm", "Azure Linux:3", false)]
    [InlineData("mariner", "2.0.20240101", "rpm", "Azure Linux:2", false)]
    [InlineData("photon", "5.0", "rpm", "Photon OS:5.0", false)]
    [InlineData("opensuse-leap", "15.5", "rpm", "openSUSE:Leap 15.5", false)]
    [InlineData("opensuse-tumbleweed", "20240101", "rpm", "openSUSE:Tumbleweed", false)]
    [InlineData("sles", "15.4", "rpm", "SUSE:Linux Enterprise Server 15 SP4", false)]
    [InlineData("sles", "12", "rpm", "SUSE:Linux Enterprise Server 12", false)]
    [InlineData("centos", "8", "rpm", null, false)]
    [InlineData("amzn", "2", "rpm", null, false)]
    [InlineData("ol", "8.9", "rpm", null, false)]
    [InlineData("fedora", "40", "rpm", null, false)]
    [InlineData("anolis", "8.8", "rpm", null, false)]
    [InlineData("kylin", "V10", "rpm", null, false)]
    [InlineData("arch", "", "alpm", null, false)]
    [InlineData("gentoo", "2.14", "ebuild", null, false)]
    [InlineData("unheard-of", "1", null, null, false)]
    [InlineData("almalinux", "8x", "rpm", null, true)]
    public void Of_Distribution_IsItsEcosystem(string id, string version, string? type, string? ecosystem, bool byBinaryName)
    {
        Release release = Of(id, version);

        Assert.Equal((type, ecosystem, byBinaryName), (release.PackageType, release.Ecosystem, release.ByBinaryName));
        Assert.Equal(ecosystem, release.Ecosystems.Count == 0 ? null : release.Ecosystems[0]);
    }

    /// <summary>An ecosystem that is matched and never fetched would be a silence.</summary>
    [Fact]
    public void DefaultEcosystems_AreAllThatReleasesAndLanguagesName()
    {
        IEnumerable<string> distributions = ((string, string)[])
            [
                ("debian", "12"), ("ubuntu", "22.04"), ("echo", "1"), ("alpine", "3.18"), ("wolfi", "1"), ("chainguard", "1"), ("minimos", "1"), ("alpaquita", "23"), ("almalinux", "9"), ("rocky", "9"), ("rhel", "9"),
                ("mageia", "9"), ("openeuler", "22.03"), ("azurelinux", "3.0"), ("photon", "5.0"), ("opensuse-leap", "15.5"), ("opensuse-tumbleweed", "1"), ("sles", "15.4"), ("sle-micro", "5.5"), ("sl-micro", "6.0"),
            ] is var all ? all.SelectMany(d => Of(d.Item1, d.Item2).Ecosystems).Select(RecordBatch.BaseOf) : [];
        IEnumerable<string> languages = ((string[])["npm", "pypi", "maven", "golang", "cargo", "nuget", "gem", "composer", "pub", "hex", "swift", "hackage", "cran"]).Select(t => OsvEcosystems.OfType(t)!);

        Assert.Equal(distributions.Concat(languages).Distinct().Order(StringComparer.Ordinal), UpdateOptions.DefaultEcosystems);
        Assert.All(UpdateOptions.DefaultEcosystems, e => Assert.True(UpdateSource.IsName(e), e));
    }

    [Theory]
    [InlineData("openEuler 22.03 (LTS-SP3)", "openEuler:22.03-LTS-SP3")]
    [InlineData("openEuler 20.03 (LTS)", "openEuler:20.03-LTS")]
    [InlineData("openEuler 23.09", "openEuler:23.09")]
    [InlineData(null, "openEuler:22.03")]
    public void Of_OpenEuler_TakesTheServicePackFromTheName(string? pretty, string ecosystem) =>
        Assert.Equal(ecosystem, Of("openeuler", pretty is null ? "22.03" : pretty.Split(' ')[1], pretty).Ecosystem);

    [Fact]
    public void Of_ReleaseOfSeveralParts_NamesThemAll()
    {
        Assert.Contains("Red Hat:enterprise_linux:9::appstream", Of("rhel", "9.3").Ecosystems);
        Assert.Contains("SUSE:Linux Enterprise Module for Basesystem 15 SP4", Of("sles", "15.4").Ecosystems);
    }

    [Fact]
    public void Of_KinOfAKnownDistribution_HasItsPackagesAndNotItsAdvisories()
    {
        Assert.Equal(("deb", null), (Of("kylin", "v10", null, "debian").PackageType, Of("kylin", "v10", null, "debian").Ecosystem));
        Assert.Equal(("rpm", null), (Of("someones", "8", null, "rhel", "fedora").PackageType, Of("someones", "8", null, "almalinux").Ecosystem));
        Assert.Equal("alpm", Of("someones", "", null, "arch").PackageType);
    }

    [Theory]
    [InlineData("centos", "7", "CentOS Linux 7 (Core)", "2024-06-30")]
    [InlineData("centos", "8", "CentOS Stream 8", "2024-05-31")]
    [InlineData("centos", "8", "CentOS Linux 8", "2021-12-31")]
    [InlineData("almalinux", "8.9", null, "2029-03-01")]
    [InlineData("amzn", "2018.03", null, "2023-12-31")]
    [InlineData("sles", "15.3", null, "2022-12-31")]
    [InlineData("debian", "11.7", null, "2026-08-31")]
    [InlineData("fedora", "99", null, null)]
    public void EndOfLife_Release_IsKnownOrNull(string id, string version, string? pretty, string? date) =>
        Assert.Equal(date, EndOfLife.Of(new Distribution { Id = id, Version = version, PrettyName = pretty, Source = "x" })?.ToString("yyyy-MM-dd"));
}
