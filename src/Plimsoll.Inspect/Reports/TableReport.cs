using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <summary>How the table is laid out.</summary>
public sealed record TableOptions
{
    /// <summary>Columns of the terminal. Below <see cref="LeastColumns"/> lines run over, so that nothing is lost.</summary>
    public int Columns { get; init; } = 80;
    public Language Language { get; init; }
    public bool Colour { get; init; }
    public bool GroupByLayer { get; init; }

    /// <summary>A row for each vulnerability, also where many alike could share one.</summary>
    public bool AllRows { get; init; }

    /// <summary>For the age of the database.</summary>
    public required DateTimeOffset Now { get; init; }
    public VersionOrder? VersionOrder { get; init; }
    public ReportFilter Filter { get; init; } = ReportFilter.None;

    public const int LeastColumns = 40;
}

/// <summary>The report for people. Everything that came out of an image or an advisory is escaped for a terminal.</summary>
public sealed partial class TableReport
{
    private const int MostGaps = 10;

    private readonly TextWriter _out;
    private readonly TableOptions _options;
    private readonly Ansi _ansi;
    private readonly int _columns;

    private TableReport(TextWriter output, TableOptions options)
    {
        _out = output;
        _options = options;
        _ansi = new Ansi(options.Colour);
        _columns = Math.Max(options.Columns, TableOptions.LeastColumns);
    }

    private Language Language => _options.Language;

    // Below a layer's heading and a package's, or below a package's alone.
    private int Indent => _options.GroupByLayer ? 4 : 2;

    private string Margin => new(' ', Indent);

