using System.Security.Cryptography;
using System.Text;
using Plimsoll.Hsm;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>A PIN, and whether a person typed it just now.</summary>
internal sealed record GivenPin(HsmPin Pin, bool Typed) : IDisposable
{
    public void Dispose() => Pin.Dispose();
}

/// <summary>
/// Where PINs come from: the URI's <c>pin-source</c>, else <c>--passphrase-file</c>, else the environment, else the terminal. Each gives one PIN, which
/// is tried once: a few wrong ones lock a token.
/// </summary>
internal static class PinSource
{
    public const string Variable = "PLIMSOLL_PIN";

    /// <summary>Null when none is given and nobody is asked.</summary>
    /// <exception cref="CommandException">What was named cannot be read, or is no PIN.</exception>
    public static GivenPin? Find(Pkcs11Uri uri, PassphraseSource passphrases, CliContext context)
    {
        if (uri.PinSource is { } path)
            return new GivenPin(Read(path), Typed: false);
        if (passphrases.FindFile() is { } file)
            return new GivenPin(Pin(file, "--passphrase-file"), Typed: false);
        return context.Environment(Variable) is { Length: > 0 } given ? new GivenPin(Pin(given, Variable), Typed: false) : null;
    }

    /// <param name="name">What it is the PIN of, escaped.</param>
    /// <exception cref="CommandException">As <see cref="Find"/>, or there is no terminal to ask at.</exception>
    public static GivenPin Get(Pkcs11Uri uri, string name, PassphraseSource passphrases, CliContext context, CancellationToken cancellationToken)
    {
        if (Find(uri, passphrases, context) is { } given)
            return given;
        string question = Catalogue.AskPin.In(context.Language, name);
        if (context.ReadSecret is not { } read)
            throw CommandException.Usage($"{Catalogue.HsmReason("pin-needed").In(context.Language)}: {question}: there is no terminal to ask at",
                $"give it in a file that the URI names by pin-source, by --passphrase-file FILE, or in the environment as {Variable}");
        return new GivenPin(Pin(read(question, cancellationToken), "the PIN"), Typed: true);
    }

    private static HsmPin Read(string path)
    {
        string shown = Escape.Quote(path);
        byte[] bytes = [];
        try
        {
            bytes = SmallFile.Read(path, PassphraseSource.MaxPassphraseBytes + 2) ?? throw TooLong(shown);
            ReadOnlySpan<byte> pin = bytes;
            // One line end at its end is not part of it, since every editor writes one.
            if (pin.EndsWith((byte)'\n'))
                pin = pin[..^1];
            if (pin.EndsWith((byte)'\r'))
                pin = pin[..^1];
            if (pin.Contains((byte)'\n'))
                throw CommandException.Usage($"{shown} has more than one line; a PIN is one");
            return Checked(pin, shown);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read the PIN from {shown}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static HsmPin Pin(string text, string where)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        try
        {
            return Checked(bytes, where);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static HsmPin Checked(ReadOnlySpan<byte> pin, string where) =>
        pin.IsEmpty ? throw CommandException.Usage($"{where}: the PIN is empty; it is not tried")
        : pin.Length > PassphraseSource.MaxPassphraseBytes ? throw TooLong(where)
        : new HsmPin(pin);

    private static CommandException TooLong(string where) =>
        CommandException.Usage($"{where} has more than {PassphraseSource.MaxPassphraseBytes} bytes (MaxPassphraseBytes); it is no PIN");
}
