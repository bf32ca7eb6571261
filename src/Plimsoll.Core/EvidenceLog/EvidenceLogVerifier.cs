using Plimsoll.Keys;
using Plimsoll.Texts;

namespace Plimsoll.EvidenceLog;

/// <summary>Reads a log from its oldest line to its newest and tells what is not as it was written. Source: docs/formats/evidence-log.md, "What a verifier checks".</summary>
/// <remarks>It needs the public half of the first key and nothing of the host, keeps a bounded amount in memory, and finds all that is wrong, not only the first of it.</remarks>
public sealed class EvidenceLogVerifier
{
    /// <summary>Gaps that are remembered until lines that belong there come up; of more the lines count as inserted.</summary>
    private const int MaxGaps = 1000;

    private readonly record struct Gap(long From, long To, string File, long Line);

    private readonly string _folder;
    private readonly LogCheckpoint? _exported;
    private readonly bool _mayBeOlder;
    private readonly Func<long?>? _readCounter;
    private readonly List<LogFinding> _findings = [];
    private readonly List<Gap> _gaps = [];
    private long _faults, _notes, _lines;

    /// <summary>What must sign the next file's first line and the next checkpoint; null when it cannot be told any more.</summary>
    private byte[]? _fileKey, _epochKey;
    private long _epoch = -1;
    private string? _origin;

    /// <summary>The line before in the chain; the digest is null when nothing can be said of it.</summary>
    private long _sequence;
    private string? _digest;
    private string _lastFile = "";
    private long _lastLine;
    private DateTimeOffset? _time;
    private long? _counter;
    private bool _closed;

    private LogCheckpoint? _checkpoint;
    private LogLine? _oldest;
    private string? _oldestFile;

    /// <summary>First line of the last file that was removed, until the one after it comes.</summary>
    private LogHead? _former;

    /// <summary>A line says that the files before the oldest were removed; and a good checkpoint stands behind it.</summary>
    private bool _removalSeen, _removalSigned;
    private bool _exportedSeen;

    private EvidenceLogVerifier(string folder, ReadOnlyMemory<byte> firstKey, LogCheckpoint? exported, bool mayBeOlder, Func<long?>? readCounter) =>
        (_folder, _fileKey, _exported, _mayBeOlder, _readCounter) = (folder, firstKey.ToArray(), exported, mayBeOlder, readCounter);

    /// <param name="firstKey">As <see cref="EvidenceLogWriter.FirstKeyPem"/> had it when the log was begun.</param>
    /// <param name="exported">A checkpoint that was kept on another machine; null for none.</param>
    /// <exception cref="EvidenceLogException">The folder cannot be read, or holds no log.</exception>
    public static LogVerdict Verify(string folder, PublicKey firstKey, LogCheckpoint? exported, CancellationToken cancellationToken) => Verify(folder, firstKey, exported, mayBeOlder: false, null, cancellationToken);

    /// <summary>As the other form, beside the number that the log's checkpoints state.</summary>
    /// <param name="mayBeOlder">Whether the exported checkpoint may be older than every line that is kept, which proves next to nothing.</param>
    /// <param name="counter">Reads it, before the log is read and after: it may go up meanwhile. Null from it: there is no such number.</param>
    /// <inheritdoc cref="Verify(string, PublicKey, LogCheckpoint?, CancellationToken)"/>
    public static LogVerdict Verify(string folder, PublicKey firstKey, LogCheckpoint? exported, bool mayBeOlder, Func<long?>? counter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(firstKey);
        return new EvidenceLogVerifier(folder, firstKey.Spki, exported, mayBeOlder, counter).Run(cancellationToken);
    }

    private LogVerdict Run(CancellationToken cancellationToken)
    {
        List<long> numbers = LogFiles.Numbers(_folder);
        if (numbers.Count == 0)
            throw new EvidenceLogException(EvidenceLogFault.Unreadable, $"{_folder} holds no file of an evidence log");
        long? least = _readCounter?.Invoke();
        long expected = ReadRemoved(numbers[0], cancellationToken);
        if (numbers[0] != expected)
        {
            Find(LogFindingKind.FileMissing, LogFiles.Name(expected), 0, $"the oldest file is {LogFiles.Name(numbers[0])}; first lines of removed files lead to {LogFiles.Name(expected)}");
            Lose();
        }
        expected = numbers[0];
        foreach (long number in numbers)
        {
            if (number != expected)
            {
                Find(LogFindingKind.FileMissing, LogFiles.Name(expected), 0, $"after {LogFiles.Name(expected - 1)} comes {LogFiles.Name(number)}");
                Lose();
            }
            else if (number != numbers[0] && !_closed)
                Find(LogFindingKind.CutOff, LogFiles.Name(number - 1), _lastLine, "the file has a successor and no checkpoint that closes it");
            ReadFile(number, cancellationToken);
            expected = number + 1;
        }
        int files = numbers.Count;
        // A writer at work may have gone on to another file since the folder was listed.
        for (; _closed && File.Exists(Path.Combine(_folder, LogFiles.Name(expected))); expected++, files++)
            ReadFile(expected, cancellationToken);
        if (_readCounter is not null)
            CompareCounter(least, _readCounter());
        return Conclude(expected, files);
    }

