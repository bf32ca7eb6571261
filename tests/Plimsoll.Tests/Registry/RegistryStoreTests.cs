using System.Diagnostics;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.Registry;
using Plimsoll.Sources;
using Plimsoll.TestKit;
using static Plimsoll.Tests.Registry.RegistryFixture;

namespace Plimsoll.Tests.Registry;

/// <summary>Pushing to registries that take it, take parts of it, lie about it, send elsewhere and never answer.</summary>
public sealed class RegistryStoreTests
{
    private static readonly byte[] Blob = Noise(5500), Config = "{}"u8.ToArray();
    private static readonly Digest BlobDigest = Digest.Of(Blob);
    private static readonly RegistryLimits Parts = Quick with { UploadPartBytes = 1000, MinUploadPartBytes = 100 };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static OpenedTarget Open(string host, RegistryLimits? limits = null, Func<ImageOptions, ImageOptions>? with = null)
    {
        ImageOptions options = Options(limits, host);
        return ArtifactStores.OpenTarget($"registry:{host}/a/b:1", with?.Invoke(options) ?? options, Stop);
    }

    private static void Push(string host, RegistryLimits? limits = null, Func<ImageOptions, ImageOptions>? with = null)
    {
        using OpenedTarget target = Open(host, limits, with);
        target.Store.PutBlob(BlobDigest, Blob.Length, new MemoryStream(Blob), Stop);
    }

    private static ImageException Fails(string host, RegistryLimits? limits = null, Func<ImageOptions, ImageOptions>? with = null) =>
        Assert.Throws<ImageException>(() => Push(host, limits, with));

    private static void IsThere(ReferrersRegistry registry) => Assert.Equal(Blob, registry.Blobs("a/b")[BlobDigest.ToString()]);

    private static StoredManifest Manifest(OpenedTarget target, string? tag = "1")
    {
        target.Store.PutBlob(Digest.Of(Config), Config.Length, new MemoryStream(Config), Stop);
        byte[] bytes = ArtifactBuilder.CosignImage(Config, MediaTypes.OciLayer);
        StoredManifest manifest = new(Digest.Of(bytes), null, bytes);
        target.Store.PutManifest(manifest, tag, Stop);
        return manifest;
    }

    [Fact]
    public void PutBlob_SmallerThanAPart_IsOnePut()
    {
        using ReferrersRegistry registry = new();
        Push(registry.Host);
        IsThere(registry);
        Assert.DoesNotContain(registry.Requests, r => r.Method == "PATCH");
        int before = registry.Requests.Count;

        Push(registry.Host);
        // What is there is not sent again.
        Assert.Equal("HEAD", Assert.Single(registry.Requests.Skip(before)).Method);
    }

