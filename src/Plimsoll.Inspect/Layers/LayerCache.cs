using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Inspect.Layers;

/// <summary>
/// Facts of layers seen before, one file a layer and group of analysers; what whole images came to; and which files on disk were
/// shown to hold which layers.
/// </summary>
/// <remarks>
/// Only facts of verified bytes come in. Files are written beside and renamed, so parallel processes and a crash leave no
/// half file; one that does not carry its own hash is as good as absent. What lies in a folder that others may write in is not
/// believed, and nothing is put there. A cache that cannot be written is no error.
/// </remarks>
public sealed class LayerCache : IProofs
{
    /// <summary>Raised when the form of the files changes; older files are then not read and cleaned in time.</summary>
    private const int FormVersion = 4;

    /// <summary>Above it the longest unused files go until a fifth is free: 1 GiB, some ten thousand layers.</summary>
    public const long DefaultMaxBytes = 1L << 30;

    private readonly string _layers, _images, _proofs;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<FactGroup, string> _versions = new(ReferenceEqualityComparer.Instance);
    private readonly Lock _lock = new();
    private readonly List<(string Path, LayerFacts Facts)> _newFacts = [];
    private readonly List<(string Path, byte[] Content)> _newImages = [];
    private readonly List<(string Identity, Digest DiffId)> _newProofs = [];
    private bool _wrote;

    /// <param name="folder">Made when something is first stored; readable by its owner alone.</param>
    public LayerCache(string folder, TimeProvider time)
    {
        _time = time;
        _layers = Path.Combine(folder, "layers");
        _images = Path.Combine(folder, "images");
        _proofs = Path.Combine(folder, "proofs");
    }

    /// <summary>Why nothing could be stored, or null.</summary>
    public string? WriteError { get; private set; }

    /// <returns>Null when the layer is not known to this group, as its analysers and rules are now.</returns>
    public LayerFacts? Find(Digest diffId, FactGroup group)
    {
        return Read(_layers, FileOf(diffId, group)) is { } bytes ? LayerFactsCodec.Decode(bytes) : null;
    }

    /// <summary>What a whole image came to, in bytes that carry their own hash; the key names all that decided it.</summary>
    public byte[]? FindImage(string key) => Read(_images, Path.Combine(_images, key));

    /// <summary>Remembers it until <see cref="Flush"/>. Only of an image each of whose layers was verified.</summary>
    public void AddImage(string key, byte[] content)
    {
        lock (_lock)
            _newImages.Add((Path.Combine(_images, key), content));
    }

    private byte[]? Read(string folder, string path)
    {
        if (!OwnFiles.IsPrivateFolder(folder))
            return null;
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            // What is used stays: the time of last use decides what is cleaned.
            if (_time.GetUtcNow().UtcDateTime - File.GetLastWriteTimeUtc(path) > TimeSpan.FromDays(1))
                File.SetLastWriteTimeUtc(path, _time.GetUtcNow().UtcDateTime);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Remembers the facts until <see cref="Flush"/>: who reads layers may have no right to write.</summary>
    public void Add(Digest diffId, FactGroup group, LayerFacts facts)
    {
        lock (_lock)
            _newFacts.Add((FileOf(diffId, group), facts));
    }

    /// <summary>Stores what was added since the last time.</summary>
    public void Flush()
    {
        lock (_lock)
        {
            foreach ((string path, LayerFacts facts) in _newFacts)
                Write(_layers, path, LayerFactsCodec.Encode(facts));
            foreach ((string path, byte[] content) in _newImages)
                Write(_images, path, content);
            foreach ((string identity, Digest diffId) in _newProofs)
                Write(_proofs, ProofOf(identity), Encoding.ASCII.GetBytes(diffId.ToString()));
            _newFacts.Clear();
            _newImages.Clear();
            _newProofs.Clear();
        }
    }

    Digest? IProofs.Find(string identity)
    {
        if (!OwnFiles.IsPrivateFolder(_proofs))
            return null;
        try
        {
            return Digest.TryParse(File.ReadAllText(ProofOf(identity)), out Digest? digest) ? digest : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    void IProofs.Add(string identity, Digest diffId)
    {
        lock (_lock)
            _newProofs.Add((identity, diffId));
    }

    /// <summary>Removes the longest unused files when there is more than <paramref name="maxBytes"/>.</summary>
    /// <returns>Bytes removed.</returns>
    public static long Clean(string folder, long maxBytes)
    {
        List<FileInfo> files = [.. FilesOf(folder, "layers"), .. FilesOf(folder, "images"), .. FilesOf(folder, "proofs")];
        long total = files.Sum(LengthOf), removed = 0;
        if (total <= maxBytes)
            return 0;
        foreach (FileInfo file in files.OrderBy(f => f.LastWriteTimeUtc))
        {
            if (total - removed <= maxBytes / 5 * 4)
                break;
            try
            {
                long length = LengthOf(file);
                file.Delete();
                removed += length;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // In use or not ours: it stays.
            }
        }
        return removed;
    }

    /// <summary>How many files of layers there are, and the bytes of the whole cache.</summary>
    public static (int Layers, long Bytes) Measure(string folder)
    {
        IReadOnlyList<FileInfo> layers = FilesOf(folder, "layers");
        return (layers.Count, layers.Concat(FilesOf(folder, "images")).Concat(FilesOf(folder, "proofs")).Sum(LengthOf));
    }

    /// <summary>0 for a file that another process renamed or removed since the folder was read.</summary>
    private static long LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static IReadOnlyList<FileInfo> FilesOf(string folder, string name) =>
        new DirectoryInfo(Path.Combine(folder, name)) is { Exists: true } part ? [.. part.EnumerateFiles()] : [];

    /// <summary>Keeps the cache within its size; does nothing when nothing was stored.</summary>
    public void CleanAfterWriting()
    {
        if (_wrote)
            Clean(Path.GetDirectoryName(_layers)!, DefaultMaxBytes);
    }

    private string FileOf(Digest diffId, FactGroup group) => Path.Combine(_layers, $"{diffId.Hex}-{_versions.GetOrAdd(group, VersionOf)}");

    private static string VersionOf(FactGroup group) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{FormVersion}\n{group.Key}")))[..16];

    private string ProofOf(string identity) =>
        Path.Combine(_proofs, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity))));

    private void Write(string folder, string path, ReadOnlySpan<byte> content)
    {
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            if (!OwnFiles.IsPrivateFolder(folder))
            {
                WriteError ??= $"{folder} is a link, belongs to another user, or others may write in it";
                return;
            }
            string temporary = $"{path}.{Environment.ProcessId}.{Environment.CurrentManagedThreadId}";
            File.WriteAllBytes(temporary, content);
            File.Move(temporary, path, overwrite: true);
            _wrote = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            WriteError ??= e.Message;
        }
    }
}
