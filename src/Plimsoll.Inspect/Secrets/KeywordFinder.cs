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
/// its high four bits) say which of sixteen groups of keywords may have it there; where all four agree, a set of bits, a hash table and then the whole keyword decide.
/// Source: Hyperscan's "Teddy" for sets of literals. On text it runs at a few bytes a cycle where an Aho-Corasick automaton takes some cycles a byte.
/// </remarks>
internal sealed class KeywordFinder
{
    private const int FragmentBytes = 4, Sets = 2, Groups = 8 * Sets, Slots = 1 << 12;

    private readonly byte[][] _keywords;
    private readonly bool[] _exact;

    /// <summary>Where in the keyword its fragment begins, and how long that is (less than four in short keywords).</summary>
    private readonly (int Offset, int Length)[] _fragments;

    /// <summary>By hash of a folded fragment: 1 + index of the first keyword; <see cref="_next"/> goes on. A table for each length.</summary>
    private readonly ushort[]?[] _heads = new ushort[FragmentBytes + 1][];
    private readonly ushort[] _next;

    /// <summary>For each set of eight groups and each of the four bytes: groups by low and by high half.</summary>
    private readonly Vector128<byte>[] _low = new Vector128<byte>[Sets * FragmentBytes], _high = new Vector128<byte>[Sets * FragmentBytes];

    /// <summary>A bit for the hash of each folded fragment.</summary>
    private readonly ulong[] _bits = new ulong[1 << 10];

    /// <param name="keywords">None empty. Their index is what hits name.</param>
    public KeywordFinder(IReadOnlyList<(string Text, bool Exact)> keywords)
    {
        if (keywords.Count >= ushort.MaxValue)
            throw new ArgumentException($"{keywords.Count} keywords; at most {ushort.MaxValue - 1} can be told apart", nameof(keywords));
        _keywords = [.. keywords.Select(k => Encoding.UTF8.GetBytes(k.Exact ? k.Text : k.Text.ToLowerInvariant()))];
        _exact = [.. keywords.Select(k => k.Exact)];
        _fragments = [.. _keywords.Select(RarestFragment)];
        _next = new ushort[_keywords.Length];
        MaxKeywordBytes = _keywords.Length == 0 ? 0 : _keywords.Max(k => k.Length);
        for (int i = 0; i < _keywords.Length; i++)
        {
            (int offset, int length) = _fragments[i];
            ushort[] heads = _heads[length] ??= new ushort[Slots];
            int slot = SlotOf(FoldedAt(_keywords[i], offset, length));
            _next[i] = heads[slot];
            heads[slot] = (ushort)(i + 1);
            uint bit = BitOf(FoldedAt(_keywords[i], offset, length));
            _bits[bit >> 6] |= 1UL << (int)(bit & 63);
        }
        Fill();
    }

    public int MaxKeywordBytes { get; }

