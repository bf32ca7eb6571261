using System.Text;
using Plimsoll.Sign;
using Plimsoll.Verify;
using static Plimsoll.Tests.Verify.Inspections;

namespace Plimsoll.Tests.Verify;

public sealed class InspectionPredicateTests
{
    private static InspectionPredicate Full()
    {
        Inspection inspection = With(
            Vulnerability(Level.Critical) with { KnownExploited = true, Malicious = true, Epss = 0.123456m, SuppressedBy = SuppressionSource.Vex },
            Vulnerability(Level.Low, "CVE-2026-2\u0007\"\\") with { Path = "a/" + new string('x', 900), Published = null },
            Problem(FindingKind.Malware, Level.High) with { Suspected = true, Removed = true },
            Problem(FindingKind.Package, Level.Unknown, "denied-package") with { Entry = 3 }) with
        {
            IndexDigest = "sha256:2f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            Engines = [new("clamav", "1", null), new("yara", null, "not there")],
            Undecided = [new("gap/file-too-large", "layer 1: x"), new("note/nothing-found", "")],
            UndecidedBeyond = 4,
            FindingsBeyond = [new(FindingKind.Secret, Level.Low, 9)],
            Licences = [new([], 2, ["a"]), new(["MIT", "GPL-2.0-only OR X"], 1, ["b", "\ud800"])],
            LicencesBeyond = 3,
            LicenceCategories = new SortedDictionary<string, string> { ["MIT"] = "permissive" },
            PackagesOfPolicy = "sha256:0",
        };
        return InspectionPredicate.Of(inspection, Plimsoll.Verify.Judge.Of(Policy(), inspection, Now));
    }

    [Fact]
    public void Parse_WhatWasWritten_SaysTheSameAndIsWrittenTheSame()
    {
        InspectionPredicate full = Full();

        InspectionPredicate read = InspectionPredicate.From(Statement.Parse(full.ToStatement().ToJson(), "s"), "s");

        Assert.Equal(Encoding.UTF8.GetString(full.ToStatement().ToJson()), Encoding.UTF8.GetString(read.ToStatement().ToJson()));
        Assert.Equal(full.Inspection.Findings.Count, read.Inspection.Findings.Count);
        Assert.Equal(full.Inspection.ManifestDigest, read.Inspection.ManifestDigest);
        Assert.Equal(full.Verdict!.Outcome, read.Verdict!.Outcome);
        foreach (string yaml in (string[])["", "vulnerabilities: ignore", "suppressions: []", "malware: {suspected: fail}", "licences: {deny: [GPL-*]}"])
            Assert.Equal(Judge(yaml, full.Inspection).Reasons.Select(r => (r.Code, r.Count, r.Message)), Judge(yaml, read.Inspection).Reasons.Select(r => (r.Code, r.Count, r.Message)));
    }

