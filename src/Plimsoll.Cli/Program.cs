using System.Runtime.InteropServices;
using System.Text;
using Plimsoll.Cli;
using Plimsoll.Texts;

using CancellationTokenSource stop = new();
// The first signal asks the work to end, the second one ends the process.
void Stop(PosixSignalContext signal)
{
    signal.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

// UTF-8 whatever the locale: JSON and the texts ask for it.
Stream standardOutput = Console.OpenStandardOutput();
using StreamWriter output = new(standardOutput, new UTF8Encoding(false), 16 * 1024) { NewLine = "\n" };
using StreamWriter error = new(Console.OpenStandardError(), new UTF8Encoding(false)) { NewLine = "\n", AutoFlush = true };
bool terminal = !Console.IsOutputRedirected, errorTerminal = !Console.IsErrorRedirected;
CliContext context = new()
{
    Out = output,
    OutBytes = standardOutput,
    Error = error,
    OpenIn = () => Console.In,
    OutIsTerminal = terminal,
    ErrorIsTerminal = errorTerminal,
    InIsTerminal = !Console.IsInputRedirected,
    ReadSecret = Console.IsInputRedirected ? null : TerminalSecret.Read,
    Columns = (terminal || errorTerminal) && Console.WindowWidth is > 0 and var columns ? columns : 80,
    Language = Languages.FromEnvironment(Environment.GetEnvironmentVariable),
};
int code = await PlimsollApp.RunAsync(args, context, Wiring.Services(context), stop.Token);
try
{
    output.Flush();
}
catch (IOException e)
{
    // What is left in the buffer would fail again when it is closed. A reader that has gone is no fault; a full disk is.
    Environment.Exit(code == ExitCode.Done && !PlimsollApp.IsBrokenPipe(e) ? ExitCode.Undecided : code);
}
return code;
