using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>Reads a tar in one pass: ustar, PAX, GNU long names, old and PAX sparse files.</summary>
/// <remarks>
/// Where writers disagree it reads as Go's archive/tar does, because Docker and containerd unpack with that, and a file that
/// has another name for us than for them is a file nobody inspected: global PAX records are not applied but end what was
/// said before them, a GNU long name wins over a PAX path, links and folders have no content whatever their size says, and
/// two zero blocks end the archive. Source: Go, archive/tar/reader.go; POSIX.1-2024 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format" and "Sparse Formats".
/// </remarks>
internal sealed class TarReader : EntryReader
{
    public const int BlockBytes = 512;

    /// <summary>Data regions of one sparse file. GNU tar writes one for each run of data; a million is a 4 GiB file of holes.</summary>
    private const int MaxSparseRegions = 1_000_000;

    /// <summary>Bytes of holes in a file whose content is asked for; headers of 1 KB that each expand to a GB would cost hours.</summary>
    private const int MaxHoleBytes = 1 << 20;

    /// <summary>Bytes of holes in all files of one tar whose contents are hashed: some five seconds.</summary>
    private const long MaxHashedHoleBytes = 4L << 30;

    private const string AttributePrefix = "SCHILY.xattr.";

    private readonly IBlockSource _source;
    private readonly OciLimits _limits;
    private readonly byte[] _header = new byte[BlockBytes];
    private readonly byte[] _joined = new byte[155 + 1 + 100];
    private readonly byte[] _path;
    private readonly byte[] _link;
    private int _pathLength, _linkLength;
    private EntryType _type;
    private long _size, _stored, _uid, _gid, _left;
    private int _mode, _padding;
    private long _entries, _hashedHoles;
    private bool _ended, _contentRead;
    private List<(long Offset, long Length)>? _sparse;
    private byte[]? _longName, _longLink;
    private Dictionary<string, byte[]>? _pax;
    private byte[]? _capability;
    private IReadOnlyList<KeyValuePair<string, byte[]>> _attributes = [];
    private (long Major, long Minor) _device;

    public TarReader(IBlockSource source, OciLimits limits)
    {
        _source = source;
        _limits = limits;
        _path = new byte[limits.MaxPathBytes];
        _link = new byte[limits.MaxPathBytes];
    }

    public override ReadOnlySpan<byte> PathBytes => _path.AsSpan(0, _pathLength);
    public override EntryType Type => _type;
    public override long Size => _size;
    public override int Mode => _mode;
    public override long Uid => _uid;
    public override long Gid => _gid;
    public override ReadOnlySpan<byte> LinkTarget => _link.AsSpan(0, _linkLength);
    public override (long Major, long Minor) Device => _device;
    public override ReadOnlySpan<byte> Capability => _capability;
    public override IReadOnlyList<KeyValuePair<string, byte[]>> Attributes => _attributes;

    /// <summary>Entries seen so far, odd ones included.</summary>
    public long Entries => _entries;

    /// <summary>Where the current entry's content starts, counted from the start of the tar.</summary>
    public long ContentOffset { get; private set; }

    /// <summary>Stored bytes of the current entry's content; differs from <see cref="Size"/> for sparse files.</summary>
    public long StoredBytes => _stored;

    public bool IsSparse => _sparse is not null;

    public override bool MoveNext(CancellationToken cancellationToken)
    {
        while (!_ended)
        {
            SkipContent(cancellationToken);
            long at = _source.Position;
            ReadOnlySpan<byte> header = _source.NextBlock(cancellationToken);
            if (header.IsEmpty)
                return End(at);
            if (!header.ContainsAnyExcept((byte)0))
            {
                ReadOnlySpan<byte> second = _source.NextBlock(cancellationToken);
                if (second.ContainsAnyExcept((byte)0))
                    throw Malformed(at, "one block of zeros is followed by a block that is not zero");
                return End(at);
            }
            if (++_entries > _limits.MaxEntries)
                throw new ImageException(ImageError.LimitExceeded, $"more than {_limits.MaxEntries} entries (MaxEntries) in one tar");
            // Copied: reading extension blocks takes the source's buffer away.
            header.CopyTo(_header);
            if (ReadEntry(_header, at, cancellationToken))
                return true;
        }
        return false;
    }

