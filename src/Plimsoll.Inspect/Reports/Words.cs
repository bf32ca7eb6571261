using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;

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

    /// <summary>The file that holds a package: <c>srv/app.jar!/lib/x.jar</c>.</summary>
    public static string PlaceOf(InstalledPackage package)
    {
        ArgumentNullException.ThrowIfNull(package);
        return package.Package.Inner is { Length: > 0 } inner ? $"{package.Path}!/{inner}" : package.Path;
    }
}
