using System.Collections.Concurrent;
using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Agent.Gate;

/// <summary>Measures images of the store, each layer at most once in a time that is stated, and one image once at a time.</summary>
/// <param name="maxAge">How long a layer's measurement counts; zero: every start reads every layer.</param>
/// <param name="writes">When given, a layer that it watches counts until it was written to, however long that is; null: nobody watches.</param>
/// <remarks>
/// What is remembered is bound to the folder's device and inode, to the layer's place in its chain, and to this process, which no
/// boot survives.
/// </remarks>
internal sealed class MeasuredLayers(HostStore store, TimeSpan maxAge, TimeProvider time, WriteWatch? writes = null)
{
    /// <summary>Layers that are remembered; a host with more measures some of them again.</summary>
    private const int MaxLayers = 20_000;

    /// <summary>Images of which it is remembered that they were measured, and that are measured once at a time.</summary>
    private const int MaxImages = 4096;

    /// <summary>Files whose state tells that a layer may have been repaired.</summary>
    private const int MaxWatched = 64;

    private readonly ConcurrentDictionary<string, Kept> _layers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Failed> _failed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Digest, Lock> _busy = new();

    /// <summary>When the layer of an image that was measured longest ago was.</summary>
    private readonly ConcurrentDictionary<Digest, long> _images = new();

    private long _read;

    private sealed record Kept(LayerMeasurement Layer, long At, WatchedLayer? Watched);

    /// <summary>An image that was not as its config says.</summary>
    /// <param name="Watched">Files that were named, and Docker's records of their layers.</param>
    /// <param name="State">Theirs, right after.</param>
    private sealed record Failed(MeasureResult Result, long At, IReadOnlyList<string> Watched, string State);

    /// <summary>What a signed list says of a layer (image, diffID), to name the files of one that is wrong; null where there is none.</summary>
    public Func<Digest, Digest, CancellationToken, LayerFiles?>? FindFiles { get; set; }

    /// <summary>Layers that were read and found right.</summary>
    public long Read => Interlocked.Read(ref _read);

    /// <summary>Whether somebody who starts it soon would wait for a measurement that can be made now.</summary>
    public bool IsDue(Digest image) => (maxAge > TimeSpan.Zero || writes is not null) && !(_images.TryGetValue(image, out long at) && time.GetElapsedTime(at) < maxAge);

    /// <summary>Measures it when <see cref="IsDue"/>.</summary>
    /// <exception cref="ImageException">It cannot be measured.</exception>
    public void Prepare(Digest image)
    {
        if (IsDue(image) && store.OpenImage(image) is { } opened)
            using (opened)
                Measure(opened, CancellationToken.None);
    }

    /// <summary>As the other form, for one of several images that the store says lie in the same folders.</summary>
    /// <param name="last">Another one of them: where the configs say that they have the same layers, what it measured to is not measured again, however long that counts.</param>
    /// <exception cref="ImageException">It cannot be measured.</exception>
    public MeasureResult Measure(UnpackedImage image, (UnpackedImage Image, MeasureResult Result)? last, CancellationToken cancellationToken, TimeSpan? counts = null) =>
        last is var (other, result) && other.Image.Layers.Select(l => l.DiffId).SequenceEqual(image.Image.Layers.Select(l => l.DiffId))
            ? result with { Measurement = result.Measurement is { } measured ? measured with { Config = image.Id } : null } : Measure(image, cancellationToken, counts);

