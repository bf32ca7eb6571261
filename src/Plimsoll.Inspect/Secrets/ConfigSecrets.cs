using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Secrets in what an image says of itself: variables, labels, the command, history with its build arguments.</summary>
internal sealed class ConfigSecrets
{
    /// <summary>Texts looked at; a config is at most a few megabytes, but may have very many labels.</summary>
    private const int MaxTexts = 20_000;

    private readonly List<Problem> _problems = [];
    private readonly HashSet<string> _secrets = new(StringComparer.Ordinal);
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly SecretScanner _scanner;
    private readonly CheckInput _input;
    private readonly RuleSet _rules;

    private ConfigSecrets(SecretScanner scanner, CheckInput input, RuleSet rules) => (_scanner, _input, _rules) = (scanner, input, rules);

    public IReadOnlyList<Problem> Problems => _problems;

    /// <summary>Whether more stands there than was looked at.</summary>
    public bool IsCutShort { get; private set; }

    /// <summary>The secrets themselves, longest first, so that no report shows them by way of a history line.</summary>
    public IReadOnlyList<string> Secrets => [.. _secrets.OrderByDescending(s => s.Length).ThenBy(s => s, StringComparer.Ordinal)];

    public static ConfigSecrets Find(SecretScanner scanner, CheckInput input, RuleSet rules)
    {
        ConfigSecrets found = new(scanner, input, rules);
        if (input.Config is not { } config)
            return found;
        int left = MaxTexts;
        foreach (string variable in config.Config?.Env ?? [])
            if (left-- > 0)
                found.Take($"env {NameOf(variable)}", variable, null);
        foreach ((string name, string value) in (config.Config?.Labels ?? new Dictionary<string, string>()).OrderBy(l => l.Key, StringComparer.Ordinal))
            if (left-- > 0)
                found.Take($"label {Shortened(name)}", $"{name}={value}", null);
        found.Take("entrypoint", string.Join(' ', config.Config?.Entrypoint ?? []), null);
        found.Take("cmd", string.Join(' ', config.Config?.Cmd ?? []), null);
        found.TakeHistory(config.History ?? [], ref left);
        found.IsCutShort |= left <= 0;
        return found;
    }

    private void TakeHistory(IReadOnlyList<HistoryEntry> history, ref int left)
    {
        // A history that has other numbers of layers than there are says nothing about which line made which.
        bool fits = history.Count(h => !h.EmptyLayer) == _input.Inventory.Layers.Count;
        int layer = 0;
        for (int i = 0; i < history.Count; i++)
        {
            HistoryEntry entry = history[i];
            LayerSummary? made = !entry.EmptyLayer && fits ? _input.Inventory.Layers[layer] : null;
            layer += entry.EmptyLayer ? 0 : 1;
            Origin? origin = made is null ? null : new Origin(made.Index, made.DiffId, made.CreatedBy);
            foreach (string? text in (ReadOnlySpan<string?>)[entry.CreatedBy, entry.Comment, entry.Author])
                if (text is { Length: > 0 } && left-- > 0)
                    Take($"history {i}", text, origin);
        }
    }

    private void Take(string place, string text, Origin? origin)
    {
        if (text.Length == 0)
            return;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        List<SecretMatch> matches = _scanner.Scan(place, bytes, FileClass.Image, out bool isCutShort);
        IsCutShort |= isCutShort;
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        foreach (SecretMatch match in matches)
        {
            string secret = Encoding.UTF8.GetString(bytes.AsSpan(match.Start, match.Length));
            if (secret.Length >= 4)
                _secrets.Add(secret);
            // The same value stands in ENV, in the line that set it, and as build argument in front of each later command.
            if (match.Length > 0 && !_known.Add(secret))
                continue;
            SecretRule? rule = _rules.Rules.FirstOrDefault(r => r.Id == match.Rule);
            int nth = counts[match.Rule] = counts.GetValueOrDefault(match.Rule, -1) + 1;
            SortedDictionary<string, string> details = new(StringComparer.Ordinal);
            foreach ((string key, string value) in match.Details)
                details[key] = value;
            bool expired = SecretCheck.IsExpired(details, _input.Now);
            Text title = Catalogue.SecretTitle(match.Rule) ?? new Text(rule?.Description is { Length: > 0 } said ? said : match.Rule, rule?.Description is { Length: > 0 } same ? same : match.Rule);
            _problems.Add(new Problem
            {
                Kind = ProblemKind.Secret,
                Rule = match.Rule,
                Severity = expired ? Severity.Low : match.Severity,
                Title = title,
                Advice = Catalogue.SecretAdviceConfig,
                Place = place,
                Evidence = SecretAnalyser.Evidence(bytes, match, matches),
                Origin = origin,
                Details = details,
                Fingerprint = Problem.FingerprintOf(ProblemKind.Secret, match.Rule, place, nth),
            });
        }
    }

    private static string NameOf(string variable)
    {
        int equals = variable.IndexOf('=', StringComparison.Ordinal);
        return Shortened(equals < 0 ? "" : variable[..equals]);
    }

    private static string Shortened(string name) => name[..Math.Min(name.Length, 100)];
}
