using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Plimsoll.Agent.Gate;
using Plimsoll.EvidenceLog;
using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Install;

/// <summary><c>plimsoll-agent status</c>: what is installed, whether dockerd runs with it, and whether both gates answer.</summary>
/// <param name="say">Gets a line for people at a time.</param>
internal sealed class InstallStatus(InstallOptions options, Action<string> say)
{
    /// <summary>Of an answer. A daemon with hundreds of plugins and runtimes stays far below.</summary>
    private const int MaxAnswerBytes = 4 << 20;

    private const int MaxKeyBytes = 64 * 1024, PatienceMilliseconds = 5000, LabelColumn = 12;

    private readonly List<StatusLine> _lines = [];
    private bool _good = true;

    /// <summary>What was said, in its order.</summary>
    public IReadOnlyList<StatusLine> Lines => _lines;

    /// <returns>0 all is as it should be, 1 something is not, 3 nothing is installed.</returns>
    public int Run(CancellationToken cancellationToken)
    {
        InstallRecord? record = InstallRecord.Read(options);
        if (record is null && InstallRecord.FindNote(options) is not null)
        {
            Bad("installed", Catalogue.AgentRecordGone.With(Path.Combine(options.Records, InstallRecord.FileName)));
            return 1;
        }
        if (record is null)
        {
            say(Catalogue.AgentNotInstalled.In(options.Language));
            return 3;
        }
        Say("installed", Catalogue.AgentInstalled.With(Escape.ForTerminal(record.Version), Written(record.Time), record.Files.Count));
        if (Directory.Exists(options.At(Path.Combine(options.Records, "journal"))))
            Bad("installed", Catalogue.AgentRunInterrupted);
        foreach ((string path, string digest) in record.Files)
            if (!File.Exists(options.At(path)))
                Bad("file", Catalogue.AgentFileGone.With(Escape.ForTerminal(path)));
            else if (InstallRecord.DigestOfFile(options.At(path)) != digest)
                Bad("file", Catalogue.AgentFileOther.With(Escape.ForTerminal(path)));
        Configuration(record);
        foreach ((string path, string digest) in record.Engines)
            if (!File.Exists(options.At(path)) || InstallRecord.DigestOfFile(options.At(path)) != digest)
                Bad("runtime", Catalogue.AgentRuntimeOther.With(Escape.ForTerminal(path)));
        Daemon(record, cancellationToken);
        Answers("front", (options with { Plugin = record.Plugin }).PluginSocket, "POST /Plugin.Activate HTTP/1.1\r\nHost: plimsoll\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", said => said.Contains("\"authz\"", StringComparison.Ordinal), cancellationToken);
        Answers("agent", options.Paths.GateSocket, null, _ => true, cancellationToken);
        Policy();
        Host();
        Clock();
        Counter();
        Log(cancellationToken);
        Others(record);
        return _good ? 0 : 1;
    }

    private void Configuration(InstallRecord record)
    {
        try
        {
            string name = record.DaemonJson ?? options.DaemonJson, path = options.At(name);
            byte[]? now = File.Exists(path) ? SmallFile.ReadRegular(path, DaemonJson.MaxBytes) : null;
            if (now is not null && new DaemonJson(record.Runtimes, record.Plugin).IsIn(now, name))
                Say("daemon.json", Catalogue.AgentJsonRight);
            else
                Bad("daemon.json", Catalogue.AgentJsonWrong.With(name));
        }
        catch (InstallException e)
        {
            Bad("daemon.json", e.Told);
        }
    }

    /// <summary>What the daemon that runs was told, whatever the file says now.</summary>
    private void Daemon(InstallRecord record, CancellationToken cancellationToken)
    {
        string? answer = Ask(options.Paths.DockerSocket, "GET /info HTTP/1.0\r\nHost: docker\r\n\r\n", cancellationToken, out FilledText? trouble);
        int body = answer?.IndexOf("\r\n\r\n", StringComparison.Ordinal) ?? -1;
        if (answer is null || body < 0)
        {
            Bad("dockerd", trouble ?? Catalogue.AgentNoHttpAnswer);
            return;
        }
        if (!DaemonInfo.TryRead(Encoding.UTF8.GetBytes(answer[(body + 4)..]), out DaemonInfo? info))
        {
            Bad("dockerd", (answer.Split(' ') is ["HTTP/1.0" or "HTTP/1.1", "403", ..] ? Catalogue.AgentInfoDenied : Catalogue.AgentInfoUnknown).With(Escape.Quote(answer[(body + 4)..])));
            return;
        }
        if (!info.Plugins.Contains(record.Plugin, StringComparer.Ordinal))
            info = info with { AsksUs = IsAsked(record.Plugin, cancellationToken) };
        FilledText[] wrong = [.. info.Differences(record.Runtimes, record.Plugin)];
        foreach (FilledText text in wrong)
            Bad("dockerd", text);
        if (wrong.Length == 0)
            Say("dockerd", Catalogue.AgentDaemonRight);
    }

