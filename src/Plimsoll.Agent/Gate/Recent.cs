namespace Plimsoll.Agent.Gate;

/// <summary>Remembers what the last two rounds asked for, and nothing older: it grows with what is there and not with the time.</summary>
/// <remarks>For one thread.</remarks>
internal sealed class Recent<TKey, TValue> where TKey : notnull
{
    private Dictionary<TKey, TValue> _before = [], _now = [];

    public int Count => _now.Count;

    /// <param name="make">Asked when neither this round nor the one before had it.</param>
    public TValue Get(TKey key, Func<TKey, TValue> make)
    {
        if (_now.TryGetValue(key, out TValue? known))
            return known;
        return _now[key] = _before.TryGetValue(key, out known) ? known : make(key);
    }

    public bool TryGet(TKey key, out TValue? value)
    {
        if (_now.TryGetValue(key, out value))
            return true;
        if (!_before.TryGetValue(key, out value))
            return false;
        _now[key] = value;
        return true;
    }

    public void Set(TKey key, TValue value) => _now[key] = value;

    public void EndRound() => (_before, _now) = (_now, []);
}
