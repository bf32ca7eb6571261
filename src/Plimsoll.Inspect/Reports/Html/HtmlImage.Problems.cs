using Plimsoll.Inspect.Checks;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports.Html;

/// <content>Malware, secrets, configuration, history and licences.</content>
internal sealed partial class HtmlImage
{
    // From this many of one rule on they share a block.
    private const int LeastAlike = 4;

    private void WriteProblems(ProblemKind kind, List<Problem> problems)
    {
        if (problems.Count == 0)
            return;
        OpenKind(kind.Word(), $"{Say(Catalogue.KindOf(kind.Word()))} ({HtmlChart.Number(problems.Count)})");
        foreach (ProblemGroup group in ProblemGroup.Of(problems))
        {
            if (group.Problems.Count < LeastAlike)
            {
                foreach (Problem problem in group.Problems)
                    WriteProblem(problem, group);
                continue;
            }
            html.Open("details", ("class", "g"), ("open", group.Worst >= Vulnerabilities.Severity.Critical ? "" : null));
            html.Open("summary").Element("span", HtmlChart.Word(group.Worst, Language), ("class", "s " + HtmlChart.Letter(group.Worst)));
            html.Element("span", HtmlText.Shown(group.Title(Language)), ("class", "name"));
            html.Element("code", HtmlText.Shown(group.Rule, 80), ("class", "rule")).Element("span", Say(group.IsCounts ? Catalogue.ProblemLayers : Catalogue.TimesAlike, group.Problems.Count), ("class", "badge"));
            html.Close();
            foreach (Problem problem in group.Problems)
                WriteProblem(problem, group);
            html.Close().Line();
        }
        html.Close().Line();
    }

    private void WriteProblem(Problem problem, ProblemGroup group)
    {
        if (++_rows > options.MostRows)
            return;
        if (!InFull)
        {
            html.Open("ul", ("class", "short"));
            WriteShort(problem);
            html.Close();
            return;
        }
        html.Open("details", ("class", "f"), ("id", AnchorOf(problem.Origin)), ("data-s", HtmlChart.Letter(problem.Severity)), ("data-l", LayerNumber(problem)), ("data-f", ""));
        html.Open("summary").Element("span", HtmlChart.Word(problem.Severity, Language), ("class", "s " + HtmlChart.Letter(problem.Severity)));
        // Within a block the block's heading has said what it is; the place tells them apart.
        if (group.Problems.Count < LeastAlike || problem.Title.In(Language) != group.Title(Language))
            html.Element("span", HtmlText.Shown(problem.Title.In(Language)), ("class", "t")).Element("code", HtmlText.Shown(problem.Rule, 80), ("class", "rule"));
        if (ProblemGroup.PlaceOf(problem) is { Length: > 0 } place)
            html.Element("code", HtmlText.Shown(place), ("class", "place"));
        html.Element("span", problem.Origin is { } origin ? LayerName(origin) : Say(Catalogue.HtmlLayerWhole), ("class", "badge"));
        if (problem is { RemovedBy: not null, Origin: { } still })
            html.Element("span", Say(Catalogue.RemovedBadge, still.Layer), ("class", "badge warned"));
        html.Close();
        html.Open("dl", ("class", "facts"));
        Fact(Catalogue.DetailDo, problem.Advice?.In(Language));
        if (problem.Evidence.Length > 0)
            html.Element("dt", Say(Catalogue.DetailEvidence)).Open("dd").Element("pre", HtmlText.Lines(problem.Evidence)).Close();
        Fact(Catalogue.DetailWhere, ProblemGroup.PlaceOf(problem));
        Fact(Catalogue.DetailLayer, LayerText(problem.Origin) + (problem is { RemovedBy: { } by, Origin: { } from } ? $"; {Say(Catalogue.RemovedText, by.Layer, from.Layer)}" : ""));
        html.Element("dt", Say(Catalogue.DetailWhy)).Element("dd", Say(Catalogue.DetailRule, HtmlText.Shown(problem.Rule, 100)));
        foreach ((string name, string value) in problem.Details.Take(20))
            html.Element("dd", $"{HtmlText.Shown(Catalogue.DetailNameOf(name).In(Language), 60)}: {HtmlText.Shown(value)}");
        Fact(Catalogue.DetailPackage, problem.Package);
        Fact(Catalogue.DetailOwner, problem.OwnedBy);
        References(problem.References);
        Fact(Catalogue.DetailFingerprint, problem.Fingerprint, "code");
        html.Close().Close();
    }

    private void WriteShort(Problem problem)
    {
        html.Open("li", ("class", "f"), ("data-s", HtmlChart.Letter(problem.Severity)), ("data-l", LayerNumber(problem)), ("data-f", problem.Suppressed is null ? "" : "s"));
        html.Element("span", HtmlChart.Word(problem.Severity, Language), ("class", "s " + HtmlChart.Letter(problem.Severity)));
        html.Text($"{HtmlText.Shown(problem.Title.In(Language))} ").Element("code", HtmlText.Shown(problem.Rule, 80), ("class", "rule"));
        html.Text($" {HtmlText.Shown(ProblemGroup.PlaceOf(problem))} ");
        if (problem.Suppressed is { } suppressed)
            html.Element("span", ReasonOf(suppressed), ("class", "dim"));
        html.Close();
    }

    private static string LayerNumber(Problem problem) => problem.Origin is { } origin ? HtmlChart.Number(origin.Layer) : "";
}
