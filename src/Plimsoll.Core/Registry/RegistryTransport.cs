using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>Sends single requests: one client per host, so that what belongs to one host never reaches another.</summary>
internal sealed class RegistryTransport : IDisposable
{
    /// <summary>Twice what common proxies let pass; the runtime takes room in the square of the number of equal headers.</summary>
    private const int MaxHeaderKilobytes = 16;

    private readonly RegistryOptions _options;
    private readonly OwnRights _rights;
    private readonly EnvironmentProxy _proxy;
    private readonly Dictionary<string, HttpClient> _clients = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private long _bytesFetched;

    /// <param name="rights">Requests are begun with them; stays the caller's.</param>
    public RegistryTransport(RegistryOptions options, Func<string, string?> environment, OwnRights rights)
    {
        (_options, _rights) = (options, rights);
        _proxy = new EnvironmentProxy(environment);
    }

    public RegistryLimits Limits => _options.Limits;

    /// <summary>Bytes of bodies that came in, errors and repeats included.</summary>
    public long BytesFetched => Interlocked.Read(ref _bytesFetched);

    public void CountFetched(int bytes) => Interlocked.Add(ref _bytesFetched, bytes);

    /// <summary>Scheme, host and port: what credentials belong to.</summary>
    public static string OriginOf(Uri uri) => $"{uri.Scheme}://{uri.IdnHost}:{uri.Port.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Sends a request and waits for the head of its answer; follows nothing.</summary>
    /// <param name="host">What the server is called in settings: its name as in images, else host and port.</param>
    /// <exception cref="TransientException">It may go well later.</exception>
    /// <exception cref="ImageException">It will not.</exception>
    public HttpResponseMessage Send(HttpRequestMessage request, string host, CancellationToken cancellationToken)
    {
        request.Version = HttpVersion.Version11;
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("plimsoll", "0.1"));
        // A compressed answer would have other bytes than those that were asked for.
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        return _rights.Run(() => SendAsync(ClientFor(host, request.RequestUri!), request, cancellationToken)).GetAwaiter().GetResult();
    }

    private async Task<HttpResponseMessage> SendAsync(HttpClient client, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(Limits.StallTimeout);
        // A body that goes out slowly is no stall.
        if (request.Content is UploadContent upload)
            upload.Progressed = () => late.CancelAfter(Limits.StallTimeout);
        try
        {
            return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, late.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            // The handler ends an attempt to connect that takes too long.
            bool connected = late.IsCancellationRequested;
            throw new TransientException(new ImageException(ImageError.PeerFailed, connected
                ? $"{OriginOf(request.RequestUri!)} did not answer {Describe(request)} within {Seconds(Limits.StallTimeout)}"
                : $"{OriginOf(request.RequestUri!)}: no connection within {Seconds(Limits.ConnectTimeout)}", inner: e))
            { NobodyListens = !connected };
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Explain(e, request);
        }
    }

    private HttpClient ClientFor(string host, Uri uri)
    {
        string key = $"{OriginOf(uri)} {host}";
        lock (_gate)
        {
            if (_clients.TryGetValue(key, out HttpClient? known))
                return known;
            SocketsHttpHandler handler = new()
            {
                // Redirects are followed where their target is looked at, credentials given where their host is known.
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.None,
                UseCookies = false,
                Proxy = _proxy,
                ConnectTimeout = Limits.ConnectTimeout,
                MaxResponseHeadersLength = MaxHeaderKilobytes,
                MaxResponseDrainSize = 0,
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(15),
            };
            if (uri.Scheme == Uri.UriSchemeHttps)
                handler.SslOptions = RegistryTls.OptionsFor(host, _options);
            HttpClient made = new(handler) { Timeout = Timeout.InfiniteTimeSpan };
            _clients.Add(key, made);
            return made;
        }
    }

    private static Exception Explain(Exception e, HttpRequestMessage request)
    {
        string where = OriginOf(request.RequestUri!), what = Describe(request);
        for (Exception? inner = e; inner is not null; inner = inner.InnerException)
        {
            // What was to be sent could not be read.
            if (inner is ImageException own)
                return own;
            if (inner is SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData })
                return new ImageException(ImageError.PeerFailed, $"{where}: the host {Escape.Quote(request.RequestUri!.Host)} is not known", inner: e);
            if (inner is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
                return new TransientException(new ImageException(ImageError.PeerFailed, $"{where}: nobody listens there", inner: e)) { NobodyListens = true };
            if (inner is AuthenticationException)
                return NoTls(where, request.RequestUri!, inner.Message, e);
        }
        return (e as HttpRequestException)?.HttpRequestError switch
        {
            HttpRequestError.SecureConnectionError => NoTls(where, request.RequestUri!, e.InnerException?.Message ?? e.Message, e),
            HttpRequestError.ResponseEnded => new TransientException(new ImageException(ImageError.Truncated, $"{where} closed the connection before it answered {what}", inner: e)),
            HttpRequestError.InvalidResponse => new ImageException(ImageError.PeerFailed, $"{where} did not answer {what} in HTTP: {Escape.ForTerminal(e.Message)}", inner: e),
            HttpRequestError.ConfigurationLimitExceeded => new ImageException(ImageError.LimitExceeded, $"{where} answered {what} with more than {MaxHeaderKilobytes} KiB of headers", inner: e),
            HttpRequestError.ProxyTunnelError => new ImageException(ImageError.PeerFailed, $"the proxy gives no way to {where}: {Escape.ForTerminal(e.Message)}",
                "NO_PROXY names hosts that are reached without it", e),
            _ => new TransientException(new ImageException(ImageError.PeerFailed, $"{where} failed at {what}: {Escape.ForTerminal(e.Message)}", inner: e)),
        };
    }

    private static ImageException NoTls(string where, Uri uri, string why, Exception e) =>
        new(ImageError.PeerFailed, $"{where}: no TLS connection: {Escape.ForTerminal(why.TrimEnd('.'))}",
            $"an authority of your own is believed when its certificate is /etc/docker/certs.d/{uri.Authority}/ca.crt or named by --registry-ca; a registry without TLS wants --registry-http {uri.Authority}", e);

    private static string Describe(HttpRequestMessage request) => $"{request.Method} {Escape.ForTerminal(request.RequestUri!.AbsolutePath)}";

    internal static string Seconds(TimeSpan time) => $"{time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} s";

    public void Dispose()
    {
        lock (_gate)
            foreach (HttpClient client in _clients.Values)
                client.Dispose();
    }
}
