using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Posix;

/// <summary>Reads files that a user named and that cannot be large: keys, settings, catalogues.</summary>
public static class SmallFile
{
    /// <summary>The whole file, at most <paramref name="maxBytes"/> long; a pipe or device is read as far.</summary>
    /// <returns>Null when there is more: a device's length says nothing, so the limit holds for what comes out.</returns>
    /// <exception cref="IOException">As <see cref="File.OpenRead"/>.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static byte[]? Read(string path, int maxBytes)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        return ReadToEnd(file.Read, 0, maxBytes);
    }

    /// <summary>As <see cref="Read(string, int)"/>, for files that the program keeps for itself: what is no regular file is not read, so that a FIFO in its place keeps nobody waiting.</summary>
    /// <returns>Null when there is more, and when it is something else than a file.</returns>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static byte[]? ReadRegular(string path, int maxBytes) => ReadRegular(path, maxBytes, out _);

    /// <param name="stat">Of the opened file, before it was read.</param>
    internal static byte[]? ReadRegular(string path, int maxBytes, out Stat stat)
    {
        int opened = Native.Open(Native.AtFdCwd, [.. Encoding.UTF8.GetBytes(path), 0], Native.ReadOnly | Native.NonBlock | Native.NoCtty, 0);
        if (opened < 0)
            throw new IOException($"{path}: {Errno.Describe(-opened)}");
        using SafeFileHandle handle = Native.Own(opened);
        if (Native.GetStat(opened, out stat) < 0 || !stat.IsFile || stat.Size > maxBytes)
            return null;
        return ReadToEnd(to => Native.ReadFile(opened, to) is var got && got >= 0 ? got : throw new IOException($"{path}: {Errno.Describe(-got)}"), stat.Size, maxBytes);
    }

    private delegate int Reader(Span<byte> to);

    /// <param name="expected">Bytes that the file says it has; files of the kernel's own say none. One more is asked for, so that the end is seen with them.</param>
    private static byte[]? ReadToEnd(Reader read, long expected, int maxBytes)
    {
        byte[] bytes = new byte[Math.Max(expected + 1, 4096)];
        int length = 0;
        for (int got; (got = read(bytes.AsSpan(length))) > 0;)
        {
            length += got;
            if (length > maxBytes)
                return null;
            if (length == bytes.Length)
                Array.Resize(ref bytes, bytes.Length * 2);
        }
        return bytes[..length];
    }
}
