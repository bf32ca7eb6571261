using System.Formats.Asn1;
using Plimsoll.Keys;

namespace Plimsoll.Hsm;

/// <summary>Public keys as tokens keep them, made into SubjectPublicKeyInfo.</summary>
public static class HsmPublicKey
{
    private const string EcOid = "1.2.840.10045.2.1", RsaOid = "1.2.840.113549.1.1.1";

    /// <param name="parameters">CKA_EC_PARAMS: the curve's object identifier, DER.</param>
    /// <param name="point">
    /// CKA_EC_POINT: the uncompressed point, in an OCTET STRING as the specification wants it, or as it is, which older modules have. The two differ in
    /// length.
    /// </param>
    /// <param name="name">What the key is called in errors.</param>
    /// <exception cref="KeyException">It is of a kind that is not used here, or no point of its curve.</exception>
    public static PublicKey OfEc(ReadOnlyMemory<byte> parameters, ReadOnlyMemory<byte> point, string name)
    {
        (string curve, int bytes) = CurveOf(parameters, name);
        ReadOnlySpan<byte> plain = point.Span;
        int length = 1 + (2 * bytes);
        if (plain.Length != length)
            try
            {
                AsnReader reader = new(point, AsnEncodingRules.DER);
                plain = reader.ReadOctetString();
                reader.ThrowIfNotEmpty();
            }
            catch (AsnContentException e)
            {
                throw new HsmException(HsmError.Malformed, $"{name}: a point of {point.Length} bytes that is neither plain nor in an OCTET STRING", inner: e);
            }
        if (plain.Length != length || plain[0] != 4)
            throw new HsmException(HsmError.Unsupported, $"{name}: the point has {plain.Length} bytes and begins with {(plain.IsEmpty ? "nothing" : plain[0])}; wanted {length} and 4, an uncompressed one");
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(EcOid);
                writer.WriteObjectIdentifier(curve);
            }
            writer.WriteBitString(plain);
        }
        return KeyFile.ReadSpki(writer.Encode(), name);
    }

    /// <param name="modulus">CKA_MODULUS, big-endian.</param>
    /// <param name="exponent">CKA_PUBLIC_EXPONENT, big-endian.</param>
    /// <exception cref="KeyException">It is of a length that is not used here.</exception>
    public static PublicKey OfRsa(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> exponent, string name)
    {
        modulus = modulus.TrimStart((byte)0);
        exponent = exponent.TrimStart((byte)0);
        if (modulus.IsEmpty || exponent.IsEmpty || modulus.Length > PublicKey.MaxRsaBits / 8 || exponent.Length > modulus.Length)
            throw HsmException.Malformed($"{name}: a modulus of {modulus.Length} bytes and an exponent of {exponent.Length} are no RSA key");
        AsnWriter key = new(AsnEncodingRules.DER);
        using (key.PushSequence())
        {
            key.WriteIntegerUnsigned(modulus);
            key.WriteIntegerUnsigned(exponent);
        }
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(RsaOid);
                writer.WriteNull();
            }
            writer.WriteBitString(key.Encode());
        }
        return KeyFile.ReadSpki(writer.Encode(), name);
    }

    /// <summary>ECDSA as tokens answer it, two numbers of one length, made into the sequence that files hold.</summary>
    /// <exception cref="HsmException">A number is zero, or the length is odd.</exception>
    public static byte[] ToDer(ReadOnlySpan<byte> signature)
    {
        int half = signature.Length / 2;
        ReadOnlySpan<byte> r = signature[..half].TrimStart((byte)0), s = signature[half..].TrimStart((byte)0);
        if (signature.Length != 2 * half || r.IsEmpty || s.IsEmpty)
            throw HsmException.Malformed($"a signature of {signature.Length} bytes is not two numbers above zero");
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(r);
            writer.WriteIntegerUnsigned(s);
        }
        return writer.Encode();
    }

    internal static byte[] CurveOf(KeyAlgorithm algorithm)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        writer.WriteObjectIdentifier(algorithm == KeyAlgorithm.EcdsaP384 ? EcPublicKey.P384 : EcPublicKey.P256);
        return writer.Encode();
    }

    private static (string Curve, int Bytes) CurveOf(ReadOnlyMemory<byte> parameters, string name)
    {
        try
        {
            AsnReader reader = new(parameters, AsnEncodingRules.DER);
            string curve = reader.ReadObjectIdentifier();
            reader.ThrowIfNotEmpty();
            return curve switch
            {
                EcPublicKey.P256 => (curve, 32),
                EcPublicKey.P384 => (curve, 48),
                _ => throw new HsmException(HsmError.Unsupported, $"{name} is on curve {curve}; wanted P-256 or P-384"),
            };
        }
        catch (AsnContentException e)
        {
            throw new HsmException(HsmError.Unsupported, $"{name} is on a curve without an object identifier; wanted P-256 or P-384", inner: e);
        }
    }
}
