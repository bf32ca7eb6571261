using Plimsoll.Inspect.Layers;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Layers;

/// <summary>A folder has the mode that the topmost layer gives it, and takes the place of a file.</summary>
public sealed class FolderCompositionTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A hit for each folder or file that everybody may write to.</summary>
    private sealed class OpenAnalyser : IAnalyser
    {
        public string Id => "open";
        public int Version => 1;
        public long MaxFileBytes => 0;
        public bool LooksAtEntries => true;

        public bool Wants(ReadOnlySpan<byte> path) => false;

        public Hit? Look(EntryReader entry) => (entry.Mode & 2) != 0 ? new Hit("open", 0, Convert.ToString(entry.Mode, 8)) : null;

        public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content) => null;
    }

    /// <summary>A hit for every file of content, found by content.</summary>
    private sealed class ContentAnalyser : IAnalyser
    {
        public string Id => "content";
        public int Version => 1;
        public long MaxFileBytes => 100;
        public bool LooksEverywhere => true;

        public bool Wants(ReadOnlySpan<byte> path) => false;

        public bool WantsContent(ReadOnlySpan<byte> path, int mode, ReadOnlySpan<byte> start) => true;

        public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content) => new() { Path = path, Analyser = Id, Hits = [new Hit("content", 0, "")] };
    }

    private Inventory Scan(IAnalyser analyser, LayerCache? cache, params Action<TarBuilder>[] layers)
    {
        ImageBuilder builder = new();
        foreach (Action<TarBuilder> layer in layers)
            builder.Layer(layer);
        string path = _folder.Write("image.tar", ImageBuilder.Tar(builder.ArchiveFiles()));
        File.SetLastWriteTimeUtc(path, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        using Image image = ImageSource.Open(path, new ImageOptions { Proofs = cache }, TestContext.Current.CancellationToken);
        FactGroup[] groups = [new(FactGroup.Packages, "", [new ComposerTests.ListAnalyser()]), new("test", "", [analyser])];
        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> fromCache) = new LayerScanner(groups, cache, Verification.Full, null).Read(image, 2, TestContext.Current.CancellationToken);
        return Composer.Compose(image, facts, fromCache);
    }

    private string[] Show(params Action<TarBuilder>[] layers) => Show(Scan(new OpenAnalyser(), null, layers));

    private static string[] Show(Inventory seen) => [.. seen.Hits.Select(h => $"{h.Path} {h.Hit.Evidence} +{h.Origin.Layer}{(h.RemovedBy is { } by ? $" -{by.Layer}" : "")}")];

    private static TarBuilder Folder(TarBuilder tar, string path, string mode) => tar.Entry(path + "/", '5', [], mode: Convert.ToInt32(mode, 8));

    [Fact]
    public void Folder_ClosedByAnUpperLayer_IsNoLongerOpen() =>
        Assert.Equal(["srv 777 +0 -1"], Show(t => Folder(t, "srv", "777"), t => Folder(t, "srv", "755")));

    [Fact]
    public void Folder_OpenedByAnUpperLayer_IsOfThatLayer() =>
        Assert.Equal(["srv 777 +1"], Show(t => Folder(t, "srv", "755"), t => Folder(t, "srv", "777")));

    [Fact]
    public void Folder_ListedAgainAsItWas_StaysAsOldAsItWas() =>
        Assert.Equal(["srv 777 +0"], Show(t => Folder(t, "srv", "777"), t => Folder(t, "srv", "777").File("srv/x", "1")));

    [Fact]
    public void Folder_ListedAgain_KeepsWhatLiesBelowIt() =>
        Assert.Equal(["srv/deep 777 +0", "srv/deep/file 666 +0"],
            Show(t => Folder(Folder(t, "srv", "755"), "srv/deep", "777").File("srv/deep/file", "1", Convert.ToInt32("666", 8)), t => Folder(t, "srv", "700")));

    [Fact]
    public void Folder_InTheSameLayerTwice_IsWhatTheLastEntrySays() =>
        Assert.Empty(Show(t => Folder(Folder(t, "srv", "777"), "srv", "755")));

    [Fact]
    public void Folder_InThePlaceOfAFileFoundByItsContent_HidesIt()
    {
        Inventory seen = Scan(new ContentAnalyser(), null, t => t.File("a", "1").File("b", "2"), t => Folder(t, "a", "755"));

        Assert.Equal(["a  +0 -1", "b  +0"], Show(seen));
    }

    [Fact]
    public void File_InThePlaceOfAFolder_IsNoFolderOfItsLayer() =>
        Assert.Equal(["srv 777 +0 -1"], Show(t => Folder(t, "srv", "777"), t => Folder(t, "srv", "755").File("srv", "now a file")));

    [Fact]
    public void Entries_MoreThanAreRemembered_AreAGap()
    {
        Inventory seen = Scan(new OpenAnalyser(), null, t =>
        {
            for (int i = 0; i < 20_002; i++)
                Folder(t, $"d{i}", "777");
        });

        Assert.Equal(20_000, seen.Hits.Count);
        Assert.Equal(["too-many-hits"], seen.Gaps.Select(g => g.Code));
        Assert.Equal("layer d20000", $"layer {seen.Gaps[0].Where}");
    }
}
