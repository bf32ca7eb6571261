using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>Makes <see cref="DocumentNode"/>s of JSON. Numbers and flags become their text.</summary>
internal static class DocumentJson
{
    /// <param name="name">What the document is called in errors.</param>
    /// <exception cref="DocumentException">No JSON, too deep, or a name twice in one object.</exception>
    public static DocumentNode Read(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = DocumentLimits.MaxDepth });
            return Node(document.RootElement, name, "");
        }
        catch (JsonException e)
        {
            throw new DocumentException(name, $"no JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine}, or deeper than {DocumentLimits.MaxDepth} structures", e);
        }
        // What the base library says of text that is no Unicode.
        catch (InvalidOperationException e)
        {
            throw new DocumentException(name, "a text in it is no Unicode", e);
        }
    }

    private static DocumentNode Node(JsonElement element, string name, string path)
    {
        string where = path.Length == 0 ? name : $"{name}: {path}";
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                List<DocumentMember> members = [];
                HashSet<string> seen = new(StringComparer.Ordinal);
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    string shown = Escape.ForTerminal(property.Name.Length > Escape.MaxShown ? property.Name[..Escape.MaxShown] + "…" : property.Name);
                    string inner = path.Length == 0 ? shown : $"{path}.{shown}";
                    if (!seen.Add(property.Name))
                        throw new DocumentException($"{name}: {inner}", "stands twice");
                    members.Add(new DocumentMember(property.Name, $"{name}: {inner}", Node(property.Value, name, inner)));
                }
                return new DocumentNode { Where = where, Members = members };
            case JsonValueKind.Array:
                List<DocumentNode> items = [];
                foreach (JsonElement item in element.EnumerateArray())
                    items.Add(Node(item, name, $"{path}[{items.Count}]"));
                return new DocumentNode { Where = where, Items = items };
            case JsonValueKind.Null:
                return new DocumentNode { Where = where };
            default:
                return new DocumentNode { Where = where, Text = element.ValueKind == JsonValueKind.String ? element.GetString() : element.GetRawText() };
        }
    }
}
