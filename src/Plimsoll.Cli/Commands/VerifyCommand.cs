using System.CommandLine;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll verify IMAGE... --policy P</c>: arguments and options; <see cref="VerifyRun"/> does the work. Page: docs/verbs/verify.md.</summary>
internal static class VerifyCommand
{
    public static Command Create(CliContext context, ScanServices services)
    {
        Language language = context.Language;
        Argument<string[]> images = new("IMAGE") { Description = Catalogue.HelpVerifyImage.In(language), Arity = ArgumentArity.OneOrMore };
        Option<string> policy = new("--policy") { HelpName = "FILE", Description = Catalogue.HelpVerifyPolicy.In(language), Required = true };
        Option<string?> policyKey = One("--policy-key", "NAME|FILE", Catalogue.HelpPolicyKey);
        Option<string[]> bundles = Many("--bundle", "FILE", Catalogue.HelpVerifyBundle);
        Option<string?> revocations = One("--revocations", "FILE", Catalogue.HelpVerifyRevocations);
        Option<string?> contentTrust = One("--content-trust", "FOLDER|URL", Catalogue.HelpVerifyContentTrust);
        Option<string?> name = One("--as", "NAME", Catalogue.HelpVerifyAs);
        Option<string?> platform = One("--platform", "PLATFORM", Catalogue.HelpPlatform);
        Option<bool> json = new("--json") { Description = Catalogue.HelpVerifyJson.In(language) };
        Option<bool> quiet = new("--quiet", "-q") { Description = Catalogue.HelpVerifyQuiet.In(language) };
        Option<string[]> plain = Many("--registry-http", "HOST", Catalogue.HelpRegistryHttp), mirrors = Many("--registry-mirror", "HOST=MIRROR", Catalogue.HelpRegistryMirror),
            realms = Many("--registry-realm", "HOST=HOST", Catalogue.HelpRegistryRealm);
        Option<string?> ca = One("--registry-ca", "FILE", Catalogue.HelpRegistryCa);
        Command command = new("verify", Catalogue.VerifySummary.In(language)) { images, policy, policyKey, bundles, revocations, contentTrust, name, platform, json, quiet, plain, ca, mirrors, realms };
        // On this thread: there is nothing else for it to do, and a pool of threads takes a while to start.
        command.SetAction((line, cancellationToken) =>
        {
            string[] names = line.GetRequiredValue(images);
            if (Array.Find(names, n => n.StartsWith('-') && n.Length > 1) is { } unknown)
                throw CommandException.Usage($"unknown option {Escape.Quote(unknown.Split('=')[0])}", Suggestion.ForOption(unknown.Split('=')[0], [.. command.Options.Select(o => o.Name)]) ?? "plimsoll verify --help lists the options");
            if (line.GetValue(name) is not null && names.Length > 1)
                throw CommandException.Usage("--as goes with one image");
            Dictionary<string, Setting> registry = [];
            Option[] hosts = [plain, ca, mirrors, realms];
            foreach (Option option in hosts)
                if (line.GetResult(option) is { Implicit: false } result)
                    registry[option.Name[2..]] = new Setting([.. result.Tokens.Select(t => t.Value)], option.Name);
            RegistryOptions reached = RegistrySettings.Of(key => registry.GetValueOrDefault(key)
                ?? (context.Environment("PLIMSOLL_VERIFY_" + key.Replace('-', '_').ToUpperInvariant()) is { Length: > 0 } value ? new Setting([value], "PLIMSOLL_VERIFY_" + key.Replace('-', '_').ToUpperInvariant()) : null));
            return Task.FromResult(new VerifyRun(context, services)
            {
                Policy = PolicySource.Open(line.GetRequiredValue(policy), line.GetValue(policyKey), PolicyCommand.CountersOf(context), new KeyStore(context)).Policy,
                Bundles = line.GetValue(bundles) ?? [],
                Revocations = line.GetValue(revocations),
                ContentTrust = ContentTrustSource.Checked(line.GetValue(contentTrust), "--content-trust"),
                As = line.GetValue(name),
                Json = line.GetValue(json),
                Quiet = line.GetValue(quiet),
                Images = new ImageOptions
                {
                    Platform = Subject.PlatformOf(line.GetValue(platform)),
                    Environment = context.Environment,
                    Time = context.Time,
                    // A folder of the user's own comes before the system's, as for a scan.
                    Registry = reached with { CertificateFolders = [Path.Combine(context.Home.Config, "certs.d"), .. reached.CertificateFolders] },
                },
            }.Run(names, cancellationToken));
        });
        return command;

        Option<string?> One(string name, string shape, Text help) => new(name) { HelpName = shape, Description = help.In(language) };
        Option<string[]> Many(string name, string shape, Text help) => new(name)
        {
            HelpName = shape,
            Description = help.In(language),
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
    }
}
