using System.Diagnostics.CodeAnalysis;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>The artifacts of an OCI image layout, however it is kept: reading them, and what index.json says after one more.</summary>
/// <remarks>
/// Reads what skopeo, oras, Docker and <c>cosign save</c> write: names in <c>org.opencontainers.image.ref.name</c>, referrers as entries
/// of index.json whose manifest has a <c>subject</c> or in an index under the fallback tag, cosign's signatures under their tag or
/// as an entry marked <c>dev.cosignproject.cosign/sigs</c>. Source: OCI image specification 1.1, image-layout.md.
/// </remarks>
internal abstract class LayoutArtifacts(string name, OciLimits limits) : IArtifactTarget, IArtifactList
{
    public const string IndexName = "index.json", MarkName = "oci-layout";

    /// <summary>Entries of one index.json.</summary>
    public const int MaxEntries = 20_000;

    /// <summary>Bytes of manifests that are looked at for what refers to an image.</summary>
    public const long MaxScannedBytes = 256L << 20;

    /// <summary>Signatures and other things that refer to one image.</summary>
    public const int MaxReferrers = 1000;

    private readonly Lock _gate = new();
    private readonly HashSet<Digest> _proven = [];
    private (object Stamp, byte[] Index, IReadOnlyList<Descriptor> Entries)? _parsed;
    private Digest? _scannedIndex;
    private Dictionary<string, List<Descriptor>>? _referrers;

    public string Name { get; } = name;

    protected OciLimits Limits { get; } = limits;

    /// <summary>The files; null when there is no layout yet.</summary>
    protected abstract ContentStore? Content { get; }

    /// <summary>Equal as long as index.json is surely the same; null when nothing can tell.</summary>
    protected abstract object? IndexStamp { get; }

