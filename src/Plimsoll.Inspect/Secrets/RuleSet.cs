using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Secrets;

/// <summary>The built-in rules and the user's, ready to be looked for.</summary>
internal sealed class RuleSet
{
    private readonly Lazy<Parts> _parts;

    private RuleSet(Func<IReadOnlyList<SecretRule>> rules, string digest)
    {
        _parts = new Lazy<Parts>(() => new Parts(rules()));
        Digest = digest;
    }

    /// <summary>What is made of the rules once something is to be looked through: most scans have their facts already.</summary>
    private sealed class Parts
    {
        public Parts(IReadOnlyList<SecretRule> rules)
        {
            Rules = rules;
            Dictionary<string, int> indexes = new(StringComparer.Ordinal);
            List<List<int>> of = [];
            List<string> keywords = [];
            List<bool> exact = [];
            for (int i = 0; i < rules.Count; i++)
            {
                foreach (string keyword in rules[i].Keywords)
                {
                    // One name for each kind, so that the same word may stand in both.
                    string key = rules[i].ExactKeywords ? "=" + keyword : "~" + keyword;
                    if (!indexes.TryGetValue(key, out int index))
                    {
                        indexes[key] = index = keywords.Count;
                        keywords.Add(keyword);
                        exact.Add(rules[i].ExactKeywords);
                        of.Add([]);
                    }
                    of[index].Add(i);
                }
                if (rules[i].Keywords.Count == 0)
                    WithoutKeyword.Add(i);
                HasPathRules |= rules[i].Keywords.Count == 0 && rules[i].Path is not null;
                HasOnlyBuiltIn &= rules[i].IsBuiltIn;
            }
            Keywords = keywords;
            foreach (List<int> list in of)
                RulesOf.Add([.. list]);
            Exact = exact;
            _finder = new Lazy<KeywordFinder>(() => new KeywordFinder(Keywords, Exact, _ => true));
            _ofPublic = new Lazy<KeywordFinder>(() => new KeywordFinder(Keywords, Exact, k => Array.Exists(RulesOf[k], r => Rules[r].Scope == RuleScope.Any || !Rules[r].IsBuiltIn)));
        }

        private readonly Lazy<KeywordFinder> _finder, _ofPublic;

        public IReadOnlyList<SecretRule> Rules { get; }
        public IReadOnlyList<string> Keywords { get; }
        public IReadOnlyList<bool> Exact { get; }
        public List<int[]> RulesOf { get; } = [];
        public List<int> WithoutKeyword { get; } = [];
        public bool HasPathRules { get; }
        public bool HasOnlyBuiltIn { get; } = true;
        public KeywordFinder Finder => _finder.Value;
        public KeywordFinder FinderOfPublic => _ofPublic.Value;
    }

    /// <summary>Built-in ones first; where two find the same, the first counts.</summary>
    public IReadOnlyList<SecretRule> Rules => _parts.Value.Rules;

    /// <summary>Of all rule texts, hex.</summary>
    public string Digest { get; }
    public IReadOnlyList<string> Keywords => _parts.Value.Keywords;

    /// <summary>By keyword: indexes of rules.</summary>
    public IReadOnlyList<int[]> RulesOf => _parts.Value.RulesOf;
    public IReadOnlyList<int> WithoutKeyword => _parts.Value.WithoutKeyword;

    /// <summary>Whether a path alone may be a finding.</summary>
    public bool HasPathRules => _parts.Value.HasPathRules;

    /// <summary>Whether rules may find more in a file of one name than in the same content of another.</summary>
    public bool AskMoreOf(string path, string other)
    {
        if (FileClasses.Of(path) != FileClasses.Of(other))
            return true;
        foreach (SecretRule rule in Rules)
        {
            if (rule.Path is { } wanted && wanted.Regex.IsMatch(path) && !wanted.Regex.IsMatch(other))
                return true;
            foreach (Allowlist list in rule.Allowlists)
                foreach (TranslatedRegex allowed in list.Paths)
                    if (allowed.Regex.IsMatch(other) && !allowed.Regex.IsMatch(path))
                        return true;
        }
        return false;
    }

