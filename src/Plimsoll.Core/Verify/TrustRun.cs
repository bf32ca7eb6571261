using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>One image under one name against one rule: what the components share.</summary>
internal sealed class TrustRun(Policy policy, ImageTrust rule, string place, TrustCase trustCase, ImageName name, Proofs proofs, TrustReasons reasons, DateTimeOffset now)
{
    private IReadOnlyList<ProvedStatement>? _statements;

    public CancellationToken CancellationToken => proofs.CancellationToken;

    public Policy Policy => policy;
    public ImageTrust Rule => rule;
    public JudgedImage Image => trustCase.Image;
    public TrustCase Case => trustCase;
    public ImageName Name => name;
    public Proofs Proofs => proofs;
    public TrustReasons Reasons => reasons;

    /// <summary>Who asks has a verdict that rests on the time.</summary>
    public DateTimeOffset AskNow()
    {
        reasons.Dated = true;
        return now;
    }

    /// <summary>Keys and images that no longer count; null: none are known.</summary>
    public RevocationList? Revoked { get; set; }

    /// <summary>A hybrid key is revoked with either of its parts: whoever has one has what the other was to guard against.</summary>
    public bool IsRevoked(ProvingKey key) => Revoked is { } list && (list.FindKey(key.Id) is not null || key.Parts.Any(p => list.FindKey(p) is not null));

    /// <summary>Where in the policy something is said: <c>trust.images[0].signatures</c>.</summary>
    public string At(string key) => $"{place}.{key}";

    /// <summary>Each envelope of the evidence with the keys of the rule that signed it. Nothing of it is parsed before that.</summary>
    public IReadOnlyList<ProvedStatement> Statements => _statements ??= [.. Prove()];

    private IEnumerable<ProvedStatement> Prove()
    {
        IEnumerable<KeyQuorum?> quorums = [rule.Signatures, rule.Inspection, rule.Measurement, .. rule.Attestations.Select(a => a.Quorum)];
        IReadOnlyList<ProvingKey> keys = proofs.KeysOf(quorums.OfType<KeyQuorum>().SelectMany(q => q.Keys));
        foreach (Attestation attestation in trustCase.Evidence.Attestations)
            yield return ProvedStatement.Of(attestation, attestation.Envelope.PayloadType == Statement.PayloadType ? proofs.SignersOf(keys, attestation.Envelope) : ProvedBy.Nobody);
    }

    /// <summary>Whether something that was signed for an image that had failed a policy must not count. It is warned of where the rule says so.</summary>
    public bool RefusesOverride(bool overridden, string component, string at)
    {
        if (overridden && rule.Overridden == PolicyAction.Warn)
            reasons.Add(component, "overridden", Outcome.Warned, At("overridden"), 1, [at], ["1"]);
        return overridden && rule.Overridden == PolicyAction.Fail;
    }

    /// <summary>Also what is dated as far into the future: a wrong clock or a false date must not make anything young.</summary>
    public bool IsOlder(DateTimeOffset time, int? days) => days is { } limit && (AskNow() - time).Duration() > TimeSpan.FromDays(limit);

    /// <summary>Whether a stated time is before the first day that the rule lets count; a time that is not stated is.</summary>
    public bool IsBeforeMinimum(DateTimeOffset? time) =>
        rule.Minimum.NotBefore is { } first && (time is not { } stated || DateOnly.FromDateTime(stated.UtcDateTime) < first);
}