    /// <summary>Whether the daemon has our plugin say no to what nobody may have: a container of no image, for a runtime that does not exist.</summary>
    private bool IsAsked(string plugin, CancellationToken cancellationToken)
    {
        const string wanted = """{"Image":"plimsoll-status.invalid/nothing:none","HostConfig":{"Runtime":"plimsoll-status"}}""";
        string? answer = Ask(options.Paths.DockerSocket, $"POST /containers/create HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {wanted.Length}\r\n\r\n{wanted}", cancellationToken, out _);
        return answer?.Split(' ') is [_, "403", ..] && answer.Contains($"authorization denied by plugin {plugin}:", StringComparison.Ordinal);
    }

    private void Answers(string name, string socket, string? request, Func<string, bool> isGood, CancellationToken cancellationToken)
    {
        string? answer = Ask(socket, request, cancellationToken, out FilledText? trouble);
        if (answer is not null && isGood(answer))
            Say(name, Catalogue.AgentAnswers);
        else
            Bad(name, trouble ?? Catalogue.AgentAnswersOther.With(Escape.Quote(answer)));
    }

    private string? Ask(string socket, string? request, CancellationToken cancellationToken, out FilledText? trouble)
    {
        trouble = null;
        cancellationToken.ThrowIfCancellationRequested();
        // The base library's own word for it is a wrong address.
        if (!Path.Exists(options.At(socket)))
        {
            trouble = Catalogue.AgentSocketGone.With(socket);
            return null;
        }
        try
        {
            using Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { SendTimeout = PatienceMilliseconds, ReceiveTimeout = PatienceMilliseconds };
            connection.Connect(new UnixDomainSocketEndPoint(options.At(socket)));
            if (request is null)
                return "";
            connection.Send(Encoding.ASCII.GetBytes(request));
            using MemoryStream answer = new();
            byte[] buffer = new byte[16 * 1024];
            // Of one that sends a byte now and then: the answer as a whole has an end as well.
            long end = options.Time.GetTimestamp();
            for (int got; (got = connection.Receive(buffer)) > 0 && answer.Length < MaxAnswerBytes && options.Time.GetElapsedTime(end).TotalMilliseconds < 2 * PatienceMilliseconds;)
                answer.Write(buffer, 0, got);
            return Encoding.UTF8.GetString(answer.GetBuffer(), 0, (int)answer.Length);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            trouble = FilledText.Verbatim($"{socket}: {Escape.ForTerminal(e.Message)}");
            return null;
        }
    }

    private void Policy()
    {
        List<PublicKey> keys = [];
        try
        {
            string policy = options.At(options.Paths.Policy), key = options.At(options.Paths.PolicyKey);
            if (!File.Exists(policy) || !File.Exists(key))
            {
                Bad("policy", Catalogue.AgentPolicyGone.With(File.Exists(policy) ? options.Paths.PolicyKey : options.Paths.Policy));
                return;
            }
            keys.AddRange(KeyFile.ReadPublicKeys(Encoding.UTF8.GetString(SmallFile.ReadRegular(key, MaxKeyBytes) ?? []), options.Paths.PolicyKey));
            SignedPolicy signed = SignedPolicy.Open(SmallFile.ReadRegular(policy, SignedPolicy.MaxBytes) ?? [], options.Paths.Policy, keys, options.Paths.PolicyKey);
            string known = options.At(options.Paths.PolicyKeysKnown);
            if (File.Exists(known) && !File.ReadLines(known).Contains(signed.KeyId, StringComparer.Ordinal))
            {
                Bad("policy", Catalogue.AgentPolicyKeyChanged.With(options.Paths.PolicyKeysKnown));
                return;
            }
            if (File.Exists(known) && KnownPolicyKeys.FindName(File.ReadLines(known)) is { } name && name != signed.Policy.Name)
            {
                Bad("policy", Catalogue.AgentPolicyRenamed.With(Escape.Quote(signed.Policy.Name), Escape.Quote(name), options.Paths.PolicyKeysKnown));
                return;
            }
            TimeSpan age = options.Time.GetUtcNow() - signed.Signed;
            Say("policy", Catalogue.AgentPolicyHeld.With(Escape.Quote(signed.Policy.Name), signed.Counter, Written(signed.Signed), (int)age.TotalDays));
            Registries(signed.Policy.Start?.Evidence ?? EvidenceSources.None);
        }
        catch (Exception e) when (e is SignedPolicyException or DocumentException or KeyException or IOException or UnauthorizedAccessException)
        {
            Bad("policy", FilledText.Verbatim(Escape.ForTerminal(e.Message)));
        }
        finally
        {
            keys.ForEach(k => k.Dispose());
        }
    }

