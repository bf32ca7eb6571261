using System.Globalization;
using Plimsoll.Agent.Gate;
using Plimsoll.Agent.Plugin;
using Plimsoll.EvidenceLog;
using Plimsoll.Measure;
using Plimsoll.Texts;
using Plimsoll.Tpm;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent;

/// <summary>Every decision of the agent as a line of the evidence log and a number for Prometheus.</summary>
internal sealed class AgentLog : IDisposable
{
    /// <summary>Of a refused request's path and of the name in it, in characters: whoever may ask the daemon decides how long they are.</summary>
    private const int MaxRefused = 256;

    private readonly EvidenceLogWriter _lines;
    private readonly CountedRefusals _refusals;
    private readonly Metrics.Counter _decisions, _troubles, _reactions, _glass, _fetches;
    private readonly Metrics.Histogram _seconds;
    private readonly TextWriter _notes;
    private readonly Language _language;

    /// <exception cref="EvidenceLogException">The log cannot be opened; the agent does not run without it.</exception>
    /// <param name="counter">What checkpoints state; null: nothing new.</param>
    /// <param name="notes">Gets lines for the journal of the host.</param>
    /// <param name="language">Of the notes that are no lines of the log as well.</param>
    public AgentLog(AgentPaths paths, LogSettings settings, ILogCounter? counter, TimeProvider time, Metrics metrics, TextWriter notes, Language language)
    {
        (_notes, _language) = (notes, language);
        _lines = EvidenceLogWriter.Open(new EvidenceLogOptions { Folder = paths.Log, KeyFile = paths.LogKey, Time = time, Durability = settings.Durability, MaxFileBytes = settings.MaxFileBytes, MaxFiles = settings.MaxFiles, Counter = counter });
        Export(paths.LogPublicKey);
        _refusals = new CountedRefusals(time, (code, count, since) => Note("refusals-counted", LogField.Text("code", code), LogField.Number("count", count), LogField.Text("since", LogLine.Written(since))));
        _decisions = metrics.AddCounter("plimsoll_decisions_total", "Questions answered, by who asked, answer and code.", "gate", "answer", "code");
        _seconds = metrics.AddHistogram("plimsoll_decision_seconds", "How long an answer took.", Metrics.Seconds, "gate");
        _troubles = metrics.AddCounter("plimsoll_running_troubles_total", "Running containers that would not be allowed to start, each time they were seen.", "code");
        _reactions = metrics.AddCounter("plimsoll_running_reactions_total", "Running containers that were paused or stopped, or could not be.", "action", "result");
        _fetches = metrics.AddCounter("plimsoll_evidence_fetches_total", "Times that a registry was asked for an image's statements, by what came of it.", "result");
        _glass = metrics.AddCounter("plimsoll_break_glass_uses_total", "Starts that a token let through.");
        metrics.AddGauge("plimsoll_log_sequence", "Number of the evidence log's last line.", () => _lines.Sequence);
        metrics.AddGauge("plimsoll_log_failures", "Lines that could not be written.", () => _lines.Failures);
    }

    /// <summary>A start that was decided at the runtime. One that cannot be written down is refused.</summary>
    public Answer Decided(GateRecord record)
    {
        string code = CodeOf(record.Answer);
        _decisions.Add("runtime", record.Answer.Allowed ? "allow" : "deny", code);
        _seconds.Observe(record.Took.TotalSeconds, "runtime");
        IReadOnlyList<LogField> glass = [];
        if (record.Glass is { } use)
        {
            _glass.Add();
            glass =
            [
                LogField.Text("token", use.Token.Nonce), LogField.List("signers", use.Signers), LogField.List("overridden", use.Codes), LogField.Number("use", use.Use), LogField.Number("uses", use.Token.Uses),
                LogField.Text("not-after", BreakGlassToken.Written(use.Token.NotAfter)), LogField.Text("why", use.Token.Reason),
            ];
            Say($"start-overridden container={Escape.ForTerminal(record.Request.Container)} token={use.Token.Nonce} use={use.Use} overridden={string.Join(',', use.Codes)}");
        }
        return Append(record.Answer, record.Glass is not null ? "start-overridden" : record.Answer.Allowed ? "start-allowed" : "start-refused",
            [.. glass, LogField.Text("container", record.Request.Container), LogField.Text("runtime", record.Request.Runtime), LogField.Text("image", record.Image?.ToString()),
            LogField.List("names", record.Names), LogField.Text("measurement", record.Measured?.Value.ToString()), LogField.Text("policy", record.Policy), LogField.Text("reason", record.Answer.Text),
            .. Warnings(record.Warnings), LogField.Number("micros", (long)record.Took.TotalMicroseconds)]);
    }

