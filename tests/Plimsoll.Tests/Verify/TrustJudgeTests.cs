using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.Verify;
using static Plimsoll.Tests.Verify.TrustBuilder;
using TempFolder = Plimsoll.TestKit.TempFolder;

namespace Plimsoll.Tests.Verify;

public sealed class TrustJudgeTests
{
    private const string One = "signatures: {keys: [release]}";

    [Fact]
    public void Of_PolicyWithoutTrust_IsRefusedByName()
    {
        Verdict verdict = new TrustBuilder().Signed(Release).Judge(Inspections.Policy());

        verdict.Refuses("rule/no-trust");
        Assert.Equal(TrustJudge.NeedsOf(Inspections.Policy(), []), new TrustNeeds(false, false, false));
    }

    [Fact]
    public void Of_NameWithoutRule_IsRefusedAndTheFirstRuleDecides()
    {
        TrustBuilder image = new TrustBuilder().Signed(Release);
        image.Judge(PolicyOf("  - {names: [registry.example/team/app], signatures: {keys: [release]}}\n  - {names: ['**'], signatures: {keys: [ops]}}\n")).Passes();
        image.Judge(PolicyOf("  - {names: [registry.example/*], signatures: {keys: [release]}}\n")).Refuses("rule/no-rule");
        image.Judge(PolicyOf("  - {names: ['**'], signatures: {keys: [ops]}}\n  - {names: [registry.example/team/app], signatures: {keys: [release]}}\n")).Refuses("signature/no-key-matches");
        image.Image = image.Image with { Names = [] };
        image.Judge(One).Refuses("rule/no-name");
        image.Judge(PolicyOf($"  - {{names: ['**'], repositories: [{Repository}], signatures: {{keys: [release]}}}}\n")).Passes();
    }

    [Theory]
    [InlineData("signatures: {keys: [release]}\nmeasurement: required", false)]
    [InlineData("signatures: {keys: [release]}\nrevocations: {keys: [ops], max-age: none}", false)]
    [InlineData("signatures: {keys: [release]}\nrevocations: {keys: [ops]}", true)]
    [InlineData("signatures: {keys: [release]}\nattestations: [{type: slsa-provenance, keys: [ci]}]", false)]
    [InlineData("signatures: {keys: [release]}\nattestations: [{type: slsa-provenance, keys: [ci], max-age: 90d}]", true)]
    [InlineData("signatures: {keys: [release]}\ninspection: {keys: [ci]}", true)]
    public void Of_WhatRestsOnTheTime_IsDated(string rule, bool dated)
    {
        TrustBuilder image = new TrustBuilder { Measures = Measured }.Signed(Release).Measurement(Release).Provenance(Ci).Inspection(Ci);
        Verdict verdict = (rule.Contains("revocations", StringComparison.Ordinal) ? image.Revoking(Ops) : image).Judge(rule);

        Assert.Equal((Outcome.Passed, dated), (verdict.Outcome, verdict.Dated));
    }

    [Fact]
    public void Of_SeveralNames_EachMustSatisfyItsRule()
    {
        TrustBuilder image = new TrustBuilder().Signed(Release).With(b => b.Image = b.Image with { Names = [ImageName.Parse(Repository), ImageName.Parse("registry.example/other/app")] });

        image.Judge(One).Refuses("signature/signature-repository");
        image.Sign(Release, repository: "registry.example/other/app").Judge(One).Passes();
        image.Image = image.Image with { Names = [.. Enumerable.Range(0, 17).Select(i => new ImageName(Repository, $"t{i}"))] };
        image.Judge(One).Has(Outcome.Undecided, "rule/too-many-names");
    }

    [Fact]
    public void Of_EveryComponentThatFails_IsNamed()
    {
        const string rule = """
            signatures: {keys: [release, ops], threshold: 2}
            attestations: [{type: slsa-provenance, keys: [ci]}, {type: spdx, keys: [ci]}]
            inspection: {keys: [ci]}
            measurement: required
            revocations: {keys: [ops]}
            minimum: {created-after: 2026-03-01}
            """;

        Verdict verdict = new TrustBuilder().Signed(Release).With(b => b.Measures = Measured).Judge(rule);

        verdict.Refuses("signature/signature-threshold", "attestation/statement-missing", "inspection/statement-missing", "measurement/statement-missing", "revocations/revocations-missing", "minimum/image-before-minimum");
        Assert.Equal(["trust.images[0].attestations[0]", "trust.images[0].attestations[1]"], verdict.Reasons.Where(r => r.Component == "attestation").Select(r => r.Rule));
    }

