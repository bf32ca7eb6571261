using System.Diagnostics;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.History;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Checks;

public sealed class RedactionTests
{
    private const string Secret = "LTAI5tQqZkWm3vXyB7nR9pKd";

    private static Report Redacted(string line, params IEnumerable<string> secrets) =>
        new Redaction(secrets).Of(new ReportBuilder().Build() with { Dockerfile = [new DockerfileLine(1, line, null, null)] });

    [Theory]
    [InlineData("RUN x " + Secret + " y", "RUN x **** y")]
    [InlineData("RUN x LTAI5tQqZkWm…", "RUN x ****…")]
    [InlineData("RUN x LTA…", "RUN x LTA…")]
    [InlineData("RUN x LTAI5tQqZkWm", "RUN x LTAI5tQqZkWm")]
    public void Text_WithASecretOrItsCutBeginning_ShowsNeither(string line, string shown) => Assert.Equal(shown, Redacted(line, Secret).Dockerfile[0].Text);

    [Fact]
    public void MoreSecretsThanAnybodyLooksFor_TakeTheWholeTextWithThem()
    {
        long start = Stopwatch.GetTimestamp();
        string[] secrets = [.. Enumerable.Range(0, 50_000).Select(i => $"{Secret}{i}")];
        Report report = new Redaction(secrets).Of(new ReportBuilder().Build() with { Dockerfile = [.. secrets.Take(20_000).Select((s, i) => new DockerfileLine(i + 1, $"ENV A={s}", null, null)), new DockerfileLine(0, "ENV B=1", null, null)] });

        Assert.Equal(["****", "ENV B=1"], report.Dockerfile.Select(l => l.Text).Distinct());
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10));
    }
}
