using System.CommandLine;
using Plimsoll.Inspect.Layers;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll cache status|clean</c>.</summary>
internal static class CacheCommand
{
    private const double MiB = 1 << 20;

    public static Command Create(CliContext context)
    {
        Command status = new("status", Catalogue.CacheStatusSummary.In(context.Language));
        status.SetAction(_ =>
        {
            (int layers, long bytes) = LayerCache.Measure(context.Home.Cache);
            context.Out.WriteLine(Catalogue.CacheStatus.In(context.Language, Escape.ForTerminal(context.Home.Cache), layers, bytes / MiB, LayerCache.DefaultMaxBytes / MiB));
            return ExitCode.Done;
        });
        Command clean = new("clean", Catalogue.CacheCleanSummary.In(context.Language));
        clean.SetAction(_ =>
        {
            long removed = LayerCache.Clean(context.Home.Cache, 0);
            context.Out.WriteLine(Catalogue.CacheCleaned.In(context.Language, removed / MiB, Escape.ForTerminal(context.Home.Cache)));
            return ExitCode.Done;
        });
        return new Command("cache", Catalogue.CacheSummary.In(context.Language)) { status, clean };
    }
}
