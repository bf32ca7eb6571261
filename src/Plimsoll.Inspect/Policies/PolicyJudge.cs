using Plimsoll.Inspect.Reports;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Policies;

/// <summary>Judges reports by policies, and makes the statement that a host can judge again.</summary>
public static class PolicyJudge
{
    /// <param name="report">All of it: what a filter took out cannot be judged.</param>
    /// <param name="now">Decides ages, grace and the last days of exceptions.</param>
    public static Verdict Judge(Report report, Policy policy, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(report);
        return Verify.Judge.Of(policy, InspectionOf(report, policy), now);
    }

    /// <summary>What the policy says of each finding, open or not, in the order in which it judges them.</summary>
    public static IReadOnlyList<Judgement> Explain(Report report, Policy policy, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(report);
        return Verify.Judge.Explain(policy, InspectionOf(report, policy), now);
    }

    /// <summary>What a host needs of the inspection, with the report's verdict where it has one; docs/formats/inspection.md.</summary>
    /// <param name="policy">The one of the verdict, whose denied packages are listed; null when there was none.</param>
    public static InspectionPredicate PredicateOf(Report report, Policy? policy)
    {
        ArgumentNullException.ThrowIfNull(report);
        return InspectionPredicate.Of(InspectionOf(report, policy), report.Verdict);
    }

    /// <summary>Whether the image has a digest that a statement can be about: a folder has none.</summary>
    public static bool CanState(Report report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return report.ManifestDigest is not null || report.ConfigDigest is not null;
    }

    internal static Inspection InspectionOf(Report report, Policy? policy) => InspectionMaker.Make(report, policy);
}
