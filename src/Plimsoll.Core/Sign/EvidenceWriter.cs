using System.Globalization;
using Plimsoll.Keys;
using Plimsoll.Oci;

namespace Plimsoll.Sign;

/// <summary>A content beside a statement: the list of files, the bill of materials.</summary>
public sealed record SideContent(string MediaType, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Written as the annotation <see cref="SimpleSigning.MlDsaAnnotation"/> of its descriptor; empty where there is none.</summary>
    internal ReadOnlyMemory<byte> MlDsaSignature { get; init; }

    public Digest Digest { get; } = Digest.Of(Bytes.Span);
}

/// <summary>What an artifact refers to: a descriptor of a manifest, an index, or a config where an image has nothing else.</summary>
public sealed record SubjectDescriptor(string MediaType, Digest Digest, long Size);

/// <summary>Puts signatures and attestations beside an image in a store, in the forms that cosign 2.5 and skopeo 1.18 read.</summary>
/// <remarks>Source: sigstore/cosign, specs/SIGNATURE_SPEC.md and specs/BUNDLE_SPEC.md; OCI image specification 1.1, manifest.md.</remarks>
public sealed class EvidenceWriter(IArtifactTarget target)
{
    /// <summary>What the artifact with the file list and the bill of materials of a measurement is called.</summary>
    public const string ContentsType = "application/vnd.plimsoll.contents.v1+json";

    /// <summary>How often a tag that somebody else wrote meanwhile is written again. Registries cannot compare and swap.</summary>
    public const int MaxAttempts = 5;

    /// <summary>Layers of one signature tag. Whoever may push can fill it; a signer that would have to carry more along stops.</summary>
    public const int MaxSignatures = 1000;

    private const string EmptyType = "application/vnd.oci.empty.v1+json";

