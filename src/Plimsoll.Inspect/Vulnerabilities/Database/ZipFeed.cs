using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>
/// A zip of many small files, read from several threads at once. The whole directory is checked before the first entry is
/// read; each entry's length and CRC-32 are checked before it is handed out. Stored and deflated entries, zip64.
/// Source: PKWARE APPNOTE 6.3.10.
/// </summary>
internal sealed class ZipFeed : IRecordFeed
{
    private const int EndBytes = 22, MaxCommentBytes = 65535, DirectoryEntryBytes = 46, LocalHeaderBytes = 30;
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private readonly OsvLimits _limits;
    private readonly long _length;
    private readonly List<Entry> _entries = [];
    private readonly byte[] _directory;

    private readonly record struct Entry(long Header, long Packed, int Length, uint Crc, int Name, ushort NameBytes, bool Deflated);

    /// <exception cref="AdvisoryException">No zip, a broken one, or one past a limit.</exception>
    public ZipFeed(string path, OsvLimits limits)
    {
        (_path, _limits) = (path, limits);
        _file = FeedFile.Open(path);
        try
        {
            _length = RandomAccess.GetLength(_file);
            if (_length > limits.MaxZipBytes)
                throw Limit($"it has {_length} bytes; at most {limits.MaxZipBytes} (MaxZipBytes)");
            _directory = ReadDirectory(out long count);
            ListEntries(count);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public int Count => _entries.Count;

    public string Name(int index) => Encoding.UTF8.GetString(_directory, _entries[index].Name, _entries[index].NameBytes);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Read(int index, FeedBuffer buffer)
    {
        Entry entry = _entries[index];
        if (entry.Length > _limits.MaxRecordBytes)
            return default;
        Span<byte> head = stackalloc byte[LocalHeaderBytes];
        ReadExactly(head, entry.Header);
        if (BinaryPrimitives.ReadUInt32LittleEndian(head) != 0x04034b50)
            throw Broken($"entry {Escape.Quote(Name(index))} has no local header");
        long start = entry.Header + LocalHeaderBytes + BinaryPrimitives.ReadUInt16LittleEndian(head[26..])
            + BinaryPrimitives.ReadUInt16LittleEndian(head[28..]);
        if (start + entry.Packed > _length)
            throw Cut($"entry {Escape.Quote(Name(index))} ends at {start + entry.Packed} of {_length} bytes");
        Span<byte> packed = buffer.Packed((int)entry.Packed);
        ReadExactly(packed, start);
        ReadOnlySpan<byte> record = entry.Deflated ? Inflate(entry, index, buffer) : packed;
        if (Checksum.Crc32(record) is uint crc && crc != entry.Crc)
            throw Broken($"entry {Escape.Quote(Name(index))} has CRC-32 {crc:x8}; the directory says {entry.Crc:x8}");
        return record;
    }

    public void Dispose() => _file.Dispose();

    private ReadOnlySpan<byte> Inflate(Entry entry, int index, FeedBuffer buffer)
    {
        // One byte of room more than stated shows whether more comes out than stated.
        Span<byte> room = buffer.Unpacked(entry.Length + 1);
        int filled = 0;
        try
        {
            using DeflateStream inflater = new(buffer.PackedStream((int)entry.Packed), CompressionMode.Decompress);
            int read;
            while (filled < room.Length && (read = inflater.Read(room[filled..])) > 0)
                filled += read;
        }
        catch (InvalidDataException e)
        {
            throw Broken($"entry {Escape.Quote(Name(index))} is no deflate data", e);
        }
        if (filled != entry.Length)
            throw Broken($"entry {Escape.Quote(Name(index))} unpacks to {(filled > entry.Length ? "more than" : $"{filled}; wanted")} {entry.Length} bytes");
        return room[..filled];
    }

    private byte[] ReadDirectory(out long count)
    {
        if (_length < EndBytes)
            throw Cut($"it has {_length} bytes, too few for a zip");
        int tailBytes = (int)Math.Min(_length, EndBytes + MaxCommentBytes);
        byte[] tail = new byte[tailBytes];
        ReadExactly(tail, _length - tailBytes);
        int at = tailBytes - EndBytes;
        // The comment must fill the file to its end, or a comment that contains the mark would mislead.
        while (at >= 0 && (BinaryPrimitives.ReadUInt32LittleEndian(tail.AsSpan(at)) != 0x06054b50
            || at + EndBytes + BinaryPrimitives.ReadUInt16LittleEndian(tail.AsSpan(at + 20)) != tailBytes))
            at--;
        if (at < 0)
        {
            Span<byte> first = stackalloc byte[4];
            ReadExactly(first, 0);
            throw BinaryPrimitives.ReadUInt32LittleEndian(first) == 0x04034b50
                ? Cut("the directory at its end is missing")
                : Broken("it is no zip");
        }
        ReadOnlySpan<byte> end = tail.AsSpan(at);
        count = BinaryPrimitives.ReadUInt16LittleEndian(end[10..]);
        long size = BinaryPrimitives.ReadUInt32LittleEndian(end[12..]), offset = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]);
        long limit = _length - tailBytes + at;
        if (count == ushort.MaxValue || size == uint.MaxValue || offset == uint.MaxValue)
            (count, size, offset, limit) = ReadZip64End(limit);
        if (count > _limits.MaxEntries)
            throw Limit($"it has {count} entries; at most {_limits.MaxEntries} (MaxEntries)");
        if (size < 0 || offset < 0 || offset > limit || size > limit - offset)
            throw Broken($"its directory ({size} bytes at {offset}) lies outside of its {_length} bytes");
        if (size > Array.MaxLength || size < count * DirectoryEntryBytes)
            throw Broken($"its directory has {size} bytes for {count} entries");
        byte[] directory = new byte[size];
        ReadExactly(directory, offset);
        return directory;
    }

