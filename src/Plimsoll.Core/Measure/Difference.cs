using Plimsoll.Oci;

namespace Plimsoll.Measure;

/// <summary>In what an image is not what it should be.</summary>
public enum DifferenceKind
{
    /// <summary>Default: a file's content or kind is another.</summary>
    Changed = 0,
    /// <summary>A file that the layer does not have.</summary>
    Planted,
    /// <summary>A file of the layer that is not there.</summary>
    Missing,
    /// <summary>Permission bits, setuid and setgid included.</summary>
    Mode,
    Owner,
    /// <summary>Target of a symbolic link, or the file that a hard link names.</summary>
    Link,
    /// <summary>An extended attribute, capabilities included.</summary>
    Xattr,
    /// <summary>Numbers of a device node.</summary>
    Device,
    /// <summary>A whiteout or opaque folder that is gone or was added: files of layers below appear or vanish.</summary>
    Whiteout,
    /// <summary>The engine's notes of which layers lie upon which are others, so that containers are mounted from other folders. The path is below its data root.</summary>
    Stack,
    /// <summary>A layer's bytes are others, and no file of it shows which.</summary>
    Layer,
    /// <summary>The image's config is another, so that the name means another image, or the config was edited.</summary>
    Config,
    /// <summary>The measurement is another than the baseline's.</summary>
    Measurement,
    /// <summary>The baseline itself is not as it was sealed.</summary>
    Baseline,
}

/// <summary>One difference.</summary>
/// <param name="Layer">1 for the base layer; 0 for what belongs to no layer.</param>
/// <param name="Path">In the layer, of <see cref="DifferenceKind.Stack"/> below the engine's data root; untrusted. Empty for the root folder and for what is no file.</param>
/// <param name="Seen">Untrusted text; empty where nothing is there.</param>
/// <param name="Wanted">Untrusted text; empty where nothing should be there.</param>
public sealed record Difference(DifferenceKind Kind, int Layer, Digest? DiffId, string Path, string Seen, string Wanted)
{
    /// <summary>As JSON and tables name the kind: <c>planted</c>.</summary>
    public string KindName => NameOf(Kind);

    public static string NameOf(DifferenceKind kind) => kind switch
    {
        DifferenceKind.Changed => "changed",
        DifferenceKind.Planted => "planted",
        DifferenceKind.Missing => "missing",
        DifferenceKind.Mode => "mode",
        DifferenceKind.Owner => "owner",
        DifferenceKind.Link => "link",
        DifferenceKind.Xattr => "xattr",
        DifferenceKind.Device => "device",
        DifferenceKind.Whiteout => "whiteout",
        DifferenceKind.Stack => "stack",
        DifferenceKind.Layer => "layer",
        DifferenceKind.Config => "config",
        DifferenceKind.Measurement => "measurement",
        _ => "baseline",
    };
}

/// <summary>Collects differences of one image, at most so many; counts the rest. Safe for several threads.</summary>
internal sealed class DifferenceLog
{
    /// <summary>Kept of one layer; a layer whose folder was swapped differs in every file.</summary>
    public const int MaxPerLayer = 1000;

    private readonly Lock _lock = new();
    private readonly List<Difference> _kept = [];
    private readonly Dictionary<int, int> _perLayer = [];

    public int LeftOut { get; private set; }

    public void Add(Difference difference)
    {
        lock (_lock)
        {
            int count = _perLayer[difference.Layer] = _perLayer.GetValueOrDefault(difference.Layer) + 1;
            if (count <= MaxPerLayer)
                _kept.Add(difference);
            else
                LeftOut++;
        }
    }

    public int CountOf(int layer)
    {
        lock (_lock)
            return _perLayer.GetValueOrDefault(layer);
    }

    /// <summary>By layer, path and kind.</summary>
    public Difference[] Sorted()
    {
        lock (_lock)
        {
            Difference[] all = [.. _kept];
            Array.Sort(all, static (a, b) => a.Layer != b.Layer ? a.Layer.CompareTo(b.Layer)
                : string.CompareOrdinal(a.Path, b.Path) is var byPath and not 0 ? byPath : a.Kind.CompareTo(b.Kind));
            return all;
        }
    }
}
