using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Policies;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Sign;
using Plimsoll.TestKit;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Policies;

public sealed class PolicyJudgeTests
{
    private static Policy Policy(string yaml = "") => PolicyFile.Parse(Encoding.UTF8.GetBytes($"policy: 1\nname: test\n{yaml}"), "p.yaml");

    private static Report Clean { get; } = new ReportBuilder().With(ReportBuilder.Package("bash", "5.1", licences: "GPL-3.0-or-later")).Build() with { Checks = ProblemKinds.All };

    private static Problem Problem(ProblemKind kind, Severity severity, params (string, string)[] details) => new()
    {
        Kind = kind,
        Rule = "rule",
        Severity = severity,
        Title = new Text("t", "t"),
        Path = "app/x",
        Fingerprint = "f",
        Details = new SortedDictionary<string, string>(details.ToDictionary(d => d.Item1, d => d.Item2)),
    };

    private static Verdict Judge(Report report, string yaml = "") => PolicyJudge.Judge(report, Policy(yaml), ReportBuilder.Now);

    [Fact]
    public void Judge_RealReport_NamesWhatItRefusesFor()
    {
        Verdict verdict = Judge(ReportBuilder.Vulnerable().Build() with { Checks = ProblemKinds.All });

        Assert.Equal(Outcome.Refused, verdict.Outcome);
        Assert.Equal(("known-exploited", 1, "CVE-2022-37434 zlib1g"), (verdict.Reasons[0].Code, verdict.Reasons[0].Count, verdict.Reasons[0].Examples[0]));
        Assert.Contains(verdict.Reasons, r => r is { Code: "severity", Rule: "vulnerabilities.severity.high", Count: 2 });
        Assert.Contains(verdict.Reasons, r => r is { Rule: "vulnerabilities.unfixed", Outcome: Outcome.Warned, Count: 1 });
    }

    [Fact]
    public void Judge_CleanReport_Passes() => Assert.Equal(Outcome.Passed, Judge(Clean).Outcome);

    [Fact]
    public void Judge_WhatTheReportDoesNotHave_IsUndecided()
    {
        Assert.Equal(["check-missing"], Judge(Clean with { Checks = [] }).Reasons.Select(r => r.Code).Distinct());
        Assert.Contains(Judge(Clean with { Matched = false }).Reasons, r => r.Code == "check-missing" && r.Rule == "vulnerabilities");
        Report noDatabase = Clean with { Database = ReportBuilder.StarterSet, Notes = [new Note("no-database", true, ["50"])] };
        Assert.Equal(["no-database"], Judge(noDatabase).Reasons.Select(r => r.Code));
        Assert.Equal(Outcome.Undecided, Judge(Clean with { Gaps = [new Gap("file-too-large", "x", "y")] }).Outcome);
        // A check that stumbled has not looked.
        Assert.Contains(Judge(Clean with { Gaps = [new Gap("check-failed", "secret", "boom")] }, "inspection: {incomplete: ignore}").Reasons, r => r is { Code: "check-missing", Rule: "secrets" });
        Assert.Equal(Outcome.Refused, Judge(Clean with { Verified = false }).Outcome);
        Assert.Contains(Judge(Clean with { Created = null }, "image: {max-age: 5d}").Reasons, r => r.Code == "image-age-unknown");
    }

    [Theory]
    [InlineData("confirmed", Outcome.Refused)]
    [InlineData("suspected", Outcome.Warned)]
    [InlineData("who knows", Outcome.Refused)]
    public void Judge_Malware_ByItsCertainty(string certainty, Outcome outcome) =>
        Assert.Equal(outcome, Judge(Clean with { Problems = [Problem(ProblemKind.Malware, Severity.High, ("certainty", certainty))] }).Outcome);

    [Fact]
    public void Judge_RemovedSecret_CountsAsThePolicySays()
    {
        Report report = Clean with { Problems = [Problem(ProblemKind.Secret, Severity.High) with { RemovedBy = new Origin(1, null, null) }] };
        Assert.Equal(Outcome.Refused, Judge(report).Outcome);
        Assert.Equal(Outcome.Warned, Judge(report, "secrets: {removed: warn}").Outcome);
    }

