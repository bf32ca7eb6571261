using System.Security.Cryptography;
using System.Text.Json;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>
/// Some widely known advisories that are built in, so that a first scan without a database shows something true. It never
/// counts as a database. Made of data/starter/starter-advisories.json, which is read at the first question.
/// </summary>
public sealed class StarterSet : IAdvisoryStore
{
    private const string Resource = "starter-advisories.json";
    private readonly Lazy<Content> _content = new(Read);

    private sealed record Content(
        DatabaseInfo Info, Dictionary<(string Ecosystem, string Package), List<Affected>> Packages, Dictionary<string, List<Advisory>> Ids, HashSet<string> Covered);

    public DatabaseInfo Info => _content.Value.Info;

    /// <summary>True where some record speaks of the ecosystem; it never means that all flaws there are known.</summary>
    public bool Covers(string ecosystem) => _content.Value.Covered.Contains(ecosystem);

    public IReadOnlyList<Affected> Find(string ecosystem, string package) =>
        _content.Value.Packages.TryGetValue((ecosystem, OsvEcosystems.NormaliseName(ecosystem, package)), out List<Affected>? found) ? found : [];

    public IReadOnlyList<Advisory> FindById(string id) => _content.Value.Ids.TryGetValue(id, out List<Advisory>? found) ? found : [];

    public IReadOnlyList<Affected> FindAffected(Advisory advisory) =>
    [
        .. All.Where(a => ReferenceEquals(a.Advisory, advisory)).OrderBy(a => a.Ecosystem, StringComparer.Ordinal).ThenBy(a => a.Package, StringComparer.Ordinal),
    ];

    /// <summary>Always null: the set holds no catalogue.</summary>
    public string? FindKnownExploited(string cve) => null;

    public void Dispose()
    {
    }

    /// <summary>Ecosystem with release, package and record, for every one in the set.</summary>
    internal IEnumerable<Affected> All => _content.Value.Packages.Values.SelectMany(a => a);

    private static Content Read()
    {
        using Stream stream = typeof(StarterSet).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"the resource {Resource} was not built in");
        byte[] json = new byte[stream.Length];
        stream.ReadExactly(json);
        Dictionary<(string, string), List<Affected>> packages = [];
        Dictionary<string, List<Advisory>> ids = [];
        HashSet<string> covered = [];
        List<OsvRecord> records = [];
        Utf8JsonReader reader = new(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            int start = (int)reader.TokenStartIndex;
            reader.Skip();
            records.Add(OsvReader.Read(json.AsSpan(start, (int)reader.BytesConsumed - start)));
        }
        records.Sort((a, b) => string.CompareOrdinal(a.Advisory.Id, b.Advisory.Id));
        DateTimeOffset newest = default;
        foreach (OsvRecord record in records)
        {
            Advisory advisory = record.Advisory with { Source = "starter" };
            if (DateTimeOffset.TryParse(advisory.Modified, out DateTimeOffset modified) && modified > newest)
                newest = modified;
            foreach (string id in (IEnumerable<string>)[advisory.Id, .. advisory.Aliases, .. advisory.Upstream])
                Add(ids, id, advisory);
            foreach (Affected affected in record.Affected)
            {
                string key = OsvEcosystems.KeyOf(affected.Ecosystem);
                covered.Add(key);
                Add(packages, (key, OsvEcosystems.NormaliseName(key, affected.Package)), affected with { Advisory = advisory });
            }
        }
        DatabaseInfo info = new()
        {
            IsDatabase = false,
            Created = newest,
            Records = records.Count,
            Digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(json)),
            Ecosystems = [.. covered.Select(RecordBatch.BaseOf).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
        };
        return new Content(info, packages, ids, covered);
    }

    private static void Add<TKey, T>(Dictionary<TKey, List<T>> lists, TKey key, T value) where TKey : notnull
    {
        if (!lists.TryGetValue(key, out List<T>? list))
            lists[key] = list = [];
        list.Add(value);
    }
}
