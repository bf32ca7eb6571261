using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Posix;

/// <summary>Files that are given to another process over a unix socket.</summary>
public static class HandedFile
{
    /// <summary>A file in memory, without a name, that nobody can change, lengthen or cut any more: not its maker and not who gets it.</summary>
    /// <param name="length">At least as many as there are bytes; what is left of it reads as zeros and takes no memory.</param>
    /// <exception cref="IOException">The system has no such files, or no memory or descriptor for one.</exception>
    public static SafeFileHandle Seal(ReadOnlySpan<byte> bytes, long length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, bytes.Length);
        int file = Native.CreateInMemory();
        if (file < 0)
            throw new IOException($"no file in memory: {Errno.Describe(-file)}");
        SafeFileHandle handle = Native.Own(file);
        try
        {
            RandomAccess.Write(handle, bytes, 0);
            int failed = Native.SetLength(file, length) is not 0 and int cut ? cut : Native.Seal(file);
            return failed == 0 ? handle : throw new IOException($"a file in memory cannot be sealed: {Errno.Describe(-failed)}");
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A descriptor of an open file that can read it and nothing else.</summary>
    /// <returns>Null where /proc is missing or the file may not be read.</returns>
    internal static SafeFileHandle? OpenForReading(SafeFileHandle file)
    {
        bool held = false;
        try
        {
            file.DangerousAddRef(ref held);
            int again = Native.Open(Native.AtFdCwd, Encoding.ASCII.GetBytes(FormattableString.Invariant($"/proc/self/fd/{file.DangerousGetHandle()}\0")), Native.ReadOnly, 0);
            return again < 0 ? null : Native.Own(again);
        }
        finally
        {
            if (held)
                file.DangerousRelease();
        }
    }

    /// <summary>Sends bytes over a unix socket, and the file with the first of them.</summary>
    /// <param name="patience">How long the other side may take nothing.</param>
    /// <exception cref="SocketException">It is gone, took nothing for too long (<see cref="SocketError.TimedOut"/>), or may not be given a file.</exception>
    public static void Send(Socket socket, ReadOnlySpan<byte> bytes, SafeFileHandle file, TimeSpan patience)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(file);
        bool heldSocket = false, heldFile = false;
        try
        {
            socket.SafeHandle.DangerousAddRef(ref heldSocket);
            file.DangerousAddRef(ref heldFile);
            long began = Stopwatch.GetTimestamp();
            int sent;
            while ((sent = Native.SendWith((int)socket.SafeHandle.DangerousGetHandle(), bytes, (int)file.DangerousGetHandle())) == -Errno.EAGAIN)
            {
                TimeSpan left = patience - Stopwatch.GetElapsedTime(began);
                if (left <= TimeSpan.Zero || !socket.Poll(left, SelectMode.SelectWrite))
                    throw new SocketException((int)SocketError.TimedOut);
            }
            if (sent < 0)
                throw new SocketException((int)SocketError.SocketError, Errno.Describe(-sent));
            // The file went with the first byte.
            for (bytes = bytes[sent..]; !bytes.IsEmpty;)
                bytes = bytes[socket.Send(bytes)..];
        }
        finally
        {
            if (heldFile)
                file.DangerousRelease();
            if (heldSocket)
                socket.SafeHandle.DangerousRelease();
        }
    }
}
