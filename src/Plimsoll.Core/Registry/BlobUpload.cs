using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>Brings one blob into a repository.</summary>
/// <remarks>
/// What fits into one part is sent whole and may be sent again. What is longer goes in parts; where a connection breaks, the registry
/// is asked how much it has and the rest follows. A registry that takes no parts gets the whole in one request. The place of
/// an upload may be on another host, which gets no credentials. Source: OCI distribution specification 1.1, "Pushing blobs".
/// </remarks>
internal sealed class BlobUpload(RegistryClient client, Digest digest, long size, Stream content, CancellationToken cancellationToken)
{
    private const string Octets = "application/octet-stream";

    private readonly byte[] _part = new byte[Math.Min(size, client.Limits.UploadPartBytes)];
    private readonly string _where = $"{client.Name.Name}: blob {digest}";
    private Uri? _place;
    private int _filled;

    /// <summary>Bytes of the blob before those that are in the part.</summary>
    private long _before;

    /// <summary>Parts of which the registry kept less than was sent.</summary>
    private int _short;

    /// <param name="place">An upload that was begun already, or null.</param>
    /// <exception cref="ImageException">It is not there now, and nothing of it is visible.</exception>
    public void Run(Uri? place)
    {
        _place = place;
        Fill();
        if (_filled == size)
        {
            CheckEnd();
            if (SendWhole())
                return;
            // Something on the way takes no request of that length.
        }
        SendParts();
    }

    /// <summary>Begins an upload, or has the registry take the blob from another repository of its own.</summary>
    /// <param name="from">That repository, or null.</param>
    /// <returns>Where the bytes go; null when the blob is there now.</returns>
    public static Uri? Begin(RegistryClient client, Digest digest, string? from, CancellationToken cancellationToken)
    {
        string where = $"{client.Name.Name}: blob {digest}";
        string query = from is null ? "" : $"?mount={Uri.EscapeDataString(digest.ToString())}&from={Uri.EscapeDataString(from)}";
        return client.Try(endpoint =>
        {
            Uri uri = endpoint.At($"blobs/uploads/{query}");
            using HttpResponseMessage response = client.Ask(endpoint, HttpMethod.Post, uri, request => request.Content = new UploadContent(default, null, 0, Octets), where, cancellationToken);
            if (from is not null && response.StatusCode == HttpStatusCode.Created)
            {
                RegistryClient.CheckStated(response, digest, where);
                return null;
            }
            return response.StatusCode == HttpStatusCode.Accepted ? PlaceOf(response, where)
                : throw client.Refused(response, where, endpoint, cancellationToken);
        }, cancellationToken);
    }

    /// <summary>The address in an answer's Location: absolute, or relative to what was asked.</summary>
    /// <exception cref="ImageException">PeerFailed: none, several, or one that nothing should be sent to.</exception>
    internal static Uri PlaceOf(HttpResponseMessage response, string where)
    {
        Uri asked = response.RequestMessage!.RequestUri!;
        string? text = response.Headers.NonValidated.TryGetValues("Location", out HeaderStringValues values) && values.Count == 1 ? values.ToString() : null;
        if (string.IsNullOrEmpty(text) || !Uri.TryCreate(asked, text, out Uri? place) || place.Scheme is not ("http" or "https") || place.Host.Length == 0 || place.UserInfo.Length > 0)
            throw new ImageException(ImageError.PeerFailed, $"{where}: the upload is to go on at {Escape.Quote(text)}, which is no address");
        if (place.Scheme == Uri.UriSchemeHttp && asked.Scheme == Uri.UriSchemeHttps)
            throw new ImageException(ImageError.PeerFailed, $"{where}: the upload is to go on at {Escape.Quote(RegistryTransport.OriginOf(place))}, which has no TLS",
                "a registry behind a proxy has to be told that it is reached by https (X-Forwarded-Proto, or its own setting for that)");
        return place;
    }

