using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Last days on which a release got security fixes free of charge.</summary>
/// <remarks>
/// Debian, end of LTS: https://wiki.debian.org/LTS and distro-info-data's debian.csv. Alpine: https://alpinelinux.org/releases/.
/// Ubuntu, end of standard support: https://ubuntu.com/about/release-cycle and distro-info-data's ubuntu.csv. The rpm
/// distributions: the life-cycle pages of their makers, end of general or maintenance support (for SUSE without LTSS, for Red
/// Hat without ELS). A release whose date is not certain is left out.
/// </remarks>
public static class EndOfLife
{
    /// <summary>Distribution, release and last day. A list, because it is asked once in a scan.</summary>
    private static readonly string[] Lines =
    [
        "debian 5 2012-02-06", "debian 6 2016-02-29", "debian 7 2018-05-31", "debian 8 2020-06-30", "debian 9 2022-06-30",
        "debian 10 2024-06-30", "debian 11 2026-08-31", "debian 12 2028-06-30", "debian 13 2030-06-30",
        "alpine 3.3 2017-11-01", "alpine 3.4 2018-05-01", "alpine 3.5 2018-11-01", "alpine 3.6 2019-05-01", "alpine 3.7 2019-11-01",
        "alpine 3.8 2020-05-01", "alpine 3.9 2020-11-01", "alpine 3.10 2021-05-01", "alpine 3.11 2021-11-01", "alpine 3.12 2022-05-01",
        "alpine 3.13 2022-11-01", "alpine 3.14 2023-05-01", "alpine 3.15 2023-11-01", "alpine 3.16 2024-05-23",
        "alpine 3.17 2024-11-22", "alpine 3.18 2025-05-09", "alpine 3.19 2025-11-01", "alpine 3.20 2026-04-01",
        "alpine 3.21 2026-11-01", "alpine 3.22 2027-05-01", "alpine 3.23 2027-11-01",
        "ubuntu 14.04 2019-04-25", "ubuntu 16.04 2021-04-30", "ubuntu 18.04 2023-05-31", "ubuntu 20.04 2025-05-29",
        "ubuntu 22.04 2027-06-01", "ubuntu 22.10 2023-07-20", "ubuntu 23.04 2024-01-25", "ubuntu 23.10 2024-07-11",
        "ubuntu 24.04 2029-05-31", "ubuntu 24.10 2025-07-10", "ubuntu 25.04 2026-01-15", "ubuntu 25.10 2026-07-09",
        "ubuntu 26.04 2031-05-29",
        "rhel 5 2017-03-31", "rhel 6 2020-11-30", "rhel 7 2024-06-30", "rhel 8 2029-05-31", "rhel 9 2032-05-31", "rhel 10 2035-05-31",
        "centos 5 2017-03-31", "centos 6 2020-11-30", "centos 7 2024-06-30", "centos 8 2021-12-31",
        "centos-stream 8 2024-05-31", "centos-stream 9 2027-05-31",
        "almalinux 8 2029-03-01", "almalinux 9 2032-05-31", "almalinux 10 2035-05-31",
        "rocky 8 2029-05-31", "rocky 9 2032-05-31", "rocky 10 2035-05-31",
        "ol 6 2021-03-31", "ol 7 2024-12-31", "ol 8 2029-07-31", "ol 9 2032-06-30",
        "fedora 34 2022-06-07", "fedora 35 2022-12-13", "fedora 36 2023-05-16", "fedora 37 2023-12-05", "fedora 38 2024-05-21",
        "fedora 39 2024-11-26", "fedora 40 2025-05-13",
        "amzn 2018 2023-12-31", "amzn 2 2026-06-30",
        "sles 12.5 2024-10-31", "sles 15 2019-12-31", "sles 15.0 2019-12-31", "sles 15.1 2021-01-31", "sles 15.2 2021-12-31", "sles 15.3 2022-12-31",
        "sles 15.4 2023-12-31", "sles 15.5 2024-12-31", "sles 15.6 2025-12-31", "sles 15.7 2031-07-31",
        "opensuse-leap 42.3 2019-06-30", "opensuse-leap 15.0 2019-12-03", "opensuse-leap 15.1 2021-02-02", "opensuse-leap 15.2 2022-01-04",
        "opensuse-leap 15.3 2022-12-31", "opensuse-leap 15.4 2023-12-07", "opensuse-leap 15.5 2024-12-31",
        "mariner 1.0 2023-07-31", "mariner 2.0 2025-07-31", "photon 1.0 2022-02-28", "photon 2.0 2022-12-31", "photon 3.0 2024-03-01",
        "mageia 7 2021-06-30", "mageia 8 2023-11-30",
    ];

    /// <summary>The date for a claimed release, or null when it is not in the table.</summary>
    public static DateOnly? Of(Distribution distribution)
    {
        ArgumentNullException.ThrowIfNull(distribution);
        string[] parts = distribution.Version.Split('.');
        bool isMajor = distribution.Id is "debian" or "rhel" or "centos" or "almalinux" or "rocky" or "ol" or "amzn";
        string release = isMajor || parts.Length == 1 ? parts[0] : $"{parts[0]}.{parts[1]}";
        // Two products of unequal life share one id.
        string id = distribution.Id == "centos" && distribution.PrettyName?.Contains("Stream", StringComparison.Ordinal) == true ? "centos-stream" : distribution.Id;
        string wanted = $"{id} {release} ";
        string? line = Array.Find(Lines, l => l.StartsWith(wanted, StringComparison.Ordinal));
        return line is null ? null : DateOnly.ParseExact(line.AsSpan(wanted.Length), "yyyy-MM-dd");
    }
}
