using System.Runtime.InteropServices;

namespace Plimsoll.Posix;

/// <summary>Files without a name that are given to other processes.</summary>
/// <remarks>Layouts are those of the GNU C library on 64-bit Linux. Source: memfd_create(2), fcntl(2) "File Sealing", sendmsg(2), unix(7), cmsg(3).</remarks>
internal static unsafe partial class Native
{
    private const uint MemoryCloseOnExec = 1, MemoryAllowSealing = 2, MemoryNoExecSeal = 8;

    private const int AddSeals = 1033;

    /// <summary>F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE.</summary>
    public const int AllSeals = 0xf;

    private const int MessageDontWait = 0x40, MessageNoSignal = 0x4000, SocketLevel = 1, ScmRights = 1;

    [StructLayout(LayoutKind.Sequential)]
    private struct Part
    {
        public byte* Start;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public void* Name;
        public uint NameLength;
        public Part* Parts;
        public nuint PartCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>A control message with one descriptor: 20 bytes, and room to the next multiple of eight.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 24)]
    private struct OneDescriptor
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int File;
    }

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int FTruncate(int file, long length);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FCntl(int file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMsg(int socket, Message* message, int flags);

    /// <summary>A file in memory that can be sealed.</summary>
    /// <returns>The descriptor, or minus the error number.</returns>
    public static int CreateInMemory()
    {
        fixed (byte* name = "plimsoll\0"u8)
        {
            // A system may refuse files in memory that could be executed (vm.memfd_noexec); one before Linux 6.3 does not know the flag.
            int file = MemFdCreate(name, MemoryCloseOnExec | MemoryAllowSealing | MemoryNoExecSeal);
            if (file < 0 && Marshal.GetLastPInvokeError() == Errno.EINVAL)
                file = MemFdCreate(name, MemoryCloseOnExec | MemoryAllowSealing);
            return file >= 0 ? file : -Marshal.GetLastPInvokeError();
        }
    }

    /// <returns>0, or minus the error number.</returns>
    public static int SetLength(int file, long length) => FTruncate(file, length) == 0 ? 0 : -Marshal.GetLastPInvokeError();

    /// <summary>From now on nobody can change the file's bytes or length, nor take this back.</summary>
    /// <returns>0, or minus the error number.</returns>
    public static int Seal(int file) => FCntl(file, AddSeals, AllSeals) == 0 ? 0 : -Marshal.GetLastPInvokeError();

    /// <summary>Sends bytes and, with the first of them, a descriptor; does not wait.</summary>
    /// <returns>How many bytes went, or minus the error number.</returns>
    public static int SendWith(int socket, ReadOnlySpan<byte> bytes, int file)
    {
        OneDescriptor control = new() { Length = 20, Level = SocketLevel, Type = ScmRights, File = file };
        fixed (byte* start = bytes)
        {
            Part part = new() { Start = start, Length = (nuint)bytes.Length };
            Message message = new() { Parts = &part, PartCount = 1, Control = &control, ControlLength = (nuint)sizeof(OneDescriptor) };
            while (true)
            {
                nint sent = SendMsg(socket, &message, MessageDontWait | MessageNoSignal);
                if (sent >= 0)
                    return (int)sent;
                int errno = Marshal.GetLastPInvokeError();
                if (errno != Errno.EINTR)
                    return -errno;
            }
        }
    }
}
