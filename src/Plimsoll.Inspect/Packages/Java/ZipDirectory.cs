using System.Buffers.Binary;
using System.IO.Compression;
using Plimsoll.Inspect.Packages.Programs;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Packages.Java;

/// <summary>An entry of a zip's central directory.</summary>
/// <param name="NameOffset">Where its name lies in the archive.</param>
readonly record struct ZipEntry(int NameOffset, int NameBytes, int Method, int Flags, long Packed, long Unpacked, long Header)
{
    public const int Stored = 0, Deflated = 8;
}

/// <summary>Whether an entry is worth being inflated.</summary>
/// <param name="name">As the directory has it.</param>
/// <param name="start">Its first 512 bytes, or all.</param>
delegate bool StartFilter(ReadOnlySpan<byte> name, ReadOnlySpan<byte> start);

/// <summary>The central directory of a zip in memory. Zip64, and something before the archive, as self-starting jars have.</summary>
/// <remarks>
/// The directory alone counts, as it does for Java. Entries may overlap and lie; each read is bounded, and the caller bounds their sum.
/// Source: PKWARE APPNOTE 6.3.10, 4.3 and 4.5.3.
/// </remarks>
sealed class ZipDirectory
{
    /// <summary>Entries of one archive; the largest real ones, of whole application servers, have 200 000.</summary>
    public const int MaxEntries = 1_000_000;

    private const int EndBytes = 22, MaxCommentBytes = 65_535, EntryBytes = 46, LocalBytes = 30;

    /// <summary>Deflate cannot do better than 1032 to 1.</summary>
    private const long MaxRatio = 1032;

    /// <summary>Bytes that <see cref="StartFilter"/> is asked with, unless there are fewer.</summary>
    private const int StartBytes = 512;

    private readonly ReadOnlyMemory<byte> _file;

    /// <summary>Bytes before the archive: all offsets within it count from there.</summary>
    private readonly long _before;
    private readonly int _directory, _directoryEnd;

    private ZipDirectory(ReadOnlyMemory<byte> file, long before, int directory, int directoryEnd) => (_file, _before, _directory, _directoryEnd) = (file, before, directory, directoryEnd);

