using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Sources;

/// <summary>One image in every form it can be kept in, right and with one thing wrong.</summary>
public sealed class ImageSourceTests : IDisposable
{
    private static readonly ImageBuilder Sample = new ImageBuilder()
        .Layer(t => t.Folder("etc").File("etc/motd", "hello").File("etc/gone", "x"), "ADD base")
        .Layer(t => t.Whiteout("etc/gone").File("new", new string('n', 5000)), "RUN change");

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static RecordingVisitor Read(string text, ImageOptions? options = null)
    {
        RecordingVisitor visitor = new();
        using Image image = ImageSource.Open(text, options ?? new ImageOptions(), TestContext.Current.CancellationToken);
        image.ReadLayers(visitor, 2, TestContext.Current.CancellationToken);
        Assert.Equal(image.Layers.Select(l => l.Key).Order(StringComparer.Ordinal), visitor.Layers.Keys.Order(StringComparer.Ordinal));
        Assert.All(image.Layers, l => Assert.Equal(l.DiffId, visitor.DiffIds[l.Key]));
        return visitor;
    }

    private ImageException Fails(string text, ImageOptions? options = null)
    {
        RecordingVisitor visitor = new();
        return Assert.Throws<ImageException>(() =>
        {
            using Image image = ImageSource.Open(text, options ?? new ImageOptions(), TestContext.Current.CancellationToken);
            image.ReadLayers(visitor, 2, TestContext.Current.CancellationToken);
        });
    }

    /// <summary>Writes the sample in one of its forms; <paramref name="edit"/> changes the files first.</summary>
    private string Make(string form, Action<Dictionary<string, byte[]>>? edit = null, ImageBuilder? sample = null)
    {
        sample ??= Sample;
        Dictionary<string, byte[]> files = form.StartsWith("archive", StringComparison.Ordinal) ? sample.ArchiveFiles() : sample.LayoutFiles();
        edit?.Invoke(files);
        switch (form)
        {
            case "archive": return _folder.Write("image.tar", ImageBuilder.Tar(files));
            case "archive.gz": return _folder.Write("image.tar.gz", ImageBuilder.Gzip(ImageBuilder.Tar(files)));
            case "layout.tar": return _folder.Write("layout.tar", ImageBuilder.Tar(files));
            case "layout.tgz": return _folder.Write("layout.tgz", ImageBuilder.Gzip(ImageBuilder.Tar(files)));
            default:
                ImageBuilder.Write(files, _folder["layout"]);
                return _folder["layout"];
        }
    }

    public static TheoryData<string> Forms => ["archive", "archive.gz", "layout", "layout.tar", "layout.tgz"];

    [Theory]
    [MemberData(nameof(Forms))]
    public void ReadLayers_EveryForm_ShowsTheSameEntries(string form)
    {
        RecordingVisitor seen = Read(Make(form));

        Assert.Equal(2, seen.Layers.Count);
        Assert.Contains(seen.Layers.Values, l => l.SequenceEqual(["etc/", "etc/motd=hello", "etc/gone=x"]));
        Assert.Contains(seen.Layers.Values, l => l.SequenceEqual(["etc/.wh.gone=", $"new={new string('n', 5000)}"]));
    }

