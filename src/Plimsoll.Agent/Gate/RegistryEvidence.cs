using System.Collections.Concurrent;
using System.Globalization;
using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sources;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Gate;

/// <summary>A repository that an image of this host was pulled from.</summary>
/// <param name="Root">The manifest or index that it came by, as Docker notes it; proved by whoever fetches.</param>
internal sealed record EvidenceSource(string Repository, Digest Root);

/// <summary>One time that a repository was asked.</summary>
/// <param name="Problem">Null when it answered.</param>
internal sealed record FetchRecord(Digest Image, EvidenceSource Source, int Statements, long Bytes, bool Changed, string? Problem, TimeSpan Took)
{
    /// <summary>Which limit left something out of what the repository has; null: none did.</summary>
    public string? LeftOut { get; init; }
}

/// <summary>
/// Fetches what speaks for images from the registries that policy names: when an image arrives, when a verdict lacks something, and every so often of
/// images that lean on it. Each image is asked for by one at a time. What comes is kept in a folder and decides nothing here.
/// </summary>
internal sealed class RegistryEvidence : IDisposable
{
    /// <summary>A repository that was asked for an image is not asked again before: a container that is started again and again hammers no registry.</summary>
    public static readonly TimeSpan AskedCounts = TimeSpan.FromSeconds(15);

    /// <summary>For all that one image needs.</summary>
    private static readonly TimeSpan FetchPatience = TimeSpan.FromSeconds(30);

    /// <summary>For a start that waits, the launcher behind it; what is fetched later counts for the next.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(10);

    /// <summary>Between looks at what became of images.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(60);

    /// <summary>Repositories of one image, images at once for each registry, so that one that hangs holds up no other, and answers that are remembered.</summary>
    private const int MaxSources = 4, AtOnce = 4, MaxAsked = 8192;

    private static readonly RegistryLimits Limits = RegistryLimits.Default with
    {
        ConnectTimeout = TimeSpan.FromSeconds(4),
        StallTimeout = TimeSpan.FromSeconds(8),
        MaxAttempts = 2,
        MaxPages = 10,
        MaxRedirects = 3,
        FirstBackOff = TimeSpan.FromMilliseconds(250),
        MaxRetryAfter = TimeSpan.FromSeconds(2),
    };

    private sealed record Asked(long At, string Note);

    /// <summary>An image that is asked for now.</summary>
    private sealed class Flight
    {
        /// <summary>Set when the answers are kept. Nobody asks for its handle, so that it holds nothing to dispose of.</summary>
        public ManualResetEventSlim Landed { get; } = new();
    }

    private readonly AgentPaths _paths;
    private readonly HostStore _store;
    private readonly HeldPolicy _policy;
    private readonly FetchedFolder _fetched;
    private readonly Action<FetchRecord> _done;
    private readonly TimeProvider _time;
    private readonly TimeSpan _every;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _slots = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly Dictionary<Digest, Flight> _flights = [];
    private readonly ConcurrentDictionary<(Digest Image, EvidenceSource Source), Asked> _asked = new();
    private readonly Thread _thread;

    /// <param name="every">After this what an image leans on is asked for again; zero: never.</param>
    /// <param name="done">Told of each asking.</param>
    public RegistryEvidence(AgentPaths paths, HostStore store, HeldPolicy policy, FetchedFolder fetched, TimeSpan every, TimeProvider time, Action<FetchRecord> done)
    {
        (_paths, _store, _policy, _fetched, _every, _time, _done) = (paths, store, policy, fetched, every, time, done);
        _thread = new Thread(Watch) { IsBackground = true, Name = "fetched evidence" };
        _thread.Start();
    }

    /// <summary>Where policy lets an image's evidence come from.</summary>
    public static IReadOnlyList<EvidenceSource> SourcesOf(HostStore store, EvidenceSources rules, Digest image)
    {
        if (rules.Registries.Count == 0)
            return [];
        List<EvidenceSource> sources = [];
        foreach ((string name, Digest id) in store.ReadNames())
            if (id == image && sources.Count < MaxSources && name.IndexOf('@', StringComparison.Ordinal) is > 0 and var at && Digest.TryParse(name[(at + 1)..], out Digest? root) && root.Algorithm == "sha256"
                && ImageName.Parse(name).Repository is var repository && rules.Covers(repository) && new EvidenceSource(repository, root) is var source && !sources.Contains(source))
                sources.Add(source);
        return sources;
    }

