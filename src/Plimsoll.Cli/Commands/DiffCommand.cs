using System.CommandLine;
using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Compare;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll diff A B</c>: packages and findings that came, went and changed.</summary>
internal static class DiffCommand
{
    public static Command Create(CliContext context, ScanServices services)
    {
        Language language = context.Language;
        Argument<string> before = new("A") { Description = Catalogue.HelpSubject.In(language) };
        Argument<string> after = new("B") { Description = Catalogue.HelpSubject.In(language) };
        Option<bool> json = new("--json") { Description = Catalogue.HelpDiffJson.In(language) };
        Option<string?> output = new("--output", "-o") { HelpName = "FORMAT[=FILE]", Description = Catalogue.HelpDiffOutput.In(language) };
        Option<string?> failOn = new("--fail-on") { HelpName = "LEVEL", Description = Catalogue.HelpDiffFailOn.In(language) };
        Option<string?> platform = new("--platform") { HelpName = "PLATFORM", Description = Catalogue.HelpPlatform.In(language) };
        Option<string?> database = new("--db") { HelpName = "FILE", Description = Catalogue.HelpDb.In(language) };
        Option<string?> lang = new("--lang") { HelpName = "LANG", Description = Catalogue.HelpLang.In(language) };
        Command command = new("diff", Catalogue.DiffSummary.In(language)) { before, after, json, output, failOn, platform, database, lang };
        command.SetAction((line, cancellationToken) => Task.Run(() =>
        {
            string threshold = line.GetValue(failOn) ?? "none";
            if (!FailOn.TryParse(threshold, out FailOn fail))
                throw CommandException.Usage($"--fail-on: {Escape.Quote(threshold)} is not understood; wanted {FailOn.Words}");
            OutputTarget target = TargetOf(line.GetValue(output), line.GetValue(json));
            target.Check();
            Platform? wanted = Subject.PlatformOf(line.GetValue(platform));
            using IAdvisoryStore store = Subject.OpenStore(context, services, line.GetValue(database));
            string first = line.GetRequiredValue(before), second = line.GetRequiredValue(after);
            // Reports first: what one side never looked for need not be looked for on the other.
            Report? a = Subject.ReadReport(first), b = Subject.ReadReport(second);
            using CheckSet checks = Subject.Checks(context, KindsOf(first, a).Intersect(KindsOf(second, b)).ToHashSet());
            a ??= Subject.Scan(first, store, checks, context, services, wanted, cancellationToken);
            b ??= Subject.Scan(second, store, checks, context, services, wanted, cancellationToken);
            return Answer(context, services, ReportDiff.Of(a, b, services.VersionOrder), target, fail);
        }, cancellationToken));
        return command;
    }

    /// <summary>Where to and in which form; <c>--json</c> is short for <c>--output json</c>.</summary>
    private static OutputTarget TargetOf(string? output, bool json)
    {
        OutputTarget target = OutputTarget.Parse(output ?? (json ? "json" : "table"), "--output");
        if (target.Format is not ("table" or "json"))
            throw CommandException.Usage($"--output: {target.Format} is no format of diff; known formats: table, json");
        if (json && target.Format != "json")
            throw CommandException.Usage($"--json and --output {target.Format} want two formats", "leave one of them out");
        return target;
    }

    private static IEnumerable<ProblemKind> KindsOf(string subject, Report? report) => report?.Checks ?? (Subject.IsBom(subject) ? [] : ProblemKinds.All);

    private static int Answer(CliContext context, ScanServices services, ReportDiff diff, OutputTarget target, FailOn failOn)
    {
        using MemoryStream buffer = new();
        if (target.Format == "json")
            DiffReport.WriteJson(buffer, diff, AppVersion.Full);
        else
            using (StreamWriter writer = new(buffer, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" })
                DiffReport.WriteTable(writer, diff, Subject.TableFor(context, services) with { Colour = target.File is null && Subject.TableFor(context, services).Colour });
        Subject.Write(context, buffer.ToArray(), target);
        int counted = diff.New.Count(failOn.Counts) + diff.Problems.New.Count(failOn.Counts);
        if (counted > 0)
        {
            context.Error.WriteLine("plimsoll: " + Catalogue.ThresholdCrossed.In(context.Language, counted, Escape.ForTerminal(failOn.Text)));
            return ExitCode.Refused;
        }
        return diff.Complete ? ExitCode.Done : ExitCode.Undecided;
    }
}
