namespace Plimsoll.Verify;

/// <summary>What a policy comes to; the worst of its reasons.</summary>
public enum Outcome
{
    /// <summary>Everything the policy asks for was seen and nothing it forbids.</summary>
    Passed = 0,

    /// <summary>Passed, with something that a person should look at.</summary>
    Warned,

    /// <summary>Something that the policy asks for could not be seen. Counts as refused wherever a container wants to start.</summary>
    Undecided,
    Refused,
}

/// <summary>The one answer of scan, verify and start: may this image run under this policy, and if not, why.</summary>
public sealed record Verdict
{
    public required Outcome Outcome { get; init; }

    /// <summary>The policy's name for itself; untrusted text.</summary>
    public required string Policy { get; init; }

    /// <summary><c>sha256:…</c> of the policy's canonical JSON.</summary>
    public required string PolicyDigest { get; init; }

    /// <summary>Worst first, then in the order of the policy; also those of exceptions that were used. Never empty unless <see cref="Outcome.Passed"/>.</summary>
    public IReadOnlyList<Reason> Reasons { get; init; } = [];

    /// <summary>Those that let the image through and want to be looked at; while a policy learns, also what it would refuse.</summary>
    public IEnumerable<Reason> Warnings => Reasons.Where(r => r.Outcome == Outcome.Warned);

    /// <summary>
    /// Of <see cref="TrustJudge"/>: nobody is asked to vouch for the image. It is never passed by that: whether it may start depends on the runtime, which
    /// <see cref="Start.StartJudge"/> judges.
    /// </summary>
    public bool Untrusted => Reasons.Any(IsUntrusted);

    /// <summary>
    /// What is left of a verdict on trust for who has <see cref="Start.StartJudge"/> judge the same image under the same policy beside it: that nothing signed was asked for is then a warning
    /// only, as every runtime that policy does not call secure is refused there.
    /// </summary>
    public Verdict ForStart()
    {
        if (!Untrusted)
            return this;
        Reason[] reasons = [.. Reasons.Select(r => IsUntrusted(r) ? r with { Outcome = Outcome.Warned } : r).OrderByDescending(r => r.Outcome)];
        return this with { Outcome = reasons[0].Outcome, Reasons = reasons };
    }

    private static bool IsUntrusted(Reason reason) => reason is { Component: TrustComponents.Rule, Code: TrustJudge.Untrusted };

    /// <summary>Of <see cref="TrustJudge"/> and <see cref="Start.StartJudge"/>: whether another time could have given another answer, because an age, a first or last day or a window of the week was asked on the way.</summary>
    public bool Dated { get; init; }
}

/// <summary>One thing that a policy says of one image.</summary>
public sealed record Reason
{
    /// <summary>Stable name, kebab-case: <c>severity</c>, <c>known-exploited</c>, <c>malware-suspected</c>, <c>engine-missing</c>, <c>database-old</c>, <c>no-database</c>, <c>incomplete</c> …</summary>
    public required string Code { get; init; }
    public required Outcome Outcome { get; init; }

    /// <summary>What of an image's evidence it is about, each judged by itself: <c>signature</c>, <c>platforms</c> …; null for what an inspection found.</summary>
    public string? Component { get; init; }

    /// <summary>Where in the policy it is said: <c>vulnerabilities.severity.high</c>; null for what holds without being said.</summary>
    public string? Rule { get; init; }

    /// <summary>How many findings it is about; 0 for what is about the whole image.</summary>
    public int Count { get; init; }

    /// <summary>Ids or paths of the first of them, at most ten; untrusted text.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];

    /// <summary>What was seen and what was wanted, in English.</summary>
    public required string Message { get; init; }

    /// <summary>What stands in the reason's text in any language (<see cref="Texts.Catalogue.FindReason"/>); untrusted text. Empty for one that was read from a file.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];
}
