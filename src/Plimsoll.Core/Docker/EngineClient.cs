using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Docker;

/// <summary>Asks a Docker daemon about its images. Every answer has a limit in bytes and in time, and none is trusted.</summary>
/// <remarks>Source: Docker Engine API 1.24 to 1.47.</remarks>
internal sealed class EngineClient : IDisposable
{
    /// <summary>1.24 is Docker 1.12, the first whose image ids are config digests on every path used here.</summary>
    private static readonly Version Oldest = new(1, 24);
    private static readonly Version Newest = new(1, 47);

    private const int MaxErrorBytes = 64 * 1024;

    private readonly DockerEndpoint _endpoint;
    private readonly EngineOptions _options;
    private readonly HttpClient _http;
    private string? _version;

    public EngineClient(DockerEndpoint endpoint, EngineOptions options)
    {
        (_endpoint, _options) = (endpoint, options);
        _http = new HttpClient(EngineTransport.Create(endpoint, options))
        {
            BaseAddress = new Uri(endpoint.SocketPath is not null ? "http://docker/" : $"{(endpoint.Tls is null ? "http" : "https")}://{BracketedHost}:{endpoint.Port}/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public DockerEndpoint Endpoint => _endpoint;

    /// <param name="name">As the user wrote it: a name with tag or digest, or an id, whole or shortened.</param>
    /// <exception cref="ImageException">NotFound when the daemon has no such image; PeerFailed and others.</exception>
    public ImageInspect Inspect(string name, CancellationToken cancellationToken)
    {
        CheckName(name);
        return GetJson($"images/{name}/json", DockerJson.Default.ImageInspect, cancellationToken, notFound: said => new ImageException(ImageError.NotFound,
            $"{Peer} has no image {Escape.Quote(name)}: {Escape.Quote(said)}",
            $"{_endpoint.ListAndPull} pull {Escape.ForTerminal(name)} fetches it; {_endpoint.ListAndPull} images lists those that there are"));
    }

    public EngineInfo Info(CancellationToken cancellationToken) => GetJson("info", DockerJson.Default.EngineInfo, cancellationToken);

    /// <summary>Every image that is not only a layer of another.</summary>
    public IReadOnlyList<EngineImage> Images(CancellationToken cancellationToken) => GetJson("images/json", DockerJson.Default.IReadOnlyListEngineImage, cancellationToken);

    /// <summary>What happens to images from now on, a JSON object a line, as it happens and without end; silence means that nothing does.</summary>
    public Stream Events(CancellationToken cancellationToken)
    {
        const string path = "events?filters=%7B%22type%22%3A%5B%22image%22%5D%7D";
        HttpResponseMessage response = Send(path, _options.StallTimeout, cancellationToken);
        try
        {
            Check(response, path, null, cancellationToken);
            return new AnswerStream(this, response, path, long.MaxValue, cancellationToken, Timeout.InfiniteTimeSpan);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>The image as <c>docker save</c> would write it, as it comes.</summary>
    /// <param name="name">An id or a name with its tag: a bare name would export every tag.</param>
    public Stream Export(string name, CancellationToken cancellationToken)
    {
        CheckName(name);
        string path = $"images/{name}/get";
        HttpResponseMessage response = Send(path, _options.ExportTimeout, cancellationToken);
        try
        {
            Check(response, path, null, cancellationToken);
            return new AnswerStream(this, response, path, _options.MaxExportBytes, cancellationToken);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private T GetJson<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken, Func<string?, ImageException>? notFound = null)
    {
        using HttpResponseMessage response = Send(path, _options.StallTimeout, cancellationToken);
        Check(response, path, notFound, cancellationToken);
        byte[] body = ReadAll(response, path, _options.MaxAnswerBytes, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new ImageException(ImageError.PeerFailed, $"{Peer} answered GET /{path} with {Escape.Quote(Start(body))}, which is not the JSON that was asked for", inner: e);
        }
    }

    /// <summary>Sends a request with the newest version of the API that both sides know.</summary>
    private HttpResponseMessage Send(string path, TimeSpan patience, CancellationToken cancellationToken)
    {
        _version ??= Negotiate(cancellationToken);
        return SendRaw($"v{_version}/{path}", patience, cancellationToken);
    }

    private string Negotiate(CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = SendRaw("_ping", _options.StallTimeout, cancellationToken);
        Check(response, "_ping", null, cancellationToken);
        if (!response.Headers.TryGetValues("Api-Version", out IEnumerable<string>? values) || values.FirstOrDefault() is not { } text)
            throw new ImageException(ImageError.PeerFailed, $"{Peer} answered /_ping without an Api-Version: it is no Docker daemon");
        if (!System.Version.TryParse(text, out Version? theirs))
            throw new ImageException(ImageError.PeerFailed, $"{Peer} states Api-Version {Escape.Quote(text)}, which is no version");
        if (theirs < Oldest)
            throw new ImageException(ImageError.Unsupported, $"{Peer} speaks API {theirs.ToString(2)}; {Oldest} or newer is read", "use Docker 1.12 or newer");
        return (theirs < Newest ? theirs : Newest).ToString(2);
    }

    private HttpResponseMessage SendRaw(string path, TimeSpan patience, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(patience);
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        try
        {
            return _http.Send(request, HttpCompletionOption.ResponseHeadersRead, late.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw late.IsCancellationRequested
                ? new ImageException(ImageError.PeerFailed, $"{Peer} did not answer GET /{path} within {Seconds(patience)}", inner: e)
                : Explain(e, path);
        }
    }

    private ImageException Explain(Exception e, string path)
    {
        for (Exception? inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is ImageException known)
                return known;
            if (inner is SocketException socket)
                return EngineTransport.Explain(_endpoint, socket);
            if (inner is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded })
                return new ImageException(ImageError.Truncated, $"{Peer} closed the connection before it answered GET /{path}", inner: e);
            // With TLS 1.3 a daemon says only after the handshake that it does not believe this client.
            if (_endpoint.Tls is not null && inner is AuthenticationException or CryptographicException)
                return NoTls(e);
        }
        // The handler ends an attempt to connect that takes too long.
        return e is OperationCanceledException
            ? new ImageException(ImageError.PeerFailed, $"{Peer}: no connection within {Seconds(_options.ConnectTimeout)}", inner: e)
            : new ImageException(ImageError.PeerFailed, $"{Peer} failed at GET /{path}: {Escape.ForTerminal(e.Message)}", inner: e);
    }

    private ImageException NoTls(Exception e)
    {
        string why = e.GetBaseException().Message.TrimEnd('.');
        // OpenSSL's word for what the other side said.
        bool theirs = why.Contains("alert", StringComparison.Ordinal);
        return new ImageException(ImageError.PeerFailed, $"{Peer}: no TLS connection: {Escape.ForTerminal(why)}", theirs
            ? "the daemon asks for a certificate that its own authority signed: cert.pem and key.pem in DOCKER_CERT_PATH or in the context"
            : "ca.pem in DOCKER_CERT_PATH or in the context must be the authority that signed the daemon's certificate, and that must name the address in DOCKER_HOST", e);
    }

    private void Check(HttpResponseMessage response, string path, Func<string?, ImageException>? notFound, CancellationToken cancellationToken)
    {
        if (response.StatusCode == HttpStatusCode.OK)
            return;
        byte[] body = ReadAll(response, path, MaxErrorBytes, cancellationToken);
        string? message;
        try
        {
            message = JsonSerializer.Deserialize(body, DockerJson.Default.EngineMessage)?.Message;
        }
        catch (JsonException)
        {
            message = Start(body);
        }
        if (response.StatusCode == HttpStatusCode.NotFound && notFound is not null)
            throw notFound(message);
        throw new ImageException(
            response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized ? ImageError.AccessDenied
            : response.StatusCode == HttpStatusCode.NotFound ? ImageError.NotFound : ImageError.PeerFailed,
            $"{Peer} answered GET /{path} with status {(int)response.StatusCode}: {Escape.Quote(message)}");
    }

    private byte[] ReadAll(HttpResponseMessage response, string path, int maxBytes, CancellationToken cancellationToken)
    {
        using AnswerStream body = new(this, response, path, maxBytes, cancellationToken);
        using MemoryStream all = new();
        body.CopyTo(all);
        return all.ToArray();
    }

    /// <summary>Only what a name or id may consist of goes into a request's path.</summary>
    private static void CheckName(string name)
    {
        const int maxNameChars = 512;
        bool ok = name.Length is > 0 and <= maxNameChars && name.Split('/').All(part => part is not ("" or "." or ".."));
        foreach (char c in name)
            ok &= char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/' or ':' or '@';
        if (!ok)
            throw new ImageException(ImageError.Malformed, $"{Escape.Quote(name)} is no name of an image", "wanted NAME[:TAG], NAME@sha256:… or an id");
    }

    private static string Start(byte[] body) => Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, Escape.MaxShown)));

    private string Peer => $"{_endpoint.Service} at {_endpoint}";

    private string? BracketedHost => _endpoint.Host?.Contains(':', StringComparison.Ordinal) == true ? $"[{_endpoint.Host.Trim('[', ']')}]" : _endpoint.Host;

    private static string Seconds(TimeSpan time) => $"{time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} s";

    public void Dispose() => _http.Dispose();

    /// <summary>The body of an answer: bounded in bytes, and in the time between two of them.</summary>
    private sealed class AnswerStream : ReadOnlyStream
    {
        private readonly EngineClient _client;
        private readonly HttpResponseMessage _response;
        private readonly string _path;
        private readonly long _maxBytes;
        private readonly CancellationToken _cancellationToken;
        private readonly CancellationTokenRegistration _stop;
        private readonly Timer _patience;
        private readonly Stream _body;
        private readonly TimeSpan _longestSilence;
        private long _read;
        private volatile bool _stalled;

        public AnswerStream(EngineClient client, HttpResponseMessage response, string path, long maxBytes, CancellationToken cancellationToken, TimeSpan? longestSilence = null)
        {
            _longestSilence = longestSilence ?? client._options.StallTimeout;
            (_client, _response, _path, _maxBytes, _cancellationToken) = (client, response, path, maxBytes, cancellationToken);
            _body = response.Content.ReadAsStream(cancellationToken);
            // Reading is synchronous; closing the connection is what ends a read that waits.
            _stop = cancellationToken.Register(static r => ((HttpResponseMessage)r!).Dispose(), response);
            _patience = new Timer(static s => ((AnswerStream)s!).GiveUp(), this, Timeout.Infinite, Timeout.Infinite);
        }

        public override int Read(Span<byte> buffer)
        {
            try
            {
                _patience.Change(_longestSilence, Timeout.InfiniteTimeSpan);
                int got = _body.Read(buffer);
                _patience.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                _cancellationToken.ThrowIfCancellationRequested();
                _read += got;
                if (_read > _maxBytes)
                    throw new ImageException(ImageError.LimitExceeded, $"{_client.Peer} answered GET /{_path} with more than {_maxBytes} bytes");
                return got;
            }
            catch (Exception e) when (e is IOException or HttpRequestException or SocketException or ObjectDisposedException)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                throw Explain(e);
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
                return new ImageException(ImageError.PeerFailed, $"{_client.Peer} sent nothing for {Seconds(_client._options.StallTimeout)} after {_read} bytes of GET /{_path}", inner: e);
            for (Exception? inner = e; inner is not null; inner = inner.InnerException)
            {
                if (inner is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } or EndOfStreamException
                    or SocketException { SocketErrorCode: SocketError.ConnectionReset })
                    return new ImageException(ImageError.Truncated, $"{_client.Peer} closed the connection after {_read} bytes of GET /{_path}", inner: e);
            }
            return new ImageException(ImageError.PeerFailed, $"{_client.Peer} failed after {_read} bytes of GET /{_path}: {Escape.ForTerminal(e.Message)}", inner: e);
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
}
