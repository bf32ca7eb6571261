using System.Text;
using Plimsoll.Inspect;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Secrets;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Secrets;

/// <summary>Images that try to have a secret overlooked, or shown.</summary>
public sealed class SecretAttackTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Token => Samples.All["github-token"].Secret;

    private Report Scan(ImageBuilder builder)
    {
        string path = _folder["image.tar"];
        File.WriteAllBytes(path, ImageBuilder.Tar(builder.ArchiveFiles()));
        using SecretCheck secrets = SecretCheck.Create(new CheckOptions());
        using Inspect.History.HistoryCheck history = new();
        return Scanner.Scan(path, new MemoryAdvisoryStore(), new ScanOptions { ToolVersion = "0", Vulnerabilities = false, Checks = [history, secrets] }, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("usr/share/doc/x/README.md", "app/.env")]
    [InlineData("srv/site/node_modules/x/README.md", "root/settings.ini")]
    public void HardLinkOfADocument_WhoseNameIsNone_IsReadUnderThatName(string document, string name)
    {
        Report report = Scan(new ImageBuilder().Layer(t => t.File(document, $"GITHUB_TOKEN={Token}\n").HardLink(name, document)));

        Assert.Equal([name], report.Problems.Where(p => p.Kind == ProblemKind.Secret).Select(p => p.Path));
        Assert.Empty(report.Gaps);
    }

    [Fact]
    public void ManySecretsBeforeTheOneThatCounts_AreAGap()
    {
        Report report = Scan(new ImageBuilder().Layer(t => t.File("app/run.conf", string.Concat(Enumerable.Range(0, 150).Select(i => $"k{i}_password = \"Zq8x9pLm2Wv{i}Rt\"\n")) + $"GITHUB_TOKEN={Token}\n")));

        Assert.Contains(report.Gaps, g => g is { Code: "secret-scan-cut-short", Where: "app/run.conf" });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Utf16SecretOverTheBoundOfTwoParts_IsFound(bool little)
    {
        Encoding encoding = little ? new UnicodeEncoding(false, true) : new UnicodeEncoding(true, true);
        string filler = string.Concat(Enumerable.Repeat("nothing to see in this line\n", (8 << 20) / 28 - 1));
        string text = filler + new string('#', (8 << 20) - filler.Length - 20) + "\nGITHUB_TOKEN=" + Token + "\n";
        FileFacts facts = Analyser().Analyse("app/run.log", (byte[])[.. encoding.GetPreamble(), .. encoding.GetBytes(text)])!;

        Hit hit = Assert.Single(facts.Hits);
        Assert.Equal(("github-token", text.Count(c => c == '\n')), (hit.Rule, hit.Line));
    }

    public static TheoryData<string, byte[]> Disguises
    {
        get
        {
            byte[] text = Encoding.UTF8.GetBytes($"a=1\nGITHUB_TOKEN={Token}\n");
            string wide = Encoding.UTF8.GetString(text);
            return new()
            {
                { "a zero byte first", [0, .. text] },
                { "a row of zeros first", [.. new byte[14], .. text] },
                { "records that end in zeros", [.. "one\0two\0three\0"u8, .. text, 0] },
                { "a control character", [1, .. text] },
                { "UTF-16, low byte first", Encoding.Unicode.GetBytes(wide) },
                { "UTF-16, high byte first", Encoding.BigEndianUnicode.GetBytes(wide) },
                { "UTF-16 with its mark, low byte first", [0xFF, 0xFE, .. Encoding.Unicode.GetBytes(wide)] },
                { "UTF-16 with its mark, high byte first", [0xFE, 0xFF, .. Encoding.BigEndianUnicode.GetBytes(wide)] },
                { "UTF-32 with its mark", [0xFF, 0xFE, 0, 0, .. Encoding.UTF32.GetBytes(wide)] },
                { "UTF-32 with its mark, high byte first", [0, 0, 0xFE, 0xFF, .. new UTF32Encoding(true, false).GetBytes(wide)] },
                { "UTF-16 with half of it Chinese", Encoding.Unicode.GetBytes("\u5bc6\u94a5\u914d\u7f6e\u6587\u4ef6\n" + wide) },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Disguises))]
    public void TextThatBeginsLikeNone_IsSearched(string how, byte[] content)
    {
        Problem problem = Assert.Single(Scan(new ImageBuilder().Layer(t => t.File("app/settings", content))).Problems, p => p.Kind == ProblemKind.Secret);

        Assert.Equal("github-token", problem.Rule);
        Assert.True(problem.Line >= 2, how);
    }

    /// <summary>The lines that made the layers stand in reports of vulnerabilities as well.</summary>
    [Fact]
    public void SecretInTheHistory_WhereOnlyVulnerabilitiesAreAskedFor_StandsInNoOutput()
    {
        string path = _folder["image.tar"];
        File.WriteAllBytes(path, ImageBuilder.Tar(new ImageBuilder()
            .Layer(t => t.File("etc/os-release", "ID=debian\nVERSION_ID=12\n").File("var/lib/dpkg/status", "Package: x\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"), $"RUN |1 GITHUB_TOKEN={Token} /bin/sh -c make # buildkit").ArchiveFiles()));
        MemoryAdvisoryStore store = new();
        ScanOptions options = new() { ToolVersion = "0" };
        Report shown = Scanner.Scan(path, store, options, TestContext.Current.CancellationToken), bare = Scanner.Scan(path, store, options with { ShowsHistory = false }, TestContext.Current.CancellationToken);

        Assert.Contains("GITHUB_TOKEN=****", shown.Layers.Single().CreatedBy, StringComparison.Ordinal);
        Assert.Null(bare.Layers.Single().CreatedBy);
        Assert.All(bare.Packages, p => Assert.Null(p.Origin.CreatedBy));
        foreach (Report report in (Report[])[shown, bare])
            foreach (ReportFormats.Format format in ReportFormats.All.Where(f => f.Name != "inspection"))
                Assert.DoesNotContain(Token, Encoding.UTF8.GetString(ReportFormats.Render(format, [ScanResult.Of(path, report, ReportFilter.None)], ReportFilter.None, "0")!), StringComparison.Ordinal);
        foreach (ReportFormats.Format format in ReportFormats.All.Where(f => !f.ShowsHistory && f.Name != "inspection"))
            Assert.DoesNotContain("/bin/sh -c make", Encoding.UTF8.GetString(ReportFormats.Render(format, [ScanResult.Of(path, shown, ReportFilter.None)], ReportFilter.None, "0")!), StringComparison.Ordinal);
    }

    /// <summary>What the cache remembers of a history is that nothing is secret in it, never the other way round.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SecretInTheHistory_OfAKnownImage_IsMaskedAgain(bool secret)
    {
        string path = _folder["image.tar"], value = secret ? Token : "none";
        File.WriteAllBytes(path, ImageBuilder.Tar(new ImageBuilder().Layer(t => t.File("a", "b"), $"RUN |1 GITHUB_TOKEN={value} /bin/sh -c make # buildkit").ArchiveFiles()));
        MemoryAdvisoryStore store = new();
        ScanOptions options = new() { ToolVersion = "0", CacheFolder = _folder["cache"] };
        for (int i = 0; i < 3; i++)
        {
            Report report = Scanner.Scan(path, store, options, TestContext.Current.CancellationToken);
            Assert.Contains(secret ? "GITHUB_TOKEN=****" : "GITHUB_TOKEN=none", report.Layers.Single().CreatedBy, StringComparison.Ordinal);
        }
    }

    private static SecretAnalyser Analyser() => new(new SecretScanner(RuleSet.Create(Array.Empty<string>())));

    [Theory]
    [InlineData("/bin/sh -c #(nop)  ENV KEY={0}")]
    [InlineData("RUN /bin/sh -c cat > /k <<E\n{0}\nE # buildkit")]
    [InlineData("RUN |1 KEY={0} /bin/sh -c make # buildkit")]
    public void PrivateKeyOverSeveralLinesOfTheHistory_IsShownNowhere(string line)
    {
        string key = PrivateKey;
        Report report = Scan(new ImageBuilder().Layer(t => t.File("a", "b"), string.Format(System.Globalization.CultureInfo.InvariantCulture, line, key)));

        Assert.Contains(report.Problems, p => p.Kind == ProblemKind.Secret);
        string all = string.Join('\n', [.. report.Dockerfile.Select(l => l.Text), .. report.Layers.Select(l => l.CreatedBy), .. report.Problems.Select(p => $"{p.Title.English} {p.Evidence} {p.Place} {p.Origin?.CreatedBy}")]);
        Assert.All(key.Split('\n')[1..^1], l => Assert.DoesNotContain(l, all, StringComparison.Ordinal));
    }

    [Fact]
    public void PrivateKeyInTheHistory_WhereOnlyTheHistoryIsAskedFor_IsShownNowhere()
    {
        string key = PrivateKey, path = _folder["image.tar"];
        File.WriteAllBytes(path, ImageBuilder.Tar(new ImageBuilder().Layer(t => t.File("a", "b"), $"RUN /bin/sh -c cat > /k <<E\n{key}\nE # buildkit").ArchiveFiles()));
        using Inspect.History.HistoryCheck history = new();
        Report report = Scanner.Scan(path, new MemoryAdvisoryStore(), new ScanOptions { ToolVersion = "0", Vulnerabilities = false, Checks = [history] }, TestContext.Current.CancellationToken);
        using Image image = ImageSource.Open(path, new ImageOptions(), TestContext.Current.CancellationToken);
        string all = string.Join('\n', [.. report.Dockerfile.Select(l => l.Text), .. report.Layers.Select(l => l.CreatedBy), .. Inspect.History.ImageHistory.Lint(image, new Inspect.Dockerfiles.LintOptions(), default, TestContext.Current.CancellationToken)!.Value.Lines.Select(l => l.Text)]);

        Assert.Contains("RUN <<EOF", all, StringComparison.Ordinal);
        Assert.All(key.Split('\n')[1..^1], l => Assert.DoesNotContain(l, all, StringComparison.Ordinal));
    }

    private static string PrivateKey
    {
        get
        {
            using System.Security.Cryptography.RSA rsa = System.Security.Cryptography.RSA.Create(2048);
            return rsa.ExportRSAPrivateKeyPem();
        }
    }

    [Fact]
    public void MoreTextsInTheConfigThanAreLookedAt_AreAGap()
    {
        using SecretCheck check = SecretCheck.Create(new CheckOptions());
        CheckResult result = check.Judge(new CheckInput
        {
            Image = "x",
            Config = new ImageConfig { Config = new ProcessConfig { Env = [.. Enumerable.Range(0, 20_001).Select(i => $"A{i}=1"), $"GITHUB_TOKEN={Token}"] } },
            Inventory = new Inventory(),
            Now = default,
        }, TestContext.Current.CancellationToken);

        Assert.Contains(result.Gaps, g => g is { Code: "secret-scan-cut-short", Where: "config" });
    }
}
