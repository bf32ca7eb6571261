using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Suppressions;

/// <summary>What suppressing answers: the same findings in the same order, some marked, and notes on entries that did nothing.</summary>
public sealed record SuppressionResult(IReadOnlyList<Finding> Findings, IReadOnlyList<Note> Notes);

/// <summary>Marks findings that a user has judged.</summary>
public static class Suppressor
{
    /// <summary>
    /// An entry matches a finding by its id or an alias, without regard to case, and, where it names a package, by the
    /// binary or the source package. Of several matching ones the first in the list counts. It holds through its last day, UTC.
    /// </summary>
    public static SuppressionResult Apply(IReadOnlyList<Finding> findings, IReadOnlyList<Suppression> suppressions, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(findings);
        ArgumentNullException.ThrowIfNull(suppressions);
        if (suppressions.Count == 0)
            return new SuppressionResult(findings, []);
        DateOnly today = DateOnly.FromDateTime(now.UtcDateTime);
        HashSet<Suppression> used = new(ReferenceEqualityComparer.Instance);
        ILookup<string, Suppression> byId = suppressions.Where(s => !IsExpired(s)).ToLookup(s => s.Id, StringComparer.OrdinalIgnoreCase);
        List<Finding> marked = new(findings.Count);
        foreach (Finding finding in findings)
        {
            List<Suppression> matching = [.. finding.Aliases.Prepend(finding.Id).SelectMany(id => byId[id]).Where(s => Names(s, finding))];
            foreach (Suppression match in matching)
                used.Add(match);
            Suppression? first = matching.Count < 2 ? matching.FirstOrDefault() : suppressions.First(s => matching.Exists(m => ReferenceEquals(m, s)));
            marked.Add(first is null ? finding : finding with { Suppressed = first });
        }
        List<Note> notes = [];
        foreach (Suppression entry in suppressions)
            if (IsExpired(entry))
                notes.Add(new Note(MatchNotes.SuppressionExpired, false, [entry.Id, entry.Expires!.Value.ToString("yyyy-MM-dd"), entry.Source]));
            else if (!used.Contains(entry))
                notes.Add(new Note(MatchNotes.SuppressionUnused, false, [entry.Id, entry.Source]));
        return new SuppressionResult(marked, notes);

        bool IsExpired(Suppression entry) => entry.Expires < today;
    }

    private static bool Names(Suppression entry, Finding finding) =>
        entry.Package is null || entry.Package == finding.Package.Package.Name || entry.Package == finding.Package.Package.SourceName;
}
