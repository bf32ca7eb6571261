using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Plimsoll.TestKit;

/// <summary>Speaks clamd's session protocol as a test wants it to, wrongly too.</summary>
public sealed class FakeClamd : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Socket> _open = [];
    private readonly Func<int, byte[], string?> _answer;
    private int _scans;

    /// <param name="answer">
    /// Gets the number of the content over all sessions, from 0, and the content; what it says follows <c>N: stream: </c>. Null says nothing
    /// and leaves the session open; an empty text closes it; one that begins with <c>!</c> is sent as it stands.
    /// </param>
    public FakeClamd(Func<int, byte[], string?> answer, string version = "ClamAV 9.9.9/12345/Sat Jan  1 00:00:00 2022")
    {
        (_answer, Version) = (answer, version);
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public string Path => _folder["socket"];

    public string Version { get; }

    public int Scans => Volatile.Read(ref _scans);

    public int Sessions { get; private set; }

    /// <summary>What a right clamd says of the EICAR test file and of everything else.</summary>
    public static string Honest(byte[] content) => content.Length == 68 && content.AsSpan().StartsWith("X5O!"u8) ? "Eicar-Test-Signature FOUND" : "OK";

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket session = _listener.Accept();
                Sessions++;
                lock (_open)
                    _open.Add(session);
                new Thread(() => Serve(session)) { IsBackground = true }.Start();
            }
        }
        catch (SocketException)
        {
            // Disposed.
        }
        catch (ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private void Serve(Socket session)
    {
        try
        {
            using NetworkStream stream = new(session);
            for (int number = 0; ; number++)
            {
                string command = ReadCommand(stream);
                if (command == "zIDSESSION")
                {
                    // The loop's step makes the first command number 1.
                    number = 0;
                    continue;
                }
                if (command == "zEND")
                    break;
                string? said = command == "zVERSION" ? Version : Scan(stream);
                if (said is null)
                    continue;
                if (said.Length == 0)
                    break;
                stream.Write(Encoding.UTF8.GetBytes(said[0] == '!' ? said[1..] : $"{number}: {said}\0"));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The other side went.
        }
        session.Dispose();
    }

    private string? Scan(NetworkStream stream)
    {
        using MemoryStream content = new();
        byte[] head = new byte[4];
        while (true)
        {
            stream.ReadExactly(head);
            int length = BinaryPrimitives.ReadInt32BigEndian(head);
            if (length == 0)
                break;
            byte[] chunk = new byte[length];
            stream.ReadExactly(chunk);
            content.Write(chunk);
        }
        string? said = _answer(Interlocked.Increment(ref _scans) - 1, content.ToArray());
        return said is { Length: > 0 } && said[0] != '!' ? $"stream: {said}" : said;
    }

    private static string ReadCommand(NetworkStream stream)
    {
        StringBuilder command = new();
        int one;
        while ((one = stream.ReadByte()) > 0)
            command.Append((char)one);
        return one < 0 ? "zEND" : command.ToString();
    }

    public void Dispose()
    {
        _listener.Dispose();
        lock (_open)
            foreach (Socket session in _open)
                session.Dispose();
        _folder.Dispose();
    }
}
