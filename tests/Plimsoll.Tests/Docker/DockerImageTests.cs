using System.Diagnostics;
using System.Formats.Tar;
using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Docker;

/// <summary>Against a real dockerd: what it stores is what was loaded, and a changed store never reads as sound.</summary>
[Trait("needs", "host")]
public sealed class DockerImageTests(TestDocker docker) : IClassFixture<TestDocker>
{
    private static readonly EngineOptions InPlace = EngineOptions.Default;
    private static readonly EngineOptions ByExport = EngineOptions.Default with { ReadStoreInPlace = false };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void ReadLayers_InPlaceAndByExport_GiveWhatWasLoaded()
    {
        SavedImage saved = Load("same");
        using Image archive = FromArchive(saved);
        using Image stored = Open(saved, InPlace), exported = Open(saved, ByExport);
        EntryRecorder wanted = Read(archive), seenStored = Read(stored), seenExported = Read(exported);

        Assert.IsType<Overlay2Image>(stored);
        Assert.IsType<StreamImage>(exported);
        Assert.Equal(saved.DiffIds.Count, wanted.Accepted.Count);
        Assert.Equal(wanted.Accepted, seenStored.Accepted);
        Assert.Equal(wanted.Accepted, seenExported.Accepted);
        Assert.Equal(saved.Id, stored.ConfigDigest);
        Assert.Equal(saved.Id, exported.ConfigDigest);
        Assert.Equal(saved.Config, stored.ConfigBytes.ToArray());
        Assert.Equal([saved.Tag], stored.Tags);
        Assert.Equal(saved.DiffIds, stored.Layers.Select(l => l.DiffId!));
        Assert.Equal(saved.DiffIds, exported.Layers.Select(l => l.DiffId!));
        Assert.Equal(saved.Layers.Sum(l => (long)l.Length), stored.BytesHashed);
    }

    [Fact]
    public void Open_ByIdShortIdAndBareName_FindsTheImage()
    {
        SavedImage saved = Load("names", tag: "plimsoll/names:latest");
        foreach (string name in (string[])[saved.Id.ToString(), saved.Id.Hex, saved.Id.Short, "plimsoll/names", "plimsoll/names:latest"])
            foreach (EngineOptions engine in (EngineOptions[])[InPlace, ByExport])
            {
                using Image image = DockerImage.Open(name, $"docker:{name}", DockerEndpoint.Unix(docker.Socket), engine, new ImageOptions(), Token);
                Read(image);
                Assert.Equal(saved.Id, image.ConfigDigest);
                Assert.Equal($"docker:{name}", image.Name);
            }
    }

    [Fact]
    public void Open_UnknownName_IsNotFound()
    {
        ImageException e = Assert.Throws<ImageException>(() => DockerImage.Open("plimsoll/absent", "x", DockerEndpoint.Unix(docker.Socket), InPlace, new ImageOptions(), Token));

        Assert.Equal(ImageError.NotFound, e.Error);
    }

    [Fact]
    public void ReadLayers_Twice_ReadsAgainAndClaimsNoProof()
    {
        SavedImage saved = Load("twice");
        using Image image = Open(saved, InPlace);

        EntryRecorder first = Read(image), second = Read(image);

        Assert.Equal(first.Accepted, second.Accepted);
        Assert.Equal(0, second.Proven);
    }

