using System.Security.Cryptography;

namespace Plimsoll.Keys;

/// <summary>Ed25519 over the bytes themselves, without a hash before it. Source: RFC 8032, 5.1; RFC 8410 for the forms.</summary>
internal sealed class Ed25519PublicKey : PublicKey
{
    public const int RawBytes = 32;

    /// <summary>A SubjectPublicKeyInfo up to the 32 bytes of the key.</summary>
    private static ReadOnlySpan<byte> SpkiHead => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    private readonly LibCrypto.PKey _key;

    public Ed25519PublicKey(ReadOnlySpan<byte> point) : base(KeyAlgorithm.Ed25519, (byte[])[.. SpkiHead, .. point]) => _key = LibCrypto.OpenPublic(point);

    public override bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => LibCrypto.Verify(_key, data, signature);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _key.Dispose();
        base.Dispose(disposing);
    }
}

internal sealed class Ed25519Signer : ISigner, IExportable
{
    /// <summary>A PrivateKeyInfo up to the 32 bytes of the seed.</summary>
    private static ReadOnlySpan<byte> Pkcs8Head => [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

    private readonly LibCrypto.PKey _key;

    public Ed25519Signer(ReadOnlySpan<byte> seed)
    {
        _key = LibCrypto.OpenPrivate(seed);
        PublicKey = new Ed25519PublicKey(LibCrypto.PublicOf(_key));
    }

    public PublicKey PublicKey { get; }

    public static Ed25519Signer Generate()
    {
        byte[] seed = RandomNumberGenerator.GetBytes(Ed25519PublicKey.RawBytes);
        try
        {
            return new Ed25519Signer(seed);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    public byte[] Sign(ReadOnlySpan<byte> data) => LibCrypto.Sign(_key, data);

    public byte[] ExportPkcs8()
    {
        byte[] seed = LibCrypto.SeedOf(_key);
        byte[] all = [.. Pkcs8Head, .. seed];
        CryptographicOperations.ZeroMemory(seed);
        return all;
    }

    public void Dispose()
    {
        PublicKey.Dispose();
        _key.Dispose();
    }
}
