using System.Security.Cryptography;

namespace Plimsoll.Keys;

/// <summary>Reads and makes keys in the forms that files hold.</summary>
public static class KeyFile
{
    /// <summary>A new key that is nowhere but in memory.</summary>
    public static ISigner Generate(KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.EcdsaP256 => new EcSigner(ECDsa.Create(ECCurve.NamedCurves.nistP256)),
        KeyAlgorithm.EcdsaP384 => new EcSigner(ECDsa.Create(ECCurve.NamedCurves.nistP384)),
        KeyAlgorithm.Rsa => new RsaSigner(RSA.Create(3072)),
        _ => throw new KeyException($"{algorithm} keys are not made here"),
    };

    /// <summary>A public key from <c>PUBLIC KEY</c> PEM.</summary>
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="KeyException">No such key, or of a kind or length that is not used here.</exception>
    public static PublicKey ReadPublic(string pem, string name)
    {
        if (!PemEncoding.TryFind(pem, out PemFields fields))
            throw new KeyException($"{name} is no PEM file");
        if (pem[fields.Label] != "PUBLIC KEY")
            throw new KeyException($"{name} holds {Texts.Escape.Quote(pem[fields.Label])}; wanted PUBLIC KEY");
        byte[] spki = new byte[fields.DecodedDataLength];
        if (!Convert.TryFromBase64String(pem[fields.Base64Data], spki, out int written))
            throw new KeyException($"{name} is no PEM file");
        return ReadSpki(spki.AsMemory(0, written), name);
    }

    /// <summary>A public key from its SubjectPublicKeyInfo, DER.</summary>
    /// <exception cref="KeyException">As <see cref="ReadPublic"/>.</exception>
    public static PublicKey ReadSpki(ReadOnlyMemory<byte> spki, string name)
    {
        if (Import(ECDsa.Create(), spki) is { } ec)
            return new EcPublicKey(ec);
        if (Import(RSA.Create(), spki) is { } rsa)
            return new RsaPublicKey(rsa);
        throw new KeyException($"{name} is no public key of a kind that is used here: P-256, P-384, Ed25519, or RSA from {PublicKey.MinRsaBits} bits");
    }

    private static T? Import<T>(T key, ReadOnlyMemory<byte> spki) where T : AsymmetricAlgorithm
    {
        try
        {
            key.ImportSubjectPublicKeyInfo(spki.Span, out int read);
            if (read == spki.Length)
                return key;
        }
        catch (CryptographicException)
        {
            // Another kind of key.
        }
        key.Dispose();
        return null;
    }
}
