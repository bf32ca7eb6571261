using System.IO.Compression;
using System.Text;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Vulnerabilities.Database;

public sealed class DatabaseUpdateTests : IDisposable
{
    private readonly OsvSource _source = new();
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _source.Dispose();

    private UpdateOptions Options => new() { DatabasePath = _source.Database, Source = _source.Folder };

    private Task<UpdateResult> Update(UpdateOptions? options = null) => DatabaseUpdate.RunAsync(options ?? Options, null, Token);

    private async Task<AdvisoryException> Refused(AdvisoryError error, UpdateOptions? options = null)
    {
        byte[]? before = File.Exists(_source.Database) ? await File.ReadAllBytesAsync(_source.Database, Token) : null;
        AdvisoryException e = await Assert.ThrowsAsync<AdvisoryException>(() => Update(options));
        Assert.Equal(error, e.Error);
        Assert.Equal(before, File.Exists(_source.Database) ? await File.ReadAllBytesAsync(_source.Database, Token) : null);
        string folder = Path.GetDirectoryName(_source.Database)!;
        if (Directory.Exists(folder))
            Assert.Empty(Directory.GetFiles(folder, "*.tmp-*"));
        return e;
    }

    [Fact]
    public async Task Run_TwoEcosystems_AnswersByPackageAndId()
    {
        _source.With("Debian", "DSA-2-1", "openssl", "1.1-2").With("Debian", "DSA-1-1", "openssl", "1.1-1").With("Debian", "DSA-3-1", "openssl", "2.0", "12")
            .With("Alpine", "ALPINE-1", "openssl", "1.1.1n-r0", "v3.15").Build();

        UpdateResult result = await Update();

        Assert.Equal(4, result.Info.Records);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);
        Assert.Equal(["DSA-1-1", "DSA-2-1"], database.Find("Debian:11", "openssl").Select(a => a.Advisory.Id));
        Assert.Equal(new RangeEvent("fixed", "1.1-1"), database.Find("Debian:11", "openssl")[0].Ranges[0].Events[1]);
        Assert.Empty(database.Find("Debian:11", "openss"));
        Assert.Empty(database.Find("Debian:1", "1openssl"));
        Assert.True(database.Covers("Alpine:v3.15"));
        Assert.False(database.Covers("Alpine:v3.16"));
        Assert.Equal("DSA-3-1", Assert.Single(database.FindById("CVE-DSA-3-1")).Id);
        Assert.Equal("Alpine", Assert.Single(database.FindById("ALPINE-1")).Source);
        Assert.Empty(database.FindById("CVE-DSA-4-1"));
        database.Verify(Token);
    }

    [Fact]
    public async Task Run_SameSourceTwice_SameContentAndHigherCounter()
    {
        for (int i = 0; i < 300; i++)
            _source.With("Debian", $"DSA-{i}", $"p{i % 40}", $"{i}");
        _source.Build();
        DatabaseInfo first = (await Update()).Info, second = (await Update()).Info;
        Assert.Equal((1, 2), (first.Counter, second.Counter));
        Assert.Equal(first.Digest, second.Digest);
        File.Delete(_source.Database);
        Assert.Equal(3, (await Update()).Info.Counter);
    }

    [Fact]
    public async Task Run_OneEcosystemNamed_KeepsTheOthers()
    {
        _source.With("Debian", "DSA-1", "bash", "1").With("Alpine", "A-1", "musl", "2", "v3.15").With("Alpine", "A-2", "musl", "3", "v3.15").Build();
        await Update();
        _source.Clear().With("Debian", "DSA-9", "bash", "9").Build();

        UpdateResult result = await Update(Options with { Ecosystems = ["Debian"] });

        Assert.Equal(["Alpine"], result.Kept);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);
        Assert.Equal(["A-1", "A-2"], database.Find("Alpine:v3.15", "musl").Select(a => a.Advisory.Id));
        Assert.Equal("DSA-9", Assert.Single(database.Find("Debian:11", "bash")).Advisory.Id);
        Assert.Equal(2, database.Releases.Single(r => r.Name == "Alpine:v3.15").Records);
        database.Verify(Token);
    }

    [Fact]
    public async Task Run_WithdrawnRecord_IsIgnored()
    {
        _source.With("Debian", "DSA-1", "bash", "1").With("Debian", "DSA-2", "bash", "2", extra: "\"withdrawn\":\"2025-01-01T00:00:00Z\",").Build();
        Assert.Equal((1, 1), ((await Update()).Info.Records, 1));
        using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);
        Assert.Equal("DSA-1", Assert.Single(database.Find("Debian:11", "bash")).Advisory.Id);
    }

    [Fact]
    public async Task Run_FewMalformedRecords_AreCountedAndNamed()
    {
        for (int i = 0; i < 200; i++)
            _source.With("Debian", $"DSA-{i}", "bash", "1");
        _source.WithText("Debian", "broken.json", "{\"id\":").Build();
        UpdateResult result = await Update();
        Assert.Equal((1, 200), (result.Malformed, result.Info.Records));
        Assert.StartsWith("broken.json: ", Assert.Single(result.MalformedNames), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ManyMalformedRecords_LeavesTheDatabaseInUse()
    {
        await FirstAsync();
        _source.WithText("Debian", "broken.json", "[]").Build();
        Assert.Contains("broken.json", (await Refused(AdvisoryError.Malformed)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_TruncatedZip_LeavesTheDatabaseInUse()
    {
        await FirstAsync();
        byte[] whole = await File.ReadAllBytesAsync(_source.Zip("Debian"), Token);
        foreach (int length in new[] { 0, 10, whole.Length / 2, whole.Length - 1 })
        {
            await File.WriteAllBytesAsync(_source.Zip("Debian"), whole[..length], Token);
            await Refused(AdvisoryError.Truncated);
        }
    }

    [Fact]
    public async Task Run_AnyFlippedByteOfAZip_NeverGivesADifferentDatabase()
    {
        string digest = (await FirstAsync()).Digest;
        byte[] whole = await File.ReadAllBytesAsync(_source.Zip("Debian"), Token);
        for (int at = 0; at < whole.Length; at += 3)
        {
            byte[] changed = [.. whole];
            changed[at] ^= 0x40;
            await File.WriteAllBytesAsync(_source.Zip("Debian"), changed, Token);
            try
            {
                // Names and times of entries may differ without harm; content may not.
                Assert.Equal(digest, (await Update()).Info.Digest);
            }
            catch (AdvisoryException e)
            {
                Assert.Contains(e.Error, new[] { AdvisoryError.Malformed, AdvisoryError.Truncated, AdvisoryError.LimitExceeded, AdvisoryError.Empty });
            }
        }
    }

    [Fact]
    public async Task Run_ZipBomb_IsRefusedBeforeItUnpacks()
    {
        await FirstAsync();
        _source.WithText("Debian", "bomb.json", new string(' ', 3_000_000)).Build();
        Assert.Contains("MaxCompressionRatio", (await Refused(AdvisoryError.LimitExceeded)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_OneStepPastEachLimit_NamesTheLimit()
    {
        _source.With("Debian", "DSA-1", "bash", "1").With("Debian", "DSA-2", "bash", "2").Build();
        long zip = new FileInfo(_source.Zip("Debian")).Length;
        Assert.Contains("MaxEntries", (await Refused(AdvisoryError.LimitExceeded, Options with { Limits = new OsvLimits { MaxEntries = 1 } })).Message, StringComparison.Ordinal);
        Assert.Contains("MaxZipBytes", (await Refused(AdvisoryError.LimitExceeded, Options with { Limits = new OsvLimits { MaxZipBytes = zip - 1 } })).Message, StringComparison.Ordinal);
        Assert.Contains("MaxUncompressedBytes", (await Refused(AdvisoryError.LimitExceeded, Options with { Limits = new OsvLimits { MaxUncompressedBytes = 400 } })).Message, StringComparison.Ordinal);
        Assert.Contains("MaxRecordBytes", (await Refused(AdvisoryError.Malformed, Options with { Limits = new OsvLimits { MaxRecordBytes = 100 } })).Message, StringComparison.Ordinal);
        await Update(Options with { Limits = new OsvLimits { MaxEntries = 2, MaxZipBytes = zip } });
    }

    [Fact]
    public async Task Run_EmptyOrAbsentSource_LeavesTheDatabaseInUse()
    {
        await FirstAsync();
        using (FileStream file = File.Create(_source.Zip("Debian")))
        using (ZipArchive zip = new(file, ZipArchiveMode.Create))
            zip.CreateEntry("readme.txt");
        await Refused(AdvisoryError.Empty);
        await Refused(AdvisoryError.NotFound, Options with { Source = _source.Folder + "/no" });
        await Refused(AdvisoryError.NotFound, Options with { Ecosystems = ["Ubuntu"] });
        await Refused(AdvisoryError.Usage, Options with { Ecosystems = ["../Debian"] });
    }

    [Fact]
    public async Task Run_OlderSource_IsRefusedUnlessAllowed()
    {
        await FirstAsync();
        _source.Clear().With("Debian", "DSA-0", "bash", "1", modified: "2024-12-31T23:59:59Z").Build();
        await Refused(AdvisoryError.Older);
        Assert.Equal(1, (await Update(Options with { AllowOlder = true })).Info.Records);
    }

    [Fact]
    public async Task Run_CancelledInTheMiddle_LeavesTheDatabaseInUse()
    {
        await FirstAsync();
        for (int i = 0; i < 2000; i++)
            _source.With("Debian", $"DSA-{i}", $"p{i}", $"{i}");
        _source.Build();
        byte[] before = await File.ReadAllBytesAsync(_source.Database, Token);
        foreach (string step in new[] { "read", "write" })
        {
            using CancellationTokenSource stop = new();
            Cancelling progress = new(step, stop);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => DatabaseUpdate.RunAsync(Options, progress, stop.Token));
            Assert.Equal(before, await File.ReadAllBytesAsync(_source.Database, Token));
            Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_source.Database)!, "*.tmp-*"));
        }
    }

    [Fact]
    public async Task Run_WhileAnotherRuns_IsBusy()
    {
        await FirstAsync();
        using (UpdateLock.Take(_source.Database))
            Assert.Equal(AdvisoryError.Busy, (await Assert.ThrowsAsync<AdvisoryException>(() => Update())).Error);
        await Update();
    }

    [Fact]
    public async Task Run_AfterADeadUpdate_RemovesWhatItLeft()
    {
        await FirstAsync();
        string left = _source.Database + ".tmp-db";
        await File.WriteAllTextAsync(left, "half", Token);
        await Update();
        Assert.False(File.Exists(left));
    }

    [Fact]
    public async Task Run_CorruptDatabaseInUse_IsReplacedAndSaysSo()
    {
        await FirstAsync();
        await File.WriteAllTextAsync(_source.Database, "no database", Token);
        UpdateResult result = await Update();
        Assert.Equal(2, result.Info.Counter);
        Assert.Equal("database-was-unusable", Assert.Single(result.Notes, n => n.Code != "ecosystem-absent").Code);
    }

    [Fact]
    public async Task Run_ZipOfMixedRecords_TakesTheDefaultEcosystems()
    {
        _source.With("Mix", "X-1", "p", "1").WithText("Mix", "d.json", """{"id":"DSA-1","affected":[{"package":{"ecosystem":"Debian:11","name":"bash"},"versions":["1"]},{"package":{"ecosystem":"GitHub Actions","name":"bash"},"versions":["1"]}]}""").Build();
        UpdateResult result = await Update(Options with { Source = _source.Zip("Mix") });
        Assert.Equal("Debian", Assert.Single(result.Replaced).Name);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);
        Assert.Equal(["1"], Assert.Single(database.Find("Debian:11", "bash")).Versions);
        Assert.False(database.Covers("GitHub Actions"));
        Assert.Contains("GitHub Actions", (await Refused(AdvisoryError.Empty, Options with { Source = _source.Zip("Mix"), Ecosystems = ["PyPI"] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_KevInTheFolder_IsTakenAndKept()
    {
        _source.With("Debian", "DSA-1", "bash", "1").Build();
        string kev = Path.Combine(_source.Folder, "kev");
        Directory.CreateDirectory(kev);
        await File.WriteAllTextAsync(Path.Combine(kev, "known_exploited_vulnerabilities.json"),
            """{"catalogVersion":"2025.08.25","vulnerabilities":[{"cveID":"CVE-2021-44228","dateAdded":"2021-12-10"}]}""", Token);
        await Update();
        Directory.Delete(kev, recursive: true);
        Assert.Equal("2025.08.25", (await Update()).Info.KevVersion);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);
        Assert.Equal("2021-12-10", database.FindKnownExploited("CVE-2021-44228"));
        Assert.Null(database.FindKnownExploited("CVE-2021-44229"));
    }

    [Fact]
    [Trait("needs", "shared")]
    public async Task Run_SharedAdvisories_HasTheCountsOfTheirReadme()
    {
        UpdateResult result = await Update(Options with { Source = SharedData.At("osv"), AllEcosystems = true });
        Dictionary<string, int> counts = result.Replaced.ToDictionary(e => e.Name, e => e.Records);
        Assert.Equal((6702, 2438, 5637, 35, 14, 765, 4922), (counts["Debian"], counts["Alpine"], counts["AlmaLinux"], counts["Hackage"], counts["CRAN"], counts["NuGet"], counts["npm"]));
        // 17 of Go, 10 of PyPI and 9 of crates.io are withdrawn.
        Assert.Equal((4302 - 17, 4503 - 10, 717 - 9), (counts["Go"], counts["PyPI"], counts["crates.io"]));
        Assert.Equal((0, 36), (result.Malformed, result.Withdrawn));
        Assert.Equal("2025.08.25", result.Info.KevVersion);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);
        Assert.Equal([1432, 1535, 871, 428, 1826, 1568], database.Releases.Where(r => r.Name.StartsWith("Debian:", StringComparison.Ordinal)).Select(r => r.Records));
        Assert.Equal("2021-12-10", database.FindKnownExploited("CVE-2021-44228"));
        database.Verify(Token);
    }

    private async Task<DatabaseInfo> FirstAsync()
    {
        _source.With("Debian", "DSA-1", "bash", "5.1-2").With("Debian", "DSA-2", "zlib", "1.2", "12").Build();
        return (await Update()).Info;
    }

    private sealed class Cancelling(string step, CancellationTokenSource stop) : IProgress<UpdateProgress>
    {
        public void Report(UpdateProgress value)
        {
            if (value.Step == step)
                stop.Cancel();
        }
    }

    private const string EpssText = "#model_version:v2026.06.15,score_date:2026-09-29T12:00:22Z\ncve,epss,percentile\nCVE-DSA-1,0.5,0.9\nCVE-1999-0001,0.03351,0.88255\n";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_Epss_IsStoredKeptAndAnswered(bool packed)
    {
        _source.With("Debian", "DSA-1", "bash", "1").Build();
        string file = Path.Combine(_source.Root, "epss");
        string text = EpssText.Replace("CVE-DSA-1,", "CVE-2020-1,", StringComparison.Ordinal) + string.Concat(Enumerable.Range(1, 500).Select(i => $"CVE-2021-{i},0.{i:000}0001,0.5\n"));
        using (FileStream to = File.Create(file))
        using (Stream stream = packed ? new GZipStream(to, CompressionLevel.Fastest) : to)
            stream.Write(Encoding.ASCII.GetBytes(text));
        DatabaseInfo first = (await Update(Options with { Epss = file })).Info;
        Assert.Equal("2026-09-29T12:00:22Z", first.EpssDate);
        // Not named again: the table in use stays, as does the content's digest.
        Assert.Equal(first.Digest, (await Update()).Info.Digest);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);
        Assert.Equal(new Epss(0.03351, 0.88255), database.FindEpss("CVE-1999-0001"));
        Assert.Equal(new Epss(0.5, 0.9), database.FindEpss("CVE-2020-1"));
        Assert.Equal(new Epss(0.0170001, 0.5), database.FindEpss("CVE-2021-17"));
        Assert.Null(database.FindEpss("CVE-2021-501"));
        database.Verify(Token);
    }

    [Fact]
    public async Task Run_OlderEpss_LeavesTheNewerOne()
    {
        _source.With("Debian", "DSA-1", "bash", "1").Build();
        string file = Path.Combine(_source.Root, "epss.csv");
        string text = EpssText.Replace("CVE-DSA-1,", "CVE-2020-1,", StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, text, Token);
        await Update(Options with { Epss = file });
        await File.WriteAllTextAsync(file, text.Replace("2026-09-29", "2026-09-28", StringComparison.Ordinal).Replace("0.5", "0.7", StringComparison.Ordinal), Token);
        UpdateResult older = await Update(Options with { Epss = file });
        Assert.Contains(older.Notes, n => n.Code == "epss-older");
        using (AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database))
            Assert.Equal(new Epss(0.5, 0.9), database.FindEpss("CVE-2020-1"));
        Assert.Equal("2026-09-28T12:00:22Z", (await Update(Options with { Epss = file, AllowOlder = true })).Info.EpssDate);
    }

    [Theory]
    [InlineData("")]
    [InlineData("cve,epss,percentile\nCVE-1999-0001,0.1,0.1\n")]
    [InlineData("#model_version:v1,score_date:yesterday\ncve,epss,percentile\nCVE-1999-0001,0.1,0.1\n")]
    [InlineData("#model_version:v1,score_date:2026-01-01\nCVE-1999-0001,0.1,0.1\n")]
    [InlineData("#model_version:v1,score_date:2026-01-01\ncve,epss,percentile\n")]
    [InlineData("#model_version:v1,score_date:2026-01-01\ncve,epss,percentile\nCVE-1999-0001,1.1,0.1\n")]
    [InlineData("#model_version:v1,score_date:2026-01-01\ncve,epss,percentile\nCVE-1999-0001,0.1\n")]
    [InlineData("#model_version:v1,score_date:2026-01-01\ncve,epss,percentile\nGHSA-x,0.1,0.1\n")]
    [InlineData("\u001f")]
    public async Task Run_MalformedEpss_ChangesNothing(string text)
    {
        _source.With("Debian", "DSA-1", "bash", "1").Build();
        await Update();
        string file = Path.Combine(_source.Root, "epss.csv");
        await File.WriteAllTextAsync(file, text, Token);
        await Refused(AdvisoryError.Malformed, Options with { Epss = file });
        await Refused(AdvisoryError.NotFound, Options with { Epss = file + "x" });
        await Refused(AdvisoryError.LimitExceeded, Options with { Epss = _source.Zip("Debian"), Limits = OsvLimits.Default with { MaxEpssBytes = 10 } });
    }

    [Fact]
    public async Task Run_LanguageRecords_AreFiledUnderTheNamesThatAreAskedFor()
    {
        _source.WithText("PyPI", "a.json", """{"id":"PYSEC-1","affected":[{"package":{"ecosystem":"PyPI","name":"Foo.Bar_baz"},"versions":["1"]}]}""")
            .WithText("NuGet", "b.json", """{"id":"GHSA-1","affected":[{"package":{"ecosystem":"NuGet","name":"Newtonsoft.Json"},"versions":["1"]}]}""")
            .WithText("Maven", "c.json", """{"id":"GHSA-2","affected":[{"package":{"ecosystem":"Maven:https://maven.google.com","name":"com.google:X"},"versions":["1"]}]}""").Build();
        await Update();
        using AdvisoryDatabase database = AdvisoryDatabase.Open(_source.Database);
        Assert.Single(database.Find("PyPI", "foo-BAR.baz"));
        Assert.Single(database.Find("NuGet", "newtonsoft.json"));
        Assert.Single(database.Find("Maven", "com.google:X"));
        Assert.Empty(database.Find("Maven", "com.google:x"));
        Assert.True(database.Covers("Maven"));
    }
}
