using System.Text;
using System.Text.Json;
using System.Xml;
using System.Xml.Linq;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Reports;

/// <summary>SARIF, SPDX, JUnit, GitLab and OpenVEX: the published schema where there is one, else the documented structure.</summary>
public sealed class ExchangeFormatTests
{
    private static Report Hostile()
    {
        Suppression accepted = new() { Id = "CVE-2024-1", Reason = "accepted", Source = "a.yaml:1", Owner = "ops" };
        Suppression vex = new() { Id = "CVE-2024-2", Reason = "never called", Source = "v.json, statement 1", Status = "not_affected", Justification = "vulnerable_code_not_in_execute_path" };
        InstalledPackage jar = ReportBuilder.Package("a:b", "1") with { Path = "srv/x y.jar", Purl = "pkg:maven/a/b@1" };
        jar = jar with { Package = jar.Package with { Type = "maven", Inner = "lib/z.jar", Development = true, Evidence = PackageEvidence.LockFile, Architecture = "" } };
        return ReportBuilder.Vulnerable()
            .With(ReportBuilder.Package("\x1b[31m\u0000ff\ufffe</text>\nPackageName: evil", "1 <2>\ud800", null, 1, "MIT", "No Such Licence", "GPL-2+", "MIT OR Zlib"), "x y\"", Severity.Negligible, "2", suppressed: accepted)
            .With(jar, "CVE-2024-2", Severity.High, suppressed: vex).With(jar, "CVE-2024-3", Severity.High, title: "a title")
            .WithNote("no-advisories-for-release", true, "x").WithGap("file-too-large", "w", "d").Build();
    }

    private static byte[] Bytes(string format, Report report) =>
        ReportFormats.Render(ReportFormats.Find(format)!, [ScanResult.Of(report.Image, report, ReportFilter.None)], ReportFilter.None, "0.1.0")!;

    private static JsonElement Json(string format, Report report) => JsonDocument.Parse(Bytes(format, report)).RootElement.Clone();

    private static Report Bare() => new ReportBuilder().Build() with { Distribution = null, ManifestDigest = null, ConfigDigest = null, Layers = [], Tags = [], Platform = null, Image = "x" };

    [Theory, Trait("needs", "shared")]
    [InlineData("sarif", "sarif-2.1.0.schema.json", "\"version\": \"2.1.0\"", "\"version\": \"2.0.0\"")]
    [InlineData("spdx-json", "spdx-2.3.schema.json", "\"CONTAINS\"", "\"HAS\"")]
    [InlineData("cyclonedx", "cyclonedx-bom-1.6.schema.json", "\"library\"", "\"book\"")]
    public void Write_AnyReport_IsValidByThePublishedSchemaThatRefusesABrokenOne(string format, string schema, string part, string broken)
    {
        JsonSchemaValidator validator = new(SharedData.At("schemas"));

        Assert.Empty(validator.Validate(schema, Json(format, Hostile())));
        Assert.Empty(validator.Validate(schema, Json(format, Bare())));
        Assert.Empty(validator.Validate(schema, Json(format, Hostile() with { Findings = [], Matched = false })));
        Assert.NotEmpty(validator.Validate(schema, JsonDocument.Parse(Encoding.UTF8.GetString(Bytes(format, Hostile())).Replace(part, broken, StringComparison.Ordinal)).RootElement));
    }

    [Fact]
    public void Write_EveryFormat_IsByteForByteTheSameTwice()
    {
        foreach (ReportFormats.Format format in ReportFormats.All)
            Assert.Equal(Bytes(format.Name, Hostile()), Bytes(format.Name, Hostile()));
    }

    [Theory]
    [InlineData("spdx-json", "documentNamespace")]
    [InlineData("openvex", "@id")]
    [InlineData("cyclonedx", "serialNumber")]
    public void Write_NameOfTheDocument_FollowsTheContentAndNotTheTime(string format, string member)
    {
        Report report = Hostile();
        string name = Json(format, report).GetProperty(member).GetString()!;

        Assert.Equal(name, Json(format, report with { Time = report.Time.AddDays(1) }).GetProperty(member).GetString());
        Assert.NotEqual(name, Json(format, ReportBuilder.Vulnerable().Build()).GetProperty(member).GetString());
    }

