using System.Security.Cryptography;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Oci;

/// <summary>Two hashes over one stream, the second on this thread or on one of its own, whichever processor is free.</summary>
public sealed class ChunkFeedTests
{
    /// <param name="from">Chunk before which a processor becomes idle; -1: never.</param>
    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(20, false)]
    [InlineData(0, true)]
    [InlineData(3, true)]
    [InlineData(20, true)]
    public void Drain_IdleFromAnyChunkOn_BothHashesHaveSeenEveryByteInOrder(int from, bool ahead)
    {
        byte[] bytes = new byte[(20 * ChunkFeed.ChunkBytes) + 700];
        new Random(1).NextBytes(bytes);
        using IncrementalHash first = IncrementalHash.CreateHash(HashAlgorithmName.SHA256), second = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
        int asked = 0;

        using (ChunkFeed feed = new(new MemoryStream(bytes), first, ahead, second, () => from >= 0 && asked++ >= from))
            Assert.Equal(bytes.Length, feed.Drain(CancellationToken.None));

        Assert.Equal(SHA256.HashData(bytes), first.GetHashAndReset());
        Assert.Equal(SHA384.HashData(bytes), second.GetHashAndReset());
        // Once there is a thread for it, nobody is asked again.
        Assert.InRange(asked, 0, from + 1);
    }

    [Fact]
    public void Dispose_InTheMiddleWithAThreadBeside_Ends()
    {
        using IncrementalHash first = IncrementalHash.CreateHash(HashAlgorithmName.SHA256), second = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
        int asked = 0;
        using ChunkFeed feed = new(new MemoryStream(new byte[8 * ChunkFeed.ChunkBytes]), first, ahead: false, second, () => asked++ > 0);

        Assert.True(feed.Skip(3 * ChunkFeed.ChunkBytes, CancellationToken.None));
    }
}
