using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Measure;

public sealed class MeasurementTests
{
    private static string Vectors => Repository.At("tests", "vectors", "measurement", "vectors.json");

    /// <summary>The tars and configs that the vectors are of, by name.</summary>
    private static readonly Dictionary<string, (string Config, byte[][] Tars)> Inputs = new()
    {
        ["no layers"] = ("{}", []),
        ["an empty tar"] = ("{}", [new byte[1024]]),
        ["two layers"] = ("{\"os\":\"linux\"}", [new byte[1024], new byte[10240]]),
        ["the same layer twice"] = ("{\"os\":\"linux\"}", [Ones(), Ones()]),
    };

    private static byte[] Ones()
    {
        byte[] tar = new byte[1536];
        tar.AsSpan(0, 512).Fill(1);
        return tar;
    }

    public static Measurement Of(string config, params byte[][] tars)
    {
        Digest[] diffIds = [.. tars.Select(t => Digest.Of(t))];
        IReadOnlyList<Digest> chain = ChainId.Of(diffIds);
        return new Measurement(Digest.Of(Encoding.UTF8.GetBytes(config)), [.. tars.Select((t, i) => new LayerMeasurement(
            chain[i], diffIds[i], i == 0 ? null : chain[i - 1], t.Length, Digest.FromSha384(System.Security.Cryptography.SHA384.HashData(t))))]);
    }

    [Fact]
    public void Value_OfEveryVector_IsWhatIsWrittenDown()
    {
        JsonArray vectors = JsonNode.Parse(File.ReadAllText(Vectors))!.AsArray();
        Assert.Equal(Inputs.Keys.Order(StringComparer.Ordinal), vectors.Select(v => (string)v!["name"]!).Order(StringComparer.Ordinal));
        foreach (JsonNode? vector in vectors)
        {
            (string config, byte[][] tars) = Inputs[(string)vector!["name"]!];
            Measurement seen = Of(config, tars);

            Assert.Equal((string)vector["config"]!, seen.Config.ToString());
            Assert.Equal(vector["layers"]!.AsArray().Select(l => ((string)l!["metadata"]!, (string)l["m1"]!, (string)l["m2"]!, (string)l["value"]!)),
                seen.Layers.Select(l => (Encoding.ASCII.GetString(l.MetadataBytes()), l.Metadata.ToString(), l.Content.ToString(), l.Value.ToString())));
            Assert.Equal((string)vector["value"]!, seen.Value.ToString());
        }
    }

    [Fact]
    [Trait("needs", "host")]
    public void Vectors_ComputedAgainByAnotherProgram_AreTheSame() =>
        Assert.Equal(File.ReadAllText(Vectors), Tool.Run("python3", [Repository.At("tests", "vectors", "measurement", "recompute.py")]));

    [Fact]
    public void Page_OfTheFormat_ShowsTheVectors()
    {
        string page = File.ReadAllText(Repository.At("docs", "formats", "measurement.md"));
        JsonNode vector = JsonNode.Parse(File.ReadAllText(Vectors))!.AsArray().Single(v => (string)v!["name"]! == "two layers")!;

        Assert.Contains(((string)vector["value"]!)[7..], page, StringComparison.Ordinal);
        foreach (JsonNode? layer in vector["layers"]!.AsArray())
        {
            Assert.Contains((string)layer!["metadata"]!, page.Replace("    ", "", StringComparison.Ordinal), StringComparison.Ordinal);
            foreach (string part in (string[])["m1", "m2", "value"])
                Assert.Contains(((string)layer[part]!)[7..], page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Value_AnyPartChanged_IsAnother()
    {
        Measurement one = Of("{}", new byte[1024], new byte[2048]);
        LayerMeasurement top = one.Layers[1];
        Measurement[] others =
        [
            one with { Config = Digest.Of("x"u8) },
            one with { Layers = [one.Layers[1], one.Layers[0]] },
            one with { Layers = [one.Layers[0]] },
            one with { Layers = [one.Layers[0], top with { TarBytes = 2049 }] },
            one with { Layers = [one.Layers[0], top with { Parent = null }] },
            one with { Layers = [one.Layers[0], top with { DiffId = one.Layers[0].DiffId }] },
            one with { Layers = [one.Layers[0], top with { ChainId = one.Layers[0].ChainId }] },
            one with { Layers = [one.Layers[0], top with { Content = one.Layers[0].Content }] },
        ];

        Assert.Equal(others.Length + 1, others.Append(one).Select(m => m.Value).Distinct().Count());
    }

    [Fact]
    public void Json_WrittenAndRead_IsTheSame()
    {
        Measurement one = Of("{}", new byte[1024], new byte[2048]);
        byte[] json = MeasurementJson.Write(one);
        using JsonDocument document = JsonDocument.Parse(json);

        Assert.Equal(one, MeasurementJson.Parse(document.RootElement, "x"));
        Assert.Equal(json, MeasurementJson.Write(MeasurementJson.Parse(document.RootElement, "x")));
    }

    [Theory]
    [InlineData("\"bytes\":2048", "\"bytes\":2047", "layer 2: its value is")]
    [InlineData("\"layers\"", "\"layer\"", "no measurement")]
    [InlineData("\"parent\":\"sha256:", "\"parent\":\"sha257:", "not a digest")]
    public void Parse_OnePartChanged_IsRefused(string old, string now, string says)
    {
        string json = Encoding.UTF8.GetString(MeasurementJson.Write(Of("{}", new byte[1024], new byte[2048])));
        using JsonDocument document = JsonDocument.Parse(json.Replace(old, now, StringComparison.Ordinal));

        Assert.Contains(says, Assert.Throws<FormatException>(() => MeasurementJson.Parse(document.RootElement, "x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_ConfigChanged_NamesBothValues()
    {
        Measurement one = Of("{}", new byte[1024]);
        string json = Encoding.UTF8.GetString(MeasurementJson.Write(one));
        using JsonDocument document = JsonDocument.Parse(json.Replace(one.Config.ToString(), Digest.Of("x"u8).ToString(), StringComparison.Ordinal));

        Assert.Contains(one.Value.ToString(), Assert.Throws<FormatException>(() => MeasurementJson.Parse(document.RootElement, "x")).Message, StringComparison.Ordinal);
    }
}
