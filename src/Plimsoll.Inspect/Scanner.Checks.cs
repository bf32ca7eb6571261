using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect;

/// <content>Checks beside the known vulnerabilities.</content>
public static partial class Scanner
{
    private static Report Checked(Report report, Image image, Inventory inventory, KnownImage? known, ScanOptions options, CancellationToken cancellationToken)
    {
        List<Problem> problems = [];
        List<Note> notes = [.. report.Notes];
        List<Gap> gaps = [.. report.Gaps];
        List<Engine> engines = [];
        List<History.DockerfileLine> dockerfile = [];
        List<string> secrets = [];
        Lazy<ILookup<string, FileHit>> hits = new(() => inventory.Hits.ToLookup(h => h.Analyser, StringComparer.Ordinal));
        foreach (ICheck check in options.Checks)
        {
            CheckInput input = new()
            {
                Image = image.Name,
                Tags = image.Tags,
                Config = image.Config,
                Inventory = inventory,
                Now = report.Time,
            };
            CheckResult result;
            try
            {
                result = known is null ? Judge() : known.Judge(check, input, Judge);
            }
            catch (Exception e) when (e is not (OperationCanceledException or ImageException))
            {
                // One check that stumbles must not take the rest of the report along.
                gaps.Add(new Gap("check-failed", check.Kind.Word(), $"{e.GetType().Name}: {Escape.Quote(e.Message)}"));
                continue;
            }
            problems.AddRange(result.Problems);
            notes.AddRange(result.Notes);
            gaps.AddRange(result.Gaps);
            engines.AddRange(result.Engines);
            dockerfile.AddRange(result.Dockerfile);
            secrets.AddRange(result.Secrets);

            CheckResult Judge() => check.Judge(input with { Hits = HitsOf(check, hits.Value) }, cancellationToken);
        }
        // Whoever asks for the history alone gets it without the secrets in it as well.
        if (!options.Checks.Any(c => c.Kind == ProblemKind.Secret))
            secrets.AddRange(SecretsOf(image, inventory, known, report.Time));
        ProblemSuppressionResult judged = Suppressor.Apply(Ordered(problems), options.Suppressions, report.Time);
        // An entry that speaks of a problem is in use, whatever matching said of it; and without matching nobody has said anything yet.
        if (report.Matched)
            notes.RemoveAll(n => n.Code == MatchNotes.SuppressionUnused && judged.Used.Any(u => n.Arguments is [var id, var source] && id == u.Id && source == u.Source));
        else
            notes.AddRange(Suppressor.NotesOn(options.Suppressions, judged.Used, report.Time));
        return new Redaction(secrets).Of(report with
        {
            Problems = judged.Problems,
            Checks = [.. options.Checks.Select(c => c.Kind)],
            Engines = [.. engines.OrderBy(e => e.Name, StringComparer.Ordinal)],
            Dockerfile = dockerfile,
            Notes = notes,
            Gaps = gaps,
        });
    }

    /// <summary>A report without checks names the lines that made the layers: without what is secret in them, or without them where nobody sees them.</summary>
    private static Report Concealed(Report report, Image image, Inventory inventory, KnownImage? known, ScanOptions options) =>
        image.Config is null ? report : options.ShowsHistory ? new Redaction(SecretsOf(image, inventory, known, report.Time)).Of(report) : Redaction.WithoutHistory(report);

    private static IReadOnlyList<string> SecretsOf(Image image, Inventory inventory, KnownImage? known, DateTimeOffset now)
    {
        if (image.Config is not { } config)
            return [];
        // The rules take longer to read than all else of a scan whose layers are known.
        return known is null ? Find() : known.SecretsOfHistory(Find);
        IReadOnlyList<string> Find() => Secrets.SecretCheck.SecretsOf(new CheckInput { Image = image.Name, Config = config, Inventory = inventory, Now = now });
    }

    private static List<FileHit> HitsOf(ICheck check, ILookup<string, FileHit> hits)
    {
        List<FileHit> own = [.. check.Analysers.SelectMany(a => hits[a.Id])];
        if (check.Analysers.Count > 1)
            own = [.. own.OrderBy(h => h.Path, StringComparer.Ordinal).ThenBy(h => h.Hit.Line).ThenBy(h => h.Hit.Rule, StringComparer.Ordinal)];
        return own;
    }

    private static List<Problem> Ordered(IEnumerable<Problem> problems) =>
    [
        .. problems.OrderByDescending(p => p.Severity).ThenBy(p => p.Kind).ThenBy(p => p.Rule, StringComparer.Ordinal)
            .ThenBy(p => p.Path ?? p.Place, StringComparer.Ordinal).ThenBy(p => p.Line).ThenBy(p => p.Fingerprint, StringComparer.Ordinal),
    ];
}
