using System.Globalization;
using System.Text;

namespace Plimsoll.Agent;

/// <summary>Numbers of the agent, as Prometheus reads them. May be used from any thread.</summary>
/// <remarks>Source: Prometheus, "Exposition formats", text format 0.0.4.</remarks>
public sealed class Metrics
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Label values of one metric that are told apart. What comes after them counts under <c>overflow</c>, so that no caller fills the memory.</summary>
    public const int MaxSeries = 500;

    /// <summary>Characters of one label value.</summary>
    public const int MaxValueCharacters = 200;

    /// <summary>Seconds, from a tenth of a millisecond to a minute.</summary>
    public static IReadOnlyList<double> Seconds { get; } = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private readonly List<Metric> _all = [];
    private readonly Lock _gate = new();

    /// <param name="name">Letters, digits and <c>_</c>, ending in <c>_total</c>.</param>
    /// <param name="labels">Names of labels; each call names a value for each.</param>
    public Counter AddCounter(string name, string help, params IReadOnlyList<string> labels) =>
        name.EndsWith("_total", StringComparison.Ordinal) ? Add(new Counter(name, help, labels)) : throw new ArgumentException($"{name} does not end in _total", nameof(name));

    public Gauge AddGauge(string name, string help, params IReadOnlyList<string> labels) => Add(new Gauge(name, help, labels));

    /// <summary>A number that is asked for when the text is written.</summary>
    public void AddGauge(string name, string help, Func<double> value) => Add(new Asked(name, help, value));

    /// <param name="bounds">Upper ends of the buckets, ascending; the one without an end is added.</param>
    public Histogram AddHistogram(string name, string help, IReadOnlyList<double> bounds, params IReadOnlyList<string> labels) => Add(new Histogram(name, help, bounds, labels));

    /// <summary>All of them in the text format, in the order in which they were added.</summary>
    public override string ToString()
    {
        Metric[] all;
        lock (_gate)
            all = [.. _all];
        StringBuilder text = new();
        foreach (Metric metric in all)
            metric.Write(text);
        return text.ToString();
    }

    private T Add<T>(T metric) where T : Metric
    {
        lock (_gate)
        {
            if (_all.Exists(m => m.Name == metric.Name))
                throw new ArgumentException($"there is a metric {metric.Name} already", nameof(metric));
            _all.Add(metric);
        }
        return metric;
    }

    /// <summary>A metric with its series, one for each combination of label values.</summary>
    public abstract class Metric
    {
        private const string Overflow = "overflow";

        private readonly string _help;

        private protected Metric(string name, string help, IReadOnlyList<string> labels)
        {
            if (!IsName(name) || labels.Any(l => !IsName(l) || l.StartsWith("__", StringComparison.Ordinal) || l == "le") || labels.Distinct(StringComparer.Ordinal).Count() != labels.Count)
                throw new ArgumentException($"{name} or one of its labels is no name of a metric", nameof(name));
            (Name, _help, Labels) = (name, help, labels);
        }

        public string Name { get; }

        private protected IReadOnlyList<string> Labels { get; }

        private protected Lock Gate { get; } = new();

        private protected abstract string Type { get; }

        internal void Write(StringBuilder text)
        {
            text.Append("# HELP ").Append(Name).Append(' ').Append(_help.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal)).Append('\n')
                .Append("# TYPE ").Append(Name).Append(' ').Append(Type).Append('\n');
            WriteSeries(text);
        }

        private protected abstract void WriteSeries(StringBuilder text);

        /// <summary>The text between the braces, which also tells series apart.</summary>
        private protected string KeyOf(ReadOnlySpan<string> values, Func<string, bool> isKnown, int count)
        {
            if (values.Length != Labels.Count)
                throw new ArgumentException($"{Name} has {Labels.Count} labels; {values.Length} values were given", nameof(values));
            StringBuilder key = new();
            for (int i = 0; i < values.Length; i++)
                Label(key, Labels[i], values[i]);
            if (count < MaxSeries || isKnown(key.ToString()))
                return key.ToString();
            key.Clear();
            for (int i = 0; i < values.Length; i++)
                Label(key, Labels[i], Overflow);
            return key.ToString();
        }

        private protected static void Sample(StringBuilder text, string name, string labels, double value)
        {
            text.Append(name);
            if (labels.Length > 0)
                text.Append('{').Append(labels).Append('}');
            text.Append(' ').Append(Number(value)).Append('\n');
        }

        private protected static string Number(double value) => value switch
        {
            double.PositiveInfinity => "+Inf",
            double.NegativeInfinity => "-Inf",
            double.NaN => "NaN",
            _ => value.ToString("R", CultureInfo.InvariantCulture),
        };

        private protected static void Label(StringBuilder key, string name, string value)
        {
            if (key.Length > 0)
                key.Append(',');
            key.Append(name).Append("=\"");
            ReadOnlySpan<char> rest = value.AsSpan(0, Math.Min(value.Length, MaxValueCharacters));
            // Runes, so that half of a pair becomes U+FFFD here and not some other byte at the end of the text.
            foreach (Rune rune in rest.EnumerateRunes())
                _ = rune.Value switch
                {
                    '\\' => key.Append(@"\\"),
                    '"' => key.Append("\\\""),
                    '\n' => key.Append(@"\n"),
                    _ => key.Append(rune.ToString()),
                };
            key.Append('"');
        }

        private static bool IsName(string name) => name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
    }

    /// <summary>A number that only grows.</summary>
    public sealed class Counter : Metric
    {
        private readonly Dictionary<string, double> _series = new(StringComparer.Ordinal);

        internal Counter(string name, string help, IReadOnlyList<string> labels) : base(name, help, labels)
        {
            // Without labels there is one series, and zero is worth saying.
            if (labels.Count == 0)
                _series[""] = 0;
        }

        private protected override string Type => "counter";

        public void Add(params ReadOnlySpan<string> labels) => Add(1, labels);

        public void Add(double amount, params ReadOnlySpan<string> labels)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(amount);
            lock (Gate)
            {
                string key = KeyOf(labels, _series.ContainsKey, _series.Count);
                _series[key] = _series.GetValueOrDefault(key) + amount;
            }
        }

        private protected override void WriteSeries(StringBuilder text)
        {
            lock (Gate)
                foreach ((string key, double value) in _series.OrderBy(s => s.Key, StringComparer.Ordinal))
                    Sample(text, Name, key, value);
        }
    }

    /// <summary>A number that is what it is now.</summary>
    public sealed class Gauge : Metric
    {
        private readonly Dictionary<string, double> _series = new(StringComparer.Ordinal);

        internal Gauge(string name, string help, IReadOnlyList<string> labels) : base(name, help, labels)
        {
        }

        private protected override string Type => "gauge";

        public void Set(double value, params ReadOnlySpan<string> labels)
        {
            lock (Gate)
                _series[KeyOf(labels, _series.ContainsKey, _series.Count)] = value;
        }

        private protected override void WriteSeries(StringBuilder text)
        {
            lock (Gate)
                foreach ((string key, double value) in _series.OrderBy(s => s.Key, StringComparer.Ordinal))
                    Sample(text, Name, key, value);
        }
    }

    private sealed class Asked(string name, string help, Func<double> value) : Metric(name, help, [])
    {
        private protected override string Type => "gauge";

        private protected override void WriteSeries(StringBuilder text) => Sample(text, Name, "", value());
    }

    /// <summary>How many observations were at most so large.</summary>
    public sealed class Histogram : Metric
    {
        private sealed class Series(int buckets)
        {
            public long[] Counts { get; } = new long[buckets];
            public double Sum { get; set; }
        }

        private readonly double[] _bounds;
        private readonly Dictionary<string, Series> _series = new(StringComparer.Ordinal);

        internal Histogram(string name, string help, IReadOnlyList<double> bounds, IReadOnlyList<string> labels) : base(name, help, labels)
        {
            _bounds = [.. bounds];
            if (_bounds.Length == 0 || _bounds.Any(b => !double.IsFinite(b)) || _bounds.Zip(_bounds.Skip(1)).Any(pair => pair.First >= pair.Second))
                throw new ArgumentException($"the bounds of {name} do not ascend", nameof(bounds));
            if (labels.Count == 0)
                _series[""] = new Series(_bounds.Length + 1);
        }

        private protected override string Type => "histogram";

        public void Observe(double value, params ReadOnlySpan<string> labels)
        {
            if (double.IsNaN(value))
                throw new ArgumentException("not a number", nameof(value));
            int bucket = 0;
            while (bucket < _bounds.Length && value > _bounds[bucket])
                bucket++;
            lock (Gate)
            {
                string key = KeyOf(labels, _series.ContainsKey, _series.Count);
                if (!_series.TryGetValue(key, out Series? series))
                    _series[key] = series = new Series(_bounds.Length + 1);
                series.Counts[bucket]++;
                series.Sum += value;
            }
        }

        private protected override void WriteSeries(StringBuilder text)
        {
            lock (Gate)
                foreach ((string key, Series series) in _series.OrderBy(s => s.Key, StringComparer.Ordinal))
                {
                    long below = 0;
                    for (int i = 0; i <= _bounds.Length; i++)
                    {
                        below += series.Counts[i];
                        StringBuilder labels = new(key);
                        Label(labels, "le", Number(i < _bounds.Length ? _bounds[i] : double.PositiveInfinity));
                        Sample(text, Name + "_bucket", labels.ToString(), below);
                    }
                    Sample(text, Name + "_sum", key, series.Sum);
                    Sample(text, Name + "_count", key, below);
                }
        }
    }
}
