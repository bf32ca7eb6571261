using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Vulnerabilities;

/// <summary>Compares the matching of languages' packages, through the real database, with answers that share no code with it.</summary>
[Trait("needs", "shared")]
public sealed class LanguageOracleTests(LanguageOracleTests.Everything everything) : IClassFixture<LanguageOracleTests.Everything>
{
    /// <summary>A database of all records in the shared data.</summary>
    public sealed class Everything : IAsyncLifetime
    {
        private readonly OsvSource _source = new();

        public AdvisoryDatabase Database { get; private set; } = null!;
        public UpdateResult Result { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            UpdateOptions options = new() { DatabasePath = _source.Database, Source = SharedData.At("osv"), AllEcosystems = true };
            Result = await DatabaseUpdate.RunAsync(options, null, TestContext.Current.CancellationToken);
            Database = AdvisoryDatabase.Open(_source.Database);
        }

        public ValueTask DisposeAsync()
        {
            Database.Dispose();
            _source.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    [Fact]
    public void Import_AllThatIsShared_LosesNothing()
    {
        Assert.Equal(0, everything.Result.Malformed);
        Assert.Equal(33_957, everything.Result.Read);
        Assert.Equal(everything.Result.Read, everything.Result.Info.Records + everything.Result.Withdrawn);
        Assert.All(["AlmaLinux:8", "Alpine:v3.11", "CRAN", "Debian:11", "Go", "Hackage", "Maven", "NuGet", "Packagist", "PyPI", "RubyGems", "crates.io", "npm"],
            ecosystem => Assert.True(everything.Database.Covers(ecosystem), ecosystem));
        Assert.Contains("CVE-2022-4415", Assert.Single(everything.Database.FindById("ALSA-2023:0954")).Upstream);
        everything.Database.Verify(TestContext.Current.CancellationToken);
    }

    [Theory]
    [Trait("needs", "host")]
    [InlineData("PyPI", "pypi", 5000)]
    [InlineData("npm", "npm", 1500)]
    [InlineData("crates.io", "cargo", 1000)]
    [InlineData("Go", "golang", 5000)]
    [InlineData("RubyGems", "gem", 2000)]
    [InlineData("NuGet", "nuget", 50)]
    [InlineData("Maven", "maven", 1000)]
    [InlineData("Packagist", "composer", 2000)]
    public void Match_VersionsAroundEveryEvent_AgreesWithTheOracleBothWays(string ecosystem, string type, int atLeast)
    {
        // Debian's own python3: python3-packaging is installed for it.
        string[] expected = Tool.Run("/usr/bin/python3", [Repository.At("tests", "oracle", "language-expected"), ecosystem, SharedData.At("osv", ecosystem, "all.zip")])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        List<InstalledPackage> packages = [];
        foreach (string line in expected.Select(l => l[..l.LastIndexOf('\t')]).Distinct())
            packages.Add(Images.Language(type, line[..line.IndexOf('\t', StringComparison.Ordinal)], line[(line.IndexOf('\t', StringComparison.Ordinal) + 1)..], $"app/{packages.Count}"));

        MatchResult result = Images.Match(new Inventory { Packages = packages }, everything.Database, DateTimeOffset.UnixEpoch);

        HashSet<string> found = [.. result.Findings.Select(f => $"{f.Package.Package.Name}\t{f.Package.Package.Version}\t{f.Id}")];
        HashSet<string> wanted = [.. expected.Where(l => !l.EndsWith("\t-", StringComparison.Ordinal))];
        Assert.Empty(wanted.Except(found).Order(StringComparer.Ordinal).Take(10));
        Assert.Empty(found.Except(wanted).Order(StringComparer.Ordinal).Take(10));
        Assert.True(wanted.Count >= atLeast && expected.Length > wanted.Count, $"{wanted.Count} of {expected.Length}");
        Assert.Empty(result.Gaps);
        Assert.Empty(result.Notes);
    }
}
