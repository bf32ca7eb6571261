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

    /// <summary>64 bits that are only ever set.</summary>
    Bits = 2 << 4,

    /// <summary>A digest that only takes more in, as a PCR.</summary>
    Extend = 4 << 4,

    /// <summary>Counts wrong PINs.</summary>
    PinFail = 8 << 4,

    /// <summary>The four bits that tell ordinary data, a counter, bits, an extended digest and PINs apart.</summary>
    TypeMask = Counter | Bits | Extend | PinFail,
    WriteLocked = 1 << 11,
    OwnerRead = 1 << 17,
    AuthRead = 1 << 18,
    NoDictionaryAttack = 1 << 25,

    /// <summary>Kept in memory that loses it when power fails.</summary>
    Orderly = 1 << 26,

    /// <summary>Counts as never written after each start.</summary>
    ClearAtStart = 1 << 27,
    Written = 1 << 29,
    PlatformCreate = 1 << 30,
}

/// <summary>What is known of an NV index without reading it.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Name">What sessions and certificates call it: changes when it is defined anew, and once when it is first written.</param>
public sealed record NvPublic(uint Index, TpmAlgorithm NameAlgorithm, NvAttributes Attributes, ReadOnlyMemory<byte> Policy, int Size, ReadOnlyMemory<byte> Name)
{
    internal TpmEntity Entity => new(Index, Name.ToArray());

    /// <summary>Bytes of a TPMS_NV_PUBLIC.</summary>
    public const int MaxBytes = 256;

    /// <summary>As the TPM hashes it into the name: a TPMS_NV_PUBLIC.</summary>
    public byte[] ToBytes() => new TpmWriter().U32(Index).U16(NameAlgorithm).U32((uint)Attributes).Sized(Policy.Span).U16(Size).ToArray();

