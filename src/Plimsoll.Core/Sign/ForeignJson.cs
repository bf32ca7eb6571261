using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Sign;

/// <summary>Reads JSON of other programs: any order and spacing, but no name twice, no other casing, and within bounds.</summary>
/// <remarks>
/// Of a name that stands twice some readers take the first and some the last, and some take names in any casing: two programs would
/// read two contents under one signature.
/// </remarks>
internal static class ForeignJson
{
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="FormatException">Too long, no JSON, too deep, a name twice, or what <paramref name="read"/> did not find.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> json, int maxBytes, int maxDepth, string name, Func<JsonElement, T> read)
    {
        if (json.Length > maxBytes)
            throw new FormatException($"{name}: longer than {maxBytes} bytes (MaxBytes)");
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = maxDepth, AllowDuplicateProperties = false });
            return read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ForeignJsonException)
        {
            throw new FormatException($"{name}: {Escape.ForTerminal(e.Message)}", e);
        }
    }

    /// <summary>An object with no members but these; null stands for one that is not there.</summary>
    public static void Only(JsonElement element, string what, params ReadOnlySpan<string> known)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new ForeignJsonException($"{what} is no object");
        foreach (JsonProperty member in element.EnumerateObject())
            if (!known.Contains(member.Name))
                throw new ForeignJsonException($"{what} has the member {Escape.Quote(member.Name)}; known members: {string.Join(", ", known)}");
    }

    public static JsonElement? Find(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static JsonElement Get(JsonElement element, string name, string what) => Find(element, name) ?? throw new ForeignJsonException($"{what} has no {name}");

    public static string Text(JsonElement element, string what, int maxCharacters)
    {
        if (element.ValueKind != JsonValueKind.String)
            throw new ForeignJsonException($"{what} is no text");
        string text = element.GetString()!;
        return text.Length <= maxCharacters ? text : throw new ForeignJsonException($"{what} has {text.Length} characters, at most {maxCharacters}");
    }

    /// <summary>Base64 as RFC 4648, 4 has it, with padding.</summary>
    public static byte[] Bytes(JsonElement element, string what, int maxBytes)
    {
        if (element.ValueKind != JsonValueKind.String || !element.TryGetBytesFromBase64(out byte[]? bytes))
            throw new ForeignJsonException($"{what} is no base64");
        return bytes.Length <= maxBytes ? bytes : throw new ForeignJsonException($"{what} has {bytes.Length} bytes, at most {maxBytes}");
    }

    /// <summary>A list of at most so many.</summary>
    public static JsonElement List(JsonElement element, string what, int most)
    {
        if (element.ValueKind != JsonValueKind.Array)
            throw new ForeignJsonException($"{what} is no list");
        return element.GetArrayLength() <= most ? element : throw new ForeignJsonException($"{what} has {element.GetArrayLength()} entries, at most {most}");
    }
}

/// <summary>What is wrong with a document; <see cref="ForeignJson.Read"/> adds its name.</summary>
internal sealed class ForeignJsonException(string message) : Exception(message);
