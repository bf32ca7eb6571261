using Plimsoll.Docker;
using Plimsoll.Oci;

namespace Plimsoll.Agent.Gate;

/// <summary>Notices images that come into the store, by pull, load or build, so that they are measured, and registries asked for them, before somebody starts them.</summary>
/// <remarks>
/// The kernel tells of the file that Docker writes last of an image, its config, and of the list of names, which comes after it; the daemon is not
/// asked. What is missed is measured and asked for at its start.
/// </remarks>
internal sealed class NewImages : IDisposable
{
    private const string Names = "repositories.json";

    /// <summary>Until Docker made its store; on a host without it this waits.</summary>
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(2);

    private readonly HostStore _store;
    private readonly IImageJudge _judge;
    private readonly Timer _begin;
    private readonly Lock _gate = new();
    private readonly List<FileSystemWatcher> _watchers = [];
    private HashSet<(string Name, Digest Id)> _seen = [];
    private bool _ended;

    public NewImages(HostStore store, IImageJudge judge)
    {
        (_store, _judge) = (store, judge);
        _begin = new Timer(_ => Begin(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _begin.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private void Begin()
    {
        string images = Path.Combine(_store.Root, "image/overlay2"), configs = Path.Combine(images, "imagedb/content/sha256");
        lock (_gate)
        {
            if (_ended)
                return;
            if (!Directory.Exists(configs))
            {
                _begin.Change(Between, Timeout.InfiniteTimeSpan);
                return;
            }
            try
            {
                Follow(configs, "*", name =>
                {
                    if (Digest.TryParse($"sha256:{name}", out Digest? id))
                        _judge.Prepare(id);
                });
                Follow(images, Names, _ => SeeNames());
            }
            catch (IOException)
            {
                // The kernel has no watch left: images are measured and asked for at their start.
            }
        }
        SeeNames();
    }

    private void Follow(string folder, string filter, Action<string?> see)
    {
        FileSystemWatcher watcher = new(folder, filter) { NotifyFilter = NotifyFilters.FileName };
        watcher.Created += (_, e) => see(e.Name);
        // Docker writes to a temporary name first.
        watcher.Renamed += (_, e) => see(e.Name);
        watcher.EnableRaisingEvents = true;
        _watchers.Add(watcher);
    }

    /// <summary>An image that came by a registry has a name with a digest, which is what a registry is asked by.</summary>
    private void SeeNames()
    {
        List<Digest> arrived = [];
        lock (_gate)
            try
            {
                HashSet<(string Name, Digest Id)> now = [.. _store.ReadNames().Where(n => n.Name.Contains('@', StringComparison.Ordinal))];
                arrived.AddRange(now.Except(_seen).Select(n => n.Id).Distinct());
                _seen = now;
            }
            catch (ImageException)
            {
                // Whoever starts an image of it is told why.
            }
        arrived.ForEach(_judge.Arrived);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _watchers.ForEach(w => w.Dispose());
        }
        _begin.Dispose();
    }
}
