using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;

namespace Plimsoll.Oci;

/// <summary>Where a <see cref="TarReader"/> gets its bytes: 512-byte blocks in order, with a way to pass over some.</summary>
internal interface IBlockSource : IDisposable
{
    /// <summary>Bytes handed out or passed over so far.</summary>
    long Position { get; }

    /// <summary>The next 512 bytes, valid until the next call; empty at the end.</summary>
    /// <exception cref="ImageException">Truncated: fewer than 512 bytes are left.</exception>
    ReadOnlySpan<byte> NextBlock(CancellationToken cancellationToken);

    /// <summary>Up to <paramref name="max"/> bytes, at least one; empty at the end.</summary>
    ReadOnlySpan<byte> NextBytes(int max, CancellationToken cancellationToken);

    /// <summary>What comes next, without taking it: 512 bytes where <see cref="Position"/> is a multiple of that and so many are left.</summary>
    ReadOnlySpan<byte> Peek();

    /// <summary>False when the bytes end first.</summary>
    bool Skip(long bytes, CancellationToken cancellationToken);
}

/// <summary>Cuts a stream into chunks, hashes each, and hands them out; optionally reads ahead on a thread of its own.</summary>
/// <remarks>
/// Every chunk but the last is full and its length a multiple of 512, so a tar block never straddles two chunks and is
/// parsed where it lies. Reading ahead pays where the stream inflates: inflating and hashing then share two cores.
/// </remarks>
internal sealed class ChunkFeed : IBlockSource
{
    /// <summary>Large enough to make hand-over cheap, small enough to stay in the second-level cache.</summary>
    public const int ChunkBytes = 256 * 1024;

    private const int ChunksAhead = 4;

    private readonly Stream _source;
    private readonly IncrementalHash? _hash;
    private readonly BlockingCollection<(byte[] Buffer, int Length)>? _filled;
    private readonly ConcurrentQueue<byte[]> _free = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread? _producer;
    private Exception? _producerError;
    private byte[] _chunk = [];
    private int _length;
    private int _at;
    private long _chunkStart;
    private bool _ended;
    private readonly IncrementalHash? _second;
    private readonly Func<bool>? _hasIdle;
    private SideHash? _side;
    private readonly Queue<byte[]> _used = new();

    /// <param name="source">Read to its end or until disposal; disposed with this.</param>
    /// <param name="hash">Gets every byte in order; null to hash nothing.</param>
    /// <param name="second">As <paramref name="hash"/>.</param>
    /// <param name="hasIdle">
    /// Asked before each chunk until it says yes: whether a processor has nothing to do. From then on the second hash runs on a thread of its
    /// own; before, a chunk is hashed twice while it is in the cache. Null: never. It has seen all bytes once the end was reached.
    /// </param>
    public ChunkFeed(Stream source, IncrementalHash? hash, bool ahead, IncrementalHash? second = null, Func<bool>? hasIdle = null)
    {
        _source = source;
        _hash = hash;
        _second = second;
        _hasIdle = second is null ? null : hasIdle;
        if (!ahead)
            return;
        _filled = new BlockingCollection<(byte[], int)>(ChunksAhead);
        _producer = new Thread(Produce) { IsBackground = true, Name = "layer read-ahead" };
        _producer.Start();
    }

    public long Position => _chunkStart + _at;

    public ReadOnlySpan<byte> NextBlock(CancellationToken cancellationToken)
    {
        if (_at == _length && !NextChunk(cancellationToken))
            return default;
        if (_length - _at < TarReader.BlockBytes)
            throw new ImageException(ImageError.Truncated, $"the tar ends after {_chunkStart + _length} bytes, in the middle of a 512-byte block");
        _at += TarReader.BlockBytes;
        return _chunk.AsSpan(_at - TarReader.BlockBytes, TarReader.BlockBytes);
    }

    public ReadOnlySpan<byte> NextBytes(int max, CancellationToken cancellationToken)
    {
        if (_at == _length && !NextChunk(cancellationToken))
            return default;
        int take = Math.Min(max, _length - _at);
        _at += take;
        return _chunk.AsSpan(_at - take, take);
    }

    public ReadOnlySpan<byte> Peek() =>
        _at == _length && !NextChunk(CancellationToken.None) ? default : _chunk.AsSpan(_at, Math.Min(_length - _at, TarReader.BlockBytes));

    public bool Skip(long bytes, CancellationToken cancellationToken)
    {
        while (bytes > _length - _at)
        {
            bytes -= _length - _at;
            _at = _length;
            if (!NextChunk(cancellationToken))
                return false;
        }
        _at += (int)bytes;
        return true;
    }

    /// <summary>Reads and hashes what is left; answers the length of the whole.</summary>
    public long Drain(CancellationToken cancellationToken)
    {
        do
            _at = _length;
        while (NextChunk(cancellationToken));
        return Position;
    }

