namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Which flaws a record speaks of.</summary>
/// <remarks>
/// A CVE is a flaw; two CVEs are two flaws, though one DSA may carry both. A record without a CVE takes the CVEs of the
/// records that it is an alias of, step by step; where there are none, all records of that chain are one flaw.
/// </remarks>
sealed class FlawIds(IAdvisoryStore store)
{
    /// <summary>Ids followed from one record; alias chains of the real world have under ten.</summary>
    private const int MaxFollowed = 64;

    private readonly Dictionary<string, SortedSet<string>> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _single = new(StringComparer.Ordinal), _bundle = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<Advisory>> _records = new(StringComparer.Ordinal);

    public static bool IsCve(string id) => id.StartsWith("CVE-", StringComparison.Ordinal) && id.Length > 8 && char.IsAsciiDigit(id[4]);

    /// <summary>CVEs that the record names itself, in ordinal order.</summary>
    public static SortedSet<string> CvesOf(Advisory advisory)
    {
        SortedSet<string> cves = new(StringComparer.Ordinal);
        for (int i = 0; i < advisory.Aliases.Count; i++)
            if (IsCve(advisory.Aliases[i]))
                cves.Add(advisory.Aliases[i]);
        for (int i = 0; i < advisory.Upstream.Count; i++)
            if (IsCve(advisory.Upstream[i]))
                cves.Add(advisory.Upstream[i]);
        // The record's own id may be a CVE or hold one: ALPINE-CVE-2020-7471, DEBIAN-CVE-2021-44228.
        int at = advisory.Id.IndexOf("CVE-", StringComparison.Ordinal);
        if (at >= 0 && (at == 0 || advisory.Id[at - 1] == '-') && IsCve(advisory.Id[at..]))
            cves.Add(advisory.Id[at..]);
        return cves;
    }

    /// <summary>Names of the flaws of a record: CVEs, or else one id that stands for its chain of aliases.</summary>
    public SortedSet<string> Of(Advisory advisory)
    {
        if (_known.TryGetValue(advisory.Id, out SortedSet<string>? known))
            return known;
        SortedSet<string> cves = CvesOf(advisory);
        return _known[advisory.Id] = cves.Count > 0 ? cves : Follow(advisory);
    }

    /// <summary>Whether the record speaks of one flaw only.</summary>
    public bool IsSingle(Advisory advisory)
    {
        if (_single.Contains(advisory.Id))
            return true;
        if (_bundle.Contains(advisory.Id))
            return false;
        bool single = CvesOf(advisory).Count <= 1;
        (single ? _single : _bundle).Add(advisory.Id);
        return single;
    }

    /// <summary>Records whose id, alias or upstream is this id; asked once.</summary>
    public IReadOnlyList<Advisory> Find(string id)
    {
        if (!_records.TryGetValue(id, out IReadOnlyList<Advisory>? records))
        {
            Advisory[] sorted = [.. store.FindById(id)];
            Array.Sort(sorted, static (a, b) => string.CompareOrdinal(a.Id, b.Id) is var byId and not 0 ? byId : string.CompareOrdinal(a.Source, b.Source));
            _records[id] = records = sorted;
        }
        return records;
    }

    private SortedSet<string> Follow(Advisory start)
    {
        SortedSet<string> cves = new(StringComparer.Ordinal), ids = new(StringComparer.Ordinal) { start.Id };
        // Only records name a flaw: an alias that no database here explains could be anything.
        SortedSet<string> records = new(StringComparer.Ordinal) { start.Id };
        Queue<string> open = new([start.Id, .. start.Aliases]);
        ids.UnionWith(start.Aliases.Take(MaxFollowed));
        while (open.Count > 0 && ids.Count <= MaxFollowed)
            foreach (Advisory other in Find(open.Dequeue()))
            {
                // A record that merely lists one of the ids as upstream is no alias of it.
                if (!ids.Contains(other.Id) && !other.Aliases.Any(ids.Contains))
                    continue;
                records.Add(other.Id);
                cves.UnionWith(CvesOf(other));
                foreach (string next in other.Aliases.Append(other.Id))
                    if (ids.Count <= MaxFollowed && ids.Add(next))
                        open.Enqueue(next);
            }
        return cves.Count > 0 ? cves : new SortedSet<string>(StringComparer.Ordinal) { records.Min! };
    }
}
