using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Plimsoll.Sign;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Cli.Commands;

/// <content><c>plimsoll quote verify</c>.</content>
internal static partial class QuoteCommand
{
    private const int MaxRulesBytes = 1 << 20, NameColumn = 18;

    private static Command Verify(CliContext context)
    {
        Language language = context.Language;
        Argument<string> file = new("FILE") { Description = Catalogue.HelpQuoteFile.In(language) };
        Option<string?> nonce = One("--nonce", "HEX", Catalogue.HelpQuoteNonce), challenge = One("--challenge", "FILE", Catalogue.HelpQuoteKept), rules = One("--pcrs", "FILE", Catalogue.HelpQuoteRules),
            previous = One("--previous", "FILE", Catalogue.HelpQuotePrevious), age = One("--max-age", "TIME", Catalogue.HelpQuoteMaxAge);
        Option<string[]> ca = Many("--ca", "FILE", Catalogue.HelpQuoteCa), known = Many("--known", "IDENTITY", Catalogue.HelpQuoteKnown), rule = Many("--pcr", "RULE", Catalogue.HelpQuoteRule),
            stated = Many("--measurement", "FILE", Catalogue.HelpQuoteMeasurement), bundles = Many("--bundle", "FILE", Catalogue.HelpQuoteBundle), keys = Many("--key", "KEY", Catalogue.HelpQuoteKey), images = Many("--need-measured", "TARGET", Catalogue.HelpQuoteNeedMeasured);
        Option<bool> boot = new("--need-boot-log") { Description = Catalogue.HelpQuoteNeedBoot.In(language) }, json = new("--json") { Description = Catalogue.HelpQuoteJson.In(language) };
        Command command = new("verify", Catalogue.QuoteVerifySummary.In(language)) { file, nonce, challenge, ca, known, rule, rules, previous, age, boot, images, stated, bundles, keys, json };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            if (line.GetValue(nonce) is null == line.GetValue(challenge) is null)
                throw CommandException.Usage("one of --nonce and --challenge is wanted", "without one of them any old quote would do");
            TimeSpan maxAge = new QuoteDemand().MaxAge;
            if (line.GetValue(age) is { } text && !Duration.TryParse(text, out maxAge))
                throw CommandException.Usage($"--max-age: {Escape.Quote(text)} is not understood; wanted 30s, 5m or 1h, at most 30 days");
            X509Certificate2Collection roots = [];
            foreach (string path in line.GetValue(ca) ?? [])
                roots.AddRange(Certificates(path));
            string name = line.GetRequiredValue(file);
            QuoteFile evidence = QuoteFile.Parse(Read(name, QuoteFile.MaxBytes), Escape.Quote(name));
            QuoteDemand demand = new()
            {
                Nonce = line.GetValue(nonce) is { } hex ? Nonce(hex) : default(ReadOnlyMemory<byte>?),
                Challenge = line.GetValue(challenge) is { } kept ? QuoteChallenge.Parse(Read(kept, QuoteChallenge.MaxBytes), Escape.Quote(kept)) : null,
                MaxAge = maxAge,
                Roots = roots,
                KnownKeys = [.. (line.GetValue(known) ?? []).Select(path => QuoteIdentity.Parse(Read(path, QuoteIdentity.MaxBytes), Escape.Quote(path)).AttestationKey)],
                Rules = [.. (line.GetValue(rule) ?? []).Select(r => Parsed(() => PcrRule.Parse(r), "--pcr")), .. line.GetValue(rules) is { } list ? Rules(list) : []],
                Previous = line.GetValue(previous) is { } before ? QuoteFile.Parse(Read(before, QuoteFile.MaxBytes), Escape.Quote(before)) : null,
                NeedsBootLog = line.GetValue(boot),
                NeedsMeasured = [.. (line.GetValue(images) ?? []).Select(t => Parsed(() => ExtendTarget.Parse(t), "--need-measured"))],
                Measurements = QuoteMeasurements.Read(context, evidence, line.GetValue(stated) ?? [], line.GetValue(bundles) ?? [], line.GetValue(keys) ?? [], cancellationToken),
            };
            QuoteVerdict verdict = QuoteCheck.Judge(evidence, demand, context.Time.GetUtcNow());
            if (line.GetValue(json))
                context.Out.Write(Encoding.UTF8.GetString(ToJson(evidence, verdict)) + "\n");
            else
                WriteTable(context, name, evidence, verdict);
            return verdict.IsGood ? ExitCode.Done : verdict.Faults.All(f => f.Reason == QuoteReason.Undecided) ? ExitCode.Undecided : ExitCode.Refused;
        }, cancellationToken));
        return command;

        Option<string?> One(string name, string shape, Text help) => new(name) { HelpName = shape, Description = help.In(language) };
        Option<string[]> Many(string name, string shape, Text help) => new(name) { HelpName = shape, Description = help.In(language), Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };
    }

    private static List<PcrRule> Rules(string path)
    {
        List<PcrRule> rules = [];
        int number = 0;
        foreach (string line in Encoding.UTF8.GetString(Read(path, MaxRulesBytes)).Split('\n'))
        {
            number++;
            string text = line.Split('#')[0].Trim();
            if (text.Length > 0)
                rules.Add(Parsed(() => PcrRule.Parse(text), $"{Escape.ForTerminal(path)} line {number}"));
        }
        return rules.Count > 0 ? rules : throw CommandException.Usage($"{Escape.Quote(path)} holds no rule");
    }

    private static void WriteTable(CliContext context, string name, QuoteFile file, QuoteVerdict verdict)
    {
        Language language = context.Language;
        context.Out.WriteLine(Escape.ForTerminal(name));
        Line(Catalogue.QuoteKeyLine.In(language), Convert.ToHexStringLower(file.AttestationKey.Name));
        if (verdict.Statement is { } said)
        {
            Line(Catalogue.QuoteBootLine.In(language), Catalogue.QuoteBootCount.In(language, said.ResetCount, said.RestartCount, said.Clock, $"0x{said.FirmwareVersion:x}"));
            // Values that were not signed are not shown: someone would take them for evidence.
            if (!verdict.Faults.Any(f => f.Reason is QuoteReason.PcrsDiffer or QuoteReason.WrongSignature))
                foreach ((TpmAlgorithm bank, int index) in said.Selection!.Pcrs())
                    Line($"{bank.Word()}:{index}", Convert.ToHexStringLower(file.Pcrs.Find(bank, index)!) + (verdict.Explained.Contains((bank, index)) ? " " + Catalogue.QuoteExplainedByLog.In(language) : ""));
        }
        if (verdict.ImaLines is { } lines)
            Line(Catalogue.QuoteImaLine.In(language), Catalogue.QuoteImaLines.In(language, lines));
        foreach (MeasuredList list in verdict.Measured)
        {
            Line(list.Target.ToString(), Catalogue.QuoteMeasuredLine.In(language, list.Entries.Count));
            foreach (MeasuredImage image in list.Images())
                Line("  " + Catalogue.QuoteImageLine.In(language), $"{image.Config.Algorithm}:{image.Config.Short}…  {(image.Value is { } value ? $"{value.Algorithm}:{value.Short}…" : Catalogue.QuoteImagePart.In(language, image.Layers.Count, image.Layers[0].Layers))}");
        }
        foreach (QuoteFault fault in verdict.Faults)
            context.Out.WriteLine($"  ✗ {Catalogue.QuoteReason(fault.Word).In(language)}: {Escape.ForTerminal(fault.Detail)}");
        context.Out.WriteLine((verdict.IsGood ? Catalogue.QuoteGood : verdict.Faults.All(f => f.Reason == QuoteReason.Undecided) ? Catalogue.QuoteUndecided : Catalogue.QuoteRefused).In(language));

        void Line(string what, string value) => context.Out.WriteLine($"  {what.PadRight(NameColumn)} {value}");
    }

    /// <summary>Described in docs/verbs/quote.md.</summary>
    private static byte[] ToJson(QuoteFile file, QuoteVerdict verdict)
    {
        CanonicalJson json = new CanonicalJson().BeginObject().Flag("good", verdict.IsGood).BeginArray("faults");
        foreach (QuoteFault fault in verdict.Faults)
            json.BeginObject().Text("reason", fault.Word).Text("detail", fault.Detail).EndObject();
        json.EndArray().Text("attestationKeyName", Convert.ToHexStringLower(file.AttestationKey.Name));
        if (verdict.Statement is { } said)
        {
            json.Number("resetCount", said.ResetCount).Number("restartCount", said.RestartCount).Number("clock", (decimal)said.Clock).Text("firmware", $"0x{said.FirmwareVersion:x}").BeginArray("pcrs");
            foreach ((TpmAlgorithm bank, int index) in said.Selection!.Pcrs())
                if (file.Pcrs.Find(bank, index) is { } value && !verdict.Faults.Any(f => f.Reason is QuoteReason.PcrsDiffer or QuoteReason.WrongSignature))
                    json.BeginObject().Text("bank", bank.Word()).Number("index", index).Text("value", Convert.ToHexStringLower(value)).Flag("explained", verdict.Explained.Contains((bank, index))).EndObject();
            json.EndArray();
        }
        if (verdict.ImaLines is { } lines)
            json.Number("imaLines", lines);
        json.BeginArray("measured");
        foreach (MeasuredList list in verdict.Measured)
        {
            json.BeginObject().Text("target", list.Target.ToString()).Number("entries", list.Entries.Count).BeginArray("images");
            foreach (MeasuredImage image in list.Images())
                json.BeginObject().Text("config", image.Config.ToString()).Number("entry", image.First).Number("layers", image.Layers.Count).Number("of", image.Layers[0].Layers).Optional("value", image.Value?.ToString()).EndObject();
            json.EndArray().EndObject();
        }
        json.EndArray();
        return json.EndObject().ToBytes();
    }
}
