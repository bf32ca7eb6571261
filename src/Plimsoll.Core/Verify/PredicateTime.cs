using System.Globalization;
using System.Text.Json;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>When a statement was made, as its signed predicate says. Annotations of a store are signed by nobody and not asked.</summary>
internal static class PredicateTime
{
    private static readonly string[] Forms = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>Members to follow in each kind of predicate; the first path that leads to a time counts.</summary>
    private static readonly (string Type, string[] Paths)[] Places =
    [
        (InspectionPredicate.Type, ["time"]),
        (MeasurementPredicate.Type, ["time"]),
        ("https://slsa.dev/provenance/v1", ["runDetails/metadata/finishedOn", "runDetails/metadata/startedOn"]),
        ("https://slsa.dev/provenance/v0.2", ["metadata/buildFinishedOn", "metadata/buildStartedOn"]),
        ("https://cyclonedx.org/bom", ["metadata/timestamp"]),
        ("https://spdx.dev/Document", ["creationInfo/created"]),
        ("https://openvex.dev/ns", ["last_updated", "timestamp"]),
        ("https://cosign.sigstore.dev/attestation/vuln/v1", ["metadata/scanFinishedOn", "metadata/scanStartedOn"]),
        ("https://cosign.sigstore.dev/attestation/v1", ["Timestamp"]),
    ];

    /// <summary>Null where the type has no place for a time, or none of the form stands there.</summary>
    public static DateTimeOffset? Find(Statement statement)
    {
        string[]? paths = Array.Find(Places, p => PredicateTypes.Covers(p.Type, statement.PredicateType)).Paths;
        if (paths is null)
            return null;
        return Predicates.Read<DateTimeOffset?>(statement, root =>
        {
            foreach (string path in paths)
                if (Predicates.Find(root, path) is { ValueKind: JsonValueKind.String } found
                    && DateTimeOffset.TryParseExact(found.GetString(), Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
                    return time;
            return null;
        });
    }
}

/// <summary>Ways into predicates.</summary>
internal static class Predicates
{
    /// <summary>What is read of a predicate; the default where it is no JSON, says a name twice, or a text that is asked for is no Unicode.</summary>
    public static T? Read<T>(Statement statement, Func<JsonElement, T?> read)
    {
        try
        {
            using JsonDocument predicate = JsonDocument.Parse(statement.Predicate, new JsonDocumentOptions { MaxDepth = Statement.MaxForeignDepth, AllowDuplicateProperties = false });
            return read(predicate.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return default;
        }
    }

    /// <summary>What stands at a path of names; null when a part of it is not there.</summary>
    public static JsonElement? Find(JsonElement element, string path)
    {
        foreach (string name in path.Split('/'))
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
                return null;
        return element;
    }
}
