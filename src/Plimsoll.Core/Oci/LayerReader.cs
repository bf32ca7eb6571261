using System.IO.Compression;
using System.Security.Cryptography;

namespace Plimsoll.Oci;

/// <summary>Reads a layer from its stored bytes in one pass: hash, inflate, hash, walk the tar.</summary>
/// <remarks>
/// The form (gzip, zstd or plain) is told by the first bytes, not by the media type, because Docker and containerd do so
/// too. Nothing that was read counts before <see cref="Complete"/> returned.
/// </remarks>
internal sealed class LayerReader : EntryReader
{
    private readonly ImageLayer _layer;
    private readonly Image _owner;
    private readonly IncrementalHash? _storedHash, _tarHash, _sha384;
    private readonly HashingStream _stored;
    private readonly ChunkFeed _feed;
    private readonly TarReader _tar;
    private readonly IRebuiltLayer? _rebuilt;

    /// <summary>The content of the file that was read last, of a rebuilt layer.</summary>
    private FileContent? _last;

    /// <param name="stored">The layer as stored; disposed with this.</param>
    /// <param name="ahead">Inflate on a thread of its own.</param>
    /// <param name="sha384">Hash the tar with SHA-384 as well.</param>
    /// <param name="hasIdle">Whether that may run on a thread of its own, so that one large layer keeps two processors busy; see <see cref="ChunkFeed"/>.</param>
    public LayerReader(Stream stored, ImageLayer layer, Image owner, OciLimits limits, bool ahead = true, bool sha384 = false, Func<bool>? hasIdle = null)
    {
        (_layer, _owner, _rebuilt) = (layer, owner, stored as IRebuiltLayer);
        bool verify = owner.Verification == Verification.Full;
        byte[] magic = new byte[6];
        int got = stored.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        // What is rebuilt is a tar. One that inflates to it would have none of its contents from files.
        Compression form = _rebuilt is null ? Compressions.Of(magic.AsSpan(0, got)) : Compression.None;
        // A plain layer's blob digest is its diffID: one hash serves both.
        if (verify && form != Compression.None)
            _storedHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (verify)
            _tarHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        _stored = new HashingStream(new Rejoined(magic.AsMemory(0, got), stored), _storedHash);
        Stream tar = new InflateGuard(Compressions.Inflate(form, _stored), _stored, limits);
        if (sha384)
            _sha384 = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
        _feed = new ChunkFeed(tar, _tarHash, ahead && form != Compression.None, _sha384, hasIdle);
        _tar = new TarReader(_feed, limits);
    }

    public override ReadOnlySpan<byte> PathBytes => _tar.PathBytes;
    public override EntryType Type => _tar.Type;
    public override long Size => _tar.Size;
    public override int Mode => _tar.Mode;
    public override long Uid => _tar.Uid;
    public override long Gid => _tar.Gid;
    public override (long Major, long Minor) Device => _tar.Device;
    public override ReadOnlySpan<byte> Capability => _tar.Capability;
    public override IReadOnlyList<KeyValuePair<string, byte[]>> Attributes => _tar.Attributes;
    public override ReadOnlySpan<byte> LinkTarget => _tar.LinkTarget;
    public override IReadOnlyList<Oddity> Oddities => _tar.Oddities;

    public override bool MoveNext(CancellationToken cancellationToken)
    {
        bool more;
        try
        {
            more = _tar.MoveNext(cancellationToken);
        }
        catch (Exception e) when (IsOfTheBytes(e))
        {
            throw Explained(e, cancellationToken);
        }
        if (_rebuilt is not null)
        {
            CheckLast(_rebuilt);
            _last = more && _tar.Type == EntryType.File && _tar.Size > 0 ? new FileContent(_tar.ContentOffset, _tar.StoredBytes, _tar.PathBytes.ToArray()) : null;
        }
        return more;
    }

    /// <summary>Whether the content of the last file, which was read, came from the file of that name.</summary>
    private void CheckLast(IRebuiltLayer rebuilt)
    {
        if (_last is not { } wanted)
            return;
        FileContent from;
        while (rebuilt.TryPeek(out from) && from.Offset < wanted.Offset)
            rebuilt.Take();
        if (from.Path is null || from.Offset != wanted.Offset || from.Size != wanted.Size || !from.Path.AsSpan().SequenceEqual(wanted.Path))
            throw new ImageException(ImageError.Malformed, $"{Where}: the content of {Texts.Escape.Quote(EntryPath.Decode(wanted.Path))} does not come from the file of that name in the store; tar-split.json.gz was changed");
    }

