namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Codes of the notes that matching and suppressing make; their texts are in <see cref="Texts.Catalogue.FindNote"/>.</summary>
public static class MatchNotes
{
    /// <summary>{0} distribution.</summary>
    public const string NoPackageDatabase = "no-package-database";

    /// <summary>{0} number of packages.</summary>
    public const string NoDistribution = "no-distribution";

    /// <summary>No arguments: neither a distribution nor a package was found.</summary>
    public const string NothingFound = "nothing-found";

    /// <summary>
    /// {0} ecosystem or distribution, {1} release, {2} number of packages that were not looked up, and {3}, where the database has
    /// nothing of it at all, the ecosystem that an update may bring.
    /// </summary>
    public const string NoAdvisoriesForRelease = "no-advisories-for-release";

    /// <summary>{0} ecosystem, or type of packages that no ecosystem is for; {1} number of packages that were not looked up.</summary>
    public const string NoAdvisoriesForEcosystem = "no-advisories-for-ecosystem";

    /// <summary>{0} number of programs known by their version string alone.</summary>
    public const string ProgramsNotLookedUp = "programs-not-looked-up";

    /// <summary>{0} distribution, {1} release, {2} last day of support.</summary>
    public const string EndOfLife = "end-of-life";

    /// <summary>{0} distribution as it calls itself.</summary>
    public const string RollingRelease = "rolling-release";

    /// <summary>{0} Debian release that the image claims, {1} number of packages that were updated for a later one.</summary>
    public const string NewerReleasePackages = "newer-release-packages";

    /// <summary>{0} id, {1} last day, {2} file and line.</summary>
    public const string SuppressionExpired = "suppression-expired";

    /// <summary>{0} id, {1} file and line.</summary>
    public const string SuppressionUnused = "suppression-unused";
}
