using Plimsoll.Inspect.Packages.Versions;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Tells what all records on one flaw say together.</summary>
sealed class FlawWriter(IAdvisoryStore store)
{
    private const int MaxReferences = 16;

    /// <summary>Steps from fix to fix until one is found that no record affects any more.</summary>
    private const int MaxFixSteps = 16;

    public Flaw Describe(string id, FlawMatches found, FlawIds ids, IVersionOrder order)
    {
        List<Advisory> matching = [], related = [];
        foreach (Affected record in found.Records)
            matching.Add(record.Advisory);
        foreach (Advisory record in ids.Find(id))
            if (ids.IsSingle(record))
                related.Add(record);
        SeverityAnswer severity = SeverityRule.Decide(found.Records, related, ids.IsSingle);
        string? malicious = MaliciousIn(matching);
        if (malicious is not null)
            severity = new SeverityAnswer(Severity.Critical, $"malicious package ({malicious})", severity.Score);
        string? fix = FixOf(found, order);
        // What a record on this flaw alone says of it is better than what a bundle says.
        List<Advisory> told = InOrderOfTelling(matching, ids);
        return new Flaw
        {
            Id = id,
            Aliases = AliasesOf(id, matching, related, ids),
            Fixed = fix,
            Status = StatusOf(fix, found.Records),
            Severity = severity,
            Title = TitleOf(told) ?? TitleOf(related) ?? "",
            Published = FirstPublished(told),
            References = ReferencesOf(told),
            KnownExploited = FlawIds.IsCve(id) ? store.FindKnownExploited(id) : null,
            Epss = FlawIds.IsCve(id) ? store.FindEpss(id) : null,
            Malicious = malicious is not null,
            FromStarterSet = matching.TrueForAll(a => a.Source == "starter"),
            Matches = Distinct(found.Matches),
        };
    }

    private static string? MaliciousIn(List<Advisory> records)
    {
        foreach (Advisory record in records)
            if (record.Id.StartsWith("MAL-", StringComparison.Ordinal))
                return record.Id;
        return null;
    }

    private static List<Advisory> InOrderOfTelling(List<Advisory> matching, FlawIds ids)
    {
        List<Advisory> told = new(matching.Count);
        foreach (Advisory record in matching)
            if (ids.IsSingle(record))
                told.Add(record);
        foreach (Advisory record in matching)
            if (!ids.IsSingle(record))
                told.Add(record);
        return told;
    }

    private static string[] AliasesOf(string id, List<Advisory> matching, List<Advisory> related, FlawIds ids)
    {
        SortedSet<string> aliases = new(StringComparer.Ordinal);
        foreach (Advisory record in matching)
            Take(record);
        foreach (Advisory record in related)
            if (record.Id == id || Contains(record.Aliases, id))
                Take(record);
        aliases.Remove(id);
        string[] sorted = new string[aliases.Count];
        aliases.CopyTo(sorted);
        return sorted;

        void Take(Advisory record)
        {
            aliases.Add(record.Id);
            if (!ids.IsSingle(record))
                return;
            for (int i = 0; i < record.Aliases.Count; i++)
                if (!FlawIds.IsCve(record.Aliases[i]))
                    aliases.Add(record.Aliases[i]);
        }
    }

    private static bool Contains(IReadOnlyList<string> texts, string wanted)
    {
        for (int i = 0; i < texts.Count; i++)
            if (texts[i] == wanted)
                return true;
        return false;
    }

    private static string? TitleOf(List<Advisory> records)
    {
        foreach (Advisory record in records)
            if (record.Summary.Length > 0)
                return record.Summary;
        return null;
    }

    private static string FirstPublished(List<Advisory> records)
    {
        string first = "";
        foreach (Advisory record in records)
            if (record.Published.Length > 0 && (first.Length == 0 || string.CompareOrdinal(record.Published, first) < 0))
                first = record.Published;
        return first;
    }

    private static List<string> ReferencesOf(List<Advisory> records)
    {
        List<string> urls = [];
        foreach (Advisory record in records)
            for (int i = 0; i < record.References.Count && urls.Count < MaxReferences; i++)
                if (!urls.Contains(record.References[i]))
                    urls.Add(record.References[i]);
        return urls;
    }

    private static List<Match> Distinct(List<Match> matches)
    {
        List<Match> kept = new(matches.Count);
        foreach (Match match in matches)
            if (!kept.Contains(match))
                kept.Add(match);
        return kept;
    }

    /// <summary>The lowest version, reached from fix to fix, that no record on the flaw affects; null where one knows no fix.</summary>
    private static string? FixOf(FlawMatches found, IVersionOrder order)
    {
        string? fix = null;
        foreach (Match match in found.Matches)
        {
            if (match.FixedVersion is null)
                return null;
            fix = RangeCheck.Later(fix, match.FixedVersion, order);
        }
        // The usual case: one record with one range, whose own end nothing else can affect again.
        if (found.All.Count == 1 && found.All[0] is { Ranges.Count: 1, Versions.Count: 0 } only && only.Ranges[0].Events.Count <= 2)
            return fix;
        for (int step = 0; step < MaxFixSteps && fix is not null; step++)
        {
            string? next = fix;
            foreach (Affected record in found.All)
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
        bool willNotFix = true;
        foreach (Affected record in matching)
        {
            string urgency = record.Urgency?.Trim().ToLowerInvariant() ?? "";
            if (urgency == "end-of-life")
                return "end-of-life";
            willNotFix &= urgency is "unimportant" or "ignored" or "will-not-fix" or "wontfix";
        }
        return willNotFix ? "will-not-fix" : "affected";
    }
}
