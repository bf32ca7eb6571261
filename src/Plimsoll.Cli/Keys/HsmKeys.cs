using Plimsoll.Hsm;
using Plimsoll.Keys;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>Keys of PKCS#11 tokens, named by <c>pkcs11:</c> URIs. Source: docs/verbs/key.md, "Hardware keys".</summary>
internal sealed class HsmKeys : IKeyDevice
{
    public const string Scheme = Pkcs11Uri.Scheme, ModuleVariable = "PLIMSOLL_PKCS11_MODULE";

    private readonly Pkcs11Uri _uri;
    private readonly CliContext _context;
    private readonly Func<Pkcs11Uri, IReadOnlyList<HsmToken>> _open;

    public HsmKeys(string uri, CliContext context) : this(uri, context, found => HsmToken.OpenAll(found, context.Environment(ModuleVariable)))
    {
    }

    /// <param name="open">Every token that is as a URI says.</param>
    internal HsmKeys(string uri, CliContext context, Func<Pkcs11Uri, IReadOnlyList<HsmToken>> open)
    {
        (_context, _open) = (context, open);
        _uri = Said(() => Pkcs11Uri.Parse(uri), context);
    }

    public string Name => Escape.ForTerminal(_uri.Shown);

    public KeyRing OpenPublic() => Said(() =>
    {
        using HsmToken token = Open();
        return new KeyRing(Name, [token.ReadPublic(_uri)]);
    }, _context);

    public ISigner OpenSigner(PassphraseSource secrets, CancellationToken cancellationToken) => Said(() =>
    {
        HsmToken token = Open();
        GivenPin? pin = null;
        try
        {
            pin = Login(token, secrets, cancellationToken);
        }
        catch
        {
            token.Dispose();
            throw;
        }
        using (pin)
            return new ToldSigner(HsmSigner.Open(token, _uri, pin is null ? [] : pin.Pin.Bytes), _context);
    }, _context);

    public DeviceKey Generate(KeyAlgorithm algorithm, PassphraseSource secrets, CancellationToken cancellationToken) => Said(() =>
    {
        if (_uri.Object is null)
            throw new HsmException(HsmError.BadUri, $"{_uri.Shown} does not say what the new key is to be called", "name it: ;object=LABEL");
        using HsmToken token = Open();
        using (Login(token, secrets, cancellationToken))
        {
            Pkcs11Uri made = token.Generate(_uri, algorithm);
            return Of(token, token.List(made) is [var key] ? key : throw new HsmException(HsmError.Malformed, $"{token.Info.Shown} made a key and does not show it"));
        }
    }, _context);

    public IReadOnlyList<DeviceKey> List(PassphraseSource secrets, CancellationToken cancellationToken) => Said(() =>
    {
        List<DeviceKey> keys = [];
        IReadOnlyList<HsmToken> tokens = _open(_uri);
        try
        {
            if (tokens.Count == 0)
                throw new HsmException(HsmError.NoToken, $"no token is as {_uri.Shown} says", "what the module finds depends on its own settings, such as SOFTHSM2_CONF");
            // A PIN is for one token; given to several, it would be a wrong one for most.
            if (tokens is [var only] && only.WantsPin && IsGiven(secrets))
                Login(only, secrets, cancellationToken)?.Dispose();
            foreach (HsmToken token in tokens)
            {
                cancellationToken.ThrowIfCancellationRequested();
                IReadOnlyList<HsmKeyInfo> found = token.List(_uri);
                keys.AddRange(found.Count == 0 && !_uri.NamesObject ? [Empty(token)] : found.Select(k => Of(token, k)));
            }
            return (IReadOnlyList<DeviceKey>)keys;
        }
        finally
        {
            foreach (HsmToken token in tokens)
                token.Dispose();
        }
    }, _context);

    /// <summary>Whether there is a PIN without asking anybody.</summary>
    private bool IsGiven(PassphraseSource secrets)
    {
        using GivenPin? pin = PinSource.Find(_uri, secrets, _context);
        return pin is not null;
    }

    private HsmToken Open() => HsmToken.One(_uri, _open(_uri));

