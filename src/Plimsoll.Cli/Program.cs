using System.CommandLine;
using Plimsoll.Cli;
using Plimsoll.Cli.Commands;

using CancellationTokenSource stop = new();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
CliContext context = new()
{
    Out = Console.Out,
    Error = Console.Error,
    In = Console.In,
    OutIsTerminal = !Console.IsOutputRedirected,
    ErrorIsTerminal = !Console.IsErrorRedirected,
    InIsTerminal = !Console.IsInputRedirected,
};
RootCommand root = new("Plimsoll: a container may start only when its evidence shows");
root.Subcommands.Add(DbCommand.Create(context));
return await root.Parse(args).InvokeAsync(cancellationToken: stop.Token);
