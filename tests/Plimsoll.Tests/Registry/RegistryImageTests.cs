using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Registry;
using Plimsoll.TestKit;
using static Plimsoll.Tests.Registry.RegistryFixture;

namespace Plimsoll.Tests.Registry;

/// <summary>Images of registries that answer rightly, wrongly, late, and not at all.</summary>
public sealed class RegistryImageTests
{
    private readonly FakeRepository _repository = new(RegistryFixture.Image);

    private string Noisy => _repository.Layers[1];

    private bool IsNoisy(FakeRequest request) => request.Target.EndsWith(Noisy, StringComparison.Ordinal);

    [Theory]
    [InlineData(":1")]
    [InlineData("@")]
    [InlineData(":other@")]
    public void ReadLayers_GoodRegistry_FetchesEveryByteOnce(string reference)
    {
        using FakeRegistry registry = new(_repository);
        RecordingVisitor visitor = new();
        using RegistryImage image = (RegistryImage)Open(registry, For(registry), reference.EndsWith('@') ? reference + _repository.ManifestDigest : reference);
        image.ReadLayers(visitor, 2, TestContext.Current.CancellationToken);

        Assert.Contains(visitor.Layers.Values, l => l.Contains("etc/motd=hello"));
        Assert.Equal(_repository.ManifestDigest, image.ManifestDigest!.ToString());
        Assert.All(image.Layers, l => Assert.Equal(l.DiffId, visitor.DiffIds[l.Key]));
        Assert.Equal(_repository.Manifest.Length + _repository.Blobs.Values.Sum(b => b.Length), image.BytesFetched);
        Assert.Equal(4, registry.Requests.Count);
        Assert.All(registry.Requests, r => Assert.Null(r.Header("authorization")));
    }

    [Fact]
    public void ReadLayers_SecondTimeWithProofs_FetchesNoLayer()
    {
        MemoryProofs proofs = new();
        using FakeRegistry registry = new(_repository);
        ImageOptions options = For(registry) with { Proofs = proofs };
        Read(registry, options);
        Assert.Equal(2, proofs.Known.Count);
        registry.Requests.Clear();

        Warm warm = new();
        using (Image image = Open(registry, options))
            image.ReadLayers(warm, 2, TestContext.Current.CancellationToken);

        Assert.Equal([true, true], warm.Proven);
        Assert.Equal(2, registry.Requests.Count);
        Assert.Single(registry.Of("/manifests/"));
    }

    [Fact]
    public void ReadLayers_LengthInTheManifestChanged_ProvesNothingAndIsSizeMismatch()
    {
        MemoryProofs proofs = new();
        using FakeRegistry registry = new(_repository);
        Read(registry, For(registry) with { Proofs = proofs });
        JsonNode manifest = JsonNode.Parse(_repository.Manifest)!;
        manifest["layers"]![0]!["size"] = (int)manifest["layers"]![0]!["size"]! + 1;
        _repository.Put(Encoding.UTF8.GetBytes(manifest.ToJsonString()), FakeRepository.OciManifest, FakeRepository.Tag);
        Warm warm = new();
        using Image image = Open(registry, For(registry) with { Proofs = proofs });

        Assert.Equal(ImageError.SizeMismatch, Assert.Throws<ImageException>(() => image.ReadLayers(warm, 1, TestContext.Current.CancellationToken)).Error);
        Assert.Equal([false, true], warm.Proven.Order());
    }

