using System.Text;
using Plimsoll.Oci;

namespace Plimsoll.TestKit;

/// <summary>Writes down what a reader of images shows: each layer's entries and the content of its small files.</summary>
public sealed class RecordingVisitor : ILayerVisitor
{
    /// <summary>By the layer's key, once accepted.</summary>
    public Dictionary<string, IReadOnlyList<string>> Layers { get; } = [];
    public Dictionary<string, Digest?> DiffIds { get; } = [];
    public List<string> Skipped { get; } = [];
    public List<Oddity> Oddities { get; } = [];

    /// <summary>Whether layers shown to be unchanged are skipped.</summary>
    public bool SkipProven { get; init; }

    public bool Skip(ImageLayer layer, bool proven)
    {
        if (proven && SkipProven)
            Skipped.Add(layer.Key);
        return proven && SkipProven;
    }

    public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken)
    {
        List<string> seen = [];
        while (entries.MoveNext(cancellationToken))
            seen.Add(Describe(entries));
        lock (Oddities)
            Oddities.AddRange(entries.Oddities);
        return seen;
    }

    public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited)
    {
        lock (Layers)
        {
            Layers[layer.Key] = (List<string>)visited;
            DiffIds[layer.Key] = diffId;
        }
    }

    public static string Describe(EntryReader entry) => entry.Type switch
    {
        EntryType.File => $"{entry.Path}={(entry.TryReadContent(1 << 20, out byte[] content) ? Encoding.Latin1.GetString(content) : "too large")}",
        EntryType.Directory => $"{entry.Path}/",
        EntryType.Symlink => $"{entry.Path}->{EntryPath.Decode(entry.LinkTarget)}",
        EntryType.HardLink => $"{entry.Path}=>{EntryPath.Decode(entry.LinkTarget)}",
        _ => $"{entry.Path} ({entry.Type})",
    };
}
