using Plimsoll.Keys;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>Proves signatures by the keys of a policy, within a bound: who attaches many signatures to an image must not buy time with them.</summary>
internal sealed class Proofs(TrustRules trust, CancellationToken cancellationToken) : IDisposable
{
    /// <summary>Signatures that are checked for one image, each by each key; some 0.1 ms each. More bytes count for more: see <see cref="BytesPerCheck"/>.</summary>
    public const int MaxChecks = 10_000;

    /// <summary>Hashing as many bytes takes about as long as one check.</summary>
    private const int BytesPerCheck = 64 * 1024;

    private readonly Dictionary<string, PublicKey> _opened = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TrustKey> _byName = trust.Keys.ToDictionary(k => k.Name, StringComparer.Ordinal);
    private long _left = MaxChecks;

    /// <summary>Something was not checked because the bound was reached.</summary>
    public bool Exhausted { get; private set; }

    /// <summary>The different keys among these names: one key with two names is one key, called by the first.</summary>
    public IReadOnlyList<TrustKey> KeysOf(IEnumerable<string> names) => [.. names.Select(n => _byName[n]).DistinctBy(k => k.Id, StringComparer.Ordinal)];

    /// <summary>The first of these keys that the signature is of; null when it is of none, or the bound was reached.</summary>
    public TrustKey? FindSigner(IReadOnlyList<TrustKey> keys, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        foreach (TrustKey key in keys)
            if (Verify(key, data, signature))
                return key;
        return null;
    }

    /// <summary>Every one of these keys that signed the envelope.</summary>
    public IReadOnlyList<TrustKey> SignersOf(IReadOnlyList<TrustKey> keys, DsseEnvelope envelope)
    {
        byte[] pae = Dsse.Pae(envelope.PayloadType, envelope.Payload.Span);
        return [.. keys.Where(key => envelope.Signatures.Any(s => Verify(key, pae, s.Signature.Span)))];
    }

    private bool Verify(TrustKey key, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _left -= 1 + data.Length / BytesPerCheck;
        if (_left < 0)
        {
            Exhausted = true;
            return false;
        }
        if (!_opened.TryGetValue(key.Id, out PublicKey? opened))
            _opened.Add(key.Id, opened = KeyFile.ReadPublic(key.Pem, key.Name));
        return opened.Verify(data, signature);
    }

    public void Dispose()
    {
        foreach (PublicKey key in _opened.Values)
            key.Dispose();
    }
}
