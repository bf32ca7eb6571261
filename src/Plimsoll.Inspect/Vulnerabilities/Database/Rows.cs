using System.Buffers.Binary;
using System.Text;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>The tables of the database; the value is the first byte that each row's checksum covers.</summary>
internal enum RowKind : byte
{
    Meta = (byte)'m',
    Advisory = (byte)'a',
    Package = (byte)'p',
    Id = (byte)'i',
    Epss = (byte)'e',

    /// <summary>Which packages a record speaks of.</summary>
    Affects = (byte)'f',
}

/// <summary>
/// Writes values one after the other: LEB128 numbers, texts as length and UTF-8. A sealed row ends with a CRC-32C over kind,
/// number and body, so that no damaged or misplaced row is taken for an answer. Source: docs/formats/advisory-database.md.
/// </summary>
internal sealed class RowWriter
{
    private byte[] _buffer = new byte[1024];

    public int Length { get; private set; }
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    public void Clear() => Length = 0;

    /// <summary>Forgets what was written after this length.</summary>
    public void CutTo(int length) => Length = length;

    public void Number(ulong value)
    {
        Span<byte> to = Room(10);
        int n = 0;
        for (; value >= 0x80; value >>= 7)
            to[n++] = (byte)(value | 0x80);
        to[n++] = (byte)value;
        Length += n;
    }

    public void Number(int value) => Number((ulong)value);

    public void Text(string value)
    {
        int bytes = Encoding.UTF8.GetByteCount(value);
        Number((ulong)bytes);
        Encoding.UTF8.GetBytes(value, Room(bytes));
        Length += bytes;
    }

    public void Texts(IReadOnlyList<string> values)
    {
        Number((ulong)values.Count);
        for (int i = 0; i < values.Count; i++)
            Text(values[i]);
    }

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Length += bytes.Length;
    }

    public void Fixed(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(Room(4), value);
        Length += 4;
    }

    public void Advisory(Advisory advisory, string source)
    {
        Text(advisory.Id);
        Text(source);
        Texts(advisory.Aliases);
        Texts(advisory.Upstream);
        Text(advisory.Summary);
        Text(advisory.Published);
        Text(advisory.Modified);
        Number((ulong)advisory.Cvss.Count);
        foreach ((string type, string vector) in advisory.Cvss)
        {
            Text(type);
            Text(vector);
        }
        Text(advisory.SeverityWord ?? "");
        Texts(advisory.References);
    }

    /// <summary>Everything but ecosystem, package and advisory, which the surrounding row states.</summary>
    public void Affected(Affected affected)
    {
        Text(affected.Urgency ?? "");
        Number((ulong)affected.Ranges.Count);
        foreach (AffectedRange range in affected.Ranges)
        {
            Text(range.Type);
            Number((ulong)range.Events.Count);
            foreach ((string kind, string version) in range.Events)
            {
                Number((ulong)Array.IndexOf(RowReader.EventKinds, kind));
                Text(version);
            }
        }
        Texts(affected.Versions);
    }

    /// <summary>Adds the checksum; the row is then <see cref="Written"/>.</summary>
    public void Seal(RowKind kind, long number) => Fixed(Sum(kind, number, Written));

    internal static uint Sum(RowKind kind, long number, ReadOnlySpan<byte> body)
    {
        Span<byte> head = stackalloc byte[9];
        head[0] = (byte)kind;
        BinaryPrimitives.WriteInt64LittleEndian(head[1..], number);
        return Checksum.Crc32C(body, Checksum.Crc32C(head));
    }

    private Span<byte> Room(int bytes)
    {
        if (_buffer.Length - Length < bytes)
            Array.Resize(ref _buffer, checked(Math.Max(_buffer.Length * 2, Length + bytes)));
        return _buffer.AsSpan(Length);
    }
}