    private Uri WithDigest(Uri place) => new UriBuilder(place)
    {
        Query = $"{(place.Query.Length > 1 ? place.Query[1..] + "&" : "")}digest={Uri.EscapeDataString(digest.ToString())}",
        Fragment = "",
    }.Uri;

    /// <returns>False: too long for one request.</returns>
    private bool SendWhole() => client.Try(endpoint =>
    {
        // A place that failed once is not used again; whether the bytes came all the same, the registry knows.
        Uri? begun = _place;
        _place = null;
        if (begun is null && (begun = Begin(client, digest, null, cancellationToken)) is null)
            return true;
        using HttpResponseMessage response = client.Ask(endpoint, HttpMethod.Put, WithDigest(begun), request => request.Content = new UploadContent(_part.AsMemory(0, _filled), null, size, Octets), _where, cancellationToken);
        if (response.StatusCode == HttpStatusCode.RequestEntityTooLarge && size > client.Limits.MinUploadPartBytes)
            return false;
        Finished(response, endpoint);
        return true;
    }, cancellationToken);

    private void SendParts()
    {
        int most = _part.Length;
        bool first = true;
        // Bytes of the part that the registry has.
        int sent = 0;
        while (true)
        {
            (bool taken, int status, long has, int least) = client.Try(endpoint => SendPart(endpoint, sent, Math.Min(_filled - sent, most)), cancellationToken);
            if (status == (int)HttpStatusCode.RequestEntityTooLarge && most > client.Limits.MinUploadPartBytes)
            {
                most = Math.Max(most / 4, client.Limits.MinUploadPartBytes);
                continue;
            }
            if (!taken && first && status is 400 or 404 or 405 or 415 or 416 or 501)
            {
                SendStreaming();
                return;
            }
            if (!taken)
                throw new ImageException(status == 413 ? ImageError.LimitExceeded : ImageError.PeerFailed, $"{_where}: a part of the upload is answered with status {status}",
                    status == 413 ? "a proxy before the registry limits requests (nginx: client_max_body_size)" : null);
            first = false;
            int asked = Math.Min(_filled - sent, most);
            if (has < _before + sent + asked && ++_short > client.Limits.MaxConnectionsPerBlob)
                throw new ImageException(ImageError.PeerFailed, $"{_where}: the registry kept less than was sent {_short} times, at last {has} of {size} bytes");
            sent = Advance(has);
            if (least > most && least <= client.Limits.MaxUploadPartBytes)
                most = Math.Min(least, _part.Length);
            if (sent < _filled)
                continue;
            _before += _filled;
            sent = 0;
            Fill();
            if (_filled == 0)
                break;
        }
        CheckEnd();
        client.Try(endpoint =>
        {
            using HttpResponseMessage response = client.Ask(endpoint, HttpMethod.Put, WithDigest(_place!), request => request.Content = new UploadContent(default, null, 0, Octets), _where, cancellationToken);
            Finished(response, endpoint);
            return true;
        }, cancellationToken);
    }

    /// <summary>How far into the part the registry has come.</summary>
    /// <param name="has">Bytes of the blob.</param>
    private int Advance(long has) => has >= _before && has <= _before + _filled ? (int)(has - _before)
        : throw new ImageException(ImageError.PeerFailed, $"{_where}: the registry says that it has {has} bytes of the upload; {_before + _filled} were sent, and those before {_before} are not kept here",
            "the upload begins anew when the command is repeated; blobs that are there are not sent again");

