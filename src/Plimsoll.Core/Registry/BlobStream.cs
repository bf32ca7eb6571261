using System.Net;
using System.Net.Http.Headers;
using Plimsoll.Oci;

namespace Plimsoll.Registry;

/// <summary>A blob as it comes in, put together from as many connections as it takes.</summary>
/// <remarks>
/// A broken read is taken up where it broke with a Range request; a server that does not know Range sends the blob again, of
/// which the part that is here is passed over. The reader sees one stream, so its hash goes on.
/// </remarks>
internal sealed class BlobStream(RegistryClient client, Digest digest, long size, Attempts attempts, CancellationToken cancellationToken) : ReadOnlyStream
{
    private BodyStream? _body;
    private long _at;
    private bool _ended;
    private Exception? _failure;

    private string Where => $"{client.Name.Name}: blob {digest}";

    public override int Read(Span<byte> buffer)
    {
        // Who caught an error and reads on gets the same error, never the bytes behind a gap.
        if (_failure is ImageException known)
            throw new ImageException(known.Error, known.Message, known.Hint, known);
        if (_ended || buffer.IsEmpty)
            return 0;
        try
        {
            return ReadOrResume(buffer);
        }
        catch (Exception e)
        {
            _failure = e;
            CloseBody();
            throw;
        }
    }

    private int ReadOrResume(Span<byte> buffer)
    {
        while (true)
        {
            try
            {
                _body ??= Open();
                int got = _body.Read(buffer);
                if (got > size - _at)
                    throw new ImageException(ImageError.SizeMismatch, $"{Where}: more than the {size} bytes that the manifest states");
                if (got > 0)
                {
                    attempts.Progressed();
                    _at += got;
                    return got;
                }
                if (_at < size)
                    throw new TransientException(new ImageException(ImageError.Truncated, $"{Where}: ends after {_at} of {size} bytes"));
                End();
                return 0;
            }
            catch (TransientException) when (_at == size)
            {
                // All bytes are here; how the connection ended does not matter.
                End();
                return 0;
            }
            catch (Exception e) when (e is TransientException or ImageException)
            {
                CloseBody();
                attempts.After(e);
            }
        }
    }

    private BodyStream Open()
    {
        RegistryEndpoint endpoint = attempts.Endpoint;
        HttpResponseMessage response = client.Ask(endpoint, endpoint.At($"blobs/{digest}"), request =>
        {
            if (_at > 0)
                request.Headers.Range = new RangeHeaderValue(_at, null);
        }, Where, cancellationToken);
        BodyStream body = new(response, client.Transport, Where, cancellationToken);
        try
        {
            client.Check(response, Where, ImageError.BlobMissing, endpoint, cancellationToken);
            long start = StartOf(response);
            if (response.Content.Headers.ContentLength is { } length && start + length != size)
                throw new ImageException(ImageError.SizeMismatch, $"{Where}: {endpoint.Host} has {start + length} bytes, the manifest states {size}");
            PassOver(body, _at - start);
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>Where in the blob the answer begins: 0, or where the last one broke.</summary>
    private long StartOf(HttpResponseMessage response)
    {
        if (response.StatusCode != HttpStatusCode.PartialContent)
            return 0;
        ContentRangeHeaderValue? range = response.Content.Headers.ContentRange;
        return _at > 0 && range is { Unit: "bytes", From: { } from } && from == _at && (range.Length ?? size) == size
            ? _at
            : throw new ImageException(ImageError.PeerFailed, $"{Where}: asked for the bytes from {_at} on, the answer has {Texts.Escape.Quote(range?.ToString())}");
    }

    private static void PassOver(BodyStream body, long bytes)
    {
        byte[] skipped = new byte[(int)Math.Min(Math.Max(bytes, 0), 64 * 1024)];
        for (int got; bytes > 0; bytes -= got)
            if ((got = body.Read(skipped.AsSpan(0, (int)Math.Min(bytes, skipped.Length)))) == 0)
                throw new TransientException(new ImageException(ImageError.Truncated, "the answer ends before the place where the last one broke"));
    }

    private void End()
    {
        _ended = true;
        CloseBody();
    }

    private void CloseBody()
    {
        _body?.Dispose();
        _body = null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            CloseBody();
        base.Dispose(disposing);
    }
}
