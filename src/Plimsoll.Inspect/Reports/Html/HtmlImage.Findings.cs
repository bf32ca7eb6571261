using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports.Html;

/// <content>Findings by kind, and what filters them.</content>
internal sealed partial class HtmlImage
{
    private const int MostMatches = 5;
    private const int MostReferences = 5;
    private const int MostPlaces = 20;

    // Blocks that stand open at first: enough to see what it is about, few enough to see the rest.
    private const int MostOpen = 5;

    private int _rows;
    private int _opened;

    private bool InFull => _rows <= options.MostInFull;

    private void WriteFindings()
    {
        List<Problem> open = [.. _report.Problems.Where(p => p.Suppressed is null)], suppressed = [.. _report.Problems.Where(p => p.Suppressed is not null)];
        List<Finding> set = [.. _report.Findings.Where(f => f.Suppressed is not null)];
        if (_tally.Groups.Count == 0 && open.Count == 0 && suppressed.Count == 0 && set.Count == 0)
            return;
        WriteFilters(suppressed.Count + set.Count > 0);
        foreach (ProblemKind? kind in Kinds())
            if (kind is { } problem)
                WriteProblems(problem, [.. open.Where(p => p.Kind == problem)]);
            else
                WriteVulnerabilities();
        WriteSuppressed(set, suppressed);
        if (_rows > options.MostInFull)
            html.Element("p", Say(Catalogue.ShortRows, options.MostInFull), ("class", "dim"));
        if (_rows > options.MostRows)
            html.Element("p", Say(Catalogue.MoreRows, _rows - options.MostRows), ("class", "dim"));
        html.Line();
    }

    /// <summary>Hidden until the script shows it: without scripts it would do nothing.</summary>
    private void WriteFilters(bool suppressed)
    {
        html.Open("div", ("class", "filters"), ("role", "search"), ("aria-label", Say(Catalogue.FilterTitle)), ("hidden", ""),
            ("data-count", Catalogue.FilterCount.In(Language)), ("data-open", Say(Catalogue.FilterOpenAll)), ("data-close", Say(Catalogue.FilterCloseAll)));
        html.Void("input", ("type", "search"), ("class", "text"), ("placeholder", Say(Catalogue.FilterSearch)), ("aria-label", Say(Catalogue.FilterSearch)), ("autocomplete", "off"), ("spellcheck", "false"));
        html.Open("div", ("class", "severities"), ("role", "group"), ("aria-label", Say(Catalogue.FilterSeverity)));
        foreach (Severity severity in SeverityWords.WorstFirst.Where(s => _tally.Total[s] > 0))
            html.Open("label", ("class", "toggle s " + HtmlChart.Letter(severity))).Void("input", ("type", "checkbox"), ("name", "severity"), ("value", HtmlChart.Letter(severity)), ("checked", ""))
                .Text(HtmlChart.Word(severity, Language)).Close();
        html.Close();
        html.Open("select", ("class", "bykind"), ("aria-label", Say(Catalogue.FilterKind))).Element("option", Say(Catalogue.FilterAnyKind), ("value", "*"));
        foreach (ProblemKind? kind in Kinds().Where(k => CountsOf(k) is { All: > 0 }))
            html.Element("option", Say(Catalogue.KindOf(WordOf(kind))), ("value", WordOf(kind)));
        html.Close();
        if (_tally.Layers.Count > 1)
        {
            html.Open("select", ("class", "bylayer"), ("aria-label", Say(Catalogue.FilterLayer))).Element("option", Say(Catalogue.FilterAnyLayer), ("value", "*"));
            foreach (int layer in _tally.Layers.Keys.Order().Take(MostLayers))
                html.Element("option", Say(Catalogue.Layer, layer), ("value", HtmlChart.Number(layer)));
            html.Close();
        }
        if (_tally.Fixable > 0)
            Toggle("f", Catalogue.FilterFixable);
        if (_tally.Exploited > 0)
            Toggle("k", Catalogue.FilterKev);
        if (suppressed)
            Toggle("s", Catalogue.FilterSuppressed);
        html.Open("span", ("class", "do")).Element("button", Say(Catalogue.FilterOpenAll), ("type", "button"), ("class", "open")).Element("button", Say(Catalogue.FilterReset), ("type", "button"), ("class", "reset")).Close();
        html.Element("output", "", ("role", "status"), ("aria-live", "polite"));
        html.Close().Line();

        void Toggle(string value, Text label) => html.Open("label", ("class", "toggle")).Void("input", ("type", "checkbox"), ("name", "flag"), ("value", value)).Text(Say(label)).Close();
    }

    private void OpenKind(string word, string heading)
    {
        html.Open("section", ("class", "card kind"), ("data-kind", word), ("aria-labelledby", Id(word)));
        html.Element("h3", heading, ("id", Id(word)));
    }

    private void WriteVulnerabilities()
    {
        if (_tally.Groups.Count == 0)
            return;
        OpenKind("vulnerability", $"{Say(Catalogue.HtmlKindVulnerabilities)} ({HtmlChart.Number(_tally.Vulnerabilities.All)})");
        _opened = 0;
        foreach (FindingGroup group in _tally.Groups)
            WriteGroup(group);
        html.Close().Line();
    }

