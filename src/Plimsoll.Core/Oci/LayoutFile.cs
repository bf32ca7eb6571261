using Microsoft.Win32.SafeHandles;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>The artifacts of an OCI image layout that is one uncompressed tar: a bundle of signatures, or an image's archive.</summary>
/// <remarks>
/// What is put is staged beside the file; then a new tar is written from both and takes its place. Who was reading the old one keeps it. The
/// same files give the same tar: sorted by name, without times and owners. Another writer in the meantime is seen and its tar
/// is read again, so that nothing it added is lost.
/// </remarks>
internal sealed class LayoutFile : LayoutArtifacts
{
    private static readonly TimeSpan LockPatience = TimeSpan.FromMinutes(10);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _staged = new(StringComparer.Ordinal);
    private readonly List<Func<byte[]?, byte[]>> _changes = [];
    private readonly List<TarStore> _replaced = [];
    private TarStore? _tar;
    private string? _staging;
    private byte[]? _index;
    private bool _deferred;

    /// <exception cref="ImageException">What is there is no layout, or is compressed.</exception>
    public LayoutFile(string path, OciLimits limits, TimeProvider time, CancellationToken cancellationToken)
        : base(path, limits)
    {
        (_path, _time) = (path, time);
        if (Directory.Exists(path))
            throw new ImageException(ImageError.Malformed, $"{Escape.Quote(path)} is a folder and no file", $"a layout in a folder is oci:{path}");
        if (File.Exists(path))
            _tar = OpenTar(cancellationToken);
    }

    protected override ContentStore? Content
    {
        get
        {
            lock (_gate)
                return _tar is null && _staged.Count == 0 && _index is null ? null : new Both(this);
        }
    }

    /// <summary>What was put last, or the tar as it was opened: who replaces the file leaves this one its own.</summary>
    protected override object? IndexStamp
    {
        get
        {
            lock (_gate)
                return (object?)_index ?? _tar;
        }
    }

    /// <summary>Until <see cref="Complete"/>, manifests that are put change nothing outside.</summary>
    public void Defer() => _deferred = true;

    /// <summary>Writes the file with all that was put.</summary>
    public void Complete(CancellationToken cancellationToken)
    {
        _deferred = false;
        try
        {
            Commit(cancellationToken);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ImageException(ImageError.AccessDenied, $"{Escape.ForTerminal(Name)} cannot be written: {Escape.ForTerminal(e.Message)}", inner: e);
        }
        catch (IOException e)
        {
            throw new ImageException(ImageError.PeerFailed, $"{Escape.ForTerminal(Name)} cannot be written: {Escape.ForTerminal(e.Message)}", inner: e);
        }
    }

    protected override void WriteBlob(Digest digest, long size, Stream content, CancellationToken cancellationToken)
    {
        string folder;
        lock (_gate)
            folder = _staging ??= Stage();
        string path = Path.Combine(folder, $"{digest.Algorithm}-{digest.Hex}-{Guid.NewGuid():n}");
        try
        {
            Store(path, digest, size, content, cancellationToken);
        }
        catch
        {
            File.Delete(path);
            throw;
        }
        lock (_gate)
            _staged[BlobName(digest)] = path;
    }

