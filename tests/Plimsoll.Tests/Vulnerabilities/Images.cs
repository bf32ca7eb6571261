using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Distributions;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Tests.Vulnerabilities;

/// <summary>Inventories for tests of matching.</summary>
static class Images
{
    public static Inventory Debian(string version, params IEnumerable<InstalledPackage> packages) => Of("debian", version, packages);

    public static Inventory Of(string id, string version, params IEnumerable<InstalledPackage> packages) => new()
    {
        Distribution = new Distribution { Id = id, Version = version, Source = "etc/os-release" },
        Packages = [.. packages],
    };

    public static InstalledPackage Deb(string name, string version, string? source = null, string? sourceVersion = null) =>
        Installed(new Package { Type = "deb", Name = name, Version = version, SourceName = source ?? name, SourceVersion = sourceVersion ?? version }, "var/lib/dpkg/status");

    public static InstalledPackage Apk(string name, string version, string? source = null) =>
        Installed(new Package { Type = "apk", Name = name, Version = version, SourceName = source ?? name, SourceVersion = version }, "lib/apk/db/installed");

    public static InstalledPackage Language(string type, string name, string version, string path, string? ownedBy = null, bool development = false) =>
        Installed(new Package { Type = type, Name = name, Version = version, SourceName = name, SourceVersion = version, Development = development, Evidence = development ? PackageEvidence.LockFile : PackageEvidence.Installed }, path) with { OwnedBy = ownedBy };

    public static MatchResult Match(Inventory inventory, IAdvisoryStore store, DateTimeOffset now) =>
        Matcher.Match(inventory, store, now, TestContext.Current.CancellationToken);

    /// <summary>What the analysers see in an unpacked root.</summary>
    public static Inventory OfRoot(string root)
    {
        List<FileFacts> facts = [];
        foreach (string path in (string[])["var/lib/dpkg/status", .. OsReleaseAnalyser.Files])
            if (File.Exists(Path.Combine(root, path)) && new FileInfo(Path.Combine(root, path)).LinkTarget is null)
                facts.AddRange(Analysers.All.Where(a => a.Wants(System.Text.Encoding.UTF8.GetBytes(path)))
                    .Select(a => a.Analyse(path, File.ReadAllBytes(Path.Combine(root, path)))).OfType<FileFacts>());
        return new Inventory
        {
            Distribution = DistributionChoice.Choose(facts),
            Packages = [.. facts.SelectMany(f => f.Packages.Select(p => Installed(p, f.Path)))],
            Gaps = [.. facts.SelectMany(f => f.Gaps)],
        };
    }

    private static InstalledPackage Installed(Package package, string path) => new()
    {
        Package = package,
        Path = path,
        Analyser = "test",
        Origin = new Origin(0, null, null),
        Purl = Purl.Of(package, null),
    };
}
