using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Keys;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Vulnerabilities.Database;

public sealed class DatabaseTransferTests : IDisposable
{
    private readonly OsvSource _source = new();
    private static CancellationToken Token => TestContext.Current.CancellationToken;
    private string File1 => Path.Combine(_source.Root, "one.plimsoll");
    private ISigner _key = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
    private string Far => Path.Combine(_source.Root, "far", "advisories.db");

    public void Dispose()
    {
        _source.Dispose();
        _key.Dispose();
    }

    private async Task PrepareAsync()
    {
        _source.With("Debian", "DSA-1", "bash", "5.1").Build();
        await UpdateAsync();
    }

    private Task UpdateAsync() => DatabaseUpdate.RunAsync(new UpdateOptions { DatabasePath = _source.Database, Source = _source.Folder }, null, Token);
    private DatabaseInfo Export() => DatabaseTransfer.Export(_source.Database, File1, _key, Token);
    private DatabaseInfo Import(OsvLimits? limits = null) => DatabaseTransfer.Import(Far, File1, [_key.PublicKey], "the key", limits ?? OsvLimits.Default, Token);
    private AdvisoryError Refused() => Assert.Throws<AdvisoryException>(() => Import()).Error;

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.EcdsaP384)]
    [InlineData(KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.Rsa)]
    public async Task Import_OfAnExport_GivesTheSameDatabase(KeyAlgorithm algorithm)
    {
        _key.Dispose();
        _key = KeyFile.Generate(algorithm);
        await PrepareAsync();
        Export();
        Import();
        Assert.Equal(await File.ReadAllBytesAsync(_source.Database, Token), await File.ReadAllBytesAsync(Far, Token));
        Assert.Equal(AdvisoryError.AlreadyInUse, Refused());
        Assert.Empty(Directory.GetFiles(_source.Root, "*.tmp-*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Import_OfAnExportWithEpss_AnswersAsBeforeAndKeepsTheTableAtTheNextUpdate()
    {
        await PrepareAsync();
        string table = Path.Combine(_source.Root, "epss.csv");
        await File.WriteAllTextAsync(table, "#model_version:v1,score_date:2026-09-29T12:00:22Z\ncve,epss,percentile\n"
            + string.Concat(Enumerable.Range(1, 300).Select(i => $"CVE-2021-{i},0.{i:000},0.5\n")), Token);
        await DatabaseUpdate.RunAsync(new UpdateOptions { DatabasePath = _source.Database, Source = _source.Folder, Epss = table }, null, Token);
        Export();

        DatabaseInfo taken = Import();

        Assert.Equal("2026-09-29T12:00:22Z", taken.EpssDate);
        using (AdvisoryDatabase far = AdvisoryDatabase.Open(Far))
        {
            Assert.Equal(new Epss(0.217, 0.5), far.FindEpss("CVE-2021-217"));
            far.Verify(Token);
        }
        await DatabaseUpdate.RunAsync(new UpdateOptions { DatabasePath = Far, Source = _source.Folder }, null, Token);
        using AdvisoryDatabase updated = AdvisoryDatabase.Open(Far);
        Assert.Equal(new Epss(0.001, 0.5), updated.FindEpss("CVE-2021-1"));
        Assert.NotEqual(await File.ReadAllBytesAsync(_source.Database, Token), await File.ReadAllBytesAsync(Far, Token));
    }

    /// <summary>Who can damage the database in use must not be able to bring back an old one with it.</summary>
    [Fact]
    public async Task Import_OlderThanADamagedDatabase_IsRefused()
    {
        await PrepareAsync();
        Export();
        byte[] old = await File.ReadAllBytesAsync(File1, Token);
        await UpdateAsync();
        Export();
        Import();
        byte[] now = await File.ReadAllBytesAsync(File1, Token);
        await File.WriteAllBytesAsync(Far, new byte[100], Token);
        await File.WriteAllBytesAsync(File1, old, Token);

        Assert.Equal(AdvisoryError.LowerCounter, Refused());
        await File.WriteAllBytesAsync(File1, now, Token);
        Import();
    }

    [Fact]
    public async Task Export_IntoASharedFolder_FollowsNoLinkLaidOutForTheDraft()
    {
        await PrepareAsync();
        string victim = Path.Combine(_source.Root, "victim");
        await File.WriteAllTextAsync(victim, "mine", Token);
        File.CreateSymbolicLink(File1 + ".tmp-packed", victim);
        File.CreateSymbolicLink(File1 + ".tmp-whole", victim);
        Export();

        Assert.Equal("mine", await File.ReadAllTextAsync(victim, Token));
    }

    [Fact]
    public async Task Import_AnyFlippedByte_IsRefused()
    {
        await PrepareAsync();
        Export();
        byte[] whole = await File.ReadAllBytesAsync(File1, Token);
        for (int at = 0; at < whole.Length; at += at < 1200 ? 1 : 37)
        {
            byte[] changed = [.. whole];
            changed[at] ^= 1;
            await File.WriteAllBytesAsync(File1, changed, Token);
            Assert.Contains(Refused(), new[] { AdvisoryError.Malformed, AdvisoryError.BadSignature, AdvisoryError.LimitExceeded, AdvisoryError.Truncated });
            Assert.False(File.Exists(Far));
        }
    }

    [Fact]
    public async Task Import_CutOrLengthened_IsRefused()
    {
        await PrepareAsync();
        Export();
        byte[] whole = await File.ReadAllBytesAsync(File1, Token);
        await File.WriteAllBytesAsync(File1, whole[..^1], Token);
        Assert.Equal(AdvisoryError.Truncated, Refused());
        await File.WriteAllBytesAsync(File1, [.. whole, 0], Token);
        Assert.Equal(AdvisoryError.Malformed, Refused());
        await File.WriteAllBytesAsync(File1, whole[..100], Token);
        Assert.Equal(AdvisoryError.Truncated, Refused());
    }

    [Fact]
    public async Task Import_LowerCounter_IsRefused()
    {
        await PrepareAsync();
        Export();
        string old = File1 + ".old";
        File.Move(File1, old);
        await UpdateAsync();
        Assert.Equal(2, Export().Counter);
        Assert.Equal(2, Import().Counter);
        File.Move(old, File1, overwrite: true);
        Assert.Equal(AdvisoryError.LowerCounter, Refused());
        using AdvisoryDatabase database = AdvisoryDatabase.Open(Far);
        Assert.Equal(2, database.Info.Counter);
    }

    [Fact]
    public async Task Import_OtherKey_IsRefused()
    {
        await PrepareAsync();
        Export();
        using ISigner other = KeyFile.Generate(KeyAlgorithm.EcdsaP256), third = KeyFile.Generate(KeyAlgorithm.Ed25519);
        Assert.Equal(AdvisoryError.BadSignature, Assert.Throws<AdvisoryException>(() => DatabaseTransfer.Import(Far, File1, [other.PublicKey, third.PublicKey], "ops", OsvLimits.Default, Token)).Error);
        Assert.Equal(1, DatabaseTransfer.Import(Far, File1, [other.PublicKey, _key.PublicKey], "ops", OsvLimits.Default, Token).Counter);
    }

    [Fact]
    public async Task Import_OneBytePastTheLimit_NamesIt()
    {
        await PrepareAsync();
        Export();
        long bytes = new FileInfo(_source.Database).Length;
        AdvisoryException e = Assert.Throws<AdvisoryException>(() => Import(new OsvLimits { MaxDatabaseBytes = bytes - 1 }));
        Assert.Equal(AdvisoryError.LimitExceeded, e.Error);
        Assert.Equal(1, Import(new OsvLimits { MaxDatabaseBytes = bytes }).Counter);
    }

    [Fact]
    public async Task Export_DamagedDatabase_IsNotSigned()
    {
        await PrepareAsync();
        byte[] bytes = await File.ReadAllBytesAsync(_source.Database, Token);
        int at = bytes.AsSpan().IndexOf("DSA-1"u8);
        bytes[at + 4] = (byte)'2';
        await File.WriteAllBytesAsync(_source.Database, bytes, Token);
        Assert.Equal(AdvisoryError.Corrupt, Assert.Throws<AdvisoryException>(() => Export()).Error);
        Assert.False(File.Exists(File1));
    }
}
