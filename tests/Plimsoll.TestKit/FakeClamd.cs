using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.TestKit;

/// <summary>Speaks clamd's session protocol as a test wants it to, wrongly too.</summary>
public sealed class FakeClamd : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Socket> _open = [];
    private readonly Func<int, byte[], string?> _answer;
    private int _scans, _streamed, _handed, _named;

    /// <param name="answer">
    /// Gets the number of the content over all sessions, from 0, and the content; what it says follows <c>N: stream: </c>, or what else clamd calls
    /// a content. Null says nothing and leaves the session open; an empty text closes it; one that begins with <c>!</c> is sent as it stands,
    /// with <c>#</c> after the number alone.
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

    /// <summary>Whether it was built to take descriptors.</summary>
    public bool TakesDescriptors { get; init; } = true;

    /// <summary>Asked of each descriptor: null lets it be read, anything else is the answer, as of the function that answers.</summary>
    public Func<SafeFileHandle, string?>? OnDescriptor { get; init; }

    /// <summary>Asked of each path before the file is read.</summary>
    public Action<string>? OnPath { get; init; }

    /// <summary>Contents by the way in which they came.</summary>
    public int Streamed => Volatile.Read(ref _streamed);

    public int Handed => Volatile.Read(ref _handed);

    public int Named => Volatile.Read(ref _named);

    /// <summary>What a right clamd says of the EICAR test file and of everything else; archives it does not unpack.</summary>
    public static string Honest(byte[] content) => content.Length == 68 && content.AsSpan().StartsWith("X5O!"u8) ? "Eicar-Test-Signature FOUND" : "OK";

    /// <summary>As a right clamd that unpacks archives and passes in silence over what is longer than its MaxFileSize.</summary>
    public static string Honest(byte[] content, long maxFileBytes) =>
        content.Length > maxFileBytes ? "OK"
        : content.AsSpan().IndexOf("evil"u8) >= 0 ? "Evil FOUND"
        : content.Length > 512 && content.AsSpan(257).StartsWith("ustar"u8) && content.AsSpan(512).StartsWith("X5O!"u8) ? "Eicar-Test-Signature FOUND"
        : Honest(content);

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
            using DescriptorSocket stream = new(session);
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
                string? said = command switch
                {
                    "zVERSION" => Version,
                    "zINSTREAM" => Answer("stream", ReadStream(stream), ref _streamed),
                    "zFILDES" when TakesDescriptors => ScanDescriptor(stream),
                    _ when command.StartsWith("zSCAN ", StringComparison.Ordinal) => ScanPath(command["zSCAN ".Length..]),
                    _ => "Command invalid inside IDSESSION. ERROR",
                };
                if (said is null)
                    continue;
                if (said.Length == 0)
                    break;
                session.Send(Encoding.UTF8.GetBytes(said[0] == '!' ? said[1..] : $"{number}: {said.TrimStart('#')}\0"));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The other side went.
        }
        session.Dispose();
    }

    private string? Answer(string name, byte[] content, ref int count)
    {
        Interlocked.Increment(ref count);
        string? said = _answer(Interlocked.Increment(ref _scans) - 1, content);
        return said is { Length: > 0 } && said[0] is not ('!' or '#') ? $"{name}: {said}" : said;
    }

    private static byte[] ReadStream(DescriptorSocket stream)
    {
        using MemoryStream content = new();
        byte[] head = new byte[4];
        while (true)
        {
            stream.ReadExactly(head);
            int length = BinaryPrimitives.ReadInt32BigEndian(head);
            if (length == 0)
                return content.ToArray();
            byte[] chunk = new byte[length];
            stream.ReadExactly(chunk);
            content.Write(chunk);
        }
    }

    private string? ScanDescriptor(DescriptorSocket stream)
    {
        stream.ReadByte();
        using SafeFileHandle? file = stream.Descriptor;
        stream.Descriptor = null;
        if (file is null)
            return "No file descriptor received. ERROR";
        if (OnDescriptor?.Invoke(file) is { } said)
            return said.Length == 0 || said[0] is '!' or '#' ? said : $"fd[12]: {said}";
        byte[] content = new byte[RandomAccess.GetLength(file)];
        for (int at = 0, got = 1; got > 0; at += got)
            got = RandomAccess.Read(file, content.AsSpan(at), at);
        return Answer("fd[12]", content, ref _handed);
    }

    private string? ScanPath(string path)
    {
        OnPath?.Invoke(path);
        return File.Exists(path) ? Answer(path, File.ReadAllBytes(path), ref _named) : $"{path}: File path check failure: No such file or directory. ERROR";
    }

    private static string ReadCommand(DescriptorSocket stream)
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
                End(session);
        _folder.Dispose();
    }

    /// <summary>A thread that waits in recvmsg does not hear of Dispose alone.</summary>
    private static void End(Socket session)
    {
        try
        {
            session.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is at its end already.
        }
        session.Dispose();
    }
}
