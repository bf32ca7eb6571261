using System.Security.Cryptography;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Texts;

namespace Plimsoll.Sign;

/// <summary>A signature and what is needed to judge it, in one JSON document: sigstore's bundle, version 0.3.</summary>
/// <remarks>
/// Source: sigstore/protobuf-specs, protos/sigstore_bundle.proto, in protobuf's JSON form. Bundles of versions 0.1 and 0.2 are read
/// too. Certificates and log entries are told of and not judged. Here: docs/formats/sigstore-bundle.md.
/// </remarks>
public sealed record SigstoreBundle
{
    public const string MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";

    /// <summary>Bytes of a bundle: a statement in base64, and room for certificates and log entries.</summary>
    public const int MaxBytes = Statement.MaxBytes / 3 * 4 + 512 * 1024;

    /// <summary>Signatures of one envelope; sigstore wants exactly one.</summary>
    public const int MaxSignatures = 16;
    private const int MaxLogEntries = 32, MaxHintCharacters = 1024, MaxDepth = 16;

    /// <summary>How the media type is spelled in the versions of the form.</summary>
    private static readonly string[] Versions =
    [
        MediaType, "application/vnd.dev.sigstore.bundle+json;version=0.3", "application/vnd.dev.sigstore.bundle+json;version=0.2", "application/vnd.dev.sigstore.bundle+json;version=0.1",
    ];

    /// <summary>Which key signed, as the signer says: base64 of the SHA-256 of its SubjectPublicKeyInfo, as cosign writes it. Null for one that a certificate names.</summary>
    public string? KeyHint { get; init; }

    /// <summary>A certificate says who signed. Such identities are not judged here.</summary>
    public bool ByCertificate { get; init; }

    /// <summary>Entries of transparency logs that it carries; not judged here.</summary>
    public int LogEntries { get; init; }

    /// <summary>What is signed; null for a signature over content that stands elsewhere.</summary>
    public DsseEnvelope? Envelope { get; init; }

    /// <summary>
    /// The ML-DSA-65 signature of a hybrid key over the same, empty where there is none. It stands beside the bundle, in the annotation
    /// <see cref="SimpleSigning.MlDsaAnnotation"/>: bundles have one signature, and cosign refuses one with two.
    /// </summary>
    public ReadOnlyMemory<byte> MlDsaSignature { get; init; }

    /// <summary>Media types of blobs that are bundles.</summary>
    public static bool IsMediaType(string? mediaType) => mediaType is not null && Versions.Contains(mediaType, StringComparer.Ordinal);

    /// <summary>The hint of a key: base64 of the SHA-256 of its SubjectPublicKeyInfo.</summary>
    public static string HintOf(PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Convert.ToBase64String(SHA256.HashData(key.Spki.Span));
    }

    /// <summary>A bundle of an envelope that <see cref="DsseSigning.Sign"/> made; of a hybrid key it names the classical part.</summary>
    public static SigstoreBundle Of(DsseEnvelope envelope, PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        ArgumentNullException.ThrowIfNull(key);
        return new()
        {
            KeyHint = HintOf(key.Parts[0]),
            Envelope = envelope with { Signatures = [envelope.Signatures[0]] },
            MlDsaSignature = key.Parts.Count > 1 ? envelope.Signatures[1].Signature : default,
        };
    }

