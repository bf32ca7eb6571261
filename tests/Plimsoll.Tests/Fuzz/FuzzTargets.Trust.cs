using System.Text;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Tests.Verify;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Fuzz;

/// <content>What a trusted key signed, whatever that is.</content>
internal static partial class FuzzTargets
{
    private static readonly Lazy<Policy> Trusting = new(() => TrustBuilder.Policy("""
        signatures: {keys: [release], match: exact}
        attestations: [{type: slsa-provenance, max-age: 7d, builder: 'https://ci/*', source: 'git+*', materials: ['**']}]
        inspection: required
        measurement: required
        minimum: {not-before: 2026-01-01, counter: 1}
        """));

    /// <summary>The same bytes as a payload of simple signing and as a statement, both signed: nothing of them may end in an exception or in trust.</summary>
    private static FuzzTarget SignedEvidence => new()
    {
        Name = "signed-evidence",
        Seeds = () =>
        [
            new TrustBuilder().Provenance(TrustBuilder.Release).Attestations[0].Envelope.Payload.ToArray(),
            new TrustBuilder().Inspection(TrustBuilder.Release).Attestations[0].Envelope.Payload.ToArray(),
            new TrustBuilder().Measurement(TrustBuilder.Release).Attestations[0].Envelope.Payload.ToArray(),
            new TrustBuilder().Sign(TrustBuilder.Release, optional: ("counter", "1")).Signatures[0].Payload.ToArray(),
            .. Utf8("""{"_type":"https://in-toto.io/Statement/v0.1","subject":[{"digest":{}}],"predicateType":"https://slsa.dev/provenance/v0.2","predicate":{"builder":{"id":1},"materials":[null,{"uri":2}],"metadata":null}}"""),
        ],
        Words = ["\"predicate\":null", "\"predicate\":[]", "\"materials\":{}", "\"uri\":[]", "\"override\":1", "\"verdict\":{\"outcome\":1}", "\"Subject\":", "\"finishedOn\":\"9999-99-99T\"", "\\ud800", "\"timestamp\":1e9", "\"counter\":\"-1\""],
        Refusal = Never,
        Run = bytes =>
        {
            TrustBuilder evidence = new TrustBuilder().SignBytes(TrustBuilder.Release, bytes, TrustBuilder.Manifest).AttestedBytes(TrustBuilder.Release, bytes).With(b => b.Measures = TrustBuilder.Measured);
            Verdict verdict = evidence.Judge(Trusting.Value);
            WrongAnswerException.Unless(verdict.Outcome == Outcome.Refused, "one statement cannot be all that the rule asks for");
            WrongAnswerException.Unless(verdict.Reasons.All(r => r.Component is not null && r.Message.Length > 0), "a reason without words");
        },
    };
}
