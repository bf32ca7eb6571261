using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Layers;

/// <summary>Images made so that the packages we see are not those that a container of them has.</summary>
public sealed class LayerAttackTests : IDisposable
{
    private const string Status = "var/lib/dpkg/status";
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Stanza(string version, string source = "openssl") =>
        $"Package: openssl\nStatus: install ok installed\nVersion: {version}\nSource: {source}\nArchitecture: amd64\n\n";

    private Inventory Compose(params Action<TarBuilder>[] layers) => Compose(null, layers);

    private Inventory Compose(LayerCache? cache, params Action<TarBuilder>[] layers)
    {
        ImageBuilder builder = new();
        foreach (Action<TarBuilder> layer in layers)
            builder.Layer(layer);
        string path = _folder.Write("image.tar", ImageBuilder.Tar(builder.ArchiveFiles()));
        File.SetLastWriteTimeUtc(path, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        using Image image = ImageSource.Open(path, new ImageOptions { Proofs = cache, Time = new Later() }, TestContext.Current.CancellationToken);
        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> fromCache) =
            new LayerScanner([Analysers.Group], cache, Verification.Full, null).Read(image, 2, TestContext.Current.CancellationToken);
        return Composer.Compose(image, facts, fromCache);
    }

    private sealed class Later : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddMinutes(1);
    }

    private static string[] Versions(Inventory seen) => [.. seen.Packages.Select(p => p.Package.Version)];
    private static string[] Gaps(Inventory seen) => [.. seen.Gaps.Select(g => g.Code).Distinct()];

    [Fact]
    public void HardLinkTargetReplacedAfterTheLink_TheContentAtTheLinkCounts() =>
        Assert.Equal(["1"], Versions(Compose(t => t.File("x", Stanza("1")).HardLink(Status, "x").File("x", Stanza("9")))));

    [Fact]
    public void HardLinkTargetReplacedBeforeTheLink_TheLastContentCounts() =>
        Assert.Equal(["1"], Versions(Compose(t => t.File("x", Stanza("9")).File("x", Stanza("1")).HardLink(Status, "x"))));

    [Fact]
    public void HardLinkReplacedByAFile_TheFileCounts() =>
        Assert.Equal(["1"], Versions(Compose(t => t.File("x", Stanza("9")).HardLink(Status, "x").File(Status, Stanza("1")))));

    [Fact]
    public void HardLinkToALinkThatIsReplacedLater_TheContentAtTheLinkCounts() =>
        Assert.Equal(["1"], Versions(Compose(t => t.File("a", Stanza("1")).File("b", Stanza("9")).HardLink("x", "a").HardLink(Status, "x").HardLink("x", "b"))));

    [Fact]
    public void HardLinkOnStandardInput_IsAGapAndTheRestStands()
    {
        byte[] archive = ImageBuilder.Tar(new ImageBuilder().Layer(t => t.File("x", Stanza("1")).HardLink(Status, "x").File("lib/apk/db/installed", "P:musl\nV:1.2.3-r0\n\n")).ArchiveFiles());
        LayerCache cache = new(_folder["cache"], TimeProvider.System);
        using Image image = ImageSource.Open("-", new ImageOptions { OpenStandardInput = Once(archive) }, TestContext.Current.CancellationToken);

        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> fromCache) =
            new LayerScanner([Analysers.Group], cache, Verification.Full, null).Read(image, 2, TestContext.Current.CancellationToken);
        Inventory seen = Composer.Compose(image, facts, fromCache);

        Assert.Equal(["1.2.3-r0"], Versions(seen));
        Assert.Equal(["hard-link-unread"], Gaps(seen));
        // What a second way would see is not kept as if it had been seen.
        Assert.Null(cache.Find(image.Layers[0].DiffId!, Analysers.Group));
    }

    private static Func<Stream> Once(byte[] bytes)
    {
        bool used = false;
        return () =>
        {
            Assert.False(used, "standard input was opened twice");
            used = true;
            return new MemoryStream(bytes, writable: false);
        };
    }

    [Fact]
    public void HardLinkBeforeItsTarget_IsAGap() =>
        Assert.Equal(["hard-link-target-missing"], Gaps(Compose(t => t.HardLink(Status, "x").File("x", Stanza("9")))));

    [Fact]
    public void HardLinkToItself_IsAGap() => Assert.Equal(["hard-link-target-missing"], Gaps(Compose(t => t.HardLink(Status, Status))));

    [Fact]
    public void HardLinkToASymlink_IsAGap() =>
        Assert.Equal(["hard-link-target-missing"], Gaps(Compose(t => t.File("x", Stanza("9")).Symlink("x", "y").HardLink(Status, "x"))));

    [Fact]
    public void StatusIsASymlink_IsAGap()
    {
        Inventory seen = Compose(t => t.File(Status, Stanza("9")), t => t.File("opt/status", Stanza("1")).Symlink(Status, "/opt/status"));

        Assert.Empty(seen.Packages);
        Assert.Equal(["database-behind-link"], Gaps(seen));
    }

    [Theory]
    [InlineData("var/lib/dpkg", "/opt/dpkg")]
    [InlineData("var/lib", "../opt")]
    [InlineData("lib/apk/db", "/opt")]
    [InlineData("var", "var")]
    public void FolderAboveTheDatabaseIsASymlink_IsAGap(string link, string target) =>
        Assert.Equal(["database-behind-link"], Gaps(Compose(t => t.File("opt/status", Stanza("1")).Symlink(link, target))));

    [Fact]
    public void MergedUsr_IsNoGap()
    {
        Inventory seen = Compose(t => t.Symlink("lib", "usr/lib").File("usr/lib/apk/db/installed", "P:a\nV:1\n\n"));

        Assert.Equal(["1"], Versions(seen));
        Assert.Empty(seen.Gaps);
    }

    [Fact]
    public void LinkAboveTheDatabaseReplacedByAFolder_IsNoGap() =>
        Assert.Empty(Compose(t => t.Symlink("var/lib/dpkg", "/opt"), t => t.Folder("var/lib/dpkg").File(Status, Stanza("1"))).Gaps);

    [Fact]
    public void LinkAboveTheDatabaseWhitedOut_IsNoGap() =>
        Assert.Empty(Compose(t => t.Symlink("var/lib/dpkg", "/opt"), t => t.Whiteout("var/lib/dpkg"), t => t.File(Status, Stanza("1"))).Gaps);

    [Theory]
    [InlineData("x/status")]
    [InlineData("x/.wh.status")]
    [InlineData("x/deeper/status")]
    public void EntryBelowASymlinkOfItsLayer_IsAGap(string path) =>
        Assert.Equal(["entry-below-link"], Gaps(Compose(t => t.Folder("x2").File("x2/a", "").Symlink("x", Status[..12]).Folder("y").File(path, Stanza("1")))));

    [Fact]
    public void EntryBelowWhatWasASymlink_IsNoGap() =>
        Assert.Empty(Compose(t => t.Symlink("x", "y").File("x", "").Folder("x2").File("x2/status", "").File("w/a", "").File("w/b", "")).Gaps);

    [Fact]
    public void OpaqueRoot_HidesNothingAndIsAGap()
    {
        Inventory seen = Compose(t => t.File(Status, Stanza("1")), t => t.Entry(".wh..wh..opq", '0', []));

        Assert.Equal(["1"], Versions(seen));
        Assert.Equal(["opaque-root"], Gaps(seen));
    }

    [Theory]
    [InlineData(".wh.")]
    [InlineData("var/.wh.")]
    [InlineData("var/lib/dpkg/.wh..")]
    [InlineData("var/lib/dpkg/.wh...")]
    [InlineData("var/lib/dpkg/.wh..wh.status")]
    [InlineData("VAR/.wh.lib")]
    public void WhiteoutOfNothing_HidesNothing(string path) =>
        Assert.Equal(["1"], Versions(Compose(t => t.File(Status, Stanza("1")), t => t.Entry(path, '0', []))));

    [Fact]
    public void WhiteoutThatIsAFolder_HidesAsEnginesDo() =>
        Assert.Empty(Compose(t => t.File(Status, Stanza("1")), t => t.Folder("var/lib/.wh.dpkg")).Packages);

    [Fact]
    public void StanzaOnceMoreWithAnotherSource_BothCount() =>
        Assert.Equal(["decoy", "openssl"], Compose(t => t.File(Status, Stanza("1", "decoy") + Stanza("1"))).Packages.Select(p => p.Package.SourceName).Order(StringComparer.Ordinal));

    [Fact]
    public void PackageOnlyInDpkgsJournal_Counts() =>
        Assert.Equal(["1"], Versions(Compose(t => t.File(Status, "").File("var/lib/dpkg/updates/0003", Stanza("1")))));

    [Fact]
    public void FactsBeyondTheBudget_AreALimit()
    {
        FactBudget budget = new(1000);
        budget.Keep(new string('x', 440));

        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => budget.Keep("y")).Error);
    }

    [Fact]
    public void CacheFolderThatOthersMayWrite_IsNotBelievedNorFilled()
    {
        string layers = _folder["cache/layers"];
        LayerCache Cache() => new(_folder["cache"], TimeProvider.System);
        Compose(Cache(), t => t.File(Status, Stanza("1")));
        Assert.Single(Directory.GetFiles(layers));
        File.SetUnixFileMode(layers, (UnixFileMode)0b111_111_111);

        LayerCache cache = Cache();
        Assert.All(Compose(cache, t => t.File(Status, Stanza("1"))).Layers, l => Assert.False(l.FromCache));
        Assert.All(Compose(cache, t => t.File(Status, Stanza("2"))).Layers, l => Assert.False(l.FromCache));
        Assert.Single(Directory.GetFiles(layers));
        Assert.NotNull(cache.WriteError);
    }

    [Fact]
    public void CacheFolderThatIsALink_IsNotBelieved()
    {
        Directory.CreateDirectory(_folder["elsewhere"]);
        Directory.CreateDirectory(_folder["cache"]);
        Directory.CreateSymbolicLink(_folder["cache/layers"], _folder["elsewhere"]);
        Compose(new LayerCache(_folder["cache"], TimeProvider.System), t => t.File(Status, Stanza("1")));

        Assert.Empty(Directory.GetFiles(_folder["elsewhere"]));
    }
}
