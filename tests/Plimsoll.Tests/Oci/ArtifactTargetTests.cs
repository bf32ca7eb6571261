using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;
using Plimsoll.Tests.Registry;

namespace Plimsoll.Tests.Oci;

/// <summary>What every place that artifacts are put in promises: a registry with and without lists of its own, a folder, a file.</summary>
public sealed class ArtifactTargetTests : IDisposable
{
    private static readonly byte[] Empty = "{}"u8.ToArray(), Layer = "a bundle"u8.ToArray();

    private readonly TempFolder _folder = new();
    private readonly ReferrersRegistry _new = new(), _old = new(referrers: false);

    public static TheoryData<string> Kinds => ["new", "old", "folder", "file"];

    private string TextOf(string kind) => kind switch
    {
        "new" => $"registry:{_new.Host}/a/b:1",
        "old" => $"{_old.Host}/a/b:1",
        "folder" => $"oci:{_folder.Path}/layout:1",
        _ => $"oci-archive:{_folder.Path}/bundle.tar:1",
    };

    private ImageOptions Options => RegistryFixture.Options(null, _new.Host, _old.Host);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private OpenedTarget Open(string kind) => ArtifactStores.OpenTarget(TextOf(kind), Options, Stop);

    private static Digest Put(IArtifactTarget target, byte[] blob)
    {
        target.PutBlob(Digest.Of(blob), blob.Length, new MemoryStream(blob), Stop);
        return Digest.Of(blob);
    }

    private static StoredManifest PutManifest(IArtifactTarget target, byte[] manifest, string? tag = null)
    {
        StoredManifest stored = new(Digest.Of(manifest), null, manifest);
        target.PutManifest(stored, tag, Stop);
        return stored;
    }

    private static StoredManifest PutImage(IArtifactTarget target, string? tag = "1", string text = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}")
    {
        byte[] config = Encoding.UTF8.GetBytes(text);
        Put(target, config);
        return PutManifest(target, ArtifactBuilder.CosignImage(config, MediaTypes.OciLayer), tag);
    }

