using System.Runtime.ExceptionServices;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Registry;
using Plimsoll.Texts;

namespace Plimsoll.Sources;

/// <summary>What is to be copied of an image.</summary>
public sealed record CopyOptions
{
    /// <summary>The image for this platform alone; null: an index with everything that it lists.</summary>
    public Platform? Platform { get; init; }

    /// <summary>Whether signatures, attestations and all else that refers to the image comes along.</summary>
    public bool Attached { get; init; } = true;

    public CopyLimits Limits { get; init; } = CopyLimits.Default;

    public IProgress<CopyProgress>? Progress { get; init; }
}

/// <summary>Bounds on what one copy takes along. Each has a test one step past it.</summary>
public sealed record CopyLimits
{
    public static CopyLimits Default { get; } = new();

    /// <summary>Manifests of the image and of all that is attached to it. Indexes of base images list some dozens.</summary>
    public int MaxManifests { get; init; } = 5000;

    /// <summary>Indexes inside indexes.</summary>
    public int MaxIndexDepth { get; init; } = OciLimits.Default.MaxIndexDepth;

    /// <summary>Things about things about the image: a signature of an attestation is two.</summary>
    public int MaxReferrerDepth { get; init; } = 5;

    /// <summary>Blobs that are on their way at once.</summary>
    public int Parallelism { get; init; } = 3;
}

/// <param name="BytesTotal">Of all blobs, those included that turn out to be there.</param>
public sealed record CopyProgress(int BlobsDone, int BlobsTotal, long BytesDone, long BytesTotal);

public enum AttachedKind
{
    /// <summary>Default: none of those that are known here.</summary>
    Other = 0,
    Signature,
    Attestation,
    BillOfMaterials,
}

/// <summary>Something that was copied because it is about the image, or about something about it.</summary>
/// <param name="Subject">What it is about.</param>
/// <param name="Tag">cosign's tag that it was found by; null for a referrer.</param>
/// <param name="Count">Signatures or attestations in it: cosign keeps several in one.</param>
public sealed record CopiedArtifact(Digest Digest, Digest Subject, string? Tag, AttachedKind Kind, string? ArtifactType, int Count);

/// <summary>What was copied, or was there already.</summary>
/// <param name="Tag">Under which the image is now found; null: by its digest.</param>
/// <param name="Manifests">Of the image alone, its index included.</param>
/// <param name="BlobsMounted">Taken over inside the registry.</param>
public sealed record CopyResult(
    Digest Image, string MediaType, string? Tag, int Manifests, IReadOnlyList<CopiedArtifact> Attached, int BlobsCopied, int BlobsMounted, int BlobsPresent, long BytesCopied);

/// <summary>
/// Moves an image with all that is attached to it from one store to another, byte for byte. Everything is found and read before
/// anything is written; the image gets its tag last, so that who finds it finds its signatures too.
/// </summary>
public sealed class ArtifactCopy
{
    private readonly OpenedSource _source;
    private readonly OpenedTarget _target;
    private readonly CopyOptions _options;
    private readonly CancellationToken _cancellationToken;
    private readonly List<(StoredManifest Manifest, ManifestLinks Links, string? Tag)> _order = [];
    private readonly HashSet<Digest> _seen = [];
    private readonly Dictionary<Digest, long> _blobs = [];
    private readonly List<CopiedArtifact> _attached = [];
    private readonly Lock _gate = new();
    private int _copied, _mounted, _present;
    private long _bytesCopied, _bytesDone, _bytesTotal;

    private ArtifactCopy(OpenedSource source, OpenedTarget target, CopyOptions options, CancellationToken cancellationToken) =>
        (_source, _target, _options, _cancellationToken) = (source, target, options, cancellationToken);

    /// <exception cref="ImageException">What is wrong with the source, or the target refused; the target's tags are as they were.</exception>
    public static CopyResult Run(OpenedSource source, OpenedTarget target, CopyOptions options, CancellationToken cancellationToken) =>
        new ArtifactCopy(source, target, options, cancellationToken).Run();