    protected override void WriteIndex(Func<byte[]?, byte[]> change, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            byte[]? before = _index ?? ReadIndex();
            byte[] after = change(before);
            if (ReferenceEquals(before, after))
                return;
            _index = after;
            _changes.Add(change);
        }
        if (!_deferred)
            Commit(cancellationToken);
    }

    private void Commit(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_index is null && _staged.Count == 0)
                return;
            string lockPath = _path + ".lock", temporary = DurableFile.TemporaryFor(_path);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(_path))!);
            using FileStream alone = DurableFile.Lock(lockPath, LockPatience, cancellationToken);
            try
            {
                Refresh(cancellationToken);
                Write(temporary, cancellationToken);
                DurableFile.Replace(temporary, _path);
            }
            finally
            {
                File.Delete(temporary);
                // Who waits for it holds the same file open and goes on; who comes later makes a new one and finds the new tar.
                File.Delete(lockPath);
            }
            if (_tar is not null)
                _replaced.Add(_tar);
            _tar = OpenTar(cancellationToken);
            _index = null;
            _changes.Clear();
            Unstage();
        }
    }

    /// <summary>Reads the file again when another writer replaced it, and makes the changes to its index anew.</summary>
    private void Refresh(CancellationToken cancellationToken)
    {
        if (!File.Exists(_path))
            return;
        TarStore now = OpenTar(cancellationToken);
        if (_tar is not null)
            _replaced.Add(_tar);
        _tar = now;
        if (_changes.Count == 0)
            return;
        byte[]? index = null;
        _index = null;
        index = ReadIndex();
        foreach (Func<byte[]?, byte[]> change in _changes)
            index = change(index);
        _index = index;
    }

    private void Write(string temporary, CancellationToken cancellationToken)
    {
        if (_tar is { HasLinks: true })
            throw new ImageException(ImageError.Unsupported, $"{Escape.Quote(_path)} holds links, as old archives of Docker do; nothing is added to such", $"copy it to a layout: plimsoll copy oci-archive:{Escape.ForTerminal(_path)} oci:FOLDER");
        SortedSet<string> names = new([.. _tar?.Names ?? [], .. _staged.Keys, IndexName, MarkName], StringComparer.Ordinal);
        using FileStream file = DurableFile.Create(temporary);
        LayoutTar tar = new(file);
        foreach (string name in names)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (name == IndexName)
                tar.File(name, _index ?? ReadIndex() ?? """{"schemaVersion":2,"manifests":[]}"""u8.ToArray());
            else if (_staged.TryGetValue(name, out string? staged))
            {
                using FileStream content = new(staged, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
                tar.File(name, content.Length, content, cancellationToken);
            }
            else if (_tar?.Find(name) is { } old)
                using (Stream content = old.OpenAndOwn())
                    tar.File(name, old.Length, content, cancellationToken);
            else
                tar.File(name, """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray());
        }
        tar.End();
        file.Flush(flushToDisk: true);
    }

    private TarStore OpenTar(CancellationToken cancellationToken)
    {
        SafeFileHandle handle = StoreFiles.Open(_path);
        try
        {
            byte[] start = new byte[6];
            int got = RandomAccess.Read(handle, start, 0);
            if (Compressions.Of(start.AsSpan(0, got)) != Compression.None)
                throw new ImageException(ImageError.Unsupported, $"{Escape.Quote(_path)} is compressed; only a plain tar is read in place", "unpack it first (gunzip, zstd -d)");
            TarStore tar = Unprivileged.Run(() => new TarStore(_path, handle, _time, cancellationToken));
            if (tar.Find(IndexName) is { } index)
            {
                index.Dispose();
                return tar;
            }
            throw new ImageException(ImageError.Malformed, $"{Escape.Quote(_path)} is no OCI image layout: it has no index.json");
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A folder beside the file, so that both are on one file system; others may not look in.</summary>
    private string Stage()
    {
        string folder = DurableFile.TemporaryFor(_path);
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return folder;
    }

    private void Unstage()
    {
        _staged.Clear();
        if (_staging is not null && Directory.Exists(_staging))
            Directory.Delete(_staging, recursive: true);
        _staging = null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Unstage();
            _tar?.Dispose();
            foreach (TarStore tar in _replaced)
                tar.Dispose();
        }
        base.Dispose(disposing);
    }

    /// <summary>What is staged, else what the file has.</summary>
    private sealed class Both(LayoutFile owner) : ContentStore(owner._path, owner._time)
    {
        public override ContentFile? Find(string name)
        {
            lock (owner._gate)
            {
                if (name == IndexName && owner._index is { } index)
                    return new ContentFile(index);
                if (!owner._staged.TryGetValue(name, out string? staged))
                    return owner._tar?.Find(name);
                SafeFileHandle handle = File.OpenHandle(staged);
                return new ContentFile(handle, 0, RandomAccess.GetLength(handle), ownsHandle: true, null);
            }
        }
    }
}
