using System.CommandLine;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll sign IMAGE</c>: arguments and options; <see cref="SignRun"/> does the work.</summary>
internal static class SignCommand
{
    /// <summary>Keys of one call.</summary>
    public const int MaxKeys = 16;

    /// <summary>Files of <c>--attest</c>.</summary>
    public const int MaxAttestations = 64;

    public static Command Create(CliContext context, ScanServices services)
    {
        Language language = context.Language;
        Argument<string> image = new("IMAGE") { Description = Catalogue.HelpSignImage.In(language) };
        Option<string[]> keys = Many("--key", "NAME|FILE", Catalogue.HelpSignKey);
        Option<string?> to = One("--to", "STORE", Catalogue.HelpSignTo);
        Option<string?> output = new("--output", "-o") { HelpName = "FILE", Description = Catalogue.HelpSignOutput.In(language) };
        Option<string?> identity = One("--identity", "REPOSITORY", Catalogue.HelpSignIdentity);
        Option<string[]> attest = Many("--attest", "FILE", Catalogue.HelpSignAttest), type = Many("--type", "TYPE", Catalogue.HelpSignType);
        Option<string?> policy = One("--policy", "FILE", Catalogue.HelpSignPolicy), policyKey = One("--policy-key", "PUBLIC.pem", Catalogue.HelpPolicyKey);
        Option<string?> overriding = One("--override", "REASON", Catalogue.HelpSignOverride);
        Option<string?> platform = One("--platform", "PLATFORM", Catalogue.HelpSignPlatform);
        Option<string?> database = One("--db", "FILE", Catalogue.HelpDb);
        Option<bool> noCache = new("--no-cache") { Description = Catalogue.HelpNoCache.In(language) };
        Option<string[]> plain = Many("--registry-http", "HOST", Catalogue.HelpRegistryHttp), mirrors = Many("--registry-mirror", "HOST=MIRROR", Catalogue.HelpRegistryMirror),
            realms = Many("--registry-realm", "HOST=HOST", Catalogue.HelpRegistryRealm);
        Option<string?> ca = One("--registry-ca", "FILE", Catalogue.HelpRegistryCa);
        Option<string?> passphrase = PassphraseSource.Option(context);
        Option<bool> quiet = new("--quiet", "-q") { Description = Catalogue.HelpQuiet.In(language) };
        Option<string?> lang = One("--lang", "LANG", Catalogue.HelpLang);
        Command command = new("sign", Catalogue.SignSummary.In(language))
        {
            image, keys, passphrase, to, output, identity, attest, type, policy, policyKey, overriding, platform, database, noCache, plain, ca, mirrors, realms, quiet, lang,
        };
        command.SetAction((line, cancellationToken) => Task.Run(() =>
        {
            string name = line.GetRequiredValue(image);
            if (name.StartsWith('-') && name.Length > 1)
                throw CommandException.Usage($"unknown option {Escape.Quote(name.Split('=')[0])}", Suggestion.ForOption(name.Split('=')[0], [.. command.Options.Select(o => o.Name)]) ?? "plimsoll sign --help lists the options");
            string[] signers = line.GetValue(keys) ?? [];
            if (signers.Length is 0 or > MaxKeys)
                throw CommandException.Usage(signers.Length == 0 ? "plimsoll sign needs --key" : $"{signers.Length} keys, at most {MaxKeys} sign at once", "plimsoll key list shows the keys that are stored; plimsoll key generate NAME makes one");
            Dictionary<string, Setting> registry = [];
            Option[] hosts = [plain, ca, mirrors, realms];
            foreach (Option option in hosts)
                if (line.GetResult(option) is { Implicit: false } result)
                    registry[option.Name[2..]] = new Setting([.. result.Tokens.Select(t => t.Value)], option.Name);
            RegistryOptions reached = RegistrySettings.Of(key => registry.GetValueOrDefault(key));
            SignRun run = new(context, services)
            {
                Keys = signers,
                Passphrases = new PassphraseSource(context, line.GetValue(passphrase)),
                To = line.GetValue(to),
                Output = line.GetValue(output),
                Identity = line.GetValue(identity),
                Attached = Predicates(line.GetValue(attest) ?? [], line.GetValue(type) ?? []),
                Policy = line.GetValue(policy) ?? Inspect.Policies.PolicyFile.Default,
                PolicyKey = line.GetValue(policyKey),
                Override = line.GetValue(overriding),
                Database = line.GetValue(database),
                NoCache = line.GetValue(noCache),
                Quiet = line.GetValue(quiet),
                Images = new ImageOptions
                {
                    Platform = Subject.PlatformOf(line.GetValue(platform)),
                    Environment = context.Environment,
                    Time = context.Time,
                    Registry = reached with { CertificateFolders = [Path.Combine(context.Home.Config, "certs.d"), .. reached.CertificateFolders] },
                },
            };
            return run.Run(name, cancellationToken);
        }, cancellationToken));
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

    /// <summary>Each file has its type, in their order.</summary>
    private static IReadOnlyList<AttachedPredicate> Predicates(string[] files, string[] types)
    {
        if (files.Length != types.Length)
            throw CommandException.Usage($"--attest is given {files.Length} times and --type {types.Length} times; each file needs its type", $"types: {string.Join(", ", AttachedPredicate.Words)}, or a URI");
        if (files.Length > MaxAttestations)
            throw CommandException.Usage($"{files.Length} files, at most {MaxAttestations} are attached at once");
        return [.. files.Zip(types, AttachedPredicate.Read)];
    }
}
