using System.Runtime.ExceptionServices;
using Plimsoll.Posix;

namespace Plimsoll.Oci;

/// <summary>An image whose layers can be opened in any order, several at once.</summary>
public abstract class RandomAccessImage : Image
{
    protected OciLimits Limits { get; init; } = OciLimits.Default;

    /// <summary>The layer's stored bytes, from the first; the caller disposes it. Called from several threads.</summary>
    protected abstract Stream OpenLayer(ImageLayer layer);

    /// <summary>As above; for streams that may wait for a peer, so that a cancelled read ends at once.</summary>
    protected virtual Stream OpenLayer(ImageLayer layer, CancellationToken cancellationToken) => OpenLayer(layer);

    /// <summary>One line that changes whenever the layer's stored bytes may have changed; null when nothing can tell.</summary>
    /// <remarks>See <see cref="FileIdentity"/>.</remarks>
    protected virtual string? IdentityOf(ImageLayer layer) => null;

    /// <summary>About how many bytes a layer has, so that the largest is read first; no promise.</summary>
    protected virtual long WeightOf(ImageLayer layer) => layer.StoredBytes;

    public override void ReadLayers(ILayerVisitor visitor, int parallelism, CancellationToken cancellationToken)
    {
        // An image may hold the same layer twice; its bytes are read once.
        // By hand, because sorting value tuples with LINQ is compiled anew at every start.
        ImageLayer[] layers = [.. Layers];
        int[] order = new int[layers.Length];
        for (int i = 0; i < layers.Length; i++)
            order[i] = i;
        Array.Sort(order, (a, b) => WeightOf(layers[b]).CompareTo(WeightOf(layers[a])) is var byWeight and not 0 ? byWeight : a - b);
        HashSet<string> seen = new(StringComparer.Ordinal);
        List<int> todo = [];
        foreach (int index in order)
        {
            ImageLayer layer = layers[index];
            if (!seen.Add(layer.Key))
                continue;
            bool proven = Verification == Verification.None
                || Proofs is not null && IdentityOf(layer) is { } identity && layer.DiffId is { } diffId && Proofs.Find(identity) == diffId;
            if (!visitor.Skip(layer, proven))
                todo.Add(index);
        }
        int next = -1, left = todo.Count;
        // As many layers as processors keep them all busy; when fewer are left, each may use two.
        Func<bool>? hasIdle = parallelism > 1 ? () => Volatile.Read(ref left) < parallelism : null;
        Lock gate = new();
        (int Layer, ExceptionDispatchInfo Error)? failure = null;
        Dictionary<int, CancellationTokenSource> running = [];
        Thread[] workers = new Thread[Math.Min(Math.Max(parallelism, 1), todo.Count)];
        if (workers.Length > 0)
            Unprivileged.Run(() =>
            {
                for (int i = 0; i < workers.Length; i++)
                {
                    workers[i] = new Thread(Work) { IsBackground = true, Name = "layer reader" };
                    workers[i].Start();
                }
                foreach (Thread worker in workers)
                    worker.Join();
            });
        cancellationToken.ThrowIfCancellationRequested();
        failure?.Error.Throw();

        void Work()
        {
            for (int at; (at = Interlocked.Increment(ref next)) < todo.Count;)
            {
                int index = todo[at];
                ImageLayer layer = layers[index];
                using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                lock (gate)
                {
                    if (failure?.Layer < index)
                    {
                        Interlocked.Decrement(ref left);
                        continue;
                    }
                    running.Add(index, stop);
                }
                try
                {
                    ReadLayer(layer, visitor, hasIdle, stop.Token);
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                    // The user's wish, which is thrown above, or a lower layer's failure, which is the answer.
                }
                catch (Exception e)
                {
                    lock (gate)
                        Fail(index, ExceptionDispatchInfo.Capture(e));
                }
                finally
                {
                    Interlocked.Decrement(ref left);
                    lock (gate)
                        running.Remove(index);
                }
            }
        }

        // The lowest layer's error is the answer, whichever thread was faster; so the layers below it are still read.
        void Fail(int index, ExceptionDispatchInfo error)
        {
            if (failure?.Layer < index)
                return;
            failure = (index, error);
            foreach ((int other, CancellationTokenSource stop) in running)
                if (other > index)
                    stop.Cancel();
        }
    }

    private void ReadLayer(ImageLayer layer, ILayerVisitor visitor, Func<bool>? hasIdle, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string? identity = Proofs is null || Verification == Verification.None ? null : IdentityOf(layer);
        using LayerReader reader = new(OpenLayer(layer, cancellationToken), layer, this, Limits, sha384: visitor.WantsSha384, hasIdle: hasIdle);
        object visited = visitor.Visit(layer, reader, cancellationToken);
        (Digest? diffId, long tarBytes) = reader.Complete(cancellationToken);
        visitor.Accept(layer, diffId ?? layer.DiffId, tarBytes, reader.Sha384, visited);
        // Only when the file did not change while it was read.
        if (identity is not null && diffId is not null && identity == IdentityOf(layer))
            Proofs!.Add(identity, diffId);
    }
}
