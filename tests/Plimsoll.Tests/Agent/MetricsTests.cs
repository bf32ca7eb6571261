using System.Globalization;
using System.Text.RegularExpressions;
using Plimsoll.Agent;

namespace Plimsoll.Tests.Agent;

public sealed class MetricsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Reads the text as the format's page has it: every line a comment or a sample, types before samples, histograms whole.</summary>
    private static Dictionary<string, double> Read(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Dictionary<string, double> samples = new(StringComparer.Ordinal);
        string name = "", type = "";
        HashSet<string> families = new(StringComparer.Ordinal);
        foreach (string line in text.Split('\n')[..^1])
        {
            if (Regex.Match(line, @"^# HELP (?<name>[a-zA-Z_][a-zA-Z0-9_]*) ([^\\\n]|\\\\|\\n)*$", RegexOptions.ExplicitCapture, Patience) is { Success: true } help)
            {
                name = help.Groups["name"].Value;
                Assert.True(families.Add(name), $"{name} comes twice");
                continue;
            }
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                Match declared = Regex.Match(line, $"^# TYPE {name} (counter|gauge|histogram)$", RegexOptions.None, Patience);
                Assert.True(declared.Success, line);
                type = declared.Groups[1].Value;
                continue;
            }
            string ends = type == "histogram" ? "(?:_bucket|_sum|_count)" : "";
            Match sample = Regex.Match(line, $$"""^({{name}}{{ends}})(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)+)\})? (\S+)$""", RegexOptions.None, Patience);
            Assert.True(sample.Success, line);
            string value = sample.Groups[3].Value;
            Assert.True(samples.TryAdd(sample.Groups[1].Value + "{" + sample.Groups[2].Value + "}", value == "+Inf" ? double.PositiveInfinity : double.Parse(value, NumberStyles.Float, CultureInfo.InvariantCulture)), line);
        }
        return samples;
    }

    [Fact]
    public void ToString_EachKindOfMetric_IsTheTextFormat()
    {
        Metrics metrics = new();
        Metrics.Counter starts = metrics.AddCounter("plimsoll_starts_total", "Starts, by answer\\and\nreason", "answer", "reason");
        metrics.AddCounter("plimsoll_idle_total", "Never");
        metrics.AddGauge("plimsoll_policy_counter", "Counter of the policy").Set(7);
        metrics.AddGauge("plimsoll_log_lines", "Lines", () => 1.5);
        Metrics.Histogram time = metrics.AddHistogram("plimsoll_answer_seconds", "Time to an answer", [0.001, 0.01], "gate");
        starts.Add("allowed", "");
        starts.Add("refused", "a \"quoted\" \\ and\nbroken \ud800 one");
        starts.Add(2, "allowed", "");
        time.Observe(0.001, "plugin");
        time.Observe(0.005, "plugin");
        time.Observe(3, "plugin");

        Dictionary<string, double> samples = Read(metrics.ToString());

        Assert.Equal(3, samples["plimsoll_starts_total{answer=\"allowed\",reason=\"\"}"]);
        Assert.Equal(1, samples["plimsoll_starts_total{answer=\"refused\",reason=\"a \\\"quoted\\\" \\\\ and\\nbroken \ufffd one\"}"]);
        Assert.Equal(0, samples["plimsoll_idle_total{}"]);
        Assert.Equal(7, samples["plimsoll_policy_counter{}"]);
        Assert.Equal(1.5, samples["plimsoll_log_lines{}"]);
        Assert.Equal(1, samples["plimsoll_answer_seconds_bucket{gate=\"plugin\",le=\"0.001\"}"]);
        Assert.Equal(2, samples["plimsoll_answer_seconds_bucket{gate=\"plugin\",le=\"0.01\"}"]);
        Assert.Equal(3, samples["plimsoll_answer_seconds_bucket{gate=\"plugin\",le=\"+Inf\"}"]);
        Assert.Equal(3, samples["plimsoll_answer_seconds_count{gate=\"plugin\"}"]);
        Assert.Equal(3.006, samples["plimsoll_answer_seconds_sum{gate=\"plugin\"}"], 9);
    }

    [Fact]
    public void Add_FromManyThreads_LosesNothing()
    {
        Metrics metrics = new();
        Metrics.Counter counter = metrics.AddCounter("a_total", "a", "who");
        Parallel.For(0, 8, i =>
        {
            for (int n = 0; n < 1000; n++)
                counter.Add($"{i % 2}");
        });

        Dictionary<string, double> samples = Read(metrics.ToString());

        Assert.Equal((4000, 4000), (samples["a_total{who=\"0\"}"], samples["a_total{who=\"1\"}"]));
    }

    [Fact]
    public void Add_MoreLabelValuesThanAreKept_CountsTheRestTogether()
    {
        Metrics metrics = new();
        Metrics.Counter counter = metrics.AddCounter("a_total", "a", "image");
        for (int i = 0; i < Metrics.MaxSeries + 20; i++)
            counter.Add($"image-{i}");
        counter.Add("image-0");

        Dictionary<string, double> samples = Read(metrics.ToString());

        Assert.Equal(Metrics.MaxSeries + 1, samples.Count);
        Assert.Equal((2, 20), (samples["a_total{image=\"image-0\"}"], samples["a_total{image=\"overflow\"}"]));
    }

    [Theory]
    [InlineData("9a_total", "x")]
    [InlineData("a b_total", "x")]
    [InlineData("a", "x")]
    [InlineData("a_total", "le")]
    [InlineData("a_total", "__x")]
    [InlineData("a_total", "x-y")]
    public void AddCounter_NamesThatTheFormatForbids_Throws(string name, string label) =>
        Assert.Throws<ArgumentException>(() => new Metrics().AddCounter(name, "help", label));

    [Fact]
    public void AddHistogram_BoundsThatDoNotAscend_Throws() =>
        Assert.Throws<ArgumentException>(() => new Metrics().AddHistogram("a", "a", [1, 1]));
}
