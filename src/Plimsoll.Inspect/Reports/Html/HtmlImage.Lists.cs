using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports.Html;

/// <content>What to upgrade, packages and licences.</content>
internal sealed partial class HtmlImage
{
    private const int MostUpgrades = 500;
    private const int MostLicences = 500;
    private const int MostNames = 12;

    private void WriteUpgrades()
    {
        List<Upgrade> upgrades = [.. Upgrade.Of(_tally.Groups, options.VersionOrder).Take(MostUpgrades)];
        if (upgrades.Count == 0)
            return;
        html.Open("section", ("class", "card"), ("aria-labelledby", Id("upgrades"))).Element("h3", Say(Catalogue.WhatToUpgrade), ("id", Id("upgrades")));
        Table([Catalogue.ColumnPackage, Catalogue.ColumnInstalled, Catalogue.ColumnUpgradeTo, Catalogue.ColumnFixes]);
        foreach (Upgrade upgrade in upgrades)
            Row(HtmlText.Shown(upgrade.Group.Name, 100), HtmlText.Shown(upgrade.Group.Version, 100), HtmlText.Shown(upgrade.Version, 100), Say(Catalogue.FixesCount, upgrade.Fixes, upgrade.Group.Rows.Count));
        html.CloseTo(html.Depth - 3);
        html.Close().Line();
    }

    private void WriteLists()
    {
        if (_report.Packages.Count == 0)
            return;
        WriteLicences();
        html.Open("section", ("class", "card")).Open("details", ("class", "list")).Open("summary").Element("h3", Say(Catalogue.HtmlPackages, _report.Packages.Count)).Close();
        Table([Catalogue.ColumnPackage, Catalogue.ColumnVersion, Catalogue.ColumnType, Catalogue.FilterLayer, Catalogue.ColumnLicence, Catalogue.DetailWhere]);
        foreach (InstalledPackage package in _report.Packages.Take(options.MostPackages))
            Row(HtmlText.Shown(package.Package.Name, 120), HtmlText.Shown(package.Package.Version, 120), HtmlText.Shown(package.Package.Type, 20), HtmlChart.Number(package.Origin.Layer),
                HtmlText.Shown(string.Join(", ", package.Package.Licences.Take(8)), 120), HtmlText.Shown(Words.PlaceOf(package), 200));
        html.CloseTo(html.Depth - 3);
        if (_report.Packages.Count > options.MostPackages)
            html.Element("p", Say(Catalogue.MoreRows, _report.Packages.Count - options.MostPackages), ("class", "dim"));
        html.Close().Close().Line();
    }

    private void WriteLicences()
    {
        List<IGrouping<string, InstalledPackage>> licences =
        [
            .. _report.Packages.GroupBy(p => string.Join(", ", p.Package.Licences.Take(8)), StringComparer.Ordinal)
                .OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal),
        ];
        html.Open("section", ("class", "card")).Open("details", ("class", "list")).Open("summary").Element("h3", Say(Catalogue.HtmlLicences, licences.Count)).Close();
        Table([Catalogue.ColumnLicence, Catalogue.ColumnCount, Catalogue.ColumnPackage]);
        foreach (IGrouping<string, InstalledPackage> licence in licences.Take(MostLicences))
        {
            List<string> names = [.. licence.Select(p => p.Package.Name).Distinct(StringComparer.Ordinal)];
            Row(licence.Key.Length > 0 ? HtmlText.Shown(licence.Key) : Say(Catalogue.NoLicence), HtmlChart.Number(licence.Count()),
                string.Join(", ", names.Take(MostNames).Select(n => HtmlText.Shown(n, 80))) + (names.Count > MostNames ? " …" : ""));
        }
        html.CloseTo(html.Depth - 3);
        if (licences.Count > MostLicences)
            html.Element("p", Say(Catalogue.MoreRows, licences.Count - MostLicences), ("class", "dim"));
        html.Close().Close().Line();
    }

    /// <summary>Opens three elements: a box that scrolls by itself on a narrow screen, the table, its body.</summary>
    private void Table(Text[] columns)
    {
        html.Open("div", ("class", "scroll"), ("tabindex", "0")).Open("table").Open("thead").Open("tr");
        foreach (Text column in columns)
        {
            string word = Say(column);
            html.Element("th", Language == Language.Chinese ? word : word[..1] + word[1..].ToLowerInvariant(), ("scope", "col"));
        }
        html.Close().Close().Open("tbody");
    }

    private void Row(params ReadOnlySpan<string> cells)
    {
        html.Open("tr");
        foreach (string cell in cells)
            html.Element("td", cell);
        html.Close();
    }
}