    [Fact]
    public void Inspection_IsJudgedAgainByThisPolicy()
    {
        const string rule = "inspection: {keys: [release], counter: 12}";
        new TrustBuilder().Inspection(Release).Judge(rule).Passes();
        Inspection bad = Inspections.With(Inspections.Vulnerability(Level.Critical)), old = Inspections.Clean with { Time = Now.AddDays(-40) };
        Verdict refused = new TrustBuilder().Inspection(Release, bad).Judge(rule);
        refused.Refuses("inspection/severity", "inspection/statement-missing");
        new TrustBuilder().Inspection(Release, bad).Judge(rule, "vulnerabilities: ignore").Passes();
        new TrustBuilder().Inspection(Release, bad).Judge(rule, $"exceptions: [{{id: CVE-2026-1, image: '{Repository}', reason: r, owner: o, expires: 2026-12-31}}]").Passes();
        Verdict undecided = new TrustBuilder().Inspection(Release, old).Judge(rule);
        undecided.Has(Outcome.Undecided, "inspection/inspection-old");
        undecided.Has(Outcome.Undecided, "inspection/statement-missing");
        Assert.Equal(Outcome.Undecided, undecided.Outcome);
        new TrustBuilder().Inspection(Release, Inspections.Clean with { Database = Inspections.Clean.Database with { Counter = 11 } }).Judge(rule).Refuses("inspection/database-counter");
        new TrustBuilder().Inspection(Release, Inspections.Clean with { Names = ["docker.io/library/other"] }).Judge(rule).Passes();
        Assert.Equal(Outcome.Warned, new TrustBuilder().Inspection(Release, Inspections.With(Inspections.Vulnerability(Level.Medium))).Judge(rule).Outcome);
    }

    [Fact]
    public void Inspection_OfOneKey_TheNewestCounts()
    {
        const string rule = "inspection: {keys: [release, ops]}";
        Inspection bad = Inspections.With(Inspections.Vulnerability(Level.Critical)), earlier = Inspections.Clean with { Time = Now.AddDays(-1) };
        new TrustBuilder().Inspection(Release, earlier).Inspection(Release, bad).Judge(rule).Refuses("inspection/severity");
        new TrustBuilder().Inspection(Release, bad).Inspection(Release, earlier).Judge(rule).Refuses("inspection/severity");
        new TrustBuilder().Inspection(Release, bad with { Time = Now.AddDays(-2) }).Inspection(Release, earlier).Judge(rule).Passes();
        new TrustBuilder().Inspection(Release, bad).Inspection(Ops, earlier).Judge(rule).Passes();
        new TrustBuilder().Inspection(Release, bad).Inspection(Ops, earlier).Judge(rule.Replace("]}", "], threshold: 2}", StringComparison.Ordinal)).Refuses("inspection/severity", "inspection/statement-threshold");
    }

    /// <summary>A registry that shows an older inspection once the newer one was seen here.</summary>
    [Fact]
    public void Inspection_OlderThanOneThatWasSeen_IsRefusedByName()
    {
        using TempFolder folder = new();
        const string rule = "inspection: {keys: [release, ops]}";
        Inspection bad = Inspections.With(Inspections.Vulnerability(Level.Critical)), earlier = Inspections.Clean with { Time = Now.AddDays(-1) };
        TrustBuilder Seen() => new TrustBuilder().With(b => b.SeenInspections = (key, time) => new FetchedFolder(folder.Path).SeenInspection(Config, key, time));

        Seen().Inspection(Release, earlier).Judge(rule).Passes();
        Seen().Inspection(Release, earlier).Inspection(Release, bad).Judge(rule).Refuses("inspection/severity");
        Verdict withheld = Seen().Inspection(Release, earlier).Judge(rule);
        withheld.Refuses("inspection/inspection-withheld", "inspection/statement-missing");
        // Another key's is no worse for it, nor a newer one of this.
        Seen().Inspection(Release, earlier).Inspection(Ops, earlier).Judge(rule).Passes();
        Seen().Inspection(Release, Inspections.Clean with { Time = bad.Time.AddSeconds(1) }).Judge(rule).Passes();
        // Where nobody remembers it is as it ever was.
        new TrustBuilder().Inspection(Release, earlier).Judge(rule).Passes();
    }

