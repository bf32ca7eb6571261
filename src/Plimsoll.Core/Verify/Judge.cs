using System.Globalization;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>What a policy says of one finding of an image.</summary>
/// <param name="ExceptedBy">The exception that accepts it; null when none does.</param>
/// <param name="Suppressed">Whether a suppression that the policy lets count says that it does not.</param>
public sealed record Judgement(InspectedFinding Finding, Decision Decision, Exemption? ExceptedBy, bool Suppressed)
{
    /// <summary>Whether it is a reason to refuse or to warn.</summary>
    public bool Counts => Decision.Action != PolicyAction.Ignore && ExceptedBy is null && !Suppressed;
}

/// <summary>Policy and inspection in, verdict out: the same for a scan, which has just inspected, and for a host, which reads what was signed.</summary>
public static class Judge
{
    /// <param name="now">Decides ages, grace and the last days of exceptions; nothing else depends on it.</param>
    public static Verdict Of(Policy policy, Inspection inspection, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(inspection);
        return new JudgeRun(policy, inspection, now).Verdict();
    }

    /// <summary>Each finding with what the policy says of it, in the order of the inspection.</summary>
    public static IReadOnlyList<Judgement> Explain(Policy policy, Inspection inspection, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(inspection);
        return new JudgeRun(policy, inspection, now).Judgements();
    }
}

internal sealed class JudgeRun
{
    private readonly Policy _policy;
    private readonly string _digest;
    private readonly Inspection _inspection;
    private readonly DateTimeOffset _now;
    private readonly DateOnly _today;
    private readonly ExemptionList _exceptions;
    private readonly ReasonList _reasons = new();

    public JudgeRun(Policy policy, Inspection inspection, DateTimeOffset now)
    {
        (_policy, _inspection, _now) = (policy, inspection, now);
        _digest = PolicyJson.DigestOf(policy);
        _today = DateOnly.FromDateTime(now.UtcDateTime);
        _exceptions = new ExemptionList(policy, inspection, _today);
    }

    public Verdict Verdict()
    {
        Checks();
        Completeness();
        Database();
        Image();
        foreach (Judgement judgement in Judgements())
            Add(judgement);
        Beyond();
        Licences();
        Packages();
        ExceptionsSaid();
        IReadOnlyList<Reason> reasons = _reasons.Ordered();
        return new Verdict
        {
            Outcome = reasons.Count == 0 ? Outcome.Passed : reasons.Max(r => r.Outcome),
            Policy = _policy.Name,
            PolicyDigest = _digest,
            Reasons = reasons,
        };
    }

    public IReadOnlyList<Judgement> Judgements() => [.. _inspection.Findings.Select(finding =>
    {
        Decision decision = FindingJudge.Decide(_policy, finding, _today);
        bool suppressed = finding.SuppressedBy is { } source && _policy.Suppressions.Contains(source);
        return new Judgement(finding, decision, suppressed ? null : _exceptions.Find(finding, decision.Action != PolicyAction.Ignore), suppressed);
    })];

    private void Add(Judgement judgement)
    {
        (InspectedFinding finding, Decision decision, Exemption? excepted, bool suppressed) = judgement;
        if (decision.Action == PolicyAction.Ignore)
            return;
        if (suppressed)
            _reasons.Add("suppressed", Outcome.Passed, "suppressions", finding.Name, finding.SuppressedBy!.Value.Word());
        else if (excepted is not null)
            _reasons.Add("excepted", Outcome.Passed, "exceptions", ExemptionList.Describe(excepted));
        else
            _reasons.Add(decision.Code, PolicyWords.OutcomeOf(decision.Action), decision.Rule, finding.Name, decision.Detail);
    }

    /// <summary>Every check that a section asks for must have run: that nothing was found where nobody looked is no answer.</summary>
    private void Checks()
    {
        InspectionRules rules = _policy.Inspection;
        foreach (string check in PolicyWords.Checks)
            if (!_inspection.Checks.Contains(check, StringComparer.Ordinal) && AskedBy(check) is { } rule)
                _reasons.Say("check-missing", PolicyWords.OutcomeOf(rules.Missing), rule, check);
        foreach (string engine in rules.Engines)
            if (_inspection.Engines.FirstOrDefault(e => e.Name == engine && e.Version is not null) is not { } found)
                _reasons.Say("engine-missing", PolicyWords.OutcomeOf(rules.Missing), "inspection.engines", engine,
                    _inspection.Engines.FirstOrDefault(e => e.Name == engine)?.Failure ?? "not asked");
            else if (found.Failure is not null)
                _reasons.Say("engine-failed", PolicyWords.OutcomeOf(rules.Missing), "inspection.engines", engine, found.Failure);
    }

