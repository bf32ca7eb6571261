using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Reports.Html;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Reports.Html;

/// <summary>What holds of every page, whatever is in the image.</summary>
internal static class PageRules
{
    private static readonly HashSet<string> Elements =
    [
        "html", "head", "meta", "link", "title", "style", "body", "header", "nav", "main", "section", "footer", "script", "div", "span", "p", "h1", "h2", "h3", "h4", "a", "ul", "ol", "li", "dl", "dt", "dd",
        "pre", "code", "bdi", "b", "strong", "small", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "svg", "rect", "circle", "path", "label", "input", "select", "option", "button", "output",
    ];

    private static readonly HashSet<string> Attributes =
    [
        "lang", "charset", "http-equiv", "content", "name", "rel", "href", "class", "id", "aria-label", "aria-labelledby", "aria-live", "aria-hidden", "role", "focusable", "hidden", "open", "tabindex", "scope",
        "viewBox", "preserveAspectRatio", "cx", "cy", "r", "d", "fill", "stroke", "stroke-width", "x", "width", "height", "title", "reversed", "start", "data-s", "data-l", "data-f", "data-kind", "data-layer",
        "data-count", "data-open", "data-close", "type", "value", "checked", "placeholder", "autocomplete", "spellcheck", "target",
    ];

    /// <summary>The page, taken apart.</summary>
    /// <exception cref="StrictHtmlException">Something of it is not what the report writes, or is written by an image.</exception>
    public static StrictHtml Check(string page)
    {
        StrictHtml html = StrictHtml.Parse(page);
        foreach (StrictHtml.Element element in html.Elements)
        {
            Unless(Elements.Contains(element.Name), $"an element {element.Name}");
            foreach ((string name, string value) in element.Attributes)
            {
                Unless(Attributes.Contains(name), $"an attribute {name}");
                if (name == "href")
                    Unless(element.Name == "link" ? value == "data:," : value.StartsWith('#') || Uri.TryCreate(value, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https", $"a link to {value}");
            }
            if (element.Attributes.TryGetValue("target", out _))
                Unless(element.Attributes["rel"].Contains("noreferrer", StringComparison.Ordinal), "a link that says where it came from");
        }
        Unless(html.Raw is [("style", var style), ("script", var script)] && style == HtmlReport.Resource("report.css") && script == HtmlReport.Resource("report.js"), "a style or script that is not ours");
        string policy = html.Elements.Single(e => e.Attributes.GetValueOrDefault("http-equiv") == "Content-Security-Policy").Attributes["content"];
        foreach ((string _, string content) in html.Raw)
            Unless(policy.Contains($"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(content)))}'", StringComparison.Ordinal), "a hash that does not hold");
        Unless(policy.StartsWith("default-src 'none';", StringComparison.Ordinal) && !policy.Contains("unsafe", StringComparison.Ordinal), $"a policy {policy}");
        List<string> ids = [.. html.Elements.Select(e => e.Attributes.GetValueOrDefault("id")).OfType<string>()];
        Unless(ids.Distinct(StringComparer.Ordinal).Count() == ids.Count, "an id twice");
        HashSet<string> anchors = [.. ids];
        foreach (string target in html.Elements.Select(e => e.Attributes.GetValueOrDefault("href")).OfType<string>().Where(h => h.StartsWith('#')))
            Unless(anchors.Contains(target[1..]), $"a link to {target}, which is nowhere");
        foreach (string label in html.Elements.Select(e => e.Attributes.GetValueOrDefault("aria-labelledby")).OfType<string>())
            Unless(anchors.Contains(label), $"a label {label}, which is nowhere");
        foreach (Rune rune in html.Text.EnumerateRunes())
            Unless(rune.Value is '\n' or '\t' || Rune.GetUnicodeCategory(rune) is not (System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format), $"U+{rune.Value:X4}");
        return html;
    }

    private static void Unless(bool holds, string what)
    {
        if (!holds)
            throw new StrictHtmlException(what);
    }
}
