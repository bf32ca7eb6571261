using System.Globalization;
using System.Text;
using Plimsoll.Inspect;
using Plimsoll.Inspect.Boms;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Boms;

public sealed class BomReaderTests
{
    private static Bom Vector(string name) => BomReader.Read(Repository.At("tests", "vectors", "sbom", name));

    private static Bom Parse(string text) => BomReader.Read(Encoding.UTF8.GetBytes(text), "bom");

    private static string Cdx(string components, string rest = "") => $$"""{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{{components}}]{{rest}}}""";

    private static string Line(InstalledPackage p) =>
        $"{p.Package.Type} {p.Package.Name} {p.Package.Version} {p.Package.Architecture} from {p.Package.SourceName} {p.Package.SourceVersion}";

    [Theory]
    [InlineData("trivy.cdx.json", "CycloneDX 1.5 by trivy dev")]
    [InlineData("trivy.spdx", "SPDX 2.3 by trivy-dev")]
    [InlineData("trivy.spdx.json", "SPDX 2.3 by trivy-dev")]
    public void Read_TrivyOfOneFolder_GivesThePackagesWithSourcesAndEpochs(string file, string format)
    {
        Bom bom = Vector(file);

        Assert.Equal(format, bom.Format);
        Assert.Equal(("debian", "13.7"), (bom.Inventory.Distribution!.Id, bom.Inventory.Distribution.Version));
        Assert.Empty(bom.Inventory.Gaps);
        Assert.Equal(
        [
            "deb bash 5.2.37-2+b10 amd64 from bash 5.2.37-2",
            "deb bsdutils 1:2.41.5-0+deb13u1 amd64 from util-linux 2.41.5-0+deb13u1",
            "deb libssl3t64 3.5.7-1~deb13u2 amd64 from openssl 3.5.7-1~deb13u2",
            "deb perl-base 5.40.1-6+deb13u1 amd64 from perl 5.40.1-6+deb13u1",
        ], bom.Inventory.Packages.Select(Line));
    }

    [Fact]
    public void Read_TrivyOfAlpine_TakesTheVersionAloneForTheDistribution()
    {
        Bom bom = Vector("trivy-alpine.cdx.json");

        Assert.Equal(("alpine", "3.18.4"), (bom.Inventory.Distribution!.Id, bom.Inventory.Distribution.Version));
        Assert.Equal("apk libcrypto3 3.1.4-r1 x86_64 from openssl 3.1.4-r1", Line(Assert.Single(bom.Inventory.Packages)));
        Assert.Empty(bom.Inventory.Gaps);
    }

    [Fact]
    public void Read_Syft_GivesSourcesOfRpmsNestedComponentsLayersAndGaps()
    {
        Bom bom = Vector("syft.cdx.json");

        Assert.Equal("CycloneDX 1.6 by syft 1.18.0", bom.Format);
        Assert.Equal("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", bom.Digest);
        Assert.Equal(("rocky", "9.3"), (bom.Inventory.Distribution!.Id, bom.Inventory.Distribution.Version));
        Assert.Equal(["rhel", "centos", "fedora"], bom.Inventory.Distribution.Like);
        Assert.Equal(
        [
            "rpm bash 5.1.8-6.el9_1 x86_64 from bash 5.1.8-6.el9_1", "npm nested 1  from nested 1", "rpm openssl-libs 1:3.0.7-24.el9 x86_64 from openssl 3.0.7-24.el9",
            "maven org.apache.logging.log4j:log4j-core 2.14.1  from org.apache.logging.log4j:log4j-core 2.14.1",
        ], bom.Inventory.Packages.Select(Line));
        Assert.Equal("sha256:1111111111111111111111111111111111111111111111111111111111111111", bom.Inventory.Packages[0].Origin.DiffId);
        Assert.Equal("srv/app.jar", bom.Inventory.Packages[3].Path);
        Assert.Equal(["component-without-purl who-knows", "component-without-version no-version"], bom.Inventory.Gaps.Select(g => $"{g.Code} {g.Where}"));
    }

