using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Plugin;

/// <summary>Answers Docker's plugin protocol on a unix socket that only its owner may use.</summary>
/// <remarks>Kestrel by itself, without the host around it: no configuration from the environment, no logging, and less memory.</remarks>
public sealed class PluginServer : IAsyncDisposable
{
    private readonly KestrelServer _kestrel;

    private PluginServer(KestrelServer kestrel) => _kestrel = kestrel;

    /// <summary>Listens on <see cref="AgentPaths.PluginSocket"/>; a socket that an earlier process left there is removed.</summary>
    /// <param name="daemon">For call-backs; stays the caller's.</param>
    /// <param name="record">Gets every decision before it is answered; when it throws, the answer is a denial.</param>
    /// <exception cref="IOException">The socket cannot be made: another file stands there, its folder is missing, its path is too long.</exception>
    public static async Task<PluginServer> StartAsync(
        AgentPaths paths, IImageJudge images, DaemonClient daemon, TimeProvider clock, Action<PluginRecord> record, PluginOptions options, CancellationToken cancellationToken)
    {
        KestrelServerOptions server = new() { AddServerHeader = false };
        // The application counts for itself: what Kestrel refuses is answered before it is read, and the reason is lost with the connection.
        server.Limits.MaxRequestBodySize = null;
        server.ListenUnixSocket(paths.PluginSocket, listen => listen.Protocols = HttpProtocols.Http1);
        SocketTransportOptions transport = new() { CreateBoundListenSocket = endpoint => OwnerSocket.Bind((UnixDomainSocketEndPoint)endpoint, paths.PluginSocket) };
        KestrelServer kestrel = new(Options.Create(server), new SocketTransportFactory(Options.Create(transport), NullLoggerFactory.Instance), NullLoggerFactory.Instance);
        try
        {
            await kestrel.StartAsync(new PluginApplication(new Decider(images, daemon, clock, new StartHost(StartPaths.Resolve, paths.DataRoot), options), clock, record, options), cancellationToken);
            return new PluginServer(kestrel);
        }
        catch (SocketException e)
        {
            kestrel.Dispose();
            throw new IOException($"{paths.PluginSocket}: {e.Message}", e);
        }
        catch
        {
            kestrel.Dispose();
            throw;
        }
    }

    /// <summary>Answers what has begun, at most for the time that the framework gives, and removes the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(2));
        await _kestrel.StopAsync(patience.Token);
        _kestrel.Dispose();
    }
}