    /// <summary>Whether no rule is the user's.</summary>
    public bool HasOnlyBuiltIn => _parts.Value.HasOnlyBuiltIn;
    public KeywordFinder Finder => _parts.Value.Finder;

    /// <summary>Without the keywords whose rules say nothing of what anybody can download.</summary>
    public KeywordFinder FinderOfPublic => _parts.Value.FinderOfPublic;

    public static string BuiltInText() => Encoding.UTF8.GetString(BuiltInBytes());

    private static byte[] BuiltInBytes()
    {
        using Stream stream = typeof(RuleSet).Assembly.GetManifestResourceStream("secret-rules.toml") ?? throw new InvalidOperationException("the built-in rules are missing from the assembly");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <param name="files">Names of rule files.</param>
    /// <exception cref="CheckException">A file cannot be read, or holds what is no rule.</exception>
    public static RuleSet Create(IReadOnlyList<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        List<(string Name, string Text)> texts = [];
        foreach (string file in files)
        {
            try
            {
                FileInfo info = new(file);
                if (info.Exists && info.Length > TomlFile.MaxBytes)
                    throw new CheckException($"{file}: {info.Length} bytes; a rule file may have {TomlFile.MaxBytes} (MaxBytes)");
                texts.Add((file, new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(file))));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CheckException(e is FileNotFoundException or DirectoryNotFoundException ? $"there is no rule file {Escape.Quote(file)}" : $"cannot read the rule file {Escape.Quote(file)}: {e.Message}", inner: e);
            }
            catch (ArgumentException e)
            {
                throw new CheckException($"{file}: it is no UTF-8 text", inner: e);
            }
        }
        return Create(texts);
    }

    public static RuleSet Create(IReadOnlyList<(string Name, string Text)> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        byte[] builtIn = BuiltInBytes();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(BitConverter.GetBytes((long)builtIn.Length));
        hash.AppendData(builtIn);
        foreach ((_, string text) in files)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes((long)bytes.Length));
            hash.AppendData(bytes);
        }
        string digest = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (files.Count == 0)
            return new RuleSet(() => RuleFile.Parse(Encoding.UTF8.GetString(builtIn), "built-in rules", isBuiltIn: true).Rules, digest);
        // What the user wrote is read at once, so that an error in it ends the scan before it begins.
        List<SecretRule> rules = Join(RuleFile.Parse(Encoding.UTF8.GetString(builtIn), "built-in rules", isBuiltIn: true), files);
        return new RuleSet(() => rules, digest);
    }

    private static List<SecretRule> Join(RuleFile builtIn, IReadOnlyList<(string Name, string Text)> files)
    {
        List<RuleFile> read = [.. files.Select(f => RuleFile.Parse(f.Text, f.Name))];
        // A rule of the user's takes the place of a built-in one of the same id.
        HashSet<string> replaced = [.. read.SelectMany(f => f.Rules).Select(r => r.Id), .. read.SelectMany(f => f.DisabledRules)];
        List<Allowlist> global = [.. read.Where(f => f.ExtendsBuiltIn).SelectMany(f => f.GlobalAllowlists)];
        List<SecretRule> rules = [];
        HashSet<string> own = new(StringComparer.Ordinal);
        foreach (SecretRule rule in builtIn.Rules)
            if (!replaced.Contains(rule.Id))
                rules.Add(global.Count == 0 ? rule : rule with { Allowlists = [.. rule.Allowlists, .. global.Where(a => a.Rules.Count == 0 || a.Rules.Contains(rule.Id, StringComparer.Ordinal))] });
        for (int i = 0; i < read.Count; i++)
            foreach (SecretRule rule in read[i].Rules)
            {
                if (!own.Add(rule.Id))
                    throw new CheckException($"{files[i].Name}: the rule \"{rule.Id}\" stands in another rule file as well");
                rules.Add(rule);
            }
        return rules;
    }
}