    [Fact]
    public void PutBlob_LongerThanAPart_GoesInParts()
    {
        using ReferrersRegistry registry = new();
        Push(registry.Host, Parts);

        IsThere(registry);
        Assert.Equal(6, registry.Requests.Count(r => r.Method == "PATCH"));
        Assert.Equal("1000-1999", registry.Requests.Where(r => r.Method == "PATCH").ElementAt(1).Header("content-range"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PutBlob_ConnectionBreaksInAPart_GoesOnWhereTheRegistryIs(bool taken)
    {
        ReferrersRegistry? self = null;
        int patches = 0;
        using ReferrersRegistry registry = new(first: r =>
        {
            if (r.Method != "PATCH" || ++patches is not (1 or 3))
                return null;
            // No answer; the bytes came or did not.
            if (taken)
                self!.Answer(r);
            return [];
        });
        self = registry;
        Push(registry.Host, Parts);

        IsThere(registry);
        Assert.Equal(taken ? 6 : 8, patches);
    }

    [Fact]
    public void PutBlob_RegistryKeepsHalfOfEachPart_SendsTheOtherHalf()
    {
        ReferrersRegistry? self = null;
        using ReferrersRegistry registry = new(first: r => r.Method != "PATCH" || r.Bytes.Length < 1000 ? null : self!.Answer(r with { Bytes = r.Bytes[..500] }));
        self = registry;
        Push(registry.Host, Parts);

        IsThere(registry);
    }

    [Theory]
    [InlineData("0-0")]
    [InlineData("0-99999")]
    [InlineData("0-9223372036854775807")]
    public void PutBlob_RegistryNeverGetsOn_EndsNamed(string range)
    {
        using ReferrersRegistry registry = new(first: r => r.Method == "PATCH" ? FakeRegistry.Answer(202, "", $"Location: {r.Path}", $"Range: {range}") : null);

        ImageException e = Fails(registry.Host, Parts with { MaxConnectionsPerBlob = 5 });
        Assert.NotEqual(ImageError.NotFound, e.Error);
        Assert.InRange(registry.Requests.Count(r => r.Method == "PATCH"), 1, 6);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PutBlob_RequestsAreLimited_GoesInSmallerParts(bool whole)
    {
        using ReferrersRegistry registry = new(first: r => r.Bytes.Length > 300 ? FakeRegistry.Answer(413, "<html>nginx</html>") : null);
        Push(registry.Host, whole ? Parts with { UploadPartBytes = 10_000 } : Parts);

        IsThere(registry);
    }

    [Fact]
    public void PutBlob_EverythingIsTooLong_IsNamedWithAHint()
    {
        using ReferrersRegistry registry = new(first: r => r.Bytes.Length > 0 ? FakeRegistry.Answer(413) : null);

        ImageException e = Fails(registry.Host, Parts);
        Assert.Equal(ImageError.LimitExceeded, e.Error);
        Assert.Contains("client_max_body_size", e.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(405)]
    [InlineData(404)]
    [InlineData(501)]
    public void PutBlob_RegistryTakesNoParts_GoesWhole(int status)
    {
        using ReferrersRegistry registry = new(first: r => r.Method == "PATCH" ? FakeRegistry.Answer(status) : null);
        Push(registry.Host, Parts);

        IsThere(registry);
        Assert.Equal(5500, registry.Requests.Single(r => r.Method == "PUT").Bytes.Length);
    }

    [Fact]
    public void TryMount_BlobOfAnotherRepository_IsTakenOverWithoutItsBytes()
    {
        using ReferrersRegistry registry = new();
        registry.PutBlob("c/d", Blob);
        using OpenedTarget target = Open(registry.Host);

        Assert.True(((RegistryStore)target.Store).TryMount(BlobDigest, "c/d", Stop));
        IsThere(registry);
        Assert.False(((RegistryStore)target.Store).TryMount(Digest.Of(Config), "c/d", Stop));
        int posts = registry.Requests.Count(r => r.Method == "POST");
        target.Store.PutBlob(Digest.Of(Config), Config.Length, new MemoryStream(Config), Stop);
        // The upload that the registry began in place of the mount is used.
        Assert.Equal(posts, registry.Requests.Count(r => r.Method == "POST"));
    }

    [Fact]
    public void PutBlob_PlaceOnAnotherHost_GetsTheBytesAndNoCredentials()
    {
        using ReferrersRegistry storage = new();
        ReferrersRegistry? self = null;
        using ReferrersRegistry registry = new(first: r => r.Header("authorization") is null ? FakeRegistry.Answer(401, "", "WWW-Authenticate: Basic realm=\"x\"")
            : r.Method == "POST" ? FakeRegistry.Answer(202, "", $"Location: http://{storage.Host}/v2/x/blobs/uploads/{Begin()}?sig=1&") : null);
        self = registry;

        string Begin()
        {
            string answer = Encoding.ASCII.GetString(storage.Answer(new FakeRequest("POST", "/v2/x/blobs/uploads/", new Dictionary<string, string>(), "")));
            return answer.Split("/uploads/")[1].Split('?')[0];
        }
        ImageException e = Fails(registry.Host, null, o => o.WithLogin(Login(registry.Host)));

        // The storage has it; the registry, which does not know, is believed when it says that it has nothing.
        Assert.Contains("says afterwards", e.Message, StringComparison.Ordinal);
        Assert.Equal(Blob, storage.Blobs("x")[BlobDigest.ToString()]);
        Assert.All(storage.Requests, r => Assert.Null(r.Header("authorization")));
        Assert.Contains(storage.Requests, r => r.Query("sig") == "1" && r.Query("digest") == BlobDigest.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("ftp://127.0.0.1/x")]
    [InlineData("http://u:p@127.0.0.1/x")]
    [InlineData("http://[")]
    public void PutBlob_PlaceIsNoAddress_IsPeerFailed(string? location)
    {
        using ReferrersRegistry registry = new(first: r => r.Method == "POST" ? FakeRegistry.Answer(202, "", location is null ? "X: y" : $"Location: {location}") : null);

        Assert.Equal(ImageError.PeerFailed, Fails(registry.Host).Error);
    }

    [Fact]
    public void PutBlob_RedirectToAnotherHost_LosesCredentials()
    {
        using ReferrersRegistry elsewhere = new(first: r => FakeRegistry.Answer(201));
        using ReferrersRegistry registry = new(first: r => r.Header("authorization") is null ? FakeRegistry.Answer(401, "", "WWW-Authenticate: Basic realm=\"x\"")
            : r.Method == "PUT" ? FakeRegistry.Answer(307, "", $"Location: http://{elsewhere.Host}/put") : null);

        Assert.Contains("says afterwards", Fails(registry.Host, null, o => o.WithLogin(Login(registry.Host))).Message, StringComparison.Ordinal);
        FakeRequest sent = Assert.Single(elsewhere.Requests);
        Assert.Equal(Blob, sent.Bytes);
        Assert.Null(sent.Header("authorization"));
    }

    [Theory]
    [InlineData("POST", 302)]
    [InlineData("PUT", 303)]
    public void PutBlob_RedirectThatChangesTheMethod_IsRefused(string method, int status)
    {
        using ReferrersRegistry elsewhere = new(first: _ => FakeRegistry.Answer(200));
        using ReferrersRegistry registry = new(first: r => r.Method == method ? FakeRegistry.Answer(status, "", $"Location: http://{elsewhere.Host}/x") : null);

        Assert.Equal(ImageError.PeerFailed, Fails(registry.Host).Error);
        Assert.Empty(elsewhere.Requests);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("HEAD")]
    public void PutBlob_ServerFailsTwice_IsTriedAgain(string method)
    {
        int failures = 0;
        using ReferrersRegistry registry = new(first: r => r.Method == method && failures++ < 2 ? FakeRegistry.Answer(failures == 1 ? 503 : 429, "", "Retry-After: 0") : null);
        Push(registry.Host);

        IsThere(registry);
    }

    [Fact]
    public void PutBlob_ServerFailsForEver_EndsAfterItsAttempts()
    {
        using ReferrersRegistry registry = new(first: r => r.Method == "PUT" ? FakeRegistry.Answer(500) : null);

        ImageException e = Fails(registry.Host, Quick with { MaxAttempts = 3 });
        Assert.Contains("(3 attempts)", e.Message, StringComparison.Ordinal);
        Assert.Equal(3, registry.Requests.Count(r => r.Method == "PUT"));
    }

    [Fact]
    public void PutBlob_AskedToWaitAnHour_SaysSo()
    {
        using ReferrersRegistry registry = new(first: r => r.Method == "POST" ? FakeRegistry.Answer(429, "", "Retry-After: 3600") : null);

        Assert.Contains("3600 s", Fails(registry.Host).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PutBlob_ServerNeverAnswers_EndsInBoundedTime()
    {
        using FakeRegistry registry = new(async (request, stream, stop) =>
        {
            if (request.Method == "PUT")
                await Task.Delay(Timeout.Infinite, stop);
            await stream.WriteAsync(request.Method == "HEAD" ? "HTTP/1.1 404 X\r\nConnection: close\r\n\r\n"u8.ToArray() : FakeRegistry.Answer(202, "", "Location: /u"), stop);
        });
        long start = Stopwatch.GetTimestamp();

        Assert.Contains("did not answer", Fails(registry.Host, Impatient).Message, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(15));
    }

    [Fact]
    public void PutBlob_TakenAndThenNotThere_IsPeerFailed()
    {
        using ReferrersRegistry registry = new(first: r => r.Method == "PUT" ? FakeRegistry.Answer(201) : null);

        Assert.Equal(ImageError.PeerFailed, Fails(registry.Host).Error);
    }

    [Theory]
    [InlineData("blobs")]
    [InlineData("manifests")]
    public void Put_RegistryStatesAnotherDigest_IsDigestMismatch(string what)
    {
        using ReferrersRegistry registry = new(first: r => r.Method == "PUT" && r.Path.Contains(what, StringComparison.Ordinal)
            ? FakeRegistry.Answer(201, "", $"Docker-Content-Digest: sha256:{new string('a', 64)}") : null);
        using OpenedTarget target = Open(registry.Host);

        Assert.Equal(ImageError.DigestMismatch, Assert.Throws<ImageException>(() => Manifest(target)).Error);
    }

    [Fact]
    public void PutManifest_TakenAndThenNotThere_IsPeerFailed()
    {
        using ReferrersRegistry registry = new(first: r => r.Method == "PUT" && r.Path.Contains("/manifests/", StringComparison.Ordinal) ? FakeRegistry.Answer(201) : null);
        using OpenedTarget target = Open(registry.Host);

        Assert.Contains("says afterwards", Assert.Throws<ImageException>(() => Manifest(target)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PutManifest_Bytes_ArriveAsTheyAre()
    {
        using ReferrersRegistry registry = new();
        using OpenedTarget target = Open(registry.Host);
        target.Store.PutBlob(Digest.Of(Config), Config.Length, new MemoryStream(Config), Stop);
        byte[] odd = [.. "{ \"schemaVersion\" : 2,\n\t"u8, .. ArtifactBuilder.CosignImage(Config, MediaTypes.OciLayer).AsSpan()[19..], .. "\n\n"u8];

        target.Store.PutManifest(new StoredManifest(Digest.Of(odd), null, odd), "1", Stop);
        Assert.Equal(odd, registry.Manifests("a/b")[Digest.Of(odd).ToString()]);
        Assert.Equal(MediaTypes.OciManifest, registry.Requests.Last(r => r.Method == "PUT").Header("content-type"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Bearer_Push_AsksForBothRightsOfThisRepositoryOnly(bool mount)
    {
        FakeRegistry? self = null;
        using ReferrersRegistry inner = new();
        inner.PutBlob("c/d", Blob);
        using FakeRegistry registry = new(async (r, stream, stop) => await stream.WriteAsync(
            r.Path == "/token" ? FakeRegistry.Answer(200, """{"token":"T0KEN"}""")
            : r.Header("authorization") != "Bearer T0KEN" ? FakeRegistry.Answer(401, "", $"WWW-Authenticate: Bearer realm=\"http://{self!.Host}/token\",service=\"s\",scope=\"repository:other/secret:*\"")
            : r.Method == "HEAD" ? Head(inner.Answer(r)) : inner.Answer(r), stop));
        self = registry;
        using OpenedTarget target = Open(registry.Host);

        if (mount)
            Assert.True(((RegistryStore)target.Store).TryMount(BlobDigest, "c/d", Stop));
        else
            target.Store.PutBlob(BlobDigest, Blob.Length, new MemoryStream(Blob), Stop);
        IsThere(inner);
        FakeRequest asked = Assert.Single(registry.Of("/token"));
        Assert.Contains("scope=repository%3Aa%2Fb%3Apull%2Cpush", asked.Target, StringComparison.Ordinal);
        Assert.Equal(mount, asked.Target.Contains("scope=repository%3Ac%2Fd%3Apull", StringComparison.Ordinal));
        Assert.DoesNotContain("secret", asked.Target, StringComparison.Ordinal);

        static byte[] Head(byte[] answer) => answer[..(answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4)];
    }

    [Fact]
    public void Bearer_RealmElsewhere_GetsNothing()
    {
        using FakeRegistry elsewhere = new((_, _, _) => Task.CompletedTask);
        using ReferrersRegistry registry = new(first: _ => FakeRegistry.Answer(401, "", $"WWW-Authenticate: Bearer realm=\"http://{elsewhere.Host}/token\",service=\"s\""));

        Assert.Equal(ImageError.AccessDenied, Fails(registry.Host, null, o => o.WithLogin(Login(registry.Host))).Error);
        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public void Push_ReadOnlyRegistry_IsAccessDenied()
    {
        using ReferrersRegistry registry = new(first: r => r.Method == "POST" ? FakeRegistry.Answer(405) : null);

        Assert.Equal(ImageError.AccessDenied, Fails(registry.Host).Error);
    }

    [Fact]
    public void ListReferrers_SeveralPages_AreRead_EndlessOnesAreNot()
    {
        using ReferrersRegistry registry = new() { PageSize = 2 };
        using OpenedTarget target = Open(registry.Host);
        StoredManifest image = Manifest(target);
        for (int i = 0; i < 5; i++)
            Refer(target, image, $"b{i}");
        Assert.Equal(5, target.Store.ListReferrers(image.Digest, Stop).Count);

        int page = 0;
        using ReferrersRegistry endless = new(first: r => r.Path.Contains("/referrers/", StringComparison.Ordinal)
            ? FakeRegistry.Answer(200, """{"schemaVersion":2,"manifests":[]}""", $"Link: <{r.Path}?from={++page}>; rel=\"next\"") : null);
        using OpenedTarget other = Open(endless.Host, Quick with { MaxPages = 7 });
        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => other.Store.ListReferrers(image.Digest, Stop)).Error);
        Assert.Equal(7, page);

        using OpenedTarget few = Open(registry.Host, Quick with { MaxReferrers = 4 });
        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => few.Store.ListReferrers(image.Digest, Stop)).Error);
    }

    [Fact]
    public void ListReferrers_ApiAndOldTag_AreBothRead()
    {
        using ReferrersRegistry registry = new();
        using OpenedTarget target = Open(registry.Host);
        StoredManifest image = Manifest(target);
        Refer(target, image, "by api");
        string old = $"sha256:{new string('b', 64)}";
        registry.PutManifest("a/b", Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{"mediaType":"{{MediaTypes.OciManifest}}","digest":"{{old}}","size":3}]}"""), MediaTypes.OciIndex, ArtifactTags.Fallback(image.Digest));

        IReadOnlyList<Descriptor> found = target.Store.ListReferrers(image.Digest, Stop);
        Assert.Equal(2, found.Count);
        Assert.Contains(found, f => f.Digest == old);
    }

    [Fact]
    public void FallbackList_KeepsWhatItDoesNotKnow_AndLeavesOutDuplicates()
    {
        using ReferrersRegistry registry = new(referrers: false);
        using OpenedTarget target = Open(registry.Host);
        StoredManifest image = Manifest(target);
        string tag = ArtifactTags.Fallback(image.Digest);
        registry.PutManifest("a/b", Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"later":{"x":[1,2]},"manifests":[{"mediaType":"m","digest":"sha256:{{new string('b', 64)}}","size":3,"data":"e30=","unknown":true}],"annotations":{"k":"v"} }"""), MediaTypes.OciIndex, tag);
        Refer(target, image, "b");
        Refer(target, image, "b");

        string list = Encoding.UTF8.GetString(registry.Manifests("a/b")[registry.Tags("a/b")[tag]]);
        Assert.Contains("\"later\":{\"x\":[1,2]}", list, StringComparison.Ordinal);
        Assert.Contains("\"unknown\":true", list, StringComparison.Ordinal);
        Assert.Contains("\"annotations\":{\"k\":\"v\"}", list, StringComparison.Ordinal);
        Assert.Equal(2, target.Store.ListReferrers(image.Digest, Stop).Count);
    }

    [Fact]
    public void FallbackList_SomebodyElseWritesEachTime_EndsAtTheLimit()
    {
        using ReferrersRegistry registry = new(referrers: false, first: r => r.Method == "PUT" && r.Path.Contains("/manifests/sha256-", StringComparison.Ordinal) ? FakeRegistry.Answer(412) : null);
        using OpenedTarget target = Open(registry.Host, Quick with { MaxListRewrites = 3 });
        StoredManifest image = Manifest(target);

        Assert.Contains("MaxListRewrites", Assert.Throws<ImageException>(() => Refer(target, image, "b")).Message, StringComparison.Ordinal);
        Assert.Equal(3, registry.Of("/manifests/sha256-").Count(r => r.Method == "PUT"));
    }

    [Fact]
    public void FallbackList_LostUpdateOfARegistryWithoutConditions_IsMadeGood()
    {
        ReferrersRegistry? self = null;
        bool once = false;
        StoredManifest? image = null;
        using ReferrersRegistry registry = new(referrers: false, first: r =>
        {
            if (r.Method != "PUT" || !r.Path.Contains("/manifests/sha256-", StringComparison.Ordinal) || once)
                return null;
            once = true;
            byte[] answer = self!.Answer(r with { Headers = r.Headers.Where(h => !h.Key.StartsWith("if-", StringComparison.Ordinal)).ToDictionary() });
            // Another writer, who had read the list before, writes it without ours.
            self.PutManifest("a/b", Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{"mediaType":"{{MediaTypes.OciManifest}}","digest":"sha256:{{new string('b', 64)}}","size":3}]}"""), MediaTypes.OciIndex, ArtifactTags.Fallback(image!.Digest));
            return answer;
        });
        self = registry;
        using OpenedTarget target = Open(registry.Host);
        image = Manifest(target);
        Refer(target, image, "ours");

        Assert.Equal(2, target.Store.ListReferrers(image.Digest, Stop).Count);
    }

    private static StoredManifest Refer(OpenedTarget target, StoredManifest subject, string text)
    {
        byte[] layer = Encoding.UTF8.GetBytes(text), bytes = ArtifactBuilder.Referrer(subject.Digest.ToString(), subject.Bytes.Length, layer);
        target.Store.PutBlob(Digest.Of(Config), Config.Length, new MemoryStream(Config), Stop);
        target.Store.PutBlob(Digest.Of(layer), layer.Length, new MemoryStream(layer), Stop);
        StoredManifest manifest = new(Digest.Of(bytes), null, bytes);
        target.Store.PutManifest(manifest, null, Stop);
        return manifest;
    }
}
