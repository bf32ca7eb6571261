using System.Formats.Asn1;
using System.Security.Cryptography;
using Plimsoll.Texts;

namespace Plimsoll.Keys;

/// <summary>Reads, writes and makes keys in the forms that files hold. Source: docs/formats/keys.md.</summary>
public static class KeyFile
{
    /// <summary>Of PBKDF2 in what is written: what OWASP's password storage sheet asks of HMAC-SHA-256 (2023).</summary>
    public const int Iterations = 600_000;

    /// <summary>Of PBKDF2 in what is read: some three seconds.</summary>
    public const int MaxIterations = 10_000_000;

    /// <summary>Keys in one file of public keys: the versions of a key.</summary>
    public const int MaxKeys = 64;

    private const string EcOid = "1.2.840.10045.2.1", RsaOid = "1.2.840.113549.1.1.1", Ed25519Oid = "1.3.101.112";
    private const string Kinds = "P-256, P-384, Ed25519, or RSA from 2048 bits, alone or with ML-DSA-65";

    /// <summary>What is signed once to see that the two halves of a key from a file belong together.</summary>
    private static ReadOnlySpan<byte> Probe => "plimsoll: do these halves belong together?"u8;

    /// <summary>A new key that is nowhere but in memory; RSA has 3072 bits.</summary>
    /// <exception cref="KeyUnsupportedException">A hybrid one, and this platform lacks its algorithm.</exception>
    public static ISigner Generate(KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.EcdsaP256 => new EcSigner(ECDsa.Create(ECCurve.NamedCurves.nistP256)),
        KeyAlgorithm.EcdsaP384 => new EcSigner(ECDsa.Create(ECCurve.NamedCurves.nistP384)),
        KeyAlgorithm.Ed25519 => Ed25519Signer.Generate(),
        KeyAlgorithm.Rsa => new RsaSigner(RSA.Create(3072)),
        _ when algorithm.Classical() is { } classical => Join(MlDsaSigner.Generate(), () => Generate(classical)),
        _ => throw new KeyException($"{algorithm} keys are not made here"),
    };

    /// <summary>The one public key of a <c>PUBLIC KEY</c> PEM file; a hybrid one has two blocks.</summary>
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="KeyException">No such key, more than one, or of a kind or length that is not used here.</exception>
    public static PublicKey ReadPublic(string pem, string name)
    {
        IReadOnlyList<PublicKey> keys = ReadPublicKeys(pem, name);
        if (keys.Count == 1)
            return keys[0];
        foreach (PublicKey key in keys)
            key.Dispose();
        throw new KeyException($"{name} holds {keys.Count} public keys; wanted one");
    }

    /// <summary>Every public key of a PEM file, in its order; at least one. An ML-DSA-65 block makes one hybrid key with the classical one before it.</summary>
    /// <exception cref="KeyException">
    /// As <see cref="ReadPublic"/>, or more than <see cref="MaxKeys"/>, or the classical part of a hybrid key by itself beside it: that one would do for both.
    /// </exception>
    public static IReadOnlyList<PublicKey> ReadPublicKeys(string pem, string name)
    {
        List<PublicKey> keys = [];
        try
        {
            foreach ((string label, byte[] der) in PemBlocks.Of(pem, name))
                if (label != "PUBLIC KEY")
                    throw label.EndsWith("PRIVATE KEY", StringComparison.Ordinal)
                        ? new KeyException($"{name} is a private key; the public one is wanted", $"make it: openssl pkey -in {name} -pubout")
                        : new KeyException($"{name} holds {Escape.Quote(label)}; wanted PUBLIC KEY");
                else
                {
                    PublicKey key = ReadPart(der, name);
                    if (key.Algorithm == KeyAlgorithm.MlDsa65)
                        keys[^1] = keys.Count > 0 && keys[^1].Parts.Count == 1 ? new HybridPublicKey(keys[^1], key) : throw Alone(name);
                    else if (keys.Count < MaxKeys)
                        keys.Add(key);
                    else
                        using (key)
                            throw new KeyException($"{name} holds more than {MaxKeys} keys (MaxKeys)");
                }
            HashSet<string> parts = [.. keys.Where(k => k.Parts.Count > 1).SelectMany(k => k.Parts).Select(p => p.Id)];
            return keys.TrueForAll(k => !parts.Contains(k.Id)) ? keys
                : throw new KeyException($"{name} holds the classical part of a hybrid key by itself as well; that one would do for both", "take it out: whoever trusts a hybrid key asks for both of its parts");
        }
        catch (KeyException)
        {
            foreach (PublicKey key in keys)
                key.Dispose();
            throw;
        }
    }

