using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Plimsoll.Agent.Install;
using Plimsoll.EvidenceLog;
using Plimsoll.Texts;

namespace Plimsoll.Agent;

internal static class Program
{
    private const int Done = 0, Refused = 1, UsageError = 2, DefaultColumns = 80;

    /// <summary>Images are measured on threads of the pool, and what the daemon answers comes in by others: with the few threads of two processors a burst of images would keep starts waiting.</summary>
    private const int LeastThreads = 128;

    private static string Version => typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    public static int Main(string[] args)
    {
        // UTF-8 whatever the locale: the texts ask for it.
        using TextWriter output = Open(Console.OpenStandardOutput()), error = Open(Console.OpenStandardError());
        return Run(args, output, error);
    }

    // Threads of the agent write notes.
    private static TextWriter Open(Stream stream) => TextWriter.Synchronized(new StreamWriter(stream, new UTF8Encoding(false)) { AutoFlush = true });

    private static int Run(string[] args, TextWriter output, TextWriter error)
    {
        Language language = Languages.FromEnvironment(Environment.GetEnvironmentVariable);
        try
        {
            string[] rest = LanguageOption.Take(args, ref language);
            switch (rest)
            {
                case ["--version"]:
                    output.WriteLine($"plimsoll-agent {Version}");
                    return Done;
                case ["--help" or "-h"]:
                    Help(output, null);
                    return Done;
                case [var command, "--help" or "-h", ..] when AgentHelp.IsCommand(command):
                    Help(output, command);
                    return Done;
                case []:
                    Help(error, null);
                    return UsageError;
                case ["run", .. var options]:
                    return Run(AgentOptions.Parse(options), error, language);
                case [var verb, .. var options] when AcceptCommand.IsVerb(verb):
                    return AcceptCommand.Run(verb, options, language, output);
                case [var verb, .. var options] when InstallCommand.IsVerb(verb):
                    return Install(verb, options, language, output, error);
                default:
                    throw OptionException.Unknown(Catalogue.AgentUnknownCommand, rest[0], AgentHelp.CommandNames);
            }
        }
        catch (FormatException e)
        {
            return Fail(UsageError, e is OptionException option ? option.Told : FilledText.Verbatim(e.Message), (e as OptionException)?.Hint ?? Catalogue.AgentHelpHint);
        }
        catch (AgentException e)
        {
            return Fail(Refused, e.Told, e.Hint);
        }
        catch (EvidenceLogException e)
        {
            return Fail(Refused, FilledText.Verbatim($"{e.Code}: {e.Message}"), Catalogue.AgentLogHint(e.Code) is { } hint ? hint : null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            return Fail(Refused, FilledText.Verbatim(Escape.ForTerminal(e.Message)), null);
        }

        void Help(TextWriter to, string? command) => AgentHelp.Write(to, command, language, to == output && !Console.IsOutputRedirected && Console.WindowWidth is > 0 and var columns ? columns : DefaultColumns);

        int Fail(int code, FilledText told, FilledText? hint)
        {
            error.WriteLine($"plimsoll-agent: error: {told.In(language)}");
            if (hint is not null)
                error.WriteLine($"plimsoll-agent: hint: {hint.In(language)}");
            return code;
        }
    }

    private static int Install(string verb, IReadOnlyList<string> arguments, Language language, TextWriter output, TextWriter error)
    {
        using CancellationTokenSource stop = new();
        // Installing is all or nothing by itself; doctor cleans up.
        using PosixSignalRegistration? terminate = verb == "doctor" ? PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop) : null, interrupt = verb == "doctor" ? PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop) : null;
        return InstallCommand.Run(verb, arguments, Version, language, output, error, stop.Token);

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static int Run(AgentOptions options, TextWriter notes, Language language)
    {
        ThreadPool.SetMinThreads(LeastThreads, LeastThreads);
        using ManualResetEventSlim stop = new();
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop), interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using (new AgentHost(options, TimeProvider.System, notes, language))
        {
            notes.WriteLine($"plimsoll-agent: {Catalogue.AgentReady.In(language)}");
            ReadyNotice.Send(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));
            stop.Wait();
        }
        return Done;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Set();
        }
    }
}
