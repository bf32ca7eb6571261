using System.Text;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Sign;

/// <summary>What a writer puts beside an image a reader finds; what others put there is bounded and told of.</summary>
public sealed class EvidenceTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly MemoryStore _store = new();
    private readonly ISigner _signer = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
    private readonly ISigner _other = KeyFile.Generate(KeyAlgorithm.EcdsaP384);
    private readonly ImageDigests _image;
    private readonly SubjectDescriptor _subject;

    public EvidenceTests()
    {
        Digest config = _store.Blob("{\"image\":1}");
        Digest manifest = _store.Manifest($$"""{"schemaVersion":2,"config":{"mediaType":"{{MediaTypes.OciConfig}}","digest":"{{config}}","size":11},"layers":[]}""", "v1");
        _image = new ImageDigests(null, manifest, config);
        _subject = new SubjectDescriptor(MediaTypes.OciManifest, manifest, _store.Manifests[manifest].Length);
    }

    public void Dispose()
    {
        _signer.Dispose();
        _other.Dispose();
    }

    private SimpleSigning Payload => new() { Reference = "registry.example/team/app", Manifest = _image.Manifest! };

    private string Tag(string suffix) => $"sha256-{_image.Manifest!.Hex}.{suffix}";

    private EvidenceWriter Writer => new(_store);

    private Evidence Read(EvidenceLimits? limits = null) => EvidenceReader.Read(_store, _image, limits ?? EvidenceLimits.Default, CancellationToken.None);

    private static string[] Codes(Evidence evidence) => [.. evidence.Gaps.Select(g => g.Code)];

    private SigstoreBundle Bundle(Digest subject, ISigner? signer = null) =>
        SigstoreBundle.Of(DsseSigning.Sign(Statement.PayloadType, new Statement([new Subject("manifest", subject)], "urn:test", "{}"u8.ToArray()).ToJson(), signer ?? _signer), (signer ?? _signer).PublicKey);

    private Digest Artifact(string layers, string subject) => _store.Manifest(
        $$$"""{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:{{{new string('0', 64)}}}","size":2},"layers":[{{{layers}}}],"subject":{{{subject}}}}""");

    private string Layer(string mediaType, string content, string annotations = "{}") => $$"""{"mediaType":"{{mediaType}}","digest":"{{_store.Blob(content)}}","size":{{Encoding.UTF8.GetByteCount(content)}},"annotations":{{annotations}}}""";

    private static string Refers(Digest digest) => $$"""{"mediaType":"{{MediaTypes.OciManifest}}","digest":"{{digest}}","size":1}""";

    [Fact]
    public void Read_NothingThere_IsEmpty()
    {
        Evidence evidence = Read();

        Assert.Empty(evidence.Signatures);
        Assert.Empty(evidence.Attestations);
        Assert.Empty(evidence.Gaps);
    }

    [Fact]
    public void AddSignature_TwoSigners_BothAreFoundAndTheFirstIsByteForByteTheSame()
    {
        Assert.True(Writer.AddSignature(_image.Manifest!, Payload, _signer, CancellationToken.None));
        ImageSignature first = Assert.Single(Read().Signatures);
        Assert.True(Writer.AddSignature(_image.Manifest!, Payload, _other, CancellationToken.None));
        Evidence evidence = Read();

        Assert.Equal(2, evidence.Signatures.Count);
        Assert.Equal(first.Signature.ToArray(), evidence.Signatures[0].Signature.ToArray());
        Assert.True(_signer.PublicKey.Verify(evidence.Signatures[0].Payload.Span, evidence.Signatures[0].Signature.Span));
        Assert.True(_other.PublicKey.Verify(evidence.Signatures[1].Payload.Span, evidence.Signatures[1].Signature.Span));
        Assert.All(evidence.Signatures, s => Assert.Equal(_image.Manifest, s.Attached));
        Assert.Empty(evidence.Gaps);
    }

    [Fact]
    public void AddSignature_SameKeyAndPayloadAgain_WritesNothing()
    {
        Writer.AddSignature(_image.Manifest!, Payload, _signer, CancellationToken.None);
        Digest before = _store.Tags[Tag("sig")];

        Assert.False(Writer.AddSignature(_image.Manifest!, Payload, _signer, CancellationToken.None));

        Assert.Equal(before, _store.Tags[Tag("sig")]);
        Assert.True(Writer.AddSignature(_image.Manifest!, Payload with { Reference = "elsewhere" }, _signer, CancellationToken.None));
        Assert.Equal(2, Read().Signatures.Count);
    }

    [Fact]
    public void AddSignature_AnotherSignerWritesMeanwhile_KeepsBoth()
    {
        int blobs = 0;
        // The second blob is the config: we have read the tag by then and will write it next.
        _store.BeforeBlob = () =>
        {
            if (++blobs == 2)
                Writer.AddSignature(_image.Manifest!, Payload, _other, CancellationToken.None);
        };

        Assert.True(Writer.AddSignature(_image.Manifest!, Payload, _signer, CancellationToken.None));

        Evidence evidence = Read();
        Assert.Equal(2, evidence.Signatures.Count);
        foreach (ISigner signer in (ISigner[])[_signer, _other])
            Assert.Single(evidence.Signatures, s => signer.PublicKey.Verify(s.Payload.Span, s.Signature.Span));
    }

    [Fact]
    public void AddSignature_TagIsOverwrittenEachTime_IsAnErrorAndNoLie()
    {
        Digest foreign = _store.Manifest("""{"schemaVersion":2,"layers":[]}""");
        ForgetfulStore forgetful = new(_store, Tag("sig"), foreign);

        ImageException e = Assert.Throws<ImageException>(() => new EvidenceWriter(forgetful).AddSignature(_image.Manifest!, Payload, _signer, CancellationToken.None));

        Assert.Equal(ImageError.PeerFailed, e.Error);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"schemaVersion\":2,\"layers\":[{\"digest\":\"sha256:1\"}]}")]
    [InlineData("{\"schemaVersion\":2,\"manifests\":[]}")]
    [InlineData("{\"schemaVersion\":2,\"layers\":[],\"Layers\":[]}")]
    public void AddSignature_TagHoldsSomethingElse_LeavesItAsItIs(string json)
    {
        Digest there = _store.Manifest(json, Tag("sig"));

        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => Writer.AddSignature(_image.Manifest!, Payload, _signer, CancellationToken.None)).Error);
        Assert.Equal(there, _store.Tags[Tag("sig")]);
    }

    [Fact]
    public void AddBundle_Statement_IsFoundByItsSubjectOnly()
    {
        Digest added = Writer.AddBundle(_subject, Bundle(_image.Manifest!), "urn:test", Now, CancellationToken.None);
        Writer.AddContents(_subject, [new SideContent("text/plain", "files"u8.ToArray())], Now, CancellationToken.None);

        Evidence evidence = Read();
        Attestation found = Assert.Single(evidence.Attestations);
        Assert.Equal((_image.Manifest, $"memory: {added}"), (found.Attached, found.Where));
        Assert.True(DsseSigning.Verify(found.Envelope, _signer.PublicKey));
        Assert.Empty(evidence.Gaps);
        Assert.Empty(EvidenceReader.Read(_store, new ImageDigests(null, Digest.Of("other"u8), null), EvidenceLimits.Default, CancellationToken.None).Attestations);
        // One layer, or cosign 2.5 passes over it.
        Assert.StartsWith(
            """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","digest":""",
            Encoding.UTF8.GetString(_store.Manifests[added]), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_HostThatKnowsTheConfigOnly_FindsTheStatementInABundleFileButNoOtherImages()
    {
        Writer.AddBundle(_subject, SigstoreBundle.Of(DsseSigning.Sign(Statement.PayloadType, new Statement([new Subject("manifest", _image.Manifest!), new Subject("config", _image.Config!)], "urn:test", "{}"u8.ToArray()).ToJson(), _signer), _signer.PublicKey), "urn:test", Now, CancellationToken.None);
        Writer.AddBundle(_subject, Bundle(_image.Manifest!), "urn:test", Now, CancellationToken.None);

        Evidence evidence = EvidenceReader.Read(_store, new ImageDigests(null, null, _image.Config), EvidenceLimits.Default, CancellationToken.None);

        Assert.Equal(_image.Manifest, Assert.Single(evidence.Attestations).Attached);
        Assert.Empty(evidence.Gaps);
    }

    [Fact]
    public void Read_AttestationsOfCosignBeforeBundles_AreFound()
    {
        string envelope = Encoding.UTF8.GetString(Bundle(_image.Manifest!).Envelope!.ToJson());
        _store.Manifest($$"""{"schemaVersion":2,"layers":[{{Layer(EvidenceReader.EnvelopeMediaType, envelope, """{"dev.cosignproject.cosign/signature":"","predicateType":"urn:test"}""")}},{{Layer(EvidenceReader.EnvelopeMediaType, "{}")}}]}""", Tag("att"));

        Evidence evidence = Read();

        Assert.True(DsseSigning.Verify(Assert.Single(evidence.Attestations).Envelope, _signer.PublicKey));
        Assert.Equal(["unreadable-attestation"], Codes(evidence));
    }

    [Fact]
    public void Read_ReferrerOfAnotherImage_IsAGapAndNoEvidence()
    {
        Digest other = _store.Manifest("""{"schemaVersion":2,"layers":[],"x":2}""");
        Digest moved = Writer.AddBundle(new SubjectDescriptor(MediaTypes.OciManifest, other, 1), Bundle(other), "urn:test", Now, CancellationToken.None);
        _store.Referrers = _ => [_store.DescriptorOf(moved)];

        Evidence evidence = Read();

        Assert.Empty(evidence.Attestations);
        Assert.Contains("other-subject", Codes(evidence));
    }

    [Fact]
    public void Read_StoreAnswersWithAnotherManifest_IsAGap()
    {
        Digest added = Writer.AddBundle(_subject, Bundle(_image.Manifest!), "urn:test", Now, CancellationToken.None);
        Digest asked = Digest.Of("asked"u8);
        _store.Referrers = _ => [_store.DescriptorOf(added) with { Digest = asked.ToString() }];

        ImageDigests image = new(null, _image.Manifest, null);
        Evidence missing = EvidenceReader.Read(new Narrow(_store), image, EvidenceLimits.Default, CancellationToken.None);
        _store.Tags[asked.ToString()] = added;
        Evidence swapped = EvidenceReader.Read(new Narrow(_store) { ByName = true }, image, EvidenceLimits.Default, CancellationToken.None);

        Assert.Equal(["missing-referrer"], Codes(missing));
        Assert.Equal(["unreadable-artifact"], Codes(swapped));
        Assert.Empty(swapped.Attestations);
    }

    [Theory]
    [InlineData("{", "unreadable-bundle")]
    [InlineData("{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":{\"certificate\":{}},\"dsseEnvelope\":{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[]}}", "unsupported-identity")]
    [InlineData("{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":{\"publicKey\":{}},\"messageSignature\":{}}", "unsupported-signature")]
    public void Read_BundleThatCannotBeJudged_IsAGapByName(string json, string code)
    {
        Artifact(Layer(SigstoreBundle.MediaType, json), Refers(_image.Manifest!));

        Evidence evidence = Read();

        Assert.Equal([code], Codes(evidence));
        Assert.Empty(evidence.Attestations);
    }

    [Fact]
    public void Read_BlobOfOtherBytesOrOtherLength_IsAGap()
    {
        string bundle = Encoding.UTF8.GetString(Bundle(_image.Manifest!).ToJson());
        Artifact(Layer(SigstoreBundle.MediaType, bundle), Refers(_image.Manifest!));
        Assert.Single(Read().Attestations);
        Digest blob = Digest.Of(Encoding.UTF8.GetBytes(bundle));

        foreach (byte[] wrong in (byte[][])[[.. _store.Blobs[blob][..^2], (byte)' ', (byte)'}'], _store.Blobs[blob][..^1], [.. _store.Blobs[blob], 32]])
        {
            _store.Blobs[blob] = wrong;
            Evidence evidence = Read();
            Assert.Empty(evidence.Attestations);
            Assert.Equal(["unreadable-artifact"], Codes(evidence));
        }
        _store.Blobs.Remove(blob);
        Assert.Equal(["unreadable-artifact"], Codes(Read()));
    }

    [Theory]
    [InlineData("{}", "unreadable-signature")]
    [InlineData("{\"dev.cosignproject.cosign/signature\":\"?\"}", "unreadable-signature")]
    [InlineData("{\"dev.cosignproject.cosign/signature\":\"AA==\",\"dev.sigstore.cosign/certificate\":\"x\"}", "unsupported-identity")]
    public void Read_SignatureLayerThatCannotBeJudged_IsAGapByName(string annotations, string code)
    {
        _store.Manifest($$"""{"schemaVersion":2,"layers":[{{Layer(SimpleSigning.MediaType, "{}", annotations)}}]}""", Tag("sig"));

        Evidence evidence = Read();

        Assert.Equal([code], Codes(evidence));
        Assert.Empty(evidence.Signatures);
    }

    [Fact]
    public void Read_OneSignatureMoreThanTheBound_ReadsTheFirstAndSaysSo()
    {
        EvidenceLimits limits = EvidenceLimits.Default with { MaxSignatures = 5 };
        void Fill(int count) => _store.Manifest($$"""{"schemaVersion":2,"layers":[{{string.Join(',', Enumerable.Range(0, count).Select(i => Layer(SimpleSigning.MediaType, $"{i}", """{"dev.cosignproject.cosign/signature":"AA=="}""")))}}]}""", Tag("sig"));

        Fill(5);
        Assert.Empty(Read(limits).Gaps);
        Fill(6);
        Evidence evidence = Read(limits);
        Assert.Equal(5, evidence.Signatures.Count);
        Assert.Equal(["too-many-signatures"], Codes(evidence));
    }

    [Fact]
    public void Read_BoundOverTagsAndReferrersTogether_IsOne()
    {
        for (int i = 0; i < 3; i++)
            Artifact(Layer(SigstoreBundle.MediaType, Encoding.UTF8.GetString(Bundle(_image.Manifest!).ToJson())), Refers(_image.Manifest!));
        string layer = Layer(SimpleSigning.MediaType, "{}", """{"dev.cosignproject.cosign/signature":"AA=="}""");
        _store.Manifest($$"""{"schemaVersion":2,"layers":[{{layer}},{{layer}},{{layer}}]}""", Tag("sig"));

        Assert.Empty(Read(EvidenceLimits.Default with { MaxSignatures = 6 }).Gaps);
        Evidence evidence = Read(EvidenceLimits.Default with { MaxSignatures = 5 });
        Assert.Equal(5, evidence.Signatures.Count + evidence.Attestations.Count);
        Assert.Equal(["too-many-signatures"], Codes(evidence));
    }

    [Fact]
    public void Read_TagOfTwentyThousandSignatures_ReadsTheFirstAndSaysSo()
    {
        string layer = Layer(SimpleSigning.MediaType, "{}", """{"dev.cosignproject.cosign/signature":"AA=="}""");
        _store.Manifest($$"""{"schemaVersion":2,"layers":[{{string.Join(',', Enumerable.Repeat(layer, 20_000))}}]}""", Tag("sig"));

        Evidence evidence = Read();

        Assert.Equal(EvidenceLimits.Default.MaxSignatures, evidence.Signatures.Count);
        Assert.Equal(["too-many-signatures"], Codes(evidence));
        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => Writer.AddSignature(_image.Manifest!, Payload, _signer, CancellationToken.None)).Error);
    }

    [Fact]
    public void Read_HundredThousandReferrers_StaysBoundedAndSaysSo()
    {
        Digest added = Writer.AddBundle(_subject, Bundle(_image.Manifest!), "urn:test", Now, CancellationToken.None);
        Descriptor real = _store.DescriptorOf(added);
        _store.Referrers = _ => [.. Enumerable.Range(0, 100_000).Select(i => real with { Digest = Digest.Of(BitConverter.GetBytes(i)).ToString() }), real];
        int before = _store.Reads;
        long allocated = GC.GetAllocatedBytesForCurrentThread();

        Evidence evidence = EvidenceReader.Read(new Narrow(_store), new ImageDigests(null, _image.Manifest, null), EvidenceLimits.Default, CancellationToken.None);

        Assert.True(_store.Reads - before <= EvidenceLimits.Default.MaxReferrers + 2, $"{_store.Reads - before} reads");
        Assert.Contains("too-many-signatures", Codes(evidence));
        Assert.Contains("more-gaps", Codes(evidence));
        Assert.Equal(EvidenceLimits.Default.MaxGaps + 2, evidence.Gaps.Count);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - allocated < 128 << 20);
    }

    [Fact]
    public void Read_MoreBytesThanTheBound_SaysSoOnce()
    {
        for (int i = 0; i < 5; i++)
            Artifact(Layer(SigstoreBundle.MediaType, Encoding.UTF8.GetString(Bundle(_image.Manifest!).ToJson())), Refers(_image.Manifest!));

        Evidence evidence = Read(EvidenceLimits.Default with { MaxTotalBytes = 3000 });

        Assert.InRange(evidence.Attestations.Count, 1, 3);
        Assert.Equal(["too-many-bytes"], Codes(evidence));
    }

    [Fact]
    public void Read_StoreOutOfReach_IsAGapAndNoException()
    {
        _store.Referrers = _ => throw new ImageException(ImageError.PeerFailed, "down");
        Assert.Equal(["store-unreachable"], Codes(EvidenceReader.Read(new Narrow(_store), new ImageDigests(null, _image.Manifest, null), EvidenceLimits.Default, CancellationToken.None)));

        _store.Referrers = _ => throw new ImageException(ImageError.LimitExceeded, "long");
        Assert.Equal(["too-many-signatures"], Codes(EvidenceReader.Read(new Narrow(_store), new ImageDigests(null, _image.Manifest, null), EvidenceLimits.Default, CancellationToken.None)));
    }

    [Fact]
    public void Read_BundleOfManyImagesForAConfig_CountsOnlyWhatSpeaksOfIt()
    {
        EvidenceLimits limits = EvidenceLimits.Default with { MaxSignatures = 4 };
        ImageDigests byConfig = new(null, null, _image.Config);
        for (int i = 0; i < 20; i++)
            Artifact(Layer(SigstoreBundle.MediaType, Encoding.UTF8.GetString(Bundle(Digest.Of([(byte)i])).ToJson())), Refers(Digest.Of([(byte)i])));
        void AddOne() => Artifact(Layer(SigstoreBundle.MediaType, Encoding.UTF8.GetString(Bundle(_image.Config!).ToJson())), Refers(_image.Manifest!));
        for (int i = 0; i < 4; i++)
            AddOne();

        Evidence evidence = EvidenceReader.Read(_store, byConfig, limits, CancellationToken.None);
        Assert.Equal(4, evidence.Attestations.Count);
        Assert.Empty(evidence.Gaps);
        AddOne();
        Assert.Equal(["too-many-signatures"], Codes(EvidenceReader.Read(_store, byConfig, limits, CancellationToken.None)));
    }

    [Fact]
    public void Join_TwoStores_HasBoth()
    {
        Writer.AddSignature(_image.Manifest!, Payload, _signer, CancellationToken.None);

        Evidence evidence = EvidenceReader.Join([Read(), Read()]);

        Assert.Equal(2, evidence.Signatures.Count);
    }

    /// <summary>A store that cannot list what it holds, as a registry.</summary>
    private sealed class Narrow(MemoryStore store) : IArtifactSource
    {
        /// <summary>Gives what a tag of the digest's text names, as a store that lies does.</summary>
        public bool ByName { get; init; }

        public string Name => store.Name;

        public StoredManifest? FindManifest(string reference, CancellationToken cancellationToken) =>
            store.FindManifest(ByName && store.Tags.TryGetValue(reference, out Digest? other) ? other.ToString() : reference, cancellationToken);

        public Stream OpenBlob(Digest digest, long size, CancellationToken cancellationToken) => store.OpenBlob(digest, size, cancellationToken);

        public IReadOnlyList<Descriptor> ListReferrers(Digest subject, CancellationToken cancellationToken) => store.ListReferrers(subject, cancellationToken);

        public IReadOnlyList<string> ListTags(CancellationToken cancellationToken) => store.ListTags(cancellationToken);

        public void Dispose()
        {
        }
    }

    /// <summary>A store in which somebody else moves the tag back after each write.</summary>
    private sealed class ForgetfulStore(MemoryStore store, string tag, Digest back) : IArtifactTarget
    {
        public string Name => store.Name;

        public StoredManifest? FindManifest(string reference, CancellationToken cancellationToken) => store.FindManifest(reference, cancellationToken);

        public Stream OpenBlob(Digest digest, long size, CancellationToken cancellationToken) => store.OpenBlob(digest, size, cancellationToken);

        public IReadOnlyList<Descriptor> ListReferrers(Digest subject, CancellationToken cancellationToken) => store.ListReferrers(subject, cancellationToken);

        public IReadOnlyList<string> ListTags(CancellationToken cancellationToken) => store.ListTags(cancellationToken);

        public bool HasBlob(Digest digest, CancellationToken cancellationToken) => store.HasBlob(digest, cancellationToken);

        public void PutBlob(Digest digest, long size, Stream content, CancellationToken cancellationToken) => store.PutBlob(digest, size, content, cancellationToken);

        public void PutManifest(StoredManifest manifest, string? name, CancellationToken cancellationToken)
        {
            store.PutManifest(manifest, name, cancellationToken);
            store.Tags[tag] = back;
        }

        public void Dispose()
        {
        }
    }
}