    /// <summary>A public key from its SubjectPublicKeyInfo, DER; a hybrid one from both, as <see cref="PublicKey.Spki"/> has them.</summary>
    /// <exception cref="KeyException">As <see cref="ReadPublic"/>.</exception>
    public static PublicKey ReadSpki(ReadOnlyMemory<byte> spki, string name)
    {
        (ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second) = Halves(spki, AsnEncodingRules.DER, name, "public");
        PublicKey key = ReadPart(first, name);
        try
        {
            return key.Algorithm == KeyAlgorithm.MlDsa65 ? throw Alone(name) : second.IsEmpty ? key
                : ReadPart(second, name) is { Algorithm: KeyAlgorithm.MlDsa65 } other ? new HybridPublicKey(key, other) : throw new KeyException($"{name} holds more than one key");
        }
        catch (KeyException)
        {
            key.Dispose();
            throw;
        }
    }

    private static KeyException Alone(string name) => new($"{name}: an {KeyAlgorithm.MlDsa65.Word()} key is not used by itself", "a hybrid key has it behind its classical key");

    /// <summary>The one or two values that a key consists of; the second is empty where there is one.</summary>
    private static (ReadOnlyMemory<byte> First, ReadOnlyMemory<byte> Second) Halves(ReadOnlyMemory<byte> der, AsnEncodingRules rules, string name, string kind)
    {
        try
        {
            AsnReader reader = new(der, rules);
            ReadOnlyMemory<byte> first = reader.ReadEncodedValue(), second = reader.HasData ? reader.ReadEncodedValue() : default;
            reader.ThrowIfNotEmpty();
            return (first, second);
        }
        catch (AsnContentException e)
        {
            throw new KeyException($"{name} is no {kind} key of a kind that is used here: {Kinds}", inner: e);
        }
    }

    private static PublicKey ReadPart(ReadOnlyMemory<byte> spki, string name)
    {
        try
        {
            if (EcPublicKey.TryRead(spki.Span) is { } common)
                return common;
            AsnReader outer = new(spki, AsnEncodingRules.DER);
            AsnReader info = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            (string oid, string? curve) = ReadAlgorithm(info.ReadSequence());
            byte[] bits = info.ReadBitString(out int unused);
            info.ThrowIfNotEmpty();
            switch (oid)
            {
                case EcOid when curve is EcPublicKey.P256 or EcPublicKey.P384:
                    return Own(ECDsa.Create(), key => key.ImportSubjectPublicKeyInfo(spki.Span, out _), key => new EcPublicKey(key));
                case EcOid:
                    throw new KeyException($"{name} is on curve {curve ?? "of its own"}; wanted P-256 or P-384");
                case RsaOid:
                    return Own(RSA.Create(), key => key.ImportSubjectPublicKeyInfo(spki.Span, out _), key => new RsaPublicKey(key));
                case Ed25519Oid when unused == 0 && bits.Length == Ed25519PublicKey.RawBytes:
                    return new Ed25519PublicKey(bits);
                // Its parameters are absent, and the length leaves no room for anything else. Source: RFC 9881, 2.
                case MlDsa65.Oid when unused == 0 && bits.Length == MlDsa65.PublicBytes && new MlDsaPublicKey(bits) is var second:
                    return second.Spki.Span.SequenceEqual(spki.Span) ? second : throw new AsnContentException("parameters of ML-DSA-65");
                default:
                    throw new KeyException($"{name} is no public key of a kind that is used here: {Kinds}");
            }
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            throw new KeyException($"{name} is no public key of a kind that is used here: {Kinds}", inner: e);
        }
    }

