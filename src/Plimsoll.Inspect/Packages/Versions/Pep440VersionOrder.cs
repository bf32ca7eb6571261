namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Python's order of versions.</summary>
/// <remarks>
/// Source: PEP 440 and packaging.version. Texts that are none stand below all versions, among themselves by runs of digits and of others,
/// which is how setuptools once ordered them.
/// </remarks>
public sealed class Pep440VersionOrder : IVersionOrder
{
    private const string LocalSeparators = "-_.";

    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        bool valid1 = Pep440Version.TryParse(first, out Pep440Version a), valid2 = Pep440Version.TryParse(second, out Pep440Version b);
        if (!valid1 || !valid2)
            return valid1 != valid2 ? valid1.CompareTo(valid2) : CompareOther(first, second);
        int order = DigitRun.Compare(a.Epoch, b.Epoch);
        if (order == 0)
            order = SemVerParts.CompareNumbers(a.Release, b.Release);
        if (order == 0)
            order = a.Pre.CompareTo(b.Pre);
        if (order == 0)
            order = DigitRun.Compare(a.PreNumber, b.PreNumber);
        if (order == 0)
            order = a.HasPost.CompareTo(b.HasPost);
        if (order == 0)
            order = DigitRun.Compare(a.PostNumber, b.PostNumber);
        if (order == 0)
            order = b.HasDev.CompareTo(a.HasDev);
        if (order == 0)
            order = DigitRun.Compare(a.DevNumber, b.DevNumber);
        if (order == 0)
            order = a.HasLocal.CompareTo(b.HasLocal);
        return order == 0 && a.HasLocal ? CompareLocal(a.Local, b.Local) : order;
    }

    public bool IsValid(ReadOnlySpan<char> version) => Pep440Version.TryParse(version, out _);

    /// <summary>Numbers by value and above words, words without regard to case, fewer parts first.</summary>
    private static int CompareLocal(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        while (first.Length > 0 && second.Length > 0)
        {
            ReadOnlySpan<char> a = Take(ref first), b = Take(ref second);
            bool number = VersionText.IsNumber(a);
            int order = number != VersionText.IsNumber(b) ? (number ? 1 : -1)
                : number ? DigitRun.Compare(a, b) : VersionText.CompareFolded(a, b);
            if (order != 0)
                return order;
        }
        return first.Length.CompareTo(second.Length) is var more && (first.IsEmpty || second.IsEmpty) ? more : 0;

        static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest)
        {
            int end = rest.IndexOfAny(LocalSeparators);
            ReadOnlySpan<char> part = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            return part;
        }
    }

    private static int CompareOther(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        while (first.Length > 0 && second.Length > 0)
        {
            int length1 = VersionText.RunLength(first, default), length2 = VersionText.RunLength(second, default);
            bool number = char.IsAsciiDigit(first[0]);
            if (number != char.IsAsciiDigit(second[0]))
                return number ? 1 : -1;
            int order = number ? DigitRun.Compare(first[..length1], second[..length2]) : VersionText.CompareFolded(first[..length1], second[..length2]);
            if (order != 0)
                return order;
            first = first[length1..];
            second = second[length2..];
        }
        return first.Length.CompareTo(second.Length);
    }
}
