using System.Text.Json;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Reports;

public sealed class CycloneDxReportTests
{
    private static JsonElement Document(Report report)
    {
        using MemoryStream stream = new();
        CycloneDxReport.Write(stream, report, ReportFilter.None);
        return JsonDocument.Parse(stream.ToArray()).RootElement.Clone();
    }

    private static Report Hostile()
    {
        Suppression suppression = new() { Id = "CVE-2024-1", Reason = "accepted", Source = "a.yaml:1" };
        return ReportBuilder.Vulnerable()
            .With(ReportBuilder.Package("\x1b[31m\u0000ff", "1 <2>\ud800", null, 1, "MIT", "No Such Licence", "GPL-2+"), "x y\"", Severity.Negligible, "2", suppressed: suppression)
            .With(ReportBuilder.Package("twice", "1") with { Path = "a" }).With(ReportBuilder.Package("twice", "1") with { Path = "b" })
            .WithGap("g", "w", "d").Build();
    }

    [Fact, Trait("needs", "shared")]
    public void Write_AnyReport_IsValidByThePublishedSchema()
    {
        JsonSchemaValidator validator = new(SharedData.At("schemas"));

        Assert.Empty(validator.Validate("cyclonedx-bom-1.6.schema.json", Document(Hostile())));
        Assert.Empty(validator.Validate("cyclonedx-bom-1.6.schema.json", Document(new ReportBuilder().Build() with { Distribution = null, ManifestDigest = null, ConfigDigest = null, Layers = [] })));
    }

    [Fact, Trait("needs", "shared")]
    public void Validator_BrokenDocument_IsRefused()
    {
        JsonSchemaValidator validator = new(SharedData.At("schemas"));
        string valid = Document(Hostile()).GetRawText();

        foreach ((string from, string to) in (ReadOnlySpan<(string, string)>)[("\"MIT\"", "\"MITT\""), ("\"library\"", "\"book\""), ("\"in_triage\"", "\"ignored\""), ("urn:uuid:", "urn:"), ("\"bomFormat\"", "\"form\"")])
            Assert.NotEmpty(validator.Validate("cyclonedx-bom-1.6.schema.json", JsonDocument.Parse(valid.Replace(from, to, StringComparison.Ordinal)).RootElement));
    }

    [Fact]
    public void Write_Licences_AreIdExpressionOrName()
    {
        JsonElement[] components = [.. Document(Hostile()).GetProperty("components").EnumerateArray()];
        string LicencesOf(string name) => components.Single(c => c.GetProperty("name").GetString() == name).GetProperty("licenses").GetRawText().ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal);

        Assert.Equal("""[{"license":{"id":"OpenSSL"}}]""", LicencesOf("libssl1.1"));
        Assert.Equal("""[{"expression":"Apache-2.0ANDMIT"}]""", LicencesOf("openssl"));
        Assert.Equal("""[{"license":{"name":"ArtisticorGPL-1+"}}]""", LicencesOf("perl-base"));
        Assert.Equal("""[{"license":{"id":"MIT"}},{"license":{"name":"NoSuchLicence"}},{"license":{"name":"GPL-2+"}}]""", LicencesOf("\x1b[31m\u0000ff"));
    }

    [Fact]
    public void Write_References_AreUniqueAndEveryAffectedOneExists()
    {
        JsonElement document = Document(Hostile());
        string[] references = [.. document.GetProperty("components").EnumerateArray().Select(c => c.GetProperty("bom-ref").GetString()!)];

        Assert.Equal(references.Length, references.Distinct(StringComparer.Ordinal).Count());
        Assert.All(document.GetProperty("vulnerabilities").EnumerateArray().SelectMany(v => v.GetProperty("affects").EnumerateArray()),
            a => Assert.Contains(a.GetProperty("ref").GetString()!, references));
    }

    [Fact]
    public void Write_EqualContentAtAnotherTime_HasTheSameSerialNumber()
    {
        Report report = Hostile();
        string serial = Document(report).GetProperty("serialNumber").GetString()!;

        Assert.Equal(serial, Document(report with { Time = report.Time.AddDays(1) }).GetProperty("serialNumber").GetString());
        Assert.NotEqual(serial, Document(report with { Platform = "linux/arm64" }).GetProperty("serialNumber").GetString());
    }

    [Fact]
    public void Write_SharedFlaw_IsOneVulnerabilityThatAffectsBothPackages()
    {
        JsonElement flaw = Document(Hostile()).GetProperty("vulnerabilities").EnumerateArray().Single(v => v.GetProperty("id").GetString() == "CVE-2023-0286");

        Assert.Equal(2, flaw.GetProperty("affects").GetArrayLength());
        Assert.Equal("CVSSv31", flaw.GetProperty("ratings")[0].GetProperty("method").GetString());
    }

    [Theory]
    [InlineData("MIT OR Apache-2.0", true)]
    [InlineData("(MIT OR GPL-2.0-only WITH Classpath-exception-2.0) AND Zlib", true)]
    [InlineData("MIT", false)]
    [InlineData("MIT or Apache-2.0", false)]
    [InlineData("MIT OR", false)]
    [InlineData("(MIT OR Zlib", false)]
    [InlineData("MIT OR Nonsense", false)]
    public void IsExpression_Text_IsJudgedByGrammarAndKnownIds(string text, bool expected) => Assert.Equal(expected, SpdxLicences.IsExpression(text));

    [Fact]
    public void IsExpression_DeepParentheses_IsRefusedWithoutOverflow() =>
        Assert.False(SpdxLicences.IsExpression(new string('(', 900) + " MIT OR MIT " + new string(')', 900)));
}
