using Plimsoll.Keys;

namespace Plimsoll.Sign;

/// <summary>Signs and proves envelopes with keys of every kind.</summary>
public static class DsseSigning
{
    /// <summary>An envelope with one signature, whose key id is <see cref="PublicKey.Id"/>.</summary>
    public static DsseEnvelope Sign(string payloadType, ReadOnlyMemory<byte> payload, ISigner signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        return new DsseEnvelope(payloadType, payload, [new DsseSignature(signer.PublicKey.Id, signer.Sign(Dsse.Pae(payloadType, payload.Span)))]);
    }

    /// <summary>Whether one of the envelope's signatures is this key's. The key ids that it states are hints and are not looked at.</summary>
    public static bool Verify(DsseEnvelope envelope, PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        ArgumentNullException.ThrowIfNull(key);
        byte[] pae = Dsse.Pae(envelope.PayloadType, envelope.Payload.Span);
        return envelope.Signatures.Any(s => key.Verify(pae, s.Signature.Span));
    }

    /// <summary>The first of the keys that one of the envelope's signatures is of; null when there is none.</summary>
    public static PublicKey? FindSigner(DsseEnvelope envelope, IEnumerable<PublicKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return keys.FirstOrDefault(key => Verify(envelope, key));
    }
}