    private bool End(long at)
    {
        if (_pax is not null || _longName is not null || _longLink is not null)
            throw new ImageException(ImageError.Truncated, $"the tar ends at byte {at}, after an extension header without its entry");
        _ended = true;
        return false;
    }

    /// <returns>False when this block only prepared for the next entry, or the entry was passed over.</returns>
    private bool ReadEntry(ReadOnlySpan<byte> header, long at, CancellationToken cancellationToken)
    {
        CheckSum(header, at);
        byte flag = header[156];
        long size = Number(header.Slice(124, 12), at, "size");
        if (flag is (byte)'x' or (byte)'g' or (byte)'L' or (byte)'K')
        {
            byte[] extension = ReadExtension(size, at, cancellationToken);
            switch (flag)
            {
                case (byte)'x': _pax = ParsePax(extension, at); break;
                case (byte)'L': _longName = UntilZero(extension); break;
                case (byte)'K': _longLink = UntilZero(extension); break;
                default:
                    _ = ParsePax(extension, at);
                    // To Go this is an entry of its own, so that what stood before it belongs to it and not to the next one.
                    (_pax, _longName, _longLink) = (null, null, null);
                    break;
            }
            return false;
        }

        int magic = header.Slice(257, 8).SequenceEqual("ustar  \0"u8) ? 2 : header.Slice(257, 6).SequenceEqual("ustar\0"u8) ? 1 : 0;
        ReadOnlySpan<byte> name = Field(header[..100]);
        if (magic != 0)
        {
            // "star" keeps two times at the end of the prefix field; GNU keeps two at its start, and old versions of Go's writer
            // put a prefix there all the same.
            bool star = header.Slice(508, 4).SequenceEqual("tar\0"u8);
            ReadOnlySpan<byte> prefix = magic == 1 || !HoldsGnuTimes(header) ? Field(header.Slice(345, star && magic == 1 ? 131 : 155)) : default;
            if (magic == 2 && prefix.ContainsAnyExceptInRange((byte)1, (byte)0x7f))
                prefix = default;
            if (prefix.Length > 0)
            {
                prefix.CopyTo(_joined);
                _joined[prefix.Length] = (byte)'/';
                name.CopyTo(_joined.AsSpan(prefix.Length + 1));
                name = _joined.AsSpan(0, prefix.Length + 1 + name.Length);
            }
        }
        ReadOnlySpan<byte> link = Field(header.Slice(157, 100));
        _mode = (int)(Number(header.Slice(100, 8), at, "mode") & 0xfff);
        _uid = Number(header.Slice(108, 8), at, "uid");
        _gid = Number(header.Slice(116, 8), at, "gid");

        Dictionary<string, byte[]>? pax = _pax;
        if (pax is not null)
        {
            name = Pax(pax, "path") ?? name;
            link = Pax(pax, "linkpath") ?? link;
            size = PaxNumber(pax, "size", at) ?? size;
            _uid = PaxNumber(pax, "uid", at) ?? _uid;
            _gid = PaxNumber(pax, "gid", at) ?? _gid;
        }
        if (_longName is { Length: > 0 })
            name = _longName;
        if (_longLink is { Length: > 0 })
            link = _longLink;
        bool folderByName = name.Length > 0 && name[^1] == (byte)'/';
        _type = flag switch
        {
            (byte)'0' or (byte)'7' or (byte)'S' => EntryType.File,
            0 => folderByName ? EntryType.Directory : EntryType.File,
            (byte)'1' => EntryType.HardLink,
            (byte)'2' => EntryType.Symlink,
            (byte)'3' => EntryType.CharDevice,
            (byte)'4' => EntryType.BlockDevice,
            (byte)'5' => EntryType.Directory,
            (byte)'6' => EntryType.Fifo,
            _ => EntryType.Other,
        };
        // Docker sets attributes on whatever an entry makes; those of libarchive's own form are nothing to it.
        _capability = pax is null ? null : Pax(pax, "SCHILY.xattr.security.capability");
        _attributes = pax is null ? [] : AttributesOf(pax);
        _device = _type is EntryType.CharDevice or EntryType.BlockDevice && magic != 0
            ? (Number(header.Slice(329, 8), at, "device number"), Number(header.Slice(337, 8), at, "device number"))
            : default;
        bool hasContent = _type is EntryType.File or EntryType.Other;
        // With its padding it would be a negative length, and its content would be read as headers.
        if (hasContent && size > long.MaxValue - BlockBytes)
            throw Malformed(at, $"the size {size} is larger than any file");
        _stored = hasContent ? size : 0;
        _size = _type == EntryType.File ? size : 0;
        _left = _stored;
        _contentRead = false;
        _padding = (int)(-_stored & (BlockBytes - 1));
        _sparse = null;
        if (_type == EntryType.File)
        {
            if (flag == (byte)'S' && magic == 2)
                ReadOldSparse(header, at, cancellationToken);
            else if (pax is not null)
                name = ReadPaxSparse(pax, name, at, cancellationToken);
        }
        ContentOffset = _source.Position;
        // Copies the names before the buffers behind them are given up.
        bool usable = SetNames(name, link, at);
        _pax = null;
        _longName = _longLink = null;
        return usable;
    }

