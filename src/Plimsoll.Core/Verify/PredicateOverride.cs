using System.Text.Json;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>Whether a statement of ours says that its image failed a policy and was signed all the same.</summary>
internal static class PredicateOverride
{
    public static bool Of(Statement statement)
    {
        if (!statement.PredicateType.StartsWith("urn:plimsoll:", StringComparison.Ordinal) && !statement.PredicateType.StartsWith("https://sigstore.dev/cosign/sign/", StringComparison.Ordinal))
            return false;
        using JsonDocument predicate = JsonDocument.Parse(statement.Predicate, new JsonDocumentOptions { MaxDepth = Statement.MaxForeignDepth });
        return predicate.RootElement.ValueKind == JsonValueKind.Object
            && (predicate.RootElement.TryGetProperty("override", out _)
                || Predicates.Find(predicate.RootElement, "verdict/outcome") is { ValueKind: JsonValueKind.String } outcome && outcome.GetString() == "refused");
    }
}
