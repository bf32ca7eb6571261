namespace Plimsoll.Inspect.Packages;

/// <summary>Where a package is the only one of its name: what takes its place there is its other version.</summary>
internal static class Places
{
    /// <summary>
    /// Empty for a distribution, which has one database wherever it lies; the folder that holds all of them for packages whose
    /// own file or folder is named for the version (wheels, eggs, gems, conda); else the file, and the way into an archive.
    /// </summary>
    public static string Of(Package package, string path)
    {
        if (package.IsOfDistribution)
            return "";
        if (package.Inner is not null)
            return $"{path}!/{package.Inner}";
        if (package.Evidence != PackageEvidence.Installed)
            return path;
        return package.Type switch
        {
            "gem" or "conda" => FolderOf(path),
            "pypi" => SitePackagesOf(path),
            _ => path,
        };
    }

    public static string FolderOf(string path) => path[..Math.Max(path.LastIndexOf('/'), 0)];

    private static string SitePackagesOf(string path)
    {
        foreach (string suffix in (ReadOnlySpan<string>)[".dist-info/METADATA", ".egg-info/PKG-INFO", "/EGG-INFO/PKG-INFO", ".egg-info"])
            if (path.EndsWith(suffix, StringComparison.Ordinal))
                return FolderOf(path[..^suffix.Length]);
        return FolderOf(path);
    }
}
