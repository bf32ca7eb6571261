namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>CVSS 4.0 base scores: a score per class of vectors, lowered by how far a vector is from the worst of its class.</summary>
/// <remarks>
/// Source: FIRST, CVSS v4.0 specification, section 8: five equivalence classes (EQ1 to EQ5, with EQ6 joined to EQ3) make a macro
/// vector with a score; the mean, over the classes that have a lower neighbour, of the share of the way to it is taken off. Only the base
/// metrics count here: as if exploited (EQ5 is 0) and with all requirements high, which is what "not defined" means.
/// </remarks>
static class Cvss4
{
    private const string Prefix = "CVSS:4.0/";
    private const int MaxVectorLength = 512;

    /// <summary>Metrics of the base, in the places that the arrays below use.</summary>
    private const int AV = 0, AC = 1, AT = 2, PR = 3, UI = 4, VC = 5, VI = 6, VA = 7, SC = 8, SI = 9, SA = 10, Count = 11;

    private static readonly string[] Names = ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];

    /// <summary>Values of each metric from worst on; a value's place is its distance in steps.</summary>
    private static readonly string[] Values = ["NALP", "LH", "NP", "NLH", "NPA", "HLN", "HLN", "HLN", "HLN", "HLN", "HLN"];

    /// <summary>
    /// Tenths by EQ1 (0 to 2), EQ2 (0, 1), EQ3 and EQ6 (00, 01, 10, 11, 21), EQ4 (1, 2; 0 needs a metric outside the base).
    /// </summary>
    private static ReadOnlySpan<byte> Scores =>
    [
        100, 93, 96, 90, 93, 88, 92, 80, 79, 69, 95, 92, 91, 81, 92, 84, 82, 70, 71, 63,
        94, 87, 89, 75, 86, 72, 76, 57, 65, 53, 90, 77, 77, 66, 74, 61, 59, 52, 58, 23,
        86, 70, 74, 54, 72, 53, 57, 36, 47, 24, 73, 54, 55, 43, 61, 46, 51, 18, 24, 10,
    ];

    /// <summary>The worst vectors of each level of EQ1, as steps of AV, PR and UI.</summary>
    private static readonly byte[][][] WorstOfEq1 = [[[0, 0, 0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[3, 0, 0], [1, 1, 1]]];

    /// <summary>Of EQ2: AC and AT.</summary>
    private static readonly byte[][][] WorstOfEq2 = [[[0, 0]], [[1, 0], [0, 1]]];

    /// <summary>Of EQ3 with all requirements high: VC, VI and VA.</summary>
    private static readonly byte[][][] WorstOfEq3 = [[[0, 0, 0]], [[1, 0, 0], [0, 1, 0]], [[1, 1, 1]]];

    /// <summary>The base score, 0.0 to 10.0.</summary>
    /// <returns>Null when it is not such a vector, or a base metric is missing, unknown or given twice.</returns>
    public static double? Score(string vector)
    {
        ArgumentNullException.ThrowIfNull(vector);
        Span<int> m = stackalloc int[Count];
        if (!TryRead(vector, m))
            return null;
        if (m[VC] + m[VI] + m[VA] + m[SC] + m[SI] + m[SA] == 12)
            return 0;
        int eq1 = m[AV] == 0 && m[PR] == 0 && m[UI] == 0 ? 0 : (m[AV] == 0 || m[PR] == 0 || m[UI] == 0) && m[AV] != 3 ? 1 : 2;
        int eq2 = m[AC] == 0 && m[AT] == 0 ? 0 : 1;
        int eq3 = m[VC] == 0 && m[VI] == 0 ? 0 : m[VC] == 0 || m[VI] == 0 || m[VA] == 0 ? 1 : 2;
        int eq4 = m[SC] == 0 || m[SI] == 0 || m[SA] == 0 ? 1 : 2;
        // With all requirements high, EQ6 follows from EQ3.
        int eq36 = eq3 switch { 0 => 0, 1 => 2, _ => 4 };
        int score = At(eq1, eq2, eq36, eq4);

        // EQ5 always has a lower neighbour, and nothing of the way to it is gone.
        int neighbours = 1;
        double lowered = 0;
        if (eq1 < 2)
            Lower(At(eq1 + 1, eq2, eq36, eq4), Distance(WorstOfEq1[eq1], m[AV], m[PR], m[UI]), eq1 == 0 ? 1 : 4);
        if (eq2 < 1)
            Lower(At(eq1, eq2 + 1, eq36, eq4), Distance(WorstOfEq2[eq2], m[AC], m[AT]), 1);
        if (eq3 == 0)
            Lower(Math.Max(At(eq1, eq2, 1, eq4), At(eq1, eq2, 2, eq4)), Distance(WorstOfEq3[0], m[VC], m[VI], m[VA]), 7);
        else if (eq3 == 1)
            Lower(At(eq1, eq2, 3, eq4), Distance(WorstOfEq3[1], m[VC], m[VI], m[VA]), 8);
        if (eq4 == 1)
            Lower(At(eq1, eq2, eq36, 2), m[SC] + m[SI] + m[SA], 5);
        // The specification's own calculators add this before they round, against errors of floating point.
        double value = Math.Clamp((score - (lowered / neighbours)) / 10, 0, 10);
        return Math.Floor(((value + 1e-6) * 10) + 0.5) / 10;

        void Lower(int next, int distance, int depth)
        {
            neighbours++;
            lowered += (score - next) * ((double)distance / depth);
        }
    }

    private static int At(int eq1, int eq2, int eq36, int eq4) => Scores[(((((eq1 * 2) + eq2) * 5) + eq36) * 2) + eq4 - 1];

    /// <summary>Steps to the first of the worst vectors that is in no metric better.</summary>
    private static int Distance(byte[][] worst, params ReadOnlySpan<int> steps)
    {
        foreach (byte[] vector in worst)
        {
            int distance = 0;
            bool below = true;
            for (int i = 0; i < vector.Length; i++)
            {
                below &= steps[i] >= vector[i];
                distance += steps[i] - vector[i];
            }
            if (below)
                return distance;
        }
        return 0;
    }

    private static bool TryRead(string vector, Span<int> metrics)
    {
        if (vector.Length > MaxVectorLength || !vector.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        metrics.Fill(-1);
        for (ReadOnlySpan<char> rest = vector.AsSpan(Prefix.Length); !rest.IsEmpty;)
        {
            int slash = rest.IndexOf('/');
            ReadOnlySpan<char> part = slash < 0 ? rest : rest[..slash];
            rest = slash < 0 ? default : rest[(slash + 1)..];
            int colon = part.IndexOf(':');
            if (colon <= 0)
                return false;
            int metric = IndexOf(part[..colon]);
            if (metric < 0)
                continue;
            if (metrics[metric] >= 0 || colon + 2 != part.Length)
                return false;
            metrics[metric] = Values[metric].IndexOf(part[colon + 1], StringComparison.Ordinal);
            if (metrics[metric] < 0)
                return false;
        }
        return !metrics.Contains(-1);
    }

    private static int IndexOf(ReadOnlySpan<char> name)
    {
        for (int i = 0; i < Names.Length; i++)
            if (name.SequenceEqual(Names[i]))
                return i;
        return -1;
    }
}
