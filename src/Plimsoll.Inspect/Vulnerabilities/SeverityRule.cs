namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>How bad a flaw is, and who said so.</summary>
readonly record struct SeverityAnswer(Severity Severity, string? From, double? Score);

/// <summary>The stated order in which a flaw's severity is looked for; docs/checks/vulnerabilities.md words it for users.</summary>
static class SeverityRule
{
    /// <param name="matching">The records that affect the package; in ordinal order of id.</param>
    /// <param name="related">Records of any ecosystem on exactly this flaw; in ordinal order of id.</param>
    /// <param name="isSingle">Whether a record speaks of one flaw only: what it says of its severity is then said of this flaw.</param>
    public static SeverityAnswer Decide(IReadOnlyList<Affected> matching, IReadOnlyList<Advisory> related, Func<Advisory, bool> isSingle)
    {
        List<Advisory> single = [.. matching.Select(m => m.Advisory).Where(isSingle)];
        List<Advisory> all = [.. matching.Select(m => m.Advisory)];
        (double Score, string From)? scored = BestVector(single) ?? BestVector(related) ?? BestVector(all);
        Severity urgency = Severity.Unknown;
        string? distribution = null;
        foreach (Affected record in matching)
            if (LevelOfWord(record.Urgency) is var level && level > urgency)
                (urgency, distribution) = (level, record.Ecosystem.Split(':')[0]);
        if (urgency != Severity.Unknown)
            return new SeverityAnswer(urgency, $"{distribution} urgency", scored?.Score);
        return ByWord(single, scored)
            ?? ByVector(single)
            ?? ByVector(related)
            ?? ByWord(related, scored)
            ?? ByWord(all, scored)
            ?? ByVector(all)
            ?? new SeverityAnswer(Severity.Unknown, null, null);
    }

    /// <summary>The level of a distribution's or database's own word.</summary>
    /// <returns>Unknown for words that tell no severity, such as <c>end-of-life</c> and <c>not yet assigned</c>.</returns>
    public static Severity LevelOfWord(string? word) => word?.Trim().ToLowerInvariant().TrimEnd('*') switch
    {
        "unimportant" or "negligible" or "none" or "informational" => Severity.Negligible,
        "low" or "minor" => Severity.Low,
        "medium" or "moderate" => Severity.Medium,
        "high" or "important" => Severity.High,
        "critical" => Severity.Critical,
        _ => Severity.Unknown,
    };

    private static SeverityAnswer? ByWord(List<Advisory> records, (double Score, string From)? scored) => ByWord((IReadOnlyList<Advisory>)records, scored);

    private static SeverityAnswer? ByWord(IReadOnlyList<Advisory> records, (double Score, string From)? scored)
    {
        Advisory? worst = null;
        foreach (Advisory record in records)
            if (LevelOfWord(record.SeverityWord) > LevelOfWord(worst?.SeverityWord))
                worst = record;
        return worst is null ? null : new SeverityAnswer(LevelOfWord(worst.SeverityWord), $"severity of {worst.Id}", scored?.Score);
    }

    private static SeverityAnswer? ByVector(IReadOnlyList<Advisory> records) => BestVector(records) is { } best
        ? new SeverityAnswer(best.From.StartsWith("CVSS 2", StringComparison.Ordinal) && best.Score >= 9 ? Severity.High : Cvss.LevelOf(best.Score), best.From, best.Score)
        : null;

    /// <summary>The highest v3 score, else the highest v2 score; of equal ones the first record's.</summary>
    private static (double Score, string From)? BestVector(IReadOnlyList<Advisory> records)
    {
        (double Score, string From)? best = null;
        for (int version = 3; version >= 2 && best is null; version--)
            foreach (Advisory record in records)
                foreach ((string type, string vector) in record.Cvss)
                    if ((version == 3 ? Cvss.ScoreV3(vector) : type == "CVSS_V2" ? Cvss.ScoreV2(vector) : null) is { } score
                        && !(best?.Score >= score))
                        best = (score, $"CVSS {(version == 2 ? "2.0" : vector.AsSpan(5, 3))} of {record.Id}");
        return best;
    }
}
