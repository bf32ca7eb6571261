using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Which records of an rpm distribution speak of a package as it was installed.</summary>
/// <remarks>
/// <para>AlmaLinux publishes bug fixes (ALBA) and enhancements (ALEA) beside security advisories; one that names no CVE is no flaw.</para>
/// <para>Modules: one release may have nodejs 18 and 20 side by side as streams of a module, and a plain nodejs besides; each has versions and
/// fixes of its own, so that comparing across them is wrong in both directions. AlmaLinux's records carry the module only in the
/// release of the fixed version (<c>1.el8.module_el8.6.0+2904+…</c>) and the stream only in the title
/// (<c>Important: nodejs:18 security update</c>).</para>
/// </remarks>
static class RpmRecords
{
    private const string Mark = ".module";

    /// <summary>Those of the records that speak of a package as it was installed.</summary>
    public static IReadOnlyList<Affected> Concerning(Package package, IReadOnlyList<Affected> records)
    {
        if (package.Type != "rpm" || records.Count == 0)
            return records;
        bool ofModule = package.Module is not null || IsOfModule(package.Version);
        return [.. records.Where(r => IsFlaw(r.Advisory) && (OfModule(r) is not { } other || other == ofModule) && (package.Module is null || IsOfStream(r.Advisory.Summary, package.Module)))];
    }

    private static bool IsFlaw(Advisory advisory) =>
        advisory.Id is not ['A', 'L', 'B' or 'E', 'A', '-', ..] || advisory.Upstream.Count > 0 || advisory.Aliases.Count > 0;

    /// <summary>Whether a record's fixes are a module's; null for a record that names no fix.</summary>
    private static bool? OfModule(Affected record)
    {
        bool any = false;
        foreach (AffectedRange range in record.Ranges)
            foreach (RangeEvent e in range.Events)
                if (e.Kind == "fixed")
                {
                    any = true;
                    if (IsOfModule(e.Version))
                        return true;
                }
        return any ? false : null;
    }

    private static bool IsOfModule(string version) => version.Contains(Mark, StringComparison.Ordinal);

    /// <summary>False when a title names another stream of the module and not this one.</summary>
    /// <param name="module">Module and stream: <c>nodejs:18</c>.</param>
    private static bool IsOfStream(string title, string module)
    {
        string name = module[..(module.IndexOf(':', StringComparison.Ordinal) + 1)];
        bool other = false;
        foreach (string word in title.Split([' ', ',', ';', '(', ')'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (word == module)
                return true;
            other |= word.Length > name.Length && word.StartsWith(name, StringComparison.Ordinal);
        }
        return !other;
    }
}
