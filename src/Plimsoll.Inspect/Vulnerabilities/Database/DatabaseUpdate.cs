using Plimsoll.Texts;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>
/// Replaces ecosystems of an advisory database by those of a source and keeps the others. The new file is made beside the old
/// one and renamed when it is complete: whatever goes wrong before leaves the database in use as it was.
/// </summary>
public static class DatabaseUpdate
{
    /// <exception cref="AdvisoryException">Nothing was changed; the error says why.</exception>
    /// <exception cref="OperationCanceledException">Nothing was changed.</exception>
    public static async Task<UpdateResult> RunAsync(UpdateOptions options, IProgress<UpdateProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (string name in options.Ecosystems)
            if (!UpdateSource.IsName(name))
                throw new AdvisoryException(AdvisoryError.Usage, $"{Escape.Quote(name)} is no ecosystem", "name it without a release: Debian, Alpine");
        using UpdateLock held = UpdateLock.Take(options.DatabasePath);
        string spool = UpdateLock.Temporary(options.DatabasePath, "spool"), made = UpdateLock.Temporary(options.DatabasePath, "db");
        try
        {
            return await RunAsync(options, held, spool, made, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AdvisoryException(AdvisoryError.AccessDenied, $"the update failed: {e.Message}", inner: e);
        }
        finally
        {
            File.Delete(made);
        }
    }

    private static async Task<UpdateResult> RunAsync(
        UpdateOptions options, UpdateLock held, string spool, string made, IProgress<UpdateProgress>? progress, CancellationToken cancellationToken)
    {
        List<UpdateNote> notes = [];
        using Download download = new(options.Limits, options.StallTimeout);
        using UpdateSource source = UpdateSource.Of(options, download);
        using AdvisoryDatabase? current = OpenCurrent(options.DatabasePath, notes);
        using DatabaseBuilder builder = new(spool);
        IReadOnlyList<string>? chosen = await ChooseAsync(source, options, notes, cancellationToken).ConfigureAwait(false);
        FeedCounts counts = new();
        HashSet<string> replaced = [.. chosen ?? []];
        foreach (string? ecosystem in chosen ?? (IEnumerable<string?>)[null])
        {
            FeedCounts one = await ImportAsync(source, ecosystem, builder, options, progress, cancellationToken).ConfigureAwait(false);
            counts.Add(one);
            if (ecosystem is not null)
                builder.AddMalformed(ecosystem, one.Malformed);
        }
        if (source.IsMix)
        {
            replaced = [.. builder.Sources];
            foreach (string name in replaced)
                builder.AddMalformed(name, counts.Malformed);
        }
        CheckPresent(options, source, builder, counts, replaced);
        List<string> kept = [.. current?.Info.Ecosystems.Where(e => !replaced.Contains(e)) ?? []];
        if (current is not null && kept.Count > 0)
        {
            progress?.Report(new UpdateProgress("keep", string.Join(", ", kept), 0, 0));
            builder.Keep(current, [.. kept], cancellationToken);
        }
        KevCatalogue? kev = await KevAsync(source, current, options, download, notes, cancellationToken).ConfigureAwait(false);
        EpssTable? epss = await EpssAsync(current, options, download, notes, cancellationToken).ConfigureAwait(false);
        progress?.Report(new UpdateProgress("write", options.DatabasePath, 0, 0));
        DatabaseMeta meta = builder.Write(made, new DatabaseMeta
        {
            Counter = Math.Max(current?.Info.Counter ?? 0, held.Counter) + 1,
            Created = options.Time.GetUtcNow(),
        }, kev, epss, cancellationToken);
        CheckNotOlder(current, meta, replaced, options);
        DatabaseInfo info;
        using (AdvisoryDatabase check = AdvisoryDatabase.Open(made))
            info = check.Info;
        cancellationToken.ThrowIfCancellationRequested();
        held.Counter = meta.Counter;
        UpdateLock.Replace(made, options.DatabasePath);
        return new UpdateResult
        {
            Info = info,
            Replaced = [.. meta.Ecosystems.Where(e => replaced.Contains(e.Name))],
            Kept = kept,
            Read = counts.Read,
            Withdrawn = counts.Withdrawn,
            Malformed = counts.Malformed,
            MalformedNames = counts.MalformedNames,
            Notes = notes,
        };
    }

    /// <summary>Apart from the rest, so that a feed's directory does not stay in memory while the database is written.</summary>
    private static async Task<FeedCounts> ImportAsync(
        UpdateSource source, string? ecosystem, DatabaseBuilder builder, UpdateOptions options, IProgress<UpdateProgress>? progress, CancellationToken cancellationToken)
    {
        string what = ecosystem ?? options.Source;
        using IRecordFeed feed = await source.OpenAsync(ecosystem, Report(progress, "download", what), cancellationToken).ConfigureAwait(false);
        Action<long, long>? read = Report(progress, "read", what);
        HashSet<string>? wanted = ecosystem is null && !options.AllEcosystems
            ? [.. options.Ecosystems.Count > 0 ? options.Ecosystems : UpdateOptions.DefaultEcosystems] : null;
        return FeedImporter.Import(feed, what, builder, ecosystem, wanted, options,
            read is null ? null : (done, total) => read(done, total), cancellationToken);
    }

    private static Action<long, long>? Report(IProgress<UpdateProgress>? progress, string step, string what) =>
        progress is null ? null : (done, total) => progress.Report(new UpdateProgress(step, what, done, total));

    /// <summary>The database in use. One that is damaged is replaced; one that a newer Plimsoll made is left alone.</summary>
    private static AdvisoryDatabase? OpenCurrent(string path, List<UpdateNote> notes)
    {
        try
        {
            return AdvisoryDatabase.Open(path);
        }
        catch (AdvisoryException e) when (e.Error == AdvisoryError.NotFound)
        {
            return null;
        }
        catch (AdvisoryException e) when (e.Error == AdvisoryError.Corrupt)
        {
            notes.Add(new UpdateNote("database-was-unusable", e.Message));
            return null;
        }
    }

    private static async Task<IReadOnlyList<string>?> ChooseAsync(UpdateSource source, UpdateOptions options, List<UpdateNote> notes, CancellationToken cancellationToken)
    {
        if (source.IsMix)
            return null;
        IReadOnlyList<string>? list = await source.ListAsync(cancellationToken).ConfigureAwait(false);
        if (options.AllEcosystems)
            return list is { Count: > 0 } ? list
                : throw new AdvisoryException(AdvisoryError.NotFound, $"{options.Source} does not list its ecosystems", "name them with --ecosystem");
        if (options.Ecosystems.Count > 0)
        {
            foreach (string name in options.Ecosystems)
                if (list is not null && !list.Contains(name))
                    throw new AdvisoryException(AdvisoryError.NotFound, $"{options.Source} has no ecosystem {Escape.Quote(name)}", $"it has {string.Join(", ", list)}");
            return [.. options.Ecosystems.Distinct(StringComparer.Ordinal)];
        }
        if (list is null)
            return UpdateOptions.UnlistedEcosystems;
        List<string> chosen = [.. UpdateOptions.DefaultEcosystems.Where(list.Contains)];
        if (chosen.Count == 0)
            throw new AdvisoryException(AdvisoryError.Empty, $"{options.Source} has none of {string.Join(", ", UpdateOptions.DefaultEcosystems)}",
                $"name what you want with --ecosystem; it has {(list.Count == 0 ? "nothing" : string.Join(", ", list))}");
        // One note for all: a mirror of a few ecosystems is made on purpose.
        string absent = string.Join(", ", UpdateOptions.DefaultEcosystems.Except(chosen));
        if (absent.Length > 0)
            notes.Add(new UpdateNote("ecosystem-absent", absent));
        return chosen;
    }

    /// <summary>An ecosystem without one record is a broken source: taking it would turn findings into silence.</summary>
    private static void CheckPresent(UpdateOptions options, UpdateSource source, DatabaseBuilder builder, FeedCounts counts, HashSet<string> replaced)
    {
        IEnumerable<string> needed = source.IsMix && !options.AllEcosystems ? options.Ecosystems : replaced;
        string? empty = needed.FirstOrDefault(e => !builder.Sources.Contains(e));
        if (empty is null && builder.Records > 0)
            return;
        string others = counts.OtherEcosystems.Count > 0 ? $"; it speaks of {string.Join(", ", counts.OtherEcosystems.Order(StringComparer.Ordinal).Take(10).Select(Escape.ForTerminal))}" : "";
        throw new AdvisoryException(AdvisoryError.Empty, $"{options.Source} has no records{(empty is null ? "" : $" of {empty}")} ({counts.Read} read, {counts.Withdrawn} withdrawn{others})",
            others.Length > 0 ? "name what you want with --ecosystem" : null);
    }

    private static void CheckNotOlder(AdvisoryDatabase? current, DatabaseMeta made, HashSet<string> replaced, UpdateOptions options)
    {
        if (current is null || options.AllowOlder)
            return;
        foreach (EcosystemInfo then in current.EcosystemDetails)
        {
            EcosystemInfo? now = made.Ecosystems.FirstOrDefault(e => e.Name == then.Name && replaced.Contains(e.Name));
            if (now is not null && now.Newest < then.Newest)
                throw new AdvisoryException(AdvisoryError.Older,
                    $"{options.Source} is older than the database in use: the newest record of {then.Name} is of {now.Newest:yyyy-MM-dd'T'HH:mm:ss'Z'}, here of {then.Newest:yyyy-MM-dd'T'HH:mm:ss'Z'}",
                    "add --allow-older to take it all the same");
        }
    }

    private static async Task<KevCatalogue?> KevAsync(
        UpdateSource source, AdvisoryDatabase? current, UpdateOptions options, Download download, List<UpdateNote> notes, CancellationToken cancellationToken)
    {
        KevCatalogue? inUse = current?.Kev();
        if ((options.Kev ?? source.Kev) is not { } from)
            return inUse;
        try
        {
            KevCatalogue read = KevCatalogue.Parse(UpdateSource.IsAddress(from, out Uri? address)
                ? await download.ToArrayAsync(address, options.Limits.MaxKevBytes, cancellationToken).ConfigureAwait(false)
                : await ReadAsync(from, options.Limits.MaxKevBytes, nameof(OsvLimits.MaxKevBytes), cancellationToken).ConfigureAwait(false), from);
            if (inUse?.Version is null || options.AllowOlder || string.CompareOrdinal(read.Version, inUse.Version) >= 0)
                return read;
            notes.Add(new UpdateNote("kev-older", $"{from} is of {Escape.ForTerminal(read.Version!)}, in use is {inUse.Version}"));
            return inUse;
        }
        catch (AdvisoryException e) when (options.Kev is null)
        {
            // Nobody asked for it by name: the advisories are worth having without it.
            notes.Add(new UpdateNote("kev-failed", e.Message));
            return inUse;
        }
    }

    /// <summary>The table that was asked for, or the one in use. Who names one wants it: what is wrong with it stops the update.</summary>
    private static async Task<EpssTable?> EpssAsync(
        AdvisoryDatabase? current, UpdateOptions options, Download download, List<UpdateNote> notes, CancellationToken cancellationToken)
    {
        if (options.Epss is not { } from)
            return current?.ReadEpss();
        EpssTable read = EpssTable.Parse(UpdateSource.IsAddress(from, out Uri? address)
            ? await download.ToArrayAsync(address, options.Limits.MaxEpssBytes, cancellationToken).ConfigureAwait(false)
            : await ReadAsync(from, options.Limits.MaxEpssBytes, nameof(OsvLimits.MaxEpssBytes), cancellationToken).ConfigureAwait(false), from);
        if (options.AllowOlder || current?.Info.EpssDate is not { } then || string.CompareOrdinal(read.Date, then) >= 0)
            return read;
        notes.Add(new UpdateNote("epss-older", $"{from} is of {read.Date}, in use is {then}"));
        return current.ReadEpss();
    }

    private static async Task<byte[]> ReadAsync(string path, int maxBytes, string limit, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
            throw new AdvisoryException(AdvisoryError.NotFound, $"there is no file {path}");
        return await Task.Run(() => Posix.SmallFile.Read(path, maxBytes), cancellationToken).ConfigureAwait(false)
            ?? throw new AdvisoryException(AdvisoryError.LimitExceeded, $"{path} has more than {maxBytes} bytes ({limit})");
    }
}
