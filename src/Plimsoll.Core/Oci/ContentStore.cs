using Microsoft.Win32.SafeHandles;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>Named files that an image is kept in: a folder, or a tar that can be read at any place.</summary>
internal abstract class ContentStore(string path, TimeProvider time) : IDisposable
{
    /// <summary>As the user wrote it.</summary>
    public string Path { get; } = path;

    protected TimeProvider Time { get; } = time;

    /// <summary>A regular file of this name, or null. Names have no leading slash and no <c>..</c>.</summary>
    /// <exception cref="ImageException">It is there and no regular file, or may not be read.</exception>
    public abstract ContentFile? Find(string name);

    /// <summary>Reads a small file whole, checked against what is stated of it.</summary>
    /// <exception cref="ImageException">BlobMissing, LimitExceeded, SizeMismatch, DigestMismatch.</exception>
    public byte[] ReadJson(string name, Digest? digest, long size, OciLimits limits, Verification verification)
    {
        using ContentFile file = Find(name)
            ?? throw new ImageException(ImageError.BlobMissing, $"{Path}: {Escape.Quote(name)} is not there");
        if (file.Length > limits.MaxJsonBytes)
            throw new ImageException(ImageError.LimitExceeded,
                $"{Path}: {Escape.Quote(name)} has {file.Length} bytes, at most {limits.MaxJsonBytes} (MaxJsonBytes) are read");
        byte[] content = new byte[file.Length];
        using Stream stream = file.Open();
        int got = stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        if (got < content.Length)
            throw new ImageException(ImageError.Truncated, $"{Path}: {Escape.Quote(name)} ends after {got} of {content.Length} bytes");
        if (verification == Verification.Full)
            CheckJson($"{Path}: {Escape.Quote(name)}", content, digest, size);
        return content;
    }

