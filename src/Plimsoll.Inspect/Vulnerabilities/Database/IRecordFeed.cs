using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>OSV records, one after the other or several at once. Thread safe.</summary>
internal interface IRecordFeed : IDisposable
{
    int Count { get; }
    string Name(int index);

    /// <summary>The bytes of one record, in the buffer given; empty when it is longer than <see cref="OsvLimits.MaxRecordBytes"/>.</summary>
    /// <exception cref="AdvisoryException">The feed is broken: what is read elsewhere in it cannot be trusted either.</exception>
    ReadOnlySpan<byte> Read(int index, FeedBuffer buffer);
}

/// <summary>Room that one thread uses again for each record.</summary>
internal sealed class FeedBuffer
{
    private byte[] _packed = new byte[16 * 1024], _unpacked = new byte[64 * 1024];

    public Span<byte> Packed(int bytes) => Room(ref _packed, bytes);
    public Span<byte> Unpacked(int bytes) => Room(ref _unpacked, bytes);
    public MemoryStream PackedStream(int bytes) => new(_packed, 0, bytes, writable: false);

    private static Span<byte> Room(ref byte[] buffer, int bytes)
    {
        if (buffer.Length < bytes)
            buffer = new byte[Math.Max(bytes, Math.Min(buffer.Length * 2, Array.MaxLength))];
        return buffer.AsSpan(0, bytes);
    }
}

/// <summary>Files *.json below a folder, in ordinal order of their paths; links are not followed.</summary>
internal sealed class FolderFeed : IRecordFeed
{
    private readonly List<string> _paths = [];
    private readonly OsvLimits _limits;

    public FolderFeed(string folder, OsvLimits limits)
    {
        _limits = limits;
        EnumerationOptions below = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false, MaxRecursionDepth = 16 };
        foreach (string path in Directory.EnumerateFiles(folder, "*.json", below))
        {
            if (Path.GetFileName(path) == KevCatalogue.FileName)
                continue;
            if (_paths.Count == limits.MaxEntries)
                throw new AdvisoryException(AdvisoryError.LimitExceeded, $"{folder} has more than {limits.MaxEntries} records (MaxEntries)");
            _paths.Add(path);
        }
        _paths.Sort(StringComparer.Ordinal);
    }

    public int Count => _paths.Count;
    public string Name(int index) => _paths[index];

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Read(int index, FeedBuffer buffer)
    {
        using SafeFileHandle file = FeedFile.Open(_paths[index]);
        Span<byte> room = buffer.Unpacked(64 * 1024);
        int filled = 0, read;
        while ((read = RandomAccess.Read(file, room[filled..], filled)) > 0)
        {
            filled += read;
            if (filled > _limits.MaxRecordBytes)
                return default;
            if (filled < room.Length)
                continue;
            byte[] soFar = room.ToArray();
            room = buffer.Unpacked(room.Length * 2);
            soFar.CopyTo(room);
        }
        return room[..filled];
    }

    public void Dispose()
    {
    }
}

internal static class FeedFile
{
    public static SafeFileHandle Open(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.RandomAccess);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AdvisoryException(AdvisoryError.NotFound, $"there is no file {path}", inner: e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new AdvisoryException(AdvisoryError.AccessDenied, $"cannot read {path}: {e.Message}", inner: e);
        }
    }
}
