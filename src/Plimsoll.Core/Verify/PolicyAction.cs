namespace Plimsoll.Verify;

/// <summary>What a policy makes of one thing. The default is the strictest, so that a forgotten assignment refuses.</summary>
public enum PolicyAction
{
    Fail = 0,

    /// <summary>For what could not be seen: the verdict is then <see cref="Outcome.Undecided"/>.</summary>
    Undecided,
    Warn,
    Ignore,
}

/// <summary>How bad a finding is, as the inspection says.</summary>
public enum Level
{
    Unknown = 0,
    Negligible,
    Low,
    Medium,
    High,
    Critical,
}

/// <summary>What sort of thing an inspection found.</summary>
public enum FindingKind
{
    Vulnerability = 0,
    Malware,
    Secret,
    History,
    Configuration,
    Licence,

    /// <summary>A package that the policy of the inspection denies.</summary>
    Package,
}

/// <summary>Who says that a finding does not count.</summary>
public enum SuppressionSource
{
    /// <summary>The advisories of the distribution that owns the file.</summary>
    Distribution = 0,

    /// <summary>A lock file, which wants the package for development only.</summary>
    LockFile,

    /// <summary>A VEX document that the caller gave.</summary>
    Vex,

    /// <summary>A suppression file that the caller gave.</summary>
    File,
}

/// <summary>The words of the enumerations in policies, predicates and reports.</summary>
public static class PolicyWords
{
    /// <summary>Worst first.</summary>
    public static IReadOnlyList<Level> Levels { get; } = [Level.Critical, Level.High, Level.Medium, Level.Low, Level.Negligible, Level.Unknown];

    public static IReadOnlyList<FindingKind> Kinds { get; } =
        [FindingKind.Vulnerability, FindingKind.Malware, FindingKind.Secret, FindingKind.History, FindingKind.Configuration, FindingKind.Licence, FindingKind.Package];

    /// <summary>Checks that an inspection may run: every kind but <see cref="FindingKind.Package"/>, which no check of its own finds.</summary>
    public static IReadOnlyList<string> Checks { get; } = WordsOf(Kinds, FindingKind.Package);

    public static IReadOnlyList<SuppressionSource> Sources { get; } = [SuppressionSource.Distribution, SuppressionSource.LockFile, SuppressionSource.Vex, SuppressionSource.File];

    /// <summary>A loop, as LINQ over an enumeration is compiled at every start.</summary>
    private static List<string> WordsOf(IReadOnlyList<FindingKind> kinds, FindingKind but)
    {
        List<string> words = [];
        for (int i = 0; i < kinds.Count; i++)
            if (kinds[i] != but)
                words.Add(kinds[i].Word());
        return words;
    }

    public static string Word(this PolicyAction action) => action switch
    {
        PolicyAction.Undecided => "undecided",
        PolicyAction.Warn => "warn",
        PolicyAction.Ignore => "ignore",
        _ => "fail",
    };

    public static string Word(this Level level) => level switch
    {
        Level.Critical => "critical",
        Level.High => "high",
        Level.Medium => "medium",
        Level.Low => "low",
        Level.Negligible => "negligible",
        _ => "unknown",
    };

    public static string Word(this FindingKind kind) => kind switch
    {
        FindingKind.Vulnerability => "vulnerability",
        FindingKind.Malware => "malware",
        FindingKind.Secret => "secret",
        FindingKind.History => "history",
        FindingKind.Configuration => "configuration",
        FindingKind.Licence => "licence",
        FindingKind.Package => "package",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    public static string Word(this SuppressionSource source) => source switch
    {
        SuppressionSource.Distribution => "distribution",
        SuppressionSource.LockFile => "lock-file",
        SuppressionSource.Vex => "vex",
        SuppressionSource.File => "file",
        _ => throw new ArgumentOutOfRangeException(nameof(source)),
    };

    public static string Word(this Outcome outcome) => outcome switch
    {
        Outcome.Passed => "passed",
        Outcome.Warned => "warned",
        Outcome.Undecided => "undecided",
        Outcome.Refused => "refused",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
    };

    public static Outcome OutcomeOf(PolicyAction action) => action switch
    {
        PolicyAction.Fail => Outcome.Refused,
        PolicyAction.Undecided => Outcome.Undecided,
        PolicyAction.Warn => Outcome.Warned,
        _ => Outcome.Passed,
    };
}
