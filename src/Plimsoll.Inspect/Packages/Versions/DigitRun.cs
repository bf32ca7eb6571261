namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Compares decimal numbers of any length as text, so that no version overflows.</summary>
static class DigitRun
{
    /// <summary>Length of the ASCII digits at the start.</summary>
    public static int Length(ReadOnlySpan<char> text)
    {
        int end = text.IndexOfAnyExceptInRange('0', '9');
        return end < 0 ? text.Length : end;
    }

    /// <summary>By value; an empty run is 0.</summary>
    /// <param name="first">ASCII digits only.</param>
    /// <param name="second">ASCII digits only.</param>
    public static int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        // Not TrimStart: before it is optimised it boxes each character that it compares.
        first = WithoutZeros(first);
        second = WithoutZeros(second);
        return first.Length != second.Length ? first.Length.CompareTo(second.Length) : first.SequenceCompareTo(second);
    }

    private static ReadOnlySpan<char> WithoutZeros(ReadOnlySpan<char> digits)
    {
        int start = 0;
        while (start < digits.Length && digits[start] == '0')
            start++;
        return digits[start..];
    }
}
