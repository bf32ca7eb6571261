using System.CommandLine;
using System.Globalization;
using System.Text;
using Plimsoll.EvidenceLog;
using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll log verify|show|export</c>. Page: docs/verbs/log.md.</summary>
internal static class LogCommand
{
    private const int DefaultLast = 50, MaxLast = 100_000, LabelColumn = 14;

    public static Command Create(CliContext context)
    {
        Command command = new("log", Catalogue.LogSummary.In(context.Language));
        command.Subcommands.Add(Verify(context));
        command.Subcommands.Add(Show(context));
        command.Subcommands.Add(Export(context));
        return command;
    }

    private static Command Verify(CliContext context)
    {
        Language language = context.Language;
        Argument<string> folder = Folder(language);
        Option<string> key = Key(language);
        Option<string?> checkpoint = Checkpoint(language);
        Option<bool> older = Older(language);
        Option<bool> json = new("--json") { Description = Catalogue.HelpLogJson.In(language) };
        Option<string?> tpm = new("--tpm") { HelpName = "TPM", Description = Catalogue.HelpLogTpm.In(language) }, auth = TpmAccess.AuthOption(context);
        Option<string?> index = new("--tpm-counter") { HelpName = "INDEX", Description = Catalogue.HelpLogTpmCounter.In(language, $"0x{NvCounter.LogIndex:x8}") };
        Command command = new("verify", Catalogue.LogVerifySummary.In(language)) { folder, key, checkpoint, older, tpm, index, auth, json };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            LogVerdict verdict = VerdictOf(line.GetRequiredValue(folder), line.GetRequiredValue(key), line.GetValue(checkpoint), line.GetValue(older), CounterOf(context, line.GetValue(tpm), line.GetValue(index), line.GetValue(auth), cancellationToken), cancellationToken);
            if (line.GetValue(json))
                context.Out.Write(Encoding.UTF8.GetString(ToJson(verdict)) + "\n");
            else
                WriteTable(context, verdict);
            return verdict.IsGood ? ExitCode.Done : ExitCode.Refused;
        }, cancellationToken));
        return command;
    }

    private static Command Show(CliContext context)
    {
        Language language = context.Language;
        Argument<string> folder = Folder(language);
        Option<string[]> kinds = new("--kind") { HelpName = "KIND", Description = Catalogue.HelpLogKind.In(language), Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };
        Option<string?> since = new("--since") { HelpName = "TIME", Description = Catalogue.HelpLogSince.In(language) };
        Option<int?> last = new("--last") { HelpName = "N", Description = Catalogue.HelpLogLast.In(language, DefaultLast) };
        Option<bool> json = new("--json") { Description = Catalogue.HelpLogLinesJson.In(language) };
        Command command = new("show", Catalogue.LogShowSummary.In(language)) { folder, kinds, since, last, json };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            int most = line.GetValue(last) ?? DefaultLast;
            if (most is < 1 or > MaxLast)
                throw CommandException.Usage($"--last: {most} is not understood; wanted 1 to {MaxLast}");
            DateTimeOffset from = line.GetValue(since) is { } text ? TimeOf(text, context.Time.GetUtcNow()) : DateTimeOffset.MinValue;
            string[] wanted = line.GetValue(kinds) ?? [];
            Queue<LogLine> shown = new();
            foreach (LogLine one in EvidenceLogReader.Read(line.GetRequiredValue(folder), cancellationToken))
            {
                if (one.Time < from || wanted.Length > 0 && !wanted.Contains(one.Kind))
                    continue;
                if (shown.Count == most)
                    shown.Dequeue();
                shown.Enqueue(one);
            }
            foreach (LogLine one in shown)
                context.Out.WriteLine(line.GetValue(json) ? Encoding.UTF8.GetString(one.ToBytes()) : Row(one, context.Columns));
            if (!line.GetValue(json))
                context.Error.WriteLine("plimsoll: " + Catalogue.LogNotProved.In(language));
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Command Export(CliContext context)
    {
        Language language = context.Language;
        Argument<string> folder = Folder(language);
        Option<string> key = Key(language);
        Option<string?> checkpoint = Checkpoint(language);
        Option<bool> older = Older(language);
        Option<string> output = new("--output", "-o") { HelpName = "FILE", Description = Catalogue.HelpLogOutput.In(language), Required = true };
        Command command = new("export", Catalogue.LogExportSummary.In(language)) { folder, key, checkpoint, older, output };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            OutputTarget target = new("checkpoint", line.GetRequiredValue(output));
            target.Check();
            LogVerdict verdict = VerdictOf(line.GetRequiredValue(folder), line.GetRequiredValue(key), line.GetValue(checkpoint), line.GetValue(older), null, cancellationToken);
            if (!verdict.IsGood || verdict.Checkpoint is null)
            {
                context.WriteError(verdict.IsGood ? Catalogue.LogNoCheckpoint.In(language) : Catalogue.LogNotExported.In(language), "plimsoll log verify says more");
                return verdict.IsGood ? ExitCode.Undecided : ExitCode.Refused;
            }
            target.WriteFile(verdict.Checkpoint.ToJson());
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Argument<string> Folder(Language language) => new("FOLDER") { Description = Catalogue.HelpLogFolder.In(language) };

    private static Option<string> Key(Language language) => new("--key") { HelpName = "FILE", Description = Catalogue.HelpLogKey.In(language), Required = true };

    private static Option<string?> Checkpoint(Language language) => new("--checkpoint") { HelpName = "FILE", Description = Catalogue.HelpLogCheckpoint.In(language) };

    private static Option<bool> Older(Language language) => new("--allow-older-checkpoint") { Description = Catalogue.HelpLogOlder.In(language) };

    private static Task<int> Run(Func<int> action, CancellationToken cancellationToken) => Task.Run(() =>
    {
        try
        {
            return action();
        }
        catch (EvidenceLogException e)
        {
            throw new CommandException(ExitCode.Undecided, $"{e.Code}: {Escape.ForTerminal(e.Message)}", e.Hint, e);
        }
        catch (TpmException e)
        {
            throw new CommandException(ExitCode.Undecided, e.Message, e.Hint, e);
        }
    }, cancellationToken);

    /// <summary>How the counter is read that the log's checkpoints state; null where no TPM is asked.</summary>
    private static Func<long?>? CounterOf(CliContext context, string? address, string? index, string? auth, CancellationToken cancellationToken)
    {
        if (address is null)
            return index is null && auth is null ? null : throw CommandException.Usage("--tpm-counter and --tpm-auth are for --tpm");
        uint number = NvCounter.LogIndex;
        try
        {
            if (index is not null)
                number = ExtendTarget.OfIndex(index).Number;
        }
        catch (FormatException e)
        {
            throw CommandException.Usage($"--tpm-counter: {e.Message}");
        }
        return () =>
        {
            // Opened for each reading: a TPM behind a socket serves one client at a time, and the agent is another.
            using TpmClient tpm = TpmAccess.Open(context, address, auth, cancellationToken);
            return NvCounter.Find(tpm, number, cancellationToken);
        };
    }

    private static LogVerdict VerdictOf(string folder, string keyFile, string? checkpointFile, bool mayBeOlder, Func<long?>? counter, CancellationToken cancellationToken)
    {
        if (mayBeOlder && checkpointFile is null)
            throw CommandException.Usage("--allow-older-checkpoint is for --checkpoint");
        try
        {
            using PublicKey key = KeyFile.ReadPublic(Encoding.UTF8.GetString(ReadFile(keyFile, PublicKey.MaxPemBytes)), Escape.ForTerminal(keyFile));
            LogCheckpoint? checkpoint = checkpointFile is null ? null : LogCheckpoint.Parse(ReadFile(checkpointFile, LogCheckpoint.MaxBytes), Escape.ForTerminal(checkpointFile));
            return EvidenceLogVerifier.Verify(folder, key, checkpoint, mayBeOlder, counter, cancellationToken);
        }
        catch (Exception e) when (e is KeyException or FormatException)
        {
            throw CommandException.Usage(e.Message, (e as KeyException)?.Hint);
        }
    }

    private static byte[] ReadFile(string path, int maxBytes)
    {
        try
        {
            return SmallFile.Read(path, maxBytes) ?? throw CommandException.Usage($"{Escape.Quote(path)} is longer than {maxBytes} bytes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }

    private static DateTimeOffset TimeOf(string text, DateTimeOffset now) =>
        Duration.TryParse(text, out TimeSpan ago) ? now - ago
        : Rfc3339.TryParse(text, out DateTimeOffset time) ? time
        : throw CommandException.Usage($"--since: {Escape.Quote(text)} is not understood; wanted 30m, 2h, or 2026-11-21T08:00:00Z");

    /// <summary>One line of a table: number, time to the second, kind, and what the line says as far as there is room.</summary>
    private static string Row(LogLine line, int columns)
    {
        StringBuilder row = new();
        row.Append(CultureInfo.InvariantCulture, $"{line.Sequence,8} {line.Time.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ} {line.Kind,-16}");
        foreach (LogField field in line.Fields)
            row.Append(' ').Append(field.Name).Append('=').Append(field.AsNumber is { } number ? number.ToString(CultureInfo.InvariantCulture) : field.AsText ?? string.Join(',', field.AsList!));
        return DisplayWidth.Cut(Escape.ForTerminal(row.ToString()), columns);
    }

    private static void WriteTable(CliContext context, LogVerdict verdict)
    {
        Language language = context.Language;
        Label(Catalogue.LogLabelOrigin, Escape.Quote(verdict.Origin));
        Label(Catalogue.LogLabelLines, Catalogue.LogLines.In(language, verdict.First, verdict.Last, verdict.Files, Shown(verdict.LastTime)));
        Label(Catalogue.LogLabelCheckpoint, verdict.Checkpoint is { } checkpoint ? Catalogue.LogCheckpointLine.In(language, checkpoint.Sequence, Shown(checkpoint.Time), checkpoint.Epoch) : Catalogue.LogNoCheckpoint.In(language));
        if (verdict.Checkpoint?.Counter is { } counter)
            Label(Catalogue.LogLabelCounter, counter.ToString(CultureInfo.InvariantCulture));
        foreach (LogFinding finding in verdict.Findings)
        {
            string where = finding.File.Length == 0 ? "" : finding.Line == 0 ? $"{finding.File}: " : $"{finding.File}:{finding.Line}: ";
            context.Out.WriteLine($"  {(finding.IsFault ? "✗" : "·")} {Escape.ForTerminal(where)}{Catalogue.LogFinding(finding.Word).In(language)}: {Escape.ForTerminal(finding.Detail)}");
        }
        if (verdict.Faults + verdict.Notes - verdict.Findings.Count is > 0 and var more)
            context.Out.WriteLine("  " + Catalogue.LogMore.In(language, more));
        context.Out.WriteLine(verdict.IsGood ? Catalogue.LogGood.In(language) : Catalogue.LogBad.In(language, verdict.Faults));

        void Label(Text label, string value)
        {
            string name = label.In(language);
            context.Out.WriteLine($"{name}{new string(' ', Math.Max(1, LabelColumn - DisplayWidth.Of(name)))}{value}");
        }
    }

    private static string Shown(DateTimeOffset? time) => time is { } at ? at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : "-";

    /// <summary>Described in docs/verbs/log.md.</summary>
    private static byte[] ToJson(LogVerdict verdict)
    {
        CanonicalJson json = new CanonicalJson().BeginObject().Flag("good", verdict.IsGood).Text("origin", verdict.Origin).Number("files", verdict.Files).Number("lines", verdict.Lines)
            .Number("first", verdict.First).Number("last", verdict.Last);
        if (verdict.LastTime is { } time)
            json.Text("lastTime", LogLine.Written(time));
        if (verdict.Checkpoint is { } checkpoint)
        {
            json.BeginObject("checkpoint").Number("sequence", checkpoint.Sequence).Text("digest", checkpoint.Digest).Text("time", LogLine.Written(checkpoint.Time)).Number("epoch", checkpoint.Epoch);
            if (checkpoint.Counter is { } counter)
                json.Number("counter", counter);
            json.EndObject();
        }
        json.Number("unsigned", verdict.Unsigned).Number("faults", verdict.Faults).Number("notes", verdict.Notes).BeginArray("findings");
        foreach (LogFinding finding in verdict.Findings)
            json.BeginObject().Text("kind", finding.Word).Flag("fault", finding.IsFault).Text("file", finding.File).Number("line", finding.Line).Text("detail", finding.Detail).EndObject();
        return json.EndArray().EndObject().ToBytes();
    }
}
