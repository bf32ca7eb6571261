using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <content>
/// What the checks found, a section for each kind: what they have in common once for each rule, then a place each. Low and
/// negligible ones take a line for each rule unless all rows are asked for.
/// </content>
public sealed partial class TableReport
{
    private const int MostPlacesOfRule = 5;
    private const int MostEvidenceLines = 2;

    private void Problems(Report report, bool below)
    {
        foreach (ProblemKind kind in Kinds(report))
        {
            List<Problem> open = [.. report.Problems.Where(p => p.Kind == kind && p.Suppressed is null)];
            if (open.Count == 0)
                continue;
            if (below)
                _out.WriteLine();
            below = true;
            _out.WriteLine(_ansi.Bold(Catalogue.KindOf(kind.Word()).In(Language)));
            if (!_options.GroupByLayer)
            {
                Rules(open, layered: false);
                continue;
            }
            // The layer whose problem is the worst comes first: they are in that order already.
            foreach (IGrouping<int, Problem> layer in open.GroupBy(p => p.Origin?.Layer ?? -1))
            {
                if (layer.Key < 0)
                    _out.WriteLine("  " + _ansi.Bold(Catalogue.HtmlLayerWhole.In(Language)));
                else
                {
                    _out.Write("  ");
                    LayerHeading(report, layer.Key, margin: 2);
                }
                Rules(layer, layered: true);
            }
        }
    }

    /// <summary>Malware first, licences last.</summary>
    private static IEnumerable<ProblemKind> Kinds(Report report) =>
        ((ProblemKind[])[ProblemKind.Malware, ProblemKind.Secret, ProblemKind.Configuration, ProblemKind.History, ProblemKind.Licence]).Where(report.Checks.Contains);

    private void Rules(IEnumerable<Problem> problems, bool layered)
    {
        List<ProblemGroup> groups = [.. ProblemGroup.Of(problems)];
        int severity = groups.Max(g => DisplayWidth.Of(g.Worst.Text().In(Language)));
        string margin = new(' ', Indent), inner = new(' ', Indent + severity + 2);
        foreach (ProblemGroup group in groups)
        {
            string word = DisplayWidth.Fit(group.Worst.Text().In(Language), severity);
            bool brief = group.Worst is Severity.Low or Severity.Negligible && !_options.AllRows;
            string times = group.Problems.Count > 1 ? $"  {(group.IsCounts ? Catalogue.ProblemLayers : Catalogue.TimesAlike).In(Language, group.Problems.Count)}" : "";
            string where = brief && group.Problems.Count == 1
                ? "  " + string.Join("  ", ((string[])[Where(group.Problems[0], layered), Removed(group.Problems[0])]).Where(t => t.Length > 0)) : times;
            string rule = Shown(group.Rule, 60), title = Shown(group.Title(Language).ReplaceLineEndings(" "), 300);
            int used = Indent + severity + 2 + DisplayWidth.Of(rule) + 2 + DisplayWidth.Of(where);
            // Where all has no place on one line the title goes on below, and the place of a brief one after it.
            bool fits = used + DisplayWidth.Of(title) <= _columns;
            if (fits)
                _out.WriteLine($"{margin}{_ansi.Of(group.Worst, word)}  {_ansi.Bold(title)}  {_ansi.Dim(rule + where)}");
            else
            {
                string lead = $"{margin}{_ansi.Of(group.Worst, word)}  ";
                foreach (string line in DisplayWidth.Wrap(title, _columns - inner.Length))
                {
                    _out.WriteLine(lead + _ansi.Bold(line));
                    lead = inner;
                }
                foreach (string line in DisplayWidth.Wrap(rule + where, _columns - inner.Length))
                    _out.WriteLine(inner + _ansi.Dim(line));
            }
            if (brief)
                continue;
            if (group.Kind == ProblemKind.Licence)
                Names(group, inner);
            else
                PlacesOf(group, inner, layered);
            if (group.Problems[0].Advice is { } advice)
                Wrapped(Shown(advice.In(Language), 600), inner, "-> ", "   ", null);
        }
    }

    /// <summary>Where it is, and in which layer.</summary>
    private string Where(Problem problem, bool layered)
    {
        List<string> parts = [];
        if (ProblemGroup.PlaceOf(problem) is { Length: > 0 } place)
            parts.Add(Shown(place, 200));
        if (!layered && problem.Origin is { } origin)
            parts.Add(origin.DiffId is null ? Catalogue.LayerFolder.In(Language) : Catalogue.Layer.In(Language, origin.Layer));
        return string.Join("  ", parts);
    }

    private string Removed(Problem problem) =>
        problem is { RemovedBy: { } by, Origin: { } still } ? Catalogue.TableRemoved.In(Language, by.Layer, still.Layer) : "";

