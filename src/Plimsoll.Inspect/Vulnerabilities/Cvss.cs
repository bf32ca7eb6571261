namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>CVSS base scores, computed from vectors.</summary>
/// <remarks>Source: FIRST, CVSS v3.1 specification, section 7; v2 complete guide, section 3.2.1. v4.0: <see cref="Cvss4"/>.</remarks>
public static class Cvss
{
    /// <summary>Vectors are under 100 characters; with all temporal and environmental metrics about 150.</summary>
    private const int MaxVectorLength = 512;

    /// <summary>The base score of a v4.0 vector, 0.0 to 10.0, or null.</summary>
    public static double? ScoreV4(string vector) => Cvss4.Score(vector);

    /// <summary>The base score of a v3.0 or v3.1 vector, 0.0 to 10.0.</summary>
    /// <returns>Null when it is not such a vector, or a base metric is missing, unknown or given twice.</returns>
    public static double? ScoreV3(string vector)
    {
        ArgumentNullException.ThrowIfNull(vector);
        bool is30 = vector.StartsWith("CVSS:3.0/", StringComparison.Ordinal);
        if (!is30 && !vector.StartsWith("CVSS:3.1/", StringComparison.Ordinal))
            return null;
        if (Metrics(vector[9..]) is not { } metrics)
            return null;
        bool changed = metrics.GetValueOrDefault("S") == "C";
        if (!changed && metrics.GetValueOrDefault("S") != "U")
            return null;
        double? attack = metrics.GetValueOrDefault("AV") switch { "N" => 0.85, "A" => 0.62, "L" => 0.55, "P" => 0.2, _ => null };
        double? complexity = metrics.GetValueOrDefault("AC") switch { "L" => 0.77, "H" => 0.44, _ => null };
        double? privileges = metrics.GetValueOrDefault("PR") switch
        {
            "N" => 0.85,
            "L" => changed ? 0.68 : 0.62,
            "H" => changed ? 0.5 : 0.27,
            _ => null,
        };
        double? interaction = metrics.GetValueOrDefault("UI") switch { "N" => 0.85, "R" => 0.62, _ => null };
        double? kept = (1 - Loss("C")) * (1 - Loss("I")) * (1 - Loss("A"));
        if (8.22 * attack * complexity * privileges * interaction is not { } exploitability || kept is null)
            return null;
        double loss = 1 - kept.Value;
        double impact = changed ? (7.52 * (loss - 0.029)) - (3.25 * Math.Pow(loss - 0.02, 15)) : 6.42 * loss;
        return impact <= 0 ? 0 : RoundUp(Math.Min(changed ? 1.08 * (impact + exploitability) : impact + exploitability, 10), is30);

        double? Loss(string name) => metrics.GetValueOrDefault(name) switch { "H" => 0.56, "L" => 0.22, "N" => 0, _ => null };
    }

    /// <summary>The base score of a v2 vector, 0.0 to 10.0, or null.</summary>
    public static double? ScoreV2(string vector)
    {
        ArgumentNullException.ThrowIfNull(vector);
        if (Metrics(vector.Trim('(', ')')) is not { } metrics)
            return null;
        double? attack = metrics.GetValueOrDefault("AV") switch { "L" => 0.395, "A" => 0.646, "N" => 1.0, _ => null };
        double? complexity = metrics.GetValueOrDefault("AC") switch { "H" => 0.35, "M" => 0.61, "L" => 0.71, _ => null };
        double? authentication = metrics.GetValueOrDefault("Au") switch { "M" => 0.45, "S" => 0.56, "N" => 0.704, _ => null };
        if (20 * attack * complexity * authentication is not { } exploitability
            || (1 - Loss("C")) * (1 - Loss("I")) * (1 - Loss("A")) is not { } kept)
            return null;
        double impact = 10.41 * (1 - kept);
        double score = ((0.6 * impact) + (0.4 * exploitability) - 1.5) * (impact == 0 ? 0 : 1.176);
        return Math.Round(Math.Max(score, 0), 1, MidpointRounding.AwayFromZero);

        double? Loss(string name) => metrics.GetValueOrDefault(name) switch { "N" => 0, "P" => 0.275, "C" => 0.660, _ => null };
    }

    /// <summary>The level of a score: 0 negligible, up to 3.9 low, 6.9 medium, 8.9 high, above critical.</summary>
    /// <remarks>Source: CVSS v3.1 section 5, whose "None" is called negligible here. v2 has no scale of its own; NVD stops it at high.</remarks>
    public static Severity LevelOf(double score) => score switch
    {
        <= 0 => Severity.Negligible,
        < 4 => Severity.Low,
        < 7 => Severity.Medium,
        < 9 => Severity.High,
        _ => Severity.Critical,
    };

    private static Dictionary<string, string>? Metrics(string vector)
    {
        if (vector.Length > MaxVectorLength)
            return null;
        Dictionary<string, string> metrics = new(StringComparer.Ordinal);
        foreach (string part in vector.Split('/'))
        {
            int colon = part.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || !metrics.TryAdd(part[..colon], part[(colon + 1)..]))
                return null;
        }
        return metrics;
    }

    /// <summary>The smallest number with one decimal that is not below; 3.1 says how, so that floating point does not matter.</summary>
    private static double RoundUp(double value, bool is30)
    {
        if (is30)
            return Math.Ceiling(Math.Round(value * 10, 9)) / 10;
        long hundredThousandths = (long)Math.Round(value * 100_000, MidpointRounding.AwayFromZero);
        return hundredThousandths % 10_000 == 0 ? hundredThousandths / 100_000.0 : ((hundredThousandths / 10_000) + 1) / 10.0;
    }
}