    /// <summary>
    /// Adds a signature to the tag <c>sha256-HEX.sig</c> and keeps those that are there, byte for byte. Nothing is written when one of
    /// this key over this payload is there.
    /// </summary>
    /// <param name="subject">The manifest or index that the payload names.</param>
    /// <returns>False when it was there.</returns>
    /// <exception cref="ImageException">The store refused, or the tag holds what is no list of signatures, which is left as it is.</exception>
    /// <exception cref="KeyException">The signer refused.</exception>
    public bool AddSignature(Digest subject, SimpleSigning payload, ISigner signer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(payload);
        ArgumentNullException.ThrowIfNull(signer);
        string tag = $"{subject.Algorithm}-{subject.Hex}.sig";
        byte[] json = payload.ToJson();
        Digest blob = Put(json, cancellationToken);
        MadeSignature? signature = null;
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            (ArtifactManifest present, Digest? was) = Present(tag, cancellationToken);
            if (present.Layers.Any(l => l.Digest == blob && MadeSignature.Of(l) is { } theirs && (theirs == signature || theirs.IsOf(signer.PublicKey, json))))
                return attempt > 0;
            if (present.Layers.Count >= MaxSignatures || present.LayersBeyond > 0)
                throw new ImageException(ImageError.LimitExceeded, $"{target.Name}: {tag} holds {present.Layers.Count + present.LayersBeyond} signatures, at most {MaxSignatures} (MaxSignatures) are kept with a new one");
            signature ??= MadeSignature.By(signer, json);
            byte[] manifest = SignatureManifest(present, blob, json.Length, signature, cancellationToken);
            // Signing and storing took their time; what came in between must not be lost. What is left is one round trip.
            if (target.FindManifest(tag, cancellationToken)?.Digest != was)
                continue;
            target.PutManifest(new StoredManifest(Digest.Of(manifest), MediaTypes.OciManifest, manifest), tag, cancellationToken);
        }
        // The last look decides: another signer may have written between our reading and our writing each time.
        return Present(tag, cancellationToken).Manifest.Layers.Any(l => l.Digest == blob && MadeSignature.Of(l) == signature) ? true
            : throw new ImageException(ImageError.PeerFailed, $"{target.Name}: {tag} was written by somebody else {MaxAttempts} times while it was signed", "sign again when the other signer is done");
    }

    /// <summary>Adds an envelope as a sigstore bundle that refers to the image: one layer, so that cosign reads it.</summary>
    /// <param name="predicateType">For the annotation by which cosign chooses.</param>
    /// <param name="created">The artifact's own date.</param>
    /// <returns>The artifact's digest.</returns>
    /// <exception cref="ImageException">The store refused.</exception>
    public Digest AddBundle(SubjectDescriptor subject, SigstoreBundle bundle, string predicateType, DateTimeOffset created, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        return AddArtifact(subject, SigstoreBundle.MediaType, [new SideContent(SigstoreBundle.MediaType, bundle.ToJson()) { MlDsaSignature = bundle.MlDsaSignature }],
            json => json.Text("dev.sigstore.bundle.content", "dsse-envelope").Text("dev.sigstore.bundle.predicateType", predicateType), created, cancellationToken);
    }

    /// <summary>Adds what a measurement names by digest. It is an artifact of its own: cosign 2.5 passes over bundles with more than one layer.</summary>
    /// <exception cref="ImageException">The store refused.</exception>
    public Digest AddContents(SubjectDescriptor subject, IReadOnlyList<SideContent> contents, DateTimeOffset created, CancellationToken cancellationToken) =>
        AddArtifact(subject, ContentsType, contents, _ => { }, created, cancellationToken);

    private Digest AddArtifact(SubjectDescriptor subject, string type, IReadOnlyList<SideContent> layers, Action<CanonicalJson> annotate, DateTimeOffset created, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(subject);
        Digest empty = Put("{}"u8.ToArray(), cancellationToken);
        CanonicalJson json = new();
        json.BeginObject().Number("schemaVersion", 2).Text("mediaType", MediaTypes.OciManifest).Text("artifactType", type);
        Descriptor(json, "config", EmptyType, empty, 2).EndObject().BeginArray("layers");
        foreach (SideContent layer in layers)
        {
            Descriptor(json, null, layer.MediaType, Put(layer.Bytes, cancellationToken), layer.Bytes.Length);
            if (!layer.MlDsaSignature.IsEmpty)
                json.BeginObject("annotations").Text(SimpleSigning.MlDsaAnnotation, Convert.ToBase64String(layer.MlDsaSignature.Span)).EndObject();
            json.EndObject();
        }
        Descriptor(json.EndArray(), "subject", subject.MediaType, subject.Digest, subject.Size).EndObject().BeginObject("annotations");
        annotate(json);
        byte[] manifest = json.Text("org.opencontainers.image.created", created.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)).EndObject().EndObject().ToBytes();
        Digest digest = Digest.Of(manifest);
        target.PutManifest(new StoredManifest(digest, MediaTypes.OciManifest, manifest), null, cancellationToken);
        return digest;
    }

    /// <summary>What the tag holds, and its digest; an empty one and null where there is none.</summary>
    private (ArtifactManifest Manifest, Digest? Digest) Present(string tag, CancellationToken cancellationToken)
    {
        if (target.FindManifest(tag, cancellationToken) is not { } manifest)
            return (new ArtifactManifest(), null);
        try
        {
            ArtifactManifest present = ArtifactManifest.Parse(manifest.Bytes, MaxSignatures, $"{target.Name}: {tag}");
            return !present.IsIndex ? (present, manifest.Digest) : throw new FormatException($"{target.Name}: {tag} is an index");
        }
        catch (FormatException e)
        {
            throw new ImageException(ImageError.Malformed, e.Message, "what is there is kept; remove the tag to sign anew", e);
        }
    }

    /// <summary>A signature as annotations have it, base64; of a hybrid key both.</summary>
    private sealed record MadeSignature(string First, string? Second)
    {
        public static MadeSignature By(ISigner signer, byte[] payload)
        {
            string[] made = [.. signer.PublicKey.Split(signer.Sign(payload)).Select(s => Convert.ToBase64String(s.Span))];
            return new MadeSignature(made[0], made.Length > 1 ? made[1] : null);
        }

        public static MadeSignature? Of(ArtifactLayer layer) => layer.Annotations.GetValueOrDefault(SimpleSigning.SignatureAnnotation) is { } first
            ? new MadeSignature(first, layer.Annotations.GetValueOrDefault(SimpleSigning.MlDsaAnnotation)) : null;

        public bool IsOf(PublicKey key, byte[] payload)
        {
            List<ReadOnlyMemory<byte>> signatures = [];
            foreach (string text in (IEnumerable<string>)(Second is null ? [First] : [First, Second]))
            {
                byte[] signature = new byte[SimpleSigning.MaxSignatureBytes];
                if (!Convert.TryFromBase64String(text, signature, out int length))
                    return false;
                signatures.Add(signature.AsMemory(0, length));
            }
            return key.Prove(payload, signatures) == Proof.Full;
        }

        public void Annotate(CanonicalJson json) =>
            json.BeginObject("annotations").Text(SimpleSigning.SignatureAnnotation, First).Optional(SimpleSigning.MlDsaAnnotation, Second).EndObject();
    }

    private byte[] SignatureManifest(ArtifactManifest present, Digest payload, long size, MadeSignature signature, CancellationToken cancellationToken)
    {
        byte[] config = SignatureConfig([.. present.Layers.Select(l => l.Digest), payload]);
        CanonicalJson json = new();
        json.BeginObject().Number("schemaVersion", 2).Text("mediaType", MediaTypes.OciManifest);
        Descriptor(json, "config", MediaTypes.OciConfig, Put(config, cancellationToken), config.Length).EndObject().BeginArray("layers");
        foreach (ArtifactLayer layer in present.Layers)
            json.Raw(null, layer.Json.Span);
        signature.Annotate(Descriptor(json, null, SimpleSigning.MediaType, payload, size));
        json.EndObject().EndArray();
        if (!present.Annotations.IsEmpty)
            json.Raw("annotations", present.Annotations.Span);
        return json.EndObject().ToBytes();
    }

    /// <summary>The config of an image that is none, as cosign and skopeo write it; each payload is stored as it is, so its digest is its diffID.</summary>
    private static byte[] SignatureConfig(IEnumerable<Digest> layers) => new CanonicalJson().BeginObject().Text("architecture", "").Text("created", "0001-01-01T00:00:00Z")
        .Text("os", "").BeginObject("rootfs").Text("type", "layers").Texts("diff_ids", layers.Select(l => l.ToString())).EndObject().BeginObject("config").EndObject().EndObject().ToBytes();

    private static CanonicalJson Descriptor(CanonicalJson json, string? name, string mediaType, Digest digest, long size) =>
        json.BeginObject(name).Text("mediaType", mediaType).Text("digest", digest.ToString()).Number("size", size);

    private Digest Put(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        Digest digest = Digest.Of(content.Span);
        if (target.HasBlob(digest, cancellationToken))
            return digest;
        using MemoryStream stream = new(content.ToArray(), writable: false);
        target.PutBlob(digest, content.Length, stream, cancellationToken);
        return digest;
    }
}
