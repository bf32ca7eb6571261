using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Plimsoll.Keys;

/// <summary>ECDSA over P-256 or P-384, with SHA-256 for both, as cosign has it.</summary>
internal sealed class EcPublicKey(ECDsa key) : PublicKey(AlgorithmOf(key), key.ExportSubjectPublicKeyInfo())
{
    public const string P256 = "1.2.840.10045.3.1.7", P384 = "1.3.132.0.34";

    /// <summary>
    /// cosign 2.5 signs and verifies with SHA-256 whatever the curve; tools that pair P-384 with SHA-384 are understood as well. One
    /// signature cannot serve for two contents that way: their hashes, as the numbers that ECDSA signs, would have to be equal.
    /// </summary>
    public override bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => IsStrict(signature) && (
        key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
        || (Algorithm == KeyAlgorithm.EcdsaP384 && key.VerifyData(data, signature, HashAlgorithmName.SHA384, DSASignatureFormat.Rfc3279DerSequence)));

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
            key.Dispose();
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
