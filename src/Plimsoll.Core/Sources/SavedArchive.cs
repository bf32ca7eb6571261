using System.Buffers;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Sources;

/// <summary>What <c>docker save</c> wrote, as a store with one manifest, which is made here: the archive itself has none.</summary>
/// <remarks>
/// Layers and config are the archive's bytes; only the manifest that names them is new, and the same archive gives the same. A layer
/// that is stored uncompressed has to be what the config states of it.
/// </remarks>
internal sealed class SavedArchive : IArtifactSource
{
    private readonly TarStore _tar;
    private readonly Dictionary<Digest, string> _blobs = [];
    private readonly byte[] _config;
    private readonly StoredManifest _manifest;

    private SavedArchive(string name, TarStore tar, ArchiveImage image, CancellationToken cancellationToken)
    {
        (Name, _tar, _config) = (name, tar, image.ConfigBytes.ToArray());
        Tag = image.Tags is [{ } full, ..] && full.LastIndexOf(':') is > 0 and var colon && colon > full.LastIndexOf('/') ? full[(colon + 1)..] : null;
        List<Descriptor> layers = [.. image.Layers.Select(layer => Describe(layer, cancellationToken))];
        byte[] bytes = Write(image.ConfigDigest!, _config.Length, layers);
        _manifest = new StoredManifest(Digest.Of(bytes), MediaTypes.OciManifest, bytes);
    }

    public string Name { get; }

    /// <summary>The tag of the image's first name, or null.</summary>
    public string? Tag { get; }

    /// <exception cref="ImageException">As for an image of the archive; DiffIdMismatch.</exception>
    public static SavedArchive Open(string path, string? choice, ImageOptions options, CancellationToken cancellationToken) => Unprivileged.Run(() =>
    {
        TarStore tar = new(path, StoreFiles.Open(path), options.Time, cancellationToken), second = new(path, StoreFiles.Open(path), options.Time, cancellationToken);
        try
        {
            using ArchiveImage image = new(second, choice, options.Platform, Verification.Full, options.Limits) { Name = path };
            return new SavedArchive(path, tar, image, cancellationToken);
        }
        catch
        {
            tar.Dispose();
            throw;
        }
    });

    public StoredManifest? FindManifest(string reference, CancellationToken cancellationToken) => reference == Tag || reference == _manifest.Digest.ToString() ? _manifest : null;

    public Stream OpenBlob(Digest digest, long size, CancellationToken cancellationToken)
    {
        string where = $"{Name}: blob {digest}";
        if (digest == Digest.Of(_config))
            return new VerifiedStream(new MemoryStream(_config, writable: false), digest, size, where);
        return _blobs.TryGetValue(digest, out string? name) && _tar.Find(name) is { } file ? new VerifiedStream(file.OpenAndOwn(), digest, size, where)
            : throw new ImageException(ImageError.BlobMissing, $"{where} is not there");
    }

    public IReadOnlyList<Descriptor> ListReferrers(Digest subject, CancellationToken cancellationToken) => [];

    public IReadOnlyList<string> ListTags(CancellationToken cancellationToken) => Tag is null ? [] : [Tag];

    public void Dispose() => _tar.Dispose();

    private Descriptor Describe(ImageLayer layer, CancellationToken cancellationToken)
    {
        using ContentFile file = _tar.Find(layer.Key) ?? throw new ImageException(ImageError.BlobMissing, $"{Name}: {Texts.Escape.Quote(layer.Key)} is not there");
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using HashingStream content = new(file.Open(), hash);
        byte[] buffer = new byte[256 * 1024];
        int got = content.ReadAtLeast(buffer, 6, throwOnEndOfStream: false);
        Compression form = Compressions.Of(buffer.AsSpan(0, Math.Min(got, 6)));
        while (content.Read(buffer) > 0)
            cancellationToken.ThrowIfCancellationRequested();
        Digest digest = Digest.FromSha256(hash.GetHashAndReset());
        if (form == Compression.None && layer.DiffId is { } stated && stated != digest)
            throw new ImageException(ImageError.DiffIdMismatch, $"{Name}: layer {Texts.Escape.Quote(layer.Key)} has the digest {digest}, the config states {stated}");
        _blobs[digest] = layer.Key;
        return new Descriptor
        {
            MediaType = form switch
            {
                Compression.Gzip => MediaTypes.OciLayerGzip,
                Compression.Zstd => MediaTypes.OciLayerZstd,
                _ => MediaTypes.OciLayer,
            },
            Digest = digest.ToString(),
            Size = file.Length,
        };
    }

    private static byte[] Write(Digest config, long configBytes, List<Descriptor> layers)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion"u8, 2);
            json.WriteString("mediaType"u8, MediaTypes.OciManifest);
            json.WritePropertyName("config"u8);
            Part(json, new Descriptor { MediaType = MediaTypes.OciConfig, Digest = config.ToString(), Size = configBytes });
            json.WriteStartArray("layers"u8);
            foreach (Descriptor layer in layers)
                Part(json, layer);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return bytes.WrittenSpan.ToArray();

        static void Part(Utf8JsonWriter json, Descriptor part)
        {
            json.WriteStartObject();
            json.WriteString("mediaType"u8, part.MediaType);
            json.WriteString("digest"u8, part.Digest);
            json.WriteNumber("size"u8, part.Size);
            json.WriteEndObject();
        }
    }

    /// <summary>The one manifest.</summary>
    public StoredManifest Manifest => _manifest;
}
