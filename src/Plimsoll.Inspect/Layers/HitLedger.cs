namespace Plimsoll.Inspect.Layers;

/// <summary>Which hits are in sight, since which layer, and which went with a later one. Costs what changes, not what is there.</summary>
internal sealed class HitLedger
{
    /// <param name="Nth">Of several alike in one file: a line that moves is no new hit.</param>
    private readonly record struct HitKey(string Path, string Analyser, string Rule, string Evidence, string Detail, int Nth);

    private readonly Dictionary<HitKey, FileHit> _shown = [];
    private readonly Dictionary<HitKey, FileHit> _dropped = [];
    private readonly Dictionary<HitKey, (FileFacts Facts, Hit Hit)> _taken = [];
    private readonly List<FileHit> _removed = [];

    public IEnumerable<FileHit> Shown => _shown.Values;

    public IReadOnlyList<FileHit> Removed => _removed;

    public void Drop(FileFacts facts)
    {
        foreach ((HitKey key, _) in KeysOf(facts))
            if (_shown.Remove(key, out FileHit? shown))
                _dropped[key] = shown;
    }

    public void Take(FileFacts facts)
    {
        foreach ((HitKey key, Hit hit) in KeysOf(facts))
            _taken[key] = (facts, hit);
    }

    /// <summary>Settles what one layer dropped and took: what it has again stays as old as it was.</summary>
    public void Settle(Origin origin)
    {
        foreach ((HitKey key, (FileFacts facts, Hit hit)) in _taken)
            _shown[key] = new FileHit { Path = facts.Path, Analyser = facts.Analyser, Hit = hit, Origin = _dropped.Remove(key, out FileHit? before) ? before.Origin : origin };
        foreach ((_, FileHit gone) in _dropped)
            _removed.Add(gone with { RemovedBy = origin });
        _taken.Clear();
        _dropped.Clear();
    }

    private static IEnumerable<(HitKey Key, Hit Hit)> KeysOf(FileFacts facts)
    {
        if (facts.Hits.Count == 1)
        {
            yield return (new HitKey(facts.Path, facts.Analyser, facts.Hits[0].Rule, facts.Hits[0].Evidence, facts.Hits[0].Detail, 0), facts.Hits[0]);
            yield break;
        }
        Dictionary<HitKey, int> counts = [];
        foreach (Hit hit in facts.Hits)
        {
            HitKey key = new(facts.Path, facts.Analyser, hit.Rule, hit.Evidence, hit.Detail, 0);
            counts[key] = counts.TryGetValue(key, out int before) ? before + 1 : 0;
            yield return (key with { Nth = counts[key] }, hit);
        }
    }
}