    private bool SetNames(ReadOnlySpan<byte> name, ReadOnlySpan<byte> link, long at)
    {
        _pathLength = _linkLength = 0;
        if (name.Length > _path.Length || link.Length > _link.Length)
        {
            AddOddity("path-too-long", $"the entry at byte {at}: {Math.Max(name.Length, link.Length)} bytes, at most {_path.Length} (MaxPathBytes) are read");
            return false;
        }
        int length = EntryPath.Normalise(name, _path);
        if (length < 0)
        {
            AddOddity("path-leaves-root", EntryPath.Decode(name));
            return false;
        }
        _pathLength = length;
        if (_type == EntryType.HardLink)
        {
            length = EntryPath.Normalise(link, _link);
            if (length < 0)
            {
                AddOddity("link-leaves-root", $"{Path} -> {EntryPath.Decode(link)}");
                return false;
            }
            _linkLength = length;
        }
        else if (_type == EntryType.Symlink)
        {
            link.CopyTo(_link);
            _linkLength = link.Length;
        }
        return true;
    }

    public override bool TryReadContent(long maxBytes, out byte[] content)
    {
        content = [];
        if (_type != EntryType.File || _size > Math.Min(maxBytes, Array.MaxLength) || _size - _stored > MaxHoleBytes)
            return false;
        // A second call would find nothing left and call that the content.
        if (_contentRead)
            throw new InvalidOperationException("an entry's content can be read once");
        _contentRead = true;
        // Grown as bytes arrive: a header that claims 2 GB in a short tar must not cost 2 GB.
        byte[] whole = new byte[(int)Math.Min(_size, 1 << 20)];
        int at = 0;
        if (_sparse is null)
        {
            while (_left > 0)
                Append(ref whole, ref at, Math.Min(_left, int.MaxValue));
        }
        else
        {
            whole = new byte[(int)_size];
            foreach ((long offset, long length) in _sparse)
                CopyRegion(whole, offset, length);
            at = whole.Length;
        }
        if (at != whole.Length)
            Array.Resize(ref whole, at);
        content = whole;
        return true;
    }

    public override bool TryReadContent(long maxBytes, ContentBuffer buffer, out ReadOnlyMemory<byte> content)
    {
        if (_sparse is not null)
            return base.TryReadContent(maxBytes, buffer, out content);
        content = default;
        if (_type != EntryType.File || _size > Math.Min(maxBytes, Array.MaxLength))
            return false;
        if (_contentRead)
            throw new InvalidOperationException("an entry's content can be read once");
        _contentRead = true;
        buffer.Begin(_size);
        while (_left > 0)
        {
            ReadOnlySpan<byte> bytes = _source.NextBytes((int)Math.Min(_left, int.MaxValue), CancellationToken.None);
            if (bytes.IsEmpty)
                throw EndsInContent();
            _left -= bytes.Length;
            buffer.Append(bytes);
        }
        return buffer.TryEnd(out content);
    }

