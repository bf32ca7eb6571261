using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Plimsoll.Texts;

namespace Plimsoll.Tpm;

/// <summary>A way to a TPM: one command out, its whole response back.</summary>
public interface ITpmTransport : IDisposable
{
    /// <summary>Sends a command and waits for its response.</summary>
    /// <param name="command">Whole, with its header.</param>
    /// <param name="maxResponseBytes">What is longer is an error and is not kept.</param>
    /// <param name="deadline">A time on <see cref="Stopwatch"/>'s clock after which waiting ends.</param>
    /// <exception cref="TpmException">Unreachable, Timeout or Malformed; the transport cannot be used afterwards.</exception>
    byte[] Submit(ReadOnlySpan<byte> command, int maxResponseBytes, long deadline, CancellationToken cancellationToken);
}

/// <summary>Opens transports by the names that people give.</summary>
public static class TpmTransport
{
    public const string DefaultDevice = "/dev/tpmrm0";

    /// <summary>Milliseconds between two looks at whether to give up.</summary>
    internal const int WaitMilliseconds = 100;

    internal const int HeaderBytes = 10;

    /// <param name="address">
    /// <c>device:/dev/tpmrm0</c>, a path, or <c>swtpm:host=HOST,port=PORT</c> as tpm2-tools write it; both parts of the last may be left out
    /// (localhost, 2321).
    /// </param>
    /// <exception cref="TpmException">Unreachable, or Unsupported for another form.</exception>
    public static ITpmTransport Open(string address, TimeSpan patience, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.StartsWith('/'))
            return new TpmDevice(address);
        if (address.StartsWith("device:", StringComparison.Ordinal))
            return new TpmDevice(address["device:".Length..]);
        if (address == "swtpm" || address.StartsWith("swtpm:", StringComparison.Ordinal))
        {
            (string host, int port) = ("127.0.0.1", 2321);
            foreach (string part in address.Length > 6 ? address[6..].Split(',') : [])
                if (part.StartsWith("host=", StringComparison.Ordinal) && part.Length > 5)
                    host = part[5..];
                else if (!part.StartsWith("port=", StringComparison.Ordinal) || !int.TryParse(part.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is 0 or > ushort.MaxValue)
                    throw Unknown(address);
            return new TpmSocket(host, port, patience, cancellationToken);
        }
        throw Unknown(address);
    }

    private static TpmException Unknown(string address) =>
        new(TpmError.Unsupported, $"{Escape.Quote(address)} names no TPM", "write device:/dev/tpmrm0 or swtpm:host=127.0.0.1,port=2321");

    /// <summary>The length that a response's header announces.</summary>
    internal static int ResponseLength(ReadOnlySpan<byte> header, int max)
    {
        uint length = BinaryPrimitives.ReadUInt32BigEndian(header[2..]);
        return length >= HeaderBytes && length <= max ? (int)length
            : throw TpmException.Malformed($"a response announces {length} bytes; allowed are {HeaderBytes} to {max}");
    }

    internal static TpmException TimedOut() => new(TpmError.Timeout, "the TPM did not answer in time", "another program may be using it");

    /// <summary>Waits, for a TPM that asked to be asked again.</summary>
    internal static void Pause(int milliseconds, long deadline, CancellationToken cancellationToken)
    {
        if (Stopwatch.GetTimestamp() + (milliseconds * Stopwatch.Frequency / 1000) >= deadline)
            throw TimedOut();
        cancellationToken.WaitHandle.WaitOne(milliseconds);
        cancellationToken.ThrowIfCancellationRequested();
    }
}

/// <summary>A character device of the kernel: /dev/tpmrm0 with its resource manager, or /dev/tpm0 for one program at a time.</summary>
internal sealed class TpmDevice : ITpmTransport
{
    private readonly FileStream _device;

    public TpmDevice(string path)
    {
        try
        {
            _device = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TpmException(TpmError.Unreachable, $"cannot open {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}",
                e is UnauthorizedAccessException ? "become a member of the group that may use it (often tss), or use sudo" : "is there a TPM 2.0, and is it switched on in the firmware?", e);
        }
    }