/// <summary>Reads what <see cref="RowWriter"/> wrote; anything else is a <see cref="AdvisoryError.Corrupt"/>.</summary>
internal ref struct RowReader(ReadOnlySpan<byte> bytes, string path)
{
    internal static readonly string[] EventKinds = ["introduced", "fixed", "last_affected", "limit"];
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool AtEnd => _rest.IsEmpty;
    public readonly ReadOnlySpan<byte> Rest => _rest;

    /// <summary>Checks a row's checksum and gives its body.</summary>
    public static RowReader Unseal(RowKind kind, long number, ReadOnlySpan<byte> row, string path) =>
        row.Length >= 4 && RowWriter.Sum(kind, number, row[..^4]) == BinaryPrimitives.ReadUInt32LittleEndian(row[^4..])
            ? new RowReader(row[..^4], path)
            : throw AdvisoryException.Corrupt(path, $"checksum of row {number} of table {kind.ToString().ToLowerInvariant()}");

    public ulong Number()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte b = Take(1)[0];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }
        throw Bad();
    }

    /// <summary>A count of things that each take at least a byte: more than there are bytes cannot be.</summary>
    public int Count()
    {
        ulong count = Number();
        return count <= (ulong)_rest.Length ? (int)count : throw Bad();
    }

    public int Int32()
    {
        ulong value = Number();
        return value <= int.MaxValue ? (int)value : throw Bad();
    }

    public ReadOnlySpan<byte> Utf8() => Take(Count());

    public string Text()
    {
        ReadOnlySpan<byte> utf8 = Utf8();
        return utf8.IsEmpty ? "" : Encoding.UTF8.GetString(utf8);
    }

    public IReadOnlyList<string> Texts()
    {
        int count = Count();
        if (count == 0)
            return [];
        string[] values = new string[count];
        for (int i = 0; i < count; i++)
            values[i] = Text();
        return values;
    }

    public uint Fixed() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ReadOnlySpan<byte> Take(int bytes)
    {
        if ((uint)bytes > (uint)_rest.Length)
            throw Bad();
        ReadOnlySpan<byte> taken = _rest[..bytes];
        _rest = _rest[bytes..];
        return taken;
    }

    public Advisory Advisory()
    {
        string id = Text(), source = Text();
        IReadOnlyList<string> aliases = Texts(), upstream = Texts();
        string summary = Text(), published = Text(), modified = Text();
        int count = Count();
        KeyValuePair<string, string>[] cvss = count == 0 ? [] : new KeyValuePair<string, string>[count];
        for (int i = 0; i < count; i++)
            cvss[i] = new(Text(), Text());
        string word = Text();
        return new Advisory
        {
            Id = id,
            Source = source,
            Aliases = aliases,
            Upstream = upstream,
            Summary = summary,
            Published = published,
            Modified = modified,
            Cvss = cvss,
            SeverityWord = word.Length == 0 ? null : word,
            References = Texts(),
        };
    }

    public Affected Affected(Func<Advisory> advisory, string ecosystem, string package)
    {
        string urgency = Text();
        int count = Count();
        AffectedRange[] ranges = count == 0 ? [] : new AffectedRange[count];
        for (int i = 0; i < count; i++)
        {
            string type = RangeType(Utf8());
            RangeEvent[] events = new RangeEvent[Count()];
            for (int e = 0; e < events.Length; e++)
            {
                int kind = Int32();
                events[e] = new RangeEvent(kind < EventKinds.Length ? EventKinds[kind] : throw Bad(), Text());
            }
            ranges[i] = new AffectedRange(type, events);
        }
        return new Affected
        {
            LoadAdvisory = advisory,
            Ecosystem = ecosystem,
            Package = package,
            Urgency = urgency.Length == 0 ? null : urgency,
            Ranges = ranges,
            Versions = Texts(),
        };
    }

    private static string RangeType(ReadOnlySpan<byte> utf8) =>
        utf8.SequenceEqual("ECOSYSTEM"u8) ? "ECOSYSTEM" : utf8.SequenceEqual("SEMVER"u8) ? "SEMVER" : Encoding.UTF8.GetString(utf8);

    private readonly AdvisoryException Bad() => AdvisoryException.Corrupt(path, "a row ends too early or holds an impossible number");
}
