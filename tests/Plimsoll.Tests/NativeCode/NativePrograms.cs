using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.NativeCode;

/// <summary>The C programs of <c>native/</c>, built once into a temporary folder. Needs gcc.</summary>
public sealed class NativePrograms : IDisposable
{
    private readonly TempFolder _folder = new();

    public NativePrograms() => Tool.Run(Repository.At("scripts", "build-native"), [_folder.Path]);

    public string Launcher => _folder["plimsoll-launcher"];

    public string Front => _folder["plimsoll-front"];

    public void Dispose() => _folder.Dispose();
}

/// <summary>One after another: several of the tests take times.</summary>
[CollectionDefinition(nameof(NativeCollection), DisableParallelization = false)]
public sealed class NativeCollection : ICollectionFixture<NativePrograms>;

/// <summary>A unix socket whose connections a test serves, each on its own thread.</summary>
internal sealed class FakeServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Socket> _open = [];
    private readonly Action<int, NetworkStream> _serve;
    private int _connections;

    /// <param name="serve">Gets the number of the connection, from 0. The connection is closed when it returns.</param>
    public FakeServer(string path, Action<int, NetworkStream> serve)
    {
        _serve = serve;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(512);
        new Thread(Accept) { IsBackground = true }.Start();
    }

    /// <summary>A socket file that nobody listens on, as a killed process leaves it.</summary>
    public static void LeaveBehind(string path)
    {
        // The runtime removes the name that a socket was bound to.
        using (Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Bind(new UnixDomainSocketEndPoint(path + ".bound"));
            File.Move(path + ".bound", path);
        }
    }

    public int Connections => Volatile.Read(ref _connections);

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket socket = _listener.Accept();
                int number = Interlocked.Increment(ref _connections) - 1;
                lock (_open)
                    _open.Add(socket);
                new Thread(() => Serve(number, socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private void Serve(int number, Socket socket)
    {
        try
        {
            using NetworkStream stream = new(socket);
            _serve(number, stream);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The other side went.
        }
        socket.Dispose();
    }

    public void Dispose()
    {
        _listener.Dispose();
        lock (_open)
            foreach (Socket socket in _open)
                socket.Dispose();
    }
}

internal sealed record Ended(int Code, string Output, string Errors)
{
    /// <summary>Runs to the end.</summary>
    public static Ended Of(ProcessStartInfo start, string? input = null)
    {
        start.UseShellExecute = false;
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        process.WaitForExit();
        return new(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }
}

/// <summary>HTTP/1.1 as far as these tests need it, byte by byte.</summary>
internal static class PlainHttp
{
    /// <summary>First line, headers in lower case, and the body that Content-Length announces. Null at the end of the stream.</summary>
    public static (string First, Dictionary<string, string> Headers, byte[] Body)? Read(Stream stream)
    {
        string? first = Line(stream);
        if (first is null)
            return null;
        Dictionary<string, string> headers = new(StringComparer.Ordinal);
        while (Line(stream) is { Length: > 0 } line)
            headers[line[..line.IndexOf(':', StringComparison.Ordinal)].ToLowerInvariant()] = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        byte[] body = new byte[int.Parse(headers.GetValueOrDefault("content-length", "0"))];
        stream.ReadExactly(body);
        return (first, headers, body);
    }

    public static byte[] Request(string path, ReadOnlySpan<byte> body, string headers = "") =>
        [.. Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: plugin\r\n{headers}Content-Length: {body.Length}\r\n\r\n"), .. body];

    public static byte[] Answer(string json) => Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {Encoding.UTF8.GetByteCount(json)}\r\n\r\n{json}");

    private static string? Line(Stream stream)
    {
        StringBuilder line = new();
        for (int one; (one = stream.ReadByte()) >= 0;)
        {
            if (one == '\n')
                return line.ToString().TrimEnd('\r');
            line.Append((char)one);
        }
        return null;
    }
}
