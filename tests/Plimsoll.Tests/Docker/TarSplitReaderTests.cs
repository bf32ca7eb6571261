using System.IO.Compression;
using System.Text;
using Plimsoll.Docker;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Docker;

public sealed class TarSplitReaderTests
{
    [Fact]
    public void MoveNext_PiecesAndFiles_GivesEachInOrder()
    {
        using TarSplitReader reader = Read("""{"type":2,"payload":"aGVhZA==","position":0}""", """{"type":1,"name":"./etc//motd","size":5,"payload":"/4x7+rMSgb4=","position":1}""",
            """{"type":1,"name":"etc/empty","payload":null,"position":2}""", """{"type":2,"payload":"dGFpbA==","position":3}""");

        Assert.True(reader.MoveNext());
        Assert.False(reader.IsFile);
        Assert.Equal("head", Piece(reader));
        Assert.True(reader.MoveNext());
        Assert.True(reader.IsFile);
        Assert.Equal("etc/motd", reader.Name);
        Assert.Equal(0, reader.NameWithZero[^1]);
        Assert.Equal(5, reader.Size);
        Assert.Equal(0xff8c7bfab31281beUL, reader.Crc);
        Assert.True(reader.MoveNext());
        Assert.Equal("tail", Piece(reader));
        Assert.False(reader.MoveNext());
    }

    [Fact]
    public void MoveNext_RawName_GivesItsBytes()
    {
        using TarSplitReader reader = Read($$"""{"type":1,"name_raw":"{{Convert.ToBase64String([(byte)'a', 0xff])}}","size":1}""");

        Assert.True(reader.MoveNext());
        Assert.Equal([(byte)'a', 0xff, 0], reader.NameWithZero.ToArray());
    }

    [Fact]
    public void MoveNext_EscapedPayload_DecodesIt()
    {
        using TarSplitReader reader = Read("""{"type":2,"payload":"\u0061GVhZA=="}""");

        Assert.True(reader.MoveNext());
        Assert.Equal("head", Piece(reader));
    }

    [Fact]
    public void MoveNext_PieceLongerThanTheBuffer_IsWhole()
    {
        byte[] piece = new byte[700_000];
        new Random(1).NextBytes(piece);
        using TarSplitReader reader = Read("""{"type":2,"payload":"aGVhZA=="}""", $$"""{"type":2,"payload":"{{Convert.ToBase64String(piece)}}"}""", """{"type":2,"payload":"dGFpbA=="}""");

        Assert.True(reader.MoveNext());
        Assert.Equal("head", Piece(reader));
        Assert.True(reader.MoveNext());
        byte[] seen = new byte[reader.MaxPieceBytes];
        Assert.Equal(piece, seen[..reader.DecodePiece(seen)]);
        Assert.True(reader.MoveNext());
        Assert.Equal("tail", Piece(reader));
    }

    [Theory]
    [InlineData("""{"type":1,"name":"../../etc/shadow","size":1}""", "leaves the layer")]
    [InlineData("""{"type":1,"name":"a/../../b","size":1}""", "leaves the layer")]
    [InlineData("""{"type":1,"name":"a\u0000b","size":1}""", "zero byte")]
    [InlineData("""{"type":1,"name_raw":"Li4vYQ==","size":1}""", "leaves the layer")]
    [InlineData("""{"type":1,"name_raw":"***","size":1}""", "base64")]
    [InlineData("""{"type":1,"size":1}""", "no name")]
    [InlineData("""{"type":1,"name":"a","size":-1}""", "no length")]
    [InlineData("""{"type":1,"name":"a","size":1e3000}""", "no length")]
    [InlineData("""{"type":1,"name":7,"size":1}""", "no text")]
    [InlineData("""{"type":1,"name":"a","size":1,"payload":"AAAA"}""", "8 bytes")]
    [InlineData("""{"type":3,"name":"a"}""", "type 3")]
    [InlineData("""{"name":"a"}""", "type -1")]
    [InlineData("""{"type":"1","name":"a"}""", "no number")]
    [InlineData("""{"type":2,"payload":[1]}""", "no text")]
    [InlineData("""[1]""", "no JSON object")]
    [InlineData("""{"type":2,"payload":"aGVh""", "no JSON object of the form")]
    [InlineData("""{"type":1,"name":"a"} {"type":1}""", "no JSON object of the form")]
    [InlineData("""{"type":2,"x":[[[[[[[[[[1]]]]]]]]]]}""", "no JSON object of the form")]
    public void MoveNext_HostileLine_IsMalformed(string line, string word)
    {
        using TarSplitReader reader = Read(line);

        ImageException e = Assert.Throws<ImageException>(() => reader.MoveNext());

        Assert.Equal(ImageError.Malformed, e.Error);
        Assert.Contains(word, e.Message, StringComparison.Ordinal);
        Assert.Contains("the layer: line 1", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DecodePiece_NoBase64_IsMalformed()
    {
        using TarSplitReader reader = Read("""{"type":2,"payload":"a*b="}""");
        Assert.True(reader.MoveNext());

        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => Piece(reader)).Error);
    }

    [Fact]
    public void MoveNext_LineOneByteTooLong_IsRefused()
    {
        const string line = """{"type":2,"payload":"aGVhZA=="}""";
        using TarSplitReader fits = Read(line.Length, OciLimits.Default, line);
        using TarSplitReader longer = Read(line.Length - 1, OciLimits.Default, line);

        Assert.True(fits.MoveNext());
        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => longer.MoveNext()).Error);
    }

    [Fact]
    public void MoveNext_LinesThatStandForNothing_AreLimited()
    {
        string[] lines = [.. Enumerable.Repeat("""{"type":1,"name":"a"}""", 67)];
        using TarSplitReader reader = Read(TarSplitReader.MaxLineBytes, OciLimits.Default with { MaxEntries = 1 }, lines);

        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => reader.MoveNext()).Error);
    }

    [Fact]
    public void MoveNext_NameOneByteTooLong_IsRefused()
    {
        OciLimits limits = OciLimits.Default with { MaxPathBytes = 10 };
        using TarSplitReader fits = Read(1000, limits, """{"type":1,"name":"0123456789","size":1}""");
        using TarSplitReader longer = Read(1000, limits, """{"type":1,"name":"0123456789a","size":1}""");

        Assert.True(fits.MoveNext());
        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => longer.MoveNext()).Error);
    }

    private static string Piece(TarSplitReader reader)
    {
        byte[] piece = new byte[reader.MaxPieceBytes];
        return Encoding.ASCII.GetString(piece, 0, reader.DecodePiece(piece));
    }

    private static TarSplitReader Read(params string[] lines) => Read(TarSplitReader.MaxLineBytes, OciLimits.Default, lines);

    private static TarSplitReader Read(int maxLineBytes, OciLimits limits, params string[] lines)
    {
        MemoryStream stored = new();
        using (GZipStream gzip = new(stored, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(Encoding.UTF8.GetBytes(string.Join('\n', lines) + '\n'));
        stored.Position = 0;
        return new TarSplitReader(stored, "the layer", limits, maxLineBytes);
    }
}
