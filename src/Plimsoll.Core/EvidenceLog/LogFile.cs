using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Posix;

namespace Plimsoll.EvidenceLog;

/// <summary>A file of the log as the writer uses it.</summary>
internal interface ILogFile : IDisposable
{
    /// <exception cref="IOException">Some of it may be in the file.</exception>
    void Write(ReadOnlySpan<byte> bytes, long offset);

    /// <summary>Brings what was written to the disk.</summary>
    void Sync();

    void Truncate(long length);
}

/// <summary>A file of the operating system.</summary>
internal sealed partial class LogFile(string path) : ILogFile
{
    private readonly SafeFileHandle _file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.Read);

    public void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(_file, bytes, offset);

    /// <summary>Without the times of the file, which fsync would bring along and nobody needs.</summary>
    public void Sync()
    {
        if (FDataSync(_file) != 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            throw new IOException(Errno.Describe(errno), errno);
        }
    }

    public void Truncate(long length) => RandomAccess.SetLength(_file, length);

    public void Dispose() => _file.Dispose();

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);
}

/// <summary>Names and opening of the files in a log's folder.</summary>
internal static class LogFiles
{
    /// <summary>First lines of files that were removed, one a line, so that the chain of keys is whole without them.</summary>
    public const string Removed = "removed-heads.jsonl";

    public const string Lock = "lock";

    private const string Prefix = "evidence-", Suffix = ".jsonl";

    private const int Digits = 6;

    /// <summary><c>evidence-000001.jsonl</c>.</summary>
    public static string Name(long number) => $"{Prefix}{number:d6}{Suffix}";

    /// <summary>Numbers of the files that are there, ascending.</summary>
    /// <exception cref="EvidenceLogException">The folder cannot be read.</exception>
    public static List<long> Numbers(string folder)
    {
        try
        {
            List<long> numbers = [];
            foreach (string path in Directory.EnumerateFiles(folder))
                if (Path.GetFileName(path) is var name && name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal)
                    && name[Prefix.Length..^Suffix.Length] is { Length: >= Digits and <= 18 } digits && digits.All(char.IsAsciiDigit) && long.Parse(digits) is > 0 and var number && name == Name(number))
                    numbers.Add(number);
            numbers.Sort();
            return numbers;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EvidenceLogException(EvidenceLogFault.Unreadable, $"{folder} cannot be read: {Texts.Escape.ForTerminal(e.Message)}", inner: e);
        }
    }

    /// <summary>Opens a regular file; what else lies under the name, such as a FIFO, keeps nobody waiting.</summary>
    /// <exception cref="EvidenceLogException">It cannot be opened, or is something else.</exception>
    public static FileStream Open(string path)
    {
        int opened = Native.Open(Native.AtFdCwd, [.. Encoding.UTF8.GetBytes(path), 0], Native.ReadOnly | Native.NonBlock | Native.NoCtty, 0);
        if (opened < 0)
            throw new EvidenceLogException(EvidenceLogFault.Unreadable, $"{path}: {Errno.Describe(-opened)}");
        SafeFileHandle handle = Native.Own(opened);
        if (Native.GetStat(opened, out Stat stat) < 0 || !stat.IsFile)
        {
            handle.Dispose();
            throw new EvidenceLogException(EvidenceLogFault.Unreadable, $"{path} is no regular file");
        }
        return new FileStream(handle, FileAccess.Read, 1, isAsync: false);
    }
}

/// <summary>Reads lines, whatever the bytes are, in bounded memory.</summary>
internal sealed class LogLineReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[4 * LogLine.MaxBytes];
    private int _start, _end;
    private long _consumed;

    /// <summary>Of the line that was read, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Where in the file it begins.</summary>
    public long Offset { get; private set; }

    /// <summary>Valid until the next call; empty when it is longer than a line may be.</summary>
    public ReadOnlyMemory<byte> Line { get; private set; }

    public bool IsTooLong { get; private set; }

    /// <summary>False for bytes at the file's end that no line end closes.</summary>
    public bool IsWhole { get; private set; }

    public bool Read()
    {
        bool skipping = false;
        Offset = _consumed + _start;
        int looked = 0;
        while (true)
        {
            int at = _buffer.AsSpan(_start + looked, _end - _start - looked).IndexOf((byte)'\n');
            if (at >= 0)
            {
                Answer(looked + at, skipping, whole: true);
                _start++;
                return true;
            }
            looked = _end - _start;
            if (looked > LogLine.MaxBytes)
            {
                skipping = true;
                _start = _end;
                looked = 0;
            }
            if (_end == _buffer.Length)
            {
                _buffer.AsSpan(_start, looked).CopyTo(_buffer);
                _consumed += _start;
                (_start, _end) = (0, looked);
            }
            int got = stream.Read(_buffer, _end, _buffer.Length - _end);
            if (got == 0)
            {
                if (looked == 0 && !skipping)
                    return false;
                Answer(looked, skipping, whole: false);
                return true;
            }
            _end += got;
        }
    }

    private void Answer(int length, bool skipping, bool whole)
    {
        IsTooLong = skipping || length > LogLine.MaxBytes;
        Line = IsTooLong ? default : _buffer.AsMemory(_start, length);
        IsWhole = whole;
        Number++;
        _start += length;
    }
}
