using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports.Html;

/// <summary>The section of one image.</summary>
internal sealed partial class HtmlImage(HtmlWriter html, HtmlOptions options, int index)
{
    private const int MostGaps = 50;

    private Report _report = null!;
    private Tally _tally = null!;

    private Language Language => options.Language;

    private string Say(Text text, params ReadOnlySpan<object?> arguments) => text.In(Language, arguments);

    private string Id(string name) => $"i{index}-{name}";

    /// <summary>The kinds in the order of the page: what is worst for the owner of an image comes first.</summary>
    private static IEnumerable<ProblemKind?> Kinds() =>
        [ProblemKind.Malware, ProblemKind.Secret, null, ProblemKind.Configuration, ProblemKind.History, ProblemKind.Licence];

    private static string WordOf(ProblemKind? kind) => kind?.Word() ?? "vulnerability";

    private bool LookedFor(ProblemKind? kind) => kind is { } problem ? _report.Checks.Contains(problem) : _report.Matched;

    public void Write(ScanResult result)
    {
        html.Open("section", ("class", "image"), ("id", $"i{index}"), ("aria-labelledby", Id("name")));
        html.Open("header", ("class", "imagehead")).Open("h2", ("id", Id("name"))).Element("bdi", HtmlText.Shown(result.Image)).Close();
        if (result.Report is not { } report)
        {
            html.Close().Open("div", ("class", "panel refused"), ("role", "note")).Element("h3", Say(Catalogue.HtmlFailed));
            html.Element("p", HtmlText.Shown(result.Failure?.Message ?? "", HtmlText.Long));
            if (result.Failure?.Hint is { } hint)
                html.Element("p", HtmlText.Shown(hint, HtmlText.Long), ("class", "dim"));
            html.Close().Close().Line();
            return;
        }
        _report = report;
        _tally = new Tally(report);
        List<string> names = [.. report.Tags.Where(t => !report.Image.EndsWith(t, StringComparison.Ordinal)).Take(5)];
        if (names.Count > 0)
            html.Element("p", string.Join(" · ", names.Select(n => HtmlText.Shown(n))), ("class", "dim"));
        html.Close();
        html.Open("div", ("class", "panels"));
        WriteVerdict();
        WriteCompleteness();
        html.Close();
        WriteTiles();
        WriteChart();
        WriteLayers();
        WriteFindings();
        WriteUpgrades();
        WriteFacts(result.Hidden);
        WriteLists();
        html.Close().Line();
    }

    /// <summary>Of a reason; all of them stand among the findings.</summary>
    private const int ShownExamples = 4;

    private void WriteVerdict()
    {
        if (_report.Verdict is not { } verdict)
        {
            html.Open("div", ("class", "panel none")).Element("h3", Say(Catalogue.HtmlNoVerdict)).Element("p", Say(Catalogue.HtmlNoVerdictText)).Close();
            return;
        }
        (string style, Text word) = Outcome(verdict.Outcome);
        html.Open("div", ("class", "panel " + style));
        html.Element("h3", Say(word));
        html.Open("p", ("class", "dim")).Text(Say(Catalogue.HtmlByPolicy, HtmlText.Shown(verdict.Policy, 100)) + " ").Element("code", HtmlText.Shown(verdict.PolicyDigest, 100)).Close();
        if (verdict.Reasons.Count > 0)
        {
            // What decided stands open; the rest would push the findings off the first screen.
            Reason[] deciding = [.. verdict.Reasons.Where(r => r.Outcome == verdict.Outcome)], others = [.. verdict.Reasons.Where(r => r.Outcome != verdict.Outcome)];
            WriteReasons(deciding);
            if (others.Length > 0)
            {
                html.Open("details").Element("summary", Say(Catalogue.HtmlMoreReasons, others.Length));
                WriteReasons(others);
                html.Close();
            }
        }
        html.Close();
    }

    private void WriteReasons(Reason[] reasons)
    {
        if (reasons.Length == 0)
            return;
        html.Open("ul", ("class", "reasons"));
        foreach (Reason reason in reasons)
            WriteReason(reason);
        html.Close();
    }