    /// <summary>Canonical JSON: <c>mediaType</c>, <c>verificationMaterial</c> (<c>publicKey</c>), <c>dsseEnvelope</c> (<c>payload</c>, <c>payloadType</c>, <c>signatures</c>).</summary>
    /// <exception cref="InvalidOperationException">A form that is read and not written: with a certificate, or without an envelope.</exception>
    public byte[] ToJson()
    {
        if (KeyHint is null || ByCertificate || Envelope is null || LogEntries > 0)
            throw new InvalidOperationException("only bundles of envelopes signed with a key are written");
        CanonicalJson json = new();
        json.BeginObject().Text("mediaType", MediaType)
            .BeginObject("verificationMaterial").BeginObject("publicKey").Text("hint", KeyHint).EndObject().EndObject()
            .BeginObject("dsseEnvelope").Text("payload", Convert.ToBase64String(Envelope.Payload.Span)).Text("payloadType", Envelope.PayloadType).BeginArray("signatures");
        foreach (DsseSignature signature in Envelope.Signatures)
            json.BeginObject().Text("sig", Convert.ToBase64String(signature.Signature.Span)).EndObject();
        return json.EndArray().EndObject().EndObject().ToBytes();
    }

    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="FormatException">It is none, or says what is not known here; the message says what was wanted.</exception>
    public static SigstoreBundle Parse(ReadOnlyMemory<byte> json, string name) => ForeignJson.Read(json, MaxBytes, MaxDepth, name, Read);

    private static SigstoreBundle Read(JsonElement root)
    {
        ForeignJson.Only(root, "the bundle", "mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature");
        if (ForeignJson.Text(ForeignJson.Get(root, "mediaType", "the bundle"), "mediaType", MaxHintCharacters) is var type && !IsMediaType(type))
            throw new ForeignJsonException($"the bundle is of media type {Escape.Quote(type)}; wanted {MediaType}");
        JsonElement material = ForeignJson.Get(root, "verificationMaterial", "the bundle");
        ForeignJson.Only(material, "verificationMaterial", "publicKey", "certificate", "x509CertificateChain", "tlogEntries", "timestampVerificationData");
        JsonElement? key = ForeignJson.Find(material, "publicKey"), certificate = ForeignJson.Find(material, "certificate") ?? ForeignJson.Find(material, "x509CertificateChain");
        if (key is null == certificate is null)
            throw new ForeignJsonException("verificationMaterial does not name one key or one certificate");
        if (key is { } named)
            ForeignJson.Only(named, "publicKey", "hint");
        JsonElement? envelope = ForeignJson.Find(root, "dsseEnvelope"), message = ForeignJson.Find(root, "messageSignature");
        if (envelope is null == message is null)
            throw new ForeignJsonException("the bundle does not hold one dsseEnvelope or one messageSignature");
        return new SigstoreBundle
        {
            KeyHint = key is { } hinted ? ForeignJson.Find(hinted, "hint") is { } hint ? ForeignJson.Text(hint, "hint", MaxHintCharacters) : "" : null,
            ByCertificate = certificate is not null,
            LogEntries = ForeignJson.Find(material, "tlogEntries") is { } entries ? ForeignJson.List(entries, "tlogEntries", MaxLogEntries).GetArrayLength() : 0,
            Envelope = envelope is { } found ? EnvelopeOf(found) : null,
        };
    }

    /// <summary>A DSSE envelope as protobuf or as secure-systems-lab/dsse write it.</summary>
    internal static DsseEnvelope EnvelopeOf(JsonElement envelope)
    {
        ForeignJson.Only(envelope, "the envelope", "payload", "payloadType", "signatures");
        List<DsseSignature> signatures = [];
        foreach (JsonElement signature in ForeignJson.List(ForeignJson.Get(envelope, "signatures", "the envelope"), "signatures", MaxSignatures).EnumerateArray())
        {
            ForeignJson.Only(signature, "a signature", "keyid", "sig");
            signatures.Add(new DsseSignature(
                ForeignJson.Find(signature, "keyid") is { } id ? ForeignJson.Text(id, "keyid", MaxHintCharacters) : "",
                ForeignJson.Bytes(ForeignJson.Get(signature, "sig", "a signature"), "sig", SimpleSigning.MaxSignatureBytes)));
        }
        return new DsseEnvelope(ForeignJson.Text(ForeignJson.Get(envelope, "payloadType", "the envelope"), "payloadType", MaxHintCharacters),
            ForeignJson.Bytes(ForeignJson.Get(envelope, "payload", "the envelope"), "payload", Statement.MaxBytes), signatures);
    }
}
