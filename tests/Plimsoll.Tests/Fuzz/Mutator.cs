using System.Buffers;
using System.Globalization;
using System.Text;

namespace Plimsoll.Tests.Fuzz;

/// <summary>Changes bytes in the ways that parsers stumble over. The same seed gives the same changes.</summary>
internal sealed class Mutator(int seed)
{
    /// <summary>Longest result: inserting and duplicating stop there, so that time per input stays small.</summary>
    public const int MaxBytes = 256 * 1024;

    private const int TarBlock = 512;

    private static readonly SearchValues<byte> Starts = SearchValues.Create("\":,[{\n"u8), Ends = SearchValues.Create("\":,]}\n"u8);

    private static readonly byte[] OddBytes = [0, 1, 7, 9, 10, 13, 27, 32, 34, 39, 45, 46, 47, 48, 57, 58, 92, 95, 0x7f, 0x80, 0xbf, 0xc0, 0xe2, 0xf4, 0xfe, 0xff];

    private static readonly long[] OddNumbers =
        [0, 1, -1, 127, 128, 255, 256, 511, 512, 513, 32767, 65535, 65536, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, (1L << 55) - 1, long.MaxValue - 510, long.MaxValue, long.MinValue];

    private static readonly string[] OddTexts =
    [
        "null", "[]", "{}", "[null]", "\"\"", "-1", "1e999", "0.5", "true", "9223372036854775807", "18446744073709551616", "\\u0000", "\\ud800", "\\udc00\\ud800",
        "\u202e", "\u200b", "\ufeff", "\U000e0041", "\U0001f600", "\u001b[2J", "\r\n", "\n\n", "\t", "../", "/../..", "//", ":", ": ", "=", "~", "%00", "&a ", "*a", "!t ", "? ", "- ", "{", "}", "[", "]", ",", "#",
    ];

    private readonly Random _random = new(seed);

    public int Next(int bound) => _random.Next(bound);

    public bool OneIn(int count) => _random.Next(count) == 0;

