using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.NativeCode;

/// <summary>A running front, with an agent that a test serves.</summary>
internal sealed class FrontHost : IDisposable
{
    public const string Activate = "/Plugin.Activate", Request = "/AuthZPlugin.AuthZReq", Response = "/AuthZPlugin.AuthZRes";
    public const string Allow = "{\"Allow\":true}";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TempFolder _folder = new();
    private readonly string _program;
    private FakeServer? _agent;

    public FrontHost(NativePrograms programs, int deadline = 1000, Action<int, NetworkStream>? serve = null, bool start = true)
    {
        (_program, Deadline) = (programs.Front, deadline);
        if (serve is not null)
            Serve(serve);
        if (start)
            Start();
    }

    public int Deadline { get; }

    public string this[string name] => _folder[name];

    public string ListenSocket => _folder["front.sock"];

    public string AgentSocket => _folder["agent.sock"];

    public Process? Process { get; private set; }

    public int AgentConnections => _agent?.Connections ?? 0;

    /// <summary>An agent that gives these answers to the questions of each connection, one each, or the last for ever.</summary>
    public static Action<int, NetworkStream> Answering(params byte[][] answers) => (_, stream) =>
    {
        for (int i = 0; PlainHttp.Read(stream) is not null; i++)
            stream.Write(answers[Math.Min(i, answers.Length - 1)]);
    };

    public void Serve(Action<int, NetworkStream> serve)
    {
        StopAgent();
        _agent = new FakeServer(AgentSocket, serve);
    }

    public void StopAgent()
    {
        _agent?.Dispose();
        _agent = null;
        File.Delete(AgentSocket);
    }

    public void Start()
    {
        ProcessStartInfo start = new(_program, ["--listen", ListenSocket, "--agent", AgentSocket, "--deadline", $"{Deadline}"]) { UseShellExecute = false };
        Process = Process.Start(start)!;
        long began = Stopwatch.GetTimestamp();
        while (!CanConnect())
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience && !Process.HasExited, "the front did not start");
    }

    public NetworkStream Connect()
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = (int)Patience.TotalMilliseconds };
        socket.Connect(new UnixDomainSocketEndPoint(ListenSocket));
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>One request on a connection of its own; the body of the answer, which must be 200.</summary>
    public string Ask(string path = Request, string body = "{}")
    {
        using NetworkStream stream = Connect();
        return Ask(stream, path, body);
    }

    public static string Ask(NetworkStream stream, string path = Request, string body = "{}")
    {
        stream.Write(PlainHttp.Request(path, Encoding.UTF8.GetBytes(body)));
        return Answer(stream);
    }

    public static string Answer(NetworkStream stream)
    {
        var answer = PlainHttp.Read(stream);
        Assert.NotNull(answer);
        Assert.Equal("HTTP/1.1 200 OK", answer.Value.First);
        Assert.Equal("application/vnd.docker.plugins.v1.2+json", answer.Value.Headers["content-type"]);
        return Encoding.UTF8.GetString(answer.Value.Body);
    }

    /// <summary>The message of a denial; null when the answer allows.</summary>
    public static string? Denial(string answer)
    {
        using JsonDocument document = JsonDocument.Parse(answer);
        return document.RootElement.GetProperty("Allow").GetBoolean() ? null : document.RootElement.GetProperty("Msg").GetString();
    }

    /// <summary>A value of /proc/PID/status in KiB.</summary>
    public long Status(string name) => long.Parse(File.ReadLines($"/proc/{Process!.Id}/status").Single(line => line.StartsWith(name + ":", StringComparison.Ordinal)).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1]);

    /// <summary>Memory is given back after the answer is sent, and a loaded machine takes its time: what it comes down to, KiB.</summary>
    public long SettledMemory(long wanted)
    {
        long start = Stopwatch.GetTimestamp(), now;
        while ((now = Status("VmRSS")) > wanted && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10))
            Thread.Sleep(10);
        return now;
    }

    public Ended RunAnother() => Ended.Of(new ProcessStartInfo(_program, ["--listen", ListenSocket, "--agent", AgentSocket]));

    private bool CanConnect()
    {
        try
        {
            Connect().Dispose();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        if (Process is { HasExited: false })
        {
            Process.Kill();
            Process.WaitForExit();
        }
        Process?.Dispose();
        _agent?.Dispose();
        _folder.Dispose();
    }
}
