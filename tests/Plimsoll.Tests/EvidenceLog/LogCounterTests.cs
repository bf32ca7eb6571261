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
        return EvidenceLogVerifier.Verify(_host.Folder, first, null, counter, TestContext.Current.CancellationToken);
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