    private void WriteGroup(FindingGroup group)
    {
        if (_rows >= options.MostRows)
        {
            _rows += group.Rows.Count;
            return;
        }
        bool open = (group.KnownExploited > 0 || group.Worst >= Severity.High) && _opened < MostOpen;
        _opened += open ? 1 : 0;
        html.Open("details", ("class", "g"), ("id", AnchorOf(group.Package.Origin)), ("open", open ? "" : null));
        html.Open("summary").Element("bdi", HtmlText.Shown(group.Name, 100), ("class", "name")).Text(" ").Element("span", HtmlText.Shown(group.Version, 100), ("class", "version"));
        html.Element("span", LayerName(group.Package.Origin), ("class", "badge"));
        Counts counts = new();
        foreach (Finding finding in group.Rows)
            counts.Add(finding.Severity);
        HtmlChart.Chips(html, counts, Language);
        if (group.KnownExploited > 0)
            html.Element("span", "KEV", ("class", "kev"));
        foreach (Upgrade upgrade in Upgrade.Of([group], options.VersionOrder).Take(1))
            html.Element("span", Say(Catalogue.UpgradeTo, HtmlText.Shown(upgrade.Version, 100)), ("class", "up"));
        html.Close();
        html.Open("dl", ("class", "facts"));
        Fact(Catalogue.DetailLayer, LayerText(group.Package.Origin));
        html.Element("dt", Say(Catalogue.DetailWhere));
        foreach (string place in group.Places.Count > 0 ? group.Places.Take(MostPlaces) : [group.Package.Path])
            html.Element("dd", HtmlText.Shown(place));
        if (group.Places.Count > MostPlaces)
            html.Element("dd", Say(Catalogue.ExplainMore, group.Places.Count - MostPlaces));
        if (group.Names.Count > 1)
            Fact(Catalogue.DetailPackage, string.Join(", ", group.Names.Take(50)));
        Fact(Catalogue.DetailOwner, group.Package.OwnedBy);
        html.Close();
        bool list = false;
        foreach (Finding finding in group.Rows)
        {
            if (++_rows > options.MostRows)
                continue;
            if (InFull)
                WriteFinding(group, finding);
            else
            {
                if (!list)
                    html.Open("ul", ("class", "short"));
                list = true;
                WriteShort(finding, finding.Package.Origin, null);
            }
        }
        if (list)
            html.Close();
        html.Close().Line();
    }

    private static string Flags(Finding finding) =>
        (finding.FixedVersion is null ? "" : "f") + (finding.KnownExploited is null ? "" : "k") + (finding.Suppressed is null ? "" : "s");

    private void WriteFinding(FindingGroup group, Finding finding)
    {
        html.Open("details", ("class", "f"), ("data-s", HtmlChart.Letter(finding.Severity)), ("data-l", HtmlChart.Number(finding.Package.Origin.Layer)), ("data-f", Flags(finding)));
        html.Open("summary");
        WriteLine(finding);
        html.Close().Open("dl", ("class", "facts"));
        html.Element("dt", Say(Catalogue.DetailDo)).Element("dd", Advice(group, finding));
        if (finding.Matches.Count > 0)
        {
            html.Element("dt", Say(Catalogue.DetailWhy));
            foreach (Match match in finding.Matches.Take(MostMatches))
                html.Element("dd", Say(Catalogue.ExplainMatch, HtmlText.Shown(match.AdvisoryId, 100), HtmlText.Shown(match.Package, 100), HtmlText.Shown(match.Ecosystem, 100), HtmlText.Shown(match.Range), HtmlText.Shown(match.Version, 100)));
        }
        Fact(Catalogue.DetailSeverity, SeverityText(finding));
        Fact(Catalogue.DetailAliases, string.Join(", ", finding.Aliases.Take(20)));
        Fact(Catalogue.DetailPublished, finding.Published);
        References(finding.References);
        Fact(Catalogue.DetailFingerprint, finding.Fingerprint, "code");
        html.Close().Close();
    }

    /// <summary>Severity, id, marks, fix and title: the line that stands when all is closed.</summary>
    private void WriteLine(Finding finding)
    {
        html.Element("span", HtmlChart.Word(finding.Severity, Language), ("class", "s " + HtmlChart.Letter(finding.Severity)));
        html.Element("b", HtmlText.Shown(finding.Id, 60), ("class", "id"));
        if (finding.KnownExploited is not null)
            html.Element("span", "KEV", ("class", "kev"));
        if (finding.Epss is { } epss && double.IsFinite(epss.Probability))
            html.Element("span", "EPSS " + Percent(epss.Probability), ("class", "dim"));
        html.Element("span", finding.FixedVersion is { } version ? "→ " + HtmlText.Shown(version, 100) : Say(NoFix(finding)), ("class", finding.FixedVersion is null ? "dim" : "up"));
        html.Element("span", HtmlText.Shown(finding.Title), ("class", "t"));
    }

