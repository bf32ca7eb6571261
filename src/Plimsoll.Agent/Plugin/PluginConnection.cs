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

    /// <summary>A front that is gone, or one that stopped in the middle of a question.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(2), SendPatience = TimeSpan.FromSeconds(10);

    private readonly byte[] _buffer = new byte[2 * MaxHeadBytes];
    private int _start, _end;

    /// <summary>Takes no further question; the one that is being decided is answered.</summary>
    public void End()
    {
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
                (client.ReceiveTimeout, client.SendTimeout) = ((int)Silence.TotalMilliseconds, (int)SendPatience.TotalMilliseconds);
                while (TryReadHead(out string method, out string path, out long length) && Answer(method, path, length))
                {
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The front denies what it got no answer to.
            }
    }

    /// <returns>Whether another question may follow.</returns>
    private bool Answer(string method, string path, long length)
    {
        bool tooLong = length > PluginApplication.MaxMessageBytes;
        byte[] body = ArrayPool<byte>.Shared.Rent(tooLong ? MaxHeadBytes : (int)length);
        try
        {
            // Whoever still writes would not read the answer.
            for (long left = length; tooLong && left > 0; left -= Math.Min(left, body.Length))
                if (!TryReadBody(body.AsSpan(0, (int)Math.Min(left, body.Length))))
                    return false;
            if (!tooLong && !TryReadBody(body.AsSpan(0, (int)length)))
                return false;
            ReadOnlyMemory<byte>? message = tooLong ? default(ReadOnlyMemory<byte>?) : body.AsMemory(0, (int)length);
            (int status, ReadOnlyMemory<byte> content) = application.Answer(method, path, message);
            Send(status, content.Span);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }
    }

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

    internal static bool TryParse(string head, out string method, out string path, out long length)
    {
        string[] lines = head.Split("\r\n");
        (method, path, length) = ("", "", 0);
        if (lines[0].Split(' ') is not [{ Length: > 0 } verb, ['/', ..] target, "HTTP/1.1"])
            return false;
        (method, path) = (verb, target);
        bool stated = false;
        foreach (string line in lines.AsSpan(1))
        {
            if (line.IndexOf(':', StringComparison.Ordinal) is not (> 0 and var colon))
                return false;
            string name = line[..colon];
            if (name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase))
                return false;
            if (!name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                continue;
            if (stated || !long.TryParse(line.AsSpan(colon + 1).Trim(" \t"), NumberStyles.None, CultureInfo.InvariantCulture, out length))
                return false;
            stated = true;
        }
        return true;
    }

    /// <returns>False when it ends early.</returns>
    private bool TryReadBody(Span<byte> body)
    {
        int kept = Math.Min(_end - _start, body.Length);
        _buffer.AsSpan(_start, kept).CopyTo(body);
        _start += kept;
        for (int got; kept < body.Length; kept += got)
            if ((got = client.Receive(body[kept..])) == 0)
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
        int got = client.Receive(_buffer.AsSpan(_end));
        _end += got;
        return got > 0;
    }
}
