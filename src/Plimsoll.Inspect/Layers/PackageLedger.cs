using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Layers;

/// <summary>Which packages are in sight, since which layer, and which went. Costs what changes, not what is there.</summary>
internal sealed class PackageLedger
{
    private readonly record struct PackageKey(string Analyser, string Type, string Name, string Architecture, string Version, string Source, string SourceVersion, string Place)
    {
        /// <summary>What a package and that which replaces it have in common.</summary>
        public (string, string, string, string, string) Seat => (Analyser, Type, Name, Architecture, Place);
    }

    private sealed class Entry
    {
        /// <summary>The files in sight that list it; the first in ordinal order is shown.</summary>
        public SortedDictionary<string, Package> Holders { get; } = new(StringComparer.Ordinal);

        /// <summary>As it was when its last layer was settled; null before the first.</summary>
        public InstalledPackage? Shown { get; set; }
    }

    private readonly Dictionary<PackageKey, Entry> _entries = [];
    private readonly HashSet<PackageKey> _touched = [];
    private readonly List<InstalledPackage> _removed = [];

    public IEnumerable<InstalledPackage> Installed => _entries.Values.Select(e => e.Shown!);

    public IReadOnlyList<InstalledPackage> Removed => _removed;

    public void Take(FileFacts facts)
    {
        foreach (Package package in facts.Packages)
        {
            PackageKey key = KeyOf(facts, package);
            if (!_entries.TryGetValue(key, out Entry? entry))
                _entries[key] = entry = new Entry();
            entry.Holders.TryAdd(facts.Path, package);
            _touched.Add(key);
        }
    }

    public void Drop(FileFacts facts)
    {
        foreach (Package package in facts.Packages)
        {
            PackageKey key = KeyOf(facts, package);
            if (_entries.TryGetValue(key, out Entry? entry) && entry.Holders.Remove(facts.Path))
                _touched.Add(key);
        }
    }

    /// <summary>Settles what one layer dropped and took: new packages came with it, those that nothing lists any more went with it.</summary>
    public void Settle(Origin origin)
    {
        Dictionary<(string, string, string, string, string), string> successors = [];
        foreach (PackageKey key in _touched)
            if (_entries[key] is { Shown: null, Holders.Count: > 0 } && (!successors.TryGetValue(key.Seat, out string? version) || string.CompareOrdinal(key.Version, version) < 0))
                successors[key.Seat] = key.Version;
        foreach (PackageKey key in _touched)
        {
            Entry entry = _entries[key];
            if (entry.Holders.Count == 0)
            {
                if (entry.Shown is { } last)
                    _removed.Add(last with { RemovedBy = origin, ReplacedBy = successors.GetValueOrDefault(key.Seat) });
                _entries.Remove(key);
                continue;
            }
            (string path, Package package) = entry.Holders.First();
            entry.Shown = new InstalledPackage { Package = package, Path = path, Analyser = key.Analyser, Place = key.Place, Origin = entry.Shown?.Origin ?? origin, Purl = "" };
        }
        _touched.Clear();
    }

    private static PackageKey KeyOf(FileFacts facts, Package package) =>
        new(facts.Analyser, package.Type, package.Name, package.Architecture, package.Version, package.SourceName, package.SourceVersion, Places.Of(package, facts.Path));
}
