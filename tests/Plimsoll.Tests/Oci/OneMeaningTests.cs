using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Oci;

/// <summary>An archive with manifest.json and index.json must be the same image to Docker and to containerd.</summary>
public sealed class OneMeaningTests : IDisposable
{
    private static readonly ImageBuilder One = new ImageBuilder().Layer(t => t.File("one", "1"));
    private static readonly ImageBuilder Two = new ImageBuilder().Layer(t => t.File("two", "2"));
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_TwoImagesWhoseNamesAreSwappedInTheIndex_IsAmbiguous(bool gzip)
    {
        ImageException error = Assert.Throws<ImageException>(() => Read("archive:", Archive(swapped: true), ":one:1", gzip));
        Assert.Equal(ImageError.Ambiguous, error.Error);
        Assert.Contains("describes two images", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_TwoImagesThatAgree_OpensTheNamedOne(bool gzip)
    {
        Assert.Equal(Digest.Of(One.Config()), Read("archive:", Archive(swapped: false), ":one:1", gzip));
        Assert.Equal(Digest.Of(Two.Config()), Read("archive:", Archive(swapped: false), ":two:1", gzip));
    }

    [Fact]
    public void Open_AnImageThatTheIndexDoesNotList_IsAmbiguous()
    {
        Dictionary<string, byte[]> files = Archive(swapped: false);
        JsonNode index = JsonNode.Parse(files["index.json"])!;
        JsonArray manifests = index["manifests"]!.AsArray();
        manifests.RemoveAt(0);
        files["index.json"] = Bytes(index);
        Assert.Equal(ImageError.Ambiguous, Assert.Throws<ImageException>(() => Read("archive:", files, ":one:1", false)).Error);
    }

    [Theory]
    [InlineData("oci-archive:", false)]
    [InlineData("oci-archive:", true)]
    [InlineData("docker-archive:", false)]
    [InlineData("docker-archive:", true)]
    public void Open_WithTheFormNamed_ReadsThatDescription(string scheme, bool gzip)
    {
        // Both have one image, and not the same.
        Dictionary<string, byte[]> files = One.ArchiveFiles("one:1");
        foreach ((string name, byte[] content) in Two.LayoutFiles("1"))
            files[name] = content;
        Assert.Equal(ImageError.Ambiguous, Assert.Throws<ImageException>(() => Read("archive:", files, "", gzip)).Error);
        Assert.Equal(Digest.Of((scheme == "oci-archive:" ? Two : One).Config()), Read(scheme, files, "", gzip));
    }

    /// <summary>Two images in both descriptions; swapped: the index gives each the other's name.</summary>
    private static Dictionary<string, byte[]> Archive(bool swapped)
    {
        Dictionary<string, byte[]> files = [];
        JsonArray archive = [], index = [];
        foreach ((ImageBuilder image, string tag) in new[] { (One, "one:1"), (Two, "two:1") })
        {
            foreach ((string name, byte[] content) in image.ArchiveFiles(tag).Concat(image.LayoutFiles("1")))
                files[name] = content;
            archive.Add(JsonNode.Parse(files["manifest.json"])![0]!.DeepClone());
            JsonNode descriptor = JsonNode.Parse(files["index.json"])!["manifests"]![0]!.DeepClone();
            string inIndex = swapped ? tag == "one:1" ? "two:1" : "one:1" : tag;
            descriptor["annotations"] = new JsonObject { ["io.containerd.image.name"] = $"docker.io/library/{inIndex}", ["org.opencontainers.image.ref.name"] = "1" };
            index.Add(descriptor);
        }
        files["manifest.json"] = Bytes(archive);
        files["index.json"] = Bytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = index });
        return files;
    }

    private static byte[] Bytes(JsonNode node) => System.Text.Encoding.UTF8.GetBytes(node.ToJsonString());

    private Digest? Read(string scheme, Dictionary<string, byte[]> files, string choice, bool gzip)
    {
        string path = _folder[gzip ? "image.tar.gz" : "image.tar"];
        byte[] tar = ImageBuilder.Tar(files);
        File.WriteAllBytes(path, gzip ? ImageBuilder.Gzip(tar) : tar);
        using Image image = ImageSource.Open($"{scheme}{path}{choice}", new ImageOptions(), TestContext.Current.CancellationToken);
        image.ReadLayers(new RecordingVisitor(), 1, TestContext.Current.CancellationToken);
        return image.ConfigDigest;
    }
}
