using Plimsoll.ContentTrust;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>What a statement says of a target that was taken over from Docker Content Trust: which collection named the image, by whose word.</summary>
public static class ContentTrustPredicate
{
    public const string Type = "urn:plimsoll:content-trust:1";

    /// <summary>Canonical JSON in the order of docs/formats/content-trust.md. No time of ours and no timestamp is in it, so that the same collection gives the same bytes.</summary>
    /// <exception cref="InvalidOperationException">The target is none of the collection's.</exception>
    public static byte[] ToJson(TrustedCollection collection, TrustedTarget target)
    {
        ArgumentNullException.ThrowIfNull(collection);
        ArgumentNullException.ThrowIfNull(target);
        CanonicalJson json = new();
        json.BeginObject().Text("gun", collection.Gun).Text("target", target.Name).Number("length", target.Meta.Length)
            .Optional("sha256", Convert.ToHexStringLower(target.Meta.Sha256.Span)).Optional("sha512", Convert.ToHexStringLower(target.Meta.Sha512.Span)).BeginArray("roles");
        foreach (string name in (ReadOnlySpan<string>)["root", target.Role])
        {
            TrustedRole role = collection.Roles.First(r => r.Name == name);
            json.BeginObject().Text("name", role.Name).Number("version", role.Version).Text("digest", role.Digest).Texts("signers", role.Signers.Order(StringComparer.Ordinal)).EndObject();
        }
        return json.EndArray().EndObject().ToBytes();
    }
}
