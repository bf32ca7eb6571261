using System.IO.Compression;
using System.Text;
using Plimsoll.Inspect.Packages.Java;

namespace Plimsoll.Tests.Packages.Java;

/// <summary>The small inflater against the library's.</summary>
public sealed class DeflateHeadTests
{
    private const int HeadBytes = 512;

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Fastest)]
    [InlineData(CompressionLevel.Optimal)]
    [InlineData(CompressionLevel.SmallestSize)]
    public void Inflate_AnyContent_IsTheStartOfWhatTheLibraryGives(CompressionLevel level)
    {
        Random random = new(7);
        for (int n = 0; n < 400; n++)
        {
            byte[] content = ContentOf(random, n), head = new byte[HeadBytes];
            int length = DeflateHead.Inflate(Deflate(content, level), head);
            Assert.Equal(Math.Min(content.Length, HeadBytes), length);
            Assert.True(content.AsSpan(0, length).SequenceEqual(head.AsSpan(0, length)), $"content {n} of {content.Length} bytes");
        }
    }

    [Fact]
    public void Inflate_ChangedStream_SaysNothingThatTheLibraryDoesNotSay()
    {
        Random random = new(11);
        int answered = 0;
        for (int n = 0; n < 4000; n++)
        {
            byte[] packed = Deflate(ContentOf(random, n), n % 2 == 0 ? CompressionLevel.Optimal : CompressionLevel.Fastest), head = new byte[HeadBytes];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                packed[random.Next(Math.Min(packed.Length, 120))] ^= (byte)(1 << random.Next(8));
            int length = DeflateHead.Inflate(packed, head);
            if (length < 0)
                continue;
            answered++;
            byte[] wanted = new byte[HeadBytes];
            using DeflateStream library = new(new MemoryStream(packed), CompressionMode.Decompress);
            Assert.Equal(library.ReadAtLeast(wanted, HeadBytes, throwOnEndOfStream: false), length);
            Assert.Equal(wanted, head);
        }
        Assert.InRange(answered, 100, 3900);
    }

    [Fact]
    public void Inflate_StreamCutOff_IsLeftToTheLibrary()
    {
        byte[] packed = Deflate(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 60).Select(i => $"{i * 7919}"))), CompressionLevel.Optimal);
        for (int length = 0; length < packed.Length - 1; length++)
            Assert.Equal(-1, DeflateHead.Inflate(packed.AsSpan(0, length), new byte[HeadBytes]));
    }

    [Theory]
    [InlineData("07")]
    [InlineData("0101000000")]
    [InlineData("0500")]
    [InlineData("0300")]
    public void Inflate_OddStreams_AreFaultsOrEmpty(string hex) =>
        Assert.Equal(hex == "0300" ? 0 : -1, DeflateHead.Inflate(Convert.FromHexString(hex), new byte[HeadBytes]));

    private static byte[] ContentOf(Random random, int n)
    {
        byte[] content = new byte[n % 5 == 0 ? random.Next(0, 40) : random.Next(0, 4000)];
        switch (n % 4)
        {
            case 0:
                random.NextBytes(content);
                break;
            case 1:
                for (int i = 0; i < content.Length; i++)
                    content[i] = (byte)"package com.example; public static final class "[random.Next(47)];
                break;
            case 2:
                Array.Fill(content, (byte)n);
                break;
            default:
                for (int i = 0; i < content.Length; i++)
                    content[i] = (byte)(i < 40 || random.Next(9) == 0 ? random.Next(256) : content[i - 1 - random.Next(39)]);
                break;
        }
        return content;
    }

    private static byte[] Deflate(byte[] content, CompressionLevel level)
    {
        MemoryStream packed = new();
        using (DeflateStream deflate = new(packed, level, leaveOpen: true))
            deflate.Write(content);
        // An empty content writes nothing at all.
        return packed.Length == 0 ? [3, 0] : packed.ToArray();
    }
}
