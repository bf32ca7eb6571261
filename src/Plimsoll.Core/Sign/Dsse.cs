using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.Keys;

namespace Plimsoll.Sign;

/// <summary>One signature of an envelope. The key id is a hint and is not signed.</summary>
public sealed record DsseSignature(string KeyId, ReadOnlyMemory<byte> Signature);

/// <summary>A payload and signatures over its type and bytes. Source: DSSE 1.0 (secure-systems-lab/dsse: envelope.md).</summary>
public sealed record DsseEnvelope(string PayloadType, ReadOnlyMemory<byte> Payload, IReadOnlyList<DsseSignature> Signatures)
{
    /// <summary>The envelope as JSON without spaces or line ends: payloadType, payload, signatures (keyid, sig), in this order.</summary>
    public byte[] ToJson()
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("payloadType", PayloadType);
            json.WriteBase64String("payload", Payload.Span);
            json.WriteStartArray("signatures");
            foreach (DsseSignature signature in Signatures)
            {
                json.WriteStartObject();
                json.WriteString("keyid", signature.KeyId);
                json.WriteBase64String("sig", signature.Signature.Span);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads an envelope; the payload is not looked at. A name that stands twice in one object is refused.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> json, [NotNullWhen(true)] out DsseEnvelope? envelope)
    {
        envelope = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            List<DsseSignature> signatures = [];
            foreach (JsonElement signature in document.RootElement.GetProperty("signatures").EnumerateArray())
                signatures.Add(new DsseSignature(
                    signature.TryGetProperty("keyid", out JsonElement id) ? id.GetString() ?? "" : "", signature.GetProperty("sig").GetBytesFromBase64()));
            string? type = document.RootElement.GetProperty("payloadType").GetString();
            if (type is null)
                return false;
            envelope = new DsseEnvelope(type, document.RootElement.GetProperty("payload").GetBytesFromBase64(), signatures);
            return true;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return false;
        }
    }
}

/// <summary>Signs and verifies envelopes: ECDSA over P-256 or P-384 (DER signatures), RSA from 2048 bits (PKCS#1 v1.5), each with SHA-256.</summary>
public sealed class DsseKey : IDisposable
{
    /// <summary>Bytes of a PEM file; a 16384-bit RSA key has some 13 000.</summary>
    public const int MaxPemBytes = 64 * 1024;
    public const int MinRsaBits = 2048;
    private readonly AsymmetricAlgorithm _key;

    private DsseKey(AsymmetricAlgorithm key, bool isPrivate)
    {
        (_key, IsPrivate) = (key, isPrivate);
        KeyId = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
    }

    public bool IsPrivate { get; }

    /// <summary>SHA-256 of the public key's SubjectPublicKeyInfo (DER), lower-case hex.</summary>
    public string KeyId { get; }

    /// <summary>Reads PKCS#8 (PRIVATE KEY), SEC 1 or PKCS#1 private keys, or SubjectPublicKeyInfo (PUBLIC KEY), from PEM.</summary>
    /// <exception cref="KeyException">No such key, one behind a password, or of a kind or length that is not used here.</exception>
    public static DsseKey FromPem(string pem, string name)
    {
        if (!PemEncoding.TryFind(pem, out PemFields fields))
            throw new KeyException($"{name} is no PEM file");
        string label = pem[fields.Label];
        if (label == "ENCRYPTED PRIVATE KEY")
            throw new KeyException($"{name} is behind a password; a key without one is wanted (openssl pkcs8 -topk8 -nocrypt)");
        bool isPrivate = label.EndsWith("PRIVATE KEY", StringComparison.Ordinal);
        if (!isPrivate && label != "PUBLIC KEY")
            throw new KeyException($"{name} holds {Texts.Escape.Quote(label)}; wanted PRIVATE KEY or PUBLIC KEY");
        AsymmetricAlgorithm? key = Import(ECDsa.Create(), pem) ?? Import(RSA.Create(), pem)
            ?? throw new KeyException($"{name} holds neither an EC nor an RSA key that can be read");
        if ((key is ECDsa && key.KeySize is not (256 or 384)) || (key is ECDsa ec && !IsNist(ec)) || (key is RSA && key.KeySize < MinRsaBits))
            using (key)
                throw new KeyException($"{name} holds a key of {key.KeySize} bits that is not used here; wanted P-256, P-384 or RSA from {MinRsaBits} bits");
        return new DsseKey(key, isPrivate);
    }

    public DsseEnvelope Sign(string payloadType, ReadOnlyMemory<byte> payload)
    {
        if (!IsPrivate)
            throw new InvalidOperationException("a public key cannot sign");
        byte[] pae = Dsse.Pae(payloadType, payload.Span);
        byte[] signature = _key is ECDsa ec
            ? ec.SignData(pae, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
            : ((RSA)_key).SignData(pae, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return new DsseEnvelope(payloadType, payload, [new DsseSignature(KeyId, signature)]);
    }

    /// <summary>Whether one of the envelope's signatures is this key's, over this payload type and payload.</summary>
    public bool Verifies(DsseEnvelope envelope)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        byte[] pae = Dsse.Pae(envelope.PayloadType, envelope.Payload.Span);
        return envelope.Signatures.Any(s => _key is ECDsa ec
            ? ec.VerifyData(pae, s.Signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
            : ((RSA)_key).VerifyData(pae, s.Signature.Span, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    public void Dispose() => _key.Dispose();

    private static AsymmetricAlgorithm? Import(AsymmetricAlgorithm key, string pem)
    {
        try
        {
            key.ImportFromPem(pem);
            return key;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            return null;
        }
    }

    private static bool IsNist(ECDsa key) => key.ExportParameters(false).Curve.Oid.Value is "1.2.840.10045.3.1.7" or "1.3.132.0.34";
}

/// <summary>The encoding that DSSE signs.</summary>
public static class Dsse
{
    /// <summary><c>"DSSEv1" SP LEN(type) SP type SP LEN(body) SP body</c>, lengths in bytes as ASCII decimals.</summary>
    /// <remarks>Source: DSSE 1.0, protocol.md, "Signature Definition".</remarks>
    public static byte[] Pae(string payloadType, ReadOnlySpan<byte> payload)
    {
        string head = string.Create(CultureInfo.InvariantCulture, $"DSSEv1 {Encoding.UTF8.GetByteCount(payloadType)} {payloadType} {payload.Length} ");
        byte[] pae = new byte[Encoding.UTF8.GetByteCount(head) + payload.Length];
        payload.CopyTo(pae.AsSpan(Encoding.UTF8.GetBytes(head, pae)));
        return pae;
    }
}
