using System.Collections.Concurrent;
using System.Text;
using Plimsoll.EvidenceLog;
using Plimsoll.Keys;

namespace Plimsoll.Tests.EvidenceLog;

public sealed class EvidenceLogWriterTests : IDisposable
{
    private readonly LogHost _host = new();

    public void Dispose() => _host.Dispose();

    /// <summary>A file that does what a test says before it writes or syncs.</summary>
    private sealed class Hooked(string path, Action<int>? onWrite, Action? onSync) : ILogFile
    {
        private readonly LogFile _file = new(path);

        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            try
            {
                onWrite?.Invoke(bytes.Length);
            }
            catch (IOException)
            {
                // A disk that fills up takes some of it.
                _file.Write(bytes[..(bytes.Length / 2)], offset);
                throw;
            }
            _file.Write(bytes, offset);
        }

        public void Sync()
        {
            onSync?.Invoke();
            _file.Sync();
        }

        public void Truncate(long length) => _file.Truncate(length);

        public void Dispose() => _file.Dispose();
    }

    [Fact]
    public void Append_Lines_AreNumberedDatedAndChained()
    {
        using (EvidenceLogWriter log = _host.Open())
        {
            Assert.Equal(2, log.Append("start-refused", LogField.Text("image", "app"), LogField.Number("pid", 7), LogField.List("reasons", ["a", "b"])));
            Assert.Equal(3, log.Append("policy-loaded"));
        }

        IReadOnlyList<LogLine> lines = _host.All;

        Assert.Equal([LogKinds.Started, "start-refused", "policy-loaded", LogKinds.Checkpoint], lines.Select(l => l.Kind));
        Assert.Equal("app", lines[1].Text("image"));
        Assert.Equal(7, lines[1].Number("pid"));
        Assert.Equal(["a", "b"], lines[1].Find("reasons")!.AsList!);
        for (int i = 1; i < lines.Count; i++)
            Assert.Equal(LogLine.DigestOf(lines[i - 1].ToBytes()), lines[i].Previous);
        Assert.Matches("\"time\":\"2026-11-21T08:00:00\\.[0-9]{6}Z\"", LogHost.Text(lines[1]));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_host.Folder));
        Assert.All([_host.KeyPath, .. Directory.EnumerateFiles(_host.Folder)], f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
    }

    [Fact]
    public void Append_HostileText_IsEscapedMaskedAndBounded()
    {
        using (EvidenceLogWriter log = _host.Open())
            log.Append("request-refused", LogField.Text("image", "a\u001b[2J\u202eb\ud800c\nd"), LogField.Environment("env", ["PATH=/bin", "PASSWORD=hunter2", "EMPTY="]),
                LogField.Command("command", ["app", "--token", "hunter2", "--db=postgres://u:hunter2@h/x"]), LogField.Text("long", new string('\u202e', 1 << 20)),
                LogField.List("many", Enumerable.Repeat(new string('"', 5000), 5000)));

        LogLine line = _host.All[1];

        Assert.Equal("a\\x1b[2J\\u202eb\\ud800c\\x0ad", line.Text("image"));
        Assert.Equal(["PATH=***", "PASSWORD=***", "EMPTY="], line.Find("env")!.AsList!);
        Assert.Equal(["app", "--token", "***", "--db=postgres://u:***@h/x"], line.Find("command")!.AsList!);
        Assert.True(line.ToBytes().Length <= LogLine.MaxBytes);
        Assert.DoesNotContain("hunter2", string.Concat(_host.Lines(_host.FileNames[0])), StringComparison.Ordinal);
        Assert.EndsWith("more", line.Find("many")!.AsList![^1], StringComparison.Ordinal);
        _host.Good();
    }

    [Fact]
    public void Append_AsManyFieldsAsThereMayBe_StaysALine()
    {
        LogField[] fields = [.. Enumerable.Range(0, LogLine.MaxFields).Select(i => LogField.List($"{new string('a', 60)}{i:d4}", Enumerable.Repeat("\u4e2d\u4e2d\"", 2000)))];
        using (EvidenceLogWriter log = _host.Open())
        {
            log.Append("start-allowed", fields);
            log.Append("start-allowed", [.. Enumerable.Range(0, LogLine.MaxFields).Select(i => LogField.List($"f{i}", Enumerable.Repeat("", 2000)))]);
        }

        _host.Good();
        Assert.InRange(_host.All[1].ToBytes().Length, 20_000, LogLine.MaxBytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Start")]
    [InlineData("start_allowed")]
    [InlineData("start-")]
    [InlineData("start--allowed")]
    [InlineData("checkpoint")]
    [InlineData("torn-line")]
    public void Append_KindThatNoCallerWrites_Throws(string kind)
    {
        using EvidenceLogWriter log = _host.Open();
        Assert.Throws<ArgumentException>(() => log.Append(kind));
    }

    [Fact]
    public void Append_OneNameTwice_Throws()
    {
        using EvidenceLogWriter log = _host.Open();
        Assert.Throws<ArgumentException>(() => log.Append("start-allowed", LogField.Number("a", 1), LogField.Text("a", "2")));
    }

    [Fact]
    public void Open_Again_GoesOn()
    {
        _host.With(10);
        string key = _host.FirstKey;
        for (int i = 0; i < 4; i++)
            _host.With(3);

        Assert.Equal(key, _host.FirstKey);
        _host.Good();
        Assert.Equal(22, _host.All.Count(l => l.Kind == "start-allowed"));
    }

    [Fact]
    public void Open_WhileAnotherHasIt_IsInUse()
    {
        using EvidenceLogWriter log = _host.Open();
        Assert.Equal(EvidenceLogFault.InUse, Assert.Throws<EvidenceLogException>(_host.Open).Fault);
    }

    /// <summary>The process dies at each byte of the last write: at most that line is lost, and the next opening says how much was cut off.</summary>
    [Fact]
    public void Open_LineTornAtEachByte_CutsItOffAndNotesIt()
    {
        _host.With(3);
        byte[] key = File.ReadAllBytes(_host.KeyPath);
        Dictionary<string, byte[]> before = _host.Keep();
        using (EvidenceLogWriter log = _host.Open())
            log.Append("start-refused", LogField.Text("image", "torn"));
        string path = Path.Combine(_host.Folder, _host.FileNames[0]);
        byte[] whole = File.ReadAllBytes(path);
        int start = before[path].Length, end = Array.IndexOf(whole, (byte)'\n', start) + 1;
        Assert.InRange(end - start, 100, 1000);
        for (int length = start; length <= end; length++)
        {
            _host.Restore(before);
            File.WriteAllBytes(path, whole[..length]);
            File.WriteAllBytes(_host.KeyPath, key);
            if (length > start && length < end)
                Assert.Contains(_host.Verify().Findings, f => f is { Kind: LogFindingKind.TornEnd, IsFault: false });
            _host.With(1).Good();
            IReadOnlyList<LogLine> lines = _host.All;
            LogLine? note = lines.FirstOrDefault(l => l.Kind == LogKinds.TornLine);
            if (length == start || length == end)
                Assert.Null(note);
            else
                Assert.Equal((length - start, (long)start, LogLine.DigestOf(whole.AsSpan(start..length))), (note!.Number("bytes"), note.Number("offset")!.Value, note.Text("digest")!));
            Assert.Equal(length == end ? 5 : 4, lines.Count(l => l.Kind is "start-allowed" or "start-refused"));
        }
    }

    /// <summary>A host that lost power may leave zeros or another order of pages behind: what follows the last line of the chain goes.</summary>
    [Fact]
    public void Open_TailOfZerosAndLaterLines_CutsAllOfItOff()
    {
        _host.With(3);
        string path = Path.Combine(_host.Folder, _host.FileNames[0]);
        File.AppendAllText(path, new string('\0', 500) + "\n{\"sequence\":99}\nabc");
        _host.With(1).Good();
        Assert.Equal(500 + 1 + 15 + 1 + 3, _host.All.Single(l => l.Kind == LogKinds.TornLine).Number("bytes"));
    }

    /// <summary>The process dies between a checkpoint and the moment its used key is given up.</summary>
    [Fact]
    public void Open_KeyFileOneCheckpointBehind_GoesOn()
    {
        byte[]? key = null;
        using (EvidenceLogWriter log = _host.Open())
        {
            log.Append("start-allowed");
            log.Checkpoint();
            log.Append("start-allowed");
            key = File.ReadAllBytes(_host.KeyPath);
        }
        File.WriteAllBytes(_host.KeyPath, key);

        _host.With(10).Good();
    }

    /// <summary>The process dies between a new file's first line and the moment its used key is given up.</summary>
    [Fact]
    public void Open_KeyFileOneFileBehind_GoesOn()
    {
        byte[]? key = null;
        _host.Options = _host.Options with
        {
            MaxFileBytes = 4000,
            OpenFile = path =>
            {
                if (path.EndsWith(LogFiles.Name(2), StringComparison.Ordinal))
                    key ??= File.ReadAllBytes(_host.KeyPath);
                return new LogFile(path);
            },
        };
        EvidenceLogWriter log = _host.Open();
        while (key is null)
            log.Append("start-allowed", LogField.Text("image", "app"));
        string second = Path.Combine(_host.Folder, LogFiles.Name(2));
        string head = _host.Lines(LogFiles.Name(2))[0];
        log.Dispose();
        File.WriteAllText(second, head + "\n");
        File.WriteAllBytes(_host.KeyPath, key);

        _host.With(10).Good();

        // And before it: the file is closed, and the next one was never begun.
        foreach (string name in _host.FileNames.Skip(1))
            File.Delete(Path.Combine(_host.Folder, name));
        File.WriteAllBytes(_host.KeyPath, key);
        Assert.Contains(_host.Verify().Findings, f => f.Kind == LogFindingKind.FileMissing);
        _host.With(10).Good();
    }

    [Fact]
    public void Open_WithoutItsKeyOrItsFilesOrItsCheckpoint_IsRefused()
    {
        _host.With(10);
        byte[] key = File.ReadAllBytes(_host.KeyPath);
        Dictionary<string, byte[]> kept = _host.Keep();
        File.Delete(_host.KeyPath);
        Assert.Equal(EvidenceLogFault.KeyMissing, Assert.Throws<EvidenceLogException>(_host.Open).Fault);
        File.WriteAllBytes(_host.KeyPath, key);

        Directory.Delete(_host.Folder, recursive: true);
        Assert.Equal(EvidenceLogFault.Damaged, Assert.Throws<EvidenceLogException>(_host.Open).Fault);

        _host.Restore(kept);
        string name = _host.FileNames[0];
        _host.Write(name, _host.Lines(name)[..^1]);
        Assert.Equal(EvidenceLogFault.Damaged, Assert.Throws<EvidenceLogException>(_host.Open).Fault);

        _host.Restore(kept);
        List<string> lines = _host.Lines(name);
        lines[2] = lines[2].Replace("app-", "App-", StringComparison.Ordinal);
        _host.Write(name, lines);
        Assert.Equal(EvidenceLogFault.Damaged, Assert.Throws<EvidenceLogException>(_host.Open).Fault);

        _host.Restore(kept);
        File.WriteAllText(_host.KeyPath, "plimsoll-log-key 1\n");
        Assert.Equal(EvidenceLogFault.Damaged, Assert.Throws<EvidenceLogException>(_host.Open).Fault);
        File.WriteAllBytes(_host.KeyPath, key);
        _host.With(1).Good();
    }

    [Fact]
    public void Append_OldFilesRemoved_AreSignedForBeforeTheyGo()
    {
        _host.Options = _host.Options with { MaxFileBytes = 4000, MaxFiles = 2, CheckpointLines = 1000 };
        using EvidenceLogWriter log = _host.Open();
        for (int removed = 0; removed < 3; removed++)
        {
            for (string oldest = _host.FileNames[0]; _host.FileNames[0] == oldest;)
                log.Append("start-allowed", LogField.Text("image", "app"));
            LogLine[] newest = [.. _host.Lines(_host.FileNames[^1]).Select(LogHost.Parse)];
            Assert.Equal([LogKinds.Rotated, LogKinds.FilesRemoved, LogKinds.Checkpoint], newest[..3].Select(l => l.Kind));
            _host.Good();
        }
    }

    /// <summary>The process dies at each byte of the write that brings a removal and its checkpoint.</summary>
    [Fact]
    public void Open_RemovalTornAtEachByte_RemovesTheFileAndIsGood()
    {
        _host.Options = _host.Options with { MaxFileBytes = 4000 };
        while (_host.With(1).FileNames.Count < 3)
            _host.Good();
        byte[] key = File.ReadAllBytes(_host.KeyPath);
        Dictionary<string, byte[]> before = _host.Keep();
        string oldest = _host.FileNames[0], path = Path.Combine(_host.Folder, _host.FileNames[^1]), heads = Path.Combine(_host.Folder, LogFiles.Removed);
        _host.Options = _host.Options with { MaxFiles = 2 };
        _host.Open().Dispose();
        byte[] whole = File.ReadAllBytes(path), head = File.ReadAllBytes(heads);
        int start = before[path].Length, line = Array.IndexOf(whole, (byte)'\n', start) + 1;
        Assert.Equal([LogKinds.FilesRemoved, LogKinds.Checkpoint], _host.Lines(Path.GetFileName(path)).Select(LogHost.Parse).TakeLast(2).Select(l => l.Kind));
        for (int length = start; length <= whole.Length; length++)
        {
            _host.Restore(before);
            File.WriteAllBytes(heads, head);
            File.WriteAllBytes(path, whole[..length]);
            File.WriteAllBytes(_host.KeyPath, key);
            Assert.True(_host.Verify().IsGood, $"{length - start} bytes");
            _host.With(1).Good();
            Assert.NotEqual(oldest, _host.FileNames[0]);
            Assert.Equal(length == start || length == whole.Length ? 0 : 1, _host.All.Count(l => l.Kind == LogKinds.TornLine));
        }
        Assert.InRange(line, start + 1, whole.Length - 1);
    }

    [Fact]
    public void Open_RemovalWithLinesBehindItThatNobodySigned_IsRefused()
    {
        _host.Options = _host.Options with { MaxFileBytes = 4000 };
        _host.With(40);
        string newest = _host.FileNames[^1];
        LogLine last = LogHost.Parse(_host.Lines(newest)[^1]), removal = new(last.Sequence + 1, last.Time, LogKinds.FilesRemoved, [], LogLine.DigestOf(last.ToBytes()));
        _host.Write(newest, [.. _host.Lines(newest), LogHost.Text(removal), LogHost.Text(new LogLine(last.Sequence + 2, last.Time, "start-allowed", [], LogLine.DigestOf(removal.ToBytes())))]);

        EvidenceLogException refused = Assert.Throws<EvidenceLogException>(_host.Open);
        Assert.Equal("log-damaged", refused.Code);
        Assert.Contains($"line {removal.Sequence} says that a file was removed", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>The host's name for tokens is that key.</summary>
    [Theory]
    [InlineData(32)]
    [InlineData(2)]
    public void Open_KeyFileThatNamesAnotherFirstKey_IsRefused(int files)
    {
        _host.Options = _host.Options with { MaxFileBytes = 4000, MaxFiles = files };
        string own = _host.With(40).FirstKey, key = File.ReadAllText(_host.KeyPath, Encoding.Latin1);
        Assert.Equal(files == 2, File.Exists(Path.Combine(_host.Folder, LogFiles.Removed)));
        using (ISigner other = KeyFile.Generate(KeyAlgorithm.Ed25519))
            File.WriteAllText(_host.KeyPath, string.Join('\n', key.Split('\n').Select(l => l.StartsWith("first ", StringComparison.Ordinal) ? $"first {Convert.ToBase64String(other.PublicKey.Spki.Span)}" : l)), Encoding.Latin1);

        EvidenceLogException refused = Assert.Throws<EvidenceLogException>(_host.Open);
        Assert.Equal("log-damaged", refused.Code);
        Assert.Contains("begin with the key", refused.Message, StringComparison.Ordinal);
        File.WriteAllText(_host.KeyPath, key, Encoding.Latin1);
        _host.With(1).Good();
        Assert.Equal(own, _host.FirstKey);
    }

    [Fact]
    public void Open_FolderThatOthersWriteIn_IsRefused()
    {
        Directory.CreateDirectory(_host.Folder);
        File.SetUnixFileMode(_host.Folder, (UnixFileMode)0x1FF);
        Assert.Equal(EvidenceLogFault.Folder, Assert.Throws<EvidenceLogException>(_host.Open).Fault);
    }

    [Theory]
    [InlineData(LogDurability.Grouped)]
    [InlineData(LogDurability.EachLine)]
    [InlineData(LogDurability.Never)]
    public void Append_FromEightThreadsThroughRotations_KeepsEveryLineOnce(LogDurability durability)
    {
        const int threads = 8, each = 150;
        _host.Options = _host.Options with { Durability = durability, MaxFileBytes = 40_000, CheckpointLines = 50, MaxFiles = 100 };
        ConcurrentDictionary<long, string> written = new();
        using (EvidenceLogWriter log = _host.Open())
        {
            Thread[] all = [.. Enumerable.Range(0, threads).Select(t => new Thread(() =>
            {
                for (int i = 0; i < each; i++)
                    Assert.True(written.TryAdd(Some(log, i)("start-allowed", [LogField.Text("image", $"{t}-{i}")]), $"{t}-{i}"));
            }))];
            foreach (Thread thread in all)
                thread.Start();
            foreach (Thread thread in all)
                thread.Join();
        }

        _host.Good();
        Assert.True(_host.FileNames.Count > 5);
        Dictionary<long, string> read = _host.All.Where(l => l.Kind == "start-allowed").ToDictionary(l => l.Sequence, l => l.Text("image")!);
        Assert.Equal(threads * each, read.Count);
        Assert.Equal(written.OrderBy(w => w.Key), read.OrderBy(r => r.Key));
    }

    /// <summary>Both ways to append, in turn.</summary>
    private static Func<string, IReadOnlyList<LogField>, long> Some(EvidenceLogWriter log, int i) => i % 3 == 0 ? log.AppendSoon : log.Append;

    [Fact]
    public void AppendSoon_Lines_AreInTheFileAtOnceAndOnTheDiskWithTheNextThatIsWaitedFor()
    {
        int syncs = 0;
        _host.Options = _host.Options with { CheckpointLines = 100, OpenFile = path => new Hooked(path, null, () => syncs++) };
        using EvidenceLogWriter log = _host.Open();
        int before = syncs;

        log.AppendSoon("request-allowed", LogField.Text("image", "a"));
        log.AppendSoon("request-allowed", LogField.Text("image", "b"));
        Assert.Equal(before, syncs);
        Assert.Equal(["a", "b"], _host.All.Skip(1).Select(l => l.Text("image")!));

        Assert.Equal(4, log.Append("start-allowed"));
        Assert.Equal(before + 1, syncs);
        log.AppendSoon("request-allowed");
        log.Checkpoint();
        Assert.Equal(before + 2, syncs);
    }

    [Fact]
    public void AppendSoon_DiskFull_IsANamedErrorAndTheNextLineFollowsWithoutAGap()
    {
        bool full = false;
        _host.Options = _host.Options with { OpenFile = path => new Hooked(path, _ => { if (full) throw new IOException("No space left on device", 28); }, null) };
        using (EvidenceLogWriter log = _host.Open())
        {
            full = true;
            Assert.Equal("log-disk-full", Assert.Throws<EvidenceLogException>(() => log.AppendSoon("request-allowed")).Code);
            full = false;
            Assert.Equal(2, log.AppendSoon("request-allowed"));
        }

        _host.Good();
    }

    [Fact]
    public void Append_ManyThreadsAndASlowDisk_ShareSyncs()
    {
        int syncs = 0;
        using ManualResetEventSlim never = new();
        _host.Options = _host.Options with
        {
            CheckpointLines = 100_000,
            OpenFile = path => new Hooked(path, null, () =>
            {
                Interlocked.Increment(ref syncs);
                never.Wait(5);
            }),
        };
        using EvidenceLogWriter log = _host.Open();
        Thread[] all = [.. Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 20; i++)
                log.Append("start-allowed");
        }))];
        foreach (Thread thread in all)
            thread.Start();
        foreach (Thread thread in all)
            thread.Join();

        Assert.InRange(syncs, 20, 80);
        Assert.Equal(161, log.Sequence);
    }

    [Fact]
    public void Append_DiskFull_IsANamedErrorAndTheNextLineFollowsWithoutAGap()
    {
        bool full = false;
        _host.Options = _host.Options with { OpenFile = path => new Hooked(path, _ => ThrowIf(full), null) };
        using (EvidenceLogWriter log = _host.Open())
        {
            Assert.Equal(2, log.Append("start-allowed", LogField.Text("image", "before")));
            full = true;
            Assert.Equal("log-disk-full", Assert.Throws<EvidenceLogException>(() => log.Append("start-allowed", LogField.Text("image", "lost"))).Code);
            Assert.Throws<EvidenceLogException>(() => log.Checkpoint());
            Assert.Equal(2, log.Failures);
            full = false;
            Assert.Equal(3, log.Append("start-allowed", LogField.Text("image", "after")));
        }

        _host.Good();
        Assert.Equal(["before", "after"], _host.All.Where(l => l.Kind == "start-allowed").Select(l => l.Text("image")));

        static void ThrowIf(bool full)
        {
            if (full)
                throw new IOException("No space left on device", 28);
        }
    }

    [Fact]
    public void Append_DiskFullUnderLoad_EveryCallerKnowsWhetherItsLineIsThere()
    {
        int writes = 0;
        _host.Options = _host.Options with
        {
            MaxFileBytes = 20_000,
            CheckpointLines = 40,
            OpenFile = path => new Hooked(path, _ =>
            {
                if (Interlocked.Increment(ref writes) % 7 == 0)
                    throw new IOException("No space left on device", 28);
            }, null),
        };
        ConcurrentDictionary<long, string> written = new();
        int failed = 0;
        using (EvidenceLogWriter log = _host.Open())
        {
            Thread[] all = [.. Enumerable.Range(0, 6).Select(t => new Thread(() =>
            {
                for (int i = 0; i < 60; i++)
                    try
                    {
                        written[Some(log, i)("start-allowed", [LogField.Text("image", $"{t}-{i}")])] = $"{t}-{i}";
                    }
                    catch (EvidenceLogException e) when (e.Fault == EvidenceLogFault.DiskFull)
                    {
                        Interlocked.Increment(ref failed);
                    }
            }))];
            foreach (Thread thread in all)
                thread.Start();
            foreach (Thread thread in all)
                thread.Join();
        }

        Assert.True(failed > 0);
        _host.Good();
        Assert.Equal(written.OrderBy(w => w.Key), _host.All.Where(l => l.Kind == "start-allowed").Select(l => KeyValuePair.Create(l.Sequence, l.Text("image")!)).OrderBy(p => p.Key));
    }

    [Fact]
    public void Append_AfterASyncThatFailed_IsRefusedUntilTheLogIsOpenedAnew()
    {
        bool broken = false;
        _host.Options = _host.Options with
        {
            OpenFile = path => new Hooked(path, null, () =>
            {
                if (broken)
                    throw new IOException("Input/output error", 5);
            }),
        };
        using (EvidenceLogWriter log = _host.Open())
        {
            log.Append("start-allowed");
            broken = true;
            Assert.Equal(EvidenceLogFault.WriteFailed, Assert.Throws<EvidenceLogException>(() => log.Append("start-allowed")).Fault);
            broken = false;
            Assert.Equal(EvidenceLogFault.Closed, Assert.Throws<EvidenceLogException>(() => log.Append("start-allowed")).Fault);
        }

        _host.With(1).Good();
    }

    [Fact]
    public void Checkpoint_IntervalPassed_ComesByItself()
    {
        _host.Options = _host.Options with { CheckpointInterval = TimeSpan.FromMilliseconds(30), CheckpointLines = 1000 };
        using EvidenceLogWriter log = _host.Open();
        long line = log.Append("start-allowed");

        Assert.True(SpinWait.SpinUntil(() => log.LastCheckpoint?.Sequence > line, TimeSpan.FromSeconds(20)));
        Assert.Same(log.Checkpoint(), log.LastCheckpoint);
    }

    /// <summary>The key that signed a checkpoint is nowhere on the disk afterwards.</summary>
    [Fact]
    public void Checkpoint_UsedKeys_AreGone()
    {
        using EvidenceLogWriter log = _host.Open();
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (int i = 0; i < 4; i++)
        {
            log.Append("start-allowed");
            log.Checkpoint();
            string current = File.ReadAllLines(_host.KeyPath).Single(l => l.StartsWith("epoch-key ", StringComparison.Ordinal));
            Assert.True(seen.Add(current));
        }
        Assert.Equal(10, File.ReadAllLines(_host.KeyPath).Length);
        Assert.Equal(4L, log.LastCheckpoint!.Epoch + 1);
        Assert.Empty(Directory.EnumerateFiles(Path.GetDirectoryName(_host.KeyPath)!, ".*"));
    }

    [Fact]
    public void Dispose_Twice_AndAppendAfterIt_IsClosed()
    {
        EvidenceLogWriter log = _host.Open();
        log.Dispose();
        log.Dispose();
        Assert.Equal(EvidenceLogFault.Closed, Assert.Throws<EvidenceLogException>(() => log.Append("start-allowed")).Fault);
    }
}
