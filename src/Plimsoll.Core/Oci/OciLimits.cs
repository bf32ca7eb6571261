namespace Plimsoll.Oci;

/// <summary>Bounds on what is read from outside. Each has a test one step past it.</summary>
public sealed record OciLimits
{
    public static OciLimits Default { get; } = new();

    /// <summary>Bytes of an index, a manifest or a config. Registries refuse manifests above 4 MiB; configs with long histories are larger.</summary>
    public int MaxJsonBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Layers of one image. overlay2 stacks at most 128.</summary>
    public int MaxLayers { get; init; } = 1024;

    /// <summary>Indexes inside indexes. Builders nest one.</summary>
    public int MaxIndexDepth { get; init; } = 4;

    /// <summary>Entries of one layer tar.</summary>
    public long MaxEntries { get; init; } = 20_000_000;

    /// <summary>Bytes of a path or link target inside a layer. Linux's PATH_MAX is 4096; PAX allows more.</summary>
    public int MaxPathBytes { get; init; } = 8192;

    /// <summary>Bytes of one PAX or GNU extension header.</summary>
    public int MaxExtensionBytes { get; init; } = 1024 * 1024;

    /// <summary>Bytes of one uncompressed layer tar.</summary>
    public long MaxLayerBytes { get; init; } = 256L << 30;

    /// <summary>Uncompressed bytes per compressed byte, judged once more than <see cref="FreeInflatedBytes"/> came out.</summary>
    public int MaxCompressionRatio { get; init; } = 400;

    /// <summary>Uncompressed bytes that may come out at any ratio: a layer of zeros this long is still read.</summary>
    public long FreeInflatedBytes { get; init; } = 4L << 30;
}
