using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>A fault of ours: one line for the user, the trace only for who asks.</summary>
internal static class InternalError
{
    public const string Hint = "this is a fault in plimsoll; please report it with the command and this line (PLIMSOLL_DEBUG=1 shows the trace)";

    public static string Message(Exception e) => $"internal error in {AppVersion.Full}: {e.GetType().Name}: {Escape.ForTerminal(FirstLine(e.Message))}";

    public static void Trace(CliContext context, Exception e)
    {
        if (context.Environment("PLIMSOLL_DEBUG") is "1")
            foreach (string line in e.ToString().Split('\n'))
                context.Error.WriteLine(Escape.ForTerminal(line.TrimEnd('\r')));
    }

    private static string FirstLine(string text) => text.Split('\n')[0];
}
