using System.CommandLine;
using System.Text;
using Plimsoll.Inspect.Reports;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll measure IMAGE...</c>.</summary>
internal static class MeasureCommand
{
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromHours(1);

    public static Command Create(CliContext context)
    {
        Language language = context.Language;
        Argument<string[]> images = new("IMAGE") { Description = Catalogue.HelpMeasureImage.In(language), Arity = ArgumentArity.ZeroOrMore };
        Option<bool> json = new("--json") { Description = Catalogue.HelpMeasureJson.In(language) };
        Option<string?> files = new("--files") { HelpName = "FILE", Description = Catalogue.HelpMeasureFiles.In(language) };
        Option<bool> check = new("--check") { Description = Catalogue.HelpMeasureCheck.In(language) };
        Option<string?> against = new("--against") { HelpName = "FILE", Description = Catalogue.HelpMeasureAgainst.In(language) };
        Option<bool> accept = new("--accept") { Description = Catalogue.HelpMeasureAccept.In(language) };
        Option<bool> forget = new("--forget") { Description = Catalogue.HelpMeasureForget.In(language) };
        Option<bool> noStore = new("--no-store") { Description = Catalogue.HelpMeasureNoStore.In(language) };
        Option<string?> seal = new("--seal-key") { HelpName = "KEY", Description = Catalogue.HelpMeasureSeal.In(language) }, passphrase = PassphraseSource.Option(context);
        Option<bool> watch = new("--watch") { Description = Catalogue.HelpMeasureWatch.In(language) };
        Option<string?> interval = new("--interval") { HelpName = "TIME", Description = Catalogue.HelpMeasureInterval.In(language) };
        Option<string?> platform = new("--platform") { HelpName = "PLATFORM", Description = Catalogue.HelpPlatform.In(language) };
        Option<int?> parallel = new("--parallel") { HelpName = "N", Description = Catalogue.HelpParallel.In(language) };
        Option<string[]> plain = Many("--registry-http", "HOST", Catalogue.HelpRegistryHttp), mirrors = Many("--registry-mirror", "HOST=MIRROR", Catalogue.HelpRegistryMirror),
            realms = Many("--registry-realm", "HOST=HOST", Catalogue.HelpRegistryRealm);
        Option<string?> ca = new("--registry-ca") { HelpName = "FILE", Description = Catalogue.HelpRegistryCa.In(language) };
        Option<bool> tpm = new("--tpm") { Description = Catalogue.HelpMeasureTpm.In(language) };
        Option<string?> nv = new("--tpm-nv") { HelpName = "INDEX", Description = Catalogue.HelpMeasureTpmNv.In(language, $"0x{ExtendTarget.Default.Number:x8}") };
        Option<string?> pcr = new("--pcr") { HelpName = "N", Description = Catalogue.HelpMeasurePcr.In(language) };
        Option<string?> address = new("--tpm-address") { HelpName = "TPM", Description = Catalogue.HelpQuoteTpm.In(language) }, auth = TpmAccess.AuthOption(context);
        Option<string?> lang = new("--lang") { HelpName = "LANG", Description = Catalogue.HelpLang.In(language) };
        Command command = new("measure", Catalogue.MeasureSummary.In(language))
        {
            images, json, files, check, against, accept, forget, noStore, seal, passphrase, watch, interval, platform, parallel, tpm, nv, pcr, address, auth, plain, ca, mirrors, realms, lang,
        };
        command.SetAction((line, cancellationToken) => Task.Run(() =>
        {
            string[] names = line.GetValue(images) ?? [];
            if (Array.Find(names, n => n.StartsWith('-') && n.Length > 1) is { } unknown)
                throw CommandException.Usage($"unknown option {Escape.Quote(unknown.Split('=')[0])}", Suggestion.ForOption(unknown.Split('=')[0], [.. command.Options.Select(o => o.Name)]) ?? "plimsoll measure --help lists the options");
            Option[] given = [.. new Option[] { check, against, accept, forget, noStore, watch }.Where(o => line.GetResult(o) is { Implicit: false })];
            if (given.Length > 1 && !(given.Length == 2 && given.Contains(check) && given.Contains(against)))
                throw CommandException.Usage($"{given[0].Name} and {given[1].Name} do not go together");
            bool watches = line.GetValue(watch);
            if (names.Length == 0 && !watches)
                throw CommandException.Usage("plimsoll measure needs IMAGE", "plimsoll measure --help shows how it is used");
            if (line.GetResult(interval) is not null && !watches)
                throw CommandException.Usage("--interval is for --watch");
            if (Array.Find([nv, pcr, address, auth], o => line.GetValue(o) is not null) is { } alone && !line.GetValue(tpm))
                throw CommandException.Usage($"{alone.Name} is for --tpm");
            if (line.GetValue(tpm) && (watches || line.GetValue(forget)))
                throw CommandException.Usage($"--tpm and {(watches ? "--watch" : "--forget")} do not go together");
            if (line.GetValue(nv) is not null && line.GetValue(pcr) is not null)
                throw CommandException.Usage("--tpm-nv and --pcr do not go together");
            TimeSpan every = DefaultInterval;
            if (line.GetValue(interval) is { } text && !Duration.TryParse(text, out every))
                throw CommandException.Usage($"--interval: {Escape.Quote(text)} is not understood; wanted 30s, 5m or 1h, at most 30 days");
            if (line.GetValue(files) is not null && (names.Length != 1 || watches))
                throw CommandException.Usage("--files goes with one image");
            if (line.GetValue(parallel) is { } threads and not (>= 1 and <= 256))
                throw CommandException.Usage($"--parallel: {threads} is not understood; wanted a number from 1 to 256");
            Dictionary<string, Setting> registry = [];
            Option[] hosts = [plain, ca, mirrors, realms];
            foreach (Option option in hosts)
                if (line.GetResult(option) is { Implicit: false } result)
                    registry[option.Name[2..]] = new Setting([.. result.Tokens.Select(t => t.Value)], option.Name);
            using SealKey? key = line.GetValue(seal) is { } name ? new SealKey(name, new KeyStore(context), new PassphraseSource(context, line.GetValue(passphrase)), cancellationToken) : null;
            MeasureRun run = new(context, key)
            {
                Json = line.GetValue(json),
                Files = line.GetValue(files),
                Against = line.GetValue(against) is { } file ? Reference.Read(file) : null,
                Tpm = line.GetValue(tpm) ? new TpmTarget(TargetOf(line.GetValue(nv), line.GetValue(pcr)), line.GetValue(address), line.GetValue(auth)) : null,
                Use = line.GetValue(against) is not null || line.GetValue(noStore) ? BaselineUse.Off : line.GetValue(check) ? BaselineUse.Check : line.GetValue(accept) ? BaselineUse.Accept : BaselineUse.Keep,
                Parallelism = line.GetValue(parallel) ?? Environment.ProcessorCount,
                Images = new ImageOptions
                {
                    Platform = Subject.PlatformOf(line.GetValue(platform)),
                    Environment = context.Environment,
                    Time = context.Time,
                    Registry = RegistrySettings.Of(key => registry.GetValueOrDefault(key)),
                },
            };
            try
            {
                return watches ? run.Watch(names, every, cancellationToken) : line.GetValue(forget) ? run.Forget(names) : run.Run(names, cancellationToken);
            }
            catch (BaselineException e)
            {
                throw new CommandException(ExitCode.Refused, $"baselines: {e.Answer.FaultName}: {e.Message}", "docs/verbs/measure.md says what may have happened and how to go on", e);
            }
            catch (KeyException e)
            {
                throw new CommandException(ExitCode.Undecided, Escape.ForTerminal(e.Message), e.Hint, e);
            }
            catch (Exception e) when (e is UnauthorizedAccessException || e is IOException io && !PlimsollApp.IsBrokenPipe(io))
            {
                throw new CommandException(ExitCode.Undecided, $"baselines: {Escape.ForTerminal(e.Message)}", "they lie in the data folder (PLIMSOLL_HOME); --no-store measures without them", e);
            }
        }, cancellationToken));
        return command;

        Option<string[]> Many(string name, string shape, Text help) => new(name)
        {
            HelpName = shape,
            Description = help.In(language),
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
    }

    private static ExtendTarget TargetOf(string? nv, string? pcr)
    {
        try
        {
            return nv is not null ? ExtendTarget.OfIndex(nv) : pcr is not null ? ExtendTarget.OfPcr(pcr) : ExtendTarget.Default;
        }
        catch (FormatException e)
        {
            throw CommandException.Usage($"{(nv is null ? "--pcr" : "--tpm-nv")}: {e.Message}");
        }
    }
}
