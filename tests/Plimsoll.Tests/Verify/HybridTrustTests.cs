using Plimsoll.Keys;
using Plimsoll.Sign;
using Plimsoll.Tests.Keys;
using Plimsoll.Verify;
using static Plimsoll.Tests.Verify.TrustBuilder;

namespace Plimsoll.Tests.Verify;

/// <summary>Policies that pin a hybrid key: nothing less than both signatures counts, and a platform that cannot check one says so.</summary>
public sealed class HybridTrustTests : IDisposable
{
    private const string Signatures = "signatures: {keys: [both]}", Statements = "attestations: [{type: openvex, keys: [both]}]";

    private readonly ISigner _classical;
    private readonly PublicKey _both;

    public HybridTrustTests() => (_classical, _both) = Hybrids.Half();

    public void Dispose()
    {
        _classical.Dispose();
        _both.Dispose();
    }

    private static string Entry(string name, PublicKey key) => $"    {name}: {{pem: \"{key.ToPem().Replace("\n", "\\n", StringComparison.Ordinal)}\"}}\n";

    /// <summary>The key <c>both</c>, and the others of <see cref="TrustBuilder"/>.</summary>
    private static Policy Pinned(string rule, PublicKey key, string more = "") => Plimsoll.Inspect.Policies.PolicyFile.Parse(System.Text.Encoding.UTF8.GetBytes(
        $"policy: 1\nname: test\ntrust:\n  keys:\n{Entry("both", key)}{Entry("release", Release.PublicKey)}{more}  images:\n  - names: [\"registry.example/**\"]\n    {rule.Replace("\n", "\n    ", StringComparison.Ordinal)}\n"), "p.yaml");

    private Verdict Judge(ISigner by, string rule) => rule == Signatures ? new TrustBuilder().Signed(by).Judge(Pinned(rule, _both))
        : new TrustBuilder().Attested(by, "https://openvex.dev/ns", "{}").Judge(Pinned(rule, _both));

    private static string Component(string rule) => rule == Signatures ? "signature" : "attestation";

    [Theory]
    [InlineData(Signatures)]
    [InlineData(Statements)]
    public void Of_ClassicalPartAlone_IsRefusedByName(string rule)
    {
        Judge(_classical, rule).Refuses($"{Component(rule)}/hybrid-incomplete");
        using Hybrids.Forger half = new(_classical, _both, null);
        Judge(half, rule).Refuses($"{Component(rule)}/hybrid-incomplete");
        Judge(Stranger, rule).Refuses($"{Component(rule)}/no-key-matches");
    }

    [Theory]
    [InlineData(Signatures)]
    [InlineData(Statements)]
    public void Of_BothAndThePlatformCannotCheckOne_IsRefusedByName(string rule)
    {
        using Hybrids.Forger forger = new(_classical, _both, new byte[MlDsa65.SignatureBytes]);

        Verdict verdict = Judge(forger, rule);

        verdict.Refuses($"{Component(rule)}/{(Hybrids.Supported ? "hybrid-incomplete" : "hybrid-unsupported")}");
        if (!Hybrids.Supported)
            Assert.Contains(verdict.Reasons, r => r.Code == "hybrid-unsupported" && r.Message.Contains("has no ML-DSA-65; needs 3.5", StringComparison.Ordinal) && !r.Message.Contains('{', StringComparison.Ordinal));
    }

    [Fact]
    public void Read_ClassicalPartUnderAnotherName_IsTheSameSigner()
    {
        string more = Entry("half", _both.Parts[0]);
        DocumentException refused = Assert.Throws<DocumentException>(() => Pinned("signatures: {keys: [both, half], threshold: 2}", _both, more));
        Assert.Contains("is one key", refused.Message, StringComparison.Ordinal);
        // Its twin: two that have nothing in common.
        Assert.Equal(2, Pinned("signatures: {keys: [both, release], threshold: 2}", _both).Trust!.Images[0].Signatures!.Threshold);
    }

