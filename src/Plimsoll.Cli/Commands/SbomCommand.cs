using System.CommandLine;
using Plimsoll.Inspect.Reports;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll sbom IMAGE</c>: what is in it, without a word on vulnerabilities.</summary>
internal static class SbomCommand
{
    public static Command Create(CliContext context, ScanServices services)
    {
        Language language = context.Language;
        Argument<string> image = new("IMAGE") { Description = Catalogue.HelpImage.In(language) };
        Option<string?> output = new("--output", "-o") { HelpName = "FORMAT[=FILE]", Description = Catalogue.HelpBomFormat.In(language) };
        Option<string?> platform = new("--platform") { HelpName = "PLATFORM", Description = Catalogue.HelpPlatform.In(language) };
        Option<bool> noCache = new("--no-cache") { Description = Catalogue.HelpNoCache.In(language) };
        Option<bool> quiet = new("--quiet", "-q") { Description = Catalogue.HelpQuiet.In(language) };
        Option<string?> lang = new("--lang") { HelpName = "LANG", Description = Catalogue.HelpLang.In(language) };
        Command command = new("sbom", Catalogue.SbomSummary.In(language)) { image, output, platform, noCache, quiet, lang };
        command.SetAction((line, cancellationToken) => Task.Run(() => Run(
            context, services, line.GetRequiredValue(image), line.GetValue(output) ?? "cyclonedx", line.GetValue(platform),
            line.GetValue(noCache), line.GetValue(quiet), cancellationToken), cancellationToken));
        return command;
    }

    private static int Run(
        CliContext context, ScanServices services, string image, string output, string? platform, bool noCache, bool quiet, CancellationToken cancellationToken)
    {
        OutputTarget target = OutputTarget.Parse(output, "--output");
        if (ReportFormats.Find(target.Format) is not { IsBom: true } format)
            throw CommandException.Usage($"--output: {target.Format} is no bill of materials; known formats: {string.Join(", ", ReportFormats.All.Where(f => f.IsBom).Select(f => f.Name))}");
        if (image.StartsWith('-') && image.Length > 1)
            throw CommandException.Usage($"unknown option {Escape.Quote(image)}", "plimsoll sbom --help lists the options");
        target.Check();
        Report report;
        try
        {
            using ProgressLine? progress = ProgressLine.Start(context, image, quiet);
            report = services.List(image, Subject.Options(context, Subject.PlatformOf(platform), progress) with { CacheFolder = noCache ? null : context.Home.Cache, ShowsHistory = format.ShowsHistory }, cancellationToken);
        }
        catch (ImageException e)
        {
            throw new CommandException(ExitCode.Undecided, ImageFailure.Named(image, Escape.ForTerminal(e.Message)), ImageFailure.HintOf(image, e), e);
        }
        Subject.Write(context, ReportFormats.Render(format, [ScanResult.Of(image, report, ReportFilter.None)], ReportFilter.None, AppVersion.Full)!, target);
        if (!quiet)
            foreach (Inspect.Layers.Gap gap in report.Gaps.Take(10))
                context.Error.WriteLine($"plimsoll: {ReportTexts.Of(gap, context.Language)}");
        return report.Complete ? ExitCode.Done : ExitCode.Undecided;
    }
}
