using System.Text.Json;

namespace Plimsoll.Inspect.Packages;

/// <summary>JSON of package managers: what is absent or of another kind is as if it were not there.</summary>
internal static class JsonFile
{
    /// <summary>Nesting of a package-lock of version 1 takes two levels for each package within a package; real ones have about 10.</summary>
    private const int MaxDepth = 128;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth };

    private static readonly JsonDocumentOptions Loose = new() { MaxDepth = MaxDepth, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <exception cref="JsonException">No JSON, or nested too deep.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> content, bool comments = false) => JsonDocument.Parse(content, comments ? Loose : Strict);

    public static string? Text(this JsonElement element, string name) =>
        element.Find(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public static bool IsTrue(this JsonElement element, string name) => element.Find(name) is { ValueKind: JsonValueKind.True };

    public static JsonElement? Find(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) ? value : null;

    /// <summary>The members of an object of this name; of a key given twice both.</summary>
    public static IEnumerable<JsonProperty> Members(this JsonElement element, string name) =>
        element.Find(name) is { ValueKind: JsonValueKind.Object } value ? value.EnumerateObject() : [];

    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) =>
        element.Find(name) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : [];

    /// <summary>A text, an object with a <c>type</c>, or an array of either.</summary>
    public static IReadOnlyList<string> Licences(this JsonElement element, string name) => element.Find(name) switch
    {
        { ValueKind: JsonValueKind.String } text => [text.GetString()!],
        { ValueKind: JsonValueKind.Object } one when one.Text("type") is { } type => [type],
        { ValueKind: JsonValueKind.Array } many => [.. many.EnumerateArray().Take(16).Select(l => l.ValueKind == JsonValueKind.String ? l.GetString() : l.Text("type")).OfType<string>()],
        _ => [],
    };
}
