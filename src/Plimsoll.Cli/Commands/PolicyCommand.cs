using System.CommandLine;
using System.Globalization;
using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Keys;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll policy</c>: checks, explains, tests and signs policies. Page: docs/verbs/policy.md.</summary>
internal static class PolicyCommand
{
    public static Command Create(CliContext context, ScanServices services) => new("policy", Catalogue.PolicySummary.In(context.Language))
    {
        Check(context), Explain(context, services), Test(context), Sign(context), VerifySigned(context),
    };

    private static Command Check(CliContext context)
    {
        Argument<string> file = FileArgument(context);
        Command command = new("check", Catalogue.PolicyCheckSummary.In(context.Language)) { file };
        command.SetAction(line =>
        {
            string name = line.GetRequiredValue(file);
            Policy policy = PolicySource.Open(name, null, null, null).Policy;
            context.Out.WriteLine(Catalogue.PolicyValid.In(context.Language, Escape.ForTerminal(name), policy.Name, PolicyJson.DigestOf(policy)));
            foreach (PolicyRemark remark in PolicyCheck.Of(policy, context.Time.GetUtcNow()))
                context.Out.WriteLine($"{remark.Where}: {remark.Text.In(context.Language)}");
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Explain(CliContext context, ScanServices services)
    {
        Argument<string> file = FileArgument(context);
        Argument<string?> subject = new("REPORT|IMAGE") { Description = Catalogue.HelpPolicyReport.In(context.Language), Arity = ArgumentArity.ZeroOrOne };
        Option<string?> key = KeyOption(context);
        Option<string?> form = new("--as") { HelpName = "FORM", Description = Catalogue.HelpPolicyAs.In(context.Language) };
        Option<string?> platform = new("--platform") { HelpName = "PLATFORM", Description = Catalogue.HelpPlatform.In(context.Language) };
        Option<string?> database = new("--db") { HelpName = "FILE", Description = Catalogue.HelpDb.In(context.Language) };
        Option<string?> called = new("--name") { HelpName = "NAME", Description = Catalogue.HelpPolicyName.In(context.Language) };
        Option<bool> all = new("--all") { Description = Catalogue.HelpAll.In(context.Language) };
        Command command = new("explain", Catalogue.PolicyExplainSummary.In(context.Language)) { file, subject, key, form, platform, database, all, called };
        command.SetAction((line, cancellationToken) => Task.Run(() =>
        {
            string name = line.GetRequiredValue(file), wanted = line.GetValue(form) ?? "text";
            Policy policy = PolicySource.Open(name, line.GetValue(key), null, new KeyStore(context)).Policy;
            if (wanted is not ("text" or "yaml" or "json"))
                throw CommandException.Usage($"--as: {Escape.Quote(wanted)} is not understood; wanted text, yaml or json");
            if (wanted == "yaml" && name != PolicyFile.Default)
                throw CommandException.Usage("--as yaml is for the built-in policy only", "--as json shows any policy in full; JSON is YAML too");
            if (wanted != "text")
            {
                context.Out.Write(Encoding.UTF8.GetString(wanted == "yaml" ? PolicyFile.BuiltInText() : [.. PolicyJson.Write(policy), (byte)'\n']));
                return ExitCode.Done;
            }
            if (line.GetValue(called) is { } imageName)
            {
                WriteLines(context, TrustText.Of(policy, imageName, context.Language));
                return policy.Trust?.Find(ImageName.Parse(imageName).Repository) is >= 0 ? ExitCode.Done : ExitCode.Refused;
            }
            context.Out.WriteLine($"{policy.Name}  {PolicyJson.DigestOf(policy)}");
            WriteLines(context, PolicyText.Of(policy, context.Language));
            if (line.GetValue(subject) is not { } image)
                return ExitCode.Done;
            if (Subject.ReadReport(image) is { } read)
                return Judged(context, services, policy, read, line.GetValue(all));
            using IAdvisoryStore store = Subject.OpenStore(context, services, line.GetValue(database));
            using CheckSet checks = Subject.Checks(context, CheckWords.KindsOf(CheckWords.All));
            Report report = Subject.Scan(image, store, checks, context, services, Subject.PlatformOf(line.GetValue(platform)), cancellationToken);
            return Judged(context, services, policy, report, line.GetValue(all));
        }, cancellationToken));
        return command;
    }

    private static int Judged(CliContext context, ScanServices services, Policy policy, Report report, bool all)
    {
        DateTimeOffset now = context.Time.GetUtcNow();
        Verdict verdict = PolicyJudge.Judge(report, policy, now);
        VerdictText.Write(context.Out, verdict, Subject.TableFor(context, services));
        context.Out.WriteLine();
        context.Out.WriteLine(Catalogue.ExplainEach.In(context.Language));
        Language language = context.Language;
        List<(string Word, string Why, string Name)> lines = [];
        foreach (Judgement judgement in PolicyJudge.Explain(report, policy, now))
        {
            string word = PolicyText.WordOf(judgement.Counts ? judgement.Decision.Action : PolicyAction.Ignore, language);
            string why = judgement.Suppressed ? Catalogue.ExplainSuppressedBy.In(language, judgement.Finding.SuppressedBy!.Value.Word())
                : judgement.ExceptedBy is { } excepted && judgement.Decision.Action != PolicyAction.Ignore ? Catalogue.ExplainExceptedBy.In(language, $"{excepted.Reason} ({excepted.Owner}, {excepted.Expires.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)})")
                : judgement.Decision.Rule;
            if (all || judgement.Counts)
                context.Out.WriteLine($"  {DisplayWidth.Fit(word, 8)}  {Shown(judgement.Finding.Name)}  {Shown(why)}");
            else
                lines.Add((word, why, judgement.Finding.Name));
        }
        foreach (IGrouping<(string Word, string Why), (string Word, string Why, string Name)> rest in lines.GroupBy(l => (l.Word, l.Why)))
            context.Out.WriteLine("  " + Catalogue.ExplainRest.In(language, rest.Count(), rest.Key.Word, Shown(rest.Key.Why)));
        return CodeOf(verdict.Outcome);
    }

    private static Command Test(CliContext context)
    {
        Argument<string> file = FileArgument(context);
        Argument<string> casesFile = new("CASES") { Description = Catalogue.HelpPolicyCases.In(context.Language) };
        Command command = new("test", Catalogue.PolicyTestSummary.In(context.Language)) { file, casesFile };
        command.SetAction(line =>
        {
            Policy policy = PolicySource.Open(line.GetRequiredValue(file), null, null, null).Policy;
            string path = line.GetRequiredValue(casesFile);
            int passed = 0;
            try
            {
                IReadOnlyList<PolicyCase> cases = PolicyCases.Read(path);
                foreach (PolicyCase one in cases)
                {
                    PolicyCaseResult result = PolicyCases.Run(one, policy, context.Time.GetUtcNow());
                    passed += result.Failure is null ? 1 : 0;
                    context.Out.WriteLine($"{(result.Failure is null ? "ok  " : "FAIL")}  {Shown(one.Name)}");
                    if (result.Failure is null)
                        continue;
                    context.Out.WriteLine($"      {one.Where}: {Escape.ForTerminal(result.Failure)}");
                    foreach (Reason reason in result.Verdict.Reasons.Where(r => r.Outcome != Outcome.Passed))
                        context.Out.WriteLine($"      {reason.Outcome.Word()}: {VerdictText.Of(reason, context.Language)} ({Shown(reason.Rule ?? "")})");
                }
                context.Out.WriteLine(Catalogue.PolicyCasesPassed.In(context.Language, passed, cases.Count));
                return passed == cases.Count ? ExitCode.Done : ExitCode.Refused;
            }
            catch (DocumentException e)
            {
                throw CommandException.Usage(e.Message, "docs/verbs/policy.md describes cases");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw CommandException.Usage($"cannot read {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
            }
        });
        return command;
    }

    private static Command Sign(CliContext context)
    {
        Argument<string> file = FileArgument(context);
        Option<string> key = new("--key") { Description = Catalogue.HelpPolicyPrivateKey.In(context.Language), HelpName = "NAME|FILE", Required = true };
        Option<string> output = new("--output", "-o") { Description = Catalogue.HelpPolicyOutput.In(context.Language), HelpName = "FILE", Required = true };
        Option<string?> counter = new("--counter") { Description = Catalogue.HelpPolicyCounter.In(context.Language), HelpName = "N" };
        Option<string?> passphrase = PassphraseSource.Option(context);
        Command command = new("sign", Catalogue.PolicySignSummary.In(context.Language)) { file, key, output, counter, passphrase };
        command.SetAction((line, cancellationToken) => Task.Run(() =>
        {
            string to = line.GetRequiredValue(output);
            OutputTarget target = new("policy", to);
            target.Check();
            Policy policy = PolicySource.Open(line.GetRequiredValue(file), null, null, null).Policy;
            KeyStore store = new(context);
            string keyName = line.GetRequiredValue(key);
            using ISigner signer = store.OpenSigner(keyName, new PassphraseSource(context, line.GetValue(passphrase)), cancellationToken);
            Counters counters = CountersOf(context);
            // The versions of a stored key count on: hosts trust them in place of each other.
            using KeyRing? ring = store.FindNamed(keyName) is var (stored, _) ? store.OpenPublic(stored.Name) : null;
            IReadOnlyList<PublicKey> versions = ring?.Keys ?? [signer.PublicKey];
            long last = Math.Max(versions.Max(v => counters.Highest(v.Id, policy.Name)), CounterOf(to, versions, policy.Name));
            long next = last + 1;
            if (line.GetValue(counter) is { } text && (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out next) || next < 1))
                throw CommandException.Usage($"--counter: {Escape.Quote(text)} is not understood; wanted a number from 1");
            if (next <= last)
                throw CommandException.Usage($"--counter {next}: policy {policy.Name} of this key has had {last}", $"hosts refuse what is not newer; the next one is {last + 1}");
            byte[] content = SignedPolicy.Sign(policy, next, context.Time.GetUtcNow(), signer);
            SignedPolicy signed = SignedPolicy.Open(content, Escape.ForTerminal(to), signer.PublicKey, "the key");
            target.WriteFile(content);
            // Signing is seeing: the next one of this machine gets the next counter.
            PolicySource.Remember(counters, signed, [signed.KeyId], to);
            Tell(context, to, signed);
            foreach (PolicyRemark remark in PolicyCheck.Of(policy, context.Time.GetUtcNow()))
                context.Error.WriteLine($"plimsoll: note: {remark.Where}: {remark.Text.In(context.Language)}");
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Command VerifySigned(CliContext context)
    {
        Argument<string> file = new("FILE") { Description = Catalogue.HelpPolicySigned.In(context.Language) };
        Option<string> key = new("--key") { Description = Catalogue.HelpPolicyKey.In(context.Language), HelpName = "NAME|FILE", Required = true };
        Command command = new("verify", Catalogue.PolicyVerifySummary.In(context.Language)) { file, key };
        command.SetAction(line =>
        {
            string name = line.GetRequiredValue(file);
            Tell(context, name, PolicySource.Open(name, line.GetRequiredValue(key), null, new KeyStore(context)).Signed!);
            return ExitCode.Done;
        });
        return command;
    }

    internal static Counters CountersOf(CliContext context) => new(context.Home.Policies,
        reason => context.Error.WriteLine($"plimsoll: note: {Catalogue.PolicyCounterNotKept.In(context.Language, reason)}"));

    internal static int CodeOf(Outcome outcome) => outcome switch
    {
        Outcome.Refused => ExitCode.Refused,
        Outcome.Undecided => ExitCode.Undecided,
        _ => ExitCode.Done,
    };

    /// <summary>The counter of the file that is to be replaced, when this key signed it for this policy; else 0.</summary>
    private static long CounterOf(string path, IReadOnlyList<PublicKey> keys, string policy)
    {
        try
        {
            return File.Exists(path) && SignedPolicy.Open(File.ReadAllBytes(path), path, keys, "the key") is var old && old.Policy.Name == policy ? old.Counter : 0;
        }
        catch (Exception e) when (e is SignedPolicyException or DocumentException or IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static void Tell(CliContext context, string file, SignedPolicy signed) => context.Out.WriteLine(Catalogue.PolicySigned.In(context.Language,
        Escape.ForTerminal(file), signed.Policy.Name, signed.Counter, PolicyJson.DigestOf(signed.Policy), signed.KeyId[..16]));

    private static void WriteLines(CliContext context, IEnumerable<string> lines)
    {
        int columns = Math.Max(context.Columns, TableOptions.LeastColumns);
        foreach (string line in lines)
        {
            bool inner = line.StartsWith("  ", StringComparison.Ordinal);
            string margin = inner ? "  " : "";
            foreach (string part in DisplayWidth.Wrap(line.Trim(), columns - (inner ? 4 : 0)))
            {
                context.Out.WriteLine(margin + part);
                margin = inner ? "    " : "";
            }
        }
    }

    private static Argument<string> FileArgument(CliContext context) => new("FILE") { Description = Catalogue.HelpPolicyFile.In(context.Language) };

    private static Option<string?> KeyOption(CliContext context) => new("--policy-key") { HelpName = "NAME|FILE", Description = Catalogue.HelpPolicyKey.In(context.Language) };

    private static string Shown(string text) => Escape.ForTerminal(text.Length > 300 ? text[..300] + "…" : text);
}
