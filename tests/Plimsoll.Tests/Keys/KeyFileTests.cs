using System.Formats.Asn1;
using System.Security.Cryptography;
using Plimsoll.Keys;

namespace Plimsoll.Tests.Keys;

public sealed class KeyFileTests
{
    [Theory]
    [InlineData("1.2.840.10045.3.1.7", KeyAlgorithm.EcdsaP256)]
    [InlineData("1.3.132.0.34", KeyAlgorithm.EcdsaP384)]
    public void ReadSpki_EcKeyInTheCommonForm_IsTheKeyThatTheBaseLibraryReads(string curve, KeyAlgorithm algorithm)
    {
        using ECDsa made = ECDsa.Create(ECCurve.CreateFromValue(curve));
        byte[] spki = made.ExportSubjectPublicKeyInfo(), data = [1, 2, 3], signature = made.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

        using PublicKey key = KeyFile.ReadSpki(spki, "k");

        Assert.Equal(algorithm, key.Algorithm);
        Assert.Equal(spki, key.Spki.ToArray());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(spki)), key.Id);
        Assert.True(key.Verify(data, signature));
        Assert.False(key.Verify([1, 2, 4], signature));
    }

    [Theory]
    [InlineData("1.2.840.10045.3.1.7")]
    [InlineData("1.3.132.0.34")]
    public void ReadSpki_PointThatIsNotOnTheCurve_IsRefused(string curve)
    {
        using ECDsa made = ECDsa.Create(ECCurve.CreateFromValue(curve));
        byte[] spki = made.ExportSubjectPublicKeyInfo();
        spki[^1] ^= 1;
        byte[] zero = [.. spki];
        zero.AsSpan(zero.Length - (curve == "1.3.132.0.34" ? 96 : 64)).Clear();

        Assert.Throws<KeyException>(() => KeyFile.ReadSpki(spki, "k"));
        Assert.Throws<KeyException>(() => KeyFile.ReadSpki(zero, "k"));
        Assert.Throws<KeyException>(() => KeyFile.ReadSpki(spki.AsMemory(0, spki.Length - 1), "k"));
    }

    private static readonly byte[] Data = "what is signed"u8.ToArray();

    public static TheoryData<KeyAlgorithm> Algorithms => [.. KeyAlgorithms.All.Where(a => a.UnsupportedHere() is null)];

    private static string Pem(string label, byte[] der) => PemEncoding.WriteString(label, der);

    private static KeyException Refused(string pem, Func<string?>? passphrase = null) => Assert.Throws<KeyException>(() => KeyFile.ReadPrivate(pem, "k.pem", passphrase));

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Sign_OfEachAlgorithm_IsVerifiedByThisKeyOverTheseBytesOnly(KeyAlgorithm algorithm)
    {
        using ISigner signer = KeyFile.Generate(algorithm), other = KeyFile.Generate(algorithm);
        using PublicKey key = KeyFile.ReadPublic(signer.PublicKey.ToPem(), "k");
        byte[] signature = signer.Sign(Data), changed = [.. signature];
        changed[^1] ^= 1;

        Assert.Equal((algorithm, signer.PublicKey.Id), (key.Algorithm, key.Id));
        Assert.True(key.Verify(Data, signature));
        Assert.True(key.Verify([], signer.Sign([])));
        Assert.False(other.PublicKey.Verify(Data, signature));
        Assert.False(key.Verify(Data.AsSpan(1), signature));
        Assert.False(key.Verify(Data, changed));
        Assert.False(key.Verify(Data, signature.AsSpan(..^1)));
        Assert.False(key.Verify(Data, [.. signature, 0]));
        Assert.False(key.Verify(Data, []));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void WritePrivate_ReadWithItsPassphrase_IsTheSameKeyAndWithAnotherRefused(KeyAlgorithm algorithm)
    {
        using ISigner signer = KeyFile.Generate(algorithm);
        string pem = KeyFile.WritePrivate(signer, "geheim ü");

        using ISigner read = KeyFile.ReadPrivate(pem, "k", () => "geheim ü");

        Assert.Equal(signer.PublicKey.Id, read.PublicKey.Id);
        Assert.True(signer.PublicKey.Verify(Data, read.Sign(Data)));
        Assert.StartsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", pem, StringComparison.Ordinal);
        Assert.True(KeyFile.IsEncrypted(pem));
        Assert.Contains("the passphrase is not right", Refused(pem, () => "geheim").Message, StringComparison.Ordinal);
        Assert.Contains("none was given", Refused(pem).Message, StringComparison.Ordinal);
        Assert.Contains("none was given", Refused(pem, () => null).Message, StringComparison.Ordinal);
        Assert.Throws<KeyException>(() => KeyFile.WritePrivate(signer, ""));
    }

    /// <summary>What .NET reads was written by the rules; it knows no Ed25519.</summary>
    [Fact]
    public void WritePrivate_WhatItWrites_IsAes256WithSixHundredThousandRounds()
    {
        using ISigner signer = KeyFile.Generate(KeyAlgorithm.EcdsaP384);
        string pem = KeyFile.WritePrivate(signer, "secret");
        using ECDsa read = ECDsa.Create();
        read.ImportFromEncryptedPem(pem, "secret");

        Assert.True(signer.PublicKey.Verify(Data, read.SignData(Data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)));
        byte[] der = Convert.FromBase64String(string.Concat(pem.Split('\n').Where(l => !l.StartsWith('-'))));
        AsnReader scheme = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        scheme.ReadObjectIdentifier();
        AsnReader parameters = scheme.ReadSequence(), derivation = parameters.ReadSequence();
        derivation.ReadObjectIdentifier();
        AsnReader values = derivation.ReadSequence();
        Assert.Equal(16, values.ReadOctetString().Length);
        Assert.Equal(600_000, values.ReadInteger());
        Assert.Equal("1.2.840.113549.2.9", values.ReadSequence().ReadObjectIdentifier());
        Assert.Equal("2.16.840.1.101.3.4.1.42", parameters.ReadSequence().ReadObjectIdentifier());
    }

    [Theory]
    [InlineData("P-256")]
    [InlineData("P-384")]
    [InlineData("RSA")]
    public void ReadPrivate_FormsOfOtherTools_AreTheSameKey(string kind)
    {
        using AsymmetricAlgorithm pair = kind switch
        {
            "P-256" => ECDsa.Create(ECCurve.NamedCurves.nistP256),
            "P-384" => ECDsa.Create(ECCurve.NamedCurves.nistP384),
            _ => RSA.Create(2048),
        };
        string id = Convert.ToHexStringLower(SHA256.HashData(pair.ExportSubjectPublicKeyInfo()));
        List<string> forms =
        [
            pair.ExportPkcs8PrivateKeyPem(),
            pair is ECDsa ec ? "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + ec.ExportECPrivateKeyPem() : ((RSA)pair).ExportRSAPrivateKeyPem(),
        ];
        foreach (PbeEncryptionAlgorithm cipher in (PbeEncryptionAlgorithm[])[PbeEncryptionAlgorithm.Aes128Cbc, PbeEncryptionAlgorithm.Aes192Cbc, PbeEncryptionAlgorithm.Aes256Cbc])
            foreach (HashAlgorithmName hash in (HashAlgorithmName[])[HashAlgorithmName.SHA1, HashAlgorithmName.SHA256, HashAlgorithmName.SHA384, HashAlgorithmName.SHA512])
                forms.Add(pair.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(cipher, hash, 1000)));

        foreach (string form in forms)
        {
            using ISigner signer = KeyFile.ReadPrivate("made by hand\n" + form + "\n", "k", () => "secret");
            Assert.Equal(id, signer.PublicKey.Id);
        }
    }

    /// <summary>RFC 8410, 10.3: the seed and the public key that belongs to it.</summary>
    [Fact]
    public void ReadPrivate_Ed25519OfTheStandard_HasItsPublicKey()
    {
        using ISigner signer = KeyFile.ReadPrivate("""
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
            -----END PRIVATE KEY-----
            """, "k", null);

        Assert.Equal("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n", signer.PublicKey.ToPem());
    }

    /// <summary>RFC 8032, 7.1, test 2.</summary>
    [Fact]
    public void Sign_Ed25519OfTheStandard_HasItsBytes()
    {
        byte[] seed = Convert.FromHexString("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        using ISigner signer = KeyFile.ReadPkcs8((byte[])[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20, .. seed], "k");

        Assert.Equal("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            Convert.ToHexStringLower(signer.Sign([0x72])));
    }

    [Fact]
    public void Verify_P384WithEitherHash_IsVerifiedAndSignedWithCosigns()
    {
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP384), p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using ISigner signer = KeyFile.ReadPkcs8(pair.ExportPkcs8PrivateKey(), "k"), small = KeyFile.ReadPkcs8(p256.ExportPkcs8PrivateKey(), "k");

        Assert.True(signer.PublicKey.Verify(Data, pair.SignData(Data, HashAlgorithmName.SHA384, DSASignatureFormat.Rfc3279DerSequence)));
        Assert.True(pair.VerifyData(Data, signer.Sign(Data), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        Assert.False(signer.PublicKey.Verify(Data, pair.SignData(Data, HashAlgorithmName.SHA512, DSASignatureFormat.Rfc3279DerSequence)));
        Assert.False(small.PublicKey.Verify(Data, p256.SignData(Data, HashAlgorithmName.SHA384, DSASignatureFormat.Rfc3279DerSequence)));
    }

    [Fact]
    public void Read_KeyThatIsNotUsed_SaysWhy()
    {
        using RSA small = RSA.Create(1024);
        using ECDsa large = ECDsa.Create(ECCurve.NamedCurves.nistP521), usual = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string public1024 = small.ExportSubjectPublicKeyInfoPem(), pem = usual.ExportPkcs8PrivateKeyPem();

        Assert.Contains("1024 bits; wanted 2048 to 16384", Refused(small.ExportPkcs8PrivateKeyPem()).Message, StringComparison.Ordinal);
        Assert.Contains("1024 bits; wanted 2048 to 16384", Assert.Throws<KeyException>(() => KeyFile.ReadPublic(public1024, "k")).Message, StringComparison.Ordinal);
        Assert.Contains("curve 1.3.132.0.35; wanted P-256 or P-384", Refused(large.ExportPkcs8PrivateKeyPem()).Message, StringComparison.Ordinal);
        Assert.Contains("wanted P-256 or P-384", Refused(large.ExportECPrivateKeyPem()).Message, StringComparison.Ordinal);
        Assert.Contains("wanted P-256 or P-384", Assert.Throws<KeyException>(() => KeyFile.ReadPublic(large.ExportSubjectPublicKeyInfoPem(), "k")).Message, StringComparison.Ordinal);
        Assert.Contains("is no PEM file", Refused("no key").Message, StringComparison.Ordinal);
        Assert.Contains("more than one key", Refused(pem + "\n" + pem).Message, StringComparison.Ordinal);
        Assert.Contains("is a public key", Refused(usual.ExportSubjectPublicKeyInfoPem()).Message, StringComparison.Ordinal);
        Assert.Contains("is a private key", Assert.Throws<KeyException>(() => KeyFile.ReadPublic(pem, "k")).Message, StringComparison.Ordinal);
        Assert.Contains("holds \"CERTIFICATE\"", Assert.Throws<KeyException>(() => KeyFile.ReadPublic(Pem("CERTIFICATE", [1, 2]), "k")).Message, StringComparison.Ordinal);
        Assert.Contains("before PKCS#8", Refused("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n").Message, StringComparison.Ordinal);
        Assert.Contains("is encrypted by scheme 1.2.840.113549.1.12.1.3", Refused(usual.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.TripleDes3KeyPkcs12, HashAlgorithmName.SHA1, 10)), () => "secret").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadPrivate_HalvesOfTwoKeys_IsRefused()
    {
        using ECDsa one = ECDsa.Create(ECCurve.NamedCurves.nistP256), other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] der = one.ExportPkcs8PrivateKey(), foreign = other.ExportSubjectPublicKeyInfo();
        // The point is the last 64 bytes of both forms.
        foreign.AsSpan(^64..).CopyTo(der.AsSpan(^64..));

        Refused(Pem("PRIVATE KEY", der));
    }

    [Fact]
    public void ReadPublic_ManyKeys_AreReadToTheLimitAndNotAsOne()
    {
        using ISigner signer = KeyFile.Generate(KeyAlgorithm.Ed25519);
        string many = string.Concat(Enumerable.Repeat(signer.PublicKey.ToPem(), KeyFile.MaxKeys));

        Assert.Equal(KeyFile.MaxKeys, KeyFile.ReadPublicKeys(many, "k").Count);
        Assert.Contains("MaxKeys", Assert.Throws<KeyException>(() => KeyFile.ReadPublicKeys(many + signer.PublicKey.ToPem(), "k")).Message, StringComparison.Ordinal);
        Assert.Contains("64 public keys; wanted one", Assert.Throws<KeyException>(() => KeyFile.ReadPublic(many, "k")).Message, StringComparison.Ordinal);
        Assert.Contains("MaxPemBytes", Assert.Throws<KeyException>(() => KeyFile.ReadPublic(new string('-', PublicKey.MaxPemBytes + 1), "k")).Message, StringComparison.Ordinal);
    }

    /// <summary>A file must not make its reader work for hours, nor ask a person for a passphrase first.</summary>
    [Theory]
    [InlineData(false, 10_000_001, 0, 0, "MaxIterations")]
    [InlineData(false, 0, 0, 0, "MaxIterations")]
    [InlineData(true, 1L << 40, 8, 1, "MaxMemoryBytes")]
    [InlineData(true, 1 << 18, 16, 1, "MaxMemoryBytes")]
    [InlineData(true, 1 << 18, 8, 5, "MaxWorkBytes")]
    [InlineData(true, 3, 8, 1, "does not exist")]
    [InlineData(true, 16, 8, 0, "does not exist")]
    public void ReadPrivate_CostOverTheLimit_IsRefusedByName(bool scrypt, long cost, int r, int p, string named)
    {
        DateTimeOffset before = TimeProvider.System.GetUtcNow();
        Assert.Contains(named, Refused(Pem("ENCRYPTED PRIVATE KEY", Encrypted(scrypt, cost, r, p, [1, 2, 3, 4, 5, 6, 7, 8], new byte[64])), () => "secret").Message, StringComparison.Ordinal);
        Assert.True(TimeProvider.System.GetUtcNow() - before < TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void ReadPrivate_SaltOverTheLimit_IsRefusedByName() =>
        Assert.Contains("MaxSaltBytes", Refused(Pem("ENCRYPTED PRIVATE KEY", Encrypted(true, 16, 8, 1, new byte[Scrypt.MaxSaltBytes + 1], new byte[64])), () => "secret").Message, StringComparison.Ordinal);

    /// <summary>RFC 7914, 12, and a key that OpenSSL's parameters fit.</summary>
    [Fact]
    public void Scrypt_OfTheStandard_HasItsBytes()
    {
        byte[] key = new byte[64];
        Scrypt.Derive("pleaseletmein"u8, "SodiumChloride"u8, 16384, 8, 1, key, "k");

        Assert.StartsWith("7023bdcb3afd7348461c06cd81fd38eb", Convert.ToHexStringLower(key), StringComparison.Ordinal);
    }

    [Fact]
    public void ReadPrivate_ScryptFile_IsRead()
    {
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] salt = [1, 2, 3, 4, 5, 6, 7, 8], key = new byte[32];
        Scrypt.Derive("secret"u8, salt, 1024, 8, 1, key, "k");
        using Aes aes = Aes.Create();
        aes.Key = key;
        string pem = Pem("ENCRYPTED PRIVATE KEY", Encrypted(true, 1024, 8, 1, salt, aes.EncryptCbc(pair.ExportPkcs8PrivateKey(), new byte[16])));

        using ISigner signer = KeyFile.ReadPrivate(pem, "k", () => "secret");

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(pair.ExportSubjectPublicKeyInfo())), signer.PublicKey.Id);
    }

    private static byte[] Encrypted(bool scrypt, long cost, int r, int p, byte[] salt, byte[] ciphertext)
    {
        AsnWriter der = new(AsnEncodingRules.DER);
        using (der.PushSequence())
        {
            using (der.PushSequence())
            {
                der.WriteObjectIdentifier("1.2.840.113549.1.5.13");
                using (der.PushSequence())
                {
                    using (der.PushSequence())
                    {
                        der.WriteObjectIdentifier(scrypt ? "1.3.6.1.4.1.11591.4.11" : "1.2.840.113549.1.5.12");
                        using (der.PushSequence())
                        {
                            der.WriteOctetString(salt);
                            der.WriteInteger(cost);
                            if (scrypt)
                            {
                                der.WriteInteger(r);
                                der.WriteInteger(p);
                            }
                        }
                    }
                    using (der.PushSequence())
                    {
                        der.WriteObjectIdentifier("2.16.840.1.101.3.4.1.42");
                        der.WriteOctetString(new byte[16]);
                    }
                }
            }
            der.WriteOctetString(ciphertext);
        }
        return der.Encode();
    }
}
