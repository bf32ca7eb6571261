using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.Cli;
using Plimsoll.Inspect;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Sign;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Cli;

/// <summary>Policies as a user meets them: arguments in, output and exit code out.</summary>
public sealed class PolicyCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly StringWriter _out = new(), _error = new();
    private Report _report = Clean;

    private static Report Clean { get; } = new ReportBuilder().With(ReportBuilder.Package("bash", "5.1")).Build() with { Checks = ProblemKinds.All };
    private static Report Bad { get; } = ReportBuilder.Vulnerable().Build() with { Checks = ProblemKinds.All };

    public PolicyCommandTests()
    {
        _environment["PLIMSOLL_HOME"] = _folder.Path;
        _folder.Write("data/advisories.db", []);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256), other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Write("private.pem", key.ExportPkcs8PrivateKeyPem());
        Write("public.pem", key.ExportSubjectPublicKeyInfoPem());
        Write("other.pem", other.ExportSubjectPublicKeyInfoPem());
    }

    public void Dispose() => _folder.Dispose();

    private sealed class Store : IAdvisoryStore
    {
        public DatabaseInfo Info => ReportBuilder.Database;
        public bool Covers(string ecosystem) => true;
        public IReadOnlyList<Affected> Find(string ecosystem, string package) => [];
        public IReadOnlyList<Advisory> FindById(string id) => [];
        public string? FindKnownExploited(string cve) => null;
        public void Dispose() { }
    }

    private sealed class Clock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => ReportBuilder.Now;
    }

    private string Write(string name, string content) => _folder.Write(name, Encoding.UTF8.GetBytes(content));

    private string Policy(string yaml = "", string name = "p.yaml") => Write(name, $"policy: 1\nname: test\n{yaml}");

    private string Out => _out.ToString();
    private string Error => _error.ToString();

    private async Task<int> RunAsync(params string[] args)
    {
        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        CliContext context = new() { Out = _out, Error = _error, Time = new Clock(), Environment = n => _environment.GetValueOrDefault(n) };
        return await PlimsollApp.RunAsync(args, context, new ScanServices
        {
            Scan = (image, _, _, _) => _report with { Image = image },
            OpenDatabase = _ => new Store(),
            OpenStarterSet = () => new Store(),
            UpdateDatabase = (_, _) => throw new InvalidOperationException("nobody asked for an update"),
            ReadSuppressions = _ => [],
        }, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Scan_DefaultPolicy_PassesOrRefusesByExitCode()
    {
        Assert.Equal(0, await RunAsync("scan", "a", "--policy", "default"));
        Assert.Contains("Passed by policy default", Out, StringComparison.Ordinal);
        _report = Bad;
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", "default"));
        Assert.Contains("Refused by policy default", Out, StringComparison.Ordinal);
        Assert.Contains("(vulnerabilities.known-exploited)", Out, StringComparison.Ordinal);
        Assert.Equal("plimsoll: Refused by policy default\n", Error);
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", "default", "--lang", "zh"));
        Assert.Contains("被策略 default 拒绝", Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scan_Outcomes_RefusedWinsOverUndecidedAndFailOnAdds()
    {
        _report = Clean with { Gaps = [new("file-too-large", "x", "y")] };
        Assert.Equal(3, await RunAsync("scan", "a", "--policy", "default"));
        Assert.Contains("Undecided by policy default", Out, StringComparison.Ordinal);
        // The verdict stands in place of completeness.
        Assert.Equal(0, await RunAsync("scan", "a", "--policy", Policy("inspection: {incomplete: warn}")));
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", Policy("inspection: {incomplete: fail}")));
        _report = Bad with { Gaps = [new("file-too-large", "x", "y")] };
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", "default"));
        _report = Bad;
        string lenient = Policy("vulnerabilities: ignore");
        Assert.Equal(0, await RunAsync("scan", "a", "--policy", lenient));
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", lenient, "--fail-on", "critical"));
        // A filter hides nothing from a policy.
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", "default", "--severity", "negligible"));
    }

    [Fact]
    public async Task Scan_Json_HoldsTheVerdict()
    {
        _report = Bad;
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", "default", "--json"));

        using JsonDocument document = JsonDocument.Parse(Out);
        JsonElement verdict = document.RootElement.GetProperty("reports")[0].GetProperty("verdict");
        Assert.Equal(("refused", "default"), (verdict.GetProperty("outcome").GetString(), verdict.GetProperty("policy").GetString()));
        Assert.Equal(PolicyJson.DigestOf(Inspect.Policies.PolicyFile.BuiltIn()), verdict.GetProperty("policyDigest").GetString());
        Assert.Equal("known-exploited", verdict.GetProperty("reasons")[0].GetProperty("code").GetString());
        string first = Out;
        await RunAsync("scan", "a", "--policy", "default", "--json");
        Assert.Equal(first, Out);
    }

    [Fact]
    public async Task Scan_PolicyFromEnvironmentAndFile_IsUsed()
    {
        _report = Bad;
        _environment["PLIMSOLL_SCAN_POLICY"] = "default";
        Assert.Equal(1, await RunAsync("scan", "a"));
        Assert.Equal(0, await RunAsync("scan", "a", "--policy", Policy("vulnerabilities: ignore")));
    }

    [Theory]
    [InlineData("there is no policy", "--policy", "/no/such/file.yaml")]
    [InlineData("--policy-key is given and no policy", "--policy-key", "x.pem")]
    [InlineData("the built-in policy is signed by nobody", "--policy", "default", "--policy-key", "x.pem")]
    [InlineData("holds all findings", "--output", "inspection", "--only-fixed")]
    public async Task Scan_PolicyThatCannotBeUsed_IsUsage(string message, params string[] args)
    {
        Assert.Equal(2, await RunAsync(["scan", "a", .. args]));
        Assert.Contains(message, Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scan_WrongPolicy_SaysTheLine()
    {
        Assert.Equal(2, await RunAsync("scan", "a", "--policy", Policy("secrets: {severity: {high: maybe}}")));
        Assert.Contains("p.yaml:3: secrets.severity.high is \"maybe\"", Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scan_InspectionOutput_IsAStatementThatAHostJudgesTheSame()
    {
        _report = Bad;
        string file = _folder["i.json"];
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", "default", "--output", "table", "--output", "inspection=" + file));

        byte[] json = File.ReadAllBytes(file);
        InspectionPredicate predicate = InspectionPredicate.From(Statement.Parse(json.AsMemory(0, json.Length - 1), "s"), "s");
        Assert.Equal((Outcome.Refused, "default"), (predicate.Verdict!.Outcome, predicate.Verdict.Policy));
        Assert.Equal(Outcome.Refused, Judge.Of(Inspect.Policies.PolicyFile.BuiltIn(), predicate.Inspection, ReportBuilder.Now).Outcome);
        _report = Bad with { ManifestDigest = null, ConfigDigest = null };
        Assert.Equal(3, await RunAsync("scan", "dir", "--output", "inspection"));
        Assert.Contains("has no digest that a statement could be about", Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sign_ThenScan_TakesTheSignedFileWithItsKeyOnly()
    {
        string signed = _folder["p.signed"];
        Assert.Equal(0, await RunAsync("policy", "sign", Policy("vulnerabilities: ignore"), "--key", _folder["private.pem"], "--output", signed));
        Assert.Contains("counter 1", Out, StringComparison.Ordinal);
        _report = Bad;
        Assert.Equal(0, await RunAsync("scan", "a", "--policy", signed, "--policy-key", _folder["public.pem"]));
        Assert.Equal(0, await RunAsync("policy", "verify", signed, "--key", _folder["public.pem"]));
        Assert.Equal(2, await RunAsync("scan", "a", "--policy", signed));
        Assert.Contains("is a signed policy", Error, StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", signed, "--policy-key", _folder["other.pem"]));
        Assert.Contains("is not signed by", Error, StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", _folder["p.yaml"], "--policy-key", _folder["public.pem"]));
        Assert.Contains("is not signed; --policy-key asks for a signature", Error, StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync("scan", "a", "--policy", signed, "--policy-key", _folder["private.pem"]));
        byte[] bytes = File.ReadAllBytes(signed);
        bytes[200] = bytes[200] == (byte)'A' ? (byte)'B' : (byte)'A';
        Assert.Equal(1, await RunAsync("policy", "verify", _folder.Write("changed", bytes), "--key", _folder["public.pem"]));
    }

    [Fact]
    public async Task Sign_Again_RaisesTheCounterAndAnOlderFileIsRefused()
    {
        string first = _folder["1.signed"], second = _folder["2.signed"], policy = Policy("vulnerabilities: ignore");
        await RunAsync("policy", "sign", policy, "--key", _folder["private.pem"], "--output", first);
        await RunAsync("policy", "sign", Policy(), "--key", _folder["private.pem"], "--output", second);
        Assert.Contains("counter 2", Out, StringComparison.Ordinal);

        Assert.Equal(1, await RunAsync("scan", "a", "--policy", first, "--policy-key", _folder["public.pem"]));
        Assert.Contains("has counter 1; policy test of this key was seen with 2", Error, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("scan", "a", "--policy", second, "--policy-key", _folder["public.pem"]));
        Assert.Equal(2, await RunAsync("policy", "sign", policy, "--key", _folder["private.pem"], "--output", second, "--counter", "2"));
        Assert.Contains("the next one is 3", Error, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("policy", "sign", policy, "--key", _folder["private.pem"], "--output", second, "--counter", "9"));
        // Another home has seen nothing; two contents under one counter are refused once one was seen.
        _environment["PLIMSOLL_HOME"] = _folder["elsewhere"];
        Assert.Equal(0, await RunAsync("scan", "a", "--policy", first, "--policy-key", _folder["public.pem"]));
        string twin = _folder["twin.signed"];
        File.Delete(Directory.GetFiles(_folder["elsewhere/data/policies"])[0]);
        Assert.Equal(0, await RunAsync("policy", "sign", Policy("malware: ignore"), "--key", _folder["private.pem"], "--output", twin, "--counter", "1"));
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", first, "--policy-key", _folder["public.pem"]));
        Assert.Contains("other content", Error, StringComparison.Ordinal);
        // Damage to what is remembered does not open the way back.
        File.WriteAllText(Directory.GetFiles(_folder["elsewhere/data/policies"])[0], "junk");
        Assert.Equal(1, await RunAsync("scan", "a", "--policy", twin, "--policy-key", _folder["public.pem"]));
    }

    [Fact]
    public async Task Check_Policy_SaysWhatCanDoNothing()
    {
        Assert.Equal(0, await RunAsync("policy", "check", "default"));
        Assert.Single(Out.TrimEnd().Split('\n'));
        Assert.Equal(0, await RunAsync("policy", "check", Policy("exceptions:\n- {id: a, reason: r, owner: ops, expires: 2026-01-01}")));
        Assert.Contains("p.yaml:4: the exception for a ended on 2026-01-01", Out, StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync("policy", "check", Policy("x: y")));
        Assert.Contains("p.yaml:3: unknown key \"x\"", Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_PolicyAndReport_SaysWhyEachCounts()
    {
        Assert.Equal(0, await RunAsync("policy", "explain", "default"));
        Assert.Contains("Refuses an image for", Out, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("policy", "explain", "default", "--as", "yaml"));
        Assert.Equal(0, await RunAsync("policy", "check", Write("copy.yaml", Out)));
        Assert.Equal(0, await RunAsync("policy", "explain", "default", "--as", "json"));
        Assert.Equal(0, await RunAsync("policy", "check", Write("copy.json", Out)));
        _report = Bad;
        await RunAsync("scan", "a", "--json");
        string report = Write("r.json", Out);
        Assert.Equal(1, await RunAsync("policy", "explain", "default", report));
        Assert.Contains("CVE-2022-37434 zlib1g  vulnerabilities.known-exploited", Out, StringComparison.Ordinal);
        Assert.Contains("more: ignored (vulnerabilities.severity.low)", Out, StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync("policy", "explain", "default", "image", "--all", "--lang", "zh"));
        Assert.Contains("CVE-2022-48303 tar", Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Test_Cases_PassAndFailByName()
    {
        _report = Bad;
        await RunAsync("scan", "a", "--json");
        Write("r.json", Out);
        string cases = Write("cases.yaml", """
            tests: 1
            cases:
            - name: a fixable critical is refused
              findings: [{id: CVE-1, severity: critical, fixable: true, package: openssl}]
              expect: {outcome: refused, reasons: [severity]}
            - name: clean passes
              expect: {outcome: passed}
            - name: no database
              database: {present: false}
              expect: {outcome: undecided, reasons: [no-database]}
            - name: an old release warns
              now: 2026-03-01
              distribution: {id: debian, version: "9", end-of-life: 2022-06-30}
              expect: {outcome: warned, reasons: [end-of-life]}
            - name: a real report
              now: 2026-03-02
              report: r.json
              expect: {outcome: refused, reasons: [known-exploited]}
            """);
        Assert.Equal(0, await RunAsync("policy", "test", "default", cases));
        Assert.EndsWith("5 of 5 cases as expected\n", Out, StringComparison.Ordinal);

        Assert.Equal(1, await RunAsync("policy", "test", Policy("vulnerabilities: ignore"), cases));
        Assert.Contains("FAIL  a fixable critical is refused\n      " + cases + ":3: expected refused, got passed", Out, StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync("policy", "test", "default", Write("c2.yaml", "tests: 1\ncases:\n- name: a\n  expect: {outcome: fine}\n")));
        Assert.Contains("c2.yaml:4: the text \"fine\" stands where one of passed", Error, StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync("policy", "test", "default", Write("c3.yaml", "tests: 1\ncases:\n- name: a\n  expect: {outcome: passed, reasons: [sevrity]}\n")));
        Assert.Contains("no verdict has the reason \"sevrity\"", Error, StringComparison.Ordinal);
    }

    private string Trusting(string images) => Policy($"trust:\n  keys:\n    release: {{file: public.pem}}\n    same: {{file: public.pem}}\n    other: {{file: other.pem}}\n  images:\n{images}", "trust.yaml");

    [Fact]
    public async Task Explain_Name_SaysWhichRuleDecidesAndWhatItWants()
    {
        string policy = Trusting("  - {names: ['registry.example/prod/**'], signatures: {keys: [release, other], threshold: 2}, revocations: {keys: [other]}}\n  - {names: ['**'], inspection: {keys: [other]}}\n");

        Assert.Equal(0, await RunAsync("policy", "explain", policy, "--name", "registry.example/prod/app:1"));
        Assert.Contains("For registry.example/prod/app:1 this rule decides (trust.images[0])", Out, StringComparison.Ordinal);
        Assert.Contains("  signatures by 2 of: other, release", Out, StringComparison.Ordinal);
        Assert.Contains("  a revocation list signed by one of: other, within 7 days", Out, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("policy", "explain", policy, "--name", "nginx", "--lang", "zh"));
        Assert.Contains("docker.io/library/nginx", Out, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("policy", "explain", policy));
        Assert.Contains("an inspection by 1 of: other", Out, StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync("policy", "explain", "default", "--name", "nginx"));
        Assert.Contains("no section trust", Out, StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync("policy", "explain", Trusting("  - {names: [a], signatures: {keys: [other]}}\n"), "--name", "nginx"));
        Assert.Contains("no rule of the policy is for docker.io/library/nginx", Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_Trust_NamesWhatCanDoNothing()
    {
        string policy = Trusting("  - {names: ['a/**'], signatures: {keys: [release, same]}}\n  - {names: [a/b], signatures: {keys: [release]}}\n");

        Assert.Equal(0, await RunAsync("policy", "check", policy));
        Assert.Contains("trust.keys.other: no rule uses this key", Out, StringComparison.Ordinal);
        Assert.Contains("trust.keys.same: this is the same key as release", Out, StringComparison.Ordinal);
        Assert.Contains("trust.images[1]: this rule can do nothing: trust.images[0] covers its names before it", Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sign_PolicyWithKeyFiles_HoldsTheKeys()
    {
        string policy = Trusting("  - {names: ['**'], signatures: {keys: [release]}}\n"), signed = _folder["p.signed"];

        Assert.Equal(0, await RunAsync("policy", "sign", policy, "--key", _folder["private.pem"], "--output", signed));
        File.Delete(_folder["other.pem"]);
        Assert.Equal(0, await RunAsync("policy", "explain", signed, "--policy-key", _folder["public.pem"], "--name", "nginx"));
        Assert.Contains("signatures by 1 of: release", Out, StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync("policy", "check", policy));
        Assert.Contains("trust.yaml:7: cannot read the key", Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Test_RuleOfTrust_IsHeldToWhatIsExpected()
    {
        string policy = Trusting("  - {names: ['registry.example/**'], signatures: {keys: [release]}}\n");
        string Cases(string rule) => Write("cases.yaml", $"tests: 1\ncases:\n- name: a\n  image: registry.example/app:1\n  expect: {{outcome: passed, rule: {rule}}}\n");

        Assert.Equal(0, await RunAsync("policy", "test", policy, Cases("0")));
        Assert.Equal(1, await RunAsync("policy", "test", policy, Cases("none")));
        Assert.Contains("expected no rule of trust for \"registry.example/app:1\", got trust.images[0]", Out, StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync("policy", "test", policy, Cases("first")));
    }
}
