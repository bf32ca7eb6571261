using System.Globalization;
using Plimsoll.Measure;

namespace Plimsoll.Verify;

/// <summary>Signed measurements, compared with what the image's bytes measure to here.</summary>
internal static class MeasurementComponent
{
    public static void Judge(TrustRun run)
    {
        if (run.Rule.Measurement is not { } quorum)
            return;
        string place = run.At("measurement");
        if (run.Case.Differences.Count > 0)
        {
            int count = run.Case.Differences.Count + run.Case.DifferencesBeyond;
            run.Reasons.Add(TrustComponents.Measurement, "not-intact", Outcome.Refused, place, count, run.Case.Differences, [count.ToString(CultureInfo.InvariantCulture)]);
            return;
        }
        if (run.Case.Measured is not { } measured)
        {
            run.Reasons.Say(TrustComponents.Measurement, "not-measured", Outcome.Undecided, place);
            return;
        }
        StatementSearch search = new(run, TrustComponents.Measurement, place, MeasurementPredicate.Type, quorum);
        List<ProvingKey> satisfied = [];
        foreach ((ProvedStatement proved, IReadOnlyList<ProvingKey> signers) in search.Candidates())
        {
            if (Read(proved) is not { } predicate)
                search.Rejected.Add("payload-malformed", proved.Where);
            else if (run.RefusesOverride(predicate.Override is not null, TrustComponents.Measurement, proved.Where))
                search.Rejected.Add("overridden", proved.Where);
            else if (!predicate.Measurement.Equals(measured))
                run.Reasons.Say(TrustComponents.Measurement, "measurement-mismatch", Outcome.Refused, place, DifferenceOf(predicate.Measurement, measured), measured.Value.ToString(), predicate.Measurement.Value.ToString());
            else
                satisfied.AddRange(signers);
        }
        search.Tell(satisfied);
        if (run.Case.OnlyExported)
            run.Reasons.Say(TrustComponents.Measurement, "unpacked-not-compared", Outcome.Warned, place);
    }

    /// <summary>What keys of the rule signed of the image's measurement; whether they are enough of them is not asked.</summary>
    public static IEnumerable<MeasurementPredicate> Find(TrustRun run)
    {
        if (run.Rule.Measurement is not { } quorum)
            yield break;
        foreach ((ProvedStatement proved, _) in new StatementSearch(run, TrustComponents.Measurement, run.At("measurement"), MeasurementPredicate.Type, quorum).Candidates())
            if (Read(proved) is { } predicate)
                yield return predicate;
    }

    private static MeasurementPredicate? Read(ProvedStatement proved)
    {
        try
        {
            return MeasurementPredicate.From(proved.Statement!, proved.Attestation.Where);
        }
        catch (DocumentException)
        {
            return null;
        }
    }

    /// <summary>The first part that differs: <c>layer 3 of 5</c>, the number of layers, or the config.</summary>
    private static string DifferenceOf(Measurement signed, Measurement measured)
    {
        if (signed.Layers.Count != measured.Layers.Count)
            return $"{measured.Layers.Count}/{signed.Layers.Count}";
        for (int i = 0; i < signed.Layers.Count; i++)
            if (signed.Layers[i] != measured.Layers[i])
                return $"{i + 1}/{signed.Layers.Count}";
        return "config";
    }
}
