using Plimsoll.Keys;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>One version of a key of a policy.</summary>
/// <param name="Signer">Who it counts for: equal for all versions of a key and all its names.</param>
internal sealed record ProvingKey(string Id, string Pem, string Name, string Signer);

/// <summary>Proves signatures by the keys of a policy, within a bound: who attaches many signatures to an image must not buy time with them.</summary>
internal sealed class Proofs(TrustRules trust, CancellationToken cancellationToken) : IDisposable
{
    /// <summary>Signatures that are checked for one image, each by each key; some 0.1 ms each. More bytes count for more: see <see cref="BytesPerCheck"/>.</summary>
    public const int MaxChecks = 4096;

    /// <summary>Hashing as many bytes takes about as long as one check.</summary>
    private const int BytesPerCheck = 64 * 1024;

    private readonly Dictionary<string, PublicKey> _opened = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TrustKey> _byName = trust.Keys.ToDictionary(k => k.Name, StringComparer.Ordinal);
    private readonly Signers _signers = new(trust.Keys);
    private long _left = MaxChecks;

    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>Something was not checked because the bound was reached.</summary>
    public bool Exhausted { get; private set; }

    /// <summary>Every version of every key among these names, each once, called by the first of its names.</summary>
    public IReadOnlyList<ProvingKey> KeysOf(IEnumerable<string> names) =>
        [.. names.SelectMany(n => _byName[n].Versions.Select(v => new ProvingKey(v.Id, v.Pem, n, _signers.Of(n)))).DistinctBy(k => k.Id, StringComparer.Ordinal)];

    /// <summary>The first of these keys that the signature is of; null when it is of none, or the bound was reached.</summary>
    public ProvingKey? FindSigner(IReadOnlyList<ProvingKey> keys, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        foreach (ProvingKey key in keys)
            if (Verify(key, data, signature))
                return key;
        return null;
    }

    /// <summary>Every one of these keys that signed the envelope.</summary>
    public IReadOnlyList<ProvingKey> SignersOf(IReadOnlyList<ProvingKey> keys, DsseEnvelope envelope)
    {
        byte[] pae = Dsse.Pae(envelope.PayloadType, envelope.Payload.Span);
        return [.. keys.Where(key => envelope.Signatures.Any(s => Verify(key, pae, s.Signature.Span)))];
    }

    private bool Verify(ProvingKey key, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _left -= 1 + data.Length / BytesPerCheck;
        if (_left < 0)
        {
            Exhausted = true;
            return false;
        }
        return Open(key).Verify(data, signature);
    }

    /// <summary>Lives as long as this.</summary>
    public PublicKey Open(ProvingKey key)
    {
        if (!_opened.TryGetValue(key.Id, out PublicKey? opened))
            _opened.Add(key.Id, opened = KeyFile.ReadPublic(key.Pem, key.Name));
        return opened;
    }

    public void Dispose()
    {
        foreach (PublicKey key in _opened.Values)
            key.Dispose();
    }
}
