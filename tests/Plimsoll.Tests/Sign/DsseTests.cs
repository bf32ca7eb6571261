using System.Security.Cryptography;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.Sign;

namespace Plimsoll.Tests.Sign;

public sealed class DsseTests
{
    [Fact]
    public void Pae_VectorOfTheSpecification_HasItsBytes() => Assert.Equal(
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
        Encoding.UTF8.GetString(Dsse.Pae("http://example.com/HelloWorld", "hello world"u8)));

    [Theory]
    [InlineData("P-256")]
    [InlineData("P-384")]
    [InlineData("RSA")]
    public void Verifies_SignedEnvelope_TrueOnlyForThisKeyTypeAndPayload(string kind)
    {
        using AsymmetricAlgorithm pair = Make(kind);
        using AsymmetricAlgorithm otherPair = Make(kind);
        using DsseKey key = DsseKey.FromPem(pair.ExportPkcs8PrivateKeyPem(), "key"), known = DsseKey.FromPem(pair.ExportSubjectPublicKeyInfoPem(), "key");
        using DsseKey other = DsseKey.FromPem(otherPair.ExportSubjectPublicKeyInfoPem(), "other");

        DsseEnvelope envelope = key.Sign("text/plain", "hello"u8.ToArray());

        Assert.True(DsseEnvelope.TryParse(envelope.ToJson(), out DsseEnvelope? read));
        Assert.True(known.Verifies(read));
        Assert.False(other.Verifies(read));
        Assert.False(known.Verifies(read with { PayloadType = "text/html" }));
        Assert.False(known.Verifies(read with { Payload = "hellp"u8.ToArray() }));
        Assert.False(known.Verifies(read with { Signatures = [] }));
    }

    [Fact]
    public void FromPem_KeyThatIsNotUsed_SaysWhy()
    {
        using RSA small = RSA.Create(1024);
        using ECDsa large = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        Assert.Contains("1024", Assert.Throws<KeyException>(() => DsseKey.FromPem(small.ExportPkcs8PrivateKeyPem(), "k")).Message, StringComparison.Ordinal);
        Assert.Contains("521", Assert.Throws<KeyException>(() => DsseKey.FromPem(large.ExportPkcs8PrivateKeyPem(), "k")).Message, StringComparison.Ordinal);
        Assert.Throws<KeyException>(() => DsseKey.FromPem("no key", "k"));
        Assert.Throws<KeyException>(() => DsseKey.FromPem(small.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)), "k"));
    }

    private static AsymmetricAlgorithm Make(string kind) => kind switch
    {
        "P-256" => ECDsa.Create(ECCurve.NamedCurves.nistP256),
        "P-384" => ECDsa.Create(ECCurve.NamedCurves.nistP384),
        _ => RSA.Create(2048),
    };
}