    [Fact]
    public void ReadLayers_Unverified_LeavesNoProof()
    {
        MemoryProofs proofs = new();
        using FakeRegistry registry = new(_repository);
        Read(registry, For(registry) with { Proofs = proofs, Verification = Verification.None });

        Assert.Empty(proofs.Known);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ReadLayers_ConnectionClosedInTheMiddle_GoesOnWhereItBroke(bool knowsRange)
    {
        int cut = 0;
        byte[] blob = _repository.Blobs[Noisy];
        using FakeRegistry registry = new(_repository, request =>
        {
            if (!IsNoisy(request))
                return null;
            byte[] whole = knowsRange ? _repository.Answer(request) : FakeRegistry.Answer(200, blob);
            // The head and some tens of thousands of bytes; the third time all of it.
            return ++cut < 3 ? whole[..(60_000 * cut)] : whole;
        });

        Assert.Equal(2, Read(registry).Layers.Count);
        IReadOnlyList<FakeRequest> asked = registry.Of(Noisy);
        Assert.Equal(3, asked.Count);
        Assert.Null(asked[0].Header("range"));
        Assert.InRange(asked[1].From, 50_000, 60_000);
        Assert.True(asked[2].From > asked[1].From);
    }

    [Fact]
    public void ReadLayers_ManyBrokenConnections_EndAtTheLimit()
    {
        using FakeRegistry registry = new(_repository, request => IsNoisy(request) ? _repository.Answer(request)[..2000] : null);

        Assert.Equal(ImageError.Truncated, Fails(registry, For(registry, Quick with { MaxConnectionsPerBlob = 7 })).Error);
        Assert.Equal(7, registry.Of(Noisy).Count);
    }

    [Fact]
    public void ReadLayers_NothingEverComes_EndsAfterItsAttempts()
    {
        using FakeRegistry registry = new(_repository, request => IsNoisy(request) ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"u8.ToArray() : null);

        Assert.Equal(ImageError.SizeMismatch, Fails(registry).Error);

        using FakeRegistry silent = new(_repository, request => IsNoisy(request) ? [] : null);
        ImageException e = Fails(silent, For(silent, Quick with { MaxAttempts = 3 }));
        Assert.Equal(ImageError.Truncated, e.Error);
        Assert.Contains("(3 attempts)", e.Message, StringComparison.Ordinal);
        // The runtime itself tries again up to three times when a connection ends before the first byte of an answer.
        Assert.InRange(silent.Of(Noisy).Count, 3, 12);
    }

    [Fact]
    public void ReadLayers_ServerStallsOnce_IsResumed()
    {
        bool stalled = false;
        using FakeRegistry registry = new(async (request, stream, stop) =>
        {
            byte[] answer = _repository.Answer(request);
            if (IsNoisy(request) && !stalled)
            {
                stalled = true;
                await stream.WriteAsync(answer.AsMemory(0, 100_000), stop);
                await stream.FlushAsync(stop);
                await Task.Delay(Timeout.Infinite, stop);
            }
            await stream.WriteAsync(answer, stop);
        });

        Assert.Equal(2, Read(registry, For(registry, Impatient with { MaxAttempts = 5 })).Layers.Count);
        Assert.True(registry.Of(Noisy)[^1].From > 90_000);
    }

    [Theory]
    [InlineData("before the head")]
    [InlineData("after the head")]
    [InlineData("a byte now and then")]
    public void ReadLayers_ServerStallsForEver_IsAnErrorInTime(string where)
    {
        using FakeRegistry registry = new(async (request, stream, stop) =>
        {
            if (!IsNoisy(request))
            {
                await stream.WriteAsync(_repository.Answer(request), stop);
                return;
            }
            if (where != "before the head")
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {_repository.Blobs[Noisy].Length}\r\n\r\n"), stop);
            await stream.FlushAsync(stop);
            while (where == "a byte now and then")
            {
                await stream.WriteAsync(_repository.Blobs[Noisy].AsMemory(0, 1), stop);
                await Task.Delay(50, stop);
            }
            await Task.Delay(Timeout.Infinite, stop);
        });
        long start = Stopwatch.GetTimestamp();

        // Bytes that trickle count as progress for the number of attempts, so those are bounded by the connections.
        ImageException e = Fails(registry, For(registry, Impatient with { MaxConnectionsPerBlob = 3 }));

        Assert.Equal(ImageError.PeerFailed, e.Error);
        Assert.Contains("1 s", e.Message, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void ReadLayers_Cancelled_EndsAtOnce()
    {
        using CancellationTokenSource stop = new();
        using FakeRegistry registry = new(async (request, stream, end) =>
        {
            byte[] answer = _repository.Answer(request);
            await stream.WriteAsync(IsNoisy(request) ? answer.AsMemory(0, 100_000) : answer, end);
            if (!IsNoisy(request))
                return;
            await stream.FlushAsync(end);
            stop.CancelAfter(200);
            await Task.Delay(Timeout.Infinite, end);
        });
        using Image image = Open(registry, For(registry));
        long start = Stopwatch.GetTimestamp();

        Assert.ThrowsAny<OperationCanceledException>(() => image.ReadLayers(new RecordingVisitor(), 1, stop.Token));
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(15));
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(500_000, true)]
    public void ReadLayers_WrongLength_IsSizeMismatch(int more, bool chunked)
    {
        byte[] blob = _repository.Blobs[Noisy];
        byte[] wrong = more < 0 ? blob[..^1] : [.. blob, .. new byte[more]];
        using FakeRegistry registry = new(_repository, request => IsNoisy(request) ? chunked ? FakeRegistry.Chunked(wrong) : FakeRegistry.Answer(200, wrong) : null);

        ImageException e = Fails(registry);

        Assert.Equal(ImageError.SizeMismatch, e.Error);
        Assert.Contains(blob.Length.ToString(CultureInfo.InvariantCulture), e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadLayers_ChunkedAndRight_IsRead()
    {
        using FakeRegistry registry = new(_repository, request => IsNoisy(request) ? FakeRegistry.Chunked(_repository.Blobs[Noisy]) : null);

        Assert.Equal(2, Read(registry).Layers.Count);
    }

    [Theory]
    [InlineData("bytes 3-9/10")]
    [InlineData("bytes 0-199999/200000")]
    [InlineData("nonsense")]
    [InlineData(null)]
    public void ReadLayers_ResumedWithAnotherRange_IsRefused(string? range)
    {
        using FakeRegistry registry = new(_repository, request => !IsNoisy(request) ? null
            : request.From == 0 ? _repository.Answer(request)[..50_000]
            : FakeRegistry.Answer(206, _repository.Blobs[Noisy][request.From..], range is null ? [] : [$"Content-Range: {range}"]));

        Assert.Equal(ImageError.PeerFailed, Fails(registry).Error);
    }

    [Fact]
    public void ReadLayers_AnyOneByteChanged_IsDigestMismatchWithBothDigests()
    {
        byte[] blob = _repository.Blobs[_repository.Layers[0]];
        for (int at = 0; at < blob.Length; at += 23)
        {
            byte[] changed = [.. blob];
            changed[at] ^= 0x10;
            using FakeRegistry registry = new(_repository, request => request.Target.EndsWith(_repository.Layers[0], StringComparison.Ordinal) ? FakeRegistry.Answer(200, changed) : null);

            ImageException e = Fails(registry);

            Assert.Equal(ImageError.DigestMismatch, e.Error);
            Assert.Contains($"sha256:{ImageBuilder.Hex(changed)}", e.Message, StringComparison.Ordinal);
            Assert.Contains(_repository.Layers[0], e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("config")]
    [InlineData("manifest by digest")]
    [InlineData("manifest by tag, header lies")]
    public void Open_OneByteChanged_IsDigestMismatch(string what)
    {
        string config = (string)JsonNode.Parse(_repository.Manifest)!["config"]!["digest"]!;
        byte[] changedConfig = [.. _repository.Blobs[config]];
        changedConfig[^2] ^= 1;
        byte[] changedManifest = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(_repository.Manifest).Replace("\"schemaVersion\":2", "\"schemaVersion\":3", StringComparison.Ordinal));
        using FakeRegistry registry = new(_repository, request => what == "config"
            ? request.Target.EndsWith(config, StringComparison.Ordinal) ? FakeRegistry.Answer(200, changedConfig) : null
            : request.Target.Contains("/manifests/", StringComparison.Ordinal)
                ? FakeRegistry.Answer(200, changedManifest, $"Content-Type: {FakeRepository.OciManifest}", $"Docker-Content-Digest: {_repository.ManifestDigest}") : null);

        Assert.Equal(ImageError.DigestMismatch, Fails(registry, reference: what == "manifest by digest" ? $"@{_repository.ManifestDigest}" : ":1").Error);
    }

    [Fact]
    public void Open_ManifestOfOneGigabyte_IsRefusedUnread()
    {
        byte[] head = Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: {FakeRepository.OciManifest}\r\nContent-Length: 1073741824\r\n\r\n");
        using FakeRegistry registry = new(_repository, request => [.. head, .. new byte[100_000]]);

        ImageException e = Fails(registry);

        Assert.Equal(ImageError.LimitExceeded, e.Error);
        Assert.Contains("MaxManifestBytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ManifestWithoutEnd_IsReadToTheLimitOnly()
    {
        using FakeRegistry registry = new(async (_, stream, stop) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: {FakeRepository.OciManifest}\r\nTransfer-Encoding: chunked\r\n\r\n"), stop);
            byte[] chunk = [.. "10000\r\n"u8, .. new byte[0x10000], .. "\r\n"u8];
            while (true)
                await stream.WriteAsync(chunk, stop);
        });

        Assert.Contains("MaxManifestBytes", Fails(registry).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ManifestOneByteOverTheLimit_StopsWithItsName()
    {
        using FakeRegistry registry = new(_repository);

        Read(registry, For(registry, Quick with { MaxManifestBytes = _repository.Manifest.Length }));
        Assert.Contains("MaxManifestBytes", Fails(registry, For(registry, Quick with { MaxManifestBytes = _repository.Manifest.Length - 1 })).Message, StringComparison.Ordinal);
        using FakeRegistry chunked = new(_repository, r => r.Target.Contains("/manifests/", StringComparison.Ordinal) ? FakeRegistry.Chunked(_repository.Manifest) : null);
        Read(chunked, For(chunked, Quick with { MaxManifestBytes = _repository.Manifest.Length }));
        Assert.Contains("MaxManifestBytes", Fails(chunked, For(chunked, Quick with { MaxManifestBytes = _repository.Manifest.Length - 1 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_IndexThatPointsAtItself_IsDigestMismatchOrEndsAtTheDepth()
    {
        // A digest cannot stand in its own content; a registry can pretend that it does.
        byte[] index = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{FakeRepository.OciIndex}}","manifests":[{"mediaType":"{{FakeRepository.OciIndex}}","digest":"sha256:{{new string('a', 64)}}","size":300}]}""");
        using FakeRegistry registry = new(_repository, _ => FakeRegistry.Answer(200, index, $"Content-Type: {FakeRepository.OciIndex}"));

        Assert.Equal(ImageError.DigestMismatch, Fails(registry).Error);
        registry.Requests.Clear();
        ImageException e = Fails(registry, For(registry) with { Verification = Verification.None });
        Assert.Equal(ImageError.LimitExceeded, e.Error);
        Assert.True(registry.Requests.Count <= 6);
    }

    [Fact]
    public void Open_Index_ChoosesThePlatform()
    {
        FakeRepository arm = new(new ImageBuilder().For("arm64").Layer(t => t.File("arm", "1")));
        foreach ((string digest, byte[] blob) in arm.Blobs)
            _repository.Blobs[digest] = blob;
        JsonObject Entry(FakeRepository of, string architecture) => new() { ["mediaType"] = FakeRepository.OciManifest, ["digest"] = of.ManifestDigest, ["size"] = of.Manifest.Length, ["platform"] = new JsonObject { ["os"] = "linux", ["architecture"] = architecture } };
        byte[] index = Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = FakeRepository.OciIndex, ["manifests"] = new JsonArray(Entry(_repository, "amd64"), Entry(arm, "arm64")) }.ToJsonString());
        _repository.Put(arm.Manifest, FakeRepository.OciManifest).Put(index, FakeRepository.OciIndex, "multi");
        using FakeRegistry registry = new(_repository);

        Assert.Equal(["arm=1"], Read(registry, For(registry) with { Platform = new Platform("linux", "arm64") }, ":multi").Layers.Values.Single());
        Assert.Equal(2, Read(registry, reference: ":multi").Layers.Count);
        Assert.Equal(ImageError.NoSuchPlatform, Fails(registry, For(registry) with { Platform = new Platform("linux", "s390x") }, ":multi").Error);
        using Image image = Open(registry, For(registry), ":multi");
        Assert.Equal($"sha256:{ImageBuilder.Hex(index)}", image.IndexDigest!.ToString());
        Assert.Equal([$"{registry.Host}/a/b:multi"], image.Tags);
    }

    [Theory]
    [InlineData("application/vnd.docker.distribution.manifest.v1+prettyjws", ImageError.Unsupported)]
    [InlineData("application/vnd.oci.image.index.v1+json", ImageError.Malformed)]
    [InlineData("text/html", ImageError.Malformed)]
    public void Open_AnotherMediaType_IsRefused(string type, ImageError error)
    {
        using FakeRegistry registry = new(_repository, r => r.Target.Contains("/manifests/", StringComparison.Ordinal) ? FakeRegistry.Answer(200, _repository.Manifest, $"Content-Type: {type}") : null);

        Assert.Equal(error, Fails(registry).Error);
    }

    [Theory]
    [InlineData(null, ImageError.Malformed)]
    [InlineData(-5, ImageError.Malformed)]
    public void ReadLayers_ManifestWithoutALayersSize_IsRefused(int? size, ImageError error)
    {
        JsonNode manifest = JsonNode.Parse(_repository.Manifest)!;
        if (size is null)
            manifest["layers"]![0]!.AsObject().Remove("size");
        else
            manifest["layers"]![0]!["size"] = size;
        _repository.Put(Encoding.UTF8.GetBytes(manifest.ToJsonString()), FakeRepository.OciManifest, "1");
        using FakeRegistry registry = new(_repository);

        Assert.Equal(error, Fails(registry).Error);
    }

    [Theory]
    [InlineData(404, ImageError.NotFound, 1)]
    [InlineData(403, ImageError.AccessDenied, 1)]
    [InlineData(418, ImageError.PeerFailed, 1)]
    [InlineData(503, ImageError.PeerFailed, 5)]
    [InlineData(429, ImageError.PeerFailed, 5)]
    public void Open_Status_IsANamedErrorAfterItsAttempts(int status, ImageError error, int attempts)
    {
        using FakeRegistry registry = new(_repository, _ => FakeRegistry.Answer(status, "{\"errors\":[{\"code\":\"X\",\"message\":\"evil \\u001b[2J\"}]}"));

        ImageException e = Fails(registry);

        Assert.Equal(error, e.Error);
        Assert.Equal(attempts, registry.Requests.Count);
        Assert.DoesNotContain('\u001b', e.Message);
    }

    [Fact]
    public void ReadLayers_BlobNotThere_IsBlobMissing()
    {
        _repository.Blobs.Remove(Noisy);
        using FakeRegistry registry = new(_repository);

        Assert.Equal(ImageError.BlobMissing, Fails(registry).Error);
    }

    [Fact]
    public void Open_TooManyRequests_WaitsAsAsked()
    {
        int refused = 0;
        using FakeRegistry registry = new(_repository, _ => refused++ == 0 ? FakeRegistry.Answer(429, "", "Retry-After: 1") : null);
        long start = Stopwatch.GetTimestamp();

        Assert.Equal(2, Read(registry).Layers.Count);
        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromSeconds(0.99));
    }

    [Fact]
    public void Open_TooManyRequests_WaitsNoLongerThanTheLimitOrTheCallersPatience()
    {
        using FakeRegistry registry = new(_repository, _ => FakeRegistry.Answer(429, "", "Retry-After: 100"));

        ImageException e = Fails(registry, For(registry, Quick with { MaxRetryAfter = TimeSpan.FromSeconds(99) }));
        Assert.Contains("100 s", e.Message, StringComparison.Ordinal);
        Assert.Contains("MaxRetryAfter", e.Message, StringComparison.Ordinal);

        using CancellationTokenSource patience = new(TimeSpan.FromMilliseconds(300));
        Assert.ThrowsAny<OperationCanceledException>(() => RegistryImage.Open(RegistryName.Parse($"{registry.Host}/a/b:1"), "x", For(registry), patience.Token));
    }

    [Fact]
    public void Open_NobodyListens_IsSaidAtOnce()
    {
        string host;
        using (FakeRegistry gone = new(_repository))
            host = gone.Host;

        ImageException e = Assert.Throws<ImageException>(() => RegistryImage.Open(RegistryName.Parse($"{host}/a/b:1"), "x", Options(null, host), TestContext.Current.CancellationToken));

        Assert.Equal(ImageError.PeerFailed, e.Error);
        Assert.DoesNotContain("attempts", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NameWithAHost_AsksTheDaemonFirstAndThenTheRegistry()
    {
        using FakeRegistry registry = new(_repository);
        ImageOptions options = For(registry) with { Environment = v => v == "DOCKER_HOST" ? "unix:///nonexistent/docker.sock" : Nothing(v) };

        using (Image image = Plimsoll.Sources.ImageSource.Open($"{registry.Host}/a/b:1", options, TestContext.Current.CancellationToken))
            Assert.Equal(_repository.ManifestDigest, image.ManifestDigest!.ToString());
        ImageException e = Assert.Throws<ImageException>(() => Plimsoll.Sources.ImageSource.Open($"{registry.Host}/a/b:2", options, TestContext.Current.CancellationToken));

        Assert.Contains("/nonexistent/docker.sock", e.Message, StringComparison.Ordinal);
        Assert.Contains("not here", e.Message, StringComparison.Ordinal);
        // The prefix means the daemon and nothing else.
        Assert.Equal(ImageError.NotFound, Assert.Throws<ImageException>(() => Plimsoll.Sources.ImageSource.Open($"docker:{registry.Host}/a/b:1", options, TestContext.Current.CancellationToken)).Error);
    }

    private sealed class MemoryProofs : IProofs
    {
        public Dictionary<string, Digest> Known { get; } = [];

        public Digest? Find(string identity)
        {
            lock (Known)
                return Known.GetValueOrDefault(identity);
        }

        public void Add(string identity, Digest diffId)
        {
            lock (Known)
                Known[identity] = diffId;
        }
    }

    private sealed class Warm : ILayerVisitor
    {
        public List<bool> Proven { get; } = [];

        public bool Skip(ImageLayer layer, bool proven)
        {
            Proven.Add(proven);
            return proven;
        }

        public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken) => this;

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited)
        {
            // Only what was skipped matters.
        }
    }
}
