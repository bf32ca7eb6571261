using Plimsoll.Inspect.Secrets;

namespace Plimsoll.Inspect.Checks;

/// <summary>What the checks are told by the user.</summary>
public sealed record CheckOptions
{
    /// <summary>Which checks run; empty for none.</summary>
    public IReadOnlySet<ProblemKind> Kinds { get; init; } = new HashSet<ProblemKind>();

    /// <summary>Rule files for secrets in gitleaks' form; they come beside the built-in rules.</summary>
    public IReadOnlyList<string> SecretRules { get; init; } = [];

    /// <summary>Where clamd listens: a socket's path or <c>tcp:HOST:PORT</c>, with <c>stream:</c>, <c>fildes:</c> or <c>scan:</c> before it for how contents come there; <c>none</c> for not at all; null: found by itself.</summary>
    public string? Clamd { get; init; }

    /// <summary>Files and folders of YARA rules.</summary>
    public IReadOnlyList<string> YaraRules { get; init; } = [];

    /// <summary>The file of known malware's hashes; null or absent: none are known.</summary>
    public string? KnownMalware { get; init; }

    /// <summary>Folder for what checks keep between runs (compiled rules); null: nothing is kept.</summary>
    public string? CacheFolder { get; init; }

    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;
}

/// <summary>The one list of checks.</summary>
public static class CheckList
{
    /// <summary>The checks that were asked for, ready to run; the caller disposes them.</summary>
    /// <exception cref="CheckException">A rule file cannot be used.</exception>
    public static IReadOnlyList<ICheck> Create(CheckOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        List<ICheck> checks = [];
        foreach (ProblemKind kind in ProblemKinds.All)
            if (options.Kinds.Contains(kind) && Create(kind, options) is { } check)
                checks.Add(check);
        return checks;
    }

    private static ICheck? Create(ProblemKind kind, CheckOptions options) => kind switch
    {
        ProblemKind.Configuration => new Configuration.ConfigurationCheck(),
        ProblemKind.Licence => new Licences.LicenceCheck(),
        ProblemKind.History => new History.HistoryCheck(),
        ProblemKind.Malware => Malware.MalwareCheck.Create(options),
        ProblemKind.Secret => SecretCheck.Create(options),
        _ => null,
    };
}

/// <summary>What the user gave a check cannot be used: rule files, addresses. The message says what, where and what was wanted.</summary>
public sealed class CheckException(string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    public string? Hint { get; } = hint;
}
