using System.Text;
using System.Text.Json;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Boms;

/// <summary>Steps over JSON from outside. Each leaves the reader on the last token of the value.</summary>
internal static class JsonTokens
{
    /// <summary>Longest text that is looked up: a digest is one that repeats.</summary>
    private const int MaxSeenBytes = 80;

    private const int SeenPlaces = 1024;

    private static readonly string?[] SeenTexts = new string?[SeenPlaces];

    /// <summary>The next member of an object; the reader then stands on its value.</summary>
    /// <returns>False at the object's end.</returns>
    public static bool NextMember(ref this Utf8JsonReader json, out string name)
    {
        name = "";
        json.Read();
        if (json.TokenType != JsonTokenType.PropertyName)
            return false;
        name = TextOf(ref json) ?? "";
        json.Read();
        return true;
    }

    /// <summary>The next element of an array that is an object. Others are passed over.</summary>
    public static bool NextObject(ref this Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType == JsonTokenType.StartObject)
                return true;
            json.Skip();
        }
        return false;
    }

    /// <summary>Whether the value is an array; anything else is passed over.</summary>
    public static bool IsArray(ref this Utf8JsonReader json) => Is(ref json, JsonTokenType.StartArray);

    public static bool IsObject(ref this Utf8JsonReader json) => Is(ref json, JsonTokenType.StartObject);

    /// <summary>The value as text; null for anything else, which is passed over, and for what is no Unicode.</summary>
    public static string? Text(ref this Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.String)
            return TextOf(ref json);
        json.Skip();
        return null;
    }

    /// <summary>The texts of an array, or the one text that stands in its place.</summary>
    public static List<string> Texts(ref this Utf8JsonReader json)
    {
        List<string> texts = [];
        if (json.TokenType == JsonTokenType.String)
        {
            if (TextOf(ref json) is { } one)
                texts.Add(one);
            return texts;
        }
        if (!json.IsArray())
            return texts;
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
            if (json.Text() is { } text && texts.Count < BomLimits.MaxPerComponent)
                texts.Add(text);
        return texts;
    }

    private static bool Is(ref Utf8JsonReader json, JsonTokenType type)
    {
        if (json.TokenType == type)
            return true;
        json.Skip();
        return false;
    }

    /// <summary>The same text met before, or null: names of members and many values stand in each of thousands of components.</summary>
    /// <remarks>One place for each sum; a text takes the place of another one. It is read and written by several threads: any of their texts will do.</remarks>
    private static string? Seen(ReadOnlySpan<byte> utf8)
    {
        uint sum = (uint)utf8.Length;
        foreach (byte b in utf8)
        {
            if (b >= 0x80)
                return null;
            sum = (sum * 31) + b;
        }
        ref string? place = ref SeenTexts[sum % SeenPlaces];
        if (place is { } text && text.Length == utf8.Length)
        {
            int at = 0;
            while (at < utf8.Length && text[at] == utf8[at])
                at++;
            if (at == utf8.Length)
                return text;
        }
        return place = Encoding.ASCII.GetString(utf8);
    }

    private static string? TextOf(ref Utf8JsonReader json)
    {
        if (json.ValueSpan.Length > BomLimits.MaxTextCharacters * 4)
            return null;
        try
        {
            bool plain = json.ValueSpan.Length is > 0 and <= MaxSeenBytes && !json.ValueIsEscaped;
            return plain && Seen(json.ValueSpan) is { } seen ? seen : json.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair: no name that anybody could have meant.
            return null;
        }
    }

    /// <summary>Runs a reader of JSON, with its faults told as an image's.</summary>
    /// <exception cref="ImageException">Malformed.</exception>
    public static T Guard<T>(string where, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (JsonException e)
        {
            throw new ImageException(ImageError.Malformed, $"{where}: no valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine}, or nested more than {BomLimits.MaxDepth} deep", inner: e);
        }
    }
}
