using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.TestKit;

/// <summary>Reports of made-up images for tests of outputs.</summary>
public sealed partial class ReportBuilder
{
    public static DateTimeOffset Now { get; } = new(2026, 3, 2, 10, 30, 0, TimeSpan.Zero);

    public const string BaseDiffId = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    public const string TopDiffId = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

    private readonly List<InstalledPackage> _packages = [];
    private readonly List<Finding> _findings = [];
    private readonly List<Note> _notes = [];
    private readonly List<Gap> _gaps = [];

    public static DatabaseInfo Database { get; } = new()
    {
        IsDatabase = true,
        Counter = 12,
        Created = Now.AddDays(-2),
        Records = 6702,
        Digest = "d1",
        Ecosystems = ["Debian"],
        KevVersion = "2026.02.27",
    };

    public static DatabaseInfo StarterSet { get; } = new() { IsDatabase = false, Records = 50, Created = Now.AddDays(-100) };

    public static InstalledPackage Package(string name, string version, string? source = null, int layer = 0, params string[] licences) => new()
    {
        Package = new Package { Type = "deb", Name = name, Version = version, Architecture = "amd64", SourceName = source ?? name, SourceVersion = version, Licences = licences, Maintainer = "Debian <d@example.org>" },
        Path = "var/lib/dpkg/status",
        Analyser = "dpkg",
        Origin = new Origin(layer, layer == 0 ? BaseDiffId : TopDiffId, layer == 0 ? "ADD rootfs.tar /" : "RUN apt-get install -y openssl"),
        Purl = $"pkg:deb/debian/{name}@{Uri.EscapeDataString(version)}?arch=amd64&distro=debian-11",
    };

    public ReportBuilder With(InstalledPackage package)
    {
        _packages.Add(package);
        return this;
    }

    public ReportBuilder With(InstalledPackage package, string id, Severity severity, string? fix = null, string title = "", bool kev = false, Suppression? suppressed = null, string status = "")
    {
        if (!_packages.Contains(package))
            _packages.Add(package);
        _findings.Add(new Finding
        {
            Id = id,
            Package = package,
            Severity = severity,
            SeverityFrom = severity == Severity.Unknown ? null : "CVSS 3.1 of GHSA-aaaa-bbbb-cccc",
            Score = severity == Severity.Unknown ? null : 7.5,
            FixedVersion = fix,
            Status = status.Length > 0 ? status : fix is null ? "affected" : "fixed",
            Title = title,
            KnownExploited = kev ? "2022-05-01" : null,
            Suppressed = suppressed,
            Published = "2022-05-03T00:00:00Z",
            References = ["https://example.org/a b", "not a url"],
            Aliases = ["DSA-1-1"],
            Matches = [new Match { AdvisoryId = "DSA-1-1", Ecosystem = "Debian:11", Package = package.Package.SourceName, Version = package.Package.SourceVersion, Range = "introduced 0", FixedVersion = fix }],
            Fingerprint = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(id + package.Package.Name)).AsSpan(0, 16)),
        });
        return this;
    }

    public ReportBuilder WithNote(string code, bool undecided, params string[] arguments)
    {
        _notes.Add(new Note(code, undecided, arguments));
        return this;
    }

    public ReportBuilder WithGap(string code, string where, string detail)
    {
        _gaps.Add(new Gap(code, where, detail));
        return this;
    }

    public Report Build() => new()
    {
        Image = "app.tar",
        ManifestDigest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ConfigDigest = "sha256:1f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        Tags = ["registry.example/team/app:1.4"],
        Platform = "linux/amd64",
        Time = Now,
        ToolVersion = "0.1.0+abc",
        Database = Database,
        Distribution = new Distribution { Id = "debian", Version = "11", PrettyName = "Debian GNU/Linux 11 (bullseye)", Source = "etc/os-release" },
        Layers = [new LayerSummary(0, BaseDiffId, null, "ADD rootfs.tar /", 1000, 10, false), new LayerSummary(1, TopDiffId, null, "RUN apt-get install -y openssl", 500, 5, true)],
        Packages = _packages,
        Findings = [.. _findings.OrderByDescending(f => f.Severity).ThenBy(f => f.Id, StringComparer.Ordinal)],
        Problems = [.. _problems.OrderByDescending(p => p.Severity).ThenBy(p => p.Kind).ThenBy(p => p.Rule, StringComparer.Ordinal)
            .ThenBy(p => p.Path, StringComparer.Ordinal).ThenBy(p => p.Line).ThenBy(p => p.Fingerprint, StringComparer.Ordinal)],
        Checks = _checks,
        Engines = _engines,
        Verdict = _verdict,
        Notes = _notes,
        Gaps = _gaps,
    };

    /// <summary>An image as one meets them: two layers, shared source packages, many findings without severity, one exploited.</summary>
    public static ReportBuilder Vulnerable()
    {
        ReportBuilder report = new();
        InstalledPackage libssl = Package("libssl1.1", "1.1.1n-0+deb11u3", "openssl", 0, "OpenSSL");
        InstalledPackage openssl = Package("openssl", "1.1.1n-0+deb11u3", "openssl", 0, "Apache-2.0 AND MIT");
        foreach (InstalledPackage package in (InstalledPackage[])[libssl, openssl])
        {
            report.With(package, "CVE-2022-4304", Severity.Medium, "1.1.1n-0+deb11u4", "Timing oracle in RSA decryption");
            report.With(package, "CVE-2023-0286", Severity.High, "1.1.1n-0+deb11u4", "X.400 address type confusion in X.509 GeneralName");
            for (int n = 0; n < 6; n++)
                report.With(package, $"CVE-2023-{464 + n:0000}", Severity.Unknown, "1.1.1n-0+deb11u5");
        }
        InstalledPackage zlib = Package("zlib1g", "1:1.2.11.dfsg-2+deb11u1", "zlib", 0, "Zlib");
        report.With(zlib, "CVE-2022-37434", Severity.Critical, "1:1.2.11.dfsg-2+deb11u2", "Heap-based buffer over-read or buffer overflow in inflate via a large gzip header extra field", kev: true);
        report.With(Package("perl-base", "5.32.1-4+deb11u2", "perl", 0, "Artistic or GPL-1+"), "CVE-2023-31484", Severity.High, null, "CPAN.pm does not verify TLS certificates");
        report.With(Package("curl", "7.74.0-1.3+deb11u7", "curl", 1, "curl"), "CVE-2023-38545", Severity.Critical, "7.74.0-1.3+deb11u10", "SOCKS5 heap buffer overflow");
        report.With(Package("tar", "1.34+dfsg-1", "tar", 0), "CVE-2022-48303", Severity.Low, null, "One-byte out-of-bounds read", status: "will-not-fix");
        report.With(Package("bash", "5.1-2+deb11u1", "bash", 0, "GPL-3.0-or-later"));
        return report.WithNote("end-of-life", false, "Debian", "11", "2026-08-31");
    }
}