    public override bool TryReadContent(long maxBytes, out byte[] content)
    {
        try
        {
            return _tar.TryReadContent(maxBytes, out content);
        }
        catch (Exception e) when (IsOfTheBytes(e))
        {
            throw Explained(e, CancellationToken.None);
        }
    }

    public override bool TryReadContent(long maxBytes, ContentBuffer buffer, out ReadOnlyMemory<byte> content)
    {
        try
        {
            return _tar.TryReadContent(maxBytes, buffer, out content);
        }
        catch (Exception e) when (IsOfTheBytes(e))
        {
            throw Explained(e, CancellationToken.None);
        }
    }

    public override void HashContent(IncrementalHash hash, CancellationToken cancellationToken)
    {
        try
        {
            _tar.HashContent(hash, cancellationToken);
        }
        catch (Exception e) when (IsOfTheBytes(e))
        {
            throw Explained(e, cancellationToken);
        }
    }

    public override ReadOnlySpan<byte> Peek()
    {
        try
        {
            return _tar.Peek();
        }
        catch (Exception e) when (IsOfTheBytes(e))
        {
            throw Explained(e, CancellationToken.None);
        }
    }

    /// <summary>SHA-384 of the tar, once <see cref="Complete"/> returned; null when it was not asked for.</summary>
    public Digest? Sha384 { get; private set; }

    /// <summary>Reads the layer to its end and compares size, blob digest and diffID with what is stated.</summary>
    /// <returns>The diffID (null with <see cref="Verification.None"/>) and the length of the tar.</returns>
    /// <exception cref="ImageException">SizeMismatch, DigestMismatch or DiffIdMismatch, with both values.</exception>
    public (Digest? DiffId, long TarBytes) Complete(CancellationToken cancellationToken)
    {
        long tarBytes;
        // Also where whoever asked for the layer did not look at all of it.
        while (_rebuilt is not null && MoveNext(cancellationToken))
            continue;
        try
        {
            tarBytes = _feed.Drain(cancellationToken);
            DrainStored(cancellationToken);
        }
        catch (Exception e) when (IsOfTheBytes(e))
        {
            throw Explained(e, cancellationToken);
        }
        if (_sha384 is not null)
            Sha384 = Digest.FromSha384(_sha384.GetHashAndReset());
        if (_owner.Verification != Verification.Full)
            return (null, tarBytes);
        Digest diffId = Digest.FromSha256(_tarHash!.GetHashAndReset());
        _owner.CountHashed(tarBytes + (_storedHash is null ? 0 : _stored.BytesRead));
        if (Mismatch(diffId) is { } mismatch)
            throw mismatch;
        return (diffId, tarBytes);
    }

    /// <param name="diffId">Null when the layer could not be inflated to its end.</param>
    private ImageException? Mismatch(Digest? diffId, string sign = "")
    {
        Digest? blob = _storedHash is null ? diffId : Digest.FromSha256(_storedHash.GetHashAndReset());
        if (_layer.StoredBytes >= 0 && _layer.StoredBytes != _stored.BytesRead)
            return new ImageException(ImageError.SizeMismatch, $"{Where}: {_stored.BytesRead} bytes, {_layer.StoredBytes} are stated{sign}");
        if (_layer.BlobDigest is { } stated && stated != blob)
            return new ImageException(ImageError.DigestMismatch, $"{Where}: the blob's digest is {blob}, the manifest states {stated}{sign}");
        if (diffId is not null && _layer.DiffId is { } wanted && wanted != diffId)
            return new ImageException(ImageError.DiffIdMismatch, $"{Where}: the diffID of its bytes is {diffId}, the image config states {wanted}{sign}");
        return null;
    }

    /// <summary>Bytes may follow the compressed data; they belong to the blob all the same.</summary>
    private void DrainStored(CancellationToken cancellationToken)
    {
        Span<byte> rest = stackalloc byte[16 * 1024];
        while (_stored.Read(rest) > 0)
            cancellationToken.ThrowIfCancellationRequested();
    }

    private string Where => $"layer {Texts.Escape.Quote(_layer.Key)}";

    /// <summary>What the runtime says of broken gzip data speaks of zip archives.</summary>
    internal static string InWords(Exception e) =>
        e is InvalidDataException && !e.Message.StartsWith("zstd", StringComparison.Ordinal) ? "the gzip data is damaged" : e.Message;

