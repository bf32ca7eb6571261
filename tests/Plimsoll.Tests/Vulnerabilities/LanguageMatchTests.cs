using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Vulnerabilities;

public sealed class LanguageMatchTests : IDisposable
{
    private readonly MemoryAdvisoryStore _store = new();

    public void Dispose() => _store.Dispose();

    private void Add(string ecosystem, string name, string id, string events, string extra = "") => _store.Add(
        $$"""{"id":"{{id}}",{{extra}}"affected":[{"package":{"ecosystem":"{{ecosystem}}","name":"{{name}}"},"ranges":[{"type":"ECOSYSTEM","events":[{{events}}]}]}]}""");

    private MatchResult Match(params InstalledPackage[] packages) =>
        Images.Match(new Inventory { Packages = packages }, _store, DateTimeOffset.UnixEpoch);

    private MatchResult MatchOnDebian(params InstalledPackage[] packages) =>
        Images.Match(Images.Debian("11", [Images.Deb("libc6", "2.31-13"), .. packages]), _store, DateTimeOffset.UnixEpoch);

    private const string BelowTwo = """{"introduced":"0"},{"fixed":"2.0"}""";

    [Theory]
    [InlineData("npm", "npm", "@a/b", "@a/b", "1.9.9", "2.0.0")]
    [InlineData("pypi", "PyPI", "Foo_Bar", "foo-bar", "2.0rc1", "2.0.post1")]
    [InlineData("maven", "Maven", "g:a", "g:a", "2.0-SNAPSHOT", "2.0.0.Final")]
    [InlineData("golang", "Go", "example.org/m", "example.org/m", "v2.0.0-20200101000000-abcdefabcdef", "v2.0.0+incompatible")]
    [InlineData("golang", "Go", "stdlib", "stdlib", "2.0rc1", "2.0.1")]
    [InlineData("cargo", "crates.io", "c", "c", "2.0.0-beta.1", "2.0.0")]
    [InlineData("nuget", "NuGet", "Newtonsoft.Json", "newtonsoft.json", "2.0-BETA", "2.0.0.0")]
    [InlineData("gem", "RubyGems", "rack", "rack", "2.0.pre1", "2.0.0")]
    [InlineData("composer", "Packagist", "Symfony/Yaml", "symfony/yaml", "v2.0-RC1", "v2.0.0")]
    [InlineData("pub", "Pub", "http", "http", "2.0.0-dev", "2.0.0+1")]
    [InlineData("hex", "Hex", "plug", "plug", "1.9.0", "2.0.0")]
    [InlineData("swift", "SwiftURL", "https://github.com/apple/swift-nio", "https://github.com/Apple/swift-nio.git", "1.0.0", "2.0.0")]
    [InlineData("cran", "CRAN", "jsonlite", "jsonlite", "1.9-5", "2.0")]
    [InlineData("hackage", "Hackage", "text", "text", "1.2.5", "2.0")]
    public void Match_PackageOfALanguage_IsAskedInItsEcosystemAndOrder(string type, string ecosystem, string recordName, string name, string below, string at)
    {
        Add(ecosystem, recordName, "X-1", BelowTwo);
        Finding finding = Assert.Single(Match(Images.Language(type, name, below, "app/lock"), Images.Language(type, name, at, "app/lock2")).Findings);
        Assert.Equal((below, "2.0", "fixed"), (finding.Package.Package.Version, finding.FixedVersion, finding.Status));
        Assert.Equal((ecosystem, name, below), (finding.Matches[0].Ecosystem, finding.Matches[0].Package, finding.Matches[0].Version));
    }

    [Fact]
    public void Match_ScratchImageWithOneProgram_IsDecided()
    {
        Add("Go", "example.org/m", "GO-1", BelowTwo);
        MatchResult result = Match(Images.Language("golang", "example.org/other", "v1.0.0", "app"));
        Assert.Empty(result.Findings);
        Assert.Empty(result.Notes);
        Assert.Empty(result.Gaps);
    }

