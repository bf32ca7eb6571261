using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Cli;

/// <summary>Matches and prints a made-up image of a few packages, on the second processor, while the first still reads the real one.</summary>
/// <remarks>
/// What a scan of known layers takes is mostly the runtime's first use of each method and type, and it happens last, when the
/// second processor has nothing to do. Nothing of the rehearsal is kept; measured in docs/decisions/0001-start-up.md.
/// </remarks>
internal static class Rehearsal
{
    private static readonly (string Type, string Name, string Version)[] Cast =
    [
        ("deb", "openssl", "1.0"), ("deb", "bash", "5.0-1"), ("npm", "lodash", "4.0.0"), ("pypi", "jinja2", "2.0"),
        ("gem", "rack", "1.0"), ("maven", "org.apache.logging.log4j:log4j-core", "2.0"),
    ];

    public static void Run(IAdvisoryStore store, string format, DateTimeOffset now)
    {
        try
        {
            Distribution distribution = new() { Id = "debian", Version = "11", Source = "etc/os-release" };
            Inventory inventory = new() { Distribution = distribution, Packages = Installed(distribution) };
            MatchResult matched = Matcher.Match(inventory, store, now);
            Report report = new()
            {
                Image = "",
                Time = now,
                ToolVersion = AppVersion.Full,
                Database = store.Info,
                Distribution = distribution,
                Packages = inventory.Packages,
                Findings = matched.Findings,
                Notes = matched.Notes,
                Layers = [new LayerSummary(0, null, null, null, 0, 0, true)],
            };
            ScanResult[] results = [ScanResult.Of("", report, ReportFilter.None)];
            if (format == "json")
            {
                JsonReport.Write(Stream.Null, results, ReportFilter.None, AppVersion.Full);
                return;
            }
            using StreamWriter nowhere = new(Stream.Null, new UTF8Encoding(false));
            TableReport.Write(nowhere, results, new TableOptions { Now = now });
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // What is wrong with the database the scan itself will say.
        }
    }

    private static InstalledPackage[] Installed(Distribution distribution)
    {
        InstalledPackage[] packages = new InstalledPackage[Cast.Length];
        for (int i = 0; i < packages.Length; i++)
            packages[i] = Of(Cast[i].Type, Cast[i].Name, Cast[i].Version, distribution);
        return packages;
    }

    private static InstalledPackage Of(string type, string name, string version, Distribution distribution)
    {
        Package package = new() { Type = type, Name = name, Version = version, SourceName = name, SourceVersion = version };
        return new InstalledPackage { Package = package, Path = "p", Analyser = "rehearsal", Origin = new Origin(0, null, null), Purl = Purl.Of(package, distribution) };
    }
}
