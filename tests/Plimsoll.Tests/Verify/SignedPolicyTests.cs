using System.Security.Cryptography;
using System.Text;
using Plimsoll.Sign;
using Plimsoll.Verify;
using static Plimsoll.Tests.Verify.Inspections;

namespace Plimsoll.Tests.Verify;

public sealed class SignedPolicyTests : IDisposable
{
    private readonly ECDsa _pair = ECDsa.Create(ECCurve.NamedCurves.nistP256), _otherPair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly DsseKey _private, _public, _other;

    public SignedPolicyTests()
    {
        _private = DsseKey.FromPem(_pair.ExportPkcs8PrivateKeyPem(), "k");
        _public = DsseKey.FromPem(_pair.ExportSubjectPublicKeyInfoPem(), "k");
        _other = DsseKey.FromPem(_otherPair.ExportSubjectPublicKeyInfoPem(), "o");
    }

    public void Dispose()
    {
        foreach (IDisposable one in (IDisposable[])[_private, _public, _other, _pair, _otherPair])
            one.Dispose();
    }

    private SignedPolicy Open(byte[] content, DsseKey? key = null) => SignedPolicy.Open(content, "p.signed", key ?? _public, "k.pem");

    [Fact]
    public void Open_WhatWasSigned_IsTheSamePolicy()
    {
        Policy policy = Policy("secrets: {rules: {x: warn}}\nexceptions: [{id: 'a\"ü', reason: r, owner: o, expires: 2027-01-01}]");
        byte[] content = SignedPolicy.Sign(policy, 7, Now, _private);

        SignedPolicy signed = Open(content);

        Assert.Equal((7, Now, _public.KeyId), (signed.Counter, signed.Signed, signed.KeyId));
        Assert.Equal(PolicyJson.DigestOf(policy), PolicyJson.DigestOf(signed.Policy));
        Assert.True(SignedPolicy.IsEnvelope(content));
    }

    [Fact]
    public void Open_WrongKeyOrOneByteChanged_IsRefused()
    {
        byte[] content = SignedPolicy.Sign(Policy(), 1, Now, _private);
        Assert.Equal(SignedPolicyError.BadSignature, Assert.Throws<SignedPolicyException>(() => Open(content, _other)).Error);
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
        byte[] wrongType = _private.Sign("text/plain", policy).ToJson();
        Assert.Contains("wanted application/vnd.plimsoll.policy.v1+json", Assert.Throws<SignedPolicyException>(() => Open(wrongType)).Message, StringComparison.Ordinal);
        byte[] bare = _private.Sign(SignedPolicy.PayloadType, policy).ToJson();
        Assert.Throws<DocumentException>(() => Open(bare));
        byte[] spaced = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(SignedPolicy.Sign(Policy(), 1, Now, _private)).Replace("\",\"", "\", \"", StringComparison.Ordinal));
        Assert.Equal(SignedPolicyError.Malformed, Assert.Throws<SignedPolicyException>(() => Open(spaced)).Error);
        byte[] zero = _private.Sign(SignedPolicy.PayloadType, Encoding.UTF8.GetBytes($$"""{"counter":0,"signed":"2026-03-02T10:30:00Z","policy":{{Encoding.UTF8.GetString(policy)}}}""")).ToJson();
        Assert.Contains("counter is \"0\"", Assert.Throws<DocumentException>(() => Open(zero)).Message, StringComparison.Ordinal);
        byte[] more = _private.Sign(SignedPolicy.PayloadType, Encoding.UTF8.GetBytes($$"""{"counter":1,"signed":"2026-03-02T10:30:00Z","policy":{{Encoding.UTF8.GetString(policy)}},"x":1}""")).ToJson();
        Assert.Contains("unknown key \"x\"", Assert.Throws<DocumentException>(() => Open(more)).Message, StringComparison.Ordinal);
    }
}
