using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Reports;

/// <summary>Order of two versions of a package type: below 0, 0 or above 0.</summary>
public delegate int VersionOrder(string type, string left, string right);

/// <summary>A version to go to, and how many vulnerabilities of the package it fixes.</summary>
internal sealed record Upgrade(FindingGroup Group, string Version, int Fixes)
{
    /// <summary>
    /// One line for each package with a fix, the most useful first. Where versions can be compared it is the highest of the
    /// fixed versions; otherwise each one stands alone with what it is known to fix, for which is highest would be a guess.
    /// </summary>
    public static IEnumerable<Upgrade> Of(IEnumerable<FindingGroup> groups, VersionOrder? order)
    {
        foreach (FindingGroup group in groups)
        {
            List<Finding> fixable = [.. group.Rows.Where(f => f.FixedVersion is not null)];
            if (fixable.Count == 0)
                continue;
            if (order is not null)
            {
                string highest = fixable[0].FixedVersion!;
                foreach (Finding finding in fixable)
                    if (order(group.Package.Package.Type, finding.FixedVersion!, highest) > 0)
                        highest = finding.FixedVersion!;
                yield return new Upgrade(group, highest, fixable.Count);
                continue;
            }
            foreach (IGrouping<string, Finding> version in fixable.GroupBy(f => f.FixedVersion!, StringComparer.Ordinal)
                         .OrderByDescending(v => v.Count()).ThenBy(v => v.Key, StringComparer.Ordinal))
                yield return new Upgrade(group, version.Key, version.Count());
        }
    }
}
