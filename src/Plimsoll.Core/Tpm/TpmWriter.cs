using System.Buffers.Binary;

namespace Plimsoll.Tpm;

/// <summary>Puts numbers and buffers into the form of TPM 2.0: big-endian, lengths of 16 bits before what is sized.</summary>
/// <remarks>Source: TPM 2.0 Library, Part 2, "Notation".</remarks>
internal sealed class TpmWriter
{
    private byte[] _bytes = new byte[256];
    private int _length;

    public int Length => _length;

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, _length);

    public byte[] ToArray() => Span.ToArray();

    public TpmWriter U8(int value)
    {
        Room(1)[0] = (byte)value;
        return this;
    }

    public TpmWriter U16(int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(Room(2), checked((ushort)value));
        return this;
    }

    public TpmWriter U16(TpmAlgorithm value) => U16((int)value);

    public TpmWriter U32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(Room(4), value);
        return this;
    }

    public TpmWriter U64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(Room(8), value);
        return this;
    }

    public TpmWriter Bytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Room(value.Length));
        return this;
    }

    /// <summary>A TPM2B: 16 bits of length, then the bytes.</summary>
    public TpmWriter Sized(ReadOnlySpan<byte> value) => U16(value.Length).Bytes(value);

    /// <summary>Writes a length of the command, which is known last.</summary>
    public void Patch32(int offset, uint value) => BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(offset, 4), value);

    private Span<byte> Room(int count)
    {
        while (_bytes.Length - _length < count)
        {
            byte[] larger = new byte[_bytes.Length * 2];
            _bytes.AsSpan(0, _length).CopyTo(larger);
            // What was written may be a secret.
            Array.Clear(_bytes);
            _bytes = larger;
        }
        _length += count;
        return _bytes.AsSpan(_length - count, count);
    }

    /// <summary>Overwrites what was written, for commands that held a secret.</summary>
    public void Clear()
    {
        Array.Clear(_bytes);
        _length = 0;
    }
}
