using Plimsoll.Oci;

namespace Plimsoll.TestKit;

/// <summary>Walks the layers of an image and keeps a line for each entry and what was accepted.</summary>
public sealed class EntryRecorder : ILayerVisitor
{
    /// <summary>By diffID (or the layer's key): a line for each entry, in order.</summary>
    public SortedDictionary<string, IReadOnlyList<string>> Accepted { get; } = new(StringComparer.Ordinal);

    /// <summary>What the readers passed over, of accepted layers.</summary>
    public List<Oddity> Oddities { get; } = [];

    /// <summary>Layers for which the image claimed an earlier proof.</summary>
    public int Proven { get; private set; }

    public bool Skip(ImageLayer layer, bool proven)
    {
        if (proven)
            Proven++;
        return false;
    }

    public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken)
    {
        List<string> lines = [];
        while (entries.MoveNext(cancellationToken))
        {
            string content = entries.Type == EntryType.File && entries.TryReadContent(1024 * 1024, out byte[] bytes) ? Digest.Of(bytes).Short : "-";
            lines.Add($"{entries.Type} {entries.Path} {entries.Size} {Convert.ToString(entries.Mode, 8)} {EntryPath.Decode(entries.LinkTarget)} {content}");
        }
        return (lines, entries.Oddities.ToList());
    }

    public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited)
    {
        (List<string> lines, List<Oddity> oddities) = ((List<string>, List<Oddity>))visited;
        lock (Accepted)
        {
            Accepted[diffId?.ToString() ?? layer.Key] = lines;
            Oddities.AddRange(oddities);
        }
    }
}