    [Fact]
    public void Match_EcosystemWithoutRecords_IsUndecidedOncePerEcosystem()
    {
        Add("Go", "example.org/m", "GO-1", BelowTwo);
        MatchResult result = Match(
            Images.Language("npm", "a", "1", "x"), Images.Language("npm", "b", "1", "x"), Images.Language("conda", "c", "1", "y"),
            Images.Language("generic", "redis", "7.0", "z"), Images.Language("golang", "m", "v1", "w"));
        Assert.Equal(
            [("no-advisories-for-ecosystem", true, "conda 1"), ("programs-not-looked-up", false, "1"), ("no-advisories-for-ecosystem", true, "npm 2")],
            result.Notes.Select(n => (n.Code, n.Undecided, string.Join(' ', n.Arguments))));
        Assert.All(result.Notes, n => Assert.All([Language.English, Language.Chinese], l => Assert.DoesNotContain("?", ReportTexts.Of(n, l), StringComparison.Ordinal)));
    }

    [Fact]
    public void Match_FileOfTheDistribution_IsDecidedByItsAdvisories()
    {
        Add("PyPI", "pyyaml", "PYSEC-1", BelowTwo, """ "aliases":["CVE-2020-1"], """);
        InstalledPackage owned = Images.Language("pypi", "PyYAML", "1.0", "usr/lib/python3/dist-packages/PyYAML.egg-info", ownedBy: "deb/python3-yaml");
        InstalledPackage owner = Images.Deb("python3-yaml", "1.0-3", "pyyaml");
        // Nothing decides where the distribution has no advisories: the finding counts.
        Assert.Null(Assert.Single(MatchOnDebian(owned, owner).Findings).Suppressed);
        Add("Debian:11", "pyyaml", "DSA-1", """{"introduced":"0"},{"fixed":"1.0-2"}""", """ "upstream":["CVE-2020-1"], """);
        Finding finding = Assert.Single(MatchOnDebian(owned, owner).Findings);
        Assert.Equal(("CVE-2020-1", Matcher.ByDistribution, "owned by deb/python3-yaml; its distribution's advisories decide"), (finding.Id, finding.Suppressed?.Source, finding.Suppressed?.Reason));
        // The same package from elsewhere counts, and the distribution's own finding is one of its own.
        MatchResult all = MatchOnDebian(owned, Images.Language("pypi", "PyYAML", "1.0", "opt/app/PyYAML.dist-info"), Images.Deb("python3-yaml", "1.0-1", "pyyaml"));
        Assert.Equal([null, "distribution", null], all.Findings.Select(f => f.Suppressed?.Source));
        Assert.All(all.Findings, f => Assert.Equal("CVE-2020-1", f.Id));
    }

    [Fact]
    public void Match_OwnedPackageWithoutLanguageAdvisories_IsNoGap()
    {
        Add("Debian:11", "p", "DSA-1", BelowTwo);
        Assert.Empty(MatchOnDebian(Images.Language("pypi", "p", "1", "usr/lib/p", ownedBy: "deb/python3-p"), Images.Deb("python3-p", "3", "p")).Notes);
    }

    [Theory]
    [InlineData("deb/vendor-search", "a vendor's package, of which the distribution knows nothing")]
    [InlineData("deb/absent", "a package that is not there")]
    [InlineData("apk/log4j", "a package of another distribution, planted beside")]
    [InlineData("deb", "no package")]
    public void Match_OwnerThatTheDistributionsAdvisoriesDoNotKnow_HidesNothing(string owner, string why)
    {
        Add("Debian:11", "openssl", "DSA-1", BelowTwo);
        Add("Debian:11", "absent", "DSA-2", BelowTwo);
        Add("Debian:11", "log4j", "DSA-3", BelowTwo);
        Add("Maven", "log4j:core", "GHSA-1", BelowTwo);
        Finding finding = Assert.Single(
            MatchOnDebian(Images.Deb("vendor-search", "7"), Images.Apk("log4j", "1"), Images.Language("maven", "log4j:core", "1", "usr/share/search/lib/core.jar", ownedBy: owner)).Findings);
        Assert.True(finding is { Id: "GHSA-1", Suppressed: null }, why);
    }

