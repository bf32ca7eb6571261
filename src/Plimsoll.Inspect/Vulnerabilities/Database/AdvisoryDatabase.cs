using System.Buffers.Binary;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>
/// The advisory database: one SQLite file that is only ever replaced whole. Every row carries a checksum and every row number
/// up to a known count is there, so that a damaged file gives an error and never an empty answer.
/// Source: docs/formats/advisory-database.md.
/// </summary>
public sealed class AdvisoryDatabase : IAdvisoryStore
{
    /// <summary>Form of the tables and rows, in SQLite's user_version.</summary>
    public const int SchemaVersion = 2;

    /// <summary><c>PlAd</c> in SQLite's application_id.</summary>
    public const int ApplicationId = 0x506c4164;

    /// <summary>Decoded advisories that are remembered: a flaw often concerns several packages of an image.</summary>
    private const int MaxRemembered = 8192;

    private readonly SqliteConnection _file;
    private readonly SqliteStatement _advisory, _package, _id, _epss;
    private readonly DatabaseMeta _meta;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Advisory> _remembered = [];
    private HashSet<string>? _covered;
    private KevCatalogue? _kev;
    private uint[]? _names;

    private AdvisoryDatabase(SqliteConnection file)
    {
        _file = file;
        _meta = DatabaseMeta.Read(MetaRow(0), Path);
        _advisory = file.Prepare("select body from advisory where number=?1");
        _package = file.Prepare("select body from package where number=?1");
        _id = file.Prepare("select body from id where number=?1");
        _epss = file.Prepare("select body from epss where number=?1");
        Info = new DatabaseInfo
        {
            IsDatabase = true,
            Counter = _meta.Counter,
            Created = _meta.Created,
            Records = _meta.Records,
            Digest = _meta.Digest,
            Ecosystems = NamesOf(_meta.Ecosystems),
            KevVersion = _meta.KevVersion,
            EpssDate = _meta.EpssDate,
        };
    }

    public string Path => _file.Path;
    public DatabaseInfo Info { get; }
    public IReadOnlyList<EcosystemInfo> EcosystemDetails => _meta.Ecosystems;

    /// <summary>In ordinal order of names.</summary>
    public IReadOnlyList<ReleaseInfo> Releases => _meta.Releases;

