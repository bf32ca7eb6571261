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
public sealed class TableReport
{
    private const int MostGaps = 10;
    // Below high severity, more than this many alike share one block of ids.
    private const int MostRowsAlike = 3;
    private const int MostPlaces = 3;
    private const int LeastTitleColumns = 16;
    private const int KevColumns = 3;
    // "100.0%"
    private const int EpssColumns = 6;

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
        Verdict(report, open, groups, hidden);
        Notes(report);
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

    private void Findings(Report report, IReadOnlyList<FindingGroup> groups)
    {
        Columns columns = Measure(groups);
        Row(columns, _ansi.Dim, Catalogue.ColumnSeverity.In(Language), Catalogue.ColumnId.In(Language), "KEV", "EPSS",
            Catalogue.ColumnFixed.In(Language), Catalogue.ColumnTitle.In(Language));
        if (!_options.GroupByLayer)
        {
            foreach (FindingGroup group in groups)
                Group(group, columns, LayerText(group));
            return;
        }
        // The layer whose group is the worst comes first: the groups are in that order already.
        foreach (IGrouping<int, FindingGroup> layer in groups.GroupBy(g => g.Package.Origin.Layer))
        {
            LayerHeading(report, layer.Key);
            foreach (FindingGroup group in layer)
                Group(group, columns, null);
        }
    }

    private void LayerHeading(Report report, int index)
    {
        LayerSummary? layer = report.Layers.FirstOrDefault(l => l.Index == index);
        string digest = Digest.TryParse(layer?.DiffId, out Digest? diffId) ? $"  {diffId.Algorithm}:{diffId.Short}" : "";
        string line = Catalogue.Layer.In(Language, index) + digest;
        string by = layer?.CreatedBy is { Length: > 0 } created ? "  " + Escape.ForTerminal(created) : "";
        int room = _columns - DisplayWidth.Of(line);
        _out.WriteLine(_ansi.Bold(line) + _ansi.Dim(DisplayWidth.Cut(by, room)));
    }

    private string LayerText(FindingGroup group) =>
        group.Package.Origin.DiffId is null ? Catalogue.LayerFolder.In(Language) : Catalogue.Layer.In(Language, group.Package.Origin.Layer);

    private void Group(FindingGroup group, Columns columns, string? layer)
    {
        string indent = layer is null ? "  " : "";
        string heading = $"{indent}{Shown(group.Name, 60)} {Shown(group.Version, 60)}";
        int used = DisplayWidth.Of(heading);
        _out.Write(_ansi.Bold(heading));
        if (layer is not null)
        {
            _out.Write("  " + layer);
            used += 2 + DisplayWidth.Of(layer);
        }
        bool beside = group.Places.Count == 1 && used + 2 + DisplayWidth.Of(Shown(group.Places[0], 200)) <= _columns;
        if (beside)
            _out.Write(_ansi.Dim("  " + Shown(group.Places[0], 200)));
        else if (group.Names.Count > 1)
            _out.Write(_ansi.Dim(DisplayWidth.Cut(
                "  " + Catalogue.Binaries.In(Language, string.Join(", ", group.Names.Select(n => Shown(n, 60)))), Math.Max(0, _columns - used))));
        _out.WriteLine();
        if (!beside)
            Places(group.Places);

        HashSet<Finding> done = [];
        foreach (Finding finding in group.Rows)
        {
            if (!done.Add(finding))
                continue;
            List<Finding> alike = _options.AllRows || !MayShare(finding) ? []
                : [.. group.Rows.Where(f => MayShare(f) && f.Severity == finding.Severity && f.FixedVersion == finding.FixedVersion && f.Status == finding.Status)];
            if (alike.Count > MostRowsAlike)
            {
                Block(columns, alike);
                done.UnionWith(alike);
                continue;
            }
            Row(columns, null, finding.Severity.Text().In(Language), Shown(finding.Id, 40), finding.KnownExploited is null ? "" : "KEV", EpssText(finding),
                FixText(finding), Title(finding), finding.Severity);
        }
    }

    /// <summary>A line for each place; the end of a long path tells more than its beginning.</summary>
    private void Places(IReadOnlyList<string> places)
    {
        int shown = places.Count > MostPlaces + 1 ? MostPlaces : places.Count;
        foreach (string place in places.Take(shown))
            _out.WriteLine(Margin + _ansi.Dim(DisplayWidth.CutStart(Catalogue.InPlace.In(Language, Shown(place, 200)), _columns - Indent)));
        if (places.Count > shown)
            _out.WriteLine(Margin + _ansi.Dim(Catalogue.MorePlaces.In(Language, places.Count - shown)));
    }

