using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Sign;

/// <summary>What cosign and skopeo sign of an image: where it is said to be, and the digest of its manifest or index.</summary>
/// <remarks>Source: sigstore/cosign, specs/SIGNATURE_SPEC.md; containers/image, docs/containers-signature.5.md. Here: docs/formats/simple-signing.md.</remarks>
public sealed record SimpleSigning
{
    /// <summary>Of the blob that holds the payload.</summary>
    public const string MediaType = "application/vnd.dev.cosign.simplesigning.v1+json";

    /// <summary>What cosign's payloads call themselves.</summary>
    public const string Kind = "cosign container image signature";

    /// <summary>Annotation of the payload's descriptor: the signature over the payload, base64.</summary>
    public const string SignatureAnnotation = "dev.cosignproject.cosign/signature";

    /// <summary>Annotation of the same descriptor, or of a bundle's: the signature of a hybrid key's ML-DSA-65 part over the same bytes, base64.</summary>
    public const string MlDsaAnnotation = "vnd.plimsoll.signature.ml-dsa-65";

    /// <summary>Member of <c>optional</c> that says that the image failed a policy and was signed all the same, and why.</summary>
    public const string OverrideName = "urn:plimsoll:override";

    /// <summary>Bytes of a payload; cosign's have some 250, annotations are a user's.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Bytes of a signature; RSA with 16384 bits has 2048.</summary>
    public const int MaxSignatureBytes = 4096;

    /// <summary>Members of <c>optional</c>.</summary>
    public const int MaxOptional = 64;
    private const int MaxCharacters = 4096;

    /// <summary><c>docker-reference</c>: the repository, <c>registry.example/team/app</c>; skopeo adds the tag. A claim of the signer, empty when it makes none.</summary>
    public required string Reference { get; init; }

    /// <summary><c>docker-manifest-digest</c>: the digest that is signed.</summary>
    public required Digest Manifest { get; init; }

    /// <summary>The texts of <c>optional</c>: cosign's annotations, skopeo's <c>creator</c>. In ordinal order.</summary>
    public IReadOnlyDictionary<string, string> Optional { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary><c>optional.timestamp</c> in seconds, as skopeo writes it; null when it does not say. A claim of the signer.</summary>
    public DateTimeOffset? Timestamp { get; init; }

    /// <summary>Why the image was signed although it failed a policy; null when nothing was overridden.</summary>
    public string? Override => Optional.GetValueOrDefault(OverrideName);

    /// <summary>As cosign writes it: <c>critical</c> (<c>identity</c>, <c>image</c>, <c>type</c>), <c>optional</c>.</summary>
    public byte[] ToJson()
    {
        CanonicalJson json = new();
        json.BeginObject().BeginObject("critical").BeginObject("identity").Text("docker-reference", Reference).EndObject()
            .BeginObject("image").Text("docker-manifest-digest", Manifest.ToString()).EndObject().Text("type", Kind).EndObject();
        if (Optional.Count == 0 && Timestamp is null)
            return json.Raw("optional", "null"u8).EndObject().ToBytes();
        json.BeginObject("optional");
        foreach ((string name, string value) in Optional.OrderBy(o => o.Key, StringComparer.Ordinal))
            json.Text(name, value);
        if (Timestamp is { } time)
            json.Number("timestamp", time.ToUnixTimeSeconds());
        return json.EndObject().EndObject().ToBytes();
    }

    /// <summary>Reads what cosign and skopeo write. What is not known in <c>critical</c> is refused, as it may change what is signed.</summary>
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="FormatException">It is none; the message says what was wanted.</exception>
    public static SimpleSigning Parse(ReadOnlyMemory<byte> json, string name) => ForeignJson.Read(json, MaxBytes, 16, name, Read);

    private static SimpleSigning Read(JsonElement root)
    {
        ForeignJson.Only(root, "the payload", "critical", "optional");
        JsonElement critical = ForeignJson.Get(root, "critical", "the payload");
        ForeignJson.Only(critical, "critical", "identity", "image", "type");
        JsonElement identity = ForeignJson.Get(critical, "identity", "critical"), image = ForeignJson.Get(critical, "image", "critical");
        ForeignJson.Only(identity, "identity", "docker-reference");
        ForeignJson.Only(image, "image", "docker-manifest-digest");
        if (ForeignJson.Text(ForeignJson.Get(critical, "type", "critical"), "type", MaxCharacters) is var kind && kind != Kind)
            throw new ForeignJsonException($"the payload is of type {Escape.Quote(kind)}; wanted {Escape.Quote(Kind)}");
        string digest = ForeignJson.Text(ForeignJson.Get(image, "docker-manifest-digest", "image"), "docker-manifest-digest", MaxCharacters);
        SortedDictionary<string, string> optional = new(StringComparer.Ordinal);
        DateTimeOffset? timestamp = null;
        if (ForeignJson.Find(root, "optional") is { } more)
        {
            if (more.ValueKind != JsonValueKind.Object || more.GetPropertyCount() > MaxOptional)
                throw new ForeignJsonException($"optional is no object of at most {MaxOptional} members");
            foreach (JsonProperty member in more.EnumerateObject())
                if (member.Name == "timestamp" && member.Value.ValueKind == JsonValueKind.Number)
                    timestamp = TimeOf(member.Value);
                else if (member.Value.ValueKind == JsonValueKind.String)
                    optional.Add(member.Name, ForeignJson.Text(member.Value, "optional", MaxCharacters));
        }
        return new SimpleSigning
        {
            Reference = ForeignJson.Find(identity, "docker-reference") is { } reference ? ForeignJson.Text(reference, "docker-reference", MaxCharacters) : "",
            Manifest = Digest.TryParse(digest, out Digest? manifest) ? manifest : throw new ForeignJsonException($"docker-manifest-digest is {Escape.Quote(digest)}"),
            Optional = optional,
            Timestamp = timestamp,
        };
    }

    private static DateTimeOffset TimeOf(JsonElement number) => number.TryGetInt64(out long seconds) && seconds is >= 0 and < 253_402_300_800
        ? DateTimeOffset.FromUnixTimeSeconds(seconds)
        : throw new ForeignJsonException($"the timestamp is {Escape.Quote(number.GetRawText())}; wanted seconds since 1970");
}
