using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll quote</c>, and below it <c>identity</c>, <c>challenge</c> and <c>verify</c>. Page: docs/verbs/quote.md.</summary>
internal static partial class QuoteCommand
{
    private const string DefaultPcrs = "sha256:0-15", BootLogPath = "/sys/kernel/security/tpm0/binary_bios_measurements", ImaLogPath = "/sys/kernel/security/ima/ascii_runtime_measurements";

    private const int MinNonceBytes = 8, MaxNonceBytes = 32, MaxPemBytes = 1 << 20;

    private static readonly string[] Algorithms = ["ecdsa-p256", "ecdsa-p384", "rsa-ssa", "rsa-pss"];

    public static Command Create(CliContext context)
    {
        Language language = context.Language;
        Option<string?> pcrs = One("--pcrs", "LIST", Catalogue.HelpQuotePcrs), nonce = One("--nonce", "HEX", Catalogue.HelpQuoteNonce), challenge = One("--challenge", "FILE", Catalogue.HelpQuoteChallenge),
            boot = One("--boot-log", "FILE", Catalogue.HelpQuoteBootLog), ima = One("--ima-log", "FILE", Catalogue.HelpQuoteImaLog), lang = One("--lang", "LANG", Catalogue.HelpLang);
        Option<string?> output = Output(language);
        Option<bool> without = new("--no-measured") { Description = Catalogue.HelpQuoteNoMeasured.In(language) };
        Host host = new(context);
        Command command = new("quote", Catalogue.QuoteSummary.In(language)) { pcrs, nonce, challenge, host.Address, host.Auth, host.Algorithm, host.Ek, host.Chain, boot, ima, without, output, lang };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            string to = Wanted(line.GetValue(output), "--output FILE");
            if (line.GetValue(nonce) is null == line.GetValue(challenge) is null)
                throw CommandException.Usage("one of --nonce and --challenge is wanted", "without one of them nobody could tell this quote from an old one");
            PcrSelection selection = Parsed(() => PcrSelection.Parse(line.GetValue(pcrs) ?? DefaultPcrs), "--pcrs");
            if (selection.Resettable().Any())
                throw CommandException.Usage($"--pcrs: PCR {selection.Resettable().First().Index} can be set back by software and is no evidence", "PCRs 0 to 15 are");
            ReadOnlyMemory<byte> own = line.GetValue(nonce) is { } hex ? Nonce(hex) : default;
            QuoteChallenge? asked = line.GetValue(challenge) is { } path ? QuoteChallenge.Parse(Read(path, QuoteChallenge.MaxBytes), Escape.Quote(path)) : null;
            new OutputTarget("quote", to).Check();
            using TpmClient tpm = host.Open(line, cancellationToken);
            QuoteFile file = Quoter.Quote(tpm, host.AlgorithmOf(line), host.TemplateOf(line), host.ChainOf(line), selection, own, asked,
                () => (Log(line.GetValue(boot), BootLogPath, BootLog.MaxBytes), Log(line.GetValue(ima), ImaLogPath, QuoteFile.MaxImaBytes)), line.GetValue(without) ? null : new MeasuredStore(context.Home.Measured), context.Time.GetUtcNow(), cancellationToken);
            new OutputTarget("quote", to).WriteFile(file.ToJson());
            return ExitCode.Done;
        }, cancellationToken));
        command.Subcommands.Add(Identity(context));
        command.Subcommands.Add(Challenge(context));
        command.Subcommands.Add(Verify(context));
        return command;

        Option<string?> One(string name, string shape, Text help) => new(name) { HelpName = shape, Description = help.In(language) };
    }

    private static Command Identity(CliContext context)
    {
        Option<string?> output = Output(context.Language);
        Host host = new(context);
        Command command = new("identity", Catalogue.QuoteIdentitySummary.In(context.Language)) { host.Address, host.Auth, host.Algorithm, host.Ek, host.Chain, output };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            string to = Wanted(line.GetValue(output), "--output FILE");
            new OutputTarget("quote", to).Check();
            using TpmClient tpm = host.Open(line, cancellationToken);
            new OutputTarget("quote", to).WriteFile(Quoter.Identify(tpm, host.AlgorithmOf(line), host.TemplateOf(line), host.ChainOf(line), cancellationToken).ToJson());
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Command Challenge(CliContext context)
    {
        Argument<string> identity = new("IDENTITY") { Description = Catalogue.HelpQuoteIdentityFile.In(context.Language) };
        Option<string?> output = Output(context.Language), keep = new("--keep") { HelpName = "FILE", Description = Catalogue.HelpQuoteKeep.In(context.Language) };
        Command command = new("challenge", Catalogue.QuoteChallengeSummary.In(context.Language)) { identity, output, keep };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            string to = Wanted(line.GetValue(output), "--output FILE"), kept = Wanted(line.GetValue(keep), "--keep FILE"), path = line.GetRequiredValue(identity);
            new OutputTarget("quote", to).Check();
            QuoteChallenge made = Quoter.Challenge(QuoteIdentity.Parse(Read(path, QuoteIdentity.MaxBytes), Escape.Quote(path)), context.Time.GetUtcNow());
            KeyStore.WriteAlone(kept, Encoding.UTF8.GetString(made.ToJson(withSecret: true)));
            new OutputTarget("quote", to).WriteFile(made.ToJson(withSecret: false));
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Option<string?> Output(Language language) => new("--output", "-o") { HelpName = "FILE", Description = Catalogue.HelpQuoteOutput.In(language) };

    private static string Wanted(string? value, string option) => value is { Length: > 0 } ? value : throw CommandException.Usage($"{option} is wanted");

    private static Task<int> Run(Func<int> action, CancellationToken cancellationToken) => Task.Run(() =>
    {
        try
        {
            return action();
        }
        catch (TpmException e)
        {
            throw new CommandException(TpmAccess.CodeOf(e), e.Message, e.Hint, e);
        }
    }, cancellationToken);

    private static T Parsed<T>(Func<T> parse, string where)
    {
        try
        {
            return parse();
        }
        catch (FormatException e)
        {
            throw CommandException.Usage($"{where}: {e.Message}");
        }
    }

    private static byte[] Nonce(string hex)
    {
        byte[] nonce = new byte[hex.Length / 2];
        return hex.Length % 2 == 0 && nonce.Length is >= MinNonceBytes and <= MaxNonceBytes && Convert.FromHexString(hex, nonce, out _, out _) == System.Buffers.OperationStatus.Done ? nonce
            : throw CommandException.Usage($"--nonce: {Escape.Quote(hex)} is not understood; wanted {2 * MinNonceBytes} to {2 * MaxNonceBytes} hex digits, an even number", "openssl rand -hex 32 makes one");
    }

    private static byte[] Read(string path, int maxBytes)
    {
        try
        {
            return SmallFile.Read(path, maxBytes) ?? throw CommandException.Usage($"{Escape.Quote(path)} is longer than {maxBytes} bytes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }

    /// <summary>A log that was named must be there; the kernel's own is taken where this user may read it.</summary>
    private static ReadOnlyMemory<byte>? Log(string? named, string usual, int maxBytes)
    {
        if (named == "none")
            return null;
        if (named is not null)
            return Read(named, maxBytes);
        try
        {
            // With null on one side of ?: the compiler would make empty memory of it.
            if (SmallFile.Read(usual, maxBytes) is { Length: > 0 } log)
                return log;
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static X509Certificate2Collection Certificates(string path)
    {
        X509Certificate2Collection read = [];
        try
        {
            read.ImportFromPem(Encoding.ASCII.GetString(Read(path, MaxPemBytes)));
        }
        catch (CryptographicException)
        {
            read.Clear();
        }
        return read.Count > 0 ? read : throw CommandException.Usage($"{Escape.Quote(path)} holds no certificate in PEM");
    }

    /// <summary>Options that say which TPM, and which keys in it.</summary>
    private sealed class Host(CliContext context)
    {
        public Option<string?> Address { get; } = new("--tpm") { HelpName = "TPM", Description = Catalogue.HelpQuoteTpm.In(context.Language) };

        public Option<string?> Auth { get; } = TpmAccess.AuthOption(context);

        public Option<string?> Algorithm { get; } = new("--algorithm") { HelpName = "ALGORITHM", Description = Catalogue.HelpQuoteAlgorithm.In(context.Language) };

        public Option<string?> Ek { get; } = new("--ek") { HelpName = "KEY", Description = Catalogue.HelpQuoteEk.In(context.Language) };

        public Option<string[]> Chain { get; } = new("--ek-chain") { HelpName = "FILE", Description = Catalogue.HelpQuoteChain.In(context.Language), Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };

        public TpmClient Open(ParseResult line, CancellationToken cancellationToken) =>
            TpmAccess.Open(context, line.GetValue(Address), line.GetValue(Auth), cancellationToken);

        public AttestationAlgorithm AlgorithmOf(ParseResult line) => line.GetValue(Algorithm) is not { } word ? AttestationAlgorithm.EcdsaP256
            : Array.IndexOf(Algorithms, word) is >= 0 and var index ? (AttestationAlgorithm)index
            : throw CommandException.Usage($"--algorithm: {Escape.Quote(word)} is not known; known: {string.Join(", ", Algorithms)}");

        public EndorsementTemplate? TemplateOf(ParseResult line) => line.GetValue(Ek) is not { } word ? null
            : EndorsementTemplate.Find(word) ?? throw CommandException.Usage($"--ek: {Escape.Quote(word)} is not known; known: {string.Join(", ", EndorsementTemplate.All.Select(t => t.Name))}");

        public IReadOnlyList<ReadOnlyMemory<byte>> ChainOf(ParseResult line)
        {
            List<ReadOnlyMemory<byte>> chain = [];
            foreach (string path in line.GetValue(Chain) ?? [])
                chain.AddRange(Certificates(path).Select(c => (ReadOnlyMemory<byte>)c.RawData));
            return chain.Count < Endorsement.MaxCertificates ? chain : throw CommandException.Usage($"--ek-chain: {chain.Count} certificates; at most {Endorsement.MaxCertificates - 1}");
        }
    }
}
