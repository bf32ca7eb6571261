namespace Plimsoll.Cli;

/// <summary>Ends a verb with a message for the user and an exit code; never shown as a stack trace.</summary>
public sealed class CommandException(int exitCode, string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;
    public string? Hint { get; } = hint;

    /// <summary>Wrong arguments or configuration; nothing was done.</summary>
    public static CommandException Usage(string message, string? hint = null) => new(Cli.ExitCode.Usage, message, hint);
}
