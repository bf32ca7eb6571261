using System.Security.Cryptography;
using System.Text;
using Plimsoll.TestKit;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Tpm;

/// <summary>Quotes of other programs: swtpm with tpm2-tools, and keylime's.</summary>
[Trait("needs", "shared")]
public sealed class AttestationTests
{
    private static byte[] Read(params ReadOnlySpan<string> parts) => File.ReadAllBytes(SharedData.At(["trust", "tpm", .. parts]));

    /// <summary>tpm2-tools write a TPM2B_PUBLIC: two bytes of length first.</summary>
    private static TpmPublic Public(params ReadOnlySpan<string> parts) => TpmPublic.Parse(Read(parts).AsSpan(2));

    [Theory]
    [InlineData("q", "ak.pub", TpmAlgorithm.EcDsa, TpmAlgorithm.Sha384)]
    [InlineData("ecc384-sha384", "ecc384-sha384-ak.pub", TpmAlgorithm.EcDsa, TpmAlgorithm.Sha384)]
    [InlineData("rsapss-sha256", "rsapss-sha256-ak.pub", TpmAlgorithm.RsaPss, TpmAlgorithm.Sha256)]
    public void Verify_QuoteOfSwtpm_IsGoodAndWithOneByteChangedIsNot(string name, string key, TpmAlgorithm scheme, TpmAlgorithm hash)
    {
        byte[] message = Read("swtpm", name + ".msg");
        TpmPublic ak = Public("swtpm", key);
        TpmSignature signature = TpmSignature.Parse(Read("swtpm", name + ".sig"));
        Attestation quote = Attestation.Parse(message);

        Assert.Equal((scheme, hash), (signature.Scheme, signature.Hash));
        Assert.True(signature.Verify(ak, message));
        Assert.Equal(AttestationKind.Quote, quote.Kind);
        Assert.Equal(Encoding.ASCII.GetString(Read("swtpm", name + ".nonce.hex")).Trim(), Convert.ToHexStringLower(quote.ExtraData.Span));
        Assert.Equal(signature.Hash.Size(), quote.PcrDigest.Length);
        for (int i = 0; i < message.Length; i += 7)
        {
            message[i] ^= 1;
            Assert.False(signature.Verify(ak, message));
            message[i] ^= 1;
        }
    }

    [Theory]
    [InlineData("swtpm", "ak.pub", "ak.name")]
    [InlineData("swtpm", "ecc384-sha384-ak.pub", "ecc384-sha384-ak.name")]
    [InlineData("swtpm", "rsapss-sha256-ak.pub", "rsapss-sha256-ak.name")]
    [InlineData("keylime", "ak.pub", "ak.name")]
    public void Name_OfAPublicArea_IsTheTpmsOwn(string folder, string area, string name) =>
        Assert.Equal(Convert.ToHexString(Read(folder, name)), Convert.ToHexString(Public(folder, area).Name));

    [Theory]
    [InlineData("swtpm", "ecc384-sha384-ak")]
    [InlineData("swtpm", "rsapss-sha256-ak")]
    public void ToSpki_OfAPublicArea_IsTheKeyThatOthersWrite(string folder, string name) =>
        Assert.Equal(PemEncoding.WriteString("PUBLIC KEY", Public(folder, name + ".pub").ToSpki()).Trim(), Encoding.ASCII.GetString(Read(folder, name + ".pem")).Trim());

    [Theory]
    [InlineData("swtpm", "ek.pub", "swtpm", "ak.pub")]
    [InlineData("keylime", "ek.pub", "keylime", "ak.pub")]
    public void Verify_ByAnotherKey_IsRefused(string folder, string wrong, string rightFolder, string right)
    {
        string quote = folder == "swtpm" ? "q.msg" : "quote.out", signed = folder == "swtpm" ? "q.sig" : "quotesig.out";
        TpmSignature signature = TpmSignature.Parse(Read(folder, signed));

        Assert.True(signature.Verify(Public(rightFolder, right), Read(folder, quote)));
        Assert.False(signature.Verify(Public(folder, wrong), Read(folder, quote)));
    }

    [Fact]
    public void Parse_EachPrefixAndOneByteMore_IsMalformed()
    {
        byte[] message = Read("swtpm", "q.msg"), signature = Read("swtpm", "q.sig"), area = Read("swtpm", "ak.pub")[2..];
        for (int length = 0; length < message.Length; length++)
            Assert.Throws<TpmException>(() => Attestation.Parse(message.AsSpan(0, length)));
        for (int length = 0; length < signature.Length; length++)
            Assert.Throws<TpmException>(() => TpmSignature.Parse(signature.AsSpan(0, length)));
        for (int length = 0; length < area.Length; length++)
            Assert.Throws<TpmException>(() => TpmPublic.Parse(area.AsSpan(0, length)));
        Assert.Throws<TpmException>(() => Attestation.Parse([.. message, 0]));
        Assert.Throws<TpmException>(() => TpmSignature.Parse([.. signature, 0]));
        Assert.Throws<TpmException>(() => TpmPublic.Parse([.. area, 0]));
    }
}
