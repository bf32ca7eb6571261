namespace Plimsoll.Cli.Commands;

/// <content>Following a daemon.</content>
internal sealed partial class MeasureRun
{
    public int Watch(string[] names, TimeSpan interval, CancellationToken cancellationToken) => ExitCode.Usage;
}
