using System.CommandLine;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Cli;

/// <summary>Which TPM a verb talks to, and the passwords of its hierarchies: from a file or the environment, never an argument.</summary>
internal static class TpmAccess
{
    public const string AddressVariable = "PLIMSOLL_TPM", FileVariable = "PLIMSOLL_TPM_AUTH_FILE";

    public const string OwnerVariable = "PLIMSOLL_TPM_OWNER_AUTH", EndorsementVariable = "PLIMSOLL_TPM_ENDORSEMENT_AUTH", LockoutVariable = "PLIMSOLL_TPM_LOCKOUT_AUTH";

    public static Option<string?> AuthOption(CliContext context) => new("--tpm-auth") { HelpName = "FILE", Description = Catalogue.HelpTpmAuth.In(context.Language) };

    /// <param name="address">What an option says; null for the environment's, then the kernel's.</param>
    /// <param name="authFile">What <see cref="AuthOption"/> names; null for the environment's.</param>
    /// <exception cref="TpmException">There is none, or it does not answer.</exception>
    /// <exception cref="CommandException">The passwords cannot be read.</exception>
    public static TpmClient Open(CliContext context, string? address, string? authFile, CancellationToken cancellationToken) =>
        TpmClient.Open(address ?? Named(context, AddressVariable) ?? TpmTransport.DefaultDevice, new TpmOptions { Passwords = Passwords(context, authFile) }, cancellationToken);

    /// <summary>A variable of its own counts before the file.</summary>
    private static TpmPasswords Passwords(CliContext context, string? authFile)
    {
        string? path = authFile ?? Named(context, FileVariable);
        try
        {
            TpmPasswords file = path is null ? new TpmPasswords()
                : TpmPasswords.Parse(SmallFile.Read(path, TpmPasswords.MaxFileBytes) ?? throw new FormatException($"more than {TpmPasswords.MaxFileBytes} bytes (MaxFileBytes)"));
            return new TpmPasswords { Owner = Of(OwnerVariable) ?? file.Owner, Endorsement = Of(EndorsementVariable) ?? file.Endorsement, Lockout = Of(LockoutVariable) ?? file.Lockout };
        }
        catch (FormatException e)
        {
            throw CommandException.Usage(path is null ? e.Message : $"{Escape.Quote(path)}: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read {Escape.Quote(path ?? "")}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }

        ReadOnlyMemory<byte>? Of(string variable)
        {
            if (Named(context, variable) is { } text)
                return TpmPasswords.Value(text, variable);
            return null;
        }
    }

    private static string? Named(CliContext context, string variable) => context.Environment(variable) is { Length: > 0 } value ? value : null;

    /// <summary>What is not as it must be is an answer; all else is the want of one.</summary>
    public static int CodeOf(TpmException e) => e.Error == TpmError.Malformed ? ExitCode.Refused : ExitCode.Undecided;
}