    [Theory]
    [InlineData("archive")]
    [InlineData("archive.gz")]
    [InlineData("layout.tgz")]
    public void Open_StandardInput_IsReadAsItComes(string form)
    {
        byte[] bytes = File.ReadAllBytes(Make(form));

        Assert.Equal(2, Read("-", new ImageOptions { OpenStandardInput = () => new MemoryStream(bytes) }).Layers.Count);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void ReadLayers_OneByteOfALayerChanged_IsNeverClean(string form)
    {
        ImageException e = Fails(Make(form, files =>
        {
            string layer = files.Where(f => f.Value[0] == 0x1f || f.Value.Length > 5000).MaxBy(f => f.Value.Length).Key;
            files[layer] = [.. files[layer]];
            files[layer][form.StartsWith("archive", StringComparison.Ordinal) ? 1600 : files[layer].Length - 20] ^= 1;
        }));

        Assert.True(e.Error is ImageError.DigestMismatch or ImageError.DiffIdMismatch, e.Message);
        Assert.Matches("sha256:[0-9a-f]{64}.*sha256:[0-9a-f]{64}", e.Message);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void ReadLayers_AnyOneByteOfALayerChanged_IsNeverClean(string form)
    {
        // Every byte of the smaller layer's stored form, one at a time, would be thousands of images: every 37th.
        Dictionary<string, byte[]> files = form.StartsWith("archive", StringComparison.Ordinal) ? Sample.ArchiveFiles() : Sample.LayoutFiles();
        (string name, byte[] layer) = files.Where(f => f.Key.StartsWith("blobs", StringComparison.Ordinal) ? f.Value[0] == 0x1f : f.Key.EndsWith("layer.tar", StringComparison.Ordinal)).MinBy(f => f.Value.Length);
        for (int at = 0; at < layer.Length; at += 37)
        {
            byte[] changed = [.. layer];
            changed[at] ^= 0x10;
            ImageException e = Fails(Make(form, f => f[name] = changed));
            // In a stream the config may come after its layers: a layer that is no tar any more is then only known to be that.
            Assert.True(e.Error is ImageError.DigestMismatch or ImageError.DiffIdMismatch
                || form.EndsWith("gz", StringComparison.Ordinal) && e.Error is ImageError.Malformed or ImageError.Truncated or ImageError.BlobMissing, $"byte {at}: {e.Error} {e.Message}");
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Open_OneByteOfTheConfigChanged_IsDigestMismatch(string form)
    {
        ImageException e = Fails(Make(form, files =>
        {
            string config = files.Single(f => Encoding.UTF8.GetString(f.Value).Contains("rootfs", StringComparison.Ordinal) && f.Value.Length < 1000).Key;
            files[config] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(files[config]).Replace("amd64", "amd65", StringComparison.Ordinal));
        }));

        Assert.Equal(ImageError.DigestMismatch, e.Error);
    }

    [Theory]
    [InlineData("layout")]
    [InlineData("layout.tar")]
    [InlineData("layout.tgz")]
    public void Open_ManifestChanged_IsSizeOrDigestMismatch(string form)
    {
        ImageException e = Fails(Make(form, files =>
        {
            string manifest = files.Single(f => Encoding.UTF8.GetString(f.Value).Contains("\"layers\":[{", StringComparison.Ordinal)).Key;
            files[manifest] = [.. files[manifest], (byte)' '];
        }));

        Assert.Equal(ImageError.SizeMismatch, e.Error);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void ReadLayers_DiffIdAlteredInAConfigThatIsRenamedToMatch_IsDiffIdMismatch(string form)
    {
        // The blind spot of scanners that trust the config: everything is consistent but the layer's own bytes.
        string wrong = new('0', 64), right = ImageBuilder.Hex(Sample.Tars[1]), old = ImageBuilder.Hex(Sample.Config());
        byte[] config = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Sample.Config()).Replace(right, wrong, StringComparison.Ordinal));
        ImageException e = Fails(Make(form, files =>
        {
            if (files.Remove($"{old}.json"))
            {
                files[$"{ImageBuilder.Hex(config)}.json"] = config;
                files["manifest.json"] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(files["manifest.json"]).Replace(old, ImageBuilder.Hex(config), StringComparison.Ordinal));
                return;
            }
            JsonObject descriptor = ImageBuilder.Add(files, MediaTypes.OciConfig, config);
            foreach ((string name, byte[] bytes) in Sample.LayoutFiles(editManifest: m => m["config"] = descriptor))
                files[name] = bytes;
        }));

        Assert.Equal(ImageError.DiffIdMismatch, e.Error);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void ReadLayers_LayerMissing_IsBlobMissing(string form)
    {
        ImageException e = Fails(Make(form, files => files.Remove(files.Where(f => !f.Key.EndsWith("json", StringComparison.Ordinal)).MaxBy(f => f.Value.Length).Key)));

        Assert.Equal(ImageError.BlobMissing, e.Error);
    }

    [Theory]
    [InlineData("archive")]
    [InlineData("archive.gz")]
    [InlineData("layout.tar")]
    [InlineData("layout.tgz")]
    public void Open_ArchiveCutAtAnyPlace_IsAnErrorInItsOwnWords(string form)
    {
        byte[] whole = File.ReadAllBytes(Make(form));
        for (int length = 0; length < whole.Length - 1100; length += Math.Max(1, whole.Length / 60))
        {
            ImageException e = Fails(_folder.Write("cut.tar", whole[..length]));
            Assert.NotEqual("", e.Message);
        }
    }

    [Fact]
    public void ReadLayers_LayoutLayerSwappedForAnother_IsDigestMismatch()
    {
        string path = Make("layout", files =>
        {
            List<string> layers = [.. files.Where(f => f.Value is [0x1f, 0x8b, ..]).Select(f => f.Key)];
            (files[layers[0]], files[layers[1]]) = (files[layers[1]], files[layers[0]]);
        });

        Assert.True(Fails(path).Error is ImageError.DigestMismatch or ImageError.SizeMismatch);
    }

    [Fact]
    public void ReadLayers_UnverifiedAndChanged_IsRead()
    {
        string path = Make("archive", files =>
        {
            string layer = files.Single(f => f.Value.Length > 5000).Key;
            files[layer] = [.. files[layer]];
            files[layer][1600] ^= 1;
        });
        RecordingVisitor visitor = new();
        using Image image = ImageSource.Open(path, new ImageOptions { Verification = Verification.None }, TestContext.Current.CancellationToken);
        image.ReadLayers(visitor, 1, TestContext.Current.CancellationToken);

        Assert.Equal(2, visitor.Layers.Count);
        Assert.Equal(0, image.BytesHashed);
    }

    [Fact]
    public void ReadLayers_ZstdAndPlainLayers_AreTold()
    {
        ImageBuilder plain = new ImageBuilder().Layer(t => t.File("a", "1")).Stored(tar => tar);

        Assert.Equal(["a=1"], Read(Make("layout", sample: plain)).Layers.Values.Single());
    }

    [Fact]
    public void ReadLayers_EmptyLayer_HasNoEntries()
    {
        ImageBuilder empty = new ImageBuilder().Layer([]).Stored(tar => tar);

        Assert.Empty(Read(Make("layout", sample: empty)).Layers.Values.Single());
        Assert.Empty(Read(Make("archive", sample: empty)).Layers.Values.Single());
        Assert.Empty(Read(Make("archive.gz", sample: empty)).Layers.Values.Single());
    }

    [Fact]
    public void ReadLayers_SameLayerTwice_IsReadOnce()
    {
        byte[] tar = new TarBuilder().File("a", "1").Build();
        using Image image = ImageSource.Open(Make("layout", sample: new ImageBuilder().Layer(tar).Layer(tar)), new ImageOptions(), TestContext.Current.CancellationToken);
        RecordingVisitor visitor = new();
        image.ReadLayers(visitor, 2, TestContext.Current.CancellationToken);

        Assert.Equal(2, image.Layers.Count);
        Assert.Single(visitor.Layers);
    }

    [Fact]
    public void ReadLayers_GzipBomb_StopsAtItsRatio()
    {
        ImageBuilder bomb = new ImageBuilder().Layer(new TarBuilder().File("zeros", new byte[8 << 20]).Build());
        ImageOptions options = new() { Limits = OciLimits.Default with { FreeInflatedBytes = 1 << 20, MaxCompressionRatio = 100 } };

        Assert.Contains("MaxCompressionRatio", Fails(Make("layout", sample: bomb), options).Message, StringComparison.Ordinal);
        Assert.Single(Read(Make("layout", sample: bomb)).Layers);
    }

    [Fact]
    public void ReadLayers_LayerOneByteOverTheLimit_StopsWithItsName()
    {
        byte[] tar = new TarBuilder().File("a", "1").Build();
        string path = Make("layout", sample: new ImageBuilder().Layer(tar));

        Read(path, new ImageOptions { Limits = OciLimits.Default with { MaxLayerBytes = tar.Length } });
        Assert.Contains("MaxLayerBytes", Fails(path, new ImageOptions { Limits = OciLimits.Default with { MaxLayerBytes = tar.Length - 1 } }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_JsonOneByteOverTheLimit_StopsWithItsName()
    {
        string path = Make("archive");
        int size = Sample.ArchiveFiles().Where(f => f.Key.EndsWith(".json", StringComparison.Ordinal)).Max(f => f.Value.Length);

        Read(path, new ImageOptions { Limits = OciLimits.Default with { MaxJsonBytes = size } });
        Assert.Contains("MaxJsonBytes", Fails(path, new ImageOptions { Limits = OciLimits.Default with { MaxJsonBytes = size - 1 } }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MoreLayersThanTheLimit_StopsWithItsName() =>
        Assert.Contains("MaxLayers", Fails(Make("archive"), new ImageOptions { Limits = OciLimits.Default with { MaxLayers = 1 } }).Message, StringComparison.Ordinal);

    [Fact]
    public void Open_IndexOfSeveralPlatforms_ChoosesTheOneAskedFor()
    {
        Dictionary<string, byte[]> files = [];
        JsonArray manifests = [];
        foreach (string architecture in (string[])["amd64", "arm64"])
        {
            Dictionary<string, byte[]> one = new ImageBuilder().For(architecture).Layer(t => t.File(architecture, "1")).LayoutFiles();
            JsonObject descriptor = JsonNode.Parse(one["index.json"])!["manifests"]![0]!.DeepClone().AsObject();
            descriptor.Remove("annotations");
            descriptor["platform"] = new JsonObject { ["os"] = "linux", ["architecture"] = architecture };
            manifests.Add(descriptor);
            foreach ((string name, byte[] bytes) in one)
                files[name] = bytes;
        }
        JsonObject index = ImageBuilder.Add(files, MediaTypes.OciIndex, Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = MediaTypes.OciIndex, ["manifests"] = manifests }.ToJsonString()));
        files["index.json"] = Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(index) }.ToJsonString());
        ImageBuilder.Write(files, _folder["multi"]);

        Assert.Equal(["arm64=1"], Read(_folder["multi"], new ImageOptions { Platform = new Platform("linux", "arm64", "v8") }).Layers.Values.Single());
        ImageException e = Fails(_folder["multi"], new ImageOptions { Platform = new Platform("linux", "s390x") });
        Assert.Equal(ImageError.NoSuchPlatform, e.Error);
        Assert.Contains("linux/arm64", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_IndexThatNamesItself_EndsAtTheDepthLimit()
    {
        // A digest cannot be in its own content, so the loop is only possible when nothing is verified.
        JsonObject descriptor = new() { ["mediaType"] = MediaTypes.OciIndex, ["digest"] = $"sha256:{new string('a', 64)}", ["size"] = 1 };
        byte[] index = Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = MediaTypes.OciIndex, ["manifests"] = new JsonArray(descriptor) }.ToJsonString());
        ImageBuilder.Write(new() { ["index.json"] = index, ["oci-layout"] = [], [$"blobs/sha256/{new string('a', 64)}"] = index }, _folder["loop"]);

        Assert.Equal(ImageError.LimitExceeded, Fails(_folder["loop"], new ImageOptions { Verification = Verification.None }).Error);
        Assert.Equal(ImageError.SizeMismatch, Fails(_folder["loop"]).Error);
    }

    [Fact]
    public void Open_SeveralImages_AsksForOneAndTakesIt()
    {
        Dictionary<string, byte[]> files = new ImageBuilder().Layer(t => t.File("a", "1")).LayoutFiles("one");
        JsonNode first = JsonNode.Parse(files["index.json"])!["manifests"]![0]!.DeepClone();
        Dictionary<string, byte[]> other = new ImageBuilder().Layer(t => t.File("b", "2")).LayoutFiles("two");
        foreach ((string name, byte[] bytes) in other)
            files[name] = bytes;
        files["index.json"] = Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(first, JsonNode.Parse(other["index.json"])!["manifests"]![0]!.DeepClone()) }.ToJsonString());
        ImageBuilder.Write(files, _folder["two"]);

        ImageException e = Fails($"oci:{_folder["two"]}");
        Assert.Equal(ImageError.Ambiguous, e.Error);
        Assert.Contains("\"two\"", e.Message, StringComparison.Ordinal);
        Assert.Equal(["b=2"], Read($"oci:{_folder["two"]}:two").Layers.Values.Single());
        Assert.Equal(ImageError.NotFound, Fails($"oci:{_folder["two"]}:three").Error);
    }

    [Fact]
    public void Open_ArchiveWhoseTwoDescriptionsDiffer_IsAmbiguous()
    {
        Dictionary<string, byte[]> files = Sample.ArchiveFiles();
        foreach ((string name, byte[] bytes) in new ImageBuilder().Layer(t => t.File("clean", "1")).LayoutFiles())
            files[name] = bytes;
        string path = _folder.Write("both.tar", ImageBuilder.Tar(files));

        Assert.Equal(ImageError.Ambiguous, Fails(path).Error);
        Assert.Equal(2, Read($"docker-archive:{path}").Layers.Count);
        Assert.Equal(["clean=1"], Read($"oci-archive:{path}").Layers.Values.Single());
    }

    [Fact]
    public void Open_ArchiveThatLinksALayerTwice_FollowsTheLink()
    {
        byte[] tar = new TarBuilder().File("a", "1").Build();
        ImageBuilder sample = new ImageBuilder().Layer(tar).Layer(tar);
        TarBuilder archive = new();
        Dictionary<string, byte[]> files = sample.ArchiveFiles();
        List<string> layers = [.. files.Keys.Where(k => k.EndsWith("layer.tar", StringComparison.Ordinal))];
        foreach ((string name, byte[] bytes) in files)
        {
            if (name == layers[1])
                archive.Symlink(name, $"../{layers[0]}");
            else
                archive.File(name, bytes);
        }
        string path = _folder.Write("linked.tar", archive.Build());

        Assert.Equal(2, Read(path).Layers.Count);
        Assert.Equal(2, Read(_folder.Write("linked.tgz", ImageBuilder.Gzip(archive.Build()))).Layers.Count);
    }

    [Fact]
    public void Open_LayoutBlobThatIsALinkOut_FindsNothing()
    {
        string path = Make("layout");
        string blob = Directory.GetFiles(Path.Combine(path, "blobs/sha256")).MaxBy(f => new FileInfo(f).Length)!;
        string outside = _folder.Write("outside", File.ReadAllBytes(blob));
        File.Delete(blob);
        File.CreateSymbolicLink(blob, outside);

        Assert.Equal(ImageError.BlobMissing, Fails(path).Error);
    }

    [Fact]
    public void Open_NoImageAtAll_SaysWhatItLookedFor()
    {
        Assert.Contains("manifest.json", Fails(_folder.Write("root.tar", new TarBuilder().File("etc/passwd", "x").Build())).Message, StringComparison.Ordinal);
        Assert.Equal(ImageError.Truncated, Fails(_folder.Write("empty.tar", [])).Error);
        Assert.Equal(ImageError.Malformed, Fails(_folder.Write("junk.tar", Encoding.ASCII.GetBytes(new string('j', 5000)))).Error);
        Assert.Equal(ImageError.NotFound, Fails(_folder["nothing.tar"]).Error);
        Assert.Equal(ImageError.Malformed, Fails(_folder.Path).Error);
        Assert.Equal(ImageError.Malformed, Fails($"docker-archive:{_folder.Path}").Error);
    }

    [Fact]
    public void Open_EncryptedLayer_IsUnsupportedByName()
    {
        Dictionary<string, byte[]> files = Sample.LayoutFiles(editManifest: m => m["layers"]![0]!["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
        ImageBuilder.Write(files, _folder["enc"]);

        ImageException e = Fails(_folder["enc"]);
        Assert.Equal(ImageError.Unsupported, e.Error);
        Assert.Contains("encrypted", e.Message, StringComparison.Ordinal);
    }
}
