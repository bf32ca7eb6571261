using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Vulnerabilities.Database;

public sealed class StarterSetTests
{
    [Fact]
    public void Info_Always_IsNoDatabase()
    {
        using StarterSet starter = new();
        Assert.False(starter.Info.IsDatabase);
        Assert.InRange(starter.Info.Records, 50, 80);
        Assert.Equal(["Alpine", "Debian", "Maven", "PyPI", "npm"], starter.Info.Ecosystems);
    }

    [Fact]
    public void Find_Heartbleed_IsThere()
    {
        using StarterSet starter = new();
        Affected heartbleed = starter.Find("Debian:7", "openssl").Single(a => a.Advisory.Upstream.Contains("CVE-2014-0160"));
        Assert.Equal(("starter", "1.0.1e-2+deb7u5"), (heartbleed.Advisory.Source, heartbleed.Ranges[0].Events[1].Version));
        Assert.Single(starter.FindById("CVE-2021-44228"));
    }

    [Fact]
    [Trait("needs", "shared")]
    public async Task All_WhereSharedAdvisoriesSpeakOfTheSame_AgreesWithThem()
    {
        using OsvSource source = new();
        await DatabaseUpdate.RunAsync(new UpdateOptions { DatabasePath = source.Database, Source = SharedData.At("osv") }, null, TestContext.Current.CancellationToken);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(source.Database);
        using StarterSet starter = new();
        int compared = 0;
        foreach (Affected mine in starter.All)
        {
            string cve = Assert.Single(mine.Advisory.Upstream);
            string[] fixedVersions = [.. database.Find(mine.Ecosystem, mine.Package)
                .Where(a => a.Advisory.Upstream.Contains(cve) || a.Advisory.Aliases.Contains(cve))
                .SelectMany(a => a.Ranges).SelectMany(r => r.Events).Where(e => e.Kind == "fixed").Select(e => e.Version)];
            if (fixedVersions.Length == 0)
                continue;
            Assert.All(mine.Ranges, range => Assert.Contains(range.Events.Single(e => e.Kind == "fixed").Version, fixedVersions));
            compared++;
        }
        Assert.True(compared > 200, $"only {compared} compared");
    }
}
