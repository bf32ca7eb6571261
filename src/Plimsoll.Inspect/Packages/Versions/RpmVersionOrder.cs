using System.Buffers;

namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>rpm's version order: <c>[epoch:]version[-release]</c>.</summary>
/// <remarks>
/// <para>Source: rpm's rpmvercmp.c and rpm-version(7). Each part is a row of runs of digits and runs of letters; all else only
/// separates them, but for <c>~</c> and <c>^</c>. Where two rows differ in kind, the kind decides: <c>~</c>, the end,
/// <c>^</c>, letters, digits, lowest first. That is a lexicographic order, so it is total.</para>
/// <para>No epoch is epoch 0; no release is older than any release, as rpm.vercmp has it.</para>
/// </remarks>
public sealed class RpmVersionOrder : IVersionOrder
{
    /// <summary>rpm keeps an epoch in 32 bits.</summary>
    private const int MaxEpochDigits = 10;

    private static readonly SearchValues<char> VersionChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~^%:");

    /// <summary>Kinds of tokens, lowest first.</summary>
    private enum Kind : byte { Tilde, End, Caret, Letters, Digits }

    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        Split(first, out ReadOnlySpan<char> epoch1, out ReadOnlySpan<char> version1, out ReadOnlySpan<char> release1, out bool has1);
        Split(second, out ReadOnlySpan<char> epoch2, out ReadOnlySpan<char> version2, out ReadOnlySpan<char> release2, out bool has2);
        int order = DigitRun.Compare(epoch1, epoch2);
        if (order == 0)
            order = ComparePart(version1, version2);
        if (order == 0)
            order = has1.CompareTo(has2);
        return order != 0 ? order : ComparePart(release1, release2);
    }

    /// <remarks>As rpmbuild's check of Version and Release, which takes no other characters.</remarks>
    public bool IsValid(ReadOnlySpan<char> version)
    {
        Split(version, out ReadOnlySpan<char> epoch, out ReadOnlySpan<char> upstream, out ReadOnlySpan<char> release, out bool hasRelease);
        ReadOnlySpan<char> digits = epoch.TrimStart('0');
        return digits.Length <= MaxEpochDigits && (digits.IsEmpty || long.Parse(digits) <= uint.MaxValue)
            && !upstream.IsEmpty && !(hasRelease && release.IsEmpty)
            && !upstream.ContainsAnyExcept(VersionChars) && !release.ContainsAnyExcept(VersionChars);
    }

    private static void Split(
        ReadOnlySpan<char> text, out ReadOnlySpan<char> epoch, out ReadOnlySpan<char> version, out ReadOnlySpan<char> release, out bool hasRelease)
    {
        int digits = DigitRun.Length(text);
        bool hasEpoch = digits < text.Length && text[digits] == ':';
        epoch = hasEpoch ? text[..digits] : default;
        ReadOnlySpan<char> rest = hasEpoch ? text[(digits + 1)..] : text;
        int hyphen = rest.LastIndexOf('-');
        hasRelease = hyphen >= 0;
        version = hasRelease ? rest[..hyphen] : rest;
        release = hasRelease ? rest[(hyphen + 1)..] : default;
    }

    private static int ComparePart(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        while (true)
        {
            Kind kind1 = Next(ref first, out ReadOnlySpan<char> value1), kind2 = Next(ref second, out ReadOnlySpan<char> value2);
            int order = kind1 != kind2 ? kind1.CompareTo(kind2)
                : kind1 == Kind.Digits ? DigitRun.Compare(value1, value2)
                : value1.SequenceCompareTo(value2);
            if (order != 0 || kind1 == Kind.End)
                return order;
        }
    }

    private static Kind Next(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> value)
    {
        int start = 0;
        while (start < rest.Length && !char.IsAsciiLetterOrDigit(rest[start]) && rest[start] is not ('~' or '^'))
            start++;
        rest = rest[start..];
        value = default;
        if (rest.IsEmpty)
            return Kind.End;
        if (rest[0] is '~' or '^')
        {
            Kind mark = rest[0] == '~' ? Kind.Tilde : Kind.Caret;
            rest = rest[1..];
            return mark;
        }
        bool digits = char.IsAsciiDigit(rest[0]);
        int length = 1;
        while (length < rest.Length && (digits ? char.IsAsciiDigit(rest[length]) : char.IsAsciiLetter(rest[length])))
            length++;
        value = rest[..length];
        rest = rest[length..];
        return digits ? Kind.Digits : Kind.Letters;
    }
}
