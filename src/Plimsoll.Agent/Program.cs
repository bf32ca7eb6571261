using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using Plimsoll.Agent.Install;
using Plimsoll.EvidenceLog;

namespace Plimsoll.Agent;

internal static class Program
{
    private const int Done = 0, Refused = 1, UsageError = 2;

    /// <summary>Answers block on files and on the daemon's call-backs, and a call-back is a question of its own: with the few threads of two processors a burst of starts would wait for itself.</summary>
    private const int LeastThreads = 128;

    private static string Usage => $"{AgentOptions.Usage}\n{InstallOptions.Usage}";

    private static string Version => typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    public static int Main(string[] args)
    {
        try
        {
            return args switch
            {
                ["run", .. var rest] => Run(AgentOptions.Parse(rest)),
                [var verb, .. var rest] when InstallCommand.IsVerb(verb) => Install(verb, rest),
                ["--version"] => Say(Console.Out, $"plimsoll-agent {Version}", Done),
                ["--help" or "-h"] or [] => Say(Console.Out, Usage, args.Length == 0 ? UsageError : Done),
                _ => Say(Console.Error, $"plimsoll-agent: error: unknown command {args[0]}\n{Usage}", UsageError),
            };
        }
        catch (FormatException e)
        {
            return Say(Console.Error, $"plimsoll-agent: error: {e.Message}\n{Usage}", UsageError);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException or EvidenceLogException)
        {
            return Say(Console.Error, $"plimsoll-agent: error: {e.Message}", Refused);
        }
    }

    private static int Install(string verb, IReadOnlyList<string> arguments)
    {
        using CancellationTokenSource stop = new();
        // Installing is all or nothing by itself; doctor cleans up.
        using PosixSignalRegistration? terminate = verb == "doctor" ? PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop) : null, interrupt = verb == "doctor" ? PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop) : null;
        return InstallCommand.Run(verb, arguments, Version, Console.Out, Console.Error, stop.Token);

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static int Run(AgentOptions options)
    {
        ThreadPool.SetMinThreads(LeastThreads, LeastThreads);
        using ManualResetEventSlim stop = new();
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop), interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using (new AgentHost(options, TimeProvider.System, Console.Error))
        {
            Console.Error.WriteLine("plimsoll-agent: ready");
            stop.Wait();
        }
        return Done;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Set();
        }
    }

    private static int Say(TextWriter to, string text, int code)
    {
        to.WriteLine(text);
        return code;
    }
}
