using Plimsoll.Texts;
using Plimsoll.Verify;
using static Plimsoll.Tests.Verify.Inspections;

namespace Plimsoll.Tests.Verify;

public sealed class JudgeTests
{
    private static void Expect(Verdict verdict, Outcome outcome, string? code, string? rule)
    {
        Assert.Equal(outcome, verdict.Outcome);
        if (code is null)
            Assert.Empty(verdict.Reasons);
        else
            Assert.Contains(verdict.Reasons, r => r.Code == code && r.Rule == rule && r.Outcome == outcome);
    }

    [Fact]
    public void Of_NothingFound_Passes() => Expect(Judge("", Clean), Outcome.Passed, null, null);

    [Theory]
    [InlineData("", Level.Critical, Outcome.Refused)]
    [InlineData("", Level.High, Outcome.Refused)]
    [InlineData("", Level.Medium, Outcome.Warned)]
    [InlineData("", Level.Low, Outcome.Passed)]
    [InlineData("", Level.Negligible, Outcome.Passed)]
    [InlineData("", Level.Unknown, Outcome.Warned)]
    [InlineData("vulnerabilities: {severity: {low: fail}}", Level.Low, Outcome.Refused)]
    [InlineData("vulnerabilities: {severity: {low: fail}}", Level.Critical, Outcome.Refused)]
    [InlineData("vulnerabilities: {severity: {critical: ignore}}", Level.Critical, Outcome.Passed)]
    [InlineData("vulnerabilities: ignore", Level.Critical, Outcome.Passed)]
    public void Of_Severity_IsWhatThePolicySays(string yaml, Level level, Outcome outcome) =>
        Expect(Judge(yaml, With(Vulnerability(level))), outcome, outcome == Outcome.Passed ? null : "severity", $"vulnerabilities.severity.{level.Word()}");

    [Theory]
    [InlineData("", "affected", false, Outcome.Warned, "vulnerabilities.unfixed")]
    [InlineData("vulnerabilities: {unfixed: fail}", "affected", false, Outcome.Refused, "vulnerabilities.severity.critical")]
    [InlineData("vulnerabilities: {unfixed: ignore}", "affected", false, Outcome.Passed, null)]
    [InlineData("vulnerabilities: {unfixed: ignore}", "fixed", true, Outcome.Refused, "vulnerabilities.severity.critical")]
    [InlineData("", "will-not-fix", false, Outcome.Warned, "vulnerabilities.will-not-fix")]
    [InlineData("vulnerabilities: {will-not-fix: ignore, unfixed: fail}", "will-not-fix", false, Outcome.Passed, null)]
    [InlineData("", "end-of-life", false, Outcome.Refused, "vulnerabilities.severity.critical")]
    [InlineData("vulnerabilities: {end-of-life: warn}", "end-of-life", false, Outcome.Warned, "vulnerabilities.end-of-life")]
    public void Of_NoFix_SoftensTheSeverity(string yaml, string status, bool fixable, Outcome outcome, string? rule) =>
        Expect(Judge(yaml, With(Vulnerability(Level.Critical) with { Status = status, Fixable = fixable })), outcome, rule is null ? null : "severity", rule);

    [Theory]
    // Published on 20 February; today is 2 March: ten days.
    [InlineData("10d", Outcome.Refused)]
    [InlineData("11d", Outcome.Warned)]
    [InlineData("none", Outcome.Refused)]
    [InlineData("{critical: 11d}", Outcome.Warned)]
    [InlineData("{high: 11d}", Outcome.Refused)]
    public void Of_Grace_EndsOnItsDay(string grace, Outcome outcome) =>
        Expect(Judge($"vulnerabilities: {{grace: {grace}}}", With(Vulnerability(Level.Critical))), outcome, "severity",
            outcome == Outcome.Warned ? "vulnerabilities.grace.critical" : "vulnerabilities.severity.critical");

