using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>FIRST's EPSS: for each CVE the chance that it is exploited within 30 days, and its rank among all.</summary>
/// <remarks>
/// Source: the daily CSV: a line <c>#model_version:…,score_date:…</c>, a line <c>cve,epss,percentile</c>, then one line for each CVE,
/// gzip or plain.
/// </remarks>
internal sealed class EpssTable
{
    public const int MaxEntries = 2_000_000;

    /// <summary>Bytes of the table unpacked; it has 12 MB.</summary>
    public const int MaxBytes = 256 * 1024 * 1024;

    /// <summary>Numbers are kept as whole billionths: the table gives at most nine decimals.</summary>
    private const int Scale = 1_000_000_000;
    private const int MaxLineBytes = 512;

    private EpssTable(string date) => Date = date;

    /// <summary>As the first line gives it: <c>2026-09-29T12:00:22Z</c>.</summary>
    public string Date { get; }

    /// <summary>SHA-256 of the unpacked table, lower-case hex.</summary>
    public string Digest { get; private set; } = "";
    public List<EpssRow> Rows { get; } = [];

    /// <exception cref="AdvisoryException">No such table.</exception>
    public static EpssTable Parse(byte[] file, string name)
    {
        byte[] csv = file is [0x1f, 0x8b, ..] ? Unpack(file, name) : file;
        EpssTable? table = null;
        ReadOnlySpan<byte> rest = csv;
        for (int line = 1; !rest.IsEmpty; line++)
        {
            int end = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> bytes = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (bytes.Length > MaxLineBytes)
                throw Bad(name, line, $"has {bytes.Length} bytes; at most {MaxLineBytes} (MaxLineBytes)");
            string text = Encoding.ASCII.GetString(bytes.TrimEnd((byte)'\r'));
            if (line == 1)
                table = new EpssTable(DateIn(text) ?? throw Bad(name, line, $"is {Escape.Quote(text)}; wanted #model_version:…,score_date:…"));
            else if (line == 2)
                _ = text == "cve,epss,percentile" ? true : throw Bad(name, line, $"is {Escape.Quote(text)}; wanted cve,epss,percentile");
            else if (text.Length > 0)
                table!.Rows.Add(RowOf(text) ?? throw Bad(name, line, $"is {Escape.Quote(text)}; wanted a CVE and two numbers from 0 to 1"));
            if (table!.Rows.Count > MaxEntries)
                throw Bad(name, line, $"is one more than {MaxEntries} entries (MaxEntries)");
        }
        if (table is null || table.Rows.Count == 0)
            throw new AdvisoryException(AdvisoryError.Malformed, $"{name} is no EPSS table: it has no entries");
        table.Digest = Convert.ToHexStringLower(SHA256.HashData(csv));
        return table;
    }

    /// <summary>The table that a database holds.</summary>
    public static EpssTable Kept(string date, string digest) => new(date) { Digest = digest };

    private static EpssRow? RowOf(string line)
    {
        int first = line.IndexOf(',', StringComparison.Ordinal), second = line.IndexOf(',', first + 1);
        return first is > 0 and <= 64 && second > first && FlawIds.IsCve(line[..first])
            && Share(line.AsSpan(first + 1, second - first - 1)) is { } probability && Share(line.AsSpan(second + 1)) is { } percentile
            ? new EpssRow(line[..first], probability, percentile) : null;
    }

    private static int? Share(ReadOnlySpan<char> text) =>
        decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out decimal value) && value is >= 0 and <= 1
            ? (int)Math.Round(value * Scale) : null;

    public static Epss ValueOf(int probability, int percentile) => new((double)probability / Scale, (double)percentile / Scale);

    private static string? DateIn(string line)
    {
        const string member = "score_date:";
        int at = line.IndexOf(member, StringComparison.Ordinal);
        if (!line.StartsWith('#') || at < 0)
            return null;
        int end = line.IndexOf(',', at);
        string date = line[(at + member.Length)..(end < 0 ? line.Length : end)];
        return date.Length is > 0 and <= 64 && DateTimeOffset.TryParse(date, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _) ? date : null;
    }

    private static byte[] Unpack(byte[] file, string name)
    {
        try
        {
            using GZipStream gzip = new(new MemoryStream(file), CompressionMode.Decompress);
            using MemoryStream unpacked = new();
            byte[] block = new byte[128 * 1024];
            for (int read; (read = gzip.Read(block)) > 0;)
            {
                unpacked.Write(block, 0, read);
                if (unpacked.Length > MaxBytes)
                    throw new AdvisoryException(AdvisoryError.LimitExceeded, $"{name} unpacks to more than {MaxBytes} bytes (MaxBytes)");
            }
            return unpacked.ToArray();
        }
        catch (InvalidDataException e)
        {
            throw new AdvisoryException(AdvisoryError.Malformed, $"{name} is no gzip: {e.Message}", inner: e);
        }
    }

    private static AdvisoryException Bad(string name, int line, string what) =>
        new(AdvisoryError.Malformed, $"{name} is no EPSS table: line {line} {what}");
}

/// <summary>One CVE's numbers, in billionths.</summary>
internal sealed record EpssRow(string Cve, int Probability, int Percentile);
