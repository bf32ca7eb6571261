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
        if (record is null)
        {
            say("not installed");
            return 3;
        }
        Say("installed", $"version {Escape.ForTerminal(record.Version)}, {record.Time.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}, {record.Files.Count} files");
        if (Directory.Exists(options.At(Path.Combine(options.Records, "journal"))))
            Bad("installed", "a run was interrupted; install or uninstall takes it back");
        foreach ((string path, string digest) in record.Files)
            if (!File.Exists(options.At(path)))
                Bad("file", $"{Escape.ForTerminal(path)} is gone");
            else if (InstallRecord.DigestOfFile(options.At(path)) != digest)
                Bad("file", $"{Escape.ForTerminal(path)} is not what was installed");
        Configuration(record);
        foreach ((string path, string digest) in record.Engines)
            if (!File.Exists(options.At(path)) || InstallRecord.DigestOfFile(options.At(path)) != digest)
                Bad("runtime", $"{Escape.ForTerminal(path)} is not what it was when the gate was installed; starts are refused until install runs again");
        Daemon(record, cancellationToken);
        Answers("front", (options with { Plugin = record.Plugin }).PluginSocket, "POST /Plugin.Activate HTTP/1.1\r\nHost: plimsoll\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", said => said.Contains("\"authz\"", StringComparison.Ordinal), cancellationToken);
        Answers("agent", options.Paths.GateSocket, null, _ => true, cancellationToken);
        Policy();
        Host();
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
                Say("daemon.json", "names the plugin, the launchers and the default runtime");
            else
                Bad("daemon.json", $"{name} does not hold the gate");
        }
        catch (InstallException e)
        {
            Bad("daemon.json", e.Message);
        }
    }

    /// <summary>What the daemon that runs was told, whatever the file says now.</summary>
    private void Daemon(InstallRecord record, CancellationToken cancellationToken)
    {
        string? answer = Ask(options.Paths.DockerSocket, "GET /info HTTP/1.0\r\nHost: docker\r\n\r\n", cancellationToken, out string trouble);
        int body = answer?.IndexOf("\r\n\r\n", StringComparison.Ordinal) ?? -1;
        if (answer is null || body < 0)
        {
            Bad("dockerd", trouble.Length > 0 ? trouble : "no HTTP answer");
            return;
        }
        if (!DaemonInfo.TryRead(Encoding.UTF8.GetBytes(answer[(body + 4)..]), out DaemonInfo? info))
        {
            Bad("dockerd", answer.Split(' ') is ["HTTP/1.0" or "HTTP/1.1", "403", ..] ? $"its plugins do not let it say how it is set up: {Escape.Quote(answer[(body + 4)..])}" : $"its answer is not understood: {Escape.Quote(answer[(body + 4)..])}");
            return;
        }
        string[] wrong = [.. info.Differences(record.Runtimes, record.Plugin)];
        foreach (string text in wrong)
            Bad("dockerd", text);
        if (wrong.Length == 0)
            Say("dockerd", "runs with the plugin, the launchers and the default runtime");
    }

    private void Answers(string name, string socket, string? request, Func<string, bool> isGood, CancellationToken cancellationToken)
    {
        string? answer = Ask(socket, request, cancellationToken, out string trouble);
        if (answer is not null && isGood(answer))
            Say(name, "answers");
        else
            Bad(name, trouble.Length > 0 ? trouble : $"answers {Escape.Quote(answer)}");
    }

    private string? Ask(string socket, string? request, CancellationToken cancellationToken, out string trouble)
    {
        trouble = "";
        cancellationToken.ThrowIfCancellationRequested();
        // The base library's own word for it is a wrong address.
        if (!Path.Exists(options.At(socket)))
        {
            trouble = $"{socket} is not there";
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
            trouble = $"{socket}: {Escape.ForTerminal(e.Message)}";
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
                Bad("policy", $"{(File.Exists(policy) ? options.Paths.PolicyKey : options.Paths.Policy)} is not there: no start is allowed");
                return;
            }
            keys.AddRange(KeyFile.ReadPublicKeys(Encoding.UTF8.GetString(SmallFile.ReadRegular(key, MaxKeyBytes) ?? []), options.Paths.PolicyKey));
            SignedPolicy signed = SignedPolicy.Open(SmallFile.ReadRegular(policy, SignedPolicy.MaxBytes) ?? [], options.Paths.Policy, keys, options.Paths.PolicyKey);
            TimeSpan age = options.Time.GetUtcNow() - signed.Signed;
            Say("policy", string.Create(CultureInfo.InvariantCulture, $"{Escape.Quote(signed.Policy.Name)}, counter {signed.Counter}, signed {signed.Signed.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ} ({(int)age.TotalDays} days ago)"));
            Registries(signed.Policy.Start?.Evidence ?? EvidenceSources.None);
        }
        catch (Exception e) when (e is SignedPolicyException or DocumentException or KeyException or IOException or UnauthorizedAccessException)
        {
            Bad("policy", Escape.ForTerminal(e.Message));
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
        string last = File.Exists(path) && SmallFile.ReadRegular(path, MaxKeyBytes) is { } line ? Encoding.UTF8.GetString(line).Trim() : "none was asked yet";
        Say("registries", $"{Escape.ForTerminal(string.Join(", ", evidence.Registries))}; last: {Escape.ForTerminal(last)}");
        if (Path.Exists(credentials) && !OwnFiles.IsSecretFile(credentials))
            Bad("registries", $"{credentials} is no file of root's that nobody else may read (chmod 600), and is not used");
    }

    /// <summary>What tokens call this host.</summary>
    private void Host()
    {
        string path = options.At(Path.Combine(options.Paths.State, "log.pub"));
        try
        {
            if (File.Exists(path) && SmallFile.ReadRegular(path, MaxKeyBytes) is { } pem)
                Say("host", $"id {BreakGlass.HostIdOf(Encoding.UTF8.GetString(pem))}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or KeyException)
        {
            Bad("host", Escape.ForTerminal(e.Message));
        }
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
            Say("log", $"line {last?.Sequence ?? 0}; last checkpoint {(checkpoint is null ? "before the newest file" : $"at line {checkpoint.Sequence}, {LogLine.Written(checkpoint.Time)}")} (not proved)");
        }
        catch (EvidenceLogException e)
        {
            Bad("log", $"{e.Code}: {Escape.ForTerminal(e.Message)}");
        }
    }

    /// <summary>What else starts containers here, and which containers are not the gate's.</summary>
    private void Others(InstallRecord record)
    {
        // Processes are those of this machine, whatever folder was installed below.
        foreach (string other in options.InstallRoot == "/" ? OtherDaemons.Find(options.Paths.DockerSocket) : [])
            Say("others", $"{Escape.ForTerminal(other)} starts containers past the gate");
        foreach (ForeignContainer container in ForeignContainers.Find(options.At(options.Paths.DataRoot), [.. record.Runtimes.Select(r => r.Name)], options.At(options.Paths.State)))
            Bad("container", $"{container.Id[..Math.Min(12, container.Id.Length)]} {Escape.Quote(container.Name)} {container.What}");
    }

    private void Say(string label, string text)
    {
        _lines.Add(new StatusLine(label, true, text));
        say($"{label.PadRight(LabelColumn)}{text}");
    }

    private void Bad(string label, string text)
    {
        _good = false;
        _lines.Add(new StatusLine(label, false, text));
        say($"{label.PadRight(LabelColumn)}✗ {text}");
    }
}

/// <summary>One thing that was looked at.</summary>
internal sealed record StatusLine(string Label, bool Good, string Text);
