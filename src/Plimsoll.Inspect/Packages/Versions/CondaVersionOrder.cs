namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>conda's order: parts between dots, each of numbers and words in turn; <c>dev</c> &lt; words &lt; numbers &lt; <c>post</c>.</summary>
/// <remarks>
/// Source: conda.models.version, VersionOrder. A part that begins with a word has a 0 before it, and what is missing is 0 or a part of one 0,
/// so versions are compared item by item as if they went on for ever: the order is total.
/// </remarks>
public sealed class CondaVersionOrder : IVersionOrder
{
    private const string Separators = "._-";

    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        int order = DigitRun.Compare(Epoch(ref first), Epoch(ref second));
        if (order != 0)
            return order;
        ReadOnlySpan<char> local1 = Local(ref first), local2 = Local(ref second);
        order = CompareParts(first, second);
        return order != 0 ? order : CompareParts(local1, local2);
    }

    public bool IsValid(ReadOnlySpan<char> version)
    {
        _ = Epoch(ref version);
        return version.Length > 0 && char.IsAsciiLetterOrDigit(version[0]) && !version.ContainsAnyExceptInRange('!', '~') && !version.ContainsAny("!*");
    }

    private static ReadOnlySpan<char> Epoch(ref ReadOnlySpan<char> version)
    {
        int digits = DigitRun.Length(version);
        if (digits == 0 || digits == version.Length || version[digits] != '!')
            return default;
        ReadOnlySpan<char> epoch = version[..digits];
        version = version[(digits + 1)..];
        return epoch;
    }

    private static ReadOnlySpan<char> Local(ref ReadOnlySpan<char> version)
    {
        int plus = version.IndexOf('+');
        if (plus < 0)
            return default;
        ReadOnlySpan<char> local = version[(plus + 1)..];
        version = version[..plus];
        return local;
    }

    private static int CompareParts(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        while (first.Length > 0 || second.Length > 0)
        {
            int order = ComparePart(Take(ref first), Take(ref second));
            if (order != 0)
                return order;
        }
        return 0;
    }

    private static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest)
    {
        int end = rest.IndexOfAny(Separators);
        ReadOnlySpan<char> part = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return part;
    }

    private static int ComparePart(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        // Number and word in turn, a number first: an empty run is 0.
        for (bool number = true; first.Length > 0 || second.Length > 0; number = !number)
        {
            ReadOnlySpan<char> a = TakeRun(ref first, number), b = TakeRun(ref second, number);
            int order = number ? DigitRun.Compare(a, b) : RankOf(a) - RankOf(b);
            if (order == 0 && !number && RankOf(a) == 1)
                order = VersionText.CompareFolded(a, b);
            if (order != 0)
                return order;
        }
        return 0;
    }

    private static ReadOnlySpan<char> TakeRun(ref ReadOnlySpan<char> rest, bool number)
    {
        if (rest.IsEmpty || char.IsAsciiDigit(rest[0]) != number)
            return default;
        int length = VersionText.RunLength(rest, default);
        ReadOnlySpan<char> run = rest[..length];
        rest = rest[length..];
        return run;
    }

    /// <summary>dev 0, words 1, none (a 0) 2, post 3.</summary>
    private static int RankOf(ReadOnlySpan<char> word) =>
        word.IsEmpty ? 2 : VersionText.EqualsFolded(word, "dev") ? 0 : VersionText.EqualsFolded(word, "post") ? 3 : 1;
}
