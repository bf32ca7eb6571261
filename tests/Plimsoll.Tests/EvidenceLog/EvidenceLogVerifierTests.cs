using System.Text;
using Plimsoll.EvidenceLog;
using Plimsoll.Keys;

namespace Plimsoll.Tests.EvidenceLog;

/// <summary>Each attack on a log that was good a moment before.</summary>
public sealed class EvidenceLogVerifierTests : IDisposable
{
    private readonly LogHost _host = new();

    public EvidenceLogVerifierTests() => _host.Options = _host.Options with { MaxFileBytes = 4000 };

    public void Dispose() => _host.Dispose();

    private static string Found(LogVerdict verdict) => string.Join('\n', verdict.Findings);

    private LogVerdict Bad(LogFindingKind kind, string? file = null, long? line = null, LogCheckpoint? exported = null)
    {
        LogVerdict verdict = _host.Verify(exported);
        Assert.False(verdict.IsGood);
        Assert.True(verdict.Findings.Any(f => f.Kind == kind && (file is null || f.File == file) && (line is null || f.Line == line)), $"wanted {kind} at {file}:{line}, found\n{Found(verdict)}");
        return verdict;
    }

    [Fact]
    public void Verify_LogOfSeveralFiles_IsGoodAndSignedToItsEnd()
    {
        LogVerdict verdict = _host.With(70).Verify();

        Assert.True(verdict.IsGood, Found(verdict));
        Assert.True(_host.FileNames.Count > 3);
        Assert.Empty(verdict.Findings);
        Assert.Equal((1, verdict.Lines, 0, verdict.Last), (verdict.First, verdict.Last, verdict.Unsigned, verdict.Checkpoint!.Sequence));
        Assert.Equal(_host.All.Count, verdict.Lines);
    }

    [Fact]
    public void Verify_EachLineChanged_IsNamedWithFileAndLine()
    {
        Dictionary<string, byte[]> good = _host.With(30).Keep();
        int changed = 0;
        foreach (string name in _host.FileNames)
            for (int i = 0; i < _host.Lines(name).Count; i++)
            {
                List<string> lines = _host.Lines(name);
                LogLine line = LogHost.Parse(lines[i]);
                lines[i] = LogHost.Text(line with { Time = line.Time.AddSeconds(-1) });
                _host.Write(name, lines);
                Bad(line.Kind is LogKinds.Started or LogKinds.Rotated or LogKinds.Checkpoint ? LogFindingKind.SignatureWrong : LogFindingKind.LineChanged, name, i + 1);
                _host.Restore(good);
                changed++;
            }
        Assert.True(changed > 30);
        _host.Good();
    }

    [Fact]
    public void Verify_EachByteOfALineChanged_IsFound()
    {
        Dictionary<string, byte[]> good = _host.With(3).Keep();
        string path = Path.Combine(_host.Folder, _host.FileNames[0]);
        byte[] bytes = good[path];
        int start = Encoding.UTF8.GetString(bytes).IndexOf("{\"sequence\":2,", StringComparison.Ordinal), end = Array.IndexOf(bytes, (byte)'\n', start);
        for (int i = start; i <= end; i++)
        {
            byte[] changed = [.. bytes];
            changed[i] ^= 1;
            File.WriteAllBytes(path, changed);
            Assert.False(_host.Verify().IsGood, $"byte {i - start}");
        }
    }

    [Fact]
    public void Verify_EachLineRemoved_IsFound()
    {
        Dictionary<string, byte[]> good = _host.With(30).Keep();
        LogCheckpoint last = _host.Verify().Checkpoint!;
        foreach (string name in _host.FileNames)
            for (int i = 0; i < _host.Lines(name).Count; i++)
            {
                List<string> lines = _host.Lines(name);
                bool isLast = name == _host.FileNames[^1] && i == lines.Count - 1, isHead = i == 0, closes = i == lines.Count - 1 && !isLast;
                lines.RemoveAt(i);
                _host.Write(name, lines);
                if (isLast)
                {
                    // Without the exported checkpoint nothing in the files tells; that these lines are not signed is said.
                    Assert.Contains(_host.Verify().Findings, f => f.Kind == LogFindingKind.UnsignedEnd);
                    Bad(LogFindingKind.CutOff, name, exported: last);
                }
                else if (isHead)
                    Bad(LogFindingKind.KeyChainBroken, name, 1);
                else if (closes)
                    Bad(LogFindingKind.CutOff, name);
                else
                    Assert.True(Bad(LogFindingKind.LineMissing, name, i + 1).Checkpoint is not { } signed || signed.Sequence < LogHost.Parse(lines[i]).Sequence - 1, "a checkpoint over a gap");
                _host.Restore(good);
            }
        _host.Good(last);
    }