    private (bool Taken, int Status, long Has, int Least) SendPart(RegistryEndpoint endpoint, int sent, int length)
    {
        _place ??= Begin(client, digest, null, cancellationToken)!;
        long from = _before + sent;
        HttpResponseMessage response;
        try
        {
            response = client.Ask(endpoint, HttpMethod.Patch, _place, request =>
            {
                request.Content = new UploadContent(_part.AsMemory(sent, length), null, length, Octets);
                request.Content.Headers.TryAddWithoutValidation("Content-Range", $"{from}-{from + length - 1}");
            }, _where, cancellationToken);
        }
        catch (TransientException e)
        {
            // The bytes may have come before the connection broke.
            if (Ask(endpoint) is { } has && has > from)
                return (true, 202, has, 0);
            throw new TransientException(e.Named, e.After);
        }
        using (response)
        {
            int status = (int)response.StatusCode;
            if (status == 202)
            {
                _place = PlaceOf(response, _where);
                return (true, status, RangeOf(response) ?? from + length, LeastOf(response));
            }
            if (status == 416 && Ask(endpoint) is { } there && there != from)
                return (true, 202, there, 0);
            if (status is 413 or 400 or 404 or 405 or 415 or 416 or 501)
            {
                if (_before + sent == 0 && status != 413)
                    _place = null;
                return (false, status, 0, 0);
            }
            throw client.Refused(response, _where, endpoint, cancellationToken);
        }
    }

    /// <summary>How many bytes of the upload the registry has; null when it does not say.</summary>
    private long? Ask(RegistryEndpoint endpoint)
    {
        try
        {
            using HttpResponseMessage response = client.Ask(endpoint, _place!, _ => { }, _where, cancellationToken);
            if (response.StatusCode is not (HttpStatusCode.NoContent or HttpStatusCode.OK or HttpStatusCode.Accepted))
                return null;
            if (response.Headers.Contains("Location"))
                _place = PlaceOf(response, _where);
            return RangeOf(response);
        }
        catch (TransientException)
        {
            return null;
        }
    }

    /// <summary>Bytes that the registry has, as <c>Range: 0-N</c> states them; N is the last one's place.</summary>
    private static long? RangeOf(HttpResponseMessage response)
    {
        string? range = response.Headers.NonValidated.TryGetValues("Range", out HeaderStringValues values) ? values.ToString() : null;
        if (range?.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase) == true)
            range = range[6..];
        // A registry that has nothing says 0-0, as one that has a single byte does; so little is worth sending again.
        return range?.Split('-') is ["0", { } last] && long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out long end) && end < long.MaxValue
            ? end == 0 ? 0 : end + 1 : null;
    }

    private static int LeastOf(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("OCI-Chunk-Min-Length", out HeaderStringValues values)
        && int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out int least) ? least : 0;

    /// <summary>The whole in one request, which cannot be sent a second time: the stream is read only once.</summary>
    private void SendStreaming()
    {
        bool begun = false;
        client.Try(endpoint =>
        {
            if (begun)
                throw new ImageException(ImageError.PeerFailed, $"{_where}: the upload broke off, and this registry takes it only in one piece", "repeat the command; what is there already is not sent again");
            Uri place = Begin(client, digest, null, cancellationToken)!;
            begun = true;
            using HttpResponseMessage response = client.Ask(endpoint, HttpMethod.Put, WithDigest(place), request =>
            {
                if (request.Content is not null || _before < 0)
                    throw new ImageException(ImageError.PeerFailed, $"{_where}: the registry wants the upload a second time, and it can be read only once", "repeat the command");
                request.Content = new UploadContent(_part.AsMemory(0, _filled), content, size, Octets);
                _before = -1;
            }, _where, cancellationToken);
            Finished(response, endpoint);
            return true;
        }, cancellationToken);
    }

    private void Finished(HttpResponseMessage response, RegistryEndpoint endpoint)
    {
        if (response.StatusCode != HttpStatusCode.Created)
            throw client.Refused(response, _where, endpoint, cancellationToken);
        RegistryClient.CheckStated(response, digest, _where);
    }

    /// <summary>Reads the next part as far as it fills.</summary>
    private void Fill()
    {
        _filled = 0;
        for (int got; _filled < _part.Length && (got = content.Read(_part, _filled, _part.Length - _filled)) > 0; _filled += got)
            cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Reads past the last byte: what checks the bytes speaks there, before the registry is told that they are all.</summary>
    private void CheckEnd()
    {
        if (content.Read(new byte[1], 0, 1) > 0)
            throw new ImageException(ImageError.SizeMismatch, $"{_where}: more than the {size} bytes that are stated");
    }
}
