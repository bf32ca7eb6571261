using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Plimsoll.Keys;

/// <summary>ECDSA over P-256 or P-384, with SHA-256 for both, as cosign has it.</summary>
internal sealed class EcPublicKey : PublicKey
{
    public const string P256 = "1.2.840.10045.3.1.7", P384 = "1.3.132.0.34";

    private readonly ECDsa _key;

    public EcPublicKey(ECDsa key) : base(AlgorithmOf(key), key.ExportSubjectPublicKeyInfo()) => _key = key;

    private EcPublicKey(ECDsa key, KeyAlgorithm algorithm, byte[] spki) : base(algorithm, spki) => _key = key;

    /// <summary>What stands before the point in a SubjectPublicKeyInfo of the curve, up to the byte that says that the point is whole. Source: RFC 5480, 2.</summary>
    private static ReadOnlySpan<byte> HeadOfP256 => [0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04];

    private static ReadOnlySpan<byte> HeadOfP384 => [0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04];

    /// <summary>
    /// A key in the one form that DER has for a whole point on a named curve, which is what exporting it gives again. Null for any other
    /// form, which is for a parser of ASN.1 to judge.
    /// </summary>
    /// <remarks>Nearly every key is in this form, and loading that parser and its writer takes longer than checking a signature.</remarks>
    /// <exception cref="CryptographicException">The point is not on the curve.</exception>
    public static EcPublicKey? TryRead(ReadOnlySpan<byte> spki) =>
        TryRead(spki, HeadOfP256, 32, KeyAlgorithm.EcdsaP256) ?? TryRead(spki, HeadOfP384, 48, KeyAlgorithm.EcdsaP384);

    private static EcPublicKey? TryRead(ReadOnlySpan<byte> spki, ReadOnlySpan<byte> head, int bytes, KeyAlgorithm algorithm)
    {
        if (spki.Length != head.Length + (2 * bytes) || !spki.StartsWith(head))
            return null;
        ECDsa key = ECDsa.Create(new ECParameters
        {
            Curve = algorithm == KeyAlgorithm.EcdsaP256 ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP384,
            Q = new ECPoint { X = spki.Slice(head.Length, bytes).ToArray(), Y = spki[(head.Length + bytes)..].ToArray() },
        });
        return new EcPublicKey(key, algorithm, spki.ToArray());
    }

    /// <summary>
    /// cosign 2.5 signs and verifies with SHA-256 whatever the curve; tools that pair P-384 with SHA-384 are understood as well. One
    /// signature cannot serve for two contents that way: their hashes, as the numbers that ECDSA signs, would have to be equal.
    /// </summary>
    public override bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => IsStrict(signature) && (
        _key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
        || (Algorithm == KeyAlgorithm.EcdsaP384 && _key.VerifyData(data, signature, HashAlgorithmName.SHA384, DSASignatureFormat.Rfc3279DerSequence)));

    /// <summary>
    /// Whether the signature is two positive numbers in DER and nothing more. The base library passes over the sign of a number, so that one
    /// signature would have two forms.
    /// </summary>
    private static bool IsStrict(ReadOnlySpan<byte> signature)
    {
        try
        {
            AsnDecoder.ReadSequence(signature, AsnEncodingRules.DER, out int offset, out int length, out int consumed);
            if (consumed != signature.Length)
                return false;
            ReadOnlySpan<byte> numbers = signature.Slice(offset, length);
            ReadOnlySpan<byte> r = AsnDecoder.ReadIntegerBytes(numbers, AsnEncodingRules.DER, out int first);
            ReadOnlySpan<byte> s = AsnDecoder.ReadIntegerBytes(numbers[first..], AsnEncodingRules.DER, out int second);
            return first + second == numbers.Length && r[0] < 0x80 && s[0] < 0x80;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    private static KeyAlgorithm AlgorithmOf(ECDsa key) => key.ExportParameters(false).Curve is { IsNamed: true } curve ? curve.Oid.Value switch
    {
        P256 => KeyAlgorithm.EcdsaP256,
        P384 => KeyAlgorithm.EcdsaP384,
        var other => throw new KeyException($"the key is on curve {other}; wanted P-256 or P-384"),
    } : throw new KeyException("the key is on a curve without a name; wanted P-256 or P-384");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _key.Dispose();
        base.Dispose(disposing);
    }
}

internal sealed class EcSigner(ECDsa key) : ISigner, IExportable
{
    public PublicKey PublicKey { get; } = Of(key);

    public byte[] Sign(ReadOnlySpan<byte> data) => key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    public byte[] ExportPkcs8() => key.ExportPkcs8PrivateKey();

    public void Dispose()
    {
        PublicKey.Dispose();
        key.Dispose();
    }

    private static EcPublicKey Of(ECDsa key)
    {
        ECDsa half = ECDsa.Create();
        half.ImportSubjectPublicKeyInfo(key.ExportSubjectPublicKeyInfo(), out _);
        return new EcPublicKey(half);
    }
}
