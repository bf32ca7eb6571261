using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Reports.Html;

/// <summary>Reports that the tests of the page share, and that people look at.</summary>
internal static class Samples
{
    public static Report Full() => ReportBuilder.Vulnerable().WithProblems().With(ReportBuilder.Refusal).Build() with
    {
        Layers = ReportBuilder.ManyLayers(),
        Base = new BaseImage { ClaimedName = "docker.io/library/debian:11", Evidence = BaseEvidence.Guessed, Layers = 1 },
    };

    public static Report Incomplete() => ReportBuilder.Vulnerable().WithProblems().WithNote("no-advisories-for-ecosystem", true, "npm", "31")
        .WithGap("package-database-corrupt", "layer 1: var/lib/rpm/rpmdb.sqlite", "page 12 is cut short").Build() with { Verified = false };

    public static Report Clean() => new ReportBuilder().With(ReportBuilder.Package("bash", "5.1", null, 0, "GPL-3.0-or-later")).WithChecks([.. ProblemKinds.All]).Build();

    /// <summary>An image with this many findings in a tenth as many packages.</summary>
    public static Report Large(int findings)
    {
        ReportBuilder builder = new ReportBuilder().WithProblems();
        for (int p = 0; p * 10 < findings; p++)
        {
            var package = ReportBuilder.Package($"lib{p}-dev", $"1.{p}.0-1+deb11u1", null, p % 2, "MIT");
            for (int n = 0; n < 10; n++)
                builder.With(package, $"CVE-20{10 + n}-{p:00000}", (Severity)((p + n) % 6), n % 3 == 0 ? null : $"1.{p}.{n}", "Heap-based buffer overflow in a parser of something that nobody wanted to parse", kev: p % 97 == 0 && n == 3);
        }
        return builder.Build();
    }

    public static ScanResult Of(Report report) => ScanResult.Of(report.Image, report, ReportFilter.None);
}
