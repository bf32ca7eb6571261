using System.Buffers;
using Plimsoll.Keys;
using Plimsoll.Posix;

namespace Plimsoll.EvidenceLog;

/// <summary>
/// Appends lines to a log that only grows: each names its predecessor's digest, and signed checkpoints stand for all before them. One process
/// writes, with as many threads as it likes. Source: docs/formats/evidence-log.md.
/// </summary>
/// <remarks>
/// A line is made in the lock, which fixes its place in the chain, and written by whichever thread comes first after it: the others wait for
/// that thread's sync. When a write fails, the lines that were made meanwhile fail with it, because they name its digest, and the next
/// one is tried from where the disk is.
/// </remarks>
public sealed partial class EvidenceLogWriter : IDisposable
{
    /// <summary>The end of the chain.</summary>
    private readonly record struct Tip(long Sequence, string Digest, long Bytes);

    /// <summary>Lines that one write and one sync bring to the disk.</summary>
    private sealed class Batch
    {
        public ArrayBufferWriter<byte> Bytes { get; } = new();

        public Tip End { get; set; }

        public bool IsDone { get; set; }

        /// <summary>Somebody waits until it is on the disk.</summary>
        public bool IsAwaited { get; set; }

        public EvidenceLogException? Error { get; set; }
    }

    private readonly object _gate = new();
    private readonly EvidenceLogOptions _options;
    private readonly FileStream _lock;
    private readonly LogKeys _keys;
    private readonly ITimer _timer;

    private ILogFile _file;
    private Tip _tip, _written;
    private Batch _open = new();
    private LogCheckpoint? _checkpoint;
    private long _checkpointTime;
    private EvidenceLogException? _broken;
    private bool _committing, _closesFile, _disposed, _armed;
    private int _waiting;
    private long _failures;

