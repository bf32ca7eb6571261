using System.Text;
using System.Text.Json;
using Plimsoll.Inspect.Compare;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Compare;

public sealed class ReportDiffTests
{
    private static readonly VersionOrder Order = (type, a, b) => VersionOrders.For(type)?.Compare(a, b) ?? 0;

    private static Report Before() => new ReportBuilder()
        .With(ReportBuilder.Package("openssl", "1.1.1n-1"), "CVE-2024-1", Severity.High, "1.1.1n-2")
        .With(ReportBuilder.Package("openssl", "1.1.1n-1"), "CVE-2024-2", Severity.Low)
        .With(ReportBuilder.Package("bash", "5.1-2"), "CVE-2024-3", Severity.Medium)
        .With(ReportBuilder.Package("gone", "1")).With(ReportBuilder.Package("down", "1.10")).Build();

    private static Report After()
    {
        Suppression accepted = new() { Id = "CVE-2024-3", Reason = "r", Source = "s" };
        return new ReportBuilder()
            .With(ReportBuilder.Package("openssl", "1.1.1n-2"), "CVE-2024-2", Severity.Low)
            .With(ReportBuilder.Package("openssl", "1.1.1n-2"), "CVE-2024-9", Severity.Critical, kev: true)
            .With(ReportBuilder.Package("bash", "5.1-2"), "CVE-2024-3", Severity.Medium, suppressed: accepted)
            .With(ReportBuilder.Package("come", "2")).With(ReportBuilder.Package("down", "1.9")).Build();
    }

    [Fact]
    public void Of_TwoReports_SortsPackagesAndFindingsIntoWhatBecameOfThem()
    {
        ReportDiff diff = ReportDiff.Of(Before(), After(), Order);

        Assert.Equal("come", Assert.Single(diff.Added).Package.Name);
        Assert.Equal("gone", Assert.Single(diff.Removed).Package.Name);
        Assert.Equal(["down 1.10 1.9 -1", "openssl 1.1.1n-1 1.1.1n-2 1"], diff.Changed.Select(c => $"{c.After.Package.Name} {c.Before.Package.Version} {c.After.Package.Version} {Math.Sign(c.Order)}"));
        Assert.Equal(["CVE-2024-9"], diff.New.Select(f => f.Id));
        Assert.Equal(["CVE-2024-1"], diff.Fixed.Select(f => f.Id));
        Assert.Equal(["CVE-2024-3"], diff.Suppressed.Select(f => f.Id));
        Assert.Equal(["CVE-2024-2"], diff.Unchanged.Select(f => f.Id));
        Assert.True(diff.Complete && diff.SameDatabase);
    }

    [Fact]
    public void Of_SuppressionThatWasTakenAway_IsANewFinding() =>
        Assert.Contains(ReportDiff.Of(After(), Before(), Order).New, f => f.Id == "CVE-2024-3");

    [Fact]
    public void Of_EqualReports_IsEmpty()
    {
        ReportDiff diff = ReportDiff.Of(Before(), Before(), Order);

        Assert.Empty(diff.Added.Concat(diff.Removed));
        Assert.Empty(diff.Changed);
        Assert.Empty(diff.New.Concat(diff.Fixed).Concat(diff.Suppressed));
        Assert.Equal(3, diff.Unchanged.Count);
    }

    [Fact]
    public void Of_SeveralVersionsOfOnePackage_AreAddedAndRemovedOneByOne()
    {
        Report many = new ReportBuilder().With(ReportBuilder.Package("linux", "1")).With(ReportBuilder.Package("linux", "2")).Build();
        Report other = new ReportBuilder().With(ReportBuilder.Package("linux", "2")).With(ReportBuilder.Package("linux", "3")).With(ReportBuilder.Package("linux", "4")).Build();

        ReportDiff diff = ReportDiff.Of(many, other, Order);

        Assert.Equal((2, 1, 0), (diff.Added.Count, diff.Removed.Count, diff.Changed.Count));
    }

    [Fact]
    public void Of_OneLanguagePackageInTwoPlaces_IsToldApartByPlace()
    {
        InstalledPackage At(string version, string path)
        {
            InstalledPackage p = ReportBuilder.Package("lodash", version);
            return p with { Package = p.Package with { Type = "npm" }, Path = path };
        }
        ReportDiff diff = ReportDiff.Of(new ReportBuilder().With(At("1", "a")).With(At("1", "b")).Build(), new ReportBuilder().With(At("2", "a")).With(At("1", "b")).Build(), Order);

        Assert.Equal("a", Assert.Single(diff.Changed).After.Path);
    }

    [Theory]
    [InlineData(Language.English)]
    [InlineData(Language.Chinese)]
    public void WriteTable_AnyWidth_ShowsEverythingWithinTheColumns(Language language)
    {
        foreach (int columns in (int[])[60, 80, 200])
        {
            using StringWriter table = new() { NewLine = "\n" };
            DiffReport.WriteTable(table, ReportDiff.Of(Before(), After() with { Image = "x\x1b[31m" }, Order), new TableOptions { Columns = columns, Language = language, Now = ReportBuilder.Now });

            string text = table.ToString();
            Assert.All(text.Split('\n'), line => Assert.True(DisplayWidth.Of(line) <= columns, line));
            Assert.All((string[])["CVE-2024-9", "CVE-2024-1", "CVE-2024-3", "+ come 2", "- gone 1", "^ openssl 1.1.1n-1 -> 1.1.1n-2", "v down 1.10 -> 1.9"], part => Assert.Contains(part, text, StringComparison.Ordinal));
            Assert.DoesNotContain('\x1b', text);
        }
    }

    [Fact]
    public void WriteTable_OtherDatabaseOrNoMatching_SaysThatItMatters()
    {
        string Table(Report a, Report b)
        {
            using StringWriter table = new();
            DiffReport.WriteTable(table, ReportDiff.Of(a, b, Order), new TableOptions { Columns = 200, Now = ReportBuilder.Now });
            return table.ToString();
        }

        Assert.Contains("different databases", Table(Before(), After() with { Database = ReportBuilder.Database with { Digest = "d2" } }), StringComparison.Ordinal);
        Assert.Contains("never matched", Table(Before(), After() with { Matched = false }), StringComparison.Ordinal);
        Assert.Contains("incomplete", Table(Before(), After() with { Gaps = [new Gap("g", "w", "d")] }), StringComparison.Ordinal);
        Assert.DoesNotContain("incomplete", Table(Before(), After()), StringComparison.Ordinal);
    }

    [Fact]
    public void WriteJson_EveryMember_IsDescribedAndEqualInputGivesEqualBytes()
    {
        byte[] Json()
        {
            using MemoryStream stream = new();
            DiffReport.WriteJson(stream, ReportDiff.Of(Before(), After(), Order), "0.1.0");
            return stream.ToArray();
        }
        string page = File.ReadAllText(Repository.At("docs", "formats", "diff.md"));
        JsonElement root = JsonDocument.Parse(Json()).RootElement;

        Assert.Equal(Encoding.UTF8.GetString(Json()), Encoding.UTF8.GetString(Json()));
        Assert.All(Members(root).Distinct(StringComparer.Ordinal), name => Assert.Contains($"`{name}`", page, StringComparison.Ordinal));
        Assert.Equal("downgrade", root.GetProperty("packages").GetProperty("changed")[0].GetProperty("change").GetString());
    }

    private static IEnumerable<string> Members(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => Members(p.Value).Prepend(p.Name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Members),
        _ => [],
    };
}
