using System.Globalization;
using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Secrets that lie in an image's files, in its variables, labels and history (docs/checks/secrets.md).</summary>
public sealed class SecretCheck : ICheck
{
    private readonly RuleSet _rules;
    private readonly SecretScanner _scanner;

    private SecretCheck(RuleSet rules)
    {
        _rules = rules;
        _scanner = new SecretScanner(rules);
        Analysers = [new SecretAnalyser(_scanner), new OwnedListAnalyser()];
    }

    /// <exception cref="CheckException">A rule file cannot be used; the message names the file, the line and what was wanted.</exception>
    public static SecretCheck Create(CheckOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new SecretCheck(RuleSet.Create(options.SecretRules));
    }

    public ProblemKind Kind => ProblemKind.Secret;

    public IReadOnlyList<IAnalyser> Analysers { get; }

    public string Rules => _rules.Digest;

    public string? Judgement => "";

    public void Dispose()
    {
        // Nothing is held beyond memory.
    }

    /// <summary>What a report must not show of the image's config, where this check was not asked for.</summary>
    internal static IReadOnlyList<string> SecretsOf(CheckInput input)
    {
        RuleSet rules = RuleSet.Create(Array.Empty<string>());
        return ConfigSecrets.Find(new SecretScanner(rules), input, rules).Secrets;
    }

    public CheckResult Judge(CheckInput input, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        List<Problem> problems = [];
        Dictionary<string, string> owners = OwnersOf(input.Hits);
        Dictionary<(string, string), int> counts = [];
        int published = 0;
        foreach (FileHit hit in input.Hits)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (hit.Analyser != SecretAnalyser.AnalyserId)
                continue;
            string? owner = hit.RemovedBy is null ? owners.GetValueOrDefault(hit.Path) : null;
            // The list lies in the image, and who builds the image writes it: what it claims keeps a user's rule quiet, which may be a guess, but no
            // rule of ours that looks into a distribution's folders at all. Each of those knows a secret by its form alone.
            if (owner is not null && IsOfUser(hit.Hit.Rule))
            {
                published++;
                continue;
            }
            int nth = counts[(hit.Hit.Rule, hit.Path)] = counts.GetValueOrDefault((hit.Hit.Rule, hit.Path), -1) + 1;
            problems.Add(Of(hit, owner, nth, input.Now));
        }
        ConfigSecrets config = ConfigSecrets.Find(_scanner, input, _rules);
        return new CheckResult
        {
            Problems = [.. problems, .. config.Problems],
            Secrets = config.Secrets,
            Gaps = config.IsCutShort ? [new Gap("secret-scan-cut-short", "config", "the image's config holds more texts or secrets than are looked at; part of it was not looked at")] : [],
            Notes = published == 0 ? [] : [new Note("secrets-of-distribution", false, published.ToString(CultureInfo.InvariantCulture))],
        };
    }

    private Problem Of(FileHit hit, string? owner, int nth, DateTimeOffset now)
    {
        SortedDictionary<string, string> details = Details(hit.Hit.Detail);
        Severity severity = SeverityOf(details, hit.Hit.Rule);
        if (IsExpired(details, now))
            severity = Severity.Low;
        return new Problem
        {
            Kind = ProblemKind.Secret,
            Rule = hit.Hit.Rule,
            Severity = severity,
            Title = TitleOf(hit.Hit.Rule, hit.RemovedBy, hit.Origin),
            Advice = hit.RemovedBy is null ? Catalogue.SecretAdvice(hit.Hit.Rule) : Catalogue.SecretAdviceRemoved,
            Path = hit.Path,
            Line = hit.Hit.Line,
            Evidence = hit.Hit.Evidence,
            Origin = hit.Origin,
            RemovedBy = hit.RemovedBy,
            OwnedBy = owner,
            Details = details,
            Fingerprint = Problem.FingerprintOf(ProblemKind.Secret, hit.Hit.Rule, hit.Path, nth),
        };
    }

    private bool IsOfUser(string id) => _rules.Rules.FirstOrDefault(r => r.Id == id) is { IsBuiltIn: false };

    internal Text TitleOf(string rule, Origin? removedBy = null, Origin? origin = null)
    {
        Text title = Catalogue.SecretTitle(rule) ?? Described(rule);
        return removedBy is null || origin is null ? title : new Text(
            Catalogue.SecretRecoverable.In(Language.English, title.English, removedBy.Layer, origin.Layer),
            Catalogue.SecretRecoverable.In(Language.Chinese, title.Chinese, removedBy.Layer, origin.Layer));
    }

    /// <summary>A user's rule says itself what it finds, in one language.</summary>
    private Text Described(string rule)
    {
        string text = _rules.Rules.FirstOrDefault(r => r.Id == rule)?.Description is { Length: > 0 } description ? description.TrimEnd('.') : rule;
        return new Text(text[..Math.Min(text.Length, Escape.MaxShown)], text[..Math.Min(text.Length, Escape.MaxShown)]);
    }

    internal static SortedDictionary<string, string> Details(string detail)
    {
        SortedDictionary<string, string> details = new(StringComparer.Ordinal);
        foreach (string line in detail.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            if (line.IndexOf('=', StringComparison.Ordinal) is > 0 and int at && line[..at] != "sums")
                details[line[..at]] = line[(at + 1)..];
        return details;
    }

    /// <summary>What the facts say, which is more exact than the rule; else the rule's.</summary>
    internal Severity SeverityOf(SortedDictionary<string, string> details, string rule)
    {
        if (details.Remove("severity", out string? word))
            foreach (Severity severity in SeverityWords.WorstFirst)
                if (severity.Word() == word)
                    return severity;
        return _rules.Rules.FirstOrDefault(r => r.Id == rule)?.Severity ?? Severity.High;
    }

    internal static bool IsExpired(SortedDictionary<string, string> details, DateTimeOffset now)
    {
        if (!details.TryGetValue("exp", out string? exp) || !long.TryParse(exp, CultureInfo.InvariantCulture, out long seconds))
            return false;
        bool expired = seconds < now.ToUnixTimeSeconds();
        details["expired"] = expired ? "true" : "false";
        return expired;
    }

    private static Dictionary<string, string> OwnersOf(IReadOnlyList<FileHit> hits)
    {
        Dictionary<string, string[]> asked = new(StringComparer.Ordinal);
        foreach (FileHit hit in hits)
            if (hit.Analyser == SecretAnalyser.AnalyserId && hit.RemovedBy is null && hit.Hit.Detail.LastIndexOf("sums=", StringComparison.Ordinal) is >= 0 and int at)
                asked[hit.Path] = hit.Hit.Detail[(at + 5)..].Split(',');
        return OwnedListAnalyser.OwnersOf(hits.Where(h => h.Analyser == OwnedListAnalyser.AnalyserId && h.RemovedBy is null).Select(h => h.Hit), asked);
    }
}
