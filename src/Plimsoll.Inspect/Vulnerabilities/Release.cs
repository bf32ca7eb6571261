using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>What is known of the release that an image claims to be.</summary>
/// <param name="PackageType">purl type of the distribution's own packages, or null when it is not known.</param>
/// <param name="Ecosystem">OSV's name with release, or null where none applies; the first of <see cref="Ecosystems"/>.</param>
/// <param name="Rolling">True for Debian testing and sid and Alpine edge: no advisories name the version one has.</param>
public sealed record Release(string? PackageType, string? Ecosystem, bool Rolling)
{
    private static readonly string[] RedHatParts = ["baseos", "appstream", "crb"];

    private static readonly string[] SuseModules =
    [
        "Module for Basesystem", "Module for Server Applications", "Module for Development Tools", "Module for Containers",
        "Module for Web and Scripting", "Module for Python 3", "Module for Legacy", "Module for Public Cloud", "Module for Package Hub",
    ];

    /// <summary>Every ecosystem whose records speak of the release: Red Hat and SUSE name one for each part of theirs.</summary>
    public IReadOnlyList<string> Ecosystems { get; init; } = Ecosystem is null ? [] : [Ecosystem];

    /// <summary>Whether the records name binary packages with their versions; elsewhere they name source packages.</summary>
    public bool ByBinaryName { get; init; }

    /// <summary>The release behind a claimed distribution.</summary>
    /// <remarks>
    /// Only the distributions whose own advisories these are have an ecosystem. Raspbian, Kali, CentOS and others rebuild
    /// packages with versions and fixes of their own: the ranges of those they come from would be wrong for them in both
    /// directions. Source for the names: OSV schema, "Defined ecosystems"; docs/checks/distributions.md has them as a table.
    /// </remarks>
    public static Release Of(Distribution distribution)
    {
        ArgumentNullException.ThrowIfNull(distribution);
        string version = distribution.Version;
        string[] parts = version.Split('.');
        string? major = IsNumber(parts[0]) ? parts[0] : null;
        string? minor = major is not null && parts.Length >= 2 && IsNumber(parts[1]) ? $"{major}.{parts[1]}" : null;
        switch (distribution.Id)
        {
            case "debian":
                return new Release("deb", major is null ? null : $"Debian:{major}", version.Length == 0);
            case "ubuntu":
                return new Release("deb", minor is null ? null : IsLongTerm(parts) ? $"Ubuntu:{minor}:LTS" : $"Ubuntu:{minor}", false);
            case "echo":
                return new Release("deb", "Echo", false);
            case "alpine":
                // Edge calls itself after the release to come: 3.19_alpha20230901.
                return minor is not null
                    ? new Release("apk", $"Alpine:v{minor}", false)
                    : new Release("apk", null, version.Length == 0 || version.Contains("_alpha", StringComparison.Ordinal) || version == "edge");
            case "wolfi":
                return new Release("apk", "Wolfi", false);
            case "chainguard":
                return new Release("apk", "Chainguard", false);
            case "minimos":
                return new Release("apk", "MinimOS", false);
            case "alpaquita":
                return new Release("apk", $"Alpaquita:{(version.Length > 0 ? version : "stream")}", false);
            case "almalinux":
                return new Release("rpm", major is null ? null : $"AlmaLinux:{major}", false) { ByBinaryName = true };
            case "rocky":
                return Rpm(major is null ? null : $"Rocky Linux:{major}");
            case "rhel":
                return Rpm(major is null ? [] : RedHat(major)) with { ByBinaryName = true };
            case "mageia":
                return Rpm(major is null ? null : $"Mageia:{major}");
            case "openeuler":
                return Rpm(OpenEuler(distribution, minor));
            case "azurelinux" or "mariner":
                return Rpm(major is null ? null : $"Azure Linux:{major}");
            case "photon":
                return Rpm(minor is null ? null : $"Photon OS:{minor}");
            case "opensuse-leap":
                return Rpm(minor is null ? null : $"openSUSE:Leap {minor}");
            case "opensuse-tumbleweed":
                return Rpm("openSUSE:Tumbleweed");
            case "sles" or "sled" or "sles_sap":
                return Rpm(major is null ? [] : Suse(major, parts.Length > 1 ? parts[1] : "0"));
            case "sle-micro":
                return Rpm(minor is null ? null : $"SUSE:Linux Enterprise Micro {minor}");
            case "sl-micro":
                return Rpm(minor is null ? null : $"SUSE:Linux Micro {minor}");
            default:
                return new Release(TypeOf(distribution), null, false);
        }
    }

