using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>
/// Makes a database file. Rows go to a spool file as they come and only marks stay in memory; at the end the marks are sorted
/// and the rows written in order, so that the same records give the same bytes whatever order threads read them in.
/// </summary>
internal sealed class DatabaseBuilder : IDisposable
{
    private record struct RecordItem(string Id, int Source, long Offset, int Length, long Modified, int Index);
    private record struct AffectedItem(uint Hash, int Record, long Offset, int Length);

    private readonly string _spoolPath;
    private readonly SafeFileHandle _spool;
    private readonly List<RecordItem> _records = [];
    private readonly List<AffectedItem> _affected = [];
    private readonly List<ulong> _ids = [];
    private readonly List<string> _sources = [];
    private readonly Dictionary<string, (DateTimeOffset Newest, int Malformed, string Digest)> _kept = [];
    private readonly Dictionary<string, int> _malformed = [];
    private readonly SortedDictionary<string, int> _releases = new(StringComparer.Ordinal);
    private long _spooled;
    private byte[] _room = new byte[4096];

    public DatabaseBuilder(string spoolPath)
    {
        _spoolPath = spoolPath;
        _spool = File.OpenHandle(spoolPath, FileMode.Create, FileAccess.ReadWrite);
    }

    public int Records => _records.Count;

    /// <summary>Ecosystems that records came for.</summary>
    public IReadOnlyList<string> Sources => _sources;

    /// <summary>Takes over what a batch holds. One caller at a time.</summary>
    public void Add(RecordBatch batch)
    {
        RandomAccess.Write(_spool, batch.Bytes.Written, _spooled);
        int first = _records.Count;
        foreach (RecordBatch.Mark mark in batch.Records)
            _records.Add(new RecordItem(mark.Id, SourceOf(mark.Source), _spooled + mark.Offset, mark.Length, mark.Modified, _records.Count));
        foreach (RecordBatch.AffectedMark mark in batch.Affected)
            _affected.Add(new AffectedItem(mark.Hash, first + mark.Record, _spooled + mark.Offset, mark.Length));
        foreach (RecordBatch.IdMark mark in batch.Ids)
            _ids.Add(((ulong)mark.Hash << 32) | (uint)(first + mark.Record));
        _spooled += batch.Bytes.Length;
    }

    public void AddMalformed(string ecosystem, int count) => _malformed[ecosystem] = _malformed.GetValueOrDefault(ecosystem) + count;

    /// <summary>Takes over the records of these ecosystems from a database.</summary>
    public void Keep(AdvisoryDatabase database, HashSet<string> ecosystems, CancellationToken cancellationToken)
    {
        foreach (EcosystemInfo ecosystem in database.EcosystemDetails)
            if (ecosystems.Contains(ecosystem.Name))
                _kept[ecosystem.Name] = (ecosystem.Newest, ecosystem.Malformed, ecosystem.Digest);
        foreach (ReleaseInfo release in database.Releases)
            if (ecosystems.Contains(RecordBatch.BaseOf(release.Name)))
                _releases[release.Name] = release.Records;
        int[] recordOf = new int[database.Info.Records];
        RecordBatch batch = new();
        int first = _records.Count;
        database.ReadAdvisories((number, advisory, row) =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            recordOf[number] = ecosystems.Contains(advisory.Source) ? first + batch.AddKept(advisory, row) : -1;
            FlushAt(4 << 20);
        });
        FlushAt(0);
        database.ReadPackages((ecosystem, package, number, body) =>
        {
            if (recordOf[number] < 0)
                return;
            // These belong to records that are already there: their index counts from the start.
            batch.AddAffected(recordOf[number] - _records.Count, ecosystem, package, body);
            FlushAt(4 << 20);
        });
        FlushAt(0);

