using System.Diagnostics;
using System.Security.Cryptography;

namespace Plimsoll.Floor;

/// <summary>Both hashes of a measurement and nothing else.</summary>
internal static class MeasureFloor
{
    private const int PieceBytes = 8 << 20, ChunkBytes = 256 << 10;

    public static TimeSpan Run(long bytes, int threads)
    {
        byte[] piece = new byte[PieceBytes];
        new Random(1).NextBytes(piece);
        long pieces = 2 * ((bytes + PieceBytes - 1) / PieceBytes);
        long next = -1;
        // Loads OpenSSL before the clock starts.
        SHA256.HashData(piece);
        SHA384.HashData(piece);
        Stopwatch clock = Stopwatch.StartNew();
        Thread[] workers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            workers[i] = new Thread(Work);
            workers[i].Start();
        }
        foreach (Thread worker in workers)
            worker.Join();
        return clock.Elapsed;

        void Work()
        {
            using IncrementalHash first = IncrementalHash.CreateHash(HashAlgorithmName.SHA256), second = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
            for (long at; (at = Interlocked.Increment(ref next)) < pieces;)
            {
                // The last piece of each hash is as long as what is left.
                int length = (int)Math.Min(PieceBytes, bytes - (at / 2 * PieceBytes));
                for (int offset = 0; offset < length; offset += ChunkBytes)
                    (at % 2 == 0 ? first : second).AppendData(piece, offset, Math.Min(ChunkBytes, length - offset));
            }
        }
    }
}
