using System.Security.Cryptography;

namespace Plimsoll.Keys;

/// <summary>ECDSA over P-256 or P-384.</summary>
internal sealed class EcPublicKey(ECDsa key) : PublicKey(AlgorithmOf(key), key.ExportSubjectPublicKeyInfo())
{
    public override bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        key.VerifyData(data, signature, HashOf(Algorithm), DSASignatureFormat.Rfc3279DerSequence);

    internal static HashAlgorithmName HashOf(KeyAlgorithm algorithm) => algorithm == KeyAlgorithm.EcdsaP384 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256;

    private static KeyAlgorithm AlgorithmOf(ECDsa key) => key.ExportParameters(false).Curve.Oid.Value switch
    {
        "1.2.840.10045.3.1.7" => KeyAlgorithm.EcdsaP256,
        "1.3.132.0.34" => KeyAlgorithm.EcdsaP384,
        var other => throw new KeyException($"the key is on curve {other}; wanted P-256 or P-384"),
    };

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            key.Dispose();
        base.Dispose(disposing);
    }
}

internal sealed class EcSigner(ECDsa key) : ISigner
{
    public PublicKey PublicKey { get; } = Of(key);

    public byte[] Sign(ReadOnlySpan<byte> data) => key.SignData(data, EcPublicKey.HashOf(PublicKey.Algorithm), DSASignatureFormat.Rfc3279DerSequence);

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
