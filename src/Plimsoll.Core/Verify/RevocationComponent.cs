using System.Globalization;
using Plimsoll.Keys;
using Plimsoll.Oci;

namespace Plimsoll.Verify;

/// <summary>The signed list of keys and images that no longer count: it must be there, young enough and no older than one seen before.</summary>
internal static class RevocationComponent
{
    public static void Judge(TrustRun run)
    {
        string place = run.At("revocations");
        if (run.Rule.Revocations is not { } wanted)
        {
            // Whoever gives a list means it to count; without keys there is nobody whose list it could be.
            if (run.Case.Revocations is not null)
                run.Reasons.Say(TrustComponents.Revocations, "revocations-not-asked", Outcome.Undecided, place);
            return;
        }
        if (run.Case.Revocations is not { } content)
        {
            run.Reasons.Say(TrustComponents.Revocations, "revocations-missing", Outcome.Refused, place);
            return;
        }
        IReadOnlyList<ProvingKey> keys = run.Proofs.KeysOf(wanted.Keys);
        RevocationList list;
        try
        {
            PublicKey[] opened = [.. keys.Select(run.Proofs.Open)];
            list = RevocationList.Open(content, "the revocation list", opened, string.Join(", ", wanted.Keys));
        }
        catch (RevocationListException e)
        {
            run.Reasons.Say(TrustComponents.Revocations, e.Error == RevocationListError.BadSignature ? "revocations-unsigned" : "revocations-malformed", Outcome.Refused, place);
            return;
        }
        catch (KeyUnsupportedException)
        {
            run.Reasons.Say(TrustComponents.Revocations, "revocations-unsupported", Outcome.Refused, place, LibCrypto.Version);
            return;
        }
        // Even a list that is too old speaks the truth of what it names.
        run.Revoked = list;
        ProvingKey signer = keys.First(k => k.Id == list.KeyId);
        Say(run, wanted, list, signer, [.. keys.Where(k => k.Signer == signer.Signer).Select(k => k.Id)], place);
        foreach (Digest digest in run.Image.Digests.Concat(run.Image.Platforms.Select(p => p.Manifest)).Concat(LinkedTo(run)).Distinct())
            if (list.FindImage(digest) is { } image)
                run.Reasons.Say(TrustComponents.Revocations, "image-revoked", Outcome.Refused, place, digest.ToString(), Day(image.Since), image.Reason);
    }

    /// <summary>
    /// Other digests of the same image. A Docker host knows the config alone, while what is revoked is most often what a registry
    /// calls the image; statements of ours name both.
    /// </summary>
    private static IEnumerable<Digest> LinkedTo(TrustRun run) => run.Statements
        .Where(s => s.Statement is not null && s.Signers.Any(k => !run.IsRevoked(k)) && ManifestLink.IsOurs(s.Statement) && s.IsAbout(run.Image))
        .SelectMany(s => new[] { s.PartOf("manifest"), s.PartOf("index"), s.PartOf("config") }).OfType<Digest>();

    private static void Say(TrustRun run, RevocationTrust wanted, RevocationList list, ProvingKey signer, string[] family, string place)
    {
        long least = Math.Max(wanted.Counter, run.Case.SeenRevocations is { } seen ? family.Max(seen) : 0);
        bool old = run.IsOlder(list.Signed, wanted.MaxAgeDays), back = list.Counter < least, ownKey = run.IsRevoked(signer);
        if (back)
            run.Reasons.Say(TrustComponents.Revocations, "revocations-rolled-back", Outcome.Refused, place, Number(list.Counter), Number(least));
        if (old)
            run.Reasons.Say(TrustComponents.Revocations, "revocations-old", Outcome.Refused, place, Day(list.Signed), Number(wanted.MaxAgeDays!.Value));
        if (ownKey)
            run.Reasons.Say(TrustComponents.Revocations, "revocations-key-revoked", Outcome.Refused, place, list.KeyId);
        bool forked = !back && !ownKey && run.Case.AcceptedRevocations?.Invoke(list, family) == false;
        if (forked)
            run.Reasons.Say(TrustComponents.Revocations, "revocations-forked", Outcome.Refused, place, Number(list.Counter));
        if (!back && !old && !ownKey && !forked)
            run.Reasons.Say(TrustComponents.Revocations, "revocations-current", Outcome.Passed, place, Number(list.Counter), Day(list.Signed));
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
