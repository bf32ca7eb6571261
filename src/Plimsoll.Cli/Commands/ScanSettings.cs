using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary>Everything that a call of <c>scan</c> may be told, checked. Each may come from a flag, the environment or a file.</summary>
internal sealed record ScanSettings
{
    public IReadOnlyList<OutputTarget> Outputs { get; private init; } = [];
    public FailOn FailOn { get; private init; } = FailOn.None;
    public ReportFilter Filter { get; private init; } = ReportFilter.None;
    public Platform? Platform { get; private init; }
    public TimeSpan? Timeout { get; private init; }
    public bool Quiet { get; private init; }
    public bool Unverified { get; private init; }
    public bool NoCache { get; private init; }
    public bool GroupByLayer { get; private init; }
    public bool AllRows { get; private init; }
    public IReadOnlyList<string> SuppressionFiles { get; private init; } = [];

    public IReadOnlyList<string> VexFiles { get; private init; } = [];
    public IReadOnlyList<string> Bases { get; private init; } = [];

    /// <summary><c>default</c> or a file; null: nothing is judged.</summary>
    public string? Policy { get; private init; }

    /// <summary>Public key that the policy must be signed with; null: it need not be.</summary>
    public string? PolicyKey { get; private init; }

    /// <summary>For outputs of the format template that name none themselves.</summary>
    public string? Template { get; private init; }

    /// <summary>Null for the default place.</summary>
    public string? Database { get; private init; }
    public bool Update { get; private init; }
    public Language? Language { get; private init; }
    public string Colour { get; private init; } = "auto";
    public int Parallelism { get; private init; }

    /// <summary>What was said of registries; folders of certificates are not known here.</summary>
    public RegistryOptions Registry { get; private init; } = RegistryOptions.Default;

    /// <summary>Which checks run and with what; folders are not known here.</summary>
    public CheckOptions Checks { get; private init; } = new();

    /// <summary>Whether advisories are asked.</summary>
    public bool Vulnerabilities { get; private init; } = true;

    /// <summary>Names of the options, as in flags and in the file.</summary>
    public static IReadOnlyList<string> Keys { get; } =
    [
        "all", "base", "checks", "clamd", "color", "db", "fail-on", "group", "lang", "no-cache", "only-fixed", "output", "parallel", "platform", "policy", "policy-key", "quiet",
        "registry-ca", "registry-http", "registry-mirror", "registry-realm", "secret-rules", "severity", "suppress", "template", "timeout", "unverified", "update", "vex", "yara",
    ];

    /// <summary>The variable of an option: <c>PLIMSOLL_SCAN_FAIL_ON</c>.</summary>
    public static string VariableOf(string key) => "PLIMSOLL_SCAN_" + key.Replace('-', '_').ToUpperInvariant();

    /// <summary>Flags win over variables, variables over the file, the file over the defaults.</summary>
    /// <param name="flags">By key; only those that were given.</param>
    /// <exception cref="CommandException">A value has not the form that its option asks for.</exception>
    public static ScanSettings Resolve(
        IReadOnlyDictionary<string, Setting> flags, Func<string, string?> environment, IReadOnlyDictionary<string, Setting> file)
    {
        Dictionary<string, Setting> all = new(file, StringComparer.Ordinal);
        foreach (string key in Keys)
            if (environment(VariableOf(key)) is { Length: > 0 } value)
                all[key] = new Setting([value], VariableOf(key));
        foreach ((string key, Setting setting) in flags)
            all[key] = setting;
        IReadOnlySet<string> kinds = Parse<IReadOnlySet<string>>(all, "checks", CheckWords.All, CheckWords.Wanted, CheckWords.TryParse);
        return Check(new ScanSettings
        {
            Outputs = Get(all, "output") is { } outputs ? [.. outputs.Values.Select(v => OutputTarget.Parse(v, outputs.Where)).Distinct()] : [new OutputTarget("table", null)],
            FailOn = Parse(all, "fail-on", FailOn.None, FailOn.Words, (string text, out FailOn value) => FailOn.TryParse(text, out value)),
            Filter = new ReportFilter(Flag(all, "only-fixed"),
                Parse<IReadOnlySet<Severity>?>(all, "severity", null, "critical, high, medium, low, negligible, unknown", TryParseSeverities)),
            Platform = Parse<Platform?>(all, "platform", null, "os/arch or os/arch/variant, for example linux/arm64", Platform.TryParse),
            Timeout = Parse<TimeSpan?>(all, "timeout", null, "30s, 5m or 1h, at most 30 days", (string text, out TimeSpan? value) =>
            {
                bool ok = Duration.TryParse(text, out TimeSpan span);
                value = span;
                return ok;
            }),
            Quiet = Flag(all, "quiet"),
            Unverified = Flag(all, "unverified"),
            NoCache = Flag(all, "no-cache"),
            GroupByLayer = Parse(all, "group", "package", "package or layer", Word("package", "layer")) == "layer",
            AllRows = Flag(all, "all"),
            SuppressionFiles = Get(all, "suppress")?.Values ?? [],
            VexFiles = Get(all, "vex")?.Values ?? [],
            Bases = Get(all, "base")?.Values ?? [],
            Policy = Get(all, "policy")?.Values[^1],
            PolicyKey = Get(all, "policy-key")?.Values[^1],
            Template = Get(all, "template")?.Values[^1],
            Database = Get(all, "db")?.Values[^1],
            Update = Flag(all, "update"),
            Language = Parse<Language?>(all, "lang", null, "en or zh", (string text, out Language? value) =>
            {
                bool ok = Languages.TryParse(text, out Language language);
                value = language;
                return ok;
            }),
            Colour = Parse(all, "color", "auto", "auto, always or never", Word("auto", "always", "never")),
            Parallelism = Parse(all, "parallel", Environment.ProcessorCount, "a number from 1 to 256", (string text, out int value) =>
                int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value is >= 1 and <= 256),
            Registry = RegistrySettings.Of(key => Get(all, key)),
            Checks = new CheckOptions
            {
                Kinds = CheckWords.KindsOf(kinds),
                SecretRules = Get(all, "secret-rules")?.Values ?? [],
                Clamd = Get(all, "clamd")?.Values[^1],
                YaraRules = Get(all, "yara")?.Values ?? [],
            },
            Vulnerabilities = kinds.Contains(CheckWords.Vulnerability),
        });
    }

