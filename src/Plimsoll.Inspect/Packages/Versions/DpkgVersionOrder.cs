using System.Buffers;

namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Debian's version order: <c>[epoch:]upstream[-revision]</c>.</summary>
/// <remarks>Source: Debian Policy 5.6.12 and deb-version(7); agrees with <c>dpkg --compare-versions</c>.</remarks>
public sealed class DpkgVersionOrder : IVersionOrder
{
    /// <summary>dpkg keeps an epoch in a C int.</summary>
    private const int MaxEpochDigits = 10;

    private static readonly SearchValues<char> UpstreamChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-+~:");

    private static readonly SearchValues<char> RevisionChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+~");

    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        Split(first, out ReadOnlySpan<char> epoch1, out ReadOnlySpan<char> upstream1, out ReadOnlySpan<char> revision1);
        Split(second, out ReadOnlySpan<char> epoch2, out ReadOnlySpan<char> upstream2, out ReadOnlySpan<char> revision2);
        int order = DigitRun.Compare(epoch1, epoch2);
        if (order == 0)
            order = ComparePart(upstream1, upstream2);
        return order != 0 ? order : ComparePart(revision1, revision2);
    }

    /// <remarks>As dpkg's parseversion: a version that starts with a letter is taken (dpkg only warns), an empty part is not.</remarks>
    public bool IsValid(ReadOnlySpan<char> version)
    {
        int colon = version.IndexOf(':');
        if (colon >= 0)
        {
            ReadOnlySpan<char> epoch = version[..colon];
            if (epoch.IsEmpty || DigitRun.Length(epoch) != epoch.Length)
                return false;
            epoch = epoch.TrimStart('0');
            if (epoch.Length > MaxEpochDigits || (epoch.Length > 0 && long.Parse(epoch) > int.MaxValue))
                return false;
            version = version[(colon + 1)..];
        }
        int hyphen = version.LastIndexOf('-');
        if (hyphen >= 0 && (hyphen == version.Length - 1 || version[(hyphen + 1)..].ContainsAnyExcept(RevisionChars)))
            return false;
        ReadOnlySpan<char> upstream = hyphen < 0 ? version : version[..hyphen];
        return !upstream.IsEmpty && !upstream.ContainsAnyExcept(UpstreamChars);
    }

    private static void Split(
        ReadOnlySpan<char> version, out ReadOnlySpan<char> epoch, out ReadOnlySpan<char> upstream, out ReadOnlySpan<char> revision)
    {
        int colon = version.IndexOf(':');
        // What stands before the colon and is no number is no epoch either; dpkg refuses such a version (see IsValid).
        bool hasEpoch = colon >= 0 && DigitRun.Length(version) == colon;
        epoch = hasEpoch ? version[..colon] : default;
        ReadOnlySpan<char> rest = hasEpoch ? version[(colon + 1)..] : version;
        int hyphen = rest.LastIndexOf('-');
        upstream = hyphen < 0 ? rest : rest[..hyphen];
        revision = hyphen < 0 ? default : rest[(hyphen + 1)..];
    }

    /// <summary>Non-digits and digits in turn; the end of a part sorts as a digit does, <c>~</c> before it.</summary>
    private static int ComparePart(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        while (first.Length > 0 || second.Length > 0)
        {
            int at = 0;
            while (IsNonDigit(first, at) || IsNonDigit(second, at))
            {
                int order = Weight(first, at) - Weight(second, at);
                if (order != 0)
                    return order;
                at++;
            }
            // Equal weights mean that both had a character here or neither, so both are at least this long.
            first = first[at..];
            second = second[at..];
            int length1 = DigitRun.Length(first), length2 = DigitRun.Length(second);
            int value = DigitRun.Compare(first[..length1], second[..length2]);
            if (value != 0)
                return value;
            first = first[length1..];
            second = second[length2..];
        }
        return 0;
    }

    private static bool IsNonDigit(ReadOnlySpan<char> text, int at) => at < text.Length && !char.IsAsciiDigit(text[at]);

    private static int Weight(ReadOnlySpan<char> text, int at) =>
        at >= text.Length || char.IsAsciiDigit(text[at]) ? 0
        : text[at] == '~' ? -1
        : char.IsAsciiLetter(text[at]) ? text[at]
        : text[at] + 256;
}