    /// <summary>Compares a small blob with its descriptor.</summary>
    public static void CheckJson(string where, ReadOnlySpan<byte> content, Digest? digest, long size)
    {
        if (size >= 0 && size != content.Length)
            throw new ImageException(ImageError.SizeMismatch, $"{where}: {content.Length} bytes, the descriptor states {size}");
        if (digest is null)
            return;
        if (digest.Algorithm != "sha256")
            throw new ImageException(ImageError.Unsupported, $"{where}: {digest.Algorithm} digests are not checked here; only sha256 is");
        Digest seen = Digest.Of(content);
        if (seen != digest)
            throw new ImageException(ImageError.DigestMismatch, $"{where}: the digest of its bytes is {seen}, stated is {digest}");
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>One file of a <see cref="ContentStore"/>.</summary>
internal sealed class ContentFile(SafeFileHandle? handle, long offset, long length, bool ownsHandle, string? identity) : IDisposable
{
    private readonly byte[]? _bytes;

    /// <summary>A file that lies in memory.</summary>
    public ContentFile(byte[] bytes)
        : this(null, 0, bytes.Length, ownsHandle: false, null) => _bytes = bytes;

    public long Length => length;

    /// <summary>See <see cref="FileIdentity"/>; null when nothing can tell.</summary>
    public string? Identity => identity;

    /// <summary>May be called several times; valid until this is disposed.</summary>
    public Stream Open() => _bytes is null ? new FileRegion(handle!, offset, length) : new MemoryStream(_bytes, writable: false);

    /// <summary>A stream that takes this file along when it is disposed.</summary>
    public Stream OpenAndOwn() => new Owning(Open(), this);

    public void Dispose()
    {
        if (ownsHandle)
            handle?.Dispose();
    }

    private sealed class Owning(Stream stream, ContentFile owner) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => stream.Read(buffer);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                stream.Dispose();
                owner.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}

/// <summary>The files below a folder; links that lead out of it find nothing.</summary>
internal sealed class FolderStore(string path, TimeProvider time) : ContentStore(path, time)
{
    public override ContentFile? Find(string name)
    {
        SafeFileHandle? handle = StoreFiles.OpenBelow(Path, name);
        if (handle is null)
            return null;
        string full = System.IO.Path.GetFullPath(System.IO.Path.Combine(Path, name));
        return new ContentFile(handle, 0, RandomAccess.GetLength(handle), ownsHandle: true, FileIdentity.Of(handle, full, Time));
    }
}

/// <summary>Refuses archives of images in which Docker, which unpacks them, would find other files than who looks names up.</summary>
internal sealed class ArchiveNames
{
    private readonly HashSet<string> _links = new(StringComparer.Ordinal);

    /// <exception cref="ImageException">Malformed or Unsupported.</exception>
    public void Check(TarReader tar)
    {
        string name = tar.Path;
        if (tar.IsSparse)
            throw new ImageException(ImageError.Unsupported, $"{Escape.Quote(name)} is a sparse file, which no writer of images makes");
        for (int slash = name.IndexOf('/', StringComparison.Ordinal); slash > 0 && _links.Count > 0; slash = name.IndexOf('/', slash + 1))
            if (_links.Contains(name[..slash]))
                throw new ImageException(ImageError.Malformed, $"{Escape.Quote(name)} lies below a symbolic link of the archive, so that unpacking puts it elsewhere");
        if (tar.Type == EntryType.Symlink)
            _links.Add(name);
    }

    /// <exception cref="ImageException">Malformed: an entry was passed over, which an unpacker may have taken.</exception>
    public static void CheckEnd(TarReader tar)
    {
        if (tar.Oddities is [Oddity first, ..])
            throw new ImageException(ImageError.Malformed, $"{first.Code}: {Escape.Quote(first.Where)}");
    }
}

/// <summary>The files of an uncompressed tar: found by one pass over its headers, then read in place.</summary>
internal sealed class TarStore : ContentStore
{
    /// <summary>Entries of an archive of images: a few for each layer.</summary>
    public const int MaxArchiveEntries = 100_000;

    /// <summary>docker save wrote a link to the first copy of a layer that an image holds twice; more hops are no archive's.</summary>
    public const int MaxLinkHops = 4;

    private readonly SafeFileHandle _handle;
    private readonly string? _identity;
    private readonly Dictionary<string, (long Offset, long Length)> _files = [];
    private readonly Dictionary<string, string> _links = [];

    /// <param name="handle">Kept and disposed by this.</param>
    public TarStore(string path, SafeFileHandle handle, TimeProvider time, CancellationToken cancellationToken)
        : base(path, time)
    {
        _handle = handle;
        _identity = FileIdentity.Of(handle, System.IO.Path.GetFullPath(path), time);
        OciLimits limits = OciLimits.Default with { MaxEntries = MaxArchiveEntries };
        using TarReader tar = new(new FileBlocks(handle), limits);
        try
        {
            ArchiveNames names = new();
            while (tar.MoveNext(cancellationToken))
            {
                names.Check(tar);
                // As every unpacker does, the last of two equal names counts.
                _files.Remove(tar.Path);
                _links.Remove(tar.Path);
                if (tar.Type == EntryType.File)
                    _files[tar.Path] = (tar.ContentOffset, tar.StoredBytes);
                else if (tar.Type is EntryType.Symlink or EntryType.HardLink)
                    _links[tar.Path] = tar.Type == EntryType.HardLink
                        ? EntryPath.Decode(tar.LinkTarget)
                        : Resolve(tar.Path, EntryPath.Decode(tar.LinkTarget));
            }
            ArchiveNames.CheckEnd(tar);
        }
        catch (ImageException e)
        {
            throw new ImageException(e.Error, $"{path}: {e.Message}", e.Hint, e);
        }
    }

    public IEnumerable<string> Names => _files.Keys;

    public bool HasLinks => _links.Count > 0;

    public override ContentFile? Find(string name)
    {
        for (int hops = 0; hops < MaxLinkHops && _links.TryGetValue(name, out string? target); hops++)
            name = target;
        return _files.TryGetValue(name, out (long Offset, long Length) at)
            ? new ContentFile(_handle, at.Offset, at.Length, ownsHandle: false, _identity is null ? null : $"{_identity}\0{at.Offset}\0{at.Length}")
            : null;
    }

    /// <summary>A symlink's target seen from its folder; <c>..</c> stops at the archive's root.</summary>
    public static string Resolve(string path, string target)
    {
        Stack<string> parts = new(path.Split('/')[..^1]);
        foreach (string part in target.Split('/'))
        {
            if (part == "..")
                parts.TryPop(out _);
            else if (part is not ("" or "."))
                parts.Push(part);
        }
        return string.Join('/', parts.Reverse());
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _handle.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Headers of a file's tar, contents passed over without reading them.</summary>
    private sealed class FileBlocks(SafeFileHandle handle) : IBlockSource
    {
        private readonly byte[] _buffer = new byte[4096];
        private readonly long _end = RandomAccess.GetLength(handle);
        private long _start;
        private int _length, _at;

        public long Position => _start + _at;

        public ReadOnlySpan<byte> NextBlock(CancellationToken cancellationToken)
        {
            if (_length - _at < TarReader.BlockBytes)
                Fill(cancellationToken);
            if (_length - _at == 0)
                return default;
            if (_length - _at < TarReader.BlockBytes)
                throw new ImageException(ImageError.Truncated, $"the tar ends after {_end} bytes, in the middle of a 512-byte block");
            _at += TarReader.BlockBytes;
            return _buffer.AsSpan(_at - TarReader.BlockBytes, TarReader.BlockBytes);
        }

        public ReadOnlySpan<byte> NextBytes(int max, CancellationToken cancellationToken)
        {
            if (_at == _length)
                Fill(cancellationToken);
            int take = Math.Min(max, _length - _at);
            _at += take;
            return _buffer.AsSpan(_at - take, take);
        }

        public ReadOnlySpan<byte> Peek()
        {
            if (_at == _length)
                Fill(CancellationToken.None);
            return _buffer.AsSpan(_at, Math.Min(_length - _at, TarReader.BlockBytes));
        }

        public bool Skip(long bytes, CancellationToken cancellationToken)
        {
            if (bytes > _end - Position)
                return false;
            if (bytes <= _length - _at)
            {
                _at += (int)bytes;
                return true;
            }
            _start = Position + bytes;
            _length = _at = 0;
            return true;
        }

        private void Fill(CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _start = Position;
            _at = 0;
            _length = 0;
            int got;
            while (_length < _buffer.Length && (got = RandomAccess.Read(handle, _buffer.AsSpan(_length), _start + _length)) > 0)
                _length += got;
        }

        public void Dispose()
        {
            // The handle is the store's.
        }
    }
}
