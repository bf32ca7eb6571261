using System.Diagnostics;

namespace Plimsoll.Tests;

/// <summary>What code allocates once its classes are set up.</summary>
internal static class Allocation
{
    /// <summary>The least that one of several calls allocated on this thread, in bytes.</summary>
    /// <remarks>
    /// The first calls set up classes and run code that is not optimised yet, which may box; what the code itself allocates shows in every one.
    /// Optimising waits until the process compiles nothing new for a while, which beside other tests takes its time.
    /// </remarks>
    public static long Least(Action action, long enough = 0)
    {
        long least = long.MaxValue;
        for (long start = Stopwatch.GetTimestamp(); least > enough && Stopwatch.GetElapsedTime(start) < TimeSpan.FromMinutes(2); Thread.Sleep(10))
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            if (least <= enough)
                break;
        }
        return least;
    }
}
