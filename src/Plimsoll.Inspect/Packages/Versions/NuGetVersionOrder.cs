namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>NuGet: up to four numbers, a pre-release without regard to case, a build that does not count.</summary>
/// <remarks>Source: learn.microsoft.com/nuget/concepts/package-versioning, and VersionComparer.Default of NuGet.Versioning.</remarks>
public sealed class NuGetVersionOrder : IVersionOrder
{
    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second) =>
        new SemVerParts(first).CompareTo(new SemVerParts(second), ignoreCase: true);

    public bool IsValid(ReadOnlySpan<char> version) => SemVerOrder.IsText(VersionText.WithoutV(version));
}