    [Fact]
    public void Verify_NeighboursExchanged_SaysWhichStandsWrong()
    {
        Dictionary<string, byte[]> good = _host.With(5).Keep();
        string name = _host.FileNames[0];
        List<string> lines = _host.Lines(name);
        (lines[2], lines[3]) = (lines[3], lines[2]);
        _host.Write(name, lines);

        LogVerdict verdict = Bad(LogFindingKind.LineOutOfOrder, name, 4);

        Assert.DoesNotContain(verdict.Findings, f => f.Kind == LogFindingKind.LineMissing);
        _host.Restore(good);
        _host.Good();
    }

    [Fact]
    public void Verify_LineRepeatedOrForgedInBetween_IsInserted()
    {
        Dictionary<string, byte[]> good = _host.With(5).Keep();
        string name = _host.FileNames[0];
        List<string> lines = _host.Lines(name);
        lines.Insert(3, lines[2]);
        _host.Write(name, lines);
        Bad(LogFindingKind.LineInserted, name, 4);

        _host.Restore(good);
        lines = _host.Lines(name);
        LogLine before = LogHost.Parse(lines[2]);
        lines.Insert(3, LogHost.Text(new LogLine(before.Sequence + 1, before.Time, "start-allowed", [LogField.Text("image", "evil")], LogLine.DigestOf(before.ToBytes()))));
        _host.Write(name, lines);
        Bad(LogFindingKind.LineInserted, name, 5);
    }

    [Fact]
    public void Verify_CutOffAtACheckpoint_NeedsTheExportedOne()
    {
        using EvidenceLogWriter log = _host.Open();
        for (int i = 0; i < 3; i++)
            log.Append("start-allowed", LogField.Number("n", i));
        log.Checkpoint();
        log.Append("start-refused", LogField.Text("image", "evil"));
        LogCheckpoint exported = log.ExportCheckpoint(_host["checkpoint.json"]);
        LogCheckpoint read = LogCheckpoint.Parse(File.ReadAllBytes(_host["checkpoint.json"]), "c");
        Assert.Equal((exported.Sequence, exported.Digest, "host-1"), (read.Sequence, read.Digest, read.Origin));
        _host.Good(read);
        string name = _host.FileNames[0];
        _host.Write(name, _host.Lines(name)[..^2]);

        Assert.True(_host.Verify().IsGood);
        Bad(LogFindingKind.CutOff, name, exported: read);
    }

    [Fact]
    public void Verify_FileRemoved_IsMissing()
    {
        Dictionary<string, byte[]> good = _host.With(40).Keep();
        foreach (string name in _host.FileNames)
        {
            bool last = name == _host.FileNames[^1];
            File.Delete(Path.Combine(_host.Folder, name));
            Bad(LogFindingKind.FileMissing, name);
            if (last)
                Assert.True(_host.Verify().Last > 1);
            _host.Restore(good);
        }
        _host.Good();
    }

    [Fact]
    public void Verify_RewrittenWholeWithAnotherKey_IsAnotherLog()
    {
        _host.With(4);
        string key = _host.FirstKey;
        Directory.Delete(_host.Folder, recursive: true);
        File.Delete(_host.KeyPath);
        _host.With(4);

        _host.Good();
        LogVerdict verdict = _host.Verify(key: key);
        Assert.Contains(verdict.Findings, f => f.Kind == LogFindingKind.WrongKey && f.Line == 1);
        Assert.Null(verdict.Checkpoint);
    }

