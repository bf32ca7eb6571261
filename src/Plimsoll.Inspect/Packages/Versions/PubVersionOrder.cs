namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Dart's pub: Semantic Versioning, but a build is above none and builds have an order.</summary>
/// <remarks>Source: dart.dev/tools/pub/versioning and package pub_semver, Version.compareTo.</remarks>
public sealed class PubVersionOrder : IVersionOrder
{
    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        SemVerParts a = new(first), b = new(second);
        int order = a.CompareTo(b, ignoreCase: false);
        if (order != 0)
            return order;
        return a.HasBuild != b.HasBuild
            ? a.HasBuild.CompareTo(b.HasBuild)
            : SemVerParts.CompareIdentifiers(a.Build, false, b.Build, false, ignoreCase: false);
    }

    public bool IsValid(ReadOnlySpan<char> version) => SemVerOrder.IsText(VersionText.WithoutV(version));
}