    [Fact]
    public void Write_AHybridKey_ReadsBackAsTheSame()
    {
        Policy policy = Pinned(Signatures, _both);
        TrustedHalf version = Assert.Single(PolicyJson.Read(PolicyJson.Write(policy), "j", canonical: true).Trust!.Keys.Single(k => k.Name == "both").Versions);

        Assert.Equal((_both.Id, _both.ToPem()), (version.Id, version.Pem));
        Assert.Equal(_both.Parts.Select(p => p.Id), version.Parts);
    }

    [Fact]
    public void Of_AHybridKey_CountsOnlyWhileNeitherPartIsRevoked()
    {
        if (!Hybrids.Supported)
            return;
        using ISigner key = KeyFile.Generate(KeyAlgorithm.EcdsaP256MlDsa65), other = KeyFile.Generate(KeyAlgorithm.EcdsaP256MlDsa65);
        Policy policy = Pinned(Signatures + "\nrevocations: {keys: [release], max-age: none}", key.PublicKey);
        new TrustBuilder().Signed(key).Revoking(Release, keys: []).Judge(policy).Passes();
        new TrustBuilder().Signed(other).Revoking(Release, keys: []).Judge(policy).Refuses("signature/no-key-matches");
        foreach (string id in key.PublicKey.Ids)
            new TrustBuilder().Signed(key).Revoking(Release, keys: [new RevokedKey(id, Now, "lost")]).Judge(policy).Refuses("signature/key-revoked");
        new TrustBuilder().Signed(key).Revoking(Release, keys: [new RevokedKey(other.PublicKey.Id, Now, "lost")]).Judge(policy).Passes();
        // Halves of two keys, each good.
        foreach (HybridSigner mixed in (HybridSigner[])[new(((HybridSigner)key).Parts[0], ((HybridSigner)other).Parts[1]), new(((HybridSigner)other).Parts[0], ((HybridSigner)key).Parts[1])])
            new TrustBuilder().Signed(mixed).Revoking(Release, keys: []).Judge(policy).Refuses("signature/hybrid-incomplete");
    }

    [Fact]
    public void Open_SignedPolicyAndRevocationListOfAHybridKey_NeedBothSignatures()
    {
        Policy policy = Pinned(Signatures, _both);
        Func<ISigner, PublicKey, object>[] ways =
        [
            (by, key) => SignedPolicy.Open(SignedPolicy.Sign(policy, 1, Now, by), "p", key, "k"),
            (by, key) => RevocationList.Open(new RevocationList(1, Now, [], []).Sign(by), "p", [key], "k"),
        ];
        using Hybrids.Forger forger = new(_classical, _both, new byte[MlDsa65.SignatureBytes]), half = new(_classical, _both, null);
        foreach (Func<ISigner, PublicKey, object> open in ways)
        {
            Assert.Contains("one part of the hybrid key", Assert.ThrowsAny<Exception>(() => open(half, _both)).Message, StringComparison.Ordinal);
            Exception refused = Assert.ThrowsAny<Exception>(() => open(forger, _both));
            if (!Hybrids.Supported)
            {
                Assert.IsType<KeyUnsupportedException>(refused);
                Assert.Contains("has no ML-DSA-65; needs 3.5", refused.Message, StringComparison.Ordinal);
                continue;
            }
            Assert.Contains("one part of the hybrid key", refused.Message, StringComparison.Ordinal);
            using ISigner key = KeyFile.Generate(KeyAlgorithm.Ed25519MlDsa65);
            Assert.NotNull(open(key, key.PublicKey));
        }
    }

    [Fact]
    public void Of_RevocationListOfAHybridKey_IsRefusedByNameWhereItCannotBeChecked()
    {
        using Hybrids.Forger forger = new(_classical, _both, new byte[MlDsa65.SignatureBytes]);
        Policy policy = Pinned("signatures: {keys: [release]}\nrevocations: {keys: [both], max-age: none}", _both);

        new TrustBuilder().Signed(Release).Revoking(forger).Judge(policy).Refuses(Hybrids.Supported ? "revocations/revocations-unsigned" : "revocations/revocations-unsupported");
    }
}