    /// <returns>Null when the bytes are no zip, or <paramref name="fault"/> says why it cannot be read.</returns>
    public static ZipDirectory? Open(ReadOnlyMemory<byte> file, out string? fault)
    {
        ReadOnlySpan<byte> bytes = file.Span;
        fault = null;
        int end = FindEnd(bytes);
        if (end < 0)
        {
            fault = bytes.StartsWith("PK\x03\x04"u8) ? "it begins as an archive and has no directory: it is cut off" : null;
            return null;
        }
        long size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(end + 12)..]), offset = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(end + 16)..]), directoryEnd = end;
        if (size == uint.MaxValue || offset == uint.MaxValue || BinaryPrimitives.ReadUInt16LittleEndian(bytes[(end + 10)..]) == ushort.MaxValue)
            ReadZip64End(bytes, end, ref size, ref offset, ref directoryEnd);
        long before = directoryEnd - size - offset;
        if (size < 0 || offset < 0 || before < 0 || size > directoryEnd)
        {
            fault = $"its directory of {size} bytes at {offset} does not lie within its {bytes.Length} bytes";
            return null;
        }
        return new ZipDirectory(file, before, (int)(directoryEnd - size), (int)directoryEnd);
    }

    private static int FindEnd(ReadOnlySpan<byte> bytes)
    {
        int start = Math.Max(0, bytes.Length - EndBytes - MaxCommentBytes), second = -1;
        for (int at = bytes.Length - EndBytes; at >= start;)
        {
            at = bytes[..(at + 4)].LastIndexOf("PK\x05\x06"u8);
            if (at < start)
                break;
            int end = at + EndBytes + BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 20)..]);
            // The comment fills the archive to its end, or a comment that holds the mark would mislead; else something was appended.
            if (end == bytes.Length)
                return at;
            if (end < bytes.Length && second < 0)
                second = at;
            at--;
        }
        return second;
    }

    private static void ReadZip64End(ReadOnlySpan<byte> bytes, int end, ref long size, ref long offset, ref long directoryEnd)
    {
        // The locator of 20 bytes stands right before; the record it speaks of right before that, unless it has extensions.
        if (end < 20 + 56 || BinaryPrimitives.ReadUInt32LittleEndian(bytes[(end - 20)..]) != 0x07064b50)
            return;
        int record = end - 20 - 56;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[record..]) != 0x06064b50)
        {
            long stated = BinaryPrimitives.ReadInt64LittleEndian(bytes[(end - 12)..]);
            if (stated < 0 || stated > record || BinaryPrimitives.ReadUInt32LittleEndian(bytes[(int)stated..]) != 0x06064b50)
                return;
            record = (int)stated;
        }
        (size, offset, directoryEnd) = (BinaryPrimitives.ReadInt64LittleEndian(bytes[(record + 40)..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[(record + 48)..]), record);
        // Sums below must not wrap.
        if (size < 0 || size > bytes.Length || offset < 0 || offset > bytes.Length)
            (size, offset) = (-1, -1);
    }

    /// <summary>All entries in the directory's order.</summary>
    /// <param name="fault">Set when the directory ends early or has too many entries; those before it are in the list.</param>
    public List<ZipEntry> List(Func<ReadOnlySpan<byte>, bool> isWanted, out long count, out string? fault)
    {
        ReadOnlySpan<byte> bytes = _file.Span;
        List<ZipEntry> entries = [];
        (count, fault) = (0, null);
        for (int at = _directory; at < _directoryEnd;)
        {
            if (_directoryEnd - at < EntryBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) != 0x02014b50)
            {
                fault = $"its directory is broken after {count} entries";
                break;
            }
            if (++count > MaxEntries)
            {
                fault = $"it has more than {MaxEntries} entries";
                break;
            }
            ReadOnlySpan<byte> head = bytes.Slice(at, EntryBytes);
            int nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(head[28..]), extraBytes = BinaryPrimitives.ReadUInt16LittleEndian(head[30..]), commentBytes = BinaryPrimitives.ReadUInt16LittleEndian(head[32..]);
            int next = at + EntryBytes + nameBytes + extraBytes + commentBytes;
            if (next > _directoryEnd)
            {
                fault = $"its directory is cut off after {count - 1} entries";
                break;
            }
            if (isWanted(bytes.Slice(at + EntryBytes, nameBytes)))
                entries.Add(ReadEntry(head, bytes.Slice(at + EntryBytes + nameBytes, extraBytes), at + EntryBytes, nameBytes));
            at = next;
        }
        return entries;
    }

    private static ZipEntry ReadEntry(ReadOnlySpan<byte> head, ReadOnlySpan<byte> extra, int nameOffset, int nameBytes)
    {
        long packed = BinaryPrimitives.ReadUInt32LittleEndian(head[20..]), unpacked = BinaryPrimitives.ReadUInt32LittleEndian(head[24..]), header = BinaryPrimitives.ReadUInt32LittleEndian(head[42..]);
        while (extra.Length >= 4)
        {
            int id = BinaryPrimitives.ReadUInt16LittleEndian(extra), length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            extra = extra[4..];
            if (length > extra.Length)
                break;
            // Zip64: eight bytes for each of the three that did not fit, in this order.
            if (id == 1)
            {
                ReadOnlySpan<byte> large = extra[..length];
                Take(ref large, ref unpacked);
                Take(ref large, ref packed);
                Take(ref large, ref header);
            }
            extra = extra[length..];
        }
        return new ZipEntry(nameOffset, nameBytes, BinaryPrimitives.ReadUInt16LittleEndian(head[10..]), BinaryPrimitives.ReadUInt16LittleEndian(head[8..]), packed, unpacked, header);

        static void Take(ref ReadOnlySpan<byte> large, ref long value)
        {
            if (value != uint.MaxValue || large.Length < 8)
                return;
            value = BinaryPrimitives.ReadInt64LittleEndian(large);
            large = large[8..];
        }
    }

    public ReadOnlySpan<byte> Name(ZipEntry entry) => _file.Span.Slice(entry.NameOffset, entry.NameBytes);

    /// <summary>The content of an entry: the archive's own bytes where it is stored, else what comes out of them.</summary>
    /// <param name="maxBytes">More is a fault.</param>
    /// <param name="buffer">For what is inflated; valid until it is used again.</param>
    /// <param name="inflated">Bytes that came out, also when it failed.</param>
    /// <param name="isWanted">Asked once the first bytes of what is inflated are there; where it says no the content is empty and the rest is not inflated.</param>
    /// <returns>Why it cannot be read, or null.</returns>
    public string? Read(ZipEntry entry, long maxBytes, ContentBuffer buffer, out ReadOnlyMemory<byte> content, out long inflated, StartFilter? isWanted = null)
    {
        (content, inflated) = (default, 0);
        ReadOnlySpan<byte> bytes = _file.Span;
        if (entry.Packed < 0 || entry.Unpacked < 0 || entry.Header < 0 || entry.Header > bytes.Length - _before - LocalBytes)
            return "its directory entry leads out of the archive";
        int at = (int)(_before + entry.Header);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) != 0x04034b50)
            return "it has no header where the directory says";
        long start = at + LocalBytes + BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 26)..]) + BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 28)..]);
        if (start > bytes.Length || entry.Packed > bytes.Length - start)
            return $"its {entry.Packed} bytes at {start} lead out of the archive";
        if ((entry.Flags & 1) != 0)
            return "it is encrypted";
        ReadOnlyMemory<byte> packed = _file.Slice((int)start, (int)entry.Packed);
        if (entry.Unpacked > maxBytes)
            return $"it states {entry.Unpacked} bytes; at most {maxBytes} are read";
        if (entry.Method == ZipEntry.Stored)
        {
            content = packed;
            return entry.Packed == entry.Unpacked ? null : $"it is stored with {entry.Packed} bytes and states {entry.Unpacked}";
        }
        if (entry.Method != ZipEntry.Deflated)
            return $"it is compressed by method {entry.Method}, which is not read";
        if (entry.Unpacked / MaxRatio > entry.Packed)
            return $"its {entry.Packed} bytes cannot inflate to the {entry.Unpacked} that it states";
        return Inflate(packed, entry.Unpacked, buffer, out content, out inflated, Name(entry), isWanted);
    }

    private static string? Inflate(ReadOnlyMemory<byte> packed, long stated, ContentBuffer buffer, out ReadOnlyMemory<byte> content, out long inflated, ReadOnlySpan<byte> name, StartFilter? isWanted)
    {
        (content, inflated) = (default, 0);
        if (isWanted is not null)
        {
            Span<byte> head = stackalloc byte[StartBytes];
            int length = DeflateHead.Inflate(packed.Span, head);
            if (length >= 0 && !isWanted(name, head[..length]))
            {
                inflated = length;
                return null;
            }
        }
        byte[] piece = System.Buffers.ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            using PinnedStream from = new(packed);
            using DeflateStream inflater = new(from, CompressionMode.Decompress);
            int got = isWanted is null ? 0 : inflater.ReadAtLeast(piece.AsSpan(0, StartBytes), StartBytes, throwOnEndOfStream: false);
            if (isWanted is not null && !isWanted(name, piece.AsSpan(0, got)))
            {
                inflated = got;
                return null;
            }
            buffer.Begin(stated);
            for (got = got > 0 ? got : inflater.Read(piece); got > 0; got = inflater.Read(piece))
            {
                inflated += got;
                if (inflated > stated)
                    return $"it inflates to more than the {stated} bytes that it states";
                buffer.Append(piece.AsSpan(0, got));
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return "its data is damaged";
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(piece);
        }
        if (inflated != stated)
            return $"it inflates to {inflated} bytes and states {stated}";
        return stated == 0 || buffer.TryEnd(out content) ? null : buffer.Failure;
    }
}