    public T Pick<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];

    /// <summary>One of the seeds with one to eight changes.</summary>
    /// <param name="words">Texts of the format, inserted now and then.</param>
    public byte[] Mutate(IReadOnlyList<byte[]> seeds, IReadOnlyList<string> words)
    {
        byte[] bytes = Pick(seeds);
        for (int changes = 1 + (_random.Next(3) == 0 ? _random.Next(8) : _random.Next(2)); changes > 0; changes--)
            bytes = Change(bytes, seeds, words);
        return bytes.Length <= MaxBytes ? bytes : bytes[..MaxBytes];
    }

    /// <summary>A text with changes; bytes that are no UTF-8 become U+FFFD, and some lone surrogates come in.</summary>
    public string MutateText(IReadOnlyList<string> seeds, IReadOnlyList<string> words)
    {
        string text = Encoding.UTF8.GetString(Mutate([.. seeds.Select(Encoding.UTF8.GetBytes)], words));
        return OneIn(12) ? text.Insert(_random.Next(text.Length + 1), OneIn(2) ? "\ud83d" : "\ude00") : text;
    }

    private byte[] Change(byte[] bytes, IReadOnlyList<byte[]> seeds, IReadOnlyList<string> words)
    {
        if (bytes.Length == 0)
            return Insert(bytes, 0, Encoding.UTF8.GetBytes(Pick(OddTexts)));
        int at = _random.Next(bytes.Length);
        switch (_random.Next(16))
        {
            case 0:
            case 1:
                return Edit(bytes, b => b[at] ^= (byte)(1 << _random.Next(8)));
            case 2:
            case 3:
                return Edit(bytes, b => b[at] = Pick(OddBytes));
            case 4:
                return Edit(bytes, b => _random.NextBytes(b.AsSpan(at, Math.Min(1 + _random.Next(8), b.Length - at))));
            case 5:
                return Insert(bytes, at, Block(bytes));
            case 6:
                return Insert(Remove(bytes, at, 1 + _random.Next(Math.Min(32, bytes.Length))), Math.Min(at, _random.Next(bytes.Length)), Block(Pick(seeds)));
            case 7:
                return Remove(bytes, at, 1 + _random.Next(OneIn(3) ? bytes.Length : 16));
            case 8:
                return bytes[..at];
            case 9:
                byte[] other = Pick(seeds);
                return [.. bytes[..at], .. other.AsSpan(_random.Next(other.Length + 1))];
            case 10:
                return Number(bytes, at);
            case 11:
                return Edit(bytes, b => BinaryNumber(b, at));
            case 12:
                return Insert(bytes, at, Encoding.UTF8.GetBytes(Pick(OddTexts)));
            case 13:
                return words.Count == 0 ? Insert(bytes, at, [Pick(OddBytes)]) : Insert(bytes, at, Encoding.UTF8.GetBytes(Pick(words)));
            case 14:
                // A JSON value, or whatever stands between two quotation marks or line ends, gives way to an odd one.
                return Replace(bytes, at, Encoding.UTF8.GetBytes(words.Count > 0 && OneIn(2) ? Pick(words) : Pick(OddTexts)));
            default:
                return Repeat(bytes, at);
        }
    }

    private byte[] Block(byte[] from)
    {
        int at = _random.Next(from.Length + 1);
        return from.AsSpan(at, Math.Min(from.Length - at, _random.Next(OneIn(4) ? TarBlock * 3 : 24))).ToArray();
    }

    private byte[] Repeat(byte[] bytes, int at)
    {
        // Whole blocks of a tar change places only on their borders.
        if (bytes.Length >= TarBlock * 2 && OneIn(2))
        {
            int block = at / TarBlock * TarBlock, length = Math.Min(TarBlock, bytes.Length - block);
            byte[] whole = bytes.AsSpan(block, length).ToArray();
            return OneIn(2) ? Remove(bytes, block, length) : Insert(bytes, _random.Next((bytes.Length / TarBlock) + 1) * TarBlock, whole);
        }
        byte[] piece = bytes.AsSpan(at, Math.Min(1 + _random.Next(16), bytes.Length - at)).ToArray();
        int times = OneIn(8) ? _random.Next(4096) : _random.Next(20);
        return Insert(bytes, at, [.. Enumerable.Repeat(piece, Math.Min(times, MaxBytes / piece.Length)).SelectMany(p => p)]);
    }

    /// <summary>The decimal or octal number nearest behind a place becomes another one, of its old width where it can.</summary>
    private byte[] Number(byte[] bytes, int at)
    {
        int start = bytes.AsSpan(at).IndexOfAnyInRange((byte)'0', (byte)'9');
        if (start < 0)
            return Edit(bytes, b => b[at] = (byte)'9');
        start += at;
        int length = bytes.AsSpan(start).IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        length = length < 0 ? bytes.Length - start : length;
        long value = long.TryParse(Encoding.ASCII.GetString(bytes, start, Math.Min(length, 18)), CultureInfo.InvariantCulture, out long old) && OneIn(2)
            ? old + _random.Next(-2, 3) : Pick(OddNumbers);
        string text = OneIn(2) ? value.ToString(CultureInfo.InvariantCulture) : Convert.ToString(value, 8);
        if (OneIn(2))
            text = text.PadLeft(length, '0')[^length..];
        return Insert(Remove(bytes, start, length), start, Encoding.ASCII.GetBytes(text));
    }

    private void BinaryNumber(byte[] bytes, int at)
    {
        byte[] number = BitConverter.GetBytes(Pick(OddNumbers));
        int length = Pick([2, 4, 8]);
        Span<byte> value = number.AsSpan(0, length);
        if (OneIn(2))
            value.Reverse();
        value[..Math.Min(length, bytes.Length - at)].CopyTo(bytes.AsSpan(at));
    }

    private static byte[] Replace(byte[] bytes, int at, byte[] by)
    {
        int start = bytes.AsSpan(0, at).LastIndexOfAny(Starts) + 1;
        int length = bytes.AsSpan(at).IndexOfAny(Ends);
        int end = length < 0 ? bytes.Length : at + length;
        // A whole string goes with its marks.
        if (start > 0 && bytes[start - 1] == (byte)'"' && end < bytes.Length && bytes[end] == (byte)'"' && by.Length > 0 && by[0] is not (byte)'\\')
            (start, end) = (start - 1, end + 1);
        return [.. bytes[..start], .. by, .. bytes[end..]];
    }

    private static byte[] Edit(byte[] bytes, Action<byte[]> edit)
    {
        byte[] changed = [.. bytes];
        edit(changed);
        return changed;
    }

    private static byte[] Insert(byte[] bytes, int at, byte[] what) =>
        bytes.Length + what.Length > MaxBytes ? bytes : [.. bytes.AsSpan(0, Math.Min(at, bytes.Length)), .. what, .. bytes.AsSpan(Math.Min(at, bytes.Length))];

    private static byte[] Remove(byte[] bytes, int at, int count)
    {
        int start = Math.Min(at, bytes.Length), end = Math.Min(start + count, bytes.Length);
        return [.. bytes.AsSpan(0, start), .. bytes.AsSpan(end)];
    }
}
