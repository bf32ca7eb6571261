using Plimsoll.Keys;
using Plimsoll.Oci;

namespace Plimsoll.Sign;

/// <summary>What a signer writes beside an image: each statement as a bundle of every key, and each key's signature over the manifest.</summary>
/// <param name="target">Where it is kept; the image itself may be elsewhere.</param>
/// <param name="signers">At least one.</param>
/// <param name="identity">The repository that the image is for; empty when nothing is claimed.</param>
/// <param name="overridden">Why the image is signed although it failed a policy, or null; every signature says so.</param>
public sealed class ImageSigner(IArtifactTarget target, IReadOnlyList<ISigner> signers, string identity, string? overridden, TimeProvider time)
{
    /// <summary>Predicate of the statement that only says: this is signed. cosign 3 writes it in place of the signature tag.</summary>
    /// <remarks>Source: sigstore/cosign, pkg/types, CosignSignPredicateType.</remarks>
    public const string SignedPredicate = "https://sigstore.dev/cosign/sign/v1";

    private readonly EvidenceWriter _writer = new(target);

    /// <summary>The statement that says: this is signed.</summary>
    /// <param name="subjects">Never the index of one of its platforms: whoever signs a platform has not signed the others.</param>
    public static Statement Signed(IReadOnlyList<Subject> subjects, string? overridden) => new(subjects, SignedPredicate,
        new CanonicalJson().BeginObject().Optional("override", overridden).EndObject().ToBytes());

    /// <summary>Adds a statement, signed by each key in a bundle of its own. What a key signed before, to the byte, is not signed again.</summary>
    /// <param name="present">What is beside the image already.</param>
    /// <returns>How many bundles were written.</returns>
    /// <exception cref="ImageException">The store refused.</exception>
    /// <exception cref="KeyException">A key refused.</exception>
    public int Attest(SubjectDescriptor subject, Statement statement, Evidence present, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(statement);
        ArgumentNullException.ThrowIfNull(present);
        byte[] payload = statement.ToJson();
        int written = 0;
        foreach (ISigner signer in signers)
        {
            if (present.Attestations.Any(a => a.Envelope.PayloadType == Statement.PayloadType && a.Envelope.Payload.Span.SequenceEqual(payload) && DsseSigning.Verify(a.Envelope, signer.PublicKey)))
                continue;
            DsseEnvelope envelope = DsseSigning.Sign(Statement.PayloadType, payload, signer);
            _writer.AddBundle(subject, SigstoreBundle.Of(envelope, signer.PublicKey), statement.PredicateType, time.GetUtcNow(), cancellationToken);
            written++;
        }
        return written;
    }

    /// <summary>Adds what statements name by digest.</summary>
    public void AddContents(SubjectDescriptor subject, IReadOnlyList<SideContent> contents, CancellationToken cancellationToken) =>
        _writer.AddContents(subject, contents, time.GetUtcNow(), cancellationToken);

    /// <summary>Signs a manifest or an index: the bundle first and cosign's tag last, so that who finds the signature finds the statements.</summary>
    /// <param name="subject">A config gets the bundle alone: simple signing names manifests.</param>
    /// <param name="subjects">See <see cref="Signed"/>.</param>
    /// <returns>How many signatures and bundles were written; 0 when all were there.</returns>
    public int Sign(SubjectDescriptor subject, IReadOnlyList<Subject> subjects, Evidence present, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(subject);
        int written = Attest(subject, Signed(subjects, overridden), present, cancellationToken);
        if (!MediaTypes.IsManifest(subject.MediaType) && !MediaTypes.IsIndex(subject.MediaType))
            return written;
        SimpleSigning payload = new() { Reference = identity, Manifest = subject.Digest };
        if (overridden is not null)
            payload = payload with { Optional = new SortedDictionary<string, string>(StringComparer.Ordinal) { [SimpleSigning.OverrideName] = overridden } };
        foreach (ISigner signer in signers)
            if (_writer.AddSignature(subject.Digest, payload, signer, cancellationToken))
                written++;
        return written;
    }
}
