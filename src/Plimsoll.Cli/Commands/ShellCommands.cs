using System.CommandLine;
using Plimsoll.Cli.Shell;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll completion SHELL</c> and <c>plimsoll man</c>: what a shell and man(1) are told of the other commands.</summary>
internal static class ShellCommands
{
    /// <param name="root">All commands, made when asked for.</param>
    public static Command Completion(CliContext context, Func<Command> root)
    {
        Argument<string> shell = new("SHELL") { Description = Catalogue.HelpShell.In(context.Language) };
        Command command = new("completion", Catalogue.CompletionSummary.In(context.Language)) { shell };
        command.SetAction(line =>
        {
            context.Out.Write(Shell.Completion.For(line.GetRequiredValue(shell), CommandTree.Of(root())));
            return ExitCode.Done;
        });
        return command;
    }

    public static Command Man(CliContext context, Func<Command> root)
    {
        Command command = new("man", Catalogue.ManSummary.In(context.Language));
        command.SetAction(_ =>
        {
            context.Out.Write(ManPage.Of(CommandTree.Of(root()), context, AppVersion.Full));
            return ExitCode.Done;
        });
        return command;
    }
}