    [Fact]
    public void Match_OwnedByAVendorWhereTheLanguageIsNotCovered_IsUndecided()
    {
        Add("Debian:11", "openssl", "DSA-1", BelowTwo);
        Assert.Contains(MatchOnDebian(Images.Deb("vendor", "7"), Images.Language("maven", "g:a", "1", "usr/share/vendor/a.jar", ownedBy: "deb/vendor")).Notes,
            n => n is { Code: MatchNotes.NoAdvisoriesForEcosystem, Undecided: true });
    }

    [Fact]
    public void Match_DevelopmentMarkOnWhatIsInstalled_HidesNothing()
    {
        Add("npm", "a", "GHSA-1", BelowTwo);
        InstalledPackage planted = Images.Language("npm", "a", "1.0.0", "app/node_modules/a/package.json", development: true);
        Assert.Null(Assert.Single(Match(planted with { Package = planted.Package with { Evidence = PackageEvidence.Installed } }).Findings).Suppressed);
    }

    [Theory]
    [InlineData("3.0.9-1+deb12u1", true)]
    [InlineData("3.0.9-1~deb12u1", true)]
    [InlineData("1.1.1n-0+deb11u4", false)]
    [InlineData("1.1.1n-0+deb10u4", false)]
    [InlineData("3.0.9-1+deb12u1~bpo11+1", false)]
    [InlineData("5:24.0.7-1~debian.12~bookworm", false)]
    [InlineData("1+deb", false)]
    [InlineData("deb12u1", false)]
    [InlineData("1+deb99999999999u1", false)]
    public void Match_PackagesOfALaterReleaseThanClaimed_AreUndecided(string version, bool undecided)
    {
        Add("Debian:11", "p", "DSA-1", BelowTwo);
        MatchResult result = Images.Match(Images.Debian("11", Images.Deb("p", version)), _store, DateTimeOffset.UnixEpoch);
        Assert.Equal(undecided, result.Notes.Any(n => n is { Code: MatchNotes.NewerReleasePackages, Undecided: true }));
        Assert.All(result.Notes, n => Assert.All([Language.English, Language.Chinese], l => Assert.DoesNotContain("?", ReportTexts.Of(n, l), StringComparison.Ordinal)));
    }

    [Fact]
    public void Match_MaliciousDevelopmentDependency_Counts()
    {
        Add("npm", "evil", "MAL-2024-1", """{"introduced":"0"}""");
        Assert.Null(Assert.Single(Match(Images.Language("npm", "evil", "1.0.0", "app/package-lock.json", development: true)).Findings).Suppressed);
    }

    [Fact]
    public void Match_DevelopmentDependency_IsTellableButDoesNotCount()
    {
        Add("npm", "a", "GHSA-1", BelowTwo);
        Finding finding = Assert.Single(Match(Images.Language("npm", "a", "1.0.0", "app/package-lock.json", development: true)).Findings);
        Assert.Equal((Matcher.ByLockFile, "development dependency named by a lock file"), (finding.Suppressed?.Source, finding.Suppressed?.Reason));
    }

    [Fact]
    public void Match_RecordsOfManySourcesOnOneFlaw_AreOneFinding()
    {
        Add("PyPI", "p", "PYSEC-1", BelowTwo, """ "aliases":["CVE-2020-1","GHSA-1"], """);
        Add("PyPI", "p", "GHSA-1", """{"introduced":"0"},{"fixed":"2.1"}""", """ "aliases":["CVE-2020-1"], """);
        Add("PyPI", "p", "VENDOR-1", BelowTwo, """ "aliases":["GHSA-1"], """);
        Finding finding = Assert.Single(Match(Images.Language("pypi", "p", "1", "x")).Findings);
        Assert.Equal(("CVE-2020-1", "2.1"), (finding.Id, finding.FixedVersion));
        Assert.Equal(["GHSA-1", "PYSEC-1", "VENDOR-1"], finding.Matches.Select(m => m.AdvisoryId));
    }

