using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Reports;

/// <summary>
/// The vulnerabilities of one source package that came in one layer; binary packages of it share them, and so do copies of a
/// language's package that lie in several places.
/// </summary>
internal sealed class FindingGroup
{
    /// <summary>What the findings of a group have in common. A class: grouping by tuples is compiled anew at every start.</summary>
    private sealed record Seat(string Type, string SourceName, string SourceVersion, string Path, int Layer);

    private sealed record Row(Seat Seat, string Id);

    private FindingGroup(IReadOnlyList<Finding> findings)
    {
        Package = findings[0].Package;
        // The same flaw in libssl and openssl is one row; the one with the fix known and the worst severity speaks for it.
        Rows =
        [
            .. findings
                .GroupBy(f => f.Id, StringComparer.Ordinal)
                .Select(g => g.OrderByDescending(f => f.Severity).ThenBy(f => f.FixedVersion is null ? 1 : 0)
                    .ThenBy(f => f.Package.Package.Name, StringComparer.Ordinal).First())
                .OrderByDescending(f => f.KnownExploited is not null).ThenByDescending(f => f.Severity)
                .ThenBy(f => f.Id, IdOrder.Instance),
        ];
        Names = [.. findings.Select(f => f.Package.Package.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        // Of a language there may be the same package in many places; a distribution has one database.
        Places = Package.Package.IsOfDistribution ? []
            : [.. findings.Select(f => Words.PlaceOf(f.Package)).Where(p => p.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>One of the packages; its source name, source version and origin are the group's.</summary>
    public InstalledPackage Package { get; }

    /// <summary>One finding for each flaw: known exploited ones first, then worst first.</summary>
    public IReadOnlyList<Finding> Rows { get; }

    /// <summary>Installed packages, ordinal order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Files that hold it, ordinal order; empty for a package of the distribution.</summary>
    public IReadOnlyList<string> Places { get; }

    public Severity Worst => Rows.Max(f => f.Severity);

    public int KnownExploited => Rows.Count(f => f.KnownExploited is not null);

    /// <summary>The name a person looks for: the package's own where the group has only one.</summary>
    public string Name => Names.Count == 1 ? Names[0] : Package.Package.SourceName;

    public string Version => Names.Count == 1 ? Package.Package.Version : Package.Package.SourceVersion;

    /// <summary>Worst first: known exploited, then severity, then number, then name.</summary>
    public static IReadOnlyList<FindingGroup> Of(IEnumerable<Finding> findings) =>
    [
        .. findings
            .GroupBy(SeatOf)
            .Select(g => new FindingGroup([.. g]))
            .OrderByDescending(g => g.KnownExploited > 0).ThenByDescending(g => g.Worst).ThenByDescending(g => g.Rows.Count)
            .ThenBy(g => g.Name, StringComparer.Ordinal).ThenBy(g => g.Version, StringComparer.Ordinal)
            .ThenBy(g => g.Package.Origin.Layer).ThenBy(g => g.Package.Path, StringComparer.Ordinal),
    ];

    /// <summary>The rows of all groups, counted without making these.</summary>
    public static int RowsOf(IEnumerable<Finding> findings)
    {
        HashSet<Row> rows = [];
        foreach (Finding finding in findings)
            rows.Add(new Row(SeatOf(finding), finding.Id));
        return rows.Count;
    }

    private static Seat SeatOf(Finding finding)
    {
        Package package = finding.Package.Package;
        return new Seat(package.Type, package.SourceName, package.SourceVersion, package.IsOfDistribution ? finding.Package.Path : "", finding.Package.Origin.Layer);
    }
}

/// <summary>CVE-2023-2 before CVE-2023-10: runs of digits by value, the rest ordinal.</summary>
internal sealed class IdOrder : IComparer<string>
{
    public static IdOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        ReadOnlySpan<char> a = x, b = y;
        while (!a.IsEmpty && !b.IsEmpty)
        {
            if (char.IsAsciiDigit(a[0]) && char.IsAsciiDigit(b[0]))
            {
                ReadOnlySpan<char> left = Digits(ref a), right = Digits(ref b);
                int by = left.Length != right.Length ? left.Length.CompareTo(right.Length) : left.SequenceCompareTo(right);
                if (by != 0)
                    return by;
                continue;
            }
            if (a[0] != b[0])
                return a[0].CompareTo(b[0]);
            a = a[1..];
            b = b[1..];
        }
        return a.Length != b.Length ? a.Length.CompareTo(b.Length) : string.CompareOrdinal(x, y);
    }

    private static ReadOnlySpan<char> Digits(ref ReadOnlySpan<char> text)
    {
        int length = 0;
        while (length < text.Length && char.IsAsciiDigit(text[length]))
            length++;
        ReadOnlySpan<char> digits = text[..length].TrimStart('0');
        text = text[length..];
        return digits;
    }
}
