using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Cli;

/// <summary>A database that is being opened while the image is: neither needs the other until the packages are known.</summary>
internal sealed class OpeningStore : IAdvisoryStore
{
    private readonly Task<IAdvisoryStore> _opening;
    private readonly CancellationTokenSource _failed = new();
    private readonly Task _then = Task.CompletedTask;

    /// <param name="then">Done with the open database while nobody asks it yet; null for nothing.</param>
    public OpeningStore(Func<IAdvisoryStore> open, Action<IAdvisoryStore>? then)
    {
        _opening = Task.Run(open);
        if (then is not null)
            _then = ThenAsync(then);
        // Who reads an image meanwhile need not go on: without the database there will be no report. Told after the end of the
        // task, because whoever is told asks it for the reason.
        _ = _opening.ContinueWith(_ => _failed.Cancel(), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    private async Task ThenAsync(Action<IAdvisoryStore> then) => then(await _opening.ConfigureAwait(false));

    /// <summary>Cancelled when the database cannot be opened.</summary>
    public CancellationToken Failed => _failed.Token;

    /// <summary>Throws why the database could not be opened, if it could not.</summary>
    public void ThrowIfFailed()
    {
        if (_opening.IsFaulted)
            _opening.GetAwaiter().GetResult();
    }

    private IAdvisoryStore Store => _opening.GetAwaiter().GetResult();

    public DatabaseInfo Info => Store.Info;

    public bool Covers(string ecosystem) => Store.Covers(ecosystem);

    public IReadOnlyList<Affected> Find(string ecosystem, string package) => Store.Find(ecosystem, package);

    public IReadOnlyList<Advisory> FindById(string id) => Store.FindById(id);

    public string? FindKnownExploited(string cve) => Store.FindKnownExploited(cve);

    public IReadOnlyList<Affected> FindAffected(Advisory advisory) => Store.FindAffected(advisory);

    public Epss? FindEpss(string cve) => Store.FindEpss(cve);

    public void Dispose()
    {
        try
        {
            Task.WaitAny(_then);
            Store.Dispose();
        }
        catch (CommandException)
        {
            // It was never open.
        }
    }
}
