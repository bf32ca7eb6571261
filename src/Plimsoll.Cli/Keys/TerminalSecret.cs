using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Cli;

/// <summary>Asks at the terminal for what must not be seen.</summary>
internal static unsafe partial class TerminalSecret
{
    /// <summary>struct termios of Linux on x64 and arm64 is 60 bytes; <c>c_lflag</c> is its fourth number. Source: bits/termios-struct.h.</summary>
    private const int TermiosBytes = 60, LocalFlagsAt = 12;

    private const uint Echo = 0x8, EchoLineEnd = 0x40;

    /// <summary>TCSAFLUSH: what was typed before the question is no answer to it.</summary>
    private const int AfterFlush = 2;

    /// <summary>Writes the question to the terminal itself and reads one line from it, without an echo.</summary>
    /// <exception cref="CommandException">There is no terminal, or its echo cannot be turned off.</exception>
    /// <exception cref="OperationCanceledException">The user has had enough; the terminal is as it was.</exception>
    public static string Read(string question, CancellationToken cancellationToken)
    {
        using FileStream terminal = Open();
        byte* before = stackalloc byte[TermiosBytes], silent = stackalloc byte[TermiosBytes];
        if (GetAttributes(terminal.SafeFileHandle, before) != 0)
            throw NoTerminal();
        new ReadOnlySpan<byte>(before, TermiosBytes).CopyTo(new Span<byte>(silent, TermiosBytes));
        *(uint*)(silent + LocalFlagsAt) = (*(uint*)(silent + LocalFlagsAt) & ~Echo) | EchoLineEnd;
        if (SetAttributes(terminal.SafeFileHandle, AfterFlush, silent) != 0)
            throw NoTerminal();
        try
        {
            terminal.Write(Encoding.UTF8.GetBytes(question + ": "));
            return ReadLine(terminal, cancellationToken);
        }
        finally
        {
            _ = SetAttributes(terminal.SafeFileHandle, AfterFlush, before);
        }
    }

    private static string ReadLine(FileStream terminal, CancellationToken cancellationToken)
    {
        byte[] line = new byte[PassphraseSource.MaxPassphraseBytes + 1];
        int length = 0;
        try
        {
            while (length < line.Length)
            {
                WaitForInput(terminal.SafeFileHandle, cancellationToken);
                int got = terminal.Read(line, length, 1);
                if (got == 0 || line[length] == '\n')
                    return Encoding.UTF8.GetString(line, 0, length);
                length++;
            }
            throw CommandException.Usage($"the passphrase has more than {PassphraseSource.MaxPassphraseBytes} bytes (MaxPassphraseBytes)");
        }
        finally
        {
            Array.Clear(line);
        }
    }

    /// <summary>A read of a terminal cannot be called back, so that it begins only when there is something to read.</summary>
    private static void WaitForInput(SafeFileHandle terminal, CancellationToken cancellationToken)
    {
        const int milliseconds = 100;
        PollEntry entry = new() { File = (int)terminal.DangerousGetHandle(), Events = 1 };
        do
            cancellationToken.ThrowIfCancellationRequested();
        while (Poll(&entry, 1, milliseconds) == 0);
    }

    private static FileStream Open()
    {
        try
        {
            return new FileStream("/dev/tty", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NoTerminal();
        }
    }

    private static CommandException NoTerminal() =>
        CommandException.Usage("there is no terminal to ask for the passphrase at", $"give it by --passphrase-file FILE, or in the environment as {PassphraseSource.Variable}");

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int File;
        public short Events;
        public short Answer;
    }

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollEntry* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "tcgetattr", SetLastError = true)]
    private static partial int GetAttributes(SafeFileHandle file, byte* termios);

    [LibraryImport("libc", EntryPoint = "tcsetattr", SetLastError = true)]
    private static partial int SetAttributes(SafeFileHandle file, int when, byte* termios);
}
