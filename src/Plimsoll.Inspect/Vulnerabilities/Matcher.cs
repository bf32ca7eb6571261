using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.Inspect.Reports;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>What matching answers.</summary>
/// <param name="Findings">Worst first, then by id, package, path, version and architecture.</param>
/// <param name="Notes">What limits the answer.</param>
/// <param name="Gaps">Packages or records that could not be compared.</param>
public sealed record MatchResult(IReadOnlyList<Finding> Findings, IReadOnlyList<Note> Notes, IReadOnlyList<Gap> Gaps);

/// <summary>Finds the known vulnerabilities of an image's packages.</summary>
/// <remarks>The rules are worded for users in docs/checks/vulnerabilities.md.</remarks>
public static class Matcher
{
    private const int MaxReferences = 16;

    /// <summary>Steps from fix to fix until one is found that no record affects any more.</summary>
    private const int MaxFixSteps = 16;

    /// <param name="now">For the end of life; nothing else depends on it.</param>
    public static MatchResult Match(Inventory inventory, IAdvisoryStore store, DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inventory);
        ArgumentNullException.ThrowIfNull(store);
        List<Note> notes = [];
        List<Finding> findings = [];
        List<Gap> gaps = [];
        Release? release = inventory.Distribution is null ? null : Release.Of(inventory.Distribution);
        bool covered = release?.Ecosystem is not null && release.Ecosystems.Any(store.Covers);
        AddNotes(inventory, release, covered, now, notes);
        if (!covered)
            return new MatchResult([], notes, []);
        IVersionOrder order = VersionOrders.For(release!.PackageType!)!;
        Asked asked = new(store, release, order, gaps);
        foreach (InstalledPackage installed in inventory.Packages)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (installed.Package.Type == release.PackageType)
                foreach (Flaw flaw in asked.FlawsOf(installed))
                    findings.Add(flaw.Of(installed));
        }
        findings.Sort(Compare);
        return new MatchResult(findings, notes, gaps);
    }

    /// <summary>32 hex digits over the package's type, name and database path and the flaw's id.</summary>
    public static string Fingerprint(InstalledPackage package, string flaw)
    {
        ArgumentNullException.ThrowIfNull(package);
        // The separator cannot occur in any part, so different parts never give the same text.
        string text = string.Join('\n', "plimsoll finding 1", package.Package.Type, package.Package.Name, package.Path.Replace('\n', '\0'), flaw);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
    }

    private static void AddNotes(Inventory inventory, Release? release, bool covered, DateTimeOffset now, List<Note> notes)
    {
        int count = inventory.Packages.Count;
        if (inventory.Distribution is not { } distribution || release is null)
        {
            notes.Add(count > 0 ? new Note(MatchNotes.NoDistribution, true, [$"{count}"]) : new Note(MatchNotes.NothingFound, true, []));
            return;
        }
        string name = distribution.PrettyName ?? distribution.Id;
        int own = release.PackageType is null ? 0 : inventory.Packages.Count(p => p.Package.Type == release.PackageType);
        // One of an unknown distribution may keep its packages in a form that is not read here, which is no less a gap.
        if (own == 0)
            notes.Add(new Note(MatchNotes.NoPackageDatabase, true, [name]));
        if (release.Rolling)
            notes.Add(new Note(MatchNotes.RollingRelease, true, [name]));
        else if (!covered)
            notes.Add(new Note(MatchNotes.NoAdvisoriesForRelease, true, [EcosystemName(distribution), distribution.Version, $"{count}"]));
        // Packages of another distribution's kind have no release that anyone could look up.
        foreach (IGrouping<string, InstalledPackage> foreign in inventory.Packages
            .Where(p => release.PackageType is not null && p.Package.Type != release.PackageType)
            .GroupBy(p => p.Package.Type).OrderBy(g => g.Key, StringComparer.Ordinal))
            notes.Add(new Note(MatchNotes.NoAdvisoriesForRelease, true, [$"{foreign.Key} packages in {distribution.Id}", distribution.Version, $"{foreign.Count()}"]));
        if (Vulnerabilities.EndOfLife.Of(distribution) is { } date && DateOnly.FromDateTime(now.UtcDateTime) > date)
            notes.Add(new Note(MatchNotes.EndOfLife, false, [EcosystemName(distribution), distribution.Version, date.ToString("yyyy-MM-dd")]));
    }

    private static string EcosystemName(Distribution distribution) =>
        distribution.Id switch { "debian" => "Debian", "alpine" => "Alpine", "ubuntu" => "Ubuntu", _ => distribution.Id };

    private static int Compare(Finding a, Finding b)
    {
        int order = b.Severity.CompareTo(a.Severity);
        if (order == 0)
            order = string.CompareOrdinal(a.Id, b.Id);
        if (order == 0)
            order = string.CompareOrdinal(a.Package.Package.Name, b.Package.Package.Name);
        if (order == 0)
            order = string.CompareOrdinal(a.Package.Path, b.Package.Path);
        if (order == 0)
            order = string.CompareOrdinal(a.Package.Package.Version, b.Package.Package.Version);
        return order != 0 ? order : string.CompareOrdinal(a.Package.Package.Architecture, b.Package.Package.Architecture);
    }

    /// <summary>Answers per source package, each looked up once: many binary packages come from one source.</summary>
    private sealed class Asked(IAdvisoryStore store, Release release, IVersionOrder order, List<Gap> gaps)
    {
        private readonly FlawIds _ids = new(store);
        private readonly Dictionary<(string Name, string Version, string? Module), IReadOnlyList<Flaw>> _answers = [];
        private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);

        public IReadOnlyList<Flaw> FlawsOf(InstalledPackage installed)
        {
            (string, string, string?) key = release.ByBinaryName
                ? (installed.Package.Name, installed.Package.Version, installed.Package.Module)
                : (installed.Package.SourceName, installed.Package.SourceVersion, installed.Package.Module);
            if (!_answers.TryGetValue(key, out IReadOnlyList<Flaw>? flaws))
                _answers[key] = flaws = Ask(installed);
            return flaws;
        }

        private IReadOnlyList<Flaw> Ask(InstalledPackage installed)
        {
            (string name, string version) = release.ByBinaryName
                ? (installed.Package.Name, installed.Package.Version)
                : (installed.Package.SourceName, installed.Package.SourceVersion);
            IReadOnlyList<Affected> records = RpmRecords.Concerning(installed.Package, release.Find(store, name));
            if (records.Count == 0)
                return [];
            if (!order.IsValid(version))
            {
                gaps.Add(new Gap("version-unreadable", installed.Path,
                    $"package {Texts.Escape.Quote(installed.Package.Name)}: {Texts.Escape.Quote(version)} is no {installed.Package.Type} version; {records.Count} advisories on {name} stay undecided"));
                return [];
            }
            Dictionary<string, List<(Affected Record, Match Match)>> byFlaw = new(StringComparer.Ordinal);
            foreach (Affected record in records)
            {
                RangeAnswer answer = RangeCheck.Ask(record, version, order);
                if (answer.Affected is null && _unreadable.Add($"{record.Advisory.Id} {name}"))
                    gaps.Add(new Gap("advisory-unreadable", record.Advisory.Id, $"its range for {record.Ecosystem} {name} holds a text that is no version"));
                if (answer.Affected != true)
                    continue;
                Match match = new()
                {
                    AdvisoryId = record.Advisory.Id,
                    Ecosystem = record.Ecosystem,
                    Package = name,
                    Version = version,
                    Range = answer.Range,
                    FixedVersion = answer.Fixed,
                };
                foreach (string flaw in _ids.Of(record.Advisory))
                {
                    if (!byFlaw.TryGetValue(flaw, out List<(Affected, Match)>? matches))
                        byFlaw[flaw] = matches = [];
                    matches.Add((record, match));
                }
            }
            if (byFlaw.Count == 0)
                return [];
            ILookup<string, Affected> all = records.SelectMany(r => _ids.Of(r.Advisory), (r, flaw) => (r, flaw)).ToLookup(p => p.flaw, p => p.r, StringComparer.Ordinal);
            return [.. byFlaw.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => Describe(f.Key, f.Value, [.. all[f.Key]]))];
        }

        private Flaw Describe(string id, List<(Affected Record, Match Match)> matches, IReadOnlyList<Affected> records)
        {
            matches.Sort((a, b) => string.CompareOrdinal(a.Record.Advisory.Id, b.Record.Advisory.Id) is var byId and not 0
                ? byId
                : string.CompareOrdinal(a.Match.FixedVersion, b.Match.FixedVersion));
            List<Affected> matching = [.. matches.Select(m => m.Record)];
            List<Advisory> related = [.. _ids.Find(id).Where(IsSingle)];
            SortedSet<string> aliases = new(StringComparer.Ordinal);
            foreach (Advisory advisory in matching.Select(m => m.Advisory).Concat(related.Where(r => r.Aliases.Contains(id) || r.Id == id)))
            {
                aliases.Add(advisory.Id);
                if (IsSingle(advisory))
                    aliases.UnionWith(advisory.Aliases.Where(a => !FlawIds.IsCve(a)));
            }
            aliases.Remove(id);
            string? fix = FixOf(matches, records);
            SeverityAnswer severity = SeverityRule.Decide(matching, related, IsSingle);
            // What a record on this flaw alone says of it is better than what a bundle says.
            List<Advisory> told = [.. matching.Select(m => m.Advisory).OrderBy(a => IsSingle(a) ? 0 : 1)];
            return new Flaw
            {
                Id = id,
                Aliases = [.. aliases],
                Fixed = fix,
                Status = StatusOf(fix, matching),
                Severity = severity,
                Title = told.Find(a => a.Summary.Length > 0)?.Summary ?? related.Find(a => a.Summary.Length > 0)?.Summary ?? "",
                Published = told.Where(a => a.Published.Length > 0).Select(a => a.Published).Min(StringComparer.Ordinal) ?? "",
                References = [.. told.SelectMany(a => a.References).Distinct(StringComparer.Ordinal).Take(MaxReferences)],
                KnownExploited = FlawIds.IsCve(id) ? store.FindKnownExploited(id) : null,
                FromStarterSet = matching.TrueForAll(m => m.Advisory.Source == "starter"),
                Matches = [.. matches.Select(m => m.Match).Distinct()],
            };
        }

        private bool IsSingle(Advisory advisory) => _ids.IsSingle(advisory);

        /// <summary>The lowest version, reached from fix to fix, that no record on the flaw affects; null where one knows no fix.</summary>
        private string? FixOf(List<(Affected Record, Match Match)> matches, IReadOnlyList<Affected> records)
        {
            string? fix = null;
            foreach ((_, Match match) in matches)
            {
                if (match.FixedVersion is null)
                    return null;
                fix = RangeCheck.Later(fix, match.FixedVersion, order);
            }
            // The usual case: one record with one range, whose own end nothing else can affect again.
            if (records is [{ Ranges: [{ Events.Count: <= 2 }], Versions.Count: 0 }])
                return fix;
            for (int step = 0; step < MaxFixSteps && fix is not null; step++)
            {
                string? next = fix;
                foreach (Affected record in records)
                {
                    RangeAnswer answer = RangeCheck.Ask(record, fix, order);
                    if (answer.Affected == true)
                        next = answer.Fixed is null ? null : RangeCheck.Later(next, answer.Fixed, order);
                    if (next is null)
                        return null;
                }
                if (next == fix)
                    return fix;
                fix = next;
            }
            return null;
        }

        private static string StatusOf(string? fix, List<Affected> matching)
        {
            if (fix is not null)
                return "fixed";
            List<string> urgencies = [.. matching.Select(m => m.Urgency?.Trim().ToLowerInvariant() ?? "")];
            return urgencies.Contains("end-of-life") ? "end-of-life"
                : urgencies.TrueForAll(u => u is "unimportant" or "ignored" or "will-not-fix" or "wontfix") ? "will-not-fix"
                : "affected";
        }
    }

    /// <summary>A flaw of one source package; the binary packages built of it share it.</summary>
    private sealed record Flaw
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
        public required bool FromStarterSet { get; init; }
        public required IReadOnlyList<Match> Matches { get; init; }

        public Finding Of(InstalledPackage package) => new()
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
            FromStarterSet = FromStarterSet,
            Matches = Matches,
            Fingerprint = Fingerprint(package, Id),
        };
    }
}
