using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Posix;

/// <summary>Writes files so that a reader, also after a crash of the host, finds the old one or the new one and never a part.</summary>
public static class DurableFile
{
    private const int LockWaitMilliseconds = 20;

    /// <summary>A name beside the file that nobody else uses.</summary>
    public static string TemporaryFor(string path) =>
        Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, $".{Path.GetFileName(path)}.tmp-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}");

    /// <summary>For its owner only, from the first byte.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>A file of that name, which is not there yet.</summary>
    /// <param name="mode">Null for what the umask leaves.</param>
    public static FileStream Create(string path, UnixFileMode? mode = null) =>
        new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read, UnixCreateMode = mode, BufferSize = 128 * 1024 });

    /// <summary>Writes a small file in the place of another.</summary>
    /// <param name="mode">As of <see cref="Create"/>.</param>
    public static void Write(string path, ReadOnlySpan<byte> bytes, UnixFileMode? mode = null)
    {
        string temporary = TemporaryFor(path);
        try
        {
            using (FileStream file = Create(temporary, mode))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }
            Replace(temporary, path);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Gives a finished file, whose bytes are on the disk, its name.</summary>
    public static void Replace(string temporary, string path)
    {
        File.Move(temporary, path, overwrite: true);
        Settle(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Brings the names in a folder to the disk. Where that fails the old name may come back after a crash, and with it a whole file.</summary>
    private static void Settle(string folder)
    {
        int file = Native.Open(Native.AtFdCwd, [.. Encoding.UTF8.GetBytes(folder), 0], Native.ReadOnly | Native.DirectoryOnly, 0);
        if (file < 0)
            return;
        using SafeFileHandle handle = Native.Own(file);
        try
        {
            RandomAccess.FlushToDisk(handle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Some file systems have no such thing for folders.
        }
    }

    /// <summary>Opens a file for this process alone, waiting until whoever has it lets go; the kernel lets go for a process that died.</summary>
    /// <param name="mode">As of <see cref="Create"/>, where the file is not there yet.</param>
    /// <exception cref="IOException">It was not to be had in that time.</exception>
    public static FileStream Lock(string path, TimeSpan patience, CancellationToken cancellationToken, UnixFileMode? mode = null)
    {
        for (TimeSpan waited = TimeSpan.Zero; ; waited += TimeSpan.FromMilliseconds(LockWaitMilliseconds))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                FileStream file = new(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = mode, BufferSize = 1 });
                // Who had it may have removed the name in between; a lock on a file without one keeps nobody out.
                if (IsAt(file.SafeFileHandle, path))
                    return file;
                file.Dispose();
            }
            catch (IOException e) when (waited < patience && e is not (FileNotFoundException or DirectoryNotFoundException))
            {
                cancellationToken.WaitHandle.WaitOne(LockWaitMilliseconds);
            }
        }
    }

    private static bool IsAt(SafeFileHandle file, string path) =>
        Native.GetStat((int)file.DangerousGetHandle(), out Stat open) == 0
        && Native.GetStat(Native.AtFdCwd, [.. Encoding.UTF8.GetBytes(path), 0], 0, out Stat named) == 0
        && open.Inode == named.Inode && open.Device == named.Device;

    /// <summary>Whether the path is a folder itself and no link to one.</summary>
    public static bool IsRealFolder(string path) =>
        Native.GetStat(Native.AtFdCwd, [.. Encoding.UTF8.GetBytes(path.TrimEnd('/')), 0], Native.AtSymlinkNoFollow, out Stat stat) == 0 && stat.IsFolder;
}
