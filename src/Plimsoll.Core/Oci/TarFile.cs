namespace Plimsoll.Oci;

/// <summary>Readers for archives that lie inside an image's files; a layer itself is read by <see cref="LayerReader"/>, which checks it.</summary>
public static class TarFile
{
    /// <summary>The entries of a tar, read as layers are.</summary>
    /// <param name="tar">Not compressed; disposed with the reader.</param>
    public static EntryReader Read(Stream tar) => new TarReader(new ChunkFeed(tar, hash: null, ahead: false), OciLimits.Default);

    /// <summary>What comes out of a zstd stream.</summary>
    /// <exception cref="ImageException">Unsupported: libzstd is not installed.</exception>
    public static Stream Zstd(Stream packed) => new ZstdStream(packed);
}
