using System.Security.Cryptography;
using Plimsoll.Oci;

namespace Plimsoll.Measure;

/// <summary>What a layer's tar leaves behind once it was unpacked into an empty folder, as Docker and containerd do that.</summary>
/// <remarks>
/// The last entry of a path counts; a folder keeps what is in it when it comes again, anything else takes its place with all that
/// was below. Whiteouts (<c>.wh.NAME</c>) and opaque folders (<c>.wh..wh..opq</c>) become entries of their own.
/// Source: moby/moby, pkg/archive, Unpack and overlayWhiteoutConverter; OCI image specification 1.1, layer.md, "Whiteouts".
/// </remarks>
internal sealed class LayerContents(ListBudget budget)
{
    /// <summary>Entries of one layer, some 300 bytes each; the largest layer seen in the field has 1.2 million.</summary>
    public const int MaxFiles = 4_000_000;

    /// <summary>About what an entry takes beside its texts.</summary>
    private const int EntryBytes = 320;

    private const string WhiteoutPrefix = ".wh.", OpaqueName = ".wh..wh..opq";

    private readonly Dictionary<string, FileEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileEntry> _opaque = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _cuts = new(StringComparer.Ordinal);
    private HashSet<string>? _implied;
    private int _order;

    /// <summary>By path; opaque folders are not among them.</summary>
    public Dictionary<string, FileEntry> Entries => _entries;

    /// <summary>Opaque folders by path.</summary>
    public Dictionary<string, FileEntry> Opaque => _opaque;

    /// <summary>Folders that no entry states but that entries lie in; never the root.</summary>
    public HashSet<string> Implied => _implied ??= ImpliedFolders();

    /// <summary>Reads the layer to the end of its entries.</summary>
    /// <param name="hashContents">Whether files get <see cref="FileEntry.Content"/>.</param>
    /// <param name="budget">Shared by the layers of an image; null for one of its own.</param>
    public static LayerContents Read(EntryReader entries, bool hashContents, CancellationToken cancellationToken, ListBudget? budget = null)
    {
        LayerContents contents = new(budget ?? new ListBudget());
        using IncrementalHash? hash = hashContents ? IncrementalHash.CreateHash(HashAlgorithmName.SHA384) : null;
        while (entries.MoveNext(cancellationToken))
            contents.Add(entries, hash, cancellationToken);
        contents.Finish();
        return contents;
    }

    /// <summary>Puts entries together that were written down before, as a list has them.</summary>
    public static LayerContents Of(IEnumerable<FileEntry> entries)
    {
        LayerContents contents = new(new ListBudget());
        foreach (FileEntry entry in entries)
            (entry.Type == FileType.Opaque ? contents._opaque : contents._entries)[entry.Path] = entry;
        foreach (FileEntry entry in contents._entries.Values)
            if (entry.Type == FileType.HardLink && contents._entries.TryGetValue(entry.Link, out FileEntry? target) && target.Type != FileType.HardLink)
                (entry.Target, target.IsLinked) = (target, true);
        return contents;
    }

    /// <summary>All entries in canonical order: by path, an opaque folder after the folder itself.</summary>
    public FileEntry[] Sorted()
    {
        FileEntry[] all = [.. _entries.Values, .. _opaque.Values];
        Array.Sort(all, static (a, b) => string.CompareOrdinal(a.Path, b.Path) is var byPath and not 0 ? byPath : a.Type.CompareTo(b.Type));
        return all;
    }