    private (long Count, long Size, long Offset, long Limit) ReadZip64End(long endAt)
    {
        Span<byte> locator = stackalloc byte[20], end = stackalloc byte[56];
        if (endAt < locator.Length)
            throw Broken("its zip64 directory is missing");
        ReadExactly(locator, endAt - locator.Length);
        long at = BinaryPrimitives.ReadInt64LittleEndian(locator[8..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != 0x07064b50 || at < 0 || at > endAt - locator.Length - end.Length)
            throw Broken("its zip64 directory is missing");
        ReadExactly(end, at);
        if (BinaryPrimitives.ReadUInt32LittleEndian(end) != 0x06064b50)
            throw Broken("its zip64 directory is missing");
        return (BinaryPrimitives.ReadInt64LittleEndian(end[32..]), BinaryPrimitives.ReadInt64LittleEndian(end[40..]),
            BinaryPrimitives.ReadInt64LittleEndian(end[48..]), at);
    }

    private void ListEntries(long count)
    {
        long unpacked = 0;
        int at = 0;
        _entries.Capacity = (int)Math.Min(count, _directory.Length / DirectoryEntryBytes);
        for (long i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> rest = _directory.AsSpan(at);
            if (rest.Length < DirectoryEntryBytes || BinaryPrimitives.ReadUInt32LittleEndian(rest) != 0x02014b50)
                throw Broken($"entry {i} of its directory is missing");
            int flags = BinaryPrimitives.ReadUInt16LittleEndian(rest[8..]), method = BinaryPrimitives.ReadUInt16LittleEndian(rest[10..]);
            uint crc = BinaryPrimitives.ReadUInt32LittleEndian(rest[16..]);
            long packed = BinaryPrimitives.ReadUInt32LittleEndian(rest[20..]), length = BinaryPrimitives.ReadUInt32LittleEndian(rest[24..]);
            int nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(rest[28..]), extraBytes = BinaryPrimitives.ReadUInt16LittleEndian(rest[30..]);
            int commentBytes = BinaryPrimitives.ReadUInt16LittleEndian(rest[32..]);
            long header = BinaryPrimitives.ReadUInt32LittleEndian(rest[42..]);
            int total = DirectoryEntryBytes + nameBytes + extraBytes + commentBytes;
            if (rest.Length < total)
                throw Broken($"entry {i} of its directory is cut");
            ReadOnlySpan<byte> name = rest.Slice(DirectoryEntryBytes, nameBytes);
            ReadZip64Extra(rest.Slice(DirectoryEntryBytes + nameBytes, extraBytes), ref length, ref packed, ref header);
            string Shown(ReadOnlySpan<byte> utf8) => Escape.Quote(Encoding.UTF8.GetString(utf8));
            if ((flags & 1) != 0 || method is not (0 or 8))
                throw Broken($"entry {Shown(name)} is {((flags & 1) != 0 ? "encrypted" : $"packed by method {method}; wanted 0 or 8")}");
            if (length < 0 || packed < 0 || header < 0 || header > _length - LocalHeaderBytes || packed > _length)
                throw Cut($"entry {Shown(name)} lies outside of the {_length} bytes");
            if (method == 0 && packed != length)
                throw Broken($"stored entry {Shown(name)} has {packed} bytes; the directory says {length}");
            // Deflate stores what it cannot shorten, with five bytes for each 64 KiB.
            if (packed > length + (length >> 8) + 1024)
                throw Broken($"entry {Shown(name)} is packed to {packed} bytes from {length}");
            if (length > _limits.FreeInflatedBytes && length / _limits.MaxCompressionRatio > packed)
                throw Limit($"entry {Shown(name)} unpacks {packed} bytes to {length}; at most {_limits.MaxCompressionRatio} for one (MaxCompressionRatio)");
            unpacked += length;
            // Checked as it grows: sums of entries that overlap are caught here too.
            if (unpacked > _limits.MaxUncompressedBytes)
                throw Limit($"it unpacks to more than {_limits.MaxUncompressedBytes} bytes (MaxUncompressedBytes)");
            if (name.EndsWith(".json"u8))
                _entries.Add(new Entry(header, packed, (int)Math.Min(length, int.MaxValue), crc, at + DirectoryEntryBytes, (ushort)nameBytes, method == 8));
            else
                CheckName(header, name);
            at += total;
        }
        if (at != _directory.Length)
            throw Broken($"its directory has {_directory.Length} bytes; {count} entries take {at}");
        if (unpacked > _limits.FreeInflatedBytes && unpacked / _limits.MaxCompressionRatio > _length)
            throw Limit($"it unpacks {_length} bytes to {unpacked}; at most {_limits.MaxCompressionRatio} for one (MaxCompressionRatio)");
    }

    /// <summary>
    /// An entry that is passed over for its name must have that name in its own header too: no checksum covers names, and one
    /// changed byte in ".json" must not lose a record.
    /// </summary>
    private void CheckName(long header, ReadOnlySpan<byte> name)
    {
        Span<byte> head = stackalloc byte[LocalHeaderBytes];
        ReadExactly(head, header);
        byte[] own = new byte[BinaryPrimitives.ReadUInt16LittleEndian(head[26..])];
        ReadExactly(own, header + LocalHeaderBytes);
        if (!name.SequenceEqual(own))
            throw Broken($"an entry is named {Escape.Quote(Encoding.UTF8.GetString(name))} in the directory and {Escape.Quote(Encoding.UTF8.GetString(own))} at its place");
    }

    private static void ReadZip64Extra(ReadOnlySpan<byte> extra, ref long length, ref long packed, ref long header)
    {
        while (extra.Length >= 4)
        {
            int id = BinaryPrimitives.ReadUInt16LittleEndian(extra), size = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (size > extra.Length - 4)
                return;
            if (id == 1)
            {
                ReadOnlySpan<byte> values = extra.Slice(4, size);
                Take(ref values, ref length);
                Take(ref values, ref packed);
                Take(ref values, ref header);
                return;
            }
            extra = extra[(4 + size)..];
        }

        static void Take(ref ReadOnlySpan<byte> values, ref long value)
        {
            if (value != uint.MaxValue || values.Length < 8)
                return;
            value = BinaryPrimitives.ReadInt64LittleEndian(values);
            values = values[8..];
        }
    }

    private void ReadExactly(Span<byte> to, long at)
    {
        while (!to.IsEmpty)
        {
            int read = RandomAccess.Read(_file, to, at);
            if (read == 0)
                throw Cut($"it ends at byte {at}");
            to = to[read..];
            at += read;
        }
    }

    private AdvisoryException Broken(string what, Exception? inner = null) => new(AdvisoryError.Malformed, $"{_path}: {what}", inner: inner);
    private AdvisoryException Cut(string what) => new(AdvisoryError.Truncated, $"{_path} is cut short: {what}");
    private AdvisoryException Limit(string what) => new(AdvisoryError.LimitExceeded, $"{_path}: {what}");
}