    [Fact]
    public void Of_Grace_NeitherForTheFutureNorWithoutADay()
    {
        const string Yaml = "vulnerabilities: {grace: 30d}";
        Assert.Equal(Outcome.Warned, Judge(Yaml, With(Vulnerability(Level.High) with { Published = new DateOnly(2026, 3, 2) })).Outcome);
        Assert.Equal(Outcome.Refused, Judge(Yaml, With(Vulnerability(Level.High) with { Published = new DateOnly(2026, 3, 3) })).Outcome);
        Assert.Equal(Outcome.Refused, Judge(Yaml, With(Vulnerability(Level.High) with { Published = null })).Outcome);
        Assert.Equal(Outcome.Refused, Judge(Yaml, With(Vulnerability(Level.High) with { KnownExploited = true })).Outcome);
    }

    [Fact]
    public void Of_KnownExploitedAndMalicious_RefuseWhateverTheirSeverityAndFix()
    {
        InspectedFinding low = Vulnerability(Level.Low) with { Fixable = false, Status = "affected" };
        Expect(Judge("", With(low with { KnownExploited = true })), Outcome.Refused, "known-exploited", "vulnerabilities.known-exploited");
        Expect(Judge("", With(low with { Malicious = true })), Outcome.Refused, "malicious-package", "vulnerabilities.malicious");
        Expect(Judge("vulnerabilities: {known-exploited: warn}", With(low with { KnownExploited = true })), Outcome.Warned, "known-exploited", "vulnerabilities.known-exploited");
        // The strictest of all rules counts, in whatever order they are asked.
        Expect(Judge("vulnerabilities: {malicious: warn}", With(low with { KnownExploited = true, Malicious = true })), Outcome.Refused, "known-exploited", "vulnerabilities.known-exploited");
        Expect(Judge("vulnerabilities: {known-exploited: ignore}", With(low with { KnownExploited = true })), Outcome.Passed, null, null);
    }

    [Theory]
    [InlineData("0.5", Outcome.Refused)]
    [InlineData("0.500001", Outcome.Passed)]
    [InlineData("none", Outcome.Passed)]
    public void Of_Epss_CountsFromTheThreshold(string atLeast, Outcome outcome) =>
        Expect(Judge($"vulnerabilities: {{epss: {{at-least: {atLeast}}}}}", With(Vulnerability(Level.Low) with { Epss = 0.5m })), outcome, outcome == Outcome.Passed ? null : "epss", "vulnerabilities.epss");

    [Theory]
    [InlineData("", false, false, Outcome.Refused, "malware-confirmed", "malware.confirmed")]
    [InlineData("", true, false, Outcome.Warned, "malware-suspected", "malware.suspected")]
    [InlineData("", false, true, Outcome.Refused, "malware-confirmed", "malware.confirmed")]
    [InlineData("malware: {removed: warn}", false, true, Outcome.Warned, "malware-confirmed", "malware.removed")]
    [InlineData("malware: {suspected: fail}", true, false, Outcome.Refused, "malware-suspected", "malware.suspected")]
    [InlineData("malware: {rules: {some-*: ignore}}", false, false, Outcome.Passed, null, null)]
    [InlineData("malware: {rules: {some-*: ignore, some-rule: warn}}", false, false, Outcome.Warned, "malware-confirmed", "malware.rules.some-rule")]
    public void Of_Malware_IsWhatThePolicySays(string yaml, bool suspected, bool removed, Outcome outcome, string? code, string? rule) =>
        Expect(Judge(yaml, With(Problem(FindingKind.Malware, Level.Critical) with { Suspected = suspected, Removed = removed })), outcome, code, rule);

    [Theory]
    [InlineData(FindingKind.Secret, "secrets", Level.High, Outcome.Refused)]
    [InlineData(FindingKind.Secret, "secrets", Level.Low, Outcome.Passed)]
    [InlineData(FindingKind.History, "history", Level.Critical, Outcome.Refused)]
    [InlineData(FindingKind.History, "history", Level.High, Outcome.Warned)]
    [InlineData(FindingKind.Configuration, "configuration", Level.Critical, Outcome.Refused)]
    [InlineData(FindingKind.Configuration, "configuration", Level.Medium, Outcome.Warned)]
    [InlineData(FindingKind.Licence, "licences", Level.Critical, Outcome.Passed)]
    public void Of_Problems_GoBySeverityRuleAndRemoval(FindingKind kind, string section, Level level, Outcome outcome)
    {
        InspectedFinding problem = Problem(kind, level);
        Expect(Judge("", With(problem)), outcome, outcome == Outcome.Passed ? null : kind.Word(), $"{section}.severity.{level.Word()}");
        Expect(Judge($"{section}: {{rules: {{some-rule: fail}}}}", With(problem)), Outcome.Refused, kind.Word(), $"{section}.rules.some-rule");
        Expect(Judge($"{section}: {{rules: {{some-rule: ignore}}}}", With(problem)), Outcome.Passed, null, null);
        Expect(Judge($"{section}: ignore", With(problem)), Outcome.Passed, null, null);
        if (kind != FindingKind.Licence)
            Expect(Judge($"{section}: {{severity: {{{level.Word()}: fail}}, removed: warn}}", With(problem with { Removed = true })), Outcome.Warned, kind.Word(), $"{section}.removed");
    }