    private static Text NoFix(Finding finding) => finding.Malicious ? Catalogue.Malicious : finding.Status switch
    {
        "will-not-fix" => Catalogue.WillNotFix,
        "end-of-life" => Catalogue.EndOfLife,
        _ => Catalogue.NoFix,
    };

    private string Advice(FindingGroup group, Finding finding) => finding switch
    {
        { FixedVersion: { } version } => Say(Catalogue.DoUpgrade, HtmlText.Shown(string.Join(", ", group.Names.Take(10)), 200), HtmlText.Shown(version, 100)),
        { Malicious: true } => Say(Catalogue.DoRemove),
        { Status: "will-not-fix" } => Say(Catalogue.DoWillNotFix),
        { Status: "end-of-life" } => Say(Catalogue.DoEndOfLife),
        _ => Say(Catalogue.DoWait),
    };

    private string SeverityText(Finding finding)
    {
        List<string> parts = [HtmlChart.Word(finding.Severity, Language) + (finding.SeverityFrom is { } from ? $" ({from})" : "")];
        if (finding.Score is { } score && double.IsFinite(score))
            parts.Add("CVSS " + score.ToString("0.0", CultureInfo.InvariantCulture));
        if (finding.Epss is { } epss && double.IsFinite(epss.Probability) && double.IsFinite(epss.Percentile))
            parts.Add(Say(Catalogue.ExplainEpss, Percent(epss.Probability), Percent(epss.Percentile)));
        if (finding.KnownExploited is { } day)
            parts.Add(Say(Catalogue.ExploitedSince, day));
        return string.Join(Language == Language.Chinese ? "；" : "; ", parts);
    }

    private static string Percent(double share) => (Math.Clamp(share, 0, 1) * 100).ToString("0.0", CultureInfo.InvariantCulture) + "%";

    private void WriteShort(Finding finding, Origin origin, string? reason)
    {
        html.Open("li", ("class", "f"), ("data-s", HtmlChart.Letter(finding.Severity)), ("data-l", HtmlChart.Number(origin.Layer)), ("data-f", Flags(finding)));
        html.Element("span", HtmlChart.Word(finding.Severity, Language), ("class", "s " + HtmlChart.Letter(finding.Severity)));
        html.Text($"{HtmlText.Shown(finding.Id, 60)}{(finding.KnownExploited is null ? "" : " KEV")} {(finding.FixedVersion is { } version ? "→ " + HtmlText.Shown(version, 100) : "")} {HtmlText.Shown(finding.Title, 120)}");
        if (reason is not null)
            html.Element("span", reason, ("class", "dim"));
        html.Close();
    }

    private string LayerName(Origin origin) => Say(origin.DiffId is null ? Catalogue.LayerFolder : Catalogue.Layer, origin.Layer);

    private string LayerText(Origin? origin) => origin is null ? Say(Catalogue.OfImage)
        : string.Join(" · ", new[] { LayerName(origin), origin.CreatedBy }.Where(p => p is { Length: > 0 }));

    /// <summary>Only addresses of the web become links; nothing is loaded from them until a person follows one.</summary>
    private void References(IReadOnlyList<string> references)
    {
        List<string> urls = [.. ReportIds.WebAddresses(references.Take(4 * MostReferences)).Where(u => u.Length <= HtmlText.Long).Take(MostReferences)];
        if (urls.Count == 0)
            return;
        html.Element("dt", Say(Catalogue.DetailReferences));
        foreach (string url in urls)
            html.Open("dd").Element("a", HtmlText.Shown(url), ("href", url), ("rel", "noreferrer noopener nofollow"), ("target", "_blank")).Close();
    }

    private void WriteSuppressed(List<Finding> findings, List<Problem> problems)
    {
        if (findings.Count + problems.Count == 0)
            return;
        html.Open("section", ("class", "card kind suppressed"), ("data-kind", "*"));
        html.Open("details", ("class", "g")).Open("summary").Element("h3", Say(Catalogue.SuppressedHeading, findings.Count + problems.Count)).Close();
        html.Element("p", Say(Catalogue.SuppressedTextOf), ("class", "dim")).Open("ul", ("class", "short"));
        foreach (Problem problem in problems)
            if (++_rows <= options.MostRows)
                WriteShort(problem);
        foreach (FindingGroup group in FindingGroup.Of(findings))
            foreach (Finding finding in group.Rows)
                if (++_rows <= options.MostRows)
                    WriteShort(finding, finding.Package.Origin, $"{HtmlText.Shown(group.Name, 100)} {HtmlText.Shown(group.Version, 100)} · {ReasonOf(finding.Suppressed!)}");
        html.Close().Close().Close().Line();
    }

    private string ReasonOf(Suppression suppressed) => $"{Say(Catalogue.DetailSuppressed)}: {HtmlText.Shown(suppressed.Reason)} ("
        + string.Join("; ", new[] { suppressed.Owner, suppressed.Expires?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), suppressed.Source }.OfType<string>().Select(t => HtmlText.Shown(t))) + ")";
}