    [Fact]
    public void Verify_ChainRewrittenFromALineOn_FailsAtTheNextCheckpoint()
    {
        _host.With(10).Good();
        string name = _host.FileNames[0];
        List<string> lines = _host.Lines(name);
        Rechain(lines, 2);
        _host.Write(name, lines);

        LogVerdict verdict = Bad(LogFindingKind.SignatureWrong, name, lines.FindIndex(l => LogHost.Parse(l).Kind == LogKinds.Checkpoint) + 1);

        Assert.DoesNotContain(verdict.Findings, f => f.Kind == LogFindingKind.LineChanged && f.File == name);
    }

    /// <summary>Whoever takes the host has the keys of now; none of them signs a checkpoint that was signed before.</summary>
    [Fact]
    public void Verify_PastSignedAnewWithTheKeysOfNow_IsRefused()
    {
        _host.With(10).Good();
        using LogKeys stolen = LogKeys.Open(_host.KeyPath, KeyAlgorithm.Ed25519)!;
        string name = _host.FileNames[0];
        foreach (ISigner key in (ISigner[])[stolen.EpochKey, stolen.NextEpochKey, stolen.FileKey, stolen.NextFileKey])
        {
            List<string> lines = _host.Lines(name);
            int first = lines.FindIndex(l => LogHost.Parse(l).Kind == LogKinds.Checkpoint);
            LogLine changed = LogHost.Parse(lines[2]) with { Kind = "start-forged" };
            lines[2] = LogHost.Text(changed);
            for (int i = 3; i < lines.Count; i++)
            {
                LogLine line = LogHost.Parse(lines[i]) with { Previous = LogLine.DigestOf(Encoding.UTF8.GetBytes(lines[i - 1])) };
                lines[i] = LogHost.Text(line.Kind == LogKinds.Checkpoint ? (line with { Fields = [.. line.Fields.Where(f => f.Name != "signature")] }).Signed(key) : line);
            }
            string before = File.ReadAllText(Path.Combine(_host.Folder, name));
            _host.Write(name, lines);
            Bad(LogFindingKind.SignatureWrong, name, first + 1);
            File.WriteAllText(Path.Combine(_host.Folder, name), before);
        }
        _host.Good();
    }

    [Fact]
    public void Verify_TruncatedAndGoneOnInAFileOfItsOwn_IsRefused()
    {
        _host.With(40).Good();
        // The keys of now could sign a first line; that the file before it is not closed gives it away.
        string name = _host.FileNames[^2];
        List<string> lines = _host.Lines(name);
        _host.Write(name, lines[..^2]);
        Bad(LogFindingKind.CutOff, name);
    }

    [Fact]
    public void Verify_ClockSetBack_IsANoteWithItsLine()
    {
        using (EvidenceLogWriter log = _host.Open())
        {
            log.Append("start-allowed");
            _host.Clock.Now -= TimeSpan.FromDays(1);
            log.Append("start-allowed");
        }

        LogVerdict verdict = _host.Verify();

        Assert.True(verdict.IsGood);
        Assert.Contains(verdict.Findings, f => f is { Kind: LogFindingKind.ClockSetBack, Line: 3, IsFault: false });
    }

    private sealed class Number(long first) : ILogCounter
    {
        public long? Next { get; private set; } = first;

        public void Written(long value) => Next = value + 1;
    }

    [Fact]
    public void Verify_CounterSetBack_IsAFault()
    {
        _host.Options = _host.Options with { Counter = new Number(10) };
        _host.With(8).Good();
        Assert.Equal(_host.Options.Counter.Next, _host.Verify().Checkpoint!.Counter + 1);
        _host.Options = _host.Options with { Counter = new Number(3) };
        _host.With(2);

        Bad(LogFindingKind.CounterSetBack);
    }

