using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Policies;

/// <summary>Takes out of a report what policies judge.</summary>
internal static class InspectionMaker
{
    private const int MaxExamples = 3;

    /// <param name="policy">Whose denied packages are looked for; null: nobody's.</param>
    public static Inspection Make(Report report, Policy? policy)
    {
        List<InspectedFinding> findings = [.. report.Findings.Select(Of), .. report.Problems.Select(Of), .. policy is null ? [] : Denied(report, policy)];
        findings.Sort(InspectedFinding.Compare);
        List<InspectedLicence> declared = LicencesOf(report);
        return new Inspection
        {
            Names = [report.Image, .. report.Tags],
            IndexDigest = report.IndexDigest,
            ManifestDigest = report.ManifestDigest,
            ConfigDigest = report.ConfigDigest,
            Platform = report.Platform,
            Verified = report.Verified,
            Time = report.Time,
            Tool = report.ToolVersion,
            Created = report.Created,
            Database = new InspectedDatabase(report.Database.IsDatabase, report.Database.Counter, report.Database.Created, report.Database.Digest, report.Database.KevVersion, report.Database.EpssDate),
            Distribution = report.Distribution is { } d ? new InspectedDistribution(d.Id, d.Version, EndOfLife.Of(d)) : null,
            Checks = ChecksOf(report),
            Engines = [.. report.Engines.Select(e => new InspectedEngine(e.Name, e.Version, e.Failure))],
            Undecided = UndecidedOf(report),
            Findings = findings,
            Licences = declared,
            LicenceCategories = CategoriesOf(declared),
            PackagesOfPolicy = policy is null ? null : PolicyJson.DigestOf(policy),
        };
    }

    private static InspectedFinding Of(Finding finding) => new()
    {
        Kind = FindingKind.Vulnerability,
        Id = finding.Id,
        Aliases = finding.Aliases,
        Fingerprint = finding.Fingerprint,
        Severity = LevelOf(finding.Severity),
        Fixable = finding.FixedVersion is not null,
        Status = finding.Status,
        Published = finding.Published.Length >= 10 && DateOnly.TryParseExact(finding.Published.AsSpan(0, 10), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) ? day : null,
        KnownExploited = finding.KnownExploited is not null,
        Epss = finding.Epss is { Probability: >= 0 and <= 1 and var probability } ? decimal.Round((decimal)probability, 6) : null,
        Malicious = finding.Malicious,
        Package = finding.Package.Package.Name,
        SourcePackage = SourceOf(finding.Package.Package),
        Version = finding.Package.Package.Version,
        Path = finding.Package.Path,
        SuppressedBy = SourceOf(finding.Suppressed),
    };

    private static InspectedFinding Of(Problem problem) => new()
    {
        Kind = KindOf(problem.Kind),
        Id = problem.Rule,
        Fingerprint = problem.Fingerprint,
        Severity = LevelOf(problem.Severity),
        Package = NameOf(problem),
        Path = problem.Path ?? problem.Place ?? "",
        Removed = problem.RemovedBy is not null,
        // All but the one word counts as confirmed: what a policy does not know must not get away lightly.
        Suspected = problem.Kind == ProblemKind.Malware && problem.Details.GetValueOrDefault("certainty") == "suspected",
        SuppressedBy = SourceOf(problem.Suppressed),
    };

    private static string NameOf(Problem problem) =>
        Purl.TryParse(problem.Package, out PurlParts? purl) ? purl.PackageName : problem.OwnedBy is { } owner ? owner[(owner.IndexOf('/', StringComparison.Ordinal) + 1)..] : "";

    private static string SourceOf(Package package) => package.SourceName == package.Name ? "" : package.SourceName;

    private static SuppressionSource? SourceOf(Suppression? suppression) => suppression is null ? null
        : suppression.Source == Matcher.ByDistribution ? SuppressionSource.Distribution
        : suppression.Source == Matcher.ByLockFile ? SuppressionSource.LockFile
        : suppression.Source.Contains(", statement ", StringComparison.Ordinal) ? SuppressionSource.Vex
        : SuppressionSource.File;

    /// <summary>Packages that the policy names; the first entry that does counts.</summary>
    private static IEnumerable<InspectedFinding> Denied(Report report, Policy policy)
    {
        if (policy.Packages.Count == 0)
            yield break;
        foreach (InstalledPackage installed in report.Packages)
            for (int i = 0; i < policy.Packages.Count; i++)
                if (Names(policy.Packages[i], installed.Package))
                {
                    yield return new InspectedFinding
                    {
                        Kind = FindingKind.Package,
                        Id = "denied-package",
                        Package = installed.Package.Name,
                        SourcePackage = SourceOf(installed.Package),
                        Version = installed.Package.Version,
                        Path = installed.Path,
                        Entry = i,
                    };
                    break;
                }
    }

    private static bool Names(DeniedPackage denied, Package package) =>
        (denied.Type is null || denied.Type == package.Type)
        && (Glob.Matches(denied.Name, package.Name) || Glob.Matches(denied.Name, package.SourceName))
        && (denied.Versions.Count == 0 || denied.Versions.Any(v => Glob.Matches(v, package.Version)))
        // A version that cannot be ordered may be below any.
        && (denied.Below is not { } below || VersionOrders.For(package.Type) is not { } order || !order.IsValid(package.Version) || order.Compare(package.Version, below) < 0);

    private static List<string> ChecksOf(Report report)
    {
        List<string> checks = report.Matched ? [FindingKind.Vulnerability.Word()] : [];
        foreach (ProblemKind kind in report.Checks)
            // A check that stumbled has judged nothing.
            if (!report.Gaps.Any(g => g.Code == "check-failed" && g.Where == kind.Word()))
                checks.Add(kind.Word());
        return checks;
    }

    /// <summary>That there is no database is judged by a rule of its own.</summary>
    private static List<Unseen> UndecidedOf(Report report) =>
    [
        .. report.Gaps.Select(g => new Unseen($"gap/{g.Code}", g.Where)),
        .. report.Notes.Where(n => n.Undecided && n.Code != "no-database").Select(n => new Unseen($"note/{n.Code}", n.Arguments.Count > 0 ? n.Arguments[0] : "")),
    ];

    private static List<InspectedLicence> LicencesOf(Report report) =>
    [
        .. report.Packages.GroupBy(p => string.Join('\n', LicenceSource.Of(p)), StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => new InspectedLicence(LicenceSource.Of(g.First()), g.Count(),
                [.. g.Select(p => p.Package.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Take(MaxExamples)])),
    ];

    private static SortedDictionary<string, string> CategoriesOf(IEnumerable<InspectedLicence> licences)
    {
        SortedDictionary<string, string> categories = new(StringComparer.Ordinal);
        foreach (string id in licences.SelectMany(l => l.Terms).SelectMany(LicenceExpression.IdsOf))
            if (LicenceSource.CategoryOf(id) is { } category)
                categories[id] = category;
        return categories;
    }

    private static FindingKind KindOf(ProblemKind kind) => kind switch
    {
        ProblemKind.Malware => FindingKind.Malware,
        ProblemKind.Secret => FindingKind.Secret,
        ProblemKind.History => FindingKind.History,
        ProblemKind.Configuration => FindingKind.Configuration,
        ProblemKind.Licence => FindingKind.Licence,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static Level LevelOf(Severity severity) => severity switch
    {
        Severity.Critical => Level.Critical,
        Severity.High => Level.High,
        Severity.Medium => Level.Medium,
        Severity.Low => Level.Low,
        Severity.Negligible => Level.Negligible,
        _ => Level.Unknown,
    };
}
