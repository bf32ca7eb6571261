using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>OSV's names of ecosystems, and how each writes its packages' names.</summary>
/// <remarks>Source: OSV schema 1.7, "Defined ecosystems". docs/checks/vulnerabilities.md has the table for users.</remarks>
public static class OsvEcosystems
{
    /// <summary>The ecosystem of a language's packages by purl type.</summary>
    /// <returns>Null where OSV has none: conda (its builds are not PyPI's), generic, and the types of distributions.</returns>
    public static string? OfType(string type) => type switch
    {
        "npm" => "npm",
        "pypi" => "PyPI",
        "maven" => "Maven",
        "golang" => "Go",
        "cargo" => "crates.io",
        "nuget" => "NuGet",
        "gem" => "RubyGems",
        "composer" => "Packagist",
        "pub" => "Pub",
        "hex" => "Hex",
        "swift" => "SwiftURL",
        "hackage" => "Hackage",
        "cran" => "CRAN",
        _ => null,
    };

    /// <summary>Whether this is a language's ecosystem, suffix or not.</summary>
    public static bool IsOfLanguage(string ecosystem) => RecordBatch.BaseOf(ecosystem) is
        "npm" or "PyPI" or "Maven" or "Go" or "crates.io" or "NuGet" or "RubyGems" or "Packagist" or "Pub" or "Hex" or "SwiftURL" or "Hackage" or "CRAN";

    /// <summary>Ecosystems whose records name their CVEs in <c>related</c> alone.</summary>
    public static bool NamesFlawsInRelated(string ecosystem) => RecordBatch.BaseOf(ecosystem) is
        "AlmaLinux" or "Rocky Linux" or "Red Hat" or "SUSE" or "openSUSE" or "Mageia" or "openEuler";

    /// <summary>
    /// What records are filed under: a distribution keeps its release (<c>Debian:11</c>), a language loses its suffix, which names
    /// the server that a package is fetched from (<c>Maven:https://maven.google.com</c>) and not another package.
    /// </summary>
    public static string KeyOf(string ecosystem) =>
        ecosystem.Contains(':', StringComparison.Ordinal) && IsOfLanguage(ecosystem) ? RecordBatch.BaseOf(ecosystem) : ecosystem;

    /// <summary>A name in the one form in which the ecosystem holds names to be equal.</summary>
    public static string NormaliseName(string ecosystem, string name)
    {
        ArgumentNullException.ThrowIfNull(ecosystem);
        ArgumentNullException.ThrowIfNull(name);
        return ecosystem switch
        {
            "PyPI" => PackageNames.Pypi(name),
            "NuGet" or "Packagist" or "Hex" or "Pub" => Lower(name),
            "SwiftURL" => SwiftUrl(name),
            _ => name,
        };
    }

    /// <summary>ASCII to lower case; the same text when nothing changes.</summary>
    private static string Lower(string name) => name.AsSpan().ContainsAnyInRange('A', 'Z') ? name.ToLowerInvariant() : name;

    /// <summary>Host and path in lower case, without scheme and <c>.git</c>.</summary>
    private static string SwiftUrl(string name)
    {
        int scheme = name.IndexOf("://", StringComparison.Ordinal);
        string url = Lower(scheme >= 0 ? name[(scheme + 3)..] : name).TrimEnd('/');
        return url.EndsWith(".git", StringComparison.Ordinal) ? url[..^4] : url;
    }
}
