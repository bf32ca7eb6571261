using System.CommandLine;
using System.Security.Cryptography;
using Plimsoll.Cli.Commands;
using Plimsoll.Keys;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>The program without its process: arguments in, exit code out.</summary>
public static class PlimsollApp
{
    /// <summary>128 and the number of SIGINT, as shells have it.</summary>
    public const int Interrupted = 130;

    public static async Task<int> RunAsync(
        IReadOnlyList<string> args, CliContext context, ScanServices services, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(services);
        try
        {
            // Without the parser: this is what scripts ask most often.
            if (args is ["--version"])
            {
                await context.Out.WriteLineAsync(AppVersion.Line(AppVersion.Describe(services, context.Home.Database)));
                return ExitCode.Done;
            }
            context.Language = LanguageOf(args, context);
            return await DispatchAsync(args, context, services, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (CommandException e)
        {
            context.WriteError(e.Message, e.Hint);
            return e.ExitCode;
        }
        // Keys of every verb: the key is right, and this platform lacks its algorithm, so that nothing can be said.
        catch (KeyUnsupportedException e)
        {
            context.WriteError(Escape.ForTerminal(e.Message), e.Hint);
            return ExitCode.Undecided;
        }
        // Whoever reads our output may have had enough of it, as head does.
        catch (IOException e) when (IsBrokenPipe(e))
        {
            return ExitCode.Undecided;
        }
        catch (Exception e)
        {
            InternalError.Trace(context, e);
            context.WriteError(InternalError.Message(e), InternalError.Hint);
            return ExitCode.Undecided;
        }
    }

    /// <summary>EPIPE, which .NET puts into the exception's HResult.</summary>
    internal static bool IsBrokenPipe(IOException e) => e.HResult == 32;

    private static Command BuildRoot(CliContext context, ScanServices services, string? asked)
    {
        // No RootCommand: its own help and version options read their texts from a resource at every start, only to be replaced.
        Command root = new("plimsoll", Catalogue.ProgramSummary.In(context.Language));
        root.Options.Add(new Option<bool>("--help", "-h", "-?") { Recursive = true, Description = Catalogue.HelpHelp.In(context.Language) });
        root.Options.Add(new Option<bool>("--version") { Description = Catalogue.HelpVersion.In(context.Language) });
        (string Verb, Func<Command> Create)[] verbs =
        [
            ("scan", () => ScanCommand.Create(context, services)),
            ("sbom", () => SbomCommand.Create(context, services)),
            ("diff", () => DiffCommand.Create(context, services)),
            ("explain", () => ExplainCommand.Create(context, services)),
            ("policy", () => PolicyCommand.Create(context, services)),
            ("key", () => KeyCommand.Create(context)),
            ("measure", () => MeasureCommand.Create(context)),
            ("sign", () => SignCommand.Create(context, services)),
            ("verify", () => VerifyCommand.Create(context, services)),
            ("trust", () => TrustCommand.Create(context)),
            ("copy", () => CopyCommand.Create(context)),
            ("quote", () => QuoteCommand.Create(context)),
            ("log", () => LogCommand.Create(context)),
            ("break-glass", () => BreakGlassCommand.Create(context)),
            ("lint", () => LintCommand.Create(context)),
            ("db", () => DbCommand.Create(context)),
            ("cache", () => CacheCommand.Create(context)),
            ("demo", () => DemoCommand.Create(context, (args, inner, cancellationToken) => RunAsync(args, inner, services, cancellationToken))),
            ("completion", () => ShellCommands.Completion(context, () => BuildRoot(context, services, null))),
            ("man", () => ShellCommands.Man(context, () => BuildRoot(context, services, null))),
        ];
        // A verb that is named needs only its own options; all are made for help and for suggestions.
        foreach ((string verb, Func<Command> create) in verbs)
            if (asked == verb || !Array.Exists(verbs, v => v.Verb == asked))
                root.Subcommands.Add(WithLanguage(create(), context.Language));
        return root;
    }

    /// <summary>Every command speaks the language that it is told; <see cref="LanguageOf"/> reads the option before the parser does.</summary>
    private static Command WithLanguage(Command command, Language language)
    {
        foreach (Command sub in command.Subcommands)
            WithLanguage(sub, language);
        if (command.Subcommands.Count == 0 && !command.Options.Any(o => o.Name == "--lang"))
            command.Options.Add(new Option<string?>("--lang") { HelpName = "LANG", Description = Catalogue.HelpLang.In(language) });
        return command;
    }

    private static async Task<int> DispatchAsync(
        IReadOnlyList<string> args, CliContext context, ScanServices services, CancellationToken cancellationToken)
    {
        // OpenSSL takes some milliseconds to load, which a scan needs to check the first digest: beside the command line, not after it.
        if (args.Count > 1)
            new Thread(LoadOpenSsl) { IsBackground = true }.UnsafeStart();
        Command root = BuildRoot(context, services, args.Count > 0 ? args[0] : null);
        if (args.Count == 0)
        {
            HelpText.Write(context.Error, root, context);
            return ExitCode.Usage;
        }
        if (args[0] == "help")
            args = [.. args.Skip(1), "--help"];
        if (args[0] is var verb && !verb.StartsWith('-') && !root.Subcommands.Any(c => c.Name == verb))
            throw CommandException.Usage($"unknown command {Escape.Quote(verb)}",
                Suggestion.ForVerb(verb, [.. root.Subcommands.Select(c => c.Name)]) is { } near ? near
                : verb.AsSpan().ContainsAny(":/.") ? $"to scan an image: plimsoll scan {Escape.ForTerminal(verb)}"
                : $"commands: {string.Join(", ", root.Subcommands.Where(c => !c.Hidden).Select(c => c.Name))}; plimsoll --help tells more");
        // A response file (@name) would let an image name read files.
        ParseResult line = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (line.GetValue<bool>("--help"))
        {
            HelpText.Write(context.Out, line.CommandResult.Command, context);
            return ExitCode.Done;
        }
        if (line.Errors.Count > 0)
            throw UsageOf(line);
        if (line.CommandResult.Command == root)
        {
            HelpText.Write(context.Error, root, context);
            return ExitCode.Usage;
        }
        return await line.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = context.Out,
            Error = context.Error,
        }, cancellationToken);
    }

