using System.Text;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Suppressions;

public sealed class VexTests
{
    private const string Digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    private const string Curl = "pkg:deb/debian/curl";

    private static IReadOnlyList<VexStatement> Parse(string statements) => VexFile.Read(Encoding.UTF8.GetBytes(
        $$"""{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"ops","timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[{{statements}}]}"""), "v.json");

    private static string Statement(string products, string status = "not_affected", string rest = ",\"justification\":\"component_not_present\"", string id = "CVE-2023-38545") =>
        $$"""{"vulnerability":{"name":"{{id}}"},"products":[{{products}}],"status":"{{status}}"{{rest}}}""";

    private static List<Finding> Suppressed(params string[] statements)
    {
        Report report = ReportBuilder.Vulnerable().Build();
        return [.. VexApplier.Apply(report, report.Findings, Parse(string.Join(',', statements))).Findings.Where(f => f.Suppressed is not null)];
    }

    [Theory]
    // The image, by each name it may have; with parts and without.
    [InlineData("{\"@id\":\"pkg:oci/app@sha256%3A9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}", true)]
    [InlineData("{\"@id\":\"pkg:oci/app?repository_url=registry.example/team/app\"}", true)]
    [InlineData("{\"@id\":\"pkg:oci/app?repository_url=registry.example/team&tag=1.4\"}", true)]
    [InlineData("{\"@id\":\"pkg:oci/app\"}", true)]
    [InlineData("{\"@id\":\"https://example.org/app\",\"hashes\":{\"sha-256\":\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}}", true)]
    [InlineData("{\"@id\":\"https://example.org/app\",\"identifiers\":{\"purl\":\"pkg:oci/app\"}}", true)]
    [InlineData("{\"@id\":\"pkg:oci/app\",\"subcomponents\":[{\"@id\":\"pkg:deb/debian/curl\"}]}", true)]
    [InlineData("\"pkg:oci/app\"", true)]
    // The package itself.
    [InlineData("{\"@id\":\"pkg:deb/debian/curl\"}", true)]
    [InlineData("{\"@id\":\"pkg:deb/debian/curl@7.74.0-1.3%2Bdeb11u7\"}", true)]
    [InlineData("{\"@id\":\"pkg:deb/debian/curl@7.74.0-1.3%2Bdeb11u7?arch=amd64\"}", true)]
    // Another image, version, architecture, distribution, part; and what names nothing.
    [InlineData("{\"@id\":\"pkg:oci/app@sha256%3A0086d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}", false)]
    [InlineData("{\"@id\":\"pkg:oci/other\"}", false)]
    [InlineData("{\"@id\":\"pkg:oci/app?repository_url=registry.example/other/app\"}", false)]
    [InlineData("{\"@id\":\"pkg:oci/app?tag=1.5\"}", false)]
    [InlineData("{\"@id\":\"pkg:deb/debian/curl@7.74.0-1.3%2Bdeb11u8\"}", false)]
    [InlineData("{\"@id\":\"pkg:deb/debian/curl?arch=arm64\"}", false)]
    [InlineData("{\"@id\":\"pkg:deb/ubuntu/curl\"}", false)]
    [InlineData("{\"@id\":\"pkg:npm/curl\"}", false)]
    [InlineData("{\"@id\":\"pkg:oci/app\",\"subcomponents\":[{\"@id\":\"pkg:deb/debian/openssl\"}]}", false)]
    [InlineData("{\"@id\":\"pkg:oci/app\",\"subcomponents\":[{}]}", false)]
    [InlineData("{\"@id\":\"pkg:oci/other\",\"subcomponents\":[{\"@id\":\"pkg:deb/debian/curl\"}]}", false)]
    [InlineData("{}", false)]
    [InlineData("", false)]
    public void Apply_Product_NamesTheImageOrThePackageOrNeither(string product, bool names) =>
        Assert.Equal(names ? ["CVE-2023-38545"] : [], Suppressed(Statement(product)).Select(f => f.Id));

    [Fact]
    public void Apply_NotAffected_LeavesTheFindingWithSourceReasonAndJustification()
    {
        Suppression suppression = Suppressed(Statement($"{{\"@id\":\"{Curl}\"}}", rest: ",\"justification\":\"vulnerable_code_not_present\",\"impact_statement\":\"built without socks\""))[0].Suppressed!;

        Assert.Equal("vulnerable code not present: built without socks", suppression.Reason);
        Assert.Equal(("v.json, statement 1", "ops", "not_affected", "vulnerable_code_not_present"), (suppression.Source, suppression.Owner, suppression.Status, suppression.Justification));
    }

    [Theory]
    [InlineData("affected", 0)]
    [InlineData("under_investigation", 0)]
    [InlineData("fixed", 1)]
    public void Apply_Status_SuppressesOnlyWhatIsNotThere(string status, int suppressed) =>
        Assert.Equal(suppressed, Suppressed(Statement($"{{\"@id\":\"{Curl}\"}}", status, "")).Count);

