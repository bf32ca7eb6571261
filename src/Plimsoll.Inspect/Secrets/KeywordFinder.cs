using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Plimsoll.Inspect.Secrets;

/// <param name="At">Offset of the keyword's first byte.</param>
internal readonly record struct KeywordHit(int At, int Keyword);

/// <summary>Finds several hundred keywords in bytes at once, capital and small ASCII letters alike unless a keyword is exact.</summary>
/// <remarks>
/// Of each keyword the four rarest neighbouring bytes are looked for, 32 or 16 positions at a time: two small tables a byte (one by its low, one by
/// its high four bits) say which of twenty-four groups of keywords may have it there; where all four agree, a set of bits, a hash table and then the whole keyword decide.
/// Source: Hyperscan's "Teddy" for sets of literals. On text it runs at a few bytes a cycle where an Aho-Corasick automaton takes some cycles a byte.
/// </remarks>
internal sealed class KeywordFinder
{
    private const int FragmentBytes = 4, Sets = 3, Groups = 8 * Sets, Slots = 1 << 12;

    private readonly byte[][] _keywords;
    private readonly List<int> _wanted = [];

    /// <summary>Whether the tables are there; few short texts are looked through without them.</summary>
    private readonly Lazy<bool> _fill;
    private readonly bool[] _exact;

    /// <summary>Where in the keyword its fragment begins, and how long that is (less than four in short keywords).</summary>
    private readonly (int Offset, int Length)[] _fragments;

    /// <summary>By hash of a folded fragment: 1 + index of the first keyword; <see cref="_next"/> goes on. A table for each length.</summary>
    private readonly ushort[]?[] _heads = new ushort[FragmentBytes + 1][];
    private readonly ushort[] _next;

    /// <summary>For each set of eight groups and each of the four bytes: groups by low and by high half.</summary>
    private readonly Vector128<byte>[] _low = new Vector128<byte>[Sets * FragmentBytes], _high = new Vector128<byte>[Sets * FragmentBytes];

    /// <summary>The same twice over for wide registers, in the order of use: byte, set, low and high.</summary>
    private readonly Vector256<byte>[] _wide = new Vector256<byte>[2 * Sets * FragmentBytes];

    /// <summary>A bit for the hash of each folded fragment.</summary>
    private readonly ulong[] _bits = new ulong[1 << 10];

    /// <summary>Groups of the first set that short fragments are in, as bits; what they let through is looked up by fewer bytes as well.</summary>
    private const byte ShortGroups = 0b111;

    /// <param name="keywords">None empty. Their index is what hits name.</param>
    /// <param name="exact">Of each, whether capital and small letters are told apart.</param>
    /// <param name="isWanted">Which of them are looked for.</param>
    public KeywordFinder(IReadOnlyList<string> keywords, IReadOnlyList<bool> exact, Func<int, bool> isWanted)
    {
        if (keywords.Count >= ushort.MaxValue)
            throw new ArgumentException($"{keywords.Count} keywords; at most {ushort.MaxValue - 1} can be told apart", nameof(keywords));
        _keywords = new byte[keywords.Count][];
        _exact = new bool[keywords.Count];
        _fragments = new (int, int)[keywords.Count];
        _next = new ushort[keywords.Count];
        for (int i = 0; i < keywords.Count; i++)
        {
            _keywords[i] = Encoding.UTF8.GetBytes(exact[i] ? keywords[i] : keywords[i].ToLowerInvariant());
            _exact[i] = exact[i];
            _fragments[i] = RarestFragment(_keywords[i]);
            if (!isWanted(i))
                continue;
            _wanted.Add(i);
            (int offset, int length) = _fragments[i];
            ushort[] heads = _heads[length] ??= new ushort[Slots];
            int slot = SlotOf(FoldedAt(_keywords[i], offset, length));
            _next[i] = heads[slot];
            heads[slot] = (ushort)(i + 1);
            uint bit = BitOf(FoldedAt(_keywords[i], offset, length));
            _bits[bit >> 6] |= 1UL << (int)(bit & 63);
        }
        _fill = new Lazy<bool>(Fill);
    }

