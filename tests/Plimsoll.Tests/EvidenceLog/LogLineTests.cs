using System.Text;
using Plimsoll.EvidenceLog;

namespace Plimsoll.Tests.EvidenceLog;

public sealed class LogLineTests
{
    private const string Good = """{"sequence":7,"time":"2026-11-21T20:31:14.123456Z","kind":"start-refused","fields":{"image":"app","count":-3,"files":["a","b"]},"previous":"0000000000000000000000000000000000000000000000000000000000000000"}""";

    [Fact]
    public void Parse_ALine_GivesItBack()
    {
        LogLine line = LogHost.Parse(Good);

        Assert.Equal((7, "start-refused", "app", -3L), (line.Sequence, line.Kind, line.Text("image"), line.Number("count")!.Value));
        Assert.Equal(Good, LogHost.Text(line));
    }

    [Theory]
    [InlineData(":7,", ": 7,")]
    [InlineData(":7,", ":07,")]
    [InlineData(":7,", ":7.0,")]
    [InlineData(":7,", ":0,")]
    [InlineData(":7,", ":99999999999999999999,")]
    [InlineData(".123456Z", ".123Z")]
    [InlineData(".123456Z", ".123456+00:00")]
    [InlineData("start-refused", "Start")]
    [InlineData("\"app\"", "\"\\u0061pp\"")]
    [InlineData("\"app\"", "true")]
    [InlineData("\"app\"", "{}")]
    [InlineData("\"count\"", "\"image\"")]
    [InlineData("\"count\"", "\"Count\"")]
    [InlineData("[\"a\",\"b\"]", "[\"a\",1]")]
    [InlineData("[\"a\",\"b\"]", "[[\"a\"]]")]
    [InlineData("00000\"}", "0000G\"}")]
    [InlineData("\"}", "\"} ")]
    [InlineData("\"}", "\",\"more\":1}")]
    [InlineData("sequence", "Sequence")]
    public void Parse_AnyOtherForm_IsRefused(string from, string to) => Assert.Throws<FormatException>(() => LogHost.Parse(Good.Replace(from, to, StringComparison.Ordinal)));

    [Fact]
    public void Parse_OneByteOverTheLimit_IsRefusedBeforeItIsRead()
    {
        FormatException e = Assert.Throws<FormatException>(() => LogLine.Parse(new byte[LogLine.MaxBytes + 1]));
        Assert.Contains("MaxBytes", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("MaxBytes", Assert.Throws<FormatException>(() => LogLine.Parse(new byte[LogLine.MaxBytes])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ExportedCheckpoint_ChangedAnywhere_IsRefused()
    {
        using LogHost host = new();
        byte[] json = host.With(3).Verify().Checkpoint!.ToJson();
        LogCheckpoint read = LogCheckpoint.Parse(json, "c");
        Assert.Equal(json, read.ToJson());
        string text = Encoding.UTF8.GetString(json);
        foreach ((string from, string to) in ((string, string)[])[("\"sequence\":5", "\"sequence\":6"), ("\"origin\":\"host-1\"", "\"origin\":\"host-2\""), ("\"digest\":\"", "\"digest\":\"a"), ("\"checkpoint\":1", "\"checkpoint\":2"), ("{", "{\"x\":1,")])
        {
            int at = text.IndexOf(from, StringComparison.Ordinal);
            Assert.True(at >= 0, from);
            Assert.Throws<FormatException>(() => LogCheckpoint.Parse(Encoding.UTF8.GetBytes(text[..at] + to + text[(at + from.Length)..]), "c"));
        }
        for (int i = 0; i < json.Length - 1; i++)
        {
            byte[] changed = [.. json];
            changed[i] ^= 1;
            Assert.Throws<FormatException>(() => LogCheckpoint.Parse(changed, "c"));
        }
    }
}
