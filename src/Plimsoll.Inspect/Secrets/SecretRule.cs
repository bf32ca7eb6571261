using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Secrets;

/// <summary>In which files a rule is applied.</summary>
internal enum RuleScope
{
    /// <summary>Everywhere: the form alone tells a secret.</summary>
    Any = 0,

    /// <summary>Only in files that somebody wrote for this image: not in other people's packages, documentation, lock files or minified code.</summary>
    Own,
}

/// <summary>What beside the expression decides, in code.</summary>
internal enum RuleCheck
{
    None = 0,
    PrivateKey,
    Jwt,
    Assignment,
    Url,
}

/// <summary>One rule of a rule file.</summary>
internal sealed record SecretRule
{
    public required string Id { get; init; }
    public string Description { get; init; } = "";
    public Severity Severity { get; init; } = Severity.High;
    /// <summary>Translated when first asked for, which most rules of a scan never are; null for none.</summary>
    /// <exception cref="RegexSyntaxException">Only of a built-in rule, whose expressions are tested.</exception>
    public TranslatedRegex? Regex => LazyRegex?.Value;

    public Lazy<TranslatedRegex>? LazyRegex { get; init; }

    public bool HasRegex => LazyRegex is not null;

    /// <summary>Which files; null for all.</summary>
    public TranslatedRegex? Path { get; init; }

    /// <summary>Small letters unless <see cref="ExactKeywords"/>; empty: the expression is looked for in every file.</summary>
    public IReadOnlyList<string> Keywords { get; init; } = [];

    /// <summary>Whether capital and small letters of keywords are told apart, which spares much work with short ones.</summary>
    public bool ExactKeywords { get; init; }

    /// <summary>Bits per character that the secret must exceed; 0 for no limit.</summary>
    public double Entropy { get; init; }

    /// <summary>0: the first group that matched something, else the whole match.</summary>
    public int SecretGroup { get; init; }
    public RuleScope Scope { get; init; }
    public RuleCheck Check { get; init; }

    /// <summary>Its own and those of its file.</summary>
    public IReadOnlyList<Allowlist> Allowlists { get; init; } = [];

    /// <summary>Whether it came with Plimsoll; the texts of such a rule stand in the catalogue.</summary>
    public bool IsBuiltIn { get; init; }
}

internal enum AllowTarget
{
    Secret = 0,
    Match,
    Line,
}

/// <summary>What a rule lets pass.</summary>
internal sealed record Allowlist
{
    public bool NeedsAll { get; init; }
    public AllowTarget Target { get; init; }
    public IReadOnlyList<TranslatedRegex> Paths { get; init; } = [];
    public IReadOnlyList<TranslatedRegex> Regexes { get; init; } = [];

    /// <summary>Small letters; found anywhere in the secret.</summary>
    public IReadOnlyList<string> StopWords { get; init; } = [];

    /// <summary>Rules that it holds for; empty for all.</summary>
    public IReadOnlyList<string> Rules { get; init; } = [];

    public bool Allows(string path, string secret, string match, string line)
    {
        string target = Target switch { AllowTarget.Match => match, AllowTarget.Line => line, _ => secret };
        bool? byPath = Paths.Count == 0 ? null : Any(Paths, path);
        bool? byRegex = Regexes.Count == 0 ? null : Any(Regexes, target);
        bool? byWord = StopWords.Count == 0 ? null : HasStopWord(secret);
        if (NeedsAll)
            return byPath is not false && byRegex is not false && byWord is not false && (byPath ?? byRegex ?? byWord) is true;
        return byPath is true || byRegex is true || byWord is true;
    }

    private static bool Any(IReadOnlyList<TranslatedRegex> regexes, string text)
    {
        foreach (TranslatedRegex regex in regexes)
            if (regex.Regex.IsMatch(text))
                return true;
        return false;
    }

    private bool HasStopWord(string secret)
    {
        foreach (string word in StopWords)
            if (secret.Contains(word, StringComparison.OrdinalIgnoreCase))
                return true;
        return false;
    }
}
