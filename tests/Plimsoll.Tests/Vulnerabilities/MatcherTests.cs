using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Vulnerabilities;

public sealed class MatcherTests
{
    private static readonly DateTimeOffset Now = new(2026, 8, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("0.9", false)]
    [InlineData("1.0", true)]
    [InlineData("1.4~", true)]
    [InlineData("1.4", false)]
    [InlineData("2.0", true)]
    [InlineData("2.5", true)]
    [InlineData("2.5+x", false)]
    [InlineData("9:7", true)]
    public void Match_Events_FollowTheOsvEvaluation(string version, bool affected)
    {
        using MemoryAdvisoryStore store = new();
        // Out of order on purpose: the events are sorted by version before they are read.
        store.Add(Record("DSA-1-1", "p", """{"introduced":"2.0"},{"fixed":"1.4"},{"introduced":"1.0"},{"last_affected":"2.5"}""", versions: "\"9:7\""));
        Assert.Equal(affected, Match(store, "p", version).Findings.Count == 1);
    }

    [Theory]
    [InlineData("""{"introduced":"0"},{"fixed":"2"}""", "2", "fixed", "introduced 0, fixed 2")]
    [InlineData("""{"introduced":"0"},{"last_affected":"2"}""", null, "affected", "introduced 0, last affected 2")]
    [InlineData("""{"introduced":"0"}""", null, "affected", "introduced 0")]
    [InlineData("""{"introduced":"0"},{"fixed":"2"},{"introduced":"3"},{"fixed":"4"}""", "2", "fixed", "introduced 0, fixed 2, introduced 3, fixed 4")]
    public void Match_Range_TellsFixAndWhy(string events, string? fix, string status, string range)
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "p", events));
        Finding finding = Assert.Single(Match(store, "p", "1").Findings);
        Assert.Equal((fix, status), (finding.FixedVersion, finding.Status));
        Assert.Equal(range, Assert.Single(finding.Matches).Range);
    }

    [Fact]
    public void Match_Limit_EndsTheRange()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "p", """{"introduced":"0"},{"limit":"2"}"""));
        Assert.Single(Match(store, "p", "1.9").Findings);
        Assert.Empty(Match(store, "p", "2").Findings);
    }

    [Fact]
    public void Match_SourcePackage_IsWhatAdvisoriesSpeakOf()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "openssl", """{"introduced":"0"},{"fixed":"1.1.1n-0+deb11u5"}""", upstream: "\"CVE-2023-0001\",\"CVE-2023-0002\""));
        // The binary rebuild's own version is above the fix; the source version, which counts, is not.
        MatchResult result = Images.Match(Images.Debian("11.7", Images.Deb("libssl1.1", "9", "openssl", "1.1.1n-0+deb11u4"), Images.Deb("openssl-doc", "1")), store, Now);
        Assert.Equal(["CVE-2023-0001", "CVE-2023-0002"], result.Findings.Select(f => f.Id));
        Assert.All(result.Findings, f => Assert.Equal(["DSA-1-1"], f.Aliases));
        Assert.All(result.Findings, f => Assert.Equal("libssl1.1", f.Package.Package.Name));
        Assert.Empty(result.Notes);
        Assert.Empty(result.Gaps);
    }

    [Fact]
    public void Match_OneFlawInThreeRecords_IsOneFindingWithTheHighestFix()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "p", """{"introduced":"0"},{"fixed":"3"}""", upstream: "\"CVE-2023-0001\",\"CVE-2023-0002\""));
        store.Add(Record("DEBIAN-CVE-2023-0001", "p", """{"introduced":"0"},{"fixed":"2"}"""));
        store.Add(Record("GHSA-aaaa-bbbb-cccc", "p", """{"introduced":"0"},{"fixed":"2"}""", aliases: "\"PYSEC-1\""));
        store.Add(Record("PYSEC-1", "other", """{"introduced":"0"}""", aliases: "\"CVE-2023-0001\""));
        IReadOnlyList<Finding> findings = Match(store, "p", "1").Findings;
        Assert.Equal(["CVE-2023-0001", "CVE-2023-0002"], findings.Select(f => f.Id));
        Assert.Equal("3", findings[0].FixedVersion);
        Assert.Equal(["DEBIAN-CVE-2023-0001", "DSA-1-1", "GHSA-aaaa-bbbb-cccc"], findings[0].Matches.Select(m => m.AdvisoryId));
        Assert.Equal(["DEBIAN-CVE-2023-0001", "DSA-1-1", "GHSA-aaaa-bbbb-cccc", "PYSEC-1"], findings[0].Aliases);
        Assert.Equal(["DSA-1-1"], findings[1].Aliases);
    }

    [Fact]
    public void Match_RecordsWithoutCve_AreJoinedOverAliases()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("GHSA-2", "p", """{"introduced":"0"},{"fixed":"2"}""", aliases: "\"X-1\""));
        store.Add(Record("X-1", "p", """{"introduced":"0"}"""));
        store.Add(Record("DSA-9-1", "p", """{"introduced":"0"},{"fixed":"5"}"""));
        IReadOnlyList<Finding> findings = Match(store, "p", "1").Findings;
        Assert.Equal(["DSA-9-1", "GHSA-2"], findings.Select(f => f.Id));
        // One of the joined records knows no fix.
        Assert.Null(findings[1].FixedVersion);
        Assert.Equal(["X-1"], findings[1].Aliases);
    }

    [Fact]
    public void Match_FixThatAnotherRecordAffectsAgain_GoesOn()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "p", """{"introduced":"0"},{"fixed":"2"}""", upstream: "\"CVE-2023-0001\""));
        store.Add(Record("DSA-1-2", "p", """{"introduced":"2"},{"fixed":"2+really"}""", upstream: "\"CVE-2023-0001\""));
        Assert.Equal("2+really", Assert.Single(Match(store, "p", "1").Findings).FixedVersion);
    }

    [Fact]
    public void Match_AlpineFixListedTwice_IsOneFinding()
    {
        using MemoryAdvisoryStore store = new();
        store.Add("""
            {"id":"ALPINE-CVE-2020-7471","upstream":["CVE-2020-7471"],"affected":[
              {"package":{"ecosystem":"Alpine:v3.11","name":"p"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.1-r2"}]}]},
              {"package":{"ecosystem":"Alpine:v3.11","name":"p"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2-r0"}]}]}]}
            """);
        Finding finding = Assert.Single(Images.Match(Images.Of("alpine", "3.11.6", Images.Apk("p-libs", "1.0-r0", "p")), store, Now).Findings);
        Assert.Equal("1.2-r0", finding.FixedVersion);
        Assert.Equal(2, finding.Matches.Count);
    }

    [Theory]
    [InlineData("unimportant", Severity.Negligible, "Debian urgency")]
    [InlineData("low", Severity.Low, "Debian urgency")]
    [InlineData("high**", Severity.High, "Debian urgency")]
    [InlineData("not yet assigned", Severity.High, "CVSS 3.1 of DEBIAN-CVE-2023-0001")]
    public void Match_Severity_UrgencyBeforeVector(string urgency, Severity severity, string from)
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DEBIAN-CVE-2023-0001", "p", """{"introduced":"0"}""", urgency: urgency,
            more: """ "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],"""));
        Finding finding = Assert.Single(Match(store, "p", "1").Findings);
        Assert.Equal((severity, from, 7.5), (finding.Severity, finding.SeverityFrom, finding.Score));
    }

    [Fact]
    public void Match_Severity_ComesFromAnotherEcosystemOnlyForExactlyThisFlaw()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "p", """{"introduced":"0"}""", upstream: "\"CVE-2023-0001\",\"CVE-2023-0002\""));
        store.Add(Record("GHSA-1", "other", """{"introduced":"0"}""", aliases: "\"CVE-2023-0001\"", more: """ "database_specific":{"severity":"CRITICAL"},"""));
        store.Add(Record("ALSA-1", "other", """{"introduced":"0"}""", upstream: "\"CVE-2023-0002\",\"CVE-2023-0003\"", more: """ "database_specific":{"severity":"CRITICAL"},"""));
        IReadOnlyList<Finding> findings = Match(store, "p", "1").Findings;
        Assert.Equal((Severity.Critical, "severity of GHSA-1"), (findings[0].Severity, findings[0].SeverityFrom));
        Assert.Equal((Severity.Unknown, null), (findings[1].Severity, findings[1].SeverityFrom));
        Assert.Contains("GHSA-1", findings[0].Aliases);
    }

    [Theory]
    [InlineData("Important: nodejs:18 security update", "AlmaLinux", Severity.High, "title of ALSA-2024:1")]
    [InlineData("Moderate: bash security update", "AlmaLinux", Severity.Medium, "title of ALSA-2024:1")]
    [InlineData("Critical: bash", "Rocky Linux", Severity.Critical, "title of ALSA-2024:1")]
    [InlineData("nodejs:18 bug fix", "AlmaLinux", Severity.Unknown, null)]
    [InlineData("None: security update", "AlmaLinux", Severity.Unknown, null)]
    [InlineData("Important update", "AlmaLinux", Severity.Unknown, null)]
    [InlineData("critical: in small letters", "AlmaLinux", Severity.Unknown, null)]
    [InlineData("Important: what others write there", "PyPI", Severity.Unknown, null)]
    public void Match_Severity_OfARedHatLikeTitle(string title, string source, Severity severity, string? from)
    {
        using MemoryAdvisoryStore store = new();
        store.Add($$"""{"id":"ALSA-2024:1","upstream":["CVE-2024-1"],"summary":"{{title}}","affected":[{"package":{"ecosystem":"Debian:11","name":"p"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}""", source);
        Finding finding = Assert.Single(Match(store, "p", "1").Findings);
        Assert.Equal((severity, from, null), (finding.Severity, finding.SeverityFrom, finding.Score));
    }

    [Fact]
    public void Match_Severity_TitleOfAnUpdateOnSeveralFlaws_ComesAfterWhatIsSaidOfEach()
    {
        using MemoryAdvisoryStore store = new();
        store.Add("""{"id":"ALSA-2024:1","upstream":["CVE-2024-1","CVE-2024-2"],"summary":"Critical: p security update","affected":[{"package":{"ecosystem":"Debian:11","name":"p"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}""", "AlmaLinux");
        store.Add("""{"id":"GHSA-1","aliases":["CVE-2024-2"],"database_specific":{"severity":"LOW"},"affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1"]}]}""", "npm");
        IReadOnlyList<Finding> findings = Match(store, "p", "1").Findings;
        Assert.Equal([("CVE-2024-1", Severity.Critical, "title of ALSA-2024:1"), ("CVE-2024-2", Severity.Low, "severity of GHSA-1")], findings.Select(f => (f.Id, f.Severity, f.SeverityFrom!)));
    }

    [Theory]
    [InlineData("end-of-life", "end-of-life")]
    [InlineData("unimportant", "will-not-fix")]
    [InlineData("medium", "affected")]
    public void Match_NoFix_StatusSaysWhatTheDistributionSays(string urgency, string status)
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DEBIAN-CVE-2023-0001", "p", """{"introduced":"0"}""", urgency: urgency));
        Assert.Equal(status, Assert.Single(Match(store, "p", "1").Findings).Status);
    }

    [Fact]
    public void Match_KnownExploited_CarriesItsDate()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "p", """{"introduced":"0"}""", upstream: "\"CVE-2023-0001\"")).AddKnownExploited("CVE-2023-0001", "2023-02-03");
        Assert.Equal("2023-02-03", Assert.Single(Match(store, "p", "1").Findings).KnownExploited);
    }

    [Fact]
    public void Match_UnreadableVersion_IsAGapNotClean()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "p", """{"introduced":"0"},{"fixed":"2"}"""));
        MatchResult result = Match(store, "p", "1_0:");
        Assert.Empty(result.Findings);
        Assert.Equal("version-unreadable", Assert.Single(result.Gaps).Code);
        Assert.Empty(Match(store, "not-listed", "1_0:").Gaps);
    }

    [Fact]
    public void Match_UnreadableRecord_IsAGapNotClean()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "p", """{"introduced":"0"},{"fixed":"2_:"}"""));
        MatchResult result = Match(store, "p", "1");
        Assert.Empty(result.Findings);
        Assert.Equal(("advisory-unreadable", "DSA-1-1"), (Assert.Single(result.Gaps).Code, result.Gaps[0].Where));
    }

    [Fact]
    public void Fingerprint_FlawAndPackage_DecideAndVersionDoesNot()
    {
        InstalledPackage package = Images.Deb("p", "1");
        string print = Matcher.Fingerprint(package, "CVE-2023-0001");
        Assert.Matches("^[0-9a-f]{32}$", print);
        Assert.Equal(print, Matcher.Fingerprint(Images.Deb("p", "2", "q"), "CVE-2023-0001"));
        Assert.NotEqual(print, Matcher.Fingerprint(package, "CVE-2023-0002"));
        Assert.NotEqual(print, Matcher.Fingerprint(Images.Deb("q", "1"), "CVE-2023-0001"));
        Assert.NotEqual(print, Matcher.Fingerprint(package with { Path = "var/lib/dpkg/status.d/p" }, "CVE-2023-0001"));
        Assert.NotEqual(print, Matcher.Fingerprint(Images.Apk("p", "1") with { Path = package.Path }, "CVE-2023-0001"));
    }

    [Fact]
    public void Match_Findings_AreWorstFirst()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DEBIAN-CVE-2023-0001", "p", """{"introduced":"0"}""", urgency: "low"));
        store.Add(Record("DEBIAN-CVE-2023-0003", "p", """{"introduced":"0"}""", urgency: "high"));
        store.Add(Record("DEBIAN-CVE-2023-0002", "p", """{"introduced":"0"}""", urgency: "high"));
        MatchResult result = Images.Match(Images.Debian("11", Images.Deb("z", "1", "p", "1"), Images.Deb("a", "1", "p", "1")), store, Now);
        Assert.Equal(
            ["CVE-2023-0002 a", "CVE-2023-0002 z", "CVE-2023-0003 a", "CVE-2023-0003 z", "CVE-2023-0001 a", "CVE-2023-0001 z"],
            result.Findings.Select(f => $"{f.Id} {f.Package.Package.Name}"));
    }

    [Fact]
    public void Match_WhatIsNotCovered_IsSaidAndUndecided()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "p", """{"introduced":"0"}"""));
        InstalledPackage deb = Images.Deb("p", "1"), apk = Images.Apk("p", "1");
        Assert.Equal(("no-package-database", true), Only(Images.Debian("11")));
        Assert.Equal(("no-distribution", true), Only(new Inventory { Packages = [deb] }));
        Assert.Equal(("nothing-found", true), Only(new Inventory()));
        Assert.Equal(("no-advisories-for-release", true), Only(Images.Debian("12", deb)));
        Assert.Equal(("no-advisories-for-release", true), Only(Images.Of("ubuntu", "24.04", deb)));
        Assert.Equal(("rolling-release", true), Only(Images.Debian("", deb)));
        Assert.Equal(("rolling-release", true), Only(Images.Of("alpine", "3.19_alpha20230901", apk)));
        Note[] mixed = [.. Images.Match(Images.Debian("11", deb, apk), store, Now).Notes];
        Assert.Equal(("no-advisories-for-release", true), (Assert.Single(mixed).Code, mixed[0].Undecided));

        (string, bool) Only(Inventory inventory)
        {
            MatchResult result = Images.Match(inventory, store, Now);
            Assert.Empty(result.Findings);
            Note note = Assert.Single(result.Notes);
            Assert.NotNull(Catalogue.FindNote(note.Code));
            return (note.Code, note.Undecided);
        }
    }

    [Fact]
    public void Match_EndOfLife_IsSaidFromTheDayAfter()
    {
        using MemoryAdvisoryStore store = new();
        store.Add(Record("DSA-1-1", "p", """{"introduced":"0"}"""));
        Inventory bullseye = Images.Debian("11", Images.Deb("p", "1"));
        Assert.Empty(Images.Match(bullseye, store, new(2026, 8, 31, 23, 59, 0, TimeSpan.Zero)).Notes);
        Note note = Assert.Single(Images.Match(bullseye, store, new(2026, 9, 1, 0, 0, 0, TimeSpan.Zero)).Notes);
        Assert.Equal(("end-of-life", false, "2026-08-31"), (note.Code, note.Undecided, note.Arguments[2]));
    }

    private static MatchResult Match(MemoryAdvisoryStore store, string package, string version) =>
        Images.Match(Images.Debian("11", Images.Deb(package, version)), store, Now);

    private static string Record(
        string id, string package, string events, string upstream = "", string aliases = "", string versions = "", string urgency = "", string more = "") => $$$"""
        {"id":"{{{id}}}","upstream":[{{{upstream}}}],"aliases":[{{{aliases}}}],{{{more}}}"affected":[{"package":{"ecosystem":"Debian:11","name":"{{{package}}}"},
        "ranges":[{"type":"ECOSYSTEM","events":[{{{events}}}]}],"versions":[{{{versions}}}],"ecosystem_specific":{"urgency":"{{{urgency}}}"}}]}
        """;
}