    private static Release Rpm(string? ecosystem) => new("rpm", ecosystem, false);

    private static Release Rpm(string[] ecosystems) => new("rpm", ecosystems.FirstOrDefault(), false) { Ecosystems = ecosystems };

    /// <summary>The parts of a release that base images draw on, as the CPEs of Red Hat's records name them.</summary>
    private static string[] RedHat(string major) => major is "5" or "6" or "7"
        ? [$"Red Hat:enterprise_linux:{major}::server", $"Red Hat:enterprise_linux:{major}::workstation", $"Red Hat:enterprise_linux:{major}::client", $"Red Hat:enterprise_linux:{major}::computenode"]
        : [.. RedHatParts.Select(part => $"Red Hat:enterprise_linux:{major}::{part}"), $"Red Hat:enterprise_linux:{major}"];

    /// <param name="patch">Service pack; 0 for none.</param>
    private static string[] Suse(string major, string patch)
    {
        if (!IsNumber(patch))
            return [];
        if (major is not ("11" or "12" or "15"))
            return [$"SUSE:Linux Enterprise Server {major}.{patch}"];
        string release = patch == "0" ? major : $"{major} SP{patch}";
        string[] server = [$"SUSE:Linux Enterprise Server {release}", $"SUSE:Linux Enterprise Server {release}-LTSS"];
        return major == "15" ? [.. server, .. SuseModules.Select(module => $"SUSE:Linux Enterprise {module} {release}")] : server;
    }

    /// <summary><c>openEuler:22.03-LTS-SP3</c>; VERSION_ID has the number alone, the name the rest: <c>openEuler 22.03 (LTS-SP3)</c>.</summary>
    private static string? OpenEuler(Distribution distribution, string? release)
    {
        if (release is null)
            return null;
        string name = distribution.PrettyName ?? "";
        int open = name.IndexOf('(', StringComparison.Ordinal), close = name.IndexOf(')', StringComparison.Ordinal);
        return open >= 0 && close > open + 1 && name.AsSpan(open, close - open).Contains("LTS", StringComparison.Ordinal)
            ? $"openEuler:{release}-{name[(open + 1)..close].Trim().Replace(' ', '-')}"
            : $"openEuler:{release}";
    }

    private static string? TypeOf(Distribution distribution)
    {
        string? own = TypeOf(distribution.Id);
        if (own is not null && distribution.Id != "kylin")
            return own;
        foreach (string like in distribution.Like)
            if (TypeOf(like) is { } type)
                return type;
        return own;
    }

    private static string? TypeOf(string id) => id switch
    {
        "debian" or "ubuntu" or "raspbian" or "kali" or "linuxmint" or "devuan" or "deepin" or "uos" or "pop" => "deb",
        "alpine" or "postmarketos" or "wolfi" => "apk",
        "rhel" or "centos" or "fedora" or "amzn" or "ol" or "anolis" or "alinux" or "kylin" or "opencloudos" or "tencentos" or "euleros"
            or "hce" or "openeuler" or "virtuozzo" or "scientific" or "cloudlinux" or "suse" or "opensuse" or "sles" or "mageia" or "rocky"
            or "almalinux" or "openmandriva" or "clearos" or "xenserver" or "miraclelinux" or "eurolinux" or "circle" or "mariner"
            or "azurelinux" => "rpm",
        "arch" or "archlinux" or "manjaro" or "endeavouros" or "archarm" or "steamos" => "alpm",
        "gentoo" => "ebuild",
        _ => null,
    };

    /// <summary>April of an even year.</summary>
    private static bool IsLongTerm(string[] parts) => parts[1] == "04" && (parts[0][^1] - '0') % 2 == 0;

    private static bool IsNumber(string text) => text.Length is > 0 and <= 4 && !text.AsSpan().ContainsAnyExceptInRange('0', '9');
}
