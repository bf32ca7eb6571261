using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Fuzz;

/// <content>Tokens that somebody put into the agent's folder.</content>
internal static partial class FuzzTargets
{
    private static FuzzTarget BreakGlassTokens => new()
    {
        Name = "break-glass",
        Seeds = () =>
        [
            new BreakGlassToken(new string('a', 64), new string('b', 32), DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddHours(1), 3, "why",
                new([Digest.Of("x"u8)], [new string('c', 64)], ["not-intact", "signature/*"])).ToPayload(),
        ],
        Words = ["\"uses\":0", "\"uses\":1e3", "\"codes\":[\"*\"]", "host-changed", "\"images\":[]", "\"not-after\":\"9999-12-31T23:59:59Z\"", "null", "\\u0000"],
        Refusal = e => e is DocumentException,
        Run = bytes =>
        {
            (BreakGlassToken token, DsseEnvelope envelope) = BreakGlassToken.Read(new DsseEnvelope(BreakGlassToken.PayloadType, bytes, []).ToJson(), "t");
            WrongAnswerException.Unless(token.ToPayload().AsSpan().SequenceEqual(bytes), "taken and not canonical");
            WrongAnswerException.Unless(token.Uses is >= 1 and <= BreakGlassToken.MaxUses && token.NotAfter > token.Issued && envelope.Signatures.Count == 0, "taken and cannot hold");
        },
    };
}
