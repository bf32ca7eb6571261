using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Dockerfiles;
using Plimsoll.Inspect.Dockerfiles.Rules;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.History;

/// <summary>Judges how an image was made, by its history. Page: docs/checks/history.md.</summary>
public sealed class HistoryCheck : ICheck
{
    /// <summary>Problems of one image; a history of noise has one for each word.</summary>
    public const int MaxProblems = 500;

    /// <summary>Alike problems of one step: the first ones tell it.</summary>
    private const int MaxAlike = 3;

    private const int MaxEvidence = 200;

    /// <summary>
    /// Hadolint's rules that say something of a finished image. All others are about how a Dockerfile is written, which a rebuilt one cannot tell.
    /// </summary>
    internal static IReadOnlyList<string> Linted { get; } = ["DL3004", "DL3035", "DL3046", "DL3064", "DL4005"];

    public ProblemKind Kind => ProblemKind.History;
    public IReadOnlyList<IAnalyser> Analysers => [];
    public string Rules => "";
    public string? Judgement => "";

    public CheckResult Judge(CheckInput input, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        // A folder and a bill of materials have no history to judge.
        if (input.Config is not { } config)
            return CheckResult.Nothing;
        RebuiltDockerfile file = HistoryFile.Rebuild(config, input.Inventory.Layers);
        Collector collector = new(file, input.Inventory.Layers, BaseFinder.Find(config, input.Inventory.Layers)?.Layers ?? 0);
        Whole(config, input.Inventory.Layers.Count, collector);
        DownloadRules downloads = new();
        foreach (HistoryStep step in file.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            collector.Add(step, Findings(step, downloads));
        }
        Lint(file, collector, cancellationToken);
        return new CheckResult
        {
            Problems = collector.Problems,
            Dockerfile = file.Lines,
            Gaps = [.. GapsOf(config, collector)],
        };
    }

    public void Dispose()
    {
    }

    /// <summary>What was not judged: the worst may stand there.</summary>
    private static IEnumerable<Gap> GapsOf(ImageConfig config, Collector collector)
    {
        if (collector.Dropped > 0)
            yield return new Gap("history-cut-short", "history", $"{collector.Dropped} problems more than the {MaxProblems} that are kept (MaxProblems)");
        int steps = config.History?.Count(h => h is not null) ?? 0;
        if (steps > HistoryFile.MaxSteps)
            yield return new Gap("history-cut-short", "history", $"it has {steps} lines; {HistoryFile.MaxSteps} were looked at (MaxSteps)");
        if (config.History?.Any(h => h?.CreatedBy?.Length > HistoryLine.MaxChars) == true)
            yield return new Gap("history-cut-short", "history", $"a line of it is longer than {HistoryLine.MaxChars} characters (MaxChars); its end was not looked at");
    }

    private static List<HistoryFinding> Findings(HistoryStep step, DownloadRules downloads)
    {
        List<HistoryFinding> found = [];
        switch (step.Kind)
        {
            case StepKind.Committed when step.MadeLayer:
                found.Add(new HistoryFinding("committed", Severity.Medium, 0, step.Raw));
                break;
            case StepKind.Imported when step.MadeLayer:
                found.Add(new HistoryFinding("imported", Severity.Low, 0, ""));
                break;
            case StepKind.Unknown when step.MadeLayer:
                found.Add(new HistoryFinding("no-command", Severity.Medium, 0, ""));
                break;
            case StepKind.Instruction:
                Instruction(step, downloads, found);
                break;
            default:
                break;
        }
        return found;
    }

    private static void Instruction(HistoryStep step, DownloadRules downloads, List<HistoryFinding> found)
    {
        foreach ((string name, string value) in step.BuildArguments)
        {
            if (value.Length > 0 && SecretMask.IsSecretName(name))
                found.Add(new HistoryFinding("secret-build-arg", Severity.Medium, 0, $"{name}=***", name));
            SourceRules.Variable(name, value, 0, found);
        }
        switch (step.Keyword)
        {
            case "RUN":
                List<RealCommand> commands = Commands.Of(step.Arguments);
                downloads.Judge(commands, found);
                AccountRules.Judge(commands, found);
                SourceRules.Judge(commands, found);
                break;
            case "ENV" or "ARG":
                foreach (Pair pair in DockerWords.Pairs(step.Arguments, '\\', allowBare: true, out _) ?? [])
                    SourceRules.Variable(pair.Name, pair.Value ?? "", 0, found);
                break;
            case "ADD" or "COPY":
                Copy(step, downloads, found);
                break;
            default:
                break;
        }
    }

