using Plimsoll.Oci;

namespace Plimsoll.Sign;

/// <summary>Bounds on what is read of an image's evidence: whoever may push to a repository may attach what he likes. Each has a test one step past it.</summary>
public sealed record EvidenceLimits
{
    public static EvidenceLimits Default { get; } = new();

    /// <summary>Signatures and attestations of one image that are read, all its digests together. Each costs a request.</summary>
    public int MaxSignatures { get; init; } = 256;

    /// <summary>Manifests of referrers that are fetched for one image.</summary>
    public int MaxReferrers { get; init; } = 256;

    /// <summary>Manifests of a layout or bundle file that are looked at for statements about an image whose manifest is not known.</summary>
    public int MaxListed { get; init; } = 4096;

    /// <summary>Bytes of all that is read for one image.</summary>
    public long MaxTotalBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>Gaps that are listed; one more says that there were others.</summary>
    public int MaxGaps { get; init; } = 64;
}

/// <summary>The digests under which evidence may name an image.</summary>
/// <param name="Index">Of the index that it was chosen from, or null.</param>
/// <param name="Manifest">Null where the source knows none, as a docker save archive and the daemon.</param>
/// <param name="Config">What Docker calls the image id.</param>
public sealed record ImageDigests(Digest? Index, Digest? Manifest, Digest? Config)
{
    /// <summary>Those that are known: manifest, index, config.</summary>
    public IReadOnlyList<Digest> All => [.. new[] { Manifest, Index, Config }.OfType<Digest>().Distinct()];

    public static ImageDigests Of(Image image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new ImageDigests(image.IndexDigest, image.ManifestDigest, image.ConfigDigest);
    }
}
