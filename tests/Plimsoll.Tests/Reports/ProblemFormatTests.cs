using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Reports;

/// <summary>Problems and verdicts in the formats of others.</summary>
public sealed class ProblemFormatTests
{
    private static Report Full() => ReportBuilder.Vulnerable().WithProblems().With(ReportBuilder.Refusal)
        .With(ReportBuilder.Problem(ProblemKind.Secret, "x\u001b \"</rule>", Severity.Unknown, "a b/\u202e%", "t\ufffe")).Build();

    private static byte[] Bytes(string format, Report report) =>
        ReportFormats.Render(ReportFormats.Find(format)!, [ScanResult.Of(report.Image, report, ReportFilter.None)], ReportFilter.None, "0.1.0")!;

    private static JsonElement Json(string format, Report report) => JsonDocument.Parse(Bytes(format, report)).RootElement.Clone();

    [Theory, Trait("needs", "shared")]
    [InlineData("sarif", "sarif-2.1.0.schema.json")]
    [InlineData("spdx-json", "spdx-2.3.schema.json")]
    [InlineData("cyclonedx", "cyclonedx-bom-1.6.schema.json")]
    public void Write_ReportWithProblems_IsValidByThePublishedSchema(string format, string schema) =>
        Assert.Empty(new JsonSchemaValidator(SharedData.At("schemas")).Validate(schema, Json(format, Full())));