    /// <summary>Adds every keyword that begins in a part of the text, by fragment's place; it may end behind the part.</summary>
    /// <param name="to">At most the text's length.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Find(ReadOnlySpan<byte> text, int from, int to, List<KeywordHit> hits)
    {
        if (_keywords.Length == 0)
            return;
        int at = from;
        ref byte start = ref MemoryMarshal.GetReference(text);
        if (Avx2.IsSupported)
        {
            Vector256<byte> mask = Vector256.Create((byte)0x0F);
            Vector256<byte> l0 = Twice(_low[0]), l1 = Twice(_low[1]), l2 = Twice(_low[2]), l3 = Twice(_low[3]), l4 = Twice(_low[4]), l5 = Twice(_low[5]), l6 = Twice(_low[6]), l7 = Twice(_low[7]);
            Vector256<byte> h0 = Twice(_high[0]), h1 = Twice(_high[1]), h2 = Twice(_high[2]), h3 = Twice(_high[3]), h4 = Twice(_high[4]), h5 = Twice(_high[5]), h6 = Twice(_high[6]), h7 = Twice(_high[7]);
            int last = Math.Min(to, text.Length - FragmentBytes + 1) - Vector256<byte>.Count;
            for (; at <= last; at += Vector256<byte>.Count)
            {
                Vector256<byte> bytes = Vector256.LoadUnsafe(ref start, (nuint)at), low = bytes & mask, high = (bytes.AsUInt16() >>> 4).AsByte() & mask;
                Vector256<byte> first = Avx2.Shuffle(l0, low) & Avx2.Shuffle(h0, high), second = Avx2.Shuffle(l4, low) & Avx2.Shuffle(h4, high);
                bytes = Vector256.LoadUnsafe(ref start, (nuint)at + 1);
                (low, high) = (bytes & mask, (bytes.AsUInt16() >>> 4).AsByte() & mask);
                (first, second) = (first & Avx2.Shuffle(l1, low) & Avx2.Shuffle(h1, high), second & Avx2.Shuffle(l5, low) & Avx2.Shuffle(h5, high));
                bytes = Vector256.LoadUnsafe(ref start, (nuint)at + 2);
                (low, high) = (bytes & mask, (bytes.AsUInt16() >>> 4).AsByte() & mask);
                (first, second) = (first & Avx2.Shuffle(l2, low) & Avx2.Shuffle(h2, high), second & Avx2.Shuffle(l6, low) & Avx2.Shuffle(h6, high));
                bytes = Vector256.LoadUnsafe(ref start, (nuint)at + 3);
                (low, high) = (bytes & mask, (bytes.AsUInt16() >>> 4).AsByte() & mask);
                (first, second) = (first & Avx2.Shuffle(l3, low) & Avx2.Shuffle(h3, high), second & Avx2.Shuffle(l7, low) & Avx2.Shuffle(h7, high));
                if ((first | second) == Vector256<byte>.Zero)
                    continue;
                uint few = Vector256.Equals(first & Vector256<byte>.One, Vector256<byte>.One).ExtractMostSignificantBits();
                for (uint bits = ~Vector256.Equals(first | second, Vector256<byte>.Zero).ExtractMostSignificantBits(); bits != 0; bits &= bits - 1)
                    Consider(text, at + BitOperations.TrailingZeroCount(bits), (few & bits & (0 - bits)) != 0, hits);
            }
        }
        else if (Vector128.IsHardwareAccelerated)
        {
            int last = Math.Min(to, text.Length - FragmentBytes + 1) - Vector128<byte>.Count;
            for (; at <= last; at += Vector128<byte>.Count)
            {
                Vector128<byte> first = Vector128<byte>.AllBitsSet, second = Vector128<byte>.AllBitsSet;
                for (int i = 0; i < FragmentBytes; i++)
                {
                    Vector128<byte> bytes = Vector128.LoadUnsafe(ref start, (nuint)(at + i)), low = bytes & Vector128.Create((byte)0x0F), high = bytes >>> 4;
                    first &= Vector128.ShuffleNative(_low[i], low) & Vector128.ShuffleNative(_high[i], high);
                    second &= Vector128.ShuffleNative(_low[FragmentBytes + i], low) & Vector128.ShuffleNative(_high[FragmentBytes + i], high);
                }
                if ((first | second) == Vector128<byte>.Zero)
                    continue;
                uint few = Vector128.Equals(first & Vector128<byte>.One, Vector128<byte>.One).ExtractMostSignificantBits();
                for (uint bits = ~Vector128.Equals(first | second, Vector128<byte>.Zero).ExtractMostSignificantBits() & 0xFFFF; bits != 0; bits &= bits - 1)
                    Consider(text, at + BitOperations.TrailingZeroCount(bits), (few & bits & (0 - bits)) != 0, hits);
            }
        }
        for (; at < to; at++)
            Verify(text, at, hits);
    }

    private static Vector256<byte> Twice(Vector128<byte> table) => Vector256.Create(table, table);

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

    /// <summary>Puts like fragments into one group, so that a group's tables let few others through.</summary>
    private void Fill()
    {
        int[] order = [.. Enumerable.Range(0, _keywords.Length)
            .OrderBy(i => _fragments[i].Length)
            .ThenBy(i => string.Concat(_keywords[i].AsSpan(_fragments[i].Offset, _fragments[i].Length).ToArray().Select(b => (char)('a' + (b >> 4)))), StringComparer.Ordinal)
            .ThenBy(i => Encoding.Latin1.GetString(_keywords[i].AsSpan(_fragments[i].Offset, _fragments[i].Length)), StringComparer.Ordinal)];
        byte[][] low = [.. Enumerable.Range(0, Sets * FragmentBytes).Select(_ => new byte[16])], high = [.. Enumerable.Range(0, Sets * FragmentBytes).Select(_ => new byte[16])];
        int few = _fragments.Count(f => f.Length < FragmentBytes);
        for (int n = 0; n < order.Length; n++)
        {
            // Short ones let much through and have the first group to themselves.
            int group = n < few ? 0 : few == 0 ? n * Groups / order.Length : 1 + (n - few) * (Groups - 1) / (order.Length - few);
            byte bit = (byte)(1 << (group % 8));
            int set = group / 8 * FragmentBytes;
            (int offset, int length) = _fragments[order[n]];
            for (int i = 0; i < FragmentBytes; i++)
            {
                if (i >= length)
                {
                    for (int half = 0; half < 16; half++)
                    {
                        low[set + i][half] |= bit;
                        high[set + i][half] |= bit;
                    }
                    continue;
                }
                byte b = _keywords[order[n]][offset + i];
                low[set + i][b & 0x0F] |= bit;
                high[set + i][b >> 4] |= bit;
                if (!_exact[order[n]] && b is >= (byte)'a' and <= (byte)'z')
                    high[set + i][(b - 32) >> 4] |= bit;
            }
        }
        for (int i = 0; i < low.Length; i++)
            (_low[i], _high[i]) = (Vector128.Create(low[i]), Vector128.Create(high[i]));
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
