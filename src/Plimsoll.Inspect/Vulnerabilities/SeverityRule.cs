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
        List<Advisory> single = [], all = [];
        for (int i = 0; i < matching.Count; i++)
        {
            all.Add(matching[i].Advisory);
            if (isSingle(matching[i].Advisory))
                single.Add(matching[i].Advisory);
        }
        Scored? scored = BestVector(single) ?? BestVector(related) ?? BestVector(all);
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

    /// <summary>The word that a record's source gives it, or that begins its title where the source writes it nowhere else.</summary>
    /// <remarks>
    /// AlmaLinux and Rocky Linux write <c>Important: nodejs:18 security update</c>, as Red Hat's own errata are titled. What stands before
    /// the first colon must be one of Red Hat's four words; <c>nodejs:18</c> or <c>idm:DL1</c> is none.
    /// </remarks>
    private static (Severity Level, string From) WordOf(Advisory record)
    {
        if (LevelOfWord(record.SeverityWord) is var own and not Severity.Unknown)
            return (own, $"severity of {record.Id}");
        int colon = RecordBatch.BaseOf(record.Source) is "AlmaLinux" or "Rocky Linux" or "Red Hat" ? record.Summary.IndexOf(':', StringComparison.Ordinal) : -1;
        return colon > 0 && record.Summary[..colon] is "Low" or "Moderate" or "Important" or "Critical"
            ? (LevelOfWord(record.Summary[..colon]), $"title of {record.Id}")
            : (Severity.Unknown, "");
    }

    private static SeverityAnswer? ByWord(IReadOnlyList<Advisory> records, Scored? scored)
    {
        (Severity Level, string From) worst = (Severity.Unknown, "");
        foreach (Advisory record in records)
            if (WordOf(record) is var word && word.Level > worst.Level)
                worst = word;
        return worst.Level == Severity.Unknown ? null : new SeverityAnswer(worst.Level, worst.From, scored?.Score);
    }

    private static SeverityAnswer? ByVector(IReadOnlyList<Advisory> records) => BestVector(records) is { } best
        ? new SeverityAnswer(best.From.StartsWith("CVSS 2", StringComparison.Ordinal) && best.Score >= 9 ? Severity.High : Cvss.LevelOf(best.Score), best.From, best.Score)
        : null;

    /// <summary>The highest v4 score, else the highest v3, else the highest v2; of equal ones the first record's.</summary>
    private static Scored? BestVector(IReadOnlyList<Advisory> records)
    {
        for (int version = 4; version >= 2; version--)
        {
            Scored? best = null;
            for (int r = 0; r < records.Count; r++)
                for (int i = 0; i < records[r].Cvss.Count; i++)
                {
                    (string type, string vector) = records[r].Cvss[i];
                    double? score = version switch
                    {
                        4 => Cvss.ScoreV4(vector),
                        3 => Cvss.ScoreV3(vector),
                        _ => type == "CVSS_V2" ? Cvss.ScoreV2(vector) : null,
                    };
                    if (score is { } value && !(best?.Score >= value))
                        best = new Scored(value, $"CVSS {(version == 2 ? "2.0" : vector[5..8])} of {records[r].Id}");
                }
            if (best is not null)
                return best;
        }
        return null;
    }

    private sealed record Scored(double Score, string From);
}