    private static bool IsOfTheBytes(Exception e) =>
        e is InvalidDataException or EndOfStreamException or ImageException { Error: ImageError.Malformed or ImageError.Truncated };

    /// <summary>
    /// Wrong bytes show themselves as broken gzip or tar long before their digest is known. What the user needs to hear
    /// is that they are not the bytes that are stated, so the rest is hashed before the error is named.
    /// </summary>
    private ImageException Explained(Exception e, CancellationToken cancellationToken)
    {
        string sign = $" (first sign: {InWords(e)})";
        if (_owner.Verification == Verification.Full)
        {
            Digest? diffId = null;
            if (e is ImageException)
                try
                {
                    _feed.Drain(cancellationToken);
                    diffId = Digest.FromSha256(_tarHash!.GetHashAndReset());
                }
                catch (Exception further) when (IsOfTheBytes(further))
                {
                    // The compressed data is damaged behind that place: there is no whole tar to have a digest, but the stored bytes have one.
                }
            DrainStored(cancellationToken);
            if ((diffId is not null || _storedHash is not null) && Mismatch(diffId, sign) is { } mismatch)
                return mismatch;
        }
        ImageError error = e is ImageException known ? known.Error : e is EndOfStreamException ? ImageError.Truncated : ImageError.Malformed;
        return new ImageException(error, $"{Where}: {InWords(e)}", inner: e);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _tar.Dispose();
            _storedHash?.Dispose();
            _tarHash?.Dispose();
            _sha384?.Dispose();
        }
        base.Dispose(disposing);
    }

    /// <summary>Gives back bytes that were read to look at them.</summary>
    internal sealed class Rejoined(ReadOnlyMemory<byte> head, Stream tail) : ReadOnlyStream
    {
        private ReadOnlyMemory<byte> _head = head;

        public override int Read(Span<byte> buffer)
        {
            if (_head.IsEmpty)
                return tail.Read(buffer);
            int take = Math.Min(buffer.Length, _head.Length);
            _head.Span[..take].CopyTo(buffer);
            _head = _head[take..];
            return take;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                tail.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>Stops what is, or inflates to, more than a layer may have.</summary>
    internal sealed class InflateGuard(Stream inflated, HashingStream stored, OciLimits limits) : ReadOnlyStream
    {
        private long _out;

        public override int Read(Span<byte> buffer)
        {
            int got = inflated.Read(buffer);
            _out += got;
            if (_out > limits.MaxLayerBytes)
                throw new ImageException(ImageError.LimitExceeded, $"there are more than {limits.MaxLayerBytes} bytes (MaxLayerBytes)");
            if (_out > limits.FreeInflatedBytes && _out / limits.MaxCompressionRatio > stored.BytesRead)
                throw new ImageException(ImageError.LimitExceeded,
                    $"{stored.BytesRead} stored bytes inflate to more than {_out}: above {limits.MaxCompressionRatio} to 1 (MaxCompressionRatio)");
            return got;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inflated.Dispose();
            base.Dispose(disposing);
        }
    }
}

/// <summary>How bytes are compressed.</summary>
internal enum Compression
{
    None,
    Gzip,
    Zstd,
}

internal static class Compressions
{
    /// <summary>Told by the first bytes (4 suffice).</summary>
    /// <exception cref="ImageException">Unsupported: bzip2 or xz, which no OCI layer uses.</exception>
    public static Compression Of(ReadOnlySpan<byte> start) => start switch
    {
        [0x1f, 0x8b, ..] => Compression.Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression.Zstd,
        // A skippable frame may come first.
        [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18, ..] => Compression.Zstd,
        [(byte)'B', (byte)'Z', (byte)'h', >= (byte)'1' and <= (byte)'9', (byte)'1', (byte)'A', ..] => throw new ImageException(ImageError.Unsupported, "bzip2-compressed data is not read", "recompress it with gzip or zstd"),
        [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..] => throw new ImageException(ImageError.Unsupported, "xz-compressed data is not read", "recompress it with gzip or zstd"),
        _ => Compression.None,
    };

    public static Stream Inflate(Compression form, Stream stored) => form switch
    {
        Compression.Gzip => IsaGzipStream.Create(stored) ?? new GZipStream(stored, CompressionMode.Decompress),
        Compression.Zstd => new ZstdStream(stored),
        _ => stored,
    };
}