    private CopyResult Run()
    {
        StoredManifest root = Choose(_source.GetManifest(_cancellationToken));
        string? tag = TagFor(root);
        List<StoredManifest> image = [];
        Collect(root, null, 0, image);
        int manifests = _order.Count;
        if (_options.Attached)
            foreach (StoredManifest manifest in image)
                CollectAttached(manifest, 1);
        CopyBlobs();
        Action<CancellationToken> complete = _target.Batch();
        foreach ((StoredManifest manifest, _, string? name) in _order)
            _target.Store.PutManifest(manifest, name, _cancellationToken);
        // Last, so that nobody finds the image by its name before it is whole and signed.
        if (tag is not null)
            _target.Store.PutManifest(root, tag, _cancellationToken);
        complete(_cancellationToken);
        return new CopyResult(root.Digest, LinksOf(root).MediaType, tag, manifests, _attached, _copied, _mounted, _present, _bytesCopied);
    }

    private StoredManifest Choose(StoredManifest root)
    {
        for (int depth = 0; _options.Platform is { } platform && LinksOf(root) is { IsIndex: true } links; depth++)
        {
            if (depth > _options.Limits.MaxIndexDepth)
                throw new ImageException(ImageError.LimitExceeded, $"{_source.Store.Name}: indexes nest more than {_options.Limits.MaxIndexDepth} deep (MaxIndexDepth)");
            root = Fetch(ImageConfigs.ChoosePlatform(links.Manifests, platform, $"{_source.Store.Name}: {root.Digest}"), root.Digest);
        }
        return root;
    }

    /// <summary>The tag that the image gets: the target's own, else for a layout the one that it had.</summary>
    private string? TagFor(StoredManifest root)
    {
        string? wanted = _target.Reference;
        if (wanted is not null && Digest.TryParse(wanted, out Digest? digest))
            return digest == root.Digest ? null
                : throw new ImageException(ImageError.DigestMismatch, $"the target names {digest}, the image that would be copied is {root.Digest}");
        if (wanted is not null)
            return wanted;
        string? had = _source.Reference ?? _source.Store switch
        {
            LayoutArtifacts layout => layout.TagOf(root.Digest),
            SavedArchive saved => saved.Tag,
            _ => null,
        };
        return had is null || Digest.TryParse(had, out _) ? null : had;
    }