    private void WriteReason(Reason reason)
    {
        (string style, Text word) = Outcome(reason.Outcome);
        if (reason.Outcome == Verify.Outcome.Warned)
            word = Catalogue.HtmlReasonWarned;
        html.Open("li").Element("span", Say(word), ("class", "badge " + style));
        html.Text(" " + HtmlText.Shown(VerdictText.Of(reason, options.Language), HtmlText.Long));
        html.Element("code", HtmlText.Shown(reason.Rule ?? reason.Code, 100), ("class", "dim"));
        if (reason.Examples.Count > 0)
            html.Element("p", string.Join(", ", reason.Examples.Take(ShownExamples).Select(e => HtmlText.Shown(e, 120))) + (reason.Count > ShownExamples ? ", …" : ""), ("class", "dim"));
        html.Close();
    }

    internal static (string Style, Text Word) Outcome(Outcome outcome) => outcome switch
    {
        Verify.Outcome.Passed => ("passed", Catalogue.HtmlVerdictPassed),
        Verify.Outcome.Warned => ("warned", Catalogue.HtmlVerdictWarned),
        Verify.Outcome.Undecided => ("undecided", Catalogue.HtmlVerdictUndecided),
        _ => ("refused", Catalogue.HtmlVerdictRefused),
    };

    private void WriteCompleteness()
    {
        bool complete = _report.Complete && _report.Verified && _report.Matched;
        html.Open("div", ("class", complete ? "panel passed" : "panel warned"));
        html.Element("h3", Say(_report.Complete ? Catalogue.HtmlComplete : Catalogue.HtmlIncomplete));
        List<string> lines = [];
        if (!_report.Verified)
            lines.Add($"{Say(Catalogue.Unverified)}: {Say(Catalogue.FactUnverified)}");
        if (!_report.Matched)
            lines.Add(Say(Catalogue.HtmlNotMatched));
        lines.AddRange(_report.Notes.Where(n => n.Undecided).Select(n => ReportTexts.Of(n, Language)));
        lines.AddRange(_report.Gaps.Take(MostGaps).Select(g => ReportTexts.Of(g, Language)));
        if (_report.Gaps.Count > MostGaps)
            lines.Add(Say(Catalogue.HtmlMoreGaps, _report.Gaps.Count - MostGaps));
        Lines(lines, "reasons");
        List<string> notes =
        [
            .. _report.EnginesToTell.Select(EngineText),
            .. _report.Notes.Where(n => !n.Undecided).Select(n => ReportTexts.Of(n, Language)),
        ];
        if (notes.Count > 0)
        {
            html.Element("h4", Say(Catalogue.Notes));
            Lines(notes, "reasons");
        }
        html.Close();
    }

    private void Lines(List<string> lines, string style)
    {
        if (lines.Count == 0)
            return;
        html.Open("ul", ("class", style));
        foreach (string line in lines)
            html.Element("li", HtmlText.Shown(line, HtmlText.Long));
        html.Close();
    }

    private void WriteTiles()
    {
        html.Open("div", ("class", "tiles"));
        Tile(ProblemKind.Malware, Catalogue.HtmlKindMalware);
        Tile(ProblemKind.Secret, Catalogue.HtmlKindSecrets);
        Tile(_tally.Vulnerabilities[Severity.Critical], Catalogue.Critical, "c", _report.Matched);
        Tile(_tally.Vulnerabilities[Severity.High], Catalogue.High, "h", _report.Matched);
        Tile(_tally.Exploited, Catalogue.TileExploited, "c", _report.Matched);
        Tile(_tally.Fixable, Catalogue.TileFixable, "fix", _report.Matched, Say(Catalogue.TileOf, _tally.Vulnerabilities.All));
        html.Close();
    }

    private void Tile(ProblemKind kind, Text label)
    {
        Counts? counts = _tally.Problems.GetValueOrDefault(kind);
        Tile(counts?.All ?? 0, label, counts?.Worst is { } worst ? HtmlChart.Letter(worst) : "", _report.Checks.Contains(kind));
    }

    private void Tile(int count, Text label, string style, bool known, string? beside = null)
    {
        string word = Say(label);
        html.Open("div", ("class", count > 0 ? "tile " + style : "tile zero"));
        html.Open("strong").Text(known || count > 0 ? HtmlChart.Number(count) : "–");
        if (beside is not null && count > 0)
            html.Element("small", " " + beside);
        html.Close();
        // The table's words for severities are capitals.
        html.Element("span", Language == Language.Chinese ? word : word[..1] + word[1..].ToLowerInvariant());
        html.Close();
    }