    /// <summary>Opens a database for reading. Nothing is written, not even beside it.</summary>
    /// <exception cref="AdvisoryException">NotFound, AccessDenied, LibraryMissing, NewerSchema or Corrupt.</exception>
    public static AdvisoryDatabase Open(string path)
    {
        CheckHead(path);
        SqliteConnection file = SqliteConnection.OpenImmutable(path);
        try
        {
            return new AdvisoryDatabase(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Checks name, schema and length from SQLite's file header, before SQLite sees the file.</summary>
    private static void CheckHead(string path)
    {
        byte[] head = new byte[100];
        long length;
        using (Microsoft.Win32.SafeHandles.SafeFileHandle file = OpenToRead(path))
        {
            length = RandomAccess.GetLength(file);
            if (RandomAccess.Read(file, head, 0) < head.Length)
                throw AdvisoryException.Corrupt(path, $"it has {length} bytes, too few for a database");
        }
        if (!head.AsSpan().StartsWith("SQLite format 3\0"u8) || BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(68)) != ApplicationId)
            throw AdvisoryException.Corrupt(path, "it is no advisory database");
        int schema = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(60));
        if (schema > SchemaVersion)
            throw new AdvisoryException(AdvisoryError.NewerSchema,
                $"the advisory database {path} has schema {schema}; this Plimsoll reads up to {SchemaVersion}", "use the newer Plimsoll that made it, or move the file away");
        // Older ones hold names of packages that were not yet made comparable: a look-up there would miss in silence.
        if (schema < SchemaVersion)
            throw AdvisoryException.Corrupt(path, $"schema {schema}; this Plimsoll reads {SchemaVersion}");
        long pageBytes = BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(16)), pages = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(28));
        if (pageBytes * pages != length)
            throw AdvisoryException.Corrupt(path, $"it has {length} bytes; its header says {pageBytes * pages}");
    }

    private static Microsoft.Win32.SafeHandles.SafeFileHandle OpenToRead(string path)
    {
        try
        {
            return File.OpenHandle(path, options: FileOptions.None, share: FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AdvisoryException(AdvisoryError.NotFound, $"there is no advisory database {path}", "run 'plimsoll db update'", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new AdvisoryException(AdvisoryError.AccessDenied, $"cannot read the advisory database {path}: {e.Message}", inner: e);
        }
    }

    public bool Covers(string ecosystem)
    {
        lock (_lock)
            return (_covered ??= CoveredBy(_meta.Releases)).Contains(ecosystem);
    }

    public IReadOnlyList<Affected> Find(string ecosystem, string package)
    {
        package = OsvEcosystems.NormaliseName(ecosystem, package);
        Span<byte> wantedEcosystem = stackalloc byte[Utf8Bytes(ecosystem)], wantedPackage = stackalloc byte[Utf8Bytes(package)];
        if (!System.Text.Encoding.UTF8.TryGetBytes(ecosystem, wantedEcosystem, out _) || !System.Text.Encoding.UTF8.TryGetBytes(package, wantedPackage, out _))
            return [];
        uint hash = RecordBatch.HashOf(ecosystem, package);
        int number = DatabaseMeta.RowOf(hash, _meta.PackageRows);
        lock (_lock)
        {
            // Of most packages of languages there is no record: no row need be read to know that.
            if ((_names ??= Names()).AsSpan().BinarySearch(hash) < 0)
                return [];
            try
            {
                RowReader row = Row(_package, RowKind.Package, number);
                while (!row.AtEnd)
                {
                    bool wanted = row.Utf8().SequenceEqual(wantedEcosystem) & row.Utf8().SequenceEqual(wantedPackage);
                    RowReader group = new(row.Utf8(), Path);
                    if (!wanted)
                        continue;
                    List<Affected> found = [];
                    while (!group.AtEnd)
                    {
                        int advisory = group.Int32();
                        RowReader body = new(group.Utf8(), Path);
                        found.Add(body.Affected(() => Locked(advisory), ecosystem, package));
                    }
                    return found;
                }
                return [];
            }
            finally
            {
                _package.Reset();
            }
        }
    }

    public IReadOnlyList<Advisory> FindById(string id)
    {
        uint hash = RecordBatch.HashOf(id);
        int number = DatabaseMeta.RowOf(hash, _meta.IdRows);
        List<Advisory> found = [];
        lock (_lock)
        {
            try
            {
                RowReader row = Row(_id, RowKind.Id, number);
                while (!row.AtEnd)
                {
                    uint other = row.Fixed(), advisoryNumber = row.Fixed();
                    // Different ids may share a hash: the advisory itself decides.
                    if (other == hash && AdvisoryAt(checked((int)advisoryNumber)) is { } advisory
                        && (advisory.Id == id || advisory.Aliases.Contains(id) || advisory.Upstream.Contains(id)))
                        found.Add(advisory);
                }
            }
            finally
            {
                _id.Reset();
            }
        }
        return found;
    }

    /// <summary>Every element of a record, in ordinal order of ecosystem and package; empty for a record that is not in here.</summary>
    public IReadOnlyList<Affected> FindAffected(Advisory advisory)
    {
        ArgumentNullException.ThrowIfNull(advisory);
        lock (_lock)
        {
            if (NumberOf(advisory) is not { } number)
                return [];
            List<Affected> found = [];
            foreach (uint hash in PackagesOf(number))
                try
                {
                    RowReader row = Row(_package, RowKind.Package, DatabaseMeta.RowOf(hash, _meta.PackageRows));
                    while (!row.AtEnd)
                    {
                        string ecosystem = row.Text(), package = row.Text();
                        RowReader group = new(row.Utf8(), Path);
                        if (RecordBatch.HashOf(ecosystem, package) != hash)
                            continue;
                        while (!group.AtEnd)
                        {
                            int other = group.Int32();
                            RowReader body = new(group.Utf8(), Path);
                            if (other == number)
                                found.Add(body.Affected(() => advisory, ecosystem, package));
                        }
                    }
                }
                finally
                {
                    _package.Reset();
                }
            return [.. found.OrderBy(a => a.Ecosystem, StringComparer.Ordinal).ThenBy(a => a.Package, StringComparer.Ordinal)];
        }
    }

    private int? NumberOf(Advisory wanted)
    {
        uint hash = RecordBatch.HashOf(wanted.Id);
        try
        {
            RowReader row = Row(_id, RowKind.Id, DatabaseMeta.RowOf(hash, _meta.IdRows));
            while (!row.AtEnd)
            {
                uint other = row.Fixed(), number = row.Fixed();
                if (other == hash && AdvisoryAt(checked((int)number)) is { } advisory && advisory.Id == wanted.Id && advisory.Source == wanted.Source)
                    return (int)number;
            }
            return null;
        }
        finally
        {
            _id.Reset();
        }
    }

    /// <summary>Hashes of the packages that a record speaks of, ascending. The statement is made when asked for: no scan asks.</summary>
    private uint[] PackagesOf(int number)
    {
        using SqliteStatement select = _file.Prepare("select body from affects where number=?1");
        RowReader row = Row(select, RowKind.Affects, number / DatabaseMeta.RecordsPerRow);
        uint[] hashes = [];
        for (int record = number - (number % DatabaseMeta.RecordsPerRow); record <= number; record++)
        {
            hashes = new uint[row.Count()];
            for (int i = 0; i < hashes.Length; i++)
                hashes[i] = row.Fixed();
        }
        return hashes;
    }

    public string? FindKnownExploited(string cve)
    {
        lock (_lock)
            return Kev().Find(cve);
    }

    public Epss? FindEpss(string cve)
    {
        if (_meta.EpssRows == 0)
            return null;
        int number = DatabaseMeta.RowOf(RecordBatch.HashOf(cve), _meta.EpssRows);
        lock (_lock)
        {
            try
            {
                RowReader row = Row(_epss, RowKind.Epss, number);
                while (!row.AtEnd)
                {
                    bool wanted = row.Text() == cve;
                    int probability = row.Int32(), percentile = row.Int32();
                    if (wanted)
                        return EpssTable.ValueOf(probability, percentile);
                }
                return null;
            }
            finally
            {
                _epss.Reset();
            }
        }
    }

    /// <summary>The whole table, or null when there is none.</summary>
    internal EpssTable? ReadEpss()
    {
        if (_meta.EpssRows == 0)
            return null;
        EpssTable table = EpssTable.Kept(_meta.EpssDate ?? "", _meta.EpssDigest);
        lock (_lock)
            for (int number = 0; number < _meta.EpssRows; number++)
                try
                {
                    RowReader row = Row(_epss, RowKind.Epss, number);
                    while (!row.AtEnd)
                        table.Rows.Add(new EpssRow(row.Text(), row.Int32(), row.Int32()));
                }
                finally
                {
                    _epss.Reset();
                }
        return table.Rows.Count == _meta.EpssEntries ? table
            : throw AdvisoryException.Corrupt(Path, $"{table.Rows.Count} EPSS entries; wanted {_meta.EpssEntries}");
    }

    /// <summary>Reads every row and checks that it is whole and that what it names is there.</summary>
    /// <exception cref="AdvisoryException">Corrupt.</exception>
    public void Verify(CancellationToken cancellationToken)
    {
        ReadAdvisories((_, _, _) => cancellationToken.ThrowIfCancellationRequested());
        uint[] names;
        lock (_lock)
            names = _names ??= Names();
        ReadPackages((ecosystem, package, _, _) =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (names.AsSpan().BinarySearch(RecordBatch.HashOf(ecosystem, package)) < 0)
                throw AdvisoryException.Corrupt(Path, "a package is not among the names");
        });
        lock (_lock)
        {
            for (int number = 0; number < _meta.IdRows; number++)
            {
                _ = Row(_id, RowKind.Id, number);
                _id.Reset();
            }
            using SqliteStatement affects = _file.Prepare("select body from affects where number=?1");
            for (int number = 0; number < DatabaseMeta.AffectsRows(_meta.Records); number++)
            {
                _ = Row(affects, RowKind.Affects, number);
                affects.Reset();
            }
            _ = Kev();
            _ = ReadEpss();
        }
    }

    internal KevCatalogue Kev()
    {
        lock (_lock)
            return _kev ??= KevCatalogue.Read(MetaRow(1));
    }

    internal delegate void AdvisoryVisitor(int number, Advisory advisory, ReadOnlySpan<byte> row);
    internal delegate void PackageVisitor(string ecosystem, string package, int advisory, ReadOnlySpan<byte> body);

    internal void ReadAdvisories(AdvisoryVisitor visit)
    {
        lock (_lock)
            for (int number = 0; number < _meta.Records; number++)
                try
                {
                    RowReader row = Row(_advisory, RowKind.Advisory, number);
                    ReadOnlySpan<byte> bytes = row.Rest;
                    visit(number, row.Advisory(), bytes);
                }
                finally
                {
                    _advisory.Reset();
                }
    }

    internal void ReadPackages(PackageVisitor visit)
    {
        lock (_lock)
            for (int number = 0; number < _meta.PackageRows; number++)
                try
                {
                    RowReader row = Row(_package, RowKind.Package, number);
                    while (!row.AtEnd)
                    {
                        string ecosystem = row.Text(), package = row.Text();
                        RowReader group = new(row.Utf8(), Path);
                        while (!group.AtEnd)
                        {
                            int advisory = group.Int32();
                            if (advisory >= _meta.Records)
                                throw AdvisoryException.Corrupt(Path, $"a package names advisory {advisory} of {_meta.Records}");
                            visit(ecosystem, package, advisory, group.Utf8());
                        }
                    }
                }
                finally
                {
                    _package.Reset();
                }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _advisory.Dispose();
            _package.Dispose();
            _id.Dispose();
            _epss.Dispose();
            _file.Dispose();
        }
    }

    private static string[] NamesOf(IReadOnlyList<EcosystemInfo> ecosystems)
    {
        string[] names = new string[ecosystems.Count];
        for (int i = 0; i < names.Length; i++)
            names[i] = ecosystems[i].Name;
        return names;
    }

    private static HashSet<string> CoveredBy(IReadOnlyList<ReleaseInfo> releases)
    {
        HashSet<string> covered = new(releases.Count, StringComparer.Ordinal);
        for (int i = 0; i < releases.Count; i++)
            covered.Add(releases[i].Name);
        return covered;
    }

    private static int Utf8Bytes(string text) => text.Length <= 1024 ? System.Text.Encoding.UTF8.GetByteCount(text) : 0;

    private Advisory Locked(int number)
    {
        lock (_lock)
            return AdvisoryAt(number);
    }

    private Advisory AdvisoryAt(int number)
    {
        if (_remembered.TryGetValue(number, out Advisory? advisory))
            return advisory;
        try
        {
            advisory = Row(_advisory, RowKind.Advisory, number).Advisory();
        }
        finally
        {
            _advisory.Reset();
        }
        if (_remembered.Count == MaxRemembered)
            _remembered.Clear();
        _remembered[number] = advisory;
        return advisory;
    }

    private RowReader Row(SqliteStatement select, RowKind kind, int number)
    {
        select.Bind(1, number);
        // Every number up to the count was written: one that is missing is damage, not "none known".
        return select.Step()
            ? RowReader.Unseal(kind, number, select.Blob(0), Path)
            : throw AdvisoryException.Corrupt(Path, $"row {number} of table {kind.ToString().ToLowerInvariant()} is missing");
    }

    /// <summary>The hashes of all packages that records speak of, ascending.</summary>
    private uint[] Names()
    {
        RowReader row = MetaRow(2);
        uint[] names = new uint[row.Rest.Length / sizeof(uint)];
        for (int i = 0; i < names.Length; i++)
            names[i] = row.Fixed();
        return names.Length == _meta.PackageRows || (names.Length == 0 && _meta.PackageRows == 1) ? names
            : throw AdvisoryException.Corrupt(Path, $"{names.Length} names of packages; wanted {_meta.PackageRows}");
    }

    private RowReader MetaRow(int number)
    {
        using SqliteStatement select = _file.Prepare("select body from meta where number=?1");
        select.Bind(1, number);
        if (!select.Step())
            throw AdvisoryException.Corrupt(Path, $"row {number} of table meta is missing");
        // The statement ends here, so the row is copied.
        return RowReader.Unseal(RowKind.Meta, number, select.Blob(0).ToArray(), Path);
    }
}
