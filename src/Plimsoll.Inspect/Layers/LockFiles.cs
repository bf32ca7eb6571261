using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Layers;

/// <param name="Type">purl type of the packages that it names.</param>
internal sealed record LockFile(string Type, string Path);

/// <summary>Holds what lock files name against what is installed below their folders.</summary>
/// <remarks>
/// A lock file says what its tool would install. Where an installed tree of that type stands below the lock file's folder, it was
/// installed, and what only the file names was left out (production only, another platform, removed again).
/// </remarks>
internal sealed class LockFiles
{
    /// <summary>Folders of a path that are looked at, outermost first; what lies deeper overtakes no lock file.</summary>
    private const int MaxDepth = 64;

    /// <summary>Places of one package and version that are looked at.</summary>
    private const int MaxPlaces = 64;

    // Texts as keys, because sets of tuples are compiled anew at every start; no type has a blank in it.
    private readonly HashSet<string> _trees = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _installed = new(StringComparer.Ordinal);

    /// <param name="all">Packages in sight; those of lock files among them.</param>
    /// <param name="lockFiles">Further lock files: those that could not be read, and those that went.</param>
    public LockFiles(IReadOnlyCollection<InstalledPackage> all, IReadOnlyList<LockFile> lockFiles)
    {
        HashSet<string> folders = new(StringComparer.Ordinal);
        foreach (LockFile file in lockFiles)
            folders.Add(TreeOf(file.Type, file.Path));
        foreach (InstalledPackage package in all)
            if (package.Package.Evidence == PackageEvidence.LockFile)
                folders.Add(TreeOf(package.Package.Type, package.Path));
        if (folders.Count == 0)
            return;
        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> lookup = folders.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (InstalledPackage package in all)
        {
            if (package.Package.Evidence != PackageEvidence.Installed || package.Package.IsOfDistribution)
                continue;
            string key = KeyOf(package.Package);
            if (!_installed.TryGetValue(key, out List<string>? places))
                _installed[key] = places = [];
            if (places.Count < MaxPlaces)
                places.Add(package.Path);
            int slash = package.Path.IndexOf('/', StringComparison.Ordinal);
            for (int depth = 0; slash > 0 && depth < MaxDepth; depth++, slash = package.Path.IndexOf('/', slash + 1))
                if (lookup.TryGetValue(package.Path.AsSpan(0, slash), out string? folder))
                    _trees.Add($"{package.Package.Type} {folder}");
        }
    }

    /// <summary>Whether a package is known from a lock file alone that an installed tree has overtaken, or is itself installed below that file's folder.</summary>
    public bool IsOvertaken(InstalledPackage package)
    {
        if (package.Package.Evidence != PackageEvidence.LockFile)
            return false;
        if (HasTree(package.Package.Type, package.Path))
            return true;
        string folder = Places.FolderOf(package.Path);
        return _installed.TryGetValue(KeyOf(package.Package), out List<string>? places)
            && places.Exists(p => folder.Length == 0 || (p.StartsWith(folder, StringComparison.Ordinal) && p[folder.Length] == '/'));
    }

    /// <summary>Whether something of this type is installed where the lock file's tool would put it.</summary>
    public bool HasTree(string type, string lockFile) => _trees.Contains($"{type} {TreeOf(type, lockFile)}");

    private static string KeyOf(Package package) => $"{package.Type} {package.Name}\n{package.Version}";

    /// <summary>
    /// The folder in which the tool installs: node_modules and vendor beside the lock file, for others any below it. At the root
    /// everything lies below, which says nothing; there no tree of the others is known.
    /// </summary>
    private static string TreeOf(string type, string lockFile)
    {
        string folder = Places.FolderOf(lockFile);
        string? beside = type switch { "npm" => "node_modules", "composer" when folder.Length == 0 => "vendor", _ => null };
        return beside is null ? folder : folder.Length == 0 ? beside : $"{folder}/{beside}";
    }
}
