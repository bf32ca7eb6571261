namespace Plimsoll.Verify;

/// <summary>Statements that a rule asks for by type: present, young enough, and of the builder and materials that it allows.</summary>
internal static class AttestationComponent
{
    public static void Judge(TrustRun run)
    {
        for (int i = 0; i < run.Rule.Attestations.Count; i++)
        {
            AttestationTrust wanted = run.Rule.Attestations[i];
            StatementSearch search = new(run, TrustComponents.Attestation, run.At($"attestations[{i}]"), wanted.Type, wanted.Quorum);
            List<ProvingKey> satisfied = [];
            foreach ((ProvedStatement proved, IReadOnlyList<ProvingKey> signers) in search.Candidates())
                if (ProblemOf(run, wanted, proved) is { } problem)
                    search.Rejected.Add(problem, proved.Where);
                else
                    satisfied.AddRange(signers);
            search.Tell(satisfied);
        }
    }

    private static string? ProblemOf(TrustRun run, AttestationTrust wanted, ProvedStatement proved)
    {
        if (wanted.MaxAgeDays is not null && proved.Time is null)
            return "statement-undated";
        if (proved.Time is { } time && run.IsOlder(time, wanted.MaxAgeDays))
            return "statement-old";
        if (run.RefusesOverride(PredicateOverride.Of(proved.Statement!), TrustComponents.Attestation, proved.Where))
            return "overridden";
        if (wanted is { Builder: null, Source: null, Materials.Count: 0 })
            return null;
        if (Provenance.Find(proved.Statement!) is not { } provenance)
            return "payload-malformed";
        return wanted.Builder is { } builder && !Glob.Matches(builder, provenance.Builder) ? "provenance-builder"
            : wanted.Source is { } source && !provenance.Materials.Any(m => Glob.Matches(source, m)) ? "provenance-source"
            : wanted.Materials.Count > 0 && (provenance.Materials.Count == 0 || provenance.Materials.Any(m => !wanted.Materials.Any(w => Glob.Matches(w, m)))) ? "provenance-materials"
            : null;
    }
}