    /// <summary>What the image measures to now, or what in it is not as its config says.</summary>
    /// <param name="counts">How long a layer's measurement counts where that is not as everywhere.</param>
    /// <remarks>
    /// That an image is not intact counts as long, or a container that is started again and again would have all of it read each time; but only until one of
    /// the files that were named changes, so that a layer that was repaired starts at once.
    /// </remarks>
    /// <exception cref="ImageException">It cannot be measured.</exception>
    public MeasureResult Measure(UnpackedImage image, CancellationToken cancellationToken, TimeSpan? counts = null)
    {
        // Whoever measures just now may then be joined by somebody who measures the same.
        if (_busy.Count > MaxImages)
            _busy.Clear();
        // Fifty containers of one image that start at once wait for one measurement.
        lock (_busy.GetOrAdd(image.Id, _ => new Lock()))
        {
            Dictionary<string, LayerMeasurement> known = [];
            string[] keys = new string[image.Image.Layers.Count];
            Digest[] chain = [.. ChainId.Of([.. image.Image.Layers.Select(l => l.DiffId!)])];
            // A write that ended before this start was asked for must be known before a layer is believed.
            writes?.CatchUp();
            long now = time.GetTimestamp(), oldest = now;
            for (int i = 0; i < keys.Length; i++)
            {
                keys[i] = $"{chain[i]} {image.Folders[i]} {image.IdentityOf(i)}";
                if (!_layers.TryGetValue(keys[i], out Kept? kept) || !(kept.Watched is { } watched ? !watched.Written : time.GetElapsedTime(kept.At, now) < (counts ?? maxAge)))
                    continue;
                known[image.Image.Layers[i].Key] = kept.Layer;
                // A watched one counts as if it was read just now.
                oldest = Math.Min(oldest, kept.Watched is null ? kept.At : now);
            }
            if (_images.Count > MaxImages)
                _images.Clear();
            if (known.Count == keys.Length)
            {
                _images[image.Id] = oldest;
                return new MeasureResult(new Measurement(image.Id, [.. image.Image.Layers.Select(l => known[l.Key])]), null, [], 0, ComparedUnpacked: true);
            }
            string whole = $"{image.Id}\n{string.Join('\n', keys)}";
            if (_failed.TryGetValue(whole, out Failed? failed) && time.GetElapsedTime(failed.At, now) < maxAge && StateOf(failed.Watched) == failed.State)
                return failed.Result;
            if (_layers.Count > MaxLayers || _failed.Count > MaxLayers)
            {
                foreach (string key in _layers.Keys)
                    Forget(key);
                _failed.Clear();
            }
            WatchedLayer?[] begun = new WatchedLayer?[keys.Length];
            try
            {
                for (int i = 0; writes is not null && i < keys.Length; i++)
                    if (!known.ContainsKey(image.Image.Layers[i].Key))
                    {
                        int layer = i;
                        begun[i] = writes.Begin(() => image.OpenFolder(layer), image.Folders[i], cancellationToken);
                    }
                MeasureResult result = Measurer.Measure(image.Image, new MeasureOptions
                {
                    Fresh = l => known.GetValueOrDefault(l.Key),
                    FindKnown = FindFiles is { } find ? diffId => find(image.Id, diffId, cancellationToken) : null,
                }, cancellationToken);
                if (!result.Intact)
                {
                    foreach (string key in keys)
                        Forget(key);
                    IReadOnlyList<string> watched = Watched(image, chain, result);
                    _failed[whole] = new Failed(result, now, watched, StateOf(watched));
                    return result;
                }
                _failed.TryRemove(whole, out _);
                _images[image.Id] = oldest;
                for (int i = 0; i < keys.Length; i++)
                    // One that was not read keeps its time: it counts no longer for having been asked for.
                    if (!known.ContainsKey(image.Image.Layers[i].Key))
                    {
                        Forget(keys[i]);
                        _layers[keys[i]] = new Kept(result.Measurement!.Layers[i], now, begun[i]);
                        begun[i] = null;
                        Interlocked.Increment(ref _read);
                    }
                return result;
            }
            finally
            {
                // Watched in vain: the layer is wrong, or could not be read.
                foreach (WatchedLayer? watched in begun)
                    if (watched is not null)
                        writes!.End(watched);
            }
        }
    }

    private void Forget(string key)
    {
        if (_layers.TryRemove(key, out Kept? kept) && kept.Watched is { } watched)
            writes!.End(watched);
    }

    private List<string> Watched(UnpackedImage image, Digest[] chain, MeasureResult result)
    {
        List<string> watched = [];
        foreach (int layer in result.Differences.Select(d => d.Layer).Where(l => l > 0 && l <= chain.Length).Distinct())
            watched.AddRange(((string[])["tar-split.json.gz", "diff", "cache-id"]).Select(n => $"{store.Root}/image/overlay2/layerdb/sha256/{chain[layer - 1].Hex}/{n}"));
        foreach (Difference difference in result.Differences)
            watched.Add(difference.Kind == DifferenceKind.Stack || difference.Layer < 1 || difference.Layer > chain.Length ? $"{store.Root}/{difference.Path}" : $"{store.Root}/overlay2/{image.Folders[difference.Layer - 1]}/diff/{difference.Path}");
        return watched.Count > MaxWatched ? watched[..MaxWatched] : watched;
    }

    private static string StateOf(IReadOnlyList<string> paths) => string.Join('\n', paths.Select(p => OwnFiles.StateOf(p, follow: false)));
}
