using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Plimsoll.Texts;

namespace Plimsoll.Agent;

/// <summary>Serves <see cref="Metrics"/> to whoever scrapes: <c>GET /metrics</c> on a unix socket of the owner's, and on a loopback address where one was asked for.</summary>
/// <remarks>Nothing is counted or written for it before somebody asks. The text may be read again as often as anybody likes; requests have no body.</remarks>
internal sealed class MetricsServer : IAsyncDisposable
{
    /// <summary>Scrapers at once; a host has one or two.</summary>
    private const int MaxConnections = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly KestrelServer _kestrel;

    private MetricsServer(KestrelServer kestrel) => _kestrel = kestrel;

    /// <param name="address">Beside the socket; null for none.</param>
    /// <exception cref="AgentException">The socket cannot be made, or the address is taken.</exception>
    public static async Task<MetricsServer> StartAsync(string socket, IPEndPoint? address, Metrics metrics, CancellationToken cancellationToken)
    {
        KestrelServerOptions server = new() { AddServerHeader = false };
        server.Limits.MaxRequestBodySize = 0;
        server.Limits.MaxConcurrentConnections = MaxConnections;
        server.Limits.RequestHeadersTimeout = Patience;
        server.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        server.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http1);
        if (address is not null)
            server.Listen(address, listen => listen.Protocols = HttpProtocols.Http1);
        SocketTransportOptions transport = new()
        {
            CreateBoundListenSocket = endpoint => endpoint is UnixDomainSocketEndPoint unix ? OwnerSocket.Bind(unix, socket) : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint),
        };
        KestrelServer kestrel = new(Options.Create(server), new SocketTransportFactory(Options.Create(transport), NullLoggerFactory.Instance), NullLoggerFactory.Instance);
        try
        {
            await kestrel.StartAsync(new Application(metrics), cancellationToken);
            return new MetricsServer(kestrel);
        }
        catch (SocketException e)
        {
            kestrel.Dispose();
            throw new AgentException(Catalogue.AgentMetricsNotServed.With(address is null ? socket : Catalogue.AgentAnd.With(socket, address), e.Message), inner: e);
        }
        catch
        {
            kestrel.Dispose();
            throw;
        }
    }

    private sealed class Application(Metrics metrics) : IHttpApplication<IFeatureCollection>
    {
        public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

        public void DisposeContext(IFeatureCollection context, Exception? exception)
        {
        }

        public Task ProcessRequestAsync(IFeatureCollection context)
        {
            IHttpRequestFeature request = context.GetRequiredFeature<IHttpRequestFeature>();
            return request.Path != "/metrics" ? AnswerAsync(context, 404, "text/plain; charset=utf-8", "the numbers are at /metrics\n")
                : request.Method is not ("GET" or "HEAD") ? AnswerAsync(context, 405, "text/plain; charset=utf-8", "only GET is answered\n")
                : AnswerAsync(context, 200, Metrics.ContentType, metrics.ToString());
        }

        private static async Task AnswerAsync(IFeatureCollection context, int status, string type, string text)
        {
            byte[] content = Encoding.UTF8.GetBytes(text);
            IHttpResponseFeature response = context.GetRequiredFeature<IHttpResponseFeature>();
            response.StatusCode = status;
            response.Headers.ContentType = type;
            response.Headers.ContentLength = content.Length;
            if (context.GetRequiredFeature<IHttpRequestFeature>().Method != "HEAD")
                await context.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(content);
        }
    }

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(2));
        await _kestrel.StopAsync(patience.Token);
        _kestrel.Dispose();
    }
}
