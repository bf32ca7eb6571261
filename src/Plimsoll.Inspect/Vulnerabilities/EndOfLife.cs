using System.Collections.Frozen;
using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Last days on which a release got security fixes free of charge.</summary>
/// <remarks>
/// Debian, end of LTS: https://wiki.debian.org/LTS and distro-info-data's debian.csv. Alpine: https://alpinelinux.org/releases/.
/// Ubuntu, end of standard support: https://ubuntu.com/about/release-cycle and distro-info-data's ubuntu.csv.
/// </remarks>
public static class EndOfLife
{
    private static readonly FrozenDictionary<string, DateOnly> Dates = Parse(
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
    ]);

    /// <summary>The date for a claimed release, or null when it is not in the table.</summary>
    public static DateOnly? Of(Distribution distribution)
    {
        ArgumentNullException.ThrowIfNull(distribution);
        string[] parts = distribution.Version.Split('.');
        string release = distribution.Id == "debian" || parts.Length == 1 ? parts[0] : $"{parts[0]}.{parts[1]}";
        return Dates.TryGetValue($"{distribution.Id} {release}", out DateOnly date) ? date : null;
    }

    private static FrozenDictionary<string, DateOnly> Parse(IEnumerable<string> lines) => lines.ToFrozenDictionary(
        line => line[..line.LastIndexOf(' ')],
        line => DateOnly.ParseExact(line[(line.LastIndexOf(' ') + 1)..], "yyyy-MM-dd"),
        StringComparer.Ordinal);
}
