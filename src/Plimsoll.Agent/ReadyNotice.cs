using System.Net.Sockets;
using System.Text;

namespace Plimsoll.Agent;

/// <summary>Tells the service manager that the agent answers, so that docker is started after that.</summary>
/// <remarks>Source: sd_notify(3). Units have <c>Type=notify</c>; who starts the agent by hand has no such socket.</remarks>
internal static class ReadyNotice
{
    /// <param name="socket">NOTIFY_SOCKET: a path, or <c>@</c> and a name of the abstract namespace; null or empty for none.</param>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static void Send(string? socket)
    {
        if (string.IsNullOrEmpty(socket))
            return;
        using Socket notice = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notice.SendTo(Encoding.ASCII.GetBytes("READY=1"), new UnixDomainSocketEndPoint(socket[0] == '@' ? "\0" + socket[1..] : socket));
    }
}
