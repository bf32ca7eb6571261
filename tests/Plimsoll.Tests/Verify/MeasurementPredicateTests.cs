using System.Text;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Verify;

public sealed class MeasurementPredicateTests
{
    private static readonly Digest Lower = Digest.Of("a"u8), Upper = Digest.Of("b"u8), Chain = Digest.Of("c"u8), Config = Digest.Of("config"u8), Manifest = Digest.Of("manifest"u8);
    private static readonly Digest Content = Digest.Parse("sha384:" + new string('1', 96));

    private static MeasurementPredicate Made { get; } = new(
        new Measurement(Config, [new LayerMeasurement(Lower, Lower, null, 1024, Content), new LayerMeasurement(Chain, Upper, Lower, 10_240, Content)]),
        new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), "0.1.0", new MeasuredContent("text/plain", Digest.Of("files"u8), 5), new MeasuredContent("application/vnd.cyclonedx+json", Digest.Of("bom"u8), 3))
    {
        Platform = "linux/amd64",
    };

    private static string Json { get; } = Encoding.UTF8.GetString(Made.ToJson());

    [Fact]
    public void ToJson_Predicate_HasTheFormOfItsPage() => Assert.Equal(
        $$$"""{"measurement":1,"time":"2026-03-01T12:00:00Z","tool":"0.1.0","platform":"linux/amd64","value":"{{{Made.Measurement.Value}}}","config":"{{{Config}}}","layers":[{"chain":"{{{Lower}}}","diff":"{{{Lower}}}","bytes":1024,"content":"{{{Content}}}"},{"chain":"{{{Chain}}}","diff":"{{{Upper}}}","bytes":10240,"content":"{{{Content}}}"}],"files":{"mediaType":"text/plain","digest":"{{{Digest.Of("files"u8)}}}","size":5},"bom":{"mediaType":"application/vnd.cyclonedx+json","digest":"{{{Digest.Of("bom"u8)}}}","size":3}}""",
        Json);

    [Fact]
    public void From_StatementThatWasWritten_IsTheSame()
    {
        foreach (MeasurementPredicate made in (MeasurementPredicate[])[Made, Made with { Files = null, Bom = null, Platform = null, Override = "no fix yet" }])
        {
            Statement statement = Statement.Parse(made.ToStatement(new ImageDigests(Digest.Of("index"u8), Manifest, Config)).ToJson(), "s");
            Assert.Equal(made, MeasurementPredicate.From(statement, "s"));
            Assert.Equal(["manifest", "config", "index"], statement.Subjects.Select(s => s.Name));
        }
        // By docker load only the config is known.
        Assert.Equal("config", Assert.Single(Made.ToStatement(new ImageDigests(null, null, Config)).Subjects).Name);
        Assert.Throws<InvalidOperationException>(() => Made.ToStatement(new ImageDigests(null, Manifest, Manifest)));
    }

    [Theory]
    [InlineData("\"measurement\":1", "\"measurement\":2", "version")]
    [InlineData("\"bytes\":1024", "\"bytes\":1025", "canonical")]
    [InlineData("\"bytes\":1024", "\"bytes\":-1", "number from 0")]
    [InlineData("\"content\":\"sha384:1", "\"content\":\"sha384:2", "canonical")]
    [InlineData("\"value\":\"sha384:", "\"value\":\"sha256:", "digest of sha384")]
    [InlineData("\"tool\":", "\"tol\":", "no tool")]
    [InlineData("\"bytes\":1024", "\"bytes\":1024,\"more\":1", "unknown key")]
    [InlineData("\"platform\"", "\"override\":\"x\",\"platform\"", "canonical")]
    [InlineData(",\"layers\"", ", \"layers\"", "canonical")]
    [InlineData("\"time\":\"2026", "\"time\":\"x2026", "a time")]
    public void Parse_ChangedPlace_IsRefused(string from, string to, string message)
    {
        Assert.Contains(from, Json, StringComparison.Ordinal);
        Assert.Contains(message, Assert.Throws<DocumentException>(() => MeasurementPredicate.Parse(Encoding.UTF8.GetBytes(Json.Replace(from, to, StringComparison.Ordinal)), "p")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void From_SubjectsOfAnotherImage_IsRefused()
    {
        Statement Of(params Subject[] subjects) => new(subjects, MeasurementPredicate.Type, Made.ToJson());
        Assert.Throws<DocumentException>(() => MeasurementPredicate.From(Of(new Subject("config", Manifest)), "s"));
        Assert.Throws<DocumentException>(() => MeasurementPredicate.From(Of(new Subject("manifest", Manifest)), "s"));
        Assert.Throws<DocumentException>(() => MeasurementPredicate.From(Of(new Subject("config", Config), new Subject("config", Config)), "s"));
        Assert.Throws<DocumentException>(() => MeasurementPredicate.From(Of(new Subject("config", Config), new Subject("other", Config)), "s"));
        Assert.Throws<DocumentException>(() => MeasurementPredicate.From(new Statement([new Subject("config", Config)], "urn:other", Made.ToJson()), "s"));
    }

    [Fact]
    public void Parse_OneLayerTooMany_IsRefused()
    {
        MeasurementPredicate Of(int layers) => Made with { Measurement = new Measurement(Config, [.. Enumerable.Range(0, layers).Select(i => new LayerMeasurement(Lower, Lower, i == 0 ? null : Lower, 1, Content))]) };
        Assert.Equal(1000, MeasurementPredicate.Parse(Of(1000).ToJson(), "p").Measurement.Layers.Count);
        Assert.Throws<DocumentException>(() => MeasurementPredicate.Parse(Of(MeasurementPredicate.MaxLayers + 1).ToJson(), "p"));
    }
}
