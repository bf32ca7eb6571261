using System.Text.Json;
using Plimsoll.Cli;
using Plimsoll.Inspect;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Cli;

/// <summary>The verbs sbom, diff and explain, and the outputs of scan, through the program's own argument line.</summary>
public sealed class ExchangeCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly StringWriter _out = new(), _error = new();
    private Func<string, Report> _scan = image => ReportBuilder.Vulnerable().Build() with { Image = image };

    public void Dispose() => _folder.Dispose();

    private string At(string name) => Path.Combine(_folder.Path, name);

    private string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    private Task<int> RunAsync(params string[] args)
    {
        CliContext context = new() { Out = _out, Error = _error, Environment = n => n == "PLIMSOLL_HOME" ? _folder.Path : null };
        return PlimsollApp.RunAsync(args, context, new ScanServices
        {
            Scan = (image, store, options, token) => image.StartsWith("sbom:", StringComparison.Ordinal) ? Scanner.Scan(image, store, options, token) : _scan(image),
            List = (image, options, token) => image.StartsWith("sbom:", StringComparison.Ordinal) ? Scanner.List(image, options, token) : _scan(image) with { Matched = false, Findings = [] },
            OpenDatabase = _ => throw new InvalidOperationException("there is no database"),
            OpenStarterSet = () => new MemoryAdvisoryStore()
                .Add("""{"id":"DSA-1-1","upstream":["CVE-2023-38545"],"summary":"curl","published":"2023-10-11T00:00:00Z","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"Debian:11","name":"curl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"7.74.0-1.3+deb11u10"}]}]}]}""")
                .Add("""{"id":"GHSA-x","aliases":["CVE-2023-38545"],"summary":"curl","severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}],"affected":[{"package":{"ecosystem":"npm","name":"curl"},"versions":["1.0"]},{"package":{"ecosystem":"npm","name":"libcurl"},"versions":["1.0"]}]}""")
                .AddEpss("CVE-2023-38545", 0.25, 0.75)
                .AddKnownExploited("CVE-2023-38545", "2023-10-12"),
            UpdateDatabase = (_, _) => throw new InvalidOperationException("nobody asked for an update"),
            ReadSuppressions = _ => [],
            VersionOrder = (type, a, b) => VersionOrders.For(type)?.Compare(a, b) ?? 0,
        }, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(0, "sbom", "x")]
    [InlineData(0, "sbom", "x", "--output", "spdx")]
    [InlineData(2, "sbom", "x", "-o", "sarif")]
    [InlineData(2, "sbom", "x", "--output", "table")]
    [InlineData(2, "sbom", "x", "--output", "bom.json")]
    [InlineData(2, "sbom")]
    [InlineData(2, "sbom", "--frmat", "spdx")]
    [InlineData(2, "sbom", "x", "-o", "json=/no/such/folder/b.json")]
    [InlineData(3, "sbom", "sbom:/no/such/file")]
    [InlineData(0, "diff", "a", "b")]
    [InlineData(0, "diff", "a", "b", "--fail-on", "any")]
    [InlineData(2, "diff", "a")]
    [InlineData(2, "diff", "a", "b", "--fail-on", "dreadful")]
    [InlineData(2, "diff", "a", "b", "--db", "/no/such/db")]
    [InlineData(2, "diff", "a", "b", "--platform", "linux")]
    [InlineData(0, "diff", "a", "b", "--json")]
    [InlineData(0, "diff", "a", "b", "--json", "-o", "json")]
    [InlineData(0, "diff", "a", "b", "-o", "table")]
    [InlineData(2, "diff", "a", "b", "--json", "-o", "table")]
    [InlineData(2, "diff", "a", "b", "-o", "sarif")]
    [InlineData(2, "diff", "a", "b", "-o", "d.json")]
    [InlineData(2, "diff", "a", "b", "-o", "json=")]
    [InlineData(3, "diff", "sbom:/no/such/file", "b")]
    [InlineData(0, "explain", "CVE-2023-38545")]
    [InlineData(0, "explain", "cve-2023-38545", "x")]
    [InlineData(3, "explain", "CVE-1999-1")]
    [InlineData(2, "explain")]
    [InlineData(0, "sbom", "--help")]
    [InlineData(0, "diff", "--help", "--lang", "zh")]
    [InlineData(0, "explain", "--help")]
    [InlineData(2, "scan", "a", "--vex", "/no/such/file")]
    [InlineData(2, "scan", "a", "--output", "template")]
    [InlineData(2, "scan", "a", "--output", "template:")]
    [InlineData(2, "scan", "a", "--output", "template:/no/such/file")]
    [InlineData(2, "scan", "a", "--template", "t")]
    [InlineData(2, "scan", "a", "b", "--output", "spdx")]
    [InlineData(2, "scan", "a", "b", "--output", "gitlab")]
    public async Task Run_Arguments_GiveTheExitCode(int code, params string[] args)
    {
        int actual = await RunAsync(args);

        Assert.True(code == actual, $"{actual}: {_error}");
        if (code == 2)
            Assert.Empty(_out.ToString());
        Assert.DoesNotContain("internal error", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sbom_Image_SaysNothingOfVulnerabilities()
    {
        Assert.Equal(0, await RunAsync("sbom", "x", "-o", $"cyclonedx={At("bom.json")}"));

        JsonElement bom = JsonDocument.Parse(File.ReadAllBytes(At("bom.json"))).RootElement;
        Assert.False(bom.TryGetProperty("vulnerabilities", out _));
        Assert.Equal(8, bom.GetProperty("components").GetArrayLength());
        Assert.Empty(_out.ToString());
    }

    [Fact]
    public async Task Scan_EveryOutputAtOnce_WritesEachFile()
    {
        string template = Write("t.html", "{{#reports}}<p>{{image}}</p>{{/reports}}");
        string[] formats = [.. ReportFormats.All.Select(f => f.Name)];

        await RunAsync(["scan", "<x>", .. formats.SelectMany(f => (string[])["--output", $"{f}={At(f)}"]), "--output", $"template={At("t")}", "--template", template, "--quiet"]);

        Assert.All(formats, f => Assert.True(new FileInfo(At(f)).Length > 500, f));
        Assert.Equal("<p>&lt;x&gt;</p>", await File.ReadAllTextAsync(At("t"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Diff_ReportAndImage_ExitsOneOnlyForWhatIsNew()
    {
        _scan = _ => new ReportBuilder().With(ReportBuilder.Package("a", "1"), "CVE-1", Severity.High).Build();
        await RunAsync("scan", "x", "--output", $"json={At("a.json")}");

        Assert.Equal(0, await RunAsync("diff", At("a.json"), "x", "--fail-on", "any"));
        _scan = _ => new ReportBuilder().With(ReportBuilder.Package("a", "1"), "CVE-1", Severity.High).With(ReportBuilder.Package("b", "1"), "CVE-2", Severity.Low).Build();
        Assert.Equal(0, await RunAsync("diff", At("a.json"), "x", "--fail-on", "high"));
        Assert.Equal(1, await RunAsync("diff", At("a.json"), "x", "--fail-on", "low", "-o", $"json={At("d.json")}"));
        Assert.Equal("CVE-2", JsonDocument.Parse(File.ReadAllBytes(At("d.json"))).RootElement.GetProperty("findings").GetProperty("new")[0].GetProperty("id").GetString());
    }

    [Fact]
    public async Task Explain_ImageWithTheFlaw_NamesRecordLayerMatchAndFix()
    {
        Assert.Equal(0, await RunAsync("explain", "cve-2023-38545", "x"));

        string text = string.Join(' ', _out.ToString().Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.All((string[])["CVE-2023-38545", "DSA-1-1", "9.8 CVSS:3.1", "since 2023-10-12", "package curl 7.74.0-1.3+deb11u7", "RUN apt-get install -y openssl", "introduced 0", "upgrade to 7.74.0-1.3+deb11u10"],
            part => Assert.Contains(part, text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Explain_WithoutAnImage_NamesPackagesRangesScoresAndEpss()
    {
        Assert.Equal(0, await RunAsync("explain", "CVE-2023-38545"));

        string text = string.Join(' ', _out.ToString().Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.All((string[])["affects: Debian:11 curl: introduced 0, fixed 7.74.0-1.3+deb11u10", "affects: npm curl, libcurl: 1.0", "9.3 CVSS:4.0/AV:N", "9.8 CVSS:3.1", "EPSS 25.0% (higher than 75.0% of all)"],
            part => Assert.Contains(part, text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Explain_ImageWithoutIt_SaysSoAndThatAnIncompleteAnswerProvesNothing()
    {
        Assert.Equal(0, await RunAsync("explain", "CVE-1999-1", "x"));
        Assert.Contains("not among the findings", _out.ToString(), StringComparison.Ordinal);

        _scan = _ => new ReportBuilder().WithGap("g", "w", "d").Build();
        Assert.Equal(3, await RunAsync("explain", "CVE-1999-1", "x"));
        Assert.Contains("does not mean that it is not there", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_ImageWithAFixedVersion_SaysWhichRangeDoesNotHold()
    {
        _scan = _ => new ReportBuilder().With(ReportBuilder.Package("curl", "8.0-1")).Build();

        Assert.Equal(0, await RunAsync("explain", "CVE-2023-38545", "x"));

        Assert.Contains("curl 8.0-1 is there; DSA-1-1 speaks of the versions introduced 0, fixed 7.74.0-1.3+deb11u10",
            string.Join(' ', _out.ToString().Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Diff_BrokenReport_IsAnErrorWithTheFilesName()
    {
        Assert.Equal(3, await RunAsync("diff", Write("r.json", "{\"schemaVersion\":1,\"reports\":[{\"image\":5}]}"), "x"));

        Assert.Contains("r.json", _error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("internal error", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Diff_NewProblem_MeetsFailOnAsANewFindingDoes()
    {
        _scan = _ => new ReportBuilder().WithChecks(Plimsoll.Inspect.Checks.ProblemKind.Secret).Build();
        await RunAsync("scan", "x", "--output", $"json={At("a.json")}", "--quiet");
        _scan = _ => new ReportBuilder().With(ReportBuilder.Problem(Plimsoll.Inspect.Checks.ProblemKind.Secret, "private-key", Severity.Medium, "k.pem")).Build();

        Assert.Equal(0, await RunAsync("diff", At("a.json"), "x", "--fail-on", "high"));
        Assert.Equal(1, await RunAsync("diff", At("a.json"), "x", "--fail-on", "medium"));
        Assert.Contains("findings that meet --fail-on medium: 1", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("aws-access-key-id")]
    [InlineData("secret/AWS-access-key-id")]
    [InlineData("483854359e76bd13")]
    public async Task Explain_RuleOrFingerprint_SaysWhereWhyAndWhatToDo(string asked)
    {
        _scan = _ => ReportBuilder.Vulnerable().WithProblems().Build();

        Assert.Equal(0, await RunAsync("explain", asked, "x"));

        string text = string.Join(' ', _out.ToString().Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.All((string[])
        [
            "secret/aws-access-key-id", "HIGH Access key of Amazon Web Services", "what to do: Revoke the key", "srv/app/.env:12", "evidence: AWS_ACCESS_KEY_ID=AKIA****************", "layer 0",
            "deleted by layer 1, but anyone who has the image can still read it out of layer 0", "https://docs.example/iam/keys",
        ], part => Assert.Contains(part, text, StringComparison.Ordinal));
        Assert.DoesNotContain("CISA", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_RuleOfManyPlaces_NamesEachWithItsLayer()
    {
        _scan = _ => new ReportBuilder().WithProblems().Build();

        Assert.Equal(0, await RunAsync("explain", "CIS-4.8", "x"));

        Assert.All((string[])["usr/bin/passwd", "usr/local/bin/helper", "mode 04755", "layer 1"], part => Assert.Contains(part, _out.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Explain_RuleThatIsNotThere_SaysWhatWasNotLookedFor()
    {
        _scan = _ => new ReportBuilder().WithChecks(Plimsoll.Inspect.Checks.ProblemKind.Secret).Build();

        Assert.Equal(0, await RunAsync("explain", "DL3008", "x"));

        string text = string.Join(' ', _out.ToString().Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("DL3008 is not among the findings of app.tar. Not looked for in app.tar: Malware, History, Configuration, Licences.", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scan_HtmlInChinese_IsOnePageOnStandardOutput()
    {
        Assert.Equal(0, await RunAsync("scan", "x", "--output", "html", "--lang", "zh", "--quiet"));

        Assert.StartsWith("<!DOCTYPE html>\n<html lang=\"zh-CN\">", _out.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("</html>\n", _out.ToString(), StringComparison.Ordinal);
    }
}