    /// <param name="file">Name of a token that does not count; untrusted text.</param>
    public void Glass(string file, BreakGlassRefusal refusal) => Note("token-refused", LogField.Text("file", file), LogField.Text("code", refusal.Code), LogField.Text("reason", refusal.Text));

    /// <summary>The public key that the log begins with, PEM: this host's name for tokens.</summary>
    public string FirstKeyPem => _lines.FirstKeyPem;

    /// <summary>When the last line was written that was there before; null for a log that was begun now.</summary>
    public DateTimeOffset? LastTime => _lines.TimeFound;

    /// <summary>What the log stated last of a counter.</summary>
    public long? Counter => _lines.Counter;

    /// <summary>Signs what is there now; where that cannot be, the next line or minute does.</summary>
    public void Checkpoint()
    {
        try
        {
            _lines.Checkpoint();
        }
        catch (EvidenceLogException e)
        {
            Say(Catalogue.AgentLogTakesNoLine.With(e.Message));
        }
    }

    /// <summary>A request to the daemon. Those that only read and were allowed are counted and not written down, and so is what is refused too often in a minute.</summary>
    /// <exception cref="EvidenceLogException">It cannot be written down; the plugin denies then.</exception>
    public void Decided(PluginRecord record)
    {
        _decisions.Add("plugin", record.Allowed ? "allow" : "deny", record.Allowed ? "" : record.Code);
        _seconds.Observe(record.Took.TotalSeconds, "plugin");
        if (record.Allowed ? record.OnlyReads : _refusals.TryCount(record.Code))
            return;
        int most = record.Allowed ? LogField.MaxTextCharacters : MaxRefused;
        // Nothing runs by it yet: the start's own line, which is waited for, brings these to the disk.
        _lines.AppendSoon(record.Allowed ? "request-allowed" : "request-refused",
            [LogField.Text("method", record.Method), LogField.Text("uri", Shown(record.Uri), most), LogField.Text("endpoint", record.Endpoint), LogField.Text("user", record.Client.User),
            LogField.Text("subject", record.Subject, most), LogField.Text("image", record.Image?.ToString()), LogField.Text("policy", record.Verdict?.Policy),
            LogField.Text("code", record.Code), LogField.Text("reason", record.Text),
            .. Warnings(record.Warnings), LogField.Number("micros", (long)record.Took.TotalMicroseconds)]);
    }

    /// <summary>No field where there is nothing to say.</summary>
    private static LogField[] Warnings(IReadOnlyList<Reason> warnings) => warnings.Count == 0 ? [] : [LogField.List("warnings", warnings.Select(RuntimeGate.Said))];

    /// <summary>The path as it came, since its odd spellings are attacks; the query decoded, since a secret that is spelt in percent signs is not seen as one.</summary>
    internal static string Shown(string uri)
    {
        int query = uri.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? uri : uri[..query] + Uri.UnescapeDataString(uri[query..].Replace('+', ' '));
    }

