using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;

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
