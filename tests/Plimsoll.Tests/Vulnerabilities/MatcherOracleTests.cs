using System.Diagnostics;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Dpkg;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Vulnerabilities;

/// <summary>Compares the matcher with answers that share no code with it.</summary>
[Trait("needs", "shared")]
public sealed class MatcherOracleTests(MatcherOracleTests.Stores stores) : IClassFixture<MatcherOracleTests.Stores>
{
    public sealed class Stores : IDisposable
    {
        public MemoryAdvisoryStore Debian { get; } = new MemoryAdvisoryStore().AddZip(SharedData.At("osv", "Debian", "all.zip"), "Debian");
        public MemoryAdvisoryStore Alpine { get; } = new MemoryAdvisoryStore().AddZip(SharedData.At("osv", "Alpine", "all.zip"), "Alpine");

        public void Dispose()
        {
            Debian.Dispose();
            Alpine.Dispose();
        }
    }

    [Theory]
    [Trait("needs", "host")]
    [InlineData("bullseye", true)]
    [InlineData("bookworm", false)]
    [InlineData("trixie", false)]
    public void Match_RealDebianRoot_AgreesWithTheOracleBothWays(string suite, bool vulnerable)
    {
        string root = DebianRoots.Get(suite);
        string[] expected = Oracle(root, SharedData.At("osv", "Debian", "all.zip"));
        MatchResult result = Images.Match(Images.OfRoot(root), stores.Debian, DateTimeOffset.UnixEpoch);
        Assert.Equal(expected, Lines(result));
        Assert.Equal(vulnerable, expected.Length > 0);
        Assert.Empty(result.Gaps);
        Assert.Empty(result.Notes);
    }

