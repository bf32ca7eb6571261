using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>
/// Held while a database is replaced: <c>advisories.db.lock</c>, which also remembers the highest counter, so that a database
/// made after the loss of one does not look older than it. The kernel lets go of it when the process ends, however it ends.
/// </summary>
internal sealed partial class UpdateLock : IDisposable
{
    private const int Exclusive = 2, NonBlocking = 4, WouldBlock = 11;
    private readonly SafeFileHandle _file;

    private UpdateLock(SafeFileHandle file) => _file = file;

    /// <summary>Takes the lock and removes what dead updates left beside the database.</summary>
    /// <exception cref="AdvisoryException">Busy, or AccessDenied.</exception>
    public static UpdateLock Take(string databasePath)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(databasePath))!;
        try
        {
            Directory.CreateDirectory(folder);
            SafeFileHandle file = File.OpenHandle(databasePath + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.ReadWrite | FileShare.Delete);
            if (Flock(file, Exclusive | NonBlocking) != 0)
            {
                file.Dispose();
                throw Busy(databasePath);
            }
            foreach (string left in Directory.EnumerateFiles(folder, Path.GetFileName(databasePath) + ".tmp-*"))
                File.Delete(left);
            return new UpdateLock(file);
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            // .NET asks for a shared lock itself when it opens a file, and says so when another holds it alone.
            throw Busy(databasePath);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new AdvisoryException(AdvisoryError.AccessDenied, $"cannot write in {folder}: {e.Message}",
                "set PLIMSOLL_HOME to a folder that you may write in", e);
        }
    }

    private static AdvisoryException Busy(string databasePath) =>
        new(AdvisoryError.Busy, $"another update of {databasePath} is running", "wait for it to end");

    /// <summary>A name for a file that is made beside the database.</summary>
    public static string Temporary(string databasePath, string what) => $"{databasePath}.tmp-{what}";

    /// <summary>The highest counter that was in use here; 0 when none is known.</summary>
    public long Counter
    {
        get
        {
            Span<byte> text = stackalloc byte[20];
            int read = RandomAccess.Read(_file, text, 0);
            return long.TryParse(Encoding.ASCII.GetString(text[..read]).TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out long counter) ? counter : 0;
        }
        set
        {
            byte[] text = Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture) + "\n");
            RandomAccess.Write(_file, text, 0);
            RandomAccess.SetLength(_file, text.Length);
        }
    }

    /// <summary>Puts a finished file in the database's place: on the disk first, then under the name.</summary>
    public static void Replace(string temporary, string databasePath)
    {
        using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.FlushToDisk(file);
        File.Move(temporary, databasePath, overwrite: true);
        string folder = Path.GetDirectoryName(Path.GetFullPath(databasePath))!;
        nint handle = OpenFolder(folder, 0x10000);
        if (handle < 0)
            return;
        // Without this a crash of the host could bring the old name back; the old database is whole, so a failure is no harm.
        _ = Fsync((int)handle);
        _ = Close((int)handle);
    }

    public void Dispose() => _file.Dispose();

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFolder(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Fsync(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
