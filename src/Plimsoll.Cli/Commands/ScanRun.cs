using System.Globalization;
using System.Text;
using Plimsoll.Inspect;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Policies;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Reports.Html;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Cli.Commands;

/// <summary>One call of <c>scan</c>: database, images one after the other, outputs, exit code.</summary>
internal sealed class ScanRun(CliContext context, ScanServices services, ScanSettings settings)
{
    /// <summary>Age from which <c>--update</c> renews a database: distributions publish daily.</summary>
    public static TimeSpan UpdateAfter { get; } = TimeSpan.FromDays(1);

    // How long a scan that was told to stop may take to tidy up after itself.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private bool _updateFailed;
    private IReadOnlyList<VexStatement> _vex = [];
    private Policy? _policy;

    public async Task<int> RunAsync(IReadOnlyList<string> images, CancellationToken cancellationToken)
    {
        if (images.Count > 1 && settings.Outputs.Select(o => ReportFormats.Find(o.Format)?.OneImage).FirstOrDefault(o => o is not null) is { } one)
            throw CommandException.Usage($"{one} describes one image", "call scan once for each image, or use --output json");
        Dictionary<OutputTarget, Template> templates = settings.Outputs.Where(o => o.Format == "template").ToDictionary(o => o, o => TemplateFile.Read(o.Template ?? settings.Template!));
        List<Suppression> suppressions = [.. settings.SuppressionFiles.SelectMany(services.ReadSuppressions)];
        _vex = [.. settings.VexFiles.SelectMany(VexDocument.Read)];
        _policy = settings.Policy is { } policy ? PolicySource.Open(policy, settings.PolicyKey, PolicyCommand.CountersOf(context), new KeyStore(context)).Policy : null;
        using CancellationTokenSource timeout = settings.Timeout is { } limit ? new(limit, context.Time) : new();
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        using IAdvisoryStore store = await OpenStoreAsync(either.Token, cancellationToken);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(either.Token, (store as OpeningStore)?.Failed ?? default);
        using CheckSet checks = CheckSet.Create(ChecksFor(images) with { KnownMalware = context.Home.KnownMalware, CacheFolder = settings.NoCache ? null : context.Home.Cache, Environment = context.Environment });
        List<ScanResult> results = [];
        foreach (string image in images)
        {
            ScanResult result = Scan(image, store, suppressions, checks, stop.Token, cancellationToken);
            (store as OpeningStore)?.ThrowIfFailed();
            results.Add(result);
        }
        foreach (ScanResult result in results)
            if (result.Failure is { } failure)
                context.WriteError(images.Count > 1 ? $"{Escape.Quote(result.Image)}: {failure.Message}" : ImageFailure.Named(result.Image, failure.Message), failure.Hint);
        Write(results, templates);
        return ExitCodeOf(results);
    }

    private async Task<IAdvisoryStore> OpenStoreAsync(CancellationToken either, CancellationToken user)
    {
        string path = settings.Database ?? context.Home.Database;
        if (!settings.Vulnerabilities)
            return services.OpenStarterSet();
        bool exists = File.Exists(path);
        if (!exists && settings.Database is not null && !settings.Update)
            throw CommandException.Usage($"there is no database {Escape.Quote(path)}", "make it with: plimsoll db update");
        if (exists && !settings.Update)
            return new OpeningStore(() => services.OpenDatabase(path), services.Rehearse is { } rehearse ? store => rehearse(store, settings.Outputs.Count > 0 ? settings.Outputs[0].Format : "") : null);
        if (exists)
        {
            IAdvisoryStore store = services.OpenDatabase(path);
            if (context.Time.GetUtcNow() - store.Info.Created < UpdateAfter)
                return store;
            store.Dispose();
        }
        else if (!settings.Update && !await OfferAsync(user))
            return services.OpenStarterSet();
        try
        {
            _updateFailed = await services.UpdateDatabase(path, either) != ExitCode.Done;
        }
        catch (OperationCanceledException) when (!user.IsCancellationRequested)
        {
            throw new CommandException(ExitCode.Undecided, $"timed out after {TimeoutText} while the database was updated");
        }
        return File.Exists(path) ? services.OpenDatabase(path) : services.OpenStarterSet();
    }

    /// <summary>Asks only a person who sits at a terminal; nothing is downloaded unasked.</summary>
    private async Task<bool> OfferAsync(CancellationToken cancellationToken)
    {
        if (settings.Quiet || !context.InIsTerminal || !context.ErrorIsTerminal)
            return false;
        await context.Error.WriteAsync(Catalogue.OfferDownload.In(context.Language));
        await context.Error.FlushAsync(cancellationToken);
        string? answer = await context.In.ReadLineAsync(cancellationToken).AsTask().WaitAsync(cancellationToken);
        return answer?.Trim() is "y" or "Y" or "yes" or "Yes" or "是";
    }

