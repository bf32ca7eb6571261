using Plimsoll.Agent.Plugin;
using Plimsoll.EvidenceLog;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Agent.Gate;

/// <summary>
/// Counts the evidence log's checkpoints in a TPM, so that an older copy of everything that is put back is behind the TPM. A thread of its own asks the TPM: neither a line of the
/// log nor a start waits for it, but for the first look of all, a moment after the agent began.
/// </summary>
/// <remarks>A checkpoint states a number before the TPM goes up to it, so that a crash in between leaves the log one ahead, which the next look makes good; behind it is never by itself.</remarks>
internal sealed class CheckpointCounter : ILogCounter, IDisposable
{
    /// <summary>Kinds of lines of the evidence log; the first two are reasons of refusals as well.</summary>
    public const string RolledBack = "log-rolled-back", Lost = "log-counter-lost", Begun = "log-counter-begun", Accepted = "log-counter-accepted", Unavailable = "log-counter-unavailable", Restored = "log-counter-restored";

    /// <summary>For a TPM's answer; for starts that come before the first look is over; and for the last count when the agent ends.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10), FirstLook = TimeSpan.FromSeconds(2), LastCount = TimeSpan.FromSeconds(5);

    /// <summary>Between two looks at a TPM that did not answer, and at whether somebody accepted what is wrong.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(10), AcceptedEvery = TimeSpan.FromMilliseconds(500);

    private readonly AgentPaths _paths;
    private readonly TpmSettings _settings;
    private readonly uint _index;
    private readonly TimeProvider _time;
    private readonly long _begun;
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _looked = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private AgentLog? _log;

    /// <summary>What the log states, on the disk; what the TPM stands at. Null: nothing, and not known.</summary>
    private long? _stated, _held;

    /// <summary>The log had a checkpoint when the agent opened it.</summary>
    private bool _isOld;
    private Denial? _trouble;
    private long? _counted;
    private long _asked;
    private volatile bool _ends;
    private bool _silent;

    public CheckpointCounter(AgentPaths paths, TpmSettings settings, uint index, TimeProvider time)
    {
        (_paths, _settings, _index, _time, _begun) = (paths, settings, index, time, time.GetTimestamp());
        _thread = new Thread(Watch) { IsBackground = true, Name = "checkpoint counter" };
    }

    /// <summary>Begins to ask the TPM.</summary>
    /// <param name="stated">What the log stated last.</param>
    /// <param name="isOld">The log has a checkpoint.</param>
    public void Start(AgentLog log, long? stated, bool isOld)
    {
        (_log, _stated, _isOld) = (log, stated, isOld);
        _thread.Start();
    }

    public long? Next
    {
        get
        {
            lock (_gate)
                return _trouble is null ? _held + 1 : null;
        }
    }

    public void Written(long value)
    {
        lock (_gate)
            _stated = value;
        _wake.Set();
    }

    /// <summary>What is wrong between log and TPM; null: nothing, or nothing is known.</summary>
    public Denial? Trouble
    {
        get
        {
            if (FirstLook - _time.GetElapsedTime(_begun) is var left && left > TimeSpan.Zero)
                _looked.Wait(left);
            lock (_gate)
                return _trouble;
        }
    }

    private void Watch()
    {
        while (!_stop.IsCancellationRequested)
        {
            TimeSpan rest = Turn();
            if (_ends)
                return;
            WaitHandle.WaitAny([_stop.Token.WaitHandle, _wake], rest);
        }
    }

    /// <returns>When to look again, unless something comes before.</returns>
    private TimeSpan Turn()
    {
        bool accepted = false;
        lock (_gate)
            if (_trouble is null && _held is { } held)
            {
                if ((_stated ?? held) <= held)
                    return Timeout.InfiniteTimeSpan;
                if (!_ends && _counted is { } last && _settings.CountEvery - _time.GetElapsedTime(last) is var rest && rest > TimeSpan.Zero)
                    return rest;
            }
        // It may be the right TPM again.
        if (_trouble is not null && !(accepted = Acceptance.Find(_paths, Acceptance.Counter) is not null) && _time.GetElapsedTime(_asked) < Again)
            return AcceptedEvery;
        _asked = _time.GetTimestamp();
        try
        {
            bool wasWrong = _silent || _trouble is not null;
            Look(accepted);
            if (wasWrong && _trouble is null && !accepted)
                Note(Restored);
            _silent = false;
            return _trouble is null ? TimeSpan.Zero : AcceptedEvery;
        }
        catch (Exception e) when (e is TpmException or IOException or UnauthorizedAccessException or FormatException)
        {
            if (!_silent)
                Note(Unavailable, LogField.Text("reason", Escape.ForTerminal(e.Message)));
            _silent = true;
            return Again;
        }
        catch (OperationCanceledException)
        {
            // The agent ends.
            return Again;
        }
        finally
        {
            _looked.Set();
        }
    }

