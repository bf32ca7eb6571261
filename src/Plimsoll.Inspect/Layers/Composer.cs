using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Distributions;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Layers;

/// <summary>Lays the facts of an image's layers over each other, base first, as a union file system does.</summary>
internal sealed class Composer
{
    private sealed record PackageKey(string Analyser, string Name, string Architecture, string Version, string Source, string SourceVersion, string Place);

    private sealed record Visible(int Layer, FileFacts Facts);

    private readonly Dictionary<string, List<Visible>> _files = [];
    private readonly Dictionary<PackageKey, InstalledPackage> _installed = [];
    private readonly List<InstalledPackage> _removed = [];
    private readonly Dictionary<string, PathHash> _hashes = [];
    private readonly Dictionary<string, string?> _anchors = new(StringComparer.Ordinal);

    /// <param name="image">Config and layers known.</param>
    /// <param name="facts">By <see cref="ImageLayer.Key"/>.</param>
    public static Inventory Compose(Image image, IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> fromCache)
    {
        IReadOnlyList<string?> history = HistoryOf(image);
        Composer composer = new();
        List<LayerSummary> layers = [];
        List<Gap> gaps = [];
        for (int i = 0; i < image.Layers.Count; i++)
        {
            ImageLayer layer = image.Layers[i];
            LayerFacts layerFacts = facts[layer.Key];
            composer.Lay(i, layerFacts, new Origin(i, layer.DiffId?.ToString(), history[i]));
            layers.Add(new LayerSummary(i, layer.DiffId?.ToString(), layer.BlobDigest?.ToString(), history[i], layerFacts.TarBytes, layerFacts.Entries, fromCache.Contains(layer.Key)));
            string where = image.Layers.Count > 1 ? $"layer {i}: " : "";
            gaps.AddRange(layerFacts.Gaps.Select(g => g with { Where = where + g.Where }));
        }
        return composer.Result(layers, gaps);
    }

    private void Lay(int index, LayerFacts layer, Origin origin)
    {
        bool changed = Hide(layer);
        foreach (FileFacts file in layer.Files)
        {
            if (!_files.TryGetValue(file.Path, out List<Visible>? list))
                _files[file.Path] = list = [];
            list.Add(new Visible(index, file));
            changed |= file.Packages.Count > 0;
        }
        foreach ((string path, string? target) in layer.Anchors)
            _anchors[path] = target;
        if (changed)
            Account(origin);
    }

    /// <returns>True when a file with packages went out of sight.</returns>
    private bool Hide(LayerFacts layer)
    {
        if (_files.Count == 0 && _anchors.Count == 0)
            return false;
        HashSet<string> whiteouts = [.. layer.Whiteouts], opaque = [.. layer.OpaqueFolders], displaced = [.. layer.Displaced];
        List<string> hidden = [.. _files.Keys.Where(path => IsHidden(path, layer, whiteouts, opaque, displaced))];
        bool changed = false;
        foreach (string path in _anchors.Keys.Where(path => IsHidden(path, layer, whiteouts, opaque, displaced)).ToList())
            _anchors.Remove(path);
        foreach (string path in hidden)
        {
            changed |= _files[path].Exists(v => v.Facts.Packages.Count > 0);
            _files.Remove(path);
        }
        return changed;
    }

    private bool IsHidden(string path, LayerFacts layer, HashSet<string> whiteouts, HashSet<string> opaque, HashSet<string> displaced)
    {
        ReadOnlySpan<PathHash> nonFolders = layer.NonFolders.Span;
        // An opaque folder of that very name takes the place of a file: so overlayfs records one that was removed and made again.
        if (displaced.Contains(path) || whiteouts.Contains(path) || opaque.Contains(path) || nonFolders.BinarySearch(HashOf(path)) >= 0)
            return true;
        for (int slash = path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            string folder = path[..slash];
            if (whiteouts.Contains(folder) || opaque.Contains(folder) || nonFolders.BinarySearch(HashOf(folder)) >= 0)
                return true;
        }
        return false;
    }