        void FlushAt(int bytes)
        {
            if (batch.Bytes.Length <= bytes)
                return;
            Add(batch);
            batch.Clear();
            first = _records.Count;
        }
    }

    /// <summary>Writes the file; the builder is of no use afterwards.</summary>
    public DatabaseMeta Write(string path, DatabaseMeta meta, KevCatalogue? kev, EpssTable? epss, CancellationToken cancellationToken)
    {
        int[] numbers = SortRecords();
        using SqliteConnection file = SqliteConnection.Create(path);
        // The file is of use only when it is complete, so nothing is journalled; it is synced once, before it is renamed.
        file.Execute($"""
            pragma page_size=4096; pragma journal_mode=off; pragma synchronous=off; pragma locking_mode=exclusive;
            pragma application_id={AdvisoryDatabase.ApplicationId}; pragma user_version={AdvisoryDatabase.SchemaVersion};
            create table meta(number integer primary key, body blob not null);
            create table advisory(number integer primary key, body blob not null);
            create table package(number integer primary key, body blob not null);
            create table id(number integer primary key, body blob not null);
            create table affects(number integer primary key, body blob not null);
            create table epss(number integer primary key, body blob not null);
            begin;
            """);
        IReadOnlyList<EcosystemInfo> ecosystems = WriteAdvisories(file, cancellationToken);
        RowWriter names = new();
        int packageRows = WritePackages(file, numbers, names, cancellationToken);
        WriteAffects(file, cancellationToken);
        int idRows = WriteIds(file, numbers, cancellationToken);
        int epssRows = WriteEpss(file, epss, cancellationToken);
        kev ??= KevCatalogue.Empty;
        ReleaseInfo[] releases = [.. _releases.Select(r => new ReleaseInfo(r.Key, r.Value))];
        StringBuilder all = new();
        foreach (EcosystemInfo ecosystem in ecosystems)
            all.Append(ecosystem.Name).Append('\n').Append(ecosystem.Digest).Append('\n');
        all.Append("kev\n").Append(kev.Digest).Append('\n');
        if (epss is not null)
            all.Append("epss\n").Append(epss.Digest).Append('\n');
        meta = meta with
        {
            Records = _records.Count,
            PackageRows = packageRows,
            IdRows = idRows,
            KevVersion = kev.Version,
            KevDigest = kev.Digest,
            EpssRows = epssRows,
            EpssEntries = epss?.Rows.Count ?? 0,
            EpssDate = epss?.Date,
            EpssDigest = epss?.Digest ?? "",
            Digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all.ToString()))),
            Ecosystems = ecosystems,
            Releases = releases,
        };
        using SqliteStatement insert = file.Prepare("insert into meta values(?1, ?2)");
        RowWriter row = new();
        meta.Write(row);
        Insert(insert, RowKind.Meta, 0, row);
        row.Clear();
        kev.Write(row);
        Insert(insert, RowKind.Meta, 1, row);
        Insert(insert, RowKind.Meta, 2, names);
        file.Execute("commit");
        return meta;
    }

    public void Dispose()
    {
        _spool.Dispose();
        File.Delete(_spoolPath);
    }

    private int SourceOf(string name)
    {
        int index = _sources.IndexOf(name);
        if (index >= 0)
            return index;
        _sources.Add(name);
        return _sources.Count - 1;
    }

    /// <summary>Orders records by id, then source; of equal ones the newest stays.</summary>
    /// <returns>For each record in the order of arrival its number, or -1 when another took its place.</returns>
    private int[] SortRecords()
    {
        int[] numbers = new int[_records.Count];
        Span<RecordItem> sorted = CollectionsMarshal.AsSpan(_records);
        sorted.Sort((a, b) =>
        {
            int order = string.CompareOrdinal(a.Id, b.Id);
            if (order == 0)
                order = string.CompareOrdinal(_sources[a.Source], _sources[b.Source]);
            if (order == 0)
                order = b.Modified.CompareTo(a.Modified);
            // Two with one id and time are told apart by their hash, which does not depend on who read them first.
            return order != 0 || a.Index == b.Index ? order : Spooled(a.Offset, 32).ToArray().AsSpan().SequenceCompareTo(Spooled(b.Offset, 32));
        });
        int kept = 0;
        for (int i = 0; i < sorted.Length; i++)
        {
            bool again = kept > 0 && sorted[i].Source == sorted[kept - 1].Source && sorted[i].Id == sorted[kept - 1].Id;
            numbers[sorted[i].Index] = again ? -1 : kept;
            if (!again)
                sorted[kept++] = sorted[i];
        }
        _records.RemoveRange(kept, _records.Count - kept);
        return numbers;
    }

    private List<EcosystemInfo> WriteAdvisories(SqliteConnection file, CancellationToken cancellationToken)
    {
        IncrementalHash[] digests = [.. _sources.Select(_ => IncrementalHash.CreateHash(HashAlgorithmName.SHA256))];
        int[] counts = new int[_sources.Count];
        long[] newest = new long[_sources.Count];
        RowWriter row = new();
        using SqliteStatement insert = file.Prepare("insert into advisory values(?1, ?2)");
        for (int number = 0; number < _records.Count; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            RecordItem record = _records[number];
            RowReader spooled = new(Spooled(record.Offset, record.Length), _spoolPath);
            digests[record.Source].AppendData(spooled.Take(SHA256.HashSizeInBytes));
            counts[record.Source]++;
            newest[record.Source] = Math.Max(newest[record.Source], record.Modified);
            foreach (string release in spooled.Texts())
                _releases[release] = _releases.GetValueOrDefault(release) + 1;
            row.Clear();
            row.Raw(spooled.Rest);
            Insert(insert, RowKind.Advisory, number, row);
        }
        List<EcosystemInfo> ecosystems = [];
        for (int i = 0; i < _sources.Count; i++)
            using (digests[i])
                ecosystems.Add(_kept.TryGetValue(_sources[i], out (DateTimeOffset Newest, int Malformed, string Digest) kept)
                    ? new EcosystemInfo(_sources[i], counts[i], kept.Newest, kept.Malformed, kept.Digest)
                    : new EcosystemInfo(_sources[i], counts[i], new DateTimeOffset(newest[i], TimeSpan.Zero), _malformed.GetValueOrDefault(_sources[i]),
                        Convert.ToHexStringLower(digests[i].GetHashAndReset())));
        ecosystems.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return ecosystems;
    }

    /// <param name="names">Becomes the hashes of all packages in ascending order.</param>
    private int WritePackages(SqliteConnection file, int[] numbers, RowWriter names, CancellationToken cancellationToken)
    {
        int kept = 0, distinct = 0;
        for (int i = 0; i < _affected.Count; i++)
            if (numbers[_affected[i].Record] >= 0)
                _affected[kept++] = _affected[i] with { Record = numbers[_affected[i].Record] };
        _affected.RemoveRange(kept, _affected.Count - kept);
        Span<AffectedItem> sorted = CollectionsMarshal.AsSpan(_affected);
        sorted.Sort(static (a, b) => a.Hash != b.Hash ? a.Hash.CompareTo(b.Hash)
            : a.Record != b.Record ? a.Record.CompareTo(b.Record) : a.Offset.CompareTo(b.Offset));
        for (int i = 0; i < sorted.Length; i++)
            if (i == 0 || sorted[i].Hash != sorted[i - 1].Hash)
            {
                distinct++;
                names.Fixed(sorted[i].Hash);
            }
        int rows = Math.Max(distinct, 1), at = 0;
        RowWriter row = new();
        List<(string Ecosystem, string Package, RowWriter Body)> groups = [];
        using SqliteStatement insert = file.Prepare("insert into package values(?1, ?2)");
        for (int number = 0; number < rows; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            groups.Clear();
            for (; at < sorted.Length && DatabaseMeta.RowOf(sorted[at].Hash, rows) == number; at++)
            {
                RowReader item = new(Spooled(sorted[at].Offset, sorted[at].Length), _spoolPath);
                string ecosystem = item.Text(), package = item.Text();
                int group = groups.FindIndex(g => g.Ecosystem == ecosystem && g.Package == package);
                if (group < 0)
                {
                    group = groups.Count;
                    groups.Add((ecosystem, package, new RowWriter()));
                }
                RowWriter body = groups[group].Body;
                ReadOnlySpan<byte> rest = item.Rest;
                body.Number(sorted[at].Record);
                body.Number(rest.Length);
                body.Raw(rest);
            }
            row.Clear();
            foreach ((string ecosystem, string package, RowWriter body) in groups)
            {
                row.Text(ecosystem);
                row.Text(package);
                row.Number(body.Length);
                row.Raw(body.Written);
            }
            Insert(insert, RowKind.Package, number, row);
        }
        return rows;
    }

    /// <summary>For each record the hashes of the packages that it speaks of, so that a record leads to its ranges; frees what only this needs.</summary>
    private void WriteAffects(SqliteConnection file, CancellationToken cancellationToken)
    {
        Span<AffectedItem> sorted = CollectionsMarshal.AsSpan(_affected);
        sorted.Sort(static (a, b) => a.Record != b.Record ? a.Record.CompareTo(b.Record) : a.Hash.CompareTo(b.Hash));
        RowWriter row = new();
        using SqliteStatement insert = file.Prepare("insert into affects values(?1, ?2)");
        for (int number = 0, at = 0; number < DatabaseMeta.AffectsRows(_records.Count); number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            row.Clear();
            for (int record = number * DatabaseMeta.RecordsPerRow; record < Math.Min((number + 1) * DatabaseMeta.RecordsPerRow, _records.Count); record++)
            {
                int first = at, distinct = 0;
                for (; at < sorted.Length && sorted[at].Record == record; at++)
                    if (at == first || sorted[at].Hash != sorted[at - 1].Hash)
                        distinct++;
                row.Number(distinct);
                for (int i = first; i < at; i++)
                    if (i == first || sorted[i].Hash != sorted[i - 1].Hash)
                        row.Fixed(sorted[i].Hash);
            }
            Insert(insert, RowKind.Affects, number, row);
        }
        _affected.Clear();
        _affected.TrimExcess();
    }

    private int WriteIds(SqliteConnection file, int[] numbers, CancellationToken cancellationToken)
    {
        int kept = 0;
        for (int i = 0; i < _ids.Count; i++)
            if (numbers[(int)(uint)_ids[i]] is >= 0 and int number)
                _ids[kept++] = (_ids[i] & 0xffffffff00000000) | (uint)number;
        _ids.RemoveRange(kept, _ids.Count - kept);
        _ids.Sort();
        // Eight references a row: short enough to search through, long enough that rows are few.
        int rows = (_ids.Count / 8) + 1, at = 0;
        RowWriter row = new();
        using SqliteStatement insert = file.Prepare("insert into id values(?1, ?2)");
        for (int number = 0; number < rows; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            row.Clear();
            for (; at < _ids.Count && DatabaseMeta.RowOf((uint)(_ids[at] >> 32), rows) == number; at++)
            {
                if (at > 0 && _ids[at] == _ids[at - 1])
                    continue;
                row.Fixed((uint)(_ids[at] >> 32));
                row.Fixed((uint)_ids[at]);
            }
            Insert(insert, RowKind.Id, number, row);
        }
        return rows;
    }

    /// <summary>Sixteen CVEs a row, found by their hash as ids are.</summary>
    private static int WriteEpss(SqliteConnection file, EpssTable? epss, CancellationToken cancellationToken)
    {
        if (epss is null)
            return 0;
        int rows = (epss.Rows.Count / 16) + 1, at = 0;
        EpssRow[] sorted = new EpssRow[epss.Rows.Count];
        // By name first, so that CVEs of one hash stand in an order that does not depend on the table's.
        epss.Rows.CopyTo(sorted);
        Array.Sort(sorted, static (a, b) => string.CompareOrdinal(a.Cve, b.Cve));
        ulong[] keys = new ulong[sorted.Length];
        for (int i = 0; i < sorted.Length; i++)
            keys[i] = ((ulong)RecordBatch.HashOf(sorted[i].Cve) << 32) | (uint)i;
        Array.Sort(keys);
        RowWriter row = new();
        using SqliteStatement insert = file.Prepare("insert into epss values(?1, ?2)");
        for (int number = 0; number < rows; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            row.Clear();
            for (; at < keys.Length && DatabaseMeta.RowOf((uint)(keys[at] >> 32), rows) == number; at++)
            {
                EpssRow one = sorted[(int)(uint)keys[at]];
                row.Text(one.Cve);
                row.Number(one.Probability);
                row.Number(one.Percentile);
            }
            Insert(insert, RowKind.Epss, number, row);
        }
        return rows;
    }

    private static void Insert(SqliteStatement insert, RowKind kind, long number, RowWriter row)
    {
        row.Seal(kind, number);
        insert.Bind(1, number);
        insert.Bind(2, row.Written);
        insert.Run();
    }

    private ReadOnlySpan<byte> Spooled(long offset, int length)
    {
        if (_room.Length < length)
            _room = new byte[Math.Max(length, _room.Length * 2)];
        Span<byte> room = _room.AsSpan(0, length);
        int filled = 0, read;
        while (filled < length && (read = RandomAccess.Read(_spool, room[filled..], offset + filled)) > 0)
            filled += read;
        return filled == length ? room : throw new IOException($"the spool file {_spoolPath} ends early");
    }
}
