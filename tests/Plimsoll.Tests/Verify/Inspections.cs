using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Verify;

/// <summary>Inspections and policies for tests: as good as they can be, but for what a test says.</summary>
internal static class Inspections
{
    public static DateTimeOffset Now { get; } = new(2026, 3, 2, 10, 30, 0, TimeSpan.Zero);

    public static Inspection Clean { get; } = new()
    {
        Names = ["registry.example/team/app:1.4"],
        ManifestDigest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ConfigDigest = "sha256:1f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        Platform = "linux/amd64",
        Verified = true,
        Time = Now,
        Tool = "0.1.0+abc",
        Created = Now.AddDays(-3),
        Database = new InspectedDatabase(true, 12, Now.AddDays(-2), "d1", "2026.02.27", "2026-03-01"),
        Distribution = new InspectedDistribution("debian", "12", new DateOnly(2028, 6, 30)),
        Checks = PolicyWords.Checks,
        Engines = [new InspectedEngine("clamav", "1.0.9/27000", null)],
    };

    public static Inspection With(params InspectedFinding[] findings)
    {
        List<InspectedFinding> ordered = [.. findings];
        ordered.Sort(InspectedFinding.Compare);
        return Clean with { Findings = ordered };
    }

    public static InspectedFinding Vulnerability(Level severity, string id = "CVE-2026-1") => new()
    {
        Kind = FindingKind.Vulnerability,
        Id = id,
        Aliases = ["GHSA-1"],
        Fingerprint = "00112233445566778899aabbccddeeff",
        Severity = severity,
        Fixable = true,
        Status = "fixed",
        Published = new DateOnly(2026, 2, 20),
        Package = "libssl3",
        SourcePackage = "openssl",
        Version = "3.0.1",
        Path = "var/lib/dpkg/status",
    };

    public static InspectedFinding Problem(FindingKind kind, Level severity, string rule = "some-rule", string path = "app/file") => new()
    {
        Kind = kind,
        Id = rule,
        Fingerprint = "ffeeddccbbaa99887766554433221100",
        Severity = severity,
        Path = path,
    };

    /// <summary>A policy with these lines of YAML below its name.</summary>
    public static Policy Policy(string yaml = "") => PolicyFile.Parse(Encoding.UTF8.GetBytes($"policy: 1\nname: test\n{yaml}"), "p.yaml");

    public static Verdict Judge(string yaml, Inspection inspection) => Plimsoll.Verify.Judge.Of(Policy(yaml), inspection, Now);
}
