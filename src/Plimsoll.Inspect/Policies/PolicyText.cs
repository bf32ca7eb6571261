using System.Globalization;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Policies;

/// <summary>A policy in words: what it refuses, leaves undecided, warns of and ignores, and what it accepts until when.</summary>
public static class PolicyText
{
    /// <summary>Lines, of which those that begin with two spaces belong to the heading before them. Untrusted text is escaped.</summary>
    public static IReadOnlyList<string> Of(Policy policy, Language language)
    {
        ArgumentNullException.ThrowIfNull(policy);
        List<(PolicyAction Action, string Text)> clauses = [.. Clauses(policy, language)];
        List<string> lines = [];
        if (policy.Description.Length > 0)
            lines.Add(Escape.ForTerminal(policy.Description));
        foreach ((PolicyAction action, Text heading) in (ReadOnlySpan<(PolicyAction, Text)>)[(PolicyAction.Fail, Catalogue.ExplainRefuses), (PolicyAction.Undecided, Catalogue.ExplainUndecides),
            (PolicyAction.Warn, Catalogue.ExplainWarns), (PolicyAction.Ignore, Catalogue.ExplainIgnores)])
        {
            List<string> own = [.. clauses.Where(c => c.Action == action).Select(c => c.Text)];
            if (own.Count == 0)
                continue;
            lines.Add(heading.In(language));
            lines.AddRange(own.Select(t => "  " + t));
        }
        List<string> softer = [.. Softer(policy, language)];
        if (softer.Count > 0)
        {
            lines.Add(Catalogue.ExplainSofter.In(language));
            lines.AddRange(softer.Select(t => "  " + t));
        }
        lines.Add(Catalogue.ExplainSuppressions.In(language, policy.Suppressions.Count == 0 ? "-" : string.Join(", ", policy.Suppressions.Select(PolicyWords.Word))));
        if (policy.Exceptions.Count > 0)
            lines.Add(Catalogue.ExplainExceptions.In(language));
        foreach (Exemption exemption in policy.Exceptions)
            lines.Add("  " + Catalogue.ExplainException.In(language, Escape.ForTerminal(exemption.Id), Scope(exemption), exemption.Expires.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                Escape.ForTerminal(exemption.Owner), Escape.ForTerminal(exemption.Reason)));
        lines.AddRange(TrustText.All(policy, language));
        lines.AddRange(StartText.All(policy, language));
        return lines;
    }

    private static string Scope(Exemption exemption)
    {
        string scope = string.Join(", ", new[] { exemption.Package, exemption.Path, exemption.Image }.OfType<string>().Select(Escape.ForTerminal));
        return scope.Length > 0 ? $" [{scope}]" : "";
    }

