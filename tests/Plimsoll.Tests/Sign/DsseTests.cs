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
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.EcdsaP384)]
    [InlineData(KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.Rsa)]
    public void Verify_SignedEnvelope_TrueOnlyForThisKeyTypeAndPayload(KeyAlgorithm algorithm)
    {
        using ISigner signer = KeyFile.Generate(algorithm), other = KeyFile.Generate(algorithm);
        PublicKey known = signer.PublicKey;

        DsseEnvelope envelope = DsseSigning.Sign("text/plain", "hello"u8.ToArray(), signer);

        Assert.True(DsseEnvelope.TryParse(envelope.ToJson(), out DsseEnvelope? read));
        Assert.True(DsseSigning.Verify(read, known));
        Assert.Same(known, DsseSigning.FindSigner(read, [other.PublicKey, known]));
        Assert.Null(DsseSigning.FindSigner(read, [other.PublicKey]));
        Assert.False(DsseSigning.Verify(read with { PayloadType = "text/html" }, known));
        Assert.False(DsseSigning.Verify(read with { Payload = "hellp"u8.ToArray() }, known));
        Assert.False(DsseSigning.Verify(read with { Signatures = [] }, known));
    }
}
