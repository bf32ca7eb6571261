using System.Security.Cryptography;
using System.Text;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Measure;

public sealed class FileListTests
{
    private static readonly Digest Config = Digest.Of("config"u8);

    private static LayerContents Contents(Action<TarBuilder> write)
    {
        TarBuilder tar = new();
        write(tar);
        using EntryReader reader = new TarReader(new ChunkFeed(new MemoryStream(tar.Build()), null, ahead: false), OciLimits.Default);
        return LayerContents.Read(reader, hashContents: true, CancellationToken.None);
    }

    private static FileList List(params Action<TarBuilder>[] layers) => FileList.Of(Config, [.. layers.Select((l, i) => (Digest.Of([(byte)i]), Contents(l)))]);

    private static string[] Root(FileList list) => [.. list.Layers.SelectMany((l, i) => l.Entries.Where(e => e.Visible).Select(e => $"{i + 1} {e.Path}")).Order(StringComparer.Ordinal)];

    private static string[] Text(FileList list) => Encoding.UTF8.GetString(list.ToBytes()).TrimEnd('\n').Split('\n');

    [Fact]
    public void ToBytes_EachKindOfEntry_IsAsThePageSays()
    {
        FileList list = List(t => t.Folder("d").File("d/f", "hello", 0b100_111_101_101).Symlink("d/s", "../f").HardLink("d/h", "d/f")
            .Entry("d/c", '3', [], edit: h => { TarBuilder.Ascii(h, 329, "0000005"); TarBuilder.Ascii(h, 337, "0000001"); }).Entry("d/p", '6', [])
            .Whiteout("d/gone").Opaque("d").Pax(("SCHILY.xattr.user.b", "2"), ("SCHILY.xattr.user.a", "1")).File("d/x", ""));
        string digest = Convert.ToHexStringLower(SHA384.HashData("hello"u8)), empty = Convert.ToHexStringLower(SHA384.HashData([]));

        Assert.Equal(
        [
            $$"""{"type":"application/vnd.plimsoll.files.v1+jsonl","config":"{{Config}}","layers":1}""",
            $$"""{"layer":1,"diffId":"{{Digest.Of([0])}}","entries":9}""",
            """{"path":"d","type":"directory","mode":"0644","uid":0,"gid":0,"visible":true}""",
            """{"path":"d","type":"opaque"}""",
            """{"path":"d/c","type":"char-device","mode":"0644","uid":0,"gid":0,"device":"5:1","visible":true}""",
            $$"""{"path":"d/f","type":"file","mode":"0644","uid":0,"gid":0,"size":5,"sha384":"{{digest}}","visible":true}""",
            """{"path":"d/gone","type":"whiteout"}""",
            """{"path":"d/h","type":"hardlink","mode":"0644","uid":0,"gid":0,"link":"d/f","visible":true}""",
            """{"path":"d/p","type":"fifo","mode":"0644","uid":0,"gid":0,"visible":true}""",
            """{"path":"d/s","type":"symlink","mode":"0644","uid":0,"gid":0,"link":"../f","visible":true}""",
            $$"""{"path":"d/x","type":"file","mode":"0644","uid":0,"gid":0,"size":0,"sha384":"{{empty}}","xattrs":[{"name":"user.a","value":"MQ=="},{"name":"user.b","value":"Mg=="}],"visible":true}""",
        ], Text(list));
    }

    [Fact]
    public void FindLayer_OneOfSeveral_ReadsThatOneAlone()
    {
        FileList list = List(t => t.File("below", "1"), t => t.Folder("d").File("d/above", "2"), t => t.File("top", "3"));
        // What stands in the other layers is passed over, whatever it is.
        byte[] bytes = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(list.ToBytes()).Replace("{\"path\":\"below\"", "{\"path\":", StringComparison.Ordinal).Replace("{\"path\":\"top\"", "nonsense", StringComparison.Ordinal));