    [Theory]
    [InlineData("{name: bash, reason: r}", Outcome.Refused)]
    [InlineData("{name: 'ba*', reason: r, action: warn}", Outcome.Warned)]
    [InlineData("{name: bash, type: npm, reason: r}", Outcome.Passed)]
    [InlineData("{name: bash, versions: ['5.*'], reason: r}", Outcome.Refused)]
    [InlineData("{name: bash, versions: ['4.*'], reason: r}", Outcome.Passed)]
    [InlineData("{name: bash, type: deb, below: 5.2, reason: r}", Outcome.Refused)]
    [InlineData("{name: bash, type: deb, below: 5.1, reason: r}", Outcome.Passed)]
    public void Judge_DeniedPackage_ByNameTypeAndVersion(string entry, Outcome outcome) =>
        Assert.Equal(outcome, Judge(Clean, $"packages: {{deny: [{entry}]}}").Outcome);

    [Fact]
    public void Judge_Licences_OfPackages()
    {
        Verdict verdict = Judge(Clean, "licences: {deny: [GPL-3.0-*]}");
        Assert.Equal(("licence-denied", "GPL-3.0-or-later (bash)"), (verdict.Reasons[0].Code, verdict.Reasons[0].Examples[0]));
        Assert.Equal(Outcome.Passed, Judge(Clean, "licences: {allow: [GPL-3.0-or-later]}").Outcome);
    }

    [Theory]
    [InlineData(Matcher.ByDistribution, "[distribution]")]
    [InlineData(Matcher.ByLockFile, "[lock-file]")]
    [InlineData("app.vex.json, statement 3", "[vex]")]
    [InlineData("s.yaml:3", "[file]")]
    public void Judge_Suppressed_ByWhoSaidIt(string source, string accepted)
    {
        Report report = new ReportBuilder().With(ReportBuilder.Package("a", "1"), "CVE-1", Severity.Critical, "2", suppressed: new Suppression { Id = "CVE-1", Reason = "r", Source = source }).Build() with { Checks = ProblemKinds.All };
        Assert.Equal(Outcome.Passed, Judge(report, $"suppressions: {accepted}").Outcome);
        Assert.Equal(Outcome.Refused, Judge(report, "suppressions: []").Outcome);
    }

    [Fact]
    public void PredicateOf_Report_JudgedAgainComesToTheSame()
    {
        Policy policy = Policy("packages: {deny: [{name: curl, reason: r}]}\nlicences: {deny: [GPL-*]}");
        Report report = ReportBuilder.Vulnerable().Build() with { Checks = ProblemKinds.All, Problems = [Problem(ProblemKind.Secret, Severity.High)] };
        report = report with { Policy = policy, Verdict = PolicyJudge.Judge(report, policy, ReportBuilder.Now) };

        byte[] json = ReportFormats.Render(ReportFormats.Find("inspection")!, [ScanResult.Of("x", report, ReportFilter.None)], ReportFilter.None, "0.1.0")!;
        InspectionPredicate host = InspectionPredicate.From(Statement.Parse(json.AsMemory(0, json.Length - 1), "s"), "s");

        Verdict again = Plimsoll.Verify.Judge.Of(policy, host.Inspection, ReportBuilder.Now);
        Assert.Equal(report.Verdict.Reasons.Select(r => (r.Code, r.Outcome, r.Count, r.Message, string.Join('|', r.Examples))), again.Reasons.Select(r => (r.Code, r.Outcome, r.Count, r.Message, string.Join('|', r.Examples))));
        Assert.Equal((report.Verdict.PolicyDigest, Outcome.Refused), (host.Verdict!.PolicyDigest, host.Verdict.Outcome));
        // A host with another list of denied packages cannot know.
        Assert.Contains(Plimsoll.Verify.Judge.Of(Policy("packages: {deny: [{name: vim, reason: r}]}"), host.Inspection, ReportBuilder.Now).Reasons, r => r.Code == "packages-not-listed");
        Assert.Equal(json, ReportFormats.Render(ReportFormats.Find("inspection")!, [ScanResult.Of("x", report, ReportFilter.None)], ReportFilter.None, "0.1.0")!);
    }

