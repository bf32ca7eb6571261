using System.Text;
using Plimsoll.EvidenceLog;
using Plimsoll.Keys;

namespace Plimsoll.Tests.EvidenceLog;

/// <summary>Checkpoints beside a number that only goes up, as a TPM's does.</summary>
public sealed class LogCounterTests : IDisposable
{
    /// <summary>A number that goes up as soon as it may, unless it is stopped.</summary>
    private sealed class Number : ILogCounter
    {
        public long Held { get; set; } = 7;
        public bool IsStopped { get; set; }
        public bool IsKnown { get; set; } = true;

        public long? Next => IsKnown ? Held + 1 : null;

        public void Written(long value) => Held = IsStopped ? Held : value;
    }

    private readonly LogHost _host = new();
    private readonly Number _number = new();

    public LogCounterTests() => _host.Options = _host.Options with { MaxFileBytes = 4000, Counter = _number };

    public void Dispose() => _host.Dispose();

    private LogVerdict Verify(Func<long?> counter)
    {
        using PublicKey first = KeyFile.ReadPublic(_host.FirstKey, "first");
        return EvidenceLogVerifier.Verify(_host.Folder, first, null, mayBeOlder: false, counter, TestContext.Current.CancellationToken);
    }

    private void Bad(LogFindingKind kind, string says, Func<long?>? counter = null)
    {
        LogVerdict verdict = Verify(counter ?? (() => _number.Held));
        Assert.True(verdict.Findings.Any(f => f.Kind == kind && f.IsFault && f.Detail.Contains(says, StringComparison.Ordinal)), string.Join('\n', verdict.Findings));
    }

    private void Good()
    {
        LogVerdict verdict = Verify(() => _number.Held);
        Assert.True(verdict.IsGood, string.Join('\n', verdict.Findings));
    }

    private long[] Stated() => [.. _host.All.Select(l => (l.Kind, Counter: l.Number("counter"))).Where(l => l.Kind == LogKinds.Checkpoint).Select(l => l.Counter!.Value)];

    [Fact]
    public void Checkpoints_OfSeveralFiles_StateEachValueOnceAndTheLogIsGood()
    {
        _host.With(70);

        Assert.True(_host.FileNames.Count > 3);
        Assert.Equal(Enumerable.Range(8, Stated().Length).Select(n => (long)n), Stated());
        Assert.Equal(Stated()[^1], _number.Held);
        Good();
        // It may go up while the log is read.
        int asked = 0;
        Assert.True(Verify(() => _number.Held - 1 + asked++).IsGood);
    }

    [Fact]
    public void OlderCopy_OfLogAndKey_IsFoundAlsoAfterItWentOn()
    {
        _host.With(10);
        Dictionary<string, byte[]> files = _host.Keep();
        byte[] key = File.ReadAllBytes(_host.KeyPath);
        _host.With(20);
        Good();

        _host.Restore(files);
        File.WriteAllBytes(_host.KeyPath, key);
        Assert.True(_host.Verify().IsGood);
        Bad(LogFindingKind.RolledBack, "the checkpoints in between were written and are gone");

        _host.With(3);
        Bad(LogFindingKind.RolledBack, "the counter says");
        Assert.False(_host.Verify().IsGood);
    }

    /// <summary>A crash between the checkpoint and the counter, and a TPM that is gone for long.</summary>
    [Fact]
    public void Counter_ThatDoesNotGoUp_LeavesTheLogOneAheadAndGood()
    {
        _host.With(10);
        _number.IsStopped = true;
        _host.With(20);

        Assert.Equal(_number.Held + 1, Stated()[^1]);
        Assert.True(Stated().Count(c => c == _number.Held + 1) > 1);
        Good();
    }

    [Fact]
    public void Counter_ThatIsNotKnown_IsStatedAsBeforeAlsoOverFiles()
    {
        _host.With(10);
        long last = _number.Held;
        _number.IsKnown = false;
        _host.With(20);
        _host.Options = _host.Options with { Counter = null };
        using (EvidenceLogWriter log = _host.Open())
            Assert.Equal(last, log.Counter);

        Assert.Equal(last, Stated()[^1]);
        Good();
    }

