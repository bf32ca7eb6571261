using System.CommandLine;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Cli;

/// <summary>Keys named <c>tpm:NAME</c>: what their TPM wrapped lies in a file each; the private key itself nowhere but in the TPM. Source: docs/formats/keys.md, "Keys in a TPM".</summary>
internal static class TpmKeys
{
    public const string Scheme = "tpm:", HostVariable = "PLIMSOLL_HOST_KEY";

    /// <summary>The PCR that holds what the firmware lets boot; those of the code itself change with each update.</summary>
    public const string DefaultPcrs = "sha256:7";

    /// <summary>Keys of one user.</summary>
    private const int MaxKeys = 1000;

    public static bool IsOne(string name) => name.StartsWith(Scheme, StringComparison.Ordinal);

    public static Option<string?> PcrsOption(CliContext context) => new("--tpm-pcrs") { HelpName = "LIST", Description = Catalogue.HelpKeyTpmPcrs.In(context.Language, DefaultPcrs) };

    /// <summary>Makes a key in the TPM that signs while these PCRs are as they are now.</summary>
    /// <exception cref="CommandException">The name is none or taken, or the TPM cannot.</exception>
    public static void Generate(CliContext context, string name, string? pcrs, KeyAlgorithm? algorithm, CancellationToken cancellationToken)
    {
        string path = PathOf(context, name);
        if (algorithm is not (null or KeyAlgorithm.EcdsaP256))
            throw CommandException.Usage($"--algorithm: keys in a TPM are {KeyAlgorithm.EcdsaP256.Word()}");
        if (File.Exists(path))
            throw CommandException.Usage($"there is a key {name} already", "give the new one another name; who checks signatures keeps both until the old one is out of use");
        PcrSelection selection;
        try
        {
            selection = PcrSelection.Parse(pcrs ?? DefaultPcrs);
        }
        catch (FormatException e)
        {
            throw CommandException.Usage($"--tpm-pcrs: {e.Message}");
        }
        if (selection.Resettable().Any())
            throw CommandException.Usage($"--tpm-pcrs: PCR {selection.Resettable().First().Index} can be set back by software: a resettable PCR is no evidence", "PCRs 0 to 15 are");
        TpmKeyFile made;
        try
        {
            using TpmClient tpm = TpmAccess.Open(context, null, null, cancellationToken);
            made = TpmKeyFile.Generate(tpm, selection, context.Time.GetUtcNow(), cancellationToken);
        }
        catch (TpmException e)
        {
            throw new CommandException(TpmAccess.CodeOf(e), e.Message, e.Hint, e);
        }
        using PublicKey key = made.ToPublicKey(name);
        // It must sign before anything is signed for with it.
        using (TpmSigner signer = SignerOf(context, name, made))
            Asked(() => signer.Sign("plimsoll"u8));
        Directory.CreateDirectory(context.Home.TpmKeys, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        KeyStore.WriteAlone(path, Encoding.UTF8.GetString(made.ToJson()) + "\n");
        context.Out.WriteLine(Catalogue.KeyMade.In(context.Language, name, key.Algorithm.Word(), key.Id));
    }

    /// <exception cref="CommandException">There is no such key, or it cannot be used.</exception>
    public static ISigner OpenSigner(CliContext context, string name) => new Telling(SignerOf(context, name, Read(context, name)));

    public static KeyRing OpenPublic(CliContext context, string name) => new(name, [Read(context, name).ToPublicKey(name)]);

    /// <summary>Names of all keys, in order.</summary>
    public static IReadOnlyList<string> Names(CliContext context) => !Directory.Exists(context.Home.TpmKeys) ? []
        : [.. Directory.EnumerateFiles(context.Home.TpmKeys, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)).Where(n => KeyName.TryParse(n, out KeyName? name) && name.Version is null).Take(MaxKeys).Order(StringComparer.Ordinal).Select(n => Scheme + n)];

