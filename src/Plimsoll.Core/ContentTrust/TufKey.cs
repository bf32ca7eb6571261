using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Texts;
using PublicKey = Plimsoll.Keys.PublicKey;

namespace Plimsoll.ContentTrust;

/// <summary>A public key of metadata. Several ids may be of one key, which then counts once.</summary>
/// <remarks>Source: theupdateframework/notary, tuf/data/keys.go and tuf/signed/verifiers.go.</remarks>
public sealed class TufKey : IDisposable
{
    /// <summary>Bytes of a public key; a chain of certificates in PEM has some thousands.</summary>
    private const int MaxKeyBytes = 64 * 1024;
    private const int MaxCertificates = 8;
    private const string CommonNameOid = "2.5.4.3";

    private readonly AsymmetricAlgorithm? _key;
    private readonly PublicKey? _ed25519;
    private readonly X509Certificate2Collection _certificates = [];

    private TufKey(string type, byte[] content)
    {
        Type = type;
        Id = IdOf(type, content);
        try
        {
            byte[] spki;
            switch (type)
            {
                case "ed25519":
                    _ed25519 = content.Length == Ed25519PublicKey.RawBytes ? new Ed25519PublicKey(content) : throw new TufFormatException($"an Ed25519 key of {content.Length} bytes; wanted {Ed25519PublicKey.RawBytes}");
                    spki = _ed25519.Spki.ToArray();
                    break;
                case "ecdsa" or "rsa":
                    _key = Import(type, content);
                    spki = Spki(_key);
                    break;
                default:
                    _certificates.ImportFromPem(Encoding.ASCII.GetString(content));
                    if (_certificates.Count is 0 or > MaxCertificates)
                        throw new TufFormatException($"{_certificates.Count} certificates; wanted 1 to {MaxCertificates}");
                    _key = (type == "ecdsa-x509" ? _certificates[0].GetECDsaPublicKey() : (AsymmetricAlgorithm?)_certificates[0].GetRSAPublicKey())
                        ?? throw new TufFormatException($"the certificate is none of a key of type {type}");
                    spki = Spki(_key);
                    break;
            }
            if (_key is RSA { KeySize: < PublicKey.MinRsaBits or > PublicKey.MaxRsaBits } rsa)
                throw new TufFormatException($"the RSA key has {rsa.KeySize} bits; wanted {PublicKey.MinRsaBits} to {PublicKey.MaxRsaBits}");
            SignerId = Convert.ToHexStringLower(SHA256.HashData(spki));
            CanonicalId = type.EndsWith("-x509", StringComparison.Ordinal) ? IdOf(type[..^"-x509".Length], spki) : Id;
        }
        catch (Exception e)
        {
            Dispose();
            if (e is CryptographicException or PlatformNotSupportedException or KeyException or ArgumentException)
                throw new TufFormatException($"the key {Short(Id)} cannot be used: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", e);
            throw;
        }
    }

    /// <summary><c>ecdsa</c>, <c>rsa</c>, <c>ed25519</c>, <c>ecdsa-x509</c>, <c>rsa-x509</c>.</summary>
    public string Type { get; }

    /// <summary>SHA-256 of the canonical form of type and public half; what metadata calls it.</summary>
    public string Id { get; }

    /// <summary>The id that the key itself would have without its certificate: what notary's private key files are called.</summary>
    public string CanonicalId { get; }

    /// <summary>SHA-256 of the SubjectPublicKeyInfo: equal for every id of one key.</summary>
    public string SignerId { get; }

    /// <summary>Whether the key comes in a certificate, as root keys of notary do.</summary>
    public bool HasCertificate => _certificates.Count > 0;

    /// <summary>When the certificate ends; null without one.</summary>
    public DateTimeOffset? NotAfter => HasCertificate ? new DateTimeOffset(_certificates[0].NotAfter) : null;

    /// <summary>Reads a key and checks that its id is its own.</summary>
    /// <param name="declared">What the metadata calls it.</param>
    /// <exception cref="TufFormatException">It is none, or has another id.</exception>
    internal static TufKey Parse(string declared, JsonElement element)
    {
        string type = TufJson.TextOf(TufJson.Get(element, "keytype", "a key"));
        JsonElement value = TufJson.Get(element, "keyval", "a key");
        if (type is not ("ecdsa" or "rsa" or "ed25519" or "ecdsa-x509" or "rsa-x509"))
            throw new TufFormatException($"a key of type {Escape.Quote(type)}; known are ecdsa, rsa, ed25519, ecdsa-x509, rsa-x509");
        if (TufJson.Find(value, "private", "keyval") is not null)
            throw new TufFormatException($"the key {Short(declared)} holds its private half");
        byte[] content = TufJson.Bytes(TufJson.Get(value, "public", "keyval"), "public");
        if (content.Length > MaxKeyBytes)
            throw new TufFormatException($"a key of {content.Length} bytes, at most {MaxKeyBytes}");
        TufKey key = new(type, content);
        if (key.Id == declared)
            return key;
        key.Dispose();
        throw new TufFormatException($"the key {Short(declared)} has the id {Short(key.Id)}");
    }