    public override void HashContent(IncrementalHash hash, CancellationToken cancellationToken)
    {
        if (_contentRead)
            throw new InvalidOperationException("an entry's content can be read once");
        _contentRead = true;
        if (_type != EntryType.File)
            return;
        if (_sparse is null)
        {
            Hash(_left);
            return;
        }
        _hashedHoles += _size - _stored;
        if (_hashedHoles > MaxHashedHoleBytes)
            throw new ImageException(ImageError.LimitExceeded, $"sparse files with more than {MaxHashedHoleBytes} bytes of holes, the last one {Escape.Quote(Path)} (MaxHashedHoleBytes)");
        long at = 0;
        foreach ((long offset, long length) in _sparse)
        {
            HashZeros(hash, offset - at);
            Hash(length);
            at = offset + length;
        }
        HashZeros(hash, _size - at);

        void Hash(long length)
        {
            for (; length > 0;)
            {
                ReadOnlySpan<byte> bytes = NextContent((int)Math.Min(length, int.MaxValue), cancellationToken);
                if (bytes.IsEmpty)
                    throw EndsInContent();
                hash.AppendData(bytes);
                length -= bytes.Length;
            }
        }
    }

    private static void HashZeros(IncrementalHash hash, long length)
    {
        ReadOnlySpan<byte> zeros = new byte[(int)Math.Min(length, 64 * 1024)];
        for (; length > 0; length -= Math.Min(length, zeros.Length))
            hash.AppendData(zeros[..(int)Math.Min(length, zeros.Length)]);
    }

    private static KeyValuePair<string, byte[]>[] AttributesOf(Dictionary<string, byte[]> pax)
    {
        List<KeyValuePair<string, byte[]>> attributes = [];
        foreach ((string key, byte[] value) in pax)
            if (key.StartsWith(AttributePrefix, StringComparison.Ordinal))
                attributes.Add(new(key[AttributePrefix.Length..], value));
        attributes.Sort((a, b) => string.CompareOrdinal(a.Key, b.Key));
        return [.. attributes];
    }

    public override ReadOnlySpan<byte> Peek()
    {
        if (_type != EntryType.File || _left == 0 || _contentRead || _sparse is { } map && (map.Count == 0 || map[0].Offset > 0))
            return default;
        ReadOnlySpan<byte> start = _source.Peek();
        long length = _sparse is null ? _left : Math.Min(_left, _sparse[0].Length);
        return start.Length > length ? start[..(int)length] : start;
    }

    /// <summary>The next stored bytes of the current entry, for a reader of nested archives; empty at the content's end.</summary>
    public ReadOnlySpan<byte> NextContent(int max, CancellationToken cancellationToken)
    {
        if (_left == 0)
            return default;
        ReadOnlySpan<byte> bytes = _source.NextBytes((int)Math.Min(max, _left), cancellationToken);
        if (bytes.IsEmpty)
            throw EndsInContent();
        _left -= bytes.Length;
        return bytes;
    }

    private void Append(ref byte[] whole, ref int at, long want)
    {
        ReadOnlySpan<byte> bytes = _source.NextBytes((int)want, CancellationToken.None);
        if (bytes.IsEmpty)
            throw EndsInContent();
        if (whole.Length - at < bytes.Length)
            Array.Resize(ref whole, (int)Math.Min(_size, Math.Max(whole.Length * 2L, at + bytes.Length)));
        bytes.CopyTo(whole.AsSpan(at));
        at += bytes.Length;
        _left -= bytes.Length;
    }