    private string? AskedBy(string check) =>
        _policy.Inspection.Checks.Contains(check, StringComparer.Ordinal) ? "inspection.checks"
        : check switch
        {
            "vulnerability" => _policy.Vulnerabilities.Asks ? "vulnerabilities" : null,
            "malware" => _policy.Malware.Asks ? "malware" : null,
            "secret" => _policy.Secrets.Asks ? "secrets" : null,
            "history" => _policy.History.Asks ? "history" : null,
            "configuration" => _policy.Configuration.Asks ? "configuration" : null,
            "licence" => _policy.Licences.AsksCheck ? "licences" : null,
            _ => null,
        };

    private void Completeness()
    {
        InspectionRules rules = _policy.Inspection;
        foreach (Unseen unseen in _inspection.Undecided)
            if (rules.Incomplete == PolicyAction.Ignore)
                continue;
            else if (_exceptions.Find(unseen) is { } excepted)
                _reasons.Add("excepted", Outcome.Passed, "exceptions", ExemptionList.Describe(excepted));
            else
                _reasons.Add("incomplete", PolicyWords.OutcomeOf(rules.Incomplete), "inspection.incomplete", $"{unseen.Code} {unseen.Where}".TrimEnd());
        if (_inspection.UndecidedBeyond > 0 && rules.Incomplete != PolicyAction.Ignore)
            _reasons.Add("incomplete", PolicyWords.OutcomeOf(rules.Incomplete), "inspection.incomplete", null, "", _inspection.UndecidedBeyond);
        if (!_inspection.Verified)
            _reasons.Say("unverified", PolicyWords.OutcomeOf(rules.Unverified), "inspection.unverified");
        if (IsOlder(_inspection.Time, rules.MaxAgeDays))
            _reasons.Say("inspection-old", PolicyWords.OutcomeOf(rules.Old), "inspection.max-age", Day(_inspection.Time), Number(rules.MaxAgeDays!.Value));
    }

    private void Database()
    {
        // Nobody asked it where the check did not run, which is a reason of its own.
        if (!_policy.Vulnerabilities.Asks || !_inspection.Checks.Contains("vulnerability", StringComparer.Ordinal))
            return;
        DatabaseRules rules = _policy.Database;
        Outcome missing = PolicyWords.OutcomeOf(rules.Missing);
        if (!_inspection.Database.Present)
        {
            _reasons.Say("no-database", missing, "database.missing");
            return;
        }
        if (IsOlder(_inspection.Database.Created, rules.MaxAgeDays))
            _reasons.Say("database-old", PolicyWords.OutcomeOf(rules.Old), "database.max-age", Day(_inspection.Database.Created), Number(rules.MaxAgeDays!.Value));
        if (_policy.Vulnerabilities.KnownExploited != PolicyAction.Ignore && _inspection.Database.KnownExploited is null)
            _reasons.Say("no-known-exploited", missing, "vulnerabilities.known-exploited");
        if (_policy.Vulnerabilities.AsksEpss && _inspection.Database.Epss is null)
            _reasons.Say("no-epss", missing, "vulnerabilities.epss");
    }

