namespace Plimsoll.Verify.Start;

/// <summary>Who together may let a start through that the policy refuses.</summary>
/// <param name="Keys">Names of <see cref="TrustRules.Keys"/>, in ordinal order.</param>
/// <param name="Threshold">How many different ones of them must have signed a token; 1 and up.</param>
/// <param name="MaxHours">The longest time from a token's making to its end.</param>
public sealed record BreakGlassRules(IReadOnlyList<string> Keys, int Threshold, int MaxHours)
{
    /// <summary>A night and a morning: what is not mended by then wants new signatures.</summary>
    public const int DefaultHours = 24;

    public const int MostHours = 720;
}
