namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>One OSV ecosystem in a database.</summary>
/// <param name="Name">Without release: <c>Debian</c>.</param>
/// <param name="Newest">The newest <c>modified</c> of its records, UTC; <see cref="DateTimeOffset.MinValue"/> when none says.</param>
/// <param name="Malformed">Records of its source that could not be read and are missing here.</param>
/// <param name="Digest">SHA-256 over the SHA-256 of each record's bytes, in ordinal order of ids; lower-case hex.</param>
public sealed record EcosystemInfo(string Name, int Records, DateTimeOffset Newest, int Malformed, string Digest);

/// <summary>One ecosystem with release: <c>Debian:11</c>, and how many records speak of it.</summary>
public sealed record ReleaseInfo(string Name, int Records);

/// <summary>Row 0 of the table meta: what is known without reading anything else.</summary>
internal sealed record DatabaseMeta
{
    public long Counter { get; init; }
    public DateTimeOffset Created { get; init; }
    public int Records { get; init; }

    /// <summary>Rows of the tables package and id; a key's row is a hash scaled to that.</summary>
    public int PackageRows { get; init; }
    public int IdRows { get; init; }
    public string? KevVersion { get; init; }

    /// <summary>Rows of the table epss; 0 when there is none.</summary>
    public int EpssRows { get; init; }
    public int EpssEntries { get; init; }
    public string? EpssDate { get; init; }
    public string EpssDigest { get; init; } = "";
    public string KevDigest { get; init; } = "";
    public string Digest { get; init; } = "";
    public IReadOnlyList<EcosystemInfo> Ecosystems { get; init; } = [];
    public IReadOnlyList<ReleaseInfo> Releases { get; init; } = [];

    public void Write(RowWriter row)
    {
        row.Number((ulong)Counter);
        row.Number((ulong)Created.UtcTicks);
        row.Number(Records);
        row.Number(PackageRows);
        row.Number(IdRows);
        row.Text(KevVersion ?? "");
        row.Text(KevDigest);
        row.Text(Digest);
        row.Number(Ecosystems.Count);
        foreach (EcosystemInfo ecosystem in Ecosystems)
        {
            row.Text(ecosystem.Name);
            row.Number(ecosystem.Records);
            row.Number((ulong)ecosystem.Newest.UtcTicks);
            row.Number(ecosystem.Malformed);
            row.Text(ecosystem.Digest);
        }
        row.Number(Releases.Count);
        foreach (ReleaseInfo release in Releases)
        {
            row.Text(release.Name);
            row.Number(release.Records);
        }
        row.Number(EpssRows);
        row.Number(EpssEntries);
        row.Text(EpssDate ?? "");
        row.Text(EpssDigest);
    }

    public static DatabaseMeta Read(RowReader row, string path)
    {
        DatabaseMeta meta = new()
        {
            Counter = row.Number() is <= long.MaxValue and ulong counter ? (long)counter : throw AdvisoryException.Corrupt(path, "the counter"),
            Created = Time(row.Number(), path),
            Records = row.Int32(),
            PackageRows = row.Int32(),
            IdRows = row.Int32(),
            KevVersion = row.Text() is { Length: > 0 } version ? version : null,
            KevDigest = row.Text(),
            Digest = row.Text(),
        };
        EcosystemInfo[] ecosystems = new EcosystemInfo[row.Count()];
        for (int i = 0; i < ecosystems.Length; i++)
            ecosystems[i] = new EcosystemInfo(row.Text(), row.Int32(), Time(row.Number(), path), row.Int32(), row.Text());
        ReleaseInfo[] releases = new ReleaseInfo[row.Count()];
        for (int i = 0; i < releases.Length; i++)
            releases[i] = new ReleaseInfo(row.Text(), row.Int32());
        return meta with
        {
            Ecosystems = ecosystems,
            Releases = releases,
            EpssRows = row.Int32(),
            EpssEntries = row.Int32(),
            EpssDate = row.Text() is { Length: > 0 } date ? date : null,
            EpssDigest = row.Text(),
        };
    }

    /// <summary>Records that share a row of the table affects.</summary>
    public const int RecordsPerRow = 16;

    public static int AffectsRows(int records) => (records + RecordsPerRow - 1) / RecordsPerRow;

    /// <summary>The row of a key: its hash scaled to the number of rows, so that rows follow the order of hashes.</summary>
    public static int RowOf(uint hash, int rows) => (int)(((ulong)hash * (ulong)rows) >> 32);

    private static DateTimeOffset Time(ulong ticks, string path) => ticks <= (ulong)DateTimeOffset.MaxValue.Ticks
        ? new DateTimeOffset((long)ticks, TimeSpan.Zero)
        : throw AdvisoryException.Corrupt(path, "a time");
}