    /// <summary>Reads a TPMS_NV_PUBLIC and computes the name.</summary>
    /// <exception cref="TpmException">Malformed, or its name is made with a hash that is not known.</exception>
    public static NvPublic Parse(ReadOnlySpan<byte> area)
    {
        TpmReader fields = new(area, "TPMS_NV_PUBLIC");
        (uint index, TpmAlgorithm hash, NvAttributes attributes) = (fields.U32(), fields.Algorithm(), (NvAttributes)fields.U32());
        byte[] policy = fields.Sized(64).ToArray();
        int size = fields.U16();
        fields.End();
        if (hash.Size() == 0)
            throw new TpmException(TpmError.Unsupported, $"TPMS_NV_PUBLIC: names are made with the unknown hash {hash.Word()}");
        return new NvPublic(index, hash, attributes, policy, size, new TpmWriter().U16(hash).Bytes(hash.Of(area)).ToArray());
    }
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
        ReadOnlySpan<byte> area = reader.Sized(NvPublic.MaxBytes), name = reader.Sized(66);
        reader.End();
        NvPublic read = NvPublic.Parse(area);
        if (read.Index != index || !name.SequenceEqual(read.Name.Span))
            throw TpmException.Malformed("TPM2_NV_ReadPublic: the name is not that of the index");
        return read;
    }

    /// <summary>Reads an index whole, by its own authorisation, which is empty, or as the owner.</summary>
    public byte[] ReadNv(NvPublic index, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(index);
        if (index.Size > MaxNvBytes)
            throw new TpmException(TpmError.Unsupported, $"NV index 0x{index.Index:x8} has {index.Size} bytes; at most {MaxNvBytes} are read");
        int piece = (int)Math.Clamp(FindProperty(PropertyNvBuffer, cancellationToken) ?? SafeNvBuffer, 64, 2048);
        byte[] all = new byte[index.Size];
        using HierarchyAuth by = AuthOf(ReaderOf(index), cancellationToken);
        for (int at = 0; at < all.Length;)
        {
            int wanted = Math.Min(piece, all.Length - at);
            TpmReader reader = new(Execute(TpmCommand.NvRead, [ReaderOf(index), index.Entity], [by.Auth], new TpmWriter().U16(wanted).U16(at), hasHandle: false, cancellationToken).Parameters, "TPM2_NV_Read");
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

    /// <summary>An index of ours is used by its own empty value; one that is not, by whoever owns the TPM.</summary>
    private HierarchyAuth AuthOf(TpmEntity by, CancellationToken cancellationToken) =>
        by.Handle == TpmHandles.Owner ? Authorise(TpmHandles.Owner, cancellationToken) : new HierarchyAuth(null, TpmAuth.Empty);

    private static TpmEntity WriterOf(NvPublic index) => index.Attributes.HasFlag(NvAttributes.AuthWrite) ? index.Entity : TpmEntity.Of(TpmHandles.Owner);

    /// <summary>Makes an index with an empty authorisation value.</summary>
    /// <param name="size">8 for a counter, the hash's length for one that is extended.</param>
    public NvPublic DefineNv(uint index, TpmAlgorithm hash, NvAttributes attributes, int size, CancellationToken cancellationToken)
    {
        TpmWriter area = new TpmWriter().U32(index).U16(hash).U32((uint)attributes).Sized([]).U16(size);
        using HierarchyAuth by = Authorise(TpmHandles.Owner, cancellationToken);
        Execute(TpmCommand.NvDefineSpace, [TpmEntity.Of(TpmHandles.Owner)], [by.Auth], new TpmWriter().Sized([]).Sized(area.Span), hasHandle: false, cancellationToken);
        return FindNv(index, cancellationToken) ?? throw TpmException.Malformed($"NV index 0x{index:x8} was made and is not there");
    }

    public void UndefineNv(NvPublic index, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(index);
        using HierarchyAuth by = Authorise(TpmHandles.Owner, cancellationToken);
        Execute(TpmCommand.NvUndefineSpace, [TpmEntity.Of(TpmHandles.Owner), index.Entity], [by.Auth], new TpmWriter(), hasHandle: false, cancellationToken);
    }

    /// <summary>Counts up by one. The index's name changes with its first time; ask <see cref="FindNv"/> again.</summary>
    public void IncrementNv(NvPublic index, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(index);
        using HierarchyAuth by = AuthOf(WriterOf(index), cancellationToken);
        Execute(TpmCommand.NvIncrement, [WriterOf(index), index.Entity], [by.Auth], new TpmWriter(), hasHandle: false, cancellationToken);
    }

    /// <summary><c>new = H(old ‖ data)</c>; the first time old is all zeros.</summary>
    public void ExtendNv(NvPublic index, ReadOnlySpan<byte> data, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(index);
        using HierarchyAuth by = AuthOf(WriterOf(index), cancellationToken);
        Execute(TpmCommand.NvExtend, [WriterOf(index), index.Entity], [by.Auth], new TpmWriter().Sized(data), hasHandle: false, cancellationToken);
    }

    internal void WriteNv(NvPublic index, ReadOnlySpan<byte> data, int offset, CancellationToken cancellationToken)
    {
        using HierarchyAuth by = AuthOf(WriterOf(index), cancellationToken);
        Execute(TpmCommand.NvWrite, [WriterOf(index), index.Entity], [by.Auth], new TpmWriter().Sized(data).U16(offset), hasHandle: false, cancellationToken);
    }

    /// <summary>Has a key sign what an index holds: a TPMS_ATTEST and a TPMT_SIGNATURE.</summary>
    public (byte[] Attest, byte[] Signature) CertifyNv(TpmObject key, NvPublic index, ReadOnlySpan<byte> nonce, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(index);
        TpmWriter parameters = new TpmWriter().Sized(nonce).U16(TpmAlgorithm.Null).U16(index.Size).U16(0);
        using HierarchyAuth by = AuthOf(ReaderOf(index), cancellationToken);
        TpmReader reader = new(Execute(TpmCommand.NvCertify, [key.Entity, ReaderOf(index), index.Entity], [TpmAuth.Empty, by.Auth], parameters, hasHandle: false, cancellationToken).Parameters, "TPM2_NV_Certify");
        return (reader.Sized(MaxAttestBytes).ToArray(), reader.Rest().ToArray());
    }
}
