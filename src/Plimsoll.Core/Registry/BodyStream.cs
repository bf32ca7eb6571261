using System.Diagnostics;
using System.Net.Sockets;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>The body of one answer, which has to come on: a stall, an early end and a cancelled read end it.</summary>
internal sealed class BodyStream : ReadOnlyStream
{
    private readonly HttpResponseMessage _response;
    private readonly RegistryTransport _transport;
    private readonly string _where;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenRegistration _stop;
    private readonly Timer _patience;
    private readonly Stream _body;
    private TimeSpan _waited;
    private long _sinceProgress, _read;
    private volatile bool _stalled;

    /// <param name="response">Disposed with this.</param>
    /// <param name="where">Who sends what, for messages.</param>
    public BodyStream(HttpResponseMessage response, RegistryTransport transport, string where, CancellationToken cancellationToken)
    {
        (_response, _transport, _where, _cancellationToken) = (response, transport, where, cancellationToken);
        _body = response.Content.ReadAsStream(cancellationToken);
        // Reading is synchronous; closing the connection is what ends a read that waits.
        _stop = cancellationToken.Register(static r => ((HttpResponseMessage)r!).Dispose(), response);
        _patience = new Timer(static s => ((BodyStream)s!).GiveUp(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <exception cref="TransientException">The body does not go on.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        RegistryLimits limits = _transport.Limits;
        try
        {
            // Only the time spent here counts: how long the reader thinks about the bytes is not the server's fault.
            TimeSpan left = limits.StallTimeout - _waited;
            _patience.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            long start = Stopwatch.GetTimestamp();
            int got = _body.Read(buffer);
            _patience.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _cancellationToken.ThrowIfCancellationRequested();
            _waited += Stopwatch.GetElapsedTime(start);
            _read += got;
            _transport.CountFetched(got);
            if ((_sinceProgress += got) >= limits.MinProgressBytes)
                (_sinceProgress, _waited) = (0, TimeSpan.Zero);
            return got;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or SocketException or ObjectDisposedException)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            throw new TransientException(Explain(e));
        }
    }

    private void GiveUp()
    {
        _stalled = true;
        _response.Dispose();
    }

    private ImageException Explain(Exception e)
    {
        if (_stalled)
            return new ImageException(ImageError.PeerFailed,
                $"{_where}: {_sinceProgress} bytes came in {RegistryTransport.Seconds(_transport.Limits.StallTimeout)}, after {_read - _sinceProgress} before", inner: e);
        for (Exception? inner = e; inner is not null; inner = inner.InnerException)
            if (inner is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } or EndOfStreamException or SocketException { SocketErrorCode: SocketError.ConnectionReset })
                return new ImageException(ImageError.Truncated, $"{_where}: the connection was closed after {_read} bytes", inner: e);
        return new ImageException(ImageError.PeerFailed, $"{_where}: failed after {_read} bytes: {Escape.ForTerminal(e.Message)}", inner: e);
    }

    /// <summary>The whole body, when it is not longer than that.</summary>
    /// <param name="limit">The name of the limit.</param>
    /// <exception cref="ImageException">LimitExceeded.</exception>
    public byte[] ReadAll(int maxBytes, string limit)
    {
        long? stated = _response.Content.Headers.ContentLength;
        if (stated > maxBytes)
            throw TooLong(stated.Value);
        byte[] bytes = new byte[Math.Min(stated ?? 4096, maxBytes)];
        int length = 0;
        while (true)
        {
            if (length == bytes.Length)
            {
                // One byte more tells the end from a body that goes on.
                byte[] one = new byte[1];
                if (Read(one) == 0)
                    return bytes;
                if (length == maxBytes)
                    throw TooLong(maxBytes + 1L);
                Array.Resize(ref bytes, (int)Math.Min(Math.Max(bytes.Length * 2L, 4096), maxBytes));
                bytes[length++] = one[0];
                continue;
            }
            int got = Read(bytes.AsSpan(length));
            if (got == 0)
                return bytes[..length];
            length += got;
        }

        ImageException TooLong(long seen) => new(ImageError.LimitExceeded, $"{_where}: {seen} bytes or more, at most {maxBytes} ({limit}) are read");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stop.Dispose();
            _patience.Dispose();
            _response.Dispose();
        }
        base.Dispose(disposing);
    }
}
