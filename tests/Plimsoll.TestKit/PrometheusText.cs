using System.Globalization;
using System.Text.RegularExpressions;

namespace Plimsoll.TestKit;

/// <summary>A strict reader of Prometheus' text format: what it does not take, a scraper may not either.</summary>
/// <remarks>Source: Prometheus, "Exposition formats", text format 0.0.4.</remarks>
public static partial class PrometheusText
{
    private const int PatienceMilliseconds = 5000;

    /// <summary>Samples by name and labels as written.</summary>
    /// <exception cref="FormatException">With the line: one that is none, a name twice, samples before their type or of another metric, buckets that do not ascend.</exception>
    public static IReadOnlyDictionary<string, double> Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Dictionary<string, double> samples = new(StringComparer.Ordinal);
        HashSet<string> typed = new(StringComparer.Ordinal);
        string metric = "", type = "", bucketsOf = "";
        double lastBucket = 0;
        if (!text.EndsWith('\n'))
            throw new FormatException("the last line has no end");
        foreach (string line in text[..^1].Split('\n'))
        {
            if (Help().Match(line) is { Success: true })
                continue;
            if (Type().Match(line) is { Success: true } stated)
            {
                (metric, type) = (stated.Groups["name"].Value, stated.Groups["type"].Value);
                if (!typed.Add(metric))
                    throw new FormatException($"a second type of {metric}");
                continue;
            }
            Match sample = Sample().Match(line);
            if (!sample.Success)
                throw new FormatException($"no sample, no type and no help: {line}");
            string name = sample.Groups["name"].Value, labels = sample.Groups["labels"].Value;
            if (!(type == "histogram" ? name == metric + "_bucket" || name == metric + "_sum" || name == metric + "_count" : name == metric))
                throw new FormatException($"{name} stands below the type of {metric}");
            double value = sample.Groups["value"].Value is var number && number == "+Inf" ? double.PositiveInfinity : double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture);
            if (!samples.TryAdd(name + labels, value))
                throw new FormatException($"twice: {line}");
            if (type == "counter" && value < 0)
                throw new FormatException($"a counter below zero: {line}");
            if (!name.EndsWith("_bucket", StringComparison.Ordinal))
                continue;
            string series = name + Bound().Replace(labels, "");
            if (series == bucketsOf && value < lastBucket)
                throw new FormatException($"a bucket below the one before: {line}");
            (bucketsOf, lastBucket) = (series, value);
        }
        return samples;
    }

    [GeneratedRegex("^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* [^\\n]*$", RegexOptions.ExplicitCapture, PatienceMilliseconds)]
    private static partial Regex Help();

    [GeneratedRegex("^# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<type>counter|gauge|histogram)$", RegexOptions.ExplicitCapture, PatienceMilliseconds)]
    private static partial Regex Type();

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?<labels>(?:\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*")*\})?) (?<value>\+Inf|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$""", RegexOptions.ExplicitCapture, PatienceMilliseconds)]
    private static partial Regex Sample();

    [GeneratedRegex(""",?le="[^"]*"(?=\}$)""", RegexOptions.ExplicitCapture, PatienceMilliseconds)]
    private static partial Regex Bound();
}
