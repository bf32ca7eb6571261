using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Distributions;
using Plimsoll.Inspect.Packages.Npm;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Layers;

/// <summary>Lays the facts of an image's layers over each other, base first, as a union file system does.</summary>
internal sealed class Composer
{
    private readonly VisibleFiles _files = new();
    private readonly PackageLedger _packages = new();
    private readonly HitLedger _hits = new();
    private readonly SortedDictionary<string, string?> _anchors = new(StringComparer.Ordinal);

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
            composer.Lay(layerFacts, new Origin(i, layer.DiffId?.ToString(), history[i]));
            layers.Add(new LayerSummary(i, layer.DiffId?.ToString(), layer.BlobDigest?.ToString(), history[i], layerFacts.TarBytes, layerFacts.Entries, fromCache.Contains(layer.Key)));
            string where = image.Layers.Count > 1 ? $"layer {i}: " : "";
            gaps.AddRange(layerFacts.Gaps.Select(g => g with { Where = where + g.Where }));
        }
        return composer.Result(layers, gaps);
    }

    private void Lay(LayerFacts layer, Origin origin)
    {
        foreach (FileFacts gone in _files.Hide(layer))
        {
            _packages.Drop(gone);
            if (gone.Hits.Count > 0)
                _hits.Drop(gone);
        }
        HideAnchors(layer);
        foreach (FileFacts file in layer.Files)
        {
            _files.Add(file);
            _packages.Take(file);
            if (file.Hits.Count > 0)
                _hits.Take(file);
        }
        foreach ((string path, string? target) in layer.Anchors)
            _anchors[path] = target;
        _packages.Settle(origin);
        _hits.Settle(origin);
    }

    private void HideAnchors(LayerFacts layer)
    {
        if (_anchors.Count == 0)
            return;
        HashSet<string> whiteouts = [.. layer.Whiteouts], opaque = [.. layer.OpaqueFolders], displaced = [.. layer.Displaced];
        foreach (string path in _anchors.Keys.Where(path => IsHidden(path, layer, whiteouts, opaque, displaced)).ToList())
            _anchors.Remove(path);
    }

    private static bool IsHidden(string path, LayerFacts layer, HashSet<string> whiteouts, HashSet<string> opaque, HashSet<string> displaced)
    {
        ReadOnlySpan<PathHash> nonFolders = layer.NonFolders.Span;
        if (displaced.Contains(path) || whiteouts.Contains(path) || opaque.Contains(path) || nonFolders.BinarySearch(PathHash.Of(path)) >= 0)
            return true;
        for (int slash = path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            string folder = path[..slash];
            if (whiteouts.Contains(folder) || opaque.Contains(folder) || nonFolders.BinarySearch(PathHash.Of(folder)) >= 0)
                return true;
        }
        return false;
    }

    private Inventory Result(List<LayerSummary> layers, List<Gap> gaps)
    {
        // Two facts of one path by one analyser exist only in different layers; the upper one hid the lower.
        List<FileFacts> visible = _files.ToList();
        List<InstalledPackage> all = _packages.Installed;
        LockFiles locks = new(all,
        [
            .. visible.SelectMany(f => f.Gaps).Where(g => g.Code == NpmAnalyser.NotRead).Select(g => new LockFile("npm", g.Where)),
            .. _packages.Removed.Where(p => p.Package.Evidence == PackageEvidence.LockFile).Select(p => new LockFile(p.Package.Type, p.Path)),
        ]);
        gaps.AddRange(visible.SelectMany(f => f.Gaps).Where(g => g.Code != NpmAnalyser.NotRead || !locks.HasTree("npm", g.Where)));
        gaps.AddRange(Anchors.LedAstray(_anchors, Analysers.Anchors));
        Distribution? distribution = DistributionChoice.Choose(visible);
        Dictionary<string, IReadOnlyList<string>> licences = [];
        foreach (FileFacts file in visible)
            foreach ((string package, IReadOnlyList<string> names) in file.LicencesOf ?? new Dictionary<string, IReadOnlyList<string>>())
                licences.TryAdd(package, names);
        (IEnumerable<InstalledPackage> owned, List<FileHit> hits) = Owned(visible, all.Where(p => !locks.IsOvertaken(p)));
        return new Inventory
        {
            Distribution = distribution,
            Packages = Sorted(owned),
            // What a lock file named went only if it was not installed meanwhile.
            Removed = Sorted(_packages.Removed.Where(p => !locks.IsOvertaken(p))),
            Hits = hits,
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

    /// <summary>Names the distribution's package that a language's package, a program or a file with hits came with.</summary>
    private (IEnumerable<InstalledPackage> Packages, List<FileHit> Hits) Owned(List<FileFacts> visible, IEnumerable<InstalledPackage> packages)
    {
        HashSet<string> known = new(StringComparer.Ordinal);
        foreach (InstalledPackage package in _packages.Installed)
            if (package.Package.IsOfDistribution)
                known.Add($"{package.Package.Type}/{package.Package.Name}");
        OwnedFiles owned = new(visible, known, merged: _anchors.GetValueOrDefault("lib")?.Trim('/') == "usr/lib");
        // By analyser and path; no analyser's id has a line end in it.
        Dictionary<string, string> owners = new(StringComparer.Ordinal);
        foreach (FileFacts facts in visible)
            if (facts.Checksums.Count > 0 && owned.OwnerOf(facts) is { } owner)
                owners[$"{facts.Analyser}\n{facts.Path}"] = owner;
        List<FileHit> hits =
        [
            .. _hits.Shown.Select(h => owners.TryGetValue($"{h.Analyser}\n{h.Path}", out string? owner) ? h with { OwnedBy = owner } : h).Concat(_hits.Removed)
                .OrderBy(h => h.Path, StringComparer.Ordinal).ThenBy(h => h.Hit.Line).ThenBy(h => h.Hit.Rule, StringComparer.Ordinal).ThenBy(h => h.Analyser, StringComparer.Ordinal)
                .ThenBy(h => h.Hit.Evidence, StringComparer.Ordinal).ThenBy(h => h.Hit.Detail, StringComparer.Ordinal).ThenBy(h => h.Origin.Layer).ThenBy(h => h.RemovedBy?.Layer ?? -1),
        ];
        return (packages.Select(p => !p.Package.IsOfDistribution && owners.TryGetValue($"{p.Analyser}\n{p.Path}", out string? owner) ? p with { OwnedBy = owner } : p), hits);
    }

    /// <summary>The history line of each layer; null for all when the lines that made layers are not as many as the layers.</summary>
    internal static IReadOnlyList<string?> HistoryOf(Image image)
    {
        List<string?> lines = [.. (image.Config?.History ?? []).Where(h => h is { EmptyLayer: false }).Select(h => h.CreatedBy)];
        return lines.Count == image.Layers.Count ? lines : new string?[image.Layers.Count];
    }
}
