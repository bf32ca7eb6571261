using System.Security.Cryptography;
using System.Text;

namespace Plimsoll.Inspect.Layers;

/// <summary>Writes facts in the bytes that the cache keeps.</summary>
/// <remarks>
/// Magic; number of texts and each as length and UTF-8; the facts, in which a text is its number in that table; a tail of bytes as they
/// are; SHA-256 of all before it. Numbers are 7 bits a byte, low first. By hand, because a warm scan does little
/// else than read these: a serialiser's machinery for it took longer than the work.
/// </remarks>
internal sealed class FactWriter
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<string> _texts = [];
    private byte[] _bytes = new byte[4096];
    private int _length;

    public void Number(long value)
    {
        if (_bytes.Length - _length < 10)
            Array.Resize(ref _bytes, _bytes.Length * 2);
        ulong rest = (ulong)value;
        for (; rest >= 0x80; rest >>= 7)
            _bytes[_length++] = (byte)(rest | 0x80);
        _bytes[_length++] = (byte)rest;
    }

    /// <summary>0 is null.</summary>
    public void Text(string? text)
    {
        if (text is null)
        {
            Number(0);
            return;
        }
        if (!_numbers.TryGetValue(text, out int number))
        {
            _texts.Add(text);
            _numbers.Add(text, number = _texts.Count);
        }
        Number(number);
    }

    public void Texts(IReadOnlyList<string> texts)
    {
        Number(texts.Count);
        foreach (string text in texts)
            Text(text);
    }

    public void List<T>(IReadOnlyList<T> list, Action<FactWriter, T> write) where T : class
    {
        Number(list.Count);
        foreach (T item in list)
            write(this, item);
    }

    public byte[] ToArray(ReadOnlySpan<byte> magic, ReadOnlySpan<byte> tail)
    {
        FactWriter table = new();
        table.Number(_texts.Count);
        foreach (string text in _texts)
        {
            int length = Encoding.UTF8.GetByteCount(text);
            table.Number(length);
            if (table._bytes.Length - table._length < length)
                Array.Resize(ref table._bytes, Math.Max(table._bytes.Length * 2, table._length + length));
            table._length += Encoding.UTF8.GetBytes(text, table._bytes.AsSpan(table._length));
        }
        byte[] whole = new byte[magic.Length + table._length + _length + tail.Length + SHA256.HashSizeInBytes];
        Span<byte> rest = whole;
        Put(ref rest, magic);
        Put(ref rest, table._bytes.AsSpan(0, table._length));
        Put(ref rest, _bytes.AsSpan(0, _length));
        Put(ref rest, tail);
        SHA256.HashData(whole.AsSpan(..^SHA256.HashSizeInBytes), rest);
        return whole;
    }

    private static void Put(ref Span<byte> rest, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(rest);
        rest = rest[bytes.Length..];
    }
}

internal delegate T ReadItem<out T>(ref FactReader reader);

/// <summary>Reads what <see cref="FactWriter"/> wrote; throws InvalidDataException, ArgumentException or IndexOutOfRangeException where it is something else.</summary>
internal ref struct FactReader
{
    /// <summary>More entries than bytes cannot be: what a count may claim at most.</summary>
    private const int MaxCount = 1 << 28;

    private readonly string[] _texts;

    /// <summary>Whether a file begins with the magic and ends with its own hash.</summary>
    /// <param name="facts">What lies between.</param>
    public static bool TryOpen(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> magic, out ReadOnlySpan<byte> facts)
    {
        facts = default;
        if (whole.Length < magic.Length + SHA256.HashSizeInBytes || !whole.StartsWith(magic))
            return false;
        ReadOnlySpan<byte> body = whole[..^SHA256.HashSizeInBytes];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, hash);
        if (!hash.SequenceEqual(whole[body.Length..]))
            return false;
        facts = body[magic.Length..];
        return true;
    }

    public FactReader(ReadOnlySpan<byte> bytes)
    {
        Rest = bytes;
        _texts = new string[Count()];
        for (int i = 0; i < _texts.Length; i++)
        {
            int length = Count();
            _texts[i] = Encoding.UTF8.GetString(Rest[..length]);
            Rest = Rest[length..];
        }
    }

    public ReadOnlySpan<byte> Rest { get; private set; }

    public long Number()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Rest[0];
            Rest = Rest[1..];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return (long)value;
        }
        throw new InvalidDataException();
    }

    /// <summary>A number of things of at least one byte each, so that no count makes room for more than there can be.</summary>
    public int Count() => Number() is >= 0 and < MaxCount and var count && count <= Rest.Length ? (int)count : throw new InvalidDataException();

    public string? Text() => Number() is not 0 and var number ? _texts[number - 1] : null;

    public string Must() => Text() ?? throw new InvalidDataException();

    public IReadOnlyList<string> Texts()
    {
        int count = Count();
        if (count == 0)
            return [];
        string[] texts = new string[count];
        for (int i = 0; i < count; i++)
            texts[i] = Must();
        return texts;
    }

    public IReadOnlyList<T> List<T>(ReadItem<T> read) where T : class
    {
        int count = Count();
        if (count == 0)
            return [];
        T[] items = new T[count];
        for (int i = 0; i < count; i++)
            items[i] = read(ref this);
        return items;
    }
}
