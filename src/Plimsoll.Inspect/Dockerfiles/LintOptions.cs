namespace Plimsoll.Inspect.Dockerfiles;

/// <summary>How much a rule's finding weighs; hadolint's five words.</summary>
public enum LintLevel
{
    /// <summary>Not shown unless the configuration raises it.</summary>
    Ignore = 0,
    Style,
    Info,
    Warning,
    Error,
}

/// <summary>What the value of a label must look like.</summary>
public enum LabelForm
{
    Text = 0,
    Url,
    Rfc3339,
    SemVer,
    Hash,
    Spdx,
    Email,
}

/// <summary>What a linter run is told; the members of hadolint's configuration file.</summary>
public sealed record LintOptions
{
    /// <summary>Rules that are left out.</summary>
    public IReadOnlySet<string> Ignored { get; init; } = new HashSet<string>();

    /// <summary>Other levels than a rule's own.</summary>
    public IReadOnlyDictionary<string, LintLevel> Levels { get; init; } = new Dictionary<string, LintLevel>();

    /// <summary>Registries that images may come from; empty for any. <c>*.example.org</c>, <c>example.*</c> and <c>*</c> may be used.</summary>
    public IReadOnlyList<string> TrustedRegistries { get; init; } = [];

    /// <summary>Labels that each image must have, with the form of their values.</summary>
    public IReadOnlyDictionary<string, LabelForm> Labels { get; init; } = new Dictionary<string, LabelForm>();

    /// <summary>True: no other labels than those.</summary>
    public bool StrictLabels { get; init; }

    /// <summary>True: <c># hadolint ignore=…</c> counts for nothing.</summary>
    public bool DisableIgnorePragma { get; init; }

    /// <summary>The least level that fails a run; null for none.</summary>
    public LintLevel? Threshold { get; init; } = LintLevel.Info;

    /// <summary>True: findings never fail a run.</summary>
    public bool NoFail { get; init; }

    /// <summary>Looks at the commands of RUN; null to leave them.</summary>
    public ShellCheck? ShellCheck { get; init; }
}

/// <summary>One remark on a Dockerfile.</summary>
public sealed record LintFinding
{
    /// <summary><c>DL3008</c>, <c>SC2086</c>; <c>DL1000</c> for what a builder would refuse.</summary>
    public required string Rule { get; init; }
    public required LintLevel Level { get; init; }

    /// <summary>1 for the file's first.</summary>
    public required int Line { get; init; }
    public required int Column { get; init; }

    /// <summary>One line without a full stop; untrusted text inside is quoted.</summary>
    public required Texts.Text Message { get; init; }

    /// <summary>What to do about it; null where the message says it.</summary>
    public Texts.Text? Advice { get; init; }
}

/// <summary>What a linter run found.</summary>
public sealed record LintResult
{
    /// <summary>By line, column and rule.</summary>
    public IReadOnlyList<LintFinding> Findings { get; init; } = [];

    /// <summary>ShellCheck, there or not, where it was asked for.</summary>
    public Checks.Engine? ShellCheck { get; init; }

    /// <summary>False when the file is none that a builder takes, or ShellCheck failed: no finding does then not mean none is there.</summary>
    public bool Complete { get; init; } = true;

    /// <summary>True when a finding reaches the threshold.</summary>
    public bool Fails(LintOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return !options.NoFail && options.Threshold is { } least && Findings.Any(f => f.Level >= least);
    }
}

/// <summary>The words for <see cref="LintLevel"/>.</summary>
public static class LintLevels
{
    public static IReadOnlyList<LintLevel> WorstFirst { get; } = [LintLevel.Error, LintLevel.Warning, LintLevel.Info, LintLevel.Style, LintLevel.Ignore];

    public static string Word(this LintLevel level) => level switch
    {
        LintLevel.Error => "error",
        LintLevel.Warning => "warning",
        LintLevel.Info => "info",
        LintLevel.Style => "style",
        _ => "ignore",
    };

    public static LintLevel? Parse(string word)
    {
        foreach (LintLevel level in WorstFirst)
            if (string.Equals(level.Word(), word, StringComparison.OrdinalIgnoreCase))
                return level;
        return null;
    }
}
