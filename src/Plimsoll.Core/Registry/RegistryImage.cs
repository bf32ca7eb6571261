using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Registry;

/// <summary>An image of a registry, read from there: no layer is kept, each is hashed as it comes in.</summary>
internal sealed class RegistryImage : ManifestImage
{
    /// <summary>Inflaters ask for a few kilobytes at a time; each read from the network costs a system call and a timer.</summary>
    private const int ReadBytes = 128 * 1024;

    private readonly RegistryClient _client;
    private readonly CancellationToken _opening;

    private RegistryImage(RegistryClient client, ImageOptions options, CancellationToken cancellationToken)
    {
        (_client, _opening) = (client, cancellationToken);
        (Platform, Verification, Limits, Proofs) = (options.Platform, options.Verification, options.Limits, options.Proofs);
        RegistryManifest manifest = client.GetManifest(client.Name.Reference, Verification, cancellationToken);
        ResolveContent(manifest.Digest, manifest.Bytes.ToArray(), manifest.MediaType, 0);
        // Without a length nothing would end a blob that goes on for ever before it fills the limit for layers.
        if (Layers.FirstOrDefault(l => l.StoredBytes < 0) is { } layer)
            throw new ImageException(ImageError.Malformed, $"{Where}: the manifest states {layer.StoredBytes} as the size of {layer.Key}");
        if (client.Name is { Digest: null } name)
            Tags = [name.ToString()];
    }

    /// <summary>Bytes of bodies that came in so far, errors and repeats included.</summary>
    public long BytesFetched => _client.BytesFetched;

    /// <exception cref="ImageException">As <see cref="RegistryClient.GetManifest"/>, and what is wrong with manifest or config.</exception>
    public static RegistryImage Open(RegistryName name, string shownName, ImageOptions options, CancellationToken cancellationToken)
    {
        RegistryClient client = new(name, options.Registry, options.Environment, options.Time);
        try
        {
            return Unprivileged.Run(() => new RegistryImage(client, options, cancellationToken) { Name = shownName });
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    protected override string Where => _client.Name.ToString();

    protected override string BlobName(Digest digest) => digest.ToString();

    protected override byte[] ReadBlob(Digest digest, Descriptor descriptor, bool isManifest)
    {
        byte[] bytes = isManifest ? _client.GetManifest(digest.ToString(), Verification, _opening).Bytes.ToArray() : ReadConfig(digest, descriptor);
        if (Verification == Verification.Full)
            ContentStore.CheckJson($"{Where}: {digest}", bytes, digest, descriptor.Size);
        return bytes;
    }

    private byte[] ReadConfig(Digest digest, Descriptor descriptor)
    {
        if (descriptor.Size < 0 || descriptor.Size > Limits.MaxJsonBytes)
            throw new ImageException(descriptor.Size < 0 ? ImageError.Malformed : ImageError.LimitExceeded,
                $"{Where}: the config has {descriptor.Size} bytes, at most {Limits.MaxJsonBytes} (MaxJsonBytes) are read");
        using Stream blob = _client.OpenBlob(digest, descriptor.Size, _opening);
        byte[] bytes = new byte[descriptor.Size];
        blob.ReadExactly(bytes);
        // A byte more is an error of the stream's; the end lets the connection serve again.
        return blob.ReadByte() < 0 ? bytes : throw new ImageException(ImageError.SizeMismatch, $"{Where}: the config is longer than stated");
    }

    protected override Stream OpenLayer(ImageLayer layer) => OpenLayer(layer, CancellationToken.None);

    protected override Stream OpenLayer(ImageLayer layer, CancellationToken cancellationToken) =>
        new BufferedStream(_client.OpenBlob(layer.BlobDigest!, layer.StoredBytes, cancellationToken), ReadBytes);

    /// <summary>
    /// The blob's own digest and length. Who earlier read a blob with this digest, hashing it, saw the very bytes that a registry
    /// would have to send now, for others would be refused; and what those bytes inflate to does not change. So a diffID
    /// that was proved for them then holds now, and the layer need not be fetched. The digest comes from a manifest whose own
    /// digest was checked; that the registry still has the blob is not what is proved.
    /// </summary>
    protected override string? IdentityOf(ImageLayer layer) => Verification == Verification.Full ? $"blob {layer.BlobDigest} {layer.StoredBytes}" : null;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _client.Dispose();
        base.Dispose(disposing);
    }
}
