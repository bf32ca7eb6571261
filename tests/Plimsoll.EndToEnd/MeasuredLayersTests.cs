using Plimsoll.Agent.Gate;
using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>The agent's measurements of a real store.</summary>
[Trait("needs", "host")]
public sealed class MeasuredLayersTests(SharedDocker shared)
{
    /// <summary>Who asks first is held up until a second asks, or for so long that every other would have.</summary>
    private sealed class HoldingClock : TimeProvider, IDisposable
    {
        private readonly ManualResetEventSlim _second = new();
        private int _asked;

        public override long GetTimestamp()
        {
            if (Interlocked.Increment(ref _asked) > 1)
                _second.Set();
            else
                _second.Wait(TimeSpan.FromSeconds(2));
            return base.GetTimestamp();
        }

        public void Dispose() => _second.Dispose();
    }

    [Fact]
    public void Measure_OneImageByManyAtOnce_ReadsEachLayerOnce()
    {
        SavedImage image = new SavedImage { Tag = "registry.example/prod/at-once:1" }.WithLayer(("a", "at once")).WithLayer(("b", "and once more"));
        shared.Docker.Load(image.Build());
        HostStore store = new(shared.Docker.DataRoot, OciLimits.Default);
        using HoldingClock clock = new();
        MeasuredLayers layers = new(store, TimeSpan.FromHours(1), clock);
        MeasureResult[] results = new MeasureResult[8];

        Thread[] threads = [.. Enumerable.Range(0, results.Length).Select(i => new Thread(() =>
        {
            using UnpackedImage opened = store.OpenImage(image.Id)!;
            results[i] = layers.Measure(opened, CancellationToken.None);
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());

        Assert.All(results, r => Assert.True(r.Intact));
        Assert.Single(results.Select(r => r.Measurement!.Value).Distinct());
        Assert.Equal(image.DiffIds.Count, layers.Read);
    }

    /// <summary>Each folder was measured, and found right, in the other's place.</summary>
    [Fact]
    public void Measure_FoldersOfTwoLayersExchanged_ReadsThemAgain()
    {
        SavedImage image = new SavedImage { Tag = "registry.example/prod/exchanged:1" }.WithLayer(("a", "exchanged")).WithLayer(("b", "for another"));
        shared.Docker.Load(image.Build());
        HostStore store = new(shared.Docker.DataRoot, OciLimits.Default);
        MeasuredLayers layers = new(store, TimeSpan.FromHours(1), TimeProvider.System);
        string[] notes = [.. ChainId.Of(image.DiffIds).Select(c => Path.Combine(shared.Docker.DataRoot, "image/overlay2/layerdb/sha256", c.Hex, "cache-id"))];
        string[] folders = [.. notes.Select(File.ReadAllText)];
        Assert.True(Intact());

        (string, string)[] exchanged = [(notes[0], folders[1]), (notes[1], folders[0])], restored = [(notes[0], folders[0]), (notes[1], folders[1])];
        Array.ForEach(exchanged, n => File.WriteAllText(n.Item1, n.Item2));
        Assert.False(Intact());
        Array.ForEach(restored, n => File.WriteAllText(n.Item1, n.Item2));
        Assert.True(Intact());

        bool Intact()
        {
            using UnpackedImage opened = store.OpenImage(image.Id)!;
            return layers.Measure(opened, CancellationToken.None).Intact;
        }
    }

    /// <summary>What is remembered of one folder must not have been read in another that stood in its place meanwhile.</summary>
    [Fact]
    public void Measure_FolderThatBecameAnotherSinceItWasLookedAt_IsNotIntact()
    {
        SavedImage image = new SavedImage { Tag = "registry.example/prod/became:1" }.WithLayer(("a", "became")).WithLayer(("b", "another"));
        shared.Docker.Load(image.Build());
        HostStore store = new(shared.Docker.DataRoot, OciLimits.Default);
        MeasuredLayers layers = new(store, TimeSpan.FromHours(1), TimeProvider.System);
        using (UnpackedImage opened = store.OpenImage(image.Id)!)
        {
            string folder = Path.Combine(shared.Docker.DataRoot, "overlay2", opened.Folders[1], "diff");
            opened.IdentityOf(1);
            Tool.Run("cp", ["-a", folder, folder + ".new"]);
            Directory.Move(folder, folder + ".old");
            Directory.Move(folder + ".new", folder);

            ImageException e = Assert.Throws<ImageException>(() => layers.Measure(opened, CancellationToken.None));
            Assert.Contains("became another folder", e.Message, StringComparison.Ordinal);
        }
        using UnpackedImage again = store.OpenImage(image.Id)!;
        Assert.True(layers.Measure(again, CancellationToken.None).Intact);
    }

    /// <summary>Whoever reads the kernel's queue beside it comes later than this.</summary>
    [Fact]
    public void Measure_RightAfterAWriteThatTheKernelTells_KnowsOfIt()
    {
        SavedImage image = new SavedImage { Tag = "registry.example/prod/right-after:1" }.WithLayer(("a", "right")).WithLayer(("b", "right after"));
        shared.Docker.Load(image.Build());
        HostStore store = new(shared.Docker.DataRoot, OciLimits.Default);
        using WriteWatch writes = new(shared.Docker.DataRoot, (_, _) => { });
        // Nothing counts but what is watched.
        MeasuredLayers layers = new(store, TimeSpan.Zero, TimeProvider.System, writes);
        using UnpackedImage opened = store.OpenImage(image.Id)!;
        string file = Path.Combine(shared.Docker.DataRoot, "overlay2", opened.Folders[1], "diff/b");
        Assert.True(Intact());
        long read = layers.Read;
        Assert.True(Intact());
        Assert.Equal(read, layers.Read);

        for (int i = 0; i < 20; i++)
        {
            File.WriteAllText(file, "wrong after");
            Assert.False(Intact());
            File.WriteAllText(file, "right after");
            Assert.True(Intact());
        }

        bool Intact() => layers.Measure(opened, CancellationToken.None).Intact;
    }
}