    private static IEnumerable<(PolicyAction Action, string Text)> Clauses(Policy policy, Language language)
    {
        VulnerabilityRules v = policy.Vulnerabilities;
        yield return (v.Malicious, Catalogue.ExplainMalicious.In(language));
        yield return (v.KnownExploited, Catalogue.ExplainExploited.In(language));
        if (v.EpssAtLeast is { } atLeast)
            yield return (v.Epss, Catalogue.ExplainEpssFrom.In(language, atLeast));
        foreach ((PolicyAction, string) clause in Levels(v.Severity, Catalogue.ExplainVulnerabilities, language))
            yield return clause;
        yield return (policy.Malware.Confirmed, Catalogue.ExplainConfirmed.In(language));
        yield return (policy.Malware.Suspected, Catalogue.ExplainSuspected.In(language));
        foreach ((Text what, ByLevel<PolicyAction> severity, RuleActions rules) in (ValueTuple<Text, ByLevel<PolicyAction>, RuleActions>[])
            [(Catalogue.ExplainSecrets, policy.Secrets.Severity, policy.Secrets.Rules), (Catalogue.ExplainHistory, policy.History.Severity, policy.History.Rules),
             (Catalogue.ExplainConfiguration, policy.Configuration.Severity, policy.Configuration.Rules), (Catalogue.ExplainLicences, policy.Licences.Severity, policy.Licences.Rules)])
        {
            foreach ((PolicyAction, string) clause in Levels(severity, what, language))
                yield return clause;
            foreach ((string rule, PolicyAction action) in rules.All)
                yield return (action, Catalogue.ExplainRule.In(language, Escape.ForTerminal(rule)));
        }
        foreach ((string rule, PolicyAction action) in policy.Malware.Rules.All)
            yield return (action, Catalogue.ExplainRule.In(language, Escape.ForTerminal(rule)));
        if (policy.Licences.Deny.Count > 0)
            yield return (policy.Licences.Denied, Catalogue.ExplainDenied.In(language, List(policy.Licences.Deny)));
        if (policy.Licences.Allow.Count > 0)
            yield return (policy.Licences.Unlisted, Catalogue.ExplainUnlisted.In(language, List(policy.Licences.Allow)));
        yield return (policy.Licences.Undeclared, Catalogue.ExplainUndeclared.In(language));
        foreach (DeniedPackage denied in policy.Packages)
            yield return (denied.Action, Catalogue.ExplainPackageDenied.In(language, Escape.ForTerminal(denied.Name)
                + (denied.Versions.Count > 0 ? " " + List(denied.Versions) : "") + (denied.Below is { } below ? " < " + Escape.ForTerminal(below) : ""), Escape.ForTerminal(denied.Reason)));
        yield return (policy.Inspection.Missing, Catalogue.ExplainMissing.In(language));
        if (policy.Inspection.Engines.Count > 0)
            yield return (policy.Inspection.Missing, Catalogue.ExplainEngines.In(language, List(policy.Inspection.Engines)));
        yield return (policy.Inspection.Incomplete, Catalogue.ExplainIncomplete.In(language));
        yield return (policy.Inspection.Unverified, Catalogue.ExplainUnverified.In(language));
        if (policy.Inspection.MaxAgeDays is { } inspectionDays)
            yield return (policy.Inspection.Old, Catalogue.ExplainInspectionOld.In(language, inspectionDays));
        yield return (policy.Database.Missing, Catalogue.ExplainNoDatabase.In(language));
        if (policy.Database.MaxAgeDays is { } databaseDays)
            yield return (policy.Database.Old, Catalogue.ExplainDatabaseOld.In(language, databaseDays));
        yield return (policy.Image.EndOfLife, Catalogue.ExplainEndOfLife.In(language));
        if (policy.Image.MaxAgeDays is { } imageDays)
            yield return (policy.Image.Old, Catalogue.ExplainImageOld.In(language, imageDays));
    }

    private static IEnumerable<(PolicyAction Action, string Text)> Levels(ByLevel<PolicyAction> severity, Text what, Language language) =>
        PolicyWords.Levels.GroupBy(severity.Of).Select(g => (g.Key, what.In(language, string.Join(", ", g.Select(PolicyWords.Word)))));

    /// <summary>What makes less of a finding than its severity would.</summary>
    private static IEnumerable<string> Softer(Policy policy, Language language)
    {
        VulnerabilityRules v = policy.Vulnerabilities;
        (PolicyAction Most, Text What)[] limits =
        [
            (v.Unfixed, Catalogue.ExplainUnfixed), (v.WillNotFix, Catalogue.ExplainWillNotFix), (v.EndOfLife, Catalogue.ExplainPackageEndOfLife),
            (policy.Malware.Removed, Catalogue.ExplainMalwareRemoved), (policy.Secrets.Removed, Catalogue.ExplainSecretsRemoved),
        ];
        foreach ((PolicyAction most, Text what) in limits.Where(l => l.Most != PolicyAction.Fail))
            yield return what.In(language, WordOf(most, language));
        foreach (IGrouping<int, Level> days in PolicyWords.Levels.Where(l => v.GraceDays.Of(l) > 0).GroupBy(v.GraceDays.Of))
            yield return Catalogue.ExplainGrace.In(language, string.Join(", ", days.Select(PolicyWords.Word)), days.Key);
    }

    /// <summary>The action's word for people.</summary>
    public static string WordOf(PolicyAction action, Language language) => (action switch
    {
        PolicyAction.Fail => Catalogue.WordFail,
        PolicyAction.Undecided => Catalogue.WordUndecided,
        PolicyAction.Warn => Catalogue.WordWarn,
        _ => Catalogue.WordIgnored,
    }).In(language);

    private static string List(IEnumerable<string> items) => string.Join(", ", items.Select(Escape.ForTerminal));
}
