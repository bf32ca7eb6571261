using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using Plimsoll.Tpm;

namespace Plimsoll.TpmBench;

/// <summary>Bytes to swtpm and back, and nothing else: blocking calls, no limits, no deadlines, no checks.</summary>
internal sealed class BareTpm : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _response = new byte[8192];

    public BareTpm(string address) => _socket.Connect("127.0.0.1", int.Parse(address.AsSpan(address.IndexOf("port=", StringComparison.Ordinal) + 5), CultureInfo.InvariantCulture));

    public ReadOnlySpan<byte> Send(ReadOnlySpan<byte> command)
    {
        _socket.Send(command);
        int got = 0, length = 10;
        while (got < length)
        {
            got += _socket.Receive(_response.AsSpan(got));
            if (got >= 10)
                length = BinaryPrimitives.ReadInt32BigEndian(_response.AsSpan(2));
        }
        uint code = BinaryPrimitives.ReadUInt32BigEndian(_response.AsSpan(6));
        return code == 0 ? _response.AsSpan(0, length) : throw new InvalidOperationException($"0x{code:x}");
    }

    public void Dispose() => _socket.Dispose();
}

/// <summary>Notes each command on its way to the TPM.</summary>
internal sealed class Recorder(ITpmTransport inner) : ITpmTransport
{
    public List<byte[]> Commands { get; } = [];

    public byte[] Submit(ReadOnlySpan<byte> command, int maxResponseBytes, long deadline, CancellationToken cancellationToken)
    {
        Commands.Add(command.ToArray());
        return inner.Submit(command, maxResponseBytes, deadline, cancellationToken);
    }

    public void Dispose() => inner.Dispose();
}
