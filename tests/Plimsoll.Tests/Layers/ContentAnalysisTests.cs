using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Layers;

/// <summary>Files that are wanted for their content: under any name, under several, replaced and removed.</summary>
public sealed class ContentAnalysisTests : IDisposable
{
    private const int Executable = 0b111_101_101;
    private static readonly byte[] One = SmallPrograms.Go("go1.21.5", "mod\texample.org/one\tv1.0.0\t\n"), Two = SmallPrograms.Go("go1.21.5", "mod\texample.org/two\tv2.0.0\t\n");
    private static readonly byte[] Jar = SmallPrograms.Zip(SmallPrograms.Pom("g", "a", "1"), SmallPrograms.Manifest("X: y"));
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Image Open(params Action<TarBuilder>[] layers)
    {
        ImageBuilder builder = new();
        foreach (Action<TarBuilder> layer in layers)
            builder.Layer(layer);
        return ImageSource.Open(_folder.Write("image.tar", ImageBuilder.Tar(builder.ArchiveFiles())), new ImageOptions(), TestContext.Current.CancellationToken);
    }

    private string[] Places(params Action<TarBuilder>[] layers)
    {
        using Image image = Open(layers);
        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> fromCache) = new LayerScanner([Analysers.Group], null, Verification.Full, null).Read(image, 2, TestContext.Current.CancellationToken);
        Inventory seen = Composer.Compose(image, facts, fromCache);
        Assert.Empty(seen.Gaps);
        return [.. seen.Packages.Where(p => p.Package.Name != "stdlib").Select(p => $"{p.Path}: {p.Package.Name}").Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void Program_UnderAnyName_IsFound() => Assert.Equal(["opt/thing: example.org/one"], Places(t => t.File("opt/thing", One, Executable)));

    [Fact]
    public void Program_WithoutTheRightToExecuteButLarge_IsFound() => Assert.Equal(["opt/thing: example.org/one"], Places(t => t.File("opt/thing", [.. One, .. new byte[1024]])));

    [Fact]
    public void Program_WithAHarmlessEnding_IsNotLookedInto() => Assert.Empty(Places(t => t.File("opt/thing.md", [.. One, .. new byte[1024]], Executable)));

    [Fact]
    public void HardLink_OfAProgram_HasItsFacts() =>
        Assert.Equal(["opt/a: example.org/one", "opt/b: example.org/one", "opt/c: example.org/one"], Places(t => t.File("opt/a", One, Executable).HardLink("opt/b", "opt/a").HardLink("opt/c", "opt/b")));

    [Fact]
    public void HardLink_ToAProgramWithAHarmlessName_IsLookedInto() =>
        Assert.Equal(["opt/b: example.org/one", "opt/c: example.org/one"],
            Places(t => t.File("opt/a.md", One, Executable).File("between", "-").HardLink("opt/b", "opt/a.md").HardLink("opt/c", "opt/b").HardLink("opt/d.txt", "opt/a.md")));

    [Fact]
    public void HardLink_ToAProgramWithAHarmlessNameThenReplaced_HasWhatTookItsPlace() =>
        Assert.Equal(["opt/b: example.org/two"],
            Places(t => t.File("opt/a.md", One, Executable).HardLink("opt/b", "opt/a.md").File("opt/b", Two, Executable).File("opt/c.md", "text").HardLink("opt/e", "opt/c.md")));

    [Fact]
    public void HardLink_AndTheFirstNameIsRemovedAbove_Stands() =>
        Assert.Equal(["opt/b: example.org/one"], Places(t => t.File("opt/a", One, Executable).HardLink("opt/b", "opt/a"), t => t.Whiteout("opt/a")));

    [Fact]
    public void HardLink_ThenTheFirstNameIsReplaced_KeepsWhatItWas() =>
        Assert.Equal(["opt/a: example.org/two", "opt/b: example.org/one"], Places(t => t.File("opt/a", One, Executable).HardLink("opt/b", "opt/a").File("opt/a", Two, Executable)));

    [Fact]
    public void HardLink_AfterTheFirstNameWasReplacedByAText_HasNothing() =>
        Assert.Empty(Places(t => t.File("opt/a", One, Executable).File("opt/a", "text").HardLink("opt/b", "opt/a")));

    [Fact]
    public void Link_ReplacedByAFile_LosesItsFacts() =>
        Assert.Equal(["opt/a: example.org/one"], Places(t => t.File("opt/a", One, Executable).HardLink("opt/b", "opt/a").File("opt/b", "text")));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Program_ReplacedByAFolderOrLinkInItsLayer_IsGone(bool folder) =>
        Assert.Empty(Places(t => { _ = folder ? t.File("opt/a", One, Executable).Folder("opt/a") : t.File("opt/a", One, Executable).Symlink("opt/a", "b"); }));

    [Fact]
    public void Program_ReplacedByAnOpaqueFolderAbove_IsGone() => Assert.Empty(Places(t => t.File("opt/a", One, Executable), t => t.Folder("opt/a").Opaque("opt/a")));

    [Fact]
    public void Jar_HardLinkedUnderAnotherName_HasItsFacts() => Assert.Equal(["opt/a.jar: g:a", "opt/blob: g:a"], Places(t => t.File("opt/a.jar", Jar).HardLink("opt/blob", "opt/a.jar")));

    [Fact]
    public void Jar_LinkedFromANameThatWasNotLookedInto_IsFoundByASecondWalk() => Assert.Equal(["opt/a.jar: g:a"], Places(t => t.File("opt/a.whl", Jar).HardLink("opt/a.jar", "opt/a.whl")));

    [Fact]
    public void HardLinks_OfWhatWasLookedAt_NeedNoSecondWalk()
    {
        using Image image = Open(t => t.File("opt/a.jar", Jar).HardLink("opt/b.jar", "opt/a.jar").File("opt/p", One, Executable).HardLink("opt/q", "opt/p"));
        LayerDraft draft = new(Analysers.All, new FactBudget());
        using ContentBuffer buffer = new();
        image.ReadLayers(new Walker(draft, buffer), 1, TestContext.Current.CancellationToken);

        Assert.False(draft.HasOpenLinks);
        Assert.Equal(4, draft.ToFacts(Analysers.Group).Files.Count);
    }

    [Fact]
    public void Folder_GivesTheSameAsALayer()
    {
        _folder.Write("root/opt/thing", One);
        File.SetUnixFileMode(Path.Combine(_folder.Path, "root/opt/thing"), (UnixFileMode)Executable);
        _folder.Write("root/opt/a.jar", Jar);
        using Image image = ImageSource.Open("dir:" + Path.Combine(_folder.Path, "root"), new ImageOptions(), TestContext.Current.CancellationToken);
        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> fromCache) = new LayerScanner([Analysers.Group], null, Verification.Full, null).Read(image, 1, TestContext.Current.CancellationToken);

        Assert.Equal(["opt/a.jar", "opt/thing"], facts.Values.Single().Files.Select(f => f.Path));
    }

    [Fact]
    public void LargeProgram_IsReadFromAFileWithoutAName()
    {
        byte[] large = [.. One, .. new byte[ContentBuffer.BigBytes + 5]];
        using Image image = Open(t => t.File("opt/a", large, Executable), t => t.File("opt/b", [.. large, 1], Executable));
        (IReadOnlyDictionary<string, LayerFacts> facts, _) = new LayerScanner([Analysers.Group], null, Verification.Full, null).Read(image, 2, TestContext.Current.CancellationToken);

        Assert.Equal(2, facts.Values.Sum(f => f.Files.Count));
        Assert.All(facts.Values, f => Assert.Empty(f.Gaps));
    }

    private sealed class Walker(LayerDraft draft, ContentBuffer buffer) : ILayerVisitor
    {
        public bool Skip(ImageLayer layer, bool proven) => false;

        public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken)
        {
            draft.Walk(entries, buffer, cancellationToken);
            return draft;
        }

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited)
        {
            // Only what the walk left is looked at.
        }
    }
}
