using Plimsoll.Keys;

namespace Plimsoll.Cli;

/// <summary>A key that seals baselines. Seals are checked with its public half; the private one is opened, and its PIN asked for, when something is sealed.</summary>
internal sealed class SealKey : ISigner
{
    private readonly KeyRing _ring;
    private readonly Lazy<ISigner> _signer;

    /// <exception cref="CommandException">There is no such key, or the name stands for several.</exception>
    public SealKey(string name, KeyStore store, PassphraseSource secrets, CancellationToken cancellationToken)
    {
        if (TpmKeys.IsOne(name))
            throw CommandException.Usage($"--seal-key: {Texts.Escape.ForTerminal(name)} lies in a TPM, whose counter tells that old files were put back", $"{TpmKeys.HostVariable}={Texts.Escape.ForTerminal(name)} seals with it");
        _ring = PublicOf(name, store, secrets, cancellationToken);
        if (_ring.Keys.Count != 1)
        {
            _ring.Dispose();
            throw CommandException.Usage($"--seal-key: {_ring.Name} has {_ring.Keys.Count} versions; a seal is one key's", $"name one: {_ring.Name}@v1");
        }
        _signer = new Lazy<ISigner>(() =>
        {
            ISigner signer = store.OpenSigner(name, secrets, cancellationToken);
            if (signer.PublicKey.Id == PublicKey.Id)
                return signer;
            using (signer)
                throw new CommandException(ExitCode.Refused, $"--seal-key: {_ring.Name} was key {PublicKey.Id[..16]}… and is now {signer.PublicKey.Id[..16]}…");
        });
    }

    public PublicKey PublicKey => _ring.Keys[0];

    public byte[] Sign(ReadOnlySpan<byte> data) => _signer.Value.Sign(data);

    public void Dispose()
    {
        if (_signer.IsValueCreated)
            _signer.Value.Dispose();
        _ring.Dispose();
    }

    /// <summary>A private key of a file has its public half in it.</summary>
    private static KeyRing PublicOf(string name, KeyStore store, PassphraseSource secrets, CancellationToken cancellationToken) =>
        store.IsPrivateFile(name) ? new KeyRing(Texts.Escape.ForTerminal(name), [KeyStore.PublicOfPrivate(name, (what, cosign) => secrets.Get(what, cosign, cancellationToken))]) : store.OpenPublic(name);
}
