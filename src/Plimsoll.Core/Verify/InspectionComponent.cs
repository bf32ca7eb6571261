using System.Globalization;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>Signed inspections, judged again by this policy: of each key the newest, since a later look may have seen more; none older than one that was seen here before.</summary>
internal static class InspectionComponent
{
    public static void Judge(TrustRun run)
    {
        if (run.Rule.Inspection is not { } quorum)
            return;
        StatementSearch search = new(run, TrustComponents.Inspection, run.At("inspection"), "inspection", quorum);
        Dictionary<string, (ProvingKey Key, ProvedStatement Statement)> newest = new(StringComparer.Ordinal);
        foreach ((ProvedStatement proved, IReadOnlyList<ProvingKey> signers) in search.Candidates())
            foreach (ProvingKey key in signers)
                if (!newest.TryGetValue(key.Signer, out (ProvingKey, ProvedStatement Statement) known) || proved.Time > known.Statement.Time || known.Statement.Time is null)
                    newest[key.Signer] = (key, proved);
        if (run.Case.SeenInspections is { } seen)
            foreach ((string signer, (ProvingKey key, ProvedStatement proved)) in newest.ToList())
                if (run.Proofs.KeysOf(quorum.Keys).Where(k => k.Signer == signer).Max(k => seen(k.Id, k.Id == key.Id ? proved.Time : null)) > (proved.Time ?? DateTimeOffset.MinValue))
                {
                    search.Rejected.Add("inspection-withheld", proved.Where);
                    newest.Remove(signer);
                }
        List<ProvingKey> satisfied = [], open = [];
        Dictionary<ProvedStatement, (Outcome Outcome, IReadOnlyList<Reason> Reasons)> judged = new(ReferenceEqualityComparer.Instance);
        foreach ((ProvingKey key, ProvedStatement proved) in newest.Values)
        {
            if (!judged.TryGetValue(proved, out (Outcome Outcome, IReadOnlyList<Reason> Reasons) answer))
                judged.Add(proved, answer = JudgeAgain(run, proved, search.Rejected));
            if (answer.Outcome <= Outcome.Warned)
                satisfied.Add(key);
            if (answer.Outcome <= Outcome.Undecided)
                open.Add(key);
        }
        bool enough = satisfied.Count >= quorum.Threshold;
        // Reasons of an inspection that is not needed are told and decide nothing.
        foreach ((Outcome outcome, IReadOnlyList<Reason> reasons) in judged.Values)
            run.Reasons.Take(reasons, outcome <= Outcome.Warned || !enough ? Outcome.Refused : Outcome.Passed);
        search.Tell(satisfied, open.Count >= quorum.Threshold ? Outcome.Undecided : Outcome.Refused);
    }

    private static (Outcome Outcome, IReadOnlyList<Reason> Reasons) JudgeAgain(TrustRun run, ProvedStatement proved, Rejections rejected)
    {
        InspectionPredicate predicate;
        try
        {
            predicate = InspectionPredicate.From(proved.Statement!, proved.Attestation.Where);
        }
        catch (DocumentException)
        {
            rejected.Add("payload-malformed", proved.Where);
            return (Outcome.Refused, []);
        }
        if (run.RefusesOverride(PredicateOverride.Of(proved.Statement!), TrustComponents.Inspection, proved.Where))
        {
            rejected.Add("overridden", proved.Where);
            return (Outcome.Refused, []);
        }
        // Its names are what the archive called itself then; exceptions speak of the image as it is called here.
        Verdict verdict = Verify.Judge.Of(run.Policy, predicate.Inspection with { Names = run.Name == ImageName.None ? [] : [run.Name.ToString(), run.Name.Repository] }, run.AskNow());
        List<Reason> reasons = [.. verdict.Reasons];
        if (predicate.Inspection.Database.Counter < run.Rule.DatabaseCounter)
            reasons.Insert(0, new Reason
            {
                Code = "database-counter",
                Outcome = Outcome.Refused,
                Rule = run.At("inspection.counter"),
                Message = Catalogue.ReasonText("database-counter", Counters(predicate, run), Language.English)!,
                Arguments = Counters(predicate, run),
            });
        return (reasons.Count == 0 ? Outcome.Passed : reasons.Max(r => r.Outcome), reasons);
    }

    private static string[] Counters(InspectionPredicate predicate, TrustRun run) =>
        [predicate.Inspection.Database.Counter.ToString(CultureInfo.InvariantCulture), run.Rule.DatabaseCounter.ToString(CultureInfo.InvariantCulture)];
}
