using System.Globalization;
using System.Runtime.CompilerServices;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Verify.Start;

namespace Plimsoll.Verify;

/// <summary>A policy's canonical JSON: every key in full, in the order of docs/formats/policy.md. It is what is signed, and what the digest is of.</summary>
public static class PolicyJson
{
    /// <summary>Equal for policies of equal meaning, however they were written down.</summary>
    public static byte[] Write(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        CanonicalJson json = new();
        json.BeginObject().Number("policy", Policy.Version).Text("name", policy.Name).Optional("description", policy.Description);
        json.BeginObject("inspection")
            .Texts("checks", policy.Inspection.Checks.Order(StringComparer.Ordinal)).Texts("engines", policy.Inspection.Engines.Order(StringComparer.Ordinal))
            .Action("missing", policy.Inspection.Missing).Action("incomplete", policy.Inspection.Incomplete).Action("unverified", policy.Inspection.Unverified)
            .Days("max-age", policy.Inspection.MaxAgeDays).Action("old", policy.Inspection.Old).EndObject();
        json.BeginObject("database").Action("missing", policy.Database.Missing).Days("max-age", policy.Database.MaxAgeDays).Action("old", policy.Database.Old).EndObject();
        json.BeginObject("image").Action("end-of-life", policy.Image.EndOfLife).Days("max-age", policy.Image.MaxAgeDays).Action("old", policy.Image.Old).EndObject();
        Write(json, policy.Vulnerabilities);
        json.BeginObject("malware").Action("confirmed", policy.Malware.Confirmed).Action("suspected", policy.Malware.Suspected).Action("removed", policy.Malware.Removed)
            .Rules(policy.Malware.Rules).EndObject();
        Write(json, "secrets", policy.Secrets);
        Write(json, "history", policy.History);
        Write(json, "configuration", policy.Configuration);
        json.BeginObject("licences").Texts("allow", policy.Licences.Allow.Order(StringComparer.Ordinal)).Texts("deny", policy.Licences.Deny.Order(StringComparer.Ordinal))
            .Action("denied", policy.Licences.Denied).Action("unlisted", policy.Licences.Unlisted).Action("undeclared", policy.Licences.Undeclared)
            .Severity(policy.Licences.Severity).Rules(policy.Licences.Rules).EndObject();
        json.BeginObject("packages").BeginArray("deny");
        foreach (DeniedPackage denied in policy.Packages)
            json.BeginObject().Text("name", denied.Name).Optional("type", denied.Type).Texts("versions", denied.Versions).Optional("below", denied.Below)
                .Text("reason", denied.Reason).Action("action", denied.Action).EndObject();
        json.EndArray().EndObject();
        json.Texts("suppressions", SourcesOf(policy));
        json.BeginArray("exceptions");
        foreach (Exemption exception in policy.Exceptions)
            json.BeginObject().Text("id", exception.Id).Optional("package", exception.Package).Optional("path", exception.Path).Optional("image", exception.Image)
                .Text("reason", exception.Reason).Text("owner", exception.Owner).Text("expires", exception.Expires.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)).EndObject();
        json.EndArray();
        // Only where there is one: a policy that says nothing of trust keeps the form and the digest that it has always had.
        if (policy.Trust is { } trust)
            TrustJson.Write(json, trust);
        if (policy.Start is { } start)
            StartJson.Write(json, start);
        return json.EndObject().ToBytes();
    }

    // A host judges each start by the same policy, and its canonical form may be long.
    private static readonly ConditionalWeakTable<Policy, string> Digests = [];

    /// <summary><c>sha256:…</c> of the canonical JSON.</summary>
    public static string DigestOf(Policy policy) => Digests.GetValue(policy, static p => Digest.Of(Write(p)).ToString());

    /// <summary>Reads a policy in JSON.</summary>
    /// <param name="name">What it is called in errors.</param>
    /// <param name="canonical">Whether it must be the canonical form, byte by byte; so in signed files, where one content has one form.</param>
    /// <exception cref="DocumentException">See <see cref="PolicyReader.Read"/>; or it is not canonical, or too long.</exception>
    public static Policy Read(ReadOnlyMemory<byte> json, string name, bool canonical)
    {
        if (json.Length > DocumentLimits.MaxPolicyBytes)
            throw new DocumentException(name, $"longer than {DocumentLimits.MaxPolicyBytes} bytes (MaxPolicyBytes)");
        Policy policy = PolicyReader.Read(DocumentJson.Read(json, name));
        if (canonical && !json.Span.SequenceEqual(Write(policy)))
            throw new DocumentException(name, "the policy is not in its canonical form");
        return policy;
    }

    private static void Write(CanonicalJson json, VulnerabilityRules rules)
    {
        json.BeginObject("vulnerabilities").Severity(rules.Severity).Action("unfixed", rules.Unfixed).Action("will-not-fix", rules.WillNotFix).Action("end-of-life", rules.EndOfLife);
        json.BeginObject("grace");
        foreach (Level level in PolicyWords.Levels)
            json.Days(level.Word(), rules.GraceDays.Of(level) is > 0 and var days ? days : null);
        json.EndObject().Action("known-exploited", rules.KnownExploited).BeginObject("epss");
        if (rules.EpssAtLeast is { } atLeast)
            json.Number("at-least", atLeast);
        else
            json.Text("at-least", "none");
        json.Action("action", rules.Epss).EndObject().Action("malicious", rules.Malicious).EndObject();
    }

    private static void Write(CanonicalJson json, string name, ProblemRules rules) =>
        json.BeginObject(name).Severity(rules.Severity).Action("removed", rules.Removed).Rules(rules.Rules).EndObject();

    private static CanonicalJson Action(this CanonicalJson json, string name, PolicyAction action) => json.Text(name, action.Word());

    private static CanonicalJson Days(this CanonicalJson json, string name, int? days) =>
        json.Text(name, days is { } limit ? limit.ToString(CultureInfo.InvariantCulture) + "d" : "none");

    private static CanonicalJson Severity(this CanonicalJson json, ByLevel<PolicyAction> severity)
    {
        json.BeginObject("severity");
        foreach (Level level in PolicyWords.Levels)
            json.Action(level.Word(), severity.Of(level));
        return json.EndObject();
    }

    private static CanonicalJson Rules(this CanonicalJson json, RuleActions rules)
    {
        json.BeginObject("rules");
        // What goes through none is compiled at every start as well.
        if (!rules.IsEmpty)
            foreach ((string rule, PolicyAction action) in rules.All)
                json.Action(rule, action);
        return json.EndObject();
    }

    /// <summary>In their order, whatever order the policy has them in.</summary>
    private static List<string> SourcesOf(Policy policy)
    {
        List<string> words = [];
        for (int i = 0; i < PolicyWords.Sources.Count; i++)
            for (int at = 0; at < policy.Suppressions.Count; at++)
                if (policy.Suppressions[at] == PolicyWords.Sources[i])
                    words.Add(PolicyWords.Sources[i].Word());
        return words;
    }
}