    [Theory]
    [InlineData("\"inspection\":1", "\"inspection\":2", "version \"2\"")]
    [InlineData("\"verified\":true", "\"verified\":\"true\"", "canonical")]
    [InlineData("\"verified\":true", "\"verified\":1", "true or false")]
    [InlineData("\"verified\":true", "\"verified\":true,\"more\":1", "unknown key \"more\"")]
    [InlineData("\"verified\":true", "\"verified\":true,\"verified\":true", "stands twice")]
    [InlineData("\"verified\":true,", "", "has no verified")]
    [InlineData("\"severity\":\"critical\"", "\"severity\":\"dreadful\"", "wanted")]
    [InlineData("\"kind\":\"malware\"", "\"kind\":\"other\"", "wanted")]
    [InlineData("\"epss\":0.123456", "\"epss\":1.5", "probability")]
    [InlineData("\"time\":\"2026-03-02T10:30:00Z\"", "\"time\":\"2026-03-02\"", "a time such as")]
    [InlineData("\"beyond\":4", "\"beyond\":-4", "a number")]
    [InlineData("\"beyond\":4", "\"beyond\": 4", "canonical")]
    [InlineData("\"checks\":[\"vulnerability\"", "\"checks\":[\"vulnerabilities\"", "unknown check")]
    [InlineData("\"outcome\":\"undecided\"", "\"outcome\":\"fine\"", "wanted")]
    public void Parse_ChangedPlace_IsRefusedByName(string from, string to, string message)
    {
        string json = Encoding.UTF8.GetString(Full().ToJson());
        Assert.Contains(from, json, StringComparison.Ordinal);
        int at = json.IndexOf(from, StringComparison.Ordinal);

        DocumentException e = Assert.Throws<DocumentException>(() => InspectionPredicate.Parse(Encoding.UTF8.GetBytes(json[..at] + to + json[(at + from.Length)..]), "s"));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_MoreThanTheBound_CountsTheRestAndListsTheWorst()
    {
        InspectedFinding[] many = [.. Enumerable.Range(0, InspectionPredicate.MaxFindings + 5).Select(i => Vulnerability(Level.Low, $"CVE-{i:00000}")), Vulnerability(Level.Low, "CVE-X") with { KnownExploited = true }];

        InspectionPredicate predicate = InspectionPredicate.Of(With(many), null);

        Assert.Equal(InspectionPredicate.MaxFindings, predicate.Inspection.Findings.Count);
        Assert.Equal("CVE-X", predicate.Inspection.Findings[0].Id);
        Assert.Equal([new FindingCount(FindingKind.Vulnerability, Level.Low, 6)], predicate.Inspection.FindingsBeyond);
        Assert.InRange(predicate.ToJson().Length, 1, Statement.MaxBytes / 2);
        InspectionPredicate.Parse(predicate.ToJson(), "s");
        string json = Encoding.UTF8.GetString(predicate.ToJson());
        int first = json.IndexOf("{\"kind\":\"vulnerability\",\"id\":\"CVE-00000\"", StringComparison.Ordinal), end = json.IndexOf('}', first) + 1;
        Assert.Contains("at most 4000", Assert.Throws<DocumentException>(() => InspectionPredicate.Parse(Encoding.UTF8.GetBytes(json[..end] + "," + json[first..]), "s")).Message, StringComparison.Ordinal);
    }

    /// <summary>What a host reads is cut; whatever is cut, nothing that the scan refused may pass there.</summary>
    [Fact]
    public void Of_AnyBound_NeverMakesTheVerdictMilder()
    {
        Random random = new(5);
        string[] policies = ["", "vulnerabilities: {known-exploited: warn, malicious: ignore}", "secrets: {rules: {r1: fail}}", "vulnerabilities: ignore\nmalware: {suspected: fail}", "suppressions: []"];
        int refused = 0;
        for (int round = 0; round < 400; round++)
        {
            Inspection inspection = With([.. Enumerable.Range(0, random.Next(1, 8)).Select(i => (random.Next(2) == 0 ? Vulnerability((Level)random.Next(6), $"CVE-{i}")
                : Problem((FindingKind)random.Next(1, 6), (Level)random.Next(6), $"r{random.Next(3)}")) with
            {
                KnownExploited = random.Next(8) == 0,
                Suspected = random.Next(2) == 0,
                Fixable = random.Next(2) == 0,
                SuppressedBy = random.Next(4) == 0 ? SuppressionSource.File : null,
            })]);
            foreach (string yaml in policies)
            {
                Outcome whole = Judge(yaml, inspection).Outcome, cut = Judge(yaml, InspectionPredicate.Of(inspection, null, random.Next(0, 4)).Inspection).Outcome;
                refused += whole == Outcome.Refused ? 1 : 0;
                Assert.False(whole == Outcome.Refused && cut < Outcome.Undecided, $"round {round}, {yaml}: {whole} became {cut}");
                Assert.False(whole == Outcome.Warned && cut == Outcome.Passed, $"round {round}, {yaml}: {whole} became {cut}");
            }
        }
        Assert.InRange(refused, 100, 1900);
    }

    [Fact]
    public void From_OtherTypeOrSubjects_IsRefused()
    {
        Statement statement = Full().ToStatement();
        Assert.Equal(["manifest", "config", "index"], statement.Subjects.Select(s => s.Name));
        Assert.Throws<DocumentException>(() => InspectionPredicate.From(statement with { PredicateType = "urn:other" }, "s"));
        Assert.Throws<DocumentException>(() => InspectionPredicate.From(statement with { Subjects = [.. statement.Subjects, statement.Subjects[0]] }, "s"));
        Assert.Throws<DocumentException>(() => InspectionPredicate.From(statement with { Subjects = [statement.Subjects[0] with { Name = "else" }] }, "s"));
        Assert.Throws<InvalidOperationException>(() => InspectionPredicate.Of(Clean with { ManifestDigest = null, ConfigDigest = null }, null).ToStatement());
    }
}
