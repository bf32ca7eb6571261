namespace Plimsoll.Inspect.Secrets;

/// <summary>So many bytes in a row, each one of a class of ASCII.</summary>
/// <param name="Bytes">A bit for each byte of the class, capital and small letters alike.</param>
internal readonly record struct ByteRun(int Count, UInt128 Bytes)
{
    /// <summary>A shorter one is in nearly every text, and looking for it only costs.</summary>
    private const int MinCount = 8;

    /// <summary>One byte of the class; none where it holds more than ASCII.</summary>
    public static ByteRun Of(List<(int From, int To)> ranges)
    {
        UInt128 bytes = 0;
        foreach ((int from, int to) in ranges)
        {
            if (to >= 0x80)
                return default;
            for (int b = from; b <= to; b++)
            {
                bytes |= UInt128.One << b;
                if (char.IsAsciiLetter((char)b))
                    bytes |= UInt128.One << (b ^ 0x20);
            }
        }
        return new ByteRun(1, bytes);
    }

    /// <summary>What is there when one of two is.</summary>
    public static ByteRun Either(ByteRun a, ByteRun b) => a.Count == 0 || b.Count == 0 ? default : new ByteRun(Math.Min(a.Count, b.Count), a.Bytes | b.Bytes);

    /// <summary>Whether a text holds it; short ones are always taken to be there. Looks at each byte twice at most, at most of them never.</summary>
    public bool MayBeIn(ReadOnlySpan<byte> text)
    {
        if (Count < MinCount)
            return true;
        (ulong low, ulong high) = ((ulong)Bytes, (ulong)(Bytes >> 64));
        for (int end = Count - 1; end < text.Length;)
        {
            int at = end;
            while (at > end - Count && (text[at] < 0x80 && ((text[at] < 64 ? low : high) >> (text[at] & 63) & 1) != 0))
                at--;
            if (at == end - Count)
                return true;
            end = at + Count;
        }
        return false;
    }
}
