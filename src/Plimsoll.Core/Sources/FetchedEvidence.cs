using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Verify;

namespace Plimsoll.Sources;

/// <summary>What a repository was found to hold for one image, as a host keeps it. Nothing of it is believed for being kept.</summary>
public sealed record FetchedEvidence
{
    private const int Version = 1, MaxDepth = 8;

    /// <summary><c>registry.example/team/app</c>.</summary>
    public required string Source { get; init; }

    /// <summary>What the repository was asked for.</summary>
    public required Digest Root { get; init; }

    /// <summary>The image's id.</summary>
    public required Digest Config { get; init; }

    /// <summary>The manifest that names the config, then each index that lists the one before; byte for byte.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Manifests { get; init; } = [];

    public Evidence Evidence { get; init; } = new();

    /// <summary>Signatures and statements.</summary>
    public int Count => Evidence.Signatures.Count + Evidence.Attestations.Count;

    /// <summary>Which manifest the config belongs to, as far as the bytes prove it; null when they do not.</summary>
    public LinkedManifest? Link()
    {
        Digest last = Config;
        List<Digest> chain = [];
        try
        {
            foreach (ReadOnlyMemory<byte> bytes in Manifests)
            {
                Digest digest = Digest.Of(bytes.Span);
                ManifestLinks links = ManifestLinks.Read(bytes.Span, null, digest.ToString());
                if (links.IsIndex != chain.Count > 0 || !(links.IsIndex ? links.Manifests : links.Blobs.Take(1)).Any(d => d.Digest == last.ToString()))
                    break;
                chain.Add(last = digest);
            }
        }
        catch (ImageException)
        {
            // As far as it could be read.
        }
        return chain.Count == 0 ? null : new LinkedManifest(chain[0], chain[1..]);
    }

    public byte[] ToJson()
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("fetched", Version);
            json.WriteString("source", Source);
            json.WriteString("root", Root.ToString());
            json.WriteString("config", Config.ToString());
            json.WriteStartArray("manifests");
            foreach (ReadOnlyMemory<byte> manifest in Manifests)
                json.WriteBase64StringValue(manifest.Span);
            json.WriteEndArray();
            json.WriteStartArray("signatures");
            foreach (ImageSignature signature in Evidence.Signatures)
            {
                json.WriteStartObject();
                json.WriteBase64String("payload", signature.Payload.Span);
                json.WriteBase64String("signature", signature.Signature.Span);
                if (!signature.MlDsaSignature.IsEmpty)
                    json.WriteBase64String("ml-dsa", signature.MlDsaSignature.Span);
                Place(json, signature.Attached, signature.Where);
            }
            json.WriteEndArray();
            json.WriteStartArray("statements");
            foreach (Attestation attestation in Evidence.Attestations)
            {
                json.WriteStartObject();
                json.WriteBase64String("envelope", attestation.Envelope.ToJson());
                Place(json, attestation.Attached, attestation.Where);
            }
            json.WriteEndArray();
            json.WriteStartArray("gaps");
            foreach (EvidenceGap gap in Evidence.Gaps)
            {
                json.WriteStartObject();
                json.WriteString("code", gap.Code);
                json.WriteString("message", gap.Message);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return stream.ToArray();

        static void Place(Utf8JsonWriter json, Digest attached, string where)
        {
            json.WriteString("attached", attached.ToString());
            json.WriteString("where", where);
            json.WriteEndObject();
        }
    }

    /// <exception cref="FormatException">It is not of the form.</exception>
    public static FetchedEvidence Parse(ReadOnlyMemory<byte> bytes, string where)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            JsonElement root = document.RootElement;
            if (root.GetProperty("fetched").GetInt32() != Version)
                throw new FormatException($"{where}: of another version");
            return new FetchedEvidence
            {
                Source = TextOf(root, "source"),
                Root = DigestOf(root, "root"),
                Config = DigestOf(root, "config"),
                Manifests = [.. root.GetProperty("manifests").EnumerateArray().Select(m => (ReadOnlyMemory<byte>)m.GetBytesFromBase64())],
                Evidence = new Evidence
                {
                    Signatures =
                    [
                        .. root.GetProperty("signatures").EnumerateArray().Select(s => new ImageSignature(s.GetProperty("payload").GetBytesFromBase64(), s.GetProperty("signature").GetBytesFromBase64(), DigestOf(s, "attached"), TextOf(s, "where"))
                        { MlDsaSignature = s.TryGetProperty("ml-dsa", out JsonElement second) ? second.GetBytesFromBase64() : default }),
                    ],
                    Attestations = [.. root.GetProperty("statements").EnumerateArray().Select(s => new Attestation(EnvelopeOf(s, where), DigestOf(s, "attached"), TextOf(s, "where")))],
                    Gaps = [.. root.GetProperty("gaps").EnumerateArray().Select(g => new EvidenceGap(TextOf(g, "code"), TextOf(g, "message")))],
                },
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FormatException($"{where}: not of the form in which fetched evidence is kept: {e.Message}", e);
        }
    }

    private static string TextOf(JsonElement element, string name) => element.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null");

    private static Digest DigestOf(JsonElement element, string name) => Digest.TryParse(TextOf(element, name), out Digest? digest) ? digest : throw new FormatException($"{name} is no digest");

    private static DsseEnvelope EnvelopeOf(JsonElement element, string where) =>
        DsseEnvelope.TryParse(element.GetProperty("envelope").GetBytesFromBase64(), out DsseEnvelope? envelope) ? envelope : throw new FormatException($"{where}: an envelope is none");
}
