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

    private readonly IReadOnlyList<IAnalyser> _analysers;
    private readonly LayerCache? _cache;
    private readonly Verification _verification;
    private readonly Action<ImageLayer>? _done;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LayerFacts> _facts = [];
    private readonly Dictionary<string, LayerDraft> _unfinished = [];
    private readonly HashSet<string> _fromCache = [];
    private readonly FactBudget _budget = new();

    /// <summary>One for each layer that is read at once.</summary>
    private readonly ConcurrentBag<ContentBuffer> _buffers = [];

    /// <param name="cache">Null: nothing is looked up or stored.</param>
    /// <param name="done">Told of each layer that was read or found.</param>
    public LayerScanner(IReadOnlyList<IAnalyser> analysers, LayerCache? cache, Verification verification, Action<ImageLayer>? done)
    {
        (_analysers, _cache, _verification, _done) = (analysers, cache, verification, done);
    }

    /// <summary>Reads every layer of the image that is not known.</summary>
    /// <returns>Facts by <see cref="ImageLayer.Key"/>, and the keys of those that came from the cache.</returns>
    public (IReadOnlyDictionary<string, LayerFacts> Facts, IReadOnlySet<string> FromCache) Read(Image image, int parallelism, CancellationToken cancellationToken)
    {
        image.ReadLayers(this, parallelism, cancellationToken);
        for (int pass = 0; pass < MaxLinkPasses && _unfinished.Values.Any(d => d.HasOpenLinks); pass++)
            image.ReadLayers(this, parallelism, cancellationToken);
        foreach ((string key, LayerDraft draft) in _unfinished)
            Finish(key, draft);
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
        if (!proven || _cache is null || layer.DiffId is not { } diffId || _cache.Find(diffId) is not { } facts)
            return false;
        lock (_lock)
        {
            _facts[layer.Key] = facts;
            _fromCache.Add(layer.Key);
        }
        _done?.Invoke(layer);
        return true;
    }

    public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken)
    {
        LayerDraft? earlier;
        lock (_lock)
            _unfinished.TryGetValue(layer.Key, out earlier);
        LayerDraft draft = earlier ?? new LayerDraft(_analysers, _budget);
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
        LayerFacts facts = draft.ToFacts();
        lock (_lock)
            _facts[key] = facts;
        if (draft.DiffId is { } diffId && _verification == Verification.Full)
            _cache?.Add(diffId, facts);
    }
}