    private void WriteChart()
    {
        html.Open("section", ("class", "card"), ("aria-labelledby", Id("found"))).Element("h3", Say(Catalogue.HtmlFound), ("id", Id("found")));
        html.Open("ul", ("class", "chart"));
        Counts none = new();
        int longest = Kinds().Max(k => CountsOf(k)?.All ?? 0);
        foreach (ProblemKind? kind in Kinds())
        {
            Counts counts = CountsOf(kind) ?? none;
            string name = Say(Catalogue.KindOf(WordOf(kind)));
            html.Open("li").Open("span", ("class", "label"));
            if (counts.All > 0)
                html.Element("a", name, ("href", "#" + Id(WordOf(kind))));
            else
                html.Text(name);
            html.Close();
            HtmlChart.Stack(html, counts, longest, $"{name}: {HtmlChart.Number(counts.All)}", Language);
            html.Open("span", ("class", "count"));
            if (counts.All > 0)
                HtmlChart.Chips(html, counts, Language);
            else
                html.Element("span", Say(!LookedFor(kind) ? Catalogue.HtmlNotLookedFor : _report.Complete ? Catalogue.HtmlNone : Catalogue.HtmlUndecided), ("class", "dim"));
            html.Close().Close();
        }
        html.Close().Close().Line();
    }

    private Counts? CountsOf(ProblemKind? kind) => kind is { } problem ? _tally.Problems.GetValueOrDefault(problem) : _tally.Vulnerabilities;

    private void WriteFacts(int hidden)
    {
        html.Open("section", ("class", "card"), ("aria-labelledby", Id("facts"))).Element("h3", Say(Catalogue.HtmlAbout), ("id", Id("facts"))).Open("dl", ("class", "facts"));
        Fact(Catalogue.FactTags, string.Join(", ", _report.Tags.Take(20)));
        Fact(Catalogue.FactManifest, _report.ManifestDigest, "code");
        Fact(Catalogue.FactConfig, _report.ConfigDigest, "code");
        Fact(Catalogue.FactIndex, _report.IndexDigest, "code");
        Fact(Catalogue.FactPlatform, _report.Platform);
        Fact(Catalogue.FactDistribution, _report.Distribution is { } d
            ? Say(Catalogue.Claimed, d.PrettyName is { Length: > 0 } pretty ? pretty : $"{d.Id} {d.Version}".TrimEnd(), d.Source) : Say(Catalogue.NoDistribution));
        bool folder = _report.Layers is [{ DiffId: null }];
        Fact(Catalogue.FactBytes, _report.Bom is { } bom ? Say(Catalogue.AsListed, bom)
            : Say(!_report.Verified ? Catalogue.FactUnverified : folder ? Catalogue.VerifiedFolder : Catalogue.FactVerified));
        Fact(Catalogue.FactBase, BaseText());
        Fact(Catalogue.FactDatabase, ReportTexts.Of(_report.Database, options.Now ?? _report.Time, Language));
        Fact(Catalogue.FactChecks, string.Join(", ", Kinds().Where(LookedFor).Select(k => Say(Catalogue.KindOf(WordOf(k))))));
        Fact(Catalogue.FactEngines, string.Join("; ", _report.Engines.Select(EngineText)));
        if (hidden > 0)
            Fact(Catalogue.FactFilter, Say(Catalogue.Hidden, hidden, options.Filter));
        html.Close().Close().Line();
    }

    private string EngineText(Engine engine) =>
        $"{engine.Name} {engine.Version ?? ""}".TrimEnd()
        + (engine.Failure is { } failure ? $" ({Say(engine.Version is null ? Catalogue.HtmlEngineMissing : Catalogue.HtmlEngineFailed, failure)})" : "");

    private string? BaseText()
    {
        if (_report.Base is not { } known)
            return null;
        return known.Evidence == BaseEvidence.Proved ? Say(Catalogue.BaseProved, known.ProvedBy, known.Layers)
            : string.Join("; ", new[]
            {
                (known.ClaimedName ?? known.ClaimedDigest) is { } claimed ? Say(Catalogue.BaseClaimed, claimed) : null,
                known.Evidence == BaseEvidence.Guessed ? Say(Catalogue.BaseGuessed, known.Layers) : null,
            }.OfType<string>());
    }

    private void Fact(Text name, string? value, string? element = null)
    {
        if (string.IsNullOrEmpty(value))
            return;
        html.Element("dt", Say(name));
        html.Open("dd");
        if (element is null)
            html.Text(HtmlText.Shown(value, HtmlText.Long));
        else
            html.Element(element, HtmlText.Shown(value));
        html.Close();
    }
}
