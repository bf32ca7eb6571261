using System.Globalization;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>The names of components, in the order in which they are told.</summary>
public static class TrustComponents
{
    public const string Rule = "rule", Signature = "signature", ContentTrust = "content-trust", Platforms = "platforms", Attestation = "attestation", Inspection = "inspection", Measurement = "measurement",
        Revocations = "revocations", Minimum = "minimum", Evidence = "evidence";

    public static IReadOnlyList<string> All { get; } = [Rule, Signature, ContentTrust, Platforms, Attestation, Inspection, Measurement, Revocations, Minimum, Evidence];
}

/// <summary>Reasons as the components give them.</summary>
internal sealed class TrustReasons
{
    public const int MaxExamples = 10;

    private readonly List<Reason> _reasons = [];

    /// <summary>As <see cref="Verdict.Dated"/>; once set it stays.</summary>
    public bool Dated { get; set; }

    public void Say(string component, string code, Outcome outcome, string? rule, params IReadOnlyList<string> arguments) => Add(component, code, outcome, rule, 0, [], arguments);

    public void Add(string component, string code, Outcome outcome, string? rule, int count, IReadOnlyList<string> examples, IReadOnlyList<string> arguments) => _reasons.Add(new Reason
    {
        Component = component,
        Code = code,
        Outcome = outcome,
        Rule = rule,
        Count = count,
        Examples = examples.Count <= MaxExamples ? examples : [.. examples.Take(MaxExamples)],
        Message = Catalogue.ReasonText(code, arguments, Language.English) ?? code,
        Arguments = arguments,
    });

    public void Add(Reason reason) => _reasons.Add(reason);

    /// <summary>What an inspection's own judgement said.</summary>
    public void Take(IEnumerable<Reason> reasons, Outcome most) =>
        _reasons.AddRange(reasons.Select(r => r with { Component = TrustComponents.Inspection, Outcome = r.Outcome < most ? r.Outcome : most }));

    /// <summary>Worst first, then as they came; the same said twice is said once.</summary>
    /// <remarks>Without LINQ over values of our own, whose code would be compiled at every start (docs/decisions/0001-start-up.md).</remarks>
    public IReadOnlyList<Reason> Ordered()
    {
        HashSet<string> said = new(StringComparer.Ordinal);
        List<Reason> ordered = [];
        for (Outcome outcome = Outcome.Refused; outcome >= Outcome.Passed; outcome--)
            foreach (Reason reason in _reasons)
                if (reason.Outcome == outcome && said.Add(string.Join('\0', [reason.Component, reason.Code, reason.Outcome.Word(), reason.Rule, reason.Message, .. reason.Examples])))
                    ordered.Add(reason);
        return ordered;
    }
}

/// <summary>Pieces of evidence that do not count, by the reason why.</summary>
internal sealed class Rejections
{
    private readonly Dictionary<string, (int Count, List<string> Examples)> _byCode = new(StringComparer.Ordinal);

    public void Add(string code, string example)
    {
        (int count, List<string> examples) = _byCode.TryGetValue(code, out (int, List<string>) found) ? found : (0, []);
        if (examples.Count < TrustReasons.MaxExamples && !examples.Contains(example, StringComparer.Ordinal))
            examples.Add(example);
        _byCode[code] = (count + 1, examples);
    }

    public bool Any => _byCode.Count > 0;

    /// <summary>One reason for each code; its number is the first argument of the reason's text.</summary>
    /// <param name="outcome">Refused where what is left is too little, else passed: noted.</param>
    public void Tell(TrustReasons reasons, string component, Outcome outcome, string rule)
    {
        foreach ((string code, (int count, List<string> examples)) in _byCode)
            reasons.Add(component, code, outcome, rule, count, examples,
                code == "hybrid-unsupported" ? [count.ToString(CultureInfo.InvariantCulture), LibCrypto.Version] : [count.ToString(CultureInfo.InvariantCulture)]);
    }
}