    private void CopyRegion(byte[] whole, long offset, long length)
    {
        while (length > 0)
        {
            ReadOnlySpan<byte> bytes = NextContent((int)Math.Min(length, int.MaxValue), CancellationToken.None);
            if (bytes.IsEmpty)
                throw EndsInContent();
            bytes.CopyTo(whole.AsSpan((int)offset));
            offset += bytes.Length;
            length -= bytes.Length;
        }
    }

    private void SkipContent(CancellationToken cancellationToken)
    {
        // One after the other: their sum may be more than a long holds.
        if (_left > 0 && !_source.Skip(_left, cancellationToken) || _padding > 0 && !_source.Skip(_padding, cancellationToken))
            throw EndsInContent();
        _left = _padding = 0;
    }

    private ImageException EndsInContent() => new(ImageError.Truncated,
        $"the tar ends at byte {_source.Position}, inside {Escape.Quote(Path)}, which has {_stored} bytes");

    private byte[] ReadExtension(long size, long at, CancellationToken cancellationToken)
    {
        if (size > _limits.MaxExtensionBytes)
            throw new ImageException(ImageError.LimitExceeded,
                $"the extension header at byte {at} has {size} bytes, at most {_limits.MaxExtensionBytes} (MaxExtensionBytes) are read");
        byte[] data = new byte[size];
        for (int got = 0; got < data.Length;)
        {
            ReadOnlySpan<byte> bytes = _source.NextBytes(data.Length - got, cancellationToken);
            if (bytes.IsEmpty)
                throw new ImageException(ImageError.Truncated, $"the tar ends inside the extension header at byte {at}");
            bytes.CopyTo(data.AsSpan(got));
            got += bytes.Length;
        }
        if (!_source.Skip(-size & (BlockBytes - 1), cancellationToken))
            throw new ImageException(ImageError.Truncated, $"the tar ends inside the extension header at byte {at}");
        return data;
    }

    private static Dictionary<string, byte[]> ParsePax(ReadOnlySpan<byte> data, long at)
    {
        Dictionary<string, byte[]> records = [];
        List<byte> map = [];
        int numbers = 0;
        while (data.Length > 0)
        {
            // "LENGTH KEY=VALUE\n", where LENGTH counts itself.
            int space = data.IndexOf((byte)' ');
            if (space < 1 || !Utf8Parser.TryParse(data[..space], out int length, out int used) || used != space
                || length < space + 3 || length > data.Length || data[length - 1] != (byte)'\n')
                throw Malformed(at, "a PAX record has no valid length");
            ReadOnlySpan<byte> record = data[(space + 1)..(length - 1)];
            int equals = record.IndexOf((byte)'=');
            if (equals < 1)
                throw Malformed(at, "a PAX record has no key");
            string key = Encoding.UTF8.GetString(record[..equals]);
            ReadOnlySpan<byte> value = record[(equals + 1)..];
            if (key is "path" or "linkpath" && value.Contains((byte)0))
                throw Malformed(at, $"the PAX record {key} holds a zero byte");
            if (key is "GNU.sparse.offset" or "GNU.sparse.numbytes")
            {
                // Form 0.0 repeats its keys in turn; kept as form 0.1 writes them.
                if ((numbers++ & 1) == 0 != key is "GNU.sparse.offset" || value.Contains((byte)','))
                    throw Malformed(at, "GNU.sparse.offset and GNU.sparse.numbytes do not stand in turn");
                if (map.Count > 0)
                    map.Add((byte)',');
                map.AddRange(value);
            }
            else
                records[key] = value.ToArray();
            data = data[length..];
        }
        if (numbers > 0)
            records["GNU.sparse.map"] = [.. map];
        return records;
    }

    private static byte[]? Pax(Dictionary<string, byte[]> records, string key) =>
        records.TryGetValue(key, out byte[]? value) && value.Length > 0 ? value : null;

    private static long? PaxNumber(Dictionary<string, byte[]> records, string key, long at)
    {
        if (Pax(records, key) is not { } value)
            return null;
        return Utf8Parser.TryParse(value, out long number, out int used) && used == value.Length && number >= 0
            ? number
            : throw Malformed(at, $"the PAX record {key} is no number: {Escape.Quote(EntryPath.Decode(value))}");
    }

