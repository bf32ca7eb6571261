using System.Text;
using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <content>Following a daemon.</content>
internal sealed partial class MeasureRun
{
    /// <returns>0 when every image was as it should be when it was last measured, else 1.</returns>
    public int Watch(string[] names, TimeSpan interval, CancellationToken cancellationToken)
    {
        DockerEndpoint endpoint;
        try
        {
            endpoint = DockerContext.Resolve(context.Environment, context.Environment("HOME") ?? "/");
        }
        catch (ImageException e)
        {
            throw new CommandException(ExitCode.Undecided, Escape.ForTerminal(e.Message), e.Hint, e);
        }
        WatchOptions options = new()
        {
            Interval = interval,
            Names = [.. names.Select(n => n.StartsWith("docker:", StringComparison.Ordinal) ? n["docker:".Length..] : n)],
            Measure = new MeasureOptions { Parallelism = Parallelism },
            Images = Images,
        };
        using Watcher watcher = new(endpoint, _store, options, told => Tell(told, interval));
        return watcher.Run(cancellationToken) ? ExitCode.Done : ExitCode.Refused;
    }

    /// <summary>One line an event; differences follow, each on a line of its own, except in JSON.</summary>
    private void Tell(WatchEvent told, TimeSpan interval)
    {
        if (Json)
        {
            CanonicalJson json = new CanonicalJson().BeginObject().Text("time", MeasureOutput.Time(told.Time)).Text("event", told.Kind.ToString().ToLowerInvariant()).Text("cause", told.Cause).Text("image", told.Image);
            if (told.Result is not null)
                MeasureOutput.Members(json, told.Result, against: false);
            if (told.Error is not null)
                MeasureOutput.FailedMembers(json, told.Error);
            context.Out.WriteLine(Encoding.UTF8.GetString(json.Optional("detail", told.Detail).EndObject().ToBytes()));
        }
        else
        {
            Language language = context.Language;
            string text = told.Kind switch
            {
                WatchKind.Started => Catalogue.WatchStarted.In(language, Escape.ForTerminal(told.Image), interval.ToString("c", System.Globalization.CultureInfo.InvariantCulture)),
                WatchKind.Measured => $"{Escape.ForTerminal(told.Image)}  {told.Result!.Config.Short}  {MeasureOutput.BaselineWords(told.Result, BaselineUse.Keep, language)}",
                WatchKind.Failed => $"{Escape.ForTerminal(told.Image)}  {Catalogue.WatchFailed.In(language, Escape.ForTerminal(told.Error?.Message ?? told.Detail))}",
                WatchKind.Removed => $"{Escape.ForTerminal(told.Image)}  {Catalogue.WatchRemoved.In(language)}",
                WatchKind.Lost => Catalogue.WatchLost.In(language, Escape.ForTerminal(told.Detail)),
                WatchKind.Back => Catalogue.WatchBack.In(language),
                _ => Catalogue.WatchStopped.In(language),
            };
            context.Out.WriteLine($"{MeasureOutput.Time(told.Time)}  {told.Cause,-8}  {text}");
            foreach (Difference difference in told.Result?.Differences ?? [])
                context.Out.WriteLine("  ! " + MeasureOutput.Words(difference, language));
        }
        context.Out.Flush();
    }
}
