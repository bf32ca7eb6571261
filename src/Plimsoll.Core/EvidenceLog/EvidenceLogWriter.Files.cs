using System.Text;
using Plimsoll.Keys;
using Plimsoll.Posix;

namespace Plimsoll.EvidenceLog;

/// <content>Checkpoints, and one file after the other. All in the lock, with no commit under way and nothing pending.</content>
public sealed partial class EvidenceLogWriter
{
    private long _firstOfFile;

    /// <summary>As <see cref="Counter"/>.</summary>
    private long? _counter;

    private void WriteCheckpoint(bool closes)
    {
        // A key that serves a second time would break the chain; what is in memory has to be stored before another one is used up.
        _keys.Save();
        List<LogField> fields =
        [
            LogField.Text(LogCheckpoint.OriginField, _options.Origin), LogField.Number(LogCheckpoint.EpochField, _keys.Epoch),
            LogHead.Spki(LogCheckpoint.NextKeyField, _keys.NextEpochKey.PublicKey),
        ];
        long? counted = _options.Counter?.Next;
        if ((counted ?? _counter) is { } stated)
            fields.Add(LogField.Number(LogCheckpoint.CounterField, stated));
        if (closes)
            fields.Add(LogField.Text(LogCheckpoint.ClosesField, LogCheckpoint.ClosesFile));
        LogLine line = Next(LogKinds.Checkpoint, fields).Signed(_keys.EpochKey);
        byte[] key = _keys.EpochKey.PublicKey.Spki.ToArray();
        Add(line.ToBytes());
        Settle(sync: true);
        _checkpoint = new LogCheckpoint(line, _tip.Digest, key);
        _closesFile = closes;
        _armed = false;
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _counter = counted ?? _counter;
        if (counted is { } written)
            _options.Counter!.Written(written);
        _keys.AdvanceEpoch(_tip.Sequence, _tip.Digest);
        _keys.Save();
    }

    private void Rotate()
    {
        WriteCheckpoint(closes: true);
        BeginFile();
    }

