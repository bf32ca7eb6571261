using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Compare;

/// <summary>A package whose version differs.</summary>
/// <param name="Order">Above 0 for an upgrade, below for a downgrade, 0 where the order cannot tell.</param>
public sealed record PackageChange(InstalledPackage Before, InstalledPackage After, int Order);

/// <summary>What changed from one report to another. Packages in ordinal order of name; findings worst first, one for each fingerprint.</summary>
public sealed record ReportDiff
{
    public required Report Before { get; init; }
    public required Report After { get; init; }
    public IReadOnlyList<InstalledPackage> Added { get; init; } = [];
    public IReadOnlyList<InstalledPackage> Removed { get; init; } = [];
    public IReadOnlyList<PackageChange> Changed { get; init; } = [];

    /// <summary>Open after, and not open before.</summary>
    public IReadOnlyList<Finding> New { get; init; } = [];

    /// <summary>Open before, and not there after.</summary>
    public IReadOnlyList<Finding> Fixed { get; init; } = [];

    /// <summary>Open before, and there after but suppressed.</summary>
    public IReadOnlyList<Finding> Suppressed { get; init; } = [];

    /// <summary>Open before and after.</summary>
    public IReadOnlyList<Finding> Unchanged { get; init; } = [];

    /// <summary>What the checks found, of the kinds that both sides looked for.</summary>
    public ProblemDiff Problems { get; init; } = new();

    /// <summary>Whether both sides were matched against the same database; otherwise findings also differ for what became known meanwhile.</summary>
    public bool SameDatabase => Before.Database.Digest == After.Database.Digest && Before.Database.IsDatabase == After.Database.IsDatabase;

    /// <summary>Whether both sides are whole, so that "fixed" and "new" mean what they say.</summary>
    public bool Complete => Before is { Complete: true, Matched: true } && After is { Complete: true, Matched: true };

    /// <param name="order">Null: no change of version is called an upgrade.</param>
    public static ReportDiff Of(Report before, Report after, VersionOrder? order)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        List<InstalledPackage> added = [], removed = [];
        List<PackageChange> changed = [];
        ILookup<(string, string, string, string), InstalledPackage> old = before.Packages.ToLookup(KeyOf), now = after.Packages.ToLookup(KeyOf);
        foreach ((string, string, string, string) key in old.Select(g => g.Key).Concat(now.Select(g => g.Key)).Distinct())
        {
            List<InstalledPackage> gone = [.. old[key].Where(o => !now[key].Any(n => SameVersion(o, n)))];
            List<InstalledPackage> come = [.. now[key].Where(n => !old[key].Any(o => SameVersion(o, n)))];
            // Of several versions of one package nobody can say which became which.
            if (gone.Count == 1 && come.Count == 1)
                changed.Add(new PackageChange(gone[0], come[0], order?.Invoke(come[0].Package.Type, come[0].Package.Version, gone[0].Package.Version) ?? 0));
            else
            {
                removed.AddRange(gone);
                added.AddRange(come);
            }
        }
        added.Sort(ByName);
        removed.Sort(ByName);
        changed.Sort((a, b) => ByName(a.After, b.After));
        Dictionary<string, Finding> was = OpenByFingerprint(before), isOpen = OpenByFingerprint(after);
        HashSet<string> there = [.. after.Findings.Select(f => f.Fingerprint)];
        return new ReportDiff
        {
            Before = before,
            After = after,
            Added = added,
            Removed = removed,
            Changed = changed,
            New = Sorted(isOpen.Values.Where(f => !was.ContainsKey(f.Fingerprint))),
            Fixed = Sorted(was.Values.Where(f => !there.Contains(f.Fingerprint))),
            Suppressed = Sorted(was.Values.Where(f => there.Contains(f.Fingerprint) && !isOpen.ContainsKey(f.Fingerprint))),
            Unchanged = Sorted(isOpen.Values.Where(f => was.ContainsKey(f.Fingerprint))),
            Problems = ProblemDiff.Of(before, after),
        };
    }

    /// <summary>A distribution has one package of a name and architecture; elsewhere the place tells them apart.</summary>
    private static (string, string, string, string) KeyOf(InstalledPackage p) =>
        (p.Package.Type, p.Package.Name, p.Package.Architecture, p.Package.IsOfDistribution ? "" : Words.PlaceOf(p));

    private static bool SameVersion(InstalledPackage a, InstalledPackage b) => a.Package.Version == b.Package.Version;

    private static int ByName(InstalledPackage a, InstalledPackage b)
    {
        int order = string.CompareOrdinal(a.Package.Name, b.Package.Name);
        order = order != 0 ? order : string.CompareOrdinal(a.Package.Version, b.Package.Version);
        order = order != 0 ? order : string.CompareOrdinal(a.Package.Architecture, b.Package.Architecture);
        return order != 0 ? order : string.CompareOrdinal(Words.PlaceOf(a), Words.PlaceOf(b));
    }

    private static Dictionary<string, Finding> OpenByFingerprint(Report report)
    {
        Dictionary<string, Finding> open = new(StringComparer.Ordinal);
        foreach (Finding finding in report.Findings.Where(f => f.Suppressed is null))
            open.TryAdd(finding.Fingerprint, finding);
        return open;
    }

    private static List<Finding> Sorted(IEnumerable<Finding> findings) =>
        [.. findings.OrderByDescending(f => f.KnownExploited is not null).ThenByDescending(f => f.Severity).ThenBy(f => f.Id, IdOrder.Instance)
            .ThenBy(f => f.Package.Package.Name, StringComparer.Ordinal).ThenBy(f => f.Fingerprint, StringComparer.Ordinal)];
}
