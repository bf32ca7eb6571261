using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Agent.Plugin;

/// <summary>Answers GET requests on a unix socket, keeps connections open, and asks its plugin about each request first when it has one.</summary>
internal sealed class FakeDockerd : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();

    public FakeDockerd()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen(16);
        _ = AcceptAsync();
    }

    public string SocketPath => _folder["docker.sock"];

    /// <summary>Answers by path; what is not there is 404.</summary>
    public ConcurrentDictionary<string, string> Answers { get; } = new(StringComparer.Ordinal);

    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>Time before each answer.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Asked with each request's message; what is not allowed is 403.</summary>
    public Func<DockerdMessage, Task<bool>>? Plugin { get; set; }

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
        try
        {
            await using NetworkStream stream = new(socket, ownsSocket: true);
            using StreamReader reader = new(stream, Encoding.ASCII, false, 1024, leaveOpen: true);
            while (await reader.ReadLineAsync(_stop.Token) is { } line)
            {
                Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } header)
                    headers[header.Split(": ", 2)[0]] = header.Split(": ", 2)[1];
                string path = line.Split(' ')[1];
                Requests.Enqueue(path);
                await Task.Delay(Delay, _stop.Token);
                bool allowed = Plugin is null || await Plugin(DockerdMessage.Get(path) with { Headers = headers });
                string body = Answers.GetValueOrDefault(path) ?? """{"message":"No such thing"}""";
                int status = !allowed ? 403 : Answers.ContainsKey(path) ? 200 : 404;
                byte[] bytes = Encoding.UTF8.GetBytes(body);
                string head = string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {bytes.Length}\r\n\r\n");
                await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. bytes], _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The client went, or the test is over.
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _folder.Dispose();
    }
}
