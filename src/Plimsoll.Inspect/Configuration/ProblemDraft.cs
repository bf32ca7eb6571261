using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Configuration;

/// <summary>Something a rule found, before like things are put together.</summary>
/// <param name="Path">Relative to the image's root.</param>
/// <param name="Evidence">Shown behind the path: a mode, an owner.</param>
internal sealed record PathHit(string Path, string Evidence, Severity Severity, Origin Origin, string? OwnedBy = null);

/// <summary>Gathers the problems of one image, with the texts of their rules.</summary>
internal sealed class ProblemDraft
{
    /// <summary>Files of one rule, severity and layer that are shown one by one; more become one problem for the folder that holds them all.</summary>
    public const int MaxSingle = 5;

    /// <summary>Files named in the evidence of such a problem.</summary>
    private const int MaxNamed = 12;

    private const int MaxTitlePart = 100, MaxEvidence = 300;

    private readonly List<Problem> _problems = [];

    public IReadOnlyList<Problem> Problems => _problems;

    /// <param name="place">In the image's config: <c>user</c>, <c>env PATH</c>; also what the fingerprint is of.</param>
    /// <param name="cis">Number of the CIS Docker Benchmark's item that it answers.</param>
    public void OfConfig(string rule, Severity severity, string place, string evidence, string? cis = null, params ReadOnlySpan<string> parts) =>
        Add(rule, severity, null, place, 0, evidence, null, cis, null, [], place, parts);

    public void OfFile(string rule, PathHit hit, int line = 0, string? cis = null, params ReadOnlySpan<string> parts) =>
        Add(rule, hit.Severity, hit.Path, null, line, hit.Evidence, hit.Origin, cis, hit.OwnedBy, [], hit.Path, parts);

    /// <summary>One problem each for a few, else one for each layer and severity with the number of files; the title's first argument is the path or the number.</summary>
    /// <param name="many">The rule whose text speaks of many.</param>
    public void OfFiles(string rule, string many, IEnumerable<PathHit> hits, string? cis = null, bool always = false)
    {
        foreach (IGrouping<(Severity Severity, int Layer), PathHit> group in hits.GroupBy(h => (h.Severity, h.Origin.Layer)).OrderBy(g => g.Key.Layer).ThenByDescending(g => g.Key.Severity))
        {
            List<PathHit> all = [.. group.OrderBy(h => h.Path, StringComparer.Ordinal)];
            if (all.Count <= MaxSingle && !always)
            {
                foreach (PathHit hit in all)
                    OfFile(rule, hit, 0, cis, hit.Path);
                continue;
            }
            string folder = CommonFolder(all);
            string named = string.Join(", ", all.Take(MaxNamed).Select(h => $"{h.Path} ({h.Evidence})")) + (all.Count > MaxNamed ? ", …" : "");
            Add(rule, group.Key.Severity, folder, null, 0, named, all[0].Origin, cis, null, [("files", Invariant(all.Count))], $"{folder}/*", [Invariant(all.Count), folder.Length == 0 ? "/" : folder], many);
        }
    }

    public void Add(string rule, Severity severity, string? path, string? place, int line, string evidence, Origin? origin, string? cis, string? ownedBy,
        ReadOnlySpan<(string Name, string Value)> details, string fingerprintPlace, ReadOnlySpan<string> parts, string? textOf = null)
    {
        (Text title, Text? advice) = Catalogue.FindConfigurationRule(textOf ?? rule) ?? throw new InvalidOperationException($"the rule {textOf ?? rule} has no text");
        SortedDictionary<string, string> all = new(StringComparer.Ordinal);
        if (cis is not null)
            all["cis"] = cis;
        foreach ((string name, string value) in details)
            all[name] = value;
        string print = Problem.FingerprintOf(ProblemKind.Configuration, rule, fingerprintPlace);
        for (int nth = 1; _problems.Exists(p => p.Fingerprint == print); nth++)
            print = Problem.FingerprintOf(ProblemKind.Configuration, rule, fingerprintPlace, nth);
        object[] shown = new object[parts.Length];
        for (int i = 0; i < parts.Length; i++)
            shown[i] = Short(parts[i], MaxTitlePart);
        _problems.Add(new Problem
        {
            Kind = ProblemKind.Configuration,
            Rule = rule,
            Severity = severity,
            Title = new Text(title.In(Language.English, shown), title.In(Language.Chinese, shown)),
            Advice = advice,
            Path = path,
            Line = line,
            Place = place,
            Evidence = Short(evidence, MaxEvidence),
            Origin = origin,
            OwnedBy = ownedBy,
            Details = all,
            Fingerprint = print,
        });
    }

    public static string Short(string text, int max) => text.Length <= max ? text : $"{text[..(char.IsHighSurrogate(text[max - 1]) ? max - 1 : max)]}…";

    private static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The innermost folder that holds all paths; empty for the root.</summary>
    private static string CommonFolder(List<PathHit> hits)
    {
        string first = hits[0].Path, last = hits[^1].Path;
        int same = first.AsSpan().CommonPrefixLength(last);
        // In ordinal order what the first and the last have in common all have.
        int slash = same == 0 ? -1 : same == first.Length && same < last.Length && last[same] == '/' ? same : first.LastIndexOf('/', Math.Min(same, first.Length - 1));
        return slash <= 0 ? "" : first[..slash];
    }
}