    [Fact]
    public void Measurement_OtherBytesOrNobodyMeasured_NeverPasses()
    {
        const string rule = "signatures: {keys: [release]}\nmeasurement: required";
        TrustBuilder Measures(Measurement? here) => new TrustBuilder().Signed(Release).Measurement(Release).With(b => b.Measures = here);
        Measures(Measured).Judge(rule).Passes();
        Verdict mismatch = Measures(Measured with { Layers = [Measured.Layers[0] with { Content = Sha384("one byte more") }] }).Judge(rule);
        mismatch.Refuses("measurement/measurement-mismatch");
        Assert.Contains("layer 1/1", mismatch.Reasons.Single(r => r.Code == "measurement-mismatch").Message, StringComparison.Ordinal);
        Verdict none = Measures(null).Judge(rule);
        Assert.Equal(Outcome.Undecided, none.Outcome);
        none.Has(Outcome.Undecided, "measurement/not-measured");
        Verdict exported = Measures(Measured).With(b => b.OnlyExported = true).Judge(rule);
        Assert.Equal(Outcome.Warned, exported.Outcome);
        exported.Has(Outcome.Warned, "measurement/unpacked-not-compared");
        Verdict different = Measures(null).With(b => (b.Differences, b.DifferencesBeyond) = (["layer 2: srv/data (changed)"], 7)).Judge(rule);
        different.Refuses("measurement/not-intact");
        Assert.Equal(8, different.Reasons.Single(r => r.Code == "not-intact").Count);
        Assert.True(TrustJudge.NeedsOf(Policy(rule), [ImageName.Parse(Repository)]).Measurement);
        Assert.False(TrustJudge.NeedsOf(Policy(One), [ImageName.Parse(Repository)]).Measurement);
    }

    [Fact]
    public void Signature_OfAnImageWithConfigOnly_IsFoundByAStatementOfTheSameKeys()
    {
        TrustBuilder Loaded() => new TrustBuilder().With(b => b.Image = b.Image with { Manifest = null });
        Loaded().Signed(Release).Measurement(Release).Judge(One).Passes();
        Loaded().Signed(Release).Judge(One).Refuses("signature/no-manifest");
        Loaded().Signed(Release).Measurement(Stranger).Judge(One).Refuses("signature/no-manifest");
        // One key must not carry the signatures of two to another image.
        const string both = "signatures: {keys: [release, ops], threshold: 2}";
        Loaded().Signed(Release, Ops).Measurement(Release).Measurement(Ops).Judge(both).Passes();
        Loaded().Signed(Release, Ops).Measurement(Release).Judge(both).Refuses("signature/no-manifest");
        Loaded().Signed(Release).Measurement(Release, subjects: [("manifest", Manifest), ("config", Other)]).Judge(One).Refuses("signature/no-manifest");
        Loaded().Signed(Release).Measurement(Release).Revoking(Ops, keys: [new(Release.PublicKey.Id, Now, "x")]).Judge(One + "\nrevocations: {keys: [ops]}").Refuses("signature/no-manifest");
    }

    [Fact]
    public void Signature_WithoutAName_CountsWhereNoNameIsAskedFor()
    {
        const string any = "signatures: {keys: [release], match: any}", signed = "https://sigstore.dev/cosign/sign/v1";
        new TrustBuilder().Sign(Release, repository: "elsewhere.example/x").Judge(any).Passes();
        new TrustBuilder().Attested(Release, signed, "{}", ("", Manifest)).Judge(any).Passes();
        new TrustBuilder().Attested(Release, signed, "{}", ("", Manifest)).Judge(One).Refuses("signature/unsigned");
        new TrustBuilder().Attested(Release, signed, "{}", ("", Other)).Judge(any).Refuses("signature/unsigned");
        new TrustBuilder().Attested(Ops, signed, "{}", ("", Manifest)).Judge(any).Refuses("signature/unsigned");
        new TrustBuilder().Attested(Release, signed, "{\"override\":\"because\"}", ("", Manifest)).Judge(any).Refuses("signature/overridden");
        // Other statements say something of an image, which may be nothing good.
        new TrustBuilder().Inspection(Release).Judge(any).Refuses("signature/unsigned");
        TrustBuilder loaded = new TrustBuilder().With(b => b.Image = b.Image with { Manifest = null }).Measurement(Release, null, null, ("config", Config));
        loaded.Judge(any).Passes();
        loaded.Judge(One).Refuses("signature/no-manifest");
        new TrustBuilder().With(b => b.Image = b.Image with { Manifest = null }).Measurement(Release, null, null, ("config", Other)).Judge(any).Refuses("signature/unsigned");
    }

