using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <summary>Severities as machines and people read them.</summary>
public static class SeverityWords
{
    /// <summary>All levels, worst first.</summary>
    public static IReadOnlyList<Severity> WorstFirst { get; } =
        [Severity.Critical, Severity.High, Severity.Medium, Severity.Low, Severity.Negligible, Severity.Unknown];

    /// <summary><c>critical</c>, <c>high</c>, <c>medium</c>, <c>low</c>, <c>negligible</c> or <c>unknown</c>.</summary>
    public static string Word(this Severity severity) => severity switch
    {
        Severity.Critical => "critical",
        Severity.High => "high",
        Severity.Medium => "medium",
        Severity.Low => "low",
        Severity.Negligible => "negligible",
        _ => "unknown",
    };

    /// <summary>The word for people.</summary>
    public static Text Text(this Severity severity) => severity switch
    {
        Severity.Critical => Catalogue.Critical,
        Severity.High => Catalogue.High,
        Severity.Medium => Catalogue.Medium,
        Severity.Low => Catalogue.Low,
        Severity.Negligible => Catalogue.Negligible,
        _ => Catalogue.Unknown,
    };

    /// <summary>Reads what <see cref="Word"/> writes, in any case.</summary>
    public static bool TryParse(string word, out Severity severity)
    {
        foreach (Severity level in WorstFirst)
            if (string.Equals(level.Word(), word, StringComparison.OrdinalIgnoreCase))
            {
                severity = level;
                return true;
            }
        severity = Severity.Unknown;
        return false;
    }
}
