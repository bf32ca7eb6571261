using System.Globalization;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports.Html;

/// <summary>Drawings. Their sizes are attributes of SVG, for the page's policy allows no style attributes.</summary>
internal static class HtmlChart
{
    /// <summary>Units of a bar's whole length.</summary>
    private const int Length = 1000;

    // A segment that is too thin to be seen would say that there is nothing.
    private const double Least = 7;

    /// <summary>The mark on a ship's hull: a disc with the load line through it.</summary>
    public static void Mark(HtmlWriter html) => html
        .Open("svg", ("class", "mark"), ("viewBox", "0 0 48 48"), ("aria-hidden", "true"), ("focusable", "false"))
        .Element("circle", "", ("cx", "24"), ("cy", "24"), ("r", "14"), ("fill", "none"), ("stroke", "currentColor"), ("stroke-width", "4"))
        .Element("path", "", ("d", "M2 24h44"), ("stroke", "currentColor"), ("stroke-width", "4"))
        .Close();

    /// <summary>One letter for each severity, in classes and data attributes.</summary>
    public static string Letter(Severity severity) => severity.Word()[..1];

    /// <summary>A number for each severity that occurs, worst first.</summary>
    public static void Chips(HtmlWriter html, Counts counts, Language language)
    {
        html.Open("span", ("class", "chips"));
        foreach (Severity severity in SeverityWords.WorstFirst.Where(s => counts[s] > 0))
            html.Element("span", $"{Number(counts[severity])} {Word(severity, language)}", ("class", "s " + Letter(severity)));
        html.Close();
    }

    public static string Word(Severity severity, Language language)
    {
        string word = severity.Text().In(language);
        return language == Language.Chinese ? word : word.ToLowerInvariant();
    }

    /// <summary>A bar of one segment for each severity.</summary>
    /// <param name="longest">The count that fills the whole length; every bar of a chart has the same, so that lengths compare.</param>
    public static void Stack(HtmlWriter html, Counts counts, int longest, string label, Language language)
    {
        html.Open("svg", ("class", "bar"), ("viewBox", $"0 0 {Length} 20"), ("preserveAspectRatio", "none"), ("role", "img"), ("aria-label", label));
        html.Element("rect", "", ("class", "rail"), ("width", Number(Length)), ("height", "20"));
        List<Severity> shown = [.. SeverityWords.WorstFirst.Where(s => counts[s] > 0)];
        double scale = Length / (double)Math.Max(longest, 1), at = 0;
        // What the thin ones get too much the thick ones give.
        double thin = shown.Where(s => counts[s] * scale < Least).Sum(s => Least - counts[s] * scale);
        double thick = shown.Where(s => counts[s] * scale >= Least).Sum(s => counts[s] * scale);
        double room = Math.Max(0, Length - shown.Sum(s => Math.Max(Least, counts[s] * scale)));
        double shrink = thick > 0 ? Math.Max(0, thin - room) / thick : 0;
        foreach (Severity severity in shown)
        {
            double width = counts[severity] * scale;
            width = width < Least ? Least : width * (1 - shrink);
            html.Open("rect", ("class", "b " + Letter(severity)), ("x", Number(at)), ("width", Number(width)), ("height", "20"))
                .Element("title", $"{Number(counts[severity])} {Word(severity, language)}").Close();
            at += width;
        }
        html.Close();
    }

    /// <summary>A layer's bar: as long as its share of the largest layer, in the colour of its worst finding.</summary>
    public static void Layer(HtmlWriter html, long bytes, long largest, Severity? worst, string label)
    {
        double width = bytes <= 0 ? 0 : Math.Max(Least, bytes / (double)Math.Max(largest, 1) * Length);
        html.Open("svg", ("class", "bar"), ("viewBox", $"0 0 {Length} 20"), ("preserveAspectRatio", "none"), ("role", "img"), ("aria-label", label));
        html.Element("rect", "", ("class", "rail"), ("width", Number(Length)), ("height", "20"));
        html.Element("rect", "", ("class", "b " + (worst is { } severity ? Letter(severity) : "ok")), ("width", Number(Math.Min(width, Length))), ("height", "20"));
        html.Close();
    }

    public static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>1.4 MB, in steps of a thousand; "-" for what is not known.</summary>
    public static string Size(long bytes, Language language)
    {
        if (bytes < 0)
            return Catalogue.HtmlSizeUnknown.In(language);
        string[] units = ["B", "kB", "MB", "GB", "TB"];
        double value = bytes;
        int unit = 0;
        for (; value >= 999.5 && unit < units.Length - 1; unit++)
            value /= 1000;
        return value.ToString(unit == 0 || value >= 99.5 ? "0" : "0.#", CultureInfo.InvariantCulture) + " " + units[unit];
    }
}