    /// <summary>Compares the packages now in sight with those before: new ones came with this layer, missing ones went with it.</summary>
    private void Account(Origin origin)
    {
        Dictionary<PackageKey, (Package Package, string Path)> now = [];
        foreach ((string path, List<Visible> list) in _files)
            foreach (Visible visible in list)
                foreach (Package package in visible.Facts.Packages)
                    now.TryAdd(new PackageKey(visible.Facts.Analyser, package.Name, package.Architecture, package.Version, package.SourceName, package.SourceVersion, PlaceOf(package, path)), (package, path));
        foreach (PackageKey gone in _installed.Keys.Where(key => !now.ContainsKey(key)).ToList())
        {
            string? successor = now.Keys.Where(k => k.Analyser == gone.Analyser && k.Name == gone.Name && k.Architecture == gone.Architecture && k.Place == gone.Place && !_installed.ContainsKey(k))
                .Select(k => k.Version).Order(StringComparer.Ordinal).FirstOrDefault();
            _removed.Add(_installed[gone] with { RemovedBy = origin, ReplacedBy = successor });
            _installed.Remove(gone);
        }
        foreach ((PackageKey key, (Package package, string path)) in now)
        {
            Origin since = _installed.TryGetValue(key, out InstalledPackage? before) ? before.Origin : origin;
            _installed[key] = new InstalledPackage { Package = package, Path = path, Analyser = key.Analyser, Origin = since, Purl = "" };
        }
    }

    /// <summary>A distribution has one database, wherever it lies; a language's package is another one in each place.</summary>
    private static string PlaceOf(Package package, string path) =>
        package.IsOfDistribution ? "" : package.Inner is null ? path : $"{path}!/{package.Inner}";

    private Inventory Result(List<LayerSummary> layers, List<Gap> gaps)
    {
        // Two facts of one path by one analyser exist only in different layers; the upper one hid the lower.
        List<FileFacts> visible = [.. _files.Values.SelectMany(list => list).Select(v => v.Facts).OrderBy(f => f.Path, StringComparer.Ordinal).ThenBy(f => f.Analyser, StringComparer.Ordinal)];
        gaps.AddRange(visible.SelectMany(f => f.Gaps));
        gaps.AddRange(Anchors.LedAstray(_anchors, Analysers.Anchors));
        Distribution? distribution = DistributionChoice.Choose(visible);
        Dictionary<string, IReadOnlyList<string>> licences = [];
        foreach (FileFacts file in visible)
            foreach ((string package, IReadOnlyList<string> names) in file.LicencesOf ?? new Dictionary<string, IReadOnlyList<string>>())
                licences.TryAdd(package, names);
        return new Inventory
        {
            Distribution = distribution,
            Packages = Sorted(_installed.Values),
            Removed = Sorted(_removed),
            Layers = layers,
            Gaps = gaps,
        };

        List<InstalledPackage> Sorted(IEnumerable<InstalledPackage> packages) =>
        [
            .. packages.Select(p => p with { Package = Licensed(p.Package), Purl = Purl.Of(p.Package, distribution) })
                .OrderBy(p => p.Package.Name, StringComparer.Ordinal).ThenBy(p => p.Package.Version, StringComparer.Ordinal)
                .ThenBy(p => p.Package.Architecture, StringComparer.Ordinal).ThenBy(p => p.Path, StringComparer.Ordinal)
                .ThenBy(p => p.RemovedBy?.Layer ?? -1),
        ];

        Package Licensed(Package package) =>
            package.Licences.Count == 0 && licences.TryGetValue(package.Name, out IReadOnlyList<string>? names) ? package with { Licences = names } : package;
    }

    /// <summary>The history line of each layer; null for all when the lines that made layers are not as many as the layers.</summary>
    private static IReadOnlyList<string?> HistoryOf(Image image)
    {
        List<string?> lines = [.. (image.Config?.History ?? []).Where(h => h is { EmptyLayer: false }).Select(h => h.CreatedBy)];
        return lines.Count == image.Layers.Count ? lines : new string?[image.Layers.Count];
    }

    private PathHash HashOf(string path)
    {
        if (!_hashes.TryGetValue(path, out PathHash hash))
            _hashes[path] = hash = PathHash.Of(path);
        return hash;
    }
}