    private static bool MayShare(Finding finding) => finding.Severity < Severity.High && finding.KnownExploited is null && !finding.Malicious;

    private static string EpssText(Finding finding) => finding.Epss is { } epss && double.IsFinite(epss.Probability)
        ? (Math.Clamp(epss.Probability, 0, 1) * 100).ToString("0.0", System.Globalization.CultureInfo.InvariantCulture) + "%" : "";

    /// <summary>Ids of one severity and one fix, as many on a line as there is room for.</summary>
    private void Block(Columns columns, List<Finding> alike)
    {
        Text count = alike[0].FixedVersion is not null ? Catalogue.CountFixedIn
            : alike[0].Status == "will-not-fix" ? Catalogue.CountWillNotFix : Catalogue.CountNoFix;
        Severity severity = alike[0].Severity;
        _out.Write(Margin + _ansi.Of(severity, DisplayWidth.Fit(severity.Text().In(Language), columns.Severity)) + "  ");
        _out.WriteLine(count.In(Language, alike.Count, Shown(alike[0].FixedVersion ?? "", 60)));
        int indent = Indent + columns.Severity + 2, used = indent;
        string margin = new(' ', indent);
        _out.Write(margin);
        foreach (string id in alike.Select(f => Shown(f.Id, 40)))
        {
            int width = DisplayWidth.Of(id);
            if (used > indent && used + 2 + width > _columns)
            {
                _out.WriteLine();
                _out.Write(margin);
                used = indent;
            }
            _out.Write(used > indent ? "  " + id : id);
            used += (used > indent ? 2 : 0) + width;
        }
        _out.WriteLine();
    }

    private readonly record struct Columns(int Severity, int Id, int Fixed, int Title, bool Kev, bool Epss);

    private Columns Measure(IReadOnlyList<FindingGroup> groups)
    {
        int severity = DisplayWidth.Of(Catalogue.ColumnSeverity.In(Language)), id = 2, fix = DisplayWidth.Of(Catalogue.ColumnFixed.In(Language));
        bool title = false, kev = false, epss = false;
        foreach (Finding finding in groups.SelectMany(g => g.Rows))
        {
            severity = Math.Max(severity, DisplayWidth.Of(finding.Severity.Text().In(Language)));
            id = Math.Max(id, DisplayWidth.Of(Shown(finding.Id, 40)));
            fix = Math.Max(fix, DisplayWidth.Of(FixText(finding)));
            title |= finding.Title.Length > 0;
            kev |= finding.KnownExploited is not null;
            epss |= finding.Epss is not null;
        }
        int left = _columns - Indent - severity - 2 - id - 2 - (kev ? KevColumns + 2 : 0) - fix - 2;
        // The chance gives way to the version that fixes it, but not to the title.
        epss &= left + 2 >= EpssColumns + 2;
        if (epss)
            left -= EpssColumns + 2;
        return new Columns(severity, id, fix, title && left >= LeastTitleColumns ? left : 0, kev, epss);
    }

    private void Row(Columns columns, Func<string, string>? style, string severity, string id, string kev, string epss, string fix, string title, Severity level = default)
    {
        string word = DisplayWidth.Fit(severity, columns.Severity);
        string mark = columns.Kev ? DisplayWidth.Fit(kev, KevColumns) + "  " : "";
        string chance = columns.Epss ? DisplayWidth.Fit(epss.PadLeft(EpssColumns), EpssColumns) + "  " : "";
        bool last = columns.Title == 0 || title.Length == 0;
        string tail = last ? fix : DisplayWidth.Fit(fix, columns.Fixed) + "  " + DisplayWidth.Cut(title, columns.Title);
        if (style is not null)
            _out.WriteLine(Margin + style($"{word}  {DisplayWidth.Fit(id, columns.Id)}  {mark}{chance}{tail}"));
        else
            _out.WriteLine($"{Margin}{_ansi.Of(level, word)}  {DisplayWidth.Fit(id, columns.Id)}  {(kev.Length > 0 ? _ansi.Alarm(mark) : mark)}{chance}{tail}");
    }

