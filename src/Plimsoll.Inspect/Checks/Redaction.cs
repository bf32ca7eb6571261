using System.Buffers;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Checks;

/// <summary>Takes secrets that checks found in an image's history out of everything else a report says of that history.</summary>
internal sealed class Redaction
{
    public const string Stars = "****";

    /// <summary>Beyond so many nobody looks which of them a text holds: all of it goes.</summary>
    private const int MaxSecrets = 2000;

    /// <summary>A shorter beginning or line of a secret gives nothing away.</summary>
    private const int LeastPart = 4;

    private readonly IReadOnlyList<string> _secrets;
    private readonly SearchValues<string> _any;
    private readonly Dictionary<string, string> _done = new(StringComparer.Ordinal);

    /// <param name="secrets">In any order. Each line of one counts as well, since a rebuilt Dockerfile breaks and joins lines.</param>
    public Redaction(IEnumerable<string> secrets)
    {
        _secrets = [.. secrets.SelectMany(WithLines).Where(s => s.Length > 0).Distinct(StringComparer.Ordinal).OrderByDescending(s => s.Length).ThenBy(s => s, StringComparer.Ordinal)];
        _any = SearchValues.Create([.. _secrets], StringComparison.Ordinal);
    }

    private static IEnumerable<string> WithLines(string secret) =>
        secret.AsSpan().ContainsAny('\n', '\r') ? [secret, .. secret.Split(['\n', '\r']).Select(l => l.Trim()).Where(l => l.Length >= LeastPart)] : [secret];

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
            Dockerfile = Of(report.Dockerfile),
        };
    }

    /// <summary>A report of packages and their vulnerabilities that says nothing of the lines that made the layers.</summary>
    public static Report WithoutHistory(Report report)
    {
        if (report.Layers.All(l => l.CreatedBy is null))
            return report;
        return report with
        {
            Layers = [.. report.Layers.Select(l => l with { CreatedBy = null })],
            Packages = [.. report.Packages.Select(Bare)],
            Removed = [.. report.Removed.Select(Bare)],
            Findings = [.. report.Findings.Select(f => f with { Package = Bare(f.Package) })],
        };
        static InstalledPackage Bare(InstalledPackage package) => package with { Origin = package.Origin with { CreatedBy = null }, RemovedBy = package.RemovedBy is { } by ? by with { CreatedBy = null } : null };
    }

    public IReadOnlyList<History.DockerfileLine> Of(IReadOnlyList<History.DockerfileLine> lines) => [.. lines.Select(l => l with { Text = Of(l.Text) })];

    private string Of(string text)
    {
        if (_done.TryGetValue(text, out string? known))
            return known;
        string clean = text;
        if (text.AsSpan().ContainsAny(_any))
            if (_secrets.Count > MaxSecrets)
                clean = Stars;
            else
                foreach (string secret in _secrets)
                    clean = clean.Replace(secret, Stars, StringComparison.Ordinal);
        clean = WithoutCutSecret(clean);
        _done[text] = clean;
        return clean;
    }

    /// <summary>A text that was shortened may end in the beginning of a secret.</summary>
    private string WithoutCutSecret(string text)
    {
        if (!text.EndsWith('…') || _secrets.Count > MaxSecrets)
            return text;
        ReadOnlySpan<char> shown = text.AsSpan(0, text.Length - 1);
        foreach (string secret in _secrets)
            for (int length = Math.Min(secret.Length - 1, shown.Length); length >= LeastPart; length--)
                if (shown.EndsWith(secret.AsSpan(0, length), StringComparison.Ordinal))
                    return string.Concat(shown[..^length], Stars, "…");
        return text;
    }

    public Text Of(Text text) => new(Of(text.English), Of(text.Chinese));

    private Origin? OfOptional(Origin? origin) => origin is null ? null : Of(origin);

    private Origin Of(Origin origin) => origin.CreatedBy is null ? origin : origin with { CreatedBy = Of(origin.CreatedBy) };

    private InstalledPackage Of(InstalledPackage package) => package with { Origin = Of(package.Origin), RemovedBy = OfOptional(package.RemovedBy) };

    private Problem Of(Problem problem) => problem with
    {
        Title = Of(problem.Title),
        Advice = problem.Advice is { } advice ? Of(advice) : null,
        Evidence = Of(problem.Evidence),
        Place = problem.Place is { } place ? Of(place) : null,
        Origin = OfOptional(problem.Origin),
        RemovedBy = OfOptional(problem.RemovedBy),
        Details = problem.Details.Count == 0 ? problem.Details : new SortedDictionary<string, string>(problem.Details.ToDictionary(d => d.Key, d => Of(d.Value), StringComparer.Ordinal), StringComparer.Ordinal),
    };
}