    /// <summary>Begins to ask for an image, unless all that could be asked was asked a moment ago; returns at once.</summary>
    /// <returns>Whether somebody is asked now.</returns>
    public bool Begin(Digest image) => Begin(image, AskedCounts) is not null;

    private Flight? Begin(Digest image, TimeSpan counts)
    {
        EvidenceSources rules = Rules;
        if (rules.Registries.Count == 0)
            return null;
        lock (_gate)
        {
            if (_flights.TryGetValue(image, out Flight? flight))
                return flight;
            if (_stop.IsCancellationRequested)
                return null;
            EvidenceSource[] sources = [.. SourcesOf(_store, rules, image).Where(s => !(_asked.TryGetValue((image, s), out Asked? asked) && _time.GetElapsedTime(asked.At) < counts))];
            if (sources.Length == 0)
                return null;
            _flights.Add(image, flight = new Flight());
            ThreadPool.QueueUserWorkItem(_ => Fly(image, flight, rules, sources));
            return flight;
        }
    }

    /// <summary>Whether policy names a registry that the image came from.</summary>
    public bool Covers(Digest image) => SourcesOf(_store, Rules, image).Count > 0;

    /// <summary>Asks for an image and waits a while for the answers.</summary>
    public void Await(Digest image, CancellationToken cancellationToken) => Begin(image, AskedCounts)?.Landed.Wait(StartPatience, cancellationToken);

    /// <summary>What the registries said of an image when they were asked last, for refusals; empty when nobody was asked.</summary>
    public string NoteOf(Digest image)
    {
        bool flying;
        lock (_gate)
            flying = _flights.ContainsKey(image);
        EvidenceSource[] sources = [.. SourcesOf(_store, Rules, image)];
        return string.Join("; ", sources.Select(s => _asked.TryGetValue((image, s), out Asked? asked) && !flying ? asked.Note
            : flying ? $"{s.Repository} did not answer within {StartPatience.TotalSeconds:0} s" : "").Where(n => n.Length > 0));
    }

    private EvidenceSources Rules => _policy.Now().Signed?.Policy.Start?.Evidence ?? EvidenceSources.None;

