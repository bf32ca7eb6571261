using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Oci;

/// <summary>
/// Tars made so that Go's archive/tar, with which Docker unpacks, and a careless reader see different files. The expected
/// lines are what Go shows; a package database that only one of the two sees would be a wrong "clean".
/// </summary>
public sealed class TarAttackTests
{
    private const string Status = "var/lib/dpkg/status";
    private const string Gnu = "ustar  \0";

    private static List<string> Read(byte[] tar)
    {
        using TarReader reader = new(new ChunkFeed(new MemoryStream(tar), null, false), OciLimits.Default);
        List<string> seen = [];
        while (reader.MoveNext(TestContext.Current.CancellationToken))
            seen.Add(RecordingVisitor.Describe(reader));
        return seen;
    }

    private static byte[] One => "1"u8.ToArray();

    [Fact]
    public void PaxPathBeforeAGlobalHeader_BelongsToThatHeader() =>
        Assert.Equal([$"{Status}=1"], Read(new TarBuilder().Pax(("path", "decoy")).Entry("g", 'g', "6 k=v\n"u8.ToArray()).File(Status, "1").Build()));

    [Fact]
    public void LongNameBeforeAGlobalHeader_BelongsToThatHeader() =>
        Assert.Equal([$"{Status}=1"], Read(new TarBuilder().GnuLongName("decoy").Entry("g", 'g', []).File(Status, "1").Build()));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void GnuLongNameAndPaxPath_TheLongNameWins(bool paxFirst)
    {
        TarBuilder tar = new();
        tar = paxFirst ? tar.Pax(("path", "decoy")).GnuLongName(Status) : tar.GnuLongName(Status).Pax(("path", "decoy"));

        Assert.Equal([$"{Status}=1"], Read(tar.File("x", "1").Build()));
    }

    [Fact]
    public void GnuLongLinkAndPaxLinkPath_TheLongLinkWins() =>
        Assert.Equal(["l=>real"], Read(new TarBuilder().Pax(("linkpath", "decoy")).Entry("././@LongLink", 'K', "real\0"u8.ToArray(), magic: Gnu).HardLink("l", "x").Build()));

    [Fact]
    public void EmptyGnuLongName_LeavesTheName() =>
        Assert.Equal([$"{Status}=1"], Read(new TarBuilder().GnuLongName("").File(Status, "1").Build()));

    [Fact]
    public void SizeBehindAZeroByte_IsThatSize()
    {
        byte[] hidden = new TarBuilder().File(Status, "decoy").BuildOpen();
        byte[] tar = new TarBuilder().Entry("x", '0', hidden, edit: h => TarBuilder.Ascii(h, 124, "\0" + Convert.ToString(hidden.Length, 8).PadLeft(10, '0'))).Build();

        Assert.StartsWith("x=", Assert.Single(Read(tar)));
    }

    [Theory]
    [InlineData("var/lib/dpkg", "", "var/lib/dpkg/status=1")]
    // A time that is a number, then one that is none: what stands there is a prefix up to the first zero byte.
    [InlineData("7\0\0\0\0\0\0\0\0\0\0\0x", "", "7/status=1")]
    [InlineData("7\0\0\0\0\0\0\0\0\0\0\0", "80ffffffffffffffffffffff", "7/status=1")]
    [InlineData("7\0\0\0\0\0\0\0\0\0\0\0", "80000000ffffffffffffffff", "7/status=1")]
    [InlineData("7\0\0\0\0\0\0\0\0\0\0\0", "800000007fffffffffffffff", "status=1")]
    [InlineData("7\0\0\0\0\0\0\0\0\0\0\0", "ffffffff8fffffffffffffff", "status=1")]
    public void GnuMagicWithTextWhereItsTimesAre_HasAPrefix(string text, string change, string seen) =>
        Assert.Equal([seen], Read(new TarBuilder().Entry("status", '0', One, magic: Gnu, edit: h =>
        {
            TarBuilder.Ascii(h, 345, text);
            Convert.FromHexString(change).CopyTo(h, 357);
        }).Build()));

    [Theory]
    [InlineData("1", "1")]
    [InlineData("2", "0")]
    [InlineData("0", "2")]
    public void SparseVersionThatGoDoesNotKnow_IsAPlainFile(string major, string minor) =>
        Assert.Equal([$"{Status}=1"], Read(new TarBuilder().Pax(("GNU.sparse.major", major), ("GNU.sparse.minor", minor), ("GNU.sparse.name", "decoy"), ("GNU.sparse.map", "0,1"), ("GNU.sparse.size", "1")).File(Status, "1").Build()));

    [Fact]
    public void SparseFileWithTwoSizes_HasTheFirst() =>
        Assert.Equal(["x=1\0\0"], Read(new TarBuilder().Pax(("GNU.sparse.map", "0,1"), ("GNU.sparse.size", "3"), ("GNU.sparse.realsize", "1")).File("x", "1").Build()));

    [Fact]
    public void SparseMapInBothForms_TheRepeatedKeysCount() =>
        Assert.Equal(["x=\u00001"], Read(new TarBuilder().Pax(("GNU.sparse.map", "0,1"), ("GNU.sparse.offset", "1"), ("GNU.sparse.numbytes", "1"), ("GNU.sparse.size", "2")).File("x", "1").Build()));

    [Fact]
    public void SparseMapOfManyRepeatedKeys_TakesLinearTime()
    {
        StringBuilder records = new();
        for (int i = 0; records.Length < 1_000_000; i++)
            records.Append("23 GNU.sparse.offset=1\n25 GNU.sparse.numbytes=0\n");
        TarBuilder tar = new();
        for (int i = 0; i < 10; i++)
            tar.Entry("x", 'x', Encoding.ASCII.GetBytes(records.ToString())).File("f", "1");
        Stopwatch watch = Stopwatch.StartNew();

        Assert.Throws<ImageException>(() => Read(tar.Build()));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(3), $"{watch.Elapsed}");
    }

    [Fact]
    public void SparseFileOfHoles_IsNotExpanded()
    {
        using TarReader reader = new(new ChunkFeed(new MemoryStream(new TarBuilder().Pax(("GNU.sparse.map", ""), ("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.size", "200000000")).File("x", "").Build()), null, false), OciLimits.Default);

        Assert.True(reader.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(200_000_000, reader.Size);
        Assert.False(reader.TryReadContent(int.MaxValue, out _));
    }

    [Fact]
    public void SizeThatOverflowsWithItsPadding_IsMalformed()
    {
        byte[] tar = new TarBuilder().Entry("x", '0', [], edit: h =>
        {
            h.AsSpan(124, 12).Clear();
            h[124] = 0x80;
            BinaryPrimitives.WriteInt64BigEndian(h.AsSpan(128), long.MaxValue);
        }).File(Status, "decoy").Build();

        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => Read(tar)).Error);
    }
}
