using System.Text.Json;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Compare;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Compare;

public sealed class ProblemDiffTests
{
    private static Problem Key(string path, Severity severity = Severity.High) => ReportBuilder.Problem(ProblemKind.Secret, "private-key", severity, path);

    private static Problem Accepted(Problem problem) => problem with { Suppressed = new Suppression { Id = "x", Reason = "r", Source = "s" } };

    private static ProblemDiff Diff(ReportBuilder before, ReportBuilder after) => ProblemDiff.Of(before.Build(), after.Build());

    [Fact]
    public void Of_TwoReports_TellsNewGoneSuppressedAndStayingApartByFingerprint()
    {
        ProblemDiff diff = Diff(new ReportBuilder().With(Key("stays")).With(Key("goes")).With(Key("accepted")).With(Accepted(Key("was accepted"))),
            // Another line, layer and severity is still the same thing in the same place.
            new ReportBuilder().With(Key("stays", Severity.Low) with { Line = 9, Origin = ReportBuilder.BaseLayer }).With(Accepted(Key("accepted"))).With(Key("comes")).With(Key("was accepted")));

        Assert.Equal(["comes", "was accepted"], diff.New.Select(p => p.Path));
        Assert.Equal(["goes"], diff.Fixed.Select(p => p.Path));
        Assert.Equal(["accepted"], diff.Suppressed.Select(p => p.Path));
        Assert.Equal(["stays"], diff.Unchanged.Select(p => p.Path));
    }

    [Fact]
    public void Of_KindThatOneSideNeverLookedFor_IsNotComparedAndNamed()
    {
        Problem root = ReportBuilder.Problem(ProblemKind.Configuration, "CIS-4.1", Severity.Medium);

        ProblemDiff diff = Diff(new ReportBuilder().With(Key("a")), new ReportBuilder().With(Key("a")).With(root));

        Assert.Equal([ProblemKind.Secret], diff.Compared);
        Assert.Equal([ProblemKind.Configuration], diff.OneSided);
        Assert.Empty(diff.New);
    }

    [Fact]
    public void WriteTable_Problems_StandBelowTheFindingsWithTheirPlaces()
    {
        Report before = new ReportBuilder().WithChecks(ProblemKind.Secret).Build(), after = new ReportBuilder().With(Key("k.pem")).With(ReportBuilder.Problem(ProblemKind.Licence, "l", Severity.Low)).Build();
        using StringWriter table = new() { NewLine = "\n" };
        DiffReport.WriteTable(table, ReportDiff.Of(before, after, null), new TableOptions { Now = ReportBuilder.Now });

        Assert.Contains("New problems: 1\n  + HIGH  private-key  k.pem  private-key was found\n\nProblems gone: 0\n", table.ToString(), StringComparison.Ordinal);
        Assert.Contains("Looked for on one side only, so not compared: Licences.", table.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void WriteJson_Problems_AreThereByWhatBecameOfThem()
    {
        using MemoryStream stream = new();
        DiffReport.WriteJson(stream, ReportDiff.Of(new ReportBuilder().WithProblems().Build(), new ReportBuilder().With(Key("k.pem")).Build(), null), "0");
        JsonElement problems = JsonDocument.Parse(stream.ToArray()).RootElement.GetProperty("problems");
        string page = File.ReadAllText(Repository.At("docs", "formats", "diff.md"));

        Assert.Equal("k.pem", Assert.Single(problems.GetProperty("new").EnumerateArray()).GetProperty("path").GetString());
        Assert.Equal(3, problems.GetProperty("fixed").GetArrayLength());
        Assert.Equal(["secret"], problems.GetProperty("compared").EnumerateArray().Select(k => k.GetString()!));
        Assert.Equal(["malware", "history", "configuration", "licence"], problems.GetProperty("oneSided").EnumerateArray().Select(k => k.GetString()!));
        Assert.All(problems.GetProperty("fixed").EnumerateArray().SelectMany(p => p.EnumerateObject()).Select(p => p.Name), name => Assert.Contains($"`{name}`", page, StringComparison.Ordinal));
    }
}
