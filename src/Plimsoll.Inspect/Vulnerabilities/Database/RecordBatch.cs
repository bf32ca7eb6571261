using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Records that one thread read, in the form in which they are spooled.</summary>
internal sealed class RecordBatch
{
    /// <summary>Names of malformed records that are told; the rest is only counted.</summary>
    public const int MaxMalformedNames = 5;

    /// <param name="Offset">Where its 32 bytes of SHA-256, its releases and its row begin.</param>
    /// <param name="Modified">UTC ticks; 0 when it does not say.</param>
    public readonly record struct Mark(string Id, string Source, int Offset, int Length, long Modified);

    /// <param name="Record">Index of its record in <see cref="Records"/>.</param>
    public readonly record struct AffectedMark(uint Hash, int Record, int Offset, int Length);
    public readonly record struct IdMark(uint Hash, int Record);

    public RowWriter Bytes { get; } = new();
    public List<Mark> Records { get; } = [];
    public List<AffectedMark> Affected { get; } = [];
    public List<IdMark> Ids { get; } = [];
    public List<string> MalformedNames { get; } = [];
    public int Malformed { get; private set; }
    public int Withdrawn { get; private set; }
    public int Read { get; private set; }

    /// <summary>Ecosystems of records that were not asked for.</summary>
    public HashSet<string> OtherEcosystems { get; } = [];

    /// <summary>Adds one record's bytes.</summary>
    /// <param name="ecosystem">The ecosystem whose file it came in; null when the source mixes them.</param>
    /// <param name="wanted">Ecosystems to keep when the source mixes them; null for all.</param>
    public void Add(IRecordFeed feed, int index, ReadOnlySpan<byte> record, string? ecosystem, HashSet<string>? wanted, long now)
    {
        Read++;
        OsvRecord read;
        try
        {
            if (record.IsEmpty)
                throw new JsonException("the record is empty or longer than MaxRecordBytes");
            read = OsvReader.Read(record);
        }
        catch (JsonException e)
        {
            Malformed++;
            if (MalformedNames.Count < MaxMalformedNames)
                MalformedNames.Add($"{Escape.ForTerminal(feed.Name(index))}: {e.Message}");
            return;
        }
        if (read.Withdrawn)
        {
            Withdrawn++;
            return;
        }
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(record, hash);
        if (ecosystem is not null)
        {
            AddTo(ecosystem, read, hash, now);
            return;
        }
        HashSet<string> sources = [];
        foreach (Affected affected in read.Affected)
            sources.Add(BaseOf(affected.Ecosystem));
        foreach (string source in sources)
            if (wanted is null || wanted.Contains(source))
                AddTo(source, read, hash, now);
            else
                OtherEcosystems.Add(source);
    }

    /// <summary>Adds a row that was read from a database, as it stands; its releases and digest are known already.</summary>
    public int AddKept(Advisory advisory, ReadOnlySpan<byte> row)
    {
        int start = Bytes.Length;
        Bytes.Raw(stackalloc byte[SHA256.HashSizeInBytes]);
        Bytes.Number(0);
        Bytes.Raw(row);
        return Finish(advisory, advisory.Source, start, 0);
    }

    public void AddAffected(int record, string ecosystem, string package, ReadOnlySpan<byte> body)
    {
        int start = Bytes.Length;
        Bytes.Text(ecosystem);
        Bytes.Text(package);
        Bytes.Raw(body);
        Affected.Add(new AffectedMark(HashOf(ecosystem, package), record, start, Bytes.Length - start));
    }

    public void Clear()
    {
        Bytes.Clear();
        Records.Clear();
        Affected.Clear();
        Ids.Clear();
        MalformedNames.Clear();
        (Malformed, Withdrawn, Read) = (0, 0, 0);
    }

    /// <summary><c>Debian:11</c> is of the ecosystem <c>Debian</c>.</summary>
    public static string BaseOf(string ecosystem) =>
        ecosystem.IndexOf(':', StringComparison.Ordinal) is >= 0 and int colon ? ecosystem[..colon] : ecosystem;

    /// <summary>Over <c>ecosystem NUL package</c>, as one text would give it.</summary>
    public static uint HashOf(string ecosystem, string package)
    {
        Span<byte> utf8 = stackalloc byte[512];
        if (!Encoding.UTF8.TryGetBytes(ecosystem, utf8, out int first) || first == utf8.Length)
            return HashOf(ecosystem + '\0' + package);
        utf8[first] = 0;
        return Encoding.UTF8.TryGetBytes(package, utf8[(first + 1)..], out int second)
            ? Checksum.Crc32C(utf8[..(first + 1 + second)])
            : HashOf(ecosystem + '\0' + package);
    }

    public static uint HashOf(string key)
    {
        Span<byte> utf8 = stackalloc byte[512];
        return Encoding.UTF8.TryGetBytes(key, utf8, out int written)
            ? Checksum.Crc32C(utf8[..written])
            : Checksum.Crc32C(Encoding.UTF8.GetBytes(key));
    }

    private void AddTo(string source, OsvRecord read, ReadOnlySpan<byte> hash, long now)
    {
        int start = Bytes.Length;
        Bytes.Raw(hash);
        List<string> releases = [];
        foreach (Affected affected in read.Affected)
            if (BaseOf(affected.Ecosystem) == source && OsvEcosystems.KeyOf(affected.Ecosystem) is var release && !releases.Contains(release))
                releases.Add(release);
        Bytes.Texts(releases);
        Bytes.Advisory(read.Advisory, source);
        // A record from the future would make every later update look older.
        long modified = DateTimeOffset.TryParse(read.Advisory.Modified, out DateTimeOffset time) && time.UtcTicks <= now + TimeSpan.TicksPerDay
            ? time.UtcTicks : 0;
        int record = Finish(read.Advisory, source, start, modified);
        foreach (Affected affected in read.Affected)
        {
            if (BaseOf(affected.Ecosystem) != source)
                continue;
            start = Bytes.Length;
            string key = OsvEcosystems.KeyOf(affected.Ecosystem), package = OsvEcosystems.NormaliseName(key, affected.Package);
            Bytes.Text(key);
            Bytes.Text(package);
            Bytes.Affected(affected);
            Affected.Add(new AffectedMark(HashOf(key, package), record, start, Bytes.Length - start));
        }
    }

    private int Finish(Advisory advisory, string source, int start, long modified)
    {
        int record = Records.Count;
        Records.Add(new Mark(advisory.Id, source, start, Bytes.Length - start, modified));
        Ids.Add(new IdMark(HashOf(advisory.Id), record));
        foreach (string id in advisory.Aliases)
            Ids.Add(new IdMark(HashOf(id), record));
        foreach (string id in advisory.Upstream)
            Ids.Add(new IdMark(HashOf(id), record));
        return record;
    }
}
