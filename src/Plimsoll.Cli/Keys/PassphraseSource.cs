using System.CommandLine;
using System.Text;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>
/// Where passphrases come from: <c>--passphrase-file</c>, else the environment, else the terminal. Never an argument, which every user of the
/// machine can read.
/// </summary>
/// <param name="file">What <c>--passphrase-file</c> names: a path, or <c>-</c> for standard input; null when it is not given.</param>
internal sealed class PassphraseSource(CliContext context, string? file)
{
    public const string Variable = "PLIMSOLL_PASSPHRASE", CosignVariable = "COSIGN_PASSWORD";

    /// <summary>Bytes of a passphrase; more is taken for the wrong file.</summary>
    public const int MaxPassphraseBytes = 1024;

    private string? _fromFile;

    public static Option<string?> Option(CliContext context) => new("--passphrase-file")
    {
        HelpName = "FILE",
        Description = Catalogue.HelpPassphraseFile.In(context.Language),
    };

    /// <summary>The passphrase that a key is behind.</summary>
    /// <param name="what">The key, escaped, as the question names it.</param>
    /// <param name="cosign">Of a key file of cosign, for which its own variable counts first; empty is a passphrase there.</param>
    /// <exception cref="CommandException">There is none, and no terminal to ask at.</exception>
    public string Get(string what, bool cosign, CancellationToken cancellationToken) =>
        FromFile() ?? FromEnvironment(cosign) ?? Ask(Catalogue.AskPassphrase.In(context.Language, what), cancellationToken);

    /// <summary>The passphrase that a key will be behind; a terminal is asked twice.</summary>
    /// <exception cref="CommandException">There is none, it is empty, or the two differ.</exception>
    public string GetNew(string what, CancellationToken cancellationToken)
    {
        string? passphrase = FromFile() ?? FromEnvironment(cosign: false);
        if (passphrase is null)
        {
            passphrase = Ask(Catalogue.AskNewPassphrase.In(context.Language, what), cancellationToken);
            if (passphrase.Length > 0 && Ask(Catalogue.AskAgain.In(context.Language), cancellationToken) != passphrase)
                throw CommandException.Usage("the two passphrases differ; nothing was written");
        }
        return passphrase.Length > 0 ? passphrase : throw CommandException.Usage("the passphrase is empty; a stored key needs one");
    }

    /// <summary>What a key file for cosign will be behind: cosign's own variable, else the key's passphrase.</summary>
    public string ForCosign(string passphrase) => context.Environment(CosignVariable) ?? passphrase;

    /// <summary>What <c>--passphrase-file</c> holds; null when it is not given.</summary>
    /// <exception cref="CommandException">It cannot be read, or is no passphrase.</exception>
    public string? FindFile() => FromFile();

    private string? FromEnvironment(bool cosign) =>
        cosign && context.Environment(CosignVariable) is { } given ? given
        : context.Environment(Variable) is { Length: > 0 } passphrase ? passphrase : null;

    private string Ask(string question, CancellationToken cancellationToken) =>
        context.ReadSecret is { } read ? read(question, cancellationToken)
        : throw CommandException.Usage($"{question}: there is no terminal to ask at", $"give it by --passphrase-file FILE, or in the environment as {Variable}");

    /// <summary>One line end at its end is not part of it, since every editor writes one.</summary>
    private string? FromFile()
    {
        if (file is null || _fromFile is not null)
            return _fromFile;
        try
        {
            string text = file == "-" ? FromInput() : Encoding.UTF8.GetString(SmallFile.Read(file, MaxPassphraseBytes + 2) ?? throw TooLong());
            text = text.EndsWith('\n') ? text[..^1] : text;
            text = text.EndsWith('\r') ? text[..^1] : text;
            if (Encoding.UTF8.GetByteCount(text) > MaxPassphraseBytes)
                throw TooLong();
            return _fromFile = text.Contains('\n', StringComparison.Ordinal) ? throw CommandException.Usage($"{Name} has more than one line; a passphrase is one") : text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read the passphrase from {Escape.Quote(file)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }

    private string FromInput()
    {
        char[] buffer = new char[MaxPassphraseBytes + 2];
        int length = context.In.ReadBlock(buffer, 0, buffer.Length);
        string text = new(buffer, 0, length);
        Array.Clear(buffer);
        return text;
    }

    private string Name => file == "-" ? "standard input" : Escape.Quote(file);

    private CommandException TooLong() => CommandException.Usage($"{Name} has more than {MaxPassphraseBytes} bytes (MaxPassphraseBytes); it is no passphrase");
}