    /// <summary>A public key beside the log, when it is begun; where it cannot be written the log is none the worse.</summary>
    private void Export(string path)
    {
        try
        {
            string key = _lines.FirstKeyPem;
            if (!File.Exists(path) || File.ReadAllText(path) != key)
                File.WriteAllText(path, key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Say(Catalogue.AgentKeyNotExported.With(path, e.Message));
        }
    }

    public void Extended(Extension extension, Measurement measurement) =>
        Note("measurement-extended", LogField.Text("image", measurement.Config.ToString()), LogField.Text("measurement", measurement.Value.ToString()),
            LogField.Text("target", extension.Target.ToString()), LogField.Number("extended", extension.Extended), LogField.Number("entries", extension.Entries));

    public void NotExtended(Measurement measurement, string code, string text) =>
        Note("measurement-not-extended", LogField.Text("image", measurement.Config.ToString()), LogField.Text("measurement", measurement.Value.ToString()), LogField.Text("code", code), LogField.Text("reason", text));

    /// <summary>What a registry answered; the same answer again is only counted.</summary>
    public void Fetched(FetchRecord record)
    {
        _fetches.Add(record.Problem is not null ? "failed" : record.Changed ? "fetched" : "unchanged");
        LogField[] asked = [LogField.Text("image", record.Image.ToString()), LogField.Text("registry", record.Source.Repository), LogField.Text("manifest", record.Source.Root.ToString())];
        if (record.Problem is { } problem)
            Note("evidence-not-fetched", [.. asked, LogField.Text("reason", problem), LogField.Number("micros", (long)record.Took.TotalMicroseconds)]);
        else if (record.Changed)
            Note("evidence-fetched", [.. asked, LogField.Number("statements", record.Statements), LogField.Number("bytes", record.Bytes), .. record.LeftOut is { } left ? (LogField[])[LogField.Text("reason", left)] : [], LogField.Number("micros", (long)record.Took.TotalMicroseconds)]);
    }

    public void Policy(PolicyState state) => Note(state.Signed is null ? "policy-refused" : "policy-loaded",
        LogField.Text("name", state.Signed?.Policy.Name), LogField.Number("counter", state.Signed?.Counter ?? 0), LogField.Text("key", state.Signed?.KeyId), LogField.Text("reason", state.Trouble?.ToString()));

    /// <summary>From now on the host takes policies of these keys and this name and no others.</summary>
    public void PolicyKeys(IReadOnlyList<string> ids, string name) => Note("policy-keys-kept", LogField.List("keys", ids), LogField.Text("name", name));

    /// <param name="changed">Null when the host is as it was installed again.</param>
    public void Host(string? changed) => Note(changed is null ? "host-restored" : "host-changed", LogField.Text("reason", changed));

    /// <summary>The record of what was installed is another.</summary>
    /// <param name="before">Its SHA-256 before; null when none was known.</param>
    public void Record(string? before, string now) => Note("install-record", LogField.Text("before", before), LogField.Text("now", now));

    /// <param name="others">All that there are now; empty when the last one went.</param>
    public void Others(IReadOnlyList<OtherDaemon> others) => Note("other-daemons", LogField.List("daemons", [.. others.Select(o => o.ToString())]));

    /// <param name="containers">All that there are now; empty when the last one went.</param>
    public void Foreign(IReadOnlyList<ForeignContainer> containers) => Note("foreign-containers", LogField.List("containers", [.. containers.Select(c => $"{c.Id} {c.Name}: {c.What}")]));

    /// <param name="isNew">One that was written down before is only counted.</param>
    public void Running(RunningTrouble trouble, bool isNew)
    {
        _troubles.Add(trouble.Code);
        if (isNew)
            Note("running-trouble", LogField.Text("container", trouble.Container ?? trouble.Own), LogField.Number("pid", trouble.Pid), LogField.Text("image", trouble.Image?.ToString()),
                LogField.Text("code", trouble.Code), LogField.Text("reason", trouble.Text));
    }

    /// <summary>A container of which there was trouble runs on, and there is none any more.</summary>
    public void Restored(RunningTrouble was) =>
        Note("running-restored", LogField.Text("container", was.Container ?? was.Own), LogField.Text("image", was.Image?.ToString()), LogField.Text("code", was.Code));

    /// <param name="problem">Null when it was done.</param>
    public void Acted(RunningTrouble trouble, RunningAction action, string? problem)
    {
        string kind = problem is not null ? "reaction-failed" : action == RunningAction.Pause ? "container-paused" : "container-stopped";
        _reactions.Add(action.Word(), problem is null ? "done" : "failed");
        Note(kind, LogField.Text("container", trouble.Container ?? trouble.Own), LogField.Text("image", trouble.Image?.ToString()), LogField.Text("action", action.Word()),
            LogField.Text("code", trouble.Code), LogField.Text("reason", problem ?? trouble.Text));
    }

    /// <summary>Something that no answer hangs on. Where it cannot be written the journal has it.</summary>
    /// <returns>Whether it was written.</returns>
    public bool Note(string kind, params IReadOnlyList<LogField> fields)
    {
        bool written = true;
        try
        {
            _lines.Append(kind, fields);
        }
        catch (EvidenceLogException e)
        {
            written = false;
            Say(Catalogue.AgentLogTakesNoLine.With(e.Message));
        }
        Say($"{kind} {string.Join(' ', fields.Select(f => (f.Name, Value: f.AsText ?? f.AsNumber?.ToString(CultureInfo.InvariantCulture) ?? string.Join(", ", f.AsList ?? []))).Where(f => f.Value.Length > 0).Select(f => $"{f.Name}={Escape.ForTerminal(f.Value)}"))}");
        return written;
    }

    /// <summary>A note for the journal of the host.</summary>
    public void Say(FilledText text) => Say(text.In(_language));

    /// <summary>As the other form, for what is English everywhere.</summary>
    public void Say(string text)
    {
        lock (_notes)
            _notes.WriteLine($"plimsoll-agent: {text}");
    }

    internal Answer Append(Answer answer, string kind, params IReadOnlyList<LogField> fields)
    {
        try
        {
            _lines.Append(kind, fields);
            return answer;
        }
        catch (EvidenceLogException e)
        {
            Say(Catalogue.AgentLogTakesNoLine.With(e.Message));
            return answer.Allowed ? Answer.Deny("log-failed", $"the evidence log takes no line: {Escape.ForTerminal(e.Message)}") : answer;
        }
    }

    /// <summary><c>plimsoll: CODE: text</c></summary>
    internal static string CodeOf(Answer answer) => answer.Allowed ? "" : answer.Text.Split(": ", 3) is ["plimsoll", var code, ..] ? code : "other";

    public void Dispose()
    {
        _refusals.Dispose();
        _lines.Dispose();
    }
}
