using System.CommandLine;
using System.CommandLine.Parsing;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll scan IMAGE...</c>: arguments and options; <see cref="ScanRun"/> does the work.</summary>
internal static class ScanCommand
{
    public static Command Create(CliContext context, ScanServices services)
    {
        Language language = context.Language;
        Argument<string[]> images = new("IMAGE") { Description = Catalogue.HelpImage.In(language), Arity = ArgumentArity.OneOrMore };
        Option<string> config = new("--config") { Description = Catalogue.HelpConfig.In(language), HelpName = "FILE" };
        Option<bool> json = new("--json") { Description = Catalogue.HelpJson.In(language) };

        // In the order of the help text.
        Option[] options =
        [
            Values("output", "FORMAT[=FILE]", Catalogue.HelpOutput, "-o"),
            json,
            Value("checks", "KINDS", Catalogue.HelpChecks),
            Value("fail-on", "LEVEL", Catalogue.HelpFailOn),
            Value("policy", "FILE", Catalogue.HelpPolicy),
            Value("policy-key", "NAME|FILE", Catalogue.HelpPolicyKey),
            Flag("only-fixed", Catalogue.HelpOnlyFixed),
            Value("severity", "LEVELS", Catalogue.HelpSeverity),
            Values("suppress", "FILE", Catalogue.HelpSuppress),
            Values("vex", "FILE", Catalogue.HelpVex),
            Values("base", "IMAGE", Catalogue.HelpBase),
            Value("template", "FILE", Catalogue.HelpTemplate),
            Value("group", "BY", Catalogue.HelpGroup),
            Flag("all", Catalogue.HelpAll),
            Value("platform", "PLATFORM", Catalogue.HelpPlatform),
            Values("registry-http", "HOST", Catalogue.HelpRegistryHttp),
            Value("registry-ca", "FILE", Catalogue.HelpRegistryCa),
            Values("registry-mirror", "HOST=MIRROR", Catalogue.HelpRegistryMirror),
            Values("registry-realm", "HOST=HOST", Catalogue.HelpRegistryRealm),
            Values("secret-rules", "FILE", Catalogue.HelpSecretRules),
            Values("yara", "PATH", Catalogue.HelpYara),
            Value("clamd", "ADDRESS", Catalogue.HelpClamd),
            Value("db", "FILE", Catalogue.HelpDb),
            Flag("update", Catalogue.HelpUpdate),
            Value("timeout", "TIME", Catalogue.HelpTimeout),
            Value("parallel", "N", Catalogue.HelpParallel),
            Flag("no-cache", Catalogue.HelpNoCache),
            Flag("unverified", Catalogue.HelpUnverified),
            Flag("quiet", Catalogue.HelpQuiet, "-q"),
            Value("color", "WHEN", Catalogue.HelpColor),
            Value("lang", "LANG", Catalogue.HelpLang),
            config,
        ];
        Command command = new("scan", Catalogue.ScanSummary.In(language)) { images };
        foreach (Option option in options)
            command.Options.Add(option);
        command.SetAction(async (line, cancellationToken) =>
        {
            string[] names = line.GetRequiredValue(images);
            RefuseUnknownOptions(names, line, command);
            Dictionary<string, Setting> flags = FlagsOf(line, options, json, config);
            ScanSettings settings = ScanSettings.Resolve(flags, context.Environment, FileOf(context, line.GetValue(config)));
            if (settings.Language is { } chosen)
                context.Language = chosen;
            return await new ScanRun(context, services, settings).RunAsync(names, cancellationToken);
        });
        return command;

        Option<string> Value(string key, string shape, Text help) => new("--" + key) { HelpName = shape, Description = help.In(language) };
        Option<string[]> Values(string key, string shape, Text help, params string[] aliases) => new("--" + key, aliases)
        {
            HelpName = shape,
            Description = help.In(language),
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
        Option<bool> Flag(string key, Text help, params string[] aliases) => new("--" + key, aliases) { Description = help.In(language) };
    }

    /// <summary>An option that is not known would otherwise be taken for an image.</summary>
    private static void RefuseUnknownOptions(string[] names, ParseResult line, Command command)
    {
        if (line.Tokens.Any(t => t.Type == TokenType.DoubleDash))
            return;
        if (Array.Find(names, n => n.StartsWith('-') && n.Length > 1) is not { } unknown)
            return;
        string bare = unknown.Split('=')[0];
        throw CommandException.Usage($"unknown option {Escape.Quote(bare)}",
            Suggestion.ForOption(bare, [.. command.Options.Select(o => o.Name)]) ?? "plimsoll scan --help lists the options");
    }

    private static Dictionary<string, Setting> FlagsOf(ParseResult line, Option[] options, Option<bool> json, Option<string> config)
    {
        Dictionary<string, Setting> flags = new(StringComparer.Ordinal);
        foreach (Option option in options)
        {
            if (option == json || option == config || line.GetResult(option) is not { Implicit: false } result)
                continue;
            flags[option.Name[2..]] = option switch
            {
                Option<bool> flag => new Setting([line.GetValue(flag) ? "true" : "false"], option.Name),
                _ => new Setting([.. result.Tokens.Select(t => t.Value)], option.Name),
            };
        }
        if (line.GetValue(json))
            flags["output"] = new Setting([.. flags.GetValueOrDefault("output")?.Values ?? [], "json"], "--json");
        return flags;
    }

    private static IReadOnlyDictionary<string, Setting> FileOf(CliContext context, string? flag)
    {
        string? named = flag ?? (context.Environment("PLIMSOLL_CONFIG") is { Length: > 0 } variable ? variable : null);
        string path = named ?? Path.Combine(context.Home.Config, "config.yaml");
        return named is null && !File.Exists(path)
            ? new Dictionary<string, Setting>()
            : ConfigFile.Read(path, "scan", ScanSettings.Keys);
    }
}
