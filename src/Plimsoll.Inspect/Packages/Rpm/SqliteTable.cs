using System.Buffers.Binary;

namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>The rows of rpm's table <c>Packages</c> out of an SQLite file.</summary>
/// <remarks>
/// <para>Source: "Database File Format" of SQLite, https://www.sqlite.org/fileformat2.html, sections 1.3 (header), 1.6 (b-tree pages)
/// and 2.1 (records). The table is <c>CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)</c>.</para>
/// <para>A page belongs to one tree and one chain in every sound file, so each is entered once: a circle ends there, and the
/// work is bounded by the length of the file. Indexes, free pages and the journal beside the file are not read.</para>
/// </remarks>
sealed class SqliteTable
{
    private const int HeaderBytes = 100;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly RpmPackages _packages;
    private readonly int _pageBytes, _usable;
    private readonly bool[] _entered;

    private SqliteTable(ReadOnlyMemory<byte> file, int pageBytes, int usable, RpmPackages packages)
    {
        (_file, _pageBytes, _usable, _packages) = (file, pageBytes, usable, packages);
        _entered = new bool[file.Length / pageBytes + 1];
    }

    public static void Read(ReadOnlyMemory<byte> file, RpmPackages packages)
    {
        ReadOnlySpan<byte> header = file.Span;
        if (header.Length < HeaderBytes || !header.StartsWith("SQLite format 3\0"u8))
        {
            packages.Fault($"{header.Length} bytes that are no SQLite database");
            return;
        }
        int pageBytes = BinaryPrimitives.ReadUInt16BigEndian(header[16..]);
        if (pageBytes == 1)
            pageBytes = 65536;
        int usable = pageBytes - header[20];
        if (pageBytes < 512 || (pageBytes & (pageBytes - 1)) != 0 || usable < 480 || BinaryPrimitives.ReadUInt32BigEndian(header[56..]) > 1)
        {
            packages.Fault($"an SQLite database with pages of {pageBytes} bytes, {header[20]} of them reserved, in encoding {BinaryPrimitives.ReadUInt32BigEndian(header[56..])}");
            return;
        }
        // The stated number of pages holds when the two change counters agree; older writers left it alone.
        uint pages = BinaryPrimitives.ReadUInt32BigEndian(header[28..]);
        if (file.Length % pageBytes != 0 || header[24..28].SequenceEqual(header[92..96]) && pages * (long)pageBytes > file.Length)
            packages.Fault($"the file has {file.Length} bytes; its header states {pages} pages of {pageBytes}");
        SqliteTable table = new(file, pageBytes, usable, packages);
        uint root = 0;
        table.Walk(1, (_, record) =>
        {
            if (root == 0)
                root = RootOf(record.Span);
        });
        if (root <= 1)
            packages.Fault("the SQLite database has no table Packages");
        else
            table.Walk(root, (row, record) =>
            {
                if (BlobOf(record) is { } blob)
                    packages.Add(blob, $"row {row}");
                else
                    packages.Fault($"row {row} of Packages holds no blob");
            });
    }

    /// <summary>Goes over a table's leaves, from the left.</summary>
    private void Walk(uint root, Action<long, ReadOnlyMemory<byte>> take)
    {
        Stack<uint> open = new([root]);
        while (open.TryPop(out uint number) && !_packages.IsFull)
        {
            if (!Enter(number, "a table"))
                continue;
            ReadOnlySpan<byte> page = Page(number);
            int start = number == 1 ? HeaderBytes : 0, cells = BinaryPrimitives.ReadUInt16BigEndian(page[(start + 3)..]);
            bool leaf = page[start] == 0x0d;
            int pointers = start + (leaf ? 8 : 12);
            if (page[start] is not (0x0d or 0x05) || pointers + 2 * cells > _usable)
            {
                _packages.Fault($"page {number} is of kind {page[start]} with {cells} cells; wanted a page of a table");
                continue;
            }
            // Children are pushed from the right, so that rows come out in their order.
            if (!leaf)
                open.Push(BinaryPrimitives.ReadUInt32BigEndian(page[(start + 8)..]));
            for (int i = 0; i < cells && !_packages.IsFull; i++)
            {
                int at = BinaryPrimitives.ReadUInt16BigEndian(page[(pointers + 2 * (leaf ? i : cells - 1 - i))..]);
                if (at < pointers + 2 * cells || at + 4 > _usable)
                    _packages.Fault($"page {number}: cell {i} lies at {at} of {_usable}");
                else if (!leaf)
                    open.Push(BinaryPrimitives.ReadUInt32BigEndian(page[at..]));
                else if (ReadCell(number, at, out long row) is { } record)
                    take(row, record);
            }
        }
    }