    [Fact]
    public void Sarif_Findings_HaveRulesFingerprintsLocationsAndSuppressions()
    {
        JsonElement run = Json("sarif", Hostile()).GetProperty("runs")[0];
        JsonElement[] rules = [.. run.GetProperty("tool").GetProperty("driver").GetProperty("rules").EnumerateArray()];
        JsonElement[] results = [.. run.GetProperty("results").EnumerateArray()];

        Assert.All(results, r => Assert.Equal(r.GetProperty("ruleId").GetString(), rules[r.GetProperty("ruleIndex").GetInt32()].GetProperty("id").GetString()));
        Assert.Equal(Hostile().Findings.Select(f => f.Fingerprint), results.Select(r => r.GetProperty("partialFingerprints").GetProperty("plimsoll/v1").GetString()));
        JsonElement zlib = rules.Single(r => r.GetProperty("id").GetString() == "CVE-2022-37434");
        Assert.Equal("9.5", zlib.GetProperty("properties").GetProperty("security-severity").GetString());
        JsonElement jar = results.Single(r => r.GetProperty("ruleId").GetString() == "CVE-2024-3");
        Assert.Equal("srv/x%20y.jar", jar.GetProperty("locations")[0].GetProperty("physicalLocation").GetProperty("artifactLocation").GetProperty("uri").GetString());
        Assert.EndsWith("srv/x y.jar!/lib/z.jar", jar.GetProperty("locations")[0].GetProperty("logicalLocations")[0].GetProperty("fullyQualifiedName").GetString(), StringComparison.Ordinal);
        Assert.Equal(2, results.Count(r => r.TryGetProperty("suppressions", out _)));
        Assert.False(run.GetProperty("invocations")[0].GetProperty("executionSuccessful").GetBoolean());
        Assert.Equal(3, run.GetProperty("invocations")[0].GetProperty("toolExecutionNotifications").GetArrayLength());
    }

    [Fact]
    public void Junit_Suite_CountsWhatItHoldsAndIsNeverGreenWhenUndecided()
    {
        XElement suite = XDocument.Parse(Encoding.UTF8.GetString(Bytes("junit", Hostile()))).Root!.Element("testsuite")!;
        XElement[] cases = [.. suite.Elements("testcase")];

        Assert.Equal((int)suite.Attribute("tests")!, cases.Length);
        Assert.Equal((int)suite.Attribute("failures")!, cases.Count(c => c.Element("failure") is not null));
        Assert.Equal((int)suite.Attribute("errors")!, cases.Count(c => c.Element("error") is not null));
        Assert.Equal((int)suite.Attribute("skipped")!, cases.Count(c => c.Element("skipped") is not null));
        Assert.Equal(2, (int)suite.Attribute("errors")!);
        Assert.Equal(2, (int)suite.Attribute("skipped")!);
        // What is no character of XML must not end the document.
        Assert.Contains(cases, c => c.Attribute("name")!.Value.Contains(@"\x1b[31m", StringComparison.Ordinal));
    }

    [Fact]
    public void Junit_CleanImage_IsOneGreenTestAndAFailedImageAnError()
    {
        Report clean = new ReportBuilder().With(ReportBuilder.Package("bash", "5")).Build();
        using MemoryStream stream = new();
        JunitReport.Write(stream, [ScanResult.Of("a", clean, ReportFilter.None), new ScanResult { Image = "b", Failure = new ScanFailure("timeout", "timed out") }]);

        XElement[] suites = [.. XDocument.Parse(Encoding.UTF8.GetString(stream.ToArray())).Root!.Elements()];

        Assert.Equal("no known vulnerabilities in 1 packages", Assert.Single(suites[0].Elements("testcase")).Attribute("name")!.Value);
        Assert.Empty(suites[0].Descendants("failure"));
        Assert.Equal("timeout", Assert.Single(suites[1].Descendants("error")).Attribute("type")!.Value);
    }

    [Fact]
    public void GitLab_Report_HasWhatTheSchemaAsksForAndNoSuppressedFinding()
    {
        JsonElement root = Json("gitlab", Hostile());
        JsonElement scan = root.GetProperty("scan");
        JsonElement[] found = [.. root.GetProperty("vulnerabilities").EnumerateArray()];

        Assert.StartsWith("15.", root.GetProperty("version").GetString(), StringComparison.Ordinal);
        Assert.Equal("container_scanning", scan.GetProperty("type").GetString());
        Assert.Equal("failure", scan.GetProperty("status").GetString());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$", scan.GetProperty("end_time").GetString());
        foreach (string tool in (string[])["analyzer", "scanner"])
            Assert.All((string[])["id", "name", "version"], m => Assert.NotEmpty(scan.GetProperty(tool).GetProperty(m).GetString()!));
        Assert.Equal(Hostile().Findings.Count(f => f.Suppressed is null), found.Length);
        Assert.Equal(found.Length, found.Select(f => f.GetProperty("id").GetString()).Distinct(StringComparer.Ordinal).Count());
        Assert.All(found, f =>
        {
            Assert.True(f.GetProperty("identifiers").GetArrayLength() > 0);
            Assert.Contains(f.GetProperty("severity").GetString(), (string[])["Info", "Unknown", "Low", "Medium", "High", "Critical"]);
            Assert.NotEmpty(f.GetProperty("location").GetProperty("dependency").GetProperty("package").GetProperty("name").GetString()!);
            Assert.NotEmpty(f.GetProperty("location").GetProperty("operating_system").GetString()!);
            Assert.NotEmpty(f.GetProperty("location").GetProperty("image").GetString()!);
        });
    }

