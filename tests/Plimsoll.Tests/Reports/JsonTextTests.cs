using System.Text;
using System.Text.Json;
using Plimsoll.Inspect.Reports;

namespace Plimsoll.Tests.Reports;

/// <summary>Beside the writer of the base library, which it must equal byte for byte.</summary>
public sealed class JsonTextTests
{
    [Theory]
    [InlineData("")]
    [InlineData("plain")]
    [InlineData("exactly sixteen.")]
    [InlineData("seventeen letters")]
    [InlineData("a \"quote\" and a \\ and a longer text behind it")]
    [InlineData("line\nline\r\ttab\u0001\u001f\u007f\u0080")]
    [InlineData("Jürgen 北京 \ud83d\ude00 \u202e\ue000")]
    [InlineData("lone \ud800 and \udc00 and at the end \ud83d")]
    [InlineData("<a href='x'>+&</a>")]
    [InlineData(null)]
    public void WriteString_OfAnyText_EqualsTheBaseLibrary(string? text) => AssertEqual([text]);

    [Fact]
    public void WriteString_OfTextsMadeAtRandom_EqualsTheBaseLibrary()
    {
        Random random = new(1);
        // Every sixth has a character from anywhere at any place, so that each step and the rest behind the last one are met.
        AssertEqual([.. Enumerable.Range(0, 20_000).Select(i =>
        {
            char[] text = new char[random.Next(70)];
            for (int k = 0; k < text.Length; k++)
                text[k] = (char)random.Next(' ', 0x7f);
            if (i % 6 == 0 && text.Length > 0)
                text[random.Next(text.Length)] = (char)random.Next(0x10000);
            return new string(text);
        })]);
    }

    [Theory]
    [InlineData(65_000)]
    [InlineData(65_530)]
    [InlineData(65_536)]
    [InlineData(300_000)]
    public void WriteString_OfATextAsLongAsTheBuffer_EqualsTheBaseLibrary(int length) =>
        AssertEqual([new string('a', length), new string('ü', length), new string('\n', length), new string('a', length - 1) + '"']);

    private static void AssertEqual(string?[] texts)
    {
        using MemoryStream ours = new(), theirs = new();
        using (JsonText json = new(ours))
        {
            json.WriteStartObject();
            json.WriteStartObject("empty"u8);
            json.WriteEndObject();
            json.WriteStartArray("none"u8);
            json.WriteEndArray();
            json.WriteStartArray("some"u8);
            foreach (string? text in texts)
            {
                json.WriteStringValue(text);
                json.WriteStartObject();
                json.WriteString("text"u8, text);
                json.WriteOptional("optional"u8, text);
                json.WriteString(text ?? "", "named");
                json.WriteNumber("long"u8, long.MinValue + (text?.Length ?? 0));
                json.WriteNumber("double"u8, 0.1 + ((text?.Length ?? 0) / 7.0));
                json.WriteNumber(text ?? "", 1);
                json.WriteBoolean("true"u8, true);
                json.WriteBoolean("false"u8, false);
                json.WriteNull("null"u8);
                json.WriteList("list"u8, [text!, "x"]);
                json.WriteStartObject(text ?? "");
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        using (Utf8JsonWriter json = new(theirs, ReportJson.Options))
        {
            json.WriteStartObject();
            json.WriteStartObject("empty");
            json.WriteEndObject();
            json.WriteStartArray("none");
            json.WriteEndArray();
            json.WriteStartArray("some");
            foreach (string? text in texts)
            {
                json.WriteStringValue(text);
                json.WriteStartObject();
                json.WriteString("text", text);
                json.WriteOptional("optional", text);
                json.WriteString(text ?? "", "named");
                json.WriteNumber("long", long.MinValue + (text?.Length ?? 0));
                json.WriteNumber("double", 0.1 + ((text?.Length ?? 0) / 7.0));
                json.WriteNumber(text ?? "", 1);
                json.WriteBoolean("true", true);
                json.WriteBoolean("false", false);
                json.WriteNull("null");
                json.WriteList("list", [text!, "x"]);
                json.WriteStartObject(text ?? "");
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        Assert.True(ours.ToArray().AsSpan().SequenceEqual(theirs.ToArray()), Encoding.UTF8.GetString(ours.ToArray().AsSpan(0, (int)Math.Min(ours.Length, 2000))));
    }
}