    /// <summary>Gives the token its PIN, once; null when it wants none. Whoever asks is told when few tries are left, before one is used up.</summary>
    private GivenPin? Login(HsmToken token, PassphraseSource secrets, CancellationToken cancellationToken)
    {
        if (!token.WantsPin)
            return null;
        HsmTokenInfo now = token.Refresh();
        string shown = now.Shown;
        if (now is { PinCountLow: true } or { PinFinalTry: true })
            _context.Error.WriteLine($"plimsoll: note: {(now.PinFinalTry ? Catalogue.HsmFinalTry : Catalogue.HsmCountLow).In(_context.Language, shown)}");
        if (now.HasPinPad)
        {
            _context.Error.WriteLine($"plimsoll: note: {Catalogue.HsmPinPad.In(_context.Language, shown)}");
            token.Login([]);
            return null;
        }
        GivenPin pin = PinSource.Get(_uri, shown, secrets, _context, cancellationToken);
        try
        {
            // A wrong PIN in a file would lock the token at the next run of a script that nobody watches.
            if (now.PinFinalTry && !pin.Typed)
                throw new HsmException(HsmError.LastTry, $"{shown}: one wrong PIN more locks it; only one that is typed is tried now", "run the command at a terminal, without a file and without PLIMSOLL_PIN");
            token.Login(pin.Pin.Bytes);
            return pin;
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    private DeviceKey Of(HsmToken token, HsmKeyInfo key)
    {
        Pkcs11Uri uri = _uri.Of(token.Info, key.Label, key.KeyId, key.Algorithm is "aes" or "secret" ? "secret-key" : null);
        bool loose = key.Extractable == true || key.Sensitive == false;
        (Text state, string word) = !key.HasPrivate ? (Catalogue.KeyStatePublic, "public-only") : loose ? (Catalogue.HsmStateExtractable, "extractable") : (Catalogue.KeyStateReady, "ready");
        List<(Text, string, string)> details = [.. TokenDetails(token)];
        if (!key.KeyId.IsEmpty)
            details.Add((Catalogue.HsmLabelKeyId, "ckaId", Convert.ToHexStringLower(key.KeyId.Span)));
        if (key.HasPrivate)
        {
            details.Add((Catalogue.HsmLabelLeaves, "extractable", Tri(key.Extractable)));
            details.Add((Catalogue.HsmLabelLocal, "madeInToken", Tri(key.Local)));
        }
        return new DeviceKey(Escape.ForTerminal(uri.Shown), key.Algorithm, key.Id, state, word, details);
    }

    private DeviceKey Empty(HsmToken token) =>
        new(Escape.ForTerminal(_uri.Of(token.Info, null, default, null).Shown), "-", null, Catalogue.HsmStateNoKeys, "no-keys", [.. TokenDetails(token)]);

    private static IEnumerable<(Text, string, string)> TokenDetails(HsmToken token)
    {
        yield return (Catalogue.HsmLabelToken, "token", Escape.ForTerminal(token.Info.Label));
        yield return (Catalogue.HsmLabelSerial, "serial", Escape.ForTerminal(token.Info.Serial));
        yield return (Catalogue.HsmLabelModel, "model", Escape.ForTerminal($"{token.Info.Manufacturer}, {token.Info.Model}"));
        yield return (Catalogue.HsmLabelModule, "module", Escape.ForTerminal(token.ModulePath));
    }

    private static string Tri(bool? value) => value switch { true => "yes", false => "no", _ => "unknown" };

    /// <summary>Does it, and says by name what a token did not do.</summary>
    private static T Said<T>(Func<T> action, CliContext context)
    {
        try
        {
            return action();
        }
        catch (HsmException e)
        {
            throw new CommandException(CodeOf(e.Error), $"{Catalogue.HsmReason(e.Word).In(context.Language)}: {Escape.ForTerminal(e.Message)}", e.Hint, e);
        }
        catch (KeyException e)
        {
            throw CommandException.Usage(Escape.ForTerminal(e.Message), e.Hint);
        }
    }

    /// <summary>What the user said is wrong, or what the token is for now; the latter may be another way the next time.</summary>
    private static int CodeOf(HsmError error) => error switch
    {
        HsmError.UntrustedModule or HsmError.HalvesDiffer => ExitCode.Refused,
        HsmError.TokenRemoved or HsmError.ObjectGone or HsmError.Malformed or HsmError.Refused => ExitCode.Undecided,
        _ => ExitCode.Usage,
    };

    /// <summary>A signer whose failures are in the user's words, wherever it is used.</summary>
    private sealed class ToldSigner(HsmSigner signer, CliContext context) : ISigner
    {
        public PublicKey PublicKey => signer.PublicKey;

        public byte[] Sign(ReadOnlySpan<byte> data)
        {
            byte[] copy = data.ToArray();
            return Said(() => signer.Sign(copy), context);
        }

        public void Dispose() => signer.Dispose();
    }
}