    [Theory]
    [InlineData("cyclonedx")]
    [InlineData("spdx-json")]
    [InlineData("spdx")]
    public void Read_WhatWeWrote_GivesBackWhatWasThere(string format)
    {
        Report report = ReportBuilder.Vulnerable().Build();
        InstalledPackage jar = report.Packages[0] with
        {
            Package = report.Packages[0].Package with { Type = "maven", Name = "g:a", Version = "1", SourceName = "g:a", SourceVersion = "1", Architecture = "", Inner = "lib/a.jar", Evidence = Inspect.Packages.PackageEvidence.LockFile },
            Path = "srv/app.jar",
            Purl = "pkg:maven/g/a@1",
        };
        report = report with { Packages = [.. report.Packages, jar] };
        byte[] document = ReportFormats.Render(ReportFormats.Find(format)!, [ScanResult.Of("x", report, ReportFilter.None)], ReportFilter.None, "0.1.0")!;

        Bom bom = BomReader.Read(document, "own");

        Assert.Equal(report.Packages.Select(p => $"{Line(p)} {Words.PlaceOf(p)} {p.Origin.Layer} {p.Origin.DiffId} {p.Package.Evidence}").Order(StringComparer.Ordinal),
            bom.Inventory.Packages.Select(p => $"{Line(p)} {Words.PlaceOf(p)} {p.Origin.Layer} {p.Origin.DiffId} {p.Package.Evidence}").Order(StringComparer.Ordinal));
        Assert.Equal("debian", bom.Inventory.Distribution!.Id);
        Assert.Equal(report.ManifestDigest, bom.Digest);
        Assert.Empty(bom.Inventory.Gaps);
    }

    [Theory]
    [InlineData("", ImageError.Malformed)]
    [InlineData("hello", ImageError.Malformed)]
    [InlineData("[]", ImageError.Malformed)]
    [InlineData("{}", ImageError.Malformed)]
    [InlineData("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.1\"}", ImageError.Unsupported)]
    [InlineData("{\"bomFormat\":\"CycloneDX\"}", ImageError.Unsupported)]
    [InlineData("{\"bomFormat\":\"Other\",\"specVersion\":\"1.5\"}", ImageError.Malformed)]
    [InlineData("{\"spdxVersion\":\"SPDX-3.0\"}", ImageError.Unsupported)]
    [InlineData("{\"schemaVersion\":1,\"reports\":[]}", ImageError.Unsupported)]
    [InlineData("<?xml version=\"1.0\"?><bom xmlns=\"http://cyclonedx.org/schema/bom/1.5\"/>", ImageError.Unsupported)]
    [InlineData("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[{", ImageError.Malformed)]
    [InlineData("SPDXVersion: SPDX-2.3\nPackageName: <text>never closed\n", ImageError.Malformed)]
    [InlineData("SPDXVersion: SPDX-2.1\n", ImageError.Unsupported)]
    public void Read_OtherThings_AreRefusedByName(string text, ImageError error) =>
        Assert.Equal(error, Assert.Throws<ImageException>(() => Parse(text)).Error);

