using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.IO.Compression;
using System.Text.Json;
using Plimsoll.Oci;

namespace Plimsoll.Docker;

/// <summary>Reads tar-split's record of one layer, entry by entry: raw pieces of the tar, and which file's content stands between them.</summary>
/// <remarks>
/// One JSON object a line, gzip around all. <c>{"type":2,"payload":BASE64}</c> is a piece of the tar as it was;
/// <c>{"type":1,"name":…,"size":N,"payload":CRC64}</c> stands for N bytes of that file's content; names that are no UTF-8
/// come as base64 in <c>name_raw</c>. Source: vbatts/tar-split, tar/storage/entry.go and packer.go.
/// </remarks>
internal sealed class TarSplitReader : IDisposable
{
    /// <summary>Bytes of one line. A piece is a header with its extensions, or padding that old versions store whole.</summary>
    public const int MaxLineBytes = 64 * 1024 * 1024;

    private const int FirstBufferBytes = 128 * 1024;

    private readonly Stream _lines;
    private readonly string _where;
    private readonly long _maxLines;
    private readonly int _maxNameBytes;
    private readonly int _maxLineBytes;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
    private int _start, _end;
    private long _line;
    private byte[] _name = new byte[256];
    private int _nameLength;
    private int _payloadStart, _payloadLength;
    private byte[]? _unescaped;
    private int _next;

    /// <param name="stored">The gzip file; disposed with this.</param>
    /// <param name="where">Which layer this is, for messages.</param>
    public TarSplitReader(Stream stored, string where, OciLimits limits, int maxLineBytes = MaxLineBytes)
    {
        _lines = IsaGzipStream.Create(stored) ?? new GZipStream(stored, CompressionMode.Decompress);
        (_where, _maxNameBytes, _maxLineBytes) = (where, limits.MaxPathBytes, maxLineBytes);
        // Each tar entry makes at most two lines: its header's piece and its content.
        _maxLines = limits.MaxEntries <= (long.MaxValue - 64) / 2 ? (limits.MaxEntries * 2) + 64 : long.MaxValue;
    }

    /// <summary>True: the entry stands for a file's content; false: it is a piece of the tar.</summary>
    public bool IsFile { get; private set; }

    /// <summary>The file's path relative to the layer's root, normal form, with a zero byte at its end. Valid until the next call.</summary>
    public ReadOnlySpan<byte> NameWithZero => _name.AsSpan(0, _nameLength + 1);

    public string Name => EntryPath.Decode(_name.AsSpan(0, _nameLength));

    /// <summary>Bytes of the file's content.</summary>
    public long Size { get; private set; }

    /// <summary>CRC-64 of the file's content, or null when the line has none.</summary>
    public ulong? Crc { get; private set; }

    /// <summary>A bound on what <see cref="DecodePiece"/> writes.</summary>
    public int MaxPieceBytes => Base64.GetMaxDecodedFromUtf8Length(_payloadLength);

    /// <summary>Goes to the next entry that stands for at least one byte.</summary>
    /// <exception cref="ImageException">Malformed, Truncated or LimitExceeded.</exception>
    public bool MoveNext()
    {
        while (TryReadLine(out ReadOnlySpan<byte> line))
        {
            if (++_line > _maxLines)
                throw new ImageException(ImageError.LimitExceeded, $"{_where}: tar-split.json.gz has more than {_maxLines} lines (MaxEntries)");
            if (line.IsEmpty)
                continue;
            try
            {
                Parse(line);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                // The JSON reader says InvalidOperation of texts that are not UTF-8 or hold half a surrogate pair.
                throw Malformed("is no JSON object of the form that tar-split writes", e);
            }
            if (IsFile ? Size > 0 : _payloadLength > 0)
                return true;
        }
        return false;
    }

    /// <summary>Writes the current piece.</summary>
    /// <param name="to">At least <see cref="MaxPieceBytes"/> long.</param>
    public int DecodePiece(Span<byte> to)
    {
        ReadOnlySpan<byte> text = _unescaped is null ? _buffer.AsSpan(_payloadStart, _payloadLength) : _unescaped.AsSpan(0, _payloadLength);
        return Base64.DecodeFromUtf8(text, to, out int used, out int written) == OperationStatus.Done && used == text.Length
            ? written
            : throw Malformed("has a payload that is not base64");
    }