    [Fact]
    public void OpenVex_Statements_SayNotAffectedOnlyWhereSomebodySaidSo()
    {
        JsonElement[] statements = [.. Json("openvex", Hostile()).GetProperty("statements").EnumerateArray()];
        JsonElement Of(string id) => statements.Single(s => s.GetProperty("vulnerability").GetProperty("name").GetString() == id);

        Assert.Equal("not_affected", Of("CVE-2024-2").GetProperty("status").GetString());
        Assert.Equal("vulnerable_code_not_in_execute_path", Of("CVE-2024-2").GetProperty("justification").GetString());
        Assert.Equal("under_investigation", Of("x y\"").GetProperty("status").GetString());
        Assert.Equal("affected", Of("CVE-2023-38545").GetProperty("status").GetString());
        Assert.Equal("upgrade curl to 7.74.0-1.3+deb11u10", Of("CVE-2023-38545").GetProperty("action_statement").GetString());
        Assert.All(statements.Where(s => s.GetProperty("status").GetString() == "affected"), s => Assert.NotEmpty(s.GetProperty("action_statement").GetString()!));
    }

    [Fact]
    public void SpdxTags_HostileNames_AddNoTagOfTheirOwn()
    {
        Report report = Hostile();
        string text = Encoding.UTF8.GetString(Bytes("spdx", report));
        List<(string Tag, string Value)> tags = Tags(text);

        // The image and the distribution are packages too.
        Assert.Equal(report.Packages.Count + 2, tags.Count(t => t.Tag == "PackageName"));
        Assert.DoesNotContain(tags, t => t.Tag == "PackageName" && t.Value == "evil");
        string[] ids = [.. tags.Where(t => t.Tag == "SPDXID").Select(t => t.Value)];
        Assert.Equal(ids.Length, ids.Distinct(StringComparer.Ordinal).Count());
        Assert.All(ids, id => Assert.Matches("^SPDXRef-[a-zA-Z0-9.-]+$", id));
        Assert.All(tags.Where(t => t.Tag == "Relationship").SelectMany(t => t.Value.Split(' ')[0..3] is [var a, _, var b] ? (string[])[a, b] : []), id => Assert.Contains(id, ids));
        string[] licences = [.. tags.Where(t => t.Tag == "LicenseID").Select(t => t.Value)];
        Assert.All(tags.Where(t => t.Tag == "PackageLicenseDeclared").SelectMany(t => t.Value.Split(' ', '(', ')')).Where(w => w.StartsWith("LicenseRef-", StringComparison.Ordinal)), l => Assert.Contains(l, licences));
        Assert.Contains(tags, t => t == ("PrimaryPackagePurpose", "OPERATING-SYSTEM"));
        Assert.Contains(tags, t => t.Tag == "Relationship" && t.Value.EndsWith("DEV_DEPENDENCY_OF SPDXRef-Image", StringComparison.Ordinal));
    }

    /// <summary>Tags and values by the rules of SPDX 2.3, clause 5; shares nothing with the reader in src.</summary>
    private static List<(string Tag, string Value)> Tags(string text)
    {
        List<(string, string)> tags = [];
        for (int at = 0; at < text.Length;)
        {
            int end = text.IndexOf('\n', at);
            string line = text[at..end];
            at = end + 1;
            if (line.Length == 0)
                continue;
            int colon = line.IndexOf(": ", StringComparison.Ordinal);
            Assert.True(colon > 0 && line[..colon].All(char.IsAsciiLetter), line);
            string value = line[(colon + 2)..];
            if (value.StartsWith("<text>", StringComparison.Ordinal))
            {
                int start = end - value.Length + 6, close = text.IndexOf("</text>", start, StringComparison.Ordinal);
                value = text[start..close];
                at = text.IndexOf('\n', close) + 1;
            }
            tags.Add((line[..colon], value));
        }
        return tags;
    }

    [Fact]
    public void Json_NewMembers_AreWrittenAndReadBack()
    {
        Report report = Hostile() with { Bom = "SPDX 2.3", Base = new BaseImage { ClaimedName = "debian:11", Evidence = BaseEvidence.Proved, Layers = 1, ProvedBy = "debian:11", Newer = [new NewerBase("debian:12", true, ["f"], [])] } };
        report = report with { Findings = [.. report.Findings.Select((f, i) => i == 0 ? f with { Epss = new Epss(0.5, 0.75), Malicious = true } : f)], Packages = [.. report.Packages.Select((p, i) => i == 0 ? p with { OwnedBy = "deb/x", Package = p.Package with { Module = "nodejs:18" } } : p)] };
        byte[] json = Bytes("json", report);

        Report read = ReportReader.Read(json, "r.json");

        // Text of half a character went out as an escape and comes back as U+FFFD itself; all else must be as it was.
        Assert.Equal(Encoding.UTF8.GetString(json).Replace(@"\ufffd", "\ufffd", StringComparison.Ordinal), Encoding.UTF8.GetString(Bytes("json", read with { Base = report.Base })));
        JsonElement root = JsonDocument.Parse(json).RootElement.GetProperty("reports")[0];
        Assert.Equal("proved", root.GetProperty("base").GetProperty("evidence").GetString());
        Assert.Equal(0.5, root.GetProperty("findings")[0].GetProperty("epss").GetProperty("probability").GetDouble());
    }
}