    private void Image()
    {
        ImageRules rules = _policy.Image;
        if (_inspection.Distribution is { EndOfLife: { } last } distribution && last < _today)
            Whole("end-of-life", rules.EndOfLife, "image.end-of-life", distribution.Id, distribution.Version, last.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        if (rules.MaxAgeDays is not { } days || rules.Old == PolicyAction.Ignore)
            return;
        if (_inspection.Created is not { } created)
            _reasons.Say("image-age-unknown", Outcome.Undecided, "image.max-age");
        else if (IsOlder(created, days))
            Whole("image-old", rules.Old, "image.max-age", Day(created), Number(days));
    }

    private void Whole(string code, PolicyAction action, string rule, params ReadOnlySpan<string> arguments)
    {
        if (_exceptions.Find(code, "", action != PolicyAction.Ignore) is not { } excepted)
            _reasons.Say(code, PolicyWords.OutcomeOf(action), rule, arguments);
        else if (action != PolicyAction.Ignore)
            _reasons.Add("excepted", Outcome.Passed, "exceptions", ExemptionList.Describe(excepted));
    }

    /// <summary>What is only counted may be anything that its kind and severity can be; where that could refuse, nobody can decide.</summary>
    private void Beyond()
    {
        foreach (FindingCount count in _inspection.FindingsBeyond)
            if (FindingJudge.Strictest(_policy, count) is var action and not PolicyAction.Ignore)
                _reasons.Add("findings-beyond", action == PolicyAction.Fail ? Outcome.Undecided : PolicyWords.OutcomeOf(action), null, null,
                    $"{count.Kind.Word()} {count.Severity.Word()}", count.Count);
    }

    private void Licences()
    {
        LicenceRules rules = _policy.Licences;
        if (!rules.AsksPackages)
            return;
        foreach (InspectedLicence licence in _inspection.Licences)
        {
            string shown = licence.Terms.Count == 0 ? "" : string.Join(" AND ", licence.Terms.Select(t => licence.Terms.Count > 1 && t.Contains(' ', StringComparison.Ordinal) ? $"({t})" : t));
            (string code, PolicyAction action, string rule) = licence.Terms.Count == 0 ? ("licence-undeclared", rules.Undeclared, "licences.undeclared")
                : LicenceExpression.Judge(licence.Terms, rules, _inspection.LicenceCategories) switch
                {
                    LicenceAnswer.Denied => ("licence-denied", rules.Denied, "licences.deny"),
                    LicenceAnswer.Unlisted => ("licence-unlisted", rules.Unlisted, "licences.allow"),
                    _ => ("", PolicyAction.Ignore, ""),
                };
            if (action == PolicyAction.Ignore)
                continue;
            string example = $"{shown} ({string.Join(", ", licence.Examples)}{(licence.Packages > licence.Examples.Count ? ", …" : "")})".TrimStart();
            _reasons.Add(code, PolicyWords.OutcomeOf(action), rule, example, "", licence.Packages);
        }
        if (_inspection.LicencesBeyond > 0)
            _reasons.Add("licences-beyond", Outcome.Undecided, "licences", null, "", _inspection.LicencesBeyond);
    }

    private void Packages()
    {
        if (_policy.Packages.Any(p => p.Action != PolicyAction.Ignore) && _inspection.PackagesOfPolicy != _digest)
            _reasons.Say("packages-not-listed", PolicyWords.OutcomeOf(_policy.Inspection.Missing), "packages.deny");
    }

    private void ExceptionsSaid()
    {
        foreach ((Exemption exemption, bool missed) in _exceptions.Expired)
            _reasons.Add("exception-expired", missed ? Outcome.Warned : Outcome.Passed, "exceptions", ExemptionList.Describe(exemption));
        foreach (Exemption exemption in _exceptions.Unused)
            _reasons.Add("exception-unused", Outcome.Passed, "exceptions", ExemptionList.Describe(exemption));
    }

    /// <summary>Also what is dated as far into the future: a wrong clock or a false date must not make anything young.</summary>
    private bool IsOlder(DateTimeOffset time, int? days) => days is { } limit && (_now - time).Duration() > TimeSpan.FromDays(limit);

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Reasons as they come, alike ones counted together.</summary>
internal sealed class ReasonList
{
    private const int MaxExamples = 10;

    private sealed class Group
    {
        public required string Code { get; init; }
        public required Outcome Outcome { get; init; }
        public string? Rule { get; init; }
        public required string[] Arguments { get; init; }
        public bool Whole { get; init; }
        public int Count { get; set; }
        public List<string> Examples { get; } = [];
    }

    private readonly List<Group> _groups = [];
    private readonly Dictionary<(string, Outcome, string?, string), Group> _byKey = [];

    /// <summary>One more finding for a reason; its number is the first argument of the reason's text, <paramref name="detail"/> the second.</summary>
    public void Add(string code, Outcome outcome, string? rule, string? example, string detail = "", int count = 1)
    {
        if (!_byKey.TryGetValue((code, outcome, rule, detail), out Group? group))
        {
            group = new Group { Code = code, Outcome = outcome, Rule = rule, Arguments = detail.Length > 0 ? [detail] : [] };
            _byKey.Add((code, outcome, rule, detail), group);
            _groups.Add(group);
        }
        group.Count = (int)Math.Min(int.MaxValue, (long)group.Count + count);
        if (example is not null && group.Examples.Count < MaxExamples && !group.Examples.Contains(example, StringComparer.Ordinal))
            group.Examples.Add(example);
    }

    /// <summary>A reason about the whole image; nothing where the policy ignores it.</summary>
    public void Say(string code, Outcome outcome, string rule, params ReadOnlySpan<string> arguments)
    {
        if (outcome != Outcome.Passed)
            _groups.Add(new Group { Code = code, Outcome = outcome, Rule = rule, Arguments = arguments.ToArray(), Whole = true });
    }

    /// <summary>Worst first, then as they came.</summary>
    public IReadOnlyList<Reason> Ordered() => [.. _groups.OrderByDescending(g => g.Outcome).Select(Of)];

    private static Reason Of(Group group)
    {
        string[] arguments = group.Whole ? group.Arguments : [group.Count.ToString(CultureInfo.InvariantCulture), .. group.Arguments];
        return new Reason
        {
            Code = group.Code,
            Outcome = group.Outcome,
            Rule = group.Rule,
            Count = group.Count,
            Examples = group.Examples,
            Message = Catalogue.ReasonText(group.Code, arguments, Language.English) ?? group.Code,
            Arguments = arguments,
        };
    }
}
