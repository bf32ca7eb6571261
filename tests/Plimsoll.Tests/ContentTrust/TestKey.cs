using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Keys;

namespace Plimsoll.Tests.ContentTrust;

/// <summary>A key of metadata with its private half.</summary>
internal sealed class TestKey
{
    private readonly Func<byte[], byte[]> _sign;

    private TestKey(string type, string method, byte[] content, Func<byte[], byte[]> sign)
    {
        (Type, Method, Content, _sign) = (type, method, content, sign);
        Id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{{\"keytype\":\"{type}\",\"keyval\":{{\"private\":null,\"public\":\"{Convert.ToBase64String(content)}\"}}}}")));
    }

    public string Type { get; }
    public string Method { get; init; }
    public byte[] Content { get; }
    public string Id { get; }

    /// <summary>Null for keys that are none of a curve.</summary>
    public ECDsa? Inner { get; private init; }

    public JsonObject Json => new() { ["keytype"] = Type, ["keyval"] = new JsonObject { ["private"] = null, ["public"] = Convert.ToBase64String(Content) } };

    public JsonObject Sign(byte[] data) => new() { ["keyid"] = Id, ["method"] = Method, ["sig"] = Convert.ToBase64String(_sign(data)) };

    public static TestKey Ecdsa(ECDsa? key = null)
    {
        ECDsa inner = key ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new TestKey("ecdsa", "ecdsa", inner.ExportSubjectPublicKeyInfo(), data => Signature(inner, data)) { Inner = inner };
    }

    public static TestKey Ed25519()
    {
        Ed25519Signer signer = Ed25519Signer.Generate();
        return new TestKey("ed25519", "eddsa", signer.PublicKey.Spki[^32..].ToArray(), data => signer.Sign(data));
    }

    public static TestKey Rsa(bool pss = true)
    {
        RSA key = RSA.Create(2048);
        return new TestKey("rsa", pss ? "rsapss" : "rsapkcs1v15", key.ExportSubjectPublicKeyInfo(), data => key.SignData(data, HashAlgorithmName.SHA256, pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1));
    }

    /// <summary>A root key as notary makes one: a certificate whose common name is the collection.</summary>
    public static TestKey Root(string gun, ECDsa? key = null, X509Certificate2? issuer = null, DateTimeOffset? from = null, DateTimeOffset? to = null)
    {
        ECDsa inner = key ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
        X500DistinguishedNameBuilder name = new();
        name.AddCommonName(gun);
        CertificateRequest request = new(name.Build(), inner, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        DateTimeOffset first = from ?? CollectionBuilder.Now.AddYears(-1), last = to ?? CollectionBuilder.Now.AddYears(9);
        using X509Certificate2 certificate = issuer is null ? request.CreateSelfSigned(first, last)
            : request.Create(issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(issuer.GetECDsaPrivateKey()!), first, last, [1, 2, 3]);
        return new TestKey("ecdsa-x509", "ecdsa", Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n"), data => Signature(inner, data)) { Inner = inner };
    }

    public static X509Certificate2 Authority()
    {
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(CollectionBuilder.Now.AddYears(-2), CollectionBuilder.Now.AddYears(10));
    }

    private static byte[] Signature(ECDsa key, byte[] data) => key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
}
