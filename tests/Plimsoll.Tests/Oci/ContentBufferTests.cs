using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Oci;

public sealed class ContentBufferTests
{
    private static byte[] Pattern(int length)
    {
        byte[] bytes = new byte[length];
        new Random(7).NextBytes(bytes);
        return bytes;
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(10, 10)]
    [InlineData(0, 100_000)]
    [InlineData(ContentBuffer.BigBytes, ContentBuffer.BigBytes)]
    [InlineData(ContentBuffer.BigBytes + 1, ContentBuffer.BigBytes + 1)]
    [InlineData(10, ContentBuffer.BigBytes + 1)]
    [InlineData(1L << 40, 5)]
    public void Content_OfAnyStatedLength_IsWhatWasAppended(long stated, int length)
    {
        byte[] bytes = Pattern(length);
        using ContentBuffer buffer = new();
        for (int round = 0; round < 2; round++)
        {
            buffer.Begin(stated);
            for (int at = 0; at < length; at += 300_000)
                buffer.Append(bytes.AsSpan(at, Math.Min(300_000, length - at)));
            Assert.True(buffer.TryEnd(out ReadOnlyMemory<byte> content));
            Assert.True(content.Span.SequenceEqual(bytes));
            ContentBuffer.Forget(content);
            Assert.True(content.Span.SequenceEqual(bytes));
            buffer.Release();
        }
    }

    [Fact]
    public async Task Big_OnManyThreads_NeverWaitsForEver()
    {
        byte[] bytes = Pattern(ContentBuffer.BigBytes + 100);
        Task[] threads = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            using ContentBuffer outer = new(), inner = new(nested: true);
            for (int i = 0; i < 3; i++)
            {
                outer.Begin(bytes.Length);
                outer.Append(bytes);
                inner.Begin(bytes.Length);
                inner.Append(bytes);
                Assert.True(outer.TryEnd(out ReadOnlyMemory<byte> _));
                Assert.True(inner.TryEnd(out ReadOnlyMemory<byte> _));
                inner.Release();
                outer.Release();
            }
        }))];

        await Task.WhenAll(threads).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Share_OfALargeContent_ReadsItAfterItsReleaseAndWritesNothing()
    {
        byte[] bytes = Pattern(ContentBuffer.BigBytes + 100);
        using ContentBuffer buffer = new();
        buffer.Begin(bytes.Length);
        buffer.Append(bytes);
        Assert.True(buffer.TryEnd(out ReadOnlyMemory<byte> content));
        using SafeFileHandle file = ContentBuffer.Share(content)!;
        Assert.Null(ContentBuffer.Share(content[1..]));
        Assert.Null(ContentBuffer.Share(content[..^1]));
        buffer.Release();

        byte[] read = new byte[bytes.Length];
        for (int at = 0, got = 1; got > 0; at += got)
            got = RandomAccess.Read(file, read.AsSpan(at), at);
        Assert.Equal(bytes, read);
        Assert.Throws<UnauthorizedAccessException>(() => RandomAccess.Write(file, "x"u8, 0));
    }

    [Fact]
    public void Share_OfAContentInMemory_IsNothing() => Assert.Null(ContentBuffer.Share(Pattern(10)));
}
