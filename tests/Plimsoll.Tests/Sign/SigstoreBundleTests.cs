using System.Text;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Sign;

public sealed class SigstoreBundleTests
{
    // Written by cosign 2.5.
    private const string Cosigns = """
        {"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial":{"publicKey":{"hint":"TcDOpOMwfABnmErHwkwu6ihWDYsvP1e7DWo7QZ8rkCo="}}, "dsseEnvelope":{"payload":"e30=", "payloadType":"application/vnd.in-toto+json", "signatures":[{"sig":"AQI="}]}}
        """;

    private static SigstoreBundle Parse(string json) => SigstoreBundle.Parse(Encoding.UTF8.GetBytes(json), "b");

    [Fact]
    public void Parse_BundleOfCosign_HasItsParts()
    {
        SigstoreBundle bundle = Parse(Cosigns);

        Assert.Equal(("TcDOpOMwfABnmErHwkwu6ihWDYsvP1e7DWo7QZ8rkCo=", false, 0), (bundle.KeyHint, bundle.ByCertificate, bundle.LogEntries));
        Assert.Equal("{}"u8.ToArray(), bundle.Envelope!.Payload.ToArray());
        Assert.Equal(new byte[] { 1, 2 }, Assert.Single(bundle.Envelope.Signatures).Signature.ToArray());
        // What is written is what cosign wrote, but for the spaces.
        Assert.Equal(Cosigns.Replace(", \"", ",\"", StringComparison.Ordinal), Encoding.UTF8.GetString(bundle.ToJson()));
    }

    [Fact]
    public void Of_SignedEnvelope_VerifiesAfterReading()
    {
        using ISigner signer = KeyFile.Generate(KeyAlgorithm.EcdsaP256), other = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        SigstoreBundle bundle = SigstoreBundle.Parse(SigstoreBundle.Of(DsseSigning.Sign(Statement.PayloadType, "{}"u8.ToArray(), signer), signer.PublicKey).ToJson(), "b");

        Assert.Equal(signer.PublicKey.Id, Convert.ToHexStringLower(Convert.FromBase64String(bundle.KeyHint!)));
        Assert.True(DsseSigning.Verify(bundle.Envelope!, signer.PublicKey));
        Assert.False(DsseSigning.Verify(bundle.Envelope!, other.PublicKey));
        Assert.False(DsseSigning.Verify(bundle.Envelope! with { Payload = "[]"u8.ToArray() }, signer.PublicKey));
    }

    [Theory]
    [InlineData("bundle.v0.3+json", "bundle.v0.4+json", "media type")]
    [InlineData("\"mediaType\":", "\"MediaType\":", "\"MediaType\"")]
    [InlineData("{\"publicKey\":{\"hint\":", "{\"publicKey\":{\"hint\":\"a\"},\"publicKey\":{\"hint\":", "uplicate")]
    [InlineData("{\"publicKey\":", "{\"certificate\":{\"rawBytes\":\"AA==\"},\"publicKey\":", "one key or one certificate")]
    [InlineData("{\"publicKey\":", "{\"oidc\":{},\"publicKey\":", "\"oidc\"")]
    [InlineData("\"dsseEnvelope\":", "\"messageSignature\":{},\"dsseEnvelope\":", "one dsseEnvelope or one messageSignature")]
    [InlineData("\"payload\":\"e30=\"", "\"payload\":\"e30\"", "no base64")]
    [InlineData("\"payload\":\"e30=\"", "\"payload\":\"e30=\",\"payload\":\"W10=\"", "uplicate")]
    [InlineData("\"sig\":\"AQI=\"", "\"sig\":\"AQI=\",\"extension\":{}", "\"extension\"")]
    [InlineData("\"signatures\":[", "\"signatures\":[0,", "no object")]
    [InlineData("\"signatures\":[{\"sig\":\"AQI=\"}]", "\"signatures\":{}", "no list")]
    [InlineData("}]}}", "}]}", "b: ")]
    [InlineData("\"hint\":", "\"hint\":\"\\ud800\",\"hin\":", "hin")]
    public void Parse_ChangedPlace_IsRefused(string from, string to, string message)
    {
        Assert.Contains(from, Cosigns, StringComparison.Ordinal);
        Assert.Contains(message, Assert.Throws<FormatException>(() => Parse(Cosigns.Replace(from, to, StringComparison.Ordinal))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_EveryTruncation_IsRefused()
    {
        byte[] whole = Encoding.UTF8.GetBytes(Cosigns);
        for (int length = 0; length < whole.Length; length++)
            Assert.Throws<FormatException>(() => SigstoreBundle.Parse(whole.AsMemory(0, length), "b"));
    }

    [Fact]
    public void Parse_OneByteOrOneSignatureTooMany_IsRefused()
    {
        byte[] json = Encoding.UTF8.GetBytes(Cosigns);
        Assert.NotNull(SigstoreBundle.Parse((byte[])[.. json, .. Enumerable.Repeat((byte)' ', SigstoreBundle.MaxBytes - json.Length)], "b").Envelope);
        Assert.Contains("MaxBytes", Assert.Throws<FormatException>(() => SigstoreBundle.Parse(new byte[SigstoreBundle.MaxBytes + 1], "b")).Message, StringComparison.Ordinal);
        string Many(int count) => Cosigns.Replace("[{\"sig\":\"AQI=\"}]", $"[{string.Join(',', Enumerable.Repeat("{\"sig\":\"AQI=\"}", count))}]", StringComparison.Ordinal);
        Assert.Equal(SigstoreBundle.MaxSignatures, Parse(Many(SigstoreBundle.MaxSignatures)).Envelope!.Signatures.Count);
        Assert.Throws<FormatException>(() => Parse(Many(SigstoreBundle.MaxSignatures + 1)));
    }

    [Fact]
    public void Parse_SignatureOverContentElsewhere_HasNoEnvelope()
    {
        SigstoreBundle bundle = Parse("""{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.2","verificationMaterial":{"publicKey":{}},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}""");

        Assert.Null(bundle.Envelope);
        Assert.Throws<InvalidOperationException>(bundle.ToJson);
    }

    [Fact, Trait("needs", "shared")]
    public void Parse_BundleOfCosignsTests_IsByCertificateAndItsStatementIsRead()
    {
        SigstoreBundle bundle = SigstoreBundle.Parse(File.ReadAllBytes(SharedData.At("trust", "sigstore", "cosign", "oci-attestation.sigstore.json")), "b");

        Assert.Equal((true, 1, (string?)null), (bundle.ByCertificate, bundle.LogEntries, bundle.KeyHint));
        Statement statement = Statement.ParseForeign(bundle.Envelope!.Payload, "s");
        Assert.Equal(("https://cosign.sigstore.dev/attestation/v1", Digest.Parse("sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4")), (statement.PredicateType, Assert.Single(statement.Subjects).Digest));
    }
}
