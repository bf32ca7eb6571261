using Microsoft.Win32.SafeHandles;
using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Agent.Gate;

/// <summary>A layer's folder that is watched for writes.</summary>
internal sealed class WatchedLayer(string name)
{
    private volatile bool _written;

    /// <summary>Its folder below <c>overlay2/</c>.</summary>
    public string Name => name;

    /// <summary>Something in it was written to since it was first watched, or nobody knows.</summary>
    public bool Written => _written;

    /// <summary>Its files, ascending; null while they are collected.</summary>
    internal ulong[]? Keys { get; set; }

    /// <summary>What was written to on the file system while its files were collected.</summary>
    internal List<ulong>? Meanwhile { get; set; } = [];

    internal void Lose() => (_written, Keys, Meanwhile) = (true, null, null);
}

/// <summary>
/// Which layers nobody wrote to since they were measured. The kernel tells of every write to the file system that holds Docker's store,
/// whichever path, mount or open file it comes by; what it names is looked up among the layers' own files.
/// </summary>
/// <remarks>May be used from any thread.</remarks>
internal sealed class WriteWatch : IDisposable
{
    /// <summary>Files of all watched layers together, 8 bytes each. Layers beyond count for a stated time, as they do without a watch.</summary>
    public const int MaxFiles = 2_000_000;

    /// <summary>Writes that come while one layer's files are collected; more, and it counts as written to.</summary>
    private const int MaxMeanwhile = 200_000;

