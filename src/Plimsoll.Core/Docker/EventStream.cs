using System.Text.Json;
using Plimsoll.Oci;

namespace Plimsoll.Docker;

/// <summary>Reads a daemon's events one by one.</summary>
/// <param name="lines">As <see cref="EngineClient.Events"/> gives it; disposed with this.</param>
internal sealed class EventStream(Stream lines) : IDisposable
{
    /// <summary>Bytes of one event; labels of an image are among its attributes.</summary>
    public const int MaxEventBytes = 1024 * 1024;

    private byte[] _buffer = new byte[16 * 1024];
    private int _start, _end;

    /// <summary>Waits for the next event; null when the daemon closed the stream.</summary>
    /// <exception cref="ImageException">LimitExceeded, PeerFailed, Truncated.</exception>
    /// <exception cref="OperationCanceledException">As the stream was told to stop.</exception>
    public EngineEvent? Next()
    {
        int searched = _start;
        while (true)
        {
            int length = _buffer.AsSpan(searched, _end - searched).IndexOf((byte)'\n');
            if (length >= 0)
            {
                ReadOnlySpan<byte> line = _buffer.AsSpan(_start, searched + length - _start);
                _start = searched + length + 1;
                if (line.Trim(" \t\r"u8).IsEmpty)
                {
                    searched = _start;
                    continue;
                }
                return Parse(line);
            }
            searched = _end;
            if (_end - _start > MaxEventBytes)
                throw new ImageException(ImageError.LimitExceeded, $"the daemon sent an event of more than {MaxEventBytes} bytes (MaxEventBytes)");
            if (_end == _buffer.Length)
            {
                byte[] to = _end - _start > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
                _buffer.AsSpan(_start, _end - _start).CopyTo(to);
                (_buffer, _end, _start) = (to, _end - _start, 0);
                searched = _end;
            }
            int got = lines.Read(_buffer, _end, _buffer.Length - _end);
            if (got == 0)
                return null;
            _end += got;
        }
    }

    private static EngineEvent Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, DockerJson.Default.EngineEvent) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new ImageException(ImageError.PeerFailed, "the daemon sent an event that is no JSON object", inner: e);
        }
    }

    public void Dispose() => lines.Dispose();
}
