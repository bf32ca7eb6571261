using System.Globalization;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.Inspect.Reports;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>What of an image the advisories speak of, and notes on all that they do not.</summary>
sealed class Coverage
{
    private readonly IAdvisoryStore _store;
    private readonly Dictionary<string, string?> _byType = new(StringComparer.Ordinal);

    private readonly Inventory _inventory;

    /// <summary>Values of <see cref="InstalledPackage.OwnedBy"/> that the release's advisories know; null until one is asked for.</summary>
    private HashSet<string>? _owners;

    public Coverage(Inventory inventory, IAdvisoryStore store)
    {
        (_inventory, _store) = (inventory, store);
        Distribution? distribution = inventory.Distribution;
        Release = distribution is null ? null : Release.Of(distribution);
        Order = Release?.PackageType is { } type ? VersionOrders.For(type) : null;
        IsReleaseCovered = Order is not null && Release!.Ecosystems.Any(store.Covers);
    }

    public Release? Release { get; }

    /// <summary>Of the distribution's own packages.</summary>
    public IVersionOrder? Order { get; }

    /// <summary>Whether the distribution's own packages can be looked up.</summary>
    public bool IsReleaseCovered { get; }

    /// <summary>The ecosystem that a language's package is looked up in, or null where there are no records.</summary>
    public string? EcosystemOf(string type)
    {
        if (!_byType.TryGetValue(type, out string? ecosystem))
            _byType[type] = ecosystem = OsvEcosystems.OfType(type) is { } name && _store.Covers(name) ? name : null;
        return ecosystem;
    }

    /// <summary>Whether the distribution's own advisories decide on it, so that its language's are someone else's word.</summary>
    /// <remarks>
    /// Only where the distribution looks after the owner: its advisories speak of it, or its people maintain it. A vendor's package
    /// (Elasticsearch, Jenkins) lies under usr/share with correct checksums too, and nobody patches what is in it.
    /// </remarks>
    public bool IsDecidedByDistribution(InstalledPackage package) =>
        package.OwnedBy is { } owner && IsReleaseCovered && (_owners ??= KnownOwners()).Contains(owner);

    private HashSet<string> KnownOwners()
    {
        HashSet<string> claimed = new(StringComparer.Ordinal), known = new(StringComparer.Ordinal);
        foreach (InstalledPackage installed in _inventory.Packages)
            if (installed.OwnedBy is not null)
                claimed.Add(installed.OwnedBy);
        foreach (InstalledPackage installed in _inventory.Packages)
        {
            Package package = installed.Package;
            string owner = $"{package.Type}/{package.Name}";
            if (package.Type == Release!.PackageType && claimed.Contains(owner) && (DistributionMaintainers.Include(package) || HasRecords(Release.ByBinaryName ? package.Name : package.SourceName)))
                known.Add(owner);
        }
        return known;
    }

    private bool HasRecords(string name)
    {
        foreach (string ecosystem in Release!.Ecosystems)
            if (_store.Find(ecosystem, name).Count > 0)
                return true;
        return false;
    }