    /// <summary>Adds every keyword that begins in a part of the text, by fragment's place; it may end behind the part.</summary>
    /// <param name="to">At most the text's length.</param>
    /// <param name="isBrief">The texts are few and short, so that making the tables would cost more than looking at each byte.</param>
    public void Find(ReadOnlySpan<byte> text, int from, int to, List<KeywordHit> hits, bool isBrief = false)
    {
        if (_wanted.Count == 0)
            return;
        if (!isBrief && _fill.Value)
            from = FindMany(text, from, to, hits);
        for (int at = from; at < to; at++)
            Verify(text, at, hits);
    }

    /// <summary>Takes whole vectors.</summary>
    /// <returns>Where it stopped.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int FindMany(ReadOnlySpan<byte> text, int from, int to, List<KeywordHit> hits)
    {
        int at = from;
        ref byte start = ref MemoryMarshal.GetReference(text);
        if (Avx2.IsSupported)
        {
            Vector256<byte> mask = Vector256.Create((byte)0x0F);
            ref Vector256<byte> wide = ref MemoryMarshal.GetArrayDataReference(_wide);
            int last = Math.Min(to, text.Length - FragmentBytes + 1) - Vector256<byte>.Count;
            for (; at <= last; at += Vector256<byte>.Count)
            {
                Vector256<byte> bytes = Vector256.LoadUnsafe(ref start, (nuint)at), low = bytes & mask, high = (bytes.AsUInt16() >>> 4).AsByte() & mask;
                Vector256<byte> first = Has(ref wide, 0, low, high), second = Has(ref wide, 2, low, high), third = Has(ref wide, 4, low, high);
                bytes = Vector256.LoadUnsafe(ref start, (nuint)at + 1);
                (low, high) = (bytes & mask, (bytes.AsUInt16() >>> 4).AsByte() & mask);
                (first, second, third) = (first & Has(ref wide, 6, low, high), second & Has(ref wide, 8, low, high), third & Has(ref wide, 10, low, high));
                bytes = Vector256.LoadUnsafe(ref start, (nuint)at + 2);
                (low, high) = (bytes & mask, (bytes.AsUInt16() >>> 4).AsByte() & mask);
                (first, second, third) = (first & Has(ref wide, 12, low, high), second & Has(ref wide, 14, low, high), third & Has(ref wide, 16, low, high));
                bytes = Vector256.LoadUnsafe(ref start, (nuint)at + 3);
                (low, high) = (bytes & mask, (bytes.AsUInt16() >>> 4).AsByte() & mask);
                (first, second, third) = (first & Has(ref wide, 18, low, high), second & Has(ref wide, 20, low, high), third & Has(ref wide, 22, low, high));
                Vector256<byte> any = first | second | third;
                if (any == Vector256<byte>.Zero)
                    continue;
                uint few = ~Vector256.Equals(first & Vector256.Create(ShortGroups), Vector256<byte>.Zero).ExtractMostSignificantBits();
                for (uint bits = ~Vector256.Equals(any, Vector256<byte>.Zero).ExtractMostSignificantBits(); bits != 0; bits &= bits - 1)
                    Consider(text, at + BitOperations.TrailingZeroCount(bits), (few & bits & (0 - bits)) != 0, hits);
            }
        }
        else if (Vector128.IsHardwareAccelerated)
        {
            int last = Math.Min(to, text.Length - FragmentBytes + 1) - Vector128<byte>.Count;
            for (; at <= last; at += Vector128<byte>.Count)
            {
                Vector128<byte> first = Vector128<byte>.AllBitsSet, second = Vector128<byte>.AllBitsSet, third = Vector128<byte>.AllBitsSet;
                for (int i = 0; i < FragmentBytes; i++)
                {
                    Vector128<byte> bytes = Vector128.LoadUnsafe(ref start, (nuint)(at + i)), low = bytes & Vector128.Create((byte)0x0F), high = bytes >>> 4;
                    first &= Vector128.ShuffleNative(_low[i], low) & Vector128.ShuffleNative(_high[i], high);
                    second &= Vector128.ShuffleNative(_low[FragmentBytes + i], low) & Vector128.ShuffleNative(_high[FragmentBytes + i], high);
                    third &= Vector128.ShuffleNative(_low[2 * FragmentBytes + i], low) & Vector128.ShuffleNative(_high[2 * FragmentBytes + i], high);
                }
                Vector128<byte> any = first | second | third;
                if (any == Vector128<byte>.Zero)
                    continue;
                uint few = ~Vector128.Equals(first & Vector128.Create(ShortGroups), Vector128<byte>.Zero).ExtractMostSignificantBits();
                for (uint bits = ~Vector128.Equals(any, Vector128<byte>.Zero).ExtractMostSignificantBits() & 0xFFFF; bits != 0; bits &= bits - 1)
                    Consider(text, at + BitOperations.TrailingZeroCount(bits), (few & bits & (0 - bits)) != 0, hits);
            }
        }
        return at;
    }

