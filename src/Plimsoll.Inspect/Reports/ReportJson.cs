using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Plimsoll.Inspect.Reports;

/// <summary>How reports are written as JSON: indented by two spaces, line feeds, readable text.</summary>
internal static class ReportJson
{
    public static JavaScriptEncoder Encoder { get; } = new ReadableEncoder();

    public static JsonWriterOptions Options { get; } = new() { Indented = true, NewLine = "\n", Encoder = Encoder };

    public static void WriteOptional(this Utf8JsonWriter json, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            json.WriteString(name, value);
    }

    public static void WriteList(this Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }
}

/// <summary>
/// Escapes what JSON asks for, and besides what a terminal would obey or not show: control, format and direction-changing
/// characters and private ones. A lone surrogate becomes U+FFFD. Letters and signs of every script stay readable, and so do
/// the <c>+</c> and <c>&lt;</c> that versions and maintainers are full of.
/// </summary>
internal sealed class ReadableEncoder : JavaScriptEncoder
{
    // A scalar outside the basic plane is written as two \uXXXX.
    public override int MaxOutputCharactersPerInputCharacter => 12;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar switch
    {
        < 0x20 or '"' or '\\' or 0x7F => true,
        < 0x7F => false,
        _ => !Rune.IsValid(unicodeScalar) || Rune.GetUnicodeCategory(new Rune(unicodeScalar)) is System.Globalization.UnicodeCategory.Control
            or System.Globalization.UnicodeCategory.Format or System.Globalization.UnicodeCategory.LineSeparator
            or System.Globalization.UnicodeCategory.ParagraphSeparator or System.Globalization.UnicodeCategory.PrivateUse
            or System.Globalization.UnicodeCategory.OtherNotAssigned or System.Globalization.UnicodeCategory.Surrogate,
    };

    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        ReadOnlySpan<char> rest = new(text, textLength);
        int at = 0;
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out Rune rune, out int used) != System.Buffers.OperationStatus.Done || WillEncode(rune.Value))
                return at;
            at += used;
            rest = rest[used..];
        }
        return -1;
    }

    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        Span<char> output = new(buffer, bufferLength);
        string text = unicodeScalar switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            < 0x10000 => $"\\u{unicodeScalar:x4}",
            _ => string.Concat(new Rune(unicodeScalar).ToString().Select(c => $"\\u{(int)c:x4}")),
        };
        bool fits = text.TryCopyTo(output);
        numberOfCharactersWritten = fits ? text.Length : 0;
        return fits;
    }
}
