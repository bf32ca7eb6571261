using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Plimsoll.Agent.Plugin;

/// <summary>A connection of the front's: one question after another, each with a length. What is said otherwise than the front says it ends the connection, and the front denies.</summary>
/// <remarks>Source: RFC 9112, as far as docs/formats/gate-protocol.md says that the front speaks it.</remarks>
internal sealed class PluginConnection(Socket client, PluginApplication application)
{
    public const int MaxHeadBytes = 8 * 1024;

    /// <summary>A message above <see cref="PluginApplication.MaxMessageBytes"/> is read to its end and denied; one above this ends the connection.</summary>
    private const long MaxReadBytes = 64 * 1024 * 1024;

    /// <summary>A front that is gone, or one that stopped in the middle of a question; and the time for one whole question from its first byte.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(2), Patience = TimeSpan.FromSeconds(10);

    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private readonly byte[] _buffer = new byte[2 * MaxHeadBytes];
    private int _start, _end;
    private volatile bool _isEnding;

    /// <summary>When the question must be there, in milliseconds of the system; 0 between two.</summary>
    private long _due;

    /// <summary>Takes no further question; the one that is being decided is answered.</summary>
    public void End()
    {
        _isEnding = true;
        try
        {
            client.Shutdown(SocketShutdown.Receive);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It ended by itself.
        }
    }

    /// <summary>Until the other end closes, says something else than questions, or <see cref="End"/> is called.</summary>
    public void Serve()
    {
        using (client)
            try
            {
                (client.ReceiveTimeout, client.SendTimeout) = ((int)Silence.TotalMilliseconds, (int)Patience.TotalMilliseconds);
                while (TryReadHead(out string method, out string path, out long length) && TryAnswer(method, path, length))
                    _due = 0;
            }
            // The front denies what it got no answer to, whatever the cause, and the agent goes on.
            catch (Exception)
            {
            }
    }

    /// <returns>Whether another question may follow.</returns>
    private bool TryAnswer(string method, string path, long length)
    {
        bool tooLong = length > PluginApplication.MaxMessageBytes;
        byte[] body = ArrayPool<byte>.Shared.Rent(tooLong ? MaxHeadBytes : (int)length);
        try
        {
            // One that is too long as well, part by part: whoever still writes would not read the answer.
            for (long left = length, part; left > 0; left -= part)
            {
                part = Math.Min(left, body.Length);
                if (!TryReadBody(body.AsSpan(0, (int)part)))
                    return false;
            }
            // A question that nobody waits for any more is none: after the agent stood still there are many, and each may ask the daemon.
            if (IsGone())
                return false;
            ReadOnlyMemory<byte>? message = tooLong ? default(ReadOnlyMemory<byte>?) : body.AsMemory(0, (int)length);
            (int status, ReadOnlyMemory<byte> content) = application.Answer(method, path, message, IsGone);
            Send(status, content.Span);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }
    }

    private bool IsGone() => !_isEnding && _start == _end && client.Poll(0, SelectMode.SelectRead) && client.Available == 0;

    private void Send(int status, ReadOnlySpan<byte> content)
    {
        string reason = status switch { 200 => "OK", 404 => "Not Found", 405 => "Method Not Allowed", _ => "Bad Request" };
        byte[] head = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {reason}\r\nContent-Type: {PluginApplication.JsonType}\r\nContent-Length: {content.Length}\r\n\r\n"));
        byte[] bytes = [.. head, .. content];
        for (int sent = 0; sent < bytes.Length;)
            sent += client.Send(bytes.AsSpan(sent));
    }

    /// <returns>False at the end, and for what is no question; that is told.</returns>
    private bool TryReadHead(out string method, out string path, out long length)
    {
        (method, path, length) = ("", "", 0);
        int end;
        while ((end = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (_end - _start >= MaxHeadBytes)
                return Refuse();
            if (!TryFill())
                return false;
        }
        if (end + 4 > MaxHeadBytes || !TryParse(Encoding.Latin1.GetString(_buffer, _start, end), out method, out path, out length))
            return Refuse();
        _start += end + 4;
        return true;
    }

    private bool Refuse()
    {
        Send(400, default);
        return false;
    }

    private static bool TryParse(string head, out string method, out string path, out long length)
    {
        string[] lines = head.Split("\r\n");
        (method, path, length) = ("", "", 0);
        if (lines[0].Split(' ') is not [{ Length: > 0 } verb, ['/', ..] target, "HTTP/1.1"])
            return false;
        (method, path) = (verb, target);
        bool stated = false;
        foreach (string line in lines.AsSpan(1))
        {
            if (line.IndexOf(':', StringComparison.Ordinal) is not (> 0 and var colon) || line.AsSpan(0, colon).ContainsAnyExcept(TokenCharacters))
                return false;
            string name = line[..colon];
            if (name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase))
                return false;
            if (!name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                continue;
            if (stated || !long.TryParse(line.AsSpan(colon + 1).Trim(" \t"), NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > MaxReadBytes)
                return false;
            stated = true;
        }
        return stated || verb != "POST";
    }

    /// <returns>False when it ends early, or is not there in time.</returns>
    private bool TryReadBody(Span<byte> body)
    {
        int kept = Math.Min(_end - _start, body.Length);
        _buffer.AsSpan(_start, kept).CopyTo(body);
        _start += kept;
        for (int got; kept < body.Length; kept += got)
            if ((got = Receive(body[kept..])) == 0)
                return false;
        return true;
    }

    private bool TryFill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        int got = Receive(_buffer.AsSpan(_end));
        _end += got;
        return got > 0;
    }

    /// <returns>0 at the end, and when the question takes too long.</returns>
    private int Receive(Span<byte> to)
    {
        int got = client.Receive(to);
        long now = Environment.TickCount64;
        if (_due == 0)
            _due = now + (long)Patience.TotalMilliseconds;
        return now > _due ? 0 : got;
    }
}