    // A thread of its own: a pool of them would be made for it, which a command that checks one signature has no other use for.
    private static void LoadOpenSsl()
    {
        try
        {
            _ = SHA256.HashData(ReadOnlySpan<byte>.Empty);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whoever needs it will be told.
        }
    }

    private static CommandException UsageOf(ParseResult line)
    {
        string message = line.Errors[0].Message.TrimEnd('.');
        Command command = line.CommandResult.Command;
        string path = string.Join(' ', Ancestors(command));
        if (command.Subcommands.Count > 0 && command.Action is null)
            return CommandException.Usage($"{path} needs a command: {string.Join(", ", command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name))}", $"{path} --help shows how it is used");
        // Every error that is left to the parser comes after this one in importance.
        if (command.Arguments.Where(a => a.Arity.MinimumNumberOfValues > (line.GetResult(a)?.Tokens.Count ?? 0)).Select(a => a.Name).ToArray() is { Length: > 0 } missing
            && line.UnmatchedTokens.Count == 0)
            return CommandException.Usage($"{path} needs {string.Join(" and ", missing)}", $"{path} --help shows how it is used");
        return CommandException.Usage(Escape.ForTerminal(char.ToLowerInvariant(message[0]) + message[1..]), $"{path} --help shows how it is used");
    }

    private static List<string> Ancestors(Command command)
    {
        List<string> names = [];
        for (Command? at = command; at is not null; at = at.Parents.OfType<Command>().FirstOrDefault())
            names.Insert(0, at.Name);
        return names;
    }

    /// <summary>Help and usage errors need the language before the options are read.</summary>
    private static Language LanguageOf(IReadOnlyList<string> args, CliContext context)
    {
        for (int i = 0; i < args.Count && args[i] != "--"; i++)
        {
            string? value = args[i] == "--lang" && i + 1 < args.Count ? args[i + 1]
                : args[i].StartsWith("--lang=", StringComparison.Ordinal) ? args[i]["--lang=".Length..] : null;
            if (value is not null && Languages.TryParse(value, out Language language))
                return language;
        }
        return context.Language;
    }
}
