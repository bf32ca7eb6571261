using System.Collections.Concurrent;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Layers;

/// <summary>Walks layers once, hands files to the analysers that want them, and keeps the facts of each layer.</summary>
/// <remarks>
/// A hard link's content lies under another name, which may have passed before anyone knew that it would be wanted. Such
/// layers are walked again, by a second call of <see cref="Read"/>'s loop, for just those files.
/// </remarks>
internal sealed class LayerScanner : ILayerVisitor
{
    /// <summary>A link to a link to a link: writers make one, chains of this length none.</summary>
    private const int MaxLinkPasses = 4;

    private readonly IReadOnlyList<FactGroup> _groups;
    private readonly LayerCache? _cache;
    private readonly Verification _verification;
    private readonly Action<ImageLayer>? _done;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LayerFacts> _facts = [];
    private readonly Dictionary<string, LayerDraft> _unfinished = [];

    /// <summary>Of layers that only some groups know: their facts.</summary>
    private readonly Dictionary<string, LayerFacts?[]> _known = [];
    private readonly HashSet<string> _fromCache = [];
    private readonly FactBudget _budget = new();

    /// <summary>One for each layer that is read at once.</summary>
    private readonly ConcurrentBag<ContentBuffer> _buffers = [];

    /// <param name="cache">Null: nothing is looked up or stored.</param>
    /// <param name="done">Told of each layer that was read or found.</param>
    public LayerScanner(IReadOnlyList<FactGroup> groups, LayerCache? cache, Verification verification, Action<ImageLayer>? done)
    {
        (_groups, _cache, _verification, _done) = (groups, cache, verification, done);
    }

    /// <summary>Reads every layer of the image that is not known.</summary>
    /// <returns>Facts by <see cref="ImageLayer.Key"/>, and the keys of those that came from the cache.</returns>
    public (IReadOnlyDictionary<string, LayerFacts> Facts, IReadOnlySet<string> FromCache) Read(Image image, int parallelism, CancellationToken cancellationToken)
    {
        image.ReadLayers(this, parallelism, cancellationToken);
        for (int pass = 0; image.CanReadAgain && pass < MaxLinkPasses && _unfinished.Values.Any(d => d.HasOpenLinks); pass++)
            image.ReadLayers(this, parallelism, cancellationToken);
        foreach ((string key, LayerDraft draft) in _unfinished)
        {
            if (!image.CanReadAgain)
                draft.LeaveLinksUnread();
            Finish(key, draft);
        }
        _unfinished.Clear();
        _cache?.Flush();
        return (_facts, _fromCache);
    }

    public bool Skip(ImageLayer layer, bool proven)
    {
        lock (_lock)
        {
            if (_facts.ContainsKey(layer.Key))
                return true;
            if (_unfinished.TryGetValue(layer.Key, out LayerDraft? draft))
                return !draft.HasOpenLinks;
        }
        if (!proven || _cache is null || layer.DiffId is not { } diffId)
            return false;
        LayerFacts?[] known = [.. _groups.Select(g => _cache.Find(diffId, g))];
        if (Array.TrueForAll(known, k => k is null))
            return false;
        lock (_lock)
        {
            if (Array.Exists(known, k => k is null))
            {
                _known[layer.Key] = known;
                return false;
            }
            _facts[layer.Key] = Merge(known!);
            _fromCache.Add(layer.Key);
        }
        _done?.Invoke(layer);
        return true;
    }

    public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken)
    {
        LayerDraft? earlier;
        LayerFacts?[]? known;
        lock (_lock)
        {
            _unfinished.TryGetValue(layer.Key, out earlier);
            known = _known.GetValueOrDefault(layer.Key);
        }
        LayerDraft draft = earlier ?? new LayerDraft([.. _groups.Where((_, i) => known?[i] is null).SelectMany(g => g.Analysers)], _budget);
        if (!_buffers.TryTake(out ContentBuffer? buffer))
            buffer = new ContentBuffer();
        try
        {
            if (earlier is null)
                draft.Walk(entries, buffer, cancellationToken);
            else
                draft.FollowLinks(entries, buffer, cancellationToken);
        }
        finally
        {
            buffer.Release();
            _buffers.Add(buffer);
        }
        return draft;
    }

    public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited)
    {
        LayerDraft draft = (LayerDraft)visited;
        draft.TarBytes = tarBytes;
        draft.DiffId = diffId;
        lock (_lock)
            _unfinished[layer.Key] = draft;
        if (!draft.HasOpenLinks)
        {
            Finish(layer.Key, draft);
            lock (_lock)
                _unfinished.Remove(layer.Key);
        }
        _done?.Invoke(layer);
    }

    private void Finish(string key, LayerDraft draft)
    {
        LayerFacts?[] parts;
        lock (_lock)
            parts = _known.GetValueOrDefault(key) ?? new LayerFacts?[_groups.Count];
        for (int i = 0; i < parts.Length; i++)
        {
            if (parts[i] is not null)
                continue;
            parts[i] = draft.ToFacts(_groups[i]);
            if (draft.DiffId is { } diffId && _verification == Verification.Full && !draft.HasUnreadLinks && _groups[i].MayKeep())
                _cache?.Add(diffId, _groups[i], parts[i]!);
        }
        lock (_lock)
            _facts[key] = Merge(parts!);
    }

    /// <summary>The facts of all groups as one; the first group's say what the layer is.</summary>
    private static LayerFacts Merge(LayerFacts[] parts)
    {
        if (parts.Length == 1 || Array.TrueForAll(parts[1..], p => p is { Files.Count: 0, Displaced.Count: 0, Gaps.Count: 0 }))
            return parts[0];
        return parts[0] with
        {
            Files = [.. parts.SelectMany(p => p.Files).OrderBy(f => f.Path, StringComparer.Ordinal).ThenBy(f => f.Analyser, StringComparer.Ordinal)],
            Displaced = [.. parts.SelectMany(p => p.Displaced).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            Gaps = [.. parts.SelectMany(p => p.Gaps)],
        };
    }
}
