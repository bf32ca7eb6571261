using Plimsoll.Keys;

namespace Plimsoll.Sign;

/// <summary>Signs and proves envelopes with keys of every kind.</summary>
public static class DsseSigning
{
    /// <summary>An envelope with one signature, whose key id is <see cref="PublicKey.Id"/>; by a hybrid key with one of each part, in their order.</summary>
    public static DsseEnvelope Sign(string payloadType, ReadOnlyMemory<byte> payload, ISigner signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        IReadOnlyList<ReadOnlyMemory<byte>> made = signer.PublicKey.Split(signer.Sign(Dsse.Pae(payloadType, payload.Span)));
        return new DsseEnvelope(payloadType, payload, [.. signer.PublicKey.Parts.Zip(made, (part, signature) => new DsseSignature(part.Id, signature))]);
    }

    /// <summary>What the envelope's signatures prove of a key. The key ids that it states are hints and are not looked at.</summary>
    public static Proof Prove(DsseEnvelope envelope, PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        ArgumentNullException.ThrowIfNull(key);
        return key.Prove(Dsse.Pae(envelope.PayloadType, envelope.Payload.Span), [.. envelope.Signatures.Select(s => s.Signature)]);
    }

    /// <summary>Whether this key signed the envelope, a hybrid one with both of its parts.</summary>
    /// <exception cref="KeyUnsupportedException">Part of it did, and this platform cannot check the other.</exception>
    public static bool Verify(DsseEnvelope envelope, PublicKey key) => Prove(envelope, key) switch
    {
        Proof.Full => true,
        Proof.Unsupported => throw new KeyUnsupportedException($"key {key.Id[..16]}… signs with {key.Algorithm.Word()}; {key.Unsupported}"),
        _ => false,
    };

    /// <summary>Whether it names the key's parts and nothing else, in their order: the one form that <see cref="Sign"/> makes.</summary>
    public static bool Names(DsseEnvelope envelope, PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        ArgumentNullException.ThrowIfNull(key);
        return envelope.Signatures.Select(s => s.KeyId).SequenceEqual(key.Parts.Select(p => p.Id), StringComparer.Ordinal);
    }

    /// <summary>For messages about an envelope that none of the keys signed: that one of them signed with one part only; else empty.</summary>
    public static string Incomplete(DsseEnvelope envelope, IEnumerable<PublicKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return keys.FirstOrDefault(k => Prove(envelope, k) == Proof.Incomplete) is { } key ? $"; one part of the hybrid key {key.Id[..16]}… signed it, and both must" : "";
    }

    /// <summary>The first of the keys that the envelope is signed by; null when there is none.</summary>
    /// <exception cref="KeyUnsupportedException">As <see cref="Verify"/>.</exception>
    public static PublicKey? FindSigner(DsseEnvelope envelope, IEnumerable<PublicKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return keys.FirstOrDefault(key => Verify(envelope, key));
    }
}