    [Fact]
    public void Apply_LaterStatement_TakesBackTheEarlierOneWhateverTheirOrder()
    {
        string product = $"{{\"@id\":\"{Curl}\"}}";
        string late = Statement(product, "affected", ",\"timestamp\":\"2026-02-01T00:00:00Z\"");

        Assert.Empty(Suppressed(late, Statement(product)));
        Assert.Empty(Suppressed(Statement(product), late));
        Assert.Single(Suppressed(late, Statement(product, rest: ",\"justification\":\"component_not_present\",\"timestamp\":\"2026-03-01T00:00:00Z\"")));
    }

    [Fact]
    public void Apply_Alias_CountsAsTheFlaw() => Assert.NotEmpty(Suppressed(Statement($"{{\"@id\":\"{Curl}\"}}", id: "dsa-1-1")));

    [Fact]
    public void Apply_DocumentOnSomethingElse_GivesOneNote()
    {
        Report report = ReportBuilder.Vulnerable().Build();

        Note note = Assert.Single(VexApplier.Apply(report, report.Findings, Parse(Statement("{\"@id\":\"pkg:npm/a\"}") + "," + Statement("{\"@id\":\"pkg:npm/b\"}"))).Notes);

        Assert.Equal(("vex-unused", "v.json", "2"), (note.Code, note.Arguments[0], note.Arguments[1]));
    }

    [Theory]
    [InlineData("{\"products\":[],\"status\":\"fixed\"}")]
    [InlineData("{\"vulnerability\":{\"name\":\"CVE-1\"},\"status\":\"harmless\"}")]
    [InlineData("{\"vulnerability\":{\"name\":\"CVE-1\"}}")]
    [InlineData("{\"vulnerability\":{\"name\":\"CVE-1\"},\"status\":\"not_affected\"}")]
    [InlineData("{\"vulnerability\":{\"name\":\"CVE-1\"},\"status\":\"not_affected\",\"justification\":\"because\"}")]
    public void Read_StatementThatSaysTooLittle_RefusesTheWholeDocument(string statement)
    {
        ImageException e = Assert.Throws<ImageException>(() => Parse(Statement("") + "," + statement));

        Assert.Equal(ImageError.Malformed, e.Error);
        Assert.Contains("v.json, statement 2", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("- id: CVE-1")]
    [InlineData("{\"@context\":\"https://example.org\",\"statements\":[]}")]
    [InlineData("{\"statements\":[]")]
    public void Read_AnotherThing_IsRefused(string text) => Assert.Throws<ImageException>(() => VexFile.Read(Encoding.UTF8.GetBytes(text), "x"));

    [Fact]
    public void Read_WhatWeWrote_SuppressesTheSameFindingsOfTheSameImage()
    {
        Report report = ReportBuilder.Vulnerable().Build();
        report = report with { Findings = VexApplier.Apply(report, report.Findings, Parse(Statement($"{{\"@id\":\"{Curl}\"}}"))).Findings };
        using MemoryStream written = new();
        OpenVexReport.Write(written, report);
        Report fresh = ReportBuilder.Vulnerable().Build();

        IReadOnlyList<Finding> findings = VexApplier.Apply(fresh, fresh.Findings, VexFile.Read(written.ToArray(), "own.json")).Findings;

        Assert.Equal(["CVE-2023-38545"], findings.Where(f => f.Suppressed is not null).Select(f => f.Id));
        Assert.Equal(Digest, fresh.ManifestDigest);
    }

    [Fact]
    public void Read_CycloneDxWithBomLinks_NamesTheComponent()
    {
        IReadOnlyList<VexStatement> statements = VexFile.Read(Encoding.UTF8.GetBytes("""
            {"bomFormat":"CycloneDX","specVersion":"1.5","vulnerabilities":[{"id":"CVE-2023-38545","analysis":{"state":"not_affected","detail":"no socks"},
            "affects":[{"ref":"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Adeb%2Fdebian%2Fcurl%407.74.0-1.3%252Bdeb11u7"}]}]}
            """), "c.json");
        Report report = ReportBuilder.Vulnerable().Build();

        Assert.Equal("not affected: no socks", Assert.Single(VexApplier.Apply(report, report.Findings, statements).Findings, f => f.Suppressed is not null).Suppressed!.Reason);
    }

    [Fact]
    public void SuppressionFile_Justification_IsAClaimAndAnUnknownOneAnError()
    {
        Suppression entry = Assert.Single(SuppressionFile.Parse("- id: CVE-1\n  reason: r\n  justification: component_not_present\n", "s"));

        Assert.Equal(("not_affected", "component_not_present"), (entry.Status, entry.Justification));
        Assert.Throws<SuppressionException>(() => SuppressionFile.Parse("- id: CVE-1\n  reason: r\n  justification: because\n", "s"));
        Assert.Null(Assert.Single(SuppressionFile.Parse("- id: CVE-1\n  reason: r\n", "s")).Status);
    }
}
