using System.Globalization;
using System.Text;
using Plimsoll.ContentTrust;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>The section <c>trust</c> in a policy's canonical JSON: every key of a rule in full, the keys themselves in it.</summary>
internal static class TrustJson
{
    public static void Write(CanonicalJson json, TrustRules trust)
    {
        json.BeginObject("trust");
        if (trust.Keys.Count > 0)
            json.BeginObject("keys");
        foreach (TrustKey key in trust.Keys)
            json.BeginObject(key.Name).Text("pem", string.Concat(key.Versions.Select(v => v.Pem))).EndObject();
        if (trust.Keys.Count > 0)
            json.EndObject();
        // Left out where there is none, so that policies keep the digest that they had before there was such a section.
        if (trust.Roots.Count > 0)
            json.BeginObject("roots");
        foreach (TrustRoot root in trust.Roots)
            Pin(json.BeginObject(root.Name), root.Pin).EndObject();
        if (trust.Roots.Count > 0)
            json.EndObject();
        json.BeginArray("images");
        foreach (ImageTrust rule in trust.Images)
            Write(json, rule);
        json.EndArray().EndObject();
    }

    private static void Write(CanonicalJson json, ImageTrust rule)
    {
        json.BeginObject().Texts("names", rule.Names);
        // Left out of all other rules, so that policies keep the digest that they had before there was such a key.
        if (rule.Untrusted)
            json.Text("signed", "none");
        json.Texts("repositories", rule.Repositories);
        if (Begin(json, "signatures", rule.Signatures))
            json.Text("match", rule.Match.Word()).EndObject();
        if (rule.ContentTrust is { } content)
            json.BeginObject("content-trust").Texts("roots", content.Roots).Text("server", content.Server ?? "none").Texts("roles", content.Roles)
                .Number("threshold", (long)content.Threshold).Text("match", content.Match.Word()).EndObject();
        json.Text("platforms", rule.Platforms.Word()).BeginArray("attestations");
        foreach (AttestationTrust wanted in rule.Attestations)
            Quorum(json.BeginObject().Text("type", wanted.Type), wanted.Quorum).Days("max-age", wanted.MaxAgeDays).Optional("builder", wanted.Builder).Optional("source", wanted.Source)
                .Texts("materials", wanted.Materials).EndObject();
        json.EndArray();
        if (Begin(json, "inspection", rule.Inspection))
            json.Number("counter", rule.DatabaseCounter).EndObject();
        if (Begin(json, "measurement", rule.Measurement))
            json.EndObject();
        if (rule.Revocations is { } revocations)
            json.BeginObject("revocations").Texts("keys", revocations.Keys).Days("max-age", revocations.MaxAgeDays).Number("counter", revocations.Counter).EndObject();
        else
            json.Text("revocations", "none");
        json.BeginObject("minimum").Day("created-after", rule.Minimum.CreatedAfter).Day("not-before", rule.Minimum.NotBefore).Number("counter", rule.Minimum.Counter).EndObject()
            .Text("overridden", rule.Overridden.Word()).Text("unreadable", rule.Unreadable.Word()).EndObject();
    }

    /// <summary>A section with its keys, left open; or the word for one that is not asked for.</summary>
    private static bool Begin(CanonicalJson json, string name, KeyQuorum? quorum)
    {
        if (quorum is null)
            json.Text(name, "none");
        else
            Quorum(json.BeginObject(name), quorum);
        return quorum is not null;
    }

    private static CanonicalJson Pin(CanonicalJson json, RootPin pin) => !pin.Root.IsEmpty ? json.Text("json", Encoding.UTF8.GetString(pin.Root.Span))
        : pin.KeyIds.Count > 0 ? json.Texts("keys", pin.KeyIds) : json.Text("pem", pin.Authorities);

    private static CanonicalJson Quorum(CanonicalJson json, KeyQuorum quorum) => json.Texts("keys", quorum.Keys).Number("threshold", (long)quorum.Threshold);

    private static CanonicalJson Day(this CanonicalJson json, string name, DateOnly? day) => json.Text(name, day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "none");

    private static CanonicalJson Days(this CanonicalJson json, string name, int? days) =>
        json.Text(name, days is { } limit ? limit.ToString(CultureInfo.InvariantCulture) + "d" : "none");
}
