using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Cli;

/// <summary>
/// Which findings make the exit code 1. A finding of unknown severity counts for <c>unknown</c> and <c>any</c> only: it is
/// neither above nor below any other level. Suppressed findings never count.
/// </summary>
public sealed record FailOn(string Text, Severity? Least, bool Unknown, bool KnownExploited, bool Any)
{
    public const string Words = "critical, high, medium, low, negligible, unknown, kev, any, none";

    public static FailOn None { get; } = new("none", null, false, false, false);

    /// <summary>Words with commas between them; each adds to what counts.</summary>
    public static bool TryParse(string text, out FailOn failOn)
    {
        ArgumentNullException.ThrowIfNull(text);
        failOn = None with { Text = text };
        foreach (string word in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (word.Equals("none", StringComparison.OrdinalIgnoreCase) && text == word)
                return true;
            if (word.Equals("any", StringComparison.OrdinalIgnoreCase))
                failOn = failOn with { Any = true };
            else if (word.Equals("kev", StringComparison.OrdinalIgnoreCase))
                failOn = failOn with { KnownExploited = true };
            else if (!SeverityWords.TryParse(word, out Severity severity))
                return false;
            else if (severity == Severity.Unknown)
                failOn = failOn with { Unknown = true };
            else
                failOn = failOn with { Least = failOn.Least is { } least && least < severity ? least : severity };
        }
        return true;
    }

    public bool Counts(Finding finding)
    {
        ArgumentNullException.ThrowIfNull(finding);
        return finding.Suppressed is null && (KnownExploited && finding.KnownExploited is not null || Counts(finding.Severity));
    }

    public bool Counts(Problem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return problem.Suppressed is null && Counts(problem.Severity);
    }

    private bool Counts(Severity severity) =>
        Any || Unknown && severity == Severity.Unknown || Least is { } least && severity != Severity.Unknown && severity >= least;

    /// <summary>Whether any finding could count at all that has one of these severities.</summary>
    public bool CanCountAmong(IReadOnlySet<Severity> severities)
    {
        ArgumentNullException.ThrowIfNull(severities);
        return this == None with { Text = Text } || Any || KnownExploited || Unknown && severities.Contains(Severity.Unknown)
            || Least is { } least && severities.Any(s => s >= least && s != Severity.Unknown);
    }
}