    private void Parse(ReadOnlySpan<byte> line)
    {
        Utf8JsonReader json = new(line, new JsonReaderOptions { MaxDepth = 4 });
        int type = -1;
        bool named = false;
        (Size, Crc, _payloadLength, _nameLength, _unescaped) = (0, null, 0, 0, null);
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            throw Malformed("is no JSON object");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("type"u8))
                type = json.Read() && json.TokenType == JsonTokenType.Number && json.TryGetInt32(out int t) ? t : throw Malformed("has a type that is no number");
            else if (json.ValueTextEquals("payload"u8))
                ReadPayload(ref json);
            else if (json.ValueTextEquals("size"u8))
                Size = json.Read() && json.TokenType == JsonTokenType.Number && json.TryGetInt64(out long s) && s >= 0 ? s : throw Malformed("has a size that is no length in bytes");
            else if (json.ValueTextEquals("name"u8))
                named |= ReadName(ref json, isBase64: false);
            else if (json.ValueTextEquals("name_raw"u8))
                named |= ReadName(ref json, isBase64: true);
            else
                json.Skip();
        }
        // Reading on past the object's end throws when anything but space follows it.
        json.Read();
        IsFile = type switch { 1 => true, 2 => false, _ => throw Malformed($"has type {type}; known are 1 (file) and 2 (piece)") };
        if (!IsFile)
            return;
        if (!named && Size > 0)
            throw Malformed("stands for a file and has no name");
        if (_payloadLength > 0)
            Crc = ReadCrc();
    }

    private void ReadPayload(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.Null)
            return;
        if (json.TokenType != JsonTokenType.String)
            throw Malformed("has a payload that is no text");
        if (json.ValueIsEscaped)
        {
            _unescaped = new byte[json.ValueSpan.Length];
            _payloadLength = json.CopyString(_unescaped);
            return;
        }
        // Kept as a place in the line, so that a piece is decoded straight to where it is wanted. The value starts after its quote.
        // Of two payloads in one line the last one counts, as in Go, and an earlier one may have been unescaped.
        (_payloadStart, _payloadLength, _unescaped) = (_start + (int)json.TokenStartIndex + 1, json.ValueSpan.Length, null);
    }

    private ulong ReadCrc()
    {
        Span<byte> crc = stackalloc byte[16];
        return _payloadLength <= 12 && DecodePiece(crc) == 8 ? BinaryPrimitives.ReadUInt64BigEndian(crc) : throw Malformed("has a checksum that is not 8 bytes long");
    }

    private bool ReadName(ref Utf8JsonReader json, bool isBase64)
    {
        if (!json.Read() || json.TokenType == JsonTokenType.Null)
            return false;
        if (json.TokenType != JsonTokenType.String)
            throw Malformed("has a name that is no text");
        if (json.ValueSpan.IsEmpty)
            return false;
        // An escape takes at most six bytes for one, base64 less.
        if (json.ValueSpan.Length > _maxNameBytes * 6L)
            throw new ImageException(ImageError.LimitExceeded, $"{Where}: a name longer than {_maxNameBytes} bytes (MaxPathBytes)");
        byte[] raw = ArrayPool<byte>.Shared.Rent(json.ValueSpan.Length);
        try
        {
            int length = json.CopyString(raw);
            if (isBase64 && (Base64.DecodeFromUtf8InPlace(raw.AsSpan(0, length), out length) != OperationStatus.Done))
                throw Malformed("has a name_raw that is not base64");
            if (length > _maxNameBytes)
                throw new ImageException(ImageError.LimitExceeded, $"{Where}: a name of {length} bytes, {_maxNameBytes} are allowed (MaxPathBytes)");
            if (_name.Length <= length)
                _name = new byte[length + 256];
            _nameLength = EntryPath.Normalise(raw.AsSpan(0, length), _name);
            if (_nameLength < 0)
                throw Malformed($"names {Texts.Escape.Quote(EntryPath.Decode(raw.AsSpan(0, length)))}, a path that leaves the layer or holds a zero byte");
            _name[_nameLength] = 0;
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(raw);
        }
    }

    /// <summary>The next line without its end; valid until the next call.</summary>
    private bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        // _start stays at the line that was given out, because its payload is decoded later; _next is where reading goes on.
        _start = _next;
        int searched = _start;
        while (true)
        {
            int newline = _buffer.AsSpan(searched, _end - searched).IndexOf((byte)'\n');
            if (searched + newline - _start > _maxLineBytes)
                throw TooLong();
            if (newline >= 0)
            {
                line = _buffer.AsSpan(_start, searched + newline - _start);
                _next = searched + newline + 1;
                return true;
            }
            searched = _end;
            if (_end - _start > _maxLineBytes)
                throw TooLong();
            if (_end == _buffer.Length)
            {
                MakeRoom();
                searched = _end;
            }
            int got = _lines.Read(_buffer, _end, _buffer.Length - _end);
            if (got == 0)
            {
                line = _buffer.AsSpan(_start, _end - _start);
                _next = _end;
                return line.Length > 0;
            }
            _end += got;
        }
    }

    private void MakeRoom()
    {
        int kept = _end - _start;
        byte[] to = _buffer;
        if (kept > _buffer.Length / 2)
            to = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.AsSpan(_start, kept).CopyTo(to);
        if (to != _buffer)
            ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _start, _end) = (to, 0, kept);
    }

    private ImageException TooLong() =>
        new(ImageError.LimitExceeded, $"{_where}: line {_line + 1} of tar-split.json.gz is longer than {_maxLineBytes} bytes (MaxLineBytes)");

    private string Where => $"{_where}: line {_line} of tar-split.json.gz";

    private ImageException Malformed(string what, Exception? inner = null) => new(ImageError.Malformed, $"{Where} {what}", inner: inner);

    public void Dispose()
    {
        _lines.Dispose();
        byte[] buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
    }
}