    private bool NextChunk(CancellationToken cancellationToken)
    {
        if (_ended)
            return false;
        cancellationToken.ThrowIfCancellationRequested();
        _chunkStart += _length;
        _at = 0;
        if (_side is not null)
            Recycle();
        else if (_hasIdle?.Invoke() == true)
        {
            // The chunk before this one was hashed here.
            if (_chunk.Length > 0)
                _free.Enqueue(_chunk);
            _chunk = [];
            _side = new SideHash(_second!, ChunksAhead);
        }
        if (_filled is null)
        {
            if (_side is not null)
                _chunk = _free.TryDequeue(out byte[]? free) ? free : ArrayPool<byte>.Shared.Rent(ChunkBytes);
            else if (_chunk.Length == 0)
                _chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
            _length = _source.ReadAtLeast(_chunk.AsSpan(0, ChunkBytes), ChunkBytes, throwOnEndOfStream: false);
        }
        else
        {
            if (_chunk.Length > 0)
                _free.Enqueue(_chunk);
            (_chunk, _length) = _filled.TryTake(out (byte[], int) next, Timeout.Infinite, cancellationToken) ? next : ([], 0);
            if (_length == 0 && _producerError is not null)
                ExceptionDispatchInfo.Capture(_producerError).Throw();
        }
        _ended = _length == 0;
        if (_ended)
            _side?.Finish();
        else
            _side?.Add(_chunk, _length, cancellationToken);
        _hash?.AppendData(_chunk, 0, _length);
        if (_side is null)
            _second?.AppendData(_chunk, 0, _length);
        return !_ended;
    }

    /// <summary>The side thread may still read the last chunk; what both are done with serves again. Both take chunks in one order.</summary>
    private void Recycle()
    {
        if (_chunk.Length > 0)
            _used.Enqueue(_chunk);
        _chunk = [];
        while (_used.Count > 0 && _side!.TryTakeDone())
            _free.Enqueue(_used.Dequeue());
    }

    private void Produce()
    {
        try
        {
            int length;
            do
            {
                if (!_free.TryDequeue(out byte[]? buffer))
                    buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
                length = _source.ReadAtLeast(buffer.AsSpan(0, ChunkBytes), ChunkBytes, throwOnEndOfStream: false);
                if (length > 0)
                    _filled!.Add((buffer, length), _stop.Token);
            }
            while (length == ChunkBytes);
        }
        catch (Exception e)
        {
            // Handed to the reading thread, which throws it where its caller can see it.
            _producerError = e;
        }
        finally
        {
            _filled!.CompleteAdding();
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _producer?.Join();
        _side?.Dispose();
        _source.Dispose();
        _filled?.Dispose();
        _stop.Dispose();
        if (_chunk.Length > 0)
            ArrayPool<byte>.Shared.Return(_chunk);
        _chunk = [];
        _length = _at = 0;
        _ended = true;
    }
}

/// <summary>Hashes chunks in order on a thread of its own, beside the thread that reads them.</summary>
internal sealed class SideHash : IDisposable
{
    private readonly IncrementalHash _hash;
    private readonly BlockingCollection<(byte[] Buffer, int Length)> _chunks;
    private readonly Thread _thread;
    private bool _abandoned;
    private int _done;
    private int _taken;

    /// <param name="most">Chunks that wait at most; who adds another waits.</param>
    public SideHash(IncrementalHash hash, int most)
    {
        (_hash, _chunks) = (hash, new BlockingCollection<(byte[], int)>(most));
        _thread = new Thread(Work) { IsBackground = true, Name = "side hash" };
        _thread.Start();
    }

    /// <summary>The chunk must stay as it is until <see cref="TryTakeDone"/> answered for it.</summary>
    public void Add(byte[] chunk, int length, CancellationToken cancellationToken) => _chunks.Add((chunk, length), cancellationToken);

    /// <summary>True once for each chunk that was hashed, in their order. For the adding thread.</summary>
    public bool TryTakeDone()
    {
        if (Volatile.Read(ref _done) == _taken)
            return false;
        _taken++;
        return true;
    }

    /// <summary>Waits until every chunk was hashed.</summary>
    public void Finish()
    {
        if (!_chunks.IsAddingCompleted)
            _chunks.CompleteAdding();
        _thread.Join();
    }

    private void Work()
    {
        foreach ((byte[] chunk, int length) in _chunks.GetConsumingEnumerable())
        {
            if (!Volatile.Read(ref _abandoned))
                _hash.AppendData(chunk, 0, length);
            Interlocked.Increment(ref _done);
        }
    }

    public void Dispose()
    {
        Volatile.Write(ref _abandoned, true);
        Finish();
        _chunks.Dispose();
    }
}
