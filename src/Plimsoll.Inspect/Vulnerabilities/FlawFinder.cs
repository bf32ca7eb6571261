using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Versions;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Finds the flaws of packages, each name and version asked once: many binary packages come from one source.</summary>
/// <remarks>
/// Written without LINQ and without generic code over value types: the runtime compiles those anew at each start, which took
/// longer than the matching.
/// </remarks>
sealed class FlawFinder(IAdvisoryStore store, List<Gap> gaps)
{
    private readonly FlawIds _ids = new(store);
    private readonly FlawWriter _writer = new(store);
    private readonly Dictionary<string, List<Flaw>> _answers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);

    /// <summary>Flaws in ordinal order of id.</summary>
    /// <param name="ecosystems">As records are filed: <c>Debian:11</c>, <c>npm</c>; several for releases in parts.</param>
    /// <param name="binaryNames">See <see cref="Release.ByBinaryName"/>; true for languages, too.</param>
    public IReadOnlyList<Flaw> FlawsOf(InstalledPackage installed, IReadOnlyList<string> ecosystems, IVersionOrder order, bool binaryNames)
    {
        Package package = installed.Package;
        string name = binaryNames ? package.Name : package.SourceName, version = binaryNames ? package.Version : package.SourceVersion;
        string key = string.Concat(ecosystems[0], "\n", package.Module) + string.Concat("\n", name, "\n", version);
        if (!_answers.TryGetValue(key, out List<Flaw>? flaws))
            _answers[key] = flaws = Ask(installed, ecosystems, name, version, order);
        return flaws;
    }

    private List<Flaw> Ask(InstalledPackage installed, IReadOnlyList<string> ecosystems, string name, string version, IVersionOrder order)
    {
        IReadOnlyList<Affected> records = Find(ecosystems, name);
        if (records.Count == 0)
            return [];
        if (!order.IsValid(version))
        {
            gaps.Add(new Gap("version-unreadable", installed.Path,
                $"package {Texts.Escape.Quote(installed.Package.Name)}: {Texts.Escape.Quote(version)} is no {installed.Package.Type} version; {records.Count} advisories on {name} stay undecided"));
            return [];
        }
        if (installed.Package.Type == "rpm")
            records = OfThisBuild(records, installed.Package, version, order);
        Dictionary<string, FlawMatches> found = new(StringComparer.Ordinal);
        List<string> names = [];
        for (int i = 0; i < records.Count; i++)
        {
            Affected record = records[i];
            RangeAnswer answer = RangeCheck.Ask(record, version, order);
            if (answer.Affected is null && _unreadable.Add($"{record.Advisory.Id} {name}"))
                gaps.Add(new Gap("advisory-unreadable", record.Advisory.Id, $"its range for {record.Ecosystem} {name} holds a text that is no version"));
            if (answer.Affected != true)
                continue;
            Match match = new()
            {
                AdvisoryId = record.Advisory.Id,
                Ecosystem = record.Ecosystem,
                Package = name,
                Version = version,
                Range = answer.Range,
                FixedVersion = answer.Fixed,
            };
            foreach (string flaw in _ids.Of(record.Advisory))
            {
                if (!found.TryGetValue(flaw, out FlawMatches? matches))
                {
                    found[flaw] = matches = new FlawMatches();
                    names.Add(flaw);
                }
                matches.Add(record, match);
            }
        }
        if (found.Count == 0)
            return [];
        // What does not affect this version may still tell of the version that an upgrade would lead to.
        for (int i = 0; i < records.Count; i++)
            foreach (string flaw in _ids.Of(records[i].Advisory))
                if (found.TryGetValue(flaw, out FlawMatches? matches))
                    matches.All.Add(records[i]);
        names.Sort(StringComparer.Ordinal);
        List<Flaw> flaws = new(names.Count);
        foreach (string flaw in names)
            flaws.Add(_writer.Describe(flaw, found[flaw], _ids, order));
        return flaws;
    }

    /// <summary>All records on a package, in ordinal order of advisory id.</summary>
    private IReadOnlyList<Affected> Find(IReadOnlyList<string> ecosystems, string name)
    {
        if (ecosystems.Count == 1)
            return store.Find(ecosystems[0], name);
        List<Affected> all = [];
        foreach (string ecosystem in ecosystems)
            all.AddRange(store.Find(ecosystem, name));
        all.Sort((a, b) => string.CompareOrdinal(a.Advisory.Id, b.Advisory.Id));
        return all;
    }

    /// <summary>
    /// Records on this stream, each advisory counting only when every build that it names is newer: rebuilds for several minor
    /// releases carry the same fix, and who has one of them has it.
    /// </summary>
    private static List<Affected> OfThisBuild(IReadOnlyList<Affected> records, Package package, string version, IVersionOrder order)
    {
        HashSet<string> well = new(StringComparer.Ordinal);
        List<Affected> kept = [.. RpmRecords.Concerning(package, records)];
        for (int i = 0; i < kept.Count; i++)
            if (RangeCheck.Ask(kept[i], version, order).Affected == false)
                well.Add(kept[i].Advisory.Id);
        kept.RemoveAll(record => well.Contains(record.Advisory.Id));
        return kept;
    }
}

/// <summary>What matched of one flaw.</summary>
sealed class FlawMatches
{
    /// <summary>Records that affect the version, and why; one list goes with the other.</summary>
    public List<Affected> Records { get; } = [];
    public List<Match> Matches { get; } = [];

    /// <summary>All records on the flaw and the package, whether they affect this version or not.</summary>
    public List<Affected> All { get; } = [];

    /// <summary>Kept in ordinal order of advisory ids, then of fixed versions.</summary>
    public void Add(Affected record, Match match)
    {
        int at = Matches.Count;
        while (at > 0 && Compare(Matches[at - 1], match) > 0)
            at--;
        Records.Insert(at, record);
        Matches.Insert(at, match);
    }

    private static int Compare(Match a, Match b) =>
        string.CompareOrdinal(a.AdvisoryId, b.AdvisoryId) is var byId and not 0 ? byId : string.CompareOrdinal(a.FixedVersion, b.FixedVersion);
}
