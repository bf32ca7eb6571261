using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;
using Plimsoll.Tests.Registry;

namespace Plimsoll.Tests.Sources;

/// <summary>Images with all that is attached to them, moved between every two places; and sources that lie about what they have.</summary>
public sealed class ArtifactCopyTests : IDisposable
{
    private const string Name = "a/b";
    private static readonly byte[] Empty = "{}"u8.ToArray();

    private readonly TempFolder _folder = new();
    private readonly ReferrersRegistry _registry = new();
    private readonly ReferrersRegistry _old = new(referrers: false);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private ImageOptions Options => RegistryFixture.Options(null, _registry.Host, _old.Host) with { Platform = null };

    private string Source => $"registry:{_registry.Host}/{Name}:1";

    private CopyResult Copy(string from, string to, CopyOptions? options = null, CancellationToken? stop = null)
    {
        using OpenedSource source = ArtifactStores.OpenForCopy(from, Options, Stop);
        using OpenedTarget target = ArtifactStores.OpenTarget(to, Options, Stop);
        return ArtifactCopy.Run(source, target, options ?? new CopyOptions(), stop ?? Stop);
    }

    private ImageException Fails(string from, string to, CopyOptions? options = null) => Assert.Throws<ImageException>(() => Copy(from, to, options));

    private string Refer(string subject, string text, string type = ArtifactBuilder.BundleType)
    {
        byte[] layer = Encoding.UTF8.GetBytes(text);
        _registry.PutBlob(Name, Empty);
        _registry.PutBlob(Name, layer);
        return _registry.PutManifest(Name, ArtifactBuilder.Referrer(subject, 1, layer, type), FakeRepository.OciManifest);
    }

    private string Cosign(string subject, string suffix, params string[] payloads)
    {
        byte[][] layers = [.. payloads.Select(Encoding.UTF8.GetBytes)];
        foreach (byte[] layer in (byte[][])[Empty, .. layers])
            _registry.PutBlob(Name, layer);
        return _registry.PutManifest(Name, ArtifactBuilder.CosignImage(Empty, "application/vnd.dev.cosign.simplesigning.v1+json", layers), FakeRepository.OciManifest, $"{subject.Replace(':', '-')}.{suffix}");
    }