    public static string BlobName(Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    public StoredManifest? FindManifest(string reference, CancellationToken cancellationToken) => Unprivileged.Run(() =>
    {
        if (ReadEntries() is not { } entries)
            return null;
        if (Digest.TryParse(reference, out Digest? digest))
            return ReadManifest(digest, entries.FirstOrDefault(e => e.Digest == reference));
        List<Descriptor> named = [.. entries.Where(e => LayoutNames.NameOf(e) == reference).DistinctBy(e => e.Digest, StringComparer.Ordinal)];
        if (named.Count == 0)
            named = [.. SavedByCosign(entries, reference)];
        return named.Count switch
        {
            0 => null,
            1 => ReadManifest(DigestOf(named[0]), named[0]),
            _ => throw new ImageException(ImageError.Ambiguous, $"{Name}: {named.Count} manifests are called {Escape.Quote(reference)}", "name one by its digest"),
        };
    });

    /// <summary>The manifest that a layout means when no tag or digest is named.</summary>
    /// <exception cref="ImageException">NotFound or Ambiguous, with the names that there are.</exception>
    public StoredManifest GetOnlyImage() => Unprivileged.Run(() =>
    {
        IReadOnlyList<Descriptor> entries = ReadEntries() ?? [];
        List<Descriptor> images = [.. LayoutNames.Images(entries, LinksOf).DistinctBy(e => e.Digest, StringComparer.Ordinal)];
        return images.Count switch
        {
            0 => throw new ImageException(ImageError.NotFound, $"{Name}: index.json lists no image"),
            1 => ReadManifest(DigestOf(images[0]), images[0])!,
            _ => throw new ImageException(ImageError.Ambiguous, $"{Name}: index.json lists {images.Count} images: {string.Join(", ", images.Take(10).Select(m => Escape.Quote(LayoutNames.NameOf(m) ?? m.Digest)))}",
                "name one: its tag or digest stands after a colon at the end"),
        };
    });

    /// <summary>The tag under which a digest is listed, or null.</summary>
    public string? TagOf(Digest digest) =>
        Unprivileged.Run(() => ReadEntries()?.FirstOrDefault(e => e.Digest == digest.ToString() && LayoutNames.NameOf(e) is not null) is { } entry ? LayoutNames.NameOf(entry) : null);

    public Stream OpenBlob(Digest digest, long size, CancellationToken cancellationToken)
    {
        string where = $"{Name}: blob {digest}";
        ContentFile file = Content?.Find(BlobName(digest)) ?? throw new ImageException(ImageError.BlobMissing, $"{where} is not there");
        if (file.Length == size)
            return new VerifiedStream(file.OpenAndOwn(), digest, size, where);
        file.Dispose();
        throw new ImageException(ImageError.SizeMismatch, $"{where}: {file.Length} bytes, stated are {size}");
    }

    public IReadOnlyList<Descriptor> ListReferrers(Digest subject, CancellationToken cancellationToken) => Unprivileged.Run(() =>
    {
        if (ReadEntries(out byte[]? index) is not { } entries)
            return [];
        Dictionary<string, List<Descriptor>> all = Scan(entries, Digest.Of(index), cancellationToken);
        List<Descriptor> found = [.. all.GetValueOrDefault(subject.ToString(), [])];
        foreach (Descriptor entry in entries.Where(e => LayoutNames.NameOf(e) == ArtifactTags.Fallback(subject)))
            found.AddRange((LinksOf(entry) ?? throw new ImageException(ImageError.BlobMissing, $"{Name}: {Escape.Quote(entry.Digest)} is not there")).Manifests);
        found = [.. found.DistinctBy(d => d.Digest, StringComparer.Ordinal)];
        return found.Count <= MaxReferrers ? found
            : throw new ImageException(ImageError.LimitExceeded, $"{Name}: {found.Count} things refer to {subject}, at most {MaxReferrers} (MaxReferrers) are read");
    });

    public IReadOnlyList<string> ListTags(CancellationToken cancellationToken) => Unprivileged.Run<IReadOnlyList<string>>(() =>
    {
        IReadOnlyList<Descriptor> entries = ReadEntries() ?? [];
        return [.. entries.Select(e => LayoutNames.NameOf(e) ?? (LayoutNames.SuffixOf(e) is { } suffix && SignedByCosign(entries) is { } signed ? ArtifactTags.Cosign(signed, suffix) : null))
            .OfType<string>().Distinct(StringComparer.Ordinal)];
    });

    public IReadOnlyList<Descriptor> ListManifests(CancellationToken cancellationToken) => Unprivileged.Run(() => ReadEntries() ?? []);

    /// <summary>Whether the blob is there and its bytes have the digest: what was damaged is written again.</summary>
    public bool HasBlob(Digest digest, CancellationToken cancellationToken)
    {
        lock (_gate)
            if (_proven.Contains(digest))
                return true;
        using ContentFile? file = Content?.Find(BlobName(digest));
        if (file is null)
            return false;
        try
        {
            using VerifiedStream blob = new(file.Open(), digest, file.Length, Name);
            Drain(blob, cancellationToken);
        }
        catch (ImageException e) when (e.Error is ImageError.DigestMismatch or ImageError.SizeMismatch)
        {
            return false;
        }
        lock (_gate)
            _proven.Add(digest);
        return true;
    }

    public void PutBlob(Digest digest, long size, Stream content, CancellationToken cancellationToken)
    {
        if (HasBlob(digest, cancellationToken))
            return;
        Guard(() => WriteBlob(digest, size, content, cancellationToken));
        lock (_gate)
            _proven.Add(digest);
    }

    public void PutManifest(StoredManifest manifest, string? tag, CancellationToken cancellationToken)
    {
        if (Digest.Of(manifest.Bytes.Span) != manifest.Digest)
            throw new ImageException(ImageError.DigestMismatch, $"{Name}: the manifest's bytes do not have the digest {manifest.Digest}");
        ManifestLinks links = Unprivileged.Run(() => ManifestLinks.Read(manifest.Bytes.Span, manifest.MediaType, $"{Name}: {manifest.Digest}"));
        foreach (Descriptor part in (IEnumerable<Descriptor>)[.. links.Manifests, .. links.Blobs])
            using (ContentFile? file = Content?.Find(BlobName(ManifestLinks.DigestOf(part))))
                if (file is null)
                    throw new ImageException(ImageError.BlobMissing, $"{Name}: {part.Digest}, which the manifest {manifest.Digest} names, is not there");
        PutBlob(manifest.Digest, manifest.Bytes.Length, new MemoryStream(manifest.Bytes.ToArray(), writable: false), cancellationToken);
        Descriptor entry = new()
        {
            MediaType = links.MediaType,
            Digest = manifest.Digest.ToString(),
            Size = manifest.Bytes.Length,
            ArtifactType = links.Subject is null ? null : links.ArtifactType,
            Annotations = tag is null ? null : new Dictionary<string, string>(StringComparer.Ordinal) { [LayoutNames.RefName] = tag },
        };
        HashSet<string?> parts = [.. links.Manifests.Select(m => m.Digest)];
        Guard(() => WriteIndex(index => Unprivileged.Run(() => WithEntry(index, entry, tag, parts)), cancellationToken));
    }

    /// <summary>
    /// index.json with the entry: a tag is taken from whatever had it; what stood there without a name goes when it has one now, or is
    /// part of this index, so that an untagged layout still has one image.
    /// </summary>
    /// <returns>The same array when nothing changes.</returns>
    private byte[] WithEntry(byte[]? index, Descriptor entry, string? tag, HashSet<string?> parts)
    {
        string where = $"{Name}: {IndexName}";
        if (index is not null && tag is null
            && ImageConfigs.Manifests(ImageConfigs.Parse(index, where, ManifestJson.Index), where).Any(e => e.Digest == entry.Digest))
            return index;
        return IndexEdit.Add(index, entry, old => LayoutNames.NameOf(old) is { } name ? name == tag : LayoutNames.KindOf(old) is null && (old.Digest == entry.Digest || parts.Contains(old.Digest)), where);
    }

    /// <summary>Stores a blob; its bytes are checked while they are written.</summary>
    protected abstract void WriteBlob(Digest digest, long size, Stream content, CancellationToken cancellationToken);

    /// <summary>Changes index.json with nobody else in between.</summary>
    /// <param name="change">From the bytes that are there, or null, to those that are to be.</param>
    protected abstract void WriteIndex(Func<byte[]?, byte[]> change, CancellationToken cancellationToken);

    protected byte[]? ReadIndex()
    {
        if (Content is not { } content || content.Find(IndexName) is not { } file)
            return null;
        file.Dispose();
        return content.ReadJson(IndexName, null, -1, Limits, Verification.Full);
    }

    /// <summary>Copies a blob to a file of a name that is not there yet, checks it, and brings it to the disk.</summary>
    protected void Store(string path, Digest digest, long size, Stream content, CancellationToken cancellationToken)
    {
        using FileStream file = DurableFile.Create(path);
        using VerifiedStream checkedContent = new(new Borrowed(content), digest, size, $"{Name}: blob {digest}");
        byte[] buffer = new byte[256 * 1024];
        for (int got; (got = checkedContent.Read(buffer)) > 0;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            file.Write(buffer, 0, got);
        }
        file.Flush(flushToDisk: true);
    }

    private static void Drain(Stream stream, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[256 * 1024];
        while (stream.Read(buffer) > 0)
            cancellationToken.ThrowIfCancellationRequested();
    }

    private void Guard(Action write)
    {
        try
        {
            write();
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

    private IReadOnlyList<Descriptor>? ReadEntries() => ReadEntries(out _);

    private IReadOnlyList<Descriptor>? ReadEntries([NotNullIfNotNull(nameof(index))] out byte[]? index)
    {
        string where = $"{Name}: {IndexName}";
        // Parsing a long list for each of the thousands of manifests that it lists would take minutes.
        object? stamp = IndexStamp;
        lock (_gate)
            if (_parsed is { } parsed && parsed.Stamp.Equals(stamp))
            {
                index = parsed.Index;
                return parsed.Entries;
            }
        if ((index = ReadIndex()) is null)
            return null;
        IReadOnlyList<Descriptor> entries = ImageConfigs.Manifests(ImageConfigs.Parse(index, where, ManifestJson.Index), where);
        if (entries.Count > MaxEntries)
            throw new ImageException(ImageError.LimitExceeded, $"{where}: {entries.Count} entries, at most {MaxEntries} (MaxEntries) are read");
        lock (_gate)
            _parsed = stamp is null ? null : (stamp, index, entries);
        return entries;
    }

    private StoredManifest? ReadManifest(Digest digest, Descriptor? listed)
    {
        if (digest.Algorithm != "sha256")
            throw new ImageException(ImageError.Unsupported, $"{Name}: {digest} is named by {digest.Algorithm}; only sha256 is read");
        using (ContentFile? file = Content!.Find(BlobName(digest)))
            if (file is null)
                return listed is null ? null : throw new ImageException(ImageError.BlobMissing, $"{Name}: {digest}, which {IndexName} lists, is not there");
        byte[] bytes = Content.ReadJson(BlobName(digest), digest, listed?.Size ?? -1, Limits, Verification.Full);
        string? own = ImageConfigs.Parse(bytes, $"{Name}: {digest}", ManifestJson.Index).MediaType;
        return new StoredManifest(digest, listed?.MediaType ?? own, bytes);
    }

    /// <returns>Null for an entry of a kind that is not read, or whose blob is not there.</returns>
    private ManifestLinks? LinksOf(Descriptor entry)
    {
        if (entry.MediaType is not null && !MediaTypes.IsIndex(entry.MediaType) && !MediaTypes.IsManifest(entry.MediaType))
            return null;
        Digest digest = DigestOf(entry);
        using (ContentFile? file = Content!.Find(BlobName(digest)))
            if (file is null)
                return null;
        return ManifestLinks.Read(Content.ReadJson(BlobName(digest), digest, entry.Size, Limits, Verification.Full), entry.MediaType, $"{Name}: {digest}");
    }

    private Digest DigestOf(Descriptor entry) => Digest.TryParse(entry.Digest, out Digest? digest) ? digest
        : throw new ImageException(ImageError.Malformed, $"{Name}: {IndexName} lists the digest {Escape.Quote(entry.Digest)}");

    /// <summary>What each entry's manifest says it is about, by the digest of that.</summary>
    private Dictionary<string, List<Descriptor>> Scan(IReadOnlyList<Descriptor> entries, Digest index, CancellationToken cancellationToken)
    {
        lock (_gate)
            if (_scannedIndex == index && _referrers is { } known)
                return known;
        Dictionary<string, List<Descriptor>> found = new(StringComparer.Ordinal);
        long bytes = 0;
        foreach (Descriptor entry in entries.DistinctBy(e => e.Digest, StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if ((bytes += Math.Max(entry.Size, 0)) > MaxScannedBytes)
                throw new ImageException(ImageError.LimitExceeded, $"{Name}: manifests of more than {MaxScannedBytes} bytes together (MaxScannedBytes)");
            if (LinksOf(entry) is not { Subject: { } subject } links)
                continue;
            if (!found.TryGetValue(subject.Digest!, out List<Descriptor>? list))
                found.Add(subject.Digest!, list = []);
            list.Add(links.AsReferrer(DigestOf(entry), entry.Size));
        }
        lock (_gate)
            (_scannedIndex, _referrers) = (index, found);
        return found;
    }

    private static IEnumerable<Descriptor> SavedByCosign(IReadOnlyList<Descriptor> entries, string tag) =>
        ArtifactTags.TryParse(tag, out Digest? subject, out string suffix) && suffix.Length > 0 && SignedByCosign(entries) == subject
            ? entries.Where(e => LayoutNames.SuffixOf(e) == suffix) : [];

    /// <summary><c>cosign save</c> keeps one image in a folder, which its signatures do not name.</summary>
    private static Digest? SignedByCosign(IReadOnlyList<Descriptor> entries)
    {
        List<Descriptor> images = [.. entries.Where(e => LayoutNames.KindOf(e) is "image" or "imageIndex").DistinctBy(e => e.Digest, StringComparer.Ordinal)];
        return images.Count == 1 && Digest.TryParse(images[0].Digest, out Digest? digest) ? digest : null;
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>The caller's stream, which stays open.</summary>
    private sealed class Borrowed(Stream stream) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => stream.Read(buffer);
    }
}
