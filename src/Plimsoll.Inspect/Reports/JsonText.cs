using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace Plimsoll.Inspect.Reports;

/// <summary>Writes JSON byte for byte as <see cref="System.Text.Json.Utf8JsonWriter"/> does with <see cref="ReportJson.Options"/>, and at less cost.</summary>
/// <remarks>
/// A scan of known layers is little more than its report, and the report is thousands of short texts, nearly all of plain ASCII: these are
/// copied sixteen characters at a step, names are bytes already, and nothing is allocated. Whoever calls it keeps the order of JSON.
/// </remarks>
internal sealed class JsonText(Stream to) : IDisposable
{
    private const int BufferBytes = 64 << 10;

    /// <summary>Bytes beside a text that one call writes at most: a comma, a line, the indentation, quotes, a number.</summary>
    private const int Frame = 256;

    /// <summary>Bytes of UTF-8 that one character of UTF-16 becomes at most.</summary>
    private const int MaxBytesPerCharacter = 3;

    private byte[] _buffer = new byte[BufferBytes];
    private int _at, _depth;

    /// <summary>Whether what is open holds something already; nothing is open before the first call.</summary>
    private bool _holds;

    public void WriteStartObject()
    {
        if (_depth > 0)
            Next();
        Open((byte)'{');
    }

    public void WriteStartObject(ReadOnlySpan<byte> name)
    {
        Name(name);
        Open((byte)'{');
    }

    public void WriteStartObject(string name)
    {
        Name(name);
        Open((byte)'{');
    }

    public void WriteStartArray(ReadOnlySpan<byte> name)
    {
        Name(name);
        Open((byte)'[');
    }

    public void WriteEndObject() => Close((byte)'}');

    public void WriteEndArray() => Close((byte)']');

    public void WriteString(ReadOnlySpan<byte> name, string? value)
    {
        Name(name);
        Value(value);
    }

    public void WriteString(string name, string? value)
    {
        Name(name);
        Value(value);
    }

    public void WriteStringValue(string? value)
    {
        Next();
        Value(value);
    }

    public void WriteOptional(ReadOnlySpan<byte> name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            WriteString(name, value);
    }

    public void WriteList(ReadOnlySpan<byte> name, IReadOnlyList<string> values)
    {
        WriteStartArray(name);
        for (int i = 0; i < values.Count; i++)
            WriteStringValue(values[i]);
        WriteEndArray();
    }

    public void WriteNumber(ReadOnlySpan<byte> name, long value)
    {
        Name(name);
        Number(value);
    }

    public void WriteNumber(string name, long value)
    {
        Name(name);
        Number(value);
    }

    /// <param name="name">Of ASCII that needs no escape.</param>
    /// <param name="value">Finite.</param>
    public void WriteNumber(ReadOnlySpan<byte> name, double value)
    {
        Name(name);
        Utf8Formatter.TryFormat(value, _buffer.AsSpan(_at), out int written);
        _at += written;
    }

    public void WriteBoolean(ReadOnlySpan<byte> name, bool value)
    {
        Name(name);
        Raw(value ? "true"u8 : "false"u8);
    }

    public void WriteNull(ReadOnlySpan<byte> name)
    {
        Name(name);
        Raw("null"u8);
    }

    /// <summary>Hands over what is still held; the stream stays open.</summary>
    public void Dispose() => Flush();

    private void Flush()
    {
        to.Write(_buffer, 0, _at);
        _at = 0;
    }

    /// <summary>Makes room for so many bytes and a frame.</summary>
    private void Room(int bytes)
    {
        if (_buffer.Length - _at - Frame - (2 * _depth) >= bytes)
            return;
        Flush();
        if (_buffer.Length - Frame - (2 * _depth) < bytes)
            _buffer = new byte[bytes + Frame + (2 * _depth)];
    }

    private void Open(byte bracket)
    {
        Room(1);
        _buffer[_at++] = bracket;
        _depth++;
        _holds = false;
    }

    private void Close(byte bracket)
    {
        Room(1);
        _depth--;
        if (_holds)
            Line();
        _buffer[_at++] = bracket;
        _holds = true;
    }

    /// <summary>A comma where something stands before, and a new line.</summary>
    private void Next()
    {
        Room(1);
        if (_holds)
            _buffer[_at++] = (byte)',';
        Line();
        _holds = true;
    }

    private void Line()
    {
        _buffer[_at++] = (byte)'\n';
        _buffer.AsSpan(_at, 2 * _depth).Fill((byte)' ');
        _at += 2 * _depth;
    }

    private void Name(ReadOnlySpan<byte> name)
    {
        Room(name.Length);
        Next();
        _buffer[_at++] = (byte)'"';
        name.CopyTo(_buffer.AsSpan(_at));
        _at += name.Length;
        _buffer[_at++] = (byte)'"';
        _buffer[_at++] = (byte)':';
        _buffer[_at++] = (byte)' ';
    }

    private void Name(string name)
    {
        Next();
        Value(name);
        _buffer[_at++] = (byte)':';
        _buffer[_at++] = (byte)' ';
    }

    private void Number(long value)
    {
        Utf8Formatter.TryFormat(value, _buffer.AsSpan(_at), out int written);
        _at += written;
    }

    private void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(_at));
        _at += bytes.Length;
    }

    private void Value(string? text)
    {
        if (text is null)
        {
            Room(4);
            Raw("null"u8);
            return;
        }
        Room(text.Length);
        int start = _at;
        _buffer[_at++] = (byte)'"';
        if (TryCopyPlain(text))
            _at += text.Length;
        else
        {
            _at = start;
            Escaped(text);
        }
        _buffer[_at++] = (byte)'"';
    }

    private void Escaped(string text)
    {
        string escaped = ReportJson.Encoder.Encode(text);
        Room(escaped.Length * MaxBytesPerCharacter);
        _buffer[_at++] = (byte)'"';
        _at += Encoding.UTF8.GetBytes(escaped, _buffer.AsSpan(_at));
    }

    /// <summary>Copies a text in which each character is one byte that stands for itself.</summary>
    /// <returns>False when there is another one; what was copied by then means nothing.</returns>
    private bool TryCopyPlain(string text)
    {
        ref ushort from = ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference(text.AsSpan()));
        ref byte into = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_buffer), _at);
        int at = 0;
        for (; at + Vector128<byte>.Count <= text.Length; at += Vector128<byte>.Count)
        {
            Vector128<ushort> low = Vector128.LoadUnsafe(ref from, (nuint)at), high = Vector128.LoadUnsafe(ref from, (nuint)at + 8);
            Vector128<byte> bytes = Vector128.Narrow(low, high);
            // Bytes from 0x80 on are negative, and so below the blank as well.
            Vector128<byte> special = Vector128.LessThan(bytes.AsSByte(), Vector128.Create((sbyte)' ')).AsByte()
                | Vector128.Equals(bytes, Vector128.Create((byte)'"')) | Vector128.Equals(bytes, Vector128.Create((byte)'\\')) | Vector128.Equals(bytes, Vector128.Create((byte)0x7f));
            if (special != Vector128<byte>.Zero || ((low | high) & Vector128.Create((ushort)0xff80)) != Vector128<ushort>.Zero)
                return false;
            bytes.StoreUnsafe(ref into, (nuint)at);
        }
        for (; at < text.Length; at++)
        {
            char c = text[at];
            if (c is < ' ' or > '~' or '"' or '\\')
                return false;
            Unsafe.Add(ref into, at) = (byte)c;
        }
        return true;
    }
}