    private static StoredManifest PutReferrer(IArtifactTarget target, StoredManifest subject, string layer = "a bundle")
    {
        Put(target, Empty);
        Put(target, Encoding.UTF8.GetBytes(layer));
        return PutManifest(target, ArtifactBuilder.Referrer(subject.Digest.ToString(), subject.Bytes.Length, Encoding.UTF8.GetBytes(layer), annotations: new JsonObject { ["a"] = "b" }));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Put_ImageAndReferrers_AreFoundByAnotherReader(string kind)
    {
        StoredManifest image, referrer;
        using (OpenedTarget target = Open(kind))
        {
            Assert.Null(target.Store.FindManifest("1", Stop));
            Assert.Empty(target.Store.ListTags(Stop));
            image = PutImage(target.Store);
            Assert.Empty(target.Store.ListReferrers(image.Digest, Stop));
            referrer = PutReferrer(target.Store, image);
            PutReferrer(target.Store, image, "another");
            PutReferrer(target.Store, referrer, "about a bundle");
        }

        using OpenedSource source = ArtifactStores.OpenSource(TextOf(kind), Options, Stop);
        StoredManifest found = source.GetManifest(Stop);
        Assert.Equal(image.Bytes.ToArray(), found.Bytes.ToArray());
        Assert.Equal(MediaTypes.OciManifest, found.MediaType);
        Assert.Equal(image.Bytes.ToArray(), source.Store.FindManifest(image.Digest.ToString(), Stop)!.Bytes.ToArray());
        IReadOnlyList<Descriptor> referrers = source.Store.ListReferrers(image.Digest, Stop);
        Assert.Equal(2, referrers.Count);
        Descriptor one = Assert.Single(referrers, r => r.Digest == referrer.Digest.ToString());
        Assert.Equal(ArtifactBuilder.BundleType, one.ArtifactType);
        Assert.Equal("b", one.Annotations!["a"]);
        Assert.Equal(referrer.Bytes.Length, one.Size);
        Assert.Single(source.Store.ListReferrers(referrer.Digest, Stop));
        using Stream blob = source.Store.OpenBlob(Digest.Of(Layer), Layer.Length, Stop);
        using MemoryStream read = new();
        blob.CopyTo(read);
        Assert.Equal(Layer, read.ToArray());
        Assert.Contains("1", source.Store.ListTags(Stop));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void PutBlob_OtherBytesThanItsDigest_StoresNothing(string kind)
    {
        using OpenedTarget target = Open(kind);
        Digest digest = Digest.Of(Layer);

        Assert.Equal(ImageError.DigestMismatch, Assert.Throws<ImageException>(() => target.Store.PutBlob(digest, 8, new MemoryStream("a bandle"u8.ToArray()), Stop)).Error);
        Assert.Equal(ImageError.SizeMismatch, Assert.Throws<ImageException>(() => target.Store.PutBlob(digest, 7, new MemoryStream(Layer), Stop)).Error);
        Assert.Equal(ImageError.SizeMismatch, Assert.Throws<ImageException>(() => target.Store.PutBlob(digest, 9, new MemoryStream(Layer), Stop)).Error);
        Assert.False(target.Store.HasBlob(digest, Stop));
        Assert.Equal(ImageError.BlobMissing, Assert.Throws<ImageException>(() => Read(target.Store, digest, Layer.Length)).Error);

        static void Read(IArtifactSource store, Digest digest, long size)
        {
            using Stream blob = store.OpenBlob(digest, size, Stop);
            blob.CopyTo(Stream.Null);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void PutManifest_BlobIsMissing_IsRefused(string kind)
    {
        using OpenedTarget target = Open(kind);
        byte[] manifest = ArtifactBuilder.CosignImage(Empty, MediaTypes.OciLayer, Layer);
        Put(target.Store, Empty);

        Assert.ThrowsAny<ImageException>(() => PutManifest(target.Store, manifest, "1"));
        Assert.Null(target.Store.FindManifest("1", Stop));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void PutManifest_SameTagOrSameReferrerAgain_StandsOnce(string kind)
    {
        using OpenedTarget target = Open(kind);
        StoredManifest first = PutImage(target.Store), second = PutImage(target.Store, "1", "{\"os\":\"linux\"}");
        PutReferrer(target.Store, second);
        PutReferrer(target.Store, second);

        Assert.NotEqual(first.Digest, second.Digest);
        Assert.Equal(second.Digest, target.Store.FindManifest("1", Stop)!.Digest);
        Assert.Single(target.Store.ListReferrers(second.Digest, Stop));
        Assert.Single(target.Store.ListTags(Stop), t => t == "1");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void PutManifest_WrongDigestOrNoManifest_IsNamed(string kind)
    {
        using OpenedTarget target = Open(kind);

        Assert.Equal(ImageError.DigestMismatch, Assert.Throws<ImageException>(() => target.Store.PutManifest(new StoredManifest(Digest.Of(Empty), null, Layer), null, Stop)).Error);
        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => PutManifest(target.Store, Layer)).Error);
        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => PutManifest(target.Store, Empty)).Error);
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("file")]
    public void GetManifest_NoTagNamed_IsTheImageAndNotWhatIsAttached(string kind)
    {
        StoredManifest image;
        using (OpenedTarget target = Open(kind))
        {
            image = PutImage(target.Store, null);
            PutReferrer(target.Store, image);
            PutImage(target.Store, ArtifactTags.Cosign(image.Digest, ArtifactTags.Signature), "{}");
        }
        string text = TextOf(kind)[..^2];

        using OpenedSource source = ArtifactStores.OpenSource(text, Options, Stop);
        Assert.Equal(image.Digest, source.GetManifest(Stop).Digest);
        using Image scanned = ImageSource.Open(text, Options, Stop);
        Assert.Equal(image.Digest, scanned.ManifestDigest);
    }

    [Fact]
    public void PutReferrer_ManyWritersAtOnce_LosesNone()
    {
        foreach (string kind in (string[])["old", "folder", "file"])
        {
            StoredManifest image;
            using (OpenedTarget target = Open(kind))
                image = PutImage(target.Store);
            Parallel.For(0, 6, new ParallelOptions { MaxDegreeOfParallelism = 3 }, i =>
            {
                using OpenedTarget target = Open(kind);
                PutReferrer(target.Store, image, $"bundle {i}");
            });
            using OpenedSource source = ArtifactStores.OpenSource(TextOf(kind), Options, Stop);
            Assert.Equal(6, source.Store.ListReferrers(image.Digest, Stop).Count);
        }
    }

    [Fact]
    public void FindManifest_IndexThatAnotherWroteMeanwhile_IsReadAnew()
    {
        using OpenedTarget writer = Open("folder");
        StoredManifest first = PutImage(writer.Store);
        // An hour later by this reader's clock, so that the file's times can be trusted and what was read once is kept.
        using OpenedSource reader = ArtifactStores.OpenSource(TextOf("folder"), Options with { Time = new Later() }, Stop);
        Assert.Equal(first.Digest, reader.Store.FindManifest("1", Stop)!.Digest);
        Assert.Equal(first.Digest, reader.Store.FindManifest("1", Stop)!.Digest);
        Assert.Empty(reader.Store.ListReferrers(first.Digest, Stop));

        StoredManifest second = PutImage(writer.Store, "1", "{\"architecture\":\"arm64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}");
        PutReferrer(writer.Store, first);

        Assert.Equal(second.Digest, reader.Store.FindManifest("1", Stop)!.Digest);
        Assert.Single(reader.Store.ListReferrers(first.Digest, Stop));
    }

    private sealed class Later : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddHours(1);
    }

    public void Dispose()
    {
        _new.Dispose();
        _old.Dispose();
        _folder.Dispose();
    }
}
