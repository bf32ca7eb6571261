using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>Finds what somebody who mistyped may have meant.</summary>
internal static class Suggestion
{
    /// <summary>What other scanners' options are called here: the answer to fingers that know Trivy, Grype or Clair.</summary>
    private static readonly Dictionary<string, string> Elsewhere = new(StringComparer.Ordinal)
    {
        ["-f"] = "--output FORMAT",
        ["--format"] = "--output FORMAT",
        ["--scanners"] = "--checks KINDS",
        ["--security-checks"] = "--checks KINDS",
        ["--vuln-type"] = "--checks KINDS",
        ["--secret-config"] = "--secret-rules FILE",
        ["--exit-code"] = "--fail-on LEVEL, which exits 1",
        ["-s"] = "--severity LEVELS",
        ["--ignore-unfixed"] = "--only-fixed",
        ["--ignorefile"] = "--suppress FILE",
        ["--ignore-policy"] = "--suppress FILE",
        ["--skip-db-update"] = "nothing: a scan never updates the database unless --update says so",
        ["--skip-update"] = "nothing: a scan never updates the database unless --update says so",
        ["--offline-scan"] = "nothing: a scan uses the network only for an image that lies there",
        ["--input"] = "the path itself: plimsoll scan image.tar",
        ["-i"] = "the path itself: plimsoll scan image.tar",
        ["--cache-dir"] = "PLIMSOLL_HOME=FOLDER in the environment",
        ["--clear-cache"] = "plimsoll cache clean",
        ["--no-progress"] = "--quiet",
        ["--file"] = "--output FORMAT=FILE",
        ["--failure-threshold"] = "--fail-on LEVEL",
        ["-t"] = "--fail-on LEVEL",
        ["--no-fail"] = "--fail-on none",
        ["--trusted-registry"] = "trustedRegistries in .hadolint.yaml",
        ["--require-label"] = "label-schema in .hadolint.yaml",
        ["--strict-labels"] = "strict-labels in .hadolint.yaml",
        ["--add-cpes-if-none"] = "nothing: packages are matched by their own names",
    };

    private static readonly Dictionary<string, string> VerbsElsewhere = new(StringComparer.Ordinal)
    {
        ["image"] = "plimsoll scan IMAGE",
        ["i"] = "plimsoll scan IMAGE",
        ["analyze"] = "plimsoll scan IMAGE",
        ["filesystem"] = "plimsoll scan dir:FOLDER",
        ["fs"] = "plimsoll scan dir:FOLDER",
        ["rootfs"] = "plimsoll scan dir:FOLDER",
        ["clean"] = "plimsoll cache clean",
        ["version"] = "plimsoll --version",
    };

    /// <summary>For an option that is not known: what it is called here, or the nearest that there is; null when neither helps.</summary>
    public static string? ForOption(string typed, IReadOnlyList<string> known) =>
        Elsewhere.GetValueOrDefault(typed) is { } here && !known.Contains(typed) ? $"here that is {here}"
        : For(typed, known) is { } near ? $"did you mean {near}?" : null;

    /// <summary>For a command that is not known.</summary>
    public static string? ForVerb(string typed, IReadOnlyList<string> known) =>
        VerbsElsewhere.GetValueOrDefault(typed) is { } here ? $"here that is {here}"
        : For(typed, known) is { } near ? $"did you mean plimsoll {near}?" : null;

    /// <inheritdoc cref="Nearest.Of"/>
    public static string? For(string typed, IEnumerable<string> known) => Nearest.Of(typed, known);
}
