namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Lists of numbers between dots and dashes; of lists that begin alike the longer is the later. For CRAN and Hackage.</summary>
/// <remarks>Source: R's package_version; the Haskell package versioning policy and Data.Version. A part that is no number counts below every number.</remarks>
public sealed class NumberListOrder : IVersionOrder
{
    private const string Separators = ".-";

    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        bool more1 = true, more2 = true;
        while (more1 && more2)
        {
            ReadOnlySpan<char> a = Take(ref first, out more1), b = Take(ref second, out more2);
            bool number = VersionText.IsNumber(a);
            int order = number != VersionText.IsNumber(b) ? (number ? 1 : -1) : number ? DigitRun.Compare(a, b) : a.SequenceCompareTo(b);
            if (order != 0)
                return order;
        }
        return more1.CompareTo(more2);
    }

    public bool IsValid(ReadOnlySpan<char> version)
    {
        for (bool more = true; more;)
            if (!VersionText.IsNumber(Take(ref version, out more)))
                return false;
        return true;
    }

    private static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest, out bool more)
    {
        int end = rest.IndexOfAny(Separators);
        more = end >= 0;
        ReadOnlySpan<char> taken = more ? rest[..end] : rest;
        rest = more ? rest[(end + 1)..] : default;
        return taken;
    }
}
