using System.Security.Cryptography;

// .NET 10 marks the two methods that read and write PKCS#8 as experimental, since RFC 9881 was a draft when it froze; the form is that of the RFC, and
// OpenSSL reads and writes the same (HybridTests).
#pragma warning disable SYSLIB5006

namespace Plimsoll.Keys;

/// <summary>ML-DSA-65 over the bytes themselves, with an empty context. It is only ever one half of a hybrid key.</summary>
/// <remarks>Source: FIPS 204; RFC 9881 for the forms. The base library has it where OpenSSL has it, which is from 3.5 on.</remarks>
internal static class MlDsa65
{
    /// <summary>id-ml-dsa-65.</summary>
    public const string Oid = "2.16.840.1.101.3.4.3.18";

    public const int PublicBytes = 1952, SignatureBytes = 3309;

    /// <summary>Why nothing can be signed or checked with it here; null when it can.</summary>
    public static string? Unsupported => MLDsa.IsSupported ? null : $"this platform's OpenSSL ({LibCrypto.Version}) has no ML-DSA-65; needs 3.5";

    /// <exception cref="KeyUnsupportedException">The platform lacks it.</exception>
    public static void Need()
    {
        if (Unsupported is { } why)
            throw new KeyUnsupportedException(why);
    }
}

/// <summary>A key is right, and this platform cannot use it.</summary>
public sealed class KeyUnsupportedException(string message) : KeyException(message, "use a host whose OpenSSL is 3.5 or newer, such as Debian 13");

/// <summary>Can be held, named and written on every platform; checking a signature needs one that has the algorithm.</summary>
internal sealed class MlDsaPublicKey(ReadOnlyMemory<byte> raw) : PublicKey(KeyAlgorithm.MlDsa65, (byte[])[.. SpkiHead, .. Exactly(raw).Span])
{
    /// <summary>A SubjectPublicKeyInfo up to the 1952 bytes of the key.</summary>
    private static ReadOnlySpan<byte> SpkiHead =>
        [0x30, 0x82, 0x07, 0xb2, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12, 0x03, 0x82, 0x07, 0xa1, 0x00];

    private readonly Lock _lock = new();
    private MLDsa? _key;

    public override string? Unsupported => MlDsa65.Unsupported;

    internal override bool MayBe(ReadOnlySpan<byte> signature) => signature.Length == MlDsa65.SignatureBytes;

    /// <exception cref="KeyUnsupportedException">The platform lacks it.</exception>
    public override bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        MlDsa65.Need();
        if (!MayBe(signature))
            return false;
        // One at a time: the base library does not promise more of such a key.
        lock (_lock)
            return (_key ??= MLDsa.ImportMLDsaPublicKey(MLDsaAlgorithm.MLDsa65, raw.Span)).VerifyData(data, signature);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _key?.Dispose();
        base.Dispose(disposing);
    }

    private static ReadOnlyMemory<byte> Exactly(ReadOnlyMemory<byte> raw) =>
        raw.Length == MlDsa65.PublicBytes ? raw : throw new KeyException($"an ML-DSA-65 key of {raw.Length} bytes; wanted {MlDsa65.PublicBytes}");
}

internal sealed class MlDsaSigner(MLDsa key) : ISigner, IExportable
{
    private readonly Lock _lock = new();

    public PublicKey PublicKey { get; } = new MlDsaPublicKey(key.ExportMLDsaPublicKey());

    /// <exception cref="KeyUnsupportedException">The platform lacks it.</exception>
    public static MlDsaSigner Generate()
    {
        MlDsa65.Need();
        return new MlDsaSigner(MLDsa.GenerateKey(MLDsaAlgorithm.MLDsa65));
    }

    /// <summary>From a PrivateKeyInfo: the seed, the expanded key, or both. Source: RFC 9881, 6.</summary>
    /// <exception cref="KeyUnsupportedException">The platform lacks it.</exception>
    /// <exception cref="CryptographicException">It is none.</exception>
    public static MlDsaSigner Read(ReadOnlySpan<byte> pkcs8)
    {
        MlDsa65.Need();
        MLDsa key = MLDsa.ImportPkcs8PrivateKey(pkcs8);
        if (key.Algorithm == MLDsaAlgorithm.MLDsa65)
            return new MlDsaSigner(key);
        using (key)
            throw new CryptographicException($"{key.Algorithm.Name}");
    }

    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        byte[] signature = new byte[MlDsa65.SignatureBytes];
        lock (_lock)
            key.SignData(data, signature);
        return signature;
    }

    public byte[] ExportPkcs8() => key.ExportPkcs8PrivateKey();

    public void Dispose()
    {
        PublicKey.Dispose();
        key.Dispose();
    }
}
