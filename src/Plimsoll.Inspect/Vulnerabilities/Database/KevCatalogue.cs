using System.Security.Cryptography;
using System.Text.Json;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>CISA's catalogue of known exploited vulnerabilities: CVE and the day it was added.</summary>
internal sealed class KevCatalogue
{
    public const string FileName = "known_exploited_vulnerabilities.json";
    public const int MaxEntries = 1_000_000;
    private readonly SortedDictionary<string, string> _added = new(StringComparer.Ordinal);

    private KevCatalogue(string? version) => Version = version;

    public static KevCatalogue Empty { get; } = new(null);

    /// <summary><c>2025.08.25</c>; null when there is no catalogue.</summary>
    public string? Version { get; private set; }

    /// <summary>SHA-256 of the catalogue's bytes, lower-case hex; empty when there is none.</summary>
    public string Digest { get; private init; } = "";
    public int Count => _added.Count;

    public string? Find(string cve) => _added.GetValueOrDefault(cve);

    /// <exception cref="AdvisoryException">No such catalogue.</exception>
    public static KevCatalogue Parse(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
            string version = document.RootElement.GetProperty("catalogVersion").GetString() ?? throw new JsonException("no catalogVersion");
            if (version.Length is 0 or > 64)
                throw new JsonException("catalogVersion has no fit length");
            KevCatalogue catalogue = new(version) { Digest = Convert.ToHexStringLower(SHA256.HashData(json.Span)) };
            foreach (JsonElement entry in document.RootElement.GetProperty("vulnerabilities").EnumerateArray())
            {
                string cve = entry.GetProperty("cveID").GetString() ?? "", added = entry.GetProperty("dateAdded").GetString() ?? "";
                if (cve.Length is 0 or > 64 || added.Length is 0 or > 32)
                    throw new JsonException($"entry {catalogue.Count}: no fit cveID or dateAdded");
                if (catalogue.Count == MaxEntries)
                    throw new JsonException($"more than {MaxEntries} entries");
                catalogue._added[cve] = added;
            }
            return catalogue.Count > 0 ? catalogue : throw new JsonException("it has no entries");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new AdvisoryException(AdvisoryError.Malformed, $"{name} is no catalogue of known exploited vulnerabilities: {e.Message}", inner: e);
        }
    }

    public void Write(RowWriter row)
    {
        row.Text(Version ?? "");
        row.Text(Digest);
        row.Number(_added.Count);
        foreach ((string cve, string added) in _added)
        {
            row.Text(cve);
            row.Text(added);
        }
    }

    public static KevCatalogue Read(RowReader row)
    {
        string version = row.Text();
        KevCatalogue catalogue = new(version.Length == 0 ? null : version) { Digest = row.Text() };
        for (int count = row.Count(); count > 0; count--)
            catalogue._added[row.Text()] = row.Text();
        return catalogue;
    }
}