    /// <summary>Whether a signature is this key's over these bytes, made in the way that its method says. Never throws for what the bytes are.</summary>
    public bool Verify(string method, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        try
        {
            return (method, _key) switch
            {
                ("eddsa", null) => _ed25519!.Verify(data, signature),
                // Two numbers of the curve's length, one behind the other, and SHA-256 for every curve.
                ("ecdsa", ECDsa ecdsa) => signature.Length == 2 * ((ecdsa.KeySize + 7) / 8)
                    && ecdsa.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
                ("rsapss", RSA rsa) => rsa.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
                ("rsapkcs1v15", RSA rsa) => rsa.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
                _ => false,
            };
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>What keeps a root key from speaking for a collection; null when nothing does.</summary>
    /// <param name="now">Null: its end is not looked at, as of keys that only hand over to the next.</param>
    internal string? ProblemFor(string gun, DateTimeOffset? now)
    {
        if (!HasCertificate)
            return $"the root key {Short(Id)} has no certificate that would say which collection it is of";
        X509Certificate2 leaf = _certificates[0];
        if (IsAuthority(leaf) || _certificates.Skip(1).Any(c => !IsAuthority(c)))
            return $"the certificates of the root key {Short(Id)} are no chain that begins with its own";
        if (CommonName is not { } name || !Covers(name, gun))
            return $"the root key {Short(Id)} is of {Escape.Quote(CommonName)}, not of {Escape.Quote(gun)}";
        if (leaf.SignatureAlgorithm.Value is "1.2.840.113549.1.1.5" or "1.2.840.10045.4.1" or "1.2.840.113549.1.1.4")
            return $"the certificate of the root key {Short(Id)} is signed with a weak hash";
        // A day of leeway before its first, for clocks that go slow.
        if (now is { } time && (time.AddDays(1) < new DateTimeOffset(leaf.NotBefore) || time > new DateTimeOffset(leaf.NotAfter)))
            return $"the certificate of the root key {Short(Id)} is good from {leaf.NotBefore.ToUniversalTime():yyyy-MM-dd} to {leaf.NotAfter.ToUniversalTime():yyyy-MM-dd}";
        return null;
    }

    /// <summary>Whether its certificate was issued below one of these.</summary>
    internal bool IsIssuedBelow(X509Certificate2Collection authorities, DateTimeOffset now)
    {
        if (!HasCertificate)
            return false;
        using X509Chain chain = new();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.ExtraStore.AddRange(_certificates);
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        try
        {
            return chain.Build(_certificates[0]);
        }
        catch (CryptographicException)
        {
            return false;
        }
        finally
        {
            foreach (X509ChainElement element in chain.ChainElements)
                element.Certificate.Dispose();
        }
    }

    /// <summary>The one common name of the certificate: the collection that the key is of. Null when there is none, or more than one.</summary>
    public string? CommonName
    {
        get
        {
            if (!HasCertificate)
                return null;
            string? found = null;
            foreach (X500RelativeDistinguishedName part in _certificates[0].SubjectName.EnumerateRelativeDistinguishedNames())
            {
                if (part.HasMultipleElements)
                    return null;
                if (part.GetSingleElementType().Value != CommonNameOid)
                    continue;
                if (found is not null)
                    return null;
                found = part.GetSingleElementValue();
            }
            return found;
        }
    }

    /// <summary><c>registry.example/team/*</c> covers everything that begins so. Source: notary, trustpinning/certs.go.</summary>
    private static bool Covers(string name, string gun) => name.EndsWith('*') ? gun.StartsWith(name.TrimEnd('*'), StringComparison.Ordinal) : name == gun;

    private static bool IsAuthority(X509Certificate2 certificate) => certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(c => c.CertificateAuthority);

    private static AsymmetricAlgorithm Import(string type, byte[] spki)
    {
        AsymmetricAlgorithm key = type == "ecdsa" ? ECDsa.Create() : RSA.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(spki, out int read);
            return read == spki.Length ? key : throw new TufFormatException($"{spki.Length - read} bytes stand behind a key");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Written anew, so that two ways to write one key are one key.</summary>
    private static byte[] Spki(AsymmetricAlgorithm key) => key is ECDsa ecdsa && !ecdsa.ExportParameters(false).Curve.IsNamed
        ? throw new TufFormatException("a key on a curve without a name")
        : key.ExportSubjectPublicKeyInfo();

    private static string IdOf(string type, byte[] content) => Convert.ToHexStringLower(SHA256.HashData(
        Encoding.ASCII.GetBytes($$$"""{"keytype":"{{{type}}}","keyval":{"private":null,"public":"{{{Convert.ToBase64String(content)}}}"}}""")));

    internal static string Short(string id) => Escape.Quote(id.Length > 16 ? id[..16] + "…" : id);

    public void Dispose()
    {
        _key?.Dispose();
        _ed25519?.Dispose();
        foreach (X509Certificate2 certificate in _certificates)
            certificate.Dispose();
    }
}
