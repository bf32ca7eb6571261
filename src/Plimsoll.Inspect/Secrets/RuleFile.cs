using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Secrets;

/// <summary>The rules of one file in gitleaks' form, strictly read (docs/formats/secret-rules.md).</summary>
/// <remarks>Source: gitleaks 8.28, its README "Configuration" and config/config.go.</remarks>
internal sealed record RuleFile
{
    public const int MaxRules = 10_000;

    public IReadOnlyList<SecretRule> Rules { get; init; } = [];

    /// <summary>Whether it says that it extends the built-in rules: its global allowlists then hold for those as well.</summary>
    public bool ExtendsBuiltIn { get; init; }

    /// <summary>Built-in rules that it switches off.</summary>
    public IReadOnlyList<string> DisabledRules { get; init; } = [];
    public IReadOnlyList<Allowlist> GlobalAllowlists { get; init; } = [];

    /// <param name="name">For messages.</param>
    /// <exception cref="CheckException">The file's name, the line, what was seen and what was wanted.</exception>
    public static RuleFile Parse(string text, string name, bool isBuiltIn = false)
    {
        try
        {
            return new Reader(isBuiltIn).Read(TomlFile.Parse(text));
        }
        catch (TomlException e)
        {
            throw new CheckException($"{name} line {e.Line}: {e.Message}", "docs/formats/secret-rules.md describes the form", e);
        }
    }

    private sealed class Reader(bool isBuiltIn)
    {
        private static readonly string[] TopKeys = ["title", "description", "minVersion", "extend", "allowlist", "allowlists", "rules"];
        private static readonly string[] ExtendKeys = ["useDefault", "disabledRules", "path", "url"];
        private static readonly string[] RuleKeys = ["id", "description", "regex", "path", "keywords", "exactKeywords", "entropy", "secretGroup", "allowlist", "allowlists", "tags", "severity", "scope", "check", "skipReport", "required"];
        private static readonly string[] AllowKeys = ["description", "condition", "regexTarget", "paths", "regexes", "stopwords", "commits", "targetRules"];

        public RuleFile Read(TomlTable root)
        {
            Know(root, TopKeys, "the file");
            List<Allowlist> global = AllowlistsOf(root, isGlobal: true);
            (bool useDefault, IReadOnlyList<string> disabled) = (false, []);
            if (root["extend"] is { } extend)
            {
                TomlTable table = extend as TomlTable ?? throw Wrong(root, "extend", "a table");
                Know(table, ExtendKeys, "[extend]");
                foreach (string key in (ReadOnlySpan<string>)["path", "url"])
                    if (table[key] is not null)
                        throw new TomlException(table.LineOf(key), $"extend.{key} is not followed; name each file with --secret-rules");
                useDefault = table["useDefault"] switch { null => false, bool b => b, _ => throw Wrong(table, "useDefault", "true or false") };
                disabled = Texts(table, "disabledRules");
            }
            List<SecretRule> rules = [];
            HashSet<string> ids = new(StringComparer.Ordinal);
            foreach (TomlTable table in Tables(root, "rules"))
            {
                SecretRule rule = ReadRule(table, global);
                if (!ids.Add(rule.Id))
                    throw new TomlException(table.Line, $"the rule {Escape.Quote(rule.Id)} stands in it twice");
                if (rules.Count == MaxRules)
                    throw new TomlException(table.Line, $"more than {MaxRules} rules (MaxRules)");
                rules.Add(rule);
            }
            return new RuleFile { Rules = rules, ExtendsBuiltIn = useDefault, DisabledRules = disabled, GlobalAllowlists = global };
        }

        private SecretRule ReadRule(TomlTable table, List<Allowlist> global)
        {
            string id = Text(table, "id") is { Length: > 0 } text ? text : throw new TomlException(table.Line, "the rule has no id");
            string of = $"rule {Escape.Quote(id)}";
            Know(table, RuleKeys, of);
            if (table["required"] is not null)
                throw new TomlException(table.LineOf("required"), $"{of}: composite rules (required) are not supported");
            bool exact = table["exactKeywords"] switch { null => false, bool b => b, _ => throw Wrong(table, "exactKeywords", "true or false") };
            List<string> keywords = [.. Texts(table, "keywords").Select(k => exact ? k : k.ToLowerInvariant()).Distinct(StringComparer.Ordinal)];
            List<string> folded = [.. keywords.Select(k => k.ToLowerInvariant())];
            if (keywords.Exists(k => k.Length == 0))
                throw new TomlException(table.LineOf("keywords"), $"{of}: an empty keyword");
            RuleCheck check = Word(table, "check", of, RuleCheck.None);
            Lazy<TranslatedRegex>? regex = Text(table, "regex") is not { } expression ? null
                : isBuiltIn ? new Lazy<TranslatedRegex>(() => RegexTranslator.Translate(expression, folded))
                : new Lazy<TranslatedRegex>(Made(Translate(expression, folded, table, "regex", of), table, "regex", of));
            TranslatedRegex? path = Text(table, "path") is { } pathExpression ? Compile(pathExpression, table, "path", of) : null;
            if (regex is null && path is null && check == RuleCheck.None)
                throw new TomlException(table.Line, $"{of} has neither regex nor path");
            int group = table["secretGroup"] switch { null => 0, long n when n is >= 0 and < 100 => (int)n, _ => throw Wrong(table, "secretGroup", "the number of a group") };
            if (group > 0 && !isBuiltIn && regex is not null && group >= regex.Value.Regex.GetGroupNumbers().Length)
                throw new TomlException(table.LineOf("secretGroup"), $"{of}: secretGroup is {group}, the expression has {regex.Value.Regex.GetGroupNumbers().Length - 1} groups");
            return new SecretRule
            {
                Id = id,
                Description = Text(table, "description") ?? "",
                Severity = Word(table, "severity", of, Severity.High),
                LazyRegex = regex,
                Path = path,
                Keywords = keywords,
                ExactKeywords = exact,
                Entropy = table["entropy"] switch { null => 0, double d => d, long n => n, _ => throw Wrong(table, "entropy", "a number") },
                SecretGroup = group,
                Scope = Word(table, "scope", of, RuleScope.Any),
                Check = check,
                Allowlists = [.. AllowlistsOf(table, isGlobal: false), .. global.Where(a => a.Rules.Count == 0 || a.Rules.Contains(id, StringComparer.Ordinal))],
                IsBuiltIn = isBuiltIn,
            };
        }

