namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>A Python version, taken apart: <c>[N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local]</c> in all its spellings.</summary>
/// <remarks>Source: PEP 440, appendix B. Numbers are kept as text, so that none overflows.</remarks>
readonly ref struct Pep440Version
{
    public ReadOnlySpan<char> Epoch { get; init; }

    /// <summary>Numbers and dots.</summary>
    public ReadOnlySpan<char> Release { get; init; }

    /// <summary>0 alpha, 1 beta, 2 rc; 3 none; -1 none, but a development release and no post-release: those come first.</summary>
    public int Pre { get; init; }
    public ReadOnlySpan<char> PreNumber { get; init; }
    public bool HasPost { get; init; }
    public ReadOnlySpan<char> PostNumber { get; init; }
    public bool HasDev { get; init; }
    public ReadOnlySpan<char> DevNumber { get; init; }
    public bool HasLocal { get; init; }
    public ReadOnlySpan<char> Local { get; init; }

    public static bool TryParse(ReadOnlySpan<char> text, out Pep440Version version)
    {
        version = default;
        text = text.Trim(" \t\r\n\f\v");
        if (text.Length > 0 && (text[0] | 0x20) == 'v')
            text = text[1..];
        ReadOnlySpan<char> epoch = default;
        int digits = DigitRun.Length(text);
        if (digits > 0 && digits < text.Length && text[digits] == '!')
        {
            epoch = text[..digits];
            text = text[(digits + 1)..];
        }
        int end = DigitRun.Length(text);
        if (end == 0)
            return false;
        while (end + 1 < text.Length && text[end] == '.' && char.IsAsciiDigit(text[end + 1]))
            end += 1 + DigitRun.Length(text[(end + 1)..]);
        ReadOnlySpan<char> release = text[..end], rest = text[end..], preNumber = default, postNumber = default, devNumber = default, local = default;
        int pre = 3;
        if (Word(ref rest, "alpha", out preNumber) || Word(ref rest, "a", out preNumber))
            pre = 0;
        else if (Word(ref rest, "beta", out preNumber) || Word(ref rest, "b", out preNumber))
            pre = 1;
        else if (Word(ref rest, "rc", out preNumber) || Word(ref rest, "c", out preNumber) || Word(ref rest, "preview", out preNumber) || Word(ref rest, "pre", out preNumber))
            pre = 2;
        bool post = false;
        if (rest.Length > 1 && rest[0] == '-' && char.IsAsciiDigit(rest[1]))
        {
            post = true;
            int length = DigitRun.Length(rest[1..]);
            postNumber = rest.Slice(1, length);
            rest = rest[(1 + length)..];
        }
        else
            post = Word(ref rest, "post", out postNumber) || Word(ref rest, "rev", out postNumber) || Word(ref rest, "r", out postNumber);
        bool dev = Word(ref rest, "dev", out devNumber);
        bool hasLocal = rest.Length > 0 && rest[0] == '+';
        if (hasLocal)
        {
            local = rest[1..];
            if (!IsLocal(local))
                return false;
        }
        else if (rest.Length > 0)
            return false;
        version = new Pep440Version
        {
            Epoch = epoch,
            Release = release,
            Pre = pre == 3 && dev && !post ? -1 : pre,
            PreNumber = preNumber,
            HasPost = post,
            PostNumber = postNumber,
            HasDev = dev,
            DevNumber = devNumber,
            HasLocal = hasLocal,
            Local = local,
        };
        return true;
    }

    /// <summary>A separator or none, the word, a separator or none, a number or none, which is then 0.</summary>
    private static bool Word(scoped ref ReadOnlySpan<char> rest, string word, out ReadOnlySpan<char> number)
    {
        number = default;
        ReadOnlySpan<char> at = rest;
        if (at.Length > 0 && at[0] is '-' or '_' or '.')
            at = at[1..];
        if (!VersionText.StartsFolded(at, word))
            return false;
        at = at[word.Length..];
        // The separator belongs to the number: without one it begins what comes next.
        ReadOnlySpan<char> after = at.Length > 0 && at[0] is '-' or '_' or '.' ? at[1..] : at;
        int length = DigitRun.Length(after);
        number = after[..length];
        rest = length > 0 ? after[length..] : at;
        return true;
    }

    private static bool IsLocal(ReadOnlySpan<char> local)
    {
        for (int i = 0; i < local.Length; i++)
            if (!char.IsAsciiLetterOrDigit(local[i]) && (local[i] is not ('-' or '_' or '.') || i == 0 || i + 1 == local.Length || !char.IsAsciiLetterOrDigit(local[i - 1])))
                return false;
        return local.Length > 0;
    }
}