    [Fact]
    public void Match_MaliciousPackage_IsCriticalAndSaysSo()
    {
        Add("npm", "evil", "MAL-2024-1", """{"introduced":"0"}""", """ "summary":"Malicious code in evil (npm)", """);
        Finding finding = Assert.Single(Match(Images.Language("npm", "evil", "1.0.0", "x")).Findings);
        Assert.Equal((true, Severity.Critical, "malicious package (MAL-2024-1)", "Malicious code in evil (npm)"), (finding.Malicious, finding.Severity, finding.SeverityFrom, finding.Title));
    }

    [Fact]
    public void Match_KnownNumbers_StandInTheFinding()
    {
        Add("npm", "a", "GHSA-1", BelowTwo, """ "aliases":["CVE-2020-1"],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:H"},{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}], """);
        _store.AddEpss("CVE-2020-1", 0.25, 0.75).AddKnownExploited("CVE-2020-1", "2021-01-01");
        Finding finding = Assert.Single(Match(Images.Language("npm", "a", "1.0.0", "x")).Findings);
        Assert.Equal((new Epss(0.25, 0.75), "2021-01-01", 8.6, "CVSS 4.0 of GHSA-1", Severity.High), (finding.Epss, finding.KnownExploited, finding.Score, finding.SeverityFrom, finding.Severity));
    }

    [Fact]
    public void Match_UnreadableVersions_AreGapsAndNeverClean()
    {
        Add("PyPI", "p", "PYSEC-1", BelowTwo);
        Add("PyPI", "q", "PYSEC-2", """{"introduced":"0"},{"fixed":"not a version"}""");
        MatchResult result = Match(Images.Language("pypi", "p", "unknown", "x"), Images.Language("pypi", "q", "1", "x"), Images.Language("pypi", "r", "unknown", "x"));
        Assert.Equal(["version-unreadable", "advisory-unreadable"], result.Gaps.Select(g => g.Code));
        Assert.Empty(result.Findings);
    }

    [Fact]
    public void Match_ListedVersions_DecideWhereTheRangeCannotBeRead()
    {
        _store.Add("""{"id":"PYSEC-1","affected":[{"package":{"ecosystem":"PyPI","name":"p"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"not a version"}]}],"versions":["1.0","1.1"]}]}""");
        MatchResult result = Match(Images.Language("pypi", "p", "1.0.0", "x"), Images.Language("pypi", "p", "1.2", "y"));
        Assert.Equal("1.0.0", Assert.Single(result.Findings).Package.Package.Version);
        Assert.Empty(result.Gaps);
    }

    [Theory]
    [InlineData("nodejs:18", "1:18.1-1.module_el8+1", true)]
    [InlineData("nodejs:18", "1:18.3-1.module_el8+1", false)]
    [InlineData("nodejs:16", "1:16.1-1.module_el8+1", false)]
    [InlineData(null, "1:16.1-1.el8", false)]
    [InlineData(null, "1:16.1-1.module_el8+1", true)]
    public void Concerns_Module_KeepsStreamsApart(string? module, string version, bool affected)
    {
        Affected record = new()
        {
            Advisory = new Advisory { Id = "ALSA-1", Source = "AlmaLinux", Summary = "Important: nodejs:18 security update" },
            Ecosystem = "AlmaLinux:8",
            Package = "nodejs",
            Ranges = [new AffectedRange("ECOSYSTEM", [new RangeEvent("introduced", "0"), new RangeEvent("fixed", "1:18.2-1.module_el8+9")])],
        };
        Package package = new() { Type = "rpm", Name = "nodejs", Version = version, SourceName = "nodejs", SourceVersion = version, Module = module };
        bool found = RpmRecords.Concerning(package, [record]).Count > 0 && string.CompareOrdinal(version, "1:18.2-1.module_el8+9") < 0;
        Assert.Equal(affected, found);
    }
}
