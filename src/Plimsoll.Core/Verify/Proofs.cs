using Plimsoll.Keys;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>One version of a key of a policy.</summary>
/// <param name="Parts">As <see cref="TrustedHalf.Parts"/>.</param>
/// <param name="Name">The first of its names.</param>
/// <param name="Signer">Who it counts for: equal for all versions of a key and all its names.</param>
internal sealed record ProvingKey(string Id, string Pem, IReadOnlyList<string> Parts, string Name, string Signer);

/// <summary>Which keys made signatures, and what else is to be said of them.</summary>
/// <param name="Signers">Those whose every part signed.</param>
/// <param name="Problem">Code of what keeps the best of the others from counting: <c>no-key-matches</c>, or what is wrong with one of a hybrid key.</param>
internal sealed record ProvedBy(IReadOnlyList<ProvingKey> Signers, string Problem)
{
    public static ProvedBy Nobody { get; } = new([], "no-key-matches");
}

/// <summary>Proves signatures by the keys of a policy, within a bound: who attaches many signatures to an image must not buy time with them.</summary>
internal sealed class Proofs(TrustRules trust, CancellationToken cancellationToken) : IDisposable
{
    /// <summary>Signatures that are checked for one image, each by each key; some 0.1 ms each. More bytes count for more: see <see cref="BytesPerCheck"/>.</summary>
    public const int MaxChecks = 4096;

    /// <summary>Hashing as many bytes takes about as long as one check.</summary>
    private const int BytesPerCheck = 64 * 1024;

    private readonly Dictionary<string, PublicKey> _opened = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TrustKey> _byName = ByName(trust.Keys);
    private readonly Signers _signers = new(trust.Keys);
    private long _left = MaxChecks;

    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>Something was not checked because the bound was reached.</summary>
    public bool Exhausted { get; private set; }

    /// <summary>Every version of every key among these names, each once, called by the first of its names.</summary>
    public List<ProvingKey> KeysOf(IEnumerable<string> names)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        List<ProvingKey> keys = [];
        foreach (string name in names)
            foreach (TrustedHalf version in _byName[name].Versions)
                if (seen.Add(version.Id))
                    keys.Add(new ProvingKey(version.Id, version.Pem, version.Parts, name, _signers.Of(name)));
        return keys;
    }

    private static Dictionary<string, TrustKey> ByName(IReadOnlyList<TrustKey> keys)
    {
        Dictionary<string, TrustKey> byName = new(keys.Count, StringComparer.Ordinal);
        foreach (TrustKey key in keys)
            byName.Add(key.Name, key);
        return byName;
    }

    /// <summary>The first of these keys that the signatures are of; none when they are of none, or the bound was reached.</summary>
    public ProvedBy FindSigner(IReadOnlyList<ProvingKey> keys, ReadOnlySpan<byte> data, IReadOnlyList<ReadOnlyMemory<byte>> signatures) => Prove(keys, data, signatures, all: false);

    /// <summary>Every one of these keys that signed the envelope.</summary>
    public ProvedBy SignersOf(IReadOnlyList<ProvingKey> keys, DsseEnvelope envelope) =>
        Prove(keys, Dsse.Pae(envelope.PayloadType, envelope.Payload.Span), [.. envelope.Signatures.Select(s => s.Signature)], all: true);

    private ProvedBy Prove(IReadOnlyList<ProvingKey> keys, ReadOnlySpan<byte> data, IReadOnlyList<ReadOnlyMemory<byte>> signatures, bool all)
    {
        List<ProvingKey> signers = [];
        Proof best = Proof.None;
        foreach (ProvingKey key in keys)
        {
            Proof proof = Prove(key, data, signatures);
            if (proof == Proof.Full)
                signers.Add(key);
            else if (proof > best)
                best = proof;
            if (proof == Proof.Full && !all)
                break;
        }
        return new ProvedBy(signers, best switch { Proof.Incomplete => "hybrid-incomplete", Proof.Unsupported => "hybrid-unsupported", _ => "no-key-matches" });
    }

    /// <summary>One signature after the other, as far as the bound lets: who attaches a hundred to one statement pays for each.</summary>
    private Proof Prove(ProvingKey key, ReadOnlySpan<byte> data, IReadOnlyList<ReadOnlyMemory<byte>> signatures)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long cost = (1 + data.Length / BytesPerCheck) * Math.Max(1, key.Parts.Count), wanted = cost * signatures.Count;
        int affordable = (int)Math.Min(signatures.Count, Math.Max(0, _left) / cost);
        _left -= wanted;
        if (affordable < signatures.Count)
            Exhausted = true;
        return affordable == 0 ? Proof.None : Open(key).Prove(data, affordable == signatures.Count ? signatures : [.. signatures.Take(affordable)]);
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
