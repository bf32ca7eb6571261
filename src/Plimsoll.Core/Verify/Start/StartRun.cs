using Plimsoll.Texts;

namespace Plimsoll.Verify.Start;

/// <summary>One request judged by one rule: each component tells what it sees, and the rule says what comes of it.</summary>
internal sealed class StartRun(StartRule rule, string place, StartRequest request, SignedConfig config, StartHost host)
{
    private const int MaxShown = 3;

    private readonly List<(string Component, string Code, string Key, PolicyAction Action, HashSet<string> Values)> _said = [];

    public StartRule Rule => rule;

    public StartRequest Request => request;

    public SignedConfig Config => config;

    public StartHost Host => host;

    /// <summary>Something that the rule has an action for.</summary>
    /// <param name="code">The reason's.</param>
    /// <param name="value">What was seen; untrusted.</param>
    public void Flag(StartCheck check, string code, string value)
    {
        ActionKey key = StartKeys.Of(check);
        Say(key.Section, code, key.Path, rule[check], value);
    }

    /// <summary>Fields that say something and that nobody here knows: what they do, nobody can judge.</summary>
    public void Unknown()
    {
        foreach (string field in request.Unknown)
            if (!rule[StartList.Fields].Contains(field, StringComparer.Ordinal))
                Refuse(StartList.Fields, "unknown-field", field);
    }

    /// <summary>Something that nothing but an entry of a list lets through.</summary>
    public void Refuse(StartList list, string code, string value)
    {
        ListKey key = StartKeys.Of(list);
        Say(key.Section, code, key.Path, PolicyAction.Fail, value);
    }

    /// <summary>Whether a value stands in one of the rule's lists of patterns.</summary>
    public bool Allows(StartList list, string value) => rule[list].Any(p => Glob.Matches(p, value));

    /// <summary>One reason for each code, in the order in which they came up.</summary>
    public IReadOnlyList<Reason> Reasons()
    {
        TrustReasons reasons = new();
        foreach ((string component, string code, string key, PolicyAction action, HashSet<string> values) in _said)
            if (action != PolicyAction.Ignore)
                reasons.Add(component, code, PolicyWords.OutcomeOf(action), $"{place}.{key}", values.Count, [.. values.Take(TrustReasons.MaxExamples)],
                    [string.Join(", ", values.Take(MaxShown)) + (values.Count > MaxShown ? $" (+{values.Count - MaxShown})" : "")]);
        return reasons.Ordered();
    }

    private void Say(string component, string code, string key, PolicyAction action, string value)
    {
        string shown = value.Length > Escape.MaxShown ? value[..Escape.MaxShown] + "…" : value;
        foreach ((string _, string said, string _, PolicyAction _, HashSet<string> values) in _said)
            if (said == code)
            {
                values.Add(shown);
                return;
            }
        _said.Add((component, code, key, action, new HashSet<string>(StringComparer.Ordinal) { shown }));
    }
}
