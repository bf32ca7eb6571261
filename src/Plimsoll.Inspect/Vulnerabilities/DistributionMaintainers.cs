using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Whether a distribution's own people maintain a package, as its database says.</summary>
/// <remarks>
/// Most packages of a release never had an advisory, and yet the distribution patches them when one comes. A claim like all
/// that a package database says: it tells a vendor's package from the distribution's, not an honest image from a forged one.
/// </remarks>
static class DistributionMaintainers
{
    private static readonly string[] Domains = ["debian.org", "ubuntu.com", "canonical.com", "alpinelinux.org"];

    private static readonly string[] Vendors =
    [
        "AlmaLinux", "Red Hat", "Rocky", "CentOS", "Fedora Project", "Oracle America", "Amazon", "SUSE", "openSUSE", "openEuler", "http://openeuler.org",
        "VMware", "Microsoft Corporation", "Mageia",
    ];

    public static bool Include(Package package)
    {
        string maintainer = package.Maintainer?.Trim() ?? "";
        if (package.Type == "rpm")
            return Array.Exists(Vendors, v => maintainer.StartsWith(v, StringComparison.Ordinal));
        // Name <address>, or the address alone.
        string address = maintainer.EndsWith('>') ? maintainer[(maintainer.LastIndexOf('<') + 1)..^1] : maintainer;
        string domain = address[(address.LastIndexOf('@') + 1)..];
        return domain.Length < address.Length
            && Array.Exists(Domains, d => domain.Equals(d, StringComparison.OrdinalIgnoreCase) || domain.EndsWith("." + d, StringComparison.OrdinalIgnoreCase));
    }
}
