namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>How one kind of package orders its versions. Stateless, without allocation, defined for every text.</summary>
public interface IVersionOrder
{
    /// <summary>Below, at or above 0 as the first version is older than, equal to or newer than the second.</summary>
    /// <remarks>A total preorder over all texts, so that hostile versions cannot make a sort or a range contradict itself.</remarks>
    int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second);

    /// <summary>Whether the package manager itself would take this text for a version. What it would refuse has no place in an order that can be trusted.</summary>
    bool IsValid(ReadOnlySpan<char> version);
}

/// <summary>The one list of version orders, by purl type.</summary>
public static class VersionOrders
{
    public static IVersionOrder Deb { get; } = new DpkgVersionOrder();

    public static IVersionOrder Apk { get; } = new ApkVersionOrder();

    public static IVersionOrder Rpm { get; } = new RpmVersionOrder();

    public static IVersionOrder SemVer { get; } = new SemVerOrder();

    public static IVersionOrder Python { get; } = new Pep440VersionOrder();

    public static IVersionOrder Maven { get; } = new MavenVersionOrder();

    public static IVersionOrder NuGet { get; } = new NuGetVersionOrder();

    public static IVersionOrder RubyGems { get; } = new RubyGemsVersionOrder();

    public static IVersionOrder Composer { get; } = new ComposerVersionOrder();

    public static IVersionOrder Pub { get; } = new PubVersionOrder();

    public static IVersionOrder NumberList { get; } = new NumberListOrder();

    public static IVersionOrder Conda { get; } = new CondaVersionOrder();

    /// <param name="type">purl type: <c>deb</c>, <c>npm</c>, <c>pypi</c> …</param>
    /// <returns>Null for a type whose order is not known.</returns>
    public static IVersionOrder? For(string type) => type switch
    {
        "deb" => Deb,
        "apk" => Apk,
        "rpm" => Rpm,
        "npm" or "cargo" or "golang" or "hex" or "swift" => SemVer,
        "pypi" => Python,
        "maven" => Maven,
        "nuget" => NuGet,
        "gem" => RubyGems,
        "composer" => Composer,
        "pub" => Pub,
        "cran" or "hackage" => NumberList,
        "conda" => Conda,
        _ => null,
    };
}