    /// <summary>Bills of materials have no bytes to check: nothing is looked for on the machine, unless the user gave rules, which are read to be told what is wrong with them.</summary>
    private CheckOptions ChecksFor(IReadOnlyList<string> images)
    {
        foreach (string image in images)
            if (!image.StartsWith(Scanner.BomPrefix, StringComparison.Ordinal))
                return settings.Checks;
        return settings.Checks is { SecretRules.Count: 0, YaraRules.Count: 0, Clamd: null } ? settings.Checks with { Kinds = new HashSet<ProblemKind>() } : settings.Checks;
    }

    // Not async: the runtime would compile its state machine at each start, and there is nothing else for this thread to do.
    private ScanResult Scan(
        string image, IAdvisoryStore store, IReadOnlyList<Suppression> suppressions, CheckSet checks, CancellationToken either, CancellationToken user)
    {
        try
        {
            using ProgressLine? progress = ProgressLine.Start(context, image, settings.Quiet);
            ScanOptions options = new()
            {
                Platform = settings.Platform,
                Verification = settings.Unverified ? Verification.None : Verification.Full,
                Suppressions = suppressions,
                Vex = _vex,
                Bases = settings.Bases,
                Checks = checks.All,
                Vulnerabilities = settings.Vulnerabilities,
                // A table names the lines only where it groups by layers; a template may use all that the JSON report has.
                ShowsHistory = settings.GroupByLayer || settings.Outputs.Any(o => o.Format != "table" && ReportFormats.Find(o.Format) is null or { ShowsHistory: true }),
                // Bytes that nobody checked never fill the cache.
                CacheFolder = settings.NoCache || settings.Unverified ? null : context.Home.Cache,
                Time = context.Time,
                Progress = progress,
                ToolVersion = AppVersion.Full,
                Parallelism = settings.Parallelism,
                Registry = settings.Registry with { CertificateFolders = [Path.Combine(context.Home.Config, "certs.d"), .. settings.Registry.CertificateFolders] },
                Environment = context.Environment,
                Trace = string.IsNullOrEmpty(context.Environment("PLIMSOLL_TRACE")) ? null : text => context.Error.WriteLine($"plimsoll: trace: {text}"),
            };
            either.ThrowIfCancellationRequested();
            Task<Report> scan = Task.Run(() => services.Scan(image, store, options, either), CancellationToken.None);
            try
            {
                Task.WaitAny([scan], either);
            }
            catch (OperationCanceledException) when (!scan.IsCompleted)
            {
                // It may be closing files; a read that never returns is left to the end of the process.
                Task.WaitAny([scan], Grace);
                throw;
            }
            return ScanResult.Of(image, Judged(DatabaseNotes.AddTo(scan.GetAwaiter().GetResult(), context.Time.GetUtcNow())), settings.Filter);
        }
        catch (OperationCanceledException) when (!user.IsCancellationRequested)
        {
            return Failed(image, "timeout", $"timed out after {TimeoutText}", "give it longer with --timeout");
        }
        catch (ImageException e)
        {
            return Failed(image, Kebab(e.Error.ToString()), Escape.ForTerminal(e.Message), ImageFailure.HintOf(image, e));
        }
        catch (CommandException e)
        {
            return Failed(image, "failed", Escape.ForTerminal(e.Message), e.Hint);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            InternalError.Trace(context, e);
            return Failed(image, "internal", InternalError.Message(e), InternalError.Hint);
        }
    }

    /// <summary>The whole report is judged, whatever of it is shown.</summary>
    private Report Judged(Report report) =>
        _policy is null ? report : report with { Policy = _policy, Verdict = PolicyJudge.Judge(report, _policy, context.Time.GetUtcNow()) };

    private string TimeoutText => settings.Timeout is { } limit ? $"{limit.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)} s" : "";

    private static ScanResult Failed(string image, string code, string message, string? hint) =>
        new() { Image = image, Failure = new ScanFailure(code, message, hint) };

    /// <summary>DigestMismatch to digest-mismatch.</summary>
    internal static string Kebab(string name)
    {
        StringBuilder text = new(name.Length + 4);
        foreach (char c in name)
        {
            if (char.IsAsciiLetterUpper(c) && text.Length > 0)
                text.Append('-');
            text.Append(char.ToLowerInvariant(c));
        }
        return text.ToString();
    }

    private void Write(IReadOnlyList<ScanResult> results, Dictionary<OutputTarget, Template> templates)
    {
        // Files first: when one cannot be written, nothing has gone to standard output yet.
        foreach (OutputTarget output in settings.Outputs)
            if (output.File is not null)
                Write(output, results, templates);
        foreach (OutputTarget output in settings.Outputs)
            if (output.File is null)
                Write(output, results, templates);
    }

