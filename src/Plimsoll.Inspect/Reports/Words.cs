using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <summary>Enumerations as machines read them.</summary>
public static class Words
{
    /// <summary><c>installed</c>, <c>lock-file</c>, <c>program</c> or <c>version-string</c>.</summary>
    public static string Word(this PackageEvidence evidence) => evidence switch
    {
        PackageEvidence.LockFile => "lock-file",
        PackageEvidence.Program => "program",
        PackageEvidence.VersionString => "version-string",
        _ => "installed",
    };

    /// <summary>What <see cref="Word(PackageEvidence)"/> writes; anything else is read as installed, which suppresses nothing.</summary>
    public static PackageEvidence EvidenceOf(string? word) => word switch
    {
        "lock-file" => PackageEvidence.LockFile,
        "program" => PackageEvidence.Program,
        "version-string" => PackageEvidence.VersionString,
        _ => PackageEvidence.Installed,
    };

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
