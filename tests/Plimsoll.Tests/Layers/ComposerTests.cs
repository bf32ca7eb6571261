using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Layers;

/// <summary>What is left of packages once layers lie over each other, and which layer brought or took them.</summary>
public sealed class ComposerTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Files named <c>*.list</c> hold a package a line: name, space, version.</summary>
    internal sealed class ListAnalyser : IAnalyser
    {
        public string Id => "list";
        public int Version { get; init; } = 1;
        public long MaxFileBytes { get; init; } = 1000;

        public bool Wants(ReadOnlySpan<byte> path) => path.EndsWith(".list"u8);

        public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
        {
            string text = Encoding.UTF8.GetString(content.Span);
            if (text.Contains("stumble", StringComparison.Ordinal))
                throw new InvalidOperationException("stumbled");
            return text.Length == 0 ? null : new FileFacts
            {
                Path = path,
                Analyser = Id,
                Packages = [.. text.Split('\n').Select(line => line.Split(' ')).Select(w => new Package { Type = "deb", Name = w[0], Version = w[1], SourceName = w[0], SourceVersion = w[1] })],
            };
        }
    }

    private Inventory Compose(params Action<TarBuilder>[] layers) => Compose(null, new ListAnalyser(), layers);

    private Inventory Compose(LayerCache? cache, IAnalyser analyser, params Action<TarBuilder>[] layers)
    {
        ImageBuilder builder = new();
        for (int i = 0; i < layers.Length; i++)
            builder.Layer(layers[i], $"step {i}");
        string path = _folder.Write("image.tar", ImageBuilder.Tar(builder.ArchiveFiles()));
        File.SetLastWriteTimeUtc(path, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        return Compose(path, cache, analyser);
    }

    private static Inventory Compose(string path, LayerCache? cache, IAnalyser analyser, Verification verification = Verification.Full)
    {
        using Image image = ImageSource.Open(path, new ImageOptions { Proofs = cache, Verification = verification, Time = new Later() }, TestContext.Current.CancellationToken);
        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> fromCache) =
            new LayerScanner([new FactGroup(FactGroup.Packages, "", [analyser])], cache, verification, null).Read(image, 2, TestContext.Current.CancellationToken);
        return Composer.Compose(image, facts, fromCache);
    }

    /// <summary>A minute ahead, so that files just written count as settled.</summary>
    private sealed class Later : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddMinutes(1);
    }

    private static string[] Show(IEnumerable<InstalledPackage> packages) =>
        [.. packages.Select(p => $"{p.Package.Name} {p.Package.Version} +{p.Origin.Layer}{(p.RemovedBy is { } by ? $" -{by.Layer} {p.ReplacedBy}" : "")}".TrimEnd())];

    [Fact]
    public void Compose_PackageAddedLater_NamesTheLayerAndItsHistory()
    {
        Inventory seen = Compose(t => t.File("a.list", "x 1"), t => t.File("other", ""), t => t.File("a.list", "x 1\ny 2"));

        Assert.Equal(["x 1 +0", "y 2 +2"], Show(seen.Packages));
        Assert.Equal("step 2", seen.Packages[1].Origin.CreatedBy);
        Assert.Empty(seen.Removed);
    }

    [Fact]
    public void Compose_PackageUpgraded_SaysWhatReplacedIt()
    {
        Inventory seen = Compose(t => t.File("a.list", "x 1"), t => t.File("a.list", "x 2"));

        Assert.Equal(["x 2 +1"], Show(seen.Packages));
        Assert.Equal(["x 1 +0 -1 2"], Show(seen.Removed));
    }

    [Fact]
    public void Compose_RemovedAndBroughtBack_CountsFromTheReturn()
    {
        Inventory seen = Compose(t => t.File("a.list", "x 1\ny 1"), t => t.File("a.list", "y 1"), t => t.File("a.list", "x 1\ny 1"));

        Assert.Equal(["x 1 +2", "y 1 +0"], Show(seen.Packages));
        Assert.Equal(["x 1 +0 -1"], Show(seen.Removed));
    }

    [Fact]
    public void Compose_Whiteout_RemovesAFile() =>
        Assert.Equal(["x 1 +0 -1"], Show(Compose(t => t.File("d/a.list", "x 1"), t => t.Whiteout("d/a.list")).Removed));

    [Fact]
    public void Compose_WhiteoutOfAFolder_RemovesAllBelowIt() =>
        Assert.Empty(Compose(t => t.File("d/e/a.list", "x 1"), t => t.Whiteout("d")).Packages);

    [Fact]
    public void Compose_WhiteoutOfANameThatOnlyStartsAlike_RemovesNothing() =>
        Assert.Single(Compose(t => t.File("dd/a.list", "x 1"), t => t.Whiteout("d")).Packages);

    [Fact]
    public void Compose_WhiteoutAndNewFileInOneLayer_KeepsTheNewOne() =>
        Assert.Equal(["y 1 +1"], Show(Compose(t => t.File("a.list", "x 1"), t => t.File("a.list", "y 1").Whiteout("a.list")).Packages));

    [Fact]
    public void Compose_OpaqueFolder_HidesWhatLiesBelowButNotItsOwn() =>
        Assert.Equal(["y 1 +1"], Show(Compose(t => t.File("d/a.list", "x 1").File("d/e/b.list", "z 1"), t => t.Opaque("d").File("d/c.list", "y 1")).Packages));

    [Fact]
    public void Compose_FolderReplacedByALink_HidesAllBelowIt() =>
        Assert.Empty(Compose(t => t.File("d/e/a.list", "x 1"), t => t.Symlink("d", "elsewhere")).Packages);

    [Fact]
    public void Compose_FolderReplacedByAFile_HidesAllBelowIt() =>
        Assert.Empty(Compose(t => t.File("d/e/a.list", "x 1"), t => t.File("d/e", "")).Packages);

    [Fact]
    public void Compose_FileReplacedByAFolder_IsGone() =>
        Assert.Empty(Compose(t => t.File("a.list", "x 1"), t => t.Folder("a.list")).Packages);

    [Fact]
    public void Compose_FileEmptied_IsGone() => Assert.Empty(Compose(t => t.File("a.list", "x 1"), t => t.File("a.list", "")).Packages);

    [Fact]
    public void Compose_AufsBookkeeping_MeansNothing() =>
        Assert.Single(Compose(t => t.File("a.list", "x 1"), t => t.File(".wh..wh.aufs", "").File(".wh..wh.plnk", "")).Packages);

    [Fact]
    public void Compose_SameNameTwiceInOneTar_TheLastCounts() =>
        Assert.Equal(["y 1 +0"], Show(Compose(t => t.File("a.list", "x 1").File("a.list", "y 1")).Packages));

    [Fact]
    public void Compose_HardLinkToAFileNobodyWanted_IsReadUnderItsOwnName()
    {
        // Scanners that go by the name of the entry that carries the bytes never see this one.
        Inventory seen = Compose(t => t.File("blob.bin", "x 1").File("between", "-").HardLink("d/a.list", "blob.bin"));

        Assert.Equal("d/a.list", seen.Packages.Single().Path);
        Assert.Empty(seen.Gaps);
    }

    [Fact]
    public void Compose_HardLinkToAHardLink_IsFollowed() =>
        Assert.Single(Compose(t => t.File("blob.bin", "x 1").HardLink("second", "blob.bin").HardLink("a.list", "second")).Packages);

    [Theory]
    [InlineData("a.list")]
    [InlineData("b.list")]
    public void Compose_TwoHardLinksToOneFile_AreBothReadWhole(string removed) =>
        Assert.Single(Compose(t => t.File("blob.bin", "x 1").HardLink("a.list", "blob.bin").HardLink("b.list", "blob.bin"), t => t.Whiteout(removed)).Packages);

    [Fact]
    public void Compose_HardLinkInACompressedArchive_IsReadTwice()
    {
        ImageBuilder builder = new ImageBuilder().Layer(t => t.File("blob.bin", "x 1").HardLink("a.list", "blob.bin"));
        string path = _folder.Write("image.tgz", ImageBuilder.Gzip(ImageBuilder.Tar(builder.ArchiveFiles())));

        Assert.Single(Compose(path, null, new ListAnalyser()).Packages);
    }

    [Fact]
    public void Compose_HardLinkToNothingOrToItself_IsAGap()
    {
        Inventory seen = Compose(t => t.HardLink("a.list", "missing").HardLink("b.list", "b.list"));

        Assert.Equal(["hard-link-target-missing", "hard-link-target-missing"], seen.Gaps.Select(g => g.Code));
    }

    [Fact]
    public void Compose_FileOneByteOverTheAnalysersLimit_IsAGap()
    {
        string exact = "x 1" + new string('1', 997);

        Assert.Empty(Compose(t => t.File("a.list", exact)).Gaps);
        Assert.Equal("file-too-large", Compose(t => t.File("a.list", exact + "1")).Gaps.Single().Code);
    }

    [Fact]
    public void Compose_AnalyserStumbles_OtherFilesStayInTheReport()
    {
        Inventory seen = Compose(t => t.File("a.list", "stumble").File("b.list", "x 1"));

        Assert.Single(seen.Packages);
        Assert.Equal("analyser-failed", seen.Gaps.Single().Code);
    }

    [Fact]
    public void Compose_PathOutOfTheRoot_IsAGap() => Assert.Equal("path-leaves-root", Compose(t => t.File("../a.list", "x 1")).Gaps.Single().Code);

    [Fact]
    public void Compose_HistoryThatDoesNotFitTheLayers_GivesNoLine()
    {
        Inventory seen = Compose(t => t.File("a.list", "x 1"));

        Assert.Equal("step 0", seen.Layers.Single().CreatedBy);
    }

    private LayerCache Cache() => new(_folder["cache"], TimeProvider.System);

    [Fact]
    public void Cache_SecondRead_ComesFromItAndIsEqual()
    {
        Inventory cold = Compose(Cache(), new ListAnalyser(), t => t.File("a.list", "x 1").Whiteout("w").Opaque("o"), t => t.File("b.list", "y 1"));
        Inventory warm = Compose(_folder["image.tar"], Cache(), new ListAnalyser());

        Assert.All(cold.Layers, l => Assert.False(l.FromCache));
        Assert.All(warm.Layers, l => Assert.True(l.FromCache));
        Assert.Equal(Show(cold.Packages), Show(warm.Packages));
    }

    [Fact]
    public void Cache_LayerKnownButBytesChanged_IsNotTrusted()
    {
        Compose(Cache(), new ListAnalyser(), t => t.File("a.list", "x 1"));
        byte[] bytes = File.ReadAllBytes(_folder["image.tar"]);
        int at = bytes.AsSpan().IndexOf("x 1"u8);
        bytes[at] = (byte)'z';
        File.WriteAllBytes(_folder["image.tar"], bytes);

        Assert.Equal(ImageError.DiffIdMismatch, Assert.Throws<ImageException>(() => Compose(_folder["image.tar"], Cache(), new ListAnalyser())).Error);
    }

    [Fact]
    public void Cache_OtherAnalyserVersion_IsReadAnew()
    {
        Compose(Cache(), new ListAnalyser(), t => t.File("a.list", "x 1"));

        Assert.False(Compose(_folder["image.tar"], Cache(), new ListAnalyser { Version = 2 }).Layers.Single().FromCache);
    }

    [Fact]
    public void Cache_Unverified_IsNotFilled()
    {
        string path = _folder.Write("image.tar", ImageBuilder.Tar(new ImageBuilder().Layer(t => t.File("a.list", "x 1")).ArchiveFiles()));
        Compose(path, Cache(), new ListAnalyser(), Verification.None);

        Assert.False(Directory.Exists(_folder["cache/layers"]));
    }

    [Fact]
    public void Cache_DamagedFile_IsAsGoodAsAbsent()
    {
        Compose(Cache(), new ListAnalyser(), t => t.File("a.list", "x 1"));
        string file = Directory.GetFiles(_folder["cache/layers"]).Single();
        byte[] bytes = File.ReadAllBytes(file);
        foreach (byte[] damaged in (byte[][])[[], bytes[..40], bytes[..^1], [.. bytes, 0], [.. bytes[..20], (byte)(bytes[20] ^ 1), .. bytes[21..]]])
        {
            File.WriteAllBytes(file, damaged);
            Assert.Single(Compose(_folder["image.tar"], Cache(), new ListAnalyser()).Packages);
        }
    }

    [Fact]
    public void Cache_FolderCannotBeMade_IsSaidAndNoError()
    {
        _folder.Write("cache", [1]);
        LayerCache cache = Cache();

        Assert.Single(Compose(cache, new ListAnalyser(), t => t.File("a.list", "x 1")).Packages);
        Assert.NotNull(cache.WriteError);
    }

    [Fact]
    public void Clean_AboveTheSize_RemovesTheLongestUnused()
    {
        for (int i = 0; i < 10; i++)
        {
            string file = _folder.Write($"cache/layers/{i}", new byte[100]);
            File.SetLastWriteTimeUtc(file, new DateTime(2026, 1, 1 + i, 0, 0, 0, DateTimeKind.Utc));
        }

        Assert.Equal(0, LayerCache.Clean(_folder["cache"], 1000));
        Assert.Equal(300, LayerCache.Clean(_folder["cache"], 999));
        Assert.Equal(["3", "4", "5", "6", "7", "8", "9"], Directory.GetFiles(_folder["cache/layers"]).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }
}
