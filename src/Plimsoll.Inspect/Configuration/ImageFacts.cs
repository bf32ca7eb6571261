using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Configuration;

/// <summary>What the rules ask of one image, put in order once: hits in sight, accounts, variables.</summary>
internal sealed class ImageFacts
{
    public ImageFacts(CheckInput input)
    {
        Input = input;
        List<(FileHit, EntryFact)> entries = [];
        List<FileHit> settings = [];
        Dictionary<string, FileHit> contents = new(StringComparer.Ordinal);
        foreach (FileHit hit in input.Hits)
        {
            // What a later layer took away or replaced rules nothing any more.
            if (hit.RemovedBy is not null)
                continue;
            switch (hit.Analyser)
            {
                case EntryAnalyser.Name: entries.Add((hit, EntryFact.Parse(hit.Hit.Detail))); break;
                case PrivilegedFileAnalyser.Name: contents[hit.Path] = hit; break;
                case SettingsAnalyser.Name when hit.Hit.Rule == SettingsAnalyser.Account:
                    Accounts.Add((hit, uint.Parse(hit.Hit.Detail, CultureInfo.InvariantCulture)));
                    break;
                default: settings.Add(hit); break;
            }
        }
        (Entries, Settings, Contents) = (entries, settings, contents);
        foreach (string variable in Process?.Env ?? [])
        {
            int equals = variable.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                Environment.Add((variable[..equals], variable[(equals + 1)..]));
        }
    }

    public CheckInput Input { get; }

    /// <summary>By path.</summary>
    public IReadOnlyList<(FileHit Hit, EntryFact Fact)> Entries { get; }
    public IReadOnlyList<FileHit> Settings { get; }

    /// <summary>Setuid and setgid programs by path: what the content is, and which package brought it.</summary>
    public IReadOnlyDictionary<string, FileHit> Contents { get; }
    public List<(FileHit Hit, uint Uid)> Accounts { get; } = [];

    /// <summary>In the order of the config; of a name that stands twice the container gets the last.</summary>
    public List<(string Name, string Value)> Environment { get; } = [];

    public ProcessConfig? Process => Input.Config?.Config;

    /// <summary>Folders that the container searches for programs, without leading slash; those that are not absolute as they are.</summary>
    public IReadOnlyList<string> SearchPath { get; private set; } = [];

    public void SetSearchPath(IReadOnlyList<string> folders) => SearchPath = folders;

    public Origin? OriginOf(int layer) => layer < Input.Inventory.Layers.Count && Input.Inventory.Layers[layer] is { } summary
        ? new Origin(layer, summary.DiffId, summary.CreatedBy) : null;
}
