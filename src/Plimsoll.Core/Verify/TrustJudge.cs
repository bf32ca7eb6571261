namespace Plimsoll.Verify;

/// <summary>What must be got before an image can be judged.</summary>
/// <param name="Measurement">Its layers must be read and measured.</param>
/// <param name="Revocations">A revocation list must be there.</param>
/// <param name="ContentTrust">The bytes of the image's index or manifest are asked for, and Docker Content Trust metadata.</param>
public sealed record TrustNeeds(bool Measurement, bool Revocations, bool ContentTrust);

/// <summary>Policy and evidence in, verdict out. Nothing is believed of another component's answer; every component that fails is named.</summary>
public static class TrustJudge
{
    /// <summary>Names of one image, as an archive may claim any number.</summary>
    public const int MaxNames = 16;

    /// <param name="now">Decides ages and the last days of exceptions.</param>
    /// <exception cref="OperationCanceledException">Asked for.</exception>
    public static Verdict Of(Policy policy, TrustCase trustCase, DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(trustCase);
        TrustReasons reasons = new();
        if (policy.Trust is { } trust)
        {
            using Proofs proofs = new(trust, cancellationToken);
            IReadOnlyList<ImageName> names = trustCase.Image.Names.Count > 0 ? [.. trustCase.Image.Names.Distinct()] : [ImageName.None];
            foreach (ImageName name in names.Take(MaxNames))
                JudgeName(policy, trust, trustCase, name, proofs, reasons, now);
            if (names.Count > MaxNames)
                reasons.Say(TrustComponents.Rule, "too-many-names", Outcome.Undecided, "trust.images", $"{names.Count}", $"{MaxNames}");
        }
        else
            reasons.Say(TrustComponents.Rule, "no-trust", Outcome.Refused, "trust", policy.Name);
        IReadOnlyList<Reason> ordered = reasons.Ordered();
        return new Verdict { Outcome = ordered.Count > 0 ? ordered[0].Outcome : Outcome.Refused, Policy = policy.Name, PolicyDigest = PolicyJson.DigestOf(policy), Reasons = ordered, Dated = reasons.Dated };
    }

    /// <summary>
    /// What the keys of the rules for the image's names signed of its measurement, revoked ones left out. To explain a refusal by: it says
    /// nothing of whether the image may be trusted.
    /// </summary>
    public static IReadOnlyList<MeasurementPredicate> FindMeasurements(Policy policy, TrustCase trustCase, DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(trustCase);
        if (policy.Trust is not { } trust)
            return [];
        List<MeasurementPredicate> found = [];
        using Proofs proofs = new(trust, cancellationToken);
        foreach (ImageName name in trustCase.Image.Names.Distinct().Take(MaxNames))
            if (trust.Find(name.Repository) is >= 0 and var place)
            {
                TrustRun run = new(policy, trust.Images[place], $"trust.images[{place}]", trustCase, name, proofs, new TrustReasons(), now);
                RevocationComponent.Judge(run);
                found.AddRange(MeasurementComponent.Find(run));
            }
        return found;
    }

    /// <summary>What the rules for these names ask for.</summary>
    public static TrustNeeds NeedsOf(Policy policy, IReadOnlyList<ImageName> names)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(names);
        bool measurement = false, revocations = false, contentTrust = false;
        if (policy.Trust is { } trust)
            foreach (ImageName name in names.Count > 0 ? names : [ImageName.None])
                if (trust.Find(name.Repository) is >= 0 and var rule)
                {
                    measurement |= trust.Images[rule].Measurement is not null;
                    revocations |= trust.Images[rule].Revocations is not null;
                    contentTrust |= trust.Images[rule].ContentTrust is not null;
                }
        return new TrustNeeds(measurement, revocations, contentTrust);
    }

    /// <summary>Of the reason that a rule asks for nothing signed. It decides nothing by itself: <see cref="Verdict.ForStart"/>.</summary>
    internal const string Untrusted = "untrusted";

    private static void JudgeName(Policy policy, TrustRules trust, TrustCase trustCase, ImageName name, Proofs proofs, TrustReasons reasons, DateTimeOffset now)
    {
        int place = trust.Find(name.Repository);
        if (place < 0)
        {
            reasons.Say(TrustComponents.Rule, name == ImageName.None ? "no-name" : "no-rule", Outcome.Refused, "trust.images", name.ToString());
            return;
        }
        TrustRun run = new(policy, trust.Images[place], $"trust.images[{place}]", trustCase, name, proofs, reasons, now);
        RevocationComponent.Judge(run);
        if (run.Rule.Untrusted)
        {
            // What lies beside such an image is asked for nothing, so that it cannot hold it up either.
            reasons.Say(TrustComponents.Rule, Untrusted, Outcome.Undecided, run.At("signed"), name == ImageName.None ? "-" : name.ToString(), string.Join(", ", policy.Start?.SecureRuntimes ?? []));
            MinimumComponent.Judge(run);
            return;
        }
        SignatureComponent.Judge(run);
        ContentTrustComponent.Judge(run);
        AttestationComponent.Judge(run);
        InspectionComponent.Judge(run);
        MeasurementComponent.Judge(run);
        MinimumComponent.Judge(run);
        EvidenceComponent.Judge(run);
    }
}