    /// <summary>One level is that level and above; several, or unknown alone, are exactly those.</summary>
    internal static bool TryParseSeverities(string text, out IReadOnlySet<Severity>? severities)
    {
        HashSet<Severity> set = [];
        severities = set;
        foreach (string word in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!SeverityWords.TryParse(word, out Severity severity))
                return false;
            set.Add(severity);
        }
        if (!text.Contains(',', StringComparison.Ordinal) && set.Single() is not Severity.Unknown and var least)
            set.UnionWith(SeverityWords.WorstFirst.Where(s => s > least));
        return true;
    }

    private static ScanSettings Check(ScanSettings settings)
    {
        List<OutputTarget> standard = [.. settings.Outputs.Where(o => o.File is null)];
        if (standard.Count > 1)
            throw CommandException.Usage($"{string.Join(" and ", standard.Select(o => o.Format))} would both go to standard output",
                $"give all but one a file: --output {standard[1].Format}=FILE");
        List<string> files = [.. settings.Outputs.Select(o => o.File).OfType<string>().Select(Path.GetFullPath)];
        if (files.Count != files.Distinct(StringComparer.Ordinal).Count())
            throw CommandException.Usage("two outputs would go to the same file", "give each --output a file of its own");
        foreach (OutputTarget output in settings.Outputs)
        {
            output.Check();
            if (output.Format == "template" && (output.Template ?? settings.Template) is null)
                throw CommandException.Usage("--output template needs a template", "name it: --output template:FILE, or --template FILE");
        }
        if (settings.Template is not null && !settings.Outputs.Any(o => o.Format == "template"))
            throw CommandException.Usage("--template is given and no output uses it", "add --output template or --output template=FILE");
        if (settings.PolicyKey is not null && settings.Policy is null)
            throw CommandException.Usage("--policy-key is given and no policy that it is for", "add --policy FILE");
        // What a statement leaves out would pass for absent.
        if (settings.Filter != ReportFilter.None && settings.Outputs.Any(o => o.Format == "inspection"))
            throw CommandException.Usage($"--output inspection holds all findings; {settings.Filter} would leave some out", "scan without the filter");
        if (settings.Filter.Severities is { } severities && !settings.FailOn.CanCountAmong(severities))
            throw CommandException.Usage($"--fail-on {Escape.ForTerminal(settings.FailOn.Text)} can never be met: --severity leaves out every finding that it asks for",
                "make --severity as wide as --fail-on");
        return settings;
    }

    private delegate bool TryParser<T>(string text, out T value);

    private static Setting? Get(Dictionary<string, Setting> all, string key) =>
        all.TryGetValue(key, out Setting? setting) && setting.Values.Count > 0 ? setting : null;

    private static T Parse<T>(Dictionary<string, Setting> all, string key, T otherwise, string wanted, TryParser<T> parser)
    {
        if (Get(all, key) is not { } setting)
            return otherwise;
        // A list in the file is the same as commas in a flag; where one value is wanted the parser refuses the comma.
        string text = string.Join(',', setting.Values);
        return parser(text, out T value) ? value
            : throw CommandException.Usage($"{setting.Where}: {Escape.Quote(text)} is not understood; wanted {wanted}");
    }

    private static bool Flag(Dictionary<string, Setting> all, string key) =>
        Parse(all, key, false, "true or false", (string text, out bool value) =>
        {
            value = text is "true" or "1" or "yes" or "on" or "True" or "TRUE";
            return value || text is "false" or "0" or "no" or "off" or "False" or "FALSE";
        });

    private static TryParser<string> Word(params string[] words) => (string text, out string value) =>
    {
        value = text;
        return words.Contains(text, StringComparer.Ordinal);
    };
}
