using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.TestKit;

/// <summary>Reads bytes of a unix socket and the descriptors that come with them, as clamd does: by recvmsg.</summary>
public sealed class DescriptorSocket(Socket socket) : IDisposable
{
    private const int SocketLevel = 1, ScmRights = 1, CloseOnExec = 0x40000000, GetSeals = 1034, ControlBytes = 24;

    private readonly byte[] _buffer = new byte[64 << 10];
    private int _at, _end;

    /// <summary>The last descriptor that came; who takes it disposes it.</summary>
    public SafeFileHandle? Descriptor { get; set; }

    /// <summary>The seals of a file in memory; -1 of any other file.</summary>
    public static int SealsOf(SafeFileHandle file) => Control((int)file.DangerousGetHandle(), GetSeals, 0);

    /// <returns>-1 at the end.</returns>
    public int ReadByte() => _at < _end || Fill() ? _buffer[_at++] : -1;

    /// <exception cref="EndOfStreamException">Fewer came.</exception>
    public void ReadExactly(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_at == _end && !Fill())
                throw new EndOfStreamException();
            int take = Math.Min(bytes.Length, _end - _at);
            _buffer.AsSpan(_at, take).CopyTo(bytes);
            _at += take;
            bytes = bytes[take..];
        }
    }

    private bool Fill()
    {
        byte[] control = new byte[ControlBytes];
        GCHandle bytes = GCHandle.Alloc(_buffer, GCHandleType.Pinned), rights = GCHandle.Alloc(control, GCHandleType.Pinned);
        GCHandle part = GCHandle.Alloc(new[] { bytes.AddrOfPinnedObject(), _buffer.Length }, GCHandleType.Pinned);
        try
        {
            Message message = new() { Parts = part.AddrOfPinnedObject(), PartCount = 1, Control = rights.AddrOfPinnedObject(), ControlLength = ControlBytes };
            nint got = Receive((int)socket.SafeHandle.DangerousGetHandle(), ref message, CloseOnExec);
            if (message.ControlLength > 0 && BitConverter.ToInt32(control, 8) == SocketLevel && BitConverter.ToInt32(control, 12) == ScmRights)
            {
                Descriptor?.Dispose();
                Descriptor = new SafeFileHandle(BitConverter.ToInt32(control, 16), ownsHandle: true);
            }
            (_at, _end) = (0, Math.Max(0, (int)got));
            return got > 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            part.Free();
            rights.Free();
            bytes.Free();
        }
    }

    public void Dispose() => Descriptor?.Dispose();

    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public nint Name;
        public uint NameLength;
        public nint Parts;
        public nint PartCount;
        public nint Control;
        public nint ControlLength;
        public int Flags;
    }

#pragma warning disable SYSLIB1054 // The generated form wants unsafe code, which this project does without; nothing here needs marshalling.
    [DllImport("libc", EntryPoint = "recvmsg", ExactSpelling = true, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Receive(int socket, ref Message message, int flags);

    [DllImport("libc", EntryPoint = "fcntl", ExactSpelling = true, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int file, int command, int argument);
#pragma warning restore SYSLIB1054
}
