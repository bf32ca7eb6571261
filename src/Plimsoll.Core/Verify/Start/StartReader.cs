using System.Globalization;
using Plimsoll.Texts;

namespace Plimsoll.Verify.Start;

/// <summary>Reads the section <c>start</c> of a policy.</summary>
internal static class StartReader
{
    private static readonly PolicyAction[] Actions = [PolicyAction.Fail, PolicyAction.Warn, PolicyAction.Ignore];
    private static readonly CommandFreedom[] Freedoms = Enum.GetValues<CommandFreedom>();

    /// <param name="trust">Whose keys may break the glass; null when the policy trusts nobody.</param>
    public static StartRules Read(DocumentNode node, TrustRules? trust)
    {
        if (node.Text is { } word)
            return word == "default" ? StartRules.Default : throw new DocumentException(node.Where, $"start is {Escape.Quote(word)}; wanted its keys, or the word default");
        MapReader map = new(node, "start");
        List<StartRule> rules = [];
        foreach (DocumentNode item in map.FindItems("rules"))
            rules.Add(rules.Count < DocumentLimits.MaxListed ? RuleOf(item) : throw new DocumentException(item.Where, $"more than {DocumentLimits.MaxListed} rules in start.rules"));
        if (map.Find("rules") is { } list && rules.Count == 0)
            throw new DocumentException(list.Where, "start.rules is empty, and nothing would start; leave it out for the default rule");
        StartRules made = new()
        {
            Rules = rules.Count > 0 ? rules : StartRules.Default.Rules,
            LearningUntil = LearningOf(map),
            Engine = EngineOf(map.FindMap("engine")),
            Running = RunningOf(map.FindMap("running")),
            Evidence = EvidenceOf(map),
            SecureRuntimes = SecureOf(map),
            BreakGlass = BreakGlassOf(map, trust),
        };
        map.Done();
        return made;
    }

    private static DateOnly? LearningOf(MapReader map)
    {
        if (map.Find("learning") is not { } node || node.Text == "none")
            return null;
        MapReader learning = new(node, "start.learning");
        DateOnly? until = DayOf(learning, "until") ?? throw new DocumentException(node.Where, "start.learning has no last day; write learning: {until: 2027-01-31}, or none");
        learning.Done();
        return until;
    }

    private static RunningAction RunningOf(MapReader? map)
    {
        if (map is null)
            return RunningAction.Report;
        RunningAction action = map.Find("trouble") is { } node ? MapReader.WordOf(node, RunningWords.Word, RunningWords.All) : RunningAction.Report;
        map.Done();
        return action;
    }

    private static EvidenceSources EvidenceOf(MapReader map)
    {
        if (map.Find("evidence") is not { } node || node.Text == "none")
            return EvidenceSources.None;
        MapReader evidence = new(node, "start.evidence");
        List<string> registries = ListOf(evidence, "registries"), plain = ListOf(evidence, "plain-http");
        if (registries.Count == 0)
            throw new DocumentException(node.Where, "start.evidence names no registries; wanted registries: [\"registry.example/team/**\"], or evidence: none");
        for (int i = 0; i < registries.Count; i++)
            if (EvidenceSources.HostOf(registries[i]) is null)
                throw new DocumentException(evidence.Get("registries").Where, $"start.evidence.registries holds {Escape.Quote(registries[i])}; wanted a host in full, in lower case and with a dot or a port, a slash, and a pattern of repositories: registry.example/team/**");
        for (int i = 0; i < plain.Count; i++)
            if (!registries.Exists(r => EvidenceSources.HostOf(r) == plain[i]))
                throw new DocumentException(evidence.Get("plain-http").Where, $"start.evidence.plain-http holds {Escape.Quote(plain[i])}, which is the host of none of start.evidence.registries");
        evidence.Done();
        return new EvidenceSources { Registries = registries, PlainHttp = plain };
    }

    /// <summary>Launchers by their names in full: a pattern could come to cover the ordinary one, and which one <c>default</c> is the daemon's configuration says.</summary>
    private static List<string> SecureOf(MapReader map)
    {
        if (map.Find("untrusted") is not { } node || node.Text == "none")
            return [];
        MapReader untrusted = new(node, "start.untrusted");
        List<string> runtimes = ListOf(untrusted, "runtimes");
        if (runtimes.Count == 0)
            throw new DocumentException(node.Where, "start.untrusted names no runtimes; wanted runtimes: [plimsoll-runsc], or untrusted: none");
        for (int i = 0; i < runtimes.Count; i++)
            if (runtimes[i] is "default" or "plimsoll" || !MapReader.IsPlainName(runtimes[i]))
                throw new DocumentException(untrusted.Get("runtimes").Where, $"start.untrusted.runtimes holds {Escape.Quote(runtimes[i])}; wanted the whole name of a launcher for a sandbox, such as plimsoll-runsc: not default, not plimsoll (which is runc's), no pattern");
        untrusted.Done();
        return runtimes;
    }