    /// <summary>Goes on in a new file, whose first line is on the disk before it has its name.</summary>
    private void BeginFile()
    {
        _keys.Save();
        long number = _keys.File + 1;
        LogLine head = Next(LogKinds.Rotated, LogHead.Fields(_options.Origin, number, LogFiles.Name(_keys.File), _keys.FileKey.PublicKey, _keys.NextFileKey.PublicKey, _keys.Epoch, _keys.EpochKey.PublicKey, _counter))
            .Signed(_keys.FileKey);
        byte[] line = head.ToBytes();
        string path = Path.Combine(_options.Folder, LogFiles.Name(number));
        ILogFile file;
        try
        {
            DurableFile.Write(path, [.. line, (byte)'\n'], DurableFile.OwnerOnly);
            file = OpenFile(_options, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Interlocked.Increment(ref _failures);
            throw EvidenceLogException.OfWrite(path, e);
        }
        _file.Dispose();
        _file = file;
        _closesFile = false;
        _tip = _written = new Tip(head.Sequence, LogLine.DigestOf(line), line.Length + 1);
        _firstOfFile = head.Sequence;
        _keys.AdvanceFile();
        _keys.Save();
        RemoveOld();
    }

    /// <summary>Keeps no more files than the options say. The first line of each is kept, because the next file's key is announced there.</summary>
    private void RemoveOld()
    {
        List<long> numbers = LogFiles.Numbers(_options.Folder);
        for (int i = 0; i + _options.MaxFiles < numbers.Count; i++)
        {
            string oldest = Path.Combine(_options.Folder, LogFiles.Name(numbers[i]));
            LogLine after = FirstLine(Path.Combine(_options.Folder, LogFiles.Name(numbers[i + 1])));
            KeepHead(FirstLine(oldest));
            // One write brings the line and its checkpoint, before the file goes: a removal that nobody signed is none of the writer's.
            _keys.Save();
            Add(Next(LogKinds.FilesRemoved,
            [
                LogField.List("files", [LogFiles.Name(numbers[i])]), LogField.Number("last-sequence", after.Sequence - 1), LogField.Text("digest", after.Previous),
            ]).ToBytes());
            WriteCheckpoint(closes: false);
            try
            {
                File.Delete(oldest);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw EvidenceLogException.OfWrite(oldest, e);
            }
        }
    }

    private static LogLine FirstLine(string path)
    {
        using FileStream file = LogFiles.Open(path);
        LogLineReader reader = new(file);
        try
        {
            return reader.Read() && reader.IsWhole && !reader.IsTooLong ? LogLine.Parse(reader.Line.Span) : throw new FormatException("it has no first line");
        }
        catch (FormatException e)
        {
            throw new EvidenceLogException(EvidenceLogFault.Damaged, $"{path}: {e.Message}", inner: e);
        }
    }

    private void KeepHead(LogLine head)
    {
        string path = Path.Combine(_options.Folder, LogFiles.Removed);
        try
        {
            byte[] line = [.. head.ToBytes(), (byte)'\n'];
            byte[] kept = File.Exists(path) ? File.ReadAllBytes(path) : [];
            // A crash after this and before the file was removed brings the same line once more.
            if (!kept.AsSpan().EndsWith(line))
                DurableFile.Write(path, [.. kept, .. line], DurableFile.OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw EvidenceLogException.OfWrite(path, e);
        }
    }

    private static ILogFile OpenFile(EvidenceLogOptions options, string path) => options.OpenFile?.Invoke(path) ?? new LogFile(path);

    /// <summary>Finds where a log stands, and brings it there after a crash.</summary>
    private static class Opening
    {
        private const UnixFileMode OwnerFolder = DurableFile.OwnerOnly | UnixFileMode.UserExecute;

        /// <summary>More than one write brings at once: what is broken from further back was not torn by a crash.</summary>
        private const int MaxTornBytes = 16 << 20;

        public static EvidenceLogWriter Open(EvidenceLogOptions options)
        {
            FileStream alone = Lock(options);
            LogKeys? keys = null;
            try
            {
                keys = LogKeys.Open(options.KeyFile, options.Algorithm);
                List<long> numbers = LogFiles.Numbers(options.Folder);
                if (numbers.Count > 0)
                    return Continue(options, alone, keys ?? throw new EvidenceLogException(EvidenceLogFault.KeyMissing, $"{options.Folder} holds a log, and {options.KeyFile} is not there",
                        "move the log's folder away to begin a new one"), numbers[0], numbers[^1]);
                if (keys is { Sequence: > 0 })
                    throw new EvidenceLogException(EvidenceLogFault.Damaged, $"{options.Folder} holds no log, and {options.KeyFile} belongs to one with a checkpoint at line {keys.Sequence}",
                        $"when it was moved away on purpose, remove {options.KeyFile}");
                keys?.Dispose();
                return Begin(options, alone, ref keys);
            }
            catch (Exception)
            {
                keys?.Dispose();
                alone.Dispose();
                throw;
            }
        }

        private static FileStream Lock(EvidenceLogOptions options)
        {
            try
            {
                Directory.CreateDirectory(options.Folder, OwnerFolder);
                if (!OwnFiles.IsPrivateFolder(options.Folder))
                    throw new EvidenceLogException(EvidenceLogFault.Folder, $"{options.Folder} is not a folder that only its owner can write in", $"chmod 700 {options.Folder}");
                return DurableFile.Lock(Path.Combine(options.Folder, LogFiles.Lock), options.Patience, CancellationToken.None, DurableFile.OwnerOnly);
            }
            catch (UnauthorizedAccessException e)
            {
                throw new EvidenceLogException(EvidenceLogFault.Folder, $"{options.Folder}: {Texts.Escape.ForTerminal(e.Message)}", inner: e);
            }
            catch (IOException e)
            {
                EvidenceLogException write = EvidenceLogException.OfWrite(options.Folder, e);
                throw write.Fault == EvidenceLogFault.DiskFull || !File.Exists(Path.Combine(options.Folder, LogFiles.Lock)) ? write
                    : new EvidenceLogException(EvidenceLogFault.InUse, $"{options.Folder} is written by another process", inner: e);
            }
        }

        private static EvidenceLogWriter Begin(EvidenceLogOptions options, FileStream alone, ref LogKeys? keys)
        {
            // The first key signs one line and is never stored.
            using ISigner first = KeyFile.Generate(options.Algorithm);
            keys = LogKeys.Create(options.KeyFile, options.Algorithm, first.PublicKey);
            keys.Save();
            DateTimeOffset now = options.Time.GetUtcNow();
            LogLine head = new LogLine(1, now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond)), LogKinds.Started,
                LogHead.Fields(options.Origin, 1, null, first.PublicKey, keys.FileKey.PublicKey, keys.Epoch, keys.EpochKey.PublicKey, null), LogLine.NoLine).Signed(first);
            byte[] line = head.ToBytes();
            string path = Path.Combine(options.Folder, LogFiles.Name(1));
            try
            {
                DurableFile.Write(path, [.. line, (byte)'\n'], DurableFile.OwnerOnly);
                return new EvidenceLogWriter(options, alone, keys, OpenFile(options, path), new Tip(1, LogLine.DigestOf(line), line.Length + 1), null, closesFile: false) { _firstOfFile = 1 };
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw EvidenceLogException.OfWrite(path, e);
            }
        }

        private static EvidenceLogWriter Continue(EvidenceLogOptions options, FileStream alone, LogKeys keys, long oldest, long number)
        {
            CheckFirstKey(options, keys, oldest);
            string path = Path.Combine(options.Folder, LogFiles.Name(number));
            LogScan scan = LogScan.Of(path, keys.Sequence);
            LogHead head = scan.Head;
            // The file was begun, and the process died before it stored that.
            if (number == keys.File + 1 && keys.FileKey.PublicKey.Spki.Span.SequenceEqual(head.Key) && keys.NextFileKey.PublicKey.Spki.Span.SequenceEqual(head.NextKey))
                keys.AdvanceFile();
            if (number != keys.File || !keys.FileKey.PublicKey.Spki.Span.SequenceEqual(head.NextKey))
                throw Damaged(path, "its first line is not the one that the log's key belongs to");
            if (keys.Sequence < head.Line.Sequence ? keys.Sequence > 0 && (keys.Sequence != head.Line.Sequence - 1 || keys.Digest != head.Line.Previous) : scan.DigestAtWanted != keys.Digest)
                throw Damaged(path, $"the checkpoint at line {keys.Sequence}, which was written, is not there");
            // As above, for a checkpoint.
            if (scan.Checkpoint is { } last && last.Number(LogCheckpoint.EpochField) == keys.Epoch && last.IsSignedBy(keys.EpochKey.PublicKey)
                && keys.NextEpochKey.PublicKey.Spki.Span.SequenceEqual(last.Bytes(LogCheckpoint.NextKeyField)))
                keys.AdvanceEpoch(last.Sequence, scan.CheckpointDigest);
            if ((scan.Checkpoint?.Number(LogCheckpoint.EpochField) + 1 ?? head.Epoch) != keys.Epoch)
                throw Damaged(path, "its last checkpoint is not the one that the log's key belongs to");
            // What is stated there of a counter is believed from now on.
            if (scan.Checkpoint is { } signed ? signed.Sequence != keys.Sequence || scan.CheckpointDigest != keys.Digest || !IsSigned(signed, scan.CheckpointKey) : !IsSigned(head.Line, head.Key))
                throw Damaged(path, $"line {(scan.Checkpoint ?? head.Line).Sequence} is not signed, or is none that the log's key knows of");
            if (scan.UnsignedRemoval > 0)
                throw Damaged(path, $"line {scan.UnsignedRemoval} says that a file was removed, and the writer signs that at once; no checkpoint covers it");
            if (scan.Rest > MaxTornBytes)
                throw Damaged(path, $"line {scan.Lines + 1} is broken, with {scan.Rest} bytes from there on; a crash leaves at most {MaxTornBytes}");
            keys.Save();
            LogCheckpoint? checkpoint = scan.Checkpoint is { } line ? new LogCheckpoint(line, scan.CheckpointDigest, scan.CheckpointKey) : null;
            EvidenceLogWriter log = Opened(options with { Origin = head.Origin }, alone, keys, path, scan, checkpoint);
            (log._firstOfFile, log._counter) = (head.Line.Sequence, scan.Counter);
            try
            {
                lock (log._gate)
                    log.Recover(scan, path);
                return log;
            }
            catch (Exception)
            {
                log._timer.Dispose();
                log._file.Dispose();
                throw;
            }
        }

        /// <summary>The key that began the log is the host's name for tokens, and the file of keys alone does not prove it.</summary>
        private static void CheckFirstKey(EvidenceLogOptions options, LogKeys keys, long oldest)
        {
            string path = Path.Combine(options.Folder, oldest == 1 ? LogFiles.Name(1) : LogFiles.Removed);
            LogHead? first = File.Exists(path) ? LogHead.Of(FirstLine(path)) : null;
            if (first?.File != 1 || !keys.FirstKey.AsSpan().SequenceEqual(first.Key) || !IsSigned(first.Line, first.Key))
                throw Damaged(path, $"it does not begin with the key that {options.KeyFile} says the log was begun with");
        }

        private static bool IsSigned(LogLine line, byte[] by)
        {
            try
            {
                using PublicKey key = KeyFile.ReadSpki(by, "announced");
                return line.IsSignedBy(key);
            }
            catch (KeyException)
            {
                return false;
            }
        }

        private static EvidenceLogWriter Opened(EvidenceLogOptions options, FileStream alone, LogKeys keys, string path, LogScan scan, LogCheckpoint? checkpoint)
        {
            try
            {
                return new EvidenceLogWriter(options, alone, keys, OpenFile(options, path), new Tip(scan.Sequence, scan.Digest, scan.Bytes), checkpoint, scan.Closes) { TimeFound = scan.Time };
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw EvidenceLogException.OfWrite(path, e);
            }
        }

        private static EvidenceLogException Damaged(string path, string what) =>
            new(EvidenceLogFault.Damaged, $"{path}: {what}", "plimsoll log verify says what is wrong; move the log's folder and its key away to begin a new one");
    }

    /// <summary>Writes over what a crash left half written, and ends what it interrupted.</summary>
    private void Recover(LogScan scan, string path)
    {
        if (scan.Rest > 0)
        {
            // Over the torn bytes first and cut off then: a crash in between leaves a torn end again.
            if (!scan.Closes)
                Note();
            try
            {
                _file.Truncate(_written.Bytes);
                _file.Sync();
            }
            catch (IOException e)
            {
                throw EvidenceLogException.OfWrite(path, e);
            }
        }
        if (_closesFile)
        {
            BeginFile();
            if (scan.Rest > 0)
                Note();
        }
        RemoveOld();

        void Note()
        {
            Add(Next(LogKinds.TornLine, [LogField.Text("file", Path.GetFileName(path)), LogField.Number("offset", scan.Bytes), LogField.Number("bytes", scan.Rest), LogField.Text("digest", scan.RestDigest)]).ToBytes());
            Settle(sync: true);
        }
    }
}
