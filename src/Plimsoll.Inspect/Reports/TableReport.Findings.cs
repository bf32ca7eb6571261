using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <content>Vulnerabilities by package or layer, and what to upgrade.</content>
public sealed partial class TableReport
{
    // Below high severity, more than this many alike share one block of ids.
    private const int MostRowsAlike = 3;
    private const int MostPlaces = 3;
    private const int LeastTitleColumns = 16;
    private const int KevColumns = 3;
    // "100.0%"
    private const int EpssColumns = 6;

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

    private void LayerHeading(Report report, int index, int margin = 0)
    {
        LayerSummary? layer = report.Layers.FirstOrDefault(l => l.Index == index);
        string digest = Digest.TryParse(layer?.DiffId, out Digest? diffId) ? $"  {diffId.Algorithm}:{diffId.Short}" : "";
        string line = Catalogue.Layer.In(Language, index) + digest;
        string by = layer?.CreatedBy is { Length: > 0 } created ? "  " + Escape.ForTerminal(created) : "";
        int room = _columns - margin - DisplayWidth.Of(line);
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
}
