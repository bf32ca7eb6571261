using System.Buffers.Binary;

namespace Plimsoll.Tpm;

/// <summary>Reads what a TPM, or someone in its name, wrote. Every length is checked against what is there.</summary>
/// <param name="bytes">All of it; a caller that read everything it wants calls <see cref="End"/>.</param>
/// <param name="what">Named in errors: <c>TPM2_Quote</c>, <c>TPMS_ATTEST</c>.</param>
internal ref struct TpmReader(ReadOnlySpan<byte> bytes, string what)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly int Left => _rest.Length;

    public readonly string What => what;

    public byte U8() => Bytes(1)[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16BigEndian(Bytes(2));

    public uint U32() => BinaryPrimitives.ReadUInt32BigEndian(Bytes(4));

    public ulong U64() => BinaryPrimitives.ReadUInt64BigEndian(Bytes(8));

    public TpmAlgorithm Algorithm() => (TpmAlgorithm)U16();

    /// <exception cref="TpmException">Malformed: fewer are left.</exception>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > _rest.Length)
            throw TpmException.Malformed($"{what}: {count} bytes are announced and {_rest.Length} are left");
        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    /// <summary>A TPM2B of at most <paramref name="max"/> bytes.</summary>
    public ReadOnlySpan<byte> Sized(int max)
    {
        int length = U16();
        return length <= max ? Bytes(length) : throw TpmException.Malformed($"{what}: a field of {length} bytes; at most {max} are allowed");
    }

    /// <summary>A count of list entries.</summary>
    public int Count(int max)
    {
        uint count = U32();
        return count <= max ? (int)count : throw TpmException.Malformed($"{what}: a list of {count} entries; at most {max} are allowed");
    }

    public ReadOnlySpan<byte> Rest() => Bytes(_rest.Length);

    /// <exception cref="TpmException">Malformed: something is left over, so that the bytes mean more than was read.</exception>
    public readonly void End()
    {
        if (!_rest.IsEmpty)
            throw TpmException.Malformed($"{what}: {_rest.Length} bytes are left over");
    }
}