        Assert.Equal(["d", "d/above"], FileList.FindLayer(bytes, Config, Digest.Of([1]), "x")!.Entries.Select(e => e.Path));
        Assert.Null(FileList.FindLayer(bytes, Config, Digest.Of([7]), "x"));
        Assert.Throws<FormatException>(() => FileList.FindLayer(bytes, Digest.Of("other"u8), Digest.Of([1]), "x"));
        Assert.Throws<FormatException>(() => FileList.FindLayer(bytes, Config, Digest.Of([0]), "x"));
    }

    [Fact]
    public void Root_WhiteoutsAndOpaqueFolders_HideWhatIsBelow()
    {
        FileList list = List(
            t => t.Folder("a").File("a/1", "x").File("a/2", "x").Folder("b").File("b/1", "x").File("c", "x").Folder("d").File("d/1", "x").File("e", "x"),
            t => t.Whiteout("a/1").Folder("b").Opaque("b").File("b/2", "x").File("c", "y").File("d", "now a file").File("e/below", "e is a folder now"));

        Assert.Equal(["1 a", "1 a/2", "2 b", "2 b/2", "2 c", "2 d", "2 e/below"], Root(list));
        Assert.Equal(Root(list), list.Root.Select(e => $"{(list.Layers[0].Entries.Contains(e) ? 1 : 2)} {e.Path}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Read_PathTwice_LastCounts()
    {
        LayerContents contents = Contents(t => t.File("f", "one").File("f", "two").Folder("d").File("d/x", "gone with its folder").File("d", "a file").Folder("k").File("k/x", "stays").Folder("k"));

        Assert.Equal(["d", "f", "k", "k/x"], contents.Sorted().Select(e => e.Path));
        Assert.Equal(SHA384.HashData("two"u8), contents.Entries["f"].Content);
        Assert.Equal(FileType.File, contents.Entries["d"].Type);
    }

    [Fact]
    public void Read_FolderReplacedAndMadeAgain_HoldsOnlyWhatCameAfter()
    {
        LayerContents contents = Contents(t => t.Folder("d").File("d/old", "1").Symlink("d", "elsewhere").Folder("d").File("d/new", "2"));

        Assert.Equal(["d", "d/new"], contents.Sorted().Select(e => e.Path));
    }

    [Fact]
    public void Read_WhiteoutBesideItsFile_LastCounts()
    {
        Assert.Equal(FileType.File, Assert.Single(Contents(t => t.Whiteout("a").File("a", "x")).Sorted()).Type);
        Assert.Equal(FileType.Whiteout, Assert.Single(Contents(t => t.File("a", "x").Whiteout("a")).Sorted()).Type);
    }

    [Fact]
    public void Read_SparseFile_IsHashedWithItsHoles()
    {
        byte[] wanted = [.. new byte[1000], .. "data"u8, .. new byte[96]];
        LayerContents contents = Contents(t => t.Pax(("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.map", "1000,4"), ("GNU.sparse.size", "1100"), ("GNU.sparse.name", "s")).File("x", "data"));

        Assert.Equal(SHA384.HashData(wanted), contents.Entries["s"].Content);
    }

    [Fact]
    public void Read_MoreHolesThanAreHashed_IsRefused()
    {
        ImageException e = Assert.Throws<ImageException>(() => Contents(t => t.Pax(("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.map", "0,4"), ("GNU.sparse.size", "4294967301"), ("GNU.sparse.name", "s")).File("x", "data")));

        Assert.Equal(ImageError.LimitExceeded, e.Error);
        Assert.Contains("MaxHashedHoleBytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_MoreThanTheBudget_IsRefused()
    {
        byte[] tar = new TarBuilder().File("a", "x").File("b", "x").Build();
        using EntryReader fits = new TarReader(new ChunkFeed(new MemoryStream(tar), null, ahead: false), OciLimits.Default);
        using EntryReader more = new TarReader(new ChunkFeed(new MemoryStream(tar), null, ahead: false), OciLimits.Default);

        Assert.Equal(2, LayerContents.Read(fits, false, CancellationToken.None, new ListBudget(2 * 322)).Entries.Count);
        Assert.Contains("MaxListBytes", Assert.Throws<ImageException>(() => LayerContents.Read(more, false, CancellationToken.None, new ListBudget((2 * 322) - 1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_WhatWasWritten_GivesTheSameBytes()
    {
        byte[] bytes = List(t => t.Folder("d").File("d/f\u0001\"é\ud83d\ude00", "hello").Symlink("s", "t").HardLink("h", "s").Entry("c", '3', []),
            t => t.Whiteout("d").Opaque("e").Pax(("SCHILY.xattr.user.a", "1")).File("x", "")).ToBytes();

        Assert.Equal(bytes, FileList.Parse(bytes, "x").ToBytes());
    }

    [Theory]
    [InlineData("\"layers\":1", "\"layers\":2", "line 4")]
    [InlineData("\"layers\":1", "\"layers\":0", "something follows")]
    [InlineData("\"layers\":1", "\"layers\":1025", "MaxLayers")]
    [InlineData("\"layers\":1", "\"layers\":-1", "MaxLayers")]
    [InlineData("\"entries\":1", "\"entries\":4000001", "MaxFiles")]
    [InlineData("\"entries\":1", "\"entries\":2", "line 4")]
    [InlineData("\"layer\":1", "\"layer\":2", "head of layer 1")]
    [InlineData("\"type\":\"file\"", "\"type\":\"fyle\"", "unknown type")]
    [InlineData("\"mode\":\"0644\"", "\"mode\":\"9\"", "line 3")]
    [InlineData("\"sha384\":\"", "\"sha384\":\"00", "96 hex digits")]
    [InlineData(".v1+jsonl", ".v2+jsonl", "no file list")]
    [InlineData("{\"path\"", "{\"path\":1,\"path\"", "")]
    public void Parse_OneThingWrong_IsRefusedWithItsLine(string old, string now, string says)
    {
        string text = Encoding.UTF8.GetString(List(t => t.File("f", "x")).ToBytes());
        byte[] wrong = Encoding.UTF8.GetBytes(text.Replace(old, now, StringComparison.Ordinal));

        if (says.Length == 0)
            Assert.NotEqual(wrong, FileList.Parse(wrong, "x").ToBytes());
        else
            Assert.Contains(says, Assert.Throws<FormatException>(() => FileList.Parse(wrong, "x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_CutAnywhere_IsRefused()
    {
        byte[] bytes = List(t => t.File("f", "x").Whiteout("g")).ToBytes();

        for (int length = 0; length < bytes.Length; length++)
            Assert.Throws<FormatException>(() => FileList.Parse(bytes.AsMemory(0, length), "x"));
    }
}
