using System.Text;
using Plimsoll.Inspect.Boms;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <content>Documents that other tools write, and templates.</content>
internal static partial class FuzzTargets
{
    private static readonly string[] ExchangeWords =
        ["\"purl\":\"pkg:deb/debian/a@1?distro=debian-11&epoch=1\"", "\"components\":[{", "\"upstream\"", "\"\\ud800\"", "\"version\":", "null", "\"analysis\":{\"state\":\"resolved\"}", "<text>", "</text>", "\nPackageName: ", "\nSPDXID: ", "]}", "\"@id\":", "\"subcomponents\":[{}]"];

    private static FuzzTarget BomDocument => new()
    {
        Name = "bom",
        Seeds = () => [.. ((string[])["trivy.cdx.json", "trivy.spdx", "trivy.spdx.json", "trivy-alpine.cdx.json", "syft.cdx.json"]).Select(f => File.ReadAllBytes(Repository.At("tests", "vectors", "sbom", f)))],
        Words = ExchangeWords,
        Refusal = IsImageError,
        Run = bytes =>
        {
            Bom bom = BomReader.Read(bytes, "bom");
            WrongAnswerException.Unless(bom.Inventory.Packages.All(p => p.Package is { Type.Length: > 0, Name.Length: > 0, Version.Length: > 0, SourceName: not null }), "a package without type, name or version");
        },
    };

    private static FuzzTarget VexDocument => new()
    {
        Name = "vex",
        Seeds = () => Utf8(
            """{"@context":"https://openvex.dev/ns/v0.2.0","author":"a","timestamp":"2026-01-01T00:00:00Z","statements":[{"vulnerability":{"name":"CVE-1","aliases":["X"]},"products":[{"@id":"pkg:oci/a","hashes":{"sha-256":"00"},"subcomponents":[{"@id":"pkg:npm/a@1"}]},"b"],"status":"not_affected","justification":"component_not_present"}]}""",
            """{"bomFormat":"CycloneDX","specVersion":"1.5","vulnerabilities":[{"id":"CVE-1","analysis":{"state":"resolved"},"affects":[{"ref":"urn:cdx:a/1#b"}]}]}"""),
        Words = ExchangeWords,
        Refusal = IsImageError,
        Run = bytes =>
        {
            Report report = ReportBuilder.Vulnerable().Build();
            IReadOnlyList<VexStatement> statements = VexFile.Read(bytes, "vex");
            WrongAnswerException.Unless(VexApplier.Apply(report, report.Findings, statements).Findings.Count == report.Findings.Count, "a finding went");
        },
    };

    private static FuzzTarget ReportDocument => new()
    {
        Name = "report-json",
        Seeds = () => [ReportFormats.Render(ReportFormats.Find("json")!, [ScanResult.Of("x", new ReportBuilder().With(ReportBuilder.Package("a", "1"), "CVE-1", Inspect.Vulnerabilities.Severity.High).WithProblems().With(ReportBuilder.Refusal).Build(), ReportFilter.None)], ReportFilter.None, "0.1.0")!],
        Words = ["\"kind\": \"licence\"", "\"details\": {\"a\": null}", "\"rule\": null", "\"checks\": [null]", "\"outcome\": \"x\"", "\"error\":{}", "\"reports\":[]", "null", "\"layer\":-1", "1e400", "\"time\":\"x\"", "\"schemaVersion\":2"],
        Refusal = IsImageError,
        Run = bytes => WrongAnswerException.Unless(ReportReader.Read(bytes, "r") is { Packages: not null, Findings: not null } report && report.Problems.All(p => p is { Rule: not null, Fingerprint: not null }), "a report without lists, or a problem without a rule"),
    };

    private static FuzzTarget TemplateText => new()
    {
        Name = "template",
        Seeds = () => Utf8("{{#reports}}\n{{image}} {{{x}}} {{&y}}\n{{#findings}}\n- {{id}}\n{{/findings}}\n{{/reports}}\n", "{{% escape html }}{{^a}}b{{/a}}{{! c }}"),
        Words = ["{{", "}}", "{{#", "{{/", "{{^", "{{{", "}}}", "{{.}}", "{{%", "\n", "{{#reports}}"],
        Refusal = e => e is TemplateException,
        Run = bytes => Template.Parse(Encoding.UTF8.GetString(bytes), TemplateTarget.Html).Render("""{"reports":[{"image":"<x>","findings":[{"id":"a"},{"id":"b"}]}],"x":1}"""u8.ToArray()),
    };
}