    private void Fly(Digest image, Flight flight, EvidenceSources rules, IReadOnlyList<EvidenceSource> sources)
    {
        try
        {
            using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            late.CancelAfter(FetchPatience);
            foreach (EvidenceSource source in sources)
            {
                SemaphoreSlim slots = _slots.GetOrAdd(source.Repository.Split('/')[0], _ => new SemaphoreSlim(AtOnce));
                slots.Wait(late.Token);
                try
                {
                    Ask(image, rules, source, late.Token);
                }
                finally
                {
                    slots.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Others took too long, or the agent ends.
        }
        finally
        {
            lock (_gate)
                _flights.Remove(image);
            flight.Landed.Set();
        }
    }

    private void Ask(Digest image, EvidenceSources rules, EvidenceSource source, CancellationToken cancellationToken)
    {
        long begin = _time.GetTimestamp();
        FetchRecord record = new(image, source, 0, 0, false, null, TimeSpan.Zero);
        try
        {
            record = Fetch(record, rules, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            _stop.Token.ThrowIfCancellationRequested();
            record = record with { Problem = $"{source.Repository} was not done within {FetchPatience.TotalSeconds:0} s" };
        }
        catch (Exception e) when (e is ImageException or IOException or UnauthorizedAccessException)
        {
            record = record with { Problem = Escape.ForTerminal(e.Message) };
        }
        // Whatever a registry makes go wrong here, it only holds back.
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            record = record with { Problem = $"{source.Repository}: what came cannot be read ({e.GetType().Name})" };
        }
        record = record with { Took = _time.GetElapsedTime(begin) };
        if (_asked.Count > MaxAsked)
            _asked.Clear();
        _asked[(image, source)] = new Asked(_time.GetTimestamp(), record.Problem ?? $"{source.Repository} holds {Counted(record.Statements)} for {source.Root}{(record.LeftOut is { } left ? $", and something was left out: {left}" : "")}");
        KeepLast(record);
        _done(record);
    }

    private FetchRecord Fetch(FetchRecord record, EvidenceSources rules, CancellationToken cancellationToken)
    {
        if (_store.FindConfig(record.Image) is not { } config)
            throw new ImageException(ImageError.NotFound, "the image went away");
        using OpenedSource opened = ArtifactStores.OpenSource($"registry:{record.Source.Repository}@{record.Source.Root}", OptionsFor(rules), cancellationToken);
        EvidenceFetch fetch = EvidenceFetch.Run(opened, record.Source.Root, config, c => _fetched.HasContent(record.Image, c), FetchLimits.Default, cancellationToken);
        return record with { Statements = fetch.Found.Count, Bytes = fetch.Bytes, Changed = _fetched.Put(fetch.Found, fetch.Contents), LeftOut = fetch.Found.Evidence.Gaps.FirstOrDefault(g => g.Code is "too-many-signatures" or "too-many-bytes")?.Message };
    }

    /// <summary>How registries are reached: by the host's own files, and by no program.</summary>
    /// <exception cref="ImageException">AccessDenied: others may read the credentials.</exception>
    private ImageOptions OptionsFor(EvidenceSources rules)
    {
        string credentials = Path.Combine(_paths.Registry, "config.json");
        if (Path.Exists(credentials) && !OwnFiles.IsSecretFile(credentials))
            throw new ImageException(ImageError.AccessDenied, $"{credentials} is no file of root's that nobody else may read (chmod 600), and is not used");
        return new ImageOptions
        {
            Registry = new RegistryOptions
            {
                PlainHttp = rules.PlainHttp,
                CertificateFolders = [Path.Combine(_paths.Registry, "certs.d"), .. RegistryOptions.Default.CertificateFolders],
                CredentialHelpers = false,
                Limits = Limits,
            },
            // Credentials of root's own logins are not looked for.
            Environment = name => name switch
            {
                "DOCKER_CONFIG" => _paths.Registry,
                "DOCKER_AUTH_CONFIG" or "REGISTRY_AUTH_FILE" or "XDG_RUNTIME_DIR" or "HOME" or "PATH" => null,
                _ => Environment.GetEnvironmentVariable(name),
            },
            Time = _time,
        };
    }

    /// <summary>For <c>plimsoll-agent status</c>; nothing hangs on it.</summary>
    private void KeepLast(FetchRecord record)
    {
        try
        {
            string temporary = _paths.LastFetch + ".tmp";
            File.WriteAllText(temporary, string.Create(CultureInfo.InvariantCulture, $"{_time.GetUtcNow().UtcDateTime:yyyy-MM-ddTHH:mm:ssZ} {record.Problem ?? $"{record.Source.Repository}: {Counted(record.Statements)} for {record.Source.Root}"}\n"));
            File.Move(temporary, _paths.LastFetch, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The log has it.
        }
    }

    private static string Counted(int statements) => statements == 1 ? "1 signature or statement" : string.Create(CultureInfo.InvariantCulture, $"{statements} signatures and statements");

    /// <summary>Forgets images that went, and asks again for what others lean on.</summary>
    private void Watch()
    {
        long last = _time.GetTimestamp();
        while (!_stop.Token.WaitHandle.WaitOne(_every > TimeSpan.Zero && _every < LookEvery ? _every : LookEvery))
            try
            {
                _fetched.Sweep(_store.ListImages().ToHashSet());
                if (_every == TimeSpan.Zero || _time.GetElapsedTime(last) < _every)
                    continue;
                last = _time.GetTimestamp();
                foreach (Digest image in _fetched.Images())
                    // One after the other: a refresh is in no hurry.
                    Begin(image, _every / 2)?.Landed.Wait(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                // The agent ends.
            }
            catch (Exception e) when (e is ImageException or IOException or UnauthorizedAccessException)
            {
                // Docker's store is not there yet, or somebody changed the folder; the next look may fare better.
            }
    }

    public void Dispose()
    {
        Flight[] flights;
        lock (_gate)
        {
            _stop.Cancel();
            flights = [.. _flights.Values];
        }
        _thread.Join();
        foreach (Flight flight in flights)
            flight.Landed.Wait(FetchPatience);
        foreach (SemaphoreSlim slots in _slots.Values)
            slots.Dispose();
        _stop.Dispose();
    }
}
