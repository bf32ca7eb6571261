using System.Net.Sockets;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Plugin;

/// <summary>Answers Docker's plugin protocol on a unix socket that only its owner may use: each connection on a thread of its own, which waits for the next question.</summary>
/// <remarks>
/// The front process is the only client, with a few connections that stay open. Each <c>docker run</c> waits for six answers one after another; a server for everybody, with queues
/// between the thread that reads and the one that decides, takes 0.3 ms more for each on a host that does something else in between.
/// </remarks>
public sealed class PluginServer : IDisposable
{
    /// <summary>The front opens at most 320, and those that it gave up may be decided for a while.</summary>
    private const int MaxConnections = 1024;

    private const int StackBytes = 512 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly string _path;
    private readonly Socket _listener;
    private readonly PluginApplication _application;
    private readonly HashSet<PluginConnection> _open = [];
    private bool _stopped;

    private PluginServer(string path, Socket listener, PluginApplication application)
    {
        (_path, _listener, _application) = (path, listener, application);
        new Thread(Accept) { IsBackground = true, Name = "plugin" }.Start();
    }

    /// <summary>Listens on <see cref="AgentPaths.PluginSocket"/>; a socket that an earlier process left there is removed.</summary>
    /// <param name="daemon">For call-backs; stays the caller's.</param>
    /// <param name="record">Gets every decision before it is answered; when it throws, the answer is a denial.</param>
    /// <exception cref="IOException">The socket cannot be made: another file stands there, its folder is missing, its path is too long.</exception>
    public static PluginServer Start(AgentPaths paths, IImageJudge images, DaemonClient daemon, TimeProvider clock, Action<PluginRecord> record, PluginOptions options)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentNullException.ThrowIfNull(options);
        PluginApplication application = new(new Decider(images, daemon, clock, new StartHost(StartPaths.Resolve, paths.DataRoot), options), clock, record, options);
        Socket? listener = null;
        try
        {
            listener = OwnerSocket.Bind(new UnixDomainSocketEndPoint(paths.PluginSocket), paths.PluginSocket);
            listener.Listen(MaxConnections);
            return new PluginServer(paths.PluginSocket, listener, application);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            listener?.Dispose();
            throw new IOException($"{paths.PluginSocket}: {e.Message}", e);
        }
    }

    private void Accept()
    {
        while (true)
            try
            {
                Socket client = _listener.Accept();
                PluginConnection connection = new(client, _application);
                lock (_open)
                {
                    if (_stopped || _open.Count == MaxConnections)
                    {
                        // The front denies what gets no answer.
                        client.Dispose();
                        continue;
                    }
                    _open.Add(connection);
                }
                StartServing(client, connection);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OutOfMemoryException)
            {
                lock (_open)
                {
                    if (_stopped)
                        return;
                    // No descriptor or thread is left, for one, and the end of a connection gives one back. Whoever asks meanwhile waits.
                    Monitor.Wait(_open, TimeSpan.FromMilliseconds(100));
                }
            }
    }

    private void StartServing(Socket client, PluginConnection connection)
    {
        try
        {
            new Thread(() => Serve(connection), StackBytes) { IsBackground = true, Name = "plugin client" }.Start();
        }
        catch
        {
            client.Dispose();
            Remove(connection);
            throw;
        }
    }

    private void Serve(PluginConnection connection)
    {
        connection.Serve();
        Remove(connection);
    }

    private void Remove(PluginConnection connection)
    {
        lock (_open)
        {
            _open.Remove(connection);
            Monitor.PulseAll(_open);
        }
    }

    /// <summary>Answers what has begun, and removes the socket.</summary>
    public void Dispose()
    {
        lock (_open)
        {
            if (_stopped)
                return;
            _stopped = true;
            _listener.Dispose();
            foreach (PluginConnection connection in _open)
                connection.End();
            for (long end = Environment.TickCount64 + (long)Patience.TotalMilliseconds, left; _open.Count > 0 && (left = end - Environment.TickCount64) > 0;)
                Monitor.Wait(_open, TimeSpan.FromMilliseconds(left));
        }
        File.Delete(_path);
    }
}
