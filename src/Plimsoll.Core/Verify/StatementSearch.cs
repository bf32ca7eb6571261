using System.Globalization;

namespace Plimsoll.Verify;

/// <summary>Whether enough different keys signed statements of one type that satisfy; what attestation, inspection and measurement share.</summary>
internal sealed class StatementSearch(TrustRun run, string component, string place, string type, KeyQuorum quorum)
{
    private readonly HashSet<string> _keys = [.. run.Proofs.KeysOf(quorum.Keys).Select(k => k.Id)];

    public Rejections Rejected { get; } = new();

    /// <summary>Statements of the type about the image, each with those of its signers that count. Everything else is noted.</summary>
    public IEnumerable<(ProvedStatement Statement, IReadOnlyList<ProvingKey> Signers)> Candidates()
    {
        foreach (ProvedStatement proved in run.Statements)
        {
            if (proved.Problem is { } problem)
                Rejected.Add(problem, proved.Where);
            else if (!PredicateTypes.Covers(type, proved.Statement!.PredicateType))
                continue;
            else if (!proved.IsAbout(run.Image))
                Rejected.Add("statement-subject", proved.Where);
            else if (!proved.Signers.Any(s => _keys.Contains(s.Id)))
                Rejected.Add("key-not-allowed", proved.Where);
            else if (proved.Signers.Where(s => _keys.Contains(s.Id) && !run.IsRevoked(s)).ToList() is not { Count: > 0 } signers)
                Rejected.Add("key-revoked", proved.Where);
            else if (run.IsBeforeMinimum(proved.Time))
                Rejected.Add("before-minimum", proved.Where);
            else
                yield return (proved, signers);
        }
    }

    /// <summary>Tells what came of it: enough keys, too few, or no statement at all.</summary>
    /// <param name="missing">What comes of too few.</param>
    public void Tell(IReadOnlyCollection<ProvingKey> satisfied, Outcome missing = Outcome.Refused)
    {
        ProvingKey[] signers = [.. satisfied.DistinctBy(k => k.Signer, StringComparer.Ordinal)];
        bool enough = signers.Length >= quorum.Threshold;
        Rejected.Tell(run.Reasons, component, enough ? Outcome.Passed : missing, place);
        string wanted = quorum.Threshold.ToString(CultureInfo.InvariantCulture), names = string.Join(", ", signers.Select(k => k.Name).Order(StringComparer.Ordinal));
        if (enough)
            run.Reasons.Say(component, "attested", Outcome.Passed, place, type, $"{signers.Length}", wanted, names);
        else if (signers.Length == 0)
            run.Reasons.Say(component, "statement-missing", missing, place, type);
        else
            run.Reasons.Say(component, "statement-threshold", missing, place, type, $"{signers.Length}", wanted, names);
    }
}
