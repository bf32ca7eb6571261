using System.Globalization;
using Plimsoll.Texts;
using Plimsoll.Verify.Start;

namespace Plimsoll.Verify;

/// <summary>Makes a <see cref="Policy"/> of a document. One reader for YAML and JSON: what a person writes and what a host loads cannot differ in meaning.</summary>
public static class PolicyReader
{
    private const int MaxNameCharacters = 100;
    private const int MaxDays = 36500;

    private static readonly PolicyAction[] OfFindings = [PolicyAction.Fail, PolicyAction.Warn, PolicyAction.Ignore];
    private static readonly PolicyAction[] OfTheUnseen = [PolicyAction.Fail, PolicyAction.Undecided, PolicyAction.Warn, PolicyAction.Ignore];

    /// <exception cref="DocumentException">With the place: an unknown key or version, a wrong value, an exception without reason, owner or last day.</exception>
    /// <param name="readKeyFile">Reads the public key (PEM) that <c>file</c> names; null where a policy must hold its keys itself.</param>
    public static Policy Read(DocumentNode document, Func<DocumentNode, string>? readKeyFile = null)
    {
        ArgumentNullException.ThrowIfNull(document);
        MapReader map = new(document, "the policy");
        DocumentNode version = map.Find("policy") ?? throw new DocumentException(document.Where, "the policy does not say which form it has; begin it with the line: policy: 1");
        if (MapReader.TextOf(version, "policy") is var said && said != Policy.Version.ToString(CultureInfo.InvariantCulture))
            throw new DocumentException(version.Where, $"this is version {Escape.Quote(said)} of the form; this Plimsoll knows version {Policy.Version}");
        DocumentNode name = map.Get("name");
        Policy policy = new()
        {
            Name = NameOf(MapReader.TextOf(name, "name", MaxNameCharacters), name.Where),
            Description = map.FindText("description") ?? "",
        };
        policy = policy with
        {
            Inspection = InspectionOf(map.FindMap("inspection"), policy.Inspection),
            Database = DatabaseOf(map.FindMap("database"), policy.Database),
            Image = ImageOf(map.FindMap("image"), policy.Image),
            Vulnerabilities = SectionOf(map, "vulnerabilities", VulnerabilityRules.Nothing, s => VulnerabilitiesOf(s, policy.Vulnerabilities)) ?? policy.Vulnerabilities,
            Malware = SectionOf(map, "malware", MalwareRules.Nothing, s => MalwareOf(s, policy.Malware)) ?? policy.Malware,
            Secrets = SectionOf(map, "secrets", ProblemRules.Nothing, s => ProblemsOf(s, policy.Secrets)) ?? policy.Secrets,
            History = SectionOf(map, "history", ProblemRules.Nothing, s => ProblemsOf(s, policy.History)) ?? policy.History,
            Configuration = SectionOf(map, "configuration", ProblemRules.Nothing, s => ProblemsOf(s, policy.Configuration)) ?? policy.Configuration,
            Licences = SectionOf(map, "licences", LicenceRules.Nothing, s => LicencesOf(s, policy.Licences)) ?? policy.Licences,
            Packages = PackagesOf(map.FindMap("packages")),
            Suppressions = SuppressionsOf(map, policy.Suppressions),
            Exceptions = ExceptionsOf(map),
            Trust = map.FindMap("trust") is { } trust ? new TrustReader(readKeyFile).Read(trust) : null,
        };
        if (map.Find("start") is { } start)
            policy = policy with { Start = StartReader.Read(start, policy.Trust) };
        map.Done();
        for (int i = 0; i < policy.Trust?.Images.Count; i++)
            if (policy.Trust.Images[i].Untrusted && policy.Start?.SecureRuntimes.Count is not > 0)
                throw new DocumentException(document.Where, $"trust.images[{i.ToString(CultureInfo.InvariantCulture)}] says signed: none, and no secure runtime is named that its images could start under; wanted start: {{untrusted: {{runtimes: [plimsoll-runsc]}}}}");
        return policy;
    }

    private static string NameOf(string name, string where) =>
        MapReader.IsPlainName(name) ? name
        : throw new DocumentException(where, $"name is {Escape.Quote(name)}; wanted letters, digits, dots, underscores and dashes");

    /// <summary>A section's mapping, or the one word that switches it off.</summary>
    private static T? SectionOf<T>(MapReader map, string name, T nothing, Func<MapReader, T> read) where T : class
    {
        if (map.Find(name) is not { } node)
            return null;
        if (node.Text is null)
            return read(new MapReader(node, name));
        return node.Text == "ignore" ? nothing : throw new DocumentException(node.Where, $"{name} is {Escape.Quote(node.Text)}; wanted its keys, or the word ignore");
    }