    [Fact]
    public void Verify_ExportedCheckpointOfAnotherLog_Differs()
    {
        using LogHost other = new();
        other.Options = other.Options with { Origin = "host-2" };
        LogCheckpoint foreign = other.With(20).Verify().Checkpoint!;
        LogCheckpoint own = _host.With(20).Verify().Checkpoint!;

        _host.Good(own);
        Bad(LogFindingKind.OriginDiffers, exported: foreign);
        using LogHost twin = new();
        Bad(LogFindingKind.CheckpointDiffers, exported: twin.With(8).Verify().Checkpoint!);
    }

    [Fact]
    public void Verify_OldFilesRemovedByTheWriter_IsGoodFromTheOldestThatIsKept()
    {
        _host.Options = _host.Options with { MaxFiles = 3 };
        LogCheckpoint early = _host.With(12).Verify().Checkpoint!;
        LogVerdict verdict = _host.With(60).Verify();

        Assert.Equal(3, _host.FileNames.Count);
        Assert.True(verdict.IsGood, Found(verdict));
        Assert.True(verdict.First > 1);
        Assert.Contains(verdict.Findings, f => f.Kind == LogFindingKind.FilesRemoved);
        Bad(LogFindingKind.CheckpointTooOld, exported: early);
        verdict = _host.Verify(early, mayBeOlder: true);
        Assert.True(verdict.IsGood && verdict.Findings.Any(f => f.Kind == LogFindingKind.CheckpointTooOld), Found(verdict));
    }

    [Fact]
    public void Verify_ExportedCheckpointThatClosedTheLastRemovedFile_IsTheOneBeforeTheOldestLine()
    {
        _host.Options = _host.Options with { MaxFiles = 2 };
        while (_host.With(1).FileNames.Count < 2)
            _host.Good();
        string oldest = _host.FileNames[0];
        LogLine closing = LogHost.Parse(_host.Lines(oldest)[^1]), announces = _host.Lines(oldest)[..^1].Select(LogHost.Parse).Last(l => l.Kind is LogKinds.Checkpoint or LogKinds.Started or LogKinds.Rotated);
        LogCheckpoint exported = new(closing, LogLine.DigestOf(closing.ToBytes()), announces.Bytes(announces.Kind == LogKinds.Checkpoint ? "next-key" : "epoch-key")!);
        while (_host.FileNames[0] == oldest)
            _host.With(1);

        Assert.Equal(exported.Sequence + 1, _host.Verify().First);
        _host.Good(exported);
    }

    /// <summary>Whoever takes the host for a moment, while its first file is written, has the keys of the two files after it: one past is written anew as these.</summary>
    /// <param name="lines">From the first file's first line to the forged one's.</param>
    /// <param name="files">Of the two.</param>
    private void Forge(long lines, long epoch, int files)
    {
        using LogKeys stolen = LogKeys.Open(_host.KeyPath, KeyAlgorithm.Ed25519)!;
        using ISigner first = KeyFile.Generate(KeyAlgorithm.Ed25519), second = KeyFile.Generate(KeyAlgorithm.Ed25519);
        ISigner[] epochs = [first, second, first, second];
        LogLine[] old = [.. _host.All];
        LogLine head = old[0], last = head;
        long sequence = head.Sequence + lines - 1, from = sequence;
        string wasBefore = last.Previous;
        List<string> made = [];
        File.Delete(Path.Combine(_host.Folder, LogFiles.Name(1)));
        _host.Write(LogFiles.Removed, [LogHost.Text(head)]);
        Head(2, stolen.FileKey, stolen.NextFileKey);
        if (files == 1)
            Removal();
        foreach (LogLine line in old.Where(l => l.Kind == "start-allowed" && l.Text("image") != "app-3"))
            Put(line.Kind, line.Fields);
        if (files == 2)
        {
            Checkpoint(closes: true);
            Save(2);
            Head(3, stolen.NextFileKey, second);
            Removal();
        }
        Checkpoint(closes: false);
        Save(files + 1);

        void Put(string kind, IReadOnlyList<LogField> fields, ISigner? by = null)
        {
            LogLine line = new(++sequence, head.Time, kind, fields, LogLine.DigestOf(last.ToBytes()));
            last = by is null ? line : line.Signed(by);
            made.Add(LogHost.Text(last));
        }

        void Head(long file, ISigner by, ISigner next)
        {
            Put(LogKinds.Rotated, LogHead.Fields("host-1", file, LogFiles.Name(file - 1), by.PublicKey, next.PublicKey, epoch, epochs[epoch % 2].PublicKey, 4711), by);
            if (file == 2)
                wasBefore = last.Previous;
        }

        void Removal() => Put(LogKinds.FilesRemoved, [LogField.List("files", [LogFiles.Name(1)]), LogField.Number("last-sequence", from), LogField.Text("digest", wasBefore)]);

        void Checkpoint(bool closes)
        {
            Put(LogKinds.Checkpoint, [LogField.Text("origin", "host-1"), LogField.Number("epoch", epoch), LogHead.Spki("next-key", epochs[(epoch + 1) % 2].PublicKey), LogField.Number("counter", 4711),
                .. closes ? (LogField[])[LogField.Text("closes", "file")] : []], epochs[epoch % 2]);
            epoch++;
        }

        void Save(int file)
        {
            _host.Write(LogFiles.Name(file), made);
            made.Clear();
        }
    }

