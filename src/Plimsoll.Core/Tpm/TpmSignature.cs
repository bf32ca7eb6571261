using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Plimsoll.Tpm;

/// <summary>A TPMT_SIGNATURE by ECDSA, RSASSA or RSAPSS.</summary>
/// <remarks>Source: TPM 2.0 Library, Part 2, "TPMT_SIGNATURE".</remarks>
public sealed record TpmSignature
{
    public const int MaxBytes = 600;

    private const int MaxRsaBytes = 512, MaxNumberBytes = 66;

    public TpmAlgorithm Scheme { get; private init; }

    public TpmAlgorithm Hash { get; private init; }

    /// <summary>An RSA signature, or the number r.</summary>
    private ReadOnlyMemory<byte> First { get; init; }

    private ReadOnlyMemory<byte> Second { get; init; }

    /// <exception cref="TpmException">Malformed, or Unsupported for another scheme.</exception>
    public static TpmSignature Parse(ReadOnlySpan<byte> bytes)
    {
        TpmReader reader = new(bytes, "TPMT_SIGNATURE");
        TpmAlgorithm scheme = reader.Algorithm();
        if (scheme is not (TpmAlgorithm.EcDsa or TpmAlgorithm.RsaSsa or TpmAlgorithm.RsaPss))
            throw new TpmException(TpmError.Unsupported, $"TPMT_SIGNATURE: scheme 0x{(int)scheme:x4}; wanted ECDSA, RSASSA or RSAPSS");
        TpmAlgorithm hash = reader.Algorithm();
        if (hash is not (TpmAlgorithm.Sha256 or TpmAlgorithm.Sha384 or TpmAlgorithm.Sha512))
            throw new TpmException(TpmError.Unsupported, $"TPMT_SIGNATURE: hash {hash.Word()}; wanted sha256, sha384 or sha512");
        TpmSignature read = new()
        {
            Scheme = scheme,
            Hash = hash,
            First = reader.Sized(scheme == TpmAlgorithm.EcDsa ? MaxNumberBytes : MaxRsaBytes).ToArray(),
            Second = scheme == TpmAlgorithm.EcDsa ? reader.Sized(MaxNumberBytes).ToArray() : default,
        };
        reader.End();
        return read;
    }

    /// <summary>Of ECDSA: both numbers in DER. Source: RFC 3279, 2.2.3.</summary>
    public byte[] ToDer()
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(First.Span.TrimStart((byte)0) is { IsEmpty: false } r ? r : [0]);
            writer.WriteIntegerUnsigned(Second.Span.TrimStart((byte)0) is { IsEmpty: false } s ? s : [0]);
        }
        return writer.Encode();
    }

    /// <summary>Whether it is this key's over the data. A key that is bound to a scheme and hash signs with these only.</summary>
    /// <exception cref="TpmException">The key is none.</exception>
    public bool Verify(TpmPublic key, ReadOnlySpan<byte> data)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.Scheme != TpmAlgorithm.Null && (key.Scheme != Scheme || key.SchemeHash != Hash))
            return false;
        if (Scheme != TpmAlgorithm.EcDsa)
        {
            if (key.Type != TpmAlgorithm.Rsa || key.X.Length < 256)
                return false;
            return key.RsaVerifier.VerifyData(data, First.Span, Hash.Name(), Scheme == TpmAlgorithm.RsaPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
        }
        if (key.Type != TpmAlgorithm.Ecc || First.Length > key.CoordinateBytes || Second.Length > key.CoordinateBytes)
            return false;
        byte[] both = [.. TpmPublic.Padded(First.Span, key.CoordinateBytes), .. TpmPublic.Padded(Second.Span, key.CoordinateBytes)];
        return key.EcVerifier.VerifyData(data, both, Hash.Name(), DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }
}
