using System.Text;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Reports.Html;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Reports.Html;

public sealed class HtmlReportTests
{
    private static readonly VersionOrder Order = (_, a, b) => a.Length != b.Length ? a.Length.CompareTo(b.Length) : string.CompareOrdinal(a, b);

    internal static string Page(Language language, params ReadOnlySpan<ScanResult> results)
    {
        using MemoryStream stream = new();
        HtmlReport.Write(stream, [.. results], "0.1.0+abc", new HtmlOptions { Language = language, Now = ReportBuilder.Now, VersionOrder = Order });
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>What people look at in a browser: artifacts/samples, anew with each run.</summary>
    [Fact]
    public void Write_Samples_AreThereToBeLookedAt()
    {
        string folder = Directory.CreateDirectory(Repository.At("artifacts", "samples")).FullName;
        foreach (Language language in (Language[])[Language.English, Language.Chinese])
        {
            string suffix = language == Language.Chinese ? "zh" : "en";
            File.WriteAllText(Path.Combine(folder, $"full-{suffix}.html"), Page(language, Samples.Of(Samples.Full())));
            File.WriteAllText(Path.Combine(folder, $"clean-{suffix}.html"), Page(language, Samples.Of(Samples.Clean())));
            File.WriteAllText(Path.Combine(folder, $"several-{suffix}.html"), Page(language, Samples.Of(Samples.Incomplete()), Samples.Of(Samples.Clean()),
                new ScanResult { Image = "gone.tar", Failure = new ScanFailure("not-found", "there is no file \"gone.tar\"", "name an archive, a layout or a folder") }));
        }
        File.WriteAllText(Path.Combine(folder, "large-en.html"), Page(Language.English, Samples.Of(Samples.Large(20_000))));
        foreach ((string name, Report report) in ((string, Report)[])[("full", Samples.Full()), ("incomplete", Samples.Incomplete()), ("clean", Samples.Clean())])
            foreach ((int columns, Language language, bool layers) in ((int, Language, bool)[])[(80, Language.English, false), (200, Language.English, false), (80, Language.Chinese, false), (80, Language.English, true)])
            {
                using StringWriter table = new() { NewLine = "\n" };
                TableReport.Write(table, [Samples.Of(report)], new TableOptions { Columns = columns, Language = language, GroupByLayer = layers, Now = ReportBuilder.Now, VersionOrder = Order });
                File.WriteAllText(Path.Combine(folder, $"{name}-{columns}-{language}{(layers ? "-layer" : "")}.txt"), table.ToString());
            }

        Assert.All(Directory.GetFiles(folder, "*.html"), file => Assert.True(new FileInfo(file).Length > 10_000, file));
    }

    [Theory]
    [InlineData(Language.English)]
    [InlineData(Language.Chinese)]
    public void Write_HostileTextsEverywhere_AreTextAndNothingElse(Language language)
    {
        StrictHtml html = PageRules.Check(Page(language, Samples.OfTexts(i => $"{Samples.HostileTexts[i % Samples.HostileTexts.Length]}{i}")));
        StrictHtml tame = PageRules.Check(Page(language, Samples.OfTexts(i => $"text{i}")));

        // Not one element more or in another place than a report of plain words has.
        Assert.Equal(tame.Elements.Select(e => e.Name).Where(NotALink), html.Elements.Select(e => e.Name).Where(NotALink));
        // What an image says is on the page as it was, not cut off at the first sign of markup.
        Assert.All(Samples.HostileTexts.Where(t => t.All(c => c is >= ' ' and <= '~')), t => Assert.Contains(t, html.Text, StringComparison.Ordinal));
        Assert.Contains(@"\u202eexe.cod\u202c\u2066", html.Text, StringComparison.Ordinal);

        // Whether a reference is an address of the web depends on the text.
        static bool NotALink(string name) => name is not ("a" or "dd" or "dt");
    }

    [Fact]
    public void Write_Samples_HoldTheRulesOfThePage()
    {
        foreach (Language language in (Language[])[Language.English, Language.Chinese])
            foreach (Report report in (Report[])[Samples.Full(), Samples.Incomplete(), Samples.Clean(), new ReportBuilder().Build(), new ReportBuilder().Build() with { Layers = [], Distribution = null, Tags = [], Matched = false }])
                PageRules.Check(Page(language, Samples.Of(report)));
        PageRules.Check(Page(Language.English));
    }

    [Fact]
    public void Write_FullReport_SaysEachFindingWithLayerEvidenceReasonAndWhatToDo()
    {
        Report report = Samples.Full();
        string text = StrictHtml.Parse(Page(Language.English, Samples.Of(report))).Text;

        Assert.All(report.Findings, f => Assert.Contains(f.Id, text, StringComparison.Ordinal));
        Assert.All(report.Problems, p => Assert.Contains(p.Title.English, text, StringComparison.Ordinal));
        Assert.All(report.Problems.Where(p => p.Suppressed is null), p => Assert.All((string?[])[p.Advice?.English, p.Path, p.Place, p.Fingerprint, p.Evidence.Split('\n')[0]], part => Assert.Contains(part ?? "", text, StringComparison.Ordinal)));
        Assert.All((string[])
        [
            "Refused", "by policy default", "1 confirmed malware; none is allowed", report.ManifestDigest!, "linux/amd64", "Debian GNU/Linux 11 (bullseye) (claimed by etc/os-release)", "every digest was checked",
            "advisory database 12 of 2026-02-28, 6702 advisories, 2 days old", "Upgrade libssl1.1, openssl to 1.1.1n-0+deb11u4.", "DSA-1-1 for openssl of Debian:11: introduced 0; compared with 1.1.1n-0+deb11u3",
            "deleted by layer 1, but anyone who has the image can still read it out of layer 0", "1 deleted later, still readable here", "published test key", "not asked: no file of known hashes",
        ], part => Assert.Contains(part, text, StringComparison.Ordinal));
    }

    [Fact]
    public void Write_CountsOfTheChart_AreThoseOfTheTable()
    {
        StrictHtml html = StrictHtml.Parse(Page(Language.English, Samples.Of(Samples.Full())));

        Assert.All((string[])["Malware: 1", "Secrets: 3", "Vulnerabilities: 12", "Configuration: 8", "History: 2", "Licences: 3"], label =>
            Assert.Single(html.Elements, e => e.Name == "svg" && e.Attributes.GetValueOrDefault("aria-label") == label));
    }

    [Fact]
    public void Write_SegmentsOfABar_FillNoMoreThanItsLengthAndAreNeverInvisible()
    {
        StrictHtml html = StrictHtml.Parse(Page(Language.English, Samples.Of(Samples.Large(3000))));
        List<double> bar = [];
        foreach (StrictHtml.Element element in html.Elements.SkipWhile(e => e.Attributes.GetValueOrDefault("class") != "chart").TakeWhile(e => e.Attributes.GetValueOrDefault("class") != "layers"))
        {
            if (element.Name == "svg")
                bar.Clear();
            if (element.Name != "rect" || element.Attributes["class"] == "rail")
                continue;
            bar.Add(double.Parse(element.Attributes["width"], System.Globalization.CultureInfo.InvariantCulture));
            Assert.InRange(bar[^1], 1, 1000);
            Assert.InRange(bar.Sum(), 1, 1000.5);
        }
    }

    [Fact]
    public void Write_KindsThatWereNotLookedFor_AreNotCalledClean()
    {
        string unseen = StrictHtml.Parse(Page(Language.English, Samples.Of(new ReportBuilder().With(ReportBuilder.Package("bash", "5")).Build() with { Matched = false }))).Text;
        string partial = StrictHtml.Parse(Page(Language.English, Samples.Of(Samples.Clean() with { Gaps = [new("file-too-large", "x", "y")] }))).Text;

        Assert.Equal(6, unseen.Split('\n').Count(l => l == "not looked for"));
        Assert.Contains("Known vulnerabilities were not looked for.", unseen, StringComparison.Ordinal);
        Assert.Equal(6, partial.Split('\n').Count(l => l == "none seen; incomplete"));
        Assert.DoesNotContain("\nnone\n", partial, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_UnverifiedOrIncomplete_SaysSoInAPanelOfItsOwn()
    {
        StrictHtml html = StrictHtml.Parse(Page(Language.English, Samples.Of(Samples.Incomplete())));

        Assert.Contains(html.Elements, e => e.Attributes.GetValueOrDefault("class") == "panel warned");
        Assert.Contains("Incomplete: what is not shown here may still be there", html.Text, StringComparison.Ordinal);
        Assert.Contains("UNVERIFIED: no digest was checked", html.Text, StringComparison.Ordinal);
        Assert.Contains("page 12 is cut short", html.Text, StringComparison.Ordinal);
        Assert.Contains("No policy was given", html.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_TwentyThousandFindings_StaysWithinItsBounds()
    {
        string page = Page(Language.English, Samples.Of(Samples.Large(20_000)));
        StrictHtml html = PageRules.Check(page);

        Assert.InRange(Encoding.UTF8.GetByteCount(page), 1_000_000, 9_000_000);
        Assert.InRange(html.Elements.Count, 20_000, 200_000);
        // The first ones in full, every one at least in short.
        Assert.Equal(20_000 + 18, html.Elements.Count(e => e.Attributes.GetValueOrDefault("class") == "f"));
        Assert.Contains("There are more than 3000 findings", html.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_MoreThanItHolds_SaysHowManyAreLeftOut()
    {
        using MemoryStream stream = new();
        HtmlReport.Write(stream, [Samples.Of(Samples.Large(400))], "0", new HtmlOptions { MostInFull = 50, MostRows = 100, MostPackages = 7 });
        StrictHtml html = PageRules.Check(Encoding.UTF8.GetString(stream.ToArray()));

        Assert.Equal(100, html.Elements.Count(e => e.Attributes.GetValueOrDefault("class") == "f"));
        Assert.Contains("318 more are not in this file", html.Text, StringComparison.Ordinal);
        Assert.Contains("33 more are not in this file", html.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_PackageInManyPlaces_NamesEachOnALineOfItsOwn()
    {
        ReportBuilder builder = new();
        for (int i = 0; i < 23; i++)
            builder.With(ReportBuilder.Package("lib", "1") is var p ? p with { Path = $"srv/{i:00}/lib\n.jar", Package = p.Package with { Type = "maven" } } : p, "CVE-1", Inspect.Vulnerabilities.Severity.High);
        string text = StrictHtml.Parse(Page(Language.English, Samples.Of(builder.Build()))).Text;

        Assert.Contains("\nsrv/00/lib\\x0a.jar\nsrv/01/lib\\x0a.jar\n", text, StringComparison.Ordinal);
        Assert.Contains("\nand 3 more\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_Twice_IsByteForByteTheSame() =>
        Assert.Equal(Page(Language.Chinese, Samples.Of(Samples.Full())), Page(Language.Chinese, Samples.Of(Samples.Full())));

    [Fact]
    public void Write_Chinese_LeavesNoHeadingInEnglish()
    {
        string text = StrictHtml.Parse(Page(Language.Chinese, Samples.Of(Samples.Full()))).Text;

        Assert.All((string[])["镜像检查报告", "拒绝", "检查结果概览", "镜像层", "恶意软件 (1)", "密钥与凭据 (3)", "漏洞 (12)", "处理建议", "升级建议", "软件包（7）", "许可证（", "已抑制（1）"], part => Assert.Contains(part, text, StringComparison.Ordinal));
        Assert.All((string[])["What to do", "Layers\n", "Evidence", "Fingerprint", "What was found"], part => Assert.DoesNotContain(part, text, StringComparison.Ordinal));
    }

    /// <summary>WCAG 2.1, 1.4.3: text and what it stands on differ by 4.5 to 1 at least.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Style_ColoursOfText_HaveContrast(bool dark)
    {
        string css = HtmlReport.Resource("report.css");
        string root = css.Split(":root {")[dark ? 2 : 1].Split('}')[0];
        Dictionary<string, string> colours = [];
        foreach (string part in root.Split(';').Where(p => p.Contains("--", StringComparison.Ordinal)))
            colours[part.Split(':')[0].Trim()] = part.Split(':')[1].Trim();

        foreach ((string text, string ground) in ((string, string)[])
            [("--ink", "--bg"), ("--ink", "--card"), ("--dim", "--bg"), ("--dim", "--card"), ("--dim", "--code"), ("--link", "--card"), ("--link", "--bg"), ("--navy-ink", "--navy"), ("--good", "--card"),
             ("--warn", "--warn-bg"), ("--bad", "--bad-bg"), ("--good", "--good-bg"), ("--ink", "--warn-bg"), ("--ink", "--bad-bg"), ("#fff", "--c"), ("#fff", "--h"), ("#fff", "--m"), ("#fff", "--l"), ("#fff", "--n"), ("#fff", "--u")])
            Assert.True(Contrast(colours.GetValueOrDefault(text, text), colours[ground]) >= 4.5, $"{text} on {ground}: {Contrast(colours.GetValueOrDefault(text, text), colours[ground])}");

        static double Contrast(string a, string b)
        {
            double one = Luminance(a), other = Luminance(b);
            return (Math.Max(one, other) + 0.05) / (Math.Min(one, other) + 0.05);
        }

        static double Luminance(string hex)
        {
            string full = hex.Length == 4 ? $"#{hex[1]}{hex[1]}{hex[2]}{hex[2]}{hex[3]}{hex[3]}" : hex;
            double[] parts = [.. Enumerable.Range(0, 3).Select(i => Convert.ToInt32(full[(1 + 2 * i)..(3 + 2 * i)], 16) / 255.0).Select(c => c <= 0.03928 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4))];
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
        }
    }
}
