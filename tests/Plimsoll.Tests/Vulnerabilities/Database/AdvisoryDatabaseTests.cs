using System.Buffers.Binary;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Vulnerabilities.Database;

public sealed class AdvisoryDatabaseTests : IDisposable
{
    private readonly OsvSource _source = new();
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _source.Dispose();

    private async Task<byte[]> MakeAsync(int records)
    {
        for (int i = 0; i < records; i++)
            _source.With("Debian", $"DSA-{i}", $"p{i % 50}", $"{i}");
        _source.Build();
        await DatabaseUpdate.RunAsync(new UpdateOptions { DatabasePath = _source.Database, Source = _source.Folder }, null, Token);
        return await File.ReadAllBytesAsync(_source.Database, Token);
    }

    [Fact]
    public void Open_Nothing_IsNotFound() =>
        Assert.Equal(AdvisoryError.NotFound, Assert.Throws<AdvisoryException>(() => AdvisoryDatabase.Open(_source.Database)).Error);

    [Fact]
    public async Task FindAffected_RecordOfSeveralPackagesAndSources_GivesEachElementOnce()
    {
        const string element = """{"package":{"ecosystem":"Debian:11","name":"bash"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"5"}]}]}""";
        string record = $$"""{"id":"X-1","modified":"2025-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"z"},"versions":["1"]},{{element}},{"package":{"ecosystem":"Debian:12","name":"bash"},"versions":["2"]},{{element.Replace("\"5\"", "\"7\"", StringComparison.Ordinal)}}]}""";
        _source.WithText("Debian", "x.json", record).WithText("npm", "x.json", record);
        await MakeAsync(100);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);

        IReadOnlyList<Advisory> both = database.FindById("X-1");

        Assert.Equal(["Debian", "npm"], both.Select(a => a.Source).Order(StringComparer.Ordinal));
        Assert.Equal(["Debian:11 bash 5", "Debian:11 bash 7", "Debian:12 bash "], database.FindAffected(both.Single(a => a.Source == "Debian"))
            .Select(a => $"{a.Ecosystem} {a.Package} {(a.Ranges.Count > 0 ? a.Ranges[0].Events[1].Version : "")}"));
        Assert.Equal("z", Assert.Single(database.FindAffected(both.Single(a => a.Source == "npm"))).Package);
        for (int i = 0; i < 100; i++)
            Assert.Equal($"p{i % 50}", Assert.Single(database.FindAffected(Assert.Single(database.FindById($"DSA-{i}")))).Package);
        Assert.Empty(database.FindAffected(both[0] with { Id = "Y-1" }));
        database.Verify(Token);
    }

    [Fact]
    public async Task Open_NewerSchema_IsNamed()
    {
        byte[] bytes = await MakeAsync(1);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(60), AdvisoryDatabase.SchemaVersion + 1);
        await File.WriteAllBytesAsync(_source.Database, bytes, Token);
        Assert.Equal(AdvisoryError.NewerSchema, Assert.Throws<AdvisoryException>(() => AdvisoryDatabase.Open(_source.Database)).Error);
        // An update by an older program would throw the newer one's work away.
        Assert.Equal(AdvisoryError.NewerSchema, (await Assert.ThrowsAsync<AdvisoryException>(() =>
            DatabaseUpdate.RunAsync(new UpdateOptions { DatabasePath = _source.Database, Source = _source.Folder }, null, Token))).Error);
    }

    [Fact]
    public async Task Open_Truncated_IsCorrupt()
    {
        byte[] bytes = await MakeAsync(100);
        foreach (int length in new[] { 0, 99, 4096, bytes.Length - 1, bytes.Length - 4096 })
        {
            await File.WriteAllBytesAsync(_source.Database, bytes[..length], Token);
            Assert.Equal(AdvisoryError.Corrupt, Assert.Throws<AdvisoryException>(() => AdvisoryDatabase.Open(_source.Database)).Error);
        }
    }

    [Fact]
    public async Task Find_AnyDamagedByte_GivesTheRightAnswerOrAnError()
    {
        byte[] bytes = await MakeAsync(120);
        Random random = new(7);
        int errors = 0;
        for (int round = 0; round < 1500; round++)
        {
            byte[] changed = [.. bytes];
            changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(_source.Database, changed, Token);
            try
            {
                using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);
                for (int p = 0; p < 52; p += 3)
                {
                    string[] wanted = [.. Enumerable.Range(0, 120).Where(i => i % 50 == p).Select(i => $"DSA-{i}").Order(StringComparer.Ordinal)];
                    IReadOnlyList<Affected> found = database.Find("Debian:11", $"p{p}");
                    // Fetched here, so that what a record's own damage throws is told from a wrong answer.
                    string[] ids = [.. found.Select(a => a.Advisory.Id)];
                    Assert.Equal(wanted, ids);
                    Assert.All(found, a => Assert.Equal(a.Advisory.Id[4..], a.Ranges[0].Events[1].Version));
                    Assert.Single(database.FindById($"CVE-DSA-{p}"));
                }
            }
            catch (AdvisoryException e)
            {
                Assert.Equal(AdvisoryError.Corrupt, e.Error);
                errors++;
            }
        }
        Assert.InRange(errors, 100, 1500);
    }

    [Fact]
    public async Task Open_PathWithSignsOfUris_Works()
    {
        await MakeAsync(3);
        string odd = Path.Combine(_source.Root, "a %41?#b.db");
        File.Copy(_source.Database, odd);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(odd);
        Assert.Single(database.Find("Debian:11", "p2"));
    }

    [Fact]
    public async Task Find_FromManyThreads_AnswersEach()
    {
        await MakeAsync(200);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);
        Parallel.For(0, 2000, i => Assert.Equal(4, database.Find("Debian:11", $"p{i % 50}").Count));
    }
}
