using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Plugin;

/// <summary>A small JSON body of a client, read so that dockerd cannot read another one in it.</summary>
/// <remarks>
/// Go takes names in any casing, and of two that fold to one the last. Names are folded here too, and where two fold to one, or a value
/// is of another kind than dockerd wants, the body is denied. Core's reader of starts does the same for whole requests, with a list of every field
/// that it knows; of an exec three members decide, and all others pass.
/// </remarks>
internal sealed class ClientJson
{
    private const int MaxDepth = 64;

    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.Ordinal);

    private ClientJson()
    {
    }

    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out ClientJson? json, [NotNullWhen(false)] out Denial? denial)
    {
        (json, denial) = (null, null);
        try
        {
            using JsonDocument document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = MaxDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return Refuse("bad-body", "the body is no JSON object", out denial);
            ClientJson read = new();
            foreach (JsonProperty member in document.RootElement.EnumerateObject())
                if (!read._members.TryAdd(Fold(member.Name), member.Value.Clone()))
                    return Refuse("duplicate-key", $"the body's member {Escape.Quote(member.Name)} stands in it twice, counting names that differ only in casing", out denial);
            json = read;
            return true;
        }
        catch (JsonException e)
        {
            return Refuse("bad-body", $"the body is no JSON at line {e.LineNumber + 1}", out denial);
        }
        catch (InvalidOperationException)
        {
            return Refuse("bad-body", "the name of a member of the body is no Unicode text", out denial);
        }
    }

    public bool TryGetBoolean(string name, out bool value, [NotNullWhen(false)] out Denial? denial)
    {
        (value, denial) = (false, null);
        if (!Find(name, out JsonElement element))
            return true;
        value = element.ValueKind == JsonValueKind.True;
        return value || element.ValueKind == JsonValueKind.False || Wrong(name, "true or false", element, out denial);
    }

    public bool TryGetText(string name, out string value, [NotNullWhen(false)] out Denial? denial)
    {
        (value, denial) = ("", null);
        return !Find(name, out JsonElement element) || (TextOf(element) is { } text ? (value = text) is not null : Wrong(name, "a text", element, out denial));
    }

    public bool TryGetTexts(string name, out IReadOnlyList<string> values, [NotNullWhen(false)] out Denial? denial)
    {
        (values, denial) = ([], null);
        if (!Find(name, out JsonElement element))
            return true;
        if (element.ValueKind != JsonValueKind.Array)
            return Wrong(name, "a list of texts", element, out denial);
        List<string> read = [];
        foreach (JsonElement one in element.EnumerateArray())
            if (TextOf(one) is { } text)
                read.Add(text);
            else
                return Wrong(name, "a list of texts", one, out denial);
        values = read;
        return true;
    }

    // Go leaves a member alone that is null.
    private bool Find(string name, out JsonElement element) =>
        _members.TryGetValue(Fold(name), out element) && element.ValueKind != JsonValueKind.Null;

    private static string? TextOf(JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, or no UTF-8.
            return null;
        }
    }

    /// <summary>As Go folds: ASCII letters, and the two others that fold to one (U+017F to s, U+212A to k).</summary>
    private static string Fold(string name) =>
        string.Create(name.Length, name, (folded, text) =>
        {
            for (int i = 0; i < text.Length; i++)
                folded[i] = text[i] switch { '\u017f' => 's', '\u212a' => 'k', var c => char.ToLowerInvariant(c) };
        });

    private static bool Wrong(string name, string wanted, JsonElement seen, out Denial denial) =>
        Refuse("bad-body", $"the body's {name} is a {seen.ValueKind}, wanted {wanted}", out denial);

    private static bool Refuse(string code, string text, out Denial denial)
    {
        denial = new Denial(code, text);
        return false;
    }
}
