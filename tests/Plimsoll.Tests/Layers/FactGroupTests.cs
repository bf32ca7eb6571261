using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Layers;

/// <summary>Facts of several groups of analysers: kept apart in the cache, laid over each other as one, hits with the layers they lived in.</summary>
public sealed class FactGroupTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A hit for each line that says <c>key</c>, wherever it lies; counts what it was shown.</summary>
    private sealed class KeyAnalyser : IAnalyser
    {
        public string Id => "keys";
        public int Version => 1;
        public long MaxFileBytes => 1000;
        public bool LooksEverywhere => true;
        public int Shown;

        public bool Wants(ReadOnlySpan<byte> path) => false;

        public bool WantsContent(ReadOnlySpan<byte> path, int mode, ReadOnlySpan<byte> start) => true;

        public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
        {
            Interlocked.Increment(ref Shown);
            string[] lines = Encoding.UTF8.GetString(content.Span).Split('\n');
            Hit[] hits = [.. lines.Index().Where(l => l.Item.StartsWith("key", StringComparison.Ordinal)).Select(l => new Hit("key", l.Index + 1, l.Item))];
            return hits.Length == 0 ? null : new FileFacts { Path = path, Analyser = Id, Hits = hits };
        }
    }

    private sealed class SetuidAnalyser : IAnalyser
    {
        public string Id => "setuid";
        public int Version => 1;
        public long MaxFileBytes => 0;
        public bool LooksAtEntries => true;

        public bool Wants(ReadOnlySpan<byte> path) => false;

        public Hit? Look(EntryReader entry) => (entry.Mode & 0b100_000_000_000) != 0 ? new Hit("setuid", 0, Convert.ToString(entry.Mode, 8)) : null;

        public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content) => throw new InvalidOperationException("never asked");
    }

    private Inventory Scan(IReadOnlyList<FactGroup> groups, LayerCache? cache, params Action<TarBuilder>[] layers)
    {
        string path = _folder["image.tar"];
        if (layers.Length > 0)
        {
            ImageBuilder builder = new();
            foreach (Action<TarBuilder> layer in layers)
                builder.Layer(layer);
            File.WriteAllBytes(path, ImageBuilder.Tar(builder.ArchiveFiles()));
            File.SetLastWriteTimeUtc(path, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        }
        using Image image = ImageSource.Open(path, new ImageOptions { Proofs = cache, Time = new Later() }, TestContext.Current.CancellationToken);
        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> fromCache) = new LayerScanner(groups, cache, Verification.Full, null).Read(image, 2, TestContext.Current.CancellationToken);
        return Composer.Compose(image, facts, fromCache);
    }

    private sealed class Later : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddMinutes(1);
    }

    private static FactGroup Packages => new(FactGroup.Packages, "", [new ComposerTests.ListAnalyser()]);

    private static string[] Show(Inventory seen) =>
        [.. seen.Hits.Select(h => $"{h.Path}:{h.Hit.Line} {h.Hit.Evidence} +{h.Origin.Layer}{(h.RemovedBy is { } by ? $" -{by.Layer}" : "")}")];

    [Fact]
    public void Hits_OfARemovedAndOfAnOverwrittenFile_NameBothLayers()
    {
        Inventory seen = Scan([Packages, new("secret", "", [new KeyAnalyser()])], null,
            t => t.File("a.txt", "key 1\nkey 2").File("b", "key 3").File("c/d", "key 4"),
            t => t.File("a.txt", "\nkey 2").Whiteout("b"),
            t => t.Opaque("c"));

        Assert.Equal(["a.txt:1 key 1 +0 -1", "a.txt:2 key 2 +0", "b:1 key 3 +0 -1", "c/d:1 key 4 +0 -2"], Show(seen));
    }

    [Fact]
    public void Hits_OfAHardLink_AreThoseOfItsFile() =>
        Assert.Equal(["a.txt:1 key 1 +0", "b:1 key 1 +0"], Show(Scan([Packages, new("secret", "", [new KeyAnalyser()])], null, t => t.File("a.txt", "key 1").HardLink("b", "a.txt"))));

    [Fact]
    public void Hits_OfAnEarlierEntryOfTheSameName_DoNotCount() =>
        Assert.Equal(["a.txt:1 key 2 +0"], Show(Scan([Packages, new("secret", "", [new KeyAnalyser()])], null, t => t.File("a.txt", "key 1").File("b", "key").File("a.txt", "key 2").Symlink("b", "a"))));

    [Fact]
    public void Entries_WithAHeaderThatSaysSomething_AreHits() =>
        Assert.Equal(["bin/su:0 4755 +0 -1", "opt/su:0 4755 +1"], Show(Scan([Packages, new("configuration", "", [new SetuidAnalyser()])], null,
            t => t.File("bin/su", "x", Convert.ToInt32("4755", 8)).File("bin/ls", "x", Convert.ToInt32("755", 8)),
            t => t.File("bin/su", "x", Convert.ToInt32("755", 8)).File("opt/su", "y", Convert.ToInt32("4755", 8)))));

    [Fact]
    public void Cache_OfOtherRules_KeepsTheFactsOfTheOtherGroups()
    {
        LayerCache cache = new(_folder["cache"], TimeProvider.System);
        KeyAnalyser first = new(), again = new(), anew = new();
        Inventory cold = Scan([Packages, new("secret", "rules 1", [first])], cache, t => t.File("a.list", "x 1").File("k", "key 1"));
        Inventory warm = Scan([Packages, new("secret", "rules 1", [again])], cache);
        Inventory moved = Scan([Packages, new("secret", "rules 2", [anew])], cache);
        Inventory without = Scan([Packages], cache);

        Assert.Equal((2, 0, 2), (first.Shown, again.Shown, anew.Shown));
        Assert.Equal((false, true, false, true), (cold.Layers[0].FromCache, warm.Layers[0].FromCache, moved.Layers[0].FromCache, without.Layers[0].FromCache));
        Assert.All([cold, warm, moved], seen => Assert.Equal(["k:1 key 1 +0"], Show(seen)));
        Assert.All([cold, warm, moved, without], seen => Assert.Equal("x", seen.Packages.Single().Package.Name));
        Assert.Empty(without.Hits);
    }

    [Fact]
    public void Cache_FactsThatMayNotBeKept_AreGatheredAgain()
    {
        LayerCache cache = new(_folder["cache"], TimeProvider.System);
        KeyAnalyser again = new();
        Scan([Packages, new("malware", "", [new KeyAnalyser()]) { MayKeep = () => false }], cache, t => t.File("k", "key 1"));

        Assert.Equal(["k:1 key 1 +0"], Show(Scan([Packages, new("malware", "", [again])], cache)));
        Assert.Equal(1, again.Shown);
    }
}
