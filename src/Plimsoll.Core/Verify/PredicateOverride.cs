using System.Text.Json;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>Whether a statement that an image was signed, inspected or measured says that it failed a policy and was signed all the same.</summary>
internal static class PredicateOverride
{
    public static bool Of(Statement statement) =>
        (statement.PredicateType.StartsWith("urn:plimsoll:", StringComparison.Ordinal) || statement.PredicateType == ImageSigner.SignedPredicate)
        // What cannot be read may say so.
        && Predicates.Read<bool?>(statement, root => root.ValueKind == JsonValueKind.Object
            && (root.TryGetProperty("override", out _) || Predicates.Find(root, "verdict/outcome") is { ValueKind: JsonValueKind.String } outcome && outcome.GetString() == "refused")) != false;
}
