using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Secrets;

/// <summary>The built-in rules and the user's, ready to be looked for.</summary>
internal sealed class RuleSet
{
    private RuleSet(IReadOnlyList<SecretRule> rules, string digest)
    {
        Rules = rules;
        Digest = digest;
        Dictionary<(string Text, bool Exact), List<int>> byKeyword = [];
        List<int> always = [];
        for (int i = 0; i < rules.Count; i++)
        {
            foreach (string keyword in rules[i].Keywords)
            {
                if (!byKeyword.TryGetValue((keyword, rules[i].ExactKeywords), out List<int>? of))
                    byKeyword[(keyword, rules[i].ExactKeywords)] = of = [];
                of.Add(i);
            }
            if (rules[i].Keywords.Count == 0)
                always.Add(i);
        }
        List<(string Text, bool Exact)> keywords = [.. byKeyword.Keys.OrderBy(k => k.Text, StringComparer.Ordinal).ThenBy(k => k.Exact)];
        Keywords = [.. keywords.Select(k => k.Text)];
        RulesOf = [.. keywords.Select(k => byKeyword[k].ToArray())];
        WithoutKeyword = always;
        Finder = new KeywordFinder(keywords);
    }

    /// <summary>Built-in ones first; where two find the same, the first counts.</summary>
    public IReadOnlyList<SecretRule> Rules { get; }

    /// <summary>Of all rule texts, hex.</summary>
    public string Digest { get; }
    public IReadOnlyList<string> Keywords { get; }

    /// <summary>By keyword: indexes of rules.</summary>
    public IReadOnlyList<int[]> RulesOf { get; }
    public IReadOnlyList<int> WithoutKeyword { get; }

    /// <summary>Whether a path alone may be a finding.</summary>
    public bool HasPathRules => WithoutKeyword.Any(i => Rules[i].Path is not null);
    public KeywordFinder Finder { get; }

    public static string BuiltInText()
    {
        using Stream stream = typeof(RuleSet).Assembly.GetManifestResourceStream("secret-rules.toml") ?? throw new InvalidOperationException("the built-in rules are missing from the assembly");
        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd();
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
        string builtInText = BuiltInText();
        RuleFile builtIn = RuleFile.Parse(builtInText, "built-in rules", isBuiltIn: true);
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
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string text in (string[])[builtInText, .. files.Select(f => f.Text)])
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes((long)bytes.Length));
            hash.AppendData(bytes);
        }
        return new RuleSet(rules, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
