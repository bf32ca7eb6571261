using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Reports;

public sealed class TableReportTests
{
    private static string Table(Report report, TableOptions? options = null, ReportFilter? filter = null)
    {
        StringWriter writer = new() { NewLine = "\n" };
        TableReport.Write(writer, [ScanResult.Of(report.Image, report, filter ?? ReportFilter.None)],
            (options ?? Options(80)) with { Filter = filter ?? ReportFilter.None });
        return writer.ToString();
    }

    // Where a sentence breaks depends on the width and is not what these tests ask.
    private static string Flat(string table) => string.Join(' ', table.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));

    private static TableOptions Options(int columns, Language language = Language.English) => new()
    {
        Columns = columns,
        Language = language,
        Now = ReportBuilder.Now,
        VersionOrder = (_, a, b) => a.Length != b.Length ? a.Length.CompareTo(b.Length) : string.CompareOrdinal(a, b),
    };

    [Theory]
    [InlineData(80, Language.English, "table-80-en.txt")]
    [InlineData(200, Language.English, "table-200-en.txt")]
    [InlineData(80, Language.Chinese, "table-80-zh.txt")]
    [InlineData(200, Language.Chinese, "table-200-zh.txt")]
    public void Write_VulnerableImage_IsTheExpectedTable(int columns, Language language, string golden)
    {
        string table = Table(ReportBuilder.Vulnerable().Build(), Options(columns, language));

        Golden.Equal(golden, table);
        Assert.All(table.Split('\n'), line => Assert.True(DisplayWidth.Of(line) <= columns, line));
    }

    [Fact]
    public void Write_GroupedByLayer_IsTheExpectedTable() =>
        Golden.Equal("table-80-layer.txt", Table(ReportBuilder.Vulnerable().Build(), Options(80) with { GroupByLayer = true, AllRows = true }));

    private static InstalledPackage Jar(string path, string? inner = null) => new()
    {
        Package = new Package { Type = "maven", Name = "org.example:lib", Version = "1.0", Architecture = "", SourceName = "org.example:lib", SourceVersion = "1.0", Licences = [], Inner = inner },
        Path = path,
        Analyser = "jar",
        Origin = new Origin(1, ReportBuilder.TopDiffId, "COPY app /srv"),
        Purl = "pkg:maven/org.example/lib@1.0",
    };

    [Fact]
    public void Write_OnePackageInSeveralPlaces_IsOneGroupThatNamesThem()
    {
        ReportBuilder builder = new();
        foreach (InstalledPackage jar in (InstalledPackage[])[Jar("srv/a.war", "WEB-INF/lib/lib.jar"), Jar("srv/b.jar"), Jar("srv/c.jar"), Jar("srv/d.jar"), Jar("srv/e.jar")])
            builder.With(jar, "CVE-2024-1", Severity.High, "1.1");

        string table = Table(builder.Build());

        Assert.Contains("""
            org.example:lib 1.0  layer 1
              in srv/a.war!/WEB-INF/lib/lib.jar
              in srv/b.jar
              in srv/c.jar
              and in 2 more places; --json lists all
              HIGH      CVE-2024-1  1.1
            """, table, StringComparison.Ordinal);
        Assert.Single(table.Split('\n'), l => l.EndsWith("1 of 1", StringComparison.Ordinal));
        Assert.Contains("0 in packages of the distribution, 1 in packages of languages", table, StringComparison.Ordinal);
        Assert.Contains("5 findings", Flat(table), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_SuppressedByThreeJudges_CountsEachForItself()
    {
        Suppression By(string source) => new() { Id = "x", Reason = "r", Source = source };
        string table = Table(new ReportBuilder().With(Jar("a.jar"), "CVE-2024-1", Severity.High, suppressed: By("accepted.yaml:1"))
            .With(Jar("b.jar"), "CVE-2024-2", Severity.High, suppressed: By(Matcher.ByDistribution))
            .With(Jar("c.jar"), "CVE-2024-3", Severity.High, suppressed: By(Matcher.ByDistribution))
            .With(Jar("d.jar"), "CVE-2024-4", Severity.High, suppressed: By(Matcher.ByLockFile)).Build());

        Assert.Contains("\n1 suppressed by your files\n2 not counted: in files that packages of the distribution own", table, StringComparison.Ordinal);
        Assert.Contains("\n1 not counted: in dependencies for development or building alone\n", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_NoDatabase_SaysThatFirstAndJoinsWhatFollowsFromIt()
    {
        string table = Flat(Table(new ReportBuilder().With(ReportBuilder.Package("bash", "5.1")).WithNote("no-advisories-for-ecosystem", true, "Maven", "2")
            .WithNote("no-advisories-for-ecosystem", true, "npm", "3").WithNote("no-database", true, "69").Build()));

        int missing = table.IndexOf("- No advisory database is there", StringComparison.Ordinal);
        int joined = table.IndexOf("- The advisory database has nothing on Maven, npm; 5 packages were not matched", StringComparison.Ordinal);
        Assert.InRange(missing, 0, joined);
    }

    [Theory]
    [InlineData("Ubuntu", "plimsoll db update --ecosystem Ubuntu\n")]
    [InlineData("Red Hat", "plimsoll db update --ecosystem 'Red Hat'\n")]
    public void Write_EcosystemThatIsNotInTheDatabase_SaysHowToGetIt(string ecosystem, string command) =>
        Assert.Contains(command, Table(new ReportBuilder().With(ReportBuilder.Package("bash", "5.1"))
            .WithNote("no-advisories-for-release", true, "some", "22.04", "1", ecosystem).Build()), StringComparison.Ordinal);

    [Fact]
    public void Write_EveryCveOfTheReport_IsShownByDefault()
    {
        Report report = ReportBuilder.Vulnerable().Build();

        string table = Table(report);

        Assert.All(report.Findings, f => Assert.Contains(f.Id, table, StringComparison.Ordinal));
    }

    [Fact]
    public void Write_CleanAndComplete_SaysSo()
    {
        string table = Table(new ReportBuilder().With(ReportBuilder.Package("bash", "5.1")).Build());

        Assert.Contains("No known vulnerabilities in 1 package.", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_NothingFoundButUndecided_NeverSaysClean()
    {
        string table = Table(new ReportBuilder().With(ReportBuilder.Package("bash", "5.1")).WithNote("no-advisories-for-release", true, "Debian", "13", "1").Build());

        Assert.DoesNotContain("No known vulnerabilities", table, StringComparison.Ordinal);
        Assert.Contains("Not decided", table, StringComparison.Ordinal);
        Assert.Contains("has nothing on Debian 13", Flat(table), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_GapWithFindings_SaysIncomplete()
    {
        string table = Table(ReportBuilder.Vulnerable().WithGap("package-database-corrupt", "var/lib/dpkg/status", "line 12: no colon").Build());

        Assert.Contains("Incomplete", table, StringComparison.Ordinal);
        Assert.Contains("var/lib/dpkg/status: line 12: no colon", Flat(table), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_EverythingFilteredAway_SaysWhatIsHiddenAndNotClean()
    {
        Report report = new ReportBuilder().With(ReportBuilder.Package("a", "1"), "CVE-2024-1", Severity.High).Build();

        string table = Table(report, filter: new ReportFilter(OnlyFixed: true));

        Assert.DoesNotContain("No known vulnerabilities in", table, StringComparison.Ordinal);
        Assert.Contains("1 findings not shown (--only-fixed)", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_SuppressedByListsInTheImage_IsToldApartFromTheUsersFiles()
    {
        static Suppression By(string source) => new() { Id = "x", Reason = "r", Source = source };
        Report report = new ReportBuilder().With(ReportBuilder.Package("a", "1"), "CVE-2024-1", Severity.High, suppressed: By("mine.yaml:1"))
            .With(ReportBuilder.Package("b", "1"), "CVE-2024-2", Severity.High, suppressed: By(Matcher.ByDistribution))
            .With(ReportBuilder.Package("c", "1"), "CVE-2024-3", Severity.High, suppressed: By(Matcher.ByDistribution))
            .With(ReportBuilder.Package("d", "1"), "CVE-2024-4", Severity.High, suppressed: By(Matcher.ByLockFile)).Build();

        string table = Flat(Table(report));

        Assert.Contains("1 suppressed by your files", table, StringComparison.Ordinal);
        Assert.Contains("2 not counted: in files that packages of the distribution own", table, StringComparison.Ordinal);
        Assert.Contains("1 not counted: in dependencies for development", table, StringComparison.Ordinal);
        Assert.DoesNotContain("No known vulnerabilities in", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_NoPackages_DoesNotSayClean() =>
        Assert.Contains("nothing to match", Table(new ReportBuilder().Build()), StringComparison.Ordinal);

    [Fact]
    public void Write_StarterSet_IsNamedAsNoDatabase()
    {
        Report report = DatabaseNotes.AddTo(new ReportBuilder().With(ReportBuilder.Package("bash", "5")).Build() with { Database = ReportBuilder.StarterSet }, ReportBuilder.Now);

        string table = Table(report);

        Assert.False(report.Complete);
        Assert.Contains("no database: built-in starter set of 50 advisories, which is not a database", table, StringComparison.Ordinal);
        Assert.Contains("plimsoll db update", Flat(table), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_Unverified_SaysSoLoudly() =>
        Assert.Contains("UNVERIFIED", Table(ReportBuilder.Vulnerable().Build() with { Verified = false }), StringComparison.Ordinal);

    [Fact]
    public void Write_HostileNames_ReachTheTerminalEscaped()
    {
        Report report = new ReportBuilder()
            .With(ReportBuilder.Package("\x1b[31mevil", "1\u202e0\r"), "CVE-1\x1b]0;x\a", Severity.Critical, "2\n3", "title\u202e\nnext \x1b[2J")
            .WithGap("g\x1b[1m", "p\x1b[1m", "d\x1b[1m").WithNote("n\x1b[1m", false, "\x1b[1m").Build()
            with
        { Image = "\x1b[31mimage", Platform = "\x1b[0m", Tags = ["\x1b[0mtag"] };

        string table = Table(report);

        Assert.Contains(@"\x1b[31mevil", table, StringComparison.Ordinal);
        Assert.Contains(@"1\u202e0\x0d", table, StringComparison.Ordinal);
        Assert.DoesNotContain(table, c => c is '\x1b' or '\u202e' or '\r' or '\a');
    }

    [Fact]
    public void Write_Coloured_IsTheSameTextWithoutTheCodes()
    {
        Report report = ReportBuilder.Vulnerable().Build();

        string coloured = Table(report, Options(80) with { Colour = true });

        Assert.Contains("\x1b[1;31mCRITICAL\x1b[0m", coloured, StringComparison.Ordinal);
        Assert.Equal(Table(report), System.Text.RegularExpressions.Regex.Replace(coloured, "\x1b\\[[0-9;]*m", "", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(5)));
    }

    [Theory]
    [InlineData(80)]
    [InlineData(200)]
    public void Write_EpssMaliciousAndLanguagePackages_AreShownWithinTheWidth(int columns)
    {
        Inspect.Layers.InstalledPackage jar = ReportBuilder.Package("org.apache.logging.log4j:log4j-core", "2.14.1");
        jar = jar with { Package = jar.Package with { Type = "maven", Inner = "BOOT-INF/lib/log4j-core-2.14.1.jar" }, Path = "srv/app.jar" };
        Report report = ReportBuilder.Vulnerable().With(jar, "CVE-2021-44228", Severity.Critical, "2.15.0", "Remote code execution", kev: true).With(jar, "MAL-2024-1", Severity.Low).Build();
        report = report with { Findings = [.. report.Findings.Select(f => f.Id == "CVE-2021-44228" ? f with { Epss = new Epss(0.943, 0.999) } : f.Id == "MAL-2024-1" ? f with { Malicious = true } : f)] };

        string table = Table(report, Options(columns));

        Assert.All(table.Split('\n'), line => Assert.True(DisplayWidth.Of(line) <= columns, line));
        Assert.Contains("EPSS", table, StringComparison.Ordinal);
        Assert.Matches(@"CVE-2021-44228\s+KEV\s+94\.3%\s+2\.15\.0", table);
        Assert.Contains("srv/app.jar!/", table, StringComparison.Ordinal);
        Assert.Contains("malicious: remove it", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_EpssWithoutRoom_GivesWayToTheFixedVersion()
    {
        Report report = new ReportBuilder().With(ReportBuilder.Package("a", "1"), "CVE-2021-44228", Severity.Critical, new string('9', 46)).Build();

        string table = Table(report with { Findings = [.. report.Findings.Select(f => f with { Epss = new Epss(0.5, 0.5) })] });

        Assert.DoesNotContain("EPSS", table, StringComparison.Ordinal);
        Assert.Contains(new string('9', 46), table, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(BaseEvidence.Claimed, 0, "claimed by a label")]
    [InlineData(BaseEvidence.Guessed, 1, "guessed from the history")]
    [InlineData(BaseEvidence.Proved, 1, "the first 1 layers are its own (proved)")]
    public void Write_Base_SaysHowItIsKnown(BaseEvidence evidence, int layers, string words)
    {
        BaseImage known = new() { ClaimedName = "debian:11", Evidence = evidence, Layers = layers, ProvedBy = evidence == BaseEvidence.Proved ? "debian:11" : null, Newer = [new NewerBase("debian:12", true, ["a", "b"], ["c"])] };

        string table = Flat(Table(ReportBuilder.Vulnerable().Build() with { Base = known }));

        Assert.Contains(words, table, StringComparison.Ordinal);
        Assert.Contains(layers == 0 ? "built on debian:12 instead: not known" : "built on debian:12 instead: 2 findings fewer, 1 more", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_NoVersionOrder_NamesEachFixedVersionWithWhatItFixes()
    {
        string table = Table(ReportBuilder.Vulnerable().Build(), Options(80) with { VersionOrder = null });

        Assert.Contains("1.1.1n-0+deb11u4 2 of 8", Flat(table), StringComparison.Ordinal);
        Assert.Contains("1.1.1n-0+deb11u5 6 of 8", Flat(table), StringComparison.Ordinal);
    }
}

/// <summary>Expected outputs in files; with PLIMSOLL_GOLDEN=write they are written anew, to be read before they are committed.</summary>
internal static class Golden
{
    public static void Equal(string name, string actual)
    {
        string path = Path.Combine(Folder(), name);
        if (Environment.GetEnvironmentVariable("PLIMSOLL_GOLDEN") == "write")
            File.WriteAllText(path, actual);
        Assert.Equal(File.ReadAllText(path), actual);
    }

    private static string Folder() => Path.Combine(Root(), "tests", "Plimsoll.Tests", "Reports", "Golden");

    /// <summary>The checkout's top folder.</summary>
    public static string Root()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
            if (File.Exists(Path.Combine(at.FullName, "Plimsoll.slnx")))
                return at.FullName;
        throw new InvalidOperationException("the checkout is not above the test's binary");
    }
}
