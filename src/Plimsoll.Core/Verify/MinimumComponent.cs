using System.Globalization;

namespace Plimsoll.Verify;

/// <summary>Keeps an image out that was good once: its config must not state an earlier day than the rule's.</summary>
internal static class MinimumComponent
{
    public static void Judge(TrustRun run)
    {
        if (run.Rule.Minimum.CreatedAfter is not { } first)
            return;
        string place = run.At("minimum.created-after"), wanted = first.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        if (run.Image.Created is not { } created)
            run.Reasons.Say(TrustComponents.Minimum, "image-undated", Outcome.Refused, place, wanted);
        else if (DateOnly.FromDateTime(created.UtcDateTime) is var day && day < first)
            run.Reasons.Say(TrustComponents.Minimum, "image-before-minimum", Outcome.Refused, place, day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), wanted);
        else
            run.Reasons.Say(TrustComponents.Minimum, "image-new-enough", Outcome.Passed, place, day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), wanted);
    }
}
