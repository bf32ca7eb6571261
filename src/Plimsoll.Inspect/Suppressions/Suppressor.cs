using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Suppressions;

/// <summary>What suppressing answers: the same findings in the same order, some marked, and notes on entries that did nothing.</summary>
public sealed record SuppressionResult(IReadOnlyList<Finding> Findings, IReadOnlyList<Note> Notes);

/// <summary>The same for problems.</summary>
/// <param name="Used">Entries that matched one; a note that calls such an entry unused is wrong.</param>
public sealed record ProblemSuppressionResult(IReadOnlyList<Problem> Problems, IReadOnlySet<Suppression> Used);

/// <summary>Marks findings and problems that a user has judged.</summary>
public static class Suppressor
{
    /// <summary>
    /// An entry matches a finding by its id or an alias, without regard to case, and, where it names a package, by the
    /// binary or the source package; where it names a path, by the file that lists the package. Of several matching ones the first in
    /// the list counts. It holds through its last day, UTC.
    /// </summary>
    public static SuppressionResult Apply(IReadOnlyList<Finding> findings, IReadOnlyList<Suppression> suppressions, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(findings);
        ArgumentNullException.ThrowIfNull(suppressions);
        if (suppressions.Count == 0)
            return new SuppressionResult(findings, []);
        Entries entries = new(suppressions, now);
        List<Finding> marked = [.. findings.Select(f => entries.First(f.Aliases.Prepend(f.Id), s => Names(s, f)) is { } first ? f with { Suppressed = first } : f)];
        return new SuppressionResult(marked, NotesOn(suppressions, entries.Used, now));
    }

    /// <summary>
    /// An entry matches a problem by its rule or fingerprint, without regard to case, and, where it names a package or a path, by these.
    /// </summary>
    public static ProblemSuppressionResult Apply(IReadOnlyList<Problem> problems, IReadOnlyList<Suppression> suppressions, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(problems);
        ArgumentNullException.ThrowIfNull(suppressions);
        if (suppressions.Count == 0)
            return new ProblemSuppressionResult(problems, new HashSet<Suppression>());
        Entries entries = new(suppressions, now);
        List<Problem> marked = [.. problems.Select(p => entries.First([p.Rule, p.Fingerprint], s => Names(s, p)) is { } first && p.Suppressed is null ? p with { Suppressed = first } : p)];
        return new ProblemSuppressionResult(marked, entries.Used);
    }

    /// <summary>A note on each entry that has expired or did nothing, in the order of the list.</summary>
    public static IReadOnlyList<Note> NotesOn(IReadOnlyList<Suppression> suppressions, IReadOnlySet<Suppression> used, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(suppressions);
        ArgumentNullException.ThrowIfNull(used);
        List<Note> notes = [];
        foreach (Suppression entry in suppressions)
            if (IsExpired(entry, now))
                notes.Add(new Note(MatchNotes.SuppressionExpired, false, [entry.Id, entry.Expires!.Value.ToString("yyyy-MM-dd"), entry.Source]));
            else if (!used.Contains(entry))
                notes.Add(new Note(MatchNotes.SuppressionUnused, false, [entry.Id, entry.Source]));
        return notes;
    }

    private static bool IsExpired(Suppression entry, DateTimeOffset now) => entry.Expires < DateOnly.FromDateTime(now.UtcDateTime);

    private static bool Names(Suppression entry, Finding finding) =>
        (entry.Package is null || entry.Package == finding.Package.Package.Name || entry.Package == finding.Package.Package.SourceName)
        && (entry.Path is null || Glob.Matches(entry.Path, finding.Package.Path));

    private static bool Names(Suppression entry, Problem problem) =>
        (entry.Package is null || (Purl.TryParse(problem.Package, out PurlParts? purl) && purl.PackageName == entry.Package)
            || (problem.OwnedBy is { } owner && owner[(owner.IndexOf('/', StringComparison.Ordinal) + 1)..] == entry.Package))
        && (entry.Path is null || (problem.Path is { } path && Glob.Matches(entry.Path, path)));

    /// <summary>Entries that have not expired, by id, and which of them matched something.</summary>
    private sealed class Entries(IReadOnlyList<Suppression> all, DateTimeOffset now)
    {
        private readonly ILookup<string, Suppression> _byId = all.Where(s => !IsExpired(s, now)).ToLookup(s => s.Id, StringComparer.OrdinalIgnoreCase);

        public HashSet<Suppression> Used { get; } = new(ReferenceEqualityComparer.Instance);

        public Suppression? First(IEnumerable<string> ids, Func<Suppression, bool> names)
        {
            List<Suppression> matching = [.. ids.SelectMany(id => _byId[id]).Where(names)];
            foreach (Suppression match in matching)
                Used.Add(match);
            return matching.Count < 2 ? matching.FirstOrDefault() : all.First(s => matching.Exists(m => ReferenceEquals(m, s)));
        }
    }
}