    /// <remarks>The kernel does the command within write() and has its own deadline per command, after which read() fails.</remarks>
    public byte[] Submit(ReadOnlySpan<byte> command, int maxResponseBytes, long deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            _device.Write(command);
            // The driver gives a response in one piece, and drops what a read left of it. One byte more tells what is too long.
            byte[] response = new byte[maxResponseBytes + 1];
            int got = _device.Read(response, 0, response.Length);
            if (got < TpmTransport.HeaderBytes)
                throw TpmException.Malformed($"a response of {got} bytes; a header has {TpmTransport.HeaderBytes}");
            int length = TpmTransport.ResponseLength(response, maxResponseBytes);
            return length == got ? response[..got] : throw TpmException.Malformed($"a response announces {length} bytes and has {got}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TpmException(TpmError.Unreachable, $"the TPM's device failed: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", "another program may hold /dev/tpm0; /dev/tpmrm0 is shared", e);
        }
    }

    public void Dispose() => _device.Dispose();
}

/// <summary>swtpm's data channel: commands and responses over TCP with no frame around them. It serves one client at a time.</summary>
internal sealed class TpmSocket : ITpmTransport
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly string _name;
    private byte[] _buffer = [];

    public TpmSocket(string host, int port, TimeSpan patience, CancellationToken cancellationToken)
    {
        _name = $"{host}:{port}";
        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(patience);
            // The base library has no synchronous connect that can be cancelled.
            _socket.ConnectAsync(host, port, limit.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            _socket.Dispose();
            throw new TpmException(TpmError.Unreachable, $"no TPM answers at {Escape.Quote(_name)}: {(e is SocketException ? Escape.ForTerminal(e.Message.TrimEnd('.')) : "out of time")}", "swtpm listens where --server type=tcp,port=PORT says", e);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <remarks>As few calls of the kernel as there can be: a TPM in software answers in the time of three.</remarks>
    public byte[] Submit(ReadOnlySpan<byte> command, int maxResponseBytes, long deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            // Bytes that nobody asked for would be taken for the answer to this command.
            if (_socket.Available != 0)
                throw TpmException.Malformed("more bytes than the response announces");
            for (int sent = 0; sent < command.Length;)
            {
                // A command fits into the buffer of a connection that is used as it should be.
                if (sent > 0)
                    Wait(SelectMode.SelectWrite, deadline, cancellationToken);
                sent += _socket.Send(command[sent..]);
            }
            if (_buffer.Length <= maxResponseBytes)
                _buffer = new byte[maxResponseBytes + 1];
            int got = 0, length = TpmTransport.HeaderBytes;
            while (got < length)
            {
                Wait(SelectMode.SelectRead, deadline, cancellationToken);
                int more = _socket.Receive(_buffer.AsSpan(got));
                if (more == 0)
                    throw new TpmException(TpmError.Unreachable, $"the TPM at {Escape.Quote(_name)} hung up", "swtpm serves one client at a time");
                got += more;
                if (got >= TpmTransport.HeaderBytes)
                    length = TpmTransport.ResponseLength(_buffer, maxResponseBytes);
            }
            return got == length ? _buffer[..length] : throw TpmException.Malformed("more bytes than the response announces");
        }
        catch (SocketException e)
        {
            throw new TpmException(TpmError.Unreachable, $"the connection to the TPM at {Escape.Quote(_name)} broke: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", null, e);
        }
        finally
        {
            // A response may hold a secret.
            Array.Clear(_buffer);
        }
    }

    private void Wait(SelectMode what, long deadline, CancellationToken cancellationToken)
    {
        while (!_socket.Poll(TpmTransport.WaitMilliseconds * 1000, what))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Stopwatch.GetTimestamp() >= deadline)
                throw TpmTransport.TimedOut();
        }
    }

    public void Dispose() => _socket.Dispose();
}
