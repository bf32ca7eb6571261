namespace Plimsoll.Tpm;

/// <summary>What a signed statement of a TPM is about.</summary>
public enum AttestationKind
{
    /// <summary>Default: something else, or no statement of a TPM at all.</summary>
    Other = 0,

    /// <summary>Values of PCRs.</summary>
    Quote,

    /// <summary>The content of an NV index.</summary>
    Nv,
}

/// <summary>What a TPM says under its signature: a TPMS_ATTEST.</summary>
/// <remarks>Source: TPM 2.0 Library, Part 2, 10.12 "Attestation Structures".</remarks>
public sealed record Attestation
{
    /// <summary>Bytes; the largest that a TPM makes have some 700 and carry an NV index's content.</summary>
    public const int MaxBytes = 2048;

    /// <summary>TPM_GENERATED_VALUE: a restricted key signs nothing of others that starts so.</summary>
    private const uint Magic = 0xFF544347;

    private const ushort QuoteTag = 0x8018, NvTag = 0x8014;

    public AttestationKind Kind { get; private init; }

    /// <summary>Name of the key that vouches for the signer; for a key of the endorsement hierarchy that of the hierarchy.</summary>
    public ReadOnlyMemory<byte> QualifiedSigner { get; private init; }

    /// <summary>The nonce.</summary>
    public ReadOnlyMemory<byte> ExtraData { get; private init; }

    /// <summary>Milliseconds that the TPM has been powered since it was last cleared; may lose some at a disorderly end.</summary>
    public ulong Clock { get; private init; }

    /// <summary>Times that the TPM was reset: one more per boot.</summary>
    public uint ResetCount { get; private init; }

    /// <summary>Times that it was restarted or resumed since.</summary>
    public uint RestartCount { get; private init; }

    /// <summary>Whether no higher <see cref="Clock"/> can have been told before.</summary>
    public bool Safe { get; private init; }

    /// <summary>Of the maker's own numbering.</summary>
    public ulong FirmwareVersion { get; private init; }

    /// <summary>Of a quote; else null.</summary>
    public PcrSelection? Selection { get; private init; }

    /// <summary>Of a quote: the hash over the values, by the signing key's hash.</summary>
    public ReadOnlyMemory<byte> PcrDigest { get; private init; }

    /// <summary>Of an NV index: its name, the offset, and the bytes from there.</summary>
    public ReadOnlyMemory<byte> NvName { get; private init; }

    public int NvOffset { get; private init; }

    public ReadOnlyMemory<byte> NvContents { get; private init; }

    /// <exception cref="TpmException">Malformed: no TPM made this.</exception>
    public static Attestation Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxBytes)
            throw TpmException.Malformed($"TPMS_ATTEST: {bytes.Length} bytes; at most {MaxBytes} are allowed");
        TpmReader reader = new(bytes, "TPMS_ATTEST");
        uint magic = reader.U32();
        if (magic != Magic)
            throw TpmException.Malformed($"TPMS_ATTEST: starts with 0x{magic:x8}; wanted 0x{Magic:x8}, which only a TPM writes under a restricted key");
        ushort tag = reader.U16();
        Attestation read = new()
        {
            Kind = tag switch { QuoteTag => AttestationKind.Quote, NvTag => AttestationKind.Nv, _ => AttestationKind.Other },
            QualifiedSigner = reader.Sized(66).ToArray(),
            ExtraData = reader.Sized(66).ToArray(),
            Clock = reader.U64(),
            ResetCount = reader.U32(),
            RestartCount = reader.U32(),
            Safe = reader.U8() switch { 0 => false, 1 => true, var other => throw TpmException.Malformed($"TPMS_ATTEST: {other} is no yes and no no") },
            FirmwareVersion = reader.U64(),
        };
        switch (read.Kind)
        {
            case AttestationKind.Quote:
                PcrSelection selection = PcrSelection.Read(ref reader);
                read = read with { Selection = selection, PcrDigest = reader.Sized(64).ToArray() };
                break;
            case AttestationKind.Nv:
                byte[] name = reader.Sized(66).ToArray();
                int offset = reader.U16();
                read = read with { NvName = name, NvOffset = offset, NvContents = reader.Sized(MaxBytes).ToArray() };
                break;
            default:
                throw new TpmException(TpmError.Unsupported, $"TPMS_ATTEST: tag 0x{tag:x4} is neither a quote nor about an NV index");
        }
        reader.End();
        return read;
    }
}
