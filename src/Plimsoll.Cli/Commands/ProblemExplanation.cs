using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary>Where a problem is, why it is one and what to do: <c>plimsoll explain RULE_OR_FINGERPRINT IMAGE</c>.</summary>
internal sealed class ProblemExplanation(CliContext context)
{
    // A rule may be met by thousands of files; the report lists them.
    private const int MostPlaces = 50;

    /// <summary>The beginning of a fingerprint that is long enough to mean one.</summary>
    private const int LeastFingerprint = 8;

    private Language Language => context.Language;

    /// <summary>Problems of a rule (<c>DL3008</c>, <c>history/DL3008</c>) or with a fingerprint, of which the first eight digits suffice.</summary>
    public static IReadOnlyList<Problem> Find(Report report, string asked) =>
    [
        .. report.Problems.Where(p => p.Rule.Equals(asked, StringComparison.OrdinalIgnoreCase) || $"{p.Kind.Word()}/{p.Rule}".Equals(asked, StringComparison.OrdinalIgnoreCase)
            || asked.Length >= LeastFingerprint && p.Fingerprint.StartsWith(asked, StringComparison.OrdinalIgnoreCase)),
    ];

    /// <summary>The checks that could know it: of <c>history/DL3008</c> one, else all.</summary>
    public static IReadOnlySet<ProblemKind> KindsOf(string asked)
    {
        string word = asked.Split('/')[0].ToLowerInvariant();
        List<ProblemKind> named = [.. ProblemKinds.All.Where(k => asked.Contains('/', StringComparison.Ordinal) && k.Word() == word)];
        return (named.Count > 0 ? named : ProblemKinds.All).ToHashSet();
    }

    public int Write(Report report, IReadOnlyList<Problem> problems)
    {
        foreach (IGrouping<string, Problem> rule in problems.GroupBy(p => $"{p.Kind.Word()}/{p.Rule}", StringComparer.Ordinal))
        {
            Problem first = rule.First();
            context.Out.WriteLine(Shown(rule.Key));
            Paragraph($"{first.Severity.Text().In(Language)}  {Shown(first.Title.In(Language))}", "  ");
            if (first.Advice is { } advice)
                Field(Catalogue.ExplainAdvice, advice.In(Language), "  ");
            foreach (string url in ReportIds.WebAddresses(rule.SelectMany(p => p.References)).Take(5))
                Paragraph(Shown(url), "  ");
            context.Out.WriteLine();
            context.Out.WriteLine(Catalogue.ExplainIn.In(Language, Shown(report.Image)) + ":");
            foreach (Problem problem in rule.Take(MostPlaces))
                WritePlace(problem, first);
            if (rule.Count() > MostPlaces)
                context.Out.WriteLine("  " + Catalogue.ExplainMore.In(Language, rule.Count() - MostPlaces));
        }
        return report.Complete ? ExitCode.Done : ExitCode.Undecided;
    }

    private void WritePlace(Problem problem, Problem first)
    {
        string place = ProblemGroup.PlaceOf(problem);
        Paragraph(place.Length > 0 ? Shown(place) : Catalogue.HtmlLayerWhole.In(Language), "  ");
        if (problem.Title != first.Title)
            Paragraph($"{problem.Severity.Text().In(Language)}  {Shown(problem.Title.In(Language))}", "    ");
        if (problem.Evidence.Length > 0)
            Field(Catalogue.ExplainEvidence, problem.Evidence.ReplaceLineEndings(" "), "    ");
        Field(Catalogue.ExplainLayer, problem.Origin is not { } origin ? Catalogue.OfImage.In(Language)
            : $"{Catalogue.Layer.In(Language, origin.Layer)} {origin.DiffId} {origin.CreatedBy}".TrimEnd(), "    ");
        if (problem is { RemovedBy: { } by, Origin: { } still })
            Paragraph(Catalogue.RemovedText.In(Language, by.Layer, still.Layer), "    ");
        if (problem.Details.Count > 0)
            Field(Catalogue.ExplainWhy, string.Join("; ", problem.Details.Select(d => $"{Catalogue.DetailNameOf(d.Key).In(Language)} {d.Value}")), "    ");
        if (problem.OwnedBy is { } owner)
            Field(Catalogue.ExplainOwned, owner, "    ");
        if (problem.Package is { } package)
            Field(Catalogue.ExplainPackage, package, "    ");
        if (problem.Suppressed is { } suppressed)
            Field(Catalogue.ExplainSuppressed, $"{suppressed.Reason} ({string.Join("; ", new[] { suppressed.Owner, suppressed.Expires?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), suppressed.Source }.OfType<string>())})", "    ");
        Field(Catalogue.ExplainFingerprint, problem.Fingerprint, "    ");
    }

    private void Field(Text name, string value, string margin) => Paragraph($"{name.In(Language)}{(Language == Language.Chinese ? "：" : ": ")}{Shown(value)}", margin);

    private void Paragraph(string text, string margin)
    {
        foreach (string line in DisplayWidth.Wrap(text, Math.Max(context.Columns, TableOptions.LeastColumns) - margin.Length))
            context.Out.WriteLine(margin + line);
    }

    private static string Shown(string text) => Escape.ForTerminal(text.Length > 2000 ? text[..2000] + "…" : text);
}
