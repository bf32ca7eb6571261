using System.IO.Compression;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Oci;

/// <summary>ISA-L beside the base library, which is the oracle; libisal2 is one of the tests' packages.</summary>
[Trait("needs", "host")]
public sealed class IsaGzipTests
{
    /// <summary>Hands out so many bytes at a time.</summary>
    private sealed class Dripping(byte[] bytes, int step) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, step)]);
    }

    private static byte[] Pack(byte[] content, CompressionLevel level = CompressionLevel.Optimal)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, level, leaveOpen: true))
            gzip.Write(content);
        return packed.ToArray();
    }

    private static byte[] Text(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)("plimsoll line "[i % 14] + (i / 997 % 3)))];

    private static Stream Open(byte[] packed, int step = int.MaxValue) => IsaGzipStream.Create(new Dripping(packed, step)) ?? throw new InvalidOperationException("libisal.so.2 is not there");

    private static byte[] Whole(Stream stream, int buffer = 4096)
    {
        using MemoryStream all = new();
        using (stream)
            stream.CopyTo(all, buffer);
        return all.ToArray();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(70_000)]
    [InlineData(3_000_000)]
    public void Read_WhatGzipPacked_ComesBack(int length)
    {
        byte[] text = Text(length), random = new byte[length];
        new Random(1).NextBytes(random);
        foreach (byte[] content in (byte[][])[text, random])
            foreach (CompressionLevel level in Enum.GetValues<CompressionLevel>())
                Assert.Equal(content, Whole(Open(Pack(content, level))));
    }

    [Fact]
    public void Read_InSmallSteps_ComesBack()
    {
        byte[] text = Text(5000), packed = Pack(text);

        Assert.Equal(text, Whole(Open(packed, 1), 1));
        Assert.Equal(text, Whole(Open(packed, 3), 7));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public void Read_SeveralMembersAndJunkBehindThem_IsAsTheBaseLibraryHasIt(int step)
    {
        byte[] one = Text(3000), packed = [.. Pack(one), .. Pack([]), .. Pack(one)];
        foreach (byte[] tail in (byte[][])[[], [0], [0x1f], "junk"u8.ToArray(), new byte[1000]])
        {
            byte[] stored = [.. packed, .. tail];
            Assert.Equal(Whole(new GZipStream(new MemoryStream(stored), CompressionMode.Decompress)), Whole(Open(stored, step)));
        }
    }

    [Fact]
    public void Read_HeaderWithNameCommentExtraAndChecksum_IsPassedOver()
    {
        byte[] packed = Pack(Text(100));
        byte[] named = [.. packed[..3], 0b0001_1100, .. packed[4..10], 3, 0, 1, 2, 3, .. "name\0"u8, .. "comment\0"u8, .. packed[10..]];

        Assert.Equal(Text(100), Whole(Open(named)));
    }

    [Fact]
    public void Read_CutAnywhere_IsRefused()
    {
        byte[] packed = Pack(Text(3000));
        for (int length = 1; length < packed.Length; length++)
            Assert.Throws<InvalidDataException>(() => Whole(Open(packed[..length])));
        Assert.Empty(Whole(Open([])));
    }

    [Fact]
    public void Read_OneBitChanged_IsRefusedOrGivesNothingElse()
    {
        byte[] text = Text(3000), packed = Pack(text);
        int refused = 0;
        // The first ten bytes are the header, of which time, level and system say nothing.
        for (int i = 10; i < packed.Length; i++)
        {
            byte[] changed = [.. packed];
            changed[i] ^= 16;
            try
            {
                // The length behind the checksum is not held against anything; the checksum is.
                Assert.Equal(text, Whole(Open(changed)));
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.True(refused >= packed.Length - 10 - 4, $"{refused} of {packed.Length} refused");
    }
}