    private string FixText(Finding finding) => finding.FixedVersion is { } version ? Shown(version, 60)
        : finding.Malicious ? Catalogue.Malicious.In(Language)
        : finding.Status switch
        {
            "will-not-fix" => Catalogue.WillNotFix.In(Language),
            "end-of-life" => Catalogue.EndOfLife.In(Language),
            _ => Catalogue.NoFix.In(Language),
        };

    private static string Title(Finding finding) => Shown(finding.Title.ReplaceLineEndings(" ").Trim(), 300);

    private void Upgrades(IReadOnlyList<FindingGroup> groups)
    {
        List<Upgrade> upgrades = [.. Upgrade.Of(groups, _options.VersionOrder)];
        if (upgrades.Count == 0)
            return;
        _out.WriteLine();
        _out.WriteLine(_ansi.Bold(Catalogue.WhatToUpgrade.In(Language)));
        List<string[]> rows =
        [
            [Catalogue.ColumnPackage.In(Language), Catalogue.ColumnInstalled.In(Language), Catalogue.ColumnUpgradeTo.In(Language), Catalogue.ColumnFixes.In(Language)],
            .. upgrades.Select(u => (string[])
            [
                Shown(u.Group.Name, 60), Shown(u.Group.Version, 60), Shown(u.Version, 60),
                Catalogue.FixesCount.In(Language, u.Fixes, u.Group.Rows.Count),
            ]),
        ];
        int[] widths = new int[3];
        foreach (string[] row in rows)
            for (int i = 0; i < widths.Length; i++)
                widths[i] = Math.Max(widths[i], DisplayWidth.Of(row[i]));
        // Only the name gives way: the versions are what the reader came for.
        int over = 2 + widths.Sum() + 6 + rows.Max(r => DisplayWidth.Of(r[3])) - _columns;
        if (over > 0)
            widths[0] = Math.Max(12, widths[0] - over);
        for (int r = 0; r < rows.Count; r++)
        {
            string line = $"  {FitName(rows[r][0], widths[0])}  {DisplayWidth.Fit(rows[r][1], widths[1])}  {DisplayWidth.Fit(rows[r][2], widths[2])}  {rows[r][3]}";
            _out.WriteLine(r == 0 ? _ansi.Dim(line) : line);
        }
    }

    /// <summary>Of <c>group:artifact</c> or <c>@scope/name</c> the second part stays when there is no room for both.</summary>
    private static string FitName(string name, int columns) =>
        DisplayWidth.Of(name) > columns && name.LastIndexOfAny([':', '/']) is > 0 and var at ? DisplayWidth.Fit("…" + name[at..], columns) : DisplayWidth.Fit(name, columns);

    /// <summary>The counts, or that there is nothing; the latter only where it is certain.</summary>
    private void Verdict(Report report, List<Finding> open, IReadOnlyList<FindingGroup> groups, int hidden)
    {
        List<string> asides = [];
        // Each kind by itself: who scans must see what no file of theirs, but a list in the image, keeps from counting.
        Aside(Catalogue.Suppressed, s => s.Source is not (Matcher.ByDistribution or Matcher.ByLockFile));
        Aside(Catalogue.SuppressedByDistribution, s => s.Source == Matcher.ByDistribution);
        Aside(Catalogue.SuppressedAsDevelopment, s => s.Source == Matcher.ByLockFile);
        if (hidden > 0)
            asides.Add(Catalogue.Hidden.In(Language, hidden, _options.Filter));
        if (groups.Count > 0)
        {
            _out.WriteLine();
            Counts(open.Count, [.. groups.SelectMany(g => g.Rows)]);
        }
        else if (report.Complete && asides.Count > 0)
            _out.WriteLine(Catalogue.NothingShown.In(Language));
        else if (report.Complete && report.Packages.Count > 0)
            _out.WriteLine(_ansi.Good(report.Packages.Count == 1 ? Catalogue.CleanOne.In(Language) : Catalogue.Clean.In(Language, report.Packages.Count)));
        else if (report.Complete)
            Paragraph(Catalogue.NothingToMatch.In(Language), _ansi.Warning);
        foreach (string aside in asides)
            Paragraph(aside, null);
        if (report.Complete)
            return;
        if (groups.Count > 0)
            _out.WriteLine();
        Paragraph((groups.Count > 0 ? Catalogue.Incomplete : Catalogue.NotDecided).In(Language), _ansi.Warning);

        void Aside(Text text, Func<Suppression, bool> kind)
        {
            if (report.Findings.Count(f => f.Suppressed is { } suppressed && kind(suppressed)) is > 0 and var count)
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