    private void Add(EntryReader entry, IncrementalHash? hash, CancellationToken cancellationToken)
    {
        if (_entries.Count + _opaque.Count >= MaxFiles)
            throw new ImageException(ImageError.LimitExceeded, $"more than {MaxFiles} files in one layer (MaxFiles)");
        if (TypeOf(entry.Type) is not { } type)
            return;
        string path = entry.Path;
        budget.Take(EntryBytes + (2L * (path.Length + entry.LinkTarget.Length)));
        foreach ((string key, byte[] value) in entry.Attributes)
            budget.Take((2L * key.Length) + value.Length);
        int name = path.LastIndexOf('/') + 1;
        if (path.AsSpan(name).StartsWith(WhiteoutPrefix, StringComparison.Ordinal))
        {
            AddWhiteout(path, name);
            return;
        }
        FileEntry? target = null;
        if (type == FileType.HardLink)
        {
            // A link to a file that the layer does not have cannot be unpacked; it stays without a target.
            target = _entries.GetValueOrDefault(EntryPath.Decode(entry.LinkTarget));
            target = target?.Target ?? target;
        }
        byte[]? content = null;
        if (hash is not null && type == FileType.File)
        {
            entry.HashContent(hash, cancellationToken);
            content = hash.GetHashAndReset();
        }
        Put(new FileEntry
        {
            Path = path,
            Type = type,
            Mode = entry.Mode,
            Uid = entry.Uid,
            Gid = entry.Gid,
            Size = type == FileType.File ? entry.Size : 0,
            Device = entry.Device,
            Link = type is FileType.Symlink or FileType.HardLink ? EntryPath.Decode(entry.LinkTarget) : "",
            Attributes = entry.Attributes,
            Content = content,
            Target = target,
            Order = _order++,
        });
        if (target is not null)
            // What a link's header says is done to the one file that both names have.
            (target.Mode, target.Uid, target.Gid, target.IsLinked) = (entry.Mode, entry.Uid, entry.Gid, true);
    }

    private void AddWhiteout(string path, int name)
    {
        if (path.AsSpan(name).SequenceEqual(OpaqueName))
        {
            string folder = name == 0 ? "" : path[..(name - 1)];
            _opaque[folder] = new FileEntry { Path = folder, Type = FileType.Opaque, Order = _order++ };
            return;
        }
        Put(new FileEntry { Path = path[..name] + path[(name + WhiteoutPrefix.Length)..], Type = FileType.Whiteout, Order = _order++ });
    }

    private void Put(FileEntry entry)
    {
        if (_entries.TryGetValue(entry.Path, out FileEntry? before) && before.Type == FileType.Directory && entry.Type != FileType.Directory)
            _cuts[entry.Path] = entry.Order;
        _entries[entry.Path] = entry;
    }

    /// <summary>Takes away what lay below folders whose place something else took.</summary>
    private void Finish()
    {
        if (_cuts.Count == 0)
            return;
        foreach (Dictionary<string, FileEntry> all in (Dictionary<string, FileEntry>[])[_entries, _opaque])
            foreach (FileEntry entry in all.Values.ToArray())
                for (int slash = entry.Path.LastIndexOf('/'); slash > 0; slash = entry.Path.LastIndexOf('/', slash - 1))
                    if (_cuts.TryGetValue(entry.Path[..slash], out int at) && at > entry.Order)
                    {
                        all.Remove(entry.Path);
                        break;
                    }
    }

    private HashSet<string> ImpliedFolders()
    {
        HashSet<string> implied = new(StringComparer.Ordinal);
        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> known = implied.GetAlternateLookup<ReadOnlySpan<char>>();
        Dictionary<string, FileEntry>.AlternateLookup<ReadOnlySpan<char>> entries = _entries.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (string path in _entries.Keys.Concat(_opaque.Keys.Select(folder => folder + "/")))
            for (int slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
            {
                ReadOnlySpan<char> folder = path.AsSpan(0, slash);
                // A folder that has its own entry walks the rest of the way up by itself, as did whoever put an implied one there.
                if (entries.ContainsKey(folder) || !known.Add(folder))
                    break;
            }
        return implied;
    }

    private static FileType? TypeOf(EntryType type) => type switch
    {
        EntryType.File => FileType.File,
        EntryType.Directory => FileType.Directory,
        EntryType.Symlink => FileType.Symlink,
        EntryType.HardLink => FileType.HardLink,
        EntryType.CharDevice => FileType.CharDevice,
        EntryType.BlockDevice => FileType.BlockDevice,
        EntryType.Fifo => FileType.Fifo,
        _ => null,
    };
}

/// <summary>Bytes of memory that the entries of one image may take, over all its layers.</summary>
internal sealed class ListBudget(long maxBytes = ListBudget.MaxListBytes)
{
    /// <summary>Some five million files with paths of usual length.</summary>
    public const long MaxListBytes = 2L << 30;

    private long _taken;

    /// <exception cref="ImageException">LimitExceeded.</exception>
    public void Take(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) > maxBytes)
            throw new ImageException(ImageError.LimitExceeded, $"the list of the image's files takes more than {maxBytes} bytes of memory (MaxListBytes)");
    }
}