    /// <summary>Whether a PEM file asks for a passphrase when it is read.</summary>
    public static bool IsEncrypted(string pem) => pem.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal);

    /// <summary>
    /// The one private key of a PEM file: PKCS#8 (<c>PRIVATE KEY</c>), the same behind a passphrase (<c>ENCRYPTED PRIVATE KEY</c>, PBES2),
    /// SEC 1 (<c>EC PRIVATE KEY</c>) or PKCS#1 (<c>RSA PRIVATE KEY</c>). A hybrid key has a second block, PKCS#8 of ML-DSA-65.
    /// </summary>
    /// <param name="passphrase">Called at most once, only for a file that needs it; null answers that there is none.</param>
    /// <exception cref="KeyException">No such key, over a limit, the wrong passphrase, or of a kind or length that is not used here.</exception>
    public static ISigner ReadPrivate(string pem, string name, Func<string?>? passphrase)
    {
        List<(string Label, byte[] Der)> found = [];
        try
        {
            foreach ((string label, byte[] der) in PemBlocks.Of(pem, name))
            {
                // openssl ecparam writes the curve before the key; a public half may stand beside it.
                if (label is "EC PARAMETERS" or "PUBLIC KEY")
                    continue;
                found.Add((label, der));
                if (found.Count > 2)
                    throw new KeyException($"{name} holds more than one key");
            }
            if (found.Count == 0)
                throw new KeyException($"{name} is a public key; the private one is wanted");
            // Both halves are behind the same passphrase, which is asked for once.
            Lazy<string?> asked = new(() => passphrase?.Invoke());
            ISigner first = ReadBlock(found[0], name, passphrase is null ? null : () => asked.Value);
            return first.PublicKey.Algorithm == KeyAlgorithm.MlDsa65 ? throw Disposing(first, Alone(name)) : found.Count == 1 ? first
                : Join(first, () => ReadBlock(found[1], name, passphrase is null ? null : () => asked.Value), name);
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            throw new KeyException($"{name} is no private key of a kind that is used here: {Kinds}", inner: e);
        }
        finally
        {
            foreach ((_, byte[] der) in found)
                CryptographicOperations.ZeroMemory(der);
        }
    }

    private static ISigner ReadBlock((string Label, byte[] Der) block, string name, Func<string?>? passphrase)
    {
        switch (block.Label)
        {
            case "PRIVATE KEY":
                return ReadOne(block.Der, name);
            case "ENCRYPTED PRIVATE KEY":
                byte[] opened = Pbes2.Decrypt(block.Der, passphrase, name);
                try
                {
                    return ReadOne(opened, name);
                }
                catch (KeyException e) when (e.InnerException is AsnContentException)
                {
                    throw Pbes2.WrongPassphrase(name, e);
                }
                finally
                {
                    CryptographicOperations.ZeroMemory(opened);
                }
            case "EC PRIVATE KEY":
                return Proven(ReadSec1(block.Der, name), name);
            case "RSA PRIVATE KEY":
                return Proven(Own(RSA.Create(), rsa => rsa.ImportRSAPrivateKey(block.Der, out _), rsa => new RsaSigner(rsa)), name);
            default:
                throw new KeyException($"{name} holds {Escape.Quote(block.Label)}; wanted PRIVATE KEY, ENCRYPTED PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY");
        }
    }

    /// <summary>A private key from its PrivateKeyInfo, DER; a hybrid one from both, the classical one first.</summary>
    /// <exception cref="KeyException">No such key, or of a kind or length that is not used here.</exception>
    public static ISigner ReadPkcs8(ReadOnlyMemory<byte> der, string name)
    {
        (ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> tail) = Halves(der, AsnEncodingRules.BER, name, "private");
        ISigner first = ReadOne(head, name);
        return first.PublicKey.Algorithm == KeyAlgorithm.MlDsa65 ? throw Disposing(first, Alone(name)) : tail.IsEmpty ? first : Join(first, () => ReadOne(tail, name), name);
    }

    /// <summary>One PrivateKeyInfo, which may be that of ML-DSA-65.</summary>
    private static ISigner ReadOne(ReadOnlyMemory<byte> der, string name)
    {
        try
        {
            AsnReader outer = new(der, AsnEncodingRules.BER);
            AsnReader info = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            _ = info.ReadInteger();
            (string oid, string? curve) = ReadAlgorithm(info.ReadSequence());
            byte[] content = info.ReadOctetString();
            try
            {
                return Proven(oid switch
                {
                    EcOid when curve is EcPublicKey.P256 or EcPublicKey.P384 => Own(ECDsa.Create(), key => key.ImportPkcs8PrivateKey(der.Span, out _), key => (ISigner)new EcSigner(key)),
                    EcOid => throw new KeyException($"{name} is on curve {curve ?? "of its own"}; wanted P-256 or P-384"),
                    RsaOid => Own(RSA.Create(), key => key.ImportPkcs8PrivateKey(der.Span, out _), key => new RsaSigner(key)),
                    Ed25519Oid => ReadSeed(content),
                    MlDsa65.Oid => MlDsaSigner.Read(der.Span),
                    _ => throw new KeyException($"{name} is no private key of a kind that is used here: {Kinds}"),
                }, name);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(content);
            }
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            throw new KeyException($"{name} is no private key of a kind that is used here: {Kinds}", inner: e);
        }
    }

    /// <summary>The hybrid key of both; whichever is there goes when the other fails.</summary>
    /// <param name="second">Either of the two may be the classical one.</param>
    private static HybridSigner Join(ISigner first, Func<ISigner> second, string name = "the key")
    {
        ISigner? other = null;
        try
        {
            other = second();
            bool swapped = first.PublicKey.Algorithm == KeyAlgorithm.MlDsa65;
            (ISigner classical, ISigner last) = swapped ? (other, first) : (first, other);
            return last.PublicKey.Algorithm == KeyAlgorithm.MlDsa65 && classical.PublicKey.Algorithm != KeyAlgorithm.MlDsa65 ? new HybridSigner(classical, last)
                : throw new KeyException($"{name} holds more than one key");
        }
        catch (Exception)
        {
            first.Dispose();
            other?.Dispose();
            throw;
        }
    }

    private static KeyException Disposing(ISigner signer, KeyException e)
    {
        signer.Dispose();
        return e;
    }

    /// <summary>PrivateKeyInfo, DER; of a hybrid key both, one after the other. Whoever asks overwrites it after use.</summary>
    /// <exception cref="KeyException">The key is in a device that keeps it.</exception>
    public static byte[] ExportPkcs8(ISigner signer) =>
        signer is IExportable exportable ? exportable.ExportPkcs8() : throw new KeyException("this key never leaves the device that holds it");

    /// <summary>
    /// <c>ENCRYPTED PRIVATE KEY</c> PEM: PKCS#8 in PBES2, AES-256-CBC, PBKDF2 with HMAC-SHA-256 and <see cref="Iterations"/>; one line end at its
    /// end. A hybrid key has a block for each part, each with a salt of its own.
    /// </summary>
    /// <exception cref="KeyException">The key is in a device that keeps it, or the passphrase is empty.</exception>
    public static string WritePrivate(ISigner signer, string passphrase)
    {
        if (string.IsNullOrEmpty(passphrase))
            throw new KeyException("the passphrase is empty");
        if (signer is HybridSigner hybrid)
            return string.Concat(hybrid.Parts.Select(p => WritePrivate(p, passphrase)));
        byte[] pkcs8 = ExportPkcs8(signer);
        try
        {
            return PemEncoding.WriteString("ENCRYPTED PRIVATE KEY", Pbes2.Encrypt(pkcs8, passphrase, Iterations)) + "\n";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pkcs8);
        }
    }

    /// <summary>The algorithm and, when its parameters are one, their object identifier: the curve's name.</summary>
    private static (string Oid, string? Curve) ReadAlgorithm(AsnReader algorithm) =>
        (algorithm.ReadObjectIdentifier(), algorithm.HasData && algorithm.PeekTag().HasSameClassAndValue(Asn1Tag.ObjectIdentifier) ? algorithm.ReadObjectIdentifier() : null);

    /// <summary>Source: RFC 8410, 7: the seed in an OCTET STRING of its own.</summary>
    private static Ed25519Signer ReadSeed(byte[] content)
    {
        AsnReader inner = new(content, AsnEncodingRules.BER);
        byte[] seed = inner.ReadOctetString();
        try
        {
            inner.ThrowIfNotEmpty();
            return seed.Length == Ed25519PublicKey.RawBytes ? new Ed25519Signer(seed) : throw new AsnContentException($"an Ed25519 key of {seed.Length} bytes");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>Source: RFC 5915, 3. The curve is looked at before the base library is asked, which takes curves of any parameters.</summary>
    private static EcSigner ReadSec1(byte[] der, string name)
    {
        AsnReader outer = new(der, AsnEncodingRules.BER);
        AsnReader key = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        _ = key.ReadInteger();
        _ = key.ReadOctetString();
        Asn1Tag parameters = new(TagClass.ContextSpecific, 0, isConstructed: true);
        AsnReader? curve = key.HasData && key.PeekTag().HasSameClassAndValue(parameters) ? key.ReadSequence(parameters) : null;
        if (curve is null || !curve.PeekTag().HasSameClassAndValue(Asn1Tag.ObjectIdentifier) || curve.ReadObjectIdentifier() is not (EcPublicKey.P256 or EcPublicKey.P384))
            throw new KeyException($"{name} is on a curve that is not used here; wanted P-256 or P-384");
        return Own(ECDsa.Create(), ec => ec.ImportECPrivateKey(der, out _), ec => new EcSigner(ec));
    }

    /// <summary>A key whose halves do not belong together would sign what nobody can verify, and may tell of itself by doing so.</summary>
    private static ISigner Proven(ISigner signer, string name)
    {
        try
        {
            if (signer.PublicKey.Verify(Probe, signer.Sign(Probe)))
                return signer;
            throw new KeyException($"{name}: the public and the private half of the key do not belong together");
        }
        catch (Exception)
        {
            signer.Dispose();
            throw;
        }
    }

    /// <summary>Fills a key and hands it over; it goes when either fails.</summary>
    private static TResult Own<TKey, TResult>(TKey key, Action<TKey> fill, Func<TKey, TResult> wrap) where TKey : IDisposable
    {
        try
        {
            fill(key);
            return wrap(key);
        }
        catch (Exception)
        {
            key.Dispose();
            throw;
        }
    }
}
