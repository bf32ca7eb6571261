using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Layers;

/// <summary>Which packages are in sight, since which layer, and which went. Costs what changes, not what is there.</summary>
internal sealed class PackageLedger
{
    private sealed record PackageKey(string Analyser, string Type, string Name, string Architecture, string Version, string Source, string SourceVersion, string Place)
    {
        /// <summary>What a package and that which replaces it have in common.</summary>
        public Seat Seat => new(Analyser, Type, Name, Architecture, Place);
    }

    private sealed record Seat(string Analyser, string Type, string Name, string Architecture, string Place);

    private sealed class Entry
    {
        private SortedDictionary<string, Package>? _more;

        /// <summary>The files in sight that list it, nearly always one; the first in ordinal order is shown.</summary>
        public string? Path { get; private set; }
        public Package? Package { get; private set; }

        public void Add(string path, Package package)
        {
            if (Path is null)
                (Path, Package) = (path, package);
            else if (Path != path)
            {
                _more ??= new SortedDictionary<string, Package>(StringComparer.Ordinal) { [Path] = Package! };
                if (_more.TryAdd(path, package) && string.CompareOrdinal(path, Path) < 0)
                    (Path, Package) = (path, package);
            }
        }

        /// <returns>Whether it was among them.</returns>
        public bool Remove(string path)
        {
            if (_more is null)
            {
                if (Path != path)
                    return false;
                (Path, Package) = (null, null);
                return true;
            }
            if (!_more.Remove(path))
                return false;
            (Path, Package) = (null, null);
            foreach ((string first, Package package) in _more)
            {
                (Path, Package) = (first, package);
                break;
            }
            if (_more.Count <= 1)
                _more = null;
            return true;
        }

        /// <summary>As it was when its last layer was settled; null before the first.</summary>
        public InstalledPackage? Shown { get; set; }
    }

    private readonly Dictionary<PackageKey, Entry> _entries = [];
    private readonly HashSet<PackageKey> _touched = [];
    private readonly List<InstalledPackage> _removed = [];

    public List<InstalledPackage> Installed
    {
        get
        {
            List<InstalledPackage> installed = new(_entries.Count);
            foreach ((_, Entry entry) in _entries)
                installed.Add(entry.Shown!);
            return installed;
        }
    }

    public IReadOnlyList<InstalledPackage> Removed => _removed;

    public void Take(FileFacts facts)
    {
        foreach (Package package in facts.Packages)
        {
            PackageKey key = KeyOf(facts, package);
            if (!_entries.TryGetValue(key, out Entry? entry))
                _entries[key] = entry = new Entry();
            entry.Add(facts.Path, package);
            _touched.Add(key);
        }
    }

    public void Drop(FileFacts facts)
    {
        foreach (Package package in facts.Packages)
        {
            PackageKey key = KeyOf(facts, package);
            if (_entries.TryGetValue(key, out Entry? entry) && entry.Remove(facts.Path))
                _touched.Add(key);
        }
    }

    /// <summary>Settles what one layer dropped and took: new packages came with it, those that nothing lists any more went with it.</summary>
    public void Settle(Origin origin)
    {
        Dictionary<Seat, string> successors = [];
        foreach (PackageKey key in _touched)
            if (_entries[key] is { Shown: null, Path: not null } && (!successors.TryGetValue(key.Seat, out string? version) || string.CompareOrdinal(key.Version, version) < 0))
                successors[key.Seat] = key.Version;
        foreach (PackageKey key in _touched)
        {
            Entry entry = _entries[key];
            if (entry.Path is not { } path)
            {
                if (entry.Shown is { } last)
                    _removed.Add(last with { RemovedBy = origin, ReplacedBy = successors.GetValueOrDefault(key.Seat) });
                _entries.Remove(key);
                continue;
            }
            entry.Shown = new InstalledPackage { Package = entry.Package!, Path = path, Analyser = key.Analyser, Place = key.Place, Origin = entry.Shown?.Origin ?? origin, Purl = "" };
        }
        _touched.Clear();
    }

    private static PackageKey KeyOf(FileFacts facts, Package package) =>
        new(facts.Analyser, package.Type, package.Name, package.Architecture, package.Version, package.SourceName, package.SourceVersion, Places.Of(package, facts.Path));
}