    /// <summary>Opens the log in a folder, or begins one. What a crash left half written is cut off, and a line says so.</summary>
    /// <exception cref="EvidenceLogException">In use, damaged, without its key, or the disk refuses.</exception>
    public static EvidenceLogWriter Open(EvidenceLogOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Origin.Length is 0 or > 255 || options.CheckpointLines < 1 || options.MaxFiles < 2 || options.MaxFileBytes < 1 || options.CheckpointInterval <= TimeSpan.Zero)
            throw new ArgumentException("an option is out of its bounds", nameof(options));
        return Opening.Open(options);
    }

    private EvidenceLogWriter(EvidenceLogOptions options, FileStream alone, LogKeys keys, ILogFile file, Tip tip, LogCheckpoint? checkpoint, bool closesFile)
    {
        (_options, _lock, _keys, _file, _tip, _written, _checkpoint, _closesFile) = (options, alone, keys, file, tip, tip, checkpoint, closesFile);
        _checkpointTime = options.Time.GetTimestamp();
        _timer = options.Time.CreateTimer(static log => ((EvidenceLogWriter)log!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The key that signed the log's first line, PEM: what a verifier is given.</summary>
    public string FirstKeyPem
    {
        get
        {
            using PublicKey key = KeyFile.ReadSpki(_keys.FirstKey, "first");
            return key.ToPem();
        }
    }

    /// <summary>Of the last line that is written, as durable as the options ask.</summary>
    public long Sequence
    {
        get
        {
            lock (_gate)
                return _written.Sequence;
        }
    }

    /// <summary>The last one; null before the first since the log was begun.</summary>
    public LogCheckpoint? LastCheckpoint
    {
        get
        {
            lock (_gate)
                return _checkpoint;
        }
    }

    /// <summary>What the log stated last of a number outside of the host's files; null when it never did.</summary>
    public long? Counter
    {
        get
        {
            lock (_gate)
                return _counter;
        }
    }

    /// <summary>Time of the last line that was there when the log was opened; null when it was begun then.</summary>
    public DateTimeOffset? TimeFound { get; private init; }

    /// <summary>Writes that failed since the log was opened.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Appends a line and waits until it is as durable as the options ask. May be called from any thread.</summary>
    /// <param name="kind">Kebab-case, and none of <see cref="LogKinds"/>.</param>
    /// <returns>The line's sequence number.</returns>
    /// <exception cref="EvidenceLogException">The line is not in the log; <see cref="EvidenceLogException.Fault"/> says why.</exception>
    public long Append(string kind, params IReadOnlyList<LogField> fields)
    {
        IReadOnlyList<LogField> fitted = Fitted(kind, fields);
        Batch batch;
        long sequence;
        lock (_gate)
        {
            byte[] line = MakeRoom(kind, fitted);
            Add(line);
            (batch, sequence) = (_open, _tip.Sequence);
            batch.IsAwaited = true;
            if (_options.Durability == LogDurability.EachLine)
            {
                Alone(static () => { });
                return sequence;
            }
        }
        Commit(batch);
        return sequence;
    }

    /// <summary>
    /// Appends a line and waits until the kernel has it: a crash of this process does not lose it, a crash of the host may. It is on the disk
    /// with the next line of <see cref="Append"/>, at the latest with the next checkpoint.
    /// </summary>
    /// <inheritdoc cref="Append"/>
    public long AppendSoon(string kind, params IReadOnlyList<LogField> fields)
    {
        if (_options.Durability != LogDurability.Grouped)
            return Append(kind, fields);
        IReadOnlyList<LogField> fitted = Fitted(kind, fields);
        lock (_gate)
        {
            Add(MakeRoom(kind, fitted));
            (Batch batch, long sequence) = (_open, _tip.Sequence);
            WaitForCommit();
            if (!batch.IsDone)
                Settle(batch.IsAwaited);
            else if (batch.Error is { } failed)
                throw Again(failed);
            return sequence;
        }
    }

    /// <summary>Signs what is there and returns once that is on the disk.</summary>
    /// <returns>The checkpoint before, when no line came since.</returns>
    /// <exception cref="EvidenceLogException">There is no such checkpoint in the log.</exception>
    public LogCheckpoint Checkpoint()
    {
        lock (_gate)
        {
            ThrowIfUnusable();
            Alone(() =>
            {
                // Whoever was waited for may have done it.
                if (_checkpoint is null || _checkpoint.Sequence != _tip.Sequence)
                    WriteCheckpoint(closes: false);
            });
            return _checkpoint!;
        }
    }

    /// <summary>Writes a checkpoint to a file that goes to another machine: whatever is cut from the log later, that machine can tell.</summary>
    /// <exception cref="EvidenceLogException">As <see cref="Checkpoint"/>, or the file cannot be written.</exception>
    public LogCheckpoint ExportCheckpoint(string path)
    {
        LogCheckpoint checkpoint = Checkpoint();
        try
        {
            DurableFile.Write(path, checkpoint.ToJson());
            return checkpoint;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw EvidenceLogException.OfWrite(path, e);
        }
    }

    /// <summary>Signs what is there and lets the log go. A disk that refuses now leaves the last lines without a signature and loses none.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_gate)
        {
            if (_disposed)
                return;
            try
            {
                if (_broken is null)
                    Checkpoint();
            }
            catch (EvidenceLogException)
            {
                _failures++;
            }
            _disposed = true;
            while (_committing)
                Monitor.Wait(_gate);
            _file.Dispose();
            _keys.Dispose();
            _lock.Dispose();
        }
    }

    private static IReadOnlyList<LogField> Fitted(string kind, IReadOnlyList<LogField> fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        if (!LogField.IsName(kind) || LogKinds.IsReserved(kind))
            throw new ArgumentException($"{Texts.Escape.Quote(kind)} is no kind of line that a caller writes: kebab-case, and none that the log writes by itself", nameof(kind));
        return LogLine.Fit(fields);
    }

    private void ThrowIfUnusable()
    {
        if (_broken is not null)
            throw new EvidenceLogException(EvidenceLogFault.Closed, $"{_options.Folder}: an earlier write failed so that only opening the log anew can tell what is on the disk", inner: _broken);
        if (_disposed)
            throw new EvidenceLogException(EvidenceLogFault.Closed, $"{_options.Folder}: the log is closed");
    }

    /// <summary>Does what must come before the next line, and makes the line. In the lock, which it may leave and take again.</summary>
    private byte[] MakeRoom(string kind, IReadOnlyList<LogField> fields)
    {
        while (true)
        {
            ThrowIfUnusable();
            Action? first = null;
            byte[] line = Next(kind, fields).ToBytes();
            if (_closesFile)
                first = BeginFile;
            else if (_tip.Sequence - (_checkpoint?.Sequence ?? 0) >= _options.CheckpointLines || IsCheckpointLate)
                first = () => WriteCheckpoint(closes: false);
            // A line that is alone in its file stays there however long it is.
            else if (_tip.Bytes + line.Length + 1 > _options.MaxFileBytes && _tip.Sequence > _firstOfFile)
                first = Rotate;
            if (first is null)
                return line;
            if (_committing)
            {
                // Others come in while this waits; what is needed is looked at again.
                WaitForCommit();
                continue;
            }
            Alone(first);
        }
    }

    private bool IsCheckpointLate => _armed && _options.Time.GetElapsedTime(_checkpointTime) >= 2 * _options.CheckpointInterval;

    private LogLine Next(string kind, IReadOnlyList<LogField> fields)
    {
        DateTimeOffset now = _options.Time.GetUtcNow();
        return new LogLine(_tip.Sequence + 1, now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond)), kind, fields, _tip.Digest);
    }

    private void Add(byte[] line)
    {
        if (!_armed)
        {
            // The first line that no checkpoint covers: within the interval it gets one.
            _armed = true;
            _checkpointTime = _options.Time.GetTimestamp();
            _timer.Change(_options.CheckpointInterval, Timeout.InfiniteTimeSpan);
        }
        _open.Bytes.Write(line);
        _open.Bytes.Write("\n"u8);
        _tip = new Tip(_tip.Sequence + 1, LogLine.DigestOf(line), _tip.Bytes + line.Length + 1);
        _open.End = _tip;
    }

    private void WaitForCommit()
    {
        _waiting++;
        try
        {
            while (_committing)
                Monitor.Wait(_gate);
        }
        finally
        {
            _waiting--;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Runs with no commit under way and nothing pending, in the lock.</summary>
    private void Alone(Action action)
    {
        WaitForCommit();
        ThrowIfUnusable();
        Settle(_options.Durability != LogDurability.Never);
        action();
    }

    /// <summary>Writes what is pending, in the lock.</summary>
    private void Settle(bool sync)
    {
        Batch batch = _open;
        if (batch.Bytes.WrittenCount == 0)
            return;
        _open = new Batch();
        Finish(batch, Write(batch, sync));
        if (batch.Error is { } error)
            throw Again(error);
    }

    /// <summary>Waits until a batch is written, and writes it when nobody else does.</summary>
    private void Commit(Batch batch)
    {
        lock (_gate)
        {
            while (!batch.IsDone && (_committing || _waiting > 0))
                Monitor.Wait(_gate);
            if (batch.IsDone)
            {
                if (batch.Error is { } failed)
                    throw Again(failed);
                return;
            }
            _committing = true;
        }
        if (_options.GroupDelay > TimeSpan.Zero)
            Linger.WaitHandle.WaitOne(_options.GroupDelay);
        lock (_gate)
            _open = new Batch();
        EvidenceLogException? error = Write(batch, _options.Durability != LogDurability.Never);
        lock (_gate)
        {
            _committing = false;
            Finish(batch, error);
        }
        if (error is not null)
            throw Again(error);
    }

    /// <summary>Never set: what a thread waits on that only lets time pass.</summary>
    private static readonly ManualResetEventSlim Linger = new();

    /// <summary>An exception that many threads throw would mix up their traces.</summary>
    private static EvidenceLogException Again(EvidenceLogException error) => new(error.Fault, error.Message, error.Hint, error);

    /// <summary>Puts a batch at the end of the file. Nobody else writes meanwhile.</summary>
    private EvidenceLogException? Write(Batch batch, bool sync)
    {
        string path = Path.Combine(_options.Folder, LogFiles.Name(_keys.File));
        try
        {
            _file.Write(batch.Bytes.WrittenSpan, _written.Bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            EvidenceLogException error = EvidenceLogException.OfWrite(path, e);
            try
            {
                _file.Truncate(_written.Bytes);
            }
            catch (Exception again) when (again is IOException or UnauthorizedAccessException)
            {
                _broken = error;
            }
            return error;
        }
        try
        {
            if (sync)
                _file.Sync();
            return null;
        }
        catch (IOException e)
        {
            // After a sync that failed the kernel may hold pages for clean that never came to the disk.
            return _broken = EvidenceLogException.OfWrite(path, e);
        }
    }

    private void Finish(Batch batch, EvidenceLogException? error)
    {
        (batch.IsDone, batch.Error) = (true, error);
        if (error is null)
            _written = batch.End;
        else
        {
            Interlocked.Increment(ref _failures);
            // Lines that came in meanwhile build upon those that failed.
            (_open.IsDone, _open.Error) = (true, error);
            _open = new Batch();
            _tip = _written;
        }
        Monitor.PulseAll(_gate);
    }

    private void Tick()
    {
        try
        {
            lock (_gate)
                if (_armed && !_disposed && _broken is null)
                    Checkpoint();
        }
        catch (EvidenceLogException)
        {
            // The next line asks for the checkpoint again, and its caller sees why there is none.
            Interlocked.Increment(ref _failures);
        }
    }
}
