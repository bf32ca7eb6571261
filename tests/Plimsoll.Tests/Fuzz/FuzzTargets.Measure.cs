using System.Text;
using System.Text.Json;
using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Fuzz;

/// <content>Lists of files, measurements and baselines, and a daemon's events.</content>
internal static partial class FuzzTargets
{
    private static FuzzTarget FileListLines => new()
    {
        Name = "file-list",
        Seeds = () => Utf8($$"""
            {"type":"{{FileList.MediaType}}","config":"{{Digest.Of([])}}","layers":1}
            {"layer":1,"diffId":"{{Digest.Of([])}}","entries":4}
            {"path":"a","type":"file","mode":"0644","uid":0,"gid":0,"size":0,"sha384":"{{new string('0', 96)}}","xattrs":[{"name":"user.a","value":"MQ=="}],"visible":true}
            {"path":"b","type":"symlink","mode":"0777","uid":0,"gid":0,"link":"a"}
            {"path":"c","type":"char-device","mode":"0600","uid":0,"gid":0,"device":"1:3"}
            {"path":"d","type":"whiteout"}

            """),
        Words = ["\"layers\":", "\"entries\":", "-1", "4000001", "\"mode\":\"\"", "\"device\":\":\"", "\"value\":\"*\"", "\n", "\\ud800", "\"type\":\"hardlink\""],
        Refusal = e => e is FormatException,
        Run = bytes =>
        {
            FileList list = FileList.Parse(bytes, "x");
            if (list.Layers is [var only])
                WrongAnswerException.Unless(FileList.FindLayer(bytes, list.Config, only.DiffId, "x")?.Entries.Count == only.Entries.Count, "a layer alone is read as another");
            byte[] written = list.ToBytes();
            WrongAnswerException.Unless(written.AsSpan().SequenceEqual(FileList.Parse(written, "x").ToBytes()), "a list that was read and written is read as another");
        },
    };

    private static FuzzTarget MeasuredJson => new()
    {
        Name = "measurement",
        Seeds = () =>
        [
            new Baseline(1, DateTimeOffset.UnixEpoch, BaselineOrigin.FirstUse, ["a:1"], Measure.MeasurementTests.Of("{}", new byte[512], new byte[1024]), Digest.Of("x"u8)).ToJson(),
        ],
        Words = ["\"counter\":", "\"layers\":[]", "\"parent\":null", "sha384:", "\"taken\":\"\"", "\"origin\":\"signed\"", "\"bytes\":-1"],
        Refusal = e => e is FormatException,
        Run = bytes =>
        {
            Baseline read = Baseline.Parse(bytes, "x");
            using JsonDocument document = JsonDocument.Parse(MeasurementJson.Write(read.Measurement));
            WrongAnswerException.Unless(MeasurementJson.Parse(document.RootElement, "x").Equals(read.Measurement), "a measurement that was read and written is read as another");
        },
    };

    private static FuzzTarget DaemonEvents => new()
    {
        Name = "docker-events",
        Seeds = () => Utf8("{\"Type\":\"image\",\"Action\":\"pull\",\"Actor\":{\"ID\":\"a:1\",\"Attributes\":{\"name\":\"a\"}},\"time\":1}\n\n{\"Action\":\"tag\"}\n"),
        Words = ["\n", "\"Actor\":null", "\"Actor\":{}", "\"ID\":7", "\\u0000"],
        Refusal = IsImageError,
        Run = bytes =>
        {
            using EventStream events = new(new MemoryStream(bytes));
            while (events.Next() is { } next)
                GC.KeepAlive(next.Actor?.Id);
        },
    };
}
