using System.Globalization;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.Inspect.Reports;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Policies;

/// <summary>Something in a policy that is allowed and can do nothing, or not what it seems to.</summary>
/// <param name="Where">File and line, or the key.</param>
public sealed record PolicyRemark(string Where, Text Text);

/// <summary>Finds what in a policy can do nothing. That it is of the form, reading it has shown.</summary>
public static class PolicyCheck
{
    private static readonly string[] Engines = ["clamav", "yara", "known-malware", "heuristics", "shellcheck"];

    /// <summary>In the order of the policy.</summary>
    public static IReadOnlyList<PolicyRemark> Of(Policy policy, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(policy);
        List<PolicyRemark> remarks = [];
        if (!CanRefuse(policy))
            remarks.Add(new("policy", Catalogue.PolicyRefusesNothing));
        foreach (string engine in policy.Inspection.Engines)
            if (!Engines.Contains(engine, StringComparer.Ordinal))
                remarks.Add(new("inspection.engines", Filled(Catalogue.PolicyEngineUnknown, engine, string.Join(", ", Engines))));
        VulnerabilityRules rules = policy.Vulnerabilities;
        foreach (Level level in PolicyWords.Levels)
            if (rules.GraceDays.Of(level) > 0 && rules.Severity.Of(level) != PolicyAction.Fail)
                remarks.Add(new($"vulnerabilities.grace.{level.Word()}", Filled(Catalogue.PolicyGraceIdle, level.Word(), rules.Severity.Of(level).Word())));
        Licences(policy.Licences, remarks);
        for (int i = 0; i < policy.Packages.Count; i++)
            if (policy.Packages[i] is { Below: { } below, Type: { } type })
                if (VersionOrders.For(type) is not { } order)
                    remarks.Add(new($"packages.deny[{i}]", Filled(Catalogue.PolicyTypeUnknown, type)));
                else if (!order.IsValid(below))
                    remarks.Add(new($"packages.deny[{i}]", Filled(Catalogue.PolicyVersionUnknown, below, type)));
        if (policy.Trust is { } trust)
            remarks.AddRange(TrustCheck.Of(trust, policy.Start));
        if (policy.Start is { } start)
            remarks.AddRange(StartRemarks.Of(start, now));
        Exceptions(policy, DateOnly.FromDateTime(now.UtcDateTime), remarks);
        return remarks;
    }

    private static void Licences(LicenceRules rules, List<PolicyRemark> remarks)
    {
        foreach (string both in rules.Allow.Intersect(rules.Deny, StringComparer.OrdinalIgnoreCase))
            remarks.Add(new("licences.allow", Filled(Catalogue.PolicyLicenceBoth, both)));
        foreach (string id in rules.Allow.Concat(rules.Deny))
            if (!id.EndsWith('*') && !id.StartsWith("category:", StringComparison.Ordinal) && SpdxLicences.FindId(id) is null)
                remarks.Add(new("licences", Filled(Catalogue.PolicyLicenceUnknown, id)));
    }

    private static void Exceptions(Policy policy, DateOnly today, List<PolicyRemark> remarks)
    {
        for (int i = 0; i < policy.Exceptions.Count; i++)
        {
            Exemption exemption = policy.Exceptions[i];
            if (exemption.Expires < today)
                remarks.Add(new(exemption.Source, Filled(Catalogue.PolicyExceptionExpired, exemption.Id, exemption.Expires.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), exemption.Owner)));
            // An earlier one that speaks of more takes everything from a later one.
            if (exemption.Expires >= today && policy.Exceptions.Take(i).FirstOrDefault(e => e.Expires >= exemption.Expires && e.Id.Equals(exemption.Id, StringComparison.OrdinalIgnoreCase)
                && (e.Package is null || e.Package == exemption.Package) && (e.Path is null || e.Path == exemption.Path) && (e.Image is null || e.Image == exemption.Image)) is { } wider)
                remarks.Add(new(exemption.Source, Filled(Catalogue.PolicyExceptionShadowed, exemption.Id, wider.Source)));
        }
    }

    private static bool CanRefuse(Policy policy) =>
        Fails(policy.Vulnerabilities.Severity) || policy.Vulnerabilities.KnownExploited == PolicyAction.Fail || policy.Vulnerabilities.Malicious == PolicyAction.Fail
        || (policy.Vulnerabilities.EpssAtLeast is not null && policy.Vulnerabilities.Epss == PolicyAction.Fail)
        || policy.Malware.Confirmed == PolicyAction.Fail || policy.Malware.Suspected == PolicyAction.Fail || Fails(policy.Malware.Rules)
        || Fails(policy.Secrets) || Fails(policy.History) || Fails(policy.Configuration)
        || Fails(policy.Licences.Severity) || Fails(policy.Licences.Rules) || (policy.Licences.Deny.Count > 0 && policy.Licences.Denied == PolicyAction.Fail)
        || (policy.Licences.Allow.Count > 0 && policy.Licences.Unlisted == PolicyAction.Fail) || policy.Licences.Undeclared == PolicyAction.Fail
        || policy.Packages.Any(p => p.Action == PolicyAction.Fail) || policy.Trust is not null || policy.Start is not null;

    private static bool Fails(ProblemRules rules) => Fails(rules.Severity) || Fails(rules.Rules);

    private static bool Fails(RuleActions rules) => rules.All.Values.Contains(PolicyAction.Fail);

    private static bool Fails(ByLevel<PolicyAction> severity) => PolicyWords.Levels.Any(l => severity.Of(l) == PolicyAction.Fail);

    private static Text Filled(Text text, params object?[] arguments)
    {
        object?[] shown = [.. arguments.Select(a => a is string s ? Escape.ForTerminal(s) : a)];
        return new Text(text.In(Language.English, shown), text.In(Language.Chinese, shown));
    }
}
