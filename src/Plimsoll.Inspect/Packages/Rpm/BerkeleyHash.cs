using System.Buffers.Binary;

namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>The headers in a Berkeley DB hash file, as rpm wrote it until 4.16: <c>Packages</c>, in either byte order.</summary>
/// <remarks>
/// <para>Source: Berkeley DB's dbinc/db_page.h and hash.src. Page 0 is the metadata page; pages of type 2 and 13 hold keys and data in
/// turn, their items growing from the end of the page; data that does not fit lies on a chain of pages of type 7.</para>
/// <para>Pages are read one after the other instead of by bucket: each key stands on exactly one, and what is free has type 0.
/// Each overflow page is entered once, so that circles end and work is bounded by the file's length.</para>
/// <para>Key 0 holds the number of the next package, not a header.</para>
/// </remarks>
sealed class BerkeleyHash
{
    private const uint HashMagic = 0x061561;

    private const int MetaBytes = 512, PageHeaderBytes = 26;

    private const byte UnsortedHash = 2, Overflow = 7, HashMeta = 8, SortedHash = 13;

    private const byte KeyData = 1, OffPage = 3;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly RpmPackages _packages;
    private readonly bool _bigEndian;
    private readonly int _pageBytes, _pages;
    private readonly bool[] _entered;

    private BerkeleyHash(ReadOnlyMemory<byte> file, RpmPackages packages, bool bigEndian, int pageBytes)
    {
        (_file, _packages, _bigEndian, _pageBytes, _pages) = (file, packages, bigEndian, pageBytes, file.Length / pageBytes);
        _entered = new bool[_pages];
    }

    public static void Read(ReadOnlyMemory<byte> file, RpmPackages packages)
    {
        ReadOnlySpan<byte> meta = file.Span;
        if (meta.Length < MetaBytes)
        {
            packages.Fault($"{meta.Length} bytes that are no Berkeley DB hash");
            return;
        }
        bool bigEndian = BinaryPrimitives.ReadUInt32BigEndian(meta[12..]) == HashMagic;
        uint pageBytes = Number(meta[20..], bigEndian), last = Number(meta[32..], bigEndian), version = Number(meta[16..], bigEndian);
        if (Number(meta[12..], bigEndian) != HashMagic || meta[25] != HashMeta || pageBytes is < 512 or > 65536 || (pageBytes & (pageBytes - 1)) != 0)
        {
            packages.Fault($"no Berkeley DB hash: magic {Number(meta[12..], bigEndian):x}, page type {meta[25]}, pages of {pageBytes} bytes");
            return;
        }
        // Byte 24 is the cipher, bit 0 of byte 26 says that pages carry checksums, which makes their headers longer.
        if (meta[24] != 0 || (meta[26] & 1) != 0 || version is < 8 or > 10)
        {
            packages.Fault($"a Berkeley DB hash of version {version}, cipher {meta[24]}, flags {meta[26]}: rpm never wrote such a one");
            return;
        }
        if (file.Length % pageBytes != 0 || (last + 1L) * pageBytes > file.Length)
            packages.Fault($"the file has {file.Length} bytes; its last page is {last} of {pageBytes} bytes each");
        new BerkeleyHash(file, packages, bigEndian, (int)pageBytes).Read();
    }

    private void Read()
    {
        for (int number = 1; number < _pages && !_packages.IsFull; number++)
        {
            ReadOnlyMemory<byte> page = _file.Slice(number * _pageBytes, _pageBytes);
            byte type = page.Span[25];
            if (type is UnsortedHash or SortedHash)
                ReadPage(page, number);
            else if (type is not (0 or Overflow))
                _packages.Fault($"page {number} is of type {type}, which has no place in rpm's hash");
        }
    }

    private void ReadPage(ReadOnlyMemory<byte> page, int number)
    {
        int items = Short(page.Span[20..]);
        if (PageHeaderBytes + 2 * items > _pageBytes || items % 2 != 0)
        {
            _packages.Fault($"page {number} has {items} items");
            return;
        }
        int end = _pageBytes;
        ReadOnlyMemory<byte> key = default;
        for (int i = 0; i < items && !_packages.IsFull; i++)
        {
            int start = Short(page.Span[(PageHeaderBytes + 2 * i)..]);
            if (start >= end || start < PageHeaderBytes + 2 * items)
            {
                _packages.Fault($"page {number}: item {i} lies from {start} to {end}");
                return;
            }
            ReadOnlyMemory<byte> item = page[start..end];
            end = start;
            if (i % 2 == 0)
                key = item;
            else if (!IsNextNumber(key.Span))
                ReadItem(item, $"page {number}, item {i}");
        }
    }

    /// <summary>Whether a key is the number 0.</summary>
    private static bool IsNextNumber(ReadOnlySpan<byte> key) => key.Length == 5 && key[0] == KeyData && !key[1..].ContainsAnyExcept((byte)0);

    private void ReadItem(ReadOnlyMemory<byte> item, string where)
    {
        ReadOnlySpan<byte> bytes = item.Span;
        if (bytes[0] == KeyData)
        {
            if (_packages.Take(bytes.Length))
                _packages.Add(item[1..], where);
        }
        else if (bytes[0] == OffPage && bytes.Length == 12)
            ReadChain(Number(bytes[4..], _bigEndian), Number(bytes[8..], _bigEndian), where);
        else
            _packages.Fault($"{where} is of type {bytes[0]} with {bytes.Length} bytes");
    }

    private void ReadChain(uint number, uint length, string where)
    {
        if (length > _file.Length)
        {
            _packages.Fault($"{where} states {length} bytes; the file has {_file.Length}");
            return;
        }
        if (!_packages.Take(length))
            return;
        byte[] blob = new byte[(int)length];
        int filled = 0;
        while (filled < blob.Length)
        {
            if (number == 0 || number >= _pages || _entered[number] || _file.Span[(int)number * _pageBytes + 25] != Overflow)
            {
                _packages.Fault($"{where} goes on at page {number}, which is none of it");
                return;
            }
            _entered[number] = true;
            ReadOnlySpan<byte> page = _file.Span.Slice((int)number * _pageBytes, _pageBytes);
            int part = Short(page[22..]);
            if (part == 0 || part > _pageBytes - PageHeaderBytes || part > blob.Length - filled)
            {
                _packages.Fault($"{where}: page {number} states {part} bytes of {blob.Length - filled}");
                return;
            }
            page.Slice(PageHeaderBytes, part).CopyTo(blob.AsSpan(filled));
            filled += part;
            number = Number(page[16..], _bigEndian);
        }
        _packages.Add(blob, where);
    }

    private int Short(ReadOnlySpan<byte> bytes) => _bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private static uint Number(ReadOnlySpan<byte> bytes, bool bigEndian) =>
        bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
}
