using System.CommandLine;
using System.Globalization;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll trust show</c> and <c>plimsoll trust import</c>: arguments and options; <see cref="TrustRun"/> does the work. Page: docs/verbs/trust.md.</summary>
internal static class TrustCommand
{
    public static Command Create(CliContext context)
    {
        Command command = new("trust", Catalogue.TrustSummary.In(context.Language));
        command.Subcommands.Add(Show(context));
        command.Subcommands.Add(Import(context));
        return command;
    }

    private static Command Show(CliContext context)
    {
        Language language = context.Language;
        Common common = new(context);
        Option<string?> save = One(language, "--save", "FOLDER", Catalogue.HelpTrustSave);
        Option<bool> json = new("--json") { Description = Catalogue.HelpTrustJson.In(language) };
        Command command = new("show", Catalogue.TrustShowSummary.In(language));
        common.AddTo(command, save, json);
        command.SetAction((line, cancellationToken) => Task.Run(() => common.RunOf(line, command).Show(line.GetValue(json), line.GetValue(save), cancellationToken), cancellationToken));
        return command;
    }

    private static Command Import(CliContext context)
    {
        Language language = context.Language;
        Common common = new(context);
        Option<string[]> keys = Many(language, "--key", "NAME|FILE", Catalogue.HelpTrustKey), roles = Many(language, "--role", "ROLE", Catalogue.HelpTrustRole), tags = Many(language, "--tag", "TAG", Catalogue.HelpTrustTag);
        Option<string?> store = One(language, "--store", "STORE", Catalogue.HelpTrustStore), passphrase = PassphraseSource.Option(context);
        Option<string?> output = new("--output", "-o") { HelpName = "FILE", Description = Catalogue.HelpTrustOutput.In(language) };
        Option<bool> dry = new("--dry-run") { Description = Catalogue.HelpTrustDryRun.In(language) };
        Command command = new("import", Catalogue.TrustImportSummary.In(language));
        common.AddTo(command, keys, passphrase, store, output, roles, tags, dry);
        command.SetAction((line, cancellationToken) => Task.Run(() =>
        {
            string[] signers = line.GetValue(keys) ?? [];
            if (signers.Length > SignCommand.MaxKeys || (signers.Length == 0 && !line.GetValue(dry)))
                throw CommandException.Usage(signers.Length == 0 ? "plimsoll trust import needs --key" : $"{signers.Length} keys, at most {SignCommand.MaxKeys} sign at once", "plimsoll key list shows the keys that are stored; --dry-run signs nothing");
            return common.RunOf(line, command).Import(new TrustImport
            {
                Keys = signers,
                Passphrases = new PassphraseSource(context, line.GetValue(passphrase)),
                Store = line.GetValue(store),
                Output = line.GetValue(output),
                Roles = line.GetValue(roles) is { Length: > 0 } given ? given : Verify.ContentTrustRule.DefaultRoles,
                Tags = line.GetValue(tags) ?? [],
                DryRun = line.GetValue(dry),
            }, cancellationToken);
        }, cancellationToken));
        return command;
    }

    private static Option<string?> One(Language language, string name, string shape, Text help) => new(name) { HelpName = shape, Description = help.In(language) };

    private static Option<string[]> Many(Language language, string name, string shape, Text help) => new(name)
    {
        HelpName = shape,
        Description = help.In(language),
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    /// <summary>What both ask for: which collection, whence, and from which root.</summary>
    private sealed class Common(CliContext context)
    {
        private readonly Argument<string> _name = new("GUN|FOLDER") { Description = Catalogue.HelpTrustName.In(context.Language) };
        private readonly Option<string[]> _roots = Many(context.Language, "--root", "FILE|ID", Catalogue.HelpTrustRoot);
        private readonly Option<string?> _server = One(context.Language, "--server", "URL", Catalogue.HelpTrustServer);
        private readonly Option<string?> _gun = One(context.Language, "--gun", "GUN", Catalogue.HelpTrustGun);
        private readonly Option<string?> _asOf = One(context.Language, "--as-of", "DATE", Catalogue.HelpTrustAsOf);
        private readonly Option<string[]> _plain = Many(context.Language, "--registry-http", "HOST", Catalogue.HelpRegistryHttp), _realms = Many(context.Language, "--registry-realm", "HOST=HOST", Catalogue.HelpRegistryRealm);
        private readonly Option<string?> _ca = One(context.Language, "--registry-ca", "FILE", Catalogue.HelpRegistryCa);

        public void AddTo(Command command, params Option[] own)
        {
            command.Arguments.Add(_name);
            foreach (Option option in (Option[])[_roots, _server, _gun, _asOf, .. own, _plain, _ca, _realms])
                command.Options.Add(option);
        }

        public TrustRun RunOf(ParseResult line, Command command)
        {
            string name = line.GetRequiredValue(_name);
            if (name.StartsWith('-') && name.Length > 1)
                throw CommandException.Usage($"unknown option {Escape.Quote(name.Split('=')[0])}", Suggestion.ForOption(name.Split('=')[0], [.. command.Options.Select(o => o.Name)]) ?? $"plimsoll trust {command.Name} --help lists the options");
            Dictionary<string, Setting> registry = [];
            foreach (Option option in (Option[])[_plain, _ca, _realms])
                if (line.GetResult(option) is { Implicit: false } result)
                    registry[option.Name[2..]] = new Setting([.. result.Tokens.Select(t => t.Value)], option.Name);
            RegistryOptions reached = RegistrySettings.Of(key => registry.GetValueOrDefault(key));
            return new TrustRun(context)
            {
                Name = name,
                Roots = line.GetValue(_roots) ?? [],
                Server = line.GetValue(_server),
                Gun = line.GetValue(_gun),
                AsOf = AsOf(line.GetValue(_asOf)),
                Images = new ImageOptions
                {
                    Environment = context.Environment,
                    Time = context.Time,
                    Registry = reached with { CertificateFolders = [Path.Combine(context.Home.Config, "certs.d"), .. reached.CertificateFolders] },
                },
            };
        }

        private DateTimeOffset? AsOf(string? text)
        {
            if (text is null)
                return null;
            if (!DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day))
                throw CommandException.Usage($"--as-of: {Escape.Quote(text)} is not understood; wanted a day such as 2026-01-31");
            DateTimeOffset time = new(day, TimeOnly.MinValue, TimeSpan.Zero);
            return time <= context.Time.GetUtcNow() ? time : throw CommandException.Usage($"--as-of: {text} is still to come");
        }
    }
}