    /// <exception cref="CommandException">There is no such key, or its file is not as it was written.</exception>
    public static TpmKeyFile Read(CliContext context, string name)
    {
        string path = PathOf(context, name);
        try
        {
            byte[] bytes = SmallFile.ReadRegular(path, TpmKeyFile.MaxBytes) ?? throw new CommandException(ExitCode.Refused, $"{Escape.Quote(path)} is no file of at most {TpmKeyFile.MaxBytes} bytes (MaxBytes)");
            return TpmKeyFile.Parse(bytes, Escape.ForTerminal(path));
        }
        catch (TpmException e)
        {
            throw new CommandException(ExitCode.Refused, e.Message, e.Hint, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw File.Exists(path) ? CommandException.Usage($"cannot read {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}")
                : CommandException.Usage($"there is no key {name}", $"plimsoll key generate {name} makes it");
        }
    }

    /// <summary>The key that seals this host's baselines: what the environment names, else what sealed them before; null for the key of a file.</summary>
    /// <exception cref="CommandException">Both name one, and they differ; or there is no such key.</exception>
    /// <param name="other">The key of <c>--seal-key</c>, which takes the place of the host's own; null without one.</param>
    public static IHostSeal? HostSeal(CliContext context, ISigner? other = null)
    {
        string? named = context.Environment(HostVariable) is { Length: > 0 } value ? value : null, kept = null;
        string path = Path.Combine(context.Home.Host, BaselineStore.KeyNameFile);
        try
        {
            if (File.Exists(path))
                kept = Encoding.UTF8.GetString(SmallFile.ReadRegular(path, 256) ?? []).TrimEnd('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Undecided, $"cannot read {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", inner: e);
        }
        if (named is not null && kept is not null && named != kept)
            throw CommandException.Usage($"{HostVariable} names {Escape.Quote(named)}, and {Escape.Quote(kept)} seals the baselines of this host", $"to change it, measure anew: move {Escape.ForTerminal(context.Home.Baselines)} and {Escape.ForTerminal(context.Home.Host)} away");
        if ((named ?? kept) is not { } name)
            return null;
        if (other is not null)
            throw CommandException.Usage($"--seal-key: {Escape.Quote(name)} seals the baselines of this host", kept is null ? $"leave out one of the two, --seal-key or {HostVariable}"
                : $"to change it, measure anew: move {Escape.ForTerminal(context.Home.Baselines)} and {Escape.ForTerminal(context.Home.Host)} away");
        if (!IsOne(name))
            throw CommandException.Usage($"{Escape.Quote(name)} is no key of a TPM; the key that seals baselines is tpm:NAME, or one that is made by itself");
        return new TpmHostSeal(Read(context, name), name, () => TpmAccess.Open(context, null, null, CancellationToken.None));
    }

    private static TpmSigner SignerOf(CliContext context, string name, TpmKeyFile file) => new(file, name, () => TpmAccess.Open(context, null, null, CancellationToken.None));

    private static string PathOf(CliContext context, string name) => KeyName.TryParse(name[Scheme.Length..], out KeyName? parsed) && parsed.Version is null
        ? Path.Combine(context.Home.TpmKeys, parsed.Name + ".json")
        : throw CommandException.Usage($"{Escape.Quote(name)} is no name of a key in the TPM; wanted tpm: and letters, digits, - and _, at most {KeyName.MaxLength}");

    private static T Asked<T>(Func<T> ask)
    {
        try
        {
            return ask();
        }
        catch (KeyException e)
        {
            throw new CommandException(ExitCode.Undecided, e.Message, e.Hint, e);
        }
    }

    /// <summary>Verbs that sign expect a key that was opened to sign; what a TPM refuses is said as they say everything else.</summary>
    private sealed class Telling(TpmSigner signer) : ISigner
    {
        public PublicKey PublicKey => signer.PublicKey;

        public byte[] Sign(ReadOnlySpan<byte> data)
        {
            byte[] bytes = data.ToArray();
            return Asked(() => signer.Sign(bytes));
        }

        public void Dispose() => signer.Dispose();
    }
}