    [Fact]
    public void Of_KeysOfEveryKind_Prove()
    {
        foreach (KeyAlgorithm algorithm in KeyAlgorithms.All.Where(a => a.UnsupportedHere() is null))
        {
            using ISigner key = KeyFile.Generate(algorithm);
            Policy policy = PolicyOf($"  - {{names: ['**'], signatures: {{keys: [k]}}}}\n".Replace("[k]", "[release]", StringComparison.Ordinal));
            policy = policy with { Trust = policy.Trust! with { Keys = [.. policy.Trust.Keys.Where(k => k.Name != "release"), new TrustKey("release", [new TrustedHalf(key.PublicKey.Id, key.PublicKey.ToPem())])] } };
            new TrustBuilder().Signed(key).Judge(policy).Passes();
            new TrustBuilder().Signed(Release).Judge(policy).Refuses("signature/no-key-matches");
        }
    }

    [Theory]
    [InlineData("app", "docker.io/library/app", null)]
    [InlineData("team/app:1", "docker.io/team/app", "1")]
    [InlineData("index.docker.io/library/app", "docker.io/library/app", null)]
    [InlineData("Registry.Example:5000/a/b:c@sha256:00", "registry.example:5000/a/b", "c")]
    [InlineData("localhost/a", "localhost/a", null)]
    [InlineData("192.168.64.2:5000/x", "192.168.64.2:5000/x", null)]
    [InlineData("", "", null)]
    public void ImageName_Parse_ReadsAsDockerDoes(string text, string repository, string? tag) => Assert.Equal(new ImageName(repository, tag), ImageName.Parse(text));

    [Theory]
    [InlineData("openvex", "https://openvex.dev/ns/v0.2.0", true)]
    [InlineData("openvex", "https://openvex.dev/nsx", false)]
    [InlineData("slsa-provenance", "https://slsa.dev/provenance/v0.2", true)]
    [InlineData("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2", false)]
    [InlineData("https://example.org/a", "https://example.org/a/v2/b", false)]
    public void PredicateTypes_Covers_WordsAndVersions(string wanted, string type, bool covered) => Assert.Equal(covered, PredicateTypes.Covers(wanted, type));

    [Fact]
    public void Of_HostsImageWithAProvedManifest_NeedsNoStatementForASignature()
    {
        TrustBuilder Pulled(params Digest[] indexes) => new TrustBuilder().With(b => b.Image = b.Image with { Manifest = null, Linked = [new LinkedManifest(Manifest, indexes)] });

        Pulled().Signed(Release).Judge(One).Passes();
        Pulled().Signed(Stranger).Judge(One).Refuses("signature/unsigned");
        Pulled().Sign(Release, Other).Judge(One).Refuses("signature/unsigned");
        Pulled().Sign(Release, repository: "registry.example/team/other").Judge(One).Refuses("signature/unsigned");
        Pulled().Signed(Release).Revoking(Ops, images: [new(Manifest, Now, "x")]).Judge(One + "\nrevocations: {keys: [ops]}").Refuses("revocations/image-revoked");
        // An index is signed for all of its platforms where the rule says so, and else for none.
        Pulled(IndexDigest).Sign(Release, IndexDigest).Judge(One + "\nplatforms: index").Passes();
        Pulled(IndexDigest).Sign(Release, IndexDigest).Judge(One).Refuses("signature/unsigned");
        Pulled().Sign(Release, IndexDigest).Judge(One + "\nplatforms: index").Refuses("signature/unsigned");
    }
}