    [Fact]
    public void Verify_PastWrittenAnewBehindTheFirstLineOfARemovedFile_IsRefused()
    {
        _host.Options = _host.Options with { MaxFileBytes = 1 << 20 };
        Dictionary<string, byte[]> good = _host.With(4).Keep();
        LogCheckpoint exported = _host.Verify().Checkpoint!;
        Assert.Equal((1, 0), (exported.Epoch + 1, exported.Line.Number("epoch")));

        // A file that held no line, no checkpoint that closes it, or more checkpoints than lines.
        foreach ((long lines, long epoch) in (ReadOnlySpan<(long, long)>)[(1, 0), (1, 1), (5, 0), (5, 5)])
        {
            Forge(lines, epoch, files: 2);
            Bad(LogFindingKind.KeyChainBroken, LogFiles.Name(2), 1);
            _host.Restore(good);
        }
        // The writer says what it removed in the third file at the earliest.
        Forge(20, 2, files: 1);
        Bad(LogFindingKind.FileMissing);
        _host.Restore(good);

        // With both files nothing in the log tells: what is proved then is what an exported checkpoint proves.
        foreach ((long lines, long epoch) in (ReadOnlySpan<(long, long)>)[(20, 1), (20, 16), (exported.Sequence, 2)])
        {
            Forge(lines, epoch, files: 2);
            _host.Good();
            Bad(LogFindingKind.CheckpointDiffers, exported: exported);
            Assert.False(_host.Verify(exported, mayBeOlder: true).IsGood);
            _host.Restore(good);
        }
        Forge(20, 3, files: 2);
        Bad(LogFindingKind.CheckpointTooOld, exported: exported);
        _host.Restore(good);
        _host.Good(exported);
    }

    /// <summary>Whoever can write the files and has no key.</summary>
    [Fact]
    public void Verify_OldestFileRemovedWithALineThatNobodySigned_IsMissing()
    {
        Dictionary<string, byte[]> good = _host.With(40).Keep();
        string oldest = _host.FileNames[0], newest = _host.FileNames[^1];
        LogLine second = LogHost.Parse(_host.Lines(_host.FileNames[1])[0]), last = LogHost.Parse(_host.Lines(newest)[^1]);
        LogLine removal = new(last.Sequence + 1, last.Time, LogKinds.FilesRemoved,
            [LogField.List("files", [oldest]), LogField.Number("last-sequence", second.Sequence - 1), LogField.Text("digest", second.Previous)], LogLine.DigestOf(last.ToBytes()));
        Remove(LogHost.Text(removal));
        Bad(LogFindingKind.FileMissing);

        // The writer does not sign what it did not write: as the last line it is one whose checkpoint was torn.
        _host.With(1);
        Assert.Contains(_host.All, l => l.Kind == LogKinds.TornLine);
        Bad(LogFindingKind.FileMissing);

        _host.Restore(good);
        Remove(LogHost.Text(removal), LogHost.Text(new LogLine(removal.Sequence + 1, last.Time, "start-allowed", [], LogLine.DigestOf(removal.ToBytes()))));
        Bad(LogFindingKind.FileMissing);

        void Remove(params string[] lines)
        {
            _host.Write(LogFiles.Removed, [_host.Lines(oldest)[0]]);
            File.Delete(Path.Combine(_host.Folder, oldest));
            _host.Write(newest, [.. _host.Lines(newest), .. lines]);
        }
    }

