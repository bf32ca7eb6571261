using System.Net.Sockets;
using System.Text;

namespace Plimsoll.TestKit;

/// <summary>Listens on a unix socket and answers each HTTP request as the test says, however wrong that is.</summary>
public sealed class FakeDaemon : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string _folder = Directory.CreateTempSubdirectory("plimsoll-fake-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<string, Stream, CancellationToken, Task> _answer;

    /// <param name="answer">Gets the request's path and the connection, which is closed afterwards.</param>
    public FakeDaemon(Func<string, Stream, CancellationToken, Task> answer)
    {
        _answer = answer;
        SocketPath = Path.Combine(_folder, "sock");
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen(16);
        _ = AcceptAsync();
    }

    public string SocketPath { get; }

    /// <summary>Requests that came, without their version prefix.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>A whole answer with its length.</summary>
    public static byte[] Answer(int status, string body, string headers = "Content-Type: application/json") =>
        Encoding.UTF8.GetBytes($"HTTP/1.1 {status} X\r\n{headers}\r\nConnection: close\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    /// <summary>The answer to <c>/_ping</c>.</summary>
    public static byte[] Ping { get; } = Answer(200, "OK", "Api-Version: 1.41");

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await using NetworkStream stream = new(socket, ownsSocket: true);
        try
        {
            StringBuilder head = new();
            byte[] one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, _stop.Token) == 1)
                head.Append((char)one[0]);
            string path = head.ToString().Split(' ') is [_, string p, ..] ? p : "";
            lock (Requests)
                Requests.Add(path);
            await _answer(path, stream, _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The client gave up, which is what many tests wait for.
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
