using Plimsoll.Oci;

namespace Plimsoll.Agent.Gate;

/// <summary>Notices images that come into the store, by pull, load or build, so that they are measured before somebody starts them.</summary>
/// <remarks>The kernel tells of the file that Docker writes last of an image, its config; the daemon is not asked. What is missed is measured at its start.</remarks>
internal sealed class NewImages : IDisposable
{
    private readonly FileSystemWatcher? _watcher;

    public NewImages(string dataRoot, IImageJudge judge)
    {
        string folder = Path.Combine(dataRoot, "image/overlay2/imagedb/content/sha256");
        if (!Directory.Exists(folder))
            return;
        _watcher = new FileSystemWatcher(folder) { NotifyFilter = NotifyFilters.FileName };
        _watcher.Created += (_, e) => See(e.Name);
        // Docker writes to a temporary name first.
        _watcher.Renamed += (_, e) => See(e.Name);
        _watcher.EnableRaisingEvents = true;

        void See(string? name)
        {
            if (Digest.TryParse($"sha256:{name}", out Digest? id))
                judge.Prepare(id);
        }
    }

    public void Dispose() => _watcher?.Dispose();
}
