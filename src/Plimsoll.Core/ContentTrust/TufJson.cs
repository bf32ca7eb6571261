using System.Globalization;
using System.Text;
using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.ContentTrust;

/// <summary>JSON as Notary v1 reads and signs it, less everything that has two readings.</summary>
/// <remarks>
/// notary signs the canonical form of what it decoded, not the bytes of the file: members sorted by their UTF-8 bytes, no spaces, and in
/// texts only <c>"</c> and <c>\</c> escaped, so that a line end stands there as it is (RFC 8785 would escape it). Numbers are whole. Go takes of a name
/// that stands twice the last and names in any casing, and replaces what is no Unicode: all three are refused here.
/// Source: docker/go, canonical/json; OLPC, Canonical JSON.
/// </remarks>
internal static class TufJson
{
    /// <summary>Levels of lists and objects; targets may carry some of their own.</summary>
    private const int MaxDepth = 32;

    /// <summary>Whole numbers up to here are the same for every reader; notary reads them as floating point.</summary>
    private const long MaxNumber = (1L << 53) - 1;

    /// <summary>The document; the caller disposes it.</summary>
    /// <exception cref="TufFormatException">It is none, or holds a name twice.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new TufFormatException(Escape.ForTerminal(e.Message.TrimEnd('.')), e);
        }
    }

    /// <summary>The bytes that a signature is over.</summary>
    /// <exception cref="TufFormatException">It holds a fraction, a number too large, or a text that is no Unicode.</exception>
    public static byte[] Canonical(JsonElement element)
    {
        StringBuilder text = new();
        Write(text, element);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Write(StringBuilder text, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                text.Append('{');
                bool first = true;
                foreach ((string name, JsonElement value) in Sorted(element))
                {
                    if (!first)
                        text.Append(',');
                    first = false;
                    Quote(text, name);
                    Write(text.Append(':'), value);
                }
                text.Append('}');
                break;
            case JsonValueKind.Array:
                text.Append('[');
                for (int i = 0; i < element.GetArrayLength(); i++)
                    Write(i == 0 ? text : text.Append(','), element[i]);
                text.Append(']');
                break;
            case JsonValueKind.String:
                Quote(text, TextOf(element));
                break;
            case JsonValueKind.Number:
                text.Append(CultureInfo.InvariantCulture, $"{NumberOf(element)}");
                break;
            default:
                text.Append(element.ValueKind switch { JsonValueKind.True => "true", JsonValueKind.False => "false", _ => "null" });
                break;
        }
    }

    private static List<(string Name, JsonElement Value)> Sorted(JsonElement element)
    {
        List<(string Name, byte[] Utf8, JsonElement Value)> members = [];
        foreach (JsonProperty member in element.EnumerateObject())
        {
            string name = NameOf(member);
            members.Add((name, Encoding.UTF8.GetBytes(name), member.Value));
        }
        // Not the order of UTF-16: names above U+FFFF come last, as their bytes do.
        members.Sort(static (a, b) => a.Utf8.AsSpan().SequenceCompareTo(b.Utf8));
        return members.ConvertAll(m => (m.Name, m.Value));
    }

    private static void Quote(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (char c in value)
            (c is '"' or '\\' ? text.Append('\\') : text).Append(c);
        text.Append('"');
    }

    public static string TextOf(JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString()! : throw new TufFormatException($"{Escape.Quote(element.GetRawText())} stands where a text was wanted");
        }
        catch (InvalidOperationException e)
        {
            throw new TufFormatException("a text is no Unicode", e);
        }
    }

    public static string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException e)
        {
            throw new TufFormatException("a name is no Unicode", e);
        }
    }

    public static long NumberOf(JsonElement element)
    {
        // -0 is a number that has two forms.
        if (element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long number) && Math.Abs((decimal)number) <= MaxNumber
            && number.ToString(CultureInfo.InvariantCulture) == element.GetRawText())
            return number;
        throw new TufFormatException($"{Escape.Quote(element.GetRawText())} is no whole number of at most {MaxNumber}");
    }

    /// <summary>A member; null when it is not there. Another casing of the name is refused, since Go would take it.</summary>
    public static JsonElement? Find(JsonElement element, string name, string what)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new TufFormatException($"{what} is no object");
        JsonElement? found = null;
        foreach (JsonProperty member in element.EnumerateObject())
        {
            string given = NameOf(member);
            if (given == name)
                found = member.Value;
            else if (given.Length == name.Length && Fold(given).Equals(name, StringComparison.OrdinalIgnoreCase))
                throw new TufFormatException($"{what} has the member {Escape.Quote(given)}, which some read as {name}");
        }
        return found is { ValueKind: not JsonValueKind.Null } ? found : null;
    }

    public static JsonElement Get(JsonElement element, string name, string what) =>
        Find(element, name, what) ?? throw new TufFormatException($"{what} has no {name}");

    /// <summary>A list of texts.</summary>
    public static IReadOnlyList<string> Texts(JsonElement element, string what, int most)
    {
        if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() > most)
            throw new TufFormatException($"{what} is no list of at most {most} texts");
        List<string> texts = [];
        foreach (JsonElement item in element.EnumerateArray())
            texts.Add(TextOf(item));
        return texts;
    }

    public static byte[] Bytes(JsonElement element, string what)
    {
        // Half a character of UTF-16 is an exception to the base library, and stands in no base64.
        _ = TextOf(element);
        return element.TryGetBytesFromBase64(out byte[]? bytes) ? bytes : throw new TufFormatException($"{what} is no base64");
    }

    /// <summary>As Go compares names: two signs outside ASCII are letters to it.</summary>
    private static string Fold(string name) => name.Replace('\u017f', 's').Replace('\u212a', 'k');
}

/// <summary>What is wrong with a document; who called adds whose it is.</summary>
internal sealed class TufFormatException(string message, Exception? inner = null) : Exception(message, inner);
