using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Plimsoll.Agent.Plugin;

/// <summary>The plugin's call-backs: questions to the very daemon whose request is being decided.</summary>
/// <remarks>
/// The daemon asks the plugin about them too. A header with 256 random bits, made when the process starts, tells them from others',
/// and opens a few reading endpoints, and those that pause and stop a container, only. The daemon asks its plugins before it runs a request's handler, so none of its locks is held for
/// the request that waits; another request may hold a container's lock, which the deadline ends.
/// </remarks>
public sealed class DaemonClient : IDisposable
{
    public const string Header = "X-Plimsoll-Callback";

    /// <summary>Bytes of an answer; the daemon takes bodies of a megabyte that come back in it.</summary>
    private const int MaxAnswerBytes = 4 * 1024 * 1024;

    /// <summary>Call-backs under way at once; one that waits for a container's lock holds its connection.</summary>
    private const int MaxConnections = 64;

    /// <summary>EAGAIN.</summary>
    private const int Again = 11;

    private readonly string _secret = RandomNumberGenerator.GetHexString(64, lowercase: true);
    private readonly byte[] _secretBytes;
    private readonly string _socketPath;
    private readonly TimeSpan _deadline;
    private readonly HttpMessageInvoker _http;
    private long _recognised;

    /// <param name="socketPath">The daemon's unix socket.</param>
    /// <param name="deadline">For one whole answer.</param>
    public DaemonClient(string socketPath, TimeSpan deadline)
    {
        (_socketPath, _deadline) = (socketPath, deadline);
        _secretBytes = Encoding.ASCII.GetBytes(_secret);
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = deadline,
            MaxResponseHeadersLength = 64,
            MaxConnectionsPerServer = MaxConnections,
            // A daemon that was restarted must not be met through a connection to the one before.
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
            ConnectCallback = ConnectAsync,
        });
    }

    /// <summary>Whether a request's header says that this process sent it.</summary>
    public bool IsOwn(string value)
    {
        bool own = CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(value), _secretBytes);
        if (own)
            Interlocked.Increment(ref _recognised);
        return own;
    }

    /// <summary>How many of this process's own questions came back by the plugin: that they do proves that the daemon asks it.</summary>
    internal long Recognised => Interlocked.Read(ref _recognised);

    /// <summary>An answer without end, as it comes; null when the daemon refuses to begin it.</summary>
    /// <exception cref="HttpRequestException">The daemon cannot be reached.</exception>
    /// <exception cref="OperationCanceledException">It does not begin to answer in time, or the token says so.</exception>
    internal async Task<Stream?> FollowAsync(string path, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(_deadline);
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri("http://docker" + path));
        request.Headers.TryAddWithoutValidation(Header, _secret);
        HttpResponseMessage response = await _http.SendAsync(request, patience.Token);
        if (response.IsSuccessStatusCode)
            return await response.Content.ReadAsStreamAsync(patience.Token);
        response.Dispose();
        return null;
    }

    /// <param name="path">With the API's own characters only; whoever makes it checks names. Without a version the daemon takes its newest.</param>
    internal Task<DaemonAnswer> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, _deadline, cancellationToken);

    /// <summary>Asks for something that the daemon does, with a deadline of its own.</summary>
    /// <param name="path">As of <see cref="GetAsync"/>.</param>
    internal Task<DaemonAnswer> PostAsync(string path, TimeSpan deadline, CancellationToken cancellationToken) => SendAsync(HttpMethod.Post, path, deadline, cancellationToken);

    private async Task<DaemonAnswer> SendAsync(HttpMethod method, string path, TimeSpan deadline, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(deadline);
        try
        {
            using HttpRequestMessage request = new(method, new Uri("http://docker" + path));
            request.Headers.TryAddWithoutValidation(Header, _secret);
            using HttpResponseMessage response = await _http.SendAsync(request, patience.Token);
            await using Stream content = await response.Content.ReadAsStreamAsync(patience.Token);
            byte[] bytes = new byte[response.Content.Headers.ContentLength is >= 0 and <= MaxAnswerBytes and var stated ? (int)stated + 1 : 16 * 1024];
            int length = 0;
            for (int got; (got = await content.ReadAsync(bytes.AsMemory(length), patience.Token)) > 0;)
            {
                length += got;
                if (length > MaxAnswerBytes)
                    return DaemonAnswer.None(new Denial("docker-answer", $"dockerd's answer to a call-back is longer than {MaxAnswerBytes} bytes"));
                if (length == bytes.Length)
                    Array.Resize(ref bytes, 2 * length);
            }
            return new DaemonAnswer((int)response.StatusCode, bytes.AsMemory(0, length), null);
        }
        catch (OperationCanceledException)
        {
            return DaemonAnswer.None(new Denial("docker-timeout", $"dockerd did not answer a call-back within {deadline.TotalSeconds:0.#} s; it may be busy with another request for the same container, or look for a volume among plugins of which one is gone (a socket in /run/docker/plugins that nobody serves)"));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            return DaemonAnswer.None(new Denial("docker-unreachable", $"dockerd did not answer a call-back: {e.Message}"));
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        while (true)
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socketPath), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException e) when (e.NativeErrorCode == Again)
            {
                // More connect at once than the daemon's backlog holds; on a unix socket nothing waits by itself.
                socket.Dispose();
                await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    public void Dispose() => _http.Dispose();
}

/// <param name="Status">Of HTTP; 0 when there is no answer.</param>
/// <param name="Problem">Why there is none.</param>
internal sealed record DaemonAnswer(int Status, ReadOnlyMemory<byte> Body, Denial? Problem)
{
    public static DaemonAnswer None(Denial problem) => new(0, default, problem);
}
