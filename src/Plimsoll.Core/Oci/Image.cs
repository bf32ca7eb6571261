namespace Plimsoll.Oci;

/// <summary>How bytes are checked while they are read.</summary>
public enum Verification
{
    /// <summary>Default: size, blob digest and diffID of everything that is read.</summary>
    Full = 0,
    /// <summary>Nothing is checked (<c>--unverified</c>): every output says so and the layer cache is not filled.</summary>
    None,
}

/// <summary>One layer of an image.</summary>
/// <param name="Key">Names this layer's bytes within the image's source; equal on every read.</param>
/// <param name="DiffId">From the image config; null when the config is not known yet (a stream) or does not exist (a folder).</param>
/// <param name="BlobDigest">Digest of the stored, usually compressed bytes; null where the source states none.</param>
/// <param name="StoredBytes">Length of the stored bytes; -1 where it is not known.</param>
public sealed record ImageLayer(string Key, Digest? DiffId, Digest? BlobDigest, long StoredBytes);

/// <summary>What reads the layers of an image; calls may come from several threads at once.</summary>
public interface ILayerVisitor
{
    /// <summary>
    /// True: the layer need not be read. <paramref name="proven"/> says whether its stored bytes were shown to have
    /// <see cref="ImageLayer.DiffId"/> before (same file, size, and times) or <see cref="Verification.None"/> was asked for.
    /// </summary>
    bool Skip(ImageLayer layer, bool proven);

    /// <summary>Walks one layer. What it returned is used only when <see cref="Accept(ImageLayer, Digest?, long, object)"/> follows.</summary>
    object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken);

    /// <summary>The layer was read to its end and every digest agreed.</summary>
    /// <param name="diffId">Computed from the bytes; null for a folder, which has none.</param>
    /// <param name="tarBytes">Length of the uncompressed layer tar; -1 for a folder.</param>
    void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited);

    /// <summary>Whether the layer's tar is to be hashed with SHA-384 as well, in the same pass; for measuring.</summary>
    bool WantsSha384 => false;

    /// <summary>As the other form, which it calls unless it is implemented.</summary>
    /// <param name="sha384"><c>sha384:…</c> of the uncompressed layer tar; null unless <see cref="WantsSha384"/>.</param>
    void Accept(ImageLayer layer, Digest? diffId, long tarBytes, Digest? sha384, object visited) => Accept(layer, diffId, tarBytes, visited);
}

/// <summary>Remembers that a file's bytes, known by path, device, inode, size, mtime and ctime, had a certain diffID.</summary>
public interface IProofs
{
    /// <param name="identity">One line that changes when the file changes; see <see cref="FileIdentity"/>.</param>
    Digest? Find(string identity);

    void Add(string identity, Digest diffId);
}

/// <summary>An opened image. What describes it was verified when it was opened; its layers are read on demand.</summary>
public abstract class Image : IDisposable
{
    /// <summary>What the user called it, source prefix included.</summary>
    public required string Name { get; init; }

    /// <summary>Digest of the index the platform was chosen from, or null.</summary>
    public Digest? IndexDigest { get; protected set; }

    /// <summary>Digest of the image manifest, or null where the source has none (archives, the daemon, folders).</summary>
    public Digest? ManifestDigest { get; protected set; }

    /// <summary>Digest of the config, which Docker calls the image id; null for a folder.</summary>
    public Digest? ConfigDigest { get; protected set; }

    /// <summary>Null for a folder; for a stream, null until <see cref="ReadLayers"/> returned.</summary>
    public ImageConfig? Config { get; protected set; }

    /// <summary>The exact bytes that <see cref="ConfigDigest"/> is over; empty where there are none.</summary>
    public ReadOnlyMemory<byte> ConfigBytes { get; protected set; }

    /// <summary>Names with tags that the source gives this image.</summary>
    public IReadOnlyList<string> Tags { get; protected set; } = [];

    /// <summary>Base layer first. For a stream, empty until <see cref="ReadLayers"/> returned; then each has its diffID.</summary>
    public IReadOnlyList<ImageLayer> Layers { get; protected set; } = [];

    public Verification Verification { get; init; }

    /// <summary>Remembers which files were verified before; null when nothing is to be remembered.</summary>
    public IProofs? Proofs { get; init; }

    /// <summary>Why the files that containers would run from cannot be looked at, although a store on this host has the image; null otherwise.</summary>
    internal ImageException? Unlooked { get; init; }

    /// <summary>False for what passes once only, as standard input does: <see cref="ReadLayers"/> may then be called once.</summary>
    public virtual bool CanReadAgain => true;

    /// <summary>
    /// Reads every layer that the visitor does not skip, largest first, up to <paramref name="parallelism"/> at once.
    /// May be called again, unless <see cref="CanReadAgain"/> says no.
    /// </summary>
    /// <exception cref="ImageException">Anything is not as it is stated; no later layer is read then.</exception>
    public abstract void ReadLayers(ILayerVisitor visitor, int parallelism, CancellationToken cancellationToken);

    /// <summary>Bytes hashed so far, for benchmarks and progress.</summary>
    public long BytesHashed => Interlocked.Read(ref _bytesHashed);

    private long _bytesHashed;

    protected internal void CountHashed(long bytes) => Interlocked.Add(ref _bytesHashed, bytes);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