    /// <summary>Follows the keys through the first lines of files that are no longer there.</summary>
    /// <returns>The number of the oldest file that must be there.</returns>
    private long ReadRemoved(long oldest, CancellationToken cancellationToken)
    {
        string path = Path.Combine(_folder, LogFiles.Removed);
        if (!File.Exists(path))
            return 1;
        using FileStream stream = LogFiles.Open(path);
        LogLineReader reader = new(stream);
        long next = 1, sequence = 0;
        while (reader.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            LogLine? line = Parse(reader, LogFiles.Removed);
            if (line is null)
                continue;
            if (LogHead.Of(line) is not { } head || head.File != next || line.Sequence <= sequence)
                Find(LogFindingKind.LineBroken, LogFiles.Removed, reader.Number, $"not the first line of file {next}");
            // A crash between this line and the removal leaves both.
            else if (head.File < oldest)
            {
                CheckHead(head, LogFiles.Removed, reader.Number);
                (next, sequence) = (head.File + 1, line.Sequence);
                // The checkpoints that led from this file's epochs to the next one's are gone with it.
                (_epochKey, _epoch, _former) = (null, -1, head);
            }
        }
        return next;
    }

    private void ReadFile(long number, CancellationToken cancellationToken)
    {
        string name = LogFiles.Name(number);
        using FileStream stream = LogFiles.Open(Path.Combine(_folder, name));
        LogLineReader reader = new(stream);
        _oldestFile ??= name;
        _closed = false;
        bool first = true;
        while (reader.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!reader.IsWhole)
            {
                Find(LogFindingKind.TornEnd, name, reader.Number, "the last bytes of the file have no line end");
                break;
            }
            _lines++;
            LogLine? line = Parse(reader, name);
            if (first)
            {
                first = false;
                LogHead? head = line is null ? null : LogHead.Of(line);
                if (head is null || head.File != number)
                {
                    Find(LogFindingKind.KeyChainBroken, name, reader.Number, $"it is not the first line of file {number}, which announces its keys");
                    Lose();
                }
                else
                {
                    _oldest ??= line;
                    CheckHead(head, name, reader.Number);
                    Count(head.Line, name, reader.Number);
                }
            }
            else if (line?.Kind is LogKinds.Started or LogKinds.Rotated)
                Find(LogFindingKind.LineInserted, name, reader.Number, "the first line of a file stands in the middle of one");
            else if (_closed)
                Find(LogFindingKind.LineInserted, name, reader.Number, "it stands behind the checkpoint that closes the file");
            Follow(line, reader, name);
        }
        if (first)
            Find(LogFindingKind.CutOff, name, 0, "the file holds no whole line");
    }

    /// <summary>Checks a line's place in the chain, and then what it says.</summary>
    private void Follow(LogLine? line, LogLineReader reader, string name)
    {
        string digest = LogLine.DigestOf(reader.Line.Span);
        if (line is null)
        {
            // It takes the place of a line; of what its digest was nothing can be said.
            (_sequence, _digest, _lastFile, _lastLine) = (_sequence + 1, null, name, reader.Number);
            return;
        }
        _oldest ??= line;
        if (_exported?.Sequence == line.Sequence)
        {
            _exportedSeen = true;
            if (_exported.Digest != digest)
                Find(LogFindingKind.CheckpointDiffers, name, reader.Number, $"line {line.Sequence} has the digest {Short(digest)}; the exported checkpoint of {LogLine.Written(_exported.Time)} has {Short(_exported.Digest)}");
        }
        bool begins = _sequence == 0;
        if (begins && line.Sequence == 1 && line.Previous != LogLine.NoLine)
            Find(LogFindingKind.LineChanged, name, reader.Number, "the first line names a line before it");
        else if (!begins && line.Sequence <= _sequence)
        {
            if (Fill(line.Sequence))
                Find(LogFindingKind.LineOutOfOrder, name, reader.Number, $"line {line.Sequence} stands after line {_sequence}");
            else
                Find(LogFindingKind.LineInserted, name, reader.Number, $"there is a line {line.Sequence} before it, and the line before it is {_sequence}");
            return;
        }
        else if (!begins && line.Sequence > _sequence + 1)
            Miss(new Gap(_sequence + 1, line.Sequence - 1, name, reader.Number));
        else if (!begins && _digest is not null && line.Previous != _digest)
            Find(LogFindingKind.LineChanged, _lastFile, _lastLine, $"line {_sequence} has the digest {Short(_digest)}; the line after it was written after {Short(line.Previous)}");
        if (_time is { } before && line.Time < before)
            Find(LogFindingKind.ClockSetBack, name, reader.Number, $"{LogLine.Written(line.Time)} comes after {LogLine.Written(before)}");
        (_sequence, _digest, _lastFile, _lastLine, _time) = (line.Sequence, digest, name, reader.Number, line.Time);
        switch (line.Kind)
        {
            case LogKinds.Checkpoint:
                CheckCheckpoint(line, digest, name, reader.Number);
                break;
            case LogKinds.TornLine:
                Find(LogFindingKind.TornLine, name, reader.Number, $"after a crash {line.Number("bytes")} bytes with the digest {Short(line.Text("digest"))} were cut off");
                break;
            case LogKinds.FilesRemoved:
                Find(LogFindingKind.FilesRemoved, name, reader.Number, $"{Escape.Quote(string.Join(' ', line.Find("files")?.AsList ?? []))}, up to line {line.Number("last-sequence")}");
                // The writer keeps two files at least, and so never says it in the oldest.
                _removalSeen |= name != _oldestFile && line.Number("last-sequence") == _oldest.Sequence - 1 && line.Text("digest") == _oldest.Previous;
                break;
        }
    }

    private void CheckHead(LogHead head, string name, long line)
    {
        CheckOrigin(head.Origin, name, line);
        if (_fileKey is not null && !_fileKey.AsSpan().SequenceEqual(head.Key))
            Find(head.File == 1 ? LogFindingKind.WrongKey : LogFindingKind.KeyChainBroken, name, line, head.File == 1
                ? $"the log begins with the key {IdOf(head.Key)}; wanted {IdOf(_fileKey)}" : $"file {head.File} begins with the key {IdOf(head.Key)}; the file before announced {IdOf(_fileKey)}");
        // A line whose key nobody announced may be signed well and says nothing; that it is not was then found already.
        else if (!IsSigned(head.Line, head.Key))
            Find(LogFindingKind.SignatureWrong, name, line, $"the first line of file {head.File} is not signed by the key that was announced for it");
        if (_epochKey is not null && (!_epochKey.AsSpan().SequenceEqual(head.EpochKey) || head.Epoch != _epoch))
            Find(LogFindingKind.KeyChainBroken, name, line, $"file {head.File} goes on with the key {IdOf(head.EpochKey)} of epoch {head.Epoch}; the last checkpoint announced {IdOf(_epochKey)} for epoch {_epoch}");
        if (_former is { } former)
            CheckBehindRemoved(former, head, name, line);
        (_fileKey, _epochKey, _epoch, _former) = (head.NextKey, head.EpochKey, head.Epoch, null);
    }

    /// <summary>Between two first lines of which the first one's file is gone: that file held at least the checkpoint that closes it, each checkpoint is an epoch, and each epoch a line.</summary>
    private void CheckBehindRemoved(LogHead former, LogHead head, string name, long line)
    {
        long lines = head.Line.Sequence - former.Line.Sequence, epochs = head.Epoch - former.Epoch;
        if (lines < 2 || epochs < 1 || epochs >= lines)
            Find(LogFindingKind.KeyChainBroken, name, line, $"file {head.File} begins at line {head.Line.Sequence} in epoch {head.Epoch}; file {former.File}, which was removed, began at line {former.Line.Sequence} in epoch {former.Epoch}");
        if (_exported is not { } exported || exported.Sequence < former.Line.Sequence || exported.Sequence >= head.Line.Sequence)
            return;
        long before = exported.Sequence - former.Line.Sequence, after = head.Line.Sequence - exported.Sequence, since = exported.Epoch - former.Epoch, until = head.Epoch - exported.Epoch;
        // The last checkpoint of a file closes it: the next line is the next file's first.
        bool closes = until == 1 && after == 1 && head.Line.Previous == exported.Digest && exported.Line.Bytes(LogCheckpoint.NextKeyField).AsSpan().SequenceEqual(head.EpochKey);
        if (since < 0 || since >= before || until < 1 || until > after || !closes && (until == 1 || after == 1) || since == 0 && !exported.Key.Span.SequenceEqual(former.EpochKey))
            Find(LogFindingKind.CheckpointDiffers, name, line, $"the exported checkpoint, line {exported.Sequence} of epoch {exported.Epoch}, does not fit between the first lines of files {former.File} and {head.File}");
    }

    private void CheckCheckpoint(LogLine line, string digest, string name, long number)
    {
        CheckOrigin(line.Text(LogCheckpoint.OriginField) ?? "", name, number);
        long epoch = line.Number(LogCheckpoint.EpochField) ?? -1;
        byte[]? next = line.Bytes(LogCheckpoint.NextKeyField);
        if (epoch != _epoch)
        {
            Find(LogFindingKind.KeyChainBroken, name, number, $"a checkpoint of epoch {epoch}; epoch {_epoch} was announced");
            _epochKey = null;
        }
        else if (_epochKey is not null && !IsSigned(line, _epochKey))
            Find(LogFindingKind.SignatureWrong, name, number, $"the checkpoint at line {line.Sequence} is not signed by the key of epoch {epoch}, {IdOf(_epochKey)}; what changed came after line {_checkpoint?.Sequence ?? 0}");
        else if (_epochKey is not null)
        {
            _removalSigned |= _removalSeen;
            if (_faults == 0 && _gaps.Count == 0)
                _checkpoint = new LogCheckpoint(line, digest, _epochKey);
        }
        Count(line, name, number);
        if (next is null)
            Find(LogFindingKind.KeyChainBroken, name, number, $"the checkpoint of epoch {epoch} announces no key");
        (_epochKey, _epoch, _closed) = (next, epoch + 1, LogCheckpoint.Closes(line));
    }

    /// <summary>Every value was stated by a checkpoint before the counter went on to it.</summary>
    private void Count(LogLine line, string name, long number)
    {
        if (line.Number(LogCheckpoint.CounterField) is not { } counter)
            return;
        if (counter < _counter)
            Find(LogFindingKind.CounterSetBack, name, number, $"the counter says {counter} after {_counter}");
        else if (counter - 1 > _counter)
            Find(LogFindingKind.RolledBack, name, number, $"the counter says {counter} after {_counter}: the checkpoints in between were written and are gone");
        _counter = counter;
    }

    private void CompareCounter(long? least, long? most)
    {
        if (least is null || most is null)
        {
            if (_counter is not null)
                Find(LogFindingKind.CounterSetBack, "", 0, $"the log's last checkpoint states {_counter}, and there is no such counter");
        }
        else if (_counter is null)
            Find(LogFindingKind.RolledBack, "", 0, $"no checkpoint states a counter, and the counter stands at {least}");
        else if (_counter < least)
            Find(LogFindingKind.RolledBack, _lastFile, _lastLine, $"the log's last checkpoint states {_counter}, and the counter stands at {least}: the checkpoints in between were written and are gone");
        else if (_counter - 1 > most)
            Find(LogFindingKind.CounterSetBack, "", 0, $"the log's last checkpoint states {_counter}, and the counter stands at {most}: it is another one, or was made anew");
    }

    private LogVerdict Conclude(long next, int files)
    {
        foreach (Gap gap in _gaps)
            Find(LogFindingKind.LineMissing, gap.File, gap.Line, gap.From == gap.To ? $"line {gap.From} is missing before it" : $"lines {gap.From} to {gap.To} are missing before it");
        if (_closed)
            Find(LogFindingKind.FileMissing, LogFiles.Name(next), 0, $"{LogFiles.Name(next - 1)} ends with a checkpoint that another file follows");
        if (_oldest is { Sequence: > 1 } && !_removalSigned)
        {
            _checkpoint = null;
            Find(LogFindingKind.FileMissing, "", 0, $"the log begins at line {_oldest.Sequence}, and no line {(_removalSeen ? "that a checkpoint covers " : "")}says that older files were removed up to there");
        }
        if (_exported is not null)
            CompareExported(_exported);
        long unsigned = _sequence - (_checkpoint?.Sequence ?? Math.Max(0, (_oldest?.Sequence ?? 1) - 1));
        if (unsigned > 0)
            Find(LogFindingKind.UnsignedEnd, _lastFile, _lastLine, $"no good checkpoint covers the last {unsigned} lines");
        return new LogVerdict
        {
            Findings = _findings,
            Faults = _faults,
            Notes = _notes,
            Files = files,
            Lines = _lines,
            Origin = _origin ?? "",
            First = _oldest?.Sequence ?? 0,
            Last = _sequence,
            LastTime = _time,
            Checkpoint = _checkpoint,
            Unsigned = unsigned,
        };
    }

    private void CompareExported(LogCheckpoint exported)
    {
        if (_origin is not null && exported.Origin != _origin)
            Find(LogFindingKind.OriginDiffers, "", 0, $"the exported checkpoint is of {Escape.Quote(exported.Origin)}; the log is of {Escape.Quote(_origin)}");
        if (_exportedSeen)
            return;
        if (exported.Sequence > _sequence)
            Find(LogFindingKind.CutOff, _lastFile, _lastLine, $"the log ends at line {_sequence}; on {LogLine.Written(exported.Time)} a checkpoint stood at line {exported.Sequence}");
        else if (exported.Sequence >= (_oldest?.Sequence ?? 0))
            Find(LogFindingKind.CheckpointDiffers, "", 0, $"line {exported.Sequence}, the exported checkpoint, is not in the log");
        else if (exported.Sequence == _oldest?.Sequence - 1)
        {
            if (_oldest?.Previous != exported.Digest)
                Find(LogFindingKind.CheckpointDiffers, "", 0, $"the oldest line was written after {Short(_oldest?.Previous)}; the exported checkpoint before it has {Short(exported.Digest)}");
        }
        else
            Find(LogFindingKind.CheckpointTooOld, "", 0, $"the exported checkpoint is line {exported.Sequence}; the oldest line that is kept is {_oldest?.Sequence}", isFault: !_mayBeOlder);
    }

    private void CheckOrigin(string origin, string name, long line)
    {
        if (_origin is not null && origin != _origin)
            Find(LogFindingKind.OriginDiffers, name, line, $"it is of {Escape.Quote(origin)}; the log is of {Escape.Quote(_origin)}");
        _origin ??= origin;
    }

    /// <summary>Takes the keys that the log states for a while; that they are not proved was found.</summary>
    private void Lose() => (_fileKey, _epochKey, _epoch, _closed, _former) = (null, null, -1, false, null);

    private LogLine? Parse(LogLineReader reader, string name)
    {
        try
        {
            if (reader.IsTooLong)
                throw new FormatException($"longer than {LogLine.MaxBytes} bytes (MaxBytes)");
            return LogLine.Parse(reader.Line.Span);
        }
        catch (FormatException e)
        {
            Find(LogFindingKind.LineBroken, name, reader.Number, e.Message);
            return null;
        }
    }

    private static bool IsSigned(LogLine line, byte[] spki)
    {
        try
        {
            using PublicKey key = KeyFile.ReadSpki(spki, "key");
            return line.IsSignedBy(key);
        }
        catch (KeyException)
        {
            return false;
        }
    }

    private static string IdOf(byte[] spki) => Short(LogLine.DigestOf(spki));

    private static string Short(string? digest) => digest is { Length: >= 16 } ? Escape.ForTerminal(digest[..16]) + "…" : "(none)";

    private void Miss(Gap gap)
    {
        if (_gaps.Count < MaxGaps)
            _gaps.Add(gap);
        else
            Find(LogFindingKind.LineMissing, gap.File, gap.Line, $"lines {gap.From} to {gap.To} are missing before it");
    }

    /// <summary>Whether the line was missed; it is missed no longer.</summary>
    private bool Fill(long sequence)
    {
        int at = _gaps.FindIndex(g => g.From <= sequence && sequence <= g.To);
        if (at < 0)
            return false;
        Gap gap = _gaps[at];
        _gaps.RemoveAt(at);
        if (gap.From < sequence)
            _gaps.Add(gap with { To = sequence - 1 });
        if (sequence < gap.To)
            _gaps.Add(gap with { From = sequence + 1 });
        return true;
    }

    private void Find(LogFindingKind kind, string file, long line, string detail, bool isFault = true)
    {
        LogFinding finding = new(kind, file, line, detail);
        if (!isFault)
            finding = finding with { IsFault = false };
        if (finding.IsFault)
            _faults++;
        else
            _notes++;
        // Faults are worth more than notes: these take at most half of the list.
        if (_findings.Count < (finding.IsFault ? LogVerdict.MaxFindings : LogVerdict.MaxFindings / 2))
            _findings.Add(finding);
    }
}
