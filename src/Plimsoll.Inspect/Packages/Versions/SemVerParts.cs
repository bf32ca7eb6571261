namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>A version in the manner of Semantic Versioning: numbers, a pre-release, a build.</summary>
/// <remarks>
/// Beyond the specification, because real versions need it: any count of numbers, missing ones being 0; a leading <c>v</c>;
/// a pre-release without its hyphen, whose letters and digits are then identifiers apart (Go's <c>1.22rc1</c> is
/// <c>1.22-rc.1</c>). Each text is read as lists of identifiers, and lists are compared item by item, so the order is total.
/// </remarks>
readonly ref struct SemVerParts
{
    public SemVerParts(ReadOnlySpan<char> version)
    {
        version = VersionText.WithoutV(version);
        int end = 0;
        while (end < version.Length && (char.IsAsciiDigit(version[end]) || (version[end] == '.' && end > 0 && end + 1 < version.Length && char.IsAsciiDigit(version[end + 1]))))
            end++;
        Numbers = version[..end];
        ReadOnlySpan<char> rest = version[end..];
        int plus = rest.IndexOf('+');
        if (plus >= 0)
        {
            HasBuild = true;
            Build = rest[(plus + 1)..];
            rest = rest[..plus];
        }
        HasPreRelease = rest.Length > 0;
        IsAttached = HasPreRelease && rest[0] != '-';
        PreRelease = HasPreRelease && !IsAttached ? rest[1..] : rest;
    }

    /// <summary><c>1.2.3</c></summary>
    public ReadOnlySpan<char> Numbers { get; }
    public ReadOnlySpan<char> PreRelease { get; }
    public ReadOnlySpan<char> Build { get; }
    public bool HasPreRelease { get; }
    public bool HasBuild { get; }

    /// <summary>Whether the pre-release stands without its hyphen.</summary>
    public bool IsAttached { get; }

    public int CompareTo(SemVerParts other, bool ignoreCase)
    {
        int order = CompareNumbers(Numbers, other.Numbers);
        if (order != 0)
            return order;
        if (HasPreRelease != other.HasPreRelease)
            return HasPreRelease ? -1 : 1;
        return HasPreRelease ? CompareIdentifiers(PreRelease, IsAttached, other.PreRelease, other.IsAttached, ignoreCase) : 0;
    }

    /// <summary>Numbers between dots, missing ones as 0.</summary>
    public static int CompareNumbers(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        while (first.Length > 0 || second.Length > 0)
        {
            int order = DigitRun.Compare(Take(ref first), Take(ref second));
            if (order != 0)
                return order;
        }
        return 0;

        static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest)
        {
            ReadOnlySpan<char> number = rest[..DigitRun.Length(rest)];
            rest = number.Length < rest.Length ? rest[(number.Length + 1)..] : default;
            return number;
        }
    }

    /// <summary>SemVer 2.0.0, section 11.4: numbers by value and below words, words by ASCII, fewer identifiers first.</summary>
    public static int CompareIdentifiers(ReadOnlySpan<char> first, bool split1, ReadOnlySpan<char> second, bool split2, bool ignoreCase)
    {
        bool more1 = true, more2 = true;
        while (more1 && more2)
        {
            ReadOnlySpan<char> a = Take(ref first, split1, out more1), b = Take(ref second, split2, out more2);
            bool number = VersionText.IsNumber(a);
            if (number != VersionText.IsNumber(b))
                return number ? -1 : 1;
            int order = number ? DigitRun.Compare(a, b) : ignoreCase ? VersionText.CompareFolded(a, b) : a.SequenceCompareTo(b);
            if (order != 0)
                return order;
        }
        return more1.CompareTo(more2);
    }

    private static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest, bool split, out bool more)
    {
        int end = rest.IndexOf('.');
        more = end >= 0;
        if (end < 0)
            end = rest.Length;
        int run = split ? VersionText.RunLength(rest[..end], default) : end;
        ReadOnlySpan<char> taken = rest[..run];
        if (run < end)
        {
            more = true;
            rest = rest[run..];
        }
        else
            rest = more ? rest[(end + 1)..] : default;
        return taken;
    }
}
