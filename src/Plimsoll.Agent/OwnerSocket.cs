using System.Net.Sockets;
using Plimsoll.Texts;

namespace Plimsoll.Agent;

/// <summary>Unix sockets that only their owner may use.</summary>
internal static class OwnerSocket
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Bound, and not yet listening: nobody can connect before the kernel is told to, which comes after the mode.</summary>
    /// <exception cref="AgentException">Somebody's file stands there; a socket that an earlier process left is removed.</exception>
    /// <exception cref="SocketException">It cannot be bound.</exception>
    public static Socket Bind(UnixDomainSocketEndPoint endpoint, string path)
    {
        // A socket has no length; what has one is somebody's file.
        FileInfo left = new(path);
        if (left.Exists && left.Length > 0)
            throw new AgentException(Catalogue.AgentNoSocket.With(path), Catalogue.AgentNoSocketHint);
        left.Delete();
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endpoint);
            File.SetUnixFileMode(path, OwnerOnly);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