    /// <summary>GNU's own sparse type: four regions in the header, 21 more in each block that follows.</summary>
    private void ReadOldSparse(ReadOnlySpan<byte> header, long at, CancellationToken cancellationToken)
    {
        List<(long, long)> regions = [];
        long realSize = Number(header.Slice(483, 12), at, "sparse size");
        AddRegions(header.Slice(386, 96));
        bool more = header[482] != 0;
        while (more)
        {
            ReadOnlySpan<byte> block = _source.NextBlock(cancellationToken);
            if (block.IsEmpty)
                throw new ImageException(ImageError.Truncated, $"the tar ends inside the sparse map at byte {at}");
            AddRegions(block[..504]);
            more = block[504] != 0;
        }
        SetSparse(regions, realSize, at);

        void AddRegions(ReadOnlySpan<byte> fields)
        {
            for (; fields.Length >= 24 && fields[0] != 0; fields = fields[24..])
            {
                regions.Add((Number(fields[..12], at, "sparse offset"), Number(fields.Slice(12, 12), at, "sparse length")));
                if (regions.Count > MaxSparseRegions)
                    throw new ImageException(ImageError.LimitExceeded, $"the sparse file at byte {at} has more than {MaxSparseRegions} regions");
            }
        }
    }

    private ReadOnlySpan<byte> ReadPaxSparse(Dictionary<string, byte[]> pax, ReadOnlySpan<byte> name, long at, CancellationToken cancellationToken)
    {
        byte[]? major = Pax(pax, "GNU.sparse.major"), minor = Pax(pax, "GNU.sparse.minor");
        bool inData = major is [(byte)'1'] && minor is [(byte)'0'];
        bool inRecords = major is null && minor is null ? Pax(pax, "GNU.sparse.map") is not null
            : major is [(byte)'0'] && minor is [(byte)'0' or (byte)'1'];
        // A version that Go does not know is a plain file of its plain name.
        if (!inData && !inRecords)
            return name;
        long realSize = PaxNumber(pax, "GNU.sparse.size", at) ?? PaxNumber(pax, "GNU.sparse.realsize", at)
            ?? throw Malformed(at, "a sparse file without GNU.sparse.realsize");
        List<(long, long)> regions = [];
        if (inData)
        {
            long count = DataNumber();
            if (count > MaxSparseRegions)
                throw new ImageException(ImageError.LimitExceeded, $"the sparse file at byte {at} has more than {MaxSparseRegions} regions");
            for (long i = 0; i < count; i++)
                regions.Add((DataNumber(), DataNumber()));
            // The map is padded to a whole block; the file's bytes follow.
            int rest = (int)(-(_stored - _left) & (BlockBytes - 1));
            if (rest > _left || !_source.Skip(rest, cancellationToken))
                throw Malformed(at, "the sparse map is longer than the entry");
            _left -= rest;
        }
        else
        {
            string[] numbers = Encoding.ASCII.GetString(Pax(pax, "GNU.sparse.map") ?? []).Split(',');
            if (numbers.Length % 2 != 0 && numbers is not [""] || numbers.Length / 2 > MaxSparseRegions)
                throw Malformed(at, "GNU.sparse.map has no pairs of offset and length");
            for (int i = 0; i + 1 < numbers.Length; i += 2)
                regions.Add(long.TryParse(numbers[i], out long offset) && long.TryParse(numbers[i + 1], out long length)
                    ? (offset, length) : throw Malformed(at, "GNU.sparse.map holds something that is no number"));
        }
        SetSparse(regions, realSize, at);
        return Pax(pax, "GNU.sparse.name") ?? name;

        long DataNumber()
        {
            long number = 0;
            for (int digits = 0; ; digits++)
            {
                ReadOnlySpan<byte> one = NextContent(1, cancellationToken);
                if (one is [(byte)'\n'] && digits > 0)
                    return number;
                if (one.IsEmpty || digits > 17 || one[0] is < (byte)'0' or > (byte)'9')
                    throw Malformed(at, "the sparse map holds something that is no number");
                number = number * 10 + one[0] - '0';
            }
        }
    }

