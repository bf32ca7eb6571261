using System.Text;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Oci;

public sealed class TarReaderTests
{
    private static List<string> Read(byte[] tar, OciLimits? limits = null, bool ahead = false)
    {
        using TarReader reader = new(new ChunkFeed(new MemoryStream(tar), null, ahead), limits ?? OciLimits.Default);
        List<string> seen = [];
        while (reader.MoveNext(TestContext.Current.CancellationToken))
            seen.Add(RecordingVisitor.Describe(reader));
        seen.AddRange(reader.Oddities.Select(o => $"! {o.Code} {o.Where}"));
        return seen;
    }

    private static ImageException Fails(byte[] tar, OciLimits? limits = null) => Assert.Throws<ImageException>(() => Read(tar, limits));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MoveNext_EveryKindOfEntry_IsShown(bool ahead)
    {
        byte[] tar = new TarBuilder().Folder("etc").File("./etc/motd", "hello").Symlink("etc/link", "../x").HardLink("etc/again", "./etc/motd")
            .Entry("dev/null", '3', []).Entry("dev/sda", '4', []).Entry("run/pipe", '6', []).Entry("odd", 'Z', []).Build();

        Assert.Equal(["etc/", "etc/motd=hello", "etc/link->../x", "etc/again=>etc/motd", "dev/null (CharDevice)", "dev/sda (BlockDevice)", "run/pipe (Fifo)", "odd (Other)"], Read(tar, ahead: ahead));
    }

    [Fact]
    public void MoveNext_FileLargerThanAChunk_IsReadWhole()
    {
        string large = new('x', ChunkFeed.ChunkBytes * 2 + 77);

        Assert.Equal([$"a={large}", "b=after"], Read(new TarBuilder().File("a", large).File("b", "after").Build()));
    }

    [Fact]
    public void MoveNext_ContentNotRead_NextEntryFollows() =>
        Assert.Equal(["big=too large", "b=after"], Read(new TarBuilder().File("big", new byte[(1 << 20) + 1]).File("b", "after").Build()));

    [Fact]
    public void MoveNext_PaxPathAndLink_ReplaceTheHeaders()
    {
        string longName = string.Join('/', Enumerable.Repeat("folder", 60));
        byte[] tar = new TarBuilder().Pax(("path", longName), ("mtime", "1.5")).File("short", "1").Pax(("linkpath", "elsewhere")).Symlink("l", "x").File("plain", "2").Build();

        Assert.Equal([$"{longName}=1", "l->elsewhere", "plain=2"], Read(tar));
    }

    [Fact]
    public void MoveNext_GnuLongName_ReplacesTheHeaders()
    {
        string longName = new string('n', 300);

        Assert.Equal([$"{longName}=1"], Read(new TarBuilder().GnuLongName(longName).File("nnn", "1").Build()));
    }

    [Fact]
    public void MoveNext_UstarPrefix_StandsBeforeTheName() =>
        Assert.Equal(["deep/down/name=1"], Read(new TarBuilder().Entry("name", '0', "1"u8.ToArray(), edit: h => TarBuilder.Ascii(h, 345, "deep/down")).Build()));

    [Fact]
    public void MoveNext_GnuMagicAndTimes_HasNoPrefix() =>
        Assert.Equal(["name=1"], Read(new TarBuilder().Entry("name", '0', "1"u8.ToArray(), magic: "ustar  \0", edit: h => TarBuilder.Ascii(h, 345, "14000000000\014000000000")).Build()));

    [Fact]
    public void MoveNext_GlobalPaxHeader_ChangesNothing() =>
        Assert.Equal(["a=1"], Read(new TarBuilder().Entry("g", 'g', "14 path=other\n"u8.ToArray()).File("a", "1").Build()));

    [Fact]
    public void MoveNext_SizeOfAFolderOrLink_IsNoContent() =>
        Assert.Equal(["d/", "l=>t", "a=1"], Read(new TarBuilder().Entry("d/", '5', [], statedSize: 512).Entry("l", '1', [], "t", statedSize: 5).File("a", "1").Build()));