    /// <summary>A manifest and, before it, all that it lists.</summary>
    /// <param name="tag">A tag that it gets as soon as it is stored, since its name says what it is about.</param>
    private void Collect(StoredManifest manifest, string? tag, int depth, List<StoredManifest> tree)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        if (depth > _options.Limits.MaxIndexDepth)
            throw new ImageException(ImageError.LimitExceeded, $"{_source.Store.Name}: indexes nest more than {_options.Limits.MaxIndexDepth} deep (MaxIndexDepth)");
        if (!_seen.Add(manifest.Digest))
        {
            // The same signature under a second name.
            if (tag is not null)
                _order.Add((manifest, LinksOf(manifest), tag));
            return;
        }
        if (_seen.Count > _options.Limits.MaxManifests)
            throw new ImageException(ImageError.LimitExceeded, $"{_source.Store.Name}: the image and what is attached to it have more than {_options.Limits.MaxManifests} manifests (MaxManifests)");
        ManifestLinks links = LinksOf(manifest);
        foreach (Descriptor child in links.Manifests)
            if (!_seen.Contains(ManifestLinks.DigestOf(child)))
                Collect(Fetch(child, manifest.Digest), null, depth + 1, tree);
        foreach (Descriptor blob in links.Blobs)
        {
            Digest digest = ManifestLinks.DigestOf(blob);
            if (!_blobs.TryGetValue(digest, out long size))
                _blobs.Add(digest, blob.Size);
            else if (size != blob.Size)
                throw new ImageException(ImageError.SizeMismatch, $"{_source.Store.Name}: blob {digest} is stated with {size} bytes and with {blob.Size}");
        }
        _order.Add((manifest, links, tag));
        tree.Add(manifest);
    }

    /// <summary>What is about a manifest, what is about that, and so on.</summary>
    private void CollectAttached(StoredManifest subject, int depth)
    {
        List<(StoredManifest Manifest, string? Tag)> found = [];
        IArtifactSource store = _source.Store;
        foreach (string suffix in ArtifactTags.CosignSuffixes)
        {
            string tag = ArtifactTags.Cosign(subject.Digest, suffix);
            if (store.FindManifest(tag, _cancellationToken) is { } manifest)
                found.Add((manifest, tag));
        }
        foreach (Descriptor descriptor in store.ListReferrers(subject.Digest, _cancellationToken))
            found.Add((FetchReferrer(descriptor, subject.Digest), null));
        if (found.Count > 0 && depth > _options.Limits.MaxReferrerDepth)
            throw new ImageException(ImageError.LimitExceeded, $"{store.Name}: things about things about the image go more than {_options.Limits.MaxReferrerDepth} deep (MaxReferrerDepth)");
        foreach ((StoredManifest manifest, string? tag) in found)
        {
            bool known = _seen.Contains(manifest.Digest);
            List<StoredManifest> tree = [];
            Collect(manifest, tag, 0, tree);
            if (known && tag is null)
                continue;
            _attached.Add(Describe(manifest, subject.Digest, tag));
            foreach (StoredManifest part in tree)
                CollectAttached(part, depth + 1);
        }
    }

    private StoredManifest Fetch(Descriptor descriptor, Digest parent)
    {
        Digest digest = Digest.TryParse(descriptor.Digest, out Digest? parsed) ? parsed
            : throw new ImageException(ImageError.Malformed, $"{_source.Store.Name}: {parent} lists the digest {Escape.Quote(descriptor.Digest)}");
        StoredManifest manifest = _source.Store.FindManifest(digest.ToString(), _cancellationToken)
            ?? throw new ImageException(ImageError.BlobMissing, $"{_source.Store.Name}: {digest}, which {parent} lists, is not there", "--platform copies the image for one platform, where the others are not kept");
        return Checked(manifest, descriptor);
    }

    private StoredManifest FetchReferrer(Descriptor descriptor, Digest subject)
    {
        const string Alone = "--no-signatures copies the image alone";
        string where = $"{_source.Store.Name}: {Escape.Quote(descriptor.Digest)}, which is listed as referring to {subject},";
        if (!Digest.TryParse(descriptor.Digest, out Digest? digest))
            throw new ImageException(ImageError.Malformed, $"{where} has no digest that can be read", Alone);
        StoredManifest manifest = _source.Store.FindManifest(digest.ToString(), _cancellationToken)
            ?? throw new ImageException(ImageError.BlobMissing, $"{where} is not there", Alone);
        Checked(manifest, descriptor);
        return LinksOf(manifest).Subject is { } named && named.Digest == subject.ToString() ? manifest
            : throw new ImageException(ImageError.Malformed, $"{where} is about {Escape.Quote(LinksOf(manifest).Subject?.Digest ?? "nothing")}", Alone);
    }

    private StoredManifest Checked(StoredManifest manifest, Descriptor descriptor)
    {
        string where = $"{_source.Store.Name}: {manifest.Digest}";
        if (descriptor.Size >= 0 && descriptor.Size != manifest.Bytes.Length)
            throw new ImageException(ImageError.SizeMismatch, $"{where}: {manifest.Bytes.Length} bytes, the descriptor states {descriptor.Size}");
        // The media type under which others listed it counts when the bytes do not say.
        return manifest.MediaType is null ? manifest with { MediaType = descriptor.MediaType } : manifest;
    }

    private ManifestLinks LinksOf(StoredManifest manifest) =>
        Unprivileged.Run(() => ManifestLinks.Read(manifest.Bytes.Span, manifest.MediaType, $"{_source.Store.Name}: {manifest.Digest}"));

    private CopiedArtifact Describe(StoredManifest manifest, Digest subject, string? tag)
    {
        ManifestLinks links = LinksOf(manifest);
        AttachedKind kind = tag is null ? KindOf(links)
            : tag.EndsWith("." + ArtifactTags.Signature, StringComparison.Ordinal) ? AttachedKind.Signature
            : tag.EndsWith("." + ArtifactTags.Attestation, StringComparison.Ordinal) ? AttachedKind.Attestation : AttachedKind.BillOfMaterials;
        int layers = Math.Max(links.Blobs.Count - 1, 0);
        return new CopiedArtifact(manifest.Digest, subject, tag, kind, tag is null ? links.ArtifactType : null, tag is not null && !links.IsIndex ? layers : 1);
    }

    private static AttachedKind KindOf(ManifestLinks links)
    {
        string type = links.ArtifactType ?? "";
        if (type.StartsWith("application/vnd.dev.sigstore.bundle", StringComparison.Ordinal))
            return links.Annotations?.GetValueOrDefault("dev.sigstore.bundle.content") == "message-signature" ? AttachedKind.Signature : AttachedKind.Attestation;
        if (type.Contains("notary.signature", StringComparison.Ordinal) || type.Contains("cosign", StringComparison.Ordinal) && type.Contains(".sig", StringComparison.Ordinal))
            return AttachedKind.Signature;
        if (type.Contains("spdx", StringComparison.OrdinalIgnoreCase) || type.Contains("cyclonedx", StringComparison.OrdinalIgnoreCase))
            return AttachedKind.BillOfMaterials;
        return type.Contains("in-toto", StringComparison.Ordinal) || type.Contains("dsse", StringComparison.Ordinal) ? AttachedKind.Attestation : AttachedKind.Other;
    }

    private void CopyBlobs()
    {
        _bytesTotal = _blobs.Values.Sum();
        Report();
        ParallelOptions several = new() { MaxDegreeOfParallelism = _options.Limits.Parallelism, CancellationToken = _cancellationToken };
        try
        {
            Parallel.ForEach(_blobs.OrderByDescending(b => b.Value), several, (blob, _) => CopyBlob(blob.Key, blob.Value));
        }
        catch (AggregateException e)
        {
            Exception first = e.InnerExceptions.FirstOrDefault(i => i is not OperationCanceledException) ?? e.InnerExceptions[0];
            ExceptionDispatchInfo.Throw(first);
        }
    }

    private void CopyBlob(Digest digest, long size)
    {
        if (_target.Store.HasBlob(digest, _cancellationToken))
            Done(ref _present, size);
        else if (_source.Store is RegistryStore from && _target.Store is RegistryStore to && from.Repository.Host == to.Repository.Host
            && from.Repository.Repository != to.Repository.Repository && to.TryMount(digest, from.Repository.Repository, _cancellationToken))
            Done(ref _mounted, size);
        else
        {
            using Stream content = _source.Store.OpenBlob(digest, size, _cancellationToken);
            using Counting counted = new(content, Moved);
            _target.Store.PutBlob(digest, size, counted, _cancellationToken);
            Done(ref _copied, 0);
        }

        void Done(ref int count, long bytes)
        {
            lock (_gate)
            {
                count++;
                _bytesDone += bytes;
            }
            Report();
        }
    }

    private void Moved(int bytes)
    {
        lock (_gate)
        {
            _bytesDone += bytes;
            _bytesCopied += bytes;
        }
        Report();
    }

    private void Report()
    {
        if (_options.Progress is null)
            return;
        CopyProgress progress;
        lock (_gate)
            progress = new CopyProgress(_copied + _mounted + _present, _blobs.Count, _bytesDone, _bytesTotal);
        _options.Progress.Report(progress);
    }

    private sealed class Counting(Stream source, Action<int> count) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer)
        {
            int got = source.Read(buffer);
            if (got > 0)
                count(got);
            return got;
        }
    }
}
