using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Docker;

/// <summary>Connections to a daemon: a unix socket, or TCP with TLS.</summary>
internal static class EngineTransport
{
    public static SocketsHttpHandler Create(DockerEndpoint endpoint, EngineOptions options)
    {
        SocketsHttpHandler handler = new()
        {
            // Proxies are for the web; a daemon that redirects is none.
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = options.ConnectTimeout,
            MaxResponseHeadersLength = 64,
            MaxResponseDrainSize = 0,
            ConnectCallback = async (_, cancellationToken) =>
            {
                Socket socket = endpoint.SocketPath is null
                    ? new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
                    : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    if (endpoint.SocketPath is null)
                        await socket.ConnectAsync(endpoint.Host!, endpoint.Port, cancellationToken).ConfigureAwait(false);
                    else
                        await socket.ConnectAsync(UnixAddress(endpoint.SocketPath), cancellationToken).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        if (endpoint.Tls is { } tls)
            handler.SslOptions = SslOptions(tls);
        return handler;
    }

    private static UnixDomainSocketEndPoint UnixAddress(string path)
    {
        // sun_path holds 108 bytes with the zero at its end (unix(7)).
        const int maxBytes = 107;
        int length = Encoding.UTF8.GetByteCount(path);
        return length <= maxBytes
            ? new UnixDomainSocketEndPoint(path)
            : throw new ImageException(ImageError.Unsupported, $"unix://{Texts.Escape.ForTerminal(path)}: a socket's path has at most {maxBytes} bytes, this has {length}");
    }

    private static SslClientAuthenticationOptions SslOptions(DockerTls tls)
    {
        SslClientAuthenticationOptions options = new();
        try
        {
            if (tls.Certificate is not null && tls.Key is not null)
                options.ClientCertificates = [X509Certificate2.CreateFromPemFile(tls.Certificate, tls.Key)];
            if (tls.Ca is not null)
            {
                X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                policy.CustomTrustStore.ImportFromPemFile(tls.Ca);
                options.CertificateChainPolicy = policy;
            }
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ImageException(e is UnauthorizedAccessException ? ImageError.AccessDenied : ImageError.Malformed,
                $"the TLS material of the Docker daemon cannot be used ({tls.Ca ?? tls.Certificate}): {e.Message}", inner: e);
        }
        return options;
    }

    /// <summary>Why no connection stands, and how to go on.</summary>
    public static ImageException Explain(DockerEndpoint endpoint, SocketException e)
    {
        string where = $"{endpoint.Service} at {endpoint} ({endpoint.From})";
        if (endpoint.SocketPath is { } path)
        {
            int error = Native.GetStat(Native.AtFdCwd, Encoding.UTF8.GetBytes(path + '\0'), 0, out _);
            if (e.SocketErrorCode == SocketError.AccessDenied || error == -Errno.EACCES)
                return new ImageException(ImageError.AccessDenied, $"{where}: permission denied on its socket",
                    endpoint.ListAndPull == "docker" ? "run this with sudo, or add yourself to the group docker (which makes you root on this host in effect)" : "run this as the user whose images they are", e);
            if (error is -Errno.ENOENT or -Errno.ENOTDIR)
                return new ImageException(ImageError.NotFound, $"{where}: there is no such socket",
                    endpoint.HowToStart, e);
        }
        return new ImageException(ImageError.PeerFailed, e.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => $"{where}: nobody listens there",
            SocketError.TimedOut => $"{where}: no answer in time",
            SocketError.HostNotFound => $"{where}: the host is not known",
            _ => $"{where}: {e.Message}",
        }, endpoint.HowToStart, e);
    }
}