    [Fact]
    public void Open_FileWithoutACheckpoint_KnowsTheCounterOfTheOneBefore()
    {
        _host.Options = _host.Options with { CheckpointLines = 1000 };
        byte[] key = [];
        using (EvidenceLogWriter log = _host.Open())
            while (_host.FileNames.Count < 2)
            {
                log.Append("start-allowed", LogField.Text("image", new string('x', 500)));
                key = File.ReadAllBytes(_host.KeyPath);
            }
        // As after a crash behind the second file's first line.
        File.WriteAllBytes(_host.KeyPath, key);
        _host.Write(_host.FileNames[^1], _host.Lines(_host.FileNames[^1])[..1]);
        Assert.Single(Stated());

        using EvidenceLogWriter again = _host.Open();
        Assert.Equal((8, null), (again.Counter, again.LastCheckpoint));
    }

    /// <summary>An older copy that was put back with one line more, which states what the counter stands at.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_CheckpointThatNobodySigned_IsRefused(bool keyFollows)
    {
        _host.Options = _host.Options with { MaxFileBytes = 1 << 20 };
        _host.With(10);
        _host.Open().Dispose();
        string file = _host.FileNames[^1];
        List<string> lines = _host.Lines(file);
        LogLine last = LogHost.Parse(lines[^1]), forged = last with
        {
            Sequence = last.Sequence + 1,
            Previous = LogLine.DigestOf(Encoding.UTF8.GetBytes(lines[^1])),
            Fields = [.. last.Fields.Select(f => f.Name == "counter" ? LogField.Number("counter", 4711) : f)],
        };
        Assert.Equal(LogKinds.Checkpoint, last.Kind);
        _host.Write(file, [.. lines, LogHost.Text(forged)]);
        if (keyFollows)
        {
            string key = File.ReadAllText(_host.KeyPath, Encoding.Latin1);
            string moved = key.Replace($"\nsequence {last.Sequence}\n", $"\nsequence {forged.Sequence}\n", StringComparison.Ordinal).Replace(forged.Previous, LogLine.DigestOf(forged.ToBytes()), StringComparison.Ordinal);
            Assert.NotEqual(key, moved);
            File.WriteAllText(_host.KeyPath, moved, Encoding.Latin1);
        }

        EvidenceLogException refused = Assert.Throws<EvidenceLogException>(() => _host.Open().Dispose());
        Assert.Equal(EvidenceLogFault.Damaged, refused.Fault);
        Assert.Contains($"line {forged.Sequence} is not signed", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FirstLineOfAFileThatNobodySigned_IsRefused()
    {
        _host.With(10);
        byte[] key = [];
        int files = _host.FileNames.Count;
        using (EvidenceLogWriter log = _host.Open())
            while (_host.FileNames.Count == files)
            {
                log.Append("start-allowed", LogField.Text("image", new string('x', 500)));
                key = File.ReadAllBytes(_host.KeyPath);
            }
        File.WriteAllBytes(_host.KeyPath, key);
        string file = _host.FileNames[^1];
        LogLine head = LogHost.Parse(_host.Lines(file)[0]);
        _host.Write(file, [LogHost.Text(head with { Fields = [.. head.Fields.Select(f => f.Name == "counter" ? LogField.Number("counter", 4711) : f)] })]);

        Assert.Contains("is not signed", Assert.Throws<EvidenceLogException>(() => _host.Open().Dispose()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Counter_OfAnother_IsTold()
    {
        _host.With(10);
        Bad(LogFindingKind.CounterSetBack, "it is another one, or was made anew", () => 3);
        Bad(LogFindingKind.CounterSetBack, "there is no such counter", () => null);
        Bad(LogFindingKind.RolledBack, "stands at 1000", () => 1000);
    }

    [Fact]
    public void Log_ThatStatesNoCounter_IsNoCopyOfTheCountedOne()
    {
        _host.Options = _host.Options with { Counter = null };
        _host.With(10);
        Bad(LogFindingKind.RolledBack, "no checkpoint states a counter");
    }
}
