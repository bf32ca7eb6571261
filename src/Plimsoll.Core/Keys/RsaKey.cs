using System.Security.Cryptography;

namespace Plimsoll.Keys;

/// <summary>RSA with PKCS#1 v1.5 and SHA-256.</summary>
internal sealed class RsaPublicKey : PublicKey
{
    private readonly RSA _key;

    /// <exception cref="KeyException">Shorter or longer than what is used here.</exception>
    public RsaPublicKey(RSA key) : base(KeyAlgorithm.Rsa, key.ExportSubjectPublicKeyInfo()) =>
        _key = key.KeySize is >= MinRsaBits and <= MaxRsaBits ? key
            : throw new KeyException($"the RSA key has {key.KeySize} bits; wanted {MinRsaBits} to {MaxRsaBits}");

    public override bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        _key.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _key.Dispose();
        base.Dispose(disposing);
    }
}

internal sealed class RsaSigner(RSA key) : ISigner, IExportable
{
    public PublicKey PublicKey { get; } = Of(key);

    public byte[] Sign(ReadOnlySpan<byte> data) => key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

    public byte[] ExportPkcs8() => key.ExportPkcs8PrivateKey();

    public void Dispose()
    {
        PublicKey.Dispose();
        key.Dispose();
    }

    private static RsaPublicKey Of(RSA key)
    {
        RSA half = RSA.Create();
        half.ImportSubjectPublicKeyInfo(key.ExportSubjectPublicKeyInfo(), out _);
        return new RsaPublicKey(half);
    }
}
