using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;
using Plimsoll.Texts;
using Plimsoll.Verify;

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
        .WithGap("package-database-corrupt", "layer 1: var/lib/rpm/rpmdb.sqlite", "page 12 is cut short").Build() with
    { Verified = false };

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

    public static readonly string[] HostileTexts =
    [
        "<script>document.documentElement.dataset.pwned=1</script>", "\"><img src=x onerror=\"document.documentElement.dataset.pwned=2\">", "' onmouseover='document.documentElement.dataset.pwned=3", "</title><script>document.documentElement.dataset.pwned=4</script>",
        "</style><script>document.documentElement.dataset.pwned=5</script>", "<!--", "--><svg onload=document.documentElement.dataset.pwned=6>", "]]><![CDATA[", "<svg><style><img src=x onerror=document.documentElement.dataset.pwned=7></style></svg>", "&lt;b&gt;&#x3c;script&#x3e;",
        "javascript:document.documentElement.dataset.pwned=8", "\u202eexe.cod\u202c\u2066", "a\u0000b\u0007\u001b[31m\u0085\u2028", "\ud800 half \udc00", "\ufffe\uffff\ufdd0\U0001ffff", "`${alert(1)}`", "</pre></code></dl></details></section></main></body></html>", "</script><script>document.documentElement.dataset.pwned=9</script>", "{{constructor.constructor('1')()}}", "\r\n\t x",
    ];

    /// <summary>Every text that comes from outside is one of these, each in turn.</summary>
    /// <param name="text">From a running number to the text.</param>
    public static ScanResult[] OfTexts(Func<int, string> text)
    {
        int at = 0;
        string Next() => text(at++);
        Origin origin = new(1, ReportBuilder.TopDiffId, Next());
        ReportBuilder builder = new();
        for (int i = 0; i < 12; i++)
        {
            InstalledPackage package = ReportBuilder.Package("p", "1");
            package = package with
            {
                Package = package.Package with { Name = Next(), Version = Next(), SourceName = Next(), SourceVersion = Next(), Licences = [Next()], Type = i % 2 == 0 ? "deb" : "npm", Inner = i % 2 == 0 ? null : Next() },
                Path = Next(),
                OwnedBy = Next(),
                Origin = origin,
            };
            builder.With(package, Next(), (Severity)(i % 6), Next(), Next(), kev: i == 2, suppressed: i < 9 ? null : new Suppression { Id = "x", Reason = Next(), Owner = Next(), Source = Next() });
            builder.With(ReportBuilder.Problem((ProblemKind)(i % 5), Next(), (Severity)(i % 6), Next(), Next(), origin) with
            {
                Advice = new Text(Next(), Next()),
                Evidence = Next() + "\n" + Next(),
                Place = Next(),
                Package = Next(),
                OwnedBy = Next(),
                RemovedBy = origin,
                Details = new SortedDictionary<string, string>(StringComparer.Ordinal) { [Next()] = Next() },
                References = [Next(), "https://example.org/" + Next()],
                Fingerprint = Next(),
                Suppressed = i == 11 ? new Suppression { Id = "x", Reason = Next(), Owner = Next(), Source = Next() } : null,
            });
        }
        builder.With(new Engine(Next(), Next(), null)).With(new Engine(Next(), null, Next())).WithNote(Next(), true, Next()).WithNote(Next(), false, Next()).WithGap(Next(), Next(), Next())
            .With(ReportBuilder.Refusal with { Policy = Next(), PolicyDigest = Next(), Reasons = [new Reason { Code = Next(), Outcome = Outcome.Refused, Rule = Next(), Examples = [Next()], Message = Next() }] });
        Report report = builder.Build();
        report = report with
        {
            Image = Next(),
            Tags = [Next(), Next()],
            Platform = Next(),
            ManifestDigest = Next(),
            ConfigDigest = Next(),
            IndexDigest = Next(),
            Distribution = new Distribution { Id = Next(), Version = Next(), PrettyName = Next(), Source = Next() },
            Layers = [.. report.Layers.Select(l => l with { CreatedBy = Next(), DiffId = Next() })],
            Findings = [.. report.Findings.Select(f => f with { References = [Next(), "https://example.org/" + Next()], Aliases = [Next()], SeverityFrom = Next(), Published = Next(), KnownExploited = f.KnownExploited is null ? null : Next(), Fingerprint = Next() })],
            Base = new BaseImage { ClaimedName = Next() },
        };
        return [Of(report), new ScanResult { Image = Next(), Failure = new ScanFailure(Next(), Next(), Next()) }];
    }
}
