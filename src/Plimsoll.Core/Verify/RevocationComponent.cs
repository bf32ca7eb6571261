using System.Globalization;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>The signed list of keys and images that no longer count: it must be there, young enough and no older than one seen before.</summary>
internal static class RevocationComponent
{
    public static void Judge(TrustRun run)
    {
        if (run.Rule.Revocations is not { } wanted)
            return;
        string place = run.At("revocations");
        if (run.Case.Revocations is not { } envelope)
        {
            run.Reasons.Say(TrustComponents.Revocations, "revocations-missing", Outcome.Refused, place);
            return;
        }
        IReadOnlyList<TrustKey> signers = run.Proofs.SignersOf(run.Proofs.KeysOf(wanted.Keys), envelope);
        if (signers.Count == 0 || envelope.PayloadType != RevocationList.PayloadType)
        {
            run.Reasons.Say(TrustComponents.Revocations, signers.Count == 0 ? "revocations-unsigned" : "revocations-malformed", Outcome.Refused, place);
            return;
        }
        RevocationList list;
        try
        {
            list = RevocationList.Parse(envelope.Payload, "the revocation list");
        }
        catch (Exception e) when (e is FormatException or DocumentException)
        {
            run.Reasons.Say(TrustComponents.Revocations, "revocations-malformed", Outcome.Refused, place);
            return;
        }
        // Even a list that is too old speaks the truth of what it names.
        run.RevokedKeys.UnionWith(list.Keys.Select(k => k.Id));
        Say(run, wanted, list, signers, place);
        foreach (RevokedImage image in list.Images.Where(i => run.Image.Digests.Contains(i.Digest) || run.Image.Platforms.Any(p => p.Manifest == i.Digest)))
            run.Reasons.Say(TrustComponents.Revocations, "image-revoked", Outcome.Refused, place, image.Digest.ToString(), Day(image.Since), image.Reason);
    }

    private static void Say(TrustRun run, RevocationTrust wanted, RevocationList list, IReadOnlyList<TrustKey> signers, string place)
    {
        long least = Math.Max(wanted.Counter, run.Case.SeenRevocations);
        bool old = run.IsOlder(list.Signed, wanted.MaxAgeDays), back = list.Counter < least, void_ = signers.All(s => run.RevokedKeys.Contains(s.Id));
        if (back)
            run.Reasons.Say(TrustComponents.Revocations, "revocations-rolled-back", Outcome.Refused, place, Number(list.Counter), Number(least));
        if (old)
            run.Reasons.Say(TrustComponents.Revocations, "revocations-old", Outcome.Refused, place, Day(list.Signed), Number(wanted.MaxAgeDays!.Value));
        if (void_)
            run.Reasons.Say(TrustComponents.Revocations, "revocations-key-revoked", Outcome.Refused, place, string.Join(", ", signers.Select(s => s.Name)));
        if (!back && !old && !void_)
            run.Reasons.Say(TrustComponents.Revocations, "revocations-current", Outcome.Passed, place, Number(list.Counter), Day(list.Signed));
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
