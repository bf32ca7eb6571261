using System.Text;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Oci;

/// <summary>Archives and layouts that describe one image to us and another to who loads them.</summary>
public sealed class ImageAttackTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static ImageBuilder Builder => new ImageBuilder().Layer(t => t.File("a", "1"));

    private RecordingVisitor Read(byte[] archive, bool packed = false, string scheme = "archive:")
    {
        string path = _folder.Write("image.tar", packed ? ImageBuilder.Gzip(archive) : archive);
        using Image image = ImageSource.Open(scheme + path, new ImageOptions(), TestContext.Current.CancellationToken);
        RecordingVisitor visitor = new();
        image.ReadLayers(visitor, 2, TestContext.Current.CancellationToken);
        return visitor;
    }

    private ImageError Fails(byte[] archive, bool packed = false) => Assert.Throws<ImageException>(() => Read(archive, packed)).Error;

    private static byte[] Edited(Dictionary<string, byte[]> files, string name, string old, string now)
    {
        string text = Encoding.UTF8.GetString(files[name]);
        Assert.Contains(old, text);
        files[name] = Encoding.UTF8.GetBytes(text.Replace(old, now));
        return ImageBuilder.Tar(files);
    }

    [Theory]
    [InlineData("\"Layers\":", "\"layers\":[],\"Layers\":")]
    [InlineData("\"Layers\":", "\"Layers\":[],\"Layers\":")]
    [InlineData("\"Layers\":", "\"LAYERS\":")]
    [InlineData("\"Layers\":", "\"Layer\\u017f\":[],\"Layers\":")]
    [InlineData("\"Config\":", "\"config\":\"x\",\"Config\":")]
    [InlineData("\"RepoTags\":[", "\"RepoTags\":[null,")]
    [InlineData("[{", "[null,{")]
    public void ManifestWithAMemberInTwoCasings_IsMalformed(string old, string now)
    {
        Assert.Equal(ImageError.Malformed, Fails(Edited(Builder.ArchiveFiles(), "manifest.json", old, now)));
        Assert.Equal(ImageError.Malformed, Fails(Edited(Builder.ArchiveFiles(), "manifest.json", old, now), packed: true));
    }

    [Theory]
    [InlineData("\"rootfs\":", "\"RootFS\":{},\"rootfs\":")]
    [InlineData("\"rootfs\":", "\"rootfs\":{},\"rootfs\":")]
    [InlineData("\"rootfs\":", "\"Rootfs\":")]
    [InlineData("\"diff_ids\":", "\"Diff_ids\":[],\"diff_ids\":")]
    [InlineData("\"history\":[", "\"history\":[null,")]
    public void ConfigWithAMemberInTwoCasings_IsMalformed(string old, string now)
    {
        // Kept under a name that states no digest, so that nothing else can refuse it.
        Dictionary<string, byte[]> files = Builder.ArchiveFiles();
        string config = files.Keys.Single(name => name.EndsWith(".json", StringComparison.Ordinal) && name != "manifest.json");
        files["config"] = files[config];
        files["manifest.json"] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(files["manifest.json"]).Replace(config, "config"));

        Assert.Equal(ImageError.Malformed, Fails(Edited(files, "config", old, now)));
    }

    [Fact]
    public void LabelsInTwoCasings_AreFine()
    {
        Dictionary<string, byte[]> files = Builder.ArchiveFiles();
        string config = files.Keys.Single(name => name.EndsWith(".json", StringComparison.Ordinal) && name != "manifest.json");
        files["config"] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(files[config]).Replace("\"rootfs\":", "\"config\":{\"Labels\":{\"a\":\"1\",\"A\":\"2\",\"OS\":\"3\"},\"Env\":null},\"rootfs\":"));
        files["manifest.json"] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(files["manifest.json"]).Replace(config, "config"));

        Assert.Single(Read(ImageBuilder.Tar(files)).Layers);
    }

    [Theory]
    [InlineData("manifests")]
    [InlineData("Layers")]
    [InlineData("Config")]
    public void LayoutManifestThatCanBeReadTwoWays_IsMalformed(string member) =>
        Assert.Equal(ImageError.Malformed, Fails(ImageBuilder.Tar(Builder.LayoutFiles(editManifest: m => m[member] = new System.Text.Json.Nodes.JsonArray()))));

    [Fact]
    public void DescriptorOfAnotherMediaTypeThanItsManifest_IsMalformed() =>
        Assert.Equal(ImageError.Malformed, Fails(Edited(Builder.LayoutFiles(), "index.json", "image.manifest.v1", "image.index.v1")));

    [Theory]
    [InlineData("[null]")]
    [InlineData("[null,null]")]
    public void IndexOfNulls_IsMalformed(string list)
    {
        Dictionary<string, byte[]> files = Builder.LayoutFiles();
        files["index.json"] = Encoding.UTF8.GetBytes($"{{\"schemaVersion\":2,\"manifests\":{list}}}");

        Assert.Equal(ImageError.Malformed, Fails(ImageBuilder.Tar(files)));
    }

    /// <summary>manifest.json of the decoy stands first; what follows is how Docker's unpacking comes to the other one.</summary>
    [Theory]
    [InlineData("dots", false, ImageError.Malformed)]
    [InlineData("dots", true, ImageError.Malformed)]
    [InlineData("link", false, ImageError.Malformed)]
    [InlineData("link", true, ImageError.Malformed)]
    [InlineData("sparse", false, ImageError.Unsupported)]
    [InlineData("sparse", true, ImageError.Unsupported)]
    public void ManifestReplacedByAnEntryWeWouldPassOver_IsAnError(string how, bool packed, ImageError error)
    {
        byte[] other = "[]"u8.ToArray();
        TarBuilder tar = new();
        foreach ((string name, byte[] content) in Builder.ArchiveFiles())
            tar.File(name, content);
        tar = how switch
        {
            "dots" => tar.File("x/../manifest.json", other),
            "link" => tar.Symlink("x", ".").File("x/manifest.json", other),
            _ => tar.Pax(("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.map", "0,2"), ("GNU.sparse.size", "2")).File("manifest.json", other),
        };

        Assert.Equal(error, Fails(tar.Build(), packed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ArchiveThatDescribesTwoImages_IsAmbiguous(bool packed)
    {
        Dictionary<string, byte[]> files = Builder.ArchiveFiles();
        foreach ((string name, byte[] content) in new ImageBuilder().Layer(t => t.File("b", "2")).LayoutFiles())
            files[name] = content;

        Assert.Equal(ImageError.Ambiguous, Fails(ImageBuilder.Tar(files), packed));
    }

    [Fact]
    public void PlainLayerLongerThanALayerMayBe_IsALimit()
    {
        using LayerReader reader = new(new Endless(new TarBuilder().File("a", "1").BuildOpen()), new ImageLayer("k", null, null, -1), new Nothing { Name = "n" }, OciLimits.Default with { MaxLayerBytes = 10 << 20 });
        Assert.True(reader.MoveNext(TestContext.Current.CancellationToken));

        ImageException error = Assert.Throws<ImageException>(() =>
        {
            _ = reader.MoveNext(TestContext.Current.CancellationToken);
            reader.Complete(TestContext.Current.CancellationToken);
        });
        Assert.Equal(ImageError.LimitExceeded, error.Error);
    }

    private sealed class Nothing : Image
    {
        public override void ReadLayers(ILayerVisitor visitor, int parallelism, CancellationToken cancellationToken)
        {
        }
    }

    /// <summary>A start, and zeros for ever.</summary>
    private sealed class Endless(byte[] start) : ReadOnlyStream
    {
        private int _at;

        public override int Read(Span<byte> buffer)
        {
            buffer.Clear();
            int take = Math.Min(buffer.Length, start.Length - _at);
            start.AsSpan(_at, take).CopyTo(buffer);
            _at += take;
            return buffer.Length;
        }
    }
}
