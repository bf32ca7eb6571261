using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Layers;

/// <summary>Tells which layers of an image are those of the image it was built on, and how that is known.</summary>
public static class BaseFinder
{
    /// <summary>Labels that builders set. Source: OCI image specification 1.1, annotations.md.</summary>
    public const string NameLabel = "org.opencontainers.image.base.name", DigestLabel = "org.opencontainers.image.base.digest";

    /// <param name="config">The image's; null for a folder.</param>
    /// <param name="layers">Its layers, base first.</param>
    /// <returns>Null when nothing at all points to a base.</returns>
    public static BaseImage? Find(ImageConfig? config, IReadOnlyList<LayerSummary> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        string? name = config?.Config?.Labels?.GetValueOrDefault(NameLabel), digest = config?.Config?.Labels?.GetValueOrDefault(DigestLabel);
        int guessed = Guess(config?.History ?? [], layers.Count);
        return guessed == 0 && string.IsNullOrEmpty(name) && string.IsNullOrEmpty(digest) ? null : new BaseImage
        {
            ClaimedName = name,
            ClaimedDigest = digest,
            Evidence = guessed > 0 ? BaseEvidence.Guessed : BaseEvidence.Claimed,
            Layers = guessed,
        };
    }

    /// <summary>
    /// Base images end with a CMD; the last CMD before a layer that was made later is therefore the end of a base. What follows
    /// the last layer is the image's own. 0 when there is none.
    /// </summary>
    internal static int Guess(IReadOnlyList<HistoryEntry> history, int layers)
    {
        // A history that does not fit the layers says nothing about them.
        if (history.Any(h => h is null) || history.Count(h => !h.EmptyLayer) != layers)
            return 0;
        int at = history.Count - 1;
        while (at >= 0 && history[at].EmptyLayer)
            at--;
        for (; at >= 0; at--)
            if (history[at] is { EmptyLayer: true, CreatedBy: { } line } && IsCommand(line))
                return history.Take(at).Count(h => !h.EmptyLayer);
        return 0;
    }

    /// <summary>As the classic builder (<c>/bin/sh -c #(nop)  CMD […]</c>) and BuildKit (<c>CMD […]</c>) write it.</summary>
    private static bool IsCommand(string line)
    {
        const string Classic = "/bin/sh -c #(nop)";
        string text = (line.StartsWith(Classic, StringComparison.Ordinal) ? line[Classic.Length..] : line).TrimStart();
        return text.StartsWith("CMD ", StringComparison.Ordinal);
    }

    /// <summary>Adds what given images prove, and what building on those that are not the base would change.</summary>
    /// <param name="bases">Reports on them, in the order given.</param>
    public static Report Compare(Report report, IReadOnlyList<Report> bases)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(bases);
        if (bases.Count == 0)
            return report;
        BaseImage known = report.Base ?? new BaseImage();
        Report? proof = bases.Where(b => IsPrefix(b.Layers, report.Layers)).MaxBy(b => b.Layers.Count);
        if (proof is not null)
            known = known with { Evidence = BaseEvidence.Proved, Layers = proof.Layers.Count, ProvedBy = proof.Image };
        return report with { Base = known with { Newer = [.. bases.Where(b => !IsPrefix(b.Layers, report.Layers)).Select(b => ChangeOf(report, b, known.Layers))] } };
    }

    private static bool IsPrefix(IReadOnlyList<LayerSummary> first, IReadOnlyList<LayerSummary> all) =>
        first.Count > 0 && first.Count <= all.Count && Enumerable.Range(0, first.Count).All(i => first[i].DiffId is { } id && id == all[i].DiffId);

    private static NewerBase ChangeOf(Report report, Report other, int layers)
    {
        static IEnumerable<Finding> Open(Report r) => r.Findings.Where(f => f.Suppressed is null);
        HashSet<string> theirs = [.. Open(other).Select(f => f.Fingerprint)], ours = [.. Open(report).Select(f => f.Fingerprint)];
        // A flaw that came again with a later layer stays, whatever lies below.
        HashSet<string> above = [.. Open(report).Where(f => f.Package.Origin.Layer >= layers).Select(f => f.Fingerprint)];
        return new NewerBase(other.Image, other.Complete,
            [.. ours.Where(f => !theirs.Contains(f) && !above.Contains(f)).Order(StringComparer.Ordinal)],
            [.. theirs.Where(f => !ours.Contains(f)).Order(StringComparer.Ordinal)]);
    }
}
