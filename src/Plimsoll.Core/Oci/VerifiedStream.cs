using System.Security.Cryptography;

namespace Plimsoll.Oci;

/// <summary>A blob that is held against its digest and length while it is read; the last read says no when they differ.</summary>
internal sealed class VerifiedStream : ReadOnlyStream
{
    private readonly Stream _source;
    private readonly Digest _digest;
    private readonly long _size;
    private readonly string _where;
    private readonly IncrementalHash _hash;
    private readonly Action? _close;
    private bool _proven;

    /// <param name="source">Disposed with this.</param>
    /// <param name="size">As its descriptor states it.</param>
    /// <param name="where">Store and blob, for messages.</param>
    /// <param name="close">Called when this is disposed.</param>
    public VerifiedStream(Stream source, Digest digest, long size, string where, Action? close = null)
    {
        (_source, _digest, _size, _where, _close) = (source, digest, size, where, close);
        _hash = IncrementalHash.CreateHash(digest.Algorithm switch
        {
            "sha384" => HashAlgorithmName.SHA384,
            "sha512" => HashAlgorithmName.SHA512,
            _ => HashAlgorithmName.SHA256,
        });
    }

    public long BytesRead { get; private set; }

    /// <exception cref="ImageException">SizeMismatch or DigestMismatch, at the latest instead of the end.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        int got = _source.Read(buffer);
        if (got > 0)
        {
            _hash.AppendData(buffer[..got]);
            if ((BytesRead += got) > _size)
                throw new ImageException(ImageError.SizeMismatch, $"{_where}: more than the {_size} bytes that are stated");
            return got;
        }
        if (_proven)
            return 0;
        if (BytesRead < _size)
            throw new ImageException(ImageError.SizeMismatch, $"{_where}: {BytesRead} bytes, stated are {_size}");
        string seen = Convert.ToHexStringLower(_hash.GetCurrentHash());
        if (seen != _digest.Hex)
            throw new ImageException(ImageError.DigestMismatch, $"{_where}: the digest of its bytes is {_digest.Algorithm}:{seen}");
        _proven = true;
        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _source.Dispose();
            _hash.Dispose();
            _close?.Invoke();
        }
        base.Dispose(disposing);
    }
}
