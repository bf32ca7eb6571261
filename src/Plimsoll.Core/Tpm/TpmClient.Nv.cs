namespace Plimsoll.Tpm;

/// <summary>What an NV index may do. Source: TPM 2.0 Library, Part 2, "TPMA_NV".</summary>
[Flags]
public enum NvAttributes : uint
{
    None = 0,
    OwnerWrite = 1 << 1,
    AuthWrite = 1 << 2,

    /// <summary>A number of 64 bits that only goes up.</summary>
    Counter = 1 << 4,

    /// <summary>A digest that only takes more in, as a PCR.</summary>
    Extend = 4 << 4,
    WriteLocked = 1 << 11,
    OwnerRead = 1 << 17,
    AuthRead = 1 << 18,
    NoDictionaryAttack = 1 << 25,
    Written = 1 << 29,
    PlatformCreate = 1 << 30,
}

/// <summary>What is known of an NV index without reading it.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Name">What sessions and certificates call it: changes when it is defined anew, and once when it is first written.</param>
public sealed record NvPublic(uint Index, TpmAlgorithm NameAlgorithm, NvAttributes Attributes, ReadOnlyMemory<byte> Policy, int Size, ReadOnlyMemory<byte> Name)
{
    internal TpmEntity Entity => new(Index, Name.ToArray());
}

/// <content>Memory that outlives power: certificates, counters, and indexes that are extended.</content>
public sealed partial class TpmClient
{
    /// <summary>Bytes of an index that is read whole; certificates have some 1500.</summary>
    public const int MaxNvBytes = 16 * 1024;

    private const int SafeNvBuffer = 512;

    /// <summary>Null when there is no such index.</summary>
    public NvPublic? FindNv(uint index, CancellationToken cancellationToken)
    {
        byte[] answer;
        try
        {
            answer = Execute(TpmCommand.NvReadPublic, [TpmEntity.Of(index)], [], new TpmWriter(), hasHandle: false, cancellationToken).Parameters;
        }
        catch (TpmException e) when (TpmResponses.Base(e.Code) == TpmResponses.Handle)
        {
            return null;
        }
        TpmReader reader = new(answer, "TPM2_NV_ReadPublic");
        ReadOnlySpan<byte> area = reader.Sized(256), name = reader.Sized(66);
        reader.End();
        TpmReader fields = new(area, "TPMS_NV_PUBLIC");
        NvPublic read = new(fields.U32(), fields.Algorithm(), (NvAttributes)fields.U32(), fields.Sized(64).ToArray(), fields.U16(), name.ToArray());
        fields.End();
        if (read.Index != index || read.NameAlgorithm.Size() == 0 || !name.SequenceEqual(new TpmWriter().U16(read.NameAlgorithm).Bytes(read.NameAlgorithm.Of(area)).Span))
            throw TpmException.Malformed("TPM2_NV_ReadPublic: the name is not that of the index");
        return read;
    }

    /// <summary>Reads an index whole, by its own authorisation, which is empty.</summary>
    public byte[] ReadNv(NvPublic index, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(index);
        if (index.Size > MaxNvBytes)
            throw new TpmException(TpmError.Unsupported, $"NV index 0x{index.Index:x8} has {index.Size} bytes; at most {MaxNvBytes} are read");
        int piece = (int)Math.Clamp(FindProperty(PropertyNvBuffer, cancellationToken) ?? SafeNvBuffer, 64, 2048);
        byte[] all = new byte[index.Size];
        for (int at = 0; at < all.Length;)
        {
            int wanted = Math.Min(piece, all.Length - at);
            TpmReader reader = new(Execute(TpmCommand.NvRead, [ReaderOf(index), index.Entity], [TpmAuth.Empty], new TpmWriter().U16(wanted).U16(at), hasHandle: false, cancellationToken).Parameters, "TPM2_NV_Read");
            ReadOnlySpan<byte> bytes = reader.Sized(wanted);
            reader.End();
            if (bytes.Length != wanted)
                throw TpmException.Malformed($"TPM2_NV_Read: {bytes.Length} bytes; wanted {wanted}");
            bytes.CopyTo(all.AsSpan(at));
            at += wanted;
        }
        return all;
    }

    private static TpmEntity ReaderOf(NvPublic index) => index.Attributes.HasFlag(NvAttributes.AuthRead) ? index.Entity : TpmEntity.Of(TpmHandles.Owner);

    private static TpmEntity WriterOf(NvPublic index) => index.Attributes.HasFlag(NvAttributes.AuthWrite) ? index.Entity : TpmEntity.Of(TpmHandles.Owner);

    /// <summary>Makes an index with an empty authorisation value.</summary>
    /// <param name="size">8 for a counter, the hash's length for one that is extended.</param>
    public NvPublic DefineNv(uint index, TpmAlgorithm hash, NvAttributes attributes, int size, byte[] ownerAuth, CancellationToken cancellationToken)
    {
        TpmWriter area = new TpmWriter().U32(index).U16(hash).U32((uint)attributes).Sized([]).U16(size);
        Execute(TpmCommand.NvDefineSpace, [TpmEntity.Of(TpmHandles.Owner)], [TpmAuth.Password(ownerAuth)], new TpmWriter().Sized([]).Sized(area.Span), hasHandle: false, cancellationToken);
        return FindNv(index, cancellationToken) ?? throw TpmException.Malformed($"NV index 0x{index:x8} was made and is not there");
    }

    public void UndefineNv(NvPublic index, byte[] ownerAuth, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(index);
        Execute(TpmCommand.NvUndefineSpace, [TpmEntity.Of(TpmHandles.Owner), index.Entity], [TpmAuth.Password(ownerAuth)], new TpmWriter(), hasHandle: false, cancellationToken);
    }

    /// <summary>Counts up by one. The index's name changes with its first time; ask <see cref="FindNv"/> again.</summary>
    public void IncrementNv(NvPublic index, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(index);
        Execute(TpmCommand.NvIncrement, [WriterOf(index), index.Entity], [TpmAuth.Empty], new TpmWriter(), hasHandle: false, cancellationToken);
    }

    /// <summary><c>new = H(old ‖ data)</c>; the first time old is all zeros.</summary>
    public void ExtendNv(NvPublic index, ReadOnlySpan<byte> data, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(index);
        Execute(TpmCommand.NvExtend, [WriterOf(index), index.Entity], [TpmAuth.Empty], new TpmWriter().Sized(data), hasHandle: false, cancellationToken);
    }

    internal void WriteNv(NvPublic index, ReadOnlySpan<byte> data, int offset, CancellationToken cancellationToken) =>
        Execute(TpmCommand.NvWrite, [WriterOf(index), index.Entity], [TpmAuth.Empty], new TpmWriter().Sized(data).U16(offset), hasHandle: false, cancellationToken);

    /// <summary>Has a key sign what an index holds: a TPMS_ATTEST and a TPMT_SIGNATURE.</summary>
    public (byte[] Attest, byte[] Signature) CertifyNv(TpmObject key, NvPublic index, ReadOnlySpan<byte> nonce, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(index);
        TpmWriter parameters = new TpmWriter().Sized(nonce).U16(TpmAlgorithm.Null).U16(index.Size).U16(0);
        TpmReader reader = new(Execute(TpmCommand.NvCertify, [key.Entity, ReaderOf(index), index.Entity], [TpmAuth.Empty, TpmAuth.Empty], parameters, hasHandle: false, cancellationToken).Parameters, "TPM2_NV_Certify");
        return (reader.Sized(MaxAttestBytes).ToArray(), reader.Rest().ToArray());
    }
}
