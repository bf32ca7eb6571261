namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Composer's and Packagist's order: that of PHP's version_compare.</summary>
/// <remarks>
/// Source: php.net/version_compare: <c>-</c>, <c>_</c>, <c>+</c> and changes between digits and others separate parts;
/// <c>dev</c> (and words unknown) &lt; <c>alpha</c> &lt; <c>beta</c> &lt; <c>RC</c> (these as PHP spells them) &lt; the end and <c>#</c> &lt; numbers &lt; <c>p</c>.
/// Versions are compared part by part as if each went on with ends for ever, so the order is total.
/// </remarks>
public sealed class ComposerVersionOrder : IVersionOrder
{
    private const string Separators = ".-_+";
    private const int End = 4, Number = 5;

    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        first = VersionText.WithoutV(first);
        second = VersionText.WithoutV(second);
        while (first.Length > 0 || second.Length > 0)
        {
            ReadOnlySpan<char> a = Take(ref first), b = Take(ref second);
            int rank = RankOf(a), order = rank - RankOf(b);
            if (order == 0 && rank == Number)
                order = DigitRun.Compare(a, b);
            if (order != 0)
                return order;
        }
        return 0;
    }

    /// <remarks>A branch (<c>dev-main</c>) is no version; <c>1.x-dev</c> is one and stands before 1.</remarks>
    public bool IsValid(ReadOnlySpan<char> version) => SemVerOrder.IsText(VersionText.WithoutV(version));

    private static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest)
    {
        while (rest.Length > 0 && Separators.Contains(rest[0]))
            rest = rest[1..];
        int length = VersionText.RunLength(rest, Separators);
        ReadOnlySpan<char> taken = rest[..length];
        rest = rest[length..];
        return taken;
    }

    private static int RankOf(ReadOnlySpan<char> part) =>
        part.IsEmpty || part[0] == '#' ? End
        : char.IsAsciiDigit(part[0]) ? Number
        : part.StartsWith("dev", StringComparison.Ordinal) ? 0
        : part[0] == 'a' ? 1
        : part[0] == 'b' ? 2
        : part.StartsWith("rc", StringComparison.Ordinal) || part.StartsWith("RC", StringComparison.Ordinal) ? 3
        : part[0] == 'p' ? Number + 1
        : 0;
}
