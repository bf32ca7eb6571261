using System.Text.Json;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>Who built something and of what, as SLSA provenance says.</summary>
/// <param name="Materials">URIs; empty for a material without one.</param>
/// <remarks>Source: slsa.dev, provenance v1 (buildDefinition, runDetails) and v0.2 (builder, materials).</remarks>
internal sealed record Provenance(string Builder, IReadOnlyList<string> Materials)
{
    /// <summary>Null when the predicate is of another form.</summary>
    public static Provenance? Find(Statement statement) => Predicates.Read(statement, root =>
    {
        bool isFirst = statement.PredicateType == "https://slsa.dev/provenance/v0.2";
        if (Predicates.Find(root, isFirst ? "builder/id" : "runDetails/builder/id") is not { ValueKind: JsonValueKind.String } builder)
            return null;
        JsonElement? materials = Predicates.Find(root, isFirst ? "materials" : "buildDefinition/resolvedDependencies");
        return materials is { ValueKind: not (JsonValueKind.Array or JsonValueKind.Null) } ? null
            : new Provenance(builder.GetString()!, materials is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray().Select(UriOf)] : []);
    });

    private static string UriOf(JsonElement material) =>
        material.ValueKind == JsonValueKind.Object && material.TryGetProperty("uri", out JsonElement uri) && uri.ValueKind == JsonValueKind.String ? uri.GetString()! : "";
}