    /// <summary>Asks the TPM, and counts up where a checkpoint on the disk is ahead of it.</summary>
    private void Look(bool accepted)
    {
        using TpmClient tpm = _settings.Open(Patience, _stop.Token);
        long? stated;
        lock (_gate)
            stated = _stated;
        (long? held, string? unusable) = Find(tpm, stated);
        if (held is not null && stated - 1 == held)
            held = Count();
        if (WrongWith(stated, held, unusable) is { } wrong)
        {
            if (_trouble is null)
                Note(wrong.Code, [.. Numbers(stated, held), LogField.Text("reason", wrong.Text)]);
            if (accepted ? !Accept(stated, held) : _settings.Refuse)
            {
                Keep(wrong);
                return;
            }
            held ??= Count();
            Settle(held.Value);
            _log!.Checkpoint();
        }
        else if (held is null || (stated is null && _held is null))
        {
            held ??= Count();
            Note(Begun, Numbers(null, held));
            Settle(held.Value);
            // From now on, not from the first minute on.
            _log!.Checkpoint();
        }
        else
            Settle(held.Value);

        long Count()
        {
            long now = NvCounter.Increment(tpm, _index, NvCounter.ByOwner, _stop.Token);
            _counted = _time.GetTimestamp();
            return now;
        }
    }

    /// <summary>A TPM that answers and does not give the number has lost it for a log that states one; where the log states none, that is the want of an answer.</summary>
    private (long? Held, string? Unusable) Find(TpmClient tpm, long? stated)
    {
        try
        {
            return (NvCounter.Find(tpm, _index, _stop.Token), null);
        }
        catch (TpmException e) when (stated is not null && e.Error is not (TpmError.Unreachable or TpmError.Timeout))
        {
            return (null, Escape.ForTerminal(e.Message));
        }
    }

    private Denial? WrongWith(long? stated, long? held, string? unusable)
    {
        string name = $"counter 0x{_index:x8} of the TPM";
        return stated is null
            ? held is not null && _isOld ? new(RolledBack, $"no checkpoint of the log states a counter, and the {name} stands at {held}: an older copy of the log was put back, or another log was counted here{Way}") : null
            : held is null ? new(Lost, $"the log's last checkpoint states {stated}, and there is no {name}: {unusable ?? "it was removed, or this is another TPM"}{Way}")
            : stated < held ? new(RolledBack, $"the log's last checkpoint states {stated}, and the {name} stands at {held}: an older copy of the log was put back, or somebody else counted{Way}")
            : stated - 1 > held ? new(Lost, $"the log's last checkpoint states {stated}, and the {name} stands at {held}: it was made anew, or this is another TPM{Way}")
            : null;
    }

    private const string Way = "; once that is explained: plimsoll-agent counter --accept";

    /// <summary>What an administrator accepted is written down first.</summary>
    private bool Accept(long? stated, long? held) => Acceptance.Find(_paths, Acceptance.Counter) is { } by && _log!.Note(Accepted, [LogField.Text("by", by), .. Numbers(stated, held)]);

    private LogField[] Numbers(long? stated, long? held) =>
        [LogField.Text("index", $"0x{_index:x8}"), .. stated is { } s ? (LogField[])[LogField.Number("stated", s)] : [], .. held is { } h ? (LogField[])[LogField.Number("held", h)] : []];

    private void Settle(long held)
    {
        lock (_gate)
            (_held, _trouble) = (held, null);
        Tell(null);
        Acceptance.Remove(_paths, Acceptance.Counter);
    }

    private void Keep(Denial wrong)
    {
        lock (_gate)
            _trouble = wrong;
        Tell(wrong);
    }

    /// <summary>For <c>plimsoll-agent status</c> and <c>counter</c>; nothing hangs on it.</summary>
    private void Tell(Denial? wrong)
    {
        try
        {
            if (wrong is null)
                File.Delete(_paths.CounterTrouble);
            else
                DurableFile.Write(_paths.CounterTrouble, System.Text.Encoding.UTF8.GetBytes(wrong + "\n"), DurableFile.OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The log has it.
        }
    }

    private void Note(string kind, params IReadOnlyList<LogField> fields)
    {
        if (!_ends)
            _log!.Note(kind, fields);
    }

    /// <summary>Counts what the log wrote last, where the TPM answers in time; where not, the next start of the agent does.</summary>
    public void Dispose()
    {
        _ends = true;
        _wake.Set();
        if (!_thread.Join(LastCount))
        {
            _stop.Cancel();
            // The kernel may hold it for as long as a TPM takes; the process ends all the same.
            if (!_thread.Join(LastCount))
                return;
        }
        _wake.Dispose();
        _looked.Dispose();
        _stop.Dispose();
    }
}
