using System.Security.Cryptography;
using System.Text;
using Plimsoll.Keys;

namespace Plimsoll.Tpm;

/// <summary>Secrets that only the TPM that holds a key can read, and the keys made from them. No TPM is needed here.</summary>
internal static class TpmSecrets
{
    /// <summary>KDFa. Source: TPM 2.0 Library, Part 1, 11.4.10.2, which is SP 800-108 in counter mode with HMAC.</summary>
    public static byte[] KdfA(TpmAlgorithm hash, ReadOnlySpan<byte> key, string label, ReadOnlySpan<byte> contextU, ReadOnlySpan<byte> contextV, int bits) =>
        SP800108HmacCounterKdf.DeriveBytes(key, hash.Name(), Encoding.ASCII.GetBytes(label), [.. contextU, .. contextV], bits / 8);

    /// <summary>Makes a seed or salt that the holder of <paramref name="key"/> can recover, and what to send for it.</summary>
    /// <param name="label">IDENTITY for credentials, SECRET for sessions.</param>
    /// <returns>The secret, as long as the key's name hash, and a TPM2B_ENCRYPTED_SECRET's content.</returns>
    /// <remarks>Source: TPM 2.0 Library, Part 1, B.10 (RSA, OAEP with the label and a zero byte) and C.6 (ECC, one-pass ECDH and KDFe).</remarks>
    public static (byte[] Secret, byte[] Encrypted) Share(TpmPublic key, string label)
    {
        if (key.Type == TpmAlgorithm.Rsa)
        {
            byte[] secret = RandomNumberGenerator.GetBytes(key.NameAlgorithm.Size());
            return (secret, LibCrypto.EncryptOaep(key.ToSpki(), key.NameAlgorithm.Word(), [.. Encoding.ASCII.GetBytes(label), 0], secret));
        }
        using ECDiffieHellman other = key.ToEcdh();
        using ECDiffieHellman own = ECDiffieHellman.Create(key.Curve);
        ECPoint point = own.ExportParameters(false).Q;
        byte[] z = KdfE(key, own, other, label, point.X!, key.X.Span);
        return (z, new TpmWriter().Sized(point.X).Sized(point.Y).ToArray());
    }

    /// <summary>KDFe for as many bits as its hash has, which is one round. Source: Part 1, 11.4.10.3.</summary>
    private static byte[] KdfE(TpmPublic key, ECDiffieHellman own, ECDiffieHellman other, string label, ReadOnlySpan<byte> partyU, ReadOnlySpan<byte> partyV)
    {
        byte[] append = [.. Encoding.ASCII.GetBytes(label), 0, .. TpmPublic.Padded(partyU, key.CoordinateBytes), .. TpmPublic.Padded(partyV, key.CoordinateBytes)];
        return own.DeriveKeyFromHash(other.PublicKey, key.NameAlgorithm.Name(), [0, 0, 0, 1], append);
    }

    /// <summary>Wraps a secret so that only a TPM with this endorsement key, and in it a key of this name, gives it back.</summary>
    /// <param name="secret">At most as long as the endorsement key's name hash.</param>
    /// <returns>The contents of a TPM2B_ID_OBJECT and a TPM2B_ENCRYPTED_SECRET.</returns>
    /// <remarks>Source: TPM 2.0 Library, Part 1, 24 "Credential Protection"; the same bytes as TPM2_MakeCredential.</remarks>
    public static (byte[] Credential, byte[] Encrypted) MakeCredential(TpmPublic endorsement, ReadOnlySpan<byte> name, ReadOnlySpan<byte> secret)
    {
        if (secret.Length > endorsement.NameAlgorithm.Size())
            throw new ArgumentException($"{secret.Length} bytes; at most {endorsement.NameAlgorithm.Size()}", nameof(secret));
        if (endorsement.SymmetricBits == 0)
            throw new TpmException(TpmError.Unsupported, "the endorsement key is no storage key");
        TpmAlgorithm hash = endorsement.NameAlgorithm;
        (byte[] seed, byte[] encrypted) = Share(endorsement, "IDENTITY");
        try
        {
            byte[] cipher = Cfb(KdfA(hash, seed, "STORAGE", name, [], endorsement.SymmetricBits), new byte[16], new TpmWriter().Sized(secret).Span, encrypt: true);
            byte[] mac = CryptographicOperations.HmacData(hash.Name(), KdfA(hash, seed, "INTEGRITY", [], [], hash.Size() * 8), (byte[])[.. cipher, .. name]);
            return (new TpmWriter().Sized(mac).Bytes(cipher).ToArray(), encrypted);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>AES in CFB mode with whole blocks fed back. The last block may be a part: what is over is cut off.</summary>
    public static byte[] Cfb(byte[] key, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> data, bool encrypt)
    {
        using Aes aes = Aes.Create();
        aes.Key = key;
        byte[] whole = new byte[(data.Length + 15) / 16 * 16];
        data.CopyTo(whole);
        byte[] done = encrypt ? aes.EncryptCfb(whole, iv, PaddingMode.None, feedbackSizeInBits: 128) : aes.DecryptCfb(whole, iv, PaddingMode.None, feedbackSizeInBits: 128);
        CryptographicOperations.ZeroMemory(whole);
        return done[..data.Length];
    }
}