    private void Registries(EvidenceSources evidence)
    {
        if (evidence.Registries.Count == 0)
            return;
        string path = options.At(options.Paths.LastFetch), credentials = options.At(Path.Combine(options.Paths.Registry, "config.json"));
        string named = Escape.ForTerminal(string.Join(", ", evidence.Registries));
        Say("registries", File.Exists(path) && SmallFile.ReadRegular(path, MaxKeyBytes) is { } line ? Catalogue.AgentRegistries.With(named, Escape.ForTerminal(Encoding.UTF8.GetString(line).Trim())) : Catalogue.AgentRegistriesUnasked.With(named));
        if (Path.Exists(credentials) && !OwnFiles.IsSecretFile(credentials))
            Bad("registries", Catalogue.AgentCredentialsOpen.With(credentials));
    }

    /// <summary>What tokens call this host.</summary>
    private void Host()
    {
        string path = options.At(Path.Combine(options.Paths.State, "log.pub"));
        try
        {
            if (File.Exists(path) && SmallFile.ReadRegular(path, MaxKeyBytes) is { } pem)
                Say("host", Catalogue.AgentHostId.With(BreakGlass.HostIdOf(Encoding.UTF8.GetString(pem))));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or KeyException)
        {
            Bad("host", FilledText.Verbatim(Escape.ForTerminal(e.Message)));
        }
    }

    private void Clock()
    {
        if (HostClock.TroubleOf(options.At(options.Paths.Clock), options.Time.GetUtcNow()) is { } wrong)
            Bad("clock", wrong);
    }

    private void Counter()
    {
        if (Acceptance.TroubleOf(options.At(options.Paths.CounterTrouble)) is { } wrong)
            Bad("counter", FilledText.Verbatim(wrong.Text));
    }

    private void Log(CancellationToken cancellationToken)
    {
        try
        {
            LogLine? last = null, checkpoint = null;
            foreach (LogLine line in EvidenceLogReader.ReadNewest(options.At(options.Paths.Log), cancellationToken))
            {
                last = line;
                if (line.Kind == LogKinds.Checkpoint)
                    checkpoint = line;
            }
            Say("log", checkpoint is null ? Catalogue.AgentLogLineOnly.With(last?.Sequence ?? 0) : Catalogue.AgentLogLine.With(last?.Sequence ?? 0, checkpoint.Sequence, LogLine.Written(checkpoint.Time)));
        }
        catch (EvidenceLogException e)
        {
            Bad("log", FilledText.Verbatim($"{e.Code}: {Escape.ForTerminal(e.Message)}"));
        }
    }

    /// <summary>What else starts containers here, and which containers are not the gate's.</summary>
    private void Others(InstallRecord record)
    {
        // Processes are those of this machine, whatever folder was installed below.
        foreach (OtherDaemon other in options.InstallRoot == "/" ? OtherDaemons.Find(options.Paths.DockerSocket) : [])
            Say("others", Catalogue.AgentOther.With(other.Told));
        foreach (ForeignContainer container in ForeignContainers.Find(options.At(options.Paths.DataRoot), [.. record.Runtimes.Select(r => r.Name)], options.At(options.Paths.State)))
            Bad("container", new Text("{0} {1} {2}", "{0} {1} {2}").With(container.Id[..Math.Min(12, container.Id.Length)], Escape.Quote(container.Name), container.What));
    }

    private static string Written(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private void Say(string label, FilledText text) => Tell(new StatusLine(label, true, text));

    private void Bad(string label, FilledText text)
    {
        _good = false;
        Tell(new StatusLine(label, false, text));
    }

    private void Tell(StatusLine line)
    {
        _lines.Add(line);
        say($"{DisplayWidth.Fit(Catalogue.AgentLabel(line.Label).In(options.Language), LabelColumn)}{(line.Good ? "" : "✗ ")}{line.Text.In(options.Language)}");
    }
}

/// <summary>One thing that was looked at.</summary>
internal sealed record StatusLine(string Label, bool Good, FilledText Text);