    /// <summary>Most writes are of no layer: one bit for each of so many says so at once.</summary>
    private const int FilterBits = 23;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20), Wait = TimeSpan.FromMilliseconds(500);

    private readonly string _folder;
    private readonly Action<string, string> _told;
    private readonly Lock _gate = new();
    private readonly List<WatchedLayer> _layers = [];
    private readonly ulong[] _filter = new ulong[1 << (FilterBits - 6)];
    private readonly Action<ulong> _see;
    private readonly ManualResetEvent _stop = new(false);
    private readonly Thread _reader;
    private WriteEvents? _events;
    private string _trouble = "";
    private int _files, _collecting;

    /// <param name="dataRoot">Docker's data root, which need not be there yet.</param>
    /// <param name="told">Told what happened, kebab-case, and to which folder or why.</param>
    /// <exception cref="IOException">This host cannot watch a file system.</exception>
    public WriteWatch(string dataRoot, Action<string, string> told)
    {
        (_folder, _told, _see) = (Path.Combine(dataRoot, "overlay2"), told, See);
        string there = _folder;
        while (!Directory.Exists(there))
            there = Path.GetDirectoryName(there)!;
        // Before docker's first start there is no store yet; whether the kernel can is known now all the same.
        if (there == _folder)
            _events = OpenProved();
        else
            WriteEvents.Open(there).Dispose();
        _reader = new Thread(Follow) { IsBackground = true, Name = "writes" };
        _reader.Start();
    }

    /// <summary>Layers that are watched now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _layers.Count;
        }
    }

    /// <summary>Watches a layer's folder from now on; to be called before the layer is read.</summary>
    /// <param name="open">Opens the folder that will be read, and no other.</param>
    /// <returns>Null where it cannot be watched; one that is written to already where somebody wrote meanwhile.</returns>
    public WatchedLayer? Begin(Func<SafeFileHandle> open, string folder, CancellationToken cancellationToken)
    {
        WatchedLayer layer = new(folder);
        bool watched = false;
        ulong device;
        lock (_gate)
        {
            if (!Open())
                return null;
            device = _events!.Device;
            _layers.Add(layer);
            _collecting++;
        }
        ulong[]? keys = null;
        try
        {
            using SafeFileHandle opened = open();
            keys = LayerKeys.Find(opened, $"overlay2/{folder}", device, MaxFiles - _files, cancellationToken);
        }
        catch (ImageException)
        {
            // Whoever reads the layer next says what is wrong with it.
        }
        finally
        {
            lock (_gate)
            {
                _collecting--;
                watched = Settle(layer, keys);
            }
        }
        return watched ? layer : null;
    }

    /// <summary>Every write that ended before this call is known after it.</summary>
    /// <remarks>The kernel queues an event before the call that caused it returns, and hands the queue out in its order.</remarks>
    public void CatchUp()
    {
        lock (_gate)
            Drain();
    }

    /// <summary>It need not be watched any more.</summary>
    public void End(WatchedLayer layer)
    {
        lock (_gate)
            Remove(layer);
    }

    /// <returns>False where the layer cannot be watched.</returns>
    private bool Settle(WatchedLayer layer, ulong[]? keys)
    {
        // What was written to until now is noted with this layer, or has lost it.
        Drain();
        if (keys is null || _files + keys.Length > MaxFiles)
        {
            Remove(layer);
            return false;
        }
        if (layer.Written)
            return true;
        if (layer.Meanwhile!.Any(k => Array.BinarySearch(keys, k) >= 0))
        {
            Remove(layer);
            return true;
        }
        (layer.Keys, layer.Meanwhile) = (keys, null);
        _files += keys.Length;
        AddToFilter(keys);
        _told("layer-watched", layer.Name);
        return true;
    }

    private bool Open()
    {
        if (_events is not null)
            return true;
        if (_trouble.Length > 0 || !Directory.Exists(_folder))
            return false;
        try
        {
            _events = OpenProved();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _trouble = e.Message;
            _told("writes-unseen", e.Message);
            return false;
        }
    }

    private WriteEvents OpenProved()
    {
        WriteEvents events = WriteEvents.Open(_folder);
        try
        {
            events.Prove();
            return events;
        }
        catch
        {
            events.Dispose();
            throw;
        }
    }

    private void Follow()
    {
        while (!_stop.WaitOne(Pause))
        {
            WriteEvents? events;
            lock (_gate)
                events = _events;
            // Between two rounds the kernel joins what is written to the same file.
            if (events is null ? _stop.WaitOne(Wait) : !events.Wait(Wait))
                continue;
            CatchUp();
        }
    }

    private void Drain()
    {
        if (_events is not { } events)
            return;
        // As many as were queued at the beginning: others go on writing, and this must end.
        int left = events.Queued + 1;
        while (left > 0)
        {
            int read = events.Read(_see, out bool lost);
            if (lost)
                LoseAll();
            if (read == 0)
                return;
            left -= read;
        }
    }

    private void See(ulong key)
    {
        bool known = (_filter[key >> (64 - FilterBits + 6)] & (1UL << (int)((key >> (64 - FilterBits)) & 63))) != 0;
        if (!known && _collecting == 0)
            return;
        for (int i = _layers.Count - 1; i >= 0; i--)
        {
            WatchedLayer layer = _layers[i];
            if (layer.Keys is null)
            {
                if (layer.Meanwhile!.Count < MaxMeanwhile)
                    layer.Meanwhile.Add(key);
                else
                    Remove(layer);
            }
            else if (known && Array.BinarySearch(layer.Keys, key) >= 0)
            {
                Remove(layer);
                _told("layer-written", layer.Name);
            }
        }
    }

    private void LoseAll()
    {
        int count = _layers.Count;
        foreach (WatchedLayer layer in _layers)
            layer.Lose();
        _layers.Clear();
        Array.Clear(_filter);
        _files = 0;
        _told("writes-lost", $"more writes than the kernel keeps, or one that is not understood; {count} layers are read again");
    }

    private void Remove(WatchedLayer layer)
    {
        _files -= layer.Keys?.Length ?? 0;
        bool filtered = layer.Keys is { Length: > 0 };
        layer.Lose();
        if (!_layers.Remove(layer) || !filtered)
            return;
        Array.Clear(_filter);
        foreach (WatchedLayer other in _layers)
            AddToFilter(other.Keys ?? []);
    }

    private void AddToFilter(ulong[] keys)
    {
        foreach (ulong key in keys)
            _filter[key >> (64 - FilterBits + 6)] |= 1UL << (int)((key >> (64 - FilterBits)) & 63);
    }

    public void Dispose()
    {
        _stop.Set();
        _reader.Join();
        _events?.Dispose();
        _stop.Dispose();
    }
}