    [Fact]
    public void Sarif_Problems_HaveRulesLocationsFingerprintsAndSuppressions()
    {
        JsonElement run = Json("sarif", Full()).GetProperty("runs")[0];
        JsonElement[] rules = [.. run.GetProperty("tool").GetProperty("driver").GetProperty("rules").EnumerateArray()];
        JsonElement[] results = [.. run.GetProperty("results").EnumerateArray().Where(r => r.GetProperty("ruleId").GetString()!.Contains('/'))];

        Assert.Equal(Full().Problems.Select(p => p.Fingerprint), results.Select(r => r.GetProperty("partialFingerprints").GetProperty("plimsoll/v1").GetString()));
        Assert.All(results, r => Assert.Equal(r.GetProperty("ruleId").GetString(), rules[r.GetProperty("ruleIndex").GetInt32()].GetProperty("id").GetString()));
        JsonElement rule = rules.Single(r => r.GetProperty("id").GetString() == "secret/aws-access-key-id");
        Assert.Equal("8.0", rule.GetProperty("properties").GetProperty("security-severity").GetString());
        Assert.StartsWith("Revoke the key", rule.GetProperty("help").GetProperty("text").GetString(), StringComparison.Ordinal);
        JsonElement key = results.Single(r => r.GetProperty("ruleId").GetString() == "secret/aws-access-key-id");
        JsonElement place = key.GetProperty("locations")[0].GetProperty("physicalLocation");
        Assert.Equal("srv/app/.env", place.GetProperty("artifactLocation").GetProperty("uri").GetString());
        Assert.Equal(12, place.GetProperty("region").GetProperty("startLine").GetInt32());
        Assert.Equal("error", key.GetProperty("level").GetString());
        Assert.Contains("deleted by layer 1, still readable in layer 0", key.GetProperty("message").GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Single(results, r => r.TryGetProperty("suppressions", out _));
        Assert.Equal("refused", run.GetProperty("properties").GetProperty("verdict").GetString());
    }

    [Fact]
    public void Junit_Problems_AreFailuresAndARefusalTurnsTheSuiteRed()
    {
        XElement suite = XDocument.Parse(Encoding.UTF8.GetString(Bytes("junit", Full()))).Root!.Element("testsuite")!;
        XElement[] cases = [.. suite.Elements("testcase")];

        Assert.Equal((int)suite.Attribute("tests")!, cases.Length);
        Assert.Equal((int)suite.Attribute("failures")!, cases.Count(c => c.Element("failure") is not null));
        Assert.Equal((int)suite.Attribute("errors")!, cases.Count(c => c.Element("error") is not null));
        Assert.Equal((int)suite.Attribute("skipped")!, cases.Count(c => c.Element("skipped") is not null));
        XElement key = cases.Single(c => c.Attribute("name")!.Value.StartsWith("[high] secret/aws-access-key-id", StringComparison.Ordinal));
        Assert.Equal("srv/app/.env:12", key.Attribute("classname")!.Value);
        Assert.Contains("AWS_ACCESS_KEY_ID=AKIA****", key.Element("failure")!.Value, StringComparison.Ordinal);
        Assert.Contains("1 confirmed malware", cases.Single(c => c.Attribute("classname")!.Value == "policy").Element("failure")!.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Outcome.Passed, 2, 0, 0)]
    [InlineData(Outcome.Warned, 2, 0, 0)]
    [InlineData(Outcome.Undecided, 1, 0, 1)]
    [InlineData(Outcome.Refused, 2, 1, 0)]
    public void Junit_Verdict_IsGreenRedOrAnError(Outcome outcome, int tests, int failures, int errors)
    {
        Report report = new ReportBuilder().With(ReportBuilder.Package("bash", "5")).With(ReportBuilder.Refusal with { Outcome = outcome }).Build();
        XElement suite = XDocument.Parse(Encoding.UTF8.GetString(Bytes("junit", report))).Root!.Element("testsuite")!;

        Assert.Equal((tests, failures, errors), ((int)suite.Attribute("tests")!, (int)suite.Attribute("failures")!, (int)suite.Attribute("errors")!));
        Assert.Equal(tests, suite.Elements("testcase").Count());
    }

    [Fact]
    public void GitLab_Problems_AreNotAmongVulnerabilitiesAndTheFileSaysSo()
    {
        JsonElement root = Json("gitlab", Full());
        string messages = root.GetProperty("scan").GetProperty("messages").ToString();

        Assert.Equal(Full().Findings.Count(f => f.Suppressed is null), root.GetProperty("vulnerabilities").GetArrayLength());
        Assert.Contains("4 secrets not in this file", messages, StringComparison.Ordinal);
        Assert.Contains("policy default: refused", messages, StringComparison.Ordinal);
    }

    [Fact]
    public void CycloneDx_Problems_AreLeftOutAndTheVerdictIsAProperty()
    {
        string text = Encoding.UTF8.GetString(Bytes("cyclonedx", Full()));

        Assert.DoesNotContain("aws-access-key-id", text, StringComparison.Ordinal);
        Assert.Contains("\"plimsoll:verdict\"", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("spdx-json")]
    [InlineData("spdx")]
    [InlineData("openvex")]
    public void BillsAndVex_Problems_ChangeNothing(string format) =>
        Assert.Equal(Bytes(format, ReportBuilder.Vulnerable().Build()), Bytes(format, ReportBuilder.Vulnerable().WithProblems().With(ReportBuilder.Refusal).Build()));

    [Fact]
    public void Template_Problems_CanBeFilledIn()
    {
        Template template = Template.Parse("{{#reports}}{{verdict.outcome}}\n{{#problems}}\n{{kind}}/{{rule}} {{path}} {{details.family}}\n{{/problems}}\n{{#engines}}\n{{name}}: {{failure}}\n{{/engines}}\n{{/reports}}", TemplateTarget.Text);

        string text = Encoding.UTF8.GetString(ReportFormats.Render(template, [ScanResult.Of("x", Full(), ReportFilter.None)], ReportFilter.None, "0"));

        Assert.StartsWith("refused\nmalware/known-hash usr/local/bin/kworker Multios.Coinminer.Miner-6781728-2\n", text, StringComparison.Ordinal);
        Assert.Contains("secret/aws-access-key-id srv/app/.env \n", text, StringComparison.Ordinal);
        Assert.Contains("known-malware: no file of known hashes", text, StringComparison.Ordinal);
    }
}