    /// <summary>Two platforms, signed in each way, with a signature of an attestation.</summary>
    private (string Index, string Amd, string Bundle) Signed()
    {
        string amd = _registry.Put(Name, RegistryFixture.Image, "amd"), arm = _registry.Put(Name, new ImageBuilder().Layer(t => t.File("a", "arm")).For("arm64"), "arm");
        byte[] index = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = FakeRepository.OciIndex,
            ["manifests"] = new JsonArray(Entry(amd, "amd64"), Entry(arm, "arm64")),
        }.ToJsonString());
        string digest = _registry.PutManifest(Name, index, FakeRepository.OciIndex, "1");
        Cosign(digest, "sig", "payload one", "payload two");
        Cosign(digest, "att", "an attestation");
        string bundle = Refer(digest, "a bundle");
        Refer(bundle, "a bundle about a bundle");
        Refer(amd, "a bundle about one platform");
        Refer(digest, "packages", "application/spdx+json");
        return (digest, amd, bundle);

        JsonObject Entry(string image, string architecture) => new()
        {
            ["mediaType"] = FakeRepository.OciManifest,
            ["digest"] = image,
            ["size"] = _registry.Manifests(Name)[image].Length,
            ["platform"] = new JsonObject { ["os"] = "linux", ["architecture"] = architecture },
        };
    }

    [Fact]
    public void Run_ThroughEveryKindOfStore_KeepsEveryByteAndEverySignature()
    {
        (string digest, string amd, string bundle) = Signed();
        string[] ways = [$"oci:{_folder["layout"]}:1", $"oci-archive:{_folder["image.tar"]}:1", $"registry:{_old.Host}/x/y:1", $"oci:{_folder["second"]}:1", $"registry:{_registry.Host}/back:1"];
        string from = Source;
        foreach (string to in ways)
        {
            CopyResult result = Copy(from, to);

            Assert.Equal(digest, result.Image.ToString());
            Assert.Equal(3, result.Manifests);
            Assert.Equal(6, result.Attached.Count);
            Assert.Equal(2, result.Attached.Single(a => a.Kind == AttachedKind.Signature).Count);
            Assert.Equal(4, result.Attached.Where(a => a.Kind == AttachedKind.Attestation).Sum(a => a.Count));
            Assert.Single(result.Attached, a => a.Kind == AttachedKind.BillOfMaterials);
            Assert.Equal(bundle, Assert.Single(result.Attached, a => a.Subject.ToString() == bundle).Subject.ToString());
            Assert.Single(result.Attached, a => a.Subject.ToString() == amd);
            // Again: everything is there.
            CopyResult again = Copy(from, to);
            Assert.Equal((0, 0, result.BlobsCopied + result.BlobsMounted), (again.BlobsCopied, again.BlobsMounted, again.BlobsPresent));
            from = to;
        }
        foreach ((string key, byte[] bytes) in _registry.Manifests("back"))
            Assert.Equal(_registry.Manifests(Name)[key], bytes);
        Assert.Equal(_registry.Manifests(Name).Count, _registry.Manifests("back").Count);
        Assert.Equal(_registry.Blobs(Name).Keys.Order(), _registry.Blobs("back").Keys.Order());
        Assert.Equal(["1", $"{digest.Replace(':', '-')}.att", $"{digest.Replace(':', '-')}.sig"], _registry.Tags("back").Keys.Order());
    }

    [Fact]
    public void Run_TwoRepositoriesOfOneRegistry_FetchesNoBlob()
    {
        _registry.Put(Name, RegistryFixture.Image);
        CopyResult result = Copy(Source, $"registry:{_registry.Host}/c/d:2");

        Assert.Equal((0, 3), (result.BlobsCopied, result.BlobsMounted));
        Assert.DoesNotContain(_registry.Of("/blobs/"), r => r.Method == "GET");
        Assert.Equal(["2"], _registry.Tags("c/d").Keys);
    }

    [Fact]
    public void Run_OnePlatform_TakesItsImageAndWhatIsAboutIt()
    {
        (_, string amd, _) = Signed();
        CopyResult result = Copy(Source, $"oci:{_folder["one"]}", new CopyOptions { Platform = new Platform("linux", "amd64") });

        Assert.Equal(amd, result.Image.ToString());
        Assert.Equal((1, "1"), (result.Manifests, result.Tag));
        Assert.Equal(amd, Assert.Single(result.Attached).Subject.ToString());
        using Image image = ImageSource.Open($"oci:{_folder["one"]}", Options with { Platform = new Platform("linux", "amd64") }, Stop);
        Assert.Equal(amd, image.ManifestDigest!.ToString());
    }

    [Fact]
    public void Run_NoSignatures_LeavesAllOfThemBehind()
    {
        Signed();
        Assert.Empty(Copy(Source, $"registry:{_old.Host}/x:1", new CopyOptions { Attached = false }).Attached);
        Assert.Equal(["1"], _old.Tags("x").Keys);
        Assert.Equal(3, _old.Manifests("x").Count);
    }

    [Fact]
    public void Run_SameArchiveTwice_IsTheSameFile()
    {
        Signed();
        Copy(Source, $"oci-archive:{_folder["a.tar"]}:1");
        Copy(Source, $"oci-archive:{_folder["b.tar"]}:1");

        Assert.Equal(File.ReadAllBytes(_folder["a.tar"]), File.ReadAllBytes(_folder["b.tar"]));
        Assert.Equal(2, Directory.GetFileSystemEntries(_folder.Path).Length);
    }

    [Theory]
    [InlineData("registry")]
    [InlineData("oci")]
    [InlineData("oci-archive")]
    public void Run_BlobOfTheSourceIsChanged_LeavesNoTag(string kind)
    {
        string digest = _registry.Put(Name, RegistryFixture.Image);
        string layer = (string)JsonNode.Parse(_registry.Manifests(Name)[digest])!["layers"]![1]!["digest"]!;
        using ReferrersRegistry liar = new(first: r =>
        {
            byte[] answer = _registry.Answer(r);
            if (r.Method == "GET" && r.Path.EndsWith(layer, StringComparison.Ordinal))
                answer[^1] ^= 1;
            return answer;
        });
        string to = kind switch { "registry" => $"registry:{_old.Host}/x:1", "oci" => $"oci:{_folder["o"]}:1", _ => $"oci-archive:{_folder["o.tar"]}:1" };
        ImageOptions options = RegistryFixture.Options(null, liar.Host, _old.Host);
        using OpenedSource source = ArtifactStores.OpenSource($"registry:{liar.Host}/{Name}:1", options, Stop);
        using (OpenedTarget target = ArtifactStores.OpenTarget(to, options, Stop))
            Assert.Equal(ImageError.DigestMismatch, Assert.Throws<ImageException>(() => ArtifactCopy.Run(source, target, new CopyOptions(), Stop)).Error);

        Assert.Empty(_old.Tags("x"));
        Assert.False(File.Exists(_folder["o.tar"]));
        Assert.False(File.Exists(_folder["o/index.json"]));
        // No half of a file stays either.
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path, "*tmp*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Run_TargetFailsInTheMiddle_OldTagStaysAndSecondRunSendsTheRest()
    {
        bool broken = true;
        string digest = _registry.Put(Name, RegistryFixture.Image);
        string config = (string)JsonNode.Parse(_registry.Manifests(Name)[digest])!["config"]!["digest"]!;
        using ReferrersRegistry target = new(first: r => broken && r.Method == "PUT" && r.Query("digest") == config ? FakeRegistry.Answer(507) : null);
        string old = target.Put("x", new ImageBuilder().Layer(t => t.File("a", "old")));
        ImageOptions options = RegistryFixture.Options(null, _registry.Host, target.Host);
        using OpenedSource source = ArtifactStores.OpenSource(Source, options, Stop);
        using OpenedTarget to = ArtifactStores.OpenTarget($"registry:{target.Host}/x:1", options, Stop);

        Assert.Throws<ImageException>(() => ArtifactCopy.Run(source, to, new CopyOptions(), Stop));
        Assert.Equal(old, target.Tags("x")["1"]);
        broken = false;
        Assert.True(ArtifactCopy.Run(source, to, new CopyOptions(), Stop).BlobsPresent > 0);
        Assert.Equal(digest, target.Tags("x")["1"]);
    }

    [Fact]
    public void Run_Cancelled_LeavesNoTag()
    {
        Signed();
        using CancellationTokenSource stop = new();
        Assert.ThrowsAny<OperationCanceledException>(() => Copy(Source, $"registry:{_old.Host}/x:1", new CopyOptions { Progress = new Cancelling(stop) }, stop.Token));

        Assert.Empty(_old.Tags("x"));
        Assert.Empty(_old.Manifests("x"));
    }

    private sealed class Cancelling(CancellationTokenSource stop) : IProgress<CopyProgress>
    {
        public void Report(CopyProgress value)
        {
            if (value.BlobsDone == 1)
                stop.Cancel();
        }
    }

    [Theory]
    [InlineData("another")]
    [InlineData("nothing")]
    [InlineData("missing")]
    [InlineData("itself")]
    [InlineData("no digest")]
    public void Run_ListedReferrerIsNone_IsAnErrorWithTheWayOut(string what)
    {
        string digest = _registry.Put(Name, RegistryFixture.Image);
        string listed = what switch
        {
            "another" => Refer($"sha256:{new string('c', 64)}", "about another image"),
            "nothing" => _registry.Put(Name, new ImageBuilder().Layer(t => t.File("a", "b")), "2"),
            "itself" => digest,
            "missing" => $"sha256:{new string('d', 64)}",
            _ => "sha256:short",
        };
        _registry.PutManifest(Name, Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{"mediaType":"{{FakeRepository.OciManifest}}","digest":"{{listed}}","size":-1}]}""".Replace(",\"size\":-1", "", StringComparison.Ordinal)),
            FakeRepository.OciIndex, digest.Replace(':', '-'));

        ImageException e = Fails(Source, $"registry:{_old.Host}/x:1");
        Assert.Equal(what == "missing" ? ImageError.BlobMissing : ImageError.Malformed, e.Error);
        Assert.Contains("--no-signatures", e.Hint, StringComparison.Ordinal);
        Assert.Empty(_old.Manifests("x"));
        Assert.Empty(Copy(Source, $"registry:{_old.Host}/x:1", new CopyOptions { Attached = false }).Attached);
    }

    [Fact]
    public void Run_OneStepPastALimit_IsNamed()
    {
        (string digest, _, string bundle) = Signed();

        Assert.Equal(9, _registry.Manifests(Name).Count);
        Copy(Source, $"oci:{_folder["enough"]}", With(new CopyLimits { MaxManifests = 9, MaxReferrerDepth = 2, MaxIndexDepth = 1 }));
        Named("MaxManifests", new CopyLimits { MaxManifests = 8 });
        Named("MaxReferrerDepth", new CopyLimits { MaxReferrerDepth = 1 });
        Named("MaxIndexDepth", new CopyLimits { MaxIndexDepth = 0 });
        Assert.NotEqual(digest, bundle);

        static CopyOptions With(CopyLimits limits) => new() { Limits = limits };

        void Named(string limit, CopyLimits limits)
        {
            ImageException e = Fails(Source, $"oci:{_folder[limit]}", With(limits));
            Assert.Equal(ImageError.LimitExceeded, e.Error);
            Assert.Contains(limit, e.Message, StringComparison.Ordinal);
            Assert.False(Directory.Exists(_folder[limit]));
        }
    }

    [Fact]
    public void Run_IndexWhosePlatformsAreNotKept_SaysHowToGoOn()
    {
        (_, string amd, _) = Signed();
        _registry.Remove(Name, amd);

        ImageException e = Fails(Source, $"oci:{_folder["o"]}");
        Assert.Equal(ImageError.BlobMissing, e.Error);
        Assert.Contains("--platform", e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_DockerArchive_MakesTheSameManifestEachTimeAndSaysSo()
    {
        string archive = _folder.Write("saved.tar", ImageBuilder.Tar(RegistryFixture.Image.ArchiveFiles("app:7")));
        using (OpenedSource source = ArtifactStores.OpenForCopy($"docker-archive:{archive}", Options, Stop))
            Assert.True(source.IsMade);
        CopyResult first = Copy($"docker-archive:{archive}", $"oci:{_folder["a"]}"), second = Copy(archive, $"registry:{_old.Host}/x:1");

        Assert.Equal(first.Image, second.Image);
        Assert.Equal("7", first.Tag);
        Assert.Equal(RegistryFixture.Image.Config(), _old.Blobs("x")[$"sha256:{ImageBuilder.Hex(RegistryFixture.Image.Config())}"]);
        Assert.All(RegistryFixture.Image.Tars, tar => Assert.Equal(tar, _old.Blobs("x")[$"sha256:{ImageBuilder.Hex(tar)}"]));
        using Image image = ImageSource.Open($"oci:{_folder["a"]}", Options with { Platform = new Platform("linux", "amd64") }, Stop);
        image.ReadLayers(new RecordingVisitor(), 1, Stop);
    }

    [Fact]
    public void Run_DockerArchiveWithAnotherLayer_IsDiffIdMismatch()
    {
        Dictionary<string, byte[]> files = RegistryFixture.Image.ArchiveFiles();
        string layer = files.Keys.First(k => k.EndsWith("/layer.tar", StringComparison.Ordinal));
        files[layer] = new TarBuilder().File("other", "bytes").Build();
        string archive = _folder.Write("saved.tar", ImageBuilder.Tar(files));

        Assert.Equal(ImageError.DiffIdMismatch, Fails($"docker-archive:{archive}", $"oci:{_folder["a"]}").Error);
    }

    [Theory]
    [InlineData("docker:app", "docker save")]
    [InlineData("app:1", "registry:app:1")]
    [InlineData("dir:/", "oci:FOLDER")]
    [InlineData("podman:app", "oci:FOLDER")]
    public void OpenForCopy_PlaceWithoutManifests_SaysWhatToDo(string source, string hint)
    {
        ImageException e = Assert.Throws<ImageException>(() => ArtifactStores.OpenForCopy(source, Options, Stop));
        Assert.Equal(ImageError.Unsupported, e.Error);
        Assert.Contains(hint, e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenTarget_FolderWithOtherFiles_IsRefusedAndLeftAlone()
    {
        _folder.Write("busy/file", [1]);
        _folder.Write("not-a-tar", [1, 2, 3]);

        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => ArtifactStores.OpenTarget($"oci:{_folder["busy"]}", Options, Stop)).Error);
        Assert.ThrowsAny<ImageException>(() => ArtifactStores.OpenTarget($"oci-archive:{_folder["not-a-tar"]}", Options, Stop));
        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => ArtifactStores.OpenTarget($"oci:{_folder["not-a-tar"]}", Options, Stop)).Error);
        Assert.Single(Directory.GetFileSystemEntries(_folder["busy"]));
    }

    [Fact]
    public void PutBlob_LayoutWhoseBlobsFolderIsALink_WritesNothingThroughIt()
    {
        Directory.CreateDirectory(_folder["elsewhere"]);
        _folder.Write("layout/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray());
        _folder.Write("layout/index.json", "{\"schemaVersion\":2,\"manifests\":[]}"u8.ToArray());
        Directory.CreateSymbolicLink(_folder["layout/blobs"], _folder["elsewhere"]);
        using OpenedTarget target = ArtifactStores.OpenTarget($"oci:{_folder["layout"]}", Options, Stop);

        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => target.Store.PutBlob(Digest.Of(Empty), 2, new MemoryStream(Empty), Stop)).Error);
        Assert.Empty(Directory.GetFiles(_folder["elsewhere"], "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void HasBlob_LayoutWithADamagedBlob_WritesItAgain()
    {
        _registry.Put(Name, RegistryFixture.Image);
        Copy(Source, $"oci:{_folder["o"]}");
        string path = Directory.GetFiles(_folder["o/blobs/sha256"]).MaxBy(f => new FileInfo(f).Length)!;
        byte[] good = File.ReadAllBytes(path);
        File.WriteAllBytes(path, [.. good[..^1], (byte)(good[^1] ^ 1)]);

        Assert.Equal(1, Copy(Source, $"oci:{_folder["o"]}").BlobsCopied);
        Assert.Equal(good, File.ReadAllBytes(path));
    }

    [Fact]
    public void ListReferrers_LayoutAsOrasAndCosignWriteThem_AreFound()
    {
        (string digest, _, string bundle) = Signed();
        Copy(Source, $"oci:{_folder["o"]}:1");
        JsonNode index = JsonNode.Parse(File.ReadAllBytes(_folder["o/index.json"]))!;
        // oras lists every manifest, children of an index too, without artifactType; cosign save marks signatures by kind.
        JsonArray entries = index["manifests"]!.AsArray();
        foreach (JsonNode? entry in entries)
        {
            entry!.AsObject().Remove("artifactType");
            string? name = (string?)entry["annotations"]?["org.opencontainers.image.ref.name"];
            if (name?.EndsWith(".sig", StringComparison.Ordinal) == true || (string?)entry["digest"] == digest)
                entry["annotations"] = new JsonObject { ["kind"] = (string?)entry["digest"] == digest ? "dev.cosignproject.cosign/imageIndex" : "dev.cosignproject.cosign/sigs" };
        }
        File.WriteAllText(_folder["o/index.json"], index.ToJsonString());
        using OpenedSource source = ArtifactStores.OpenSource($"oci:{_folder["o"]}", Options, Stop);

        Assert.Equal(digest, source.GetManifest(Stop).Digest.ToString());
        Assert.Contains(source.Store.ListReferrers(Digest.Parse(digest), Stop), r => r.Digest == bundle);
        string sig = ArtifactTags.Cosign(Digest.Parse(digest), "sig");
        Assert.NotNull(source.Store.FindManifest(sig, Stop));
        Assert.Contains(sig, source.Store.ListTags(Stop));
        Assert.Equal(2, Copy($"oci:{_folder["o"]}", $"registry:{_old.Host}/x:1").Attached.Single(a => a.Kind == AttachedKind.Signature).Count);
    }

    public void Dispose()
    {
        _registry.Dispose();
        _old.Dispose();
        _folder.Dispose();
    }
}
