using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>The artifacts of an OCI image layout that is a folder; made when the first blob comes.</summary>
/// <remarks>
/// A blob is written beside its place and gets its name when it is whole; index.json is replaced whole, by one writer at a time, who
/// holds a lock on <c>oci-layout</c>.
/// </remarks>
internal sealed class LayoutStore : LayoutArtifacts
{
    private static readonly TimeSpan LockPatience = TimeSpan.FromMinutes(1);

    private readonly string _folder;
    private readonly FolderStore _files;

    /// <exception cref="ImageException">Malformed: the folder is there and is something else.</exception>
    public LayoutStore(string folder, OciLimits limits, TimeProvider time)
        : base(folder, limits)
    {
        _folder = folder;
        _files = new FolderStore(folder, time);
        if (File.Exists(folder))
            throw new ImageException(ImageError.Malformed, $"{Escape.Quote(folder)} is a file and no folder", "a layout in one file is oci-archive:FILE");
        if (Directory.Exists(folder) && !File.Exists(Path.Combine(folder, IndexName)) && !File.Exists(Path.Combine(folder, MarkName)) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new ImageException(ImageError.Malformed, $"{Escape.Quote(folder)} is no OCI image layout: it has no index.json, and other files lie there",
                $"for an unpacked root file system say dir:{folder}; to write a layout name a new folder");
    }

    protected override ContentStore? Content => Directory.Exists(_folder) ? _files : null;

    protected override object? IndexStamp
    {
        get
        {
            using ContentFile? index = Content?.Find(IndexName);
            return index?.Identity;
        }
    }

    protected override void WriteBlob(Digest digest, long size, Stream content, CancellationToken cancellationToken)
    {
        Prepare(digest.Algorithm);
        string path = Path.Combine(_folder, BlobName(digest)), temporary = DurableFile.TemporaryFor(path);
        try
        {
            Store(temporary, digest, size, content, cancellationToken);
            DurableFile.Replace(temporary, path);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    protected override void WriteIndex(Func<byte[]?, byte[]> change, CancellationToken cancellationToken)
    {
        using FileStream alone = DurableFile.Lock(Path.Combine(_folder, MarkName), LockPatience, cancellationToken);
        byte[]? before = ReadIndex();
        byte[] after = change(before);
        if (!ReferenceEquals(before, after))
            DurableFile.Write(Path.Combine(_folder, IndexName), after);
    }

    private void Prepare(string algorithm)
    {
        Directory.CreateDirectory(_folder);
        foreach (string part in (string[])["blobs", $"blobs/{algorithm}"])
        {
            string path = Path.Combine(_folder, part);
            Directory.CreateDirectory(path);
            // A layout that was unpacked from elsewhere may have a link there, and this writes with its user's rights.
            if (!DurableFile.IsRealFolder(path))
                throw new ImageException(ImageError.Malformed, $"{Escape.Quote(path)} is no folder but a link; nothing is written through it");
        }
        string mark = Path.Combine(_folder, MarkName);
        if (!File.Exists(mark))
            DurableFile.Write(mark, """{"imageLayoutVersion":"1.0.0"}"""u8);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _files.Dispose();
        base.Dispose(disposing);
    }
}
