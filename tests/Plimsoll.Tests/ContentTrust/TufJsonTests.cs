using System.Text;
using System.Text.Json;
using Plimsoll.ContentTrust;

namespace Plimsoll.Tests.ContentTrust;

public sealed class TufJsonTests
{
    private static string Canonical(string json)
    {
        using JsonDocument document = TufJson.Parse(Encoding.UTF8.GetBytes(json));
        return Encoding.UTF8.GetString(TufJson.Canonical(document.RootElement));
    }

    [Theory]
    [InlineData("{ \"b\" : 1, \"a\" : [ true, null, -2 ] }", "{\"a\":[true,null,-2],\"b\":1}")]
    // Only the quotation mark and the backslash are escaped; a line end stands there as it is.
    [InlineData("\"a\\nb\\u0001\\u007f\\/<>&\\\"\\\\é\\u2028\"", "\"a\nb\u0001\u007f/<>&\\\"\\\\é\u2028\"")]
    // By the bytes of UTF-8: U+E000 (EE…) comes before U+10000 (F0…), whose first unit of UTF-16 is D800.
    [InlineData("{\"\\ud800\\udc00\":1,\"\\ue000\":2}", "{\"\ue000\":2,\"\U00010000\":1}")]
    [InlineData("{\"\":0,\"A\":1,\"a\":2,\"_\":3}", "{\"\":0,\"A\":1,\"_\":3,\"a\":2}")]
    [InlineData("9007199254740991", "9007199254740991")]
    public void Canonical_IsAsNotaryWritesIt(string json, string canonical) => Assert.Equal(canonical, Canonical(json));

    [Theory]
    [InlineData("1.5")]
    [InlineData("1.0")]
    [InlineData("1e3")]
    [InlineData("-0")]
    [InlineData("9007199254740992")]
    [InlineData("{\"a\":1,\"a\":1}")]
    [InlineData("\"\\ud800\"")]
    [InlineData("{\"\\udc00\":1}")]
    [InlineData("[1,]")]
    [InlineData("")]
    public void Canonical_OfWhatHasTwoReadings_IsRefused(string json) => Assert.Throws<TufFormatException>(() => Canonical(json));

    [Fact]
    public void Canonical_OfBrokenUtf8_IsRefused() => Assert.Throws<TufFormatException>(() =>
    {
        using JsonDocument document = TufJson.Parse(new byte[] { (byte)'"', 0xff, (byte)'"' });
        return TufJson.Canonical(document.RootElement);
    });

    [Fact]
    public void Parse_TooDeep_IsRefused()
    {
        _ = Canonical(new string('[', 32) + new string(']', 32));
        Assert.Throws<TufFormatException>(() => Canonical(new string('[', 33) + new string(']', 33)));
    }
}
