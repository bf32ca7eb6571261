using System.Text;
using System.Text.Json;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Tests.Vulnerabilities.Database;

public sealed class OsvReaderTests
{
    private static OsvRecord Read(string json) => OsvReader.Read(Encoding.UTF8.GetBytes(json));

    [Fact]
    public void Read_FullRecord_KeepsWhatMatchingNeeds()
    {
        OsvRecord record = Read("""
            {"schema_version":null,"id":"X-1","aliases":["CVE-1"],"upstream":null,"published":"2020","severity":[{"type":"CVSS_V3","score":"V"}],"unknown":{"a":[1,{}]},
             "database_specific":{"severity":"HIGH","cwe":[]},"references":[{"type":"WEB","url":"https://a"},{"url":null}],
             "affected":[{"package":{"ecosystem":"Debian:11","name":"bash","purl":"x"},"versions":["1"],"ecosystem_specific":{"urgency":"unimportant"},
               "ranges":[{"type":"GIT","repo":"r","events":[{"introduced":"0"}]},{"type":"ECOSYSTEM","events":[{"introduced":""},{"fixed":"2"},{}]}]},
               {"package":{"ecosystem":"npm","name":"g"},"ranges":[{"type":"GIT","events":[]}]},
               {"ranges":[{"type":"GIT","events":[]}]}]}
            """);
        Assert.Equal(("X-1", "HIGH", "2020"), (record.Advisory.Id, record.Advisory.SeverityWord, record.Advisory.Published));
        Assert.Equal(["https://a"], record.Advisory.References);
        Affected affected = Assert.Single(record.Affected);
        Assert.Equal("unimportant", affected.Urgency);
        Assert.Equal([new RangeEvent("introduced", ""), new RangeEvent("fixed", "2")], Assert.Single(affected.Ranges).Events);
        Assert.Same(record.Advisory, affected.Advisory);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"id\":\"\"}")]
    [InlineData("{\"id\":7}")]
    [InlineData("{\"id\":\"a\"} x")]
    [InlineData("{\"id\":\"a\",\"affected\":{}}")]
    [InlineData("{\"id\":\"a\",\"affected\":[{\"package\":{\"name\":\"x\"}}]}")]
    [InlineData("{\"id\":\"a\",\"affected\":[{\"package\":{\"ecosystem\":\"e\",\"name\":\"x\"},\"ranges\":[{\"type\":\"ODD\",\"events\":[]}]}]}")]
    [InlineData("{\"id\":\"a\",\"aliases\":[1]}")]
    public void Read_NoRecord_IsAJsonException(string json) => Assert.ThrowsAny<JsonException>(() => Read(json));

    [Fact]
    public void Read_PastALimit_IsCutOrRefused()
    {
        Assert.ThrowsAny<JsonException>(() => Read("{\"id\":\"" + new string('a', OsvReader.MaxIdChars + 1) + "\"}"));
        Assert.ThrowsAny<JsonException>(() => Read("{\"id\":\"a\",\"x\":" + new string('[', OsvReader.MaxDepth) + new string(']', OsvReader.MaxDepth) + "}"));
        Assert.Equal(OsvReader.MaxSummaryChars + 1, Read("{\"id\":\"a\",\"summary\":\"" + new string('s', 1000) + "\"}").Advisory.Summary.Length);
        string references = string.Join(',', Enumerable.Repeat("{\"url\":\"u\"}", OsvReader.MaxReferences + 1));
        Assert.Equal(OsvReader.MaxReferences, Read("{\"id\":\"a\",\"references\":[" + references + "]}").Advisory.References.Count);
        Assert.ThrowsAny<JsonException>(() => OsvReader.Read("{\"id\":\"\xff\"}"u8.ToArray() is var b ? [.. b[..7], 0xff, .. b[^2..]] : []));
    }

    [Fact]
    public void Checksums_KnownText_HaveThePublishedValues()
    {
        Assert.Equal(0xcbf43926u, Checksum.Crc32("123456789"u8));
        Assert.Equal(0xe3069283u, Checksum.Crc32C("123456789"u8));
    }
}