    private static void Copy(HistoryStep step, DownloadRules downloads, List<HistoryFinding> found)
    {
        List<string> words = [.. DockerWords.Split(step.Arguments, '\\').Select(w => DockerWords.Unquote(w.Text, '\\'))];
        string[] flags = [.. words.TakeWhile(w => w.StartsWith("--", StringComparison.Ordinal))];
        string[] files = [.. words.Skip(flags.Length)];
        if (files.Length < 2)
            return;
        string target = files[^1];
        if (Array.Find(flags, f => f.StartsWith("--chmod=", StringComparison.Ordinal)) is { } chmod)
        {
            string mode = chmod["--chmod=".Length..];
            AccountRules.Bits bits = AccountRules.BitsOf(mode);
            if (bits.HasFlag(AccountRules.Bits.OtherWrite) && !bits.HasFlag(AccountRules.Bits.Sticky))
                found.Add(new HistoryFinding("world-writable", Severity.Medium, 0, $"{step.Keyword} {step.Arguments}", mode));
            if (bits.HasFlag(AccountRules.Bits.SetUid))
                found.Add(new HistoryFinding("setuid", Severity.High, 0, $"{step.Keyword} {step.Arguments}", mode));
        }
        if (target.EndsWith("/authorized_keys", StringComparison.Ordinal))
            found.Add(new HistoryFinding("authorized-keys", Severity.Medium, 0, $"{step.Keyword} {step.Arguments}", target));
        if (target is "/etc/ld.so.preload")
            found.Add(new HistoryFinding("preload", Severity.High, 0, $"{step.Keyword} {step.Arguments}", target));
        if (step.Keyword != "ADD" || flags.Any(f => f.StartsWith("--checksum=", StringComparison.Ordinal)))
            return;
        foreach (string source in files.SkipLast(1))
        {
            bool plain = source.StartsWith("http://", StringComparison.Ordinal);
            if (!plain && !source.StartsWith("https://", StringComparison.Ordinal))
                continue;
            downloads.Remember(target.EndsWith('/') ? source : target);
            found.Add(plain ? new HistoryFinding("plain-http", Severity.Medium, 0, $"ADD {source}", "ADD") : new HistoryFinding("add-unchecked", Severity.Low, 0, $"ADD {source}"));
        }
    }

    /// <summary>What the history as a whole does not say.</summary>
    private static void Whole(ImageConfig config, int layers, Collector collector)
    {
        IReadOnlyList<HistoryEntry> history = [.. (config.History ?? []).Where(h => h is not null)];
        int made = history.Count(h => !h.EmptyLayer);
        if (history.Count == 0)
        {
            if (layers > 0)
                collector.AddWhole("no-history", Severity.Low, "");
            return;
        }
        if (made != layers)
            collector.AddWhole("history-mismatch", Severity.Medium, "", made.ToString(CultureInfo.InvariantCulture), layers.ToString(CultureInfo.InvariantCulture));
        if (FirstOutOfOrder(history) is { } at)
            collector.AddWhole("time-order", Severity.Negligible, $"{history[at - 1].Created} > {history[at].Created}");
    }

    /// <summary>
    /// Index of the first line that is older than the one before. Reproducible builds give all their lines one time, which may be older than
    /// their base image: a run of equal times is none of what is looked for.
    /// </summary>
    private static int? FirstOutOfOrder(IReadOnlyList<HistoryEntry> history)
    {
        DateTimeOffset? before = null;
        for (int i = 0; i < history.Count; i++)
        {
            if (!Rfc3339.TryParse(history[i].Created, out DateTimeOffset time) || time.Year < 1990)
                continue;
            bool alone = !(i + 1 < history.Count && history[i + 1].Created == history[i].Created) && !(i > 0 && history[i - 1].Created == history[i].Created);
            if (before is { } last && time < last && alone)
                return i;
            before = time;
        }
        return null;
    }

    private static void Lint(RebuiltDockerfile file, Collector collector, CancellationToken cancellationToken)
    {
        LintRule[] rules = [.. LintRules.All.Where(r => Linted.Contains(r.Id))];
        // What a comment in the history says to a linter counts for nothing.
        LintResult result = Linter.Lint(DockerfileParser.Parse(file.Text), new LintOptions { DisableIgnorePragma = true }, rules, cancellationToken);
        foreach (LintFinding finding in result.Findings)
        {
            if (!Linted.Contains(finding.Rule) || finding.Line > file.Lines.Count || file.Lines[finding.Line - 1] is not { History: { } history } line)
                continue;
            HistoryStep step = file.Steps[history];
            // A value of a build argument is told by the check's own rule.
            if (finding.Rule == "DL3064" && step.Keyword == "ARG" && !step.Arguments.Contains('=', StringComparison.Ordinal))
                continue;
            Severity severity = finding.Level switch { LintLevel.Error => Severity.Medium, LintLevel.Warning => Severity.Low, _ => Severity.Negligible };
            collector.Add(step, finding.Rule, severity, finding.Line, line.Text, finding.Message, finding.Advice);
        }
    }

