using System.Diagnostics;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Verify;
using static Plimsoll.Tests.Verify.TrustBuilder;

namespace Plimsoll.Tests.Verify;

/// <summary>Attacks on an image's evidence. Each is named in the answer, and has a twin that differs only in the attack and passes.</summary>
public sealed class TrustAttackTests
{
    private const string One = "signatures: {keys: [release]}", Both = "signatures: {keys: [release, ops], threshold: 2}";
    private const string Provenance = "attestations: [{type: slsa-provenance, keys: [ci], max-age: 7d, builder: 'https://ci.example/*', source: 'git+https://git.example/team/*', materials: ['git+https://git.example/**', 'pkg:docker/*']}]";
    private const string Revoked = One + "\nrevocations: {keys: [ops], max-age: 7d, counter: 3}";

    [Fact]
    public void Of_StatementByAnUnknownKey_IsSaidWithItsIdAndTheWantedOnes()
    {
        const string any = "signatures: {keys: [release], match: any}";
        Verdict verdict = new TrustBuilder().Measurement(Stranger).Judge(any);
        verdict.Refuses("signature/unknown-key", "signature/unsigned");
        Assert.Equal("unknown-key", verdict.Reasons[0].Code);
        // Anybody can bring it about, so that no token needs to name it.
        Assert.Equal(["signature/unsigned"], Plimsoll.Verify.Start.BreakGlassScope.CodesOf(verdict));
        Assert.Equal($"statements about the image are by keys that the rule does not know: {Stranger.PublicKey.Id[..16]} (1 statements); wanted: release {Release.PublicKey.Id[..16]}", verdict.Reasons[0].Message);

        // About another image, or by a known key and changed since; and where statements are no signatures.
        Plimsoll.Measure.Measurement other = new(TrustBuilder.Other, Measured.Layers);
        Assert.DoesNotContain(new TrustBuilder().Measurement(Stranger, other, overridden: null, ("config", TrustBuilder.Other)).Judge(any).Reasons, r => r.Code == "unknown-key");
        TrustBuilder changed = new TrustBuilder().Measurement(Release);
        DsseEnvelope envelope = changed.Attestations[0].Envelope;
        changed.Attestations[0] = changed.Attestations[0] with { Envelope = envelope with { Payload = (byte[])[.. envelope.Payload.Span, (byte)' '] } };
        changed.Judge(any).Refuses("signature/unsigned");
        Assert.DoesNotContain(changed.Judge(any).Reasons, r => r.Code == "unknown-key");
        Assert.DoesNotContain(new TrustBuilder().Measurement(Stranger).Judge(One).Reasons, r => r.Code == "unknown-key");
        new TrustBuilder().Measurement(Stranger).Measurement(Release).Judge(any).Passes();
    }