    [Fact]
    public void Verify_OldestFileRemovedBySomebodyElse_IsMissing()
    {
        _host.Options = _host.Options with { MaxFiles = 4 };
        _host.With(80).Good();
        string oldest = Path.Combine(_host.Folder, _host.FileNames[0]), heads = Path.Combine(_host.Folder, LogFiles.Removed);
        byte[] kept = File.ReadAllBytes(oldest);
        string head = _host.Lines(_host.FileNames[0])[0];
        File.Delete(oldest);
        Bad(LogFindingKind.FileMissing);

        // With its first line kept as the writer does it, no line of the log says that it was removed.
        File.AppendAllText(heads, head + "\n");
        Bad(LogFindingKind.FileMissing);
        File.WriteAllBytes(oldest, kept);
        _host.Good();
    }

    [Fact]
    public void Verify_FirstLinesOfRemovedFilesForgedOrGone_BreaksTheKeys()
    {
        _host.Options = _host.Options with { MaxFiles = 2 };
        _host.With(60).Good();
        string heads = Path.Combine(_host.Folder, LogFiles.Removed);
        string[] lines = File.ReadAllLines(heads);
        Assert.True(lines.Length > 1);
        using ISigner own = KeyFile.Generate(KeyAlgorithm.Ed25519);
        LogLine forged = LogHost.Parse(lines[1]);
        File.WriteAllLines(heads, [lines[0], LogHost.Text((forged with { Fields = [.. forged.Fields.Where(f => f.Name != "signature")] }).Signed(own)), .. lines[2..]]);
        Bad(LogFindingKind.SignatureWrong, LogFiles.Removed, 2);
        File.WriteAllLines(heads, [lines[0], .. lines[2..]]);
        Bad(LogFindingKind.LineBroken, LogFiles.Removed, 2);
        File.Delete(heads);
        Bad(LogFindingKind.FileMissing);
        File.WriteAllLines(heads, lines);
        _host.Good();
    }

    [Fact]
    public void Verify_LineLongerThanAnyMayBe_IsBrokenInBoundedMemory()
    {
        _host.With(3);
        string name = _host.FileNames[0];
        List<string> lines = _host.Lines(name);
        lines.Insert(2, new string('x', 40 << 20));
        _host.Write(name, lines);
        lines.Clear();
        long before = GC.GetAllocatedBytesForCurrentThread();

        Bad(LogFindingKind.LineBroken, name, 3);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void Verify_ManyFaults_ListsSomeAndCountsAll()
    {
        _host.With(3);
        string name = _host.FileNames[0];
        _host.Write(name, [.. _host.Lines(name), .. Enumerable.Repeat("nonsense", 5000)]);

        LogVerdict verdict = _host.Verify();

        Assert.Equal(LogVerdict.MaxFindings, verdict.Findings.Count);
        Assert.True(verdict.Faults >= 5000);
    }

    [Fact]
    public void Verify_NoLogThere_IsAnErrorAndNoVerdict()
    {
        Directory.CreateDirectory(_host.Folder);
        using ISigner key = KeyFile.Generate(KeyAlgorithm.Ed25519);

        Assert.Equal(EvidenceLogFault.Unreadable, Assert.Throws<EvidenceLogException>(() => _host.Verify(key: key.PublicKey.ToPem())).Fault);
    }

    private static void Rechain(List<string> lines, int from)
    {
        lines[from] = LogHost.Text(LogHost.Parse(lines[from]) with { Kind = "start-forged" });
        for (int i = from + 1; i < lines.Count; i++)
            lines[i] = LogHost.Text(LogHost.Parse(lines[i]) with { Previous = LogLine.DigestOf(Encoding.UTF8.GetBytes(lines[i - 1])) });
    }
}
