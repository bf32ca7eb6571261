using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Reports;

/// <summary>What the checks found, in the table.</summary>
public sealed class TableProblemsTests
{
    private static string Table(Report report, int columns = 80, Language language = Language.English, bool layers = false, bool all = false)
    {
        using StringWriter writer = new() { NewLine = "\n" };
        TableReport.Write(writer, [ScanResult.Of(report.Image, report, ReportFilter.None)],
            new TableOptions { Columns = columns, Language = language, GroupByLayer = layers, AllRows = all, Now = ReportBuilder.Now });
        return writer.ToString();
    }

    private static string Flat(string table) => string.Join(' ', table.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));

    [Theory]
    [InlineData(80, Language.English, false, "problems-80-en.txt")]
    [InlineData(200, Language.English, false, "problems-200-en.txt")]
    [InlineData(80, Language.Chinese, false, "problems-80-zh.txt")]
    [InlineData(80, Language.English, true, "problems-80-layer.txt")]
    public void Write_ProblemsOfEveryKind_IsTheExpectedTable(int columns, Language language, bool layers, string golden)
    {
        string table = Table(ReportBuilder.Vulnerable().WithProblems().Build(), columns, language, layers);

        Golden.Equal(golden, table);
        Assert.All(table.Split('\n'), line => Assert.True(DisplayWidth.Of(line) <= columns, line));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(61)]
    public void Write_NarrowTerminal_RunsOverNoLineAboveTheLeastWidth(int columns) =>
        // The header above them has parts of its own that are not cut.
        Assert.All(Table(new ReportBuilder().WithProblems().Build(), columns).Split('\n').SkipWhile(l => l != "Malware"), line => Assert.True(DisplayWidth.Of(line) <= Math.Max(columns, TableOptions.LeastColumns), line));

    [Fact]
    public void Write_AllRows_GivesEachLowOneItsPlace()
    {
        Report report = new ReportBuilder().WithProblems().Build();
        string brief = Table(report), all = Table(report, all: true);

        Assert.DoesNotContain("usr/bin/passwd", brief, StringComparison.Ordinal);
        Assert.Contains("CIS-4.8  7 places", brief, StringComparison.Ordinal);
        Assert.All(report.Problems.Where(p => p is { Path: not null, Suppressed: null }), p => Assert.Contains(p.Path!, all, StringComparison.Ordinal));
    }

    [Fact]
    public void Write_CountsOfSeveralLayers_AreAddedUp()
    {
        static Problem Counted(string packages, int layer) => ReportBuilder.Problem(ProblemKind.Licence, "unknown-licence", Severity.Low, null, $"Packages under licences that are not known: {packages}") with
        {
            Details = new SortedDictionary<string, string> { ["packages"] = packages },
            Fingerprint = $"{layer}",
        };

        string table = Flat(Table(new ReportBuilder().With(Counted("139", 1)).With(Counted("81", 0)).Build()));

        Assert.Contains("Packages under licences that are not known: 220 unknown-licence", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_ManyPlacesOfOneRule_NamesFiveAndTheRestAsANumber()
    {
        ReportBuilder builder = new();
        for (int i = 0; i < 9; i++)
            builder.With(ReportBuilder.Problem(ProblemKind.Secret, "private-key", Severity.High, $"k{i}.pem", "Private key"));

        string table = Table(builder.Build());

        Assert.Contains("k4.pem", table, StringComparison.Ordinal);
        Assert.DoesNotContain("k5.pem", table, StringComparison.Ordinal);
        Assert.Contains("and 4 more; --all lists each", table, StringComparison.Ordinal);
        Assert.Contains("9 secrets:  9 high", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_ProblemsButNoVulnerability_IsNotToldAsACleanImage()
    {
        string table = Flat(Table(new ReportBuilder().With(ReportBuilder.Package("bash", "5")).With(ReportBuilder.Problem(ProblemKind.Secret, "private-key", Severity.High, "k.pem")).Build()));

        Assert.Contains("No known vulnerabilities in 1 package. 1 secret: 1 high", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_NothingFound_NamesWhatWasLookedForAndOnlyThat()
    {
        Report clean = new ReportBuilder().With(ReportBuilder.Package("bash", "5")).WithChecks(ProblemKind.Malware, ProblemKind.Secret).Build();

        Assert.Contains("Looked for as well, and nothing found: malware, secrets.", Flat(Table(clean)), StringComparison.Ordinal);
        Assert.DoesNotContain("nothing found", Table(clean with { Checks = [] }), StringComparison.Ordinal);
        // What was not wholly looked at is not clean.
        Assert.DoesNotContain("nothing found", Table(clean with { Gaps = [new("file-too-large", "x", "y")] }), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_VulnerabilitiesNotAskedFor_AreNotCalledAbsent()
    {
        string table = Flat(Table(new ReportBuilder().With(ReportBuilder.Package("bash", "5")).WithChecks(ProblemKind.Secret).Build() with { Matched = false }));

        Assert.Contains("Known vulnerabilities were not looked for (--checks).", table, StringComparison.Ordinal);
        Assert.DoesNotContain("No known vulnerabilities", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_SuppressedProblem_CountsAsSuppressedAndIsNotShown()
    {
        Problem problem = ReportBuilder.Problem(ProblemKind.Secret, "private-key", Severity.High, "k.pem") with { Suppressed = new Suppression { Id = "x", Reason = "r", Source = "a.yaml:1" } };

        string table = Table(new ReportBuilder().With(ReportBuilder.Package("bash", "5")).With(problem).Build());

        Assert.DoesNotContain("k.pem", table, StringComparison.Ordinal);
        Assert.Contains("1 suppressed by your files", table, StringComparison.Ordinal);
        Assert.DoesNotContain("nothing found: secrets", Flat(table), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_MissingEngine_IsNamedWithItsReason()
    {
        string table = Flat(Table(new ReportBuilder().WithChecks(ProblemKind.Malware).With(new Engine("clamav", null, "no socket at /run/clamav")).With(new Engine("yara", "4.2.3", null)).Build()));

        Assert.Contains("engines asked: yara 4.2.3 engine not asked: clamav: no socket at /run/clamav", table, StringComparison.Ordinal);
    }
}
