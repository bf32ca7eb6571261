namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Reads a feed on a few threads into a builder.</summary>
internal static class FeedImporter
{
    private const int RecordsPerTurn = 64, FlushBytes = 1024 * 1024;

    /// <summary>More threads than this only wait for the one that writes.</summary>
    private const int MaxThreads = 8;

    /// <param name="ecosystem">See <see cref="RecordBatch.Add"/>.</param>
    /// <returns>Counts and names of malformed records, by order of name.</returns>
    /// <exception cref="AdvisoryException">The feed is broken or too much of it malformed.</exception>
    public static FeedCounts Import(
        IRecordFeed feed, string name, DatabaseBuilder builder, string? ecosystem, HashSet<string>? wanted, UpdateOptions options,
        Action<int, int>? progress, CancellationToken cancellationToken)
    {
        long now = options.Time.GetUtcNow().UtcTicks;
        int next = 0, done = 0;
        FeedCounts counts = new();
        Lock gate = new();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Exception? failure = null;
        Thread[] threads = new Thread[Math.Clamp(Environment.ProcessorCount, 1, MaxThreads)];
        for (int i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(Work) { IsBackground = true, Name = "advisory import" };
            threads[i].Start();
        }
        foreach (Thread thread in threads)
            thread.Join();
        cancellationToken.ThrowIfCancellationRequested();
        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        counts.MalformedNames.Sort(StringComparer.Ordinal);
        if (counts.MalformedNames.Count > RecordBatch.MaxMalformedNames)
            counts.MalformedNames.RemoveRange(RecordBatch.MaxMalformedNames, counts.MalformedNames.Count - RecordBatch.MaxMalformedNames);
        if ((long)counts.Malformed * 1000 > (long)counts.Read * options.Limits.MaxMalformedPerMille)
            throw new AdvisoryException(AdvisoryError.Malformed,
                $"{name}: {counts.Malformed} of {counts.Read} records are malformed; at most {options.Limits.MaxMalformedPerMille} in 1000 may be. First: {string.Join("; ", counts.MalformedNames)}");
        return counts;

        void Work()
        {
            RecordBatch batch = new();
            FeedBuffer buffer = new();
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    int first = Interlocked.Add(ref next, RecordsPerTurn) - RecordsPerTurn;
                    // Negative: the count of turns ran over the end of the numbers.
                    if (first < 0 || first >= feed.Count)
                        break;
                    for (int i = first; i < Math.Min(first + RecordsPerTurn, feed.Count) && !stop.IsCancellationRequested; i++)
                    {
                        ReadOnlySpan<byte> record = feed.Read(i, buffer);
                        batch.Add(feed, i, record, ecosystem, wanted, now);
                        if (batch.Bytes.Length >= FlushBytes)
                            Flush();
                    }
                }
                Flush();
            }
#pragma warning disable CA1031 // What went wrong on this thread is thrown again on the caller's.
            catch (Exception e)
#pragma warning restore CA1031
            {
                lock (gate)
                    failure ??= e;
                stop.Cancel();
            }

            void Flush()
            {
                lock (gate)
                {
                    builder.Add(batch);
                    counts.Add(batch);
                    done += batch.Read;
                    progress?.Invoke(done, feed.Count);
                }
                batch.Clear();
            }
        }
    }
}

/// <summary>What was found in a feed.</summary>
internal sealed class FeedCounts
{
    public int Read { get; private set; }
    public int Malformed { get; private set; }
    public int Withdrawn { get; private set; }
    public List<string> MalformedNames { get; } = [];
    public HashSet<string> OtherEcosystems { get; } = [];

    public void Add(FeedCounts other)
    {
        Read += other.Read;
        Malformed += other.Malformed;
        Withdrawn += other.Withdrawn;
        MalformedNames.AddRange(other.MalformedNames);
        OtherEcosystems.UnionWith(other.OtherEcosystems);
    }

    public void Add(RecordBatch batch)
    {
        Read += batch.Read;
        Malformed += batch.Malformed;
        Withdrawn += batch.Withdrawn;
        MalformedNames.AddRange(batch.MalformedNames);
        OtherEcosystems.UnionWith(batch.OtherEcosystems);
    }
}
