using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Plimsoll.Keys;

/// <summary>
/// Private keys behind a passphrase, as PKCS#8 has them: PBES2 with AES-CBC and a key from PBKDF2 or scrypt. What a file asks for is
/// bounded before any of it is done.
/// </summary>
/// <remarks>Source: RFC 5958, 3 (EncryptedPrivateKeyInfo); RFC 8018, A.2, A.4, B.2; RFC 7914, 7 for scrypt.</remarks>
internal static class Pbes2
{
    private const string Pbes2Oid = "1.2.840.113549.1.5.13", Pbkdf2Oid = "1.2.840.113549.1.5.12", ScryptOid = "1.3.6.1.4.1.11591.4.11";
    private const string HmacSha1 = "1.2.840.113549.2.7", HmacSha256 = "1.2.840.113549.2.9", HmacSha384 = "1.2.840.113549.2.10", HmacSha512 = "1.2.840.113549.2.11";
    private const string Aes128 = "2.16.840.1.101.3.4.1.2", Aes192 = "2.16.840.1.101.3.4.1.22", Aes256 = "2.16.840.1.101.3.4.1.42";
    private const int SaltBytes = 16, BlockBytes = 16, KeyBytes = 32;

    /// <summary>EncryptedPrivateKeyInfo, DER: AES-256-CBC, PBKDF2 with HMAC-SHA-256.</summary>
    public static byte[] Encrypt(ReadOnlySpan<byte> pkcs8, string passphrase, int iterations)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes), iv = RandomNumberGenerator.GetBytes(BlockBytes), secret = Encoding.UTF8.GetBytes(passphrase);
        byte[] key = Rfc2898DeriveBytes.Pbkdf2(secret, salt, iterations, HashAlgorithmName.SHA256, KeyBytes);
        try
        {
            using Aes aes = Aes.Create();
            aes.Key = key;
            byte[] ciphertext = aes.EncryptCbc(pkcs8, iv);
            AsnWriter der = new(AsnEncodingRules.DER);
            using (der.PushSequence())
            {
                using (der.PushSequence())
                {
                    der.WriteObjectIdentifier(Pbes2Oid);
                    using (der.PushSequence())
                    {
                        using (der.PushSequence())
                        {
                            der.WriteObjectIdentifier(Pbkdf2Oid);
                            using (der.PushSequence())
                            {
                                der.WriteOctetString(salt);
                                der.WriteInteger(iterations);
                                using (der.PushSequence())
                                {
                                    der.WriteObjectIdentifier(HmacSha256);
                                    der.WriteNull();
                                }
                            }
                        }
                        using (der.PushSequence())
                        {
                            der.WriteObjectIdentifier(Aes256);
                            der.WriteOctetString(iv);
                        }
                    }
                }
                der.WriteOctetString(ciphertext);
            }
            return der.Encode();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>The PrivateKeyInfo; the caller overwrites it.</summary>
    /// <param name="passphrase">Asked only when the file's parameters are ones that are used here.</param>
    /// <exception cref="KeyException">Not in that form, over a limit, no passphrase, or not the right one.</exception>
    public static byte[] Decrypt(ReadOnlyMemory<byte> der, Func<string?>? passphrase, string name)
    {
        try
        {
            AsnReader outer = new(der, AsnEncodingRules.BER);
            AsnReader info = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            AsnReader scheme = info.ReadSequence();
            byte[] ciphertext = info.ReadOctetString();
            info.ThrowIfNotEmpty();
            if (scheme.ReadObjectIdentifier() is var oid && oid != Pbes2Oid)
                throw new KeyException($"{name} is encrypted by scheme {oid}, which is not used here; wanted PBES2", "rewrite it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD.pem -out NEW.pem");
            AsnReader parameters = scheme.ReadSequence();
            Derivation derivation = Derivation.Read(parameters.ReadSequence(), name);
            AsnReader cipher = parameters.ReadSequence();
            int keyBytes = cipher.ReadObjectIdentifier() switch
            {
                Aes128 => 16,
                Aes192 => 24,
                Aes256 => 32,
                var other => throw new KeyException($"{name} is encrypted by cipher {other}, which is not used here; wanted AES-CBC", "rewrite it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD.pem -out NEW.pem"),
            };
            byte[] iv = cipher.ReadOctetString();
            if (iv.Length != BlockBytes || ciphertext.Length == 0 || ciphertext.Length % BlockBytes != 0 || (derivation.KeyBytes ?? keyBytes) != keyBytes)
                throw new KeyException($"{name} is no encrypted private key: its lengths do not fit AES-CBC");
            derivation.Check(name);
            byte[] secret = Encoding.UTF8.GetBytes(passphrase?.Invoke() ?? throw new KeyException($"{name} is behind a passphrase, and none was given"));
            byte[] key = new byte[keyBytes];
            try
            {
                derivation.Derive(secret, key, name);
                using Aes aes = Aes.Create();
                aes.Key = key;
                return aes.DecryptCbc(ciphertext, iv);
            }
            catch (CryptographicException e)
            {
                throw WrongPassphrase(name, e);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(key);
                CryptographicOperations.ZeroMemory(secret);
            }
        }
        catch (AsnContentException e)
        {
            throw new KeyException($"{name} is no encrypted private key", inner: e);
        }
    }

    /// <summary>The form has no check of its own: a wrong passphrase shows in bytes that are no key.</summary>
    public static KeyException WrongPassphrase(string name, Exception? inner = null) => new($"{name}: the passphrase is not right, or the file is damaged", inner: inner);

    /// <param name="R">0 for PBKDF2.</param>
    private sealed record Derivation(byte[] Salt, BigInteger Cost, BigInteger R, BigInteger P, HashAlgorithmName Hash, BigInteger? KeyBytes)
    {
        public static Derivation Read(AsnReader reader, string name)
        {
            string oid = reader.ReadObjectIdentifier();
            if (oid is not (Pbkdf2Oid or ScryptOid))
                throw new KeyException($"{name} derives its key by {oid}, which is not used here; wanted PBKDF2 or scrypt");
            AsnReader values = reader.ReadSequence();
            byte[] salt = values.ReadOctetString();
            BigInteger cost = values.ReadInteger(), r = 0, p = 0;
            if (oid == ScryptOid)
                (r, p) = (values.ReadInteger(), values.ReadInteger());
            BigInteger? keyBytes = values.HasData && values.PeekTag().HasSameClassAndValue(Asn1Tag.Integer) ? values.ReadInteger() : null;
            HashAlgorithmName hash = HashAlgorithmName.SHA1;
            if (oid == Pbkdf2Oid && values.HasData)
                hash = values.ReadSequence().ReadObjectIdentifier() switch
                {
                    HmacSha1 => HashAlgorithmName.SHA1,
                    HmacSha256 => HashAlgorithmName.SHA256,
                    HmacSha384 => HashAlgorithmName.SHA384,
                    HmacSha512 => HashAlgorithmName.SHA512,
                    var other => throw new KeyException($"{name} derives its key with function {other}, which is not used here; wanted HMAC with SHA-1 or SHA-2"),
                };
            values.ThrowIfNotEmpty();
            return new Derivation(salt, cost, r, p, hash, keyBytes);
        }

        /// <summary>Before anybody is asked for a passphrase.</summary>
        public void Check(string name)
        {
            if (Salt.Length > Scrypt.MaxSaltBytes)
                throw new KeyException($"{name}: a salt of {Salt.Length} bytes; wanted at most {Scrypt.MaxSaltBytes} (MaxSaltBytes)");
            if (R.IsZero && (Cost < 1 || Cost > KeyFile.MaxIterations))
                throw new KeyException($"{name}: PBKDF2 with {(Cost.GetBitLength() > 64 ? "a number" : Cost)} of iterations; wanted 1 to {KeyFile.MaxIterations} (MaxIterations)");
            if (!R.IsZero && (Cost.GetBitLength() > 62 || R.GetBitLength() > 62 || P.GetBitLength() > 62))
                throw new KeyException($"{name}: scrypt needs more than {Scrypt.MaxMemoryBytes} bytes (MaxMemoryBytes)");
        }

        public void Derive(ReadOnlySpan<byte> secret, Span<byte> key, string name)
        {
            if (R.IsZero)
                Rfc2898DeriveBytes.Pbkdf2(secret, Salt, key, (int)Cost, Hash);
            else
                Scrypt.Derive(secret, Salt, (long)Cost, (long)R, (long)P, key, name);
        }
    }
}
