using System.Text;
using System.Text.Json;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Reports;

public sealed class JsonReportTests
{
    private static byte[] Json(params ScanResult[] results)
    {
        using MemoryStream stream = new();
        JsonReport.Write(stream, results, ReportFilter.None, "0.1.0+abc");
        return stream.ToArray();
    }

    private static ScanResult Result(Report report) => ScanResult.Of(report.Image, report, ReportFilter.None);

    [Fact]
    public void Write_SameInspectionFromAWarmCache_DiffersInTimeOnly()
    {
        Report cold = ReportBuilder.Vulnerable().Build();
        Report warm = ReportBuilder.Vulnerable().Build() with { BytesHashed = 99, Layers = [.. cold.Layers.Select(l => l with { FromCache = true })] };

        Assert.Equal(Json(Result(cold)), Json(Result(warm)));
        Assert.Equal(Encoding.UTF8.GetString(Json(Result(cold))),
            Encoding.UTF8.GetString(Json(Result(cold with { Time = cold.Time.AddHours(1) }))).Replace("T11:30:00Z", "T10:30:00Z", StringComparison.Ordinal));
    }

    [Fact]
    public void Write_HostileText_IsValidJsonWithoutTerminalCodesAndReadsBackAsItWas()
    {
        string name = "\x1b[31mevil\u202e\u0000ff \"q\" \\ + <x> 漏洞 \U0001F600 \U000E0041";
        Report report = new ReportBuilder().With(ReportBuilder.Package(name, "1.0+deb11u1\ud800x")).Build();

        byte[] json = Json(Result(report));

        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement package = document.RootElement.GetProperty("reports")[0].GetProperty("packages")[0];
        Assert.Equal(name, package.GetProperty("name").GetString());
        Assert.Equal("1.0+deb11u1\ufffdx", package.GetProperty("version").GetString());
        string text = Encoding.UTF8.GetString(json);
        Assert.DoesNotContain(text, c => c is '\x1b' or '\u202e' or '\0');
        Assert.Contains("1.0+deb11u1", text, StringComparison.Ordinal);
        Assert.Contains("漏洞", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_FailedImage_StandsAmongTheReportsWithItsError()
    {
        ScanResult failed = new() { Image = "b.tar", Failure = new ScanFailure("digest-mismatch", "seen x, wanted y") };

        using JsonDocument document = JsonDocument.Parse(Json(Result(ReportBuilder.Vulnerable().Build()), failed));

        JsonElement second = document.RootElement.GetProperty("reports")[1];
        Assert.Equal("digest-mismatch", second.GetProperty("error").GetProperty("code").GetString());
        Assert.False(second.GetProperty("complete").GetBoolean());
        Assert.False(second.TryGetProperty("findings", out _));
    }

    [Fact]
    public void Write_SuppressedFinding_StaysWithReasonAndDoesNotCount()
    {
        Suppression suppression = new() { Id = "CVE-2024-1", Reason = "not reachable", Owner = "ops", Expires = new DateOnly(2027, 1, 2), Source = "accepted.yaml:3" };
        Report report = new ReportBuilder().With(ReportBuilder.Package("a", "1"), "CVE-2024-1", Severity.High, suppressed: suppression).Build();

        using JsonDocument document = JsonDocument.Parse(Json(Result(report)));

        JsonElement result = document.RootElement.GetProperty("reports")[0];
        Assert.Equal(0, result.GetProperty("summary").GetProperty("findings").GetInt32());
        Assert.Equal(1, result.GetProperty("summary").GetProperty("suppressed").GetInt32());
        Assert.Equal("not reachable", result.GetProperty("findings")[0].GetProperty("suppressed").GetProperty("reason").GetString());
        Assert.Equal("2027-01-02", result.GetProperty("findings")[0].GetProperty("suppressed").GetProperty("expires").GetString());
    }

    [Fact]
    public void Write_EveryMember_IsDescribedInTheFormatPage()
    {
        Suppression suppression = new() { Id = "CVE-2024-1", Package = "a", Reason = "r", Owner = "o", Expires = new DateOnly(2027, 1, 2), Source = "s" };
        Report full = ReportBuilder.Vulnerable().With(ReportBuilder.Package("a", "1"), "CVE-2024-1", Severity.High, suppressed: suppression)
            .WithGap("g", "w", "d").WithProblems().With(ReportBuilder.Refusal).Build() with
        { IndexDigest = "sha256:x" };
        full = full with { Removed = [full.Packages[0] with { RemovedBy = full.Packages[0].Origin, ReplacedBy = "2" }], Layers = [full.Layers[0] with { BlobDigest = "sha256:y" }] };
        using JsonDocument document = JsonDocument.Parse(Json(Result(full), new ScanResult { Image = "x", Failure = new ScanFailure("timeout", "m", "h") }));
        string page = File.ReadAllText(Path.Combine(Golden.Root(), "docs", "formats", "report.md"));

        Assert.All(Members(document.RootElement).Distinct(StringComparer.Ordinal), name => Assert.Contains($"`{name}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public void Write_Summary_CountsProblemsByKindAndSeverity()
    {
        JsonElement summary = JsonDocument.Parse(Json(Result(new ReportBuilder().WithProblems().Build()))).RootElement.GetProperty("reports")[0].GetProperty("summary");

        Assert.Equal(17, summary.GetProperty("problems").GetInt32());
        Assert.Equal(1, summary.GetProperty("suppressedProblems").GetInt32());
        Assert.Equal(2, summary.GetProperty("problemsByKind").GetProperty("secret").GetProperty("high").GetInt32());
        Assert.Equal(0, summary.GetProperty("problemsByKind").GetProperty("secret").GetProperty("low").GetInt32());
        Assert.Equal(7, summary.GetProperty("problemsByKind").GetProperty("configuration").GetProperty("low").GetInt32());
    }

    [Fact]
    public void Write_NoCheckRan_SaysNothingOfProblems()
    {
        JsonElement report = JsonDocument.Parse(Json(Result(new ReportBuilder().Build()))).RootElement.GetProperty("reports")[0];

        Assert.All((string[])["problems", "checks", "engines", "verdict"], name => Assert.False(report.TryGetProperty(name, out _)));
        Assert.False(report.GetProperty("summary").TryGetProperty("problems", out _));
    }

    [Fact]
    public void Write_ReadBackAndWrittenAgain_IsTheSame()
    {
        Report report = ReportBuilder.Vulnerable().WithProblems().With(ReportBuilder.Refusal).WithGap("g", "w", "d").Build();

        byte[] json = Json(Result(report));
        Report read = ReportReader.Read(json, "r");

        Assert.Equal(json, Json(Result(read)));
        Assert.Equal(report.Problems.Select(p => (p.Fingerprint, p.Origin, p.RemovedBy, p.Line)), read.Problems.Select(p => (p.Fingerprint, p.Origin, p.RemovedBy, p.Line)));
    }

    [Theory]
    [InlineData("\"kind\": \"secret\"", "\"kind\": \"spell\"")]
    [InlineData("\"outcome\": \"refused\"", "\"outcome\": \"fine\"")]
    [InlineData("\"rule\": \"private-key\"", "\"rule\": null")]
    public void Read_WordThatIsNotKnown_IsRefusedAndNotGuessed(string part, string broken)
    {
        string json = System.Text.Encoding.UTF8.GetString(Json(Result(new ReportBuilder().WithProblems().With(ReportBuilder.Refusal).Build()))).Replace(part, broken, StringComparison.Ordinal);

        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => ReportReader.Read(System.Text.Encoding.UTF8.GetBytes(json), "r")).Error);
    }

    private static IEnumerable<string> Members(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => Members(p.Value).Prepend(p.Name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Members),
        _ => [],
    };
}