    private static InspectionRules InspectionOf(MapReader? map, InspectionRules otherwise)
    {
        if (map is null)
            return otherwise;
        InspectionRules rules = new()
        {
            Checks = WordsOf(map, "checks", PolicyWords.Checks),
            Engines = Bounded(map, "engines", map.FindTexts("engines")),
            Missing = ActionOf(map, "missing", otherwise.Missing, OfTheUnseen),
            Incomplete = ActionOf(map, "incomplete", otherwise.Incomplete, OfTheUnseen),
            Unverified = ActionOf(map, "unverified", otherwise.Unverified, OfTheUnseen),
            MaxAgeDays = LimitOf(map, "max-age", otherwise.MaxAgeDays),
            Old = ActionOf(map, "old", otherwise.Old, OfTheUnseen),
        };
        map.Done();
        return rules;
    }

    private static DatabaseRules DatabaseOf(MapReader? map, DatabaseRules otherwise)
    {
        if (map is null)
            return otherwise;
        DatabaseRules rules = new()
        {
            Missing = ActionOf(map, "missing", otherwise.Missing, OfTheUnseen),
            MaxAgeDays = LimitOf(map, "max-age", otherwise.MaxAgeDays),
            Old = ActionOf(map, "old", otherwise.Old, OfTheUnseen),
        };
        map.Done();
        return rules;
    }

    private static ImageRules ImageOf(MapReader? map, ImageRules otherwise)
    {
        if (map is null)
            return otherwise;
        ImageRules rules = new()
        {
            EndOfLife = ActionOf(map, "end-of-life", otherwise.EndOfLife, OfTheUnseen),
            MaxAgeDays = LimitOf(map, "max-age", otherwise.MaxAgeDays),
            Old = ActionOf(map, "old", otherwise.Old, OfTheUnseen),
        };
        map.Done();
        return rules;
    }

    private static VulnerabilityRules VulnerabilitiesOf(MapReader map, VulnerabilityRules otherwise)
    {
        (decimal? atLeast, PolicyAction epss) = EpssOf(map.FindMap("epss"), otherwise);
        VulnerabilityRules rules = new()
        {
            Severity = SeverityOf(map, otherwise.Severity),
            Unfixed = ActionOf(map, "unfixed", otherwise.Unfixed, OfFindings),
            WillNotFix = ActionOf(map, "will-not-fix", otherwise.WillNotFix, OfFindings),
            EndOfLife = ActionOf(map, "end-of-life", otherwise.EndOfLife, OfFindings),
            GraceDays = GraceOf(map, otherwise.GraceDays),
            KnownExploited = ActionOf(map, "known-exploited", otherwise.KnownExploited, OfFindings),
            EpssAtLeast = atLeast,
            Epss = epss,
            Malicious = ActionOf(map, "malicious", otherwise.Malicious, OfFindings),
        };
        map.Done();
        return rules;
    }