    /// <summary>Makes problems out of findings: masks, lowers what the base image brought, counts what is alike.</summary>
    private sealed class Collector(RebuiltDockerfile file, IReadOnlyList<LayerSummary> layers, int baseLayers)
    {
        private readonly Dictionary<string, int> _alike = new(StringComparer.Ordinal);
        private int _lastLayer = -1;
        private int _lastIndex = -1;

        public List<Problem> Problems { get; } = [];

        /// <summary>Problems beyond <see cref="MaxProblems"/>, any of which may be the worst.</summary>
        public int Dropped { get; private set; }

        public void Add(HistoryStep step, List<HistoryFinding> found)
        {
            foreach (HistoryFinding finding in found)
            {
                RuleText text = Catalogue.HistoryRule(finding.Rule);
                object?[] arguments = [.. finding.Arguments.Select(a => Shown(a))];
                Text title = arguments.Length == 0 ? text.Title : new Text(text.Title.In(Language.English, arguments), text.Title.In(Language.Chinese, arguments));
                Add(step, finding.Rule, finding.Severity, step.LineOf(finding.Offset), finding.Evidence, title, text.Advice);
            }
        }

        public void Add(HistoryStep step, string rule, Severity severity, int line, string evidence, Text title, Text? advice)
        {
            int layer = LayerOf(step);
            bool isBase = layer >= 0 && layer < baseLayers;
            string shown = Shown(evidence.Trim());
            string perStep = $"{rule}\n{step.Index}";
            _alike[perStep] = _alike.GetValueOrDefault(perStep) + 1;
            if (_alike[perStep] > MaxAlike)
                return;
            if (Problems.Count >= MaxProblems)
            {
                Dropped++;
                return;
            }
            string place = $"{rule}\n{shown}";
            int nth = _alike.GetValueOrDefault(place);
            _alike[place] = nth + 1;
            if (isBase && severity > Severity.Low)
                severity = Severity.Low;
            Problems.Add(new Problem
            {
                Kind = ProblemKind.History,
                Rule = rule,
                Severity = severity,
                Title = isBase ? new Text(Catalogue.HistoryInBase.In(Language.English, title.English), Catalogue.HistoryInBase.In(Language.Chinese, title.Chinese)) : title,
                Advice = advice,
                Line = Math.Min(line, file.Lines.Count),
                Place = $"history {step.Index}",
                Evidence = shown,
                Origin = step.Layer is { } own && own < layers.Count ? new Origin(own, layers[own].DiffId, layers[own].CreatedBy) : null,
                Details = isBase ? new SortedDictionary<string, string>(StringComparer.Ordinal) { ["base"] = "true" } : new SortedDictionary<string, string>(StringComparer.Ordinal),
                Fingerprint = Problem.FingerprintOf(ProblemKind.History, rule, shown, nth),
            });
        }

        public void AddWhole(string rule, Severity severity, string evidence, params ReadOnlySpan<object?> arguments)
        {
            RuleText text = Catalogue.HistoryRule(rule);
            Problems.Add(new Problem
            {
                Kind = ProblemKind.History,
                Rule = rule,
                Severity = severity,
                Title = arguments.IsEmpty ? text.Title : new Text(text.Title.In(Language.English, arguments), text.Title.In(Language.Chinese, arguments)),
                Advice = text.Advice,
                Place = "history",
                Evidence = Shown(evidence),
                Fingerprint = Problem.FingerprintOf(ProblemKind.History, rule, "history"),
            });
        }

        /// <summary>The layer that a step made, or of one that made none, the layer before it: it belongs to that part of the history. -1 for none.</summary>
        private int LayerOf(HistoryStep step)
        {
            if (step.Layer is { } own)
                return own;
            if (_lastIndex > step.Index)
                (_lastLayer, _lastIndex) = (-1, -1);
            for (int i = _lastIndex + 1; i <= step.Index; i++)
                _lastLayer = file.Steps[i].Layer ?? _lastLayer;
            _lastIndex = step.Index;
            // What made no layer behind the base's last one may be the image's own.
            return _lastLayer == baseLayers - 1 ? baseLayers : _lastLayer;
        }

        private static string Shown(string text)
        {
            text = SecretMask.Of(text.Length > 4 * MaxEvidence ? text[..(4 * MaxEvidence)] : text);
            return text.Length <= MaxEvidence ? text : text[..(char.IsHighSurrogate(text[MaxEvidence - 1]) ? MaxEvidence - 1 : MaxEvidence)] + "…";
        }
    }
}
