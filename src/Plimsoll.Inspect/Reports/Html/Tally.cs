using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Reports.Html;

/// <summary>How many open findings of each severity.</summary>
internal sealed class Counts
{
    private readonly int[] _counts = new int[SeverityWords.WorstFirst.Count];

    public int this[Severity severity] => _counts[Place(severity)];

    public int All => _counts.Sum();

    /// <summary>Null when there is none.</summary>
    public Severity? Worst => SeverityWords.WorstFirst.Where(s => this[s] > 0).Select(s => (Severity?)s).FirstOrDefault();

    public void Add(Severity severity) => _counts[Place(severity)]++;

    private static int Place(Severity severity)
    {
        int place = SeverityWords.WorstFirst.Count - 1;
        for (int i = 0; i < SeverityWords.WorstFirst.Count; i++)
            if (SeverityWords.WorstFirst[i] == severity)
                place = i;
        return place;
    }
}

/// <summary>What of a layer is known beside its size.</summary>
internal sealed class LayerTally
{
    public Counts Counts { get; } = new();

    /// <summary>Open problems by kind.</summary>
    public SortedDictionary<ProblemKind, int> Problems { get; } = [];

    /// <summary>Of these, what a later layer deleted and this one still holds.</summary>
    public int Recoverable { get; set; }
    public int Vulnerabilities { get; set; }
}

/// <summary>The open findings and problems of a report, counted for charts; vulnerabilities as the table counts them.</summary>
internal sealed class Tally
{
    public Tally(Report report)
    {
        Groups = FindingGroup.Of(report.Findings.Where(f => f.Suppressed is null));
        foreach (FindingGroup group in Groups)
            foreach (Finding finding in group.Rows)
            {
                Vulnerabilities.Add(finding.Severity);
                Total.Add(finding.Severity);
                LayerTally layer = LayerOf(group.Package.Origin);
                layer.Counts.Add(finding.Severity);
                layer.Vulnerabilities++;
                Exploited += finding.KnownExploited is null ? 0 : 1;
                Fixable += finding.FixedVersion is null ? 0 : 1;
            }
        foreach (Problem problem in report.Problems.Where(p => p.Suppressed is null))
        {
            if (!Problems.TryGetValue(problem.Kind, out Counts? counts))
                Problems.Add(problem.Kind, counts = new Counts());
            counts.Add(problem.Severity);
            Total.Add(problem.Severity);
            if (problem.Origin is not { } origin)
                continue;
            LayerTally layer = LayerOf(origin);
            layer.Counts.Add(problem.Severity);
            layer.Problems[problem.Kind] = layer.Problems.GetValueOrDefault(problem.Kind) + 1;
            layer.Recoverable += problem.RemovedBy is null ? 0 : 1;
        }
    }

    /// <summary>Open vulnerabilities by package and layer, worst first.</summary>
    public IReadOnlyList<FindingGroup> Groups { get; }
    public Counts Vulnerabilities { get; } = new();
    public Counts Total { get; } = new();
    public Dictionary<ProblemKind, Counts> Problems { get; } = [];
    public Dictionary<int, LayerTally> Layers { get; } = [];
    public int Exploited { get; }
    public int Fixable { get; }

    private LayerTally LayerOf(Origin origin)
    {
        if (!Layers.TryGetValue(origin.Layer, out LayerTally? layer))
            Layers.Add(origin.Layer, layer = new LayerTally());
        return layer;
    }
}