    [Fact]
    public void MoveNext_Base256Size_IsRead()
    {
        byte[] tar = new TarBuilder().Entry("a", '0', "12345"u8.ToArray(), edit: h =>
        {
            h.AsSpan(124, 12).Clear();
            (h[124], h[135]) = (0x80, 5);
        }).Build();

        Assert.Equal(["a=12345"], Read(tar));
    }

    [Fact]
    public void MoveNext_OldGnuSparse_ComesExpanded()
    {
        byte[] tar = new TarBuilder().Entry("s", 'S', "abcd"u8.ToArray(), magic: "ustar  \0", edit: h =>
        {
            TarBuilder.Ascii(h, 386, "00000000002\000000000002\000000000006\000000000002\0");
            TarBuilder.Ascii(h, 483, "00000000011\0");
        }).File("b", "1").Build();

        Assert.Equal(["s=\0\0ab\0\0cd\0", "b=1"], Read(tar));
    }

    [Theory]
    [InlineData("GNU.sparse.map", "2,2,6,2")]
    public void MoveNext_PaxSparse01_ComesExpanded(string key, string value)
    {
        byte[] tar = new TarBuilder().Pax(("GNU.sparse.size", "9"), ("GNU.sparse.name", "real/name"), (key, value)).File("GNUSparseFile.0/x", "abcd").Build();

        Assert.Equal(["real/name=\0\0ab\0\0cd\0"], Read(tar));
    }

