using System.Text;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Shows where a secret stands without showing it.</summary>
internal static class Mask
{
    /// <summary>A shorter secret shows nothing of itself.</summary>
    private const int MinLongChars = 20;
    private const int ShownChars = 4;
    private const int MaxNameBytes = 48;
    private const int MaxGapBytes = 8;

    /// <summary>The first four characters of a long one, which are mostly the product's own sign, and stars.</summary>
    public static string Of(ReadOnlySpan<byte> secret)
    {
        if (secret.Length < MinLongChars)
            return "****";
        ReadOnlySpan<byte> start = secret[..ShownChars];
        foreach (byte b in start)
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'_' or (byte)'-' or (byte)'.'))
                return "****";
        return Encoding.ASCII.GetString(start) + "****";
    }

    /// <summary><c>AWS_SECRET_ACCESS_KEY=wJal****</c>: the name that the secret is given to, if it has one, and the mask. Nothing else of the line.</summary>
    /// <param name="at">Where the secret begins.</param>
    /// <param name="isSecret">Whether a part of the text belongs to another secret.</param>
    public static string Excerpt(ReadOnlySpan<byte> text, int at, int length, Func<int, int, bool> isSecret)
    {
        string masked = Of(text.Slice(at, length));
        int end = at;
        bool assigned = false;
        while (end > 0 && at - end < MaxGapBytes && text[end - 1] is (byte)'=' or (byte)':' or (byte)'>' or (byte)' ' or (byte)'\t' or (byte)'"' or (byte)'\'' or (byte)'`' or (byte)'\\')
        {
            assigned |= text[end - 1] is (byte)'=' or (byte)':' or (byte)'>';
            end--;
        }
        int start = end;
        while (start > 0 && end - start < MaxNameBytes && (char.IsAsciiLetterOrDigit((char)text[start - 1]) || text[start - 1] is (byte)'_' or (byte)'-' or (byte)'.'))
            start--;
        if (!assigned || start == end || !LooksLikeName(text[start..end]) || isSecret(start, end))
            return masked;
        string name = Encoding.ASCII.GetString(text[start..end]);
        // A name that holds the secret itself, or is long and random, would give away what the stars hide.
        return name.AsSpan().Contains(Encoding.Latin1.GetString(text.Slice(at, length)), StringComparison.OrdinalIgnoreCase) ? masked : $"{name}={masked}";
    }

    private static bool LooksLikeName(ReadOnlySpan<byte> name)
    {
        if (!char.IsAsciiLetter((char)name[0]) && name[0] is not ((byte)'_' or (byte)'.') || name.Length >= MaxNameBytes)
            return false;
        int digits = 0;
        foreach (byte b in name)
            digits += char.IsAsciiDigit((char)b) ? 1 : 0;
        return digits <= 3;
    }
}