    /// <summary>A root has few old packages; this one has every source that Debian 11's advisories name, each just below, at or above a fix.</summary>
    [Fact]
    [Trait("needs", "host")]
    public void Match_EverySourceOfARelease_AgreesWithTheOracle()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("plimsoll-status");
        try
        {
            string status = Path.Combine(folder.FullName, "status");
            Random random = new(11);
            List<InstalledPackage> packages = [];
            foreach ((string name, string[] fixes) in Sources(stores.Debian, "Debian:11"))
            {
                string fix = fixes[random.Next(fixes.Length)];
                packages.Add(Images.Deb($"lib{packages.Count}", "1", name, random.Next(4) switch { 0 => fix, 1 => fix + "+b1", 2 => fix + "~bpo1", _ => fixes[0] }));
            }
            File.WriteAllText(status, string.Concat(packages.Select(p =>
                $"Package: {p.Package.Name}\nStatus: install ok installed\nMaintainer: x\nArchitecture: all\nSource: {p.Package.SourceName} ({p.Package.SourceVersion})\nVersion: 1\nDescription: x\n\n")));
            FileFacts facts = new DpkgStatusAnalyser().Analyse("var/lib/dpkg/status", File.ReadAllBytes(status))!;
            Assert.Equal(packages.Select(p => p.Package with { Licences = [] }), facts.Packages.Select(p => p with { Maintainer = null, Architecture = "", Licences = packages[0].Package.Licences }));
            string[] expected = Oracle(status, SharedData.At("osv", "Debian", "all.zip"), "11");
            Assert.Equal(expected, Lines(Images.Match(Images.Debian("11", packages), stores.Debian, DateTimeOffset.UnixEpoch)));
            Assert.True(expected.Length > 1000, $"{expected.Length} expected");
        }
        finally
        {
            folder.Delete(true);
        }
    }

    [Fact]
    public void Match_AlpineAtTheFixAndBelow_FindsExactlyWhatIsBelow()
    {
        int fixedOnes = 0, below = 0;
        foreach ((string name, string[] fixes) in Sources(stores.Alpine, "Alpine:v3.11"))
        {
            // Versions that are none, and the few without a revision, have no "just below" that can be written down simply.
            if (!fixes.All(f => VersionOrders.Apk.IsValid(f) && f.Contains("-r")))
                continue;
            string last = fixes.Aggregate((a, b) => VersionOrders.Apk.Compare(a, b) >= 0 ? a : b);
            Assert.Empty(Images.Match(Images.Of("alpine", "3.11.6", Images.Apk(name, last)), stores.Alpine, DateTimeOffset.UnixEpoch).Findings);
            fixedOnes++;
            // _alpha stands below the version that it is put behind, and above all that is older.
            string before = last[..last.LastIndexOf("-r", StringComparison.Ordinal)] + "_alpha-r0";
            HashSet<string> wanted = [.. stores.Alpine.Find("Alpine:v3.11", name)
                .Where(a => a.Ranges.Any(r => r.Events.Any(e => e.Kind == "fixed" && e.Version.StartsWith(last[..last.LastIndexOf("-r", StringComparison.Ordinal)] + "-r", StringComparison.Ordinal))))
                .SelectMany(a => a.Advisory.Upstream)];
            HashSet<string> found = [.. Images.Match(Images.Of("alpine", "3.11.6", Images.Apk(name, before)), stores.Alpine, DateTimeOffset.UnixEpoch).Findings.Select(f => f.Id)];
            Assert.Equal(wanted.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
            below += found.Count;
        }
        Assert.True(fixedOnes > 100 && below > fixedOnes, $"{fixedOnes} packages, {below} flaws below");
    }

    /// <summary>Alpine published three versions of v3.11 that are none; whoever has those packages is told (advisory-unreadable).</summary>
    [Fact]
    public void IsValid_VersionsOfEveryRecord_AreTakenButForPublishedTypingErrors()
    {
        List<string> refused = [];
        foreach ((MemoryAdvisoryStore store, string ecosystem, string type) in new[] { (stores.Debian, "Debian:11", "deb"), (stores.Debian, "Debian:8", "deb"), (stores.Alpine, "Alpine:v3.11", "apk") })
            foreach ((string name, string[] fixes) in Sources(store, ecosystem))
                refused.AddRange(fixes.Where(fix => !VersionOrders.For(type)!.IsValid(fix)).Select(fix => $"{name} {fix}"));
        Assert.Equal(["phpmyadmin 4.8.0.-r1", "python2 2.7.16-33", "xen 4.10-1-r1"], refused);
        MatchResult result = Images.Match(Images.Of("alpine", "3.11.6", Images.Apk("xen", "4.9-r0")), stores.Alpine, DateTimeOffset.UnixEpoch);
        Assert.All(result.Gaps, g => Assert.Equal("advisory-unreadable", g.Code));
        Assert.NotEmpty(result.Gaps);
    }

    [Fact]
    public void Match_FiveHundredPackages_IsFast()
    {
        (string Name, string[] Fixes)[] sources = [.. Sources(stores.Debian, "Debian:11")];
        List<InstalledPackage> packages = [.. Enumerable.Range(0, 500).Select(i => Images.Deb($"p{i}", "1", sources[i % sources.Length].Name, sources[i % sources.Length].Fixes[0] + "~"))];
        Inventory inventory = Images.Debian("11", packages);
        byte[] status = System.Text.Encoding.UTF8.GetBytes(string.Concat(packages.Select(p =>
            $"Package: {p.Package.Name}\nStatus: install ok installed\nPriority: optional\nMaintainer: Some Body <x@example.org>\nArchitecture: amd64\nSource: {p.Package.SourceName} ({p.Package.SourceVersion})\nVersion: 1\n{string.Concat(Enumerable.Repeat("Depends: libc6 (>= 2.3), libother (>= 1)\nDescription: x\n more text that nobody reads here\n .\n", 1))}Conffiles:\n{string.Concat(Enumerable.Range(0, 10).Select(c => $" /etc/some/file{c} d41d8cd98f00b204e9800998ecf8427e\n"))}\n")));
        Images.Match(inventory, stores.Debian, DateTimeOffset.UnixEpoch);
        new DpkgStatusAnalyser().Analyse("var/lib/dpkg/status", status);
        long start = Stopwatch.GetTimestamp();
        FileFacts facts = new DpkgStatusAnalyser().Analyse("var/lib/dpkg/status", status)!;
        TimeSpan parsed = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        int findings = Images.Match(inventory, stores.Debian, DateTimeOffset.UnixEpoch).Findings.Count;
        TimeSpan matched = Stopwatch.GetElapsedTime(start);
        TestContext.Current.TestOutputHelper?.WriteLine($"{status.Length} bytes, {facts.Packages.Count} packages parsed in {parsed.TotalMilliseconds:0.00} ms; {findings} findings matched in {matched.TotalMilliseconds:0.00} ms");
        Assert.True(parsed < TimeSpan.FromSeconds(1) && matched < TimeSpan.FromSeconds(5), $"{parsed} {matched}");
    }

    private static IEnumerable<(string Name, string[] Fixes)> Sources(MemoryAdvisoryStore store, string ecosystem) =>
        store.PackagesOf(ecosystem)
            .Select(name => (name, store.Find(ecosystem, name).SelectMany(a => a.Ranges).SelectMany(r => r.Events).Where(e => e.Kind == "fixed").Select(e => e.Version).Distinct().ToArray()))
            .Where(s => s.Item2.Length > 0);

    private static string[] Lines(MatchResult result) =>
        [.. result.Findings.Select(f => $"{f.Package.Package.Name}\t{f.Package.Package.Version}\t{f.Id}").Distinct().Order(StringComparer.Ordinal)];

    private static string[] Oracle(params string[] arguments) =>
        Tool.Run("python3", [Path.Combine(Repository(), "tests", "oracle", "debian-expected"), .. arguments]).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string Repository()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
            if (File.Exists(Path.Combine(at.FullName, "Plimsoll.slnx")))
                return at.FullName;
        throw new InvalidOperationException("the tests do not run inside the repository");
    }
}