    [Fact]
    public void MoveNext_PaxSparse10_ComesExpanded()
    {
        byte[] data = new byte[512 + 4];
        Encoding.ASCII.GetBytes("2\n2\n2\n6\n2\n").CopyTo(data, 0);
        Encoding.ASCII.GetBytes("abcd").CopyTo(data, 512);
        byte[] tar = new TarBuilder().Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "s"), ("GNU.sparse.realsize", "9"))
            .File("x", data).File("b", "1").Build();

        Assert.Equal(["s=\0\0ab\0\0cd\0", "b=1"], Read(tar));
    }

    [Theory]
    [InlineData("2,2,1,2")]
    [InlineData("2,200,6,2")]
    [InlineData("0,3")]
    [InlineData("a,b")]
    [InlineData("1,2,3")]
    public void MoveNext_SparseMapThatCannotBe_IsMalformed(string map) =>
        Assert.Equal(ImageError.Malformed, Fails(new TarBuilder().Pax(("GNU.sparse.size", "9"), ("GNU.sparse.map", map)).File("x", "abcd").Build()).Error);

    [Fact]
    public void TryReadContent_SparseFileOfTerabytes_IsRefusedWithoutMemory() =>
        Assert.Equal(["x=too large"], Read(new TarBuilder().Pax(("GNU.sparse.size", "4000000000000"), ("GNU.sparse.map", "0,4")).File("x", "abcd").Build()));

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("a/../../b")]
    [InlineData("a/..")]
    public void MoveNext_PathOutOfTheRoot_IsPassedOverAndSaid(string path)
    {
        List<string> seen = Read(new TarBuilder().File(path, "evil").File("b", "1").Build());

        Assert.Equal(["b=1", $"! path-leaves-root {path}"], seen);
    }

    [Fact]
    public void MoveNext_AbsolutePath_IsBelowTheRoot() => Assert.Equal(["etc/x=1"], Read(new TarBuilder().File("//etc/./x", "1").Build()));

    [Fact]
    public void MoveNext_HardLinkOutOfTheRoot_IsPassedOverAndSaid() =>
        Assert.Equal(["! link-leaves-root l -> ../../etc/shadow"], Read(new TarBuilder().HardLink("l", "../../etc/shadow").Build()));

    [Fact]
    public void MoveNext_ManyOddities_AreCounted()
    {
        TarBuilder tar = new();
        for (int i = 0; i < 1000; i++)
            tar.File($"../{i}", "");

        Assert.Equal(EntryReader.MaxOddities, Read(tar.Build()).Count);
    }

    [Fact]
    public void MoveNext_NameThatIsNoUtf8_StaysDifferent()
    {
        List<string> seen = Read(new TarBuilder().Entry("caf?", '0', "1"u8.ToArray(), edit: h => h[3] = 0xe9).Entry("x", '0', [], edit: h => h[0] = 0xff).File("café", "2").Build());

        Assert.Equal("caf\0e9=1", seen[0]);
        Assert.Equal("\0ff=", seen[1]);
        Assert.Equal("café=2", seen[2]);
    }

    [Fact]
    public void MoveNext_OneBitOfAHeaderFlipped_IsMalformed()
    {
        byte[] tar = new TarBuilder().File("a", "1").Build();
        tar[3] ^= 1;

        Assert.Contains("checksum", Fails(tar).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(700)]
    [InlineData(1024)]
    public void MoveNext_CutOff_IsTruncated(int length)
    {
        byte[] tar = new TarBuilder().File("a", new byte[2000]).File("b", "1").BuildOpen();

        Assert.Equal(ImageError.Truncated, Fails(tar[..length]).Error);
    }

    [Fact]
    public void MoveNext_NoEndBlocks_IsFineAsForDocker() => Assert.Equal(["a=1"], Read(new TarBuilder().File("a", "1").BuildOpen()));

    [Fact]
    public void MoveNext_ZeroBlockThenMore_IsMalformed() =>
        Assert.Equal(ImageError.Malformed, Fails([.. new TarBuilder().File("a", "1").BuildOpen(), .. new byte[512], .. new TarBuilder().File("b", "1").Build()]).Error);

    [Fact]
    public void MoveNext_ExtensionWithoutEntry_IsTruncated() =>
        Assert.Equal(ImageError.Truncated, Fails(new TarBuilder().Pax(("path", "x")).Build()).Error);

    [Fact]
    public void MoveNext_NegativeSize_IsMalformed() =>
        Assert.Equal(ImageError.Malformed, Fails(new TarBuilder().Entry("a", '0', [], edit: h => h.AsSpan(124, 12).Fill(0xff)).Build()).Error);

    [Theory]
    [InlineData("99999 path=x\n")]
    [InlineData("3 x\n")]
    [InlineData("-5 path=x\n")]
    [InlineData("10 path=x")]
    [InlineData("junk")]
    public void MoveNext_BrokenPax_IsMalformed(string pax) =>
        Assert.Equal(ImageError.Malformed, Fails(new TarBuilder().Entry("x", 'x', Encoding.ASCII.GetBytes(pax)).File("a", "1").Build()).Error);

    [Fact]
    public void MoveNext_OneEntryMoreThanTheLimit_StopsWithItsName()
    {
        byte[] tar = new TarBuilder().File("a", "").File("b", "").File("c", "").Build();

        Assert.Equal(3, Read(tar, OciLimits.Default with { MaxEntries = 3 }).Count);
        Assert.Contains("MaxEntries", Fails(tar, OciLimits.Default with { MaxEntries = 2 }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MoveNext_ExtensionOneByteOverTheLimit_StopsWithItsName()
    {
        byte[] tar = new TarBuilder().GnuLongName(new string('a', 199)).File("a", "").Build();

        Assert.Single(Read(tar, OciLimits.Default with { MaxExtensionBytes = 200 }));
        Assert.Contains("MaxExtensionBytes", Fails(tar, OciLimits.Default with { MaxExtensionBytes = 199 }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MoveNext_PathOneByteOverTheLimit_IsPassedOverAndSaid()
    {
        byte[] tar = new TarBuilder().GnuLongName(new string('a', 300)).File("a", "").File("b", "").Build();

        Assert.Equal(2, Read(tar, OciLimits.Default with { MaxPathBytes = 300 }).Count);
        Assert.Contains("path-too-long", Read(tar, OciLimits.Default with { MaxPathBytes = 299 })[1], StringComparison.Ordinal);
    }

    [Fact]
    public void MoveNext_ClaimsTwoGigabytesInAShortTar_IsTruncatedWithoutMemory()
    {
        byte[] tar = new TarBuilder().Entry("a", '0', [], statedSize: 2_000_000_000).BuildOpen();
        long before = GC.GetAllocatedBytesForCurrentThread();

        using TarReader reader = new(new ChunkFeed(new MemoryStream(tar), null, ahead: false), OciLimits.Default);
        Assert.True(reader.MoveNext(TestContext.Current.CancellationToken));
        ImageException e = Assert.Throws<ImageException>(() => reader.TryReadContent(int.MaxValue, out _));

        Assert.Equal(ImageError.Truncated, e.Error);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
    }
}
