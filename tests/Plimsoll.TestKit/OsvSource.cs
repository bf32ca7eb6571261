using System.IO.Compression;
using System.Text;

namespace Plimsoll.TestKit;

/// <summary>A folder of advisories as the public bucket lays it out, and a data folder beside it; both go away at the end.</summary>
public sealed class OsvSource : IDisposable
{
    private readonly Dictionary<string, List<(string Name, string Json)>> _records = [];

    public OsvSource() => Directory.CreateDirectory(Folder);

    public string Root { get; } = Directory.CreateTempSubdirectory("plimsoll-osv-").FullName;
    public string Folder => Path.Combine(Root, "source");
    public string Database => Path.Combine(Root, "data", "advisories.db");
    public string Zip(string ecosystem) => Path.Combine(Folder, ecosystem, "all.zip");

    public OsvSource With(string ecosystem, string id, string package, string @fixed, string release = "11", string modified = "2025-01-01T00:00:00Z", string extra = "") =>
        WithText(ecosystem, id + ".json", $$"""
            {"schema_version":"1.7.3","id":"{{id}}","modified":"{{modified}}","upstream":["CVE-{{id}}"],{{extra}}
            "affected":[{"package":{"ecosystem":"{{ecosystem}}:{{release}}","name":"{{package}}"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"{{@fixed}}"}]}]}]}
            """);

    public OsvSource WithText(string ecosystem, string name, string json)
    {
        if (!_records.TryGetValue(ecosystem, out List<(string, string)>? list))
            _records[ecosystem] = list = [];
        list.Add((name, json));
        return this;
    }

    public OsvSource Clear()
    {
        _records.Clear();
        return this;
    }

    /// <summary>Writes <c>Ecosystem/all.zip</c> for each ecosystem.</summary>
    public OsvSource Build()
    {
        foreach ((string ecosystem, List<(string Name, string Json)> records) in _records)
        {
            Directory.CreateDirectory(Path.Combine(Folder, ecosystem));
            using FileStream file = File.Create(Zip(ecosystem));
            using ZipArchive zip = new(file, ZipArchiveMode.Create);
            foreach ((string name, string json) in records)
            {
                using Stream entry = zip.CreateEntry(name).Open();
                entry.Write(Encoding.UTF8.GetBytes(json));
            }
        }
        return this;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
