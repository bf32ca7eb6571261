using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>A flaw of one version of one package as its ecosystem names it; all installed packages that are asked by that name share it.</summary>
sealed record Flaw
{
    public required string Id { get; init; }
    public required IReadOnlyList<string> Aliases { get; init; }
    public required string? Fixed { get; init; }
    public required string Status { get; init; }
    public required SeverityAnswer Severity { get; init; }
    public required string Title { get; init; }
    public required string Published { get; init; }
    public required IReadOnlyList<string> References { get; init; }
    public required string? KnownExploited { get; init; }
    public required Epss? Epss { get; init; }
    public required bool Malicious { get; init; }
    public required bool FromStarterSet { get; init; }
    public required IReadOnlyList<Match> Matches { get; init; }

    public Finding Of(InstalledPackage package, Suppression? suppressed) => Of(package, Matcher.Fingerprint(package, Id), suppressed);

    public Finding Of(InstalledPackage package, string fingerprint, Suppression? suppressed) => new()
    {
        Id = Id,
        Aliases = Aliases,
        Package = package,
        FixedVersion = Fixed,
        Status = Status,
        Severity = Severity.Severity,
        SeverityFrom = Severity.From,
        Score = Severity.Score,
        Title = Title,
        Published = Published,
        References = References,
        KnownExploited = KnownExploited,
        Epss = Epss,
        Malicious = Malicious,
        FromStarterSet = FromStarterSet,
        Matches = Matches,
        Fingerprint = fingerprint,
        Suppressed = suppressed,
    };
}
