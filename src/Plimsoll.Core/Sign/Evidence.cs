using Plimsoll.Oci;

namespace Plimsoll.Sign;

/// <summary>Everything that was found to speak for an image, unjudged: each piece may be anybody's, about anything, or nonsense.</summary>
public sealed record Evidence
{
    /// <summary>cosign's simple signing form, in the order they were found.</summary>
    public IReadOnlyList<ImageSignature> Signatures { get; init; } = [];

    /// <summary>Statements in DSSE envelopes, in the order they were found.</summary>
    public IReadOnlyList<Attestation> Attestations { get; init; } = [];

    /// <summary>What could not be read or was left out by a limit: code and text. A verdict must not pass over it.</summary>
    public IReadOnlyList<EvidenceGap> Gaps { get; init; } = [];
}

/// <param name="Payload">The signed bytes: a simple signing document that names repository and manifest digest.</param>
/// <param name="Attached">The manifest that it was found at; the payload must name the same.</param>
/// <param name="Where">Store and digest, for messages.</param>
public sealed record ImageSignature(ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Signature, Digest Attached, string Where)
{
    /// <summary>A second one over the same bytes, of a hybrid key's ML-DSA-65 part; empty where there is none.</summary>
    public ReadOnlyMemory<byte> MlDsaSignature { get; init; }

    /// <summary>Both, or the one that there is.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> All => MlDsaSignature.IsEmpty ? [Signature] : [Signature, MlDsaSignature];
}

/// <param name="Envelope">Its payload is an in-toto statement, or claims to be.</param>
/// <param name="Attached">The manifest that it was found at; a subject of the statement must be the image itself.</param>
/// <param name="Where">Store and digest, for messages.</param>
public sealed record Attestation(DsseEnvelope Envelope, Digest Attached, string Where);

/// <param name="Code"><c>too-many-signatures</c>, <c>unreadable-bundle</c> and others, kebab-case.</param>
public sealed record EvidenceGap(string Code, string Message);