    /// <summary>Which groups may have each of 32 bytes in one of the four places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Has(ref Vector256<byte> tables, int at, Vector256<byte> low, Vector256<byte> high) =>
        Avx2.Shuffle(Unsafe.Add(ref tables, at), low) & Avx2.Shuffle(Unsafe.Add(ref tables, at + 1), high);

    /// <param name="at">Where four bytes may be a fragment; at least four follow.</param>
    /// <param name="mayBeShort">Whether it may be one of fewer bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Consider(ReadOnlySpan<byte> text, int at, bool mayBeShort, List<KeywordHit> hits)
    {
        uint folded = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref MemoryMarshal.GetReference(text), at)) | 0x20202020;
        if (HasBit(folded) || mayBeShort && (HasBit(folded & MaskOf(3)) || HasBit(folded & MaskOf(2)) || HasBit(folded & MaskOf(1))))
            Verify(text, at, hits);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HasBit(uint folded)
    {
        uint bit = BitOf(folded);
        return (_bits[bit >> 6] & (1UL << (int)(bit & 63))) != 0;
    }

    private static uint BitOf(uint folded) => (folded * 0x9E3779B1u) >> 16;

    /// <param name="at">Where a fragment may begin.</param>
    private void Verify(ReadOnlySpan<byte> text, int at, List<KeywordHit> hits)
    {
        uint four = at + FragmentBytes <= text.Length ? MemoryMarshal.Read<uint>(text[at..]) : Tail(text[at..]);
        four |= 0x20202020;
        for (int length = 1; length <= FragmentBytes; length++)
        {
            if (_heads[length] is not { } heads)
                continue;
            for (int i = heads[SlotOf(four & MaskOf(length))]; i != 0; i = _next[i - 1])
            {
                byte[] keyword = _keywords[i - 1];
                int start = at - _fragments[i - 1].Offset;
                if (start >= 0 && keyword.Length <= text.Length - start && IsAt(text.Slice(start, keyword.Length), keyword, _exact[i - 1]))
                    hits.Add(new KeywordHit(start, i - 1));
            }
        }
    }

    private static bool IsAt(ReadOnlySpan<byte> text, byte[] keyword, bool exact) =>
        text.SequenceEqual(keyword) || !exact && Ascii.EqualsIgnoreCase(text, keyword);

    private static uint Tail(ReadOnlySpan<byte> rest)
    {
        uint four = 0;
        for (int i = 0; i < Math.Min(rest.Length, FragmentBytes); i++)
            four |= (uint)rest[i] << (8 * i);
        return four;
    }

    private static uint FoldedAt(byte[] keyword, int offset, int length) => (Tail(keyword.AsSpan(offset, length)) | 0x20202020) & MaskOf(length);

    private static uint MaskOf(int length) => length == FragmentBytes ? uint.MaxValue : (1u << (8 * length)) - 1;

    private static int SlotOf(uint folded) => (int)((folded * 0x9E3779B1u) >> 20);

    /// <summary>Puts each fragment into the group whose tables let the least more through with it; the short ones, which let much through, keep among themselves.</summary>
    private bool Fill()
    {
        int[] order = [.. _wanted];
        float[] likely = new float[order.Length];
        Table[] tables = new Table[Groups];
        for (int g = 0; g < Groups; g++)
            tables[g] = new Table();
        float[] weights = new float[256];
        float all = 0;
        for (int b = 0; b < 256; b++)
            all += weights[b] = Commonness((byte)b) * Commonness((byte)b);
        for (int b = 0; b < 256; b++)
            weights[b] /= all;
        for (int n = 0; n < order.Length; n++)
        {
            float product = 1;
            (int offset, int length) = _fragments[order[n]];
            for (int i = 0; i < length; i++)
                product *= weights[_keywords[order[n]][offset + i]];
            // The likely ones first: they decide what a group costs, and the others go where they add little.
            likely[n] = -product;
        }
        Array.Sort(likely, order);
        foreach (int keyword in order)
        {
            bool isShort = _fragments[keyword].Length < FragmentBytes;
            int best = 0;
            float least = float.MaxValue;
            for (int g = 0; g < Groups; g++)
            {
                if (isShort && (g >= 8 || (ShortGroups & (1 << g)) == 0))
                    continue;
                float more = With(tables[g], keyword).Likelihood(weights) - tables[g].Known;
                if (more < least)
                    (best, least) = (g, more);
            }
            tables[best] = With(tables[best], keyword);
            tables[best].Known = tables[best].Likelihood(weights);
        }
        byte[] low = new byte[16], high = new byte[16];
        for (int at = 0; at < Sets * FragmentBytes; at++)
        {
            for (int half = 0; half < 16; half++)
            {
                (low[half], high[half]) = (0, 0);
                for (int g = 0; g < 8; g++)
                {
                    Table table = tables[(at / FragmentBytes * 8) + g];
                    low[half] |= (byte)((table.Low[at % FragmentBytes] >> half & 1) << g);
                    high[half] |= (byte)((table.High[at % FragmentBytes] >> half & 1) << g);
                }
            }
            (_low[at], _high[at]) = (Vector128.Create(low), Vector128.Create(high));
            int use = 2 * (at % FragmentBytes * Sets + at / FragmentBytes);
            (_wide[use], _wide[use + 1]) = (Vector256.Create(_low[at], _low[at]), Vector256.Create(_high[at], _high[at]));
        }
        return true;
    }

    /// <summary>What a group lets through: for each of the four bytes, a bit for each low and each high half.</summary>
    private struct Table
    {
        public Halves Low, High;

        /// <summary>How likely it lets four bytes through; 0 while it is empty.</summary>
        public float Known;

        public readonly float Likelihood(float[] weights)
        {
            float product = 1;
            for (int i = 0; i < FragmentBytes; i++)
            {
                float sum = 0;
                for (int highs = High[i]; highs != 0; highs &= highs - 1)
                    for (int lows = Low[i]; lows != 0; lows &= lows - 1)
                        sum += weights[(BitOperations.TrailingZeroCount(highs) << 4) + BitOperations.TrailingZeroCount(lows)];
                product *= sum;
            }
            return product;
        }
    }

    [InlineArray(FragmentBytes)]
    private struct Halves
    {
        private ushort _first;
    }

    private Table With(Table table, int keyword)
    {
        (int offset, int length) = _fragments[keyword];
        for (int i = 0; i < FragmentBytes; i++)
        {
            if (i >= length)
            {
                (table.Low[i], table.High[i]) = (ushort.MaxValue, ushort.MaxValue);
                continue;
            }
            byte b = _keywords[keyword][offset + i];
            table.Low[i] |= (ushort)(1 << (b & 0x0F));
            table.High[i] |= (ushort)(1 << (b >> 4));
            if (!_exact[keyword] && b is >= (byte)'a' and <= (byte)'z')
                table.High[i] |= (ushort)(1 << ((b - 32) >> 4));
        }
        return table;
    }

    /// <summary>The fragment whose bytes are the least common in text.</summary>
    private static (int Offset, int Length) RarestFragment(byte[] keyword)
    {
        if (keyword.Length == 0)
            throw new ArgumentException("an empty keyword", nameof(keyword));
        if (keyword.Length <= FragmentBytes)
            return (0, keyword.Length);
        int best = 0, least = int.MaxValue;
        for (int at = 0; at + FragmentBytes <= keyword.Length; at++)
        {
            int sum = 0;
            foreach (byte b in keyword.AsSpan(at, FragmentBytes))
                sum += Commonness(b);
            if (sum < least)
                (best, least) = (at, sum);
        }
        return (best, FragmentBytes);
    }

    /// <summary>Roughly how common a byte is in source code and text.</summary>
    private static int Commonness(byte b) => b switch
    {
        (byte)' ' => 14,
        _ when "etaoinsr".Contains((char)b, StringComparison.Ordinal) => 10,
        _ when "lcdupmh".Contains((char)b, StringComparison.Ordinal) => 7,
        (byte)'.' or (byte)'=' or (byte)'"' or (byte)'/' or (byte)'-' or (byte)'_' => 6,
        _ when "fgybvw".Contains((char)b, StringComparison.Ordinal) => 4,
        >= (byte)'0' and <= (byte)'9' => 3,
        _ => 2,
    };
}
