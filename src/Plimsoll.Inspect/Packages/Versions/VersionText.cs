namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Pieces that several orders read versions with.</summary>
static class VersionText
{
    /// <summary>Without a leading <c>v</c> or <c>V</c> that stands before a digit.</summary>
    public static ReadOnlySpan<char> WithoutV(ReadOnlySpan<char> version) =>
        version.Length > 1 && (version[0] | 0x20) == 'v' && char.IsAsciiDigit(version[1]) ? version[1..] : version;

    public static bool IsNumber(ReadOnlySpan<char> text) => text.Length > 0 && DigitRun.Length(text) == text.Length;

    /// <summary>By ASCII characters without regard to case; others by their code.</summary>
    public static int CompareFolded(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        int length = Math.Min(first.Length, second.Length);
        for (int i = 0; i < length; i++)
            if (Fold(first[i]) - Fold(second[i]) is not 0 and int order)
                return order;
        return first.Length - second.Length;
    }

    public static bool EqualsFolded(ReadOnlySpan<char> text, ReadOnlySpan<char> lower) =>
        text.Length == lower.Length && CompareFolded(text, lower) == 0;

    public static bool StartsFolded(ReadOnlySpan<char> text, ReadOnlySpan<char> lower) =>
        text.Length >= lower.Length && CompareFolded(text[..lower.Length], lower) == 0;

    /// <summary>Length of what comes before the next digit, or before the next that is no digit.</summary>
    public static int RunLength(ReadOnlySpan<char> text, ReadOnlySpan<char> separators)
    {
        if (text.IsEmpty)
            return 0;
        bool digits = char.IsAsciiDigit(text[0]);
        int end = 1;
        while (end < text.Length && char.IsAsciiDigit(text[end]) == digits && separators.IndexOf(text[end]) < 0)
            end++;
        return end;
    }

    private static int Fold(char c) => c is >= 'A' and <= 'Z' ? c | 0x20 : c;
}