    private static BreakGlassRules? BreakGlassOf(MapReader map, TrustRules? trust)
    {
        if (map.Find("break-glass") is not { } node || node.Text == "none")
            return null;
        MapReader glass = new(node, "start.break-glass");
        List<string> keys = ListOf(glass, "keys");
        if (keys.Count == 0)
            throw new DocumentException(node.Where, "start.break-glass names no keys of trust.keys");
        IReadOnlyList<TrustKey> known = trust?.Keys ?? [];
        for (int i = 0; i < keys.Count; i++)
            if (!known.Any(k => k.Name == keys[i]))
                throw new DocumentException(glass.Get("keys").Where, $"start.break-glass.keys holds {Escape.Quote(keys[i])}; known keys: {(known.Count > 0 ? string.Join(", ", known.Select(k => k.Name)) : "none, as there is no trust.keys")}");
        int signers = new Signers(known).Count(keys);
        BreakGlassRules rules = new(keys, NumberOf(glass, "threshold", null, signers, "keys are different ones"), NumberOf(glass, "max-hours", BreakGlassRules.DefaultHours, BreakGlassRules.MostHours, "hours are the most"));
        glass.Done();
        return rules;
    }

    private static int NumberOf(MapReader map, string name, int? otherwise, int most, string why) =>
        map.Find(name) is not { } node ? otherwise ?? throw new DocumentException(map.Where, $"{map.Inner(name)} is missing: how many of its keys must sign")
        : int.TryParse(node.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1 && value <= most ? value
        : throw new DocumentException(node.Where, $"{map.Inner(name)} is {Escape.Quote(node.Text)}; wanted a number from 1 to {most}, as {most} {why}");

    private static EngineRules EngineOf(MapReader? map)
    {
        EngineRules otherwise = new();
        if (map is null)
            return otherwise;
        HashSet<EngineOperation> allowed = [.. otherwise.Allow];
        if (map.Find("allow") is { } node)
        {
            allowed.Clear();
            foreach (string word in ListOf(map, "allow"))
                allowed.Add(EngineWords.Find(word) ?? throw new DocumentException(node.Where, $"start.engine.allow holds {Escape.Quote(word)}; wanted some of {string.Join(", ", EngineWords.All.Select(EngineWords.Word))}"));
        }
        EngineRules rules = new() { Allow = allowed, Builders = ListOf(map, "builders") };
        map.Done();
        return rules;
    }

    private static StartRule RuleOf(DocumentNode node)
    {
        MapReader map = new(node, "start.rules");
        StartRule rule = new()
        {
            Names = map.Find("names") is { } names ? ListOf(map, "names") is { Count: > 0 } list ? list : throw new DocumentException(names.Where, "start.rules.names is empty; leave it out for every image") : ["**"],
            Labels = LabelsOf(map.Find("labels")),
            Users = ListOf(map, "users"),
            Windows = [.. map.FindItems("windows").Select(WindowOf)],
            NotBefore = DayOf(map, "not-before"),
            NotAfter = DayOf(map, "not-after"),
            Deny = map.FindText("deny") is { } deny && deny != "none" ? deny : "",
        };
        if (rule.Windows.Count > DocumentLimits.MaxListed)
            throw new DocumentException(node.Where, $"more than {DocumentLimits.MaxListed} windows");
        if (rule is { NotBefore: { } first, NotAfter: { } last } && first > last)
            throw new DocumentException(node.Where, "the rule's not-before lies behind its not-after: it would never hold");
        foreach (string name in StartKeys.Sections)
        {
            if (map.FindMap(name) is not { } section)
                continue;
            foreach (StartKey key in StartKeys.All)
                if (key.Section == name)
                    rule = Read(rule, section, key);
            section.Done();
        }
        map.Done();
        return rule;
    }

    private static StartRule Read(StartRule rule, MapReader section, StartKey key) => key switch
    {
        ActionKey action => section.Find(key.Name) is null ? rule : rule.With(action.Check, PolicyReader.ActionOf(section, key.Name, action.Default, Actions)),
        ListKey list => section.Find(key.Name) is null ? rule : rule.With(list.List, Checked(list.List, ListOf(section, key.Name), section.Get(key.Name))),
        LimitKey limit => rule.With(limit.Limit, LimitOf(section, key.Name, limit.Limit)),
        _ => rule with { Command = section.Find(key.Name) is { } node ? MapReader.WordOf(node, StartKeys.Word, Freedoms) : rule.Command },
    };

    /// <summary>In ordinal order, so that one meaning has one form. Entries of some lists have a form of their own.</summary>
    private static IReadOnlyList<string> Checked(StartList list, IReadOnlyList<string> values, DocumentNode node)
    {
        for (int i = 0; i < values.Count; i++)
        {
            string? wanted = list switch
            {
                StartList.Capabilities => values[i].All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_') && !values[i].StartsWith("CAP_", StringComparison.Ordinal) ? null : "a capability in capitals without CAP_, or ALL",
                StartList.Ports => StartPorts.TryParse(values[i], out _, out _) ? null : "a port or a range such as 8000-8999",
                StartList.OwnExecutables => StartPaths.Fold(values[i]) == values[i] ? null : "an absolute path in the container or a pattern of such, without . and .., and without a slash at its end",
                StartList.Binds or StartList.ReadOnlyBinds or StartList.SensitivePaths => StartPaths.Fold(values[i]) == values[i] ? null : "an absolute path without . and .., and without a slash at its end",
                _ => null,
            };
            if (wanted is not null)
                throw new DocumentException(node.Items![i].Where, $"{StartKeys.Of(list).Path} holds {Escape.Quote(values[i])}; wanted {wanted}");
        }
        return values;
    }

    private static long? LimitOf(MapReader map, string name, StartLimit limit)
    {
        if (map.Find(name) is not { } node || MapReader.TextOf(node, map.Inner(name)) is not { } text || text == "none")
            return null;
        long unit = limit == StartLimit.Memory ? UnitOf(text[^1]) : limit == StartLimit.Cpus ? 1_000_000_000 : 1;
        ReadOnlySpan<char> digits = limit == StartLimit.Memory && unit > 1 ? text.AsSpan(0, text.Length - 1) : text;
        NumberStyles style = limit == StartLimit.Cpus ? NumberStyles.AllowDecimalPoint : NumberStyles.None;
        return decimal.TryParse(digits, style, CultureInfo.InvariantCulture, out decimal value) && value > 0 && value * unit is var all && all == decimal.Truncate(all) && all <= long.MaxValue / 2 ? (long)all
            : throw new DocumentException(node.Where, $"{map.Inner(name)} is {Escape.Quote(text)}; wanted {(limit == StartLimit.Memory ? "bytes such as 512m or 2g" : limit == StartLimit.Cpus ? "processors such as 1.5" : "a number from 1")}, or none");
    }

    private static long UnitOf(char last) => last switch
    {
        'k' => 1L << 10,
        'm' => 1L << 20,
        'g' => 1L << 30,
        _ => 1,
    };

    private static List<KeyValuePair<string, string>> LabelsOf(DocumentNode? node)
    {
        if (node is null)
            return [];
        MapReader map = new(node, "start.rules.labels");
        List<KeyValuePair<string, string>> labels = [];
        foreach (DocumentMember member in node.Members!)
        {
            if (labels.Count == DocumentLimits.MaxListed)
                throw new DocumentException(member.Where, $"more than {DocumentLimits.MaxListed} labels");
            string name = MapReader.TextOf(new DocumentNode { Where = member.Where, Text = member.Name }, "the name of a label");
            labels.Add(new(name == member.Name ? name : throw new DocumentException(member.Where, "the name of a label begins or ends with a space"), map.GetText(member.Name)));
        }
        labels.Sort((a, b) => string.CompareOrdinal(a.Key, b.Key));
        return labels;
    }

    private static StartWindow WindowOf(DocumentNode node)
    {
        MapReader map = new(node, "start.rules.windows");
        List<DayOfWeek> days = [];
        IReadOnlyList<string> words = ListOf(map, "days");
        foreach (string word in words)
            if (!StartWindow.DayWords.Any(d => d.Word == word))
                throw new DocumentException(map.Get("days").Where, $"start.rules.windows.days holds {Escape.Quote(word)}; wanted some of {string.Join(", ", StartWindow.DayWords.Select(d => d.Word))}");
        foreach ((string word, DayOfWeek day) in StartWindow.DayWords)
            if (map.Find("days") is null || words.Contains(word, StringComparer.Ordinal))
                days.Add(day);
        if (days.Count == 0)
            throw new DocumentException(node.Where, "the window has no days; leave days out for every day");
        StartWindow window = new(days, TimeOf(map, "from"), TimeOf(map, "to"));
        map.Done();
        return window;
    }

    private static TimeOnly TimeOf(MapReader map, string name) =>
        map.FindText(name) is not { } text ? TimeOnly.MinValue
        : TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly time) ? time
        : throw new DocumentException(map.Get(name).Where, $"{map.Inner(name)} is {Escape.Quote(text)}; wanted a time of the day (UTC) such as 08:30");

    private static DateOnly? DayOf(MapReader map, string name) =>
        map.FindText(name) is not { } text || text == "none" ? null
        : DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) ? day
        : throw new DocumentException(map.Get(name).Where, $"{map.Inner(name)} is {Escape.Quote(text)}; wanted a date such as 2027-01-31, or none");

    private static List<string> ListOf(MapReader map, string name)
    {
        IReadOnlyList<string> list = map.FindTexts(name);
        return list.Count <= DocumentLimits.MaxListed ? [.. list.Order(StringComparer.Ordinal)] : throw new DocumentException(map.Get(name).Where, $"more than {DocumentLimits.MaxListed} entries in {map.Inner(name)}");
    }
}