        /// <summary>Both forms, of which the older one is a single table.</summary>
        private List<Allowlist> AllowlistsOf(TomlTable table, bool isGlobal)
        {
            List<Allowlist> lists = [];
            IEnumerable<TomlTable> tables = table["allowlist"] is TomlTable one ? [one] : Tables(table, "allowlist");
            foreach (TomlTable list in tables.Concat(Tables(table, "allowlists")))
            {
                const string of = "an allowlist";
                Know(list, AllowKeys, of);
                string condition = (Text(list, "condition") ?? "OR").ToUpperInvariant();
                bool all = condition switch { "OR" or "||" or "" => false, "AND" or "&&" => true, _ => throw Wrong(list, "condition", "AND or OR") };
                IReadOnlyList<string> rules = Texts(list, "targetRules");
                if (rules.Count > 0 && !isGlobal)
                    throw new TomlException(list.LineOf("targetRules"), "targetRules stands only in an allowlist of the whole file");
                Allowlist read = new()
                {
                    NeedsAll = all,
                    Target = (Text(list, "regexTarget") ?? "") switch { "" or "secret" => AllowTarget.Secret, "match" => AllowTarget.Match, "line" => AllowTarget.Line, _ => throw Wrong(list, "regexTarget", "secret, match or line") },
                    Paths = [.. Texts(list, "paths").Select(p => Compile(p, list, "paths", of))],
                    Regexes = [.. Texts(list, "regexes").Select(r => Compile(r, list, "regexes", of))],
                    StopWords = [.. Texts(list, "stopwords").Select(w => w.ToLowerInvariant())],
                    Rules = rules,
                };
                // Commits mean nothing in an image; a list of nothing else allows nothing.
                if (read.Paths.Count + read.Regexes.Count + read.StopWords.Count > 0)
                    lists.Add(read);
                else if (list["commits"] is null)
                    throw new TomlException(list.Line, "an allowlist names no paths, regexes, stopwords or commits");
            }
            return lists;
        }

        private static void Know(TomlTable table, string[] keys, string of)
        {
            foreach (string key in table.Keys)
                if (!keys.Contains(key, StringComparer.Ordinal))
                    throw new TomlException(table.LineOf(key), $"{of}: unknown key {Escape.Quote(key)}; known: {string.Join(", ", keys)}");
        }

        private static TomlException Wrong(TomlTable table, string key, string wanted) => new(table.LineOf(key), $"{key}: {wanted} was wanted");

        private static string? Text(TomlTable table, string key) => table[key] switch { null => null, string text => text, _ => throw Wrong(table, key, "a text") };

        private static List<string> Texts(TomlTable table, string key) => table[key] switch
        {
            null => [],
            List<object> list when list.TrueForAll(i => i is string) => [.. list.Cast<string>()],
            _ => throw Wrong(table, key, "a list of texts"),
        };

        private static IEnumerable<TomlTable> Tables(TomlTable table, string key) => table[key] switch
        {
            null => [],
            List<object> list when list.TrueForAll(i => i is TomlTable) => list.Cast<TomlTable>(),
            _ => throw Wrong(table, key, "tables"),
        };

        private static T Word<T>(TomlTable table, string key, string of, T otherwise) where T : struct, Enum
        {
            if (Text(table, key) is not { } word)
                return otherwise;
            string plain = word.Replace("-", "", StringComparison.Ordinal);
            foreach (T value in Enum.GetValues<T>())
                if (string.Equals(value.ToString(), plain, StringComparison.OrdinalIgnoreCase))
                    return value;
            throw new TomlException(table.LineOf(key), $"{of}: {key} {Escape.Quote(word)}; known: {string.Join(", ", Enum.GetNames<T>().Select(n => n.ToLowerInvariant()))}");
        }

        private static TranslatedRegex Translate(string expression, IReadOnlyList<string> keywords, TomlTable table, string key, string of)
        {
            try
            {
                return RegexTranslator.Translate(expression, keywords);
            }
            catch (RegexSyntaxException e)
            {
                throw new TomlException(table.LineOf(key), string.Create(CultureInfo.InvariantCulture, $"{of}: the expression in {key} at character {e.At}: {e.Message}"));
            }
        }

        private TranslatedRegex Compile(string expression, TomlTable table, string key, string of)
        {
            return Made(Translate(expression, [], table, key, of), table, key, of);
        }

        /// <summary>What users wrote is tried at once, so that the error names the line; what is built in has tests for that.</summary>
        private TranslatedRegex Made(TranslatedRegex translated, TomlTable table, string key, string of)
        {
            try
            {
                if (!isBuiltIn)
                    _ = translated.Regex;
                return translated;
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                throw new TomlException(table.LineOf(key), $"{of}: the expression in {key} cannot be used: {e.Message}");
            }
        }
    }
}