    private void PlacesOf(ProblemGroup group, string margin, bool layered)
    {
        int most = _options.AllRows || group.Problems.Count <= MostPlacesOfRule + 1 ? group.Problems.Count : MostPlacesOfRule;
        foreach (Problem problem in group.Problems.Take(most))
        {
            string where = Where(problem, layered);
            if (problem.Severity != group.Worst)
                where += $"  {problem.Severity.Text().In(Language)}";
            string title = problem.Title.In(Language);
            if (title != group.Title(Language))
                where += (where.Length > 0 ? "  " : "") + Shown(title.ReplaceLineEndings(" "), 200);
            string removed = Removed(problem);
            bool beside = removed.Length > 0 && margin.Length + DisplayWidth.Of(where) + 2 + DisplayWidth.Of(removed) <= _columns;
            Wrapped(beside ? $"{where}  {removed}" : where, margin, "", "  ", removed.Length > 0 ? _ansi.Warning : null);
            if (removed.Length > 0 && !beside)
                Wrapped(removed, margin, "  ", "  ", _ansi.Warning);
            string evidence = Shown(problem.Evidence.ReplaceLineEndings(" ").Trim(), MostEvidenceLines * 200);
            int lines = 0;
            foreach (string line in DisplayWidth.Wrap(evidence, _columns - margin.Length - 2))
            {
                // The rest is in the JSON; an excerpt of a whole script would bury what follows.
                if (++lines > MostEvidenceLines)
                    break;
                if (line.Length > 0)
                    _out.WriteLine($"{margin}  {_ansi.Dim(line)}");
            }
        }
        if (group.Problems.Count > most)
            _out.WriteLine(margin + _ansi.Dim(Catalogue.ProblemMore.In(Language, group.Problems.Count - most)));
    }

    /// <summary>The packages of a licence, as many on a line as there is room for.</summary>
    private void Names(ProblemGroup group, string margin)
    {
        const int MostNames = 20;
        List<string> names = [.. group.Problems.Select(p => Shown(NameOf(p), 60)).Where(n => n.Length > 0).Distinct(StringComparer.Ordinal)];
        bool cut = !_options.AllRows && names.Count > MostNames + 1;
        Wrapped(string.Join(", ", cut ? names.Take(MostNames) : names), margin, "", "", null);
        if (cut)
            _out.WriteLine(margin + _ansi.Dim(Catalogue.ProblemMore.In(Language, names.Count - MostNames)));
    }

    /// <summary><c>bash</c> of <c>pkg:deb/debian/bash@5.1?arch=amd64</c>; else the place.</summary>
    private static string NameOf(Problem problem)
    {
        if (problem.Package is not { } purl)
            return ProblemGroup.PlaceOf(problem);
        string name = purl.Split('@', '?')[0];
        return Uri.UnescapeDataString(name[(name.LastIndexOf('/') + 1)..]);
    }

    private void Wrapped(string text, string margin, string first, string next, Func<string, string>? style)
    {
        foreach (string line in DisplayWidth.Wrap(text, _columns - margin.Length - first.Length))
        {
            if (line.Length > 0)
                _out.WriteLine(margin + first + (style is null ? line : style(line)));
            first = next;
        }
    }

    /// <summary>How many of each kind, by severity; and of which kinds there is none, where that is certain.</summary>
    private void CheckCounts(Report report, bool filtered)
    {
        List<string> clean = [];
        foreach (ProblemKind kind in Kinds(report))
        {
            List<Problem> open = [.. report.Problems.Where(p => p.Kind == kind && p.Suppressed is null)];
            if (open.Count == 0)
            {
                if (!report.Problems.Any(p => p.Kind == kind))
                    clean.Add(Catalogue.KindOf(kind.Word()).In(Language));
                continue;
            }
            List<string> parts = [_ansi.Bold(Catalogue.CountOf(kind.Word(), open.Count).In(Language, open.Count)) + (Language == Language.Chinese ? "：" : ":")];
            foreach (Severity severity in SeverityWords.WorstFirst)
                if (open.Count(p => p.Severity == severity) is > 0 and var count)
                    parts.Add(_ansi.Of(severity, $"{count} {severity.Text().In(Language).ToLowerInvariant()}"));
            Parts(parts);
        }
        if (clean.Count > 0 && report.Complete && !filtered)
            Paragraph(Catalogue.TableChecksClean.In(Language, string.Join(Language == Language.Chinese ? "、" : ", ", clean).ToLowerInvariant()), null);
    }

    private void Engines(Report report)
    {
        IReadOnlyList<Engine> engines = report.Engines;
        List<string> asked = [.. engines.Where(e => e.Failure is null).Select(e => Shown($"{e.Name} {e.Version}".TrimEnd(), 80))];
        if (asked.Count > 0)
            Paragraph(Catalogue.TableEnginesAsked.In(Language, string.Join(", ", asked)), _ansi.Dim);
        foreach (Engine engine in report.EnginesToTell)
            Paragraph((engine.Version is null ? Catalogue.TableEngineMissing : Catalogue.TableEngineFailed)
                .In(Language, Shown(engine.Name, 60), Shown(engine.Failure!, 300)), _ansi.Warning);
    }
}
