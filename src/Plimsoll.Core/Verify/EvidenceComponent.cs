using System.Globalization;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>What of the evidence was not seen, and may have said anything.</summary>
internal static class EvidenceComponent
{
    public static void Judge(TrustRun run)
    {
        Outcome outcome = PolicyWords.OutcomeOf(run.Rule.Unreadable);
        if (run.Case.Evidence.Gaps.Count > 0)
            JudgeGaps(run, outcome);
        if (run.Proofs.Exhausted)
            run.Reasons.Add(TrustComponents.Evidence, "too-many-signatures", outcome, run.At("unreadable"), 1, [], [Proofs.MaxChecks.ToString(CultureInfo.InvariantCulture)]);
    }

    private static void JudgeGaps(TrustRun run, Outcome outcome)
    {
        foreach (IGrouping<string, EvidenceGap> gaps in run.Case.Evidence.Gaps.GroupBy(g => g.Code, StringComparer.Ordinal))
            run.Reasons.Add(TrustComponents.Evidence, "evidence-gap", IsOfOthers(gaps.Key) ? Outcome.Passed : outcome, run.At("unreadable"), gaps.Count(), [.. gaps.Take(TrustReasons.MaxExamples).Select(g => g.Message)],
                [gaps.Count().ToString(CultureInfo.InvariantCulture), gaps.Key]);
    }

    /// <summary>Wholly read, and made in a way that no key of a policy is concerned with: it could not have counted.</summary>
    private static bool IsOfOthers(string code) => code is "unsupported-identity" or "unsupported-signature";
}
