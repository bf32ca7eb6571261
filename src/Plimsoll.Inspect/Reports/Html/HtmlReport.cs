using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports.Html;

/// <summary>
/// The report as one page that opens without a network: our own style and script stand in it, named by their hashes in the
/// page's policy, and nothing else may load or run. Without scripts everything is there but the filters.
/// </summary>
public static class HtmlReport
{
    /// <summary>Writes one page for all images of a call, UTF-8.</summary>
    public static void Write(Stream output, IReadOnlyList<ScanResult> results, string toolVersion, HtmlOptions options)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(options);
        // Half characters were replaced on the way here; a lenient encoder could still not make markup of them.
        using StreamWriter text = new(output, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        text.Write("<!DOCTYPE html>\n");
        HtmlWriter html = new(text);
        Language language = options.Language;
        string title = Catalogue.HtmlTitle.In(language);
        html.Open("html", ("lang", language == Language.Chinese ? "zh-CN" : "en"));
        WriteHead(html, results.Count == 1 ? $"{HtmlText.Shown(results[0].Image, 100)} · {title}" : title, toolVersion);
        html.Open("body");
        html.Element("a", Catalogue.HtmlSkip.In(language), ("class", "skip"), ("href", "#main"));
        WriteTop(html, results, toolVersion, options);
        html.Open("main", ("id", "main"));
        for (int i = 0; i < results.Count; i++)
            new HtmlImage(html, options, i).Write(results[i]);
        html.Close();
        html.Open("footer").Element("p", Catalogue.HtmlFooter.In(language)).Close();
        html.Own("script", Resource("report.js"));
        html.CloseTo(0).Line();
    }

    private static void WriteHead(HtmlWriter html, string title, string toolVersion)
    {
        html.Open("head").Void("meta", ("charset", "utf-8"));
        html.Void("meta", ("http-equiv", "Content-Security-Policy"), ("content", Policy()));
        html.Void("meta", ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
        html.Void("meta", ("name", "color-scheme"), ("content", "light dark"));
        html.Void("meta", ("name", "referrer"), ("content", "no-referrer"));
        html.Void("meta", ("name", "generator"), ("content", "plimsoll " + HtmlText.Shown(toolVersion, 60)));
        // Without it a browser asks the page's server for an icon.
        html.Void("link", ("rel", "icon"), ("href", "data:,"));
        html.Element("title", title).Own("style", Resource("report.css")).Close().Line();
    }

    /// <summary>What may load and run: the style and the script that stand in the page, by hash, and nothing from anywhere.</summary>
    private static string Policy() =>
        $"default-src 'none'; style-src '{HashOf("report.css")}'; script-src '{HashOf("report.js")}'; img-src data:; base-uri 'none'; form-action 'none'";

    private static string HashOf(string resource) => "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Resource(resource))));

    internal static string Resource(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not built in");
        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static void WriteTop(HtmlWriter html, IReadOnlyList<ScanResult> results, string toolVersion, HtmlOptions options)
    {
        Language language = options.Language;
        html.Open("header", ("class", "top"));
        html.Open("div", ("class", "brand"));
        HtmlChart.Mark(html);
        html.Open("div").Element("p", "Plimsoll", ("class", "name")).Element("h1", Catalogue.HtmlTitle.In(language)).Close().Close();
        DateTimeOffset? made = results.Select(r => r.Report?.Time).Max();
        if (made is { } time)
            html.Element("p", Catalogue.HtmlMadeBy.In(language, time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture), HtmlText.Shown(toolVersion, 60)), ("class", "made"));
        html.Close();
        if (results.Count < 2)
            return;
        html.Open("nav", ("aria-label", Catalogue.HtmlContents.In(language)));
        html.Element("h2", Catalogue.HtmlContents.In(language)).Open("ul");
        for (int i = 0; i < results.Count; i++)
        {
            html.Open("li").Open("a", ("href", $"#i{i}")).Element("bdi", HtmlText.Shown(results[i].Image)).Close();
            if (results[i].Report is { } report)
                WriteState(html, report, language);
            else
                html.Element("span", Catalogue.HtmlFailed.In(language), ("class", "badge warn"));
            html.Close();
        }
        html.CloseTo(html.Depth - 2);
    }

    /// <summary>What a reader of many images looks for: which were refused, which are not wholly known, which have what.</summary>
    private static void WriteState(HtmlWriter html, Report report, Language language)
    {
        if (report.Verdict is { } verdict)
        {
            (string style, Text word) = HtmlImage.Outcome(verdict.Outcome);
            html.Element("span", word.In(language), ("class", "badge " + style));
        }
        if (!report.Complete)
            html.Element("span", Catalogue.HtmlIncompleteShort.In(language), ("class", "badge warned"));
        Counts total = new Tally(report).Total;
        if (total.All > 0)
            HtmlChart.Chips(html, total, language);
        else
            html.Element("span", Catalogue.HtmlLayerClean.In(language), ("class", "dim"));
    }
}
