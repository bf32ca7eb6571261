using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Keys;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll db</c>: gets, shows and carries the advisory database. Page: docs/verbs/db.md.</summary>
public static class DbCommand
{
    public static Command Create(CliContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new Command("db", DbTexts.Db.In(context.Language))
        {
            Update(context), Status(context), Export(context), Import(context), MalwareDbCommand.Create(context),
        };
    }

    private static Command Update(CliContext context)
    {
        Option<string> source = new("--source")
        {
            Description = DbTexts.HelpSource.In(context.Language),
            HelpName = "URL|FOLDER|ZIP",
            DefaultValueFactory = _ => UpdateOptions.PublicSource,
        };
        Option<string[]> ecosystem = new("--ecosystem")
        {
            Description = DbTexts.HelpEcosystem.In(context.Language),
            HelpName = "NAME",
        };
        Option<string?> kev = new("--kev")
        {
            Description = DbTexts.HelpKev.In(context.Language),
            HelpName = "URL|FILE",
        };
        Option<string?> epss = new("--epss")
        {
            Description = DbTexts.HelpEpss.In(context.Language),
            HelpName = "URL|FILE",
        };
        Option<bool> older = new("--allow-older") { Description = DbTexts.HelpOlder.In(context.Language) };
        Command command = new("update", DbTexts.SummaryUpdate.In(context.Language)) { source, ecosystem, kev, epss, older };
        command.SetAction((line, cancellationToken) => RunAsync(context, async () =>
        {
            string[] named = line.GetValue(ecosystem) ?? [];
            bool all = named.Contains("all");
            UpdateOptions options = new()
            {
                DatabasePath = context.Home.Database,
                Source = line.GetValue(source)!,
                Ecosystems = all ? [] : named,
                AllEcosystems = all,
                Kev = line.GetValue(kev),
                Epss = line.GetValue(epss),
                AllowOlder = line.GetValue(older),
                Time = context.Time,
            };
            try
            {
                return await UpdateAsync(context, options, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                context.WriteError(DbTexts.Interrupted.In(context.Language));
                return PlimsollApp.Interrupted;
            }
        }));
        return command;
    }

    /// <summary>Updates with progress on a terminal and says what came of it; an exit code, errors included.</summary>
    /// <exception cref="OperationCanceledException">The database in use was not changed.</exception>
    public static Task<int> UpdateAsync(CliContext context, UpdateOptions options, CancellationToken cancellationToken) => RunAsync(context, async () =>
    {
        using ProgressLine? progress = context.ErrorIsTerminal ? new ProgressLine(context) : null;
        // Away from the caller's thread: reading takes seconds and Ctrl-C must get through.
        UpdateResult result = await Task.Run(() => DatabaseUpdate.RunAsync(options, progress, cancellationToken), cancellationToken);
        progress?.Dispose();
        Tell(context, options.DatabasePath, result);
        return ExitCode.Done;
    });

    private static Command Status(CliContext context)
    {
        Option<bool> json = new("--json") { Description = DbTexts.HelpJson.In(context.Language) };
        Option<bool> verify = new("--verify") { Description = DbTexts.HelpVerify.In(context.Language) };
        Command command = new("status", DbTexts.SummaryStatus.In(context.Language)) { json, verify };
        command.SetAction((line, cancellationToken) => RunAsync(context, () =>
        {
            bool asJson = line.GetValue(json);
            string path = context.Home.Database;
            AdvisoryDatabase database;
            try
            {
                database = AdvisoryDatabase.Open(path);
            }
            catch (AdvisoryException e) when (e.Error == AdvisoryError.NotFound)
            {
                using StarterSet starter = new();
                if (asJson)
                    context.Out.WriteLine(ToJson(path, starter.Info, null, context));
                else
                {
                    context.Out.WriteLine(DbTexts.NoDatabase.In(context.Language, path));
                    context.Out.WriteLine(DbTexts.StarterSet.In(context.Language, starter.Info.Records));
                    context.Error.WriteLine($"plimsoll: hint: {DbTexts.RunUpdate.In(context.Language)}");
                }
                return Task.FromResult(ExitCode.Undecided);
            }
            using (database)
            {
                if (line.GetValue(verify))
                    database.Verify(cancellationToken);
                if (asJson)
                    context.Out.WriteLine(ToJson(path, database.Info, database, context));
                else
                    Show(context, database, line.GetValue(verify));
            }
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    private static Command Export(CliContext context)
    {
        Argument<string> file = new("FILE") { Description = DbTexts.HelpExportFile.In(context.Language) };
        Option<string> key = new("--key") { Description = DbTexts.HelpPrivateKey.In(context.Language), HelpName = "NAME|FILE", Required = true };
        Option<string?> passphrase = PassphraseSource.Option(context);
        Command command = new("export", DbTexts.SummaryExport.In(context.Language)) { file, key, passphrase };
        command.SetAction((line, cancellationToken) => RunAsync(context, () =>
        {
            string to = line.GetRequiredValue(file);
            using ISigner signer = new KeyStore(context).OpenSigner(line.GetRequiredValue(key), new PassphraseSource(context, line.GetValue(passphrase)), cancellationToken);
            DatabaseInfo info = DatabaseTransfer.Export(context.Home.Database, to, signer, cancellationToken);
            context.Out.WriteLine(DbTexts.Exported.In(context.Language, info.Counter, Escape.ForTerminal(to)));
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    private static Command Import(CliContext context)
    {
        Argument<string> file = new("FILE") { Description = DbTexts.HelpImportFile.In(context.Language) };
        Option<string> key = new("--key") { Description = DbTexts.HelpPublicKey.In(context.Language), HelpName = "NAME|FILE", Required = true };
        Command command = new("import", DbTexts.SummaryImport.In(context.Language)) { file, key };
        command.SetAction((line, cancellationToken) => RunAsync(context, () =>
        {
            using KeyRing ring = new KeyStore(context).OpenPublic(line.GetRequiredValue(key));
            try
            {
                DatabaseInfo info = DatabaseTransfer.Import(context.Home.Database, line.GetRequiredValue(file), ring.Keys, ring.Name, OsvLimits.Default, cancellationToken);
                context.Out.WriteLine(DbTexts.Imported.In(context.Language, context.Home.Database, info.Counter, info.Records));
            }
            catch (AdvisoryException e) when (e.Error == AdvisoryError.AlreadyInUse)
            {
                using AdvisoryDatabase database = AdvisoryDatabase.Open(context.Home.Database);
                context.Out.WriteLine(DbTexts.AlreadyInUse.In(context.Language, database.Info.Counter));
            }
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    /// <summary>Runs a verb and turns what it throws into words and an exit code.</summary>
    private static async Task<int> RunAsync(CliContext context, Func<Task<int>> verb)
    {
        try
        {
            return await verb();
        }
        catch (AdvisoryException e)
        {
            context.WriteError(Escape.ForTerminal(e.Message), e.Hint is null ? null : Escape.ForTerminal(e.Hint));
            return e.Error switch
            {
                AdvisoryError.Usage => ExitCode.Usage,
                AdvisoryError.BadSignature or AdvisoryError.LowerCounter or AdvisoryError.Older => ExitCode.Refused,
                _ => ExitCode.Undecided,
            };
        }
    }

    private static void Tell(CliContext context, string path, UpdateResult result)
    {
        Language language = context.Language;
        context.Out.WriteLine(DbTexts.Updated.In(language, path, result.Info.Counter, result.Info.Records));
        foreach (EcosystemInfo ecosystem in result.Replaced)
            context.Out.WriteLine("  " + Line(ecosystem, language));
        if (result.Kept.Count > 0)
            context.Out.WriteLine("  " + DbTexts.Kept.In(language, string.Join(", ", result.Kept)));
        if (result.Info.KevVersion is { } kev)
            context.Out.WriteLine($"  {DbTexts.KnownExploited.In(language)}: {DbTexts.Catalogue.In(language, Escape.ForTerminal(kev))}");
        if (result.Info.EpssDate is { } epss)
            context.Out.WriteLine($"  {DbTexts.Epss.In(language)}: {DbTexts.Day(epss)}");
        if (result.Withdrawn > 0)
            context.Error.WriteLine($"plimsoll: note: {DbTexts.Withdrawn.In(language, result.Withdrawn)}");
        if (result.Malformed > 0)
            context.Error.WriteLine($"plimsoll: note: {DbTexts.Malformed.In(language, result.Malformed, result.Read, string.Join("; ", result.MalformedNames))}");
        foreach (UpdateNote note in result.Notes)
        {
            Text text = note.Code switch
            {
                "kev-failed" => DbTexts.KevFailed,
                "kev-older" => DbTexts.KevOlder,
                "epss-older" => DbTexts.EpssOlder,
                "ecosystem-absent" => DbTexts.EcosystemAbsent,
                _ => DbTexts.WasUnusable,
            };
            context.Error.WriteLine($"plimsoll: note: {text.In(language, Escape.ForTerminal(note.Detail))}");
        }
    }

    private static void Show(CliContext context, AdvisoryDatabase database, bool verified)
    {
        Language language = context.Language;
        DatabaseInfo info = database.Info;
        Row(DbTexts.File, DbTexts.Bytes.In(language, database.Path, new FileInfo(database.Path).Length));
        Row(DbTexts.Counter, info.Counter.ToString(CultureInfo.InvariantCulture));
        Row(DbTexts.Created, DbTexts.Age.In(language, Iso(info.Created), Age(context.Time.GetUtcNow() - info.Created, language)));
        Row(DbTexts.Records, info.Records.ToString(CultureInfo.InvariantCulture));
        Row(DbTexts.Digest, info.Digest);
        Row(DbTexts.KnownExploited, info.KevVersion is { } kev ? DbTexts.Catalogue.In(language, Escape.ForTerminal(kev)) : DbTexts.None.In(language));
        Row(DbTexts.Epss, info.EpssDate is { } epss ? DbTexts.Day(epss) : DbTexts.None.In(language));
        foreach (EcosystemInfo ecosystem in database.EcosystemDetails)
        {
            context.Out.WriteLine(Line(ecosystem, language));
            foreach (ReleaseInfo release in database.Releases)
                if (release.Name.StartsWith(ecosystem.Name + ":", StringComparison.Ordinal))
                    context.Out.WriteLine($"  {Escape.ForTerminal(release.Name),-20} {release.Records,8}");
        }
        if (verified)
            context.Out.WriteLine(DbTexts.Verified.In(language));

        void Row(Text name, string value)
        {
            string shown = name.In(language);
            // A Chinese character takes two columns.
            int columns = shown.Sum(c => c > 0x2e80 ? 2 : 1);
            context.Out.WriteLine($"{shown}{new string(' ', Math.Max(1, 17 - columns))}{value}");
        }
    }

    private static string Line(EcosystemInfo ecosystem, Language language) =>
        DbTexts.Ecosystem.In(language, Escape.ForTerminal(ecosystem.Name), ecosystem.Records,
            ecosystem.Newest == DateTimeOffset.MinValue ? "?" : ecosystem.Newest.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture))
        + (ecosystem.Malformed > 0 ? DbTexts.Missing.In(language, ecosystem.Malformed) : "");

    private static string Age(TimeSpan age, Language language) =>
        age.TotalDays >= 2 ? DbTexts.Days.In(language, (long)age.TotalDays)
        : age.TotalHours >= 2 ? DbTexts.Hours.In(language, (long)age.TotalHours)
        : DbTexts.Minutes.In(language, Math.Max(0, (long)age.TotalMinutes));

    private static string Iso(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string ToJson(string path, DatabaseInfo info, AdvisoryDatabase? database, CliContext context)
    {
        using MemoryStream memory = new();
        using (Utf8JsonWriter json = new(memory, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            json.WriteString("file", path);
            json.WriteBoolean("present", info.IsDatabase);
            if (database is null)
                json.WriteNumber("starterSetRecords", info.Records);
            else
            {
                json.WriteNumber("bytes", new FileInfo(path).Length);
                json.WriteNumber("counter", info.Counter);
                json.WriteString("created", Iso(info.Created));
                json.WriteNumber("ageSeconds", (long)(context.Time.GetUtcNow() - info.Created).TotalSeconds);
                json.WriteNumber("records", info.Records);
                json.WriteString("digest", info.Digest);
                json.WriteString("kevVersion", info.KevVersion);
                json.WriteString("epssDate", info.EpssDate);
                json.WriteStartArray("ecosystems");
                foreach (EcosystemInfo ecosystem in database.EcosystemDetails)
                {
                    json.WriteStartObject();
                    json.WriteString("name", ecosystem.Name);
                    json.WriteNumber("records", ecosystem.Records);
                    json.WriteNumber("malformed", ecosystem.Malformed);
                    json.WriteString("newest", Iso(ecosystem.Newest));
                    json.WriteString("digest", "sha256:" + ecosystem.Digest);
                    json.WriteStartArray("releases");
                    foreach (ReleaseInfo release in database.Releases)
                        if (release.Name == ecosystem.Name || release.Name.StartsWith(ecosystem.Name + ":", StringComparison.Ordinal))
                        {
                            json.WriteStartObject();
                            json.WriteString("name", release.Name);
                            json.WriteNumber("records", release.Records);
                            json.WriteEndObject();
                        }
                    json.WriteEndArray();
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(memory.ToArray());
    }

    /// <summary>One line on the terminal that shows how far an update is; written at most ten times a second.</summary>
    private sealed class ProgressLine(CliContext context) : IProgress<UpdateProgress>, IDisposable
    {
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
        private readonly Lock _lock = new();
        private long _last;
        private bool _shown, _done;

        public void Report(UpdateProgress value)
        {
            lock (_lock)
            {
                if (_done || (_shown && context.Time.GetElapsedTime(_last) < Pause))
                    return;
                _last = context.Time.GetTimestamp();
                _shown = true;
                string what = Escape.ForTerminal(value.What);
                string text = value.Step switch
                {
                    "download" => DbTexts.Download.In(context.Language, what, value.Total > 0 ? $"{value.Done >> 20} / {value.Total >> 20} MiB" : $"{value.Done >> 20} MiB"),
                    "read" => DbTexts.Read.In(context.Language, what, value.Done, value.Total),
                    "keep" => DbTexts.Keep.In(context.Language, what),
                    _ => DbTexts.Write.In(context.Language, what),
                };
                if (text.Length >= context.Columns)
                    text = text[..Math.Max(0, context.Columns - 1)];
                context.Error.Write($"\r{text}\e[K");
            }
        }

        public void Dispose()
        {
            lock (_lock)
            {
                if (_shown && !_done)
                    context.Error.Write("\r\e[K");
                _done = true;
            }
        }
    }
}
