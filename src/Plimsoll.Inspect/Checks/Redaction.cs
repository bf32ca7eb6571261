using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Checks;

/// <summary>Takes secrets that checks found in an image's history out of everything else a report says of that history.</summary>
internal sealed class Redaction
{
    public const string Stars = "****";

    private readonly IReadOnlyList<string> _secrets;
    private readonly Dictionary<string, string> _done = new(StringComparer.Ordinal);

    /// <param name="secrets">Longest first.</param>
    public Redaction(IEnumerable<string> secrets) => _secrets = [.. secrets.Where(s => s.Length > 0).Distinct(StringComparer.Ordinal).OrderByDescending(s => s.Length).ThenBy(s => s, StringComparer.Ordinal)];

    public Report Of(Report report)
    {
        if (_secrets.Count == 0)
            return report;
        return report with
        {
            Layers = [.. report.Layers.Select(l => l.CreatedBy is null ? l : l with { CreatedBy = Of(l.CreatedBy) })],
            Packages = [.. report.Packages.Select(Of)],
            Removed = [.. report.Removed.Select(Of)],
            Findings = [.. report.Findings.Select(f => f with { Package = Of(f.Package) })],
            Problems = [.. report.Problems.Select(Of)],
            Dockerfile = [.. report.Dockerfile.Select(l => l with { Text = Of(l.Text) })],
        };
    }

    private string Of(string text)
    {
        if (_done.TryGetValue(text, out string? known))
            return known;
        string clean = text;
        foreach (string secret in _secrets)
            clean = clean.Replace(secret, Stars, StringComparison.Ordinal);
        _done[text] = clean;
        return clean;
    }

    private Text Of(Text text) => new(Of(text.English), Of(text.Chinese));

    private Origin? OfOptional(Origin? origin) => origin is null ? null : Of(origin);

    private Origin Of(Origin origin) => origin.CreatedBy is null ? origin : origin with { CreatedBy = Of(origin.CreatedBy) };

    private InstalledPackage Of(InstalledPackage package) => package with { Origin = Of(package.Origin), RemovedBy = OfOptional(package.RemovedBy) };

    private Problem Of(Problem problem) => problem with
    {
        Title = Of(problem.Title),
        Advice = problem.Advice is { } advice ? Of(advice) : null,
        Evidence = Of(problem.Evidence),
        Origin = OfOptional(problem.Origin),
        RemovedBy = OfOptional(problem.RemovedBy),
        Details = problem.Details.Count == 0 ? problem.Details : new SortedDictionary<string, string>(problem.Details.ToDictionary(d => d.Key, d => Of(d.Value), StringComparer.Ordinal), StringComparer.Ordinal),
    };
}
