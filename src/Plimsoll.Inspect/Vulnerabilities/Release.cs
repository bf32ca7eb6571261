using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>What is known of the release that an image claims to be.</summary>
/// <param name="PackageType">purl type of the distribution's own packages, or null when it is not known.</param>
/// <param name="Ecosystem">OSV's name with release, or null where none applies.</param>
/// <param name="Rolling">True for Debian testing and sid and Alpine edge: no advisories name the version one has.</param>
public sealed record Release(string? PackageType, string? Ecosystem, bool Rolling)
{
    /// <summary>Whether the ecosystem's records name binary packages; else they name source packages.</summary>
    public bool AsksBinaryNames { get; init; }

    /// <summary>The release behind a claimed distribution.</summary>
    /// <remarks>
    /// Only the distributions whose own advisories these are have an ecosystem. Ubuntu, Raspbian, Kali and others rebuild
    /// Debian's packages with versions and fixes of their own: Debian's ranges would be wrong for them in both directions.
    /// </remarks>
    public static Release Of(Distribution distribution)
    {
        ArgumentNullException.ThrowIfNull(distribution);
        string version = distribution.Version;
        switch (distribution.Id)
        {
            case "debian":
                string major = version.Split('.')[0];
                return IsNumber(major) ? new Release("deb", $"Debian:{major}", false) : new Release("deb", null, version.Length == 0);
            case "alpine":
                string[] parts = version.Split('.');
                // Edge calls itself after the release to come: 3.19_alpha20230901.
                return parts.Length >= 2 && IsNumber(parts[0]) && IsNumber(parts[1])
                    ? new Release("apk", $"Alpine:v{parts[0]}.{parts[1]}", false)
                    : new Release("apk", null, version.Length == 0 || version.Contains("_alpha", StringComparison.Ordinal) || version == "edge");
            case "ubuntu" or "raspbian" or "kali" or "linuxmint" or "devuan":
                return new Release("deb", null, false);
            case "wolfi" or "chainguard" or "postmarketos":
                return new Release("apk", null, false);
            default:
                return new Release(
                    distribution.Like.Contains("debian") || distribution.Like.Contains("ubuntu") ? "deb"
                    : distribution.Like.Contains("alpine") ? "apk" : null, null, false);
        }
    }

    private static bool IsNumber(string text) => text.Length is > 0 and <= 4 && !text.AsSpan().ContainsAnyExceptInRange('0', '9');
}
