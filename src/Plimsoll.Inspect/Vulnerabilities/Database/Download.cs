using System.Net;
using System.Net.Http.Headers;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Fetches files over HTTP: bounded in size and patience, and never from https on to http.</summary>
internal sealed class Download(OsvLimits limits, TimeSpan stallTimeout) : IDisposable
{
    public const int MaxRedirects = 5;
    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        // Redirects are followed here, where their scheme is looked at. Proxies come from the environment, as is usual.
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = stallTimeout,
        MaxConnectionsPerServer = 2,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Fetches into a file.</summary>
    /// <exception cref="AdvisoryException">NotFound for a 404; PeerFailed, Truncated or LimitExceeded.</exception>
    public async Task ToFileAsync(Uri address, string path, long maxBytes, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.Read, 1);
        await using (file.ConfigureAwait(false))
            await ToStreamAsync(address, file, maxBytes, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Fetches into memory.</summary>
    public async Task<byte[]> ToArrayAsync(Uri address, int maxBytes, CancellationToken cancellationToken)
    {
        using MemoryStream memory = new();
        await ToStreamAsync(address, memory, maxBytes, null, cancellationToken).ConfigureAwait(false);
        return memory.ToArray();
    }

    public void Dispose() => _client.Dispose();

    private async Task ToStreamAsync(Uri address, Stream to, long maxBytes, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        long got = 0;
        try
        {
            patience.CancelAfter(stallTimeout);
            using HttpResponseMessage response = await FollowAsync(address, patience.Token).ConfigureAwait(false);
            long total = response.Content.Headers.ContentLength ?? 0;
            if (total > maxBytes)
                throw TooLong(address, maxBytes);
            Stream body = await response.Content.ReadAsStreamAsync(patience.Token).ConfigureAwait(false);
            await using (body.ConfigureAwait(false))
            {
                byte[] buffer = new byte[128 * 1024];
                while (true)
                {
                    patience.CancelAfter(stallTimeout);
                    int read = await body.ReadAsync(buffer, patience.Token).ConfigureAwait(false);
                    if (read == 0)
                        break;
                    got += read;
                    if (got > maxBytes)
                        throw TooLong(address, maxBytes);
                    await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                    progress?.Invoke(got, total);
                }
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AdvisoryException(AdvisoryError.PeerFailed, $"{address} sent nothing for {stallTimeout.TotalSeconds:0.#} s, after {got} bytes", inner: e);
        }
        catch (HttpIOException e) when (e.HttpRequestError == HttpRequestError.ResponseEnded)
        {
            throw new AdvisoryException(AdvisoryError.Truncated, $"{address} closed the connection after {got} bytes, before the end", inner: e);
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException)
        {
            throw new AdvisoryException(AdvisoryError.PeerFailed, $"cannot fetch {address}: {e.Message}",
                "without a network, use --source FOLDER, or db import", e);
        }
    }

    private async Task<HttpResponseMessage> FollowAsync(Uri address, CancellationToken cancellationToken)
    {
        Uri at = address;
        for (int redirects = 0; ; redirects++)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, at);
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("plimsoll", "0.1"));
            HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.OK)
                return response;
            using (response)
            {
                if (response.Headers.Location is { } location && (int)response.StatusCode is 301 or 302 or 303 or 307 or 308)
                {
                    if (redirects == MaxRedirects)
                        throw new AdvisoryException(AdvisoryError.PeerFailed, $"{address} redirects more than {MaxRedirects} times");
                    at = Follow(at, response.Headers.Location!);
                    continue;
                }
                throw new AdvisoryException(
                    response.StatusCode == HttpStatusCode.NotFound ? AdvisoryError.NotFound : AdvisoryError.PeerFailed,
                    $"{at} answered {(int)response.StatusCode}; wanted 200");
            }
        }
    }

    /// <summary>Where a redirect leads; never from https to anything else.</summary>
    internal static Uri Follow(Uri from, Uri location)
    {
        Uri to = location.IsAbsoluteUri ? location : new Uri(from, location);
        return to.Scheme == Uri.UriSchemeHttps || (to.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp)
            ? to
            : throw new AdvisoryException(AdvisoryError.PeerFailed, $"{from} redirects to {Texts.Escape.Quote(to.ToString())}, which is not https");
    }

    private AdvisoryException TooLong(Uri address, long maxBytes) =>
        new(AdvisoryError.LimitExceeded, $"{address} has more than {maxBytes} bytes ({(maxBytes == limits.MaxZipBytes ? "MaxZipBytes" : maxBytes == limits.MaxKevBytes ? "MaxKevBytes" : "MaxEpssBytes")})");
}