    private static (decimal? AtLeast, PolicyAction Action) EpssOf(MapReader? map, VulnerabilityRules otherwise)
    {
        if (map is null)
            return (otherwise.EpssAtLeast, otherwise.Epss);
        DocumentNode node = map.Get("at-least");
        string text = MapReader.TextOf(node, map.Inner("at-least"));
        decimal? atLeast = text == "none" ? null
            : decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) && value is >= 0 and <= 1 && value.Scale <= 6 ? value
            : throw new DocumentException(node.Where, $"{map.Inner("at-least")} is {Escape.Quote(text)}; wanted a probability from 0 to 1 such as 0.5, or none");
        PolicyAction action = ActionOf(map, "action", otherwise.Epss, OfFindings);
        map.Done();
        return (atLeast, action);
    }

    private static MalwareRules MalwareOf(MapReader map, MalwareRules otherwise)
    {
        MalwareRules rules = new()
        {
            Confirmed = ActionOf(map, "confirmed", otherwise.Confirmed, OfFindings),
            Suspected = ActionOf(map, "suspected", otherwise.Suspected, OfFindings),
            Removed = ActionOf(map, "removed", otherwise.Removed, OfFindings),
            Rules = RulesOf(map),
        };
        map.Done();
        return rules;
    }

    private static ProblemRules ProblemsOf(MapReader map, ProblemRules otherwise)
    {
        ProblemRules rules = new()
        {
            Severity = SeverityOf(map, otherwise.Severity),
            Removed = ActionOf(map, "removed", otherwise.Removed, OfFindings),
            Rules = RulesOf(map),
        };
        map.Done();
        return rules;
    }

    private static LicenceRules LicencesOf(MapReader map, LicenceRules otherwise)
    {
        LicenceRules rules = new()
        {
            Allow = LicenceListOf(map, "allow"),
            Deny = LicenceListOf(map, "deny"),
            Denied = ActionOf(map, "denied", otherwise.Denied, OfFindings),
            Unlisted = ActionOf(map, "unlisted", otherwise.Unlisted, OfFindings),
            Undeclared = ActionOf(map, "undeclared", otherwise.Undeclared, OfFindings),
            Severity = SeverityOf(map, otherwise.Severity),
            Rules = RulesOf(map),
        };
        map.Done();
        return rules;
    }

    private static IReadOnlyList<string> LicenceListOf(MapReader map, string name)
    {
        IReadOnlyList<string> list = Bounded(map, name, map.FindTexts(name));
        foreach (string licence in list)
            if (licence.AsSpan().ContainsAny(" ()") || (licence.StartsWith("category:", StringComparison.Ordinal) && !LicenceExpression.Categories.Contains(licence["category:".Length..], StringComparer.Ordinal)))
                throw new DocumentException(map.Find(name)!.Items!.First(i => i.Text?.Trim() == licence).Where,
                    $"{map.Inner(name)} holds {Escape.Quote(licence)}; wanted one id such as MIT, a beginning such as GPL-*, or category: and one of {string.Join(", ", LicenceExpression.Categories)}");
        return list;
    }

    private static List<DeniedPackage> PackagesOf(MapReader? map)
    {
        List<DeniedPackage> denied = [];
        if (map is null)
            return denied;
        foreach (DocumentNode item in map.FindItems("deny"))
        {
            if (denied.Count == DocumentLimits.MaxListed)
                throw new DocumentException(item.Where, $"more than {DocumentLimits.MaxListed} denied packages");
            MapReader entry = new(item, "packages.deny");
            denied.Add(new DeniedPackage
            {
                Name = entry.GetText("name"),
                Type = entry.FindText("type"),
                Versions = Bounded(entry, "versions", entry.FindTexts("versions")),
                Below = entry.FindText("below"),
                Reason = entry.GetText("reason"),
                Action = ActionOf(entry, "action", PolicyAction.Fail, OfFindings),
            });
            entry.Done();
            if (denied[^1] is { Below: not null, Type: null })
                throw new DocumentException(item.Where, "packages.deny with below needs a type: each type of package orders its versions in its own way");
        }
        map.Done();
        return denied;
    }

    private static IReadOnlyList<SuppressionSource> SuppressionsOf(MapReader map, IReadOnlyList<SuppressionSource> otherwise)
    {
        if (map.Find("suppressions") is null)
            return otherwise;
        IReadOnlyList<string> words = WordsOf(map, "suppressions", [.. PolicyWords.Sources.Select(PolicyWords.Word)]);
        return [.. PolicyWords.Sources.Where(s => words.Contains(s.Word(), StringComparer.Ordinal))];
    }

    private static List<Exemption> ExceptionsOf(MapReader map)
    {
        List<Exemption> exceptions = [];
        IReadOnlyList<DocumentNode> items = map.FindItems("exceptions");
        if (items.Count == 0)
            return exceptions;
        Dictionary<(string, string?, string?, string?), string> seen = [];
        foreach (DocumentNode item in items)
        {
            if (exceptions.Count == DocumentLimits.MaxExceptions)
                throw new DocumentException(item.Where, $"more than {DocumentLimits.MaxExceptions} exceptions");
            MapReader entry = new(item, "exceptions");
            foreach (string needed in (ReadOnlySpan<string>)["id", "reason", "owner", "expires"])
                if (entry.Find(needed) is null)
                    throw new DocumentException(item.Where, $"the exception has no {needed}; wanted are id, reason, owner and expires, and package, path, image if they apply");
            string expires = entry.GetText("expires");
            Exemption made = new()
            {
                Id = entry.GetText("id"),
                Package = entry.FindText("package"),
                Path = entry.FindText("path"),
                Image = entry.FindText("image"),
                Reason = entry.GetText("reason"),
                Owner = entry.GetText("owner"),
                Expires = DateOnly.TryParseExact(expires, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) ? day
                    : throw new DocumentException(entry.Get("expires").Where, $"expires is {Escape.Quote(expires)}; wanted a date such as 2027-01-31"),
                Source = item.Where,
            };
            entry.Done();
            if (!seen.TryAdd((made.Id.ToUpperInvariant(), made.Package, made.Path, made.Image), item.Where))
                throw new DocumentException(item.Where, $"the exception for {Escape.Quote(made.Id)} with the same package, path and image stands already at {seen[(made.Id.ToUpperInvariant(), made.Package, made.Path, made.Image)]}");
            exceptions.Add(made);
        }
        return exceptions;
    }

    private static ByLevel<PolicyAction> SeverityOf(MapReader map, ByLevel<PolicyAction> otherwise)
    {
        if (map.FindMap("severity") is not { } levels)
            return otherwise;
        ByLevel<PolicyAction> actions = LevelsOf(levels, otherwise, (level, _) => ActionOf(levels, level.Word(), otherwise.Of(level), OfFindings));
        levels.Done();
        return actions;
    }

    private static ByLevel<int> GraceOf(MapReader map, ByLevel<int> otherwise)
    {
        if (map.Find("grace") is not { } node)
            return otherwise;
        if (node.Text is not null)
        {
            int days = DaysOf(node, map.Inner("grace"), "none") ?? 0;
            return new(days, days, days, days, days, days);
        }
        MapReader levels = new(node, map.Inner("grace"));
        ByLevel<int> each = LevelsOf(levels, otherwise, (_, value) => value is null ? 0 : DaysOf(value, map.Inner("grace"), "none") ?? 0);
        levels.Done();
        return each;
    }

    private static ByLevel<T> LevelsOf<T>(MapReader levels, ByLevel<T> otherwise, Func<Level, DocumentNode?, T> read)
    {
        T Of(Level level) => levels.Find(level.Word()) is { } node ? read(level, node) : otherwise.Of(level);
        return new(Of(Level.Critical), Of(Level.High), Of(Level.Medium), Of(Level.Low), Of(Level.Negligible), Of(Level.Unknown));
    }

    private static RuleActions RulesOf(MapReader map)
    {
        if (map.Find("rules") is not { } node)
            return RuleActions.None;
        MapReader rules = new(node, map.Inner("rules"));
        List<KeyValuePair<string, PolicyAction>> actions = [];
        foreach (DocumentMember rule in node.Members!)
        {
            if (actions.Count == DocumentLimits.MaxListed)
                throw new DocumentException(rule.Where, $"more than {DocumentLimits.MaxListed} entries in {map.Inner("rules")}");
            if (rule.Name.Length is 0 or > DocumentLimits.MaxTextCharacters || (rule.Name.IndexOf('*', StringComparison.Ordinal) is >= 0 and var star && star < rule.Name.Length - 1))
                throw new DocumentException(rule.Where, $"{Escape.Quote(rule.Name)} is no rule id; a * may stand at its end only");
            // A name, too, must be text that can be written again.
            _ = MapReader.TextOf(new DocumentNode { Where = rule.Where, Text = rule.Name }, map.Inner("rules"));
            actions.Add(new(rule.Name, ActionOf(rules, rule.Name, PolicyAction.Fail, OfFindings)));
        }
        return new RuleActions(actions);
    }

    internal static PolicyAction ActionOf(MapReader map, string name, PolicyAction otherwise, PolicyAction[] allowed)
    {
        if (map.Find(name) is not { } node)
            return otherwise;
        string text = MapReader.TextOf(node, map.Inner(name));
        foreach (PolicyAction action in allowed)
            if (action.Word() == text)
                return action;
        throw new DocumentException(node.Where, $"{map.Inner(name)} is {Escape.Quote(text)}; wanted {string.Join(", ", allowed.Select(PolicyWords.Word))}");
    }

    internal static int? LimitOf(MapReader map, string name, int? otherwise) =>
        map.Find(name) is { } node ? DaysOf(node, map.Inner(name), "none") : otherwise;

    /// <summary><c>14d</c>; null for the word that means none.</summary>
    private static int? DaysOf(DocumentNode node, string what, string none)
    {
        string text = MapReader.TextOf(node, what);
        if (text == none)
            return null;
        return text.EndsWith('d') && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int days) && days is >= 1 and <= MaxDays
            ? days
            : throw new DocumentException(node.Where, $"{what} is {Escape.Quote(text)}; wanted days such as 14d, or {none}");
    }

    private static IReadOnlyList<string> WordsOf(MapReader map, string name, IReadOnlyList<string> known)
    {
        IReadOnlyList<string> words = map.FindTexts(name);
        foreach (string word in words)
            if (!known.Contains(word, StringComparer.Ordinal))
                throw new DocumentException(map.Find(name)!.Items!.First(i => i.Text?.Trim() == word).Where,
                    $"{map.Inner(name)} holds {Escape.Quote(word)}; wanted some of {string.Join(", ", known)}");
        return words;
    }

    private static IReadOnlyList<string> Bounded(MapReader map, string name, IReadOnlyList<string> list) =>
        list.Count <= DocumentLimits.MaxListed ? list : throw new DocumentException(map.Find(name)!.Where, $"more than {DocumentLimits.MaxListed} entries in {map.Inner(name)}");
}