    [Theory]
    [InlineData("vulnerability", "vulnerabilities")]
    [InlineData("malware", "malware")]
    [InlineData("secret", "secrets")]
    [InlineData("history", "history")]
    [InlineData("configuration", "configuration")]
    public void Of_CheckThatDidNotRun_IsUndecidedUnlessItsSectionIsIgnored(string check, string section)
    {
        Inspection without = Clean with { Checks = [.. PolicyWords.Checks.Where(c => c != check)] };
        Expect(Judge("", without), Outcome.Undecided, "check-missing", section);
        Expect(Judge("inspection: {missing: fail}", without), Outcome.Refused, "check-missing", section);
        Expect(Judge($"{section}: ignore", without), Outcome.Passed, null, null);
        Expect(Judge($"{section}: ignore\ninspection: {{checks: [{check}]}}", without), Outcome.Undecided, "check-missing", "inspection.checks");
    }

    [Fact]
    public void Of_Engine_MustHaveAnswered()
    {
        const string Yaml = "inspection: {engines: [clamav]}";
        Expect(Judge(Yaml, Clean), Outcome.Passed, null, null);
        Expect(Judge(Yaml, Clean with { Engines = [] }), Outcome.Undecided, "engine-missing", "inspection.engines");
        Expect(Judge(Yaml, Clean with { Engines = [new("clamav", null, "no socket")] }), Outcome.Undecided, "engine-missing", "inspection.engines");
        Verdict failed = Judge(Yaml, Clean with { Engines = [new("clamav", "1.0", "it hung up")] });
        Expect(failed, Outcome.Undecided, "engine-failed", "inspection.engines");
        Assert.Contains("it hung up", failed.Reasons[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_InspectionItself_MustBeCompleteVerifiedAndYoung()
    {
        Inspection gap = Clean with { Undecided = [new("gap/file-too-large", "app/big.jar")] };
        Expect(Judge("", gap), Outcome.Undecided, "incomplete", "inspection.incomplete");
        Expect(Judge("inspection: {incomplete: fail}", gap), Outcome.Refused, "incomplete", "inspection.incomplete");
        Expect(Judge("inspection: {incomplete: warn}", gap), Outcome.Warned, "incomplete", "inspection.incomplete");
        Expect(Judge("inspection: {incomplete: ignore}", gap), Outcome.Passed, null, null);
        Expect(Judge("", Clean with { UndecidedBeyond = 3 }), Outcome.Undecided, "incomplete", "inspection.incomplete");
        Expect(Judge("", Clean with { Verified = false }), Outcome.Refused, "unverified", "inspection.unverified");
        Expect(Judge("inspection: {unverified: warn}", Clean with { Verified = false }), Outcome.Warned, "unverified", "inspection.unverified");
        Expect(Judge("", Clean with { Time = Now.AddDays(-30) }), Outcome.Passed, null, null);
        Expect(Judge("", Clean with { Time = Now.AddDays(-30).AddSeconds(-1) }), Outcome.Undecided, "inspection-old", "inspection.max-age");
        Expect(Judge("inspection: {max-age: none}", Clean with { Time = Now.AddDays(-3000) }), Outcome.Passed, null, null);
        Expect(Judge("", Clean with { Time = Now.AddDays(31) }), Outcome.Undecided, "inspection-old", "inspection.max-age");
    }

    [Fact]
    public void Of_Database_MustBeThereYoungAndHaveWhatIsAsked()
    {
        Inspection of(InspectedDatabase database) => Clean with { Database = database };
        Expect(Judge("", of(Clean.Database with { Present = false })), Outcome.Undecided, "no-database", "database.missing");
        Expect(Judge("database: {missing: fail}", of(Clean.Database with { Present = false })), Outcome.Refused, "no-database", "database.missing");
        Expect(Judge("vulnerabilities: ignore", of(Clean.Database with { Present = false })), Outcome.Passed, null, null);
        Expect(Judge("", of(Clean.Database with { Created = Now.AddDays(-14) })), Outcome.Passed, null, null);
        Expect(Judge("", of(Clean.Database with { Created = Now.AddDays(-14).AddSeconds(-1) })), Outcome.Undecided, "database-old", "database.max-age");
        Expect(Judge("database: {old: fail, max-age: 1d}", Clean), Outcome.Refused, "database-old", "database.max-age");
        Expect(Judge("", of(Clean.Database with { Created = Now.AddDays(400) })), Outcome.Undecided, "database-old", "database.max-age");
        Expect(Judge("", of(Clean.Database with { KnownExploited = null })), Outcome.Undecided, "no-known-exploited", "vulnerabilities.known-exploited");
        Expect(Judge("vulnerabilities: {known-exploited: ignore}", of(Clean.Database with { KnownExploited = null })), Outcome.Passed, null, null);
        Expect(Judge("vulnerabilities: {epss: {at-least: 0.9}}", of(Clean.Database with { Epss = null })), Outcome.Undecided, "no-epss", "vulnerabilities.epss");
    }

    [Fact]
    public void Of_Image_EndOfLifeAndAge()
    {
        Inspection old = Clean with { Distribution = new InspectedDistribution("debian", "10", new DateOnly(2026, 3, 1)) };
        Expect(Judge("", old), Outcome.Warned, "end-of-life", "image.end-of-life");
        Expect(Judge("image: {end-of-life: fail}", old), Outcome.Refused, "end-of-life", "image.end-of-life");
        Expect(Judge("", old with { Distribution = new InspectedDistribution("debian", "10", new DateOnly(2026, 3, 2)) }), Outcome.Passed, null, null);
        Expect(Judge("image: {max-age: 3d}", Clean), Outcome.Passed, null, null);
        Expect(Judge("image: {max-age: 2d}", Clean), Outcome.Warned, "image-old", "image.max-age");
        Expect(Judge("image: {max-age: 2d, old: fail}", Clean), Outcome.Refused, "image-old", "image.max-age");
        Expect(Judge("image: {max-age: 2d}", Clean with { Created = null }), Outcome.Undecided, "image-age-unknown", "image.max-age");
    }

    [Theory]
    [InlineData("CVE-2026-1", "", true)]
    [InlineData("cve-2026-1", "", true)]
    [InlineData("GHSA-1", "", true)]
    [InlineData("00112233445566778899AABBCCDDEEFF", "", true)]
    [InlineData("CVE-2026-2", "", false)]
    [InlineData("CVE-2026-1", "package: openssl", true)]
    [InlineData("CVE-2026-1", "package: libssl3", true)]
    [InlineData("CVE-2026-1", "package: zlib", false)]
    [InlineData("CVE-2026-1", "path: var/lib/**", true)]
    [InlineData("CVE-2026-1", "path: var/lib/*", false)]
    [InlineData("CVE-2026-1", "image: registry.example/team/*", true)]
    [InlineData("CVE-2026-1", "image: registry.example/*", false)]
    [InlineData("CVE-2026-1", "image: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", true)]
    [InlineData("CVE-2026-1", "image: sha256:0000d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", false)]
    public void Of_Exception_AcceptsWhatItNames(string id, string scope, bool accepted)
    {
        string yaml = $"exceptions:\n- {{id: {id}, reason: r, owner: ops, expires: 2026-03-02{(scope.Length > 0 ? ", " + scope : "")}}}\n";

        Verdict verdict = Judge(yaml, With(Vulnerability(Level.Critical)));

        Assert.Equal(accepted ? Outcome.Passed : Outcome.Refused, verdict.Outcome);
        if (accepted)
            Assert.Contains("ops, 2026-03-02", Assert.Single(verdict.Reasons, r => r.Code == "excepted").Examples[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ExceptionPastItsLastDay_AcceptsNothingAndIsSaid()
    {
        const string Yaml = "exceptions:\n- {id: CVE-2026-1, reason: r, owner: ops, expires: 2026-03-01}\n";

        Verdict verdict = Judge(Yaml, With(Vulnerability(Level.Critical)));

        Assert.Equal(Outcome.Refused, verdict.Outcome);
        Assert.Contains(verdict.Reasons, r => r is { Code: "exception-expired", Outcome: Outcome.Warned });
        // Where nothing of it is there it is only noted.
        Assert.Contains(Judge(Yaml, Clean).Reasons, r => r is { Code: "exception-expired", Outcome: Outcome.Passed });
        Assert.Equal(Outcome.Passed, Judge(Yaml, Clean).Outcome);
    }

    [Fact]
    public void Of_ExceptionThatMatchesNothing_IsSaidForItsImagesOnly()
    {
        Verdict verdict = Judge("exceptions:\n- {id: a, reason: r, owner: o, expires: 2027-01-01}\n- {id: b, image: other, reason: r, owner: o, expires: 2027-01-01}\n", Clean);

        Assert.Equal(Outcome.Passed, verdict.Outcome);
        Assert.Equal(("exception-unused", 1), (Assert.Single(verdict.Reasons).Code, verdict.Reasons[0].Count));
    }

    [Fact]
    public void Of_ExceptionForTheUnseenAndTheWholeImage_IsTaken()
    {
        Inspection inspection = Clean with
        {
            Undecided = [new("gap/file-too-large", "app/a.jar"), new("gap/file-too-large", "srv/b.jar")],
            Distribution = new InspectedDistribution("debian", "9", new DateOnly(2022, 1, 1)),
        };
        Verdict verdict = Judge("exceptions:\n- {id: gap/file-too-large, path: app/**, reason: r, owner: o, expires: 2027-01-01}\n- {id: end-of-life, reason: r, owner: o, expires: 2027-01-01}\n", inspection);

        Assert.Equal(["gap/file-too-large srv/b.jar"], Assert.Single(verdict.Reasons, r => r.Code == "incomplete").Examples);
        Assert.DoesNotContain(verdict.Reasons, r => r.Code == "end-of-life");
        Assert.Equal(2, Assert.Single(verdict.Reasons, r => r.Code == "excepted").Count);
    }

    [Theory]
    [InlineData(SuppressionSource.File, "[distribution, lock-file, vex, file]", Outcome.Passed)]
    [InlineData(SuppressionSource.File, "[distribution, lock-file, vex]", Outcome.Refused)]
    [InlineData(SuppressionSource.Vex, "[vex]", Outcome.Passed)]
    [InlineData(SuppressionSource.Distribution, "[]", Outcome.Refused)]
    public void Of_Suppression_CountsWhereThePolicyLetsIt(SuppressionSource source, string accepted, Outcome outcome) =>
        Assert.Equal(outcome, Judge($"suppressions: {accepted}", With(Vulnerability(Level.Critical) with { SuppressedBy = source })).Outcome);

    [Fact]
    public void Of_SeveralOutcomes_TheWorstWinsAndComesFirst()
    {
        Verdict verdict = Judge("", With(Vulnerability(Level.Medium), Vulnerability(Level.Critical, "CVE-2026-2")) with { Undecided = [new("gap/x", "y")] });

        Assert.Equal(Outcome.Refused, verdict.Outcome);
        Assert.Equal([Outcome.Refused, Outcome.Undecided, Outcome.Warned], verdict.Reasons.Select(r => r.Outcome));
        Assert.Equal(Outcome.Undecided, Judge("", With(Vulnerability(Level.Medium)) with { Undecided = [new("gap/x", "y")] }).Outcome);
    }

    [Theory]
    [InlineData("deny: [GPL-*]", Outcome.Refused, "licence-denied")]
    [InlineData("deny: [AGPL-3.0-only]", Outcome.Passed, null)]
    [InlineData("allow: [MIT, GPL-2.0-only]", Outcome.Passed, null)]
    [InlineData("allow: [MIT]", Outcome.Refused, "licence-unlisted")]
    [InlineData("allow: [MIT], unlisted: warn", Outcome.Warned, "licence-unlisted")]
    [InlineData("deny: [GPL-*], denied: ignore", Outcome.Passed, null)]
    [InlineData("undeclared: warn", Outcome.Warned, "licence-undeclared")]
    [InlineData("deny: ['category:strong-copyleft']", Outcome.Refused, "licence-denied")]
    public void Of_Licences_AllowAndDeny(string rules, Outcome outcome, string? code)
    {
        Inspection inspection = Clean with
        {
            Licences = [new([], 1, ["nameless"]), new(["GPL-2.0-only"], 2, ["bash", "tar"]), new(["MIT"], 1, ["x"])],
            LicenceCategories = new SortedDictionary<string, string> { ["GPL-2.0-only"] = "strong-copyleft", ["MIT"] = "permissive" },
        };

        Verdict verdict = Judge($"licences: {{{rules}}}", inspection);

        Assert.Equal(outcome, verdict.Outcome);
        if (code is not null)
            Assert.Equal(code == "licence-undeclared" ? 1 : 2, Assert.Single(verdict.Reasons, r => r.Code == code).Count);
    }

    [Fact]
    public void Of_FindingsThatAreOnlyCounted_AreNeverTakenLightly()
    {
        Verdict of(FindingKind kind, Level level, string yaml = "") => Judge(yaml, Clean with { FindingsBeyond = [new(kind, level, 7)] });
        // Known exploited ones might be among them.
        Assert.Equal(Outcome.Undecided, of(FindingKind.Vulnerability, Level.Low).Outcome);
        Assert.Equal(Outcome.Warned, of(FindingKind.Vulnerability, Level.Medium, "vulnerabilities: {known-exploited: warn, malicious: warn}").Outcome);
        Assert.Equal(Outcome.Passed, of(FindingKind.Vulnerability, Level.Low, "vulnerabilities: ignore").Outcome);
        Assert.Equal(Outcome.Undecided, of(FindingKind.Secret, Level.Low, "secrets: {rules: {x: fail}}").Outcome);
        Assert.Equal(Outcome.Passed, of(FindingKind.Secret, Level.Low).Outcome);
    }

    [Fact]
    public void Of_DeniedPackages_OnAnInspectionThatWasNotAskedForThem_AreUndecided()
    {
        const string Yaml = "packages: {deny: [{name: x, reason: r}]}";
        Expect(Judge(Yaml, Clean), Outcome.Undecided, "packages-not-listed", "packages.deny");
        Expect(Judge(Yaml, Clean with { PackagesOfPolicy = PolicyJson.DigestOf(Policy(Yaml)) }), Outcome.Passed, null, null);
    }

    [Fact]
    public void Of_ManyFindings_AreOneReasonWithTenExamples()
    {
        Verdict verdict = Judge("", With([.. Enumerable.Range(0, 500).Select(i => Vulnerability(Level.High, $"CVE-2026-{i:000}"))]));

        Reason reason = Assert.Single(verdict.Reasons);
        Assert.Equal((500, 10), (reason.Count, reason.Examples.Count));
        Assert.Equal("vulnerabilities of severity high: 500", reason.Message);
        Assert.Contains("500", Catalogue.ReasonText(reason.Code, reason.Arguments, Language.Chinese)!, StringComparison.Ordinal);
    }

    [Fact]
    public void Reasons_EveryCodeThatCanCome_HasATextInBothLanguages()
    {
        string source = File.ReadAllText(TestKit.Repository.At("src", "Plimsoll.Core", "Verify", "Judge.cs")) + File.ReadAllText(TestKit.Repository.At("src", "Plimsoll.Core", "Verify", "FindingJudge.cs"));
        IEnumerable<string> codes = System.Text.RegularExpressions.Regex.Matches(source, @"(?:Say|Whole|_reasons\.Add)\(""(?<c>[a-z-]+)""|(?:Decision|new)\([^""]*""(?<c>[a-z-]+)"", \$?""[a-z]|\(""(?<c>licence-[a-z]+)""",
            System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5)).Select(m => m.Groups["c"].Value);

        Assert.Superset(new HashSet<string> { "severity", "no-database", "licence-denied", "end-of-life", "excepted" }, codes.ToHashSet());
        Assert.All(codes, code => Assert.True(Catalogue.FindReason(code) is { English.Length: > 0, Chinese.Length: > 0 }, code));
    }
}
