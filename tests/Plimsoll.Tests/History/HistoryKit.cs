using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.History;
using Plimsoll.Inspect.Layers;
using Plimsoll.Oci;

namespace Plimsoll.Tests.History;

/// <summary>Histories for tests: a line that begins with <c>-</c> made no layer.</summary>
internal static class HistoryKit
{
    public static HistoryEntry[] Entries(params IEnumerable<string?> lines) =>
        [.. lines.Select(l => new HistoryEntry { CreatedBy = l?.TrimStart('-'), EmptyLayer = l?.StartsWith('-') == true, Created = "2026-01-01T00:00:00Z" })];

    public static CheckResult Judge(IReadOnlyList<HistoryEntry>? history, int? layers = null)
    {
        int count = layers ?? history?.Count(h => !h.EmptyLayer) ?? 0;
        using HistoryCheck check = new();
        return check.Judge(new CheckInput
        {
            Image = "x",
            Config = new ImageConfig { History = history },
            Inventory = new Inventory { Layers = [.. Enumerable.Range(0, count).Select(i => new LayerSummary(i, $"sha256:{i}", null, null, 0, 0, false))] },
            Now = default,
        }, TestContext.Current.CancellationToken);
    }

    /// <summary>Problems of one RUN over a root file system, as <c>rule severity</c>.</summary>
    public static string[] Run(string script) => Lines($"RUN /bin/sh -c {script} # buildkit");

    public static string[] Lines(params string?[] lines) =>
        [.. Judge(Entries(["/bin/sh -c #(nop) ADD file:1 in / ", .. lines])).Problems.Select(p => $"{p.Rule} {Inspect.Reports.SeverityWords.Word(p.Severity)}")];
}