    [Fact]
    public void Read_NestedTooDeep_IsRefused()
    {
        string deep = string.Concat(Enumerable.Repeat("""{"type":"library","components":[""", BomLimits.MaxDepth)) + string.Concat(Enumerable.Repeat("]}", BomLimits.MaxDepth));

        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => Parse(Cdx(deep))).Error);
    }

    [Fact]
    public void Read_OneComponentOverTheLimit_IsRefusedAndAtTheLimitTold()
    {
        string At(int count) => Cdx(string.Join(',', Enumerable.Repeat("{}", count)));

        Assert.Equal("more-of-the-same", Parse(At(BomLimits.MaxComponents)).Inventory.Gaps[^1].Code);
        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => Parse(At(BomLimits.MaxComponents + 1))).Error);
    }

    [Fact]
    public void Read_FileOfOneByteTooMany_IsRefusedBeforeItIsParsed()
    {
        string path = Path.Combine(Path.GetTempPath(), $"plimsoll-{Guid.NewGuid():N}.json");
        using (FileStream file = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.None))
            file.SetLength(BomLimits.MaxBytes + 1L);
        try
        {
            Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => BomReader.Read(path)).Error);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Read_ComponentsThatCannotBeMatched_AreGaps()
    {
        Inventory inventory = Parse(Cdx("""
            {"type":"library","name":"a"},{"type":"library","name":"b","purl":"npm:b@1"},{"type":"library","name":"c","purl":"pkg:npm/c"},
            {"type":"library","name":"d","purl":"pkg:npm/d","version":"2"},{"type":"container","name":"e"}
            """)).Inventory;

        Assert.Equal(["component-without-purl", "component-unreadable", "component-without-version"], inventory.Gaps.Select(g => g.Code));
        Assert.Equal("d 2", string.Join(',', inventory.Packages.Select(p => $"{p.Package.Name} {p.Package.Version}")));
    }

    [Fact]
    public void Read_Spdx22WithoutPurposes_KnowsTheSystemByItsId()
    {
        Inventory inventory = Parse("""
            # a comment first
            SPDXVersion: SPDX-2.2
            Creator: Organization: x
            PackageName: debian
            SPDXID: SPDXRef-OperatingSystem-1
            PackageVersion: 11.6
            PackageName: libssl1.1
            SPDXID: SPDXRef-Package-1
            PackageVersion: 1.1.1n
            PackageComment: <text>PackageName: fake
            SPDXID: SPDXRef-fake</text>
            PackageSourceInfo: built package from: openssl 1.1.1n
            ExternalRef: PACKAGE-MANAGER purl pkg:deb/debian/libssl1.1@1.1.1n?distro=debian-11.6
            FileName: ./x
            SPDXID: SPDXRef-File
            Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-Other
            """).Inventory;

        Assert.Equal(("debian", "11.6"), (inventory.Distribution!.Id, inventory.Distribution.Version));
        Assert.Equal("deb libssl1.1 1.1.1n  from openssl 1.1.1n", Line(Assert.Single(inventory.Packages)));
        Assert.Empty(inventory.Gaps);
    }

    [Fact]
    public void Read_TwoDistributions_TakesTheLargerAndTellsTheOther()
    {
        Inventory inventory = Parse(Cdx("""
            {"name":"a","purl":"pkg:deb/debian/a@1?distro=debian-11"},{"name":"b","purl":"pkg:deb/debian/b@1?distro=debian-11"},{"name":"c","purl":"pkg:deb/ubuntu/c@1?distro=ubuntu-22.04"}
            """)).Inventory;

        Assert.Equal("debian", inventory.Distribution!.Id);
        Assert.Equal("distribution-ambiguous", Assert.Single(inventory.Gaps).Code);
    }

    [Fact]
    public void Read_ManyDistributions_TakesTheFirstOfThoseWithMostAndTellsTheOthersInOrder()
    {
        Inventory inventory = Parse(Cdx(string.Join(',', "ubuntu-24.04 debian-12 ubuntu-9.10 debian-12 ubuntu-24.04 ubuntu".Split(' ').Select((d, i) =>
            $$"""{"name":"p{{i}}","purl":"pkg:deb/ubuntu/p{{i}}@1?distro={{d}}"}""")))).Inventory;

        Assert.Equal(("debian", "12"), (inventory.Distribution!.Id, inventory.Distribution.Version));
        Assert.Equal(["ubuntu", "ubuntu 24.04", "ubuntu 9.10"], inventory.Gaps.Select(g => g.Where));
    }

    [Fact]
    public void Scan_BomOfAVulnerablePackage_FindsItWithTheFingerprintOfTheImage()
    {
        using TempFolder folder = new();
        string path = Path.Combine(folder.Path, "bom.json");
        File.WriteAllText(path, Cdx("""{"bom-ref":"x","type":"library","name":"libssl1.1","purl":"pkg:deb/debian/libssl1.1@1.1.1n-0?arch=amd64&distro=debian-11&upstream=openssl"}"""));
        using MemoryAdvisoryStore store = Store();

        Report report = Scanner.Scan($"sbom:{path}", store, new ScanOptions { ToolVersion = "t" }, TestContext.Current.CancellationToken);

        Finding finding = Assert.Single(report.Findings);
        Assert.Equal("CVE-2023-1", finding.Id);
        Assert.Equal(Matcher.Fingerprint(ReportBuilder.Package("libssl1.1", "9", "openssl"), "CVE-2023-1"), finding.Fingerprint);
        Assert.False(report.Verified);
        Assert.Contains(report.Notes, n => n.Code == "from-bom");
    }

    [Theory]
    [InlineData("not_affected", true)]
    [InlineData("false_positive", true)]
    [InlineData("resolved", true)]
    [InlineData("exploitable", false)]
    [InlineData("in_triage", false)]
    public void Scan_BomWithAnAnalysisOfItsOwn_CountsOnlyWhenTheUserNamesIt(string state, bool suppressed)
    {
        using TempFolder folder = new();
        string path = Path.Combine(folder.Path, "bom.json");
        // The vulnerabilities stand before the components they name.
        File.WriteAllText(path, $$"""
            {"vulnerabilities":[{"id":"CVE-2023-1","analysis":{"state":"{{state}}","justification":"code_not_reachable","detail":"never called"},"affects":[{"ref":"x"}]}],
            "bomFormat":"CycloneDX","specVersion":"1.4","components":[{"bom-ref":"x","name":"libssl1.1","purl":"pkg:deb/debian/libssl1.1@1.1.1n-0?distro=debian-11&upstream=openssl"}]}
            """);
        using MemoryAdvisoryStore store = Store();

        // Whoever writes the document must not clear it: its word counts only when the user asks for it.
        Report doubted = Scanner.Scan($"sbom:{path}", store, new ScanOptions { ToolVersion = "t" }, TestContext.Current.CancellationToken);
        Assert.Null(Assert.Single(doubted.Findings).Suppressed);
        Assert.Equal(suppressed, doubted.Notes.Any(n => n.Code == "vex-in-bom"));

        Report believed = Scanner.Scan($"sbom:{path}", store, new ScanOptions { ToolVersion = "t", Vex = VexFile.Read(path) }, TestContext.Current.CancellationToken);
        Finding finding = Assert.Single(believed.Findings);
        Assert.DoesNotContain(believed.Notes, n => n.Code == "vex-in-bom");
        Assert.Equal(suppressed, finding.Suppressed is not null);
        if (suppressed)
            Assert.Contains("never called", finding.Suppressed!.Reason, StringComparison.Ordinal);
    }

    internal static MemoryAdvisoryStore Store() => new MemoryAdvisoryStore().Add("""
        {"id":"DSA-1-1","upstream":["CVE-2023-1"],"affected":[{"package":{"ecosystem":"Debian:11","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.1.1n-1"}]}]}]}
        """);

    [Fact]
    public void Read_ManyComponents_AllocatesInProportion()
    {
        string components = string.Join(',', Enumerable.Range(0, 1250).Select(i => string.Create(CultureInfo.InvariantCulture,
            $$"""{"bom-ref":"r{{i}}","type":"library","name":"p{{i}}","version":"1.{{i}}","purl":"pkg:deb/debian/p{{i}}@1.{{i}}?arch=amd64&distro=debian-11","properties":[{"name":"a","value":"b"}]}""")));
        byte[] document = Encoding.UTF8.GetBytes(Cdx(components));
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal(1250, BomReader.Read(document, "bom").Inventory.Packages.Count);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 12L << 20);
    }
}
