using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.TestKit;
using Plimsoll.Tests.Keys;

namespace Plimsoll.Tests.Sign;

/// <summary>How the two signatures of a hybrid key are carried, so that tools which know one of them still read it.</summary>
public sealed class HybridEvidenceTests : IDisposable
{
    private readonly MemoryStore _store = new();
    private readonly ISigner _signer = Hybrids.StandIn();
    private readonly ImageDigests _image;
    private readonly SubjectDescriptor _subject;

    public HybridEvidenceTests()
    {
        Digest manifest = _store.Manifest("""{"schemaVersion":2,"layers":[]}""", "v1");
        _image = new ImageDigests(null, manifest, null);
        _subject = new SubjectDescriptor(MediaTypes.OciManifest, manifest, _store.Manifests[manifest].Length);
    }

    public void Dispose() => _signer.Dispose();

    private static DsseEnvelope Envelope(ISigner signer) => DsseSigning.Sign(Statement.PayloadType, "{}"u8.ToArray(), signer);

    private Evidence Read() => EvidenceReader.Read(_store, _image, EvidenceLimits.Default, CancellationToken.None);

    [Fact]
    public void Sign_WithAHybridKey_IsOneSignatureOfEachPart()
    {
        using ISigner other = Hybrids.StandIn();
        DsseEnvelope envelope = Envelope(_signer), foreign = Envelope(other);
        PublicKey key = _signer.PublicKey;

        Assert.Equal(key.Parts.Select(p => p.Id), envelope.Signatures.Select(s => s.KeyId));
        Assert.True(DsseSigning.Verify(envelope, key));
        Assert.True(DsseSigning.Names(envelope, key));
        Assert.Same(key, DsseSigning.FindSigner(envelope, [other.PublicKey, key]));
        Assert.Equal("", DsseSigning.Incomplete(foreign, [key]));
        foreach (DsseEnvelope wrong in (DsseEnvelope[])[
            envelope with { Signatures = [envelope.Signatures[0]] }, envelope with { Signatures = [envelope.Signatures[1]] },
            envelope with { Signatures = [envelope.Signatures[0], foreign.Signatures[1]] }, envelope with { Signatures = [foreign.Signatures[0], envelope.Signatures[1]] }])
        {
            Assert.False(DsseSigning.Verify(wrong, key));
            Assert.Null(DsseSigning.FindSigner(wrong, [other.PublicKey, key]));
            Assert.Contains($"one part of the hybrid key {key.Id[..16]}", DsseSigning.Incomplete(wrong, [key]), StringComparison.Ordinal);
        }
        DsseEnvelope turned = envelope with { Signatures = [envelope.Signatures[1], envelope.Signatures[0]] };
        Assert.True(DsseSigning.Verify(turned, key));
        Assert.False(DsseSigning.Names(turned, key));
    }

    [Fact]
    public void AddSignature_ByAHybridKey_IsReadBackWithBothAndNotWrittenTwice()
    {
        SimpleSigning payload = new() { Reference = "registry.example/app", Manifest = _image.Manifest! };

        Assert.True(new EvidenceWriter(_store).AddSignature(_image.Manifest!, payload, _signer, CancellationToken.None));

        Digest before = _store.Tags[$"sha256-{_image.Manifest!.Hex}.sig"];
        Assert.False(new EvidenceWriter(_store).AddSignature(_image.Manifest!, payload, _signer, CancellationToken.None));
        Assert.Equal(before, _store.Tags[$"sha256-{_image.Manifest!.Hex}.sig"]);
        ImageSignature read = Assert.Single(Read().Signatures);
        Assert.Equal(Proof.Full, _signer.PublicKey.Prove(read.Payload.Span, read.All));
        // What cosign reads is the classical part's, by itself.
        Assert.True(_signer.PublicKey.Parts[0].Verify(read.Payload.Span, read.Signature.Span));
    }

    [Fact]
    public void AddSignature_TheSecondWasTakenAway_IsGivenAgain()
    {
        SimpleSigning payload = new() { Reference = "registry.example/app", Manifest = _image.Manifest! };
        EvidenceWriter writer = new(_store);
        writer.AddSignature(_image.Manifest!, payload, _signer, CancellationToken.None);
        string tag = $"sha256-{_image.Manifest!.Hex}.sig";
        Rewrite(tag, annotations => annotations.AsObject().Remove(SimpleSigning.MlDsaAnnotation));
        Assert.Equal(Proof.Incomplete, _signer.PublicKey.Prove(Assert.Single(Read().Signatures) is var stripped ? stripped.Payload.Span : default, stripped.All));

        Assert.True(writer.AddSignature(_image.Manifest!, payload, _signer, CancellationToken.None));

        Assert.Equal([Proof.Incomplete, Proof.Full], Read().Signatures.Select(s => _signer.PublicKey.Prove(s.Payload.Span, s.All)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no base64!")]
    [InlineData(null)]
    public void Read_SecondSignatureThatIsNone_IsAGap(string? second)
    {
        new EvidenceWriter(_store).AddSignature(_image.Manifest!, new SimpleSigning { Reference = "r", Manifest = _image.Manifest! }, _signer, CancellationToken.None);
        Rewrite($"sha256-{_image.Manifest!.Hex}.sig", annotations => annotations[SimpleSigning.MlDsaAnnotation] = second ?? Convert.ToBase64String(new byte[SimpleSigning.MaxSignatureBytes + 1]));

        Evidence evidence = Read();

        Assert.Empty(evidence.Signatures);
        Assert.Equal("unreadable-signature", Assert.Single(evidence.Gaps).Code);
    }

    [Fact]
    public void AddBundle_ByAHybridKey_HasOneSignatureInItAndTheOtherBeside()
    {
        DsseEnvelope envelope = Envelope(_signer);
        SigstoreBundle bundle = SigstoreBundle.Of(envelope, _signer.PublicKey);

        new EvidenceWriter(_store).AddBundle(_subject, bundle, "urn:test", DateTimeOffset.UnixEpoch, CancellationToken.None);

        JsonNode json = JsonNode.Parse(bundle.ToJson())!;
        Assert.Equal(Convert.ToBase64String(envelope.Signatures[0].Signature.Span), (string)Assert.Single(json["dsseEnvelope"]!["signatures"]!.AsArray())!["sig"]!);
        Assert.Equal(SigstoreBundle.HintOf(_signer.PublicKey.Parts[0]), (string)json["verificationMaterial"]!["publicKey"]!["hint"]!);
        Attestation read = Assert.Single(Read().Attestations);
        Assert.True(DsseSigning.Verify(read.Envelope, _signer.PublicKey));
        // The bundle's file by itself, as another tool saves it, is half of it.
        Assert.Equal(Proof.Incomplete, DsseSigning.Prove(SigstoreBundle.Parse(bundle.ToJson(), "b").Envelope!, _signer.PublicKey));
    }

    private void Rewrite(string tag, Action<JsonNode> change)
    {
        JsonNode manifest = JsonNode.Parse(_store.Manifests[_store.Tags[tag]])!;
        change(manifest["layers"]![0]!["annotations"]!);
        _store.Manifest(manifest.ToJsonString(), tag);
    }
}