    /// <summary>The record of a cell, put together from its overflow pages; null after a fault.</summary>
    private ReadOnlyMemory<byte>? ReadCell(uint number, int at, out long row)
    {
        ReadOnlyMemory<byte> rest = _file.Slice(checked((int)((number - 1) * (long)_pageBytes)), _usable)[at..];
        int used = Varint(rest.Span, out ulong length), rowBytes = Varint(rest.Span[used..], out ulong id);
        row = (long)id;
        if (used == 0 || rowBytes == 0 || length > (ulong)_file.Length)
        {
            _packages.Fault($"page {number}: a cell at {at} states {length} bytes");
            return null;
        }
        if (!_packages.Take((long)length))
            return null;
        rest = rest[(used + rowBytes)..];
        int whole = _usable - 35, least = (_usable - 12) * 32 / 255 - 23;
        int local = (int)length;
        if (local > whole)
        {
            local = least + ((int)length - least) % (_usable - 4);
            local = local <= whole ? local : least;
        }
        if (rest.Length < local + (local < (int)length ? 4 : 0))
        {
            _packages.Fault($"page {number}: a cell at {at} goes beyond its page");
            return null;
        }
        if (local == (int)length)
            return rest[..local];
        byte[] record = new byte[(int)length];
        rest.Span[..local].CopyTo(record);
        uint next = BinaryPrimitives.ReadUInt32BigEndian(rest.Span[local..]);
        while (local < record.Length)
        {
            if (!Enter(next, $"row {row}"))
                return null;
            ReadOnlySpan<byte> page = Page(next);
            int part = Math.Min(record.Length - local, _usable - 4);
            page.Slice(4, part).CopyTo(record.AsSpan(local));
            local += part;
            next = BinaryPrimitives.ReadUInt32BigEndian(page);
        }
        return record;
    }

    private ReadOnlySpan<byte> Page(uint number) => _file.Span.Slice((int)((number - 1) * (long)_pageBytes), _usable);

    private bool Enter(uint number, string what)
    {
        if (number == 0 || number * (long)_pageBytes > _file.Length)
        {
            _packages.Fault($"{what} goes on at page {number}; the file has {_file.Length / _pageBytes}");
            return false;
        }
        if (_entered[number])
        {
            _packages.Fault($"{what} goes on at page {number}, which was read before");
            return false;
        }
        return _entered[number] = true;
    }

    /// <summary>The root page of Packages, or 0 when this row of the schema is about something else.</summary>
    private static uint RootOf(ReadOnlySpan<byte> record)
    {
        // type, name, tbl_name, rootpage, sql
        if (!TryColumn(record, 0, out ReadOnlySpan<byte> type, out _) || !type.SequenceEqual("table"u8)
            || !TryColumn(record, 1, out ReadOnlySpan<byte> name, out _) || !name.SequenceEqual("Packages"u8)
            || !TryColumn(record, 3, out ReadOnlySpan<byte> root, out ulong kind) || kind is 0 or > 6)
            return 0;
        ulong number = 0;
        foreach (byte b in root)
            number = (number << 8) + b;
        return number <= int.MaxValue ? (uint)number : 0;
    }

    private static ReadOnlyMemory<byte>? BlobOf(ReadOnlyMemory<byte> record) =>
        TryColumn(record.Span, 1, out ReadOnlySpan<byte> blob, out ulong kind) && kind >= 12 && kind % 2 == 0
        && record.Span.Overlaps(blob, out int offset)
            ? record.Slice(offset, blob.Length)
            : null;

    /// <param name="kind">SQLite's serial type.</param>
    private static bool TryColumn(ReadOnlySpan<byte> record, int column, out ReadOnlySpan<byte> value, out ulong kind)
    {
        value = default;
        kind = 0;
        int at = Varint(record, out ulong headerBytes);
        if (at == 0 || headerBytes > (ulong)record.Length)
            return false;
        ulong start = headerBytes;
        for (int i = 0; at < (int)headerBytes; i++)
        {
            int used = Varint(record[at..(int)headerBytes], out kind);
            if (used == 0)
                return false;
            at += used;
            ulong length = kind switch { <= 4 => kind, 5 => 6, 6 or 7 => 8, 8 or 9 => 0, 10 or 11 => ulong.MaxValue, _ => (kind - 12) / 2 };
            if (length > (ulong)record.Length - start)
                return false;
            if (i == column)
            {
                value = record.Slice((int)start, (int)length);
                return true;
            }
            start += length;
        }
        return false;
    }

    /// <returns>Bytes used, 1 to 9; 0 when the number is cut off.</returns>
    private static int Varint(ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (int i = 0; i < 8 && i < bytes.Length; i++)
        {
            value = (value << 7) + (uint)(bytes[i] & 0x7f);
            if (bytes[i] < 0x80)
                return i + 1;
        }
        if (bytes.Length < 9)
            return 0;
        value = (value << 8) + bytes[8];
        return 9;
    }
}
