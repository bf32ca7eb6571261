namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Semantic Versioning: npm, Cargo, Hex, Swift, and Go with its pseudo-versions and <c>+incompatible</c>.</summary>
/// <remarks>Source: semver.org 2.0.0, section 11; what is read beyond it: <see cref="SemVerParts"/>.</remarks>
public sealed class SemVerOrder : IVersionOrder
{
    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second) =>
        new SemVerParts(first).CompareTo(new SemVerParts(second), ignoreCase: false);

    /// <remarks>Wider than the specification: whatever begins with a number and holds no space has its place in this order.</remarks>
    public bool IsValid(ReadOnlySpan<char> version) => IsText(VersionText.WithoutV(version));

    internal static bool IsText(ReadOnlySpan<char> version) =>
        version.Length > 0 && char.IsAsciiDigit(version[0]) && !version.ContainsAnyExceptInRange('!', '~');
}