    [Fact]
    public void JsonReport_WithProblemsAndVerdict_IsReadBackAndJudgedTheSame()
    {
        Report report = ReportBuilder.Vulnerable().Build() with
        {
            Checks = ProblemKinds.All,
            Created = ReportBuilder.Now.AddDays(-1),
            Engines = [new Engine("clamav", "1", null), new Engine("yara", null, "not there")],
            Problems = [Problem(ProblemKind.Malware, Severity.High, ("certainty", "suspected")) with { Suppressed = new Suppression { Id = "rule", Path = "app/*", Reason = "r", Source = "s:1" } }],
        };
        report = report with { Verdict = Judge(report) };
        using MemoryStream json = new();
        JsonReport.Write(json, [ScanResult.Of("x", report, ReportFilter.None)], ReportFilter.None, "0.1.0");

        Report read = ReportReader.Read(json.ToArray(), "r.json");

        Assert.Contains("\"outcome\": \"refused\"", Encoding.UTF8.GetString(json.ToArray()), StringComparison.Ordinal);
        Assert.Equal("app/*", read.Problems[0].Suppressed!.Path);
        Assert.Equal(report.Verdict.Reasons.Select(r => (r.Code, r.Count)), Judge(read).Reasons.Select(r => (r.Code, r.Count)));
        Assert.Equal(report.Engines, read.Engines);
    }

    [Fact]
    public void Explain_EachFinding_SaysWhy()
    {
        IReadOnlyList<Judgement> judgements = PolicyJudge.Explain(ReportBuilder.Vulnerable().Build(), Policy("exceptions: [{id: CVE-2023-38545, reason: r, owner: o, expires: 2027-01-01}]"), ReportBuilder.Now);

        Assert.Equal("exceptions", Assert.Single(judgements, j => j.Finding.Id == "CVE-2023-38545") is { ExceptedBy: not null, Counts: false } ? "exceptions" : "");
        Assert.Equal("vulnerabilities.known-exploited", Assert.Single(judgements, j => j.Finding.Id == "CVE-2022-37434").Decision.Rule);
    }

    [Fact]
    public void VerdictText_BothLanguages_SayOutcomeReasonsAndRules()
    {
        Verdict verdict = Judge(ReportBuilder.Vulnerable().WithGap("file-too-large", "a\u001b[31m", "").Build() with { Checks = ProblemKinds.All });
        string Told(Language language)
        {
            StringWriter writer = new();
            VerdictText.Write(writer, verdict, new TableOptions { Now = ReportBuilder.Now, Language = language, Columns = 60 });
            return writer.ToString();
        }

        Assert.Contains("Refused by policy test", Told(Language.English), StringComparison.Ordinal);
        Assert.Contains("known exploited vulnerabilities: 1", Told(Language.English), StringComparison.Ordinal);
        Assert.Contains("(vulnerabilities.known-exploited)", string.Join(' ', Told(Language.English).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Contains("被策略 test 拒绝", Told(Language.Chinese), StringComparison.Ordinal);
        Assert.Contains("已知被利用的漏洞：1 个", Told(Language.Chinese), StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', Told(Language.English));
        Assert.All(Told(Language.Chinese).Split('\n'), line => Assert.InRange(DisplayWidth.Of(line), 0, 62));
    }

    [Fact]
    public void PolicyText_DefaultPolicy_IsSaidInBothLanguages()
    {
        foreach (Language language in (Language[])[Language.English, Language.Chinese])
        {
            IReadOnlyList<string> lines = PolicyText.Of(PolicyFile.BuiltIn(), language);
            Assert.Contains(lines, l => l.Contains("critical, high", StringComparison.Ordinal));
            Assert.DoesNotContain(lines, l => l.Contains('{', StringComparison.Ordinal));
        }
    }

    [Fact]
    public void PolicyCheck_WhatCanDoNothing_IsSaid()
    {
        Assert.Empty(PolicyCheck.Of(PolicyFile.BuiltIn(), ReportBuilder.Now));
        string yaml = """
            inspection: {engines: [norton]}
            vulnerabilities: {grace: {low: 3d, critical: 3d}}
            licences: {allow: [MIT, NoSuch], deny: [mit]}
            packages: {deny: [{name: a, type: flatpak, below: 1, reason: r}]}
            exceptions:
            - {id: a, reason: r, owner: o, expires: 2026-01-01}
            - {id: b, reason: r, owner: o, expires: 2027-01-01}
            - {id: B, package: p, reason: r, owner: o, expires: 2026-12-31}
            """;
        Assert.Equal(["inspection.engines", "vulnerabilities.grace.low", "licences.allow", "licences", "packages.deny[0]", "p.yaml:8", "p.yaml:10"], PolicyCheck.Of(Policy(yaml), ReportBuilder.Now).Select(r => r.Where));
        Assert.Equal(["policy"], PolicyCheck.Of(Policy("vulnerabilities: ignore\nmalware: ignore\nsecrets: ignore\nhistory: ignore\nconfiguration: ignore\n"), ReportBuilder.Now).Select(r => r.Where));
    }
}