    [Fact]
    public void Of_ManyStatementsByUnknownKeys_AreOneReasonOfBoundedLength()
    {
        TrustBuilder image = new TrustBuilder().Measurement(Stranger);
        Attestation one = image.Attestations[0];
        for (int i = 1; i < 300; i++)
            image.Attestations.Add(one with { Envelope = one.Envelope with { Signatures = [.. Enumerable.Range(0, 3).Select(s => new DsseSignature($"{i:00000}-{s}-{new string('x', 5000)}", one.Envelope.Signatures[0].Signature))] }, Where = $"store: {i}" });
        Verdict verdict = image.Judge("signatures: {keys: [release], match: any}");

        Reason reason = Assert.Single(verdict.Reasons, r => r.Code == "unknown-key");
        Assert.Equal((300, 10), (reason.Count, reason.Examples.Count));
        Assert.InRange(reason.Message.Length, 100, 250);
        Assert.Contains("xxx", reason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Signature_OverAnotherDigest_IsRefused()
    {
        new TrustBuilder().Signed(Release).Judge(One).Passes();
        new TrustBuilder().Sign(Release, over: Other).Judge(One).Refuses("signature/signature-digest", "signature/unsigned");
    }

    [Fact]
    public void Signature_ByAnUnknownKey_IsRefused()
    {
        new TrustBuilder().Signed(Release).Judge(One).Passes();
        new TrustBuilder().Signed(Stranger).Judge(One).Refuses("signature/no-key-matches", "signature/unsigned");
        // One of another rule's keys is as unknown here.
        new TrustBuilder().Signed(Ci).Judge(One).Refuses("signature/no-key-matches");
        // Beside one that counts it changes nothing, and is told of.
        Verdict both = new TrustBuilder().Signed(Stranger, Release).Judge(One);
        both.Passes();
        both.Has(Outcome.Passed, "signature/no-key-matches", "signature/signed");
    }

    [Fact]
    public void Signature_PayloadChanged_IsRefused()
    {
        new TrustBuilder().Signed(Release).Judge(One).Passes();
        for (int at = 0; at < 200; at += 9)
        {
            TrustBuilder changed = new TrustBuilder().Signed(Release);
            byte[] payload = changed.Signatures[0].Payload.ToArray();
            payload[at] ^= 1;
            changed.Signatures[0] = changed.Signatures[0] with { Payload = payload };
            changed.Judge(One).Refuses("signature/no-key-matches");
        }
    }

    [Fact]
    public void Signature_MovedTag_IsRefused()
    {
        // A valid signature of another image of the same repository, found at this image's tag.
        new TrustBuilder().Sign(Release, over: Manifest, attached: Manifest).Judge(One).Passes();
        new TrustBuilder().Sign(Release, over: Other, attached: Manifest).Judge(One).Refuses("signature/signature-digest", "signature/unsigned");
    }

    [Fact]
    public void Signature_OfAnotherRepository_IsRefusedUnlessAllowed()
    {
        new TrustBuilder().Signed(Release).Judge(One).Passes();
        TrustBuilder elsewhere = new TrustBuilder().Sign(Release, repository: "registry.example/team/test");
        elsewhere.Judge(One).Refuses("signature/signature-repository");
        elsewhere.Judge(One + "\nrepositories: ['registry.example/team/t*']").Passes();
        new TrustBuilder().Sign(Release, repository: "").Judge(One + "\nrepositories: ['**']").Refuses("signature/signature-repository");
    }

    [Fact]
    public void Signature_OfAnotherTag_IsRefusedWhenExactIsAskedFor()
    {
        const string exact = "signatures: {keys: [release], match: exact}";
        new TrustBuilder().Sign(Release, repository: Repository + ":1.4").Judge(exact).Passes();
        new TrustBuilder().Sign(Release, repository: Repository + ":1.3").Judge(exact).Refuses("signature/signature-tag");
        new TrustBuilder().Sign(Release).Judge(exact).Refuses("signature/signature-tag");
        new TrustBuilder().Sign(Release, repository: Repository + ":1.3").Judge(One).Passes();
    }

    [Fact]
    public void Threshold_OneOfTwoSigners_IsRefused()
    {
        new TrustBuilder().Signed(Release, Ops).Judge(Both).Passes();
        Verdict one = new TrustBuilder().Signed(Release).Judge(Both);
        one.Refuses("signature/signature-threshold");
        Assert.Contains("signed by 1 keys, wanted 2: release", one.Reasons[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Threshold_DuplicatesOfOneKey_CountOnce()
    {
        new TrustBuilder().Signed(Release, Ops).Judge(Both).Passes();
        new TrustBuilder().Signed(Release, Release, Release).Judge(Both).Refuses("signature/signature-threshold");
    }

    [Fact]
    public void Threshold_OneKeyUnderTwoNames_CountsOnce()
    {
        const string names = "signatures: {keys: [release, release-2, ops], threshold: 2}";
        new TrustBuilder().Signed(Release, Ops).Judge(names).Passes();
        new TrustBuilder().Signed(Release, Release).Judge(names).Refuses("signature/signature-threshold");
        Assert.Contains("is one key", Assert.Throws<DocumentException>(() => Policy("signatures: {keys: [release, release-2], threshold: 2}")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Threshold_TwoVersionsOfOneKey_CountOnce()
    {
        // A rotated key: both versions prove, and both are one signer, also when one of them has a name of its own.
        string rotated = (Ci.PublicKey.ToPem() + Stranger.PublicKey.ToPem()).Replace("\n", "\\n", StringComparison.Ordinal);
        Policy Of(string keys) => Inspections.Policy($"trust:\n  keys:\n    build: {{pem: \"{rotated}\"}}\n    old: {Pem(Ci)}\n    ops: {Pem(Ops)}\n  images: [{{names: ['**'], signatures: {{keys: {keys}, threshold: 2}}}}]\n");
        new TrustBuilder().Signed(Ci, Ops).Judge(Of("[build, ops]")).Passes();
        new TrustBuilder().Signed(Stranger, Ops).Judge(Of("[build, ops]")).Passes();
        new TrustBuilder().Signed(Ci, Stranger).Judge(Of("[build, ops]")).Refuses("signature/signature-threshold");
        new TrustBuilder().Signed(Ci, Stranger).Judge(Of("[build, old, ops]")).Refuses("signature/signature-threshold");
        Assert.Contains("is one key", Assert.Throws<DocumentException>(() => Of("[build, old]")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Index_WithOneUnsignedPlatform_IsRefused()
    {
        JudgedImage image = new TrustBuilder().Image with { Index = IndexDigest, Platforms = [new(Manifest, "linux/amd64"), new(ArmManifest, "linux/arm64")] };
        TrustBuilder All() => new TrustBuilder().With(b => b.Image = image).Sign(Release, IndexDigest).Sign(Release, Manifest);
        All().Sign(Release, ArmManifest).Judge(One).Passes();

        Verdict verdict = All().Judge(One);

        verdict.Refuses("platforms/platform-unsigned");
        Assert.Equal([$"linux/arm64 {ArmManifest}"], verdict.Reasons[0].Examples);
        verdict.Has(Outcome.Passed, "signature/signed");
        All().Judge(One + "\nplatforms: index").Passes();
        new TrustBuilder().With(b => b.Image = image).Sign(Release, Manifest).Sign(Release, ArmManifest).Judge(One).Refuses("signature/unsigned");
        // An index that leaves out what was chosen from it.
        All().With(b => b.Image = image with { Manifest = Other, Platforms = [new(Manifest, "linux/amd64")] }).Judge(One).Refuses("platforms/platform-unsigned");
    }

    [Fact]
    public void Minimum_OldButValidlySignedImage_IsRefused()
    {
        const string created = One + "\nminimum: {created-after: 2026-02-01}", counter = One + "\nminimum: {counter: 7}", signed = One + "\nminimum: {not-before: 2026-02-01}";
        new TrustBuilder().Signed(Release).Judge(created).Passes();
        new TrustBuilder().Signed(Release).With(b => b.Image = b.Image with { Created = Now.AddDays(-60) }).Judge(created).Refuses("minimum/image-before-minimum");
        new TrustBuilder().Signed(Release).With(b => b.Image = b.Image with { Created = null }).Judge(created).Refuses("minimum/image-undated");
        new TrustBuilder().Sign(Release, optional: ("counter", "7")).Judge(counter).Passes();
        new TrustBuilder().Sign(Release, optional: ("counter", "6")).Judge(counter).Refuses("signature/counter-below");
        new TrustBuilder().Signed(Release).Judge(counter).Refuses("signature/counter-below");
        new TrustBuilder().Sign(Release, time: Now).Judge(signed).Passes();
        new TrustBuilder().Sign(Release, time: Now.AddDays(-60)).Judge(signed).Refuses("signature/before-minimum");
        new TrustBuilder().Signed(Release).Judge(signed).Refuses("signature/before-minimum");
    }

    [Fact]
    public void Evidence_HundredThousandSignatures_CostsBoundedTimeAndIsNamed()
    {
        new TrustBuilder().Signed(Release).Judge(One).Passes();
        TrustBuilder many = new TrustBuilder().Signed(Stranger);
        many.Signatures.AddRange(Enumerable.Repeat(many.Signatures[0], 99_999));
        many.Signed(Release);
        Stopwatch watch = Stopwatch.StartNew();

        Verdict verdict = many.Judge(One);

        verdict.Refuses("signature/unsigned");
        verdict.Has(Outcome.Undecided, "evidence/too-many-signatures");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{watch.Elapsed}");
        // Also when the first of them suffices: what was not looked at is not passed over.
        many.Signatures.Insert(0, many.Signatures[^1]);
        Verdict first = many.Judge(One);
        Assert.Equal(Outcome.Undecided, first.Outcome);
        first.Has(Outcome.Passed, "signature/signed");
        // A policy may let it pass with a word, as it may with all that was not read.
        Verdict warned = many.Judge(One + "\nunreadable: warn");
        Assert.Equal(Outcome.Warned, warned.Outcome);
        warned.Has(Outcome.Warned, "evidence/too-many-signatures");
    }

    [Fact]
    public void Evidence_TruncatedBundle_IsNamed()
    {
        new TrustBuilder().Signed(Release).Judge(One).Passes();
        TrustBuilder cut = new TrustBuilder().Signed(Release).With(b => b.Gaps.Add(new EvidenceGap("unreadable-bundle", "b.tar: ends after 100 bytes")));
        Verdict verdict = cut.Judge(One);
        Assert.Equal(Outcome.Undecided, verdict.Outcome);
        verdict.Has(Outcome.Undecided, "evidence/evidence-gap");
        Assert.Contains("unreadable-bundle", verdict.Reasons[0].Message, StringComparison.Ordinal);
        cut.Judge(One + "\nunreadable: fail").Refuses("evidence/evidence-gap");
        Assert.Equal(Outcome.Warned, cut.Judge(One + "\nunreadable: warn").Outcome);
        // Signed with a certificate: read, and nothing that a rule with keys could take.
        new TrustBuilder().Signed(Release).With(b => b.Gaps.Add(new EvidenceGap("unsupported-identity", "x"))).Judge(One).Passes();
    }

    [Fact]
    public void Attestation_Expired_IsRefused()
    {
        new TrustBuilder().Provenance(Ci, finished: Now.AddDays(-6)).Judge(Provenance).Passes();
        new TrustBuilder().Provenance(Ci, finished: Now.AddDays(-8)).Judge(Provenance).Refuses("attestation/statement-old", "attestation/statement-missing");
        new TrustBuilder().Provenance(Ci, finished: Now.AddDays(8)).Judge(Provenance).Refuses("attestation/statement-old");
        new TrustBuilder().Attested(Ci, "https://slsa.dev/provenance/v1", """{"runDetails":{"builder":{"id":"https://ci.example/runner"}}}""").Judge(Provenance).Refuses("attestation/statement-undated");
    }

    [Fact]
    public void Attestation_MissingOrByAnotherKey_IsRefused()
    {
        new TrustBuilder().Provenance(Ci).Judge(Provenance).Passes();
        new TrustBuilder().Judge(Provenance).Refuses("attestation/statement-missing");
        new TrustBuilder().Provenance(Stranger).Judge(Provenance).Refuses("attestation/no-key-matches");
        new TrustBuilder().Provenance(Release).Signed(Release).Judge(One + "\n" + Provenance).Refuses("attestation/key-not-allowed");
        new TrustBuilder().Provenance(Ci).Judge(Provenance.Replace("slsa-provenance", "https://slsa.dev/provenance/v0.2", StringComparison.Ordinal)).Refuses("attestation/statement-missing");
    }

    [Fact]
    public void Provenance_OtherBuilderSourceOrMaterials_IsRefused()
    {
        new TrustBuilder().Provenance(Ci).Judge(Provenance).Passes();
        new TrustBuilder().Provenance(Ci, builder: "https://laptop.example/alice").Judge(Provenance).Refuses("attestation/provenance-builder");
        new TrustBuilder().Provenance(Ci, source: "git+https://git.example/other/app").Judge(Provenance).Refuses("attestation/provenance-source");
        new TrustBuilder().Provenance(Ci, source: "git+https://git.example/team/app").Judge(Provenance.Replace("'pkg:docker/*'", "'pkg:npm/*'", StringComparison.Ordinal)).Refuses("attestation/provenance-materials");
        const string old = """{"builder":{"id":"https://ci.example/runner"},"metadata":{"buildFinishedOn":"2026-03-01T08:00:00.123Z"},"materials":[{"uri":"git+https://git.example/team/app@refs/heads/main"}]}""";
        new TrustBuilder().Attested(Ci, "https://slsa.dev/provenance/v0.2", old).Judge(Provenance).Refuses("attestation/provenance-source");
        new TrustBuilder().Attested(Ci, "https://slsa.dev/provenance/v0.2", old).Judge(Provenance.Replace("team/*", "team/**", StringComparison.Ordinal)).Passes();
        new TrustBuilder().Attested(Ci, "https://slsa.dev/provenance/v0.2", old.Replace("git+https://git.example", "x", StringComparison.Ordinal)).Judge(Provenance).Refuses("attestation/provenance-source");
    }

    [Fact]
    public void Statement_AboutAnotherImage_IsRefused()
    {
        new TrustBuilder().Attested(Ci, "https://spdx.dev/Document/v2.3", "{}", ("app", Manifest)).Judge("attestations: [{type: spdx, keys: [ci]}]").Passes();
        new TrustBuilder().Attested(Ci, "https://spdx.dev/Document/v2.3", "{}", ("app", Other)).Judge("attestations: [{type: spdx, keys: [ci]}]").Refuses("attestation/statement-subject");

        const string measured = "measurement: {keys: [release]}";
        TrustBuilder Of(params (string, Digest)[] subjects) => new TrustBuilder().With(b => (b.Measures, b.Image) = (Measured, b.Image with { Index = IndexDigest })).Measurement(Release, null, null, subjects);
        Of(("manifest", Manifest), ("config", Config), ("index", IndexDigest)).Judge(measured).Passes();
        Of(("config", Config)).Judge(measured).Passes();
        // The index alone is what all its platforms have in common.
        Of(("manifest", ArmManifest), ("config", Config), ("index", IndexDigest)).Judge(measured).Refuses("measurement/statement-subject");
        Of(("manifest", Manifest), ("config", Other), ("index", IndexDigest)).Judge(measured).Refuses("measurement/statement-subject");
        Of(("manifest", Manifest), ("config", Config), ("index", Other)).Judge(measured).Refuses("measurement/statement-subject");
        Of(("index", IndexDigest)).Judge(measured).Refuses("measurement/statement-subject");
    }

    [Fact]
    public void Envelope_PayloadTypeSwapped_IsRefused()
    {
        byte[] statement = new Statement([new Subject("app", Manifest)], "https://spdx.dev/Document", "{}"u8.ToArray()).ToJson();
        const string rule = "attestations: [{type: spdx, keys: [ci]}]";
        new TrustBuilder().AttestedBytes(Ci, statement).Judge(rule).Passes();
        // Signed as something else, and shown as what it is not.
        new TrustBuilder().AttestedBytes(Ci, statement, "text/plain").Judge(rule).Refuses("attestation/payload-type");
        TrustBuilder swapped = new TrustBuilder().AttestedBytes(Ci, statement, "text/plain");
        swapped.Attestations[0] = swapped.Attestations[0] with { Envelope = swapped.Attestations[0].Envelope with { PayloadType = Statement.PayloadType } };
        swapped.Judge(rule).Refuses("attestation/no-key-matches");
        // And a list of revocations that is no such list.
        new TrustBuilder().Signed(Release).With(b => b.Revocations = DsseSigning.Sign(Statement.PayloadType, statement, Ops).ToJson()).Judge(Revoked).Refuses("revocations/revocations-malformed");
    }

    [Theory]
    [InlineData("{\"critical\":{\"identity\":{\"docker-reference\":\"R\"},\"image\":{\"docker-manifest-digest\":\"O\"},\"type\":\"T\"},\"critical\":{\"identity\":{\"docker-reference\":\"R\"},\"image\":{\"docker-manifest-digest\":\"M\"},\"type\":\"T\"},\"optional\":null}")]
    [InlineData("{\"critical\":{\"identity\":{\"docker-reference\":\"R\"},\"image\":{\"docker-manifest-digest\":\"M\",\"Docker-Manifest-Digest\":\"O\"},\"type\":\"T\"},\"optional\":null}")]
    [InlineData("{\"critical\":{\"identity\":{\"docker-reference\":\"R\"},\"image\":{\"docker-manifest-digest\":\"M\"},\"type\":\"atomic container signature\"},\"optional\":null}")]
    [InlineData("{\"critical\":{\"identity\":{\"docker-reference\":\"R\"},\"image\":{\"docker-manifest-digest\":\"M\"},\"type\":\"T\",\"more\":1},\"optional\":null}")]
    public void Payload_WithTwoReadings_IsRefused(string payload)
    {
        const string good = "{\"critical\":{\"identity\":{\"docker-reference\":\"R\"},\"image\":{\"docker-manifest-digest\":\"M\"},\"type\":\"T\"},\"optional\":null}";
        byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text.Replace("\"R\"", $"\"{Repository}\"", StringComparison.Ordinal).Replace("\"M\"", $"\"{Manifest}\"", StringComparison.Ordinal)
            .Replace("\"O\"", $"\"{Other}\"", StringComparison.Ordinal).Replace("\"T\"", $"\"{SimpleSigning.Kind}\"", StringComparison.Ordinal));
        new TrustBuilder().SignBytes(Release, Bytes(good), Manifest).Judge(One).Passes();

        new TrustBuilder().SignBytes(Release, Bytes(payload), Manifest).Judge(One).Refuses("signature/payload-malformed");
    }

    [Theory]
    [InlineData("{\"_type\":\"T\",\"subject\":S,\"subject\":[],\"predicateType\":\"P\",\"predicate\":{}}")]
    [InlineData("{\"_type\":\"T\",\"subject\":S,\"Subject\":[],\"predicateType\":\"P\",\"predicate\":{}}")]
    [InlineData("{\"_type\":\"T\",\"subject\":S,\"predicateType\":\"P\",\"PredicateType\":\"Q\",\"predicate\":{}}")]
    [InlineData("{\"_type\":\"https://in-toto.io/Statement/v2\",\"subject\":S,\"predicateType\":\"P\",\"predicate\":{}}")]
    [InlineData("{\"_type\":\"T\",\"subject\":S,\"predicateType\":\"P\",\"predicate\":{\"a\":1,\"a\":2}}")]
    [InlineData("[]")]
    public void Statement_WithTwoReadings_IsRefused(string payload)
    {
        byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text.Replace("S", $"[{{\"name\":\"x\",\"digest\":{{\"sha256\":\"{Manifest.Hex}\"}}}}]", StringComparison.Ordinal)
            .Replace("\"T\"", $"\"{Statement.Type}\"", StringComparison.Ordinal).Replace("\"P\"", "\"https://spdx.dev/Document\"", StringComparison.Ordinal));
        const string rule = "attestations: [{type: spdx, keys: [ci]}]";
        new TrustBuilder().AttestedBytes(Ci, Bytes("{\"_type\":\"T\", \"subject\":S,\"predicateType\":\"P\",\"predicate\":{\"a\":1}}")).Judge(rule).Passes();

        new TrustBuilder().AttestedBytes(Ci, Bytes(payload)).Judge(rule).Refuses("attestation/payload-malformed");
    }

    [Fact]
    public void Overridden_StatementOrSignature_NeverSatisfies()
    {
        const string inspected = "inspection: {keys: [release]}", measured = "measurement: {keys: [release]}";
        Verdict refused = new() { Outcome = Outcome.Refused, Policy = "p", PolicyDigest = "d", Reasons = [new Reason { Code = "severity", Outcome = Outcome.Refused, Message = "m" }] };
        new TrustBuilder().Inspection(Release).Judge(inspected).Passes();
        new TrustBuilder().Inspection(Release, verdict: refused).Judge(inspected).Refuses("inspection/overridden", "inspection/statement-missing");
        new TrustBuilder().Inspection(Release, verdict: refused).Judge(inspected + "\noverridden: ignore").Passes();
        new TrustBuilder().Measurement(Release).With(b => b.Measures = Measured).Judge(measured).Passes();
        new TrustBuilder().Measurement(Release, overridden: "because").With(b => b.Measures = Measured).Judge(measured).Refuses("measurement/overridden");
        new TrustBuilder().Sign(Release, optional: (SimpleSigning.OverrideName, "because")).Judge(One).Refuses("signature/overridden");
        new TrustBuilder().Sign(Release, optional: ("a", "because")).Judge(One).Passes();
        new TrustBuilder().Measurement(Release, overridden: "because").Judge("attestations: [{type: measurement, keys: [release]}]").Refuses("attestation/overridden");
    }

    [Fact]
    public void Overridden_WarnedOf_PassesWithAWarning()
    {
        Verdict verdict = new TrustBuilder().Sign(Release, optional: (SimpleSigning.OverrideName, "because")).Judge(One + "\noverridden: warn");

        Assert.Equal(Outcome.Warned, verdict.Outcome);
        verdict.Has(Outcome.Warned, "signature/overridden");
    }

    [Fact]
    public void Revocations_KeyOrImage_IsRefused()
    {
        new TrustBuilder().Signed(Release).Revoking(Ops, keys: [new(Stranger.PublicKey.Id, Now, "lost")], images: [new(Other, Now, "bad")]).Judge(Revoked).Passes();
        new TrustBuilder().Signed(Release).Revoking(Ops, keys: [new(Release.PublicKey.Id, Now, "lost")]).Judge(Revoked).Refuses("signature/key-revoked", "signature/unsigned");
        foreach (Digest digest in (Digest[])[Manifest, Config])
            new TrustBuilder().Signed(Release).Revoking(Ops, images: [new(digest, Now, "bad")]).Judge(Revoked).Refuses("revocations/image-revoked");
        new TrustBuilder().Provenance(Ci).Revoking(Ops, keys: [new(Ci.PublicKey.Id, Now, "lost")]).Judge(Provenance + "\nrevocations: {keys: [ops]}").Refuses("attestation/key-revoked");
        new TrustBuilder().Signed(Release).Revoking(Ops, keys: [new(Ops.PublicKey.Id, Now, "lost")]).Judge(Revoked).Refuses("revocations/revocations-key-revoked");
    }

    [Fact]
    public void Revocations_OfTheManifest_AlsoHoldWhereOnlyTheConfigIsKnown()
    {
        // A Docker host: the image came by load, and what was revoked is what the registry calls it.
        TrustBuilder Host(params Digest[] revoked) => new TrustBuilder { Image = new() { Names = [ImageName.Parse(Repository + ":1.4")], Config = Config } }
            .Signed(Release).Measurement(Release, null, null, ("manifest", Manifest), ("config", Config), ("index", IndexDigest))
            .Revoking(Ops, images: [.. revoked.Select(d => new RevokedImage(d, Now, "bad"))]);

        Host(Other).Judge(Revoked).Passes();
        Host(Manifest).Judge(Revoked).Refuses("revocations/image-revoked");
        Host(IndexDigest).Judge(Revoked).Refuses("revocations/image-revoked");
        // A stranger's word, or that of a key that counts no longer, makes no image another.
        new TrustBuilder().Signed(Release).Measurement(Stranger, null, null, ("manifest", Manifest), ("config", Config), ("index", Other)).Revoking(Ops, images: [new(Other, Now, "bad")]).Judge(Revoked).Passes();
        const string either = "signatures: {keys: [release, ci]}\nrevocations: {keys: [ops], max-age: 7d, counter: 3}";
        TrustBuilder Stolen(params RevokedKey[] keys) => new TrustBuilder().Signed(Release).Measurement(Ci, null, null, ("manifest", Manifest), ("config", Config), ("index", Other)).Revoking(Ops, keys: keys, images: [new(Other, Now, "bad")]);
        Stolen(new RevokedKey(Ci.PublicKey.Id, Now, "stolen")).Judge(either).Passes();
        Stolen().Judge(either).Refuses("revocations/image-revoked");
    }

    [Fact]
    public void Revocations_GivenToARuleThatNamesNoKeys_IsUndecided()
    {
        new TrustBuilder().Signed(Release).Judge(One).Passes();
        Verdict given = new TrustBuilder().Signed(Release).Revoking(Ops, images: [new(Manifest, Now, "bad")]).Judge(One);

        Assert.Equal(Outcome.Undecided, given.Outcome);
        given.Has(Outcome.Undecided, "revocations/revocations-not-asked");
    }

    [Fact]
    public void Revocations_OlderListThanOneSeen_IsRefused()
    {
        new TrustBuilder().Signed(Release).Revoking(Ops, counter: 5).With(b => b.SeenRevocations = 5).Judge(Revoked).Passes();
        new TrustBuilder().Signed(Release).Revoking(Ops, counter: 4).With(b => b.SeenRevocations = 5).Judge(Revoked).Refuses("revocations/revocations-rolled-back");
        new TrustBuilder().Signed(Release).Revoking(Ops, counter: 2).Judge(Revoked).Refuses("revocations/revocations-rolled-back");
    }

    [Fact]
    public void Revocations_WithheldOrTooOldOrOfAnotherKey_IsRefused()
    {
        new TrustBuilder().Signed(Release).Revoking(Ops, signed: Now.AddDays(-6)).Judge(Revoked).Passes();
        new TrustBuilder().Signed(Release).Judge(Revoked).Refuses("revocations/revocations-missing");
        Verdict old = new TrustBuilder().Signed(Release).Revoking(Ops, signed: Now.AddDays(-8), keys: [new(Release.PublicKey.Id, Now, "lost")]).Judge(Revoked);
        // What an old list revokes stays revoked.
        old.Refuses("revocations/revocations-old", "signature/key-revoked");
        new TrustBuilder().Signed(Release).Revoking(Release).Judge(Revoked).Refuses("revocations/revocations-unsigned");
    }
}
