using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Policies;

public sealed class PolicyFileTests
{
    private const string Head = "policy: 1\nname: t\n";

    private static Policy Parse(string yaml) => PolicyFile.Parse(Encoding.UTF8.GetBytes(yaml), "p.yaml");

    [Fact]
    public void BuiltIn_SaysEveryKeyAsAFileThatSaysNothing()
    {
        Policy builtIn = PolicyFile.BuiltIn(), silent = Parse("policy: 1\nname: default\n") with { Description = builtIn.Description };

        Assert.Equal(Encoding.UTF8.GetString(PolicyJson.Write(builtIn)), Encoding.UTF8.GetString(PolicyJson.Write(silent)));
        Assert.Equal(File.ReadAllBytes(Repository.At("docs", "policy-default.yaml")), PolicyFile.BuiltInText());
        Assert.Contains(Encoding.UTF8.GetString(PolicyFile.BuiltInText()), File.ReadAllText(Repository.At("docs", "formats", "policy.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void BuiltIn_Text_HasEveryKeyThatTheCanonicalFormHas()
    {
        string yaml = Encoding.UTF8.GetString(PolicyFile.BuiltInText());
        IEnumerable<string> keys = System.Text.RegularExpressions.Regex.Matches(Encoding.UTF8.GetString(PolicyJson.Write(PolicyFile.BuiltIn())), "\"(?<k>[a-z-]+)\":",
            System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5)).Select(m => m.Groups["k"].Value).Distinct(StringComparer.Ordinal);

        Assert.All(keys, key => Assert.Contains(key + ":", yaml, StringComparison.Ordinal));
    }

    [Fact]
    public void Parse_WholePolicy_GivesEveryField()
    {
        Policy p = Parse("""
            policy: 1
            name: edge
            description: for the edge
            inspection: {checks: [secret], engines: [yara, clamav], missing: fail, incomplete: warn, unverified: undecided, max-age: 7d, old: ignore}
            database: {missing: fail, max-age: none, old: warn}
            image: {end-of-life: fail, max-age: 90d, old: fail}
            vulnerabilities:
              severity: {critical: warn, unknown: fail}
              unfixed: ignore
              will-not-fix: fail
              end-of-life: ignore
              grace: {critical: 3d, high: none}
              known-exploited: warn
              epss: {at-least: 0.25, action: warn}
              malicious: warn
            malware: {confirmed: warn, suspected: ignore, removed: ignore, rules: {"x*": fail}}
            secrets: {severity: {low: fail}, removed: ignore, rules: {a: ignore}}
            history: ignore
            configuration: {rules: {CIS-4.1: fail}}
            licences: {allow: [MIT], deny: [GPL-*, "category:restricted"], denied: warn, unlisted: warn, undeclared: fail, severity: {high: warn}, rules: {r: fail}}
            packages: {deny: [{name: log4j-core, type: maven, versions: ["2.1*"], below: 2.17.1, reason: log4shell, action: warn}]}
            suppressions: [vex]
            exceptions:
            - id: CVE-1
              package: a
              path: b/**
              image: c
              reason: d
              owner: e
              expires: 2027-01-31
            """);

        Assert.Equal(("edge", "for the edge"), (p.Name, p.Description));
        Assert.Equal((PolicyAction.Fail, PolicyAction.Warn, PolicyAction.Undecided, 7, PolicyAction.Ignore), (p.Inspection.Missing, p.Inspection.Incomplete, p.Inspection.Unverified, p.Inspection.MaxAgeDays, p.Inspection.Old));
        Assert.Equal(new DatabaseRules { Missing = PolicyAction.Fail, MaxAgeDays = null, Old = PolicyAction.Warn }, p.Database);
        Assert.Equal(new ImageRules { EndOfLife = PolicyAction.Fail, MaxAgeDays = 90, Old = PolicyAction.Fail }, p.Image);
        Assert.Equal(new VulnerabilityRules
        {
            Severity = new(PolicyAction.Warn, PolicyAction.Fail, PolicyAction.Warn, PolicyAction.Ignore, PolicyAction.Ignore, PolicyAction.Fail),
            Unfixed = PolicyAction.Ignore,
            WillNotFix = PolicyAction.Fail,
            EndOfLife = PolicyAction.Ignore,
            GraceDays = new(3, 0, 0, 0, 0, 0),
            KnownExploited = PolicyAction.Warn,
            EpssAtLeast = 0.25m,
            Epss = PolicyAction.Warn,
            Malicious = PolicyAction.Warn,
        }, p.Vulnerabilities);
        Assert.Equal((PolicyAction.Warn, PolicyAction.Ignore, PolicyAction.Ignore, PolicyAction.Fail), (p.Malware.Confirmed, p.Malware.Suspected, p.Malware.Removed, p.Malware.Rules.Find("xyz")!.Value.Action));
        Assert.Equal((PolicyAction.Fail, PolicyAction.Ignore), (p.Secrets.Severity.Low, p.Secrets.Removed));
        Assert.Equal(ProblemRules.Nothing, p.History);
        Assert.Equal((new DateOnly(2027, 1, 31), "p.yaml:24"), (p.Exceptions[0].Expires, p.Exceptions[0].Source));
        Assert.Equal(("2.17.1", PolicyAction.Warn), (p.Packages[0].Below, p.Packages[0].Action));
        Assert.Equal([SuppressionSource.Vex], p.Suppressions);
        // And all of it survives its canonical form, which is YAML too.
        byte[] json = PolicyJson.Write(p);
        Assert.Equal(json, PolicyJson.Write(PolicyJson.Read(json, "j", canonical: true)));
        Assert.Equal(json, PolicyJson.Write(PolicyFile.Parse(json, "j")));
    }

    [Fact]
    public void DigestOf_OrderOfKeysAndSpelling_DoNotMatter()
    {
        string a = PolicyJson.DigestOf(Parse(Head + "secrets: {rules: {b: warn, a: fail}}\ninspection: {engines: [b, a]}\n# why\n"));
        string b = PolicyJson.DigestOf(Parse("name: 't'\ninspection:\n  engines:\n  - a\n  - b\n  missing: undecided\nsecrets:\n  rules: {a: \"fail\", b: warn}\npolicy: 1\n"));
        Assert.Equal(a, b);
        Assert.NotEqual(a, PolicyJson.DigestOf(Parse(Head + "secrets: {rules: {b: warn, a: warn}}\ninspection: {engines: [b, a]}\n")));
    }

    /// <summary>Signatures are over this: it must not change with the base library or by accident.</summary>
    [Fact]
    public void DigestOf_TheBuiltInPolicy_IsStable() =>
        Assert.Equal(File.ReadAllText(Repository.At("tests", "vectors", "policy", "default.digest")).Trim(), PolicyJson.DigestOf(PolicyFile.BuiltIn()));

    [Theory]
    [InlineData("", "p.yaml:1: the file is empty")]
    [InlineData("[]", "p.yaml:1: a list stands where a mapping was wanted")]
    [InlineData("name: x\n", "p.yaml:1: the policy does not say which form it has; begin it with the line: policy: 1")]
    [InlineData("policy: 2\nname: x\n", "p.yaml:1: this is version \"2\" of the form; this Plimsoll knows version 1")]
    [InlineData("policy: 1\n", "p.yaml:1: the policy has no name")]
    [InlineData("policy: 1\nname: a b\n", "p.yaml:2: name is \"a b\"")]
    [InlineData(Head + "signatures: {}\n", "p.yaml:3: unknown key \"signatures\" in the policy; known keys: policy, name, description, inspection, database")]
    [InlineData(Head + "secrets: {severity: {awful: fail}}\n", "p.yaml:3: unknown key \"awful\" in secrets.severity; known keys: critical")]
    [InlineData(Head + "secrets: {severity: {high: undecided}}\n", "p.yaml:3: secrets.severity.high is \"undecided\"; wanted fail, warn, ignore")]
    [InlineData(Head + "database:\n  missing: never\n", "p.yaml:4: database.missing is \"never\"; wanted fail, undecided, warn, ignore")]
    [InlineData(Head + "database: {max-age: 14}\n", "p.yaml:3: database.max-age is \"14\"; wanted days such as 14d, or none")]
    [InlineData(Head + "database: {max-age: 0d}\n", "p.yaml:3: database.max-age is \"0d\"")]
    [InlineData(Head + "database: {max-age: 36501d}\n", "p.yaml:3: database.max-age is")]
    [InlineData(Head + "malware: fail\n", "p.yaml:3: malware is \"fail\"; wanted its keys, or the word ignore")]
    [InlineData(Head + "malware:\n", "p.yaml:3: nothing stands where a mapping was wanted")]
    [InlineData(Head + "vulnerabilities: {epss: {action: fail}}\n", "p.yaml:3: vulnerabilities.epss has no at-least")]
    [InlineData(Head + "vulnerabilities: {epss: {at-least: 1.1}}\n", "p.yaml:3: vulnerabilities.epss.at-least is \"1.1\"")]
    [InlineData(Head + "vulnerabilities: {epss: {at-least: -0.1}}\n", "p.yaml:3: vulnerabilities.epss.at-least is \"-0.1\"")]
    [InlineData(Head + "inspection: {checks: [viruses]}\n", "p.yaml:3: inspection.checks holds \"viruses\"; wanted some of vulnerability, malware")]
    [InlineData(Head + "inspection: {checks: [secret, secret]}\n", "p.yaml:3: \"secret\" stands twice in inspection.checks")]
    [InlineData(Head + "inspection: {engines: clamav}\n", "p.yaml:3: the text \"clamav\" stands where a list for inspection.engines was wanted")]
    [InlineData(Head + "secrets: {rules: {a*b: fail}}\n", "p.yaml:3: \"a*b\" is no rule id")]
    [InlineData(Head + "licences: {deny: [GPL-2.0 OR MIT]}\n", "p.yaml:3: licences.deny holds \"GPL-2.0 OR MIT\"")]
    [InlineData(Head + "licences: {deny: ['category:bad']}\n", "p.yaml:3: licences.deny holds \"category:bad\"")]
    [InlineData(Head + "packages: {deny: [{name: a}]}\n", "p.yaml:3: packages.deny has no reason")]
    [InlineData(Head + "packages: {deny: [{name: a, below: 1, reason: r}]}\n", "p.yaml:3: packages.deny with below needs a type")]
    [InlineData(Head + "suppressions: [me]\n", "p.yaml:3: suppressions holds \"me\"")]
    [InlineData(Head + "exceptions:\n- {id: a, reason: b, owner: c}\n", "p.yaml:4: the exception has no expires")]
    [InlineData(Head + "exceptions:\n- {id: a, owner: c, expires: 2027-01-01}\n", "p.yaml:4: the exception has no reason")]
    [InlineData(Head + "exceptions:\n- {id: a, reason: c, expires: 2027-01-01}\n", "p.yaml:4: the exception has no owner")]
    [InlineData(Head + "exceptions:\n- {id: a, reason: '', owner: c, expires: 2027-01-01}\n", "p.yaml:4: exceptions.reason is empty")]
    [InlineData(Head + "exceptions:\n- id: a\n  reason: b\n  owner: c\n  expires: 2027-02-30\n", "p.yaml:7: expires is \"2027-02-30\"")]
    [InlineData(Head + "exceptions:\n- {id: a, reason: b, owner: c, expires: 2027-01-01}\n- {id: A, reason: b, owner: c, expires: 2027-01-01}\n", "p.yaml:5: the exception for \"A\" with the same package, path and image stands already at p.yaml:4")]
    [InlineData(Head + "name: u\n", "p.yaml:3: key \"name\" stands already at p.yaml:2")]
    [InlineData(Head + "secrets: &a {}\n", "p.yaml:3: an anchor (&) stands here")]
    [InlineData(Head + "secrets: *a\n", "p.yaml:3: ")]
    [InlineData(Head + "secrets: !!map {}\n", "p.yaml:3: a tag (!) stands here")]
    [InlineData(Head + "---\na: b\n", "p.yaml:3: a second document")]
    [InlineData(Head + "secrets: {\n", "p.yaml:")]
    public void Parse_Wrong_SaysWhereAndWhat(string yaml, string message) =>
        Assert.StartsWith(message, Assert.Throws<DocumentException>(() => Parse(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void Parse_OneOverALimit_IsRefused()
    {
        string deep = Head + "secrets: " + new string('[', 40) + new string(']', 40);
        Assert.Contains("MaxDepth", Assert.Throws<DocumentException>(() => Parse(deep)).Message, StringComparison.Ordinal);
        string entries = string.Concat(Enumerable.Range(0, DocumentLimits.MaxExceptions).Select(i => $"- {{id: a{i}, reason: b, owner: c, expires: 2027-01-01}}\n"));
        Assert.Equal(DocumentLimits.MaxExceptions, Parse(Head + "exceptions:\n" + entries).Exceptions.Count);
        Assert.Throws<DocumentException>(() => Parse(Head + "exceptions:\n" + entries + "- {id: b, reason: b, owner: c, expires: 2027-01-01}\n"));
        using TempFolder folder = new();
        string path = folder.Write("p.yaml", Encoding.UTF8.GetBytes(Head.PadRight(DocumentLimits.MaxPolicyBytes + 1, '#')));
        Assert.Throws<DocumentException>(() => PolicyFile.Read(path));
        Assert.Contains("not UTF-8", Assert.Throws<DocumentException>(() => PolicyFile.Parse([0xFF, 0xFE], "p")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"policy\":1,\"name\":\"t\"}", "canonical")]
    [InlineData("{\"policy\":1,\"policy\":1,\"name\":\"t\"}", "p.json: policy: stands twice")]
    [InlineData("{\"policy\":1,\"name\":\"t\",\"secrets\":{\"removed\":\"x\"}}", "p.json: secrets.removed: secrets.removed is \"x\"")]
    [InlineData("{\"policy\":1", "no JSON")]
    [InlineData("{\"policy\":1,\"name\":\"\\ud800\"}", "no Unicode")]
    public void Read_JsonThatIsNotCanonicalOrNotRight_IsRefused(string json, string message) =>
        Assert.Contains(message, Assert.Throws<DocumentException>(() => PolicyJson.Read(Encoding.UTF8.GetBytes(json), "p.json", canonical: true)).Message, StringComparison.Ordinal);

    /// <summary>The example in the documents says what it says it does.</summary>
    [Fact]
    public void Cases_OfTheExampleForStarts_ComeOutAsExpected()
    {
        Policy policy = PolicyFile.Read(Repository.At("docs", "policy-start-example.yaml"));
        IReadOnlyList<PolicyCase> cases = PolicyCases.Read(Repository.At("docs", "policy-start-cases.yaml"));

        Assert.Equal(10, cases.Count);
        Assert.All(cases, c => Assert.Null(PolicyCases.Run(c, policy, TestKit.ReportBuilder.Now).Failure));
    }

    [Theory]
    [InlineData("{body: '{}', kind: fly}", "one of create, inspect, spec, volume")]
    [InlineData("{}", "cases.start has no body")]
    [InlineData("{body: nowhere.json}", "cannot read")]
    [InlineData("{body: '{}', runtimes: a}", "unknown key \"runtimes\"")]
    [InlineData("{body: '{}'}\n  findings: []", "unknown key \"findings\"")]
    [InlineData("{body: '{}'}\n  now: 2026-03-02 10:00", "a day such as")]
    public void Cases_StartThatIsNotOfTheForm_IsSaidWithItsPlace(string start, string message) =>
        Assert.Contains(message, Assert.Throws<DocumentException>(() => PolicyCases.Parse(Encoding.UTF8.GetBytes($"tests: 1\ncases:\n- name: a\n  expect: {{outcome: refused}}\n  start: {start}\n"), "c.yaml", "/nonexistent")).Message, StringComparison.Ordinal);

    [Fact]
    public void Check_RulesForStartsThatDoNothingOrMuch_AreRemarked()
    {
        Policy policy = Parse(Head + """
            start:
              learning: {until: 2026-01-01}
              running: {trouble: pause}
              rules:
              - {not-after: 2026-01-01}
              - {process: {privileged: warn}, mounts: {engine-socket: ignore, binds: [/etc/app, /srv]}}
              - {names: [a/b]}
            """);

        Assert.Equal(["start.learning", "start.running.trouble", "start.rules[0]", "start.rules[1].process.privileged", "start.rules[1].mounts.engine-socket", "start.rules[1].mounts.binds", "start.rules[2]"],
            PolicyCheck.Of(policy, StartNow).Where(r => r.Where.StartsWith("start", StringComparison.Ordinal)).Select(r => r.Where));
        Assert.Empty(PolicyCheck.Of(Parse(Head + "start: default\n"), StartNow));
    }

    [Fact]
    public void Text_RulesForStarts_AreSaidInBothLanguages()
    {
        Policy policy = Parse(Head + "start: {rules: [{names: [a/**], users: [\"CN=x\"], windows: [{days: [mon]}], mounts: {binds: [/srv]}}, {deny: no}]}\n");
        string english = string.Join('\n', PolicyText.Of(policy, Plimsoll.Texts.Language.English)), chinese = string.Join('\n', PolicyText.Of(policy, Plimsoll.Texts.Language.Chinese));

        Assert.Contains("Starts of a/** (start.rules[0])\n  only for the clients CN=x\n  at mon 00:00-00:00 UTC\n  refused: process.privileged, process.other-capability", english, StringComparison.Ordinal);
        Assert.Contains("\n  mounts.binds: /srv\n", english, StringComparison.Ordinal);
        Assert.Contains("\n  may not start: no\n", english, StringComparison.Ordinal);
        Assert.Contains("的启动规则", chinese, StringComparison.Ordinal);
        Assert.Contains("\nRunning containers that would not start now are reported and run on", english, StringComparison.Ordinal);
        Assert.Contains("现在不允许启动的运行中容器", chinese, StringComparison.Ordinal);
    }

    private static DateTimeOffset StartNow => new(2026, 3, 2, 10, 0, 0, TimeSpan.Zero);
}
