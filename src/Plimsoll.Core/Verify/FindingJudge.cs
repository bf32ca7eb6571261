namespace Plimsoll.Verify;

/// <summary>What a policy's rules make of one finding, before exceptions and suppressions.</summary>
/// <param name="Code">As <see cref="Reason.Code"/>.</param>
/// <param name="Rule">Where the policy says it; of several rules the one that decided.</param>
/// <param name="Detail">The severity, where that was asked; else empty.</param>
public sealed record Decision(PolicyAction Action, string Code, string Rule, string Detail = "");

internal static class FindingJudge
{
    public static Decision Decide(Policy policy, InspectedFinding finding, DateOnly today) => finding.Kind switch
    {
        FindingKind.Vulnerability => Vulnerability(policy.Vulnerabilities, finding, today),
        FindingKind.Malware => Malware(policy.Malware, finding),
        FindingKind.Secret => Problem("secret", "secrets", policy.Secrets, finding),
        FindingKind.History => Problem("history", "history", policy.History, finding),
        FindingKind.Configuration => Problem("configuration", "configuration", policy.Configuration, finding),
        FindingKind.Licence => Licence(policy.Licences, finding),
        FindingKind.Package => Package(policy, finding),
        _ => new Decision(PolicyAction.Fail, "unknown-kind", ""),
    };

    /// <summary>The strictest that could come of a finding of which only kind and severity are known.</summary>
    public static PolicyAction Strictest(Policy policy, FindingCount count) => count.Kind switch
    {
        FindingKind.Vulnerability => Min(policy.Vulnerabilities.Severity.Of(count.Severity), policy.Vulnerabilities.KnownExploited, policy.Vulnerabilities.Malicious,
            policy.Vulnerabilities.AsksEpss ? policy.Vulnerabilities.Epss : PolicyAction.Ignore),
        FindingKind.Malware => Min([policy.Malware.Confirmed, policy.Malware.Suspected, .. policy.Malware.Rules.All.Values]),
        FindingKind.Secret => Min([policy.Secrets.Severity.Of(count.Severity), .. policy.Secrets.Rules.All.Values]),
        FindingKind.History => Min([policy.History.Severity.Of(count.Severity), .. policy.History.Rules.All.Values]),
        FindingKind.Configuration => Min([policy.Configuration.Severity.Of(count.Severity), .. policy.Configuration.Rules.All.Values]),
        FindingKind.Licence => Min([policy.Licences.Severity.Of(count.Severity), .. policy.Licences.Rules.All.Values]),
        FindingKind.Package => policy.Packages.Count == 0 ? PolicyAction.Ignore : policy.Packages.Min(p => p.Action),
        _ => PolicyAction.Fail,
    };

    private static Decision Vulnerability(VulnerabilityRules rules, InspectedFinding finding, DateOnly today)
    {
        Decision worst = BySeverity(rules, finding, today);
        if (finding.KnownExploited && rules.KnownExploited <= worst.Action)
            worst = new Decision(rules.KnownExploited, "known-exploited", "vulnerabilities.known-exploited");
        if (finding.Malicious && rules.Malicious <= worst.Action)
            worst = new Decision(rules.Malicious, "malicious-package", "vulnerabilities.malicious");
        // The other rules stay the reason where both come to the same: they say more.
        if (rules.EpssAtLeast is { } atLeast && finding.Epss >= atLeast && rules.Epss < worst.Action)
            worst = new Decision(rules.Epss, "epss", "vulnerabilities.epss");
        return worst;
    }

    private static Decision BySeverity(VulnerabilityRules rules, InspectedFinding finding, DateOnly today)
    {
        string level = finding.Severity.Word();
        Decision decision = new(rules.Severity.Of(finding.Severity), "severity", $"vulnerabilities.severity.{level}", level);
        if (finding.Status == "will-not-fix")
            decision = AtMost(decision, rules.WillNotFix, "vulnerabilities.will-not-fix");
        else if (finding.Status == "end-of-life")
            decision = AtMost(decision, rules.EndOfLife, "vulnerabilities.end-of-life");
        else if (!finding.Fixable)
            decision = AtMost(decision, rules.Unfixed, "vulnerabilities.unfixed");
        // A day that has not come yet gives no grace: whoever dates an advisory into the future would buy time with it.
        if (finding.Published is { } published && today.DayNumber - published.DayNumber is >= 0 and var age && age < rules.GraceDays.Of(finding.Severity))
            decision = AtMost(decision, PolicyAction.Warn, $"vulnerabilities.grace.{level}");
        return decision;
    }

    private static Decision Malware(MalwareRules rules, InspectedFinding finding)
    {
        Decision decision = finding.Suspected
            ? new Decision(rules.Suspected, "malware-suspected", "malware.suspected")
            : new Decision(rules.Confirmed, "malware-confirmed", "malware.confirmed");
        if (rules.Rules.Find(finding.Id) is var (action, said))
            decision = decision with { Action = action, Rule = $"malware.rules.{said}" };
        return finding.Removed ? AtMost(decision, rules.Removed, "malware.removed") : decision;
    }

    private static Decision Problem(string code, string section, ProblemRules rules, InspectedFinding finding)
    {
        string level = finding.Severity.Word();
        Decision decision = new(rules.Severity.Of(finding.Severity), code, $"{section}.severity.{level}", level);
        if (rules.Rules.Find(finding.Id) is var (action, said))
            decision = decision with { Action = action, Rule = $"{section}.rules.{said}" };
        return finding.Removed ? AtMost(decision, rules.Removed, $"{section}.removed") : decision;
    }

    private static Decision Licence(LicenceRules rules, InspectedFinding finding)
    {
        string level = finding.Severity.Word();
        return rules.Rules.Find(finding.Id) is var (action, said)
            ? new Decision(action, "licence", $"licences.rules.{said}", level)
            : new Decision(rules.Severity.Of(finding.Severity), "licence", $"licences.severity.{level}", level);
    }

    private static Decision Package(Policy policy, InspectedFinding finding) =>
        finding.Entry is { } entry && entry >= 0 && entry < policy.Packages.Count
            ? new Decision(policy.Packages[entry].Action, "denied-package", $"packages.deny[{entry}]", policy.Packages[entry].Reason)
            // Found under another policy: this one does not speak of it.
            : new Decision(PolicyAction.Ignore, "denied-package", "packages.deny");

    private static Decision AtMost(Decision decision, PolicyAction most, string rule) =>
        most > decision.Action ? decision with { Action = most, Rule = rule } : decision;

    private static PolicyAction Min(params ReadOnlySpan<PolicyAction> actions)
    {
        PolicyAction least = PolicyAction.Ignore;
        foreach (PolicyAction action in actions)
            least = action < least ? action : least;
        return least;
    }
}