    /// <summary>Writes one table after the other, in the order given.</summary>
    public static void Write(TextWriter output, IReadOnlyList<ScanResult> results, TableOptions options)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(options);
        TableReport table = new(output, options);
        for (int i = 0; i < results.Count; i++)
        {
            if (i > 0)
                output.WriteLine();
            if (results[i].Report is { } report)
                table.Write(report, results[i].Hidden);
            else
                table.Failed(results[i]);
        }
    }

    private void Failed(ScanResult result)
    {
        _out.WriteLine(_ansi.Bold(Shown(result.Image, 200)));
        Paragraph(Catalogue.FailedImage.In(Language, Escape.ForTerminal(result.Failure?.Message ?? "")), _ansi.Warning);
    }

    private void Write(Report report, int hidden)
    {
        List<Finding> open = [.. report.Findings.Where(f => f.Suppressed is null)];
        IReadOnlyList<FindingGroup> groups = FindingGroup.Of(open);
        Header(report);
        _out.WriteLine();
        if (groups.Count > 0)
        {
            Findings(report, groups);
            Upgrades(groups);
        }
        if (report.Problems.Count > 0)
            Problems(report, groups.Count > 0);
        Summary(report, open, groups, hidden);
        Notes(report);
        if (report.Engines.Count > 0)
            Engines(report);
        if (report.Matched)
            Paragraph(ReportTexts.Of(report.Database, _options.Now, Language), report.Database.IsDatabase ? _ansi.Dim : _ansi.Warning);
        VerdictText.Write(_out, report.Verdict, _options);
    }

    private void Header(Report report)
    {
        List<string> first = [_ansi.Bold(Shown(report.Image, 200))];
        if (report.Tags.Count > 0 && !report.Image.EndsWith(report.Tags[0], StringComparison.Ordinal))
            first.Add(Shown(report.Tags[0], 200));
        if (Digest.TryParse(report.ManifestDigest ?? report.ConfigDigest, out Digest? digest))
            first.Add($"{digest.Algorithm}:{digest.Short}");
        if (report.Platform is not null)
            first.Add(Shown(report.Platform, 40));
        Parts(first);

        List<string> second = [DistributionText(report.Distribution)];
        second.Add(report.Packages.Count == 1 ? Catalogue.PackageCountOne.In(Language) : Catalogue.PackageCount.In(Language, report.Packages.Count));
        bool folder = report.Layers is [{ DiffId: null }];
        if (!folder && report.Bom is null)
            second.Add(report.Layers.Count == 1 ? Catalogue.LayerCountOne.In(Language) : Catalogue.LayerCount.In(Language, report.Layers.Count));
        second.Add(report.Bom is { } bom ? _ansi.Warning(Catalogue.AsListed.In(Language, Shown(bom, 60)))
            : !report.Verified ? _ansi.Alarm(Catalogue.Unverified.In(Language))
            : folder ? Catalogue.VerifiedFolder.In(Language) : _ansi.Good(Catalogue.Verified.In(Language)));
        Parts(second);
        Base(report);
    }

    /// <summary>What is known of the base image, and whether it is claimed, guessed or proved.</summary>
    private void Base(Report report)
    {
        if (report.Base is not { } known)
            return;
        List<string> parts = [];
        if (known.Evidence == BaseEvidence.Proved)
            parts.Add(Catalogue.BaseProved.In(Language, Shown(known.ProvedBy ?? "", 100), known.Layers));
        else
        {
            if ((known.ClaimedName ?? known.ClaimedDigest) is { } claimed)
                parts.Add(Catalogue.BaseClaimed.In(Language, Shown(claimed, 100)));
            if (known.Evidence == BaseEvidence.Guessed)
                parts.Add(Catalogue.BaseGuessed.In(Language, known.Layers));
        }
        if (known.Layers > 0 && report.Findings.Count(f => f.Suppressed is null && f.Package.Origin.Layer < known.Layers) is > 0 and var count)
            parts.Add(Catalogue.BaseFindings.In(Language, count));
        if (parts.Count > 0)
            Paragraph(string.Join(Language == Language.Chinese ? "；" : "; ", parts), null);
        foreach (NewerBase newer in known.Newer)
            Paragraph(known.Layers == 0 ? Catalogue.BaseNewerUnknown.In(Language, Shown(newer.Image, 100))
                : Catalogue.BaseNewer.In(Language, Shown(newer.Image, 100), newer.Removes.Count, newer.Brings.Count) + (newer.Complete ? "" : " (?)"), null);
    }

    private string DistributionText(Distribution? distribution)
    {
        if (distribution is null)
            return _ansi.Warning(Catalogue.NoDistribution.In(Language));
        string name = distribution.PrettyName is { Length: > 0 } pretty ? pretty : $"{distribution.Id} {distribution.Version}".TrimEnd();
        return Catalogue.Claimed.In(Language, Shown(name, 60), Shown(distribution.Source, 60));
    }

    /// <summary>Parts with two spaces between them; one that does not fit begins a new line.</summary>
    private void Parts(IReadOnlyList<string> parts)
    {
        int used = 0;
        foreach (string part in parts)
        {
            int width = DisplayWidth.Of(Plain(part));
            if (used > 0 && used + 2 + width > _columns)
            {
                _out.WriteLine();
                used = 0;
            }
            _out.Write(used > 0 ? "  " + part : part);
            used += (used > 0 ? 2 : 0) + width;
        }
        _out.WriteLine();
    }

    /// <summary>The counts, or that there is nothing; the latter only where it is certain.</summary>
    private void Summary(Report report, List<Finding> open, IReadOnlyList<FindingGroup> groups, int hidden)
    {
        List<string> asides = [];
        // Each kind by itself: who scans must see what no file of theirs, but a list in the image, keeps from counting.
        Aside(Catalogue.Suppressed, s => s.Source is not (Matcher.ByDistribution or Matcher.ByLockFile));
        Aside(Catalogue.SuppressedByDistribution, s => s.Source == Matcher.ByDistribution);
        Aside(Catalogue.SuppressedAsDevelopment, s => s.Source == Matcher.ByLockFile);
        if (hidden > 0)
            asides.Add(Catalogue.Hidden.In(Language, hidden, _options.Filter));
        bool problems = report.Problems.Any(p => p.Suppressed is null), anything = groups.Count > 0 || problems;
        if (anything)
            _out.WriteLine();
        if (groups.Count > 0)
            Counts(open.Count, [.. groups.SelectMany(g => g.Rows)]);
        else if (!report.Matched)
            Paragraph(Catalogue.TableNotMatched.In(Language), _ansi.Warning);
        else if (report.Complete && asides.Count > 0)
            _out.WriteLine(Catalogue.NothingShown.In(Language));
        else if (report.Complete && report.Packages.Count > 0)
            _out.WriteLine(Calm(report.Packages.Count == 1 ? Catalogue.CleanOne.In(Language) : Catalogue.Clean.In(Language, report.Packages.Count), !problems));
        else if (report.Complete)
            Paragraph(Catalogue.NothingToMatch.In(Language), _ansi.Warning);
        if (report.Checks.Count > 0)
            CheckCounts(report, hidden > 0);
        foreach (string aside in asides)
            Paragraph(aside, null);
        if (report.Complete)
            return;
        if (anything)
            _out.WriteLine();
        Paragraph((groups.Count > 0 ? Catalogue.Incomplete : anything || !report.Matched ? Catalogue.TableIncomplete : Catalogue.NotDecided).In(Language), _ansi.Warning);

        // Green is for what is well altogether.
        string Calm(string text, bool well) => well ? _ansi.Good(text) : text;

        void Aside(Text text, Func<Suppression, bool> kind)
        {
            int count = report.Findings.Count(f => f.Suppressed is { } suppressed && kind(suppressed));
            if (report.Problems.Count > 0)
                count += report.Problems.Count(p => p.Suppressed is { } suppressed && kind(suppressed));
            if (count > 0)
                asides.Add(text.In(Language, count));
        }
    }

    private void Counts(int findings, List<Finding> rows)
    {
        List<string> parts = [_ansi.Bold(rows.Count == 1 ? Catalogue.TotalOne.In(Language) : Catalogue.Total.In(Language, rows.Count)) + (Language == Language.Chinese ? "：" : ":")];
        foreach (Severity severity in SeverityWords.WorstFirst)
            if (rows.Count(f => f.Severity == severity) is > 0 and var count)
                parts.Add(_ansi.Of(severity, $"{count} {severity.Text().In(Language).ToLowerInvariant()}"));
        Parts(parts);
        List<string> more = [Catalogue.Fixable.In(Language, rows.Count(f => f.FixedVersion is not null))];
        if (rows.Count(f => f.KnownExploited is not null) is > 0 and var exploited)
            more.Add(_ansi.Alarm(Catalogue.Exploited.In(Language, exploited)));
        if (rows.Count(f => !f.Package.Package.IsOfDistribution) is > 0 and var ofLanguages)
            more.Add(Catalogue.WhereTheyAre.In(Language, rows.Count - ofLanguages, ofLanguages));
        Parts(more);
        if (findings != rows.Count)
            Paragraph(Catalogue.CountedOnce.In(Language, findings), _ansi.Dim);
    }

    private void Notes(Report report)
    {
        // What makes the report undecided stands first, directly below the sentence that announces it.
        foreach (Note note in Joined(report.Notes))
            Item(ReportTexts.Of(note, Language), _ansi.Warning);
        foreach (Gap gap in report.Gaps.Take(MostGaps))
            Item(ReportTexts.Of(gap, Language), _ansi.Warning);
        if (report.Gaps.Count > MostGaps)
            Item(Catalogue.GapMore.In(Language, report.Gaps.Count - MostGaps), _ansi.Warning);
        if (report.Notes.All(n => n.Undecided))
            return;
        _out.WriteLine(Catalogue.Notes.In(Language) + (Language == Language.Chinese ? "：" : ":"));
        foreach (Note note in report.Notes.Where(n => !n.Undecided))
            Item(ReportTexts.Of(note, Language), null);
    }

    /// <summary>
    /// What leaves the report undecided, the absence of a database first, because the rest follows from it; the ecosystems that
    /// the database knows nothing of share one sentence.
    /// </summary>
    private static IEnumerable<Note> Joined(IReadOnlyList<Note> notes)
    {
        List<Note> alike = [.. notes.Where(n => n is { Undecided: true, Code: MatchNotes.NoAdvisoriesForEcosystem, Arguments.Count: 2 })];
        foreach (Note note in notes.Where(n => n.Undecided).OrderBy(n => n.Code == "no-database" ? 0 : 1))
            if (alike.Count < 2 || !alike.Contains(note))
                yield return note;
            else if (ReferenceEquals(note, alike[0]))
                yield return note with
                {
                    Arguments =
                    [
                        string.Join(", ", alike.Select(n => n.Arguments[0])),
                        $"{alike.Sum(n => int.TryParse(n.Arguments[1], out int count) ? count : 0)}",
                    ],
                };
    }

    private void Item(string text, Func<string, string>? style)
    {
        string lead = "- ";
        foreach (string line in DisplayWidth.Wrap(text, _columns - 2))
        {
            _out.WriteLine(lead + (style is null ? line : style(line)));
            lead = "  ";
        }
    }

    private void Paragraph(string text, Func<string, string>? style)
    {
        foreach (string line in DisplayWidth.Wrap(text, _columns))
            _out.WriteLine(style is null ? line : style(line));
    }

    private static string Shown(string text, int columns) =>
        DisplayWidth.Cut(Escape.ForTerminal(text.Length <= 4 * columns ? text : text[..(4 * columns)]), columns);

    /// <summary>Without our own colour codes; text from outside holds none, for it was escaped.</summary>
    private static string Plain(string text)
    {
        int at;
        while ((at = text.IndexOf('\e', StringComparison.Ordinal)) >= 0 && text.IndexOf('m', at) is > 0 and var end)
            text = text.Remove(at, end - at + 1);
        return text;
    }
}
