using Plimsoll.Oci;

namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>What is read out of one rpm database, and the bounds on it.</summary>
/// <param name="fileBytes">Length of the database: what its headers come to cannot be more unless places are used twice.</param>
sealed class RpmPackages(GapList gaps, long fileBytes)
{
    /// <summary>Files remembered of one database, of those that an analyser may want; a large desktop has some 50 000.</summary>
    public const int MaxOwned = 500_000;

    /// <summary>Bytes of paths put together for one database: folders stand once in a header and are named by many files.</summary>
    private const long MaxPathBytes = 512L << 20;

    /// <summary>Bytes of the paths that are remembered; a real one has about 60.</summary>
    private const long MaxOwnedBytes = 32L << 20;

    private long _ownedBytes = MaxOwnedBytes;
    private long _headerBytes, _pathBytes = MaxPathBytes;
    private bool _filesFull;

    public List<Package> Packages { get; } = [];

    public List<OwnedFile> Owned { get; } = [];

    /// <summary>True once nothing more is taken.</summary>
    public bool IsFull { get; private set; }

    public void Fault(string detail) => gaps.Add(RpmDatabaseAnalyser.Corrupt, detail);

    /// <summary>Takes the length of a header before it is put together.</summary>
    /// <returns>False when all headers would come to more than the file: the same bytes are handed out again and again.</returns>
    public bool Take(long length)
    {
        if (IsFull)
            return false;
        _headerBytes += length;
        if (_headerBytes <= fileBytes)
            return true;
        Fault($"its headers come to more than the {fileBytes} bytes of the file; the rest was not read");
        IsFull = true;
        return false;
    }

    /// <param name="blob">The header as the database has it.</param>
    /// <param name="where">For a message: which record.</param>
    public void Add(ReadOnlyMemory<byte> blob, string where)
    {
        if (IsFull)
            return;
        if (!RpmHeader.TryOpen(blob, out RpmHeader? header, out string? fault))
        {
            Fault($"{where}: {fault}");
            return;
        }
        string? name = header.Word(RpmTag.Name), version = header.Word(RpmTag.Version), release = header.Word(RpmTag.Release);
        // Keys that people imported stand in the database as packages that have no files.
        if (name == "gpg-pubkey")
            return;
        if (name is null || version is null || release is null)
        {
            Fault($"{where}{(name is null ? "" : $" ({name})")} has no usable {(name is null ? "NAME" : version is null ? "VERSION" : "RELEASE")}");
            return;
        }
        if (header.TwiceTag is { } tag)
            Fault($"{where} ({name}): tag {tag} stands twice");
        if (Packages.Count == Fields.MaxPackages)
        {
            gaps.Add("too-many-packages", $"more than {Fields.MaxPackages} packages; the rest was not read");
            IsFull = true;
            return;
        }
        if (RpmPackage.Of(name, version, release, header) is not { } package)
        {
            Fault($"{where} ({name}): its version is longer than {Fields.MaxNameLength} characters");
            return;
        }
        Packages.Add(package);
        AddFiles(header, name, where);
    }

    private void AddFiles(RpmHeader header, string package, string where)
    {
        if (_filesFull)
            return;
        RpmFiles files = new(header);
        Span<byte> path = stackalloc byte[RpmFiles.MaxPathBytes];
        while (files.MoveNext(path, out int length, out string? checksum))
        {
            _pathBytes -= length + 16;
            if (checksum is not null)
                _ownedBytes -= length;
            if (_pathBytes < 0 || _ownedBytes < 0 || Owned.Count == MaxOwned)
            {
                gaps.Add("too-many-files", $"the packages claim more files than are remembered ({MaxOwned}, with {MaxOwnedBytes} bytes of paths); of the rest it is not known whose they are");
                _filesFull = true;
                return;
            }
            if (checksum is not null)
                Owned.Add(new OwnedFile(EntryPath.Decode(path[..length]), checksum, package));
        }
        if (files.Fault is { } fault)
            Fault($"{where} ({package}): {fault}");
    }
}
