using System.Globalization;
using System.Text;
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
    /// <summary>Kinds of lines of the evidence log; the first three are reasons of refusals as well.</summary>
    public const string RolledBack = "log-rolled-back", Lost = "log-counter-lost", Refused = "log-counter-refused", Begun = "log-counter-begun", Accepted = "log-counter-accepted", Unavailable = "log-counter-unavailable", Restored = "log-counter-restored";

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

    private Denial? _trouble;

    /// <summary>Codes of troubles that the log has a line of since all was well.</summary>
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
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
    public void Start(AgentLog log, long? stated)
    {
        (_log, _stated) = (log, stated);
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

    /// <summary>Why nothing may start; null: nothing is wrong or known to be, or it is only to be reported.</summary>
    public Denial? Trouble
    {
        get
        {
            AwaitFirstLook();
            lock (_gate)
                return _settings.Refuse ? _trouble : null;
        }
    }

    /// <summary>No look succeeded since the agent began, and that matters.</summary>
    public bool IsUnknown
    {
        get
        {
            AwaitFirstLook();
            lock (_gate)
                return _settings.Refuse && _held is null;
        }
    }

    /// <summary>As far as is known now; waits for nothing.</summary>
    public bool IsWrong
    {
        get
        {
            lock (_gate)
                return _trouble is not null;
        }
    }

    private void AwaitFirstLook()
    {
        if (FirstLook - _time.GetElapsedTime(_begun) is var left && left > TimeSpan.Zero)
            _looked.Wait(left);
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
        Acceptance? accepted = null;
        lock (_gate)
            if (_trouble is null && _held is { } held)
            {
                if ((_stated ?? held) <= held)
                    return Timeout.InfiniteTimeSpan;
                if (!_ends && _counted is { } last && _settings.CountEvery - _time.GetElapsedTime(last) is var rest && rest > TimeSpan.Zero)
                    return rest;
            }
        // It may be the right TPM again.
        if (_trouble is not null && (accepted = Acceptance.Find(_paths, Acceptance.Counter)) is null && _time.GetElapsedTime(_asked) < Again)
            return AcceptedEvery;
        _asked = _time.GetTimestamp();
        try
        {
            bool wasWrong = _silent || _trouble is not null;
            Look(accepted);
            if (accepted is not null)
                Acceptance.Remove(_paths, Acceptance.Counter);
            else if (wasWrong && _trouble is null)
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
    private void Look(Acceptance? accepted)
    {
        using TpmClient tpm = _settings.Open(Patience, _stop.Token);
        long? stated;
        lock (_gate)
            stated = _stated;
        (long? held, string? unusable) = Find(tpm);
        if (held is not null && stated - 1 == held && !TryCount(tpm, stated, ref held))
            return;
        if (WrongWith(stated, held, unusable) is { } wrong)
        {
            Keep(wrong, stated, held);
            if (accepted is null ? _settings.Refuse : accepted.Of != Of(stated, held))
                return;
            LogField[] numbers = Numbers(stated, held);
            if (held is null && !TryCount(tpm, stated, ref held))
                return;
            // What an administrator accepted holds once it is written down.
            if (accepted is not null && !_log!.Note(Accepted, [LogField.Text("by", accepted.By), .. numbers]))
                return;
            Settle(held!.Value);
            _log!.Checkpoint();
        }
        else if (held is null)
        {
            if (!TryCount(tpm, stated, ref held))
                return;
            Note(Begun, Numbers(null, held));
            Settle(held!.Value);
            // From now on, not from the first minute on.
            _log!.Checkpoint();
        }
        else
            Settle(held.Value);
    }

    /// <returns>False: the TPM answers and does not count, which is kept as what is wrong.</returns>
    private bool TryCount(TpmClient tpm, long? stated, ref long? held)
    {
        try
        {
            held = NvCounter.Increment(tpm, _index, NvCounter.ByOwner, _stop.Token);
            _counted = _time.GetTimestamp();
            return true;
        }
        catch (TpmException e) when (IsAnswer(e))
        {
            Keep(new(Refused, $"the {Name} is not counted up: {Escape.ForTerminal(e.Message)}{Auth}"), stated, held);
            return false;
        }
    }

    private static bool IsAnswer(TpmException e) => e.Error is not (TpmError.Unreachable or TpmError.Timeout);

    /// <summary>What the TPM says; or why it does not, though it answers.</summary>
    private (long? Held, string? Unusable) Find(TpmClient tpm)
    {
        try
        {
            return (NvCounter.Find(tpm, _index, _stop.Token), null);
        }
        catch (TpmException e) when (IsAnswer(e))
        {
            return (null, Escape.ForTerminal(e.Message));
        }
    }

    private Denial? WrongWith(long? stated, long? held, string? unusable) =>
        stated is null
            ? held is not null ? new(RolledBack, $"no checkpoint of the log states a counter, and the {Name} stands at {held}: an older copy of the log was put back, the log was begun anew, or another log was counted here{Way}")
                : unusable is not null ? new(Refused, $"the {Name} cannot be asked: {unusable}{Auth}") : null
            : held is null ? new(Lost, $"the log's last checkpoint states {stated}, and there is no {Name}: {unusable ?? "it was removed, or this is another TPM"}{Way}")
            : stated < held ? new(RolledBack, $"the log's last checkpoint states {stated}, and the {Name} stands at {held}: an older copy of the log was put back, or somebody else counted{Way}")
            : stated - 1 > held ? new(Lost, $"the log's last checkpoint states {stated}, and the {Name} stands at {held}: it was made anew, or this is another TPM{Way}")
            : null;

    private string Name => $"counter 0x{_index:x8} of the TPM";

    private const string Way = "; once that is explained: plimsoll-agent counter --accept", Auth = "; where the TPM's owner has a password, --tpm-auth gives it to the agent";

    /// <summary>What an acceptance must be of: a copy that is put back brings none that fits.</summary>
    private static string Of(long? stated, long? held) => string.Create(CultureInfo.InvariantCulture, $"stated {stated?.ToString(CultureInfo.InvariantCulture) ?? "nothing"}, held {held?.ToString(CultureInfo.InvariantCulture) ?? "nothing"}");

    private LogField[] Numbers(long? stated, long? held) =>
        [LogField.Text("index", $"0x{_index:x8}"), .. stated is { } s ? (LogField[])[LogField.Number("stated", s)] : [], .. held is { } h ? (LogField[])[LogField.Number("held", h)] : []];

    private void Settle(long held)
    {
        lock (_gate)
            (_held, _trouble) = (held, null);
        _told.Clear();
        Tell(null);
    }

    private void Keep(Denial wrong, long? stated, long? held)
    {
        lock (_gate)
            _trouble = wrong;
        Tell($"{wrong}\n{Of(stated, held)}\n");
        if (_told.Add(wrong.Code))
            Note(wrong.Code, [.. Numbers(stated, held), LogField.Text("reason", wrong.Text)]);
    }

    /// <summary>For <c>plimsoll-agent status</c> and <c>counter</c>; nothing hangs on it.</summary>
    private void Tell(string? wrong)
    {
        try
        {
            if (wrong is null)
                File.Delete(_paths.CounterTrouble);
            else
                DurableFile.Write(_paths.CounterTrouble, Encoding.UTF8.GetBytes(wrong), DurableFile.OwnerOnly);
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
