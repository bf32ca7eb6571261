using System.Globalization;
using System.Text.Json;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Tpm;

/// <summary>How the files around a quote are written and read. Their page: docs/formats/quote.md.</summary>
internal static class QuoteJson
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    public static CanonicalJson Begin(string type) => new CanonicalJson().BeginObject().Text("type", type);

    public static CanonicalJson Bytes(this CanonicalJson json, string name, ReadOnlyMemory<byte> bytes) => json.Text(name, Convert.ToBase64String(bytes.Span));

    public static CanonicalJson Hex(this CanonicalJson json, string name, ReadOnlyMemory<byte> bytes) => json.Text(name, Convert.ToHexStringLower(bytes.Span));

    public static CanonicalJson Time(this CanonicalJson json, string name, DateTimeOffset time) => json.Text(name, time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture));

    /// <param name="type">What its <c>type</c> must be; null for what has none.</param>
    /// <exception cref="TpmException">Malformed: no JSON, another type, or whatever <paramref name="read"/> meets.</exception>
    public static T Parse<T>(ReadOnlyMemory<byte> json, string name, string? type, int maxBytes, Func<JsonElement, T> read)
    {
        try
        {
            if (json.Length > maxBytes)
                throw new FormatException($"{json.Length} bytes; at most {maxBytes} are allowed");
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            string? seen = type is null ? null : document.RootElement.GetProperty("type").GetString() ?? "";
            return seen == type ? read(document.RootElement) : throw new FormatException($"type {Escape.Quote(seen ?? "")}; wanted {type}");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new TpmException(TpmError.Malformed, $"{name}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", null, e);
        }
    }

    /// <summary>The member <c>pcrs</c>: objects <c>bank</c>, <c>index</c>, <c>value</c>; each PCR once.</summary>
    public static PcrValues Pcrs(JsonElement root)
    {
        PcrValues pcrs = new();
        int count = 0;
        foreach (JsonElement one in root.GetProperty("pcrs").EnumerateArray())
        {
            if (!TpmHashes.TryParse(one.GetProperty("bank").GetString(), out TpmAlgorithm bank))
                throw new FormatException("a PCR of an unknown bank");
            pcrs.Set(bank, one.GetProperty("index").GetInt32(), one.Hex("value", 64));
            if (++count != pcrs.Count)
                throw new FormatException("a PCR stands twice");
        }
        return pcrs;
    }

    public static byte[] Bytes(this JsonElement element, string name, int max)
    {
        JsonElement value = element.GetProperty(name);
        byte[] bytes = value.GetBytesFromBase64();
        return bytes.Length <= max ? bytes : throw new FormatException($"{name}: {bytes.Length} bytes; at most {max} are allowed");
    }

    /// <summary>Null where there is no such member; an array that is null would turn into empty memory.</summary>
    public static ReadOnlyMemory<byte>? OptionalBytes(this JsonElement element, string name, int max)
    {
        if (!element.TryGetProperty(name, out _))
            return null;
        return new ReadOnlyMemory<byte>(element.Bytes(name, max));
    }

    public static byte[] Hex(this JsonElement element, string name, int max)
    {
        string text = element.GetProperty(name).GetString() ?? "";
        return text.Length <= 2 * max ? Convert.FromHexString(text) : throw new FormatException($"{name}: {text.Length} digits; at most {2 * max} are allowed");
    }

    public static DateTimeOffset Time(this JsonElement element, string name) =>
        DateTimeOffset.ParseExact(element.GetProperty(name).GetString() ?? "", TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
}
