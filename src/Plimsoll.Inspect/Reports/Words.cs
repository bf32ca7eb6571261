using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <summary>Enumerations as machines read them.</summary>
public static class Words
{
    private static readonly (PackageEvidence Evidence, string Word)[] Evidences =
    [
        (PackageEvidence.Installed, "installed"), (PackageEvidence.LockFile, "lock-file"), (PackageEvidence.Program, "program"),
        (PackageEvidence.VersionString, "version-string"),
    ];

    /// <summary><c>installed</c>, <c>lock-file</c>, <c>program</c> or <c>version-string</c>.</summary>
    public static string Word(this PackageEvidence evidence) => Array.Find(Evidences, e => e.Evidence == evidence).Word ?? "installed";

    /// <summary>What <see cref="Word(PackageEvidence)"/> writes; anything else is read as installed, which suppresses nothing.</summary>
    public static PackageEvidence EvidenceOf(string? word) => Array.Find(Evidences, e => e.Word == word).Evidence;

    /// <summary><c>claimed</c>, <c>guessed</c> or <c>proved</c>.</summary>
    public static string Word(this BaseEvidence evidence) => evidence switch { BaseEvidence.Proved => "proved", BaseEvidence.Guessed => "guessed", _ => "claimed" };

    /// <summary>The outcome of its word.</summary>
    /// <exception cref="FormatException">Another word: no outcome is guessed.</exception>
    public static Outcome OutcomeOf(string? word)
    {
        foreach (Outcome outcome in (Outcome[])[Outcome.Passed, Outcome.Warned, Outcome.Undecided, Outcome.Refused])
            if (outcome.Word() == word)
                return outcome;
        throw new FormatException($"no outcome: {word}");
    }

    /// <summary>The file that holds a package: <c>srv/app.jar!/lib/x.jar</c>.</summary>
    public static string PlaceOf(InstalledPackage package)
    {
        ArgumentNullException.ThrowIfNull(package);
        return package.Package.Inner is { Length: > 0 } inner ? $"{package.Path}!/{inner}" : package.Path;
    }
}
