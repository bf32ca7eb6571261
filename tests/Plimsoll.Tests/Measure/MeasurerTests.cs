using System.Security.Cryptography;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Measure;

public sealed class MeasurerTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    /// <summary>Three layers; the second is larger than the chunks in which layers are read.</summary>
    private static ImageBuilder Builder()
    {
        byte[] noise = new byte[3_000_001];
        new Random(5).NextBytes(noise);
        return new ImageBuilder().Layer(t => t.Folder("etc").File("etc/motd", "hello")).Layer(t => t.File("noise", noise)).Layer(t => t.Whiteout("etc/motd"));
    }

    private MeasureResult Measure(string name, MeasureOptions? options = null, ImageOptions? opening = null)
    {
        using Image image = ImageSource.Open(name, opening ?? new ImageOptions(), Token);
        return Measurer.Measure(image, options ?? new MeasureOptions(), Token);
    }

    [Theory]
    [InlineData("archive")]
    [InlineData("gzip archive")]
    [InlineData("standard input")]
    [InlineData("layout")]
    [InlineData("plain layout")]
    [InlineData("oci-archive")]
    [InlineData("registry")]
    public void Measure_EveryWayAnImageComes_GivesTheValueOfItsTars(string form)
    {
        ImageBuilder builder = Builder();
        Measurement wanted = MeasurementTests.Of(System.Text.Encoding.UTF8.GetString(builder.Config()), [.. builder.Tars]);
        using FakeRegistry registry = new(new FakeRepository(builder));
        byte[] archive = ImageBuilder.Tar(builder.ArchiveFiles());
        if (form.EndsWith("layout", StringComparison.Ordinal))
            ImageBuilder.Write((form == "layout" ? builder : builder.Stored(t => t)).LayoutFiles(), _folder["layout"]);
        string name = form switch
        {
            "archive" => _folder.Write("image.tar", archive),
            "gzip archive" => _folder.Write("image.tgz", ImageBuilder.Gzip(archive)),
            "standard input" => "-",
            "oci-archive" => "oci-archive:" + _folder.Write("oci.tar", ImageBuilder.Tar(builder.LayoutFiles())),
            "registry" => $"registry:{registry.Host}/a/b:1",
            _ => $"oci:{_folder["layout"]}",
        };
        ImageOptions options = form == "registry" ? Registry.RegistryFixture.For(registry) : new ImageOptions { OpenStandardInput = () => new MemoryStream(archive) };

        foreach (int parallelism in (int[])[1, 2, 4])
        {
            MeasureResult result = Measure(name, new MeasureOptions { Parallelism = parallelism }, options);

            Assert.Equal(wanted, result.Measurement);
            Assert.Equal(wanted.Value, result.Measurement!.Value);
            Assert.Empty(result.Differences);
            Assert.False(result.ComparedUnpacked);
        }
    }

    [Fact]
    public void Measure_OneByteOfALayer_ThrowsWithBothDigests()
    {
        Dictionary<string, byte[]> files = Builder().ArchiveFiles();
        string layer = files.Keys.First(k => k.EndsWith("layer.tar", StringComparison.Ordinal));
        string right = $"sha256:{ImageBuilder.Hex(files[layer])}";
        files[layer][600] ^= 1;

        ImageException e = Assert.Throws<ImageException>(() => Measure(_folder.Write("image.tar", ImageBuilder.Tar(files))));

        Assert.Equal(ImageError.DiffIdMismatch, e.Error);
        Assert.Contains(right, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Measure_AFolder_IsRefused()
    {
        Directory.CreateDirectory(_folder["root/etc"]);

        Assert.Equal(ImageError.Unsupported, Assert.Throws<ImageException>(() => Measure($"dir:{_folder["root"]}")).Error);
    }

    [Fact]
    public void Measure_Unverified_IsRefused()
    {
        string name = _folder.Write("image.tar", ImageBuilder.Tar(Builder().ArchiveFiles()));

        Assert.Equal(ImageError.Unsupported, Assert.Throws<ImageException>(() => Measure(name, null, new ImageOptions { Verification = Verification.None })).Error);
    }

    [Fact]
    public void Measure_WithFiles_GivesTheListAndTheSameValue()
    {
        string name = _folder.Write("image.tar", ImageBuilder.Tar(Builder().ArchiveFiles()));

        MeasureResult with = Measure(name, new MeasureOptions { Files = true }), without = Measure(name);

        Assert.Equal(without.Measurement, with.Measurement);
        Assert.Null(without.Files);
        FileEntry motd = Assert.Single(with.Files!.Layers[0].Entries, e => e.Path == "etc/motd");
        Assert.Equal(SHA384.HashData("hello"u8), motd.Content);
        Assert.False(motd.Visible);
        Assert.Equal(FileType.Whiteout, Assert.Single(with.Files.Layers[2].Entries).Type);
    }
}
