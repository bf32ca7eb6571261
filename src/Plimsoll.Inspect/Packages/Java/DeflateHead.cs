using System.Buffers.Binary;

namespace Plimsoll.Inspect.Packages.Java;

/// <summary>Inflates the first few hundred bytes of a deflate stream and no more.</summary>
/// <remarks>
/// A jar has thousands of classes whose start says that nobody wants the rest; setting up the library's inflater for each costs more than that start.
/// What is odd in any way is left to that inflater, so that only one of the two says what is damaged. Source: RFC 1951.
/// </remarks>
static class DeflateHead
{
    private const int MaxBits = 15, FastBits = 9, Literals = 288, Distances = 30, EndOfBlock = 256;

    private static ReadOnlySpan<byte> LengthOrder => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private static ReadOnlySpan<ushort> LengthBase => [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static ReadOnlySpan<byte> LengthExtra => [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static ReadOnlySpan<ushort> DistanceBase => [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];

    private static ReadOnlySpan<byte> DistanceExtra => [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

    [ThreadStatic]
    private static Codes? _lengths, _literals, _distances;

    /// <summary>Fills the span, or as much of it as there is.</summary>
    /// <returns>Bytes that came out: all there is when they are fewer than asked for. -1 when the stream is damaged, cut off or unusual before that.</returns>
    public static int Inflate(ReadOnlySpan<byte> packed, Span<byte> head)
    {
        Bits bits = new(packed);
        for (int at = 0; ;)
        {
            bool isLast = bits.Take(1) == 1;
            at = bits.Take(2) switch
            {
                0 => Stored(ref bits, head, at),
                1 => Block(ref bits, Fixed.Literals, Fixed.Distances, head, at),
                2 when ReadCodes(ref bits) => Block(ref bits, _literals!, _distances!, head, at),
                _ => -1,
            };
            if (at < 0 || bits.IsBeyond)
                return -1;
            if (isLast || at == head.Length)
                return at;
        }
    }

    private static int Stored(ref Bits bits, Span<byte> head, int at)
    {
        bits.ToByte();
        int length = bits.Take(16), inverse = bits.Take(16);
        if (length != (~inverse & 0xFFFF))
            return -1;
        for (; length > 0 && at < head.Length; length--)
            head[at++] = (byte)bits.Take(8);
        return at;
    }

    /// <returns>Where the output stands at the block's end, or when it is full; -1 for a fault.</returns>
    private static int Block(ref Bits bits, Codes literals, Codes distances, Span<byte> head, int at)
    {
        while (at < head.Length && !bits.IsBeyond)
        {
            int symbol = literals.Next(ref bits);
            if (symbol < EndOfBlock)
            {
                if (symbol < 0)
                    return -1;
                head[at++] = (byte)symbol;
                continue;
            }
            if (symbol == EndOfBlock)
                return at;
            symbol -= EndOfBlock + 1;
            if (symbol >= LengthBase.Length)
                return -1;
            int length = LengthBase[symbol] + bits.Take(LengthExtra[symbol]), far = distances.Next(ref bits);
            if (far is < 0 or >= Distances)
                return -1;
            int distance = DistanceBase[far] + bits.Take(DistanceExtra[far]);
            if (distance > at)
                return -1;
            for (; length > 0 && at < head.Length; length--, at++)
                head[at] = head[at - distance];
        }
        return at;
    }

    /// <summary>The codes of a block that brings its own.</summary>
    private static bool ReadCodes(ref Bits bits)
    {
        int literals = bits.Take(5) + 257, distances = bits.Take(5) + 1, lengths = bits.Take(4) + 4;
        if (literals > 286 || distances > Distances)
            return false;
        Span<byte> sizes = stackalloc byte[Literals + 32];
        sizes.Clear();
        for (int i = 0; i < lengths; i++)
            sizes[LengthOrder[i]] = (byte)bits.Take(3);
        if (!(_lengths ??= new Codes()).Make(sizes[..19], mayBeOne: false))
            return false;
        sizes.Clear();
        for (int at = 0; at < literals + distances;)
        {
            int symbol = _lengths.Next(ref bits);
            if (symbol < 0 || bits.IsBeyond)
                return false;
            if (symbol < 16)
            {
                sizes[at++] = (byte)symbol;
                continue;
            }
            if (symbol == 16 && at == 0)
                return false;
            (byte repeated, int times) = symbol switch
            {
                16 => (sizes[at - 1], 3 + bits.Take(2)),
                17 => ((byte)0, 3 + bits.Take(3)),
                _ => ((byte)0, 11 + bits.Take(7)),
            };
            if (times > literals + distances - at)
                return false;
            sizes.Slice(at, times).Fill(repeated);
            at += times;
        }
        return sizes[EndOfBlock] != 0
            && (_literals ??= new Codes()).Make(sizes[..literals], mayBeOne: false)
            && (_distances ??= new Codes()).Make(sizes.Slice(literals, distances), mayBeOne: true);
    }

    /// <summary>The codes that every inflater knows.</summary>
    private static class Fixed
    {
        public static readonly Codes Literals = Of([.. Enumerable.Repeat((byte)8, 144), .. Enumerable.Repeat((byte)9, 112), .. Enumerable.Repeat((byte)7, 24), .. Enumerable.Repeat((byte)8, 8)]);
        public static readonly Codes Distances = Of([.. Enumerable.Repeat((byte)5, 32)]);

        private static Codes Of(byte[] sizes)
        {
            Codes codes = new();
            codes.Make(sizes, mayBeOne: false);
            return codes;
        }
    }

    /// <summary>A set of prefix codes.</summary>
    private sealed class Codes
    {
        /// <summary>By the next <see cref="FastBits"/> bits: symbol and, in the lowest four bits, length; 0 where the code is longer.</summary>
        private readonly ushort[] _fast = new ushort[1 << FastBits];

        private static readonly byte[] Reversed = [.. Enumerable.Range(0, 256).Select(b => (byte)Enumerable.Range(0, 8).Sum(i => (b >> i & 1) << (7 - i)))];

        /// <summary>Of each length, how many codes there are; and all symbols in the order of their codes.</summary>
        private readonly int[] _counts = new int[MaxBits + 1];
        private readonly ushort[] _symbols = new ushort[Literals];

        /// <param name="sizes">By symbol: bits of its code; 0 for none.</param>
        /// <param name="mayBeOne">Whether a set of one code of one bit, or of none, is taken although it does not use up all codes.</param>
        /// <returns>False when the set has too many codes or too few.</returns>
        public bool Make(ReadOnlySpan<byte> sizes, bool mayBeOne)
        {
            Array.Clear(_counts);
            foreach (byte size in sizes)
                _counts[size]++;
            int used = sizes.Length - _counts[0], left = 1;
            _counts[0] = 0;
            Span<int> codes = stackalloc int[MaxBits + 1], places = stackalloc int[MaxBits + 1];
            (codes[0], places[0]) = (0, 0);
            for (int size = 1; size <= MaxBits; size++)
            {
                left = (left << 1) - _counts[size];
                if (left < 0)
                    return false;
                codes[size] = (codes[size - 1] + _counts[size - 1]) << 1;
                places[size] = places[size - 1] + _counts[size - 1];
            }
            if (left > 0 && !(mayBeOne && (used == 0 || used == 1 && _counts[1] == 1)))
                return false;
            Array.Clear(_fast);
            for (int symbol = 0; symbol < sizes.Length; symbol++)
            {
                int size = sizes[symbol];
                if (size == 0)
                    continue;
                _symbols[places[size]++] = (ushort)symbol;
                int code = codes[size]++;
                if (size > FastBits)
                    continue;
                int reversed = (Reversed[code & 0xFF] << 8 | Reversed[code >> 8]) >> (16 - size);
                for (int i = reversed; i < _fast.Length; i += 1 << size)
                    _fast[i] = (ushort)(symbol << 4 | size);
            }
            return true;
        }

        /// <returns>-1 for a code that stands for nothing.</returns>
        public int Next(ref Bits bits)
        {
            int fast = _fast[bits.Peek(FastBits)];
            if (fast != 0)
            {
                bits.Drop(fast & 15);
                return fast >> 4;
            }
            int ahead = bits.Peek(MaxBits), code = 0, first = 0, place = 0;
            for (int size = 1; size <= MaxBits; size++)
            {
                code |= ahead & 1;
                ahead >>= 1;
                int count = _counts[size];
                if (code - first < count)
                {
                    bits.Drop(size);
                    return _symbols[place + code - first];
                }
                place += count;
                first = (first + count) << 1;
                code <<= 1;
            }
            return -1;
        }
    }

    /// <summary>Bits, the lowest of a byte first. Behind the end come zeros, and <see cref="IsBeyond"/> says so.</summary>
    private ref struct Bits(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private ulong _bits;
        private int _count, _at;

        /// <summary>Whether more was taken than there is.</summary>
        public readonly bool IsBeyond => _count < 0;

        public int Take(int count)
        {
            int taken = Peek(count);
            Drop(count);
            return taken;
        }

        /// <param name="count">At most 16.</param>
        public int Peek(int count)
        {
            if (_count < 16)
                Fill();
            return (int)(_bits & ((1UL << count) - 1));
        }

        public void Drop(int count)
        {
            _bits >>= count;
            _count -= count;
        }

        public void ToByte()
        {
            if (_count > 0)
                Drop(_count & 7);
        }

        private void Fill()
        {
            if (_count < 0)
                return;
            if (_at + 8 <= _bytes.Length)
            {
                _bits |= BinaryPrimitives.ReadUInt64LittleEndian(_bytes[_at..]) << _count;
                int whole = (63 - _count) >> 3;
                _at += whole;
                _count += whole << 3;
                // Bits of a byte that is not counted yet come again with the next fill, so they must not stay.
                _bits &= (1UL << _count) - 1;
                return;
            }
            for (; _count <= 56 && _at < _bytes.Length; _count += 8)
                _bits |= (ulong)_bytes[_at++] << _count;
        }
    }
}
