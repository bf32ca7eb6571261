using System.Text;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Sources;

/// <summary>What a host takes along of a repository for one image, and how it is kept.</summary>
public sealed class EvidenceFetchTests : IDisposable
{
    private static readonly byte[] Config = """{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"""u8.ToArray();

    private readonly MemoryStore _store = new() { Name = "registry.example/prod/web" };
    private readonly ISigner _signer = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
    private readonly TempFolder _folder = new();
    private readonly Digest _config = Digest.Of(Config), _manifest;

    public EvidenceFetchTests() => _manifest = Manifest(_config);

    public void Dispose()
    {
        _signer.Dispose();
        _folder.Dispose();
    }

    private Digest Manifest(Digest config, string more = "") => _store.Manifest($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{"mediaType":"{{MediaTypes.OciConfig}}","digest":"{{config}}","size":11},"layers":[]{{more}}}""");

    private Digest Index(params (string Architecture, Digest Manifest)[] images) => _store.Manifest(
        $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', images.Select(i => $$"""{"mediaType":"{{MediaTypes.OciManifest}}","digest":"{{i.Manifest}}","size":{{_store.Manifests[i.Manifest].Length}},"platform":{"os":"linux","architecture":"{{i.Architecture}}"} }"""))}}]}""");

    private EvidenceFetch Fetch(Digest root, FetchLimits? limits = null, Func<Digest, bool>? has = null) =>
        EvidenceFetch.Run(new OpenedSource(_store, null), root, Config, has ?? (_ => false), limits ?? FetchLimits.Default, TestContext.Current.CancellationToken);

    private void Sign(Digest manifest) => new EvidenceWriter(_store).AddSignature(manifest, new SimpleSigning { Reference = _store.Name, Manifest = manifest }, _signer, CancellationToken.None);

    /// <summary>A measurement that names a list of files, in a store of what was measured.</summary>
    private MeasuredContent Measured(Digest manifest, int bytes)
    {
        byte[] list = Encoding.UTF8.GetBytes(new string('f', bytes));
        MeasuredContent files = new(FileList.MediaType, _store.Blob(list), list.Length);
        Measurement measurement = new(_config, [new LayerMeasurement(Digest.Of("chain"u8), Digest.Of("diff"u8), null, 10240, Digest.Parse("sha384:" + new string('a', 96)))]);
        Statement statement = new MeasurementPredicate(measurement, DateTimeOffset.UnixEpoch.AddYears(56), "0.1.0", files, null).ToStatement(new ImageDigests(null, manifest, _config));
        new EvidenceWriter(_store).AddBundle(new SubjectDescriptor(MediaTypes.OciManifest, manifest, _store.Manifests[manifest].Length),
            SigstoreBundle.Of(DsseSigning.Sign(Statement.PayloadType, statement.ToJson(), _signer), _signer.PublicKey), MeasurementPredicate.Type, DateTimeOffset.UnixEpoch, CancellationToken.None);
        return files;
    }

    [Fact]
    public void Fetch_Manifest_TakesWhatHangsOnItAndTheListOfFiles()
    {
        Sign(_manifest);
        MeasuredContent files = Measured(_manifest, 100);

        EvidenceFetch fetch = Fetch(_manifest);

        Assert.Equal((1, 1, 2, 0), (fetch.Found.Evidence.Signatures.Count, fetch.Found.Evidence.Attestations.Count, fetch.Found.Count, fetch.Found.Evidence.Gaps.Count));
        Assert.Equal(files.Digest, Assert.Single(fetch.Contents).Digest);
        Assert.Equal((_manifest, 0), (fetch.Found.Link()!.Manifest, fetch.Found.Link()!.Indexes.Count));
        // What is here already is not fetched again, nor what is longer than a list may be.
        Assert.Empty(Fetch(_manifest, has: d => d == files.Digest).Contents);
        Assert.Single(Fetch(_manifest, new FetchLimits { MaxContentBytes = 100 }).Contents);
        Assert.Empty(Fetch(_manifest, new FetchLimits { MaxContentBytes = 99 }).Contents);
    }

    [Fact]
    public void Fetch_Index_TakesTheImagesOwnManifestAndTheIndex()
    {
        Digest other = Manifest(Digest.Of("other"u8)), index = Index(("arm64", other), ("amd64", _manifest));
        Sign(index);
        Sign(_manifest);
        Sign(other);

        EvidenceFetch fetch = Fetch(index);

        Assert.Equal([_manifest, index], fetch.Found.Evidence.Signatures.Select(s => s.Attached));
        Assert.Equal(_manifest, fetch.Found.Link()!.Manifest);
        Assert.Equal([index], fetch.Found.Link()!.Indexes);
    }

    [Fact]
    public void Fetch_ManifestsBeyondTheLimit_AreNotLookedAt()
    {
        Digest[] others = [.. Enumerable.Range(0, 3).Select(i => Manifest(Digest.Of(Encoding.UTF8.GetBytes($"{i}"))))];
        Digest index = Index([.. others.Select(o => ("amd64", o)), ("amd64", _manifest)]);
        Assert.Equal(_manifest, Fetch(index, new FetchLimits { MaxManifests = 4 }).Found.Link()!.Manifest);
        Assert.Contains("lists none of its first 3", Assert.Throws<ImageException>(() => Fetch(index, new FetchLimits { MaxManifests = 3 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fetch_AnotherImagesManifest_IsRefused()
    {
        Digest other = Manifest(Digest.Of("other"u8));
        Sign(other);
        Assert.Equal(ImageError.NotFound, Assert.Throws<ImageException>(() => Fetch(other)).Error);
        Assert.Equal(ImageError.NotFound, Assert.Throws<ImageException>(() => Fetch(Index(("amd64", other)))).Error);
        Assert.Contains("does not have", Assert.Throws<ImageException>(() => Fetch(Digest.Of("gone"u8))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fetch_RegistryFailsOnTheWay_IsNoAnswer()
    {
        Sign(_manifest);
        _store.Referrers = _ => throw new ImageException(ImageError.PeerFailed, "registry.example: reset");
        Assert.Contains("reset", Assert.Throws<ImageException>(() => Fetch(_manifest)).Message, StringComparison.Ordinal);
        // What is there and makes no sense is an answer, which says so.
        _store.Referrers = _ => throw new ImageException(ImageError.LimitExceeded, "more than 1000 referrers");
        Assert.Equal(["too-many-signatures"], Fetch(_manifest).Found.Evidence.Gaps.Select(g => g.Code));
    }

    [Fact]
    public void Fetch_MoreBytesThanAnImageMayHave_IsAGap()
    {
        Sign(_manifest);
        Measured(_manifest, 100);
        Assert.Contains("too-many-bytes", Fetch(_manifest, new FetchLimits { Evidence = new EvidenceLimits { MaxTotalBytes = 1000 } }).Found.Evidence.Gaps.Select(g => g.Code));
    }

    [Fact]
    public void Kept_Fetched_IsReadBackAsItWas()
    {
        Digest index = Index(("amd64", _manifest));
        Sign(_manifest);
        Measured(_manifest, 100);
        FetchedEvidence found = Fetch(index).Found with { Evidence = Fetch(index).Found.Evidence with { Gaps = [new EvidenceGap("more-gaps", "one \"more\"")] } };

        FetchedEvidence back = FetchedEvidence.Parse(found.ToJson(), "file");

        Assert.Equal(Encoding.UTF8.GetString(found.ToJson()), Encoding.UTF8.GetString(back.ToJson()));
        Assert.Equal((found.Source, found.Root, found.Config, found.Count), (back.Source, back.Root, back.Config, back.Count));
        Assert.Equal(found.Evidence.Gaps, back.Evidence.Gaps);
        Assert.Equal(index, Assert.Single(back.Link()!.Indexes));
    }

    [Fact]
    public void Link_BytesThatDoNotNameOneAnother_ProveNothing()
    {
        Digest index = Index(("amd64", _manifest)), other = Manifest(Digest.Of("other"u8)), elsewhere = Index(("amd64", other));
        FetchedEvidence Of(params Digest[] chain) => new() { Source = "s", Root = index, Config = _config, Manifests = [.. chain.Select(d => (ReadOnlyMemory<byte>)_store.Manifests[d])] };
        Assert.NotNull(Of(_manifest, index).Link());
        Assert.Null(Of(other).Link());
        Assert.Null(Of(index, _manifest).Link());
        Assert.Null(Of().Link());
        // The index does not list it; the manifest is still this image's.
        Assert.Equal((_manifest, 0), (Of(_manifest, elsewhere).Link()!.Manifest, Of(_manifest, elsewhere).Link()!.Indexes.Count));
        Assert.Null((Of() with { Manifests = ["no json"u8.ToArray()] }).Link());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"fetched":2}""")]
    [InlineData("""{"fetched":1,"source":null,"root":"x","config":"x","manifests":[],"signatures":[],"statements":[],"gaps":[]}""")]
    [InlineData("""{"fetched":1,"fetched":1}""")]
    public void Parse_OfAnotherForm_IsRefused(string json) => Assert.Throws<FormatException>(() => FetchedEvidence.Parse(Encoding.UTF8.GetBytes(json), "file"));

    [Fact]
    public void Folder_Image_FindsItsOwnUntilItIsSwept()
    {
        Sign(_manifest);
        MeasuredContent files = Measured(_manifest, 100);
        EvidenceFetch fetch = Fetch(_manifest);
        FetchedFolder folder = new(_folder.Path);
        Digest other = Digest.Of("other"u8);
        Assert.Empty(folder.Find(_config, folder.Stamp(_config)));

        Assert.True(folder.Put(fetch.Found, fetch.Contents));
        Assert.False(folder.Put(fetch.Found, []));

        string stamp = folder.Stamp(_config);
        Assert.Equal(2, Assert.Single(folder.Find(_config, stamp)).Count);
        Assert.Equal(100, folder.FindContent(_config, files)!.Length);
        Assert.Null(folder.FindContent(_config, files with { Size = 99 }));
        Assert.Null(folder.FindContent(other, files));
        string content = Assert.Single(Directory.GetFiles(_folder.Path, "*.content"));
        byte[] whole = File.ReadAllBytes(content);
        File.WriteAllBytes(content, [.. whole[..^1], (byte)(whole[^1] ^ 1)]);
        Assert.Null(folder.FindContent(_config, files));
        File.WriteAllBytes(content, whole);
        Assert.Equal(("", 0), (folder.Stamp(other), folder.Find(other, folder.Stamp(other)).Count));
        Assert.Equal([_config], folder.Images());
        Assert.All(Directory.GetFiles(_folder.Path), f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
        // Of two repositories both count; of one the newer.
        Assert.True(folder.Put(fetch.Found with { Source = "mirror.example/web" }, []));
        Assert.True(folder.Put(fetch.Found with { Evidence = new Evidence() }, []));
        Assert.NotEqual(stamp, folder.Stamp(_config));
        Assert.Equal([0, 2], folder.Find(_config, folder.Stamp(_config)).Select(f => f.Count).Order());

        File.WriteAllText(Path.Combine(_folder.Path, ".interrupted"), "");
        folder.Sweep(new HashSet<Digest> { other, _config });
        Assert.Equal(3, Directory.GetFiles(_folder.Path).Length);
        folder.Sweep(new HashSet<Digest> { other });
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Folder_DamagedFileOrAnotherImages_IsAsIfItWereNotThere()
    {
        FetchedFolder folder = new(_folder.Path);
        EvidenceFetch fetch = Fetch(_manifest);
        folder.Put(fetch.Found, []);
        string path = Assert.Single(Directory.GetFiles(_folder.Path));
        byte[] json = File.ReadAllBytes(path);
        Digest other = Digest.Of("other"u8);
        File.WriteAllBytes(Path.Combine(_folder.Path, $"{other.Hex}.0123456789abcdef.json"), json);
        Assert.Empty(folder.Find(other, folder.Stamp(other)));

        File.WriteAllBytes(path, json[..^1]);
        Assert.Empty(folder.Find(_config, folder.Stamp(_config)));
    }

    [Fact]
    public void Folder_Full_KeepsWhatItHas()
    {
        FetchedFolder folder = new(_folder.Path);
        EvidenceFetch fetch = Fetch(_manifest);
        folder.Put(fetch.Found, []);
        for (int i = 1; i < FetchedFolder.MaxFiles; i++)
            File.WriteAllBytes(Path.Combine(_folder.Path, $"{i}.content"), []);
        Assert.Contains("MaxFiles", Assert.Throws<IOException>(() => folder.Put(fetch.Found with { Source = "other.example/web" }, [])).Message, StringComparison.Ordinal);
        // One that is there is replaced all the same.
        Assert.True(folder.Put(fetch.Found with { Evidence = new Evidence { Gaps = [new EvidenceGap("more-gaps", "x")] } }, []));
        File.Delete(Path.Combine(_folder.Path, "1.content"));
        using (FileStream large = File.Create(Path.Combine(_folder.Path, "2.content")))
            large.SetLength(FetchedFolder.MaxBytes - 100);
        Assert.Contains("MaxBytes", Assert.Throws<IOException>(() => folder.Put(fetch.Found with { Source = "other.example/web" }, [])).Message, StringComparison.Ordinal);
    }
}
