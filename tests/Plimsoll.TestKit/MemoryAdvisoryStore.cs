using System.IO.Compression;
using System.Text.Json;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.TestKit;

/// <summary>Advisories held in memory, read from OSV zips or records; shares no code with the real database.</summary>
public sealed class MemoryAdvisoryStore : IAdvisoryStore
{
    private readonly Dictionary<(string, string), List<Affected>> _byPackage = [];
    private readonly Dictionary<string, List<Advisory>> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Epss> _epss = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ecosystems = new(StringComparer.Ordinal);
    private int _records;

    /// <summary>What it says it holds; without one, answers are not kept.</summary>
    public string Digest { get; init; } = "";

    /// <summary>How often it was asked for a package.</summary>
    public int Asked { get; private set; }

    public DatabaseInfo Info => new() { IsDatabase = true, Digest = Digest, Records = _records, Ecosystems = [.. _ecosystems.Order(StringComparer.Ordinal)] };

    /// <summary>All records of an OSV <c>all.zip</c>.</summary>
    public MemoryAdvisoryStore AddZip(string file, string source)
    {
        using ZipArchive zip = ZipFile.OpenRead(file);
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            using Stream stream = entry.Open();
            using JsonDocument document = JsonDocument.Parse(stream);
            Add(document.RootElement, source);
        }
        return this;
    }

    /// <summary>One OSV record.</summary>
    public MemoryAdvisoryStore Add(string json, string source = "test")
    {
        using JsonDocument document = JsonDocument.Parse(json);
        Add(document.RootElement, source);
        return this;
    }

    public MemoryAdvisoryStore AddKnownExploited(string cve, string date)
    {
        _known[cve] = date;
        return this;
    }

    public MemoryAdvisoryStore AddEpss(string cve, double probability, double percentile)
    {
        _epss[cve] = new Epss(probability, percentile);
        return this;
    }

    public Epss? FindEpss(string cve) => _epss.TryGetValue(cve, out Epss epss) ? epss : null;

    public bool Covers(string ecosystem) => _ecosystems.Contains(ecosystem);

    public IReadOnlyList<Affected> Find(string ecosystem, string package)
    {
        Asked++;
        return _byPackage.TryGetValue((ecosystem, OsvEcosystems.NormaliseName(ecosystem, package)), out List<Affected>? found)
            ? [.. found.OrderBy(a => a.Advisory.Id, StringComparer.Ordinal)]
            : [];
    }

    /// <summary>Names of the packages that an ecosystem's records speak of, in ordinal order.</summary>
    public IEnumerable<string> PackagesOf(string ecosystem) =>
        _byPackage.Keys.Where(k => k.Item1 == ecosystem).Select(k => k.Item2).Order(StringComparer.Ordinal);

    public IReadOnlyList<Advisory> FindById(string id) => _byId.TryGetValue(id, out List<Advisory>? found) ? found : [];

    public IReadOnlyList<Affected> FindAffected(Advisory advisory) =>
        [.. _byPackage.Values.SelectMany(a => a).Where(a => ReferenceEquals(a.Advisory, advisory)).OrderBy(a => a.Ecosystem, StringComparer.Ordinal).ThenBy(a => a.Package, StringComparer.Ordinal)];

    public string? FindKnownExploited(string cve) => _known.GetValueOrDefault(cve);

    public void Dispose()
    {
    }

    private void Add(JsonElement record, string source)
    {
        if (Text(record, "withdrawn") is { Length: > 0 })
            return;
        _records++;
        Advisory advisory = new()
        {
            Id = record.GetProperty("id").GetString()!,
            Aliases = Texts(record, "aliases"),
            Upstream = [.. Texts(record, "upstream"), .. source is "AlmaLinux" ? Texts(record, "related").Where(id => id.StartsWith("CVE-", StringComparison.Ordinal)) : []],
            Summary = Text(record, "summary") ?? "",
            Published = Text(record, "published") ?? "",
            Modified = Text(record, "modified") ?? "",
            Cvss = [.. Items(record, "severity").Select(s => KeyValuePair.Create(Text(s, "type")!, Text(s, "score")!))],
            SeverityWord = record.TryGetProperty("database_specific", out JsonElement own) ? Text(own, "severity") : null,
            References = [.. Items(record, "references").Select(r => Text(r, "url")!)],
            Source = source,
        };
        foreach (string id in advisory.Aliases.Concat(advisory.Upstream).Append(advisory.Id).Distinct(StringComparer.Ordinal))
            ListAt(_byId, id).Add(advisory);
        foreach (JsonElement affected in Items(record, "affected"))
        {
            if (!affected.TryGetProperty("package", out JsonElement package))
                continue;
            string ecosystem = OsvEcosystems.KeyOf(package.GetProperty("ecosystem").GetString()!);
            string name = OsvEcosystems.NormaliseName(ecosystem, package.GetProperty("name").GetString()!);
            JsonElement[] ranges = [.. Items(affected, "ranges")];
            JsonElement[] ofVersions = [.. ranges.Where(r => Text(r, "type") != "GIT")];
            if (ranges.Length > 0 && ofVersions.Length == 0 && !Items(affected, "versions").Any())
                continue;
            _ecosystems.Add(ecosystem);
            ListAt(_byPackage, (ecosystem, name)).Add(new Affected
            {
                Advisory = advisory,
                Ecosystem = ecosystem,
                Package = name,
                Versions = Texts(affected, "versions"),
                Urgency = affected.TryGetProperty("ecosystem_specific", out JsonElement specific) ? Text(specific, "urgency") : null,
                Ranges = [.. ofVersions.Select(r => new AffectedRange(
                    Text(r, "type")!,
                    [.. Items(r, "events").SelectMany(e => e.EnumerateObject()).Select(e => new RangeEvent(e.Name, e.Value.GetString()!))]))],
            });
        }
    }

    private static List<TItem> ListAt<TKey, TItem>(Dictionary<TKey, List<TItem>> lists, TKey key)
        where TKey : notnull => lists.TryGetValue(key, out List<TItem>? list) ? list : lists[key] = [];

    private static IEnumerable<JsonElement> Items(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : [];

    private static IReadOnlyList<string> Texts(JsonElement element, string name) => [.. Items(element, name).Select(i => i.GetString()!)];

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;
}
