using System.Text;
using Plimsoll.Keys;
using Plimsoll.Sign;
using Plimsoll.Verify;
using static Plimsoll.Tests.Verify.Inspections;

namespace Plimsoll.Tests.Verify;

public sealed class SignedPolicyTests : IDisposable
{
    private readonly ISigner _private = KeyFile.Generate(KeyAlgorithm.EcdsaP256), _otherPrivate = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
    private PublicKey Public => _private.PublicKey;
    private PublicKey Other => _otherPrivate.PublicKey;

    public void Dispose()
    {
        _private.Dispose();
        _otherPrivate.Dispose();
    }

    private SignedPolicy Open(byte[] content, PublicKey? key = null) => SignedPolicy.Open(content, "p.signed", key ?? Public, "k.pem");

    private byte[] Envelope(string type, byte[] payload) => DsseSigning.Sign(type, payload, _private).ToJson();

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP384)]
    [InlineData(KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.Rsa)]
    public void Open_SignedByAKeyOfEachKind_IsOpenedByAnyOfSeveral(KeyAlgorithm algorithm)
    {
        using ISigner signer = KeyFile.Generate(algorithm);
        byte[] content = SignedPolicy.Sign(Policy(), 3, Now, signer);

        Assert.Equal((3, signer.PublicKey.Id), (SignedPolicy.Open(content, "p", [Public, signer.PublicKey], "k").Counter, SignedPolicy.Open(content, "p", signer.PublicKey, "k").KeyId));
        Assert.Equal(SignedPolicyError.BadSignature, Assert.Throws<SignedPolicyException>(() => SignedPolicy.Open(content, "p", [Public, Other], "k")).Error);
    }

    [Fact]
    public void Open_WhatWasSigned_IsTheSamePolicy()
    {
        Policy policy = Policy("secrets: {rules: {x: warn}}\nexceptions: [{id: 'a\"ü', reason: r, owner: o, expires: 2027-01-01}]");
        byte[] content = SignedPolicy.Sign(policy, 7, Now, _private);

        SignedPolicy signed = Open(content);

        Assert.Equal((7, Now, Public.Id), (signed.Counter, signed.Signed, signed.KeyId));
        Assert.Equal(PolicyJson.DigestOf(policy), PolicyJson.DigestOf(signed.Policy));
        Assert.True(SignedPolicy.IsEnvelope(content));
    }

    [Fact]
    public void Open_WrongKeyOrOneByteChanged_IsRefused()
    {
        byte[] content = SignedPolicy.Sign(Policy(), 1, Now, _private);
        Assert.Equal(SignedPolicyError.BadSignature, Assert.Throws<SignedPolicyException>(() => Open(content, Other)).Error);
        int refused = 0;
        for (int at = 0; at < content.Length; at += 7)
        {
            byte[] changed = [.. content];
            changed[at] ^= 1;
            try
            {
                Open(changed);
            }
            catch (Exception e) when (e is SignedPolicyException)
            {
                refused++;
            }
        }
        Assert.Equal((content.Length + 6) / 7, refused);
    }

    [Fact]
    public void Open_OtherPayloadOrFormAroundTheContent_IsRefused()
    {
        byte[] policy = PolicyJson.Write(Policy());
        byte[] wrongType = Envelope("text/plain", policy);
        Assert.Contains("wanted application/vnd.plimsoll.policy.v1+json", Assert.Throws<SignedPolicyException>(() => Open(wrongType)).Message, StringComparison.Ordinal);
        byte[] bare = Envelope(SignedPolicy.PayloadType, policy);
        Assert.Throws<DocumentException>(() => Open(bare));
        byte[] spaced = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(SignedPolicy.Sign(Policy(), 1, Now, _private)).Replace("\",\"", "\", \"", StringComparison.Ordinal));
        Assert.Equal(SignedPolicyError.Malformed, Assert.Throws<SignedPolicyException>(() => Open(spaced)).Error);
        byte[] zero = Envelope(SignedPolicy.PayloadType, Encoding.UTF8.GetBytes($$"""{"counter":0,"signed":"2026-03-02T10:30:00Z","policy":{{Encoding.UTF8.GetString(policy)}}}"""));
        Assert.Contains("counter is \"0\"", Assert.Throws<DocumentException>(() => Open(zero)).Message, StringComparison.Ordinal);
        byte[] more = Envelope(SignedPolicy.PayloadType, Encoding.UTF8.GetBytes($$"""{"counter":1,"signed":"2026-03-02T10:30:00Z","policy":{{Encoding.UTF8.GetString(policy)}},"x":1}"""));
        Assert.Contains("unknown key \"x\"", Assert.Throws<DocumentException>(() => Open(more)).Message, StringComparison.Ordinal);
    }
}
