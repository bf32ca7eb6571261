using System.Text;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <content>Signatures and statements of other programs, and the stores they lie in.</content>
internal static partial class FuzzTargets
{
    private static readonly string FuzzDigest = Digest.Of("x"u8).ToString();

    private static FuzzTarget SimpleSigningPayload => new()
    {
        Name = "simple-signing",
        Seeds = () => [new SimpleSigning { Reference = "r/a", Manifest = Digest.Of("x"u8) }.ToJson(), .. Utf8(
            $$"""{"critical":{"identity":{"docker-reference":"r/a:1"},"image":{"docker-manifest-digest":"{{FuzzDigest}}"},"type":"cosign container image signature"},"optional":{"creator":"c","timestamp":1657296609} }""")],
        Words = ["\"critical\":", "\"optional\":", "\"timestamp\":1e9", "\"Critical\":", "null", "{}", "[]", "\"\\ud800\"", "-0"],
        Refusal = e => e is FormatException,
        Run = bytes =>
        {
            SimpleSigning payload = SimpleSigning.Parse(bytes, "p");
            WrongAnswerException.Unless(SimpleSigning.Parse(payload.ToJson(), "q") is var again && again.Manifest == payload.Manifest && again.Timestamp == payload.Timestamp
                && again.Override == payload.Override, "a payload does not read back");
        },
    };

    private static FuzzTarget BundleJson => new()
    {
        Name = "sigstore-bundle",
        Seeds = () => Utf8(
            """{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial":{"publicKey":{"hint":"TcDO"}}, "dsseEnvelope":{"payload":"e30=", "payloadType":"application/vnd.in-toto+json", "signatures":[{"sig":"AQI="}]}}""",
            """{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.2","verificationMaterial":{"x509CertificateChain":{"certificates":[]},"tlogEntries":[{}]},"messageSignature":{"signature":"AA=="}}"""),
        Words = ["\"publicKey\":{}", "\"certificate\":{}", "\"tlogEntries\":[]", "\"messageSignature\":{}", "\"sig\":\"\"", "\"keyid\":\"a\"", "null", "=="],
        Refusal = e => e is FormatException,
        Run = bytes =>
        {
            SigstoreBundle bundle = SigstoreBundle.Parse(bytes, "b");
            WrongAnswerException.Unless(bundle.KeyHint is null == bundle.ByCertificate, "neither or both of key and certificate");
            if (bundle.KeyHint is null || bundle.Envelope is null || bundle.LogEntries > 0)
                return;
            SigstoreBundle again = SigstoreBundle.Parse(bundle.ToJson(), "c");
            WrongAnswerException.Unless(again.Envelope!.Payload.Span.SequenceEqual(bundle.Envelope.Payload.Span) && again.Envelope.Signatures.Count == bundle.Envelope.Signatures.Count, "a bundle does not read back");
        },
    };

    private static FuzzTarget ForeignStatement => new()
    {
        Name = "foreign-statement",
        Seeds = () => [new Statement([new Subject("manifest", Digest.Of("x"u8))], "urn:test", "{\"a\":1}"u8.ToArray()).ToJson(), .. Utf8(
            $$$"""{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://cosign.sigstore.dev/attestation/v1","subject":[{"name":"r/a","digest":{"sha256":"{{{FuzzDigest[7..]}}}","gitCommit":"a"}},{"uri":"x"}],"predicate":{"Data":"{}"} }""")],
        Words = ["\"subject\":[]", "\"digest\":{}", "\"predicate\":null", "\"_type\":", "\"Subject\":", "null", "\"\\ud800\"", "[[[[[[[["],
        Refusal = e => e is FormatException,
        Run = bytes =>
        {
            Statement statement = Statement.ParseForeign(bytes, "s");
            Statement again = Statement.ParseForeign(statement.ToJson(), "t");
            WrongAnswerException.Unless(again.Subjects.SequenceEqual(statement.Subjects) && again.PredicateType == statement.PredicateType, "a statement does not read back");
        },
    };

    private static FuzzTarget EvidenceStore => new()
    {
        Name = "evidence",
        Seeds = () =>
        {
            string layer = $$$"""{"mediaType":"{{{SimpleSigning.MediaType}}}","digest":"{{{FuzzDigest}}}","size":1,"annotations":{"dev.cosignproject.cosign/signature":"AA=="}}""";
            return Utf8($$"""{"schemaVersion":2,"config":{},"layers":[{{layer}},{{layer.Replace(SimpleSigning.MediaType, SigstoreBundle.MediaType, StringComparison.Ordinal)}}],"subject":{"digest":"{{FuzzDigest}}"},"annotations":{} }""");
        },
        Words = ["\"layers\":[]", "\"size\":-1", "\"size\":99999999999", "\"subject\":null", "\"manifests\":[]", "null", SigstoreBundle.MediaType, EvidenceReader.EnvelopeMediaType],
        Refusal = Never,
        Run = bytes =>
        {
            // The same bytes as the signature tag, as a referrer, and as what an artifact carries.
            MemoryStore store = new();
            Digest subject = store.Blob("x"), manifest = Digest.Of(bytes);
            store.Blob(bytes);
            store.Manifests[manifest] = bytes;
            store.Tags[$"sha256-{subject.Hex}.sig"] = manifest;
            store.Referrers = _ => [store.DescriptorOf(manifest)];
            Evidence evidence = EvidenceReader.Read(store, new ImageDigests(null, subject, null), EvidenceLimits.Default, CancellationToken.None);
            WrongAnswerException.Unless(evidence.Signatures.All(s => s.Attached == subject && Encoding.UTF8.GetString(s.Payload.Span) is "x" || Digest.Of(s.Payload.Span) == manifest), "a payload that no layer names");
        },
    };
}