    [Fact]
    public void ReadLayers_OneByteFlipped_NamesTheLayerAndTheFile()
    {
        SavedImage saved = Load("flip");
        string file = Unpacked(saved, "etc/motd-flip");
        byte[] content = File.ReadAllBytes(file);
        content[3] ^= 1;
        File.WriteAllBytes(file, content);

        ImageException e = Refused(saved);

        Assert.Equal(ImageError.DiffIdMismatch, e.Error);
        Assert.Contains(saved.DiffIds[0].ToString(), e.Message, StringComparison.Ordinal);
        Assert.Contains("\"etc/motd-flip\"", e.Message, StringComparison.Ordinal);
        Assert.Contains(Path.GetRelativePath(docker.DataRoot, file)[..^"/etc/motd-flip".Length], e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadLayers_FileMadeLonger_NamesBothSizes()
    {
        SavedImage saved = Load("size");
        File.AppendAllText(Unpacked(saved, "etc/motd-size"), "!!");

        ImageException e = Refused(saved);

        Assert.Equal(ImageError.SizeMismatch, e.Error);
        Assert.Contains("\"etc/motd-size\" in the store has 12 bytes, tar-split states 10", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadLayers_FileRemoved_IsNamed()
    {
        SavedImage saved = Load("gone");
        File.Delete(Unpacked(saved, "etc/motd-gone"));

        ImageException e = Refused(saved);

        Assert.Equal(ImageError.BlobMissing, e.Error);
        Assert.Contains("\"etc/motd-gone\"", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ln", "-s", "/etc/shadow", "a symbolic link")]
    [InlineData("mkfifo", "-m", "644", "a FIFO")]
    [InlineData("mkdir", "-m", "755", "a folder")]
    public void ReadLayers_FileReplaced_IsAnErrorAndNoHang(string command, string option, string argument, string kind)
    {
        SavedImage saved = Load("replaced-" + command);
        string file = Unpacked(saved, "etc/motd-replaced-" + command);
        File.Delete(file);
        using (Process process = Process.Start(command, [option, argument, file]))
            process.WaitForExit();

        ImageException e = Refused(saved);

        Assert.Equal(ImageError.Malformed, e.Error);
        Assert.Contains(kind, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadLayers_FolderReplacedByLinkOut_StaysInside()
    {
        SavedImage saved = Load("linkout");
        string etc = Path.GetDirectoryName(Unpacked(saved, "etc/motd-linkout"))!;
        string outside = Path.Combine(docker.Folder, "outside");
        Directory.CreateDirectory(outside);
        File.Copy(Path.Combine(etc, "motd-linkout"), Path.Combine(outside, "motd-linkout"));
        Directory.Delete(etc, recursive: true);
        Directory.CreateSymbolicLink(etc, outside);

        ImageException e = Refused(saved);

        Assert.Equal(ImageError.BlobMissing, e.Error);
    }

    [Fact]
    public void Open_ConfigEdited_IsADigestMismatchWithBothValues()
    {
        SavedImage saved = Load("config");
        string file = Path.Combine(docker.DataRoot, "image/overlay2/imagedb/content/sha256", saved.Id.Hex);
        File.WriteAllText(file, File.ReadAllText(file).Replace("/bin/true", "/bin/fals", StringComparison.Ordinal));

        Assert.True(Overlay2Store.TryOpen(docker.DataRoot, out Overlay2Store? store, out _));
        using (store)
        {
            ImageException e = Assert.Throws<ImageException>(() => Overlay2Image.TryOpen(store, saved.Id, "x", [], null, IdShift.None, new ImageOptions(), out _));
            Assert.Equal(ImageError.DigestMismatch, e.Error);
            Assert.Contains(saved.Id.ToString(), e.Message, StringComparison.Ordinal);
            Assert.Contains(Digest.Of(File.ReadAllBytes(file)).ToString(), e.Message, StringComparison.Ordinal);
        }
        // The daemon checks its configs as well and then disowns the image; the store tells why.
        Assert.Equal(ImageError.DigestMismatch, Assert.Throws<ImageException>(() => Open(saved, InPlace)).Error);
    }

    [Theory]
    [InlineData("tar-split.json.gz")]
    [InlineData("cache-id")]
    public void ReadLayers_RecordOfALayerIsAnothers_IsRefused(string record)
    {
        SavedImage saved = Load("swapped-" + record);
        IReadOnlyList<Digest> chain = ChainId.Of(saved.DiffIds);
        File.Copy(LayerFile(chain[1], record), LayerFile(chain[0], record), overwrite: true);

        // Two layers with one folder are refused before anything of them is read.
        ImageException e = record == "cache-id" ? Assert.Throws<ImageException>(() => Open(saved, InPlace)) : Refused(saved);

        Assert.Contains(e.Error, (ImageError[])[ImageError.DiffIdMismatch, ImageError.BlobMissing]);
    }

    [Fact]
    public void Open_CacheIdLeavesTheStore_IsRefused()
    {
        SavedImage saved = Load("cacheid");
        File.WriteAllText(LayerFile(ChainId.Of(saved.DiffIds)[0], "cache-id"), "../../../../../../etc");

        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => Open(saved, InPlace)).Error);
    }

    [Fact]
    public void ReadLayers_TarSplitCutShort_IsRefused()
    {
        SavedImage saved = Load("cut");
        string file = LayerFile(ChainId.Of(saved.DiffIds)[0], "tar-split.json.gz");
        byte[] content = File.ReadAllBytes(file);
        File.WriteAllBytes(file, content[..(content.Length / 2)]);

        Refused(saved);
    }

    [Fact]
    public void Open_TarSplitMissing_FallsBackToTheExport()
    {
        SavedImage saved = Load("nosplit");
        File.Delete(LayerFile(ChainId.Of(saved.DiffIds)[0], "tar-split.json.gz"));

        using Image image = Open(saved, InPlace);

        Assert.IsType<StreamImage>(image);
        // The export is the image's bytes, and says nothing of the files that containers run from.
        Assert.Equal(ImageError.BlobMissing, Assert.Throws<ImageException>(() => Plimsoll.Measure.Measurer.Measure(image, new Plimsoll.Measure.MeasureOptions(), Token)).Error);
    }

    private string LayerFile(Digest chainId, string name) => Path.Combine(docker.DataRoot, "image/overlay2/layerdb/sha256", chainId.Hex, name);

    private string Unpacked(SavedImage saved, string path) =>
        Path.Combine(docker.DataRoot, "overlay2", File.ReadAllText(LayerFile(ChainId.Of(saved.DiffIds)[0], "cache-id")), "diff", path);

    /// <summary>Loads an image of two layers that no other test has.</summary>
    private SavedImage Load(string salt, string? tag = null)
    {
        SavedImage saved = new SavedImage { Tag = tag ?? $"plimsoll/{salt.ToLowerInvariant()}:1" }
            .WithLayer(($"etc/motd-{salt}", "0123456789"), ("usr/bin/tool", salt + new string('x', 300_000)), ("usr/bin/empty", ""))
            .WithLayer(tar =>
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "srv/") { Mode = (UnixFileMode)0b111_101_101 });
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, $"srv/{new string('n', 180)}-{salt}-é") { DataStream = new MemoryStream([1, 2, 3]) });
                tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "srv/link") { LinkName = "/etc/shadow" });
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "usr/bin/.wh.empty"));
            });
        docker.Load(saved.Build());
        return saved;
    }

    private Image Open(SavedImage saved, EngineOptions engine) =>
        DockerImage.Open(saved.Tag, $"docker:{saved.Tag}", DockerEndpoint.Unix(docker.Socket), engine, new ImageOptions(), Token);

    private static EntryRecorder Read(Image image)
    {
        EntryRecorder seen = new();
        image.ReadLayers(seen, 2, Token);
        return seen;
    }

    private ImageException Refused(SavedImage saved)
    {
        using Image image = Open(saved, InPlace);
        EntryRecorder seen = new();
        ImageException e = Assert.Throws<ImageException>(() => image.ReadLayers(seen, 1, Token));
        Assert.DoesNotContain(saved.DiffIds[0].ToString(), seen.Accepted.Keys);
        return e;
    }

    private Image FromArchive(SavedImage saved)
    {
        string file = Path.Combine(docker.Folder, "saved.tar");
        File.WriteAllBytes(file, saved.Build());
        return ImageSource.Open($"docker-archive:{file}", new ImageOptions(), Token);
    }
}
