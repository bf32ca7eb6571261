using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Gate;

/// <summary>Answers launchers on a unix socket. The protocol: docs/formats/gate-protocol.md.</summary>
internal sealed class GateServer : IDisposable
{
    private const int MaxRequestBytes = 16 * 1024, MaxTextBytes = 1000, MaxClients = 256;

    /// <summary>Threads that wait for launchers. A container waits for its answer, so that none is made for it first.</summary>
    private const int MaxIdle = 2;
    private const int SolSocket = 1, SoPeerCred = 17;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(1), Patience = TimeSpan.FromSeconds(5);

    private readonly Func<GateRequest, CancellationToken, Answer> _decide;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _path;
    private readonly Action<string> _trouble;
    private readonly Lock _counting = new();
    private readonly HashSet<Socket> _waiting = [];
    private readonly Timer _beat;
    private int _clients, _idle;

    /// <param name="trouble">Told of what went wrong with a client, for the log.</param>
    /// <exception cref="SocketException">The socket cannot be made.</exception>
    public GateServer(string path, Func<GateRequest, CancellationToken, Answer> decide, Action<string> trouble)
    {
        (_path, _decide, _trouble) = (path, decide, trouble);
        File.Delete(path);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _listener.Listen(MaxClients);
        _beat = new Timer(_ => TellToWait(), null, Heartbeat, Heartbeat);
        for (int i = 0; i < MaxIdle; i++)
            AddThread();
    }

    /// <summary>One for all: a timer for each would wake a thread beside the container that starts.</summary>
    private void TellToWait()
    {
        // Nobody is answered meanwhile, so that no line comes after an answer; and a launcher that does not read keeps nobody else waiting.
        lock (_waiting)
            foreach (Socket client in _waiting)
                TrySend(client, "wait\n", waits: false);
    }

    private void AddThread()
    {
        lock (_counting)
            _idle++;
        new Thread(Accept, 512 * 1024) { IsBackground = true, Name = "gate" }.Start();
    }

    private void Accept()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = _listener.Accept();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (_stop.IsCancellationRequested)
                    return;
                _trouble($"gate: {e.Message}");
                _stop.Token.WaitHandle.WaitOne(Heartbeat);
                continue;
            }
            bool last, served;
            lock (_counting)
                (last, served) = (--_idle == 0, ++_clients <= MaxClients);
            if (last)
                AddThread();
            if (served)
                Serve(client);
            else
                // The launcher takes the closed connection as a refusal.
                client.Dispose();
            lock (_counting)
            {
                _clients--;
                if (_idle == MaxIdle)
                    return;
                _idle++;
            }
        }
    }

    private void Serve(Socket client)
    {
        try
        {
            using (client)
            {
                client.ReceiveTimeout = client.SendTimeout = (int)Patience.TotalMilliseconds;
                (int pid, int user) = PeerOf(client);
                // The folder is root's alone; who got in all the same is no launcher.
                if (user != 0)
                    return;
                lock (_waiting)
                    _waiting.Add(client);
                Answer answer;
                try
                {
                    answer = Read(client, pid) is { } request ? Decide(request) : Answer.Deny("protocol", "the launcher's question was not understood; launcher and agent are of different versions");
                }
                finally
                {
                    lock (_waiting)
                        _waiting.Remove(client);
                }
                TrySend(client, answer.Allowed ? "allow\n" : $"deny {OneLine(answer.Text)}\n");
            }
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            _trouble($"gate: {e.Message}");
        }
    }

    private Answer Decide(GateRequest request)
    {
        try
        {
            return _decide(request, _stop.Token);
        }
        // A refusal is the one safe answer to whatever went wrong here, and the host goes on.
        catch (Exception e)
        {
            _trouble($"gate: {e}");
            return Answer.Deny("agent-failed", $"the agent could not decide: {Escape.ForTerminal(e.Message)}");
        }
    }

    private static GateRequest? Read(Socket client, int pid)
    {
        byte[] bytes = new byte[MaxRequestBytes];
        int length = 0;
        while (true)
        {
            int got = client.Receive(bytes, length, bytes.Length - length, SocketFlags.None);
            if (got == 0)
                return null;
            length += got;
            if (bytes.AsSpan(0, length).EndsWith("\n\n"u8))
                break;
            if (length == bytes.Length)
                return null;
        }
        string[] lines = Encoding.UTF8.GetString(bytes, 0, length).Split('\n');
        return lines is ["plimsoll-gate 1", var verb, var runtime, var container, ['/', ..] bundle, "", ""] && !bundle.Contains('\uFFFD', StringComparison.Ordinal)
            ? new GateRequest(verb, runtime, container, bundle, pid) : null;
    }

    /// <param name="waits">Until the launcher takes it; otherwise one that does not is sent nothing.</param>
    private static void TrySend(Socket client, string line, bool waits = true)
    {
        try
        {
            if (waits || client.Poll(0, SelectMode.SelectWrite))
                client.Send(Encoding.UTF8.GetBytes(line));
        }
        catch (SocketException)
        {
            // The launcher gave up; it refused the start by that.
        }
    }

    /// <summary>At most so many bytes of UTF-8, without what would end the line.</summary>
    private static string OneLine(string text)
    {
        byte[] line = Encoding.UTF8.GetBytes(text.ReplaceLineEndings(" "));
        int length = line.Length <= MaxTextBytes ? line.Length : MaxTextBytes - "…"u8.Length;
        // Not in the middle of a character.
        while (length < line.Length && (line[length] & 0xc0) == 0x80)
            length--;
        return Encoding.UTF8.GetString(line, 0, length) + (length < line.Length ? "…" : "");
    }

    private static (int Pid, int User) PeerOf(Socket client)
    {
        Span<byte> credentials = stackalloc byte[12];
        int length = client.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
        return length == credentials.Length ? (BinaryPrimitives.ReadInt32LittleEndian(credentials), BinaryPrimitives.ReadInt32LittleEndian(credentials[4..]))
            : throw new IOException("the kernel does not say who is at the other end");
    }

    public void Dispose()
    {
        _stop.Cancel();
        _beat.Dispose();
        _listener.Dispose();
        File.Delete(_path);
        _stop.Dispose();
    }
}