    private void Write(OutputTarget output, IReadOnlyList<ScanResult> results, Dictionary<OutputTarget, Template> templates)
    {
        if (output is { Format: "json", File: null })
        {
            // The most that is ever written, and the most often: it goes out while it is made.
            WriteOut(stream => JsonReport.Write(stream, results, settings.Filter, AppVersion.Full));
            return;
        }
        byte[]? content = Render(output, results, templates);
        if (content is null)
            return;
        if (output.File is not null)
            output.WriteFile(content);
        else
            WriteOut(stream => stream.Write(content));
    }

    private void WriteOut(Action<Stream> write)
    {
        try
        {
            context.WriteOut(write);
        }
        // Whoever reads our output may have had enough of it, as head does; the exit code is not for them alone.
        catch (IOException e) when (PlimsollApp.IsBrokenPipe(e))
        {
        }
        catch (IOException e)
        {
            throw new CommandException(ExitCode.Undecided, $"cannot write to standard output: {Escape.ForTerminal(e.Message)}", inner: e);
        }
    }

    /// <summary>Null when there is nothing to say in this format: a bill of materials of an image that could not be read.</summary>
    private byte[]? Render(OutputTarget output, IReadOnlyList<ScanResult> results, Dictionary<OutputTarget, Template> templates)
    {
        if (output.Format == "inspection" && results is [{ Report: { } inspected }] && !PolicyJudge.CanState(inspected))
            throw new CommandException(ExitCode.Undecided, $"{Escape.Quote(inspected.Image)} has no digest that a statement could be about", "scan an image: a folder and a bill of materials may have none");
        if (ReportFormats.Find(output.Format) is { } format)
            return ReportFormats.Render(format, results, settings.Filter, AppVersion.Full,
                format.Name == "html" ? new HtmlOptions { Language = context.Language, Now = context.Time.GetUtcNow(), VersionOrder = services.VersionOrder } : null);
        if (templates.TryGetValue(output, out Template? template))
            return TemplateFile.Told(() => ReportFormats.Render(template, results, settings.Filter, AppVersion.Full));
        using MemoryStream buffer = new();
        // What could not be read is said on standard error already; a table of nothing else would only repeat it.
        bool silent = output.File is null && results.All(r => r.Report is null);
        using (StreamWriter writer = new(buffer, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" })
            TableReport.Write(writer, silent ? [] : results, TableOptionsFor(output));
        return buffer.ToArray();
    }

    private TableOptions TableOptionsFor(OutputTarget output) => new()
    {
        Columns = context.Columns,
        Language = context.Language,
        Colour = settings.Colour switch
        {
            "always" => true,
            "never" => false,
            // no-color.org: set to anything but nothing; the flag above wins over it.
            _ => output.File is null && context.OutIsTerminal && string.IsNullOrEmpty(context.Environment("NO_COLOR"))
                && context.Environment("TERM") is not ("dumb" or null or ""),
        },
        GroupByLayer = settings.GroupByLayer,
        AllRows = settings.AllRows,
        Now = context.Time.GetUtcNow(),
        VersionOrder = services.VersionOrder,
        Filter = settings.Filter,
    };

    private int ExitCodeOf(IReadOnlyList<ScanResult> results)
    {
        int counted = results.Sum(r => r.Count(settings.FailOn.Counts) + (r.Report?.Problems.Count(settings.FailOn.Counts) ?? 0));
        if (counted > 0)
        {
            if (!settings.Quiet)
                context.Error.WriteLine("plimsoll: " + Catalogue.ThresholdCrossed.In(context.Language, counted, Escape.ForTerminal(settings.FailOn.Text)));
            return ExitCode.Refused;
        }
        foreach (ScanResult result in results)
            if (result.Report?.Verdict is { Outcome: Outcome.Refused or Outcome.Undecided } verdict && !settings.Quiet)
                context.Error.WriteLine($"plimsoll: {(results.Count > 1 ? Escape.Quote(result.Image) + ": " : "")}{VerdictText.HeadOf(verdict, context.Language)}");
        if (results.Any(r => r.Report?.Verdict is { Outcome: Outcome.Refused }))
            return ExitCode.Refused;
        if (_updateFailed && !settings.Quiet)
            context.Error.WriteLine("plimsoll: hint: the update that --update asked for failed; the exit code says so (3)");
        return _updateFailed || results.Any(r => r.Report is not { } report || (report.Verdict is { } verdict ? verdict.Outcome == Outcome.Undecided : !report.Complete)) ? ExitCode.Undecided : ExitCode.Done;
    }
}
