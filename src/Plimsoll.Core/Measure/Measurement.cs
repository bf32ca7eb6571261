using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Oci;

namespace Plimsoll.Measure;

/// <summary>What exactly a layer is, in two rounds of SHA-384. Source: docs/formats/measurement.md.</summary>
/// <param name="ChainId">Of this layer and those below it.</param>
/// <param name="Parent">ChainId of the layer below; null for the lowest.</param>
/// <param name="TarBytes">Length of the uncompressed layer tar.</param>
/// <param name="Content">M2: <c>sha384:…</c> of the uncompressed layer tar.</param>
public sealed record LayerMeasurement(Digest ChainId, Digest DiffId, Digest? Parent, long TarBytes, Digest Content)
{
    /// <summary>The canonical metadata, ASCII: five lines, each with a line feed.</summary>
    public byte[] MetadataBytes() => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $"plimsoll-layer-v1\nchain {ChainId}\ndiff {DiffId}\nparent {Parent?.ToString() ?? "none"}\nbytes {TarBytes}\n"));

    /// <summary>M1: <c>sha384:…</c> of <see cref="MetadataBytes"/>.</summary>
    public Digest Metadata => Measurement.Sha384(MetadataBytes());

    /// <summary>M(L): <c>sha384:…</c> of M1 and M2, 96 bytes.</summary>
    public Digest Value => Measurement.Sha384([.. Convert.FromHexString(Metadata.Hex), .. Convert.FromHexString(Content.Hex)]);
}

/// <summary>Exactly which bytes an image is: equal for every engine and every way the image came.</summary>
/// <param name="Config">Digest of the image's config.</param>
/// <param name="Layers">Base layer first.</param>
public sealed record Measurement(Digest Config, IReadOnlyList<LayerMeasurement> Layers)
{
    /// <summary><c>sha384:…</c> of every layer's value, base first, 48 bytes each, and the config digest as ASCII text.</summary>
    public Digest Value => Sha384([.. Layers.SelectMany(l => Convert.FromHexString(l.Value.Hex)), .. Encoding.ASCII.GetBytes(Config.ToString())]);

    /// <summary>Compared by content, layers in order.</summary>
    public bool Equals(Measurement? other) => other is not null && Config == other.Config && Layers.SequenceEqual(other.Layers);

    public override int GetHashCode() => Config.GetHashCode();

    internal static Digest Sha384(ReadOnlySpan<byte> bytes) => Digest.Parse("sha384:" + Convert.ToHexStringLower(SHA384.HashData(bytes)));
}
