using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Inspect.Policies;

/// <summary>Finds what in a policy's section of trust can do nothing.</summary>
internal static class TrustCheck
{
    public static IEnumerable<PolicyRemark> Of(TrustRules trust, StartRules? start)
    {
        HashSet<string> used = [.. trust.Images.SelectMany(Quorums).SelectMany(k => k), .. start?.BreakGlass?.Keys ?? []];
        foreach (TrustKey key in trust.Keys)
            if (!used.Contains(key.Name))
                yield return new($"trust.keys.{key.Name}", Catalogue.TrustKeyUnused);
        for (int i = 0; i < trust.Keys.Count; i++)
            if (trust.Keys.Take(i).FirstOrDefault(k => k.Versions.Any(v => trust.Keys[i].Versions.Any(o => o.Id == v.Id))) is { } same)
                yield return new($"trust.keys.{trust.Keys[i].Name}", Filled(Catalogue.TrustKeySame, same.Name));
        for (int i = 1; i < trust.Images.Count; i++)
        {
            // A pattern without wildcards is a name that an earlier rule may cover; any other is covered by itself or by everything.
            int earlier = i;
            if (trust.Images[i].Names.All(n => (earlier = Earlier(trust, i, n)) >= 0))
                yield return new($"trust.images[{i}]", Filled(Catalogue.TrustRuleShadowed, $"trust.images[{earlier}]"));
        }
        for (int i = 0; i < trust.Images.Count; i++)
            if (trust.Images[i].Untrusted)
                yield return new($"trust.images[{i}].signed", Catalogue.TrustUntrustedRuns);
        if (start?.SecureRuntimes.Count > 0 && !trust.Images.Any(r => r.Untrusted))
            yield return new("start.untrusted", Catalogue.StartUntrustedIdle);
    }

    private static int Earlier(TrustRules trust, int place, string pattern)
    {
        for (int i = 0; i < place; i++)
            if (trust.Images[i].Names.Any(n => n == "**" || n == pattern || (pattern.AsSpan().IndexOfAny('*', '?') < 0 && Glob.Matches(n, pattern))))
                return i;
        return -1;
    }

    private static IEnumerable<IReadOnlyList<string>> Quorums(ImageTrust rule) =>
        [rule.Signatures?.Keys ?? [], rule.Inspection?.Keys ?? [], rule.Measurement?.Keys ?? [], rule.Revocations?.Keys ?? [], .. rule.Attestations.Select(a => a.Quorum.Keys)];

    private static Text Filled(Text text, string argument) => new(text.In(Language.English, Escape.ForTerminal(argument)), text.In(Language.Chinese, Escape.ForTerminal(argument)));
}
