namespace Plimsoll.Oci;

/// <summary>A manifest or index as a store keeps it.</summary>
/// <param name="Digest">SHA-256 of <paramref name="Bytes"/>, checked.</param>
/// <param name="MediaType">As the bytes or the store say; null when neither does.</param>
public sealed record StoredManifest(Digest Digest, string? MediaType, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// A repository of manifests and blobs, whatever keeps it: a registry's repository, an OCI image layout, a bundle file. What comes
/// out is checked against its digest; what a store lists is its word and proves nothing. May be used from several threads.
/// </summary>
/// <remarks>Source: OCI distribution specification 1.1; OCI image specification 1.1, image-layout.md.</remarks>
public interface IArtifactSource : IDisposable
{
    /// <summary>For messages: <c>registry.example/team/app</c>, or the path.</summary>
    string Name { get; }

    /// <summary>A manifest or index by tag or digest; null when the store has none.</summary>
    /// <exception cref="ImageException">It cannot be had, has another digest, or is longer than <see cref="OciLimits.MaxJsonBytes"/>.</exception>
    StoredManifest? FindManifest(string reference, CancellationToken cancellationToken);

    /// <summary>A blob from its first byte. Length and digest are checked at its end: whoever reads to the end has read the right bytes.</summary>
    /// <param name="size">As its descriptor states it.</param>
    /// <exception cref="ImageException">BlobMissing and others; also from the stream.</exception>
    Stream OpenBlob(Digest digest, long size, CancellationToken cancellationToken);

    /// <summary>
    /// What states that it refers to this manifest, by the referrers API or the fallback tag; empty when nothing does. Each is to be
    /// proved by fetching it and looking at its <c>subject</c>.
    /// </summary>
    /// <exception cref="ImageException">LimitExceeded and others.</exception>
    IReadOnlyList<Descriptor> ListReferrers(Digest subject, CancellationToken cancellationToken);

    /// <summary>Tags in the order of the store. Cosign's names (<c>sha256-HEX.sig</c>) are among them.</summary>
    /// <exception cref="ImageException">LimitExceeded and others.</exception>
    IReadOnlyList<string> ListTags(CancellationToken cancellationToken);
}

/// <summary>A store that can be written. Nothing is visible before all that it needs is there: blobs first, then manifests, then tags.</summary>
public interface IArtifactTarget : IArtifactSource
{
    bool HasBlob(Digest digest, CancellationToken cancellationToken);

    /// <summary>Stores a blob; nothing when it is there. The bytes are checked against digest and size.</summary>
    /// <exception cref="ImageException">DigestMismatch, AccessDenied and others; nothing is stored then.</exception>
    void PutBlob(Digest digest, long size, Stream content, CancellationToken cancellationToken);

    /// <summary>
    /// Stores a manifest or index byte for byte, under its digest and, when one is given, a tag, which it takes from whatever had it.
    /// When it has a <c>subject</c> and the store keeps no referrers of its own, the fallback tag's index is updated too.
    /// </summary>
    /// <exception cref="ImageException">It could not be stored.</exception>
    void PutManifest(StoredManifest manifest, string? tag, CancellationToken cancellationToken);
}