    public void AddNotes(Inventory inventory, DateTimeOffset now, List<Note> notes)
    {
        int ofDistributions = 0, own = 0, newer = 0;
        int claimed = inventory.Distribution is { Id: "debian" } debian && int.TryParse(debian.Version.Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
        Dictionary<string, Counter> foreign = new(StringComparer.Ordinal), unseen = new(StringComparer.Ordinal);
        foreach (InstalledPackage installed in inventory.Packages)
        {
            Package package = installed.Package;
            if (package.IsOfDistribution)
            {
                ofDistributions++;
                if (package.Type == "deb" && DebianReleaseOf(package.SourceVersion) > claimed)
                    newer++;
                if (package.Type == Release?.PackageType)
                    own++;
                else if (Release?.PackageType is not null)
                    CounterAt(foreign, package.Type).Count++;
            }
            else if (EcosystemOf(package.Type) is null && !IsDecidedByDistribution(installed))
                CounterAt(unseen, OsvEcosystems.OfType(package.Type) ?? package.Type).Count++;
        }
        if (newer > 0)
            notes.Add(new Note(MatchNotes.NewerReleasePackages, true, [inventory.Distribution!.Version, Text(newer)]));
        if (inventory.Distribution is { } distribution && Release is not null)
            AddDistributionNotes(distribution, ofDistributions, own, foreign, now, notes);
        else if (inventory.Packages.Count == 0)
            notes.Add(new Note(MatchNotes.NothingFound, true, []));
        else if (ofDistributions > 0)
            notes.Add(new Note(MatchNotes.NoDistribution, true, [Text(ofDistributions)]));
        foreach (Counter ecosystem in InOrder(unseen))
            notes.Add(ecosystem.Name == "generic"
                ? new Note(MatchNotes.ProgramsNotLookedUp, false, [Text(ecosystem.Count)])
                : new Note(MatchNotes.NoAdvisoriesForEcosystem, true, [ecosystem.Name, Text(ecosystem.Count)]));
    }

    private void AddDistributionNotes(
        Distribution distribution, int ofDistributions, int own, Dictionary<string, Counter> foreign, DateTimeOffset now, List<Note> notes)
    {
        string name = distribution.PrettyName ?? distribution.Id;
        // One of an unknown distribution may keep its packages in a form that is not read here, which is no less a gap.
        if (own == 0)
            notes.Add(new Note(MatchNotes.NoPackageDatabase, true, [name]));
        if (Release!.Rolling)
            notes.Add(new Note(MatchNotes.RollingRelease, true, [name]));
        else if (!IsReleaseCovered)
            notes.Add(new Note(MatchNotes.NoAdvisoriesForRelease, true, [EcosystemName(distribution), distribution.Version, Text(ofDistributions), .. Obtainable()]));
        // Packages of another distribution's kind have no release that anyone could look up.
        foreach (Counter kind in InOrder(foreign))
            notes.Add(new Note(MatchNotes.NoAdvisoriesForRelease, true, [$"{kind.Name} packages in {distribution.Id}", distribution.Version, Text(kind.Count)]));
        if (EndOfLife.Of(distribution) is { } date && DateOnly.FromDateTime(now.UtcDateTime) > date)
            notes.Add(new Note(MatchNotes.EndOfLife, false, [EcosystemName(distribution), distribution.Version, date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)]));
    }

    /// <summary>The ecosystem that an update could bring; none where it is there already and lacks this release, or where OSV has none.</summary>
    private string[] Obtainable() =>
        _store.Info.IsDatabase && Release?.Ecosystem is { } ecosystem && RecordBatch.BaseOf(ecosystem) is var name && !_store.Info.Ecosystems.Contains(name) ? [name] : [];

    /// <summary>The release that a Debian version says it was updated for: 12 of <c>3.0.9-1+deb12u1</c>; 0 where it says none or is a backport.</summary>
    private static int DebianReleaseOf(string version)
    {
        int at = version.LastIndexOf("deb", StringComparison.Ordinal), end = at + 3;
        if (at < 1 || version[at - 1] is not ('+' or '~') || version.Contains("~bpo", StringComparison.Ordinal))
            return 0;
        while (end < version.Length && char.IsAsciiDigit(version[end]))
            end++;
        return end < version.Length && version[end] == 'u' && int.TryParse(version.AsSpan(at + 3, end - at - 3), NumberStyles.None, CultureInfo.InvariantCulture, out int release) ? release : 0;
    }

    private static string EcosystemName(Distribution distribution) =>
        distribution.Id switch { "debian" => "Debian", "alpine" => "Alpine", "ubuntu" => "Ubuntu", _ => distribution.Id };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static Counter CounterAt(Dictionary<string, Counter> counters, string key) =>
        counters.TryGetValue(key, out Counter? counter) ? counter : counters[key] = new Counter(key);

    /// <summary>By name. No sorted dictionary: what that is made of is compiled at each start.</summary>
    private static List<Counter> InOrder(Dictionary<string, Counter> counters)
    {
        List<Counter> sorted = new(counters.Count);
        foreach (KeyValuePair<string, Counter> counter in counters)
            sorted.Add(counter.Value);
        sorted.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return sorted;
    }

    private sealed class Counter(string name)
    {
        public string Name => name;
        public int Count { get; set; }
    }
}