    private void SetSparse(List<(long Offset, long Length)> regions, long realSize, long at)
    {
        long end = 0, data = 0;
        foreach ((long offset, long length) in regions)
        {
            if (offset < end || length < 0 || offset > realSize || length > realSize - offset)
                throw Malformed(at, $"the sparse map goes back or beyond the file's {realSize} bytes");
            end = offset + length;
            data += length;
        }
        if (data != _left)
            throw Malformed(at, $"the sparse map speaks of {data} bytes, the entry has {_left}");
        _sparse = regions;
        _size = realSize;
    }

    private static void CheckSum(ReadOnlySpan<byte> header, long at)
    {
        // Four sums side by side in one word: none reaches 65536 over 64 words of two bytes each.
        const ulong everyOther = 0x00ff_00ff_00ff_00ff;
        ulong sums = 0;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(header))
            sums += (word & everyOther) + ((word >> 8) & everyOther);
        int unsigned = (int)(((sums & 0xffff) + (sums >> 16 & 0xffff)) + ((sums >> 32 & 0xffff) + (sums >> 48)));
        // The checksum's own eight bytes count as spaces.
        foreach (byte b in header.Slice(148, 8))
            unsigned += ' ' - b;
        long stated = Number(header.Slice(148, 8), at, "checksum");
        if (stated == unsigned)
            return;
        int signed = 0;
        foreach (byte b in header)
            signed += (sbyte)b;
        foreach (byte b in header.Slice(148, 8))
            signed += ' ' - (sbyte)b;
        if (stated != signed)
            throw Malformed(at, $"the header's checksum is {unsigned}, it states {stated}");
    }

    /// <summary>Octal text, or base 256 when the first bit is set.</summary>
    private static long Number(ReadOnlySpan<byte> field, long at, string what)
    {
        if ((field[0] & 0x80) != 0)
        {
            long value = field[0] & 0x7f;
            foreach (byte b in field[1..])
            {
                if (value >> 55 != 0)
                    throw Malformed(at, $"the {what} is negative or too large");
                value = (value << 8) | b;
            }
            return value;
        }
        // Zero bytes may stand on either side: who stops at a leading one reads 0, and takes the content for headers.
        ReadOnlySpan<byte> digits = Field(field.Trim(" \0"u8));
        long number = 0;
        foreach (byte b in digits)
        {
            if (b is < (byte)'0' or > (byte)'7')
                throw Malformed(at, $"the {what} is no octal number: {Escape.Quote(EntryPath.Decode(digits))}");
            number = (number << 3) | (long)(b - '0');
        }
        return number;
    }

    /// <summary>Whether atime and ctime of a GNU header are absent or numbers.</summary>
    private static bool HoldsGnuTimes(ReadOnlySpan<byte> header) => IsNumber(header.Slice(345, 12)) && IsNumber(header.Slice(357, 12));

    private static bool IsNumber(ReadOnlySpan<byte> field)
    {
        if (field[0] == 0)
            return true;
        if ((field[0] & 0x80) == 0)
            return !Field(field.Trim(" \0"u8)).ContainsAnyExceptInRange((byte)'0', (byte)'7');
        // Base 256 is a number while it fits in 63 bits; all bits of a negative one are turned round.
        int sign = (field[0] & 0x40) != 0 ? 0xff : 0;
        return ((field[0] ^ sign) & 0x7f) == 0 && field[1..^8].IndexOfAnyExcept((byte)sign) < 0 && ((field[^8] ^ sign) & 0x80) == 0;
    }

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> field)
    {
        int zero = field.IndexOf((byte)0);
        return zero < 0 ? field : field[..zero];
    }

    private static byte[] UntilZero(byte[] data) => Field(data).ToArray();

    private static ImageException Malformed(long at, string what) => new(ImageError.Malformed, $"tar header at byte {at}: {what}");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _source.Dispose();
        base.Dispose(disposing);
    }
}
